//! When a problem begins, is told, told again, and ends. Decisions only.
//!
//! A problem is told once it has been there for its `hold`, and ends once it has been away for [`QUIET`]. What comes
//! and goes faster than that neither begins nor ends: whoever is told hears of each problem once when it begins,
//! once a day while it lasts, and once when it is over.

use crate::{connection::notices::Kind, model::Timestamp};

/// How long a problem has to be away until it counts as over.
pub const QUIET: i64 = 10 * Timestamp::MINUTE;
/// After this long it is told again that it still is there.
pub const AGAIN: i64 = Timestamp::DAY;

/// How long a problem has to be there until somebody is told: what a person has to do in any case at once, what may
/// pass by itself a little later.
#[must_use]
pub fn hold(kind: Kind) -> i64 {
    match kind {
        Kind::Credentials | Kind::Schema => 0,
        Kind::NeedsAction | Kind::Late | Kind::Budget => 5 * Timestamp::MINUTE,
    }
}

/// A problem that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open {
    pub begun_at: Timestamp,
    /// It was not seen since.
    pub clear_since: Option<Timestamp>,
    /// `None`: nobody was told yet.
    pub told_at: Option<Timestamp>,
}

/// What there is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Nothing,
    /// It is new; `true`: tell at once.
    Begin(bool),
    /// It is there again before it was over.
    Back,
    /// It is not seen from now on.
    Fade,
    /// Tell that it began.
    Tell,
    /// Tell that it still is there.
    TellAgain,
    /// It is over; `true`: it was told, so its end is as well.
    End(bool),
}

/// The next step of a problem, seen now or not.
#[must_use]
pub fn step(kind: Kind, open: Option<Open>, seen: bool, now: Timestamp) -> Step {
    let Some(open) = open else {
        return if seen { Step::Begin(hold(kind) == 0) } else { Step::Nothing };
    };
    match (seen, open.clear_since) {
        (false, None) => Step::Fade,
        (false, Some(since)) if now.since(since) >= QUIET => Step::End(open.told_at.is_some()),
        (false, Some(_)) => Step::Nothing,
        (true, _) => match open.told_at {
            None if now.since(open.begun_at) >= hold(kind) => Step::Tell,
            Some(at) if now.since(at) >= AGAIN => Step::TellAgain,
            _ if open.clear_since.is_some() => Step::Back,
            _ => Step::Nothing,
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What was told of a problem that was seen in these minutes: minute and step.
    fn told(kind: Kind, seen: &[bool]) -> Vec<(i64, Step)> {
        let (mut open, mut told): (Option<Open>, Vec<(i64, Step)>) = (None, Vec::new());
        for (minute, seen) in (0_i64..).zip(seen) {
            let now = Timestamp(minute * Timestamp::MINUTE);
            let step = step(kind, open, *seen, now);
            let known = open.unwrap_or(Open { begun_at: now, clear_since: None, told_at: None });
            open = match step {
                Step::Nothing => open,
                Step::Begin(at_once) => Some(Open { told_at: at_once.then_some(now), ..known }),
                Step::Back => Some(Open { clear_since: None, ..known }),
                Step::Fade => Some(Open { clear_since: Some(now), ..known }),
                Step::Tell | Step::TellAgain => Some(Open { clear_since: None, told_at: Some(now), ..known }),
                Step::End(_) => None,
            };
            if matches!(step, Step::Begin(true) | Step::Tell | Step::TellAgain | Step::End(true)) {
                told.push((minute, step));
            }
        }
        told
    }

    fn minutes(parts: &[(usize, bool)]) -> Vec<bool> {
        parts.iter().flat_map(|(n, seen)| std::iter::repeat_n(*seen, *n)).collect()
    }

    #[test]
    fn a_problem_is_told_once_daily_and_at_its_end() {
        for (kind, parts, wanted) in [
            // Short trouble is nobody's.
            (Kind::Late, vec![(4, true), (60, false)], vec![]),
            (Kind::Late, vec![(30, true), (60, false)], vec![(5, Step::Tell), (40, Step::End(true))]),
            (Kind::Credentials, vec![(1, true), (60, false)], vec![(0, Step::Begin(true)), (11, Step::End(true))]),
            // Away for less than ten minutes is not over.
            (
                Kind::Late,
                vec![(10, true), (9, false), (10, true), (30, false)],
                vec![(5, Step::Tell), (39, Step::End(true))],
            ),
            (
                Kind::Late,
                vec![(3_000, true), (30, false)],
                vec![(5, Step::Tell), (1_445, Step::TellAgain), (2_885, Step::TellAgain), (3_010, Step::End(true))],
            ),
        ] {
            assert_eq!(told(kind, &minutes(&parts)), wanted, "{kind:?} {parts:?}");
        }
    }

    #[test]
    fn flapping_is_one_problem() {
        let flapping: Vec<bool> = (0..600).map(|minute| minute % 4 < 2).collect();
        let told = told(Kind::NeedsAction, &flapping);
        assert_eq!(told.len(), 1, "{told:?}");
    }

    proptest! {
        #[test]
        fn whatever_happens_each_beginning_has_one_end_and_nobody_is_flooded(
            parts in proptest::collection::vec((1_usize..40, any::<bool>()), 1..80),
            kind in proptest::sample::select(Kind::ALL.to_vec()),
        ) {
            let seen = minutes(&parts);
            let told = told(kind, &seen);
            let mut begun = false;
            for (minute, step) in &told {
                match step {
                    Step::End(_) => { prop_assert!(begun); begun = false; }
                    Step::TellAgain => prop_assert!(begun),
                    _ => { prop_assert!(!begun); begun = true; }
                }
                // Nothing ends that was seen within the last ten minutes.
                if *step == Step::End(true) {
                    let at = usize::try_from(*minute).unwrap_or(0);
                    prop_assert!(seen[at.saturating_sub(10)..=at].iter().all(|seen| !seen));
                }
            }
            // At most one beginning and one end in each stretch of hold and quiet.
            let most = 2 * (seen.len() / 10 + 1);
            prop_assert!(told.len() <= most, "{} of {}", told.len(), seen.len());
        }
    }
}
