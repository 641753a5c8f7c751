//! Recorded exchanges, answered in this process.
//!
//! A connector's `fixtures/` holds JSON files of three kinds:
//! - `settings.json`: `{"base_url": "https://sales.example", "api_key": "…"}`, invented secrets included;
//! - exchanges: `{"request": {"method": "GET", "path": "/x", "query": {"page": "1"}}, "response":
//!   {"status": 200, "headers": {}, "body": {}}}`, or a list of them. Query parameters that the
//!   fixture does not name may have any value; the exchange that names most of them answers;
//! - deliveries: `{"delivery": {…the body…}}`, or a list of them.

use std::{collections::HashMap, fs, path::Path, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use indexmap::IndexMap;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Options;
use crate::{
    connector::SourceError,
    declarative::{HttpConnector, Payload, Transport, WireAnswer, WireError, WireRequest},
    manifest::Manifest,
    settings,
};

#[derive(Debug, thiserror::Error)]
pub enum FixtureError {
    #[error("{file}: {source}")]
    Read { file: String, source: std::io::Error },
    #[error("{file}: {source}")]
    Parse { file: String, source: serde_json::Error },
}

/// Everything that a connector's `fixtures/` holds.
#[derive(Clone, Debug, Default)]
pub struct Fixtures {
    pub settings: Map<String, Value>,
    exchanges: Vec<Exchange>,
    pub deliveries: Vec<(String, Value)>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Entry {
    Exchange(Box<Exchange>),
    Delivery { delivery: Value },
    Many(Vec<Entry>),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    request: Asked,
    response: Answered,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[serde(default = "get")]
    method: String,
    path: String,
    #[serde(default)]
    query: IndexMap<String, String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answered {
    #[serde(default = "good")]
    status: u16,
    #[serde(default)]
    headers: IndexMap<String, String>,
    #[serde(default)]
    body: Value,
}

fn get() -> String {
    "GET".to_owned()
}

fn good() -> u16 {
    200
}

impl Fixtures {
    /// Reads a `fixtures/` directory, files in the order of their names.
    ///
    /// # Errors
    /// A file that cannot be read or is none of the three kinds.
    pub fn load(dir: &Path) -> Result<Self, FixtureError> {
        let unreadable = |file: &Path, source| FixtureError::Read { file: file.display().to_string(), source };
        let listing = fs::read_dir(dir).map_err(|source| unreadable(dir, source))?;
        let mut files: Vec<_> = listing.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.retain(|file| file.extension().is_some_and(|ending| ending == "json"));
        files.sort();
        let mut out = Self::default();
        for file in files {
            let name = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            let text = fs::read_to_string(&file).map_err(|source| unreadable(&file, source))?;
            let broken = |source| FixtureError::Parse { file: file.display().to_string(), source };
            if name == "settings" {
                out.settings = serde_json::from_str(&text).map_err(broken)?;
            } else {
                out.add(&name, serde_json::from_str(&text).map_err(broken)?);
            }
        }
        Ok(out)
    }

    fn add(&mut self, name: &str, entry: Entry) {
        match entry {
            Entry::Exchange(exchange) => self.exchanges.push(*exchange),
            Entry::Delivery { delivery } => {
                let title = format!("{name}-{}", self.deliveries.len() + 1);
                self.deliveries.push((title, delivery));
            }
            Entry::Many(entries) => entries.into_iter().for_each(|entry| self.add(name, entry)),
        }
    }

    /// A connection that these fixtures answer.
    ///
    /// # Errors
    /// As [`HttpConnector::new`].
    pub fn connector(&self, manifest: Arc<Manifest>) -> Result<HttpConnector, SourceError> {
        let split = settings::split(&manifest, self.settings.clone());
        HttpConnector::with_transport(manifest, split.plain, split.secret, self.transport())
    }

    /// The recorded answers, for a connector of another driver.
    #[must_use]
    pub fn transport(&self) -> Arc<dyn Transport> {
        Arc::new(Replay { exchanges: self.exchanges.clone() })
    }

    /// What [`super::run`] needs to know.
    #[must_use]
    pub fn options(&self, manifest: &Manifest) -> Options {
        let split = settings::split(manifest, self.settings.clone());
        Options {
            secrets: split.secret.into_values().collect(),
            deliveries: self.deliveries.clone(),
            ..Options::default()
        }
    }
}

struct Replay {
    exchanges: Vec<Exchange>,
}

#[async_trait]
impl Transport for Replay {
    async fn send(&self, request: WireRequest) -> Result<WireAnswer, WireError> {
        let method = match request.payload {
            Payload::None => "GET",
            Payload::Put(_) => "PUT",
            Payload::Form(_) | Payload::Json(_) => "POST",
        };
        let given: HashMap<String, String> = request.url.query_pairs().into_owned().collect();
        let fits = |exchange: &&Exchange| {
            let asked = &exchange.request;
            let query = asked.query.iter().all(|(name, value)| given.get(name) == Some(value));
            asked.method == method && asked.path == request.url.path() && query
        };
        let found = self.exchanges.iter().filter(fits).max_by_key(|exchange| exchange.request.query.len());
        match found {
            Some(exchange) => Ok(exchange.response.wire()),
            None => Err(WireError::Unreachable(format!("no fixture for {method} {}", request.url.path()))),
        }
    }
}

impl Answered {
    fn wire(&self) -> WireAnswer {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in &self.headers {
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse()) {
                headers.insert(name, value);
            }
        }
        let body = match &self.body {
            Value::String(text) => Bytes::from(text.clone()),
            other => Bytes::from(other.to_string()),
        };
        WireAnswer { status: self.status, headers, body }
    }
}
