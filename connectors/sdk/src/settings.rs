//! The values an admin gives for a connection.
//!
//! Invariant: messages never hold a value, only the field and the rule it broke.

use indexmap::IndexMap;
use jsonschema::{Validator, error::ValidationErrorKind};
use secrecy::SecretString;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::manifest::{Manifest, Text};

/// One field of a connection's form.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SettingField {
    pub name: String,
    pub title: Text,
    pub help: Option<Text>,
    /// `string`, `integer`, `number` or `boolean`.
    pub kind: String,
    pub format: Option<String>,
    pub required: bool,
    /// Sealed at rest and never shown again.
    pub secret: bool,
    pub default: Option<Value>,
    /// The allowed values, where only some are.
    pub options: Vec<Value>,
}

impl SettingField {
    /// A text, as forms and arguments give it, as the value that this setting wants. What cannot be read
    /// as that stays text, for [`validate_settings`] to refuse.
    #[must_use]
    pub fn value_of(&self, text: &str) -> Value {
        let parsed = match self.kind.as_str() {
            "integer" | "number" | "boolean" => serde_json::from_str(text.trim()).ok(),
            _ => None,
        };
        parsed.unwrap_or_else(|| text.into())
    }
}

/// A setting that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize)]
#[error("{field} {message}")]
pub struct FieldError {
    pub field: String,
    /// `SET_REQUIRED`, `SET_UNKNOWN`, `SET_TYPE`, `SET_FORMAT`, `SET_OPTION` or `SET_INVALID`.
    pub code: &'static str,
    pub message: String,
}

/// Settings by how they are kept.
#[derive(Debug, Default)]
pub struct Split {
    pub plain: Map<String, Value>,
    pub secret: IndexMap<String, SecretString>,
}

pub(crate) fn setting_fields(schema: &Value) -> Vec<SettingField> {
    let required = |name: &str| {
        schema["required"].as_array().is_some_and(|list| list.iter().any(|word| word.as_str() == Some(name)))
    };
    let text = |value: &Value| serde_json::from_value::<Text>(value.clone()).ok();
    let properties = schema["properties"].as_object();
    properties
        .into_iter()
        .flatten()
        .map(|(name, field)| SettingField {
            name: name.clone(),
            title: text(&field["title"]).unwrap_or_else(|| Text { ja: name.clone(), en: name.clone() }),
            help: text(&field["help"]),
            kind: field["type"].as_str().unwrap_or("string").to_owned(),
            format: field["format"].as_str().map(str::to_owned),
            required: required(name),
            secret: field["secret"] == Value::Bool(true),
            default: field.get("default").cloned(),
            options: field["enum"].as_array().cloned().unwrap_or_default(),
        })
        .collect()
}

/// Only the words of JSON Schema: our `title` is an object, which the standard does not know.
pub(crate) fn validator(manifest: &Manifest) -> Result<Validator, String> {
    const OWN: [&str; 4] = ["title", "help", "secret", "default"];
    let mut properties = manifest.settings["properties"].as_object().cloned().unwrap_or_default();
    for field in properties.values_mut().filter_map(Value::as_object_mut) {
        field.retain(|key, _| !OWN.contains(&key.as_str()));
    }
    let required = manifest.settings.get("required").cloned().unwrap_or_else(|| json!([]));
    let schema =
        json!({"type": "object", "required": required, "additionalProperties": false, "properties": properties});
    jsonschema::draft202012::options()
        .should_validate_formats(true)
        .build(&schema)
        .map_err(|error| format!("is no usable schema: {}", error.masked()))
}

/// Checks the settings of a connection, secrets included.
///
/// # Errors
/// Every field that does not fit.
pub fn validate_settings(manifest: &Manifest, settings: &Map<String, Value>) -> Result<(), Vec<FieldError>> {
    let validator = validator(manifest)
        .map_err(|message| vec![FieldError { field: String::new(), code: "SET_INVALID", message }])?;
    let value = Value::Object(settings.clone());
    let mut errors = Vec::new();
    for error in validator.iter_errors(&value) {
        let field = error.instance_path().as_str().trim_start_matches('/').to_owned();
        let mut push = |field: String, code, message: String| errors.push(FieldError { field, code, message });
        match error.kind() {
            ValidationErrorKind::Required { property } => {
                push(property.as_str().unwrap_or_default().to_owned(), "SET_REQUIRED", "is required".to_owned());
            }
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                for name in unexpected {
                    push(name.clone(), "SET_UNKNOWN", "is no setting of this connector".to_owned());
                }
            }
            ValidationErrorKind::Type { .. } => push(field, "SET_TYPE", "has the wrong type".to_owned()),
            ValidationErrorKind::Format { format } => push(field, "SET_FORMAT", format!("is no valid {format}")),
            ValidationErrorKind::Enum { .. } => push(field, "SET_OPTION", "is none of the allowed values".to_owned()),
            _ => push(field, "SET_INVALID", error.masked_with("the value").to_string()),
        }
    }
    empty_required(manifest, settings, &mut errors);
    web_addresses(manifest, settings, &mut errors);
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// A form sends an empty text for a field that nobody filled in.
fn empty_required(manifest: &Manifest, settings: &Map<String, Value>, errors: &mut Vec<FieldError>) {
    for field in manifest.setting_fields().iter().filter(|field| field.required) {
        let blank = settings.get(&field.name).and_then(Value::as_str).is_some_and(|text| text.trim().is_empty());
        if blank && !errors.iter().any(|e| e.field == field.name) {
            errors.push(FieldError {
                field: field.name.clone(),
                code: "SET_REQUIRED",
                message: "is required".to_owned(),
            });
        }
    }
}

/// `format: uri` also accepts `mailto:`; only web addresses can be connected to.
fn web_addresses(manifest: &Manifest, settings: &Map<String, Value>, errors: &mut Vec<FieldError>) {
    for field in manifest.setting_fields().iter().filter(|field| field.format.as_deref() == Some("uri")) {
        let Some(text) = settings.get(&field.name).and_then(Value::as_str) else { continue };
        let usable = url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if !usable && !errors.iter().any(|e| e.field == field.name) {
            errors.push(FieldError {
                field: field.name.clone(),
                code: "SET_FORMAT",
                message: "must start with http:// or https://".to_owned(),
            });
        }
    }
}

/// Separates what is sealed from what may be shown, and adds defaults. Call after validation.
#[must_use]
pub fn split(manifest: &Manifest, settings: Map<String, Value>) -> Split {
    let mut out = Split::default();
    for (name, value) in settings {
        let field = manifest.setting_fields().iter().find(|field| field.name == name);
        match (field.is_some_and(|field| field.secret), value) {
            (true, Value::String(text)) => {
                out.secret.insert(name, SecretString::from(text));
            }
            (true, value) => {
                out.secret.insert(name, SecretString::from(value.to_string()));
            }
            (false, value) => {
                out.plain.insert(name, value);
            }
        }
    }
    apply_defaults(manifest, &mut out.plain);
    out
}

/// Fills in the defaults of the settings that are absent.
pub fn apply_defaults(manifest: &Manifest, plain: &mut Map<String, Value>) {
    for field in manifest.setting_fields() {
        if let Some(default) = &field.default
            && !plain.contains_key(&field.name)
        {
            plain.insert(field.name.clone(), default.clone());
        }
    }
}
