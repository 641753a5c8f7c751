//! Days as spreadsheets count them.

/// `YYYY-MM-DD` of an Excel serial, with the time where it has one. Excel believes in 29 February 1900 (day 60);
/// that day is given back as 1 March.
pub fn of_serial(serial: f64, from_1904: bool) -> Option<String> {
    if !(0.0..=2_958_465.999_99).contains(&serial) {
        return None;
    }
    let seconds = (serial * 86_400.0).round();
    let (day, second) = ((seconds / 86_400.0).floor() as i64, (seconds % 86_400.0) as i64);
    let time = format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60);
    // Less than a day is a time of day.
    if day == 0 && !from_1904 {
        return Some(time);
    }
    // Days from 1970-01-01.
    let day = match (from_1904, day) {
        (true, _) => day - 24_107,
        (false, ..60) => day - 25_568,
        (false, _) => (day - 25_569).max(-25_508),
    };
    let (year, month, day) = civil(day);
    let date = format!("{year:04}-{month:02}-{day:02}");
    Some(if second == 0 { date } else { format!("{date} {time}") })
}

/// The day of a serial that stands as plain digits, where it is believable as a day of business: 1954 to 2119.
#[must_use]
pub fn of_digits(text: &str, from_1904: bool) -> Option<String> {
    let serial: u32 =
        if text.len() == 5 && text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok()? } else { return None };
    (20_000..80_000).contains(&serial).then(|| of_serial(f64::from(serial), from_1904)).flatten()
}

/// Days since 1970-01-01 to year, month, day (the proleptic Gregorian calendar, years counted from March).
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serials_are_days() {
        for (serial, from_1904, day) in [
            (1.0, false, "1900-01-01"),
            (59.0, false, "1900-02-28"),
            (60.0, false, "1900-03-01"),
            (61.0, false, "1900-03-01"),
            (46_113.0, false, "2026-04-01"),
            (46_113.5, false, "2026-04-01 12:00:00"),
            (44_651.0, true, "2026-04-01"),
            (0.25, false, "06:00:00"),
            (2_958_465.0, false, "9999-12-31"),
        ] {
            assert_eq!(of_serial(serial, from_1904).as_deref(), Some(day), "{serial}");
        }
        assert_eq!(of_serial(-1.0, false), None);
        assert_eq!(of_serial(f64::NAN, false), None);
        assert_eq!(of_digits("46113", false).as_deref(), Some("2026-04-01"));
        assert_eq!(of_digits("00123", false), None);
    }
}
