//! `/settings`: the company, and the sample data.

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct SettingsPage {
    pub company: String,
    /// Language of new people and of mails: `ja` or `en`.
    pub language: String,
    pub time_zone: String,
    pub zones: Vec<String>,
    pub fiscal_month: u8,
    /// Who the customers are: `companies`, `persons` or `both`.
    pub audience: &'static str,
    /// Freshness of the form: refused when someone saved in between.
    pub revision: String,
    pub errors: Vec<(String, String)>,
    /// Sample customers that exist; 0 hides the block.
    pub sample_customers: i64,
    pub sample_documents: i64,
    /// Word to type for removal.
    pub confirm_word: String,
    pub confirm_wrong: bool,
    /// The load is offered because no sample exists.
    pub may_load_sample: bool,
    pub version: String,
    /// The mail server; `None`: there is no mail.
    pub mail_host: Option<String>,
    /// Why the test mail was not taken: its code, and what the server said.
    pub mail_trouble: Option<(String, String)>,
}

impl SettingsPage {
    #[must_use]
    pub fn error(&self, field: &str) -> Option<&str> {
        self.errors.iter().find(|(name, _)| name == field).map(|(_, key)| key.as_str())
    }
}
