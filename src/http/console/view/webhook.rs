//! `/webhooks` and `/webhooks/{id}`: what was delivered to us, what became of it, what was refused.

use crate::{http::console::Shell, model::Timestamp};

/// One delivery.
#[derive(Clone, Debug)]
pub struct WebhookRow {
    pub id: String,
    pub at: Timestamp,
    pub kind: String,
    pub connection_name: String,
    pub event: Option<String>,
    /// Stream and external id.
    pub object: Option<String>,
    /// `pending`, `applied`, `failed` or `ignored`.
    pub state: String,
    pub cause: Option<String>,
    pub attempts: i64,
    /// Re-deliveries of the same id, ignored.
    pub duplicates: i64,
    /// From receipt to applied, in microseconds.
    pub took: Option<i64>,
    pub next_try: Option<Timestamp>,
}

impl WebhookRow {
    /// 受注 123: the record that it is about, or its own id.
    #[must_use]
    pub fn title(&self, s: &Shell) -> String {
        match self.object.as_deref().map(|object| object.split_once('/')) {
            Some(Some((stream, key))) => format!("{} {key}", s.word("stream_one", stream)),
            _ => self.object.clone().unwrap_or_else(|| self.id.clone()),
        }
    }

    /// Style class and icon of the result.
    #[must_use]
    pub fn look(&self) -> (&'static str, &'static str) {
        match self.state.as_str() {
            "applied" => ("ok", "check"),
            "failed" => ("bad", "bad"),
            "ignored" => ("idle", "pause"),
            _ => ("run", "clock"),
        }
    }
}

/// Deliveries that were refused before they became rows.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub at: Timestamp,
    pub kind: String,
    pub connection_name: String,
    /// `HOOK_SIGNATURE`, `HOOK_CLOCK`, `HOOK_SECRET_MISSING`, `HOOK_TOO_LARGE`, `HOOK_MALFORMED`.
    pub cause: String,
    /// Expected header, clock difference … without secrets.
    pub detail: String,
    pub times: i64,
}

/// `/webhooks`.
#[derive(Clone, Debug)]
pub struct WebhooksPage {
    pub rows: Vec<WebhookRow>,
    pub refusals: Vec<Refusal>,
    pub connection: String,
    pub connections: Vec<(String, String)>,
    /// Empty, or one of the states.
    pub state: String,
    pub next: Option<String>,
    pub retention_days: i64,
    /// Receive addresses to show when nothing came yet: connection name, URL.
    pub addresses: Vec<(String, String)>,
    pub test_command: String,
}

/// What one delivery changed.
#[derive(Clone, Debug)]
pub struct Changed {
    pub customer_id: String,
    pub customer_name: String,
    pub label: String,
}

/// `/webhooks/{id}`.
#[derive(Clone, Debug)]
pub struct WebhookPage {
    pub row: WebhookRow,
    pub connection_id: String,
    pub delivery_id: String,
    /// Name and value; secrets already masked.
    pub headers: Vec<(String, String)>,
    /// Pretty-printed and capped by whoever fills it.
    pub body: String,
    pub body_bytes: i64,
    pub run: Option<(String, i64)>,
    pub changed: Vec<Changed>,
    pub may_replay: bool,
}
