//! Dates and instants as sources write them.
//!
//! Invariant: a date is the calendar day as written, never shifted by a zone.

use std::borrow::Cow;

use jiff::{Timestamp, civil};

use super::{step::keep, width::narrow};

/// To `YYYY-MM-DD`.
pub(super) fn date(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    if is_iso(text.as_bytes()) {
        return Some(text);
    }
    let text = keep(text, str::trim);
    if is_iso(text.as_bytes()) {
        return Some(text);
    }
    if text.is_ascii() {
        return ascii(&text).map(Cow::Owned);
    }
    let plain: String = text.chars().map(narrow).collect();
    (if plain.is_ascii() { ascii(&plain) } else { japanese(&plain) }).map(Cow::Owned)
}

fn is_iso(bytes: &[u8]) -> bool {
    let &[a, b, c, d, b'-', e, f, b'-', g, h] = bytes else { return false };
    let digits = [a, b, c, d, e, f, g, h];
    if !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let two = |x: u8, y: u8| i16::from(x - b'0') * 10 + i16::from(y - b'0');
    let day = |x, y| i8::try_from(two(x, y)).unwrap_or(0);
    civil::Date::new(two(a, b) * 100 + two(c, d), day(e, f), day(g, h)).is_ok()
}

fn ascii(text: &str) -> Option<String> {
    if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        return made(&text[..4], &text[4..6], &text[6..]);
    }
    // `R8.4.1`: the letter of an era, then year, month, day.
    if let Some(letter) = text.chars().next().filter(char::is_ascii_alphabetic) {
        let start = era(letter.to_ascii_uppercase())?;
        return in_era(start, parts(&text[1..])?);
    }
    if text.len() > 10 && is_iso(&text.as_bytes()[..10]) && matches!(text.as_bytes()[10], b'T' | b't' | b' ') {
        let whole = text.parse::<Timestamp>().is_ok() || text.parse::<civil::DateTime>().is_ok();
        return whole.then(|| text[..10].to_owned());
    }
    let [year, month, day] = parts(without_time(text))?;
    if year.len() != 4 {
        return None;
    }
    made(year, month, day)
}

/// `2026/4/1 0:00:00` is how spreadsheets write a day.
fn without_time(text: &str) -> &str {
    let Some((day, time)) = text.split_once(' ') else { return text };
    let is_time = !time.is_empty() && time.len() <= 8 && time.bytes().all(|b| b.is_ascii_digit() || b == b':');
    if is_time && time.contains(':') { day } else { text }
}

/// Three numbers between equal signs.
fn parts(text: &str) -> Option<[&str; 3]> {
    let sign = text.chars().find(|c| matches!(c, '/' | '-' | '.'))?;
    let mut pieces = text.split(sign);
    let found = [pieces.next()?, pieces.next()?, pieces.next()?];
    pieces.next().is_none().then_some(found)
}

/// `2026年4月1日`, `令和8年4月1日`, `令和元年5月1日`.
fn japanese(text: &str) -> Option<String> {
    let (year, rest) = text.split_once('年')?;
    let (month, rest) = rest.split_once('月')?;
    let rest = rest.trim();
    // The day of the week in brackets says nothing new.
    let rest =
        rest.split_once('(').filter(|(_, week)| week.chars().count() <= 4).map_or(rest, |(day, _)| day.trim_end());
    let day = rest.strip_suffix('日')?;
    let found = [year.trim(), month.trim(), day.trim()];
    let letter = match year.get(..6) {
        Some("令和") => 'R',
        Some("平成") => 'H',
        Some("昭和") => 'S',
        Some("大正") => 'T',
        Some("明治") => 'M',
        _ => return made(found[0], found[1], found[2]),
    };
    let counted = year[6..].trim();
    in_era(era(letter)?, [if counted == "元" { "1" } else { counted }, found[1], found[2]])
}

/// The first day of an era.
fn era(letter: char) -> Option<civil::Date> {
    let (year, month, day) = match letter {
        'R' => (2019, 5, 1),
        'H' => (1989, 1, 8),
        'S' => (1926, 12, 25),
        'T' => (1912, 7, 30),
        'M' => (1868, 1, 25),
        _ => return None,
    };
    civil::Date::new(year, month, day).ok()
}

/// Years count on past the end of an era (old systems still write 昭和100年), never before its start.
fn in_era(start: civil::Date, [year, month, day]: [&str; 3]) -> Option<String> {
    let count: i16 = small(year)?;
    if !(1..=200).contains(&count) {
        return None;
    }
    let date = civil::Date::new(start.year() + count - 1, small(month)?.try_into().ok()?, small(day)?.try_into().ok()?);
    date.ok().filter(|date| *date >= start).map(|date| date.to_string())
}

fn made(year: &str, month: &str, day: &str) -> Option<String> {
    if year.len() != 4 {
        return None;
    }
    let date = civil::Date::new(small(year)?, small(month)?.try_into().ok()?, small(day)?.try_into().ok()?);
    date.ok().map(|date| date.to_string())
}

/// Up to four digits and nothing else.
fn small(text: &str) -> Option<i16> {
    let digits = (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// RFC 3339, or seconds, milliseconds or microseconds since the epoch, told apart by magnitude.
pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let number = text.strip_prefix('-').unwrap_or(text);
    if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) {
        let count: i64 = text.parse().ok()?;
        return match count.unsigned_abs() {
            0..100_000_000_000 => Timestamp::from_second(count).ok(),
            100_000_000_000..100_000_000_000_000 => Timestamp::from_millisecond(count).ok(),
            _ => Timestamp::from_microsecond(count).ok(),
        };
    }
    text.parse().ok()
}
