//! `musubi run …`: what syncs, replays and minutes of webhooks did.

pub mod line;
mod list;
mod retry;
pub mod show;

use super::{
    CliError, CliResult, Context,
    installation::{Installation, missing},
};
use crate::store::{
    read_operations,
    run::{self, Run},
};

#[derive(clap::Subcommand)]
pub enum Command {
    /// List the newest runs
    List(list::Args),
    /// Show one run with its counts for each kind of record
    Show {
        /// Id, or number as in 17 or #17
        run: String,
    },
    /// Pull the connection of a run again, now
    Retry(retry::Args),
}

pub async fn run(context: &Context, command: Command) -> CliResult {
    match command {
        Command::List(args) => list::run(context, args).await,
        Command::Show { run } => show::run(context, &run).await,
        Command::Retry(args) => retry::run(context, &args).await,
    }
}

/// The run of an id or a number.
async fn find(here: &Installation, named: &str) -> Result<Run, CliError> {
    let number = named.strip_prefix('#').unwrap_or(named).parse::<i64>().ok();
    let found = match number {
        Some(number) => read_operations::run_by_number(&here.db, number).await?,
        None => run::get(&here.db, named).await?,
    };
    found.ok_or_else(|| missing("run", named, None, "musubi run list"))
}
