//! The [`Connector`] of a plain manifest: requests, pages, cursor and errors as declared.
//!
//! Invariants: it keeps no state between calls but an access token; records leave it as the source
//! sent them; every wait, retry and quota is the engine's. To support another way of paging or
//! signing in: its word in the manifest, one arm in `paging` or `auth`.

mod answer;
mod auth;
mod caller;
mod cursor;
mod paging;
mod probe;
mod record;

mod transport;
mod values;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use indexmap::IndexMap;
use secrecy::SecretString;
use serde_json::{Map, Value};
use url::Url;

pub use answer::retry_after;
pub use caller::Caller;
pub use transport::{HttpTransport, Payload, Transport, WireAnswer, WireError, WireRequest, same_host_redirects};

pub(crate) use record::Reader;

use self::{
    cursor::Mark,
    paging::{Position, Seen},
};
use crate::{
    connector::{CheckItem, Connector, Page, PullRequest, Record, SourceError},
    manifest::{Manifest, PaginatorSpec, RequestSpec, StreamSpec},
    mapping::{Path, plain_text},
};

/// One connection to a system that its manifest describes wholly.
pub struct HttpConnector {
    manifest: Arc<Manifest>,
    readers: IndexMap<String, Reader>,
    /// `None`: the connector only receives.
    caller: Option<Caller>,
}

impl fmt::Debug for HttpConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpConnector").field("manifest", &self.manifest.name).finish_non_exhaustive()
    }
}

impl HttpConnector {
    /// A connection over HTTP. Build the client with [`same_host_redirects`].
    ///
    /// # Errors
    /// `Config` when a setting that the manifest needs is missing or unusable.
    pub fn new(
        manifest: Arc<Manifest>,
        settings: Map<String, Value>,
        secrets: impl IntoIterator<Item = (String, SecretString)>,
        client: reqwest::Client,
    ) -> Result<Self, SourceError> {
        Self::with_transport(manifest, settings, secrets, Arc::new(HttpTransport::new(client)))
    }

    /// The same over another way of sending, such as recorded fixtures.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_transport(
        manifest: Arc<Manifest>,
        settings: Map<String, Value>,
        secrets: impl IntoIterator<Item = (String, SecretString)>,
        transport: Arc<dyn Transport>,
    ) -> Result<Self, SourceError> {
        let caller = match &manifest.http {
            Some(_) => Some(Caller::new(&manifest, settings, secrets, transport)?),
            None => None,
        };
        let readers = manifest.streams.iter().map(|(name, stream)| (name.clone(), Reader::new(stream))).collect();
        Ok(Self { manifest, readers, caller })
    }

    fn stream(&self, name: &str) -> Result<(&StreamSpec, &Reader), SourceError> {
        self.manifest.stream(name).zip(self.readers.get(name)).ok_or_else(|| SourceError::Config {
            code: "STREAM_UNKNOWN",
            detail: format!("{} has no stream \"{name}\"", self.manifest.name),
        })
    }

    fn caller(&self) -> Result<&Caller, SourceError> {
        self.caller.as_ref().ok_or_else(caller::only_receives)
    }

    /// A declared request with its settings filled in. Parameters whose setting is absent are left out.
    fn address(&self, spec: &RequestSpec, extra: &[(String, String)]) -> Result<Url, SourceError> {
        let caller = self.caller()?;
        let mut url = caller.join(&caller.values.text(&spec.path)?)?;
        let declared = spec.query.iter().filter_map(|(name, value)| {
            let text = match value {
                Value::String(template) => caller.values.optional(template).ok()?,
                other => plain_text(other)?.into_owned(),
            };
            Some((name.clone(), text))
        });
        let pairs: Vec<(String, String)> = declared.chain(extra.iter().cloned()).collect();
        if !pairs.is_empty() {
            url.query_pairs_mut().extend_pairs(pairs);
        }
        Ok(url)
    }

    async fn send(&self, url: Url, can_shrink: bool) -> Result<WireAnswer, SourceError> {
        self.caller()?.send(url, &[], Payload::None, can_shrink).await
    }

    fn page_url(&self, stream: &StreamSpec, at: &Position, size_name: Option<&str>) -> Result<Url, SourceError> {
        let linked = matches!(stream.paginator, PaginatorSpec::NextUrl { .. } | PaginatorSpec::LinkHeader { .. });
        if let (true, Some(next)) = (linked, &at.next) {
            let base = &self.caller()?.url;
            return Url::parse(next).ok().filter(|url| url.origin() == base.origin()).ok_or_else(|| {
                let detail = "the link to the next page leads to another host".to_owned();
                SourceError::Malformed { code: "SRC_NEXT_HOST", detail }
            });
        }
        let spec = stream.request.as_ref().ok_or_else(|| SourceError::Config {
            code: "STREAM_NOT_PULLED",
            detail: "the records of this stream only arrive by webhook".to_owned(),
        })?;
        let mut extra = paging::params(&stream.paginator, at, size_name);
        if let (Some(cursor), Some(since)) = (&stream.cursor, &at.since) {
            extra.extend(cursor::params(cursor, since));
        }
        self.address(spec, &extra)
    }
}

/// Where a pull starts or goes on.
fn position(stream: &StreamSpec, request: &PullRequest<'_>) -> Result<Position, SourceError> {
    // A token knows everything that the pull started from, whatever cursor was stored meanwhile.
    if let Some(token) = request.token {
        return Position::read(token);
    }
    let (Some(spec), Some(stored)) = (&stream.cursor, request.cursor) else { return Ok(Position::default()) };
    let mark = Mark::read(stored)?;
    Ok(Position { since: Some(cursor::start(spec, &mark)), top: Some(mark), ..Position::default() })
}

#[async_trait]
impl Connector for HttpConnector {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    async fn check(&self) -> Vec<CheckItem> {
        self.probe().await
    }

    fn since(&self, stream: &str, time: jiff::Timestamp) -> Option<crate::Cursor> {
        self.manifest().stream(stream)?.cursor.as_ref()?;
        Some(Mark { time, id: String::new() }.write())
    }

    async fn pull(&self, request: PullRequest<'_>) -> Result<Page, SourceError> {
        let (stream, reader) = self.stream(request.stream)?;
        let mut at = position(stream, &request)?;
        let (size_name, size) = paging::size(&stream.paginator, request.page_size);
        at.resize(size);
        let can_shrink = size_name.is_some() && size.is_some_and(|size| size > 1);
        let url = self.page_url(stream, &at, size_name)?;
        let answer = self.send(url.clone(), can_shrink).await?;
        let mut body = self.caller()?.json(&answer, can_shrink)?;
        let total = reader.total(&body);
        let announced = paging::announced(&stream.paginator, &body, &answer.headers);
        let (records, marks) = reader.page(&mut body)?;

        let date = answer.date();
        at.began = at.began.or(date);
        at.total = at.total.or(total);
        // A source that claims an order and breaks it is treated as unsorted from here on.
        let times = at.last.into_iter().chain(marks.iter().map(|mark| mark.time));
        at.disorder |= !times.is_sorted();
        at.last = marks.last().map(|mark| mark.time).or(at.last);
        let furthest = marks.iter().max().cloned();
        let seen = Seen {
            count: records.len() as u64,
            last: if marks.len() == records.len() { marks.last().cloned() } else { None },
            first_key: records.first().map(|record| record.external_id.as_str()),
            total,
            next: announced,
            asked: &url,
        };
        at.top = at.top.max(furthest);
        let next = paging::next(stream, &at, &seen)?;
        let sorted = stream.cursor.as_ref().is_some_and(|cursor| cursor.sorted) && !at.disorder;
        let limit = if sorted { date } else { at.began };
        let safe = stream.cursor.is_some() && (sorted || next.is_none());
        let stored = request.cursor.and_then(|cursor| Mark::read(cursor).ok());
        let cursor = if safe { at.top.clone().map(|top| top.capped(limit)).max(stored) } else { None };
        Ok(Page {
            records,
            next: next.map(|next| next.write()),
            cursor: cursor.map(|mark| mark.write()),
            total: at.total,
        })
    }

    async fn fetch(&self, stream: &str, external_id: &str) -> Result<Option<Record>, SourceError> {
        let (spec, reader) = self.stream(stream)?;
        let fetch = spec.fetch.as_ref().ok_or_else(|| SourceError::Config {
            code: "STREAM_NOT_FETCHED",
            detail: format!("the stream \"{stream}\" declares no \"fetch\""),
        })?;
        // Dots alone would climb the path, even percent-encoded; no record is called that.
        if matches!(external_id, "" | "." | "..") {
            return Ok(None);
        }
        let caller = self.caller()?;
        let url = caller.join(&caller.values.with_key(&fetch.path, external_id)?)?;
        let answer = self.send(url, false).await?;
        if matches!(answer.status, 404 | 410) {
            return Ok(None);
        }
        let mut body = self.caller()?.json(&answer, false)?;
        let Some(record) = Path::parse(&fetch.record).take(&mut body).filter(|record| !record.is_null()) else {
            return Ok(None);
        };
        let (record, _) = reader.record(record)?;
        if record.external_id == external_id {
            return Ok(Some(record));
        }
        let detail = "the source answered another record than the one asked for".to_owned();
        Err(SourceError::Malformed { code: "SRC_OTHER_RECORD", detail })
    }
}
