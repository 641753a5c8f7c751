//! The words for states: one model for sync (UX section 6), one for the health of a customer.

use crate::{analytics::Health, model::Timestamp};

/// State of a stream, a connection or a run. The order is from worst to best, so that the worst
/// stream decides for its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// The source refuses our credentials.
    Reconnect,
    /// The last run failed and no retry is pending.
    Failed,
    /// The freshness target is missed.
    Delayed,
    /// A retry is pending, at this time if known.
    Retrying(Option<Timestamp>),
    /// Some records failed.
    Partial,
    Running,
    Healthy,
    NotRun,
    Paused,
    Excluded,
}

impl Status {
    /// Style class: `ok`, `warn`, `bad`, `run` or `idle`.
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self {
            Self::Healthy => "ok",
            Self::Partial | Self::Retrying(_) => "warn",
            Self::Delayed | Self::Failed | Self::Reconnect => "bad",
            Self::Running => "run",
            Self::NotRun | Self::Paused | Self::Excluded => "idle",
        }
    }

    #[must_use]
    pub fn icon(&self) -> &'static str {
        match self {
            Self::Healthy => "check",
            Self::Partial => "warn",
            Self::Retrying(_) => "clock",
            Self::Delayed | Self::Failed => "bad",
            Self::Reconnect => "key",
            Self::Running => "sync",
            Self::NotRun => "dot",
            Self::Paused | Self::Excluded => "pause",
        }
    }

    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::Running => "status.running",
            Self::Healthy => "status.healthy",
            Self::Partial => "status.partial",
            Self::Delayed => "status.delayed",
            Self::Failed => "status.failed",
            Self::Retrying(_) => "status.retrying",
            Self::Reconnect => "status.reconnect",
            Self::Paused => "status.paused",
            Self::Excluded => "status.excluded",
            Self::NotRun => "status.not_run",
        }
    }

    /// When the retry comes, if one is pending and its time known.
    #[must_use]
    pub fn retry_at(&self) -> Option<Timestamp> {
        if let Self::Retrying(at) = self { *at } else { None }
    }
}

/// State plus what came before, shown small while running or retrying.
#[derive(Clone, Copy, Debug)]
pub struct State {
    pub now: Status,
    pub before: Option<Status>,
}

impl From<Status> for State {
    fn from(now: Status) -> Self {
        Self { now, before: None }
    }
}

#[must_use]
pub fn health_key(health: Health) -> &'static str {
    match health {
        Health::Good => "health.good",
        Health::Watch => "health.watch",
        Health::Act => "health.act",
        Health::New => "health.new",
        Health::Dormant => "health.dormant",
    }
}

#[must_use]
pub fn health_class(health: &Health) -> &'static str {
    match health {
        Health::Good => "ok",
        Health::Watch => "warn",
        Health::Act => "bad",
        Health::New | Health::Dormant => "",
    }
}

#[must_use]
pub fn health_icon(health: &Health) -> &'static str {
    match health {
        Health::Good => "check",
        Health::Watch => "warn",
        Health::Act => "bad",
        Health::New => "dot",
        Health::Dormant => "pause",
    }
}
