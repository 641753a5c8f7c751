//! `musubi restore FILE`: fills the configured, empty database from a backup.

use std::path::PathBuf;

use super::{CliResult, Context, Outcome, copy::report};
use crate::store;

#[derive(clap::Args)]
pub struct Args {
    /// Backup made by `musubi backup`, on either database
    file: PathBuf,
}

pub async fn run(context: &Context, args: Args) -> CliResult {
    let db = context.database().await?;
    let copied = store::backup::restore(&args.file, &db).await.map_err(anyhow::Error::from)?;
    db.close().await;
    let target = context.config.database.shown();
    report(context.output, &copied, &format!("Restored {} into {target}", args.file.display()));
    context.output.note(
        "\nStored passwords and tokens open only with the key that was in use when the backup was made:\n\
         put it where secrets.key_file says, then run `musubi doctor`.",
    );
    Ok(Outcome::Done)
}
