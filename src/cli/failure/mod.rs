//! `musubi failure …`: records that could not be applied, and their ways out.

mod decide;
mod list;
mod replay;
mod show;

use super::{
    CliError, CliResult, Context,
    installation::{Installation, missing},
};
use crate::{
    model::View,
    store::failure::{self, Failure},
};

#[derive(clap::Subcommand)]
pub enum Command {
    /// List failures, the latest first
    List(list::Args),
    /// Show one failure with its payload
    Show {
        /// Id, as `failure list` shows it
        failure: String,
    },
    /// Apply the payloads again, with today's mapping and master record
    Replay(replay::Args),
    /// Choose not to take a record; it stays so until the source changes it
    Ignore {
        /// Id, as `failure list` shows it
        failure: String,
        /// Why, for those who look later
        #[arg(long)]
        reason: String,
    },
    /// Take back an ignore
    Restore {
        /// Id, as `failure list` shows it
        failure: String,
    },
}

pub async fn run(context: &Context, command: Command) -> CliResult {
    match command {
        Command::List(args) => list::run(context, args).await,
        Command::Show { failure } => show::run(context, &failure).await,
        Command::Replay(args) => replay::run(context, args).await,
        Command::Ignore { failure, reason } => decide::ignore(context, &failure, &reason).await,
        Command::Restore { failure } => decide::restore(context, &failure).await,
    }
}

async fn find(here: &Installation, id: &str) -> Result<Failure, CliError> {
    failure::get(&here.db, &View::everything(), id)
        .await?
        .ok_or_else(|| missing("failure", id, None, "musubi failure list"))
}
