//! What this process remembers of who calls, by the digest of their secret: a second at most, so that whatever
//! ends or changes elsewhere holds here within that second.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::model::Timestamp;

const FRESH: i64 = Timestamp::SECOND;
const MOST: usize = 10_000;

/// Something that belongs to a person.
pub(super) trait Owned {
    fn user_id(&self) -> &str;
}

/// By digest: what was read from the table, and when.
type Known<T> = HashMap<[u8; 32], (Arc<T>, Timestamp)>;

/// See the module.
#[derive(Debug)]
pub(super) struct Cache<T>(Mutex<Known<T>>);

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Owned> Cache<T> {
    fn lock(&self) -> MutexGuard<'_, Known<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn get(&self, digest: &[u8; 32], now: Timestamp) -> Option<Arc<T>> {
        let known = self.lock();
        let (found, at) = known.get(digest)?;
        // A clock that was set back must not keep an answer alive.
        (0..FRESH).contains(&now.since(*at)).then(|| Arc::clone(found))
    }

    pub fn put(&self, digest: [u8; 32], found: Arc<T>, now: Timestamp) {
        let mut known = self.lock();
        if known.len() >= MOST {
            known.retain(|_, (_, at)| (0..FRESH).contains(&now.since(*at)));
        }
        if known.len() < MOST {
            known.insert(digest, (found, now));
        }
    }

    pub fn remove(&self, digest: &[u8; 32]) {
        self.lock().remove(digest);
    }

    /// Drops what is remembered of a person: a right, a session or a token changed.
    pub fn forget_user(&self, user_id: &str) {
        self.lock().retain(|_, (found, _)| found.user_id() != user_id);
    }
}
