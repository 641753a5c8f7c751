//! One kind of record as a system serves it: rendered JSON in the order of `(changed, key)`.
//!
//! Invariants: change times only grow, so a changed record moves to the end. A reader who asks by
//! place loses nothing by that. For readers who count records, a table can keep the old place for
//! some minutes (serving the new content), so that they meet a record twice rather than missing
//! the one that slid over the page border.

use std::collections::{HashMap, VecDeque};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;

/// How long an old place is kept; longer than any reader takes for all pages.
const KEEP_PLACE: Duration = Duration::from_secs(600);

/// Change time in milliseconds, and the key.
pub(crate) type Place = (i64, u64);

#[derive(Debug, Default)]
struct Rows {
    places: Vec<Place>,
    bodies: HashMap<u64, (i64, Bytes)>,
    keeps_places: bool,
    /// Old places and until when they stay.
    left: VecDeque<(Instant, Place)>,
}

#[derive(Debug, Default)]
pub(crate) struct Table(RwLock<Rows>);

/// Which records, and how many of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slice {
    /// Only records at or after this place.
    pub from: Option<Place>,
    pub skip: usize,
    pub take: usize,
}

#[derive(Debug)]
pub(crate) struct Found {
    pub bodies: Vec<Bytes>,
    /// How many there are from `from` on, over all pages.
    pub total: usize,
}

impl Table {
    pub(crate) fn filled(rows: impl Iterator<Item = (Timestamp, u64, Bytes)>) -> Self {
        let mut out = Rows::default();
        for (changed, key, body) in rows {
            out.places.push((changed.as_millisecond(), key));
            out.bodies.insert(key, (changed.as_millisecond(), body));
        }
        out.places.sort_unstable();
        Self(RwLock::new(out))
    }

    /// For lists that are read by offset.
    pub(crate) fn keeping_places(self) -> Self {
        let mut rows = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        rows.keeps_places = true;
        Self(RwLock::new(rows))
    }

    /// Writes a record; `render` gets the change time, which is now or just after the last one.
    pub(crate) fn put(&self, key: u64, render: impl FnOnce(Timestamp) -> Bytes) -> Bytes {
        let mut rows = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let last = rows.places.last().map_or(0, |place| place.0);
        let changed = crate::clock::now().as_millisecond().max(last + 1);
        let body = render(Timestamp::from_millisecond(changed).unwrap_or(Timestamp::MAX));
        rows.places.push((changed, key));
        if let Some((old, _)) = rows.bodies.insert(key, (changed, body.clone())) {
            let kept_for = if rows.keeps_places { KEEP_PLACE } else { Duration::ZERO };
            rows.left.push_back((Instant::now() + kept_for, (old, key)));
        }
        rows.drop_left_places();
        body
    }

    pub(crate) fn get(&self, key: u64) -> Option<Bytes> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).bodies.get(&key).map(|(_, body)| body.clone())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).bodies.len()
    }

    pub(crate) fn slice(&self, ask: Slice) -> Found {
        let rows = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let start = ask.from.map_or(0, |from| rows.places.partition_point(|place| *place < from));
        let matching = &rows.places[start..];
        let bodies = matching
            .iter()
            .skip(ask.skip)
            .take(ask.take)
            .filter_map(|(_, key)| rows.bodies.get(key).map(|(_, body)| body.clone()))
            .collect();
        Found { bodies, total: matching.len() }
    }
}

impl Rows {
    fn drop_left_places(&mut self) {
        let now = Instant::now();
        while let Some((_, place)) = self.left.pop_front_if(|(until, _)| *until <= now) {
            if let Ok(at) = self.places.binary_search(&place) {
                self.places.remove(at);
            }
        }
    }
}

/// `head`, the records with commas between them, `tail`.
pub(crate) fn joined(head: &str, bodies: &[Bytes], tail: &str) -> Bytes {
    let size = head.len() + tail.len() + bodies.iter().map(|b| b.len() + 1).sum::<usize>();
    let mut out = Vec::with_capacity(size);
    out.extend_from_slice(head.as_bytes());
    for (n, body) in bodies.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        out.extend_from_slice(body);
    }
    out.extend_from_slice(tail.as_bytes());
    out.into()
}
