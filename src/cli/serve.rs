//! `musubi serve`: the hub itself, until it is told to stop.

use super::{CliError, CliResult, Context};

#[derive(clap::Args)]
pub struct Args {}

pub async fn run(context: Context, _args: Args) -> CliResult {
    start(context).await
}

async fn start(_context: Context) -> CliResult {
    Err(CliError::Other(anyhow::anyhow!("this build has no server yet")))
}
