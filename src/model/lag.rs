//! How long changes take from their source to here: counted in buckets, so that a percentile of any span of time
//! can be read from a few numbers.
//!
//! A bucket says "at most so long". What is read from them is never shorter than what was, and at most one bucket
//! longer: about half as much again.

use super::Timestamp;

/// Upper ends of the buckets in seconds, ascending. One more bucket holds what took longer.
const BOUNDS: [i64; 30] = [
    1, 2, 3, 5, 7, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 420, 600, 900, 1_200, 1_800, 2_700, 3_600, 5_400, 7_200,
    14_400, 28_800, 43_200, 86_400, 172_800, 604_800,
];

/// Buckets there are.
pub const BUCKETS: usize = BOUNDS.len() + 1;

/// The smallest instant that a source's version can be: 2001. Smaller ones are counters.
const INSTANTS: i64 = 1_000_000_000_000_000;

/// Lengths of time by bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lags([i64; BUCKETS]);

/// The bucket of a length of time in microseconds.
#[must_use]
pub fn bucket(lag: i64) -> usize {
    BOUNDS.iter().position(|bound| lag <= bound * Timestamp::SECOND).unwrap_or(BOUNDS.len())
}

/// The longest time that a bucket holds, in microseconds; of the last one the longest that can be told.
#[must_use]
pub fn upper(bucket: usize) -> i64 {
    BOUNDS.get(bucket).or(BOUNDS.last()).map_or(0, |bound| bound * Timestamp::SECOND)
}

impl Lags {
    /// Counts a change by its source's version, where that is an instant in the past.
    pub fn count(&mut self, version: Option<i64>, now: Timestamp) {
        if let Some(at) = version.filter(|at| (INSTANTS..=now.0).contains(at)) {
            self.add(bucket(now.0 - at), 1);
        }
    }

    /// Adds what was counted of a bucket; one that is not known counts as the longest.
    pub fn add(&mut self, bucket: usize, n: i64) {
        self.0[bucket.min(BUCKETS - 1)] += n;
    }

    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|n| *n == 0)
    }

    /// Buckets that hold something.
    pub fn filled(&self) -> impl Iterator<Item = (usize, i64)> + '_ {
        self.0.iter().copied().enumerate().filter(|(_, n)| *n > 0)
    }

    /// The time within which this percentage of the changes came, in microseconds. `None`: there were none.
    #[must_use]
    pub fn percentile(&self, percent: i64) -> Option<i64> {
        let all: i64 = self.0.iter().sum();
        let rank = (all * percent + 99) / 100;
        let mut before = 0;
        let found = self.filled().find(|(_, n)| {
            before += n;
            before >= rank
        });
        found.map(|(bucket, _)| upper(bucket))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bounds_ascend_and_hold_what_they_say() {
        assert!(BOUNDS.is_sorted_by(|a, b| a < b));
        for (seconds, wanted) in [(0, 0), (1, 0), (2, 1), (61, 11), (604_800, 29), (604_801, 30)] {
            assert_eq!(bucket(seconds * Timestamp::SECOND), wanted, "{seconds}");
        }
        assert_eq!(upper(11), 90 * Timestamp::SECOND);
        assert_eq!(upper(BUCKETS), 604_800 * Timestamp::SECOND);
    }

    #[test]
    fn only_instants_of_the_past_are_counted() {
        let (now, mut lags) = (Timestamp(1_790_000_000_000_000), Lags::default());
        for version in [None, Some(7), Some(now.0 + 1)] {
            lags.count(version, now);
        }
        assert!(lags.is_empty());
        assert_eq!(lags.percentile(95), None);
        lags.count(Some(now.0 - Timestamp::MINUTE), now);
        assert_eq!(lags.percentile(95), Some(Timestamp::MINUTE));
    }

    proptest! {
        /// Never shorter than the nearest-rank percentile of the single times, and within its bucket.
        #[test]
        fn a_percentile_is_the_end_of_its_bucket(mut times in proptest::collection::vec(0_i64..900_000, 1..200), percent in 1_i64..=100) {
            let mut lags = Lags::default();
            times.iter().for_each(|seconds| lags.add(bucket(seconds * Timestamp::SECOND), 1));
            times.sort_unstable();
            let rank = (times.len() as i64 * percent + 99) / 100;
            let exact = times[usize::try_from(rank - 1).unwrap_or(0)] * Timestamp::SECOND;
            prop_assert_eq!(lags.percentile(percent), Some(upper(bucket(exact))));
        }

        #[test]
        fn merging_is_adding(a in proptest::collection::vec(0..BUCKETS, 0..50), b in proptest::collection::vec(0..BUCKETS, 0..50)) {
            let of = |all: &[usize]| { let mut lags = Lags::default(); all.iter().for_each(|one| lags.add(*one, 1)); lags };
            let mut merged = of(&a);
            merged.merge(&of(&b));
            prop_assert_eq!(merged, of(&[a, b].concat()));
        }
    }
}
