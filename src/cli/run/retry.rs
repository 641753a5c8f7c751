//! `musubi run retry`: the same question to the source again.

use super::find;
use crate::{
    cli::{
        CliError, CliResult, Context,
        connection::{Wait, request},
        installation::Installation,
    },
    store::connection,
};

#[derive(clap::Args)]
pub struct Args {
    /// Id, or number as in 17 or #17
    run: String,
    #[command(flatten)]
    wait: Wait,
}

pub async fn run(context: &Context, args: &Args) -> CliResult {
    let here = Installation::open(context).await?;
    let run = find(&here, &args.run).await?;
    if run.trigger_kind == "replay" {
        return Err(CliError::Usage(format!(
            "#{} is a replay: `musubi failure replay` repeats what is still open",
            run.number
        )));
    }
    let row = connection::get(&here.db, &run.connection_id).await?;
    let row = row.ok_or_else(|| CliError::NotFound(format!("the connection of run #{} was removed", run.number)))?;
    request(context, &here, &row, &args.wait).await
}
