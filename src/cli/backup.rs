//! `musubi backup FILE`: everything the hub knows, in one file, while it works.

use std::path::PathBuf;

use super::{CliResult, Context, Outcome, copy::report};
use crate::store;

#[derive(clap::Args)]
pub struct Args {
    /// File to write; it must not exist
    file: PathBuf,
}

pub async fn run(context: &Context, args: Args) -> CliResult {
    let db = context.database().await?;
    let copied = store::backup::backup(&db, &args.file).await.map_err(anyhow::Error::from)?;
    db.close().await;
    report(context.output, &copied, &format!("Backup written and checked: {}", args.file.display()));
    let key = match context.config.secrets.key_file.as_str() {
        path if context.config.secrets.key.is_empty() && !path.is_empty() => format!("the key file {path}"),
        _ => "the key in secrets.key (MUSUBI_SECRETS__KEY)".to_owned(),
    };
    context.output.note(&format!(
        "\nATTENTION: {key} is NOT in this backup.\n\
         Without it the stored passwords and tokens of your connections cannot be opened after a restore\n\
         and must be typed in again. Keep a copy of it, in another place than the backup."
    ));
    Ok(Outcome::Done)
}
