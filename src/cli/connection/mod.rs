//! `musubi connection …`: connected systems.

mod act;
mod add;
mod check;
mod deletes;
mod given;
mod list;
pub mod mapping;
mod push;
mod set;
mod show;
mod state;
mod sync;
mod target;

pub(super) use sync::{Wait, request};

use super::{CliResult, Context};

#[derive(clap::Subcommand)]
pub enum Command {
    /// List the connections with their state
    List,
    /// Show one connection
    Show {
        /// Id or name
        connection: String,
    },
    /// Connect a system: its settings are checked against it before anything is stored
    Add(Box<add::Args>),
    /// Change a connection, for example when its password has changed: checked before anything is stored
    Set(Box<set::Args>),
    /// Try a connection: reach, sign-in, rights, counts
    Check {
        /// Id or name
        connection: String,
    },
    /// Show how a system's records become the hub's, try another mapping, or publish it
    Mapping(mapping::Args),
    /// Pull now instead of at the next planned time; a running hub does it
    Sync(sync::Args),
    /// Stop pulling; webhooks are still stored
    Pause {
        /// Id or name
        connection: String,
    },
    /// Go on pulling
    Resume {
        /// Id or name
        connection: String,
    },
    /// Show or set how fresh a system's data has to be
    Target(target::Args),
    /// Say what a system is told of customers
    Push(push::PushArgs),
    /// Show what a system was not told yet, or try it again
    Deliveries(push::DeliveriesArgs),
    /// Show the deletions that wait for a person, or let them go
    Deletes(deletes::Args),
    /// Make a new webhook secret and print it, once; the old one stays valid for a day
    RotateSecret {
        /// Id or name
        connection: String,
    },
}

pub async fn run(context: &Context, command: Command) -> CliResult {
    match command {
        Command::List => list::run(context).await,
        Command::Show { connection } => show::run(context, &connection).await,
        Command::Add(args) => add::run(context, *args).await,
        Command::Set(args) => set::run(context, *args).await,
        Command::Check { connection } => check::run(context, &connection).await,
        Command::Mapping(args) => mapping::run(context, &args).await,
        Command::Sync(args) => sync::run(context, &args).await,
        Command::Pause { connection } => act::pause(context, &connection, true).await,
        Command::Resume { connection } => act::pause(context, &connection, false).await,
        Command::Target(args) => target::run(context, &args).await,
        Command::Push(args) => push::push(context, &args).await,
        Command::Deliveries(args) => push::deliveries(context, &args).await,
        Command::Deletes(args) => deletes::run(context, &args).await,
        Command::RotateSecret { connection } => act::rotate_secret(context, &connection).await,
    }
}
