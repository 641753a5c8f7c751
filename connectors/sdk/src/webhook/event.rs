//! What a verified body carries.

use std::fmt;

use serde_json::Value;

use super::Refusal;
use crate::{
    declarative::Reader,
    manifest::{EventSpec, Manifest, Trust},
    mapping::{Path, plain_text},
};

/// One change that a delivery tells of. `Debug` leaves the record out: it is personal data.
#[derive(Clone, PartialEq)]
pub struct Event {
    pub name: String,
    pub stream: String,
    /// The source's key of the record.
    pub external_id: Option<String>,
    /// Absent: fetch it.
    pub record: Option<Value>,
    pub deleted: bool,
    /// As in [`crate::Record`]: keeps an older delivery from overwriting a newer one.
    pub version: Option<i64>,
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("name", &self.name)
            .field("stream", &self.stream)
            .field("external_id", &self.external_id)
            .field("record", &self.record.as_ref().map(|_| "…"))
            .field("deleted", &self.deleted)
            .finish_non_exhaustive()
    }
}

/// The events of a body, which is one event or a list of them. Events that the manifest does not
/// list are left out: systems send many that nobody asked for.
///
/// # Errors
/// `HOOK_MALFORMED` when the body is not what the manifest describes.
pub fn events(manifest: &Manifest, body: &Value) -> Result<Vec<Event>, Refusal> {
    let Some(hook) = &manifest.webhook else {
        return Err(Refusal::new("HOOK_MALFORMED", "this connector receives nothing"));
    };
    let path = hook.event.as_deref().map(Path::parse);
    let single = std::slice::from_ref(body);
    let bodies = body.as_array().map_or(single, Vec::as_slice);
    let mut out = Vec::with_capacity(bodies.len());
    for one in bodies {
        if !one.is_object() {
            return Err(Refusal::new("HOOK_MALFORMED", "an event is no object"));
        }
        let named = match &path {
            None => hook.events.first(),
            Some(path) => {
                let name = path
                    .find(one)
                    .and_then(plain_text)
                    .ok_or_else(|| Refusal::new("HOOK_MALFORMED", format!("an event has no name at {path}")))?;
                hook.events.get_key_value(name.as_ref())
            }
        };
        if let Some((name, spec)) = named {
            out.push(event(manifest, name, spec, hook.trust, one)?);
        }
    }
    Ok(out)
}

fn event(manifest: &Manifest, name: &str, spec: &EventSpec, trust: Trust, body: &Value) -> Result<Event, Refusal> {
    let malformed = |what: String| Refusal::new("HOOK_MALFORMED", format!("the event {name} {what}"));
    let stream = manifest.stream(&spec.stream).ok_or_else(|| malformed("names no stream".to_owned()))?;
    let reader = Reader::new(stream);
    let record = spec.record.as_deref().map(|path| (path, Path::parse(path).find(body)));
    let record = match record {
        None => None,
        Some((_, Some(record))) if record.is_object() => Some(record),
        // A deletion often carries no more than the key.
        Some(_) if spec.deleted && spec.key.is_some() => None,
        Some((path, _)) => return Err(malformed(format!("has no record at {path}"))),
    };
    let external_id = match &spec.key {
        Some(path) => Path::parse(path).find(body).and_then(plain_text).map(|text| text.into_owned()),
        None => record.and_then(|record| reader.key(record)),
    };
    let external_id = external_id.filter(|key| !key.trim().is_empty());
    if external_id.is_none() {
        return Err(malformed("carries no key".to_owned()));
    }
    // Nothing of an untrusted body is believed but the key: whether the record is gone, the fetch tells.
    let record = record.filter(|_| trust == Trust::Body);
    Ok(Event {
        name: name.to_owned(),
        stream: spec.stream.clone(),
        external_id,
        deleted: trust == Trust::Body && (spec.deleted || record.is_some_and(|record| reader.is_deleted(record))),
        version: record.and_then(|record| reader.version(record).0),
        record: record.cloned(),
    })
}
