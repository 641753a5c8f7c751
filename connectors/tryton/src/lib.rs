//! Tryton 8: parties, addresses, sales, invoices and payments over its REST interface.
//!
//! A manifest cannot say what this takes: typed scalars, search conditions in Base64, a change date
//! that is often empty, and parts of a record that change without it. What the fields *mean* is in
//! `connector.yaml` all the same, and from its mappings follows which fields are asked for.
//!
//! | Module | Knows |
//! |---|---|
//! | [`scalar`] | dates, times and amounts, both ways |
//! | `domain` | search conditions |
//! | `rest` | requests, and what a refusal means |
//! | `rpc` | the session, and errors inside good answers |
//! | `fields` | which models and fields this Tryton has |
//! | `source` | which model a stream reads, and its parts |
//! | `shape` | what Tryton says in several fields |
//! | `cursor` | where a pull stands |
//! | `pull` | which page comes next |
//! | `push` | what a party is told to become |
//! | `desk` | changing a party under a lock |
//! | `check` | the connection check |
//!
//! Invariant: only `push` writes, through `rest` or `desk`.

mod check;
mod cursor;
mod desk;
mod domain;
mod fields;
mod pull;
mod push;
mod rest;
mod rpc;
pub mod scalar;
mod shape;
mod source;

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::Arc,
};

use async_trait::async_trait;
use jiff::SignedDuration;
use musubi_sdk::{
    CheckItem, Connector, Cursor, Manifest, Page, PullRequest, Record, SourceError,
    connector::{PushError, PushRequest, Pushed},
    declarative::{Caller, Transport},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use crate::{
    cursor::{Marks, Stand},
    desk::Desk,
    fields::Known,
    rest::Rest,
    source::{Part, SOURCES, Source},
};

const USUAL_PAGE: u32 = 100;
const USUAL_OVERLAP: i64 = 15;

/// One database of one Tryton server, as the user whose key it has may see it.
pub struct Tryton {
    manifest: Arc<Manifest>,
    rest: Arc<Rest>,
    /// Where a user and its password are given.
    desk: Option<Desk>,
    company: Option<i64>,
    page_size: u32,
    overlap: SignedDuration,
    /// Asked once, again by every check and after every outage: modules come and go seldom.
    known: Mutex<Option<Arc<Known>>>,
}

impl fmt::Debug for Tryton {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tryton").field("manifest", &self.manifest.name).finish_non_exhaustive()
    }
}

/// A stream as this Tryton can answer it.
struct Plan {
    source: &'static Source,
    known: Arc<Known>,
    fields: Vec<String>,
    parts: Vec<&'static Part>,
}

impl Tryton {
    /// # Errors
    /// `Config` when a setting that is needed is missing or unusable, or the manifest has a stream that
    /// this driver does not know.
    pub fn new(
        manifest: Arc<Manifest>,
        settings: Map<String, Value>,
        secrets: impl IntoIterator<Item = (String, SecretString)>,
        transport: Arc<dyn Transport>,
    ) -> Result<Self, SourceError> {
        for stream in manifest.streams.keys() {
            source(stream)?;
        }
        let mut secrets: HashMap<String, SecretString> = secrets.into_iter().collect();
        let password = secrets.remove("password").filter(|text| !text.expose_secret().is_empty());
        let caller = Caller::new(&manifest, settings, secrets, transport)?;
        let database = caller.setting("database").ok_or_else(|| SourceError::Config {
            code: "SET_MISSING",
            detail: "the setting \"database\" is missing".to_owned(),
        })?;
        let number = |name: &str| caller.setting(name).and_then(|text| text.parse::<i64>().ok());
        let company = number("company");
        let page_size = number("page_size").and_then(|size| u32::try_from(size).ok()).unwrap_or(USUAL_PAGE);
        let overlap = SignedDuration::from_mins(number("overlap_minutes").unwrap_or(USUAL_OVERLAP).clamp(0, 10_000));
        let login = login(&caller, password)?;
        let rest = Arc::new(Rest::new(caller, database, company));
        let desk = login.map(|(user, password)| Desk::new(rest.clone(), user, password));
        Ok(Self { manifest, rest, desk, company, page_size, overlap, known: Mutex::new(None) })
    }

    /// Every field that a stream would like to read.
    fn wished(&self, source: &Source) -> BTreeSet<String> {
        let mapping = self.manifest.stream(source.stream).map(|stream| &stream.mapping);
        let mut paths = mapping.map(fields::paths).unwrap_or_default();
        paths.extend(source.fields.iter().chain(&["write_date", "create_date"]).map(|path| (*path).to_owned()));
        paths
    }

    fn sources(&self) -> impl Iterator<Item = &'static Source> {
        SOURCES.iter().filter(|source| self.manifest.stream(source.stream).is_some())
    }

    async fn look(&self) -> Result<Arc<Known>, SourceError> {
        let mut models = BTreeSet::new();
        let mut names: BTreeSet<String> = ["write_date", "create_date"].map(str::to_owned).into();
        for source in self.sources() {
            models.insert(source.model.to_owned());
            names.extend(self.wished(source).iter().flat_map(|path| path.split('.')).map(str::to_owned));
            for part in source.parts {
                models.insert(part.model.to_owned());
                names.insert(part.whole.to_owned());
            }
        }
        Ok(Arc::new(Known::load(&self.rest, models, &names).await?))
    }

    /// What this Tryton has; with `again` as it is now.
    async fn known(&self, again: bool) -> Result<Arc<Known>, SourceError> {
        // Held over the requests on purpose: everybody else waits for this one's answer.
        let mut held = self.known.lock().await;
        if let (Some(known), false) = (&*held, again) {
            return Ok(known.clone());
        }
        *held = None;
        let known = self.look().await?;
        *held = Some(known.clone());
        drop(held);
        Ok(known)
    }

    /// A Tryton that failed may be another when it is back: with other modules, in another version.
    async fn unless_broken<T>(&self, answer: Result<T, SourceError>) -> Result<T, SourceError> {
        if matches!(answer, Err(SourceError::Transient { .. })) {
            *self.known.lock().await = None;
        }
        answer
    }

    async fn plan(&self, stream: &str) -> Result<Plan, SourceError> {
        let source = source(stream)?;
        let mut known = self.known(false).await?;
        if !known.has_model(source.model) {
            // Perhaps its module came since.
            known = self.known(true).await?;
        }
        if known.has_model(source.model) {
            return Ok(self.plan_of(source, known));
        }
        Err(missing(source))
    }

    fn plan_of(&self, source: &'static Source, known: Arc<Known>) -> Plan {
        let fields = self.wished(source).into_iter().filter(|path| known.has(source.model, path)).collect();
        let parts = source.parts.iter().filter(|part| known.has(part.model, part.whole)).collect();
        Plan { source, known, fields, parts }
    }

    /// Conditions under which a record belongs to the stream.
    fn domain(&self, plan: &Plan) -> Vec<Value> {
        let mut conditions = (plan.source.domain)();
        if let (true, Some(company)) = (plan.source.has_company, self.company) {
            conditions.push(domain::is("company", "=", company));
        }
        conditions
    }
}

/// User and password; `None`: no user is given.
fn login(caller: &Caller, password: Option<SecretString>) -> Result<Option<(String, SecretString)>, SourceError> {
    let Some(user) = caller.setting("user") else { return Ok(None) };
    let Some(password) = password else {
        let detail = "the setting \"password\" is missing: it belongs to \"user\"".to_owned();
        return Err(SourceError::Config { code: "SET_MISSING", detail });
    };
    Ok(Some((user, password)))
}

impl Plan {
    fn asks(&self, name: &str) -> bool {
        self.fields.iter().any(|path| path.split('.').next() == Some(name))
    }
}

fn source(stream: &str) -> Result<&'static Source, SourceError> {
    Source::of(stream).ok_or_else(|| {
        let known: Vec<&str> = SOURCES.iter().map(|source| source.stream).collect();
        SourceError::Config {
            code: "STREAM_UNKNOWN",
            detail: format!("the driver tryton has no stream \"{stream}\"; it has {}", known.join(", ")),
        }
    })
}

fn missing(source: &Source) -> SourceError {
    SourceError::Malformed {
        code: "SRC_MODEL_MISSING",
        detail: format!(
            "this Tryton has no model {}: activate its module {}, or switch the stream {} off",
            source.model, source.module, source.stream
        ),
    }
}

#[async_trait]
impl Connector for Tryton {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    async fn check(&self) -> Vec<CheckItem> {
        self.probe().await
    }

    async fn pull(&self, request: PullRequest<'_>) -> Result<Page, SourceError> {
        self.unless_broken(self.page(request).await).await
    }

    fn since(&self, stream: &str, time: jiff::Timestamp) -> Option<Cursor> {
        let marks = Marks::at(Some(time));
        let parts = Source::of(stream)?.parts.iter().map(|part| (part.model.to_owned(), marks.clone())).collect();
        Some(Stand { own: marks, parts }.write())
    }

    async fn list(&self, request: PullRequest<'_>) -> Result<Page, SourceError> {
        self.unless_broken(self.ids(request).await).await
    }

    async fn fetch(&self, stream: &str, external_id: &str) -> Result<Option<Record>, SourceError> {
        self.unless_broken(self.one(stream, external_id).await).await
    }

    fn pushes(&self, stream: &str) -> &'static [&'static str] {
        if stream == "customers" { push::FIELDS } else { &[] }
    }

    async fn push(&self, request: PushRequest<'_>) -> Result<Pushed, PushError> {
        self.bring(request).await
    }
}
