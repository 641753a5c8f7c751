//! How fresh data has to be, how often it was, and what is left of the budget of errors. Arithmetic only.
//!
//! The age of a connection is the time since the oldest of the last complete readings (or applied webhooks) of the
//! data it takes. Each minute in which that age is within the target is a good one. The service level is the share of
//! good minutes of the last 30 days; the budget is what the objective leaves for bad ones in 30 whole days.

use super::schedule::Plan;
use crate::{model::Timestamp, store::connection::Row};

/// Days of the window.
pub const DAYS: i64 = 30;
/// Minutes of the window.
pub const WINDOW: i64 = DAYS * 24 * 60;
/// Hundredths of a percent that are everything.
pub const WHOLE: i64 = 10_000;
/// The longest target that makes sense within the window.
pub const LONGEST: i64 = 31 * Timestamp::DAY;
/// Objectives that leave a budget, hundredths of a percent.
pub const OBJECTIVES: std::ops::RangeInclusive<i64> = 5_000..=9_999;
/// Days over which it is measured how fast the budget goes.
const PACE_DAYS: i64 = 3;
/// Below this percentage of what is left it is said when the budget ends.
pub const SCARCE: i64 = 25;
/// Occurrences of a cron plan that are looked at for its longest gap.
const OCCURRENCES: usize = 40;

/// How old data may get by a plan: three intervals, at least ten minutes; a day and two hours where it comes daily;
/// one and a half times the longest gap of a cron plan. Where nothing is planned there is no target.
#[must_use]
pub fn of_plan(plan: &Plan) -> Option<i64> {
    let least = 10 * Timestamp::MINUTE;
    match plan {
        Plan::Every(seconds) => Some((i64::try_from(*seconds).ok()? * 3 * Timestamp::SECOND).max(least)),
        Plan::Daily(_) => Some(26 * Timestamp::HOUR),
        Plan::Cron(_) => {
            // Gaps are the same in every zone but for an hour twice a year, and a year has no place to begin.
            let utc = jiff::tz::TimeZone::UTC;
            let times: Vec<Timestamp> = std::iter::successors(plan.next(Timestamp(0), &utc), |at| plan.next(*at, &utc))
                .take(OCCURRENCES)
                .collect();
            let longest = times.windows(2).map(|pair| pair[1].since(pair[0])).max()?;
            Some((longest / 2 * 3).max(least))
        }
        Plan::Manual => None,
    }
}

/// How old the data of a connection may get, in microseconds. `None`: it has no target.
#[must_use]
pub fn target(row: &Row) -> Option<i64> {
    match row.freshness_target {
        Some(0) => None,
        Some(chosen) => Some(chosen),
        None => of_plan(&serde_json::from_str(&row.schedule).unwrap_or(Plan::Manual)),
    }
}

/// Whether data is older than it may get.
#[must_use]
pub fn is_late(row: &Row, ok_at: Option<i64>, now: Timestamp) -> bool {
    matches!((target(row), ok_at), (Some(target), Some(at)) if now.0 - at > target)
}

/// Minutes that were looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Minutes {
    pub total: i64,
    pub good: i64,
}

impl Minutes {
    #[must_use]
    pub fn bad(self) -> i64 {
        self.total - self.good
    }

    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { total: self.total + other.total, good: self.good + other.good }
    }

    /// Share of good ones in hundredths of a percent, rounded down: not all is never 100 %. `None`: nothing was seen.
    #[must_use]
    pub fn rate(self) -> Option<i64> {
        (self.total > 0).then(|| self.good * WHOLE / self.total)
    }
}

/// Judges each minute after `from` up to `to`, by hour. `was` and `is` are what was the oldest complete reading when
/// it was looked before, and now: what nobody looked at, while the hub was down, is judged by what is known of it.
#[must_use]
pub fn judge((from, to): (i64, i64), was: i64, is: i64, target: i64) -> Vec<(i64, Minutes)> {
    let mut hours: Vec<(i64, Minutes)> = Vec::new();
    // What is older than the window is asked for by nobody.
    for minute in from.max(to - WINDOW) + 1..=to {
        let at = minute * Timestamp::MINUTE;
        let known = if is <= at { is } else { was };
        let one = Minutes { total: 1, good: i64::from(at - known <= target) };
        match hours.last_mut() {
            Some((hour, sum)) if *hour == minute / 60 => *sum = sum.plus(one),
            _ => hours.push((minute / 60, one)),
        }
    }
    hours
}

/// Bad minutes that an objective (hundredths of a percent) allows in the whole window.
#[must_use]
pub fn allowed(objective: i64) -> i64 {
    WINDOW * (WHOLE - objective) / WHOLE
}

/// What is left of the budget after so many bad minutes: percent, rounded down, 0 to 100.
#[must_use]
pub fn remaining(bad: i64, objective: i64) -> i64 {
    match allowed(objective) {
        0 => {
            if bad > 0 {
                0
            } else {
                100
            }
        }
        allowed => ((allowed - bad).max(0) * 100 / allowed).min(100),
    }
}

/// In how many days the budget is used up at the pace of the last three days, while what happened a month ago is
/// forgotten day by day. `days` holds (day since 1970 in UTC, bad minutes). `None`: it is not.
#[must_use]
pub fn runs_out_in(days: &[(i64, i64)], today: i64, objective: i64) -> Option<i64> {
    let allowed = allowed(objective);
    let sum = |from: i64| days.iter().filter(|(day, _)| (from..=today).contains(day)).map(|(_, bad)| bad).sum::<i64>();
    if sum(today - DAYS + 1) >= allowed && sum(today - DAYS + 1) > 0 {
        return Some(0);
    }
    let pace = sum(today - PACE_DAYS + 1);
    (1..=DAYS).find(|ahead| pace > 0 && sum(today - DAYS + 1 + ahead) + pace * ahead / PACE_DAYS >= allowed)
}

/// What a part of a day was like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hour {
    /// Nothing ran and nothing was measured.
    Quiet,
    Good,
    /// Some records failed.
    Partial,
    /// Late, or a run failed.
    Bad,
}

/// The state of an hour from its minutes and the worst run that began in it: 0 good, 1 partial, 2 failed.
#[must_use]
pub fn of_hour(minutes: Option<Minutes>, worst_run: Option<i64>) -> Hour {
    let seen = minutes.filter(|m| m.total > 0);
    if worst_run.is_some_and(|worst| worst >= 2) || seen.is_some_and(|m| m.bad() > 0) {
        Hour::Bad
    } else if worst_run == Some(1) {
        Hour::Partial
    } else if worst_run.is_some() || seen.is_some() {
        Hour::Good
    } else {
        Hour::Quiet
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: i64 = Timestamp::MINUTE;

    #[test]
    fn a_plan_says_how_old_data_may_get() {
        for (plan, minutes) in [
            (Plan::Every(60), Some(10)),
            (Plan::Every(900), Some(45)),
            (Plan::Daily("08:00".into()), Some(26 * 60)),
            (Plan::Cron("*/15 * * * *".into()), Some(22)),
            // From Friday evening to Monday morning.
            (Plan::Cron("0 8-18 * * 1-5".into()), Some(62 * 90)),
            (Plan::Manual, None),
        ] {
            assert_eq!(of_plan(&plan).map(|target| target / MINUTE), minutes, "{plan:?}");
        }
    }

    #[test]
    fn what_a_person_chose_stands_above_the_plan() {
        let mut row = Row::unsaved("con", "rest", "sales", serde_json::Map::new(), b"");
        row.schedule = r#"{"every":900}"#.into();
        for (chosen, wanted) in [(None, Some(45 * MINUTE)), (Some(0), None), (Some(MINUTE), Some(MINUTE))] {
            row.freshness_target = chosen;
            assert_eq!(target(&row), wanted, "{chosen:?}");
            assert_eq!(is_late(&row, Some(0), Timestamp(46 * MINUTE)), wanted.is_some());
        }
        assert!(!is_late(&row, None, Timestamp(i64::MAX)));
    }

    #[test]
    fn minutes_of_a_night_are_judged_in_the_morning() {
        // Target 30 min. Complete at minute 60; down from 60 to 180; a reading at 175 before anybody looked.
        let judged = judge((60, 180), 60 * MINUTE, 175 * MINUTE, 30 * MINUTE);
        let wanted = [(1, 59, 30), (2, 60, 5), (3, 1, 1)];
        let wanted = wanted.map(|(hour, total, good)| (hour, Minutes { total, good }));
        assert_eq!(judged, wanted);
        assert_eq!(judge((5, 5), 0, 0, 0), []);
    }

    #[test]
    fn budgets_as_the_mockup_has_them() {
        // (rate in hundredths of a percent of 30 days, percent left) with an objective of 99.5 %.
        for (rate, left) in [(9_959, 18), (9_998, 96), (9_995, 90), (10_000, 100), (9_670, 0)] {
            let bad = WINDOW * (WHOLE - rate) / WHOLE;
            assert!((remaining(bad, 9_950) - left).abs() <= 1, "{rate}: {}", remaining(bad, 9_950));
        }
        assert_eq!((remaining(0, WHOLE), remaining(1, WHOLE)), (100, 0));
        assert_eq!(Minutes { total: 0, good: 0 }.rate(), None);
        assert_eq!(Minutes { total: 43_200, good: 43_199 }.rate(), Some(9_999));
    }

    #[test]
    fn a_budget_that_goes_has_a_day_on_which_it_ends() {
        let allowed = allowed(9_950);
        assert_eq!(allowed, 216);
        for (days, wanted) in [
            (vec![], None),
            // 160 minutes of which 60 in the last three days: 20 a day, 56 are left.
            (vec![(90, 100), (98, 20), (99, 20), (100, 20)], Some(3)),
            // It gets no worse.
            (vec![(90, 200)], None),
            // What is spent falls out of the window before the rest is.
            (vec![(72, 200), (100, 6)], None),
            (vec![(99, 216)], Some(0)),
        ] {
            assert_eq!(runs_out_in(&days, 100, 9_950), wanted, "{days:?}");
        }
        assert_eq!(runs_out_in(&[], 100, WHOLE), None);
    }

    #[test]
    fn an_hour_is_as_its_worst_part() {
        let minutes = |total, good| Some(Minutes { total, good });
        for (seen, worst, wanted) in [
            (None, None, Hour::Quiet),
            (minutes(0, 0), None, Hour::Quiet),
            (minutes(60, 60), None, Hour::Good),
            (None, Some(0), Hour::Good),
            (minutes(60, 60), Some(1), Hour::Partial),
            (minutes(60, 59), Some(1), Hour::Bad),
            (minutes(60, 60), Some(2), Hour::Bad),
        ] {
            assert_eq!(of_hour(seen, worst), wanted);
        }
    }

    proptest! {
        #[test]
        fn every_minute_is_judged_once(from in 0_i64..5_000, length in 0_i64..3_000, cut in 0_i64..3_000, was in 0_i64..5_000, later in 0_i64..5_000, target in 0_i64..500) {
            let (to, was, is) = (from + length, was * MINUTE, (was + later) * MINUTE);
            let target = target * MINUTE;
            let sum = |judged: Vec<(i64, Minutes)>| judged.into_iter().fold(Minutes::default(), |sum, (_, m)| sum.plus(m));
            let whole = sum(judge((from, to), was, is, target));
            prop_assert_eq!(whole.total, length);
            prop_assert!((0..=whole.total).contains(&whole.good));
            let cut = from + cut.min(length);
            prop_assert_eq!(sum(judge((from, cut), was, is, target)).plus(sum(judge((cut, to), was, is, target))), whole);
        }

        #[test]
        fn a_budget_only_shrinks(bad in 0_i64..50_000, more in 0_i64..5_000, objective in 0_i64..=WHOLE) {
            let (before, after) = (remaining(bad, objective), remaining(bad + more, objective));
            prop_assert!((0..=100).contains(&before) && after <= before);
        }

        #[test]
        fn what_runs_out_does_so_within_the_window(days in proptest::collection::vec((60_i64..=100, 0_i64..300), 0..30), objective in 9_000_i64..=9_999) {
            let out = runs_out_in(&days, 100, objective);
            prop_assert!(out.is_none_or(|days| (0..=DAYS).contains(&days)));
            let bad: i64 = days.iter().filter(|(day, _)| *day > 70).map(|(_, bad)| bad).sum();
            prop_assert_eq!(out == Some(0), bad > 0 && bad >= allowed(objective));
        }
    }
}
