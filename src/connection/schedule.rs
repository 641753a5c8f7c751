//! When a connection is due: every so often, daily at a time, or by cron, in the organisation's zone.

use std::{str::FromStr, time::Duration};

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::model::{Timestamp, time::micros};

/// A connection's plan, stored as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    /// Seconds between the start of one run and the next, at least 1.
    Every(u64),
    /// `HH:MM` in the organisation's zone. A time that a day skips (daylight saving) runs right after
    /// the gap; one that it repeats runs once.
    Daily(String),
    /// Five fields: minute, hour, day of month, month, day of week.
    Cron(String),
    /// Only webhooks and "sync now".
    Manual,
}

/// What happens to times that passed while nothing ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CatchUp {
    /// One run now, however many were missed.
    Once,
    /// One run for each missed time.
    All,
    /// None; wait for the next planned time.
    Skip,
}

/// A plan that cannot be followed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PlanError {
    #[error("「{0}」 is not a time of day: write HH:MM")]
    Time(String),
    #[error("「{0}」 is not a cron expression: write five fields, for example */15 8-18 * * 1-5")]
    Cron(String),
    #[error("the interval must be between 1 second and 31 days")]
    Every,
}

impl Plan {
    pub fn validate(&self) -> Result<(), PlanError> {
        match self {
            Self::Every(seconds) if !(1..=31 * 86_400).contains(seconds) => Err(PlanError::Every),
            Self::Daily(text) => time_of_day(text).map(|_| ()),
            Self::Cron(text) => croner::Cron::from_str(text).map(|_| ()).map_err(|_| PlanError::Cron(text.clone())),
            Self::Every(_) | Self::Manual => Ok(()),
        }
    }

    /// The first planned time after `after`; `None` for a manual plan or one that never comes.
    #[must_use]
    pub fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Every(seconds) => Some(after.plus(i64::try_from(*seconds).ok()? * Timestamp::SECOND)),
            Self::Daily(text) => next_daily(time_of_day(text).ok()?, after, zone),
            Self::Cron(text) => next_cron(text, after, zone),
            Self::Manual => None,
        }
    }

    /// When to run next after the run that was planned for `planned` and started at `now`.
    #[must_use]
    pub fn after_run(
        &self,
        planned: Timestamp,
        now: Timestamp,
        catch_up: CatchUp,
        zone: &TimeZone,
    ) -> Option<Timestamp> {
        if let Self::Every(_) = self {
            return self.next(now, zone);
        }
        match catch_up {
            CatchUp::All => self.next(planned, zone),
            CatchUp::Once | CatchUp::Skip => self.next(planned.max(now), zone),
        }
    }

    /// Whether a planned time that has passed long ago (longer than `grace`) is still run at all.
    #[must_use]
    pub fn still_wanted(planned: Timestamp, now: Timestamp, catch_up: CatchUp, grace: Duration) -> bool {
        let grace = micros(grace);
        catch_up != CatchUp::Skip || now.since(planned) <= grace
    }
}

fn time_of_day(text: &str) -> Result<jiff::civil::Time, PlanError> {
    let wrong = || PlanError::Time(text.to_owned());
    let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
    if hour.len() != 2 || minute.len() != 2 {
        return Err(wrong());
    }
    let hour = hour.parse().map_err(|_| wrong())?;
    let minute = minute.parse().map_err(|_| wrong())?;
    jiff::civil::Time::new(hour, minute, 0, 0).map_err(|_| wrong())
}

fn next_daily(time: jiff::civil::Time, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let mut day = after.zoned(zone).date();
    // Today or one of the next days; a day without the time is bridged by jiff's "compatible" rule.
    for _ in 0..3 {
        let at = day.to_datetime(time).to_zoned(zone.clone()).ok()?.timestamp().as_microsecond();
        if at > after.0 {
            return Some(Timestamp(at));
        }
        day = day.tomorrow().ok()?;
    }
    None
}

/// Cron runs on the wall clock of the zone: croner steps through local civil time, jiff places it.
fn next_cron(text: &str, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let cron = croner::Cron::from_str(text).ok()?;
    let mut local = chrono_local(&after.zoned(zone))?;
    for _ in 0..4 {
        let found = cron.find_next_occurrence(&local, false).ok()?;
        let at = jiff_civil(&found)?.to_zoned(zone.clone()).ok()?.timestamp().as_microsecond();
        if at > after.0 {
            return Some(Timestamp(at));
        }
        local = found;
    }
    None
}

fn chrono_local(at: &jiff::Zoned) -> Option<chrono::DateTime<chrono::Utc>> {
    let day = chrono::NaiveDate::from_ymd_opt(
        i32::from(at.year()),
        u32::try_from(at.month()).ok()?,
        u32::try_from(at.day()).ok()?,
    )?;
    let time = day.and_hms_opt(
        u32::try_from(at.hour()).ok()?,
        u32::try_from(at.minute()).ok()?,
        u32::try_from(at.second()).ok()?,
    )?;
    Some(time.and_utc())
}

fn jiff_civil(at: &chrono::DateTime<chrono::Utc>) -> Option<jiff::civil::DateTime> {
    use chrono::{Datelike, Timelike};
    jiff::civil::DateTime::new(
        i16::try_from(at.year()).ok()?,
        i8::try_from(at.month()).ok()?,
        i8::try_from(at.day()).ok()?,
        i8::try_from(at.hour()).ok()?,
        i8::try_from(at.minute()).ok()?,
        i8::try_from(at.second()).ok()?,
        0,
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().map_or(0, |t| t.as_microsecond()))
    }

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap_or(TimeZone::UTC)
    }

    #[test]
    fn daily_follows_the_organisations_wall_clock() {
        let plan = Plan::Daily("08:00".into());
        let tokyo = zone("Asia/Tokyo");
        assert_eq!(plan.next(at("2026-11-20T00:00:00Z"), &tokyo), Some(at("2026-11-20T23:00:00Z")));
        assert_eq!(plan.next(at("2026-11-20T23:00:00Z"), &tokyo), Some(at("2026-11-21T23:00:00Z")));
        // 02:30 does not exist in New York on 2026-03-08: it runs right after the gap, once.
        let plan = Plan::Daily("02:30".into());
        let new_york = zone("America/New_York");
        assert_eq!(plan.next(at("2026-03-08T05:00:00Z"), &new_york), Some(at("2026-03-08T07:30:00Z")));
    }

    #[test]
    fn cron_in_zone_and_bad_plans() {
        let plan = Plan::Cron("30 9 * * 1-5".into());
        // Friday 20 November 2026, 09:31 in Tokyo: next is Monday.
        assert_eq!(plan.next(at("2026-11-20T00:31:00Z"), &zone("Asia/Tokyo")), Some(at("2026-11-23T00:30:00Z")));
        assert_eq!(Plan::Daily("8:00".into()).validate(), Err(PlanError::Time("8:00".into())));
        assert_eq!(Plan::Daily("24:00".into()).validate(), Err(PlanError::Time("24:00".into())));
        assert!(Plan::Cron("every day".into()).validate().is_err());
        assert_eq!(Plan::Every(0).validate(), Err(PlanError::Every));
    }

    #[test]
    fn catch_up_after_downtime() {
        let plan = Plan::Daily("08:00".into());
        let tokyo = zone("Asia/Tokyo");
        let planned = at("2026-11-16T23:00:00Z");
        let now = at("2026-11-20T01:00:00Z");
        let next = at("2026-11-20T23:00:00Z");
        assert_eq!(plan.after_run(planned, now, CatchUp::Once, &tokyo), Some(next));
        assert_eq!(plan.after_run(planned, now, CatchUp::All, &tokyo), Some(at("2026-11-17T23:00:00Z")));
        let grace = Duration::from_secs(60);
        assert!(!Plan::still_wanted(planned, now, CatchUp::Skip, grace));
        assert!(Plan::still_wanted(planned, now, CatchUp::Once, grace));
    }
}
