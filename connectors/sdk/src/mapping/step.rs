//! The closed list of transforms. Each takes a text and gives a text, or a code that says why not.

use std::borrow::Cow;

use regex::{Regex, RegexBuilder};
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
    Replace(Regex, String),
    Extract(Regex),
    Part(String, i32),
    CorporateNumber,
    RegistrationNumber,
    Phone,
    Mail,
    /// The hub field knows only these.
    OneOf(&'static [&'static str]),
}

/// Bytes that one compiled expression may take.
const LARGEST_PATTERN: usize = 256 * 1024;
/// Characters of an expression.
const LONGEST_PATTERN: usize = 500;
/// Bytes that a value may grow to by replacing.
const LONGEST_TEXT: usize = 64 * 1024;

/// An expression of the syntax of the `regex` crate: matching takes time linear in the text.
pub(super) fn pattern(text: &str) -> Result<Regex, String> {
    if text.is_empty() || text.chars().count() > LONGEST_PATTERN {
        return Err(format!("needs a pattern of 1 to {LONGEST_PATTERN} characters"));
    }
    RegexBuilder::new(text).size_limit(LARGEST_PATTERN).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "has a pattern that would take too much memory".to_owned(),
        // The last line says what is wrong; those before it draw the place.
        other => {
            let told = other.to_string();
            let cause = told.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            format!("has a pattern that cannot be read: {cause}")
        }
    })
}

/// The text after each step, up to the first that refuses it.
pub(super) fn trace(steps: &[Step], raw: &Value) -> Vec<Result<String, &'static str>> {
    let mut out = Vec::with_capacity(steps.len());
    for count in 1..=steps.len() {
        let done = run(&steps[..count], raw).map(|text| text.unwrap_or_default().into_owned());
        let stop = done.is_err();
        out.push(done);
        if stop {
            break;
        }
    }
    out
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
        Step::Replace(pattern, with) => {
            let replaced = pattern.replace_all(&text, with.as_str());
            if replaced.len() > LONGEST_TEXT {
                return Err("FMT_VALUE");
            }
            Ok(Cow::Owned(replaced.into_owned()))
        }
        Step::Extract(pattern) => {
            let found = pattern.captures(&text).and_then(|groups| groups.get(1).or_else(|| groups.get(0)));
            Ok(Cow::Owned(found.map(|part| part.as_str().to_owned()).unwrap_or_default()))
        }
        Step::Part(separator, index) => Ok(Cow::Owned(part(&text, separator, *index).to_owned())),
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

/// 1 is the first part, -1 the last.
fn part<'a>(text: &'a str, separator: &str, index: i32) -> &'a str {
    let at = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
    let mut parts = text.split(separator);
    let found = match index {
        0 => None,
        1.. => parts.nth(at - 1),
        // A separator may overlap itself: parts are counted as they are cut, from the left.
        _ => {
            let parts: Vec<&str> = parts.collect();
            parts.len().checked_sub(at).map(|place| parts[place])
        }
    };
    found.unwrap_or_default().trim()
}

/// A part of the text, borrowed where the text was.
pub(super) fn keep<'a>(text: Cow<'a, str>, part: impl Fn(&str) -> &str) -> Cow<'a, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(part(text)),
        Cow::Owned(text) if part(&text).len() == text.len() => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(part(&text).to_owned()),
    }
}
