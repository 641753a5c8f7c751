//! `musubi demo`: the hub with a sample company and two sample systems that send orders.

use std::path::PathBuf;

use super::{CliError, CliResult, Context};

#[derive(clap::Args)]
pub struct Args {
    /// Folder of the demo's database and key
    #[arg(long, value_name = "FOLDER", default_value = ".musubi/demo")]
    folder: PathBuf,
    /// Begin anew: removes that folder first
    #[arg(long)]
    fresh: bool,
}

pub async fn run(context: Context, args: Args) -> CliResult {
    let context = prepare(context, &args)?;
    start(context).await
}

/// Everything of the demo lives in one folder, so that it never touches a real installation.
fn prepare(mut context: Context, args: &Args) -> Result<Context, CliError> {
    let failed = |e: std::io::Error| {
        CliError::Other(anyhow::Error::from(e).context(format!("cannot use {}", args.folder.display())))
    };
    // Only a folder that a demo made is ever removed.
    let mark = args.folder.join("musubi-demo");
    if args.fresh && mark.exists() {
        std::fs::remove_dir_all(&args.folder).map_err(failed)?;
    }
    std::fs::create_dir_all(&args.folder).map_err(failed)?;
    std::fs::write(&mark, "This folder belongs to `musubi demo`; --fresh removes it.\n").map_err(failed)?;
    context.config.database.url = format!("sqlite://{}", args.folder.join("musubi.db").display());
    context.config.secrets.key.clear();
    context.config.secrets.key_file = args.folder.join("musubi.key").display().to_string();
    Ok(context)
}

async fn start(_context: Context) -> CliResult {
    Err(CliError::Other(anyhow::anyhow!("this build has no demo yet")))
}
