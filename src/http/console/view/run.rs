//! `/runs/{id}`: what happened in one run; also the card of a run in progress.

use super::status::{State, Status};
use crate::{
    http::console::{
        Shell, chart,
        markup::{Markup, escape},
    },
    model::Timestamp,
};

/// One stream within a run.
#[derive(Clone, Debug)]
pub struct RunStream {
    pub name: String,
    pub state: State,
    pub read: i64,
    pub new: i64,
    pub updated: i64,
    pub unchanged: i64,
    /// Waiting for a customer that has not arrived.
    pub parked: i64,
    pub failed: i64,
    /// What the source says it has; `None` is shown as 件数未確認.
    pub source_count: Option<i64>,
    pub cursor_from: Option<String>,
    pub cursor_to: Option<String>,
}

impl RunStream {
    /// Done so far in percent, where the source told its count.
    #[must_use]
    pub fn percent(&self) -> Option<i64> {
        match self.state.now {
            Status::Healthy | Status::Partial => Some(100),
            Status::NotRun => Some(0),
            _ => {
                let of = self.source_count.filter(|count| *count > 0)?;
                Some((self.read.saturating_mul(100) / of).clamp(0, 99))
            }
        }
    }

    #[must_use]
    pub fn bar(&self, s: &Shell) -> Markup {
        let class = match self.state.now.class() {
            "idle" => "run",
            class => class,
        };
        match self.percent() {
            Some(percent) => chart::progress(percent, class, s.word("stream", &self.name)),
            // Without a count there is no honest percentage.
            None => Markup::new(format!(
                "<progress class=\"busy\" aria-label=\"{}\"></progress>",
                escape(s.word("stream", &self.name))
            )),
        }
    }
}

/// A run in progress as a card.
#[derive(Clone, Debug)]
pub struct Progress {
    pub run_id: String,
    pub number: i64,
    pub trigger: String,
    pub actor: Option<String>,
    pub started_at: Timestamp,
    pub streams: Vec<RunStream>,
}

/// One try of a run and why it ended.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub at: Timestamp,
    pub state: State,
    pub cause: Option<String>,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct RunPage {
    /// Its connection has something to fetch.
    pub pulls: bool,
    pub id: String,
    pub number: i64,
    pub connection_id: String,
    pub connection_name: String,
    pub kind: String,
    pub trigger: String,
    pub actor: Option<String>,
    pub state: State,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    pub mapping_version: i64,
    pub requests: i64,
    pub throttled: i64,
    /// Stable cause code.
    pub cause: Option<String>,
    /// One sentence of the run, free of personal data.
    pub detail: Option<String>,
    pub streams: Vec<RunStream>,
    /// Failures of this run that are still open.
    pub open_failures: i64,
    pub attempts: Vec<Attempt>,
    pub command: String,
}

impl RunPage {
    #[must_use]
    pub fn running(&self) -> bool {
        self.finished_at.is_none()
    }

    /// Finished well and nothing was new: a success that says so.
    #[must_use]
    pub fn nothing_changed(&self) -> bool {
        !self.running() && self.state.now == Status::Healthy && self.streams.iter().all(|s| s.new + s.updated == 0)
    }

    #[must_use]
    pub fn sum(&self, of: fn(&RunStream) -> i64) -> i64 {
        self.streams.iter().map(of).sum()
    }

    #[must_use]
    pub fn sums(&self) -> [(&'static str, i64); 6] {
        [
            ("run.read", self.sum(|s| s.read)),
            ("run.new", self.sum(|s| s.new)),
            ("run.updated", self.sum(|s| s.updated)),
            ("run.unchanged", self.sum(|s| s.unchanged)),
            ("run.parked", self.sum(|s| s.parked)),
            ("run.failed", self.sum(|s| s.failed)),
        ]
    }
}
