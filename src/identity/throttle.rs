//! Slows guessing down without ever locking anybody out.
//!
//! Each wrong try delays the next one of the same account and of the same address: 1, 2, 4 … 30
//! seconds. A try is counted when it is admitted and forgiven when it was right, so a hundred
//! tries at once gain nothing. Refused tries do not lengthen the delay. An address from which the
//! account signed in before has a count of its own, so strangers cannot keep its owner waiting.
//! Counts live in memory: another node or a restart begins anew, which the delay can afford.

use std::{
    collections::{HashMap, HashSet},
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::model::Timestamp;

const LONGEST: u32 = 30;
/// Wrong tries are forgotten this long after the last one.
const MEMORY: i64 = 15 * Timestamp::MINUTE;
/// Many people share an office address, so its first typing errors are free.
const FREE_PER_ADDRESS: u32 = 5;
const MOST_KEYS: usize = 20_000;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Account(String),
    /// The account as seen from an address it is used from.
    Familiar(String, IpAddr),
    Address(IpAddr),
}

#[derive(Clone, Copy, Debug)]
struct Count {
    wrong: u32,
    last: Timestamp,
}

#[derive(Debug, Default)]
struct State {
    counts: HashMap<Key, Count>,
    familiar: HashSet<(String, IpAddr)>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Throttle {
    state: Mutex<State>,
}

/// A try that may go on. Report its end with [`Throttle::right`]; saying nothing means wrong.
#[derive(Debug)]
#[must_use]
pub struct Admitted {
    account: Option<String>,
    address: Option<IpAddr>,
}

impl Throttle {
    /// Lets a try pass, or says how long to wait. Without an account only the address counts.
    pub fn admit(&self, account: Option<&str>, address: Option<IpAddr>, now: Timestamp) -> Result<Admitted, Duration> {
        let address = address.map(network);
        let mut state = self.lock();
        let keys = state.keys(account, address);
        let wait = keys.iter().map(|key| state.wait(key, now)).max().unwrap_or(0);
        if wait > 0 {
            // Rounded up, so that whoever waits as told is let in.
            return Err(Duration::from_secs(
                u64::try_from(wait).unwrap_or(0).div_ceil(Timestamp::SECOND.unsigned_abs()),
            ));
        }
        state.make_room(now);
        for key in keys {
            let count = state.counts.entry(key).or_insert(Count { wrong: 0, last: now });
            if now.since(count.last) >= MEMORY {
                count.wrong = 0;
            }
            count.wrong = count.wrong.saturating_add(1);
            count.last = now;
        }
        Ok(Admitted { account: account.map(str::to_owned), address })
    }

    /// The try was right: the account starts anew, the address gets this try back.
    pub fn right(&self, admitted: Admitted) {
        let Admitted { account, address } = admitted;
        let mut state = self.lock();
        for key in state.keys(account.as_deref(), address) {
            match key {
                Key::Address(_) => {
                    if let Some(count) = state.counts.get_mut(&key) {
                        count.wrong = count.wrong.saturating_sub(1);
                    }
                }
                key => {
                    state.counts.remove(&key);
                }
            }
        }
        if let (Some(account), Some(address)) = (account, address) {
            if state.familiar.len() >= MOST_KEYS {
                state.familiar.clear();
            }
            state.familiar.insert((account, address));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn keys(&self, account: Option<&str>, address: Option<IpAddr>) -> Vec<Key> {
        let account = account.map(|account| match address {
            Some(address) if self.familiar.contains(&(account.to_owned(), address)) => {
                Key::Familiar(account.to_owned(), address)
            }
            _ => Key::Account(account.to_owned()),
        });
        account.into_iter().chain(address.map(Key::Address)).collect()
    }

    /// Microseconds until `key` may try again.
    fn wait(&self, key: &Key, now: Timestamp) -> i64 {
        let Some(count) = self.counts.get(key) else { return 0 };
        let free = if matches!(key, Key::Address(_)) { FREE_PER_ADDRESS } else { 0 };
        let Some(over) = count.wrong.checked_sub(free + 1) else { return 0 };
        let seconds = 1u32.checked_shl(over.min(10)).unwrap_or(LONGEST).min(LONGEST);
        count
            .last
            .plus(i64::from(seconds) * Timestamp::SECOND)
            .since(now)
            .clamp(0, i64::from(LONGEST) * Timestamp::SECOND)
    }

    fn make_room(&mut self, now: Timestamp) {
        if self.counts.len() < MOST_KEYS {
            return;
        }
        self.counts.retain(|_, count| now.since(count.last) < MEMORY);
        if self.counts.len() >= MOST_KEYS {
            // Under a flood the oldest half goes; the address counts of the flood stay.
            let mut times: Vec<Timestamp> = self.counts.values().map(|count| count.last).collect();
            times.sort_unstable();
            let middle = times[times.len() / 2];
            self.counts.retain(|_, count| count.last > middle);
        }
    }
}

/// An IPv6 customer owns a whole /64, so that is what counts as one address.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let s = v6.segments();
            IpAddr::V6(Ipv6Addr::new(s[0], s[1], s[2], s[3], 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * Timestamp::SECOND)
    }

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn delays_double_up_to_thirty_seconds_and_never_lock_out() {
        let throttle = Throttle::default();
        let mut now = 0;
        for (n, expected) in [1, 2, 4, 8, 16, 30, 30, 30].into_iter().enumerate() {
            let from = address(u8::try_from(n).unwrap_or(0));
            assert!(throttle.admit(Some("mina"), from, at(now)).is_ok(), "try {n}");
            assert_eq!(
                throttle.admit(Some("mina"), from, at(now)).err(),
                Some(Duration::from_secs(expected)),
                "try {n}"
            );
            now += i64::try_from(expected).unwrap_or(0);
        }
        assert!(throttle.admit(Some("other"), address(99), at(now)).is_ok(), "other accounts do not wait");
    }

    #[test]
    fn an_address_that_tries_many_accounts_waits() {
        let throttle = Throttle::default();
        for n in 0..=FREE_PER_ADDRESS {
            assert!(throttle.admit(Some(&format!("account{n}")), address(1), at(0)).is_ok(), "try {n}");
        }
        assert!(throttle.admit(Some("one more"), address(1), at(0)).is_err());
        assert!(throttle.admit(Some("one more"), address(2), at(0)).is_ok());
    }

    #[test]
    fn right_tries_are_forgiven_and_strangers_do_not_delay_the_owner() {
        let throttle = Throttle::default();
        for _ in 0..50 {
            let admitted = throttle.admit(Some("mina"), address(1), at(0)).expect("right tries never wait");
            throttle.right(admitted);
        }
        for n in 0..6 {
            let _ = throttle.admit(Some("mina"), address(2), at(n * 60));
        }
        assert!(throttle.admit(Some("mina"), address(2), at(301)).is_err(), "the stranger waits");
        assert!(throttle.admit(Some("mina"), address(1), at(301)).is_ok(), "the owner does not");
    }

    #[test]
    fn wrong_tries_are_forgotten_and_memory_is_bounded() {
        let throttle = Throttle::default();
        for n in 0..5 {
            let _ = throttle.admit(Some("mina"), None, at(n * 31));
        }
        let _ = throttle.admit(Some("mina"), None, at(3_600));
        assert_eq!(throttle.admit(Some("mina"), None, at(3_600)).err(), Some(Duration::from_secs(1)));
        for n in 0..MOST_KEYS * 2 {
            let _ = throttle.admit(Some(&format!("a{n}")), None, at(4_000 + i64::try_from(n).unwrap_or(0)));
        }
        assert!(throttle.lock().counts.len() <= MOST_KEYS);
    }

    #[test]
    fn one_ipv6_network_is_one_address() {
        let parse = |text: &str| network(text.parse().unwrap_or(IpAddr::from([0, 0, 0, 0])));
        assert_eq!(parse("2001:db8:0:1::1"), parse("2001:db8:0:1:ffff::2"));
        assert_ne!(parse("2001:db8:0:1::1"), parse("2001:db8:0:2::1"));
        assert_eq!(parse("::ffff:192.0.2.1"), IpAddr::from([192, 0, 2, 1]));
    }
}
