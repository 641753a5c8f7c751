//! `/customers/{id}/edit` and `/customers/new`: the master record as a form, and what to do when it moved meanwhile.

use super::event_text::master_value;
use crate::{
    analytics::customer::Source,
    http::console::{Lang, Shell},
    model::{
        Timestamp,
        custom::{Choice, CustomKind, Definition},
        record::LIFE_STAGES,
    },
};

/// One value on its way.
#[derive(Clone, Debug)]
pub struct EditField {
    /// Field of the canonical record, or `custom.KEY`.
    pub name: String,
    /// How it is defined, where the administrator added it.
    pub added: Option<Definition>,
    pub value: String,
    /// What stood there when the form was opened.
    pub seen: String,
    /// The reader may neither see nor change it.
    pub hidden: bool,
    /// Code of `form_error`.
    pub error: Option<&'static str>,
    /// What somebody else wrote meanwhile.
    pub overtaken: Option<Overtaken>,
    /// Who says so now; `None` for a customer that is new, or without a value.
    pub source: Option<Source>,
    /// A person's value that wins until it is released.
    pub pinned: bool,
}

/// What stands now where somebody typed something else.
#[derive(Clone, Debug, Default)]
pub struct Overtaken {
    pub now: String,
    /// Who and when; `None`: nobody knows any more.
    pub by: Option<(Changer, Timestamp)>,
}

/// Who changed a value.
#[derive(Clone, Debug)]
pub enum Changer {
    Person(String),
    System(String),
}

impl Overtaken {
    /// "高梨さんが 10:12 に変更しました"
    #[must_use]
    pub fn who(&self, s: &Shell) -> String {
        match &self.by {
            Some((Changer::Person(name), at)) => s.f2("stale.by_person", name, s.when_text(at)),
            Some((Changer::System(name), at)) => s.f2("stale.by_system", name, s.when_text(at)),
            None => String::new(),
        }
    }
}

impl EditField {
    #[must_use]
    pub fn required(&self) -> bool {
        self.name == "name"
    }

    /// The administrator asks for it; nothing is refused without it.
    #[must_use]
    pub fn wanted(&self) -> bool {
        self.added.as_ref().is_some_and(|added| added.required)
    }

    fn kind(&self) -> Option<CustomKind> {
        self.added.as_ref().map(|added| added.kind)
    }

    /// Kind of input, for keyboards on telephones.
    #[must_use]
    pub fn input(&self) -> &'static str {
        match (self.name.as_str(), self.kind()) {
            (_, Some(CustomKind::Date)) => "date",
            ("lead_date", _) => "date",
            ("mail", _) => "email",
            ("phone", _) => "tel",
            _ => "text",
        }
    }

    #[must_use]
    pub fn is_number(&self) -> bool {
        self.name == "credit_limit" || matches!(self.kind(), Some(CustomKind::Number | CustomKind::Money))
    }

    /// What can be chosen, in the reader's language; none: it is typed. A choice that is retired stays as long as
    /// it is the value.
    #[must_use]
    pub fn options(&self, s: &Shell) -> Vec<(String, String)> {
        let pair = |key: &str, word: &str| (key.to_owned(), word.to_owned());
        if self.name == "life_stage" {
            return LIFE_STAGES.iter().map(|stage| pair(stage, s.word("life_stage", stage))).collect();
        }
        let Some(added) = &self.added else { return Vec::new() };
        match added.kind {
            CustomKind::Flag => vec![pair("true", s.t("form.yes")), pair("false", s.t("form.no"))],
            CustomKind::Choice => {
                let offered = |choice: &&Choice| !choice.retired || choice.key == self.value;
                let label = |choice: &Choice| pair(&choice.key, choice.label(s.lang == Lang::En));
                added.choices.iter().filter(offered).map(label).collect()
            }
            _ => Vec::new(),
        }
    }

    #[must_use]
    pub fn wrong(&self) -> bool {
        self.error.is_some()
    }

    /// A value of this field as pages write it; a dash for none.
    #[must_use]
    pub fn show(&self, s: &Shell, value: &str) -> String {
        if value.is_empty() { "—".to_owned() } else { master_value(s, &self.name, value, s.currency) }
    }

    /// What was typed is not what stood there.
    #[must_use]
    pub fn changed(&self) -> bool {
        !self.hidden && self.value.trim() != self.seen.trim()
    }
}

/// The form.
#[derive(Clone, Debug)]
pub struct CustomerEditPage {
    /// `None`: a customer that does not exist yet.
    pub customer: Option<(String, String)>,
    pub fields: Vec<EditField>,
    /// The reader's own, where customers can be given to no others.
    pub departments: Vec<String>,
    /// "この値を固定する"
    pub pinned: bool,
    /// `corporation` or `person`, where a new customer can be both; `None`: nobody is asked.
    pub kind: Option<String>,
}

impl CustomerEditPage {
    /// Where the form goes.
    #[must_use]
    pub fn action(&self) -> String {
        match &self.customer {
            Some((id, _)) => format!("/customers/{id}/edit"),
            None => "/customers/new".to_owned(),
        }
    }

    #[must_use]
    pub fn back(&self) -> String {
        self.customer.as_ref().map_or_else(|| "/customers".to_owned(), |(id, _)| format!("/customers/{id}"))
    }

    #[must_use]
    pub fn title(&self) -> &'static str {
        if self.customer.is_some() { "edit.title" } else { "edit.new_title" }
    }

    #[must_use]
    pub fn mistakes(&self) -> usize {
        self.fields.iter().filter(|f| f.error.is_some()).count()
    }

    /// The first field that the administrator added stands under a heading of its own.
    #[must_use]
    pub fn is_first_added(&self, field: &EditField) -> bool {
        self.fields.iter().find(|f| f.added.is_some()).is_some_and(|first| first.name == field.name)
    }
}

/// Somebody else was faster: what the reader saw, what stands now, what the reader typed, side by side.
#[derive(Clone, Debug)]
pub struct StalePage {
    pub id: String,
    pub name: String,
    pub fields: Vec<EditField>,
    pub pinned: bool,
}

impl StalePage {
    /// Values that both changed.
    #[must_use]
    pub fn overtaken(&self) -> Vec<(&EditField, &Overtaken)> {
        self.fields.iter().filter_map(|f| Some((f, f.overtaken.as_ref()?))).collect()
    }

    /// What only the reader changed: saved with the rest.
    #[must_use]
    pub fn free(&self) -> Vec<&EditField> {
        self.fields.iter().filter(|f| f.overtaken.is_none() && f.changed()).collect()
    }

    /// What nobody touched goes with the form as it came.
    #[must_use]
    pub fn rest(&self) -> Vec<&EditField> {
        self.fields.iter().filter(|f| f.overtaken.is_none() && !f.hidden).collect()
    }
}
