//! The form of a connection, new or changed: made from the settings of its manifest.

use super::connection::Check;

/// One field of the form.
#[derive(Clone, Debug, Default)]
pub struct SettingField {
    /// Form field name: `settings.<name>` in the body.
    pub name: String,
    pub title: String,
    /// Where to find the value in the other system.
    pub help: String,
    pub required: bool,
    /// Write-only: never sent back to the page.
    pub secret: bool,
    /// `text`, `url`, `number`, `boolean` or `select`.
    pub input: String,
    /// Choices of a `select`: value and words.
    pub options: Vec<(String, String)>,
    pub value: String,
    /// What is wrong, in the reader's language.
    pub error: Option<String>,
    /// A secret that is stored: left empty, it stays.
    pub set: bool,
    /// A secret that was typed before the form was shown again: left empty, that one is used.
    pub held: bool,
    /// A secret that is to go.
    pub cleared: bool,
}

impl SettingField {
    /// It must be filled in, here and now.
    #[must_use]
    pub fn must(&self) -> bool {
        self.required && !self.set && !self.held
    }

    /// A value that may be taken away.
    #[must_use]
    pub fn may_clear(&self) -> bool {
        self.secret && self.set && !self.required
    }
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct ConnectionForm {
    /// Name of the connection, unique.
    pub name: String,
    pub name_error: Option<String>,
    pub fields: Vec<SettingField>,
    /// Streams it brings and whether each is chosen.
    pub streams: Vec<(String, bool)>,
    /// There is something to pull, so that a schedule makes sense.
    pub pulls: bool,
    /// Schedules to choose from: value and words.
    pub schedules: Vec<(String, String)>,
    pub schedule: String,
    /// Result of a check; empty before the first try.
    pub checks: Vec<Check>,
    /// Secrets that were typed, sealed by the hub, so that they need not be typed again.
    pub held: Option<String>,
}

impl ConnectionForm {
    #[must_use]
    pub fn errors(&self) -> usize {
        self.fields.iter().filter(|field| field.error.is_some()).count() + usize::from(self.name_error.is_some())
    }

    /// What the check found first that is not right.
    #[must_use]
    pub fn failed(&self) -> Option<&Check> {
        self.checks.iter().find(|check| check.ok != Some(true))
    }
}
