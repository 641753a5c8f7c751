//! `/customers/{id}/edit` and `/customers/new`: the master record as a form.

use crate::analytics::customer::Source;

/// One value on its way.
#[derive(Clone, Debug)]
pub struct EditField {
    /// Field of the canonical record.
    pub name: &'static str,
    pub value: String,
    /// What stood there when the form was opened.
    pub seen: String,
    /// The reader may neither see nor change it.
    pub hidden: bool,
    /// Code of `form_error`.
    pub error: Option<&'static str>,
    /// What somebody else wrote meanwhile.
    pub overtaken_by: Option<String>,
    /// Who says so now; `None` for a customer that is new, or without a value.
    pub source: Option<Source>,
    /// A person's value that wins until it is released.
    pub pinned: bool,
}

impl EditField {
    #[must_use]
    pub fn required(&self) -> bool {
        self.name == "name"
    }

    /// Kind of input, for keyboards on telephones.
    #[must_use]
    pub fn input(&self) -> &'static str {
        match self.name {
            "mail" => "email",
            "phone" => "tel",
            _ => "text",
        }
    }

    #[must_use]
    pub fn wrong(&self) -> bool {
        self.error.is_some() || self.overtaken_by.is_some()
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

    #[must_use]
    pub fn overtaken(&self) -> usize {
        self.fields.iter().filter(|f| f.overtaken_by.is_some()).count()
    }
}
