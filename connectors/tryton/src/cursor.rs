//! Where an incremental pull stands: a place in the order of change for every model that counts.
//!
//! Tryton has no single "changed at". A record that was written has `write_date`; one that was only
//! ever created often has none. So each model has two marks: among the written records by
//! (`write_date`, `create_date`, `id`), and among those never written by (`create_date`, `id`).
//!
//! Invariants: a mark never moves backwards, and never past the server's own clock. Both dates are
//! those of the *start* of a transaction, so what a long transaction commits late stands before what
//! was read already: a pull begins `overlap` before its mark. Only a mark that was older than that
//! when its pull began is exact, and nothing before it is read again.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use musubi_sdk::{Cursor, SourceError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    domain::{after, all, any, is},
    scalar,
};

/// The order of every list: explicit, because Tryton's own is by name or newest first.
pub(crate) fn order() -> Value {
    json!([["write_date", "ASC NULLS FIRST"], ["create_date", "ASC NULLS FIRST"], ["id", "ASC"]])
}

/// Where one record stands in [`order`]. Empty dates come first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Place {
    pub written: Option<Timestamp>,
    pub created: Option<Timestamp>,
    pub id: i64,
}

impl Place {
    /// `None`: a row without an id.
    pub(crate) fn of(row: &Value) -> Option<Self> {
        let at = |name: &str| row[name].as_str().and_then(|text| text.parse().ok());
        Some(Self { written: at("write_date"), created: at("create_date"), id: row["id"].as_i64()? })
    }

    /// When the record changed last.
    pub(crate) fn time(&self) -> Option<Timestamp> {
        self.written.or(self.created)
    }

    /// Everything behind this place.
    pub(crate) fn behind(&self) -> Value {
        after(&[("write_date", tagged(self.written)), ("create_date", tagged(self.created)), ("id", self.id.into())])
    }
}

fn tagged(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, scalar::datetime)
}

/// Up to where records were read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub time: Timestamp,
    #[serde(default)]
    pub created: Option<Timestamp>,
    #[serde(default)]
    pub id: i64,
    /// No transaction that began before `time` was still open when it was read.
    #[serde(default)]
    pub exact: bool,
}

impl Mark {
    pub(crate) fn at(time: Timestamp) -> Self {
        Self { time, created: None, id: 0, exact: false }
    }

    fn key(&self) -> (Timestamp, Option<Timestamp>, i64) {
        (self.time, self.created, self.id)
    }

    fn from(&self, overlap: SignedDuration) -> Value {
        scalar::datetime(self.time.checked_sub(overlap).unwrap_or(Timestamp::UNIX_EPOCH))
    }
}

/// What a pull knows of time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// The server's clock at the pull's first answer, and at this one.
    pub began: Option<Timestamp>,
    pub now: Option<Timestamp>,
    pub overlap: SignedDuration,
}

impl Times {
    fn is_settled(&self, time: Timestamp) -> bool {
        self.began.is_some_and(|began| began.duration_since(time) > self.overlap)
    }
}

/// The marks of one model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Marks {
    #[serde(default)]
    pub written: Option<Mark>,
    #[serde(default)]
    pub unwritten: Option<Mark>,
}

impl Marks {
    /// Everything before this moment counts as read.
    pub(crate) fn at(time: Option<Timestamp>) -> Self {
        let mark = time.map(Mark::at);
        Self { written: mark.clone(), unwritten: mark }
    }

    /// What to ask for from here; `None`: everything.
    pub(crate) fn since(&self, overlap: SignedDuration) -> Option<Value> {
        if self.written.is_none() && self.unwritten.is_none() {
            return None;
        }
        let never = is("write_date", "=", Value::Null);
        let written = match &self.written {
            None => is("write_date", "!=", Value::Null),
            Some(mark) if mark.exact => after(&[
                ("write_date", scalar::datetime(mark.time)),
                ("create_date", tagged(mark.created)),
                ("id", mark.id.into()),
            ]),
            Some(mark) => is("write_date", ">=", mark.from(overlap)),
        };
        let unwritten = match &self.unwritten {
            None => never,
            Some(mark) if mark.exact => {
                all(vec![never, after(&[("create_date", scalar::datetime(mark.time)), ("id", mark.id.into())])])
            }
            Some(mark) => all(vec![never, is("create_date", ">=", mark.from(overlap))]),
        };
        Some(any(vec![written, unwritten]))
    }

    /// Moves on over the rows of a page, which are in [`order`].
    pub(crate) fn pass(&mut self, places: &[Place], times: Times) {
        let written = places.iter().rev().find_map(|place| {
            let mark = Mark { time: place.written?, created: place.created, id: place.id, exact: false };
            Some(mark)
        });
        let unwritten = places.iter().rev().find(|place| place.written.is_none()).and_then(|place| {
            let mark = Mark { time: place.created?, created: None, id: place.id, exact: false };
            Some(mark)
        });
        advance(&mut self.written, written, times);
        advance(&mut self.unwritten, unwritten, times);
    }

    /// The list was read to its end.
    pub(crate) fn end(&mut self, times: Times) {
        for mark in [&mut self.written, &mut self.unwritten].into_iter().flatten() {
            mark.exact |= mark.id > 0 && times.is_settled(mark.time);
        }
    }

    /// The written record at this place came in the pull that began at `self` and stands at `now`.
    pub(crate) fn has_passed(&self, now: &Self, place: &Place, overlap: SignedDuration) -> bool {
        let Some((time, top)) = place.written.zip(now.written.as_ref()) else { return false };
        let from = self.written.as_ref().map(|mark| mark.time.checked_sub(overlap).unwrap_or(mark.time));
        let behind_start = match (&self.written, from) {
            (Some(mark), _) if mark.exact => time > mark.time,
            (_, from) => from.is_none_or(|from| time >= from),
        };
        behind_start && time < top.time
    }
}

fn advance(mark: &mut Option<Mark>, seen: Option<Mark>, times: Times) {
    let Some(seen) = seen else { return };
    let limit = times.now.and_then(|now| now.checked_add(SignedDuration::from_secs(1)).ok());
    let mut next = match limit {
        // A clock that was wrong for a moment must not carry the mark away.
        Some(limit) if seen.time > limit => Mark::at(limit),
        _ => Mark { exact: times.is_settled(seen.time), ..seen },
    };
    if let Some(known) = mark.take()
        && known.key() >= next.key()
    {
        next = known;
    }
    *mark = Some(next);
}

/// The whole cursor of a stream: its own model, and the models whose records are part of its records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stand {
    pub own: Marks,
    #[serde(default)]
    pub parts: BTreeMap<String, Marks>,
}

impl Stand {
    pub(crate) fn read(cursor: &Cursor) -> Result<Self, SourceError> {
        serde_json::from_value(cursor.0.clone()).map_err(|_| SourceError::Config {
            code: "CURSOR_UNREADABLE",
            detail: "the stored cursor is not one of this connector; start the stream anew".to_owned(),
        })
    }

    pub(crate) fn write(&self) -> Cursor {
        Cursor(serde_json::to_value(self).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests;
