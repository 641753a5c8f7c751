//! How amounts, dates and spans of time are written, in both languages. Pure.
//!
//! Amounts stay in their own currency; a negative amount has the sign U+2212. Instants are shown
//! in the organisation's zone; business dates are never shifted.

use jiff::civil::Date;

use crate::{
    http::console::Lang,
    model::{Money, Timestamp, money::Currency},
};

const WEEKDAYS_JA: [&str; 7] = ["月", "火", "水", "木", "金", "土", "日"];
const WEEKDAYS_EN: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS_EN: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `1284` → `1,284`; the sign is U+2212.
#[must_use]
pub fn group(number: i64) -> String {
    let signed = if number < 0 { "\u{2212}" } else { "" };
    format!("{signed}{}", group_digits(&number.unsigned_abs().to_string()))
}

fn group_digits(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `¥36,184,500`, `−¥1,200`, `USD 1,200.00`.
#[must_use]
pub fn money(minor: i64, currency: Currency) -> String {
    let sign = if minor < 0 { "\u{2212}" } else { "" };
    let major = Money { minor: minor.saturating_abs(), currency }.to_major();
    let (whole, fraction) = major.split_once('.').unwrap_or((&major, ""));
    let whole = group_digits(whole);
    if currency == Currency::JPY {
        format!("{sign}¥{whole}")
    } else if fraction.is_empty() {
        format!("{sign}{currency} {whole}")
    } else {
        format!("{sign}{currency} {whole}.{fraction}")
    }
}

/// A headline amount and its unit: `("1億8,240万", "円")` from 1億 up in Japanese, else `("¥…", "")`.
#[must_use]
pub fn headline(minor: i64, currency: Currency, lang: Lang) -> (String, &'static str) {
    const OKU: i64 = 100_000_000;
    if currency != Currency::JPY || minor.saturating_abs() < OKU {
        return (money(minor, currency), "");
    }
    if lang == Lang::En {
        return (format!("¥{}M", decimal(minor, 1_000_000)), "");
    }
    let sign = if minor < 0 { "\u{2212}" } else { "" };
    let rest = (minor.saturating_abs() + 5_000) / 10_000;
    let (oku, man) = (rest / 10_000, rest % 10_000);
    if man == 0 {
        return (format!("{sign}{}億", group(oku)), "円");
    }
    (format!("{sign}{}億{}万", group(oku), group(man)), "円")
}

/// A label on a chart: `462万`, `1.2億`, `¥4.6M`.
#[must_use]
pub fn axis(minor: i64, currency: Currency, lang: Lang) -> String {
    let value = minor / 10_i64.pow(currency.exponent());
    if value == 0 {
        return "0".to_owned();
    }
    match lang {
        Lang::Ja if value.abs() >= 100_000_000 => format!("{}億", decimal(value, 100_000_000)),
        Lang::Ja if value.abs() >= 10_000 => format!("{}万", group((value + 5_000) / 10_000)),
        Lang::En if value.abs() >= 1_000_000 => format!("{}M", decimal(value, 1_000_000)),
        Lang::En if value.abs() >= 1_000 => format!("{}K", decimal(value, 1_000)),
        _ => group(value),
    }
}

fn decimal(value: i64, unit: i64) -> String {
    let tenths = (value * 10 + unit / 2) / unit;
    if tenths % 10 == 0 { group(tenths / 10) } else { format!("{}.{}", group(tenths / 10), (tenths % 10).abs()) }
}

/// Change from `before` to `now` in percent with one decimal, without sign; `None` without a base.
#[must_use]
pub fn change(now: i64, before: i64) -> Option<(bool, String)> {
    if before <= 0 {
        return None;
    }
    let tenths =
        ((i128::from(now) - i128::from(before)) * 1000 + i128::from(before) / 2).div_euclid(i128::from(before));
    Some((tenths >= 0, format!("{}.{}%", tenths.abs() / 10, tenths.abs() % 10)))
}

/// A business date; anything else is shown as it came.
#[must_use]
pub fn parse_date(text: &str) -> Option<Date> {
    text.get(..10).unwrap_or(text).parse().ok()
}

/// `2026/11/20` or `20 Nov 2026`.
#[must_use]
pub fn date_full(date: Date, lang: Lang) -> String {
    match lang {
        Lang::Ja => format!("{:04}/{:02}/{:02}", date.year(), date.month(), date.day()),
        Lang::En => format!("{} {} {}", date.day(), month_en(date), date.year()),
    }
}

/// `11/20` within this year, else the full date.
#[must_use]
pub fn date_short(date: Date, today: Date, lang: Lang) -> String {
    if date.year() != today.year() {
        return date_full(date, lang);
    }
    match lang {
        Lang::Ja => format!("{:02}/{:02}", date.month(), date.day()),
        Lang::En => format!("{} {}", date.day(), month_en(date)),
    }
}

/// `11月20日(金)` or `Fri 20 Nov`; with the year when it is another one.
#[must_use]
pub fn date_weekday(date: Date, today: Date, lang: Lang) -> String {
    let index = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0);
    let other_year = date.year() != today.year();
    match lang {
        Lang::Ja => {
            let year = if other_year { format!("{}年", date.year()) } else { String::new() };
            format!("{year}{}月{}日({})", date.month(), date.day(), WEEKDAYS_JA[index])
        }
        Lang::En => {
            let year = if other_year { format!(" {}", date.year()) } else { String::new() };
            format!("{} {} {}{year}", WEEKDAYS_EN[index], date.day(), month_en(date))
        }
    }
}

fn month_en(date: Date) -> &'static str {
    MONTHS_EN[usize::try_from(date.month() - 1).unwrap_or(0)]
}

/// A month on a chart's axis: `3月`, and `'26/1` where a year begins or the axis starts.
#[must_use]
pub fn month_label(month: &str, with_year: bool, lang: Lang) -> String {
    let (year, number) = month.split_once('-').unwrap_or((month, "1"));
    let number: usize = number.parse().unwrap_or(1).clamp(1, 12);
    let short_year = year.get(2..4).unwrap_or(year);
    match (lang, with_year) {
        (Lang::Ja, true) => format!("'{short_year}/{number}"),
        (Lang::Ja, false) => format!("{number}月"),
        (Lang::En, true) => format!("{} {short_year}", MONTHS_EN[number - 1]),
        (Lang::En, false) => MONTHS_EN[number - 1].to_owned(),
    }
}

/// How long ago a business day was: today, yesterday, up to 7 days, else `None`.
#[must_use]
pub fn days_ago(date: Date, today: Date, lang: Lang) -> Option<String> {
    match days_between(date, today) {
        0 => Some(lang.t("time.today").to_owned()),
        1 => Some(lang.t("time.yesterday").to_owned()),
        days @ 2..=7 => Some(lang.n("time.days_ago", days)),
        _ => None,
    }
}

/// Whole days from `date` to `today`; negative for a future date.
#[must_use]
pub fn days_between(date: Date, today: Date) -> i64 {
    date.until(today).map_or(0, |span| i64::from(span.get_days()))
}

/// How long ago an instant was. Hours are used up to two days because that is how freshness is
/// judged; after 7 days the caller shows the date.
#[must_use]
pub fn ago(at: Timestamp, now: Timestamp, lang: Lang) -> Option<String> {
    let span = now.since(at);
    if span < Timestamp::MINUTE {
        return Some(lang.t("time.now").to_owned());
    }
    if span < Timestamp::HOUR {
        return Some(lang.n("time.minutes_ago", span / Timestamp::MINUTE));
    }
    if span < 48 * Timestamp::HOUR {
        return Some(lang.n("time.hours_ago", span / Timestamp::HOUR));
    }
    if span < 8 * Timestamp::DAY {
        return Some(lang.n("time.days_ago", span / Timestamp::DAY));
    }
    None
}

/// How long until an instant, for a retry or the next run.
#[must_use]
pub fn until(at: Timestamp, now: Timestamp, lang: Lang) -> String {
    let span = at.since(now);
    if span < Timestamp::MINUTE {
        lang.t("time.soon").to_owned()
    } else if span < Timestamp::HOUR {
        lang.n("time.in_minutes", span / Timestamp::MINUTE)
    } else if span < 48 * Timestamp::HOUR {
        lang.n("time.in_hours", span / Timestamp::HOUR)
    } else {
        lang.n("time.in_days", span / Timestamp::DAY)
    }
}

/// A length of time: `24秒`, `1分12秒`, `2時間5分`.
#[must_use]
pub fn duration(micros: i64, lang: Lang) -> String {
    let seconds = micros.max(0) / Timestamp::SECOND;
    let (hours, minutes, rest) = (seconds / 3600, seconds % 3600 / 60, seconds % 60);
    let (h, m, s) = (hours.to_string(), minutes.to_string(), rest.to_string());
    if hours > 0 {
        lang.fill("time.span_hm", &[&h, &m])
    } else if minutes > 0 {
        lang.fill("time.span_ms", &[&m, &s])
    } else {
        lang.fill("time.span_s", &[&s])
    }
}

/// A length of time in its own unit: `30分`, `26時間`, `3日`.
#[must_use]
pub fn length(micros: i64, lang: Lang) -> String {
    let (minutes, hours, days) = (micros / Timestamp::MINUTE, micros / Timestamp::HOUR, micros / Timestamp::DAY);
    if minutes == 0 {
        lang.n("time.len_s", micros.max(0) / Timestamp::SECOND)
    } else if minutes < 120 {
        lang.n("time.len_m", minutes)
    } else if hours < 10 && minutes % 60 > 0 {
        lang.fill("time.span_hm", &[&hours.to_string(), &(minutes % 60).to_string()])
    } else if hours < 48 {
        lang.n("time.len_h", hours)
    } else {
        lang.n("time.len_d", days)
    }
}

/// `99.59%` of hundredths of a percent; `100%`.
#[must_use]
pub fn hundredths(value: i64) -> String {
    match value {
        10_000 => "100%".to_owned(),
        value => format!("{}.{:02}%", value / 100, value % 100),
    }
}

/// A span of a relationship: `7年2か月`.
#[must_use]
pub fn years_months(from: Date, today: Date, lang: Lang) -> String {
    let months = (i64::from(today.year()) - i64::from(from.year())) * 12 + i64::from(today.month())
        - i64::from(from.month())
        - i64::from(today.day() < from.day());
    let months = months.max(0);
    let (years, rest) = (months / 12, months % 12);
    match (years, rest) {
        (0, rest) => lang.n("time.months", rest),
        (years, 0) => lang.n("time.years", years),
        (years, rest) => lang.fill("time.years_months", &[&years.to_string(), &rest.to_string()]),
    }
}
