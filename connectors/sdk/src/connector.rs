//! The [`Connector`] trait: one configured connection to one system.
//!
//! The engine owns time, storage, retries and quotas; a connector only answers "give me the next
//! page", "give me this record" and "are you there". It keeps no state between calls: everything
//! it needs to go on is in the [`Cursor`] and the [`PageToken`] that it handed out.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::manifest::Manifest;

/// Where an incremental pull stands, as the connector wrote it. The engine commits it in the same
/// transaction as the records it covers and never looks inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub Value);

/// Where to go on inside one pull (page number, offset, next URL). Never stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageToken(pub Value);

/// One record as the source sent it.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The source's own key, as text.
    pub external_id: String,
    /// The source's change instant in microseconds since the epoch, or a counter; `None` where
    /// the source gives neither. A record with a smaller version never overwrites a larger one.
    pub version: Option<i64>,
    /// The whole record.
    pub body: Value,
    /// The source says that this record is gone.
    pub deleted: bool,
}

/// What one request for records brought.
#[derive(Clone, Debug, Default)]
pub struct Page {
    pub records: Vec<Record>,
    /// Present while more pages of this pull follow.
    pub next: Option<PageToken>,
    /// The cursor that is safe to store once the records of this page, and all before it, are
    /// committed. `None`: not yet safe (the source does not sort by change time).
    pub cursor: Option<Cursor>,
    /// How many records the source says match, where it says so.
    pub total: Option<u64>,
}

/// One question for records.
#[derive(Clone, Debug)]
pub struct PullRequest<'a> {
    pub stream: &'a str,
    /// From the last committed pull; `None` asks for everything.
    pub cursor: Option<&'a Cursor>,
    pub token: Option<&'a PageToken>,
    /// Upper bound that the engine lowers after [`SourceError::TooLarge`].
    pub page_size: Option<u32>,
}

/// Why a source did not give what was asked. The variant decides what the engine does next.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Wait, then ask the same again. Not a failure of the run.
    #[error("the source limits requests{}", .retry_after.map(|d| format!(", wait {} s", d.as_secs())).unwrap_or_default())]
    RateLimited { retry_after: Option<Duration> },
    /// Worth trying again later: 5xx, time-out, connection refused, reset, half an answer.
    #[error("{detail}")]
    Transient { code: &'static str, detail: String, retry_after: Option<Duration> },
    /// The page was too big for the source (413): ask for half.
    #[error("the source refused the page size")]
    TooLarge,
    /// Our credentials or rights are refused: a person must act.
    #[error("{detail}")]
    Auth { code: &'static str, detail: String },
    /// The source answered something the manifest does not describe (HTML, wrong shape).
    #[error("{detail}")]
    Malformed { code: &'static str, detail: String },
    /// Settings or manifest are wrong: trying again cannot help.
    #[error("{detail}")]
    Config { code: &'static str, detail: String },
}

impl SourceError {
    /// Stable cause code, as shown in the console and in `--json`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::RateLimited { .. } => "RATE_LIMIT",
            Self::TooLarge => "SRC_PAGE_TOO_LARGE",
            Self::Transient { code, .. }
            | Self::Auth { code, .. }
            | Self::Malformed { code, .. }
            | Self::Config { code, .. } => code,
        }
    }
}

/// What a record should be like in a system.
#[derive(Clone, Debug)]
pub struct PushRequest<'a> {
    pub stream: &'a str,
    /// The record's key there; `None`: it is to be created.
    pub external_id: Option<&'a str>,
    /// The hub's own id of the record. A create stores it where the system can be searched for it, and
    /// looks there first: an earlier try may have arrived without its answer.
    pub hub_id: &'a str,
    /// Fields by the hub's names with the value they should have; `null` empties a field. Only what is
    /// different there, and only fields of [`Connector::pushes`].
    pub values: &'a Map<String, Value>,
    /// What stood there for these fields when it was last read, `null` where nothing stood: a system
    /// without locks is asked before it is overwritten.
    pub seen: &'a Map<String, Value>,
    /// Equal for every try of the same change.
    pub idempotency_key: &'a str,
}

/// A record that a system has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// Its key there.
    pub external_id: String,
}

/// Why a system did not take a record.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// As for reading: a wait, another try, or a person, by its variant.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// It was changed there since it was last read: read again, then decide again.
    #[error("the record was changed there meanwhile")]
    Overtaken,
    /// The system does not take this content: trying again cannot help.
    #[error("{detail}")]
    Refused { code: &'static str, detail: String },
    /// There is no such record (any more).
    #[error("there is no such record")]
    Gone,
    /// It may have been done or not, and looking again could not tell.
    #[error("{detail}")]
    Ambiguous { detail: String },
}

impl PushError {
    /// Stable cause code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Source(error) => error.code(),
            Self::Overtaken => "PUSH_OVERTAKEN",
            Self::Refused { code, .. } => code,
            Self::Gone => "PUSH_GONE",
            Self::Ambiguous { .. } => "PUSH_AMBIGUOUS",
        }
    }
}

/// One line of a connection check, in the order a person reads them:
/// reach, auth, rights, version, count.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckItem {
    /// `reach`, `auth`, `rights`, `rights:<stream>`, `version` or `count:<stream>`; a driver may have
    /// questions of its own, such as `company` and `write`.
    pub item: String,
    pub ok: bool,
    /// Stable cause code when not ok.
    pub code: Option<String>,
    /// What was seen: a version, a count, a cause with its remedy. No secrets.
    pub detail: String,
}

/// A configured connection to one system.
#[async_trait]
pub trait Connector: Send + Sync {
    fn manifest(&self) -> &Manifest;

    /// Tries what a sync would do, without side effects, and says how each step went.
    async fn check(&self) -> Vec<CheckItem>;

    /// The next page of a stream.
    async fn pull(&self, request: PullRequest<'_>) -> Result<Page, SourceError>;

    /// Whether [`Self::list`] tells everything there is in a stream, so that what is not in it may be gone.
    fn lists_all(&self, stream: &str) -> bool {
        self.manifest().stream(stream).is_some_and(|s| s.sweep)
    }

    /// As [`Self::pull`] of everything, for its keys only: bodies and versions are not looked at, so a
    /// connector that can ask for less leaves them empty.
    async fn list(&self, request: PullRequest<'_>) -> Result<Page, SourceError> {
        self.pull(request).await
    }

    /// One record by its key, for webhooks that carry only a key and for unknown references.
    /// `Ok(None)`: the source says there is no such record.
    async fn fetch(&self, stream: &str, external_id: &str) -> Result<Option<Record>, SourceError>;

    /// A cursor from which a pull brings what changed there since `time`, and perhaps more; `None`: only a
    /// pull of everything does.
    fn since(&self, _stream: &str, _time: jiff::Timestamp) -> Option<Cursor> {
        None
    }

    /// Fields of a stream that [`Self::push`] can change there, by the hub's names; empty: nothing is
    /// written into this system.
    fn pushes(&self, _stream: &str) -> &'static [&'static str] {
        &[]
    }

    /// Creates a record there or changes fields of one. Never called for a stream without
    /// [`Self::pushes`].
    async fn push(&self, _request: PushRequest<'_>) -> Result<Pushed, PushError> {
        Err(PushError::Refused { code: "PUSH_UNSUPPORTED", detail: "this connector only reads".to_owned() })
    }
}
