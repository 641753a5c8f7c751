//! A contract or an inquiry as a form: `/customers/{id}/contracts/…`, `/customers/{id}/inquiries/…`.

/// One field of the form.
#[derive(Clone, Debug)]
pub struct Input {
    /// Of the record; its word stands under `doc` or `map_field`.
    pub name: &'static str,
    pub label: String,
    /// `text`, `date`, `datetime-local`, `number`, `select` or `note`.
    pub input: &'static str,
    /// What can be chosen: value and word.
    pub options: Vec<(&'static str, String)>,
    pub required: bool,
    pub value: String,
    /// Code of `form_error`.
    pub error: Option<&'static str>,
}

/// The form.
#[derive(Clone, Debug)]
pub struct RecordPage {
    /// Id and name.
    pub customer: (String, String),
    /// `contracts` or `inquiries`.
    pub noun: &'static str,
    /// Id and version; `None`: it is new.
    pub record: Option<(String, i64)>,
    /// Made with the form, so that sending it twice adds one.
    pub key: String,
    pub inputs: Vec<Input>,
    /// Somebody else changed it meanwhile.
    pub stale: bool,
}

impl RecordPage {
    /// Key of the title: `record_form.contracts_new` …
    #[must_use]
    pub fn title(&self) -> &'static str {
        match (self.noun, self.record.is_some()) {
            ("contracts", false) => "record_form.contracts_new",
            ("contracts", true) => "record_form.contracts_edit",
            (_, false) => "record_form.inquiries_new",
            (_, true) => "record_form.inquiries_edit",
        }
    }

    /// Where the form goes.
    #[must_use]
    pub fn action(&self) -> String {
        let last = self.record.as_ref().map_or("new", |(id, _)| id.as_str());
        format!("/customers/{}/{}/{last}", self.customer.0, self.noun)
    }

    #[must_use]
    pub fn mistakes(&self) -> usize {
        self.inputs.iter().filter(|input| input.error.is_some()).count()
    }
}
