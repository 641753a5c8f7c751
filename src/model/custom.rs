//! Fields that the administrator adds to customers: what they are called, and the form of their values.
//!
//! A value is kept as text in the form of its kind, and its field is called `custom.KEY` wherever fields
//! have names: in mappings, provenance, versions and forms. A field is retired, never deleted, and its kind
//! never changes, so that a stored value can always be read. [`crate::matching::custom`] reads values from
//! outside.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What stands before the key in the name of a field.
pub const PREFIX: &str = "custom.";
/// Fields there can be, retired ones with them.
pub const MOST: usize = 200;
/// Choices of a field.
pub const MOST_CHOICES: usize = 200;
/// Characters of a key.
const LONGEST_KEY: usize = 40;

/// The form of a field's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomKind {
    /// One line of text.
    Text,
    /// Canonical decimal text: `-1234.5`.
    Number,
    /// Canonical decimal text in whole units of the organisation's currency.
    Money,
    /// `YYYY-MM-DD`.
    Date,
    /// The key of a choice.
    Choice,
    /// `true` or `false`.
    Flag,
}

impl CustomKind {
    pub const ALL: [Self; 6] = [Self::Text, Self::Number, Self::Money, Self::Date, Self::Choice, Self::Flag];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Money => "money",
            Self::Date => "date",
            Self::Choice => "choice",
            Self::Flag => "flag",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// One of the values that a choice field knows. The key is stored and stays; labels may change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    pub key: String,
    pub ja: String,
    pub en: String,
    /// No longer offered; stored values keep it.
    #[serde(default)]
    pub retired: bool,
}

/// One field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Definition {
    pub key: String,
    pub kind: CustomKind,
    pub label_ja: String,
    pub label_en: String,
    /// A form asks for it; nothing is refused without it.
    pub required: bool,
    /// Of a choice field only.
    pub choices: Vec<Choice>,
    /// Order on pages, from 1.
    pub position: i64,
    /// Changes with every saved change.
    pub seq: i64,
    /// Shown and asked for no longer; values stay.
    pub retired: bool,
}

impl Definition {
    /// Its name among the fields of a customer.
    #[must_use]
    pub fn field(&self) -> String {
        format!("{PREFIX}{}", self.key)
    }

    /// The label in a language; the other one where there is none.
    #[must_use]
    pub fn label(&self, english: bool) -> &str {
        either(&self.label_ja, &self.label_en, english)
    }

    #[must_use]
    pub fn choice(&self, key: &str) -> Option<&Choice> {
        self.choices.iter().find(|choice| choice.key == key)
    }

    /// A stored value as JSON: a flag is a boolean, everything else text (decimals lose nothing that way).
    #[must_use]
    pub fn json(&self, value: &str) -> Value {
        match self.kind {
            CustomKind::Flag => Value::Bool(value == "true"),
            _ => Value::String(value.to_owned()),
        }
    }
}

impl Choice {
    #[must_use]
    pub fn label(&self, english: bool) -> &str {
        either(&self.ja, &self.en, english)
    }
}

fn either<'a>(ja: &'a str, en: &'a str, english: bool) -> &'a str {
    match (english, ja.is_empty(), en.is_empty()) {
        (true, _, false) | (false, true, _) => en,
        _ => ja,
    }
}

/// Every field there is, in the order of pages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definitions(pub Vec<Definition>);

impl Definitions {
    /// With the retired ones.
    #[must_use]
    pub fn all(&self) -> &[Definition] {
        &self.0
    }

    /// Those that pages show and forms ask for.
    pub fn living(&self) -> impl Iterator<Item = &Definition> {
        self.0.iter().filter(|one| !one.retired)
    }

    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Definition> {
        self.0.iter().find(|one| one.key == key)
    }

    /// By the name of a customer's field: `custom.KEY`.
    #[must_use]
    pub fn of_field(&self, field: &str) -> Option<&Definition> {
        self.get(key_of(field)?)
    }
}

/// The key in the name of a field; `None`: it is one of the hub's own.
#[must_use]
pub fn key_of(field: &str) -> Option<&str> {
    field.strip_prefix(PREFIX)
}

/// Small letters, digits and `_`, a letter first, at most 40: it stands in addresses, columns and JSON.
#[must_use]
pub fn is_key(text: &str) -> bool {
    text.len() <= LONGEST_KEY
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// What a source said for a field and could not be taken. The value is personal data: it is for who sees the
/// customer, never for logs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// `custom.KEY`
    pub field: String,
    /// Connection id.
    pub connection: String,
    /// As the source said it, cut to 200 characters.
    pub value: String,
    /// `FMT_NUMBER`, `FMT_DATE`, `FMT_VALUE`, `FMT_TYPE`, `TOO_LONG` or `FIELD_UNKNOWN`.
    pub code: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_can_stand_anywhere() {
        for (text, good) in [
            ("grade", true),
            ("a1_b", true),
            ("", false),
            ("Grade", false),
            ("1st", false),
            ("_x", false),
            ("等級", false),
            ("a-b", false),
            ("a.b", false),
        ] {
            assert_eq!(is_key(text), good, "{text}");
        }
        assert!(is_key(&"a".repeat(LONGEST_KEY)) && !is_key(&"a".repeat(LONGEST_KEY + 1)));
        assert_eq!((key_of("custom.grade"), key_of("name")), (Some("grade"), None));
    }

    #[test]
    fn a_label_is_never_missing() {
        let choice = |ja: &str, en: &str| Choice { key: "a".into(), ja: ja.into(), en: en.into(), retired: false };
        assert_eq!(choice("甲", "A").label(true), "A");
        assert_eq!(choice("甲", "A").label(false), "甲");
        assert_eq!(choice("甲", "").label(true), "甲");
        assert_eq!(choice("", "A").label(false), "A");
    }
}
