//! Collects what is wrong, and says it in the words of the file.

use std::sync::LazyLock;

use jsonschema::{Validator, error::ValidationErrorKind};
use serde_json::Value;

use super::{
    error::{ManifestError, unknown},
    yaml::{Positions, escape},
};

pub(super) const TEXT: &str = include_str!("schema.json");

static SCHEMA: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(TEXT).unwrap_or_default());
static VALIDATOR: LazyLock<Option<Validator>> = LazyLock::new(|| jsonschema::draft202012::new(&SCHEMA).ok());

/// The errors of one pass over one file.
pub(super) struct Report<'a> {
    file: &'a str,
    positions: &'a Positions,
    errors: Vec<ManifestError>,
}

impl<'a> Report<'a> {
    pub(super) fn new(file: &'a str, positions: &'a Positions) -> Self {
        Self { file, positions, errors: Vec::new() }
    }

    /// An error at the key of a node.
    pub(super) fn key(&mut self, pointer: &str, message: impl Into<String>) {
        self.push(pointer, self.positions.key(pointer), message.into());
    }

    /// An error at the value of a node.
    pub(super) fn value(&mut self, pointer: &str, message: impl Into<String>) {
        self.push(pointer, self.positions.value(pointer), message.into());
    }

    fn push(&mut self, pointer: &str, (line, column): (usize, usize), message: String) {
        let error = ManifestError { file: self.file.to_owned(), line, column, path: dotted(pointer), message };
        if !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    pub(super) fn finish(mut self) -> Result<(), Vec<ManifestError>> {
        self.errors.sort_by_key(|e| (e.line, e.column));
        if self.errors.is_empty() { Ok(()) } else { Err(self.errors) }
    }

    pub(super) fn against_schema(&mut self, value: &Value) {
        let Some(validator) = VALIDATOR.as_ref() else {
            self.key("", "cannot be checked: the schema of this program is broken");
            return;
        };
        for error in validator.iter_errors(value) {
            let at = error.instance_path().as_str().to_owned();
            match error.kind() {
                ValidationErrorKind::AdditionalProperties { unexpected } => {
                    let known = known_keys(error.schema_path().as_str());
                    for key in unexpected {
                        let pointer = format!("{at}/{}", escape(key));
                        self.key(&pointer, unknown(key, known.iter().map(String::as_str)));
                    }
                }
                ValidationErrorKind::Enum { options } => {
                    let known: Vec<&str> = options.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                    let given = error.instance();
                    let message = match given.as_str() {
                        Some(word) => format!("\"{word}\" {}", unknown(word, known.iter().copied())),
                        None => format!("must be one of {}", known.join(", ")),
                    };
                    self.value(&at, message);
                }
                ValidationErrorKind::Required { property } => {
                    self.key(&at, format!("needs \"{}\"", property.as_str().unwrap_or_default()));
                }
                ValidationErrorKind::PropertyNames { error } => {
                    self.key(&at, format!("has a key that does not fit: {error}"));
                }
                _ => self.value(&at, error.to_string()),
            }
        }
    }
}

/// The keys that the object at this place of the schema knows.
fn known_keys(keyword: &str) -> Vec<String> {
    let parent = keyword.strip_suffix("/additionalProperties").unwrap_or(keyword);
    SCHEMA
        .pointer(&format!("{parent}/properties"))
        .and_then(Value::as_object)
        .map(|properties| properties.keys().cloned().collect())
        .unwrap_or_default()
}

fn dotted(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".").replace("~1", "/").replace("~0", "~")
}
