//! What every part of the engine shares.

use std::{collections::HashSet, sync::Arc};

use jiff::tz::TimeZone;

use crate::{clock::Clock, config, connection::Registry, master::Outcome, model::Currency, secrets::Keys, store::Db};

use super::{committer::Committer, knocks::Knocks, refusals::Refusals, webhooks::Couriers};

/// Told after every commit which customers look different and which run moved.
pub type OnCommit = Arc<dyn Fn(&HashSet<String>, &str) + Send + Sync>;

/// See the module. One per process.
#[derive(Clone)]
pub struct Engine {
    pub db: Db,
    pub clock: Clock,
    pub keys: Arc<Keys>,
    /// Name of this process in leases: fixed for SQLite, where there is only one.
    pub node: String,
    pub settings: config::Sync,
    pub inbox: config::Inbox,
    pub webhooks: config::Webhooks,
    pub health: config::Health,
    pub zone: TimeZone,
    pub currency: Currency,
    pub registry: Arc<Registry>,
    pub committer: Committer,
    pub refusals: Arc<Refusals>,
    pub on_commit: OnCommit,
    /// Wakes the inbox worker of this node.
    pub knocks: Arc<Knocks>,
    pub couriers: Couriers,
    /// Wakes whoever sends events from this node.
    pub told: Arc<tokio::sync::Notify>,
    /// Wakes the scheduler of this node.
    pub due_changed: Arc<tokio::sync::Notify>,
}

impl Engine {
    pub fn announce(&self, outcome: &Outcome, run_id: &str) {
        (self.on_commit)(&outcome.customers, run_id);
        self.told.notify_one();
    }

    /// Tells open pages that figures of operations moved, without a run.
    pub fn moved(&self) {
        (self.on_commit)(&HashSet::new(), "");
    }
}
