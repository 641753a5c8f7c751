//! `/connections/{id}/watch`: how fresh a connection has to be, who looks after it and who is told.

use super::sync_health::LevelShown;

/// Somebody who may be told.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: String,
    pub name: String,
    pub mail: String,
    pub told: bool,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct WatchPage {
    pub id: String,
    pub name: String,
    pub kind: String,
    /// `updated_at` of what the form shows.
    pub revision: i64,
    /// `plan`, `own` or `none`.
    pub mode: String,
    /// What the plan gives, microseconds.
    pub of_plan: Option<i64>,
    /// The own target: a number and `m`, `h` or `d`.
    pub number: String,
    pub unit: String,
    /// Empty: as configured.
    pub objective: String,
    pub configured: String,
    pub level: LevelShown,
    pub people: Vec<Person>,
    pub caretaker: String,
    /// Word of a kind and whether it is told.
    pub kinds: Vec<(&'static str, bool)>,
    /// Nothing is sent by mail here.
    pub no_mail: bool,
    /// Receivers of webhooks that want these events.
    pub receivers: Vec<String>,
    /// Field and code.
    pub errors: Vec<(&'static str, &'static str)>,
}

impl WatchPage {
    #[must_use]
    pub fn error(&self, field: &str) -> Option<&'static str> {
        self.errors.iter().find(|(name, _)| *name == field).map(|(_, code)| *code)
    }
}
