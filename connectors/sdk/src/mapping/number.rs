//! Numbers as people write them to canonical decimal text: `-1234.5`.
//!
//! Invariant: digits are never rounded or dropped. A comma is only taken where it groups thousands,
//! so a European `1,5` is an error and not fifteen.

use std::borrow::Cow;

use super::width::narrow;

/// As many digits as the hub's decimals hold.
const MAX_DIGITS: usize = 28;

pub(super) fn decimal(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    if is_canonical(text.as_bytes()) {
        return Some(text);
    }
    written(&text).map(Cow::Owned)
}

pub(super) fn integer(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    decimal(text).filter(|text| !text.contains('.'))
}

/// The usual case: plain digits that need no change.
fn is_canonical(bytes: &[u8]) -> bool {
    let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let plain = !digits.is_empty() && digits.len() <= MAX_DIGITS && digits.iter().all(u8::is_ascii_digit);
    plain && (digits[0] != b'0' || bytes.len() == 1)
}

fn written(text: &str) -> Option<String> {
    let ascii: String = text.trim().chars().map(sign).collect();
    let rest = ascii.trim();
    // Accountants put what is negative into brackets.
    let bracketed = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).filter(|rest| !rest.contains('-'));
    let (negative, rest) = bracketed.map_or_else(|| take_sign(rest), |inner| (true, inner.trim()));
    let (yen, rest) = match rest.strip_prefix(['\u{a5}', '\\']) {
        Some(rest) => (true, rest.trim_start()),
        None => (false, rest),
    };
    // "¥-500" is written as often as "-¥500".
    let (again, rest) = if negative { (false, rest) } else { take_sign(rest) };
    let rest = rest.strip_suffix('円').unwrap_or(rest).trim_end();
    // "¥1,234-" is closed so that nobody adds a digit. Without the sign of the yen it may mean less than zero.
    let rest = if yen { rest.strip_suffix(['-', 'ー', '―']).unwrap_or(rest).trim_end() } else { rest };
    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    let whole = grouped(whole)?;
    let pointed = rest.contains('.');
    if !fraction.bytes().all(|b| b.is_ascii_digit()) || (pointed && fraction.is_empty()) {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    if whole.len() + fraction.len() > MAX_DIGITS {
        return None;
    }
    let zero = whole.is_empty() && fraction.is_empty();
    let mut out = String::with_capacity(rest.len() + 1);
    if (negative || again) && !zero {
        out.push('-');
    }
    out.push_str(if whole.is_empty() { "0" } else { whole });
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    Some(out)
}

/// One letter to its ASCII form; the minus signs of Japanese ledgers are minus signs.
fn sign(c: char) -> char {
    match c {
        '\u{2212}' | '\u{2010}' | '\u{2011}' | '\u{25b3}' | '\u{25b2}' => '-',
        '\u{ffe5}' => '\u{a5}',
        other => narrow(other),
    }
}

fn take_sign(text: &str) -> (bool, &str) {
    if let Some(rest) = text.strip_prefix('-') {
        return (true, rest.trim_start());
    }
    (false, text.strip_prefix('+').unwrap_or(text))
}

/// Digits without their commas; commas only where thousands end.
fn grouped(text: &str) -> Option<Cow<'_, str>> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Cow::Borrowed(text));
    }
    let mut groups = text.split(',');
    let first = groups.next()?;
    let digits = |group: &str| group.bytes().all(|b| b.is_ascii_digit());
    if !(1..=3).contains(&first.len()) || !digits(first) {
        return None;
    }
    let mut out = first.to_owned();
    for group in groups {
        if group.len() != 3 || !digits(group) {
            return None;
        }
        out.push_str(group);
    }
    Some(Cow::Owned(out))
}
