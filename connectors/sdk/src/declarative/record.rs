//! From a page's JSON to records: selector, key, version, deletion, place in the cursor's order.

use jiff::Timestamp;
use serde_json::Value;

use super::cursor::Mark;
use crate::{
    connector::{Record, SourceError},
    manifest::{StreamSpec, VersionForm},
    mapping::{Path, instant, plain_text},
};

/// The paths of one stream, cut once.
pub(crate) struct Reader {
    records: Path,
    key: Vec<Path>,
    version: Option<(Path, VersionForm)>,
    deleted: Option<(Path, Value)>,
    total: Option<Path>,
}

impl Reader {
    pub(crate) fn new(stream: &StreamSpec) -> Self {
        Self {
            records: Path::parse(&stream.records),
            key: stream.key.iter().map(|key| Path::parse(key)).collect(),
            version: stream.version.as_ref().map(|version| (Path::parse(&version.from), version.form)),
            deleted: stream
                .deleted
                .as_ref()
                .map(|spec| (Path::parse(&spec.from), spec.equals.clone().unwrap_or(Value::Bool(true)))),
            total: stream.total.as_deref().map(Path::parse),
        }
    }

    pub(super) fn total(&self, body: &Value) -> Option<u64> {
        let value = self.total.as_ref()?.find(body)?;
        value.as_u64().or_else(|| value.as_str()?.parse().ok())
    }

    /// The records of a page, and the places of those that have one, in the page's order.
    pub(super) fn page(&self, body: &mut Value) -> Result<(Vec<Record>, Vec<Mark>), SourceError> {
        let Some(Value::Array(items)) = self.records.take(body) else {
            let place = if self.records.as_str().is_empty() { "its top" } else { self.records.as_str() };
            let detail = format!("the answer holds no list of records at {place}");
            return Err(SourceError::Malformed { code: "SRC_SHAPE", detail });
        };
        let mut records = Vec::with_capacity(items.len());
        let mut marks = Vec::with_capacity(items.len());
        for item in items {
            let (record, time) = self.record(item)?;
            if let Some(time) = time {
                marks.push(Mark { time, id: record.external_id.clone() });
            }
            records.push(record);
        }
        Ok((records, marks))
    }

    /// One record, and when it changed.
    pub(crate) fn record(&self, body: Value) -> Result<(Record, Option<Timestamp>), SourceError> {
        let Some(external_id) = self.key(&body) else {
            let paths: Vec<&str> = self.key.iter().map(Path::as_str).collect();
            let detail = format!("a record has no key at {}", paths.join(", "));
            return Err(SourceError::Malformed { code: "SRC_NO_KEY", detail });
        };
        let (version, time) = self.version(&body);
        let deleted = self.is_deleted(&body);
        Ok((Record { external_id, version, body, deleted }, time))
    }

    /// The key as text; the parts of a compound one joined with `:`.
    pub(crate) fn key(&self, body: &Value) -> Option<String> {
        let mut out = String::new();
        for (index, path) in self.key.iter().enumerate() {
            if index > 0 {
                out.push(':');
            }
            let text = plain_text(path.find(body)?)?;
            if text.trim().is_empty() {
                return None;
            }
            out.push_str(&text);
        }
        Some(out)
    }

    pub(crate) fn is_deleted(&self, body: &Value) -> bool {
        self.deleted.as_ref().is_some_and(|(path, equals)| is_equal(path.find(body), equals))
    }

    pub(crate) fn version(&self, body: &Value) -> (Option<i64>, Option<Timestamp>) {
        let Some((path, form)) = &self.version else { return (None, None) };
        let Some(text) = path.find(body).and_then(plain_text) else { return (None, None) };
        match form {
            VersionForm::Integer => (text.trim().parse().ok(), None),
            VersionForm::Instant => {
                let time = instant(&text);
                (time.map(Timestamp::as_microsecond), time)
            }
        }
    }
}

/// Sources write flags as `true`, `1` and `"1"`: compared as text.
fn is_equal(found: Option<&Value>, expected: &Value) -> bool {
    found.is_some_and(|found| found == expected || plain_text(found).is_some_and(|f| plain_text(expected) == Some(f)))
}
