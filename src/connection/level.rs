//! Service levels of connections, read from what was measured.

use std::collections::HashMap;

use super::freshness::{self, Minutes, SCARCE, WINDOW};
use crate::{
    config,
    model::Timestamp,
    store::{self, Db, StoreError, connection::Row},
};

/// How fresh a connection has to be, and how it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// Microseconds; `None`: it has no target.
    pub target: Option<i64>,
    /// Hundredths of a percent, as is `rate`.
    pub objective: i64,
    /// `None`: nothing was measured.
    pub rate: Option<i64>,
    /// Percent of the budget.
    pub left: i64,
    /// Days until it is used up, where it is scarce and goes on like this.
    pub out_in: Option<i64>,
}

/// What was measured of every connection within the window.
pub struct Levels {
    days: HashMap<String, Vec<(i64, Minutes)>>,
    today: i64,
    expected: config::Health,
}

impl Levels {
    pub async fn load(db: &Db, expected: &config::Health, now: Timestamp) -> Result<Self, StoreError> {
        let mut days: HashMap<String, Vec<(i64, Minutes)>> = HashMap::new();
        for row in store::freshness::days(db, now.0 / Timestamp::HOUR - WINDOW / 60 + 1).await? {
            let minutes = Minutes { total: row.total, good: row.good };
            days.entry(row.connection_id).or_default().push((row.hour, minutes));
        }
        Ok(Self { days, today: now.0 / Timestamp::DAY, expected: expected.clone() })
    }

    #[must_use]
    pub fn of(&self, row: &Row) -> Level {
        let days = self.days.get(&row.id).map(Vec::as_slice).unwrap_or_default();
        let all = days.iter().fold(Minutes::default(), |sum, (_, day)| sum.plus(*day));
        let objective = self.expected.objective_of(row.freshness_objective);
        let left = freshness::remaining(all.bad(), objective);
        let bad: Vec<(i64, i64)> = days.iter().map(|(day, minutes)| (*day, minutes.bad())).collect();
        Level {
            target: freshness::target(row),
            objective,
            rate: all.rate(),
            left,
            out_in: if left < SCARCE { freshness::runs_out_in(&bad, self.today, objective) } else { None },
        }
    }
}
