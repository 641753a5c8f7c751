//! `musubi connector …`: the kinds of systems that can be connected.

mod list;
mod new;
mod patient;
mod show;
mod test;

pub(super) use show::find;

use super::{CliResult, Context};

#[derive(clap::Subcommand)]
pub enum Command {
    /// List the connectors with what each can do
    List,
    /// Show one connector: its settings, kinds of records and webhook
    Show {
        /// Name as `connector list` shows it
        name: String,
    },
    /// Run the list that every connector must pass
    Test(test::Args),
    /// Write a connector to start from, which passes `connector test`
    New(new::Args),
}

pub async fn run(context: &Context, command: Command) -> CliResult {
    match command {
        Command::List => list::run(context),
        Command::Show { name } => show::run(context, &name),
        Command::Test(args) => test::run(context, args).await,
        Command::New(args) => new::run(context, &args),
    }
}
