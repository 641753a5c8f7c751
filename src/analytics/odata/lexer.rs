//! The words of `$filter`, `$orderby` and keys.

use rust_decimal::Decimal;

use super::refusal::{Refusal, quoted};
use crate::{model::Date, store::feed::Literal};

/// Longest text that is looked at.
const LONGEST: usize = 16_000;
const LONGEST_NUMBER: usize = 60;

#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// A word, a property or a path of them.
    Name(String),
    Literal(Literal),
    Open,
    Close,
    Comma,
    /// Anything else, to be named in a message.
    Odd(char),
}

/// A token and the place of its first character, from 1.
pub type Placed = (Token, usize);

pub fn tokens(text: &str) -> Result<Vec<Placed>, Refusal> {
    if text.len() > LONGEST {
        return Err(Refusal::wrong(
            "EXPRESSION_LONG",
            format!("this is longer than {LONGEST} bytes; ask for less at a time"),
        ));
    }
    if text.contains('\0') {
        return Err(Refusal::wrong("EXPRESSION_INVALID", "no value holds the character NUL"));
    }
    let all: Vec<char> = text.chars().collect();
    let (mut at, mut found) = (0, Vec::new());
    while let Some(&c) = all.get(at) {
        let start = at;
        let token = match c {
            c if c.is_whitespace() => {
                at += 1;
                continue;
            }
            '(' => single(&mut at, Token::Open),
            ')' => single(&mut at, Token::Close),
            ',' => single(&mut at, Token::Comma),
            '\'' => Token::Literal(Literal::Text(string(&all, &mut at)?)),
            '0'..='9' => Token::Literal(number(&all, &mut at)?),
            '-' if all.get(at + 1).is_some_and(char::is_ascii_digit) => Token::Literal(number(&all, &mut at)?),
            c if c.is_alphabetic() || c == '_' || c == '$' || c == '@' => {
                while all.get(at).is_some_and(|c| c.is_alphanumeric() || "_$@/.:".contains(*c)) {
                    at += 1;
                }
                let word: String = all[start..at].iter().collect();
                if all.get(at) == Some(&'\'') {
                    return Err(Refusal::wrong(
                        "LITERAL_INVALID",
                        format!(
                            "{word}'…' is of an older OData or a type that no property has; write dates as 2026-04-01, instants as 2026-04-01T00:00:00Z"
                        ),
                    ));
                }
                match word.as_str() {
                    "null" => Token::Literal(Literal::Null),
                    "true" => Token::Literal(Literal::Bool(true)),
                    "false" => Token::Literal(Literal::Bool(false)),
                    _ => Token::Name(word),
                }
            }
            other => single(&mut at, Token::Odd(other)),
        };
        found.push((token, start + 1));
    }
    Ok(found)
}

/// The one literal that a text is.
pub fn literal(text: &str) -> Result<Literal, Refusal> {
    match tokens(text)?.as_slice() {
        [(Token::Literal(literal), _)] => Ok(literal.clone()),
        _ => Err(Refusal::wrong(
            "LITERAL_INVALID",
            format!("{} is no value; texts stand in single quotes", quoted(text)),
        )),
    }
}

fn single(at: &mut usize, token: Token) -> Token {
    *at += 1;
    token
}

/// A quote inside is written twice.
fn string(all: &[char], at: &mut usize) -> Result<String, Refusal> {
    let mut text = String::new();
    let start = *at + 1;
    *at += 1;
    loop {
        match (all.get(*at), all.get(*at + 1)) {
            (Some('\''), Some('\'')) => {
                text.push('\'');
                *at += 2;
            }
            (Some('\''), _) => {
                *at += 1;
                return Ok(text);
            }
            (Some(c), _) => {
                text.push(*c);
                *at += 1;
            }
            (None, _) => {
                let message =
                    format!("the text that begins at character {start} does not end; a quote inside is written twice");
                return Err(Refusal::wrong("EXPRESSION_INVALID", message));
            }
        }
    }
}

/// A number, a date or an instant.
fn number(all: &[char], at: &mut usize) -> Result<Literal, Refusal> {
    let start = *at;
    *at += 1;
    while all.get(*at).is_some_and(|c| c.is_ascii_alphanumeric() || ".:-+".contains(*c)) {
        *at += 1;
    }
    let mut text: String = all[start..*at].iter().collect();
    // A `+` that was not encoded has become a space.
    if text.contains('T') && all.get(*at) == Some(&' ') {
        let zone: String = all.iter().skip(*at + 1).take(5).collect();
        let is_zone = zone.len() == 5
            && zone.chars().enumerate().all(|(i, c)| if i == 2 { c == ':' } else { c.is_ascii_digit() });
        if is_zone {
            text = format!("{text}+{zone}");
            *at += 6;
        }
    }
    read(&text).ok_or_else(|| {
        let message = format!(
            "{} is no number, date (2026-04-01) or instant with its zone (2026-04-01T09:00:00Z, at most 6 digits of a second)",
            quoted(&text)
        );
        Refusal::wrong("LITERAL_INVALID", message)
    })
}

fn read(text: &str) -> Option<Literal> {
    if text.len() > LONGEST_NUMBER {
        return None;
    }
    if let Ok(whole) = text.parse::<i64>() {
        return Some(Literal::Int(whole));
    }
    if let Some(date) = Date::parse(text) {
        return Some(Literal::Date(date));
    }
    if text.contains('T') {
        let instant: jiff::Timestamp = text.parse().ok()?;
        return (instant.subsec_nanosecond() % 1000 == 0).then(|| Literal::Instant(instant.as_microsecond()));
    }
    // As a client writes a decimal: `100.50`, `1e3`. No suffixes, and nothing that is not exact.
    let (mantissa, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(m, e)| (m, Some(e)));
    let bare = mantissa.strip_prefix('-').unwrap_or(mantissa);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = bare.split_once('.').map_or((bare, None), |(w, f)| (w, Some(f)));
    if !digits(whole) || fraction.is_some_and(|f| !digits(f)) {
        return None;
    }
    match exponent {
        None => Some(Literal::Decimal(mantissa.to_owned())),
        Some(_) => Decimal::from_scientific(text).ok().map(|decimal| Literal::Decimal(decimal.to_string())),
    }
}
