//! `/customers/{id}/activities/new`: the one thing people type, in three fields.

/// What a reader typed, kept when something is wrong with it.
#[derive(Clone, Debug, Default)]
pub struct ActivityForm {
    pub customer_id: String,
    pub customer_name: String,
    /// `visit`, `call`, `mail`, `meeting` or `note`.
    pub kind: String,
    pub subject: String,
    pub note: String,
    /// `YYYY-MM-DD`.
    pub date: String,
    /// Makes a second press of the button harmless.
    pub idempotency_key: String,
    /// Field name and code of `form_error`.
    pub errors: Vec<(String, String)>,
}

impl ActivityForm {
    pub const KINDS: [&str; 5] = ["visit", "call", "mail", "meeting", "note"];

    /// What is wrong with a field, as a code of `form_error`.
    #[must_use]
    pub fn error(&self, field: &str) -> Option<&str> {
        self.errors.iter().find(|(name, _)| name == field).map(|(_, key)| key.as_str())
    }
}

/// The form as a page of its own.
#[derive(Clone, Debug)]
pub struct ActivityPage {
    pub activity: ActivityForm,
}
