//! `musubi migrate`: the schema to this program's version. `serve` does the same at its start.

use super::{CliResult, Context, Outcome};
use crate::store::migrate::{self, Step};

#[derive(clap::Args)]
pub struct Args {
    /// Show what would be done
    #[arg(long)]
    dry_run: bool,
}

pub async fn run(context: &Context, args: Args) -> CliResult {
    let db = context.database().await?;
    let before = migrate::plan(&db).await.map_err(anyhow::Error::from)?;
    if !args.dry_run {
        migrate::run(&db).await.map_err(anyhow::Error::from)?;
    }
    let state = |step: &Step| match (step.applied, args.dry_run) {
        (true, _) => "in place",
        (false, true) => "would be applied",
        (false, false) => "applied",
    };
    let rows: Vec<Vec<String>> = before
        .iter()
        .map(|step| vec![format!("{:04}", step.version), step.name.clone(), state(step).to_owned()])
        .collect();
    let document: Vec<_> = before
        .iter()
        .map(|step| serde_json::json!({"version": step.version, "name": step.name, "state": state(step)}))
        .collect();
    context.output.table(&document, &["version", "name", "state"], &rows);
    db.close().await;
    Ok(Outcome::Done)
}
