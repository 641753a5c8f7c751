//! `/connections/new/{connector}`: a form made from the settings of the manifest.

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
}

/// See the module.
#[derive(Clone, Debug)]
pub struct ConnectionNewPage {
    pub connector: String,
    pub title: String,
    pub kind: String,
    pub description: String,
    /// Name of the new connection, unique.
    pub name: String,
    pub name_error: Option<String>,
    pub fields: Vec<SettingField>,
    /// Streams it brings and whether each is chosen.
    pub streams: Vec<(String, bool)>,
    /// There is something to pull, so that a schedule makes sense.
    pub pulls: bool,
    /// Chosen schedule: `5m`, `15m`, `60m` or `daily`.
    pub schedule: String,
    /// Result of a check that failed; empty before the first try.
    pub checks: Vec<super::connection::Check>,
    pub command: String,
}

impl ConnectionNewPage {
    pub const SCHEDULES: [&str; 4] = ["5m", "15m", "60m", "daily"];

    #[must_use]
    pub fn errors(&self) -> usize {
        self.fields.iter().filter(|field| field.error.is_some()).count() + usize::from(self.name_error.is_some())
    }
}
