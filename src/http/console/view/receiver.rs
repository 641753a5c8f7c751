//! `/webhooks/sent` and `/webhooks/receivers`: who is told what happens, and what became of that.

use crate::{
    http::console::Shell,
    model::{
        Timestamp,
        event::{CHANGES, PROBLEMS, SUBJECTS, wants},
    },
};

/// One receiver in the list.
#[derive(Clone, Debug)]
pub struct ReceiverRow {
    pub id: String,
    pub name: String,
    pub url: String,
    /// `on`, `paused`, `gone` or `given_up`.
    pub state: String,
    pub waiting: i64,
    pub delivered: i64,
    pub dead: i64,
    /// It refuses, and is tried again then.
    pub next_try: Option<Timestamp>,
    pub failing_since: Option<Timestamp>,
}

impl ReceiverRow {
    /// Style class and icon of the state.
    #[must_use]
    pub fn look(&self) -> (&'static str, &'static str) {
        match (self.state.as_str(), self.failing_since) {
            ("paused", _) => ("idle", "pause"),
            ("on", None) => ("ok", "check"),
            ("on", Some(_)) => ("warn", "warn"),
            _ => ("bad", "bad"),
        }
    }

    /// The state in words.
    #[must_use]
    pub fn words(&self, s: &Shell) -> &'static str {
        match (self.state.as_str(), self.failing_since) {
            ("on", Some(_)) => s.t("receiver_state.failing"),
            ("on", None) => s.t("receiver_state.on"),
            ("paused", _) => s.t("receiver_state.paused"),
            ("gone", _) => s.t("receiver_state.gone"),
            _ => s.t("receiver_state.given_up"),
        }
    }
}

/// One event told to one receiver.
#[derive(Clone, Debug)]
pub struct SentRow {
    pub receiver_id: String,
    pub receiver_name: String,
    pub event_id: String,
    pub at: Timestamp,
    /// `order.created`
    pub kind: String,
    pub customer: Option<(String, String)>,
    /// `pending`, `retrying`, `delivered` or `dead`.
    pub state: String,
    pub status: Option<i64>,
    pub cause: Option<String>,
    pub attempts: i64,
    pub next_try: Option<Timestamp>,
}

impl SentRow {
    #[must_use]
    pub fn look(&self) -> (&'static str, &'static str) {
        match self.state.as_str() {
            "delivered" => ("ok", "check"),
            "dead" => ("bad", "bad"),
            "retrying" => ("warn", "clock"),
            _ => ("run", "clock"),
        }
    }

    /// 受注を作成
    #[must_use]
    pub fn title(&self, s: &Shell) -> String {
        match self.kind.split_once('.') {
            Some((subject, change)) if SUBJECTS.contains(&subject) => {
                s.f1(change_key(change), s.word("event_subject", subject))
            }
            Some(("connection", problem)) => {
                format!("{}{}{}", s.t("nav.connections"), s.t("sep"), s.word("problem", problem))
            }
            _ => s.t("sent.test_event").to_owned(),
        }
    }

    #[must_use]
    pub fn href(&self) -> String {
        format!("/webhooks/sent/{}/{}", self.receiver_id, self.event_id)
    }
}

fn change_key(change: &str) -> &'static str {
    match change {
        "created" => "event_change.created",
        "deleted" => "event_change.deleted",
        _ => "event_change.updated",
    }
}

/// `/webhooks/sent`.
#[derive(Clone, Debug)]
pub struct SentPage {
    pub receivers: Vec<ReceiverRow>,
    pub rows: Vec<SentRow>,
    /// Chosen receiver and state; empty for all.
    pub receiver: String,
    pub state: String,
    pub next: Option<String>,
    pub retention_days: i64,
}

/// `/webhooks/sent/{receiver}/{event}`.
#[derive(Clone, Debug)]
pub struct SentDetailPage {
    pub row: SentRow,
    pub url: String,
    pub body: String,
    pub attempts: Vec<SentAttempt>,
}

#[derive(Clone, Debug)]
pub struct SentAttempt {
    pub at: Timestamp,
    pub status: Option<i64>,
    pub cause: Option<String>,
    pub answer: Option<String>,
    pub took_ms: i64,
}

/// `/webhooks/receivers/new` and `/webhooks/receivers/{id}`.
#[derive(Clone, Debug, Default)]
pub struct ReceiverPage {
    /// `None`: a new one.
    pub row: Option<ReceiverRow>,
    pub name: String,
    pub url: String,
    pub private: bool,
    pub wishes: Vec<String>,
    pub in_order: bool,
    pub samples: bool,
    /// Just made: shown once.
    pub secret: Option<String>,
    pub rotated_until: Option<Timestamp>,
    /// Field and code.
    pub error: Option<(String, String)>,
}

impl ReceiverPage {
    #[must_use]
    pub fn action(&self) -> String {
        format!("/webhooks/receivers/{}", self.row.as_ref().map_or("new", |row| row.id.as_str()))
    }

    /// Code of what is wrong with a field.
    #[must_use]
    pub fn wrong(&self, field: &str) -> Option<&str> {
        self.error.as_ref().filter(|(at, _)| at == field).map(|(_, code)| code.as_str())
    }

    #[must_use]
    pub fn subjects(&self) -> [&'static str; SUBJECTS.len()] {
        SUBJECTS
    }

    #[must_use]
    pub fn changes(&self) -> [&'static str; CHANGES.len()] {
        CHANGES
    }

    #[must_use]
    pub fn problems(&self) -> [&'static str; PROBLEMS.len()] {
        PROBLEMS
    }

    #[must_use]
    pub fn wants_problem(&self, kind: &str) -> bool {
        wants(&self.wishes, kind)
    }

    #[must_use]
    pub fn wants(&self, subject: &str, change: &str) -> bool {
        wants(&self.wishes, &format!("{subject}.{change}"))
    }

    #[must_use]
    pub fn change_word(&self, s: &Shell, change: &str) -> &'static str {
        match change {
            "created" => s.t("event_change.created_short"),
            "deleted" => s.t("event_change.deleted_short"),
            _ => s.t("event_change.updated_short"),
        }
    }
}
