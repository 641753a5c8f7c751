//! The closed list of transforms. Each takes a text and gives a text, or a code that says why not.

use std::borrow::Cow;

use serde_json::Value;

use super::{calendar, identifier, number, plain_text, width};

#[derive(Clone, Debug)]
pub(super) enum Step {
    Trim,
    Integer,
    Decimal,
    Date,
    Instant,
    Width,
    NoSpaces,
    Upper,
    Lower,
    Values(Vec<(String, String)>),
    Default(String),
    CorporateNumber,
    RegistrationNumber,
    Phone,
    Mail,
    /// The hub field knows only these.
    OneOf(&'static [&'static str]),
}

/// Runs the steps; `None`: empty.
pub(super) fn run<'a>(steps: &'a [Step], raw: &'a Value) -> Result<Option<Cow<'a, str>>, &'static str> {
    let mut at = match raw {
        Value::Null => Cow::Borrowed(""),
        other => plain_text(other).ok_or("FMT_TYPE")?,
    };
    for step in steps {
        let blank = is_blank(&at);
        match step {
            Step::Default(value) if blank => at = Cow::Borrowed(value),
            _ if blank => {}
            _ => at = one(step, at)?,
        }
    }
    Ok(if is_blank(&at) { None } else { Some(at) })
}

fn is_blank(text: &str) -> bool {
    // Nearly every value starts with a visible ASCII letter: decide on the first byte.
    match text.as_bytes().first() {
        None => true,
        Some(first) if first.is_ascii_graphic() => false,
        Some(_) => text.trim().is_empty(),
    }
}

fn one<'a>(step: &'a Step, text: Cow<'a, str>) -> Result<Cow<'a, str>, &'static str> {
    match step {
        Step::Default(_) => Ok(text),
        Step::Trim => Ok(keep(text, str::trim)),
        Step::Integer => number::integer(text).ok_or("FMT_NUMBER"),
        Step::Decimal => number::decimal(text).ok_or("FMT_NUMBER"),
        Step::Date => calendar::date(text).ok_or("FMT_DATE"),
        Step::Instant => calendar::instant(&text).map(|at| Cow::Owned(at.to_string())).ok_or("FMT_INSTANT"),
        Step::Width => Ok(width::normal(text)),
        Step::NoSpaces if text.contains(char::is_whitespace) => Ok(text.split_whitespace().collect()),
        Step::NoSpaces => Ok(text),
        Step::Upper => Ok(Cow::Owned(text.to_uppercase())),
        Step::Lower => Ok(Cow::Owned(text.to_lowercase())),
        Step::Values(table) => {
            let found = table.iter().find(|(from, _)| *from == text).ok_or("FMT_VALUE")?;
            Ok(Cow::Borrowed(&found.1))
        }
        Step::CorporateNumber => identifier::is_corporate_number(&text).then_some(text).ok_or("FMT_CORPNO"),
        Step::RegistrationNumber => identifier::is_registration_number(&text).then_some(text).ok_or("FMT_REGNO"),
        Step::Phone => text.chars().any(char::is_numeric).then_some(text).ok_or("FMT_VALUE"),
        Step::Mail => {
            let trimmed = keep(text, str::trim);
            identifier::is_mail(&trimmed).then_some(trimmed).ok_or("FMT_VALUE")
        }
        Step::OneOf(known) => known.contains(&text.as_ref()).then_some(text).ok_or("FMT_VALUE"),
    }
}

/// A part of the text, borrowed where the text was.
pub(super) fn keep<'a>(text: Cow<'a, str>, part: impl Fn(&str) -> &str) -> Cow<'a, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(part(text)),
        Cow::Owned(text) if part(&text).len() == text.len() => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(part(&text).to_owned()),
    }
}
