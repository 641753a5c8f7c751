//! `musubi receiver …`: who is told what happens, by webhooks that the hub sends.

mod again;
mod change;
mod list;

use super::{CliError, CliResult, Context, installation::Installation, installation::missing};
use crate::store::receiver::{self, Row};

#[derive(clap::Subcommand)]
pub enum Command {
    /// List the receivers: what they want, whether they answer
    List,
    /// Tell another system what happens; prints the secret it checks signatures with, once
    Add(change::AddArgs),
    /// Change name, address or events of a receiver; what is not named stays
    Set(change::SetArgs),
    /// Send nothing for now; what happens waits
    Pause {
        /// Id or name
        receiver: String,
    },
    /// Go on sending; a receiver that was out of service gets what it missed
    Resume {
        /// Id or name
        receiver: String,
    },
    /// Make a new secret and print it, once; the old one signs as well for webhooks.overlap
    RotateSecret {
        /// Id or name
        receiver: String,
    },
    /// Forget a receiver, and what waits for it
    Remove {
        /// Id or name
        receiver: String,
    },
    /// Show what was sent, what waits and what was given up
    Deliveries(again::DeliveriesArgs),
    /// Send a test event
    Test {
        /// Id or name
        receiver: String,
    },
    /// Send again: single events, a time span, a customer, or what was given up
    Replay(again::ReplayArgs),
}

pub async fn run(context: &Context, command: Command) -> CliResult {
    match command {
        Command::List => list::run(context).await,
        Command::Add(args) => change::add(context, args).await,
        Command::Set(args) => change::set(context, args).await,
        Command::Pause { receiver } => change::pause(context, &receiver, true).await,
        Command::Resume { receiver } => change::pause(context, &receiver, false).await,
        Command::RotateSecret { receiver } => change::rotate_secret(context, &receiver).await,
        Command::Remove { receiver } => change::remove(context, &receiver).await,
        Command::Deliveries(args) => again::deliveries(context, &args).await,
        Command::Test { receiver } => again::test(context, &receiver).await,
        Command::Replay(args) => again::replay(context, &args).await,
    }
}

/// The receiver of an id or a name.
async fn find(here: &Installation, named: &str) -> Result<Row, CliError> {
    let all = receiver::all(&here.db).await?;
    if let Some(row) = all.iter().find(|row| row.id == named || row.name == named) {
        return Ok(row.clone());
    }
    let near = musubi_sdk::manifest::nearest(named, all.iter().map(|row| row.name.as_str()));
    Err(missing("receiver", named, near, "musubi receiver list"))
}
