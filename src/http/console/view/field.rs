//! `/settings/fields`: the fields that the administrator added to customers.

use crate::{
    http::console::{Lang, Shell},
    model::custom::{CustomKind, Definition},
};

/// All of them.
#[derive(Clone, Debug)]
pub struct FieldsPage {
    pub living: Vec<Definition>,
    pub retired: Vec<Definition>,
}

impl FieldsPage {
    /// The labels of the choices that are offered.
    #[must_use]
    pub fn choices(&self, s: &Shell, field: &Definition) -> String {
        let offered = field.choices.iter().filter(|choice| !choice.retired);
        let labels: Vec<&str> = offered.map(|choice| choice.label(s.lang == Lang::En)).collect();
        labels.join(s.t("comma"))
    }

    #[must_use]
    pub fn label(&self, s: &Shell, field: &Definition) -> String {
        field.label(s.lang == Lang::En).to_owned()
    }
}

/// One row of the choices.
#[derive(Clone, Debug, Default)]
pub struct ChoiceRow {
    pub key: String,
    pub ja: String,
    pub en: String,
    pub retired: bool,
    /// It was there before: its key stays.
    pub kept: bool,
}

/// One field as a form.
#[derive(Clone, Debug)]
pub struct FieldPage {
    /// The field as it stands; `None`: it is new.
    pub stands: Option<Definition>,
    pub key: String,
    pub kind: CustomKind,
    pub label_ja: String,
    pub label_en: String,
    pub required: bool,
    pub position: String,
    /// Those that are there, then empty ones.
    pub choices: Vec<ChoiceRow>,
    /// Part of the form and code of `form_error`; the value, where that says which of several.
    pub errors: Vec<(String, &'static str, String)>,
    /// Customers with a value.
    pub filled: i64,
}

impl FieldPage {
    #[must_use]
    pub fn action(&self) -> String {
        self.stands
            .as_ref()
            .map_or_else(|| "/settings/fields/new".to_owned(), |d| format!("/settings/fields/{}", d.key))
    }

    #[must_use]
    pub fn title(&self, s: &Shell) -> String {
        let new = || s.t("custom.new").to_owned();
        self.stands.as_ref().map_or_else(new, |d| d.label(s.lang == Lang::En).to_owned())
    }

    #[must_use]
    pub fn error(&self, part: &str) -> Option<&'static str> {
        self.errors.iter().find(|(name, ..)| name == part).map(|(_, code, _)| *code)
    }

    #[must_use]
    pub fn kinds(&self) -> [CustomKind; 6] {
        CustomKind::ALL
    }

    /// Choices are asked for: of a field that is new, whatever its kind will be.
    #[must_use]
    pub fn has_choices(&self) -> bool {
        self.stands.is_none() || self.kind == CustomKind::Choice
    }
}
