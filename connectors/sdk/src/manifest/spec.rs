//! The typed form of a manifest, except its mapping and webhook parts.

use std::time::Duration;

use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::mapping_spec::MappingSpec;
use crate::noun::Noun;

/// A text in the two languages of the console.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    pub ja: String,
    pub en: String,
}

impl Text {
    /// The text for a language tag (`ja`, `ja-JP`, `en`...); English for any other language.
    #[must_use]
    pub fn get(&self, lang: &str) -> &str {
        if lang.starts_with("ja") { &self.ja } else { &self.en }
    }
}

/// The tile under which the catalogue shows a connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Sales,
    Accounting,
    Deals,
    Sheet,
    Bi,
    Generic,
}

impl Kind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sales => "sales",
            Self::Accounting => "accounting",
            Self::Deals => "deals",
            Self::Sheet => "sheet",
            Self::Bi => "bi",
            Self::Generic => "generic",
        }
    }
}

/// The program that asks the system: the declarative one, or a crate for a system that a manifest
/// cannot describe. The hub picks it by this word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Driver {
    #[default]
    Http,
    Tryton,
    /// Files in a folder, and those that people bring.
    Sheet,
}

/// How requests prove who is asking. Strings may hold `{{ setting }}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum AuthSpec {
    #[default]
    None,
    ApiKey {
        header: Option<String>,
        query: Option<String>,
        value: String,
        #[serde(default)]
        prefix: String,
    },
    Basic {
        username: String,
        password: String,
    },
    Bearer {
        token: String,
    },
    Oauth2ClientCredentials {
        token_url: String,
        client_id: String,
        client_secret: String,
        scope: Option<String>,
    },
}

impl AuthSpec {
    /// The kind's word, for catalogues: `none`, `api_key`, `basic`, `bearer` or `oauth2`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ApiKey { .. } => "api_key",
            Self::Basic { .. } => "basic",
            Self::Bearer { .. } => "bearer",
            Self::Oauth2ClientCredentials { .. } => "oauth2",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSpec {
    pub base_url: String,
    #[serde(default)]
    pub headers: IndexMap<String, String>,
    #[serde(default = "half_minute", deserialize_with = "duration")]
    pub timeout: Duration,
    #[serde(default = "default_body", deserialize_with = "bytes")]
    pub max_body: u64,
    pub quota: Option<Quota>,
    #[serde(default)]
    pub retry: RetrySpec,
}

/// How many requests the source allows. The engine keeps it, over all streams of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    pub requests: u32,
    #[serde(deserialize_with = "duration")]
    pub per: Duration,
}

/// What the source means by a status.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetrySpec {
    pub rate_limited: Vec<u16>,
    pub transient: Vec<u16>,
    pub auth: Vec<u16>,
    pub too_large: Vec<u16>,
}

impl Default for RetrySpec {
    fn default() -> Self {
        Self {
            rate_limited: vec![429],
            transient: vec![500, 502, 503, 504],
            auth: vec![401, 403],
            too_large: vec![413],
        }
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestSpec {
    pub path: String,
    /// Only `GET` is known; kept so that manifests can say it.
    pub method: Option<String>,
    #[serde(default)]
    pub query: IndexMap<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckSpec {
    pub request: RequestSpec,
    /// Dotted path of the system's version in the answer.
    pub version: Option<String>,
}

/// One kind of record of a system.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamSpec {
    pub record: Noun,
    pub title: Text,
    /// Absent: the records arrive by webhook only, or the driver asks for them.
    pub request: Option<RequestSpec>,
    #[serde(default)]
    pub records: String,
    #[serde(deserialize_with = "one_or_many")]
    pub key: Vec<String>,
    pub version: Option<VersionSpec>,
    pub deleted: Option<DeletedSpec>,
    /// The whole list is complete: what is not in it, and cannot be fetched, is gone.
    #[serde(default)]
    pub sweep: bool,
    pub cursor: Option<CursorSpec>,
    #[serde(default)]
    pub paginator: PaginatorSpec,
    pub total: Option<String>,
    pub fetch: Option<FetchSpec>,
    pub mapping: MappingSpec,
    /// The manifest names a driver, which knows how to ask for these records.
    #[serde(skip)]
    pub(super) driven: bool,
}

impl StreamSpec {
    /// Whether a pull can ask only for what changed.
    #[must_use]
    pub fn is_incremental(&self) -> bool {
        self.driven || self.cursor.is_some()
    }

    /// Whether records can be asked for at all.
    #[must_use]
    pub fn is_pulled(&self) -> bool {
        self.driven || self.request.is_some()
    }

    /// Whether one record can be asked for by its key.
    #[must_use]
    pub fn is_fetched(&self) -> bool {
        self.driven || self.fetch.is_some()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VersionForm {
    Instant,
    Integer,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionSpec {
    pub from: String,
    #[serde(rename = "as")]
    pub form: VersionForm,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeletedSpec {
    pub from: String,
    /// Default `true`.
    pub equals: Option<Value>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CursorFormat {
    #[default]
    Rfc3339,
    EpochMs,
    EpochS,
    Date,
}

/// An incremental pull by (change time, key).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CursorSpec {
    pub param: String,
    #[serde(default)]
    pub format: CursorFormat,
    pub id_param: Option<String>,
    #[serde(default, deserialize_with = "duration")]
    pub overlap: Duration,
    #[serde(default)]
    pub sorted: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum PaginatorSpec {
    #[default]
    None,
    Page {
        param: String,
        size_param: Option<String>,
        size: u32,
        #[serde(default = "one")]
        first: u32,
    },
    Offset {
        param: String,
        size_param: Option<String>,
        size: u32,
    },
    Cursor {
        param: String,
        next: String,
        size_param: Option<String>,
        size: Option<u32>,
    },
    NextUrl {
        next: String,
        size_param: Option<String>,
        size: Option<u32>,
    },
    LinkHeader {
        size_param: Option<String>,
        size: Option<u32>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FetchSpec {
    /// Holds `{{ key }}`, percent-encoded.
    pub path: String,
    #[serde(default)]
    pub record: String,
}

/// Customers of this system name their code in a system of another kind.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkSpec {
    /// The mapped customer field that holds the code: `link_code`.
    pub from: String,
    pub kind: Kind,
}

/// What the system can and cannot promise, as `connector list` prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Capabilities {
    pub deletes: String,
    pub order: String,
    pub idempotency: String,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self { deletes: "none".to_owned(), order: "none".to_owned(), idempotency: "none".to_owned() }
    }
}

fn half_minute() -> Duration {
    Duration::from_secs(30)
}

fn default_body() -> u64 {
    32 << 20
}

fn one() -> u32 {
    1
}

/// `250ms`, `30s`, `2m`, `1h`, `7d`.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let cut = text.find(|c: char| !c.is_ascii_digit())?;
    let amount: u64 = text[..cut].parse().ok()?;
    match &text[cut..] {
        "ms" => Some(Duration::from_millis(amount)),
        "s" => Some(Duration::from_secs(amount)),
        "m" => Some(Duration::from_secs(amount * 60)),
        "h" => Some(Duration::from_secs(amount * 3600)),
        "d" => Some(Duration::from_secs(amount * 86400)),
        _ => None,
    }
}

pub(super) fn duration<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(from)?;
    parse_duration(&text).ok_or_else(|| serde::de::Error::custom("is not a duration like 30s"))
}

fn bytes<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let text = String::deserialize(from)?;
    let parsed = match (text.strip_suffix("KiB"), text.strip_suffix("MiB")) {
        (Some(kib), _) => kib.parse::<u64>().ok().map(|n| n << 10),
        (_, Some(mib)) => mib.parse::<u64>().ok().map(|n| n << 20),
        _ => None,
    };
    parsed.ok_or_else(|| serde::de::Error::custom("is not a size like 32MiB"))
}

pub(super) fn one_or_many<'de, T, D>(from: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either<T> {
        Many(Vec<T>),
        One(T),
    }
    Ok(match Either::deserialize(from)? {
        Either::One(one) => vec![one],
        Either::Many(many) => many,
    })
}
