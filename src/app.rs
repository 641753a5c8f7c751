//! Composition root: configuration in, a running hub out.

use std::sync::Arc;

use tokio::sync::broadcast;

use crate::{
    analytics::directory::Directory, clock::Clock, config::Config, http::Edge, identity::Identity, secrets::Keys,
    store::Db,
};

/// Everything a request handler or worker may use. One per process.
pub struct Hub {
    pub config: Config,
    pub db: Db,
    pub clock: Clock,
    pub keys: Keys,
    pub directory: Directory,
    pub identity: Identity,
    pub edge: Edge,
    pub changes: broadcast::Sender<Change>,
}

pub type SharedHub = Arc<Hub>;

/// Told to open pages after a commit, so that they can show what is new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Something in this customer's history or master record is new.
    Customer(String),
    /// Counts or state of this run moved.
    Run(String),
    /// The set of failures, webhook events or connection states changed.
    Operations,
}
