//! The incremental cursor: (change time, key).
//!
//! Invariants: a cursor never moves backwards, and never past the moment of the source's own clock
//! at which its page was read. What is read twice is the engine's business (content hash); what is
//! never read is lost, so every doubt is settled by reading again:
//! - a pull starts `overlap` before the cursor, so records committed late are seen;
//! - an unsorted source gives its cursor only at the end, and never later than the pull's beginning,
//!   because a record may have changed after its page was read.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{
    connector::{Cursor, SourceError},
    manifest::{CursorFormat, CursorSpec},
};

/// A place in the order of (change time, key).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Mark {
    pub time: Timestamp,
    #[serde(default)]
    pub id: String,
}

impl Mark {
    pub(super) fn read(cursor: &Cursor) -> Result<Self, SourceError> {
        serde_json::from_value(cursor.0.clone()).map_err(|_| SourceError::Config {
            code: "CURSOR_UNREADABLE",
            detail: "the stored cursor is not one of this connector; start the stream anew".to_owned(),
        })
    }

    pub(super) fn write(&self) -> Cursor {
        Cursor(serde_json::json!({"time": self.time.to_string(), "id": self.id}))
    }

    /// Not past the end of the second that a `Date` header names. The key goes with the time:
    /// a capped mark stands before all records of its time.
    pub(super) fn capped(self, date: Option<Timestamp>) -> Self {
        match date.and_then(|date| date.checked_add(SignedDuration::from_secs(1)).ok()) {
            Some(limit) if self.time > limit => Self { time: limit, id: String::new() },
            _ => self,
        }
    }
}

/// From where a pull asks, before any page.
pub(super) fn start(spec: &CursorSpec, mark: &Mark) -> Mark {
    if spec.overlap.is_zero() && spec.id_param.is_some() {
        return mark.clone();
    }
    let back = SignedDuration::try_from(spec.overlap).unwrap_or(SignedDuration::ZERO);
    let time = mark.time.checked_sub(back).unwrap_or(Timestamp::UNIX_EPOCH);
    Mark { time, id: String::new() }
}

/// The query parameters that ask for what came after a mark.
pub(super) fn params(spec: &CursorSpec, mark: &Mark) -> Vec<(String, String)> {
    let mut out = vec![(spec.param.clone(), rendered(spec.format, mark.time))];
    if let Some(id) = &spec.id_param
        && !mark.id.is_empty()
    {
        out.push((id.clone(), mark.id.clone()));
    }
    out
}

/// Coarser formats are cut towards the past.
fn rendered(format: CursorFormat, time: Timestamp) -> String {
    match format {
        CursorFormat::Rfc3339 => time.to_string(),
        CursorFormat::EpochMs => time.as_millisecond().to_string(),
        CursorFormat::EpochS => time.as_second().to_string(),
        CursorFormat::Date => {
            // The source's zone is unknown: the earliest calendar date on earth at that moment.
            let earliest = time.checked_sub(SignedDuration::from_hours(12)).unwrap_or(time);
            earliest.to_zoned(TimeZone::UTC).date().to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(time: &str, id: &str) -> Mark {
        Mark { time: time.parse().unwrap_or(Timestamp::UNIX_EPOCH), id: id.to_owned() }
    }

    #[test]
    fn a_wrong_clock_does_not_carry_the_cursor_away() {
        let date = mark("2026-04-01T00:00:00Z", "").time;
        let table = [
            (mark("2026-03-31T23:00:00Z", "a"), mark("2026-03-31T23:00:00Z", "a")),
            (mark("2026-04-01T00:00:00.9Z", "a"), mark("2026-04-01T00:00:00.9Z", "a")),
            (mark("2099-01-01T00:00:00Z", "a"), mark("2026-04-01T00:00:01Z", "")),
        ];
        for (seen, stored) in table {
            assert_eq!(seen.capped(Some(date)), stored);
        }
        assert_eq!(mark("2099-01-01T00:00:00Z", "a").capped(None), mark("2099-01-01T00:00:00Z", "a"));
    }

    #[test]
    fn times_are_asked_for_in_the_sources_form() {
        let time = mark("2026-04-01T03:04:05.678901Z", "").time;
        let table = [
            (CursorFormat::Rfc3339, "2026-04-01T03:04:05.678901Z"),
            (CursorFormat::EpochMs, "1775012645678"),
            (CursorFormat::EpochS, "1775012645"),
            (CursorFormat::Date, "2026-03-31"),
        ];
        for (format, text) in table {
            assert_eq!(rendered(format, time), text);
        }
    }

    #[test]
    fn what_was_written_is_read_back() -> Result<(), SourceError> {
        let mark = mark("2026-04-01T03:04:05.678901234Z", "A-1");
        assert_eq!(Mark::read(&mark.write())?, mark);
        assert!(Mark::read(&Cursor(serde_json::json!({"page": 3}))).is_err());
        Ok(())
    }
}
