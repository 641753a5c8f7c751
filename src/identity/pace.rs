//! How often somebody may do a thing: each time takes one of a store that refills evenly. An address sets out
//! for a provider or comes back so often, and a sign-in that ends well gives its ways back; so an office that
//! arrives in the morning does not wait, and whoever only knocks neither fills tables nor the audit trail. A
//! token calls the API so often.
//!
//! Counts live in memory, as those of [`super::throttle`] do.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::throttle::network;
use crate::model::Timestamp;

const MOST_KEYS: usize = 20_000;

#[derive(Clone, Copy, Debug)]
struct Store {
    /// Ways left, in microseconds of refilling.
    left: i64,
    at: Timestamp,
}

/// Whom a store belongs to.
pub(super) trait Who: Eq + Hash {
    /// What counts as one.
    fn one(self) -> Self;
}

impl Who for IpAddr {
    fn one(self) -> Self {
        network(self)
    }
}

/// Ids.
impl Who for String {
    fn one(self) -> Self {
        self
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Pace<W> {
    stores: Mutex<HashMap<W, Store>>,
    /// How long one way takes to come back, in microseconds.
    way: i64,
    full: i64,
}

impl<W: Who> Pace<W> {
    /// `per_minute`: ways of one at once, and then in a minute.
    pub fn new(per_minute: u32) -> Self {
        let way = Timestamp::MINUTE / i64::from(per_minute.max(1));
        Self { stores: Mutex::default(), way, full: way * i64::from(per_minute.max(1)) }
    }

    /// Takes one way, or says how long to wait for one. Nobody waits for one that is not known.
    pub fn take(&self, who: Option<W>, now: Timestamp) -> Result<(), Duration> {
        let Some(who) = who.map(W::one) else { return Ok(()) };
        let mut stores = self.lock();
        if stores.len() >= MOST_KEYS && !stores.contains_key(&who) {
            self.make_room(&mut stores, now);
        }
        let store = stores.entry(who).or_insert(Store { left: self.full, at: now });
        *store = self.refilled(*store, now);
        if store.left < self.way {
            let wait = u64::try_from(self.way - store.left).unwrap_or(0);
            return Err(Duration::from_secs(wait.div_ceil(Timestamp::SECOND.unsigned_abs())));
        }
        store.left -= self.way;
        Ok(())
    }

    /// A sign-in ended well: its ways there and back did not count.
    pub fn give_back(&self, who: Option<W>, ways: i64) {
        let mut stores = self.lock();
        if let Some(store) = who.map(W::one).and_then(|who| stores.get_mut(&who)) {
            store.left = self.full.min(store.left + ways * self.way);
        }
    }

    /// A clock that was set back gives nothing and takes nothing.
    fn refilled(&self, store: Store, now: Timestamp) -> Store {
        let gone = now.since(store.at).clamp(0, self.full);
        Store { left: self.full.min(store.left + gone), at: store.at.max(now) }
    }

    /// Full stores say nothing. Of the others the older half goes: those of the flood stay.
    fn make_room(&self, stores: &mut HashMap<W, Store>, now: Timestamp) {
        stores.retain(|_, store| self.refilled(*store, now).left < self.full);
        if stores.len() >= MOST_KEYS {
            let mut times: Vec<Timestamp> = stores.values().map(|store| store.at).collect();
            times.sort_unstable();
            let middle = times[times.len() / 2];
            stores.retain(|_, store| store.at > middle);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<W, Store>> {
        self.stores.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: u32) -> Option<IpAddr> {
        Some(std::net::Ipv4Addr::from(0x0a00_0000 + n).into())
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * Timestamp::SECOND)
    }

    #[test]
    fn ways_run_out_and_come_back_evenly() {
        let pace = Pace::new(30);
        for n in 0..30 {
            assert_eq!(pace.take(address(1), at(0)), Ok(()), "way {n}");
        }
        assert_eq!(pace.take(address(1), at(0)), Err(Duration::from_secs(2)));
        assert_eq!(pace.take(address(2), at(0)), Ok(()), "another address");
        assert_eq!(pace.take(None, at(0)), Ok(()));
        assert_eq!(pace.take(address(1), at(-50)), Err(Duration::from_secs(2)), "a clock set back");
        assert_eq!(pace.take(address(1), at(1)), Err(Duration::from_secs(1)));
        assert_eq!(pace.take(address(1), at(2)), Ok(()));
    }

    #[test]
    fn sign_ins_that_end_well_do_not_count() {
        let pace = Pace::new(4);
        for n in 0..20 {
            assert!(pace.take(address(1), at(0)).is_ok() && pace.take(address(1), at(0)).is_ok(), "sign-in {n}");
            pace.give_back(address(1), 2);
        }
        for _ in 0..4 {
            assert!(pace.take(address(1), at(0)).is_ok());
        }
        assert!(pace.take(address(1), at(0)).is_err(), "and no more than that comes back");
    }

    #[test]
    fn memory_is_bounded_and_the_flood_stays_known() {
        let pace = Pace::new(1);
        for n in 0..u32::try_from(MOST_KEYS * 2).unwrap_or(0) {
            assert!(pace.take(address(n), Timestamp(i64::from(n))).is_ok());
        }
        assert!(pace.lock().len() <= MOST_KEYS);
        let last = u32::try_from(MOST_KEYS * 2 - 1).unwrap_or(0);
        assert!(pace.take(address(last), Timestamp(i64::from(last))).is_err());
    }
}
