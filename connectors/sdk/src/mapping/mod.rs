//! One source record to one hub record.
//!
//! A mapping is compiled once (paths cut, transforms resolved, the hub's own rules added) and then
//! applied to millions of records, so [`Mapping::apply`] allocates only for the record it returns.
//!
//! Invariant: a value that comes out has the form of its hub field (see [`crate::noun`]), whatever
//! transforms the manifest lists. Invariant: empty and missing are the same; both are left out.
//! To add a transform: `Transform`, one arm in `step`, one row in its table test.

mod calendar;
mod compile;
mod discover;
mod explain;
pub mod identifier;
mod number;
mod path;
mod step;
mod width;

use std::{borrow::Cow, fmt};

use serde_json::{Map, Value};

pub use compile::MappingProblem;
pub use discover::{Found, Shape, discover};
pub use explain::{Explained, Tally};
pub use path::Path;
use step::Step;

pub(crate) use calendar::instant;

use crate::{
    manifest::MappingSpec,
    noun::{CUSTOM, Field, FieldKind, Noun},
};

/// Members of an object that are taken as fields.
const MOST_MEMBERS: usize = 200;

/// A compiled mapping.
#[derive(Clone, Debug)]
pub struct Mapping {
    noun: Noun,
    fields: Vec<Target>,
}

/// One hub field and how to fill it.
#[derive(Clone, Debug)]
struct Target {
    field: &'static Field,
    /// A field that the hub's administrator defines: only the hub knows its form.
    custom: Option<String>,
    required: bool,
    default: Option<String>,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    Constant,
    /// Every member of an object, each a field that the hub's administrator defines.
    Members {
        path: Path,
    },
    Value {
        path: Path,
        more: Option<More>,
        steps: Vec<Step>,
    },
    Lines {
        path: Path,
        fields: Vec<Target>,
    },
    Texts {
        path: Path,
        item: Path,
        steps: Vec<Step>,
    },
}

/// Values that follow the first one's.
#[derive(Clone, Debug)]
struct More {
    paths: Vec<Path>,
    join: String,
}

/// A value that could not be mapped. `value` may be personal data: it belongs to the failure that
/// a person looks at, never into a log, so `Debug` and `Display` leave it out.
#[derive(Clone, PartialEq, thiserror::Error)]
#[error("{field} from {source_path}: {code}")]
pub struct MappingError {
    /// `FMT_…` or `REQ_EMPTY`.
    pub code: &'static str,
    /// Hub field: `lines[2].quantity`.
    pub field: String,
    /// Where in the source: `items.2.qty`.
    pub source_path: String,
    pub value: Value,
}

impl fmt::Debug for MappingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MappingError({self})")
    }
}

/// Where in the record an error happened; only put together when there is one.
#[derive(Clone, Copy)]
struct At<'a> {
    field: &'a str,
    path: &'a Path,
    index: usize,
}

impl Mapping {
    /// Cuts paths, resolves transforms and adds what the hub itself requires.
    ///
    /// # Errors
    /// Unknown fields, forms that do not fit a field, required hub fields that nothing fills.
    pub fn compile(noun: Noun, spec: &MappingSpec) -> Result<Self, Vec<MappingProblem>> {
        let (mapping, problems) = Self::attempt(noun, spec);
        if problems.is_empty() { Ok(mapping) } else { Err(problems) }
    }

    /// As far as it can be compiled, with what cannot: for looking at a mapping that is not finished.
    #[must_use]
    pub fn attempt(noun: Noun, spec: &MappingSpec) -> (Self, Vec<MappingProblem>) {
        let (fields, problems) = compile::mapping(noun, spec);
        (Self { noun, fields }, problems)
    }

    #[must_use]
    pub fn noun(&self) -> Noun {
        self.noun
    }

    /// The hub record, or every field that failed.
    ///
    /// # Errors
    /// One entry per value that does not fit.
    pub fn apply(&self, body: &Value) -> Result<Map<String, Value>, Vec<MappingError>> {
        self.apply_holding(body, &[], None)
    }

    /// The same, but for fields that the source has lost: they keep what the hub has of them.
    ///
    /// # Errors
    /// As [`Mapping::apply`]; a required field of which nothing is kept is empty.
    pub fn apply_holding(
        &self,
        body: &Value,
        held: &[String],
        kept: Option<&Map<String, Value>>,
    ) -> Result<Map<String, Value>, Vec<MappingError>> {
        let mut errors = Vec::new();
        if held.is_empty() {
            let record = object(&self.fields, body, None, &mut errors);
            return if errors.is_empty() { Ok(record) } else { Err(errors) };
        }
        let mut record = Map::with_capacity(self.fields.len());
        for target in &self.fields {
            let one = std::slice::from_ref(target);
            if !held.iter().any(|name| name == target.name()) {
                record.extend(object(one, body, None, &mut errors));
            } else if let Some(value) = kept.and_then(|kept| kept.get(target.name())) {
                record.insert(target.name().to_owned(), value.clone());
            } else if target.required {
                let nowhere = Path::parse("");
                errors.push(target.error("REQ_EMPTY", target.source.path().unwrap_or(&nowhere), None, None));
            }
        }
        if errors.is_empty() { Ok(record) } else { Err(errors) }
    }
}

fn object(fields: &[Target], body: &Value, at: Option<At<'_>>, errors: &mut Vec<MappingError>) -> Map<String, Value> {
    let mut out = Map::with_capacity(fields.len());
    for target in fields {
        if let Source::Members { path } = &target.source {
            members(path.find(body), &mut out);
            continue;
        }
        if let Some(value) = target.fill(body, at, errors) {
            out.insert(target.name().to_owned(), value);
        }
    }
    out
}

/// Fields that the hub's administrator defines, by the names that the source gives them. What is no object is kept
/// under a name that nobody defines, so that the hub can say what came.
fn members(found: Option<&Value>, out: &mut Map<String, Value>) {
    match found {
        None | Some(Value::Null) => {}
        Some(Value::Object(members)) => {
            let filled = members.iter().filter(|(_, value)| !value.is_null()).take(MOST_MEMBERS);
            out.extend(filled.map(|(key, value)| (format!("{CUSTOM}{key}"), as_it_is(value))));
        }
        Some(other) => _ = out.insert(format!("{CUSTOM}custom"), as_it_is(other)),
    }
}

impl Target {
    fn name(&self) -> &str {
        self.custom.as_deref().unwrap_or(self.field.name)
    }

    fn fill(&self, body: &Value, at: Option<At<'_>>, errors: &mut Vec<MappingError>) -> Option<Value> {
        let found = match &self.source {
            Source::Constant | Source::Members { .. } => None,
            Source::Value { path, more, steps } => {
                let raw = value(path, more.as_ref(), body);
                match raw.as_deref().map_or(Ok(None), |raw| step::run(steps, raw)) {
                    Ok(text) => text.map(|text| Value::String(text.into_owned())),
                    // The hub keeps it as a warning: what a company added for itself never stops a record.
                    Err(_) if self.custom.is_some() => raw.as_deref().map(as_it_is),
                    Err(code) => {
                        errors.push(self.error(code, path, raw.as_deref(), at));
                        return None;
                    }
                }
            }
            Source::Lines { path, fields } => {
                let items = self.list(path, body, at, errors)?;
                items.map(|items| {
                    let lines = items.iter().enumerate().map(|(index, item)| {
                        let at = At { field: self.field.name, path, index };
                        Value::Object(object(fields, item, Some(at), errors))
                    });
                    Value::Array(lines.collect())
                })
            }
            Source::Texts { path, item, steps } => {
                let items = self.list(path, body, at, errors)?;
                items.map(|items| Value::Array(self.texts(items, item, steps, errors)))
            }
        };
        if let Some(value) = found {
            return Some(value);
        }
        if let Some(default) = &self.default {
            return Some(Value::String(default.clone()));
        }
        if self.required {
            let nowhere = Path::parse("");
            let path = self.source.path().unwrap_or(&nowhere);
            errors.push(self.error("REQ_EMPTY", path, path.find(body), at));
        }
        None
    }

    /// `None`: an error was noted. `Some(None)`: the source has no list.
    fn list<'a>(
        &self,
        path: &Path,
        body: &'a Value,
        at: Option<At<'_>>,
        errors: &mut Vec<MappingError>,
    ) -> Option<Option<&'a [Value]>> {
        match path.find(body) {
            None | Some(Value::Null) => Some(None),
            Some(Value::Array(items)) => Some(Some(items)),
            other => {
                errors.push(self.error("FMT_TYPE", path, other, at));
                None
            }
        }
    }

    fn texts(&self, items: &[Value], item: &Path, steps: &[Step], errors: &mut Vec<MappingError>) -> Vec<Value> {
        let mut out = Vec::with_capacity(items.len());
        for (index, entry) in items.iter().enumerate() {
            let raw = item.find(entry);
            match raw.map_or(Ok(None), |raw| step::run(steps, raw)) {
                Ok(Some(text)) => out.push(Value::String(text.into_owned())),
                Ok(None) => {}
                Err(code) => errors.push(MappingError {
                    code,
                    field: format!("{}[{index}]", self.field.name),
                    source_path: format!("{}.{index}.{item}", self.source.path().map_or("", Path::as_str)),
                    value: raw.cloned().unwrap_or_default(),
                }),
            }
        }
        out
    }

    fn error(&self, code: &'static str, path: &Path, raw: Option<&Value>, at: Option<At<'_>>) -> MappingError {
        let name = self.name();
        let (field, source_path) = match at {
            None => (name.to_owned(), path.to_string()),
            Some(at) => (format!("{}[{}].{name}", at.field, at.index), format!("{}.{}.{path}", at.path, at.index)),
        };
        MappingError { code, field, source_path, value: raw.cloned().unwrap_or_default() }
    }
}

/// What the source says for a field: one value, or the text of several that are not empty.
fn value<'a>(path: &Path, more: Option<&More>, body: &'a Value) -> Option<Cow<'a, Value>> {
    let Some(More { paths, join }) = more else { return path.find(body).map(Cow::Borrowed) };
    let mut parts: Vec<Cow<'_, str>> = Vec::with_capacity(1 + paths.len());
    for path in std::iter::once(path).chain(paths) {
        let Some(found) = path.find(body) else { continue };
        match plain_text(found) {
            Some(text) if !text.trim().is_empty() => parts.push(text),
            // A list or an object is no part of a text: the first step refuses it by its form.
            None if !found.is_null() => return Some(Cow::Borrowed(found)),
            _ => {}
        }
    }
    (!parts.is_empty()).then(|| Cow::Owned(Value::String(parts.join(join))))
}

impl Source {
    fn path(&self) -> Option<&Path> {
        match self {
            Self::Constant => None,
            Self::Members { path } | Self::Value { path, .. } | Self::Lines { path, .. } | Self::Texts { path, .. } => {
                Some(path)
            }
        }
    }
}

/// Half-width kana and full-width letters and digits as they are usually written.
#[must_use]
pub fn usual_width(text: &str) -> String {
    width::normal(Cow::Borrowed(text)).into_owned()
}

/// A value that no step could take, as text.
fn as_it_is(raw: &Value) -> Value {
    Value::String(plain_text(raw).map_or_else(|| raw.to_string(), Cow::into_owned))
}

/// A text in the form of a field, as mappings read it: `令和8年4月1日` as a date, `▲1,234` as a number. `None`:
/// empty.
///
/// # Errors
/// The code of what is wrong: `FMT_NUMBER`, `FMT_DATE`, `FMT_INSTANT`, `FMT_VALUE`, or `FMT_TYPE` for a kind that
/// no single text has.
pub fn read(kind: FieldKind, text: &str) -> Result<Option<String>, &'static str> {
    let step = match kind {
        FieldKind::Text => Step::Trim,
        FieldKind::Decimal => Step::Decimal,
        FieldKind::Date => Step::Date,
        FieldKind::Instant => Step::Instant,
        FieldKind::OneOf(known) => Step::OneOf(known),
        FieldKind::Lines(_) | FieldKind::Texts => return Err("FMT_TYPE"),
    };
    let text = Value::String(text.to_owned());
    step::run(std::slice::from_ref(&step), &text).map(|read| read.map(Cow::into_owned))
}

/// A plain value as text; lists and objects have none.
pub(crate) fn plain_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(flag) => Some(Cow::Borrowed(if *flag { "true" } else { "false" })),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
