//! `musubi run list`.

use super::line;
use crate::{
    cli::{CliResult, Context, Outcome, installation::Installation},
    store::operations,
};

#[derive(clap::Args)]
pub struct Args {
    /// Only of this connection: id or name
    #[arg(long)]
    connection: Option<String>,
    /// Only in this state
    #[arg(long, value_parser = ["running", "succeeded", "partial", "failed", "interrupted"])]
    state: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
}

pub async fn run(context: &Context, args: Args) -> CliResult {
    let here = Installation::open(context).await?;
    let connection = match &args.connection {
        Some(named) => Some(here.connection(named).await?.id),
        None => None,
    };
    let runs = operations::runs(&here.db, connection.as_deref(), args.state.as_deref(), None, args.limit).await?;
    let rows: Vec<Vec<String>> = runs.iter().map(|run| line::cells(run, &here.zone)).collect();
    let documents: Vec<_> = runs.iter().map(line::document).collect();
    context.output.table(&documents, &line::HEADER, &rows);
    Ok(Outcome::Done)
}
