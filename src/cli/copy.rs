//! `musubi copy --from URL --to URL`: moves an installation to another database.

use super::{CliError, CliResult, Context, Outcome, Output};
use crate::{
    config::database::shown,
    store::{self, copy::Copied},
};

#[derive(clap::Args)]
pub struct Args {
    /// Database to read; stop the hub first, or what it writes meanwhile is not in the copy
    #[arg(long, value_name = "URL")]
    from: String,
    /// Database to fill; it must be empty
    #[arg(long, value_name = "URL")]
    to: String,
}

pub async fn run(context: &Context, args: Args) -> CliResult {
    if args.from == args.to {
        return Err(CliError::Usage("--from and --to name the same database".into()));
    }
    // A missing source must not be made.
    if let Some(path) = args.from.strip_prefix("sqlite://")
        && !std::path::Path::new(path).is_file()
    {
        return Err(CliError::NotFound(format!("there is no database file {path}")));
    }
    let from = super::open(&args.from, 2).await?;
    let to = super::open(&args.to, 2).await?;
    let copied = store::copy::copy(&from, &to).await.map_err(anyhow::Error::from)?;
    from.close().await;
    to.close().await;
    report(context.output, &copied, &format!("Copied {} to {}", shown(&args.from), shown(&args.to)));
    Ok(Outcome::Done)
}

/// The tables that hold something, and the sum.
pub(super) fn report(output: Output, copied: &Copied, title: &str) {
    let mut rows: Vec<Vec<String>> = copied
        .tables
        .iter()
        .filter(|(_, rows)| *rows > 0)
        .map(|(table, rows)| vec![table.clone(), rows.to_string()])
        .collect();
    rows.push(vec!["total".into(), copied.rows().to_string()]);
    let tables: serde_json::Map<_, _> =
        copied.tables.iter().map(|(table, rows)| (table.clone(), (*rows).into())).collect();
    output.table(&serde_json::json!({"tables": tables, "rows": copied.rows()}), &["table", "rows"], &rows);
    output.note(title);
}
