//! From a source's record to what the master takes: mapping and checks, in memory.
//!
//! A record that does not pass becomes a [`Rejected`] with its cause, field, place in the payload and
//! offending value. Nothing here touches the database.

use musubi_sdk::connector::Record;
use serde_json::Value;

use crate::{
    connection::Live,
    master::{Incoming, Rejected},
    model::{Currency, record::Canonical},
};

use super::shape::Held;

/// Bytes of a source's key. PostgreSQL's indexes end at 2,704 bytes, and no real key is near that.
const LONGEST_KEY: usize = 500;

/// One record, mapped or rejected.
pub type Mapped = Result<Incoming, Box<Rejected>>;

/// Maps one record of a stream with the connection's mapping.
/// `held`: what is kept of records whose source has lost a field ([`super::shape`]).
pub fn map(live: &Live, stream: &str, record: Record, held: &Held, currency: Currency) -> Mapped {
    let Some(kind) = live.kind_of(stream) else {
        return Err(rejected(record, "MAP_STREAM_UNKNOWN", None, None, None));
    };
    if record.external_id.contains('\0') || record.external_id.len() > LONGEST_KEY {
        return Err(bad_key(record));
    }
    if record.deleted {
        return Ok(Incoming {
            payload: String::new(),
            external_id: record.external_id,
            version: record.version,
            record: None,
            canonical: String::new(),
            hash: Vec::new(),
        });
    }
    let Some(mapping) = live.manifest.mapping(stream) else {
        return Err(rejected(record, "MAP_STREAM_UNKNOWN", None, None, None));
    };
    let mapped = match mapping.apply_holding(&record.body, live.held(stream), held.get(&record.external_id)) {
        Ok(mapped) => mapped,
        Err(errors) => {
            let Some(first) = errors.into_iter().next() else {
                return Err(rejected(record, "MAP_FAILED", None, None, None));
            };
            let value = text_of(&first.value);
            return Err(rejected(record, first.code, Some(first.field), Some(first.source_path), Some(value)));
        }
    };
    match Canonical::read(kind, &mapped, currency) {
        Ok(canonical) => {
            let text = Value::Object(mapped).to_string();
            Ok(Incoming {
                external_id: record.external_id,
                version: record.version,
                record: Some(canonical),
                hash: Incoming::hash_of(&text),
                canonical: text,
                payload: record.body.to_string(),
            })
        }
        Err(errors) => {
            let first = errors.into_iter().next();
            let (code, field, value) =
                first.map_or(("MAP_FAILED", None, None), |e| (e.code, Some(e.field), Some(e.value)));
            Err(rejected(record, code, field, None, value))
        }
    }
}

/// A key that no index takes. The failure stands under a key of its own, so that it can be stored.
fn bad_key(mut record: Record) -> Box<Rejected> {
    let given = without_nul(std::mem::take(&mut record.external_id));
    let value: String = given.chars().take(200).collect();
    record.external_id = if given.len() > LONGEST_KEY {
        let start: String = given.chars().take(40).collect();
        format!("{start}…{}", hex::encode(Incoming::hash_of(&given)))
    } else {
        given
    };
    rejected(record, "FMT_KEY", Some("key".to_owned()), None, Some(value))
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn rejected(
    record: Record,
    cause: &str,
    field: Option<String>,
    source_path: Option<String>,
    value: Option<String>,
) -> Box<Rejected> {
    Box::new(Rejected {
        label: without_nul(label(&record)),
        payload: without_nul(record.body.to_string()),
        external_id: record.external_id,
        version: record.version,
        cause: cause.to_owned(),
        field,
        source_path,
        value: value.map(without_nul),
    })
}

/// JSON escapes NUL as `\u0000`; the text itself never holds one, an offending value may.
fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{2400}") } else { text }
}

/// What people call the record: the first of the usual number or name fields, else its key.
fn label(record: &Record) -> String {
    ["order_no", "invoice_no", "number", "no", "name", "code"]
        .iter()
        .find_map(|key| record.body.get(*key).and_then(Value::as_str).filter(|s| !s.is_empty()))
        .map_or_else(|| record.external_id.clone(), str::to_owned)
}
