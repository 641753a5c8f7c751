//! `/failures` and `/failures/{id}`: records that could not be taken in, by cause, with ways out.

use crate::model::Timestamp;

/// Which failures are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    #[default]
    Open,
    Retrying,
    Ignored,
    Resolved,
}

impl Tab {
    pub const EVERY: [Self; 4] = [Self::Open, Self::Retrying, Self::Ignored, Self::Resolved];

    /// Value of `?state=`, equal to the stored state.
    #[must_use]
    pub fn value(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Retrying => "retrying",
            Self::Ignored => "ignored",
            Self::Resolved => "resolved",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self::EVERY.into_iter().find(|tab| tab.value() == text).unwrap_or_default()
    }

    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Open => "failures.tab_open",
            Self::Retrying => "failures.tab_retrying",
            Self::Ignored => "failures.tab_ignored",
            Self::Resolved => "failures.tab_resolved",
        }
    }
}

/// One failure in the list.
#[derive(Clone, Debug)]
pub struct FailureRow {
    pub id: String,
    /// Tile kind and name of the connection.
    pub kind: String,
    pub connection_name: String,
    /// Stream and the record's own number: 請求書 INV-….
    pub stream: String,
    pub label: String,
    /// Customer and amount, or the offending value.
    pub line: String,
    pub at: Timestamp,
}

/// Failures with one cause.
#[derive(Clone, Debug)]
pub struct CauseGroup {
    pub cause: String,
    pub count: i64,
    /// The first few, newest first.
    pub rows: Vec<FailureRow>,
}

impl CauseGroup {
    /// How many are not listed.
    #[must_use]
    pub fn more(&self) -> i64 {
        self.count - i64::try_from(self.rows.len()).unwrap_or(i64::MAX)
    }
}

/// One line of the payload excerpt.
#[derive(Clone, Debug)]
pub struct PayloadLine {
    /// Line number in the payload; `None` for the required shape.
    pub number: Option<usize>,
    /// Empty, `del` (offending) or `add` (required shape).
    pub class: &'static str,
    pub before: String,
    /// The offending part.
    pub marked: String,
    pub after: String,
}

/// One try to take the record in.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub at: Timestamp,
    /// `schedule`, `manual` …
    pub trigger: String,
    pub actor: Option<String>,
    pub run: Option<(String, i64)>,
    pub cause: String,
}

/// The failure in the right pane.
#[derive(Clone, Debug)]
pub struct FailureDetail {
    pub row: FailureRow,
    pub cause: String,
    pub connection_id: String,
    pub run: Option<(String, i64)>,
    pub attempts: i64,
    /// Hub field concerned.
    pub field: Option<String>,
    /// Offending value as received.
    pub value: Option<String>,
    /// Payload and value may hold what the reader may not see: neither is shown.
    pub veiled: bool,
    pub payload: Vec<PayloadLine>,
    /// Fields of the whole payload.
    pub payload_fields: usize,
    /// The whole payload as text, behind a disclosure.
    pub payload_all: String,
    pub tries: Vec<Attempt>,
    /// `open`, `retrying`, `ignored` or `resolved`.
    pub state: Tab,
    pub next_try: Option<Timestamp>,
    /// Why it was set aside.
    pub note: Option<String>,
    /// All open failures of the same cause in this connection.
    pub same_cause: i64,
    /// What a replay would give, when it was asked for: (would succeed, would fail).
    pub preview: Option<(i64, i64)>,
    /// The value can be put right for this record alone.
    pub mendable: bool,
    /// Where the mapping of the field is changed, where that is a way out.
    pub mapping: Option<String>,
    /// `musubi failure replay …`.
    pub command: String,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct FailuresPage {
    pub tab: Tab,
    /// In the order of [`Tab::EVERY`].
    pub counts: [i64; 4],
    pub q: String,
    /// Connection filter: id chosen and all (id, name).
    pub connection: String,
    pub connections: Vec<(String, String)>,
    pub groups: Vec<CauseGroup>,
    pub detail: Option<FailureDetail>,
    /// The detail was asked for; on a narrow screen it then stands in place of the list.
    pub opened: bool,
    /// When records were last taken in, for the empty page.
    pub last_check: Option<Timestamp>,
}

impl FailuresPage {
    #[must_use]
    pub fn tabs(&self) -> Vec<(Tab, i64)> {
        Tab::EVERY.into_iter().zip(self.counts).collect()
    }

    /// Address of one failure that keeps the filter.
    #[must_use]
    pub fn href(&self, id: &str) -> String {
        let query = self.query();
        if query.is_empty() { format!("/failures/{id}") } else { format!("/failures/{id}?{query}") }
    }

    fn query(&self) -> String {
        let mut out = url::form_urlencoded::Serializer::new(String::new());
        let state = if self.tab == Tab::Open { "" } else { self.tab.value() };
        for (key, value) in [("state", state), ("q", &self.q), ("connection", &self.connection)] {
            if !value.is_empty() {
                out.append_pair(key, value);
            }
        }
        out.finish()
    }

    #[must_use]
    pub fn chosen(&self, id: &str) -> bool {
        self.detail.as_ref().is_some_and(|detail| detail.row.id == id)
    }
}
