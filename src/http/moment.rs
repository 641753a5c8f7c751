//! A point in time as people and programs write it.

use jiff::{ToSpan, civil, tz::TimeZone};

use crate::model::Timestamp;

/// RFC 3339 with its offset, or date and time without one in the organisation's zone, or a day: its end.
#[must_use]
pub fn read(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp(instant.as_microsecond()));
    }
    let local = match text.parse::<civil::Date>() {
        Ok(day) if !text.contains(['T', 't', ' ']) => day.checked_add(1.day()).ok()?.at(0, 0, 0, 0),
        _ => text.parse::<civil::DateTime>().ok()?,
    };
    let micros = local.to_zoned(zone.clone()).ok()?.timestamp().as_microsecond();
    // The end of a day is its last moment, not the first of the next one.
    let whole_day = !text.contains(['T', 't', ' ']);
    Some(Timestamp(if whole_day { micros - 1 } else { micros }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_written() {
        let zone = TimeZone::get("Asia/Tokyo").unwrap_or(TimeZone::UTC);
        let utc = |text: &str| text.parse::<jiff::Timestamp>().map(|at| at.as_microsecond()).ok();
        for (text, expected) in [
            ("2026-10-01T09:00:00Z", utc("2026-10-01T09:00:00Z")),
            ("2026-10-01T09:00:00+09:00", utc("2026-10-01T00:00:00Z")),
            ("2026-10-01T09:00", utc("2026-10-01T00:00:00Z")),
            (" 2026-10-01T09:00:30 ", utc("2026-10-01T00:00:30Z")),
            ("2026-10-01", utc("2026-10-01T14:59:59.999999Z")),
            ("yesterday", None),
            ("2026-13-01", None),
            ("", None),
        ] {
            assert_eq!(read(text, &zone).map(|at| at.0), expected, "{text}");
        }
    }
}
