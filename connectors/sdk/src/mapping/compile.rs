//! From what a manifest says to what runs.

use serde_json::Value;

use super::{Path, Source, Target, plain_text, step::Step};
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
    pub message: String,
}

pub(super) fn mapping(noun: Noun, spec: &MappingSpec) -> Result<Vec<Target>, Vec<MappingProblem>> {
    let mut problems = Vec::new();
    let fields = targets(noun.as_str(), noun.fields(), spec, "", &mut problems);
    if problems.is_empty() { Ok(fields) } else { Err(problems) }
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
                Err(message) => problems.push(MappingProblem { pointer: at, message }),
            }
            continue;
        }
        if name == CUSTOM.trim_end_matches('.') && owner == Noun::Customer.as_str() {
            match members(field_spec) {
                Ok(target) => out.push(target),
                Err(message) => problems.push(MappingProblem { pointer: at, message }),
            }
            continue;
        }
        let Some(field) = known.iter().find(|field| field.name == name) else {
            let hint = nearest(name, known.iter().map(|field| field.name));
            let hint = hint.map_or_else(
                || format!("; known are {}", known.iter().map(|f| f.name).collect::<Vec<_>>().join(", ")),
                |near| format!("; did you mean \"{near}\"?"),
            );
            problems.push(MappingProblem { pointer: at, message: format!("is no field of {owner}{hint}") });
            continue;
        };
        match target(field, field_spec, &at, problems) {
            Ok(target) => out.push(target),
            Err(message) => problems.push(MappingProblem { pointer: at, message }),
        }
    }
    for field in known.iter().filter(|field| field.required && !spec.0.contains_key(field.name)) {
        let message = format!("does not map \"{}\", which every {owner} needs", field.name);
        problems.push(MappingProblem { pointer: pointer.to_owned(), message });
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
) -> Result<Target, String> {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if key.len() > 40 || !key.starts_with(|c: char| c.is_ascii_lowercase()) || !key.bytes().all(fits) {
        return Err("names no field: a key is small letters, digits and _, a letter first, at most 40".to_owned());
    }
    if spec.required {
        return Err("cannot be required: a value that is missing or broken never stops a record".to_owned());
    }
    let target = target(&ANY_CUSTOM, spec, at, problems)?;
    Ok(Target { custom: Some(name.to_owned()), ..target })
}

/// `custom`: an object of the source, of which every member fills the field of the same key.
fn members(spec: &FieldSpec) -> Result<Target, String> {
    let plain = spec.default.is_none() && spec.each.is_none() && spec.fields.is_none() && spec.item.is_none();
    let Some(from) = spec.from.as_ref().filter(|_| plain && spec.transforms.is_empty() && !spec.required) else {
        return Err("takes every member of an object, so it needs \"from\" and nothing else".to_owned());
    };
    let source = Source::Members { path: Path::parse(from) };
    Ok(Target { field: &ANY_CUSTOM, custom: Some(CUSTOM.to_owned()), required: false, default: None, source })
}

fn target(
    field: &'static Field,
    spec: &FieldSpec,
    at: &str,
    problems: &mut Vec<MappingProblem>,
) -> Result<Target, String> {
    let listed = matches!(field.kind, FieldKind::Lines(_) | FieldKind::Texts);
    if !listed && (spec.each.is_some() || spec.fields.is_some() || spec.item.is_some()) {
        return Err("is a single value, so \"each\", \"fields\" and \"item\" do not fit".to_owned());
    }
    if listed && spec.default.is_some() {
        return Err("is a list and takes no \"default\"".to_owned());
    }
    if spec.from.is_some() && spec.each.is_some() {
        return Err("has both \"from\" and \"each\"".to_owned());
    }
    let default = spec.default.as_ref().map(|value| literal(field, value)).transpose()?;
    let source = match field.kind {
        FieldKind::Lines(known) => {
            let (Some(each), Some(fields)) = (&spec.each, &spec.fields) else {
                return Err("is a list and needs \"each\" and \"fields\"".to_owned());
            };
            let fields = targets(field.name, known, fields, &format!("{at}/fields"), problems);
            Source::Lines { path: Path::parse(each), fields }
        }
        FieldKind::Texts => {
            let list = spec.each.as_ref().or(spec.from.as_ref()).ok_or("needs \"each\" or \"from\"")?;
            let item = Path::parse(spec.item.as_deref().unwrap_or_default());
            Source::Texts { path: Path::parse(list), item, steps: steps(field, &spec.transforms)? }
        }
        _ => match &spec.from {
            Some(from) => Source::Value { path: Path::parse(from), steps: steps(field, &spec.transforms)? },
            None if default.is_some() => Source::Constant,
            None => return Err("needs \"from\" or \"default\"".to_owned()),
        },
    };
    Ok(Target { field, custom: None, required: field.required || spec.required, default, source })
}

/// The listed steps, then the ones that the hub field itself asks for.
fn steps(field: &Field, transforms: &[Transform]) -> Result<Vec<Step>, String> {
    let mut out = Vec::with_capacity(transforms.len() + 1);
    for transform in transforms {
        out.push(step(field, transform)?);
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

fn step(field: &Field, transform: &Transform) -> Result<Step, String> {
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
        Transform::Values(table) => {
            let mut rows = Vec::with_capacity(table.len());
            for (from, to) in table {
                rows.push((from.clone(), literal(field, to)?));
            }
            Step::Values(rows)
        }
    })
}

/// A value written in the manifest must already fit the field.
fn literal(field: &Field, value: &Value) -> Result<String, String> {
    let text = text_of(value)?;
    if let FieldKind::OneOf(known) = field.kind
        && !known.contains(&text.as_str())
    {
        let hint = nearest(&text, known.iter().copied());
        let hint =
            hint.map_or_else(|| format!("; known are {}", known.join(", ")), |n| format!("; did you mean \"{n}\"?"));
        return Err(format!("cannot be \"{text}\"{hint}"));
    }
    let form = match field.kind {
        FieldKind::Decimal => Some(Step::Decimal),
        FieldKind::Date => Some(Step::Date),
        FieldKind::Instant => Some(Step::Instant),
        _ => None,
    };
    let Some(form) = form else { return Ok(text) };
    match super::step::run(std::slice::from_ref(&form), &Value::String(text.clone())) {
        Ok(Some(fitting)) => Ok(fitting.into_owned()),
        _ => Err(format!("cannot be \"{text}\"")),
    }
}

fn text_of(value: &Value) -> Result<String, String> {
    plain_text(value).map(std::borrow::Cow::into_owned).ok_or_else(|| "needs a plain value".to_owned())
}
