//! Values as they stand in a table cell.

use jiff::tz::TimeZone;

use crate::{
    connection::schedule::Plan,
    model::{Money, Timestamp, money::Currency},
};

/// `2026-11-20 09:30:05` in the organisation's zone; empty for none.
pub fn time(at: Option<i64>, zone: &TimeZone) -> String {
    at.map(|at| Timestamp(at).zoned(zone).strftime("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default()
}

/// RFC 3339 in UTC, as every `--json` has it.
pub fn instant(at: Option<i64>) -> Option<String> {
    at.map(|at| Timestamp(at).rfc3339())
}

/// `1,234,500 JPY`.
pub fn amount(minor: i64, currency: Currency) -> String {
    let text = Money { minor, currency }.to_major();
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let fraction = fraction.map(|f| format!(".{f}")).unwrap_or_default();
    format!("{sign}{grouped}{fraction} {}", currency.as_str())
}

/// `every 15m`, `daily 08:00`, `cron */15 8-18 * * 1-5` or `manual`.
pub fn plan(plan: &Plan) -> String {
    match plan {
        Plan::Every(seconds) => {
            format!("every {}", crate::config::Period(std::time::Duration::from_secs(*seconds)))
        }
        Plan::Daily(at) => format!("daily {at}"),
        Plan::Cron(text) => format!("cron {text}"),
        Plan::Manual => "manual".to_owned(),
    }
}

/// A number; zero is left blank, so that what is not zero stands out.
pub fn count(n: i64) -> String {
    if n == 0 { String::new() } else { n.to_string() }
}

/// `99.5%` of hundredths of a percent.
pub fn percent(hundredths: i64) -> String {
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}

pub fn yes(value: bool) -> String {
    if value { "yes".to_owned() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_grouped() {
        let table = [(0, "0 JPY"), (999, "999 JPY"), (1000, "1,000 JPY"), (-1_234_567, "-1,234,567 JPY")];
        for (minor, text) in table {
            assert_eq!(amount(minor, Currency::JPY), text);
        }
    }

    #[test]
    fn plans_read_as_they_are_given() {
        assert_eq!(plan(&Plan::Every(900)), "every 15m");
        assert_eq!(plan(&Plan::Daily("08:00".into())), "daily 08:00");
    }
}
