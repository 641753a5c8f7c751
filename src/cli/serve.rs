//! `musubi serve`: the hub itself, until it is told to stop.

use super::{CliError, CliResult, Context};

#[derive(clap::Args)]
pub struct Args {
    /// Only check that the hub could start: configuration, key, database
    #[arg(long)]
    check: bool,
}

pub async fn run(context: Context, args: Args) -> CliResult {
    if args.check {
        return super::doctor::run(&context, super::doctor::Args::default()).await;
    }
    start(context).await
}

async fn start(_context: Context) -> CliResult {
    Err(CliError::Other(anyhow::anyhow!("this build has no server yet")))
}
