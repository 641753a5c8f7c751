//! One kind of record as a system serves it: rendered JSON in the order of `(changed, key)`.
//!
//! Invariants: change times only grow, so a changed record moves to the end. Its old place is
//! kept for some minutes (serving the new content), so a reader who counts pages meets a record
//! twice rather than missing the one that slid over the page border.

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

    /// Writes a record; `render` gets the change time, which is now or just after the last one.
    pub(crate) fn put(&self, key: u64, render: impl FnOnce(Timestamp) -> Bytes) -> Bytes {
        let mut rows = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let last = rows.places.last().map_or(0, |place| place.0);
        let changed = Timestamp::now().as_millisecond().max(last + 1);
        let body = render(Timestamp::from_millisecond(changed).unwrap_or(Timestamp::MAX));
        if let Some((old, _)) = rows.bodies.insert(key, (changed, body.clone())) {
            rows.left.push_back((Instant::now(), (old, key)));
        }
        rows.places.push((changed, key));
        while let Some((since, place)) = rows.left.front().copied()
            && since.elapsed() > KEEP_PLACE
        {
            rows.left.pop_front();
            if let Ok(at) = rows.places.binary_search(&place) {
                rows.places.remove(at);
            }
        }
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
