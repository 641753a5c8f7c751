//! From what a manifest says to what runs.

use serde_json::Value;

use super::{
    More, Path, Source, Target, plain_text,
    step::{self, Step},
};
use crate::{
    manifest::{FieldSpec, MappingSpec, Transform, nearest},
    noun::{ANY_CUSTOM, CUSTOM, Field, FieldKind, Noun},
};

/// Something in a mapping that cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[error("{pointer} {message}")]
pub struct MappingProblem {
    /// JSON pointer inside the mapping: `/lines/fields/quantity`.
    pub pointer: String,
    /// Stable: `MAP_FIELD_UNKNOWN`, `MAP_REQUIRED`, `MAP_PATTERN`, `MAP_VALUE` or `MAP_FORM`.
    pub code: &'static str,
    /// The hub's field that is missing under the pointer.
    pub missing: Option<&'static str>,
    pub message: String,
}

/// Code and message of what is wrong at one place.
pub(super) type Wrong = (&'static str, String);

fn form<T>(message: impl Into<String>) -> Result<T, Wrong> {
    Err(("MAP_FORM", message.into()))
}

/// What of a mapping can run, and what cannot.
pub(super) fn mapping(noun: Noun, spec: &MappingSpec) -> (Vec<Target>, Vec<MappingProblem>) {
    let mut problems = Vec::new();
    let fields = targets(noun.as_str(), noun.fields(), spec, "", &mut problems);
    (fields, problems)
}

fn targets(
    owner: &str,
    known: &'static [Field],
    spec: &MappingSpec,
    pointer: &str,
    problems: &mut Vec<MappingProblem>,
) -> Vec<Target> {
    let mut out = Vec::with_capacity(spec.0.len());
    for (name, field_spec) in &spec.0 {
        let at = format!("{pointer}/{name}");
        if let Some(key) = name.strip_prefix(CUSTOM).filter(|_| owner == Noun::Customer.as_str()) {
            match custom(name, key, field_spec, &at, problems) {
                Ok(target) => out.push(target),
                Err((code, message)) => problems.push(MappingProblem { pointer: at, code, missing: None, message }),
            }
            continue;
        }
        if name == CUSTOM.trim_end_matches('.') && owner == Noun::Customer.as_str() {
            match members(field_spec) {
                Ok(target) => out.push(target),
                Err((code, message)) => problems.push(MappingProblem { pointer: at, code, missing: None, message }),
            }
            continue;
        }
        let Some(field) = known.iter().find(|field| field.name == name) else {
            let hint = nearest(name, known.iter().map(|field| field.name));
            let hint = hint.map_or_else(
                || format!("; known are {}", known.iter().map(|f| f.name).collect::<Vec<_>>().join(", ")),
                |near| format!("; did you mean \"{near}\"?"),
            );
            let message = format!("is no field of {owner}{hint}");
            problems.push(MappingProblem { pointer: at, code: "MAP_FIELD_UNKNOWN", missing: None, message });
            continue;
        };
        match target(field, field_spec, &at, problems) {
            Ok(target) => out.push(target),
            Err((code, message)) => problems.push(MappingProblem { pointer: at, code, missing: None, message }),
        }
    }
    for field in known.iter().filter(|field| field.required && !spec.0.contains_key(field.name)) {
        let message = format!("does not map \"{}\", which every {owner} needs", field.name);
        let missing = Some(field.name);
        problems.push(MappingProblem { pointer: pointer.to_owned(), code: "MAP_REQUIRED", missing, message });
    }
    out
}

/// A field of a customer that the hub's administrator defines.
fn custom(
    name: &str,
    key: &str,
    spec: &FieldSpec,
    at: &str,
    problems: &mut Vec<MappingProblem>,
) -> Result<Target, Wrong> {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if key.len() > 40 || !key.starts_with(|c: char| c.is_ascii_lowercase()) || !key.bytes().all(fits) {
        return form("names no field: a key is small letters, digits and _, a letter first, at most 40");
    }
    if spec.required {
        return form("cannot be required: a value that is missing or broken never stops a record");
    }
    let target = target(&ANY_CUSTOM, spec, at, problems)?;
    Ok(Target { custom: Some(name.to_owned()), ..target })
}

/// `custom`: an object of the source, of which every member fills the field of the same key.
fn members(spec: &FieldSpec) -> Result<Target, Wrong> {
    let plain = spec.default.is_none() && spec.each.is_none() && spec.fields.is_none() && spec.item.is_none();
    let Some(from) = spec.from.as_ref().filter(|_| plain && spec.transforms.is_empty() && !spec.required) else {
        return form("takes every member of an object, so it needs \"from\" and nothing else");
    };
    let source = Source::Members { path: Path::parse(from) };
    Ok(Target { field: &ANY_CUSTOM, custom: Some(CUSTOM.to_owned()), required: false, default: None, source })
}

fn target(
    field: &'static Field,
    spec: &FieldSpec,
    at: &str,
    problems: &mut Vec<MappingProblem>,
) -> Result<Target, Wrong> {
    let listed = matches!(field.kind, FieldKind::Lines(_) | FieldKind::Texts);
    if !listed && (spec.each.is_some() || spec.fields.is_some() || spec.item.is_some()) {
        return form("is a single value, so \"each\", \"fields\" and \"item\" do not fit");
    }
    if listed && spec.default.is_some() {
        return form("is a list and takes no \"default\"");
    }
    if spec.from.is_some() && spec.each.is_some() {
        return form("has both \"from\" and \"each\"");
    }
    if spec.from.is_none() && !spec.and.is_empty() || spec.and.is_empty() && spec.join.is_some() {
        return form("needs more than one path in \"from\" to join");
    }
    if listed && !spec.and.is_empty() {
        return form("is a list and is read from one path");
    }
    let default = spec.default.as_ref().map(|value| literal(field, value)).transpose()?;
    let source = match field.kind {
        FieldKind::Lines(known) => {
            let (Some(each), Some(fields)) = (&spec.each, &spec.fields) else {
                return form("is a list and needs \"each\" and \"fields\"");
            };
            let fields = targets(field.name, known, fields, &format!("{at}/fields"), problems);
            Source::Lines { path: Path::parse(each), fields }
        }
        FieldKind::Texts => {
            let Some(list) = spec.each.as_ref().or(spec.from.as_ref()) else {
                return form("needs \"each\" or \"from\"");
            };
            let item = Path::parse(spec.item.as_deref().unwrap_or_default());
            Source::Texts { path: Path::parse(list), item, steps: steps(field, &spec.transforms)? }
        }
        _ => match &spec.from {
            Some(from) => {
                Source::Value { path: Path::parse(from), more: more(spec), steps: steps(field, &spec.transforms)? }
            }
            None if default.is_some() => Source::Constant,
            None => return form("needs \"from\" or \"default\""),
        },
    };
    Ok(Target { field, custom: None, required: field.required || spec.required, default, source })
}

fn more(spec: &FieldSpec) -> Option<More> {
    let paths: Vec<Path> = spec.and.iter().map(|path| Path::parse(path)).collect();
    (!paths.is_empty()).then(|| More { paths, join: spec.join.clone().unwrap_or_else(|| " ".to_owned()) })
}

/// The listed steps, then the ones that the hub field itself asks for.
fn steps(field: &Field, transforms: &[Transform]) -> Result<Vec<Step>, Wrong> {
    let mut out = Vec::with_capacity(transforms.len() + 1);
    for transform in transforms {
        out.push(one(field, transform)?);
    }
    match field.kind {
        FieldKind::Decimal if !matches!(out.last(), Some(Step::Decimal | Step::Integer)) => out.push(Step::Decimal),
        FieldKind::Date if !matches!(out.last(), Some(Step::Date)) => out.push(Step::Date),
        FieldKind::Instant if !matches!(out.last(), Some(Step::Instant)) => out.push(Step::Instant),
        FieldKind::OneOf(known) => out.push(Step::OneOf(known)),
        _ => {}
    }
    Ok(out)
}

fn one(field: &Field, transform: &Transform) -> Result<Step, Wrong> {
    Ok(match transform {
        Transform::Trim => Step::Trim,
        Transform::Integer => Step::Integer,
        Transform::Decimal => Step::Decimal,
        Transform::Date => Step::Date,
        Transform::Instant => Step::Instant,
        Transform::Width => Step::Width,
        Transform::NoSpaces => Step::NoSpaces,
        Transform::Upper => Step::Upper,
        Transform::Lower => Step::Lower,
        Transform::CorporateNumber => Step::CorporateNumber,
        Transform::RegistrationNumber => Step::RegistrationNumber,
        Transform::Phone => Step::Phone,
        Transform::Mail => Step::Mail,
        Transform::Default(value) => Step::Default(text_of(value)?),
        Transform::Replace { pattern, with } => Step::Replace(pattern_of(pattern)?, with.clone()),
        Transform::Extract(pattern) => Step::Extract(pattern_of(pattern)?),
        Transform::Part { separator, index } if separator.is_empty() || *index == 0 => {
            return form("needs a \"separator\", and an \"index\" that counts from 1 or back from -1");
        }
        Transform::Part { separator, index } => Step::Part(separator.clone(), *index),
        Transform::Values(table) => {
            let mut rows = Vec::with_capacity(table.len());
            for (from, to) in table {
                rows.push((from.clone(), literal(field, to)?));
            }
            Step::Values(rows)
        }
    })
}

fn pattern_of(text: &str) -> Result<regex::Regex, Wrong> {
    step::pattern(text).map_err(|message| ("MAP_PATTERN", message))
}

/// A value written in the manifest must already fit the field.
fn literal(field: &Field, value: &Value) -> Result<String, Wrong> {
    let text = text_of(value)?;
    if let FieldKind::OneOf(known) = field.kind
        && !known.contains(&text.as_str())
    {
        let hint = nearest(&text, known.iter().copied());
        let hint =
            hint.map_or_else(|| format!("; known are {}", known.join(", ")), |n| format!("; did you mean \"{n}\"?"));
        return Err(("MAP_VALUE", format!("cannot be \"{text}\"{hint}")));
    }
    let form = match field.kind {
        FieldKind::Decimal => Some(Step::Decimal),
        FieldKind::Date => Some(Step::Date),
        FieldKind::Instant => Some(Step::Instant),
        _ => None,
    };
    let Some(form) = form else { return Ok(text) };
    match step::run(std::slice::from_ref(&form), &Value::String(text.clone())) {
        Ok(Some(fitting)) => Ok(fitting.into_owned()),
        _ => Err(("MAP_VALUE", format!("cannot be \"{text}\""))),
    }
}

fn text_of(value: &Value) -> Result<String, Wrong> {
    plain_text(value).map(std::borrow::Cow::into_owned).ok_or_else(|| ("MAP_VALUE", "needs a plain value".to_owned()))
}
