//! Configuration: what the operator decides, typed and checked before anything starts.
//!
//! `config/musubi.toml` is compiled in and holds every key with its default. A file and then
//! `MUSUBI_SECTION__KEY` variables override it. An unknown key is refused with the nearest known
//! one, a wrong value with the file or variable it came from.
//!
//! Invariants: a [`Config`] that exists is valid. Nothing else reads the environment. What is shown
//! to people goes through [`Config::redacted`].
//!
//! To add a key: the key with its comment in `config/musubi.toml`, a field in the section's file
//! here (both, or the tests fail), a rule in its `validate` when it has one. To add a section: one
//! file more.

mod access;
mod connectors;
pub mod database;
mod demo;
mod files;
mod health;
mod inbox;
mod layers;
mod log;
mod mail;
mod organisation;
mod retention;
mod secrets;
mod server;
mod session;
mod signin;
mod sync;
mod tokens;
mod value;
mod webhooks;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use self::{
    access::Access,
    connectors::Connectors,
    database::Database,
    demo::Demo,
    files::Files,
    health::Health,
    inbox::Inbox,
    log::{Log, LogFormat},
    mail::{Mail, MailTls},
    organisation::{Language, Organisation},
    retention::Retention,
    secrets::Secrets,
    server::Server,
    session::Session,
    signin::Signin,
    sync::{CatchUp, Sync},
    tokens::Tokens,
    value::{Percent, Period, Size},
    webhooks::Webhooks,
};

/// The commented file that is compiled in as the defaults.
pub const DEFAULTS: &str = include_str!("../../config/musubi.toml");

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub server: Server,
    pub database: Database,
    pub organisation: Organisation,
    pub secrets: Secrets,
    pub session: Session,
    pub signin: Signin,
    pub tokens: Tokens,
    pub access: Access,
    pub connectors: Connectors,
    pub files: Files,
    pub sync: Sync,
    pub inbox: Inbox,
    pub webhooks: Webhooks,
    pub health: Health,
    pub mail: Mail,
    pub retention: Retention,
    pub log: Log,
    pub demo: Demo,
}

/// Why a configuration was refused. The text is for the operator and holds no secret values.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("the configuration file {path} cannot be read")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{origin}: {problem}")]
    Syntax { origin: String, problem: String },
    #[error("{origin}: there is no key {key}{hint}")]
    UnknownKey { origin: String, key: String, hint: String },
    #[error("{origin}: {key} {problem}")]
    Value { origin: String, key: String, problem: String },
    #[error("{0}")]
    Invalid(#[from] Invalid),
}

/// A value that is well-formed but cannot be: the key and the reason.
#[derive(Debug, thiserror::Error)]
#[error("{key} {reason}")]
pub struct Invalid {
    pub key: &'static str,
    pub reason: String,
}

impl Invalid {
    fn new(key: &'static str, reason: &str) -> Self {
        Self { key, reason: reason.to_owned() }
    }
}

/// Names a point at which a debug build ends itself, for crash tests (`sync::failpoint`).
pub const FAILPOINT_VARIABLE: &str = "MUSUBI_FAILPOINT";

/// The armed failpoint, if any.
#[must_use]
pub fn failpoint() -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "configuration is the one room that reads the environment")]
    std::env::var(FAILPOINT_VARIABLE).ok()
}

/// Hosts of the proxies through which this process was told to send, by the variables that HTTP clients
/// heed.
#[must_use]
pub fn proxy_hosts() -> Vec<String> {
    const NAMES: [&str; 6] = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
    let host = |name| {
        #[expect(clippy::disallowed_methods, reason = "configuration is the one room that reads the environment")]
        let text = std::env::var(name).ok()?;
        let address = if text.contains("://") { text } else { format!("http://{text}") };
        url::Url::parse(&address).ok()?.host_str().map(str::to_owned)
    };
    NAMES.into_iter().filter_map(host).collect()
}

impl Config {
    /// Loads for this process: defaults, then `file` (or what `MUSUBI_CONFIG` names), then the
    /// environment.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
        let variables: Vec<(String, String)> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self::load_from(file, &variables)
    }

    /// As [`Config::load`], with the environment given: for tests.
    pub fn load_from(file: Option<&Path>, variables: &[(String, String)]) -> Result<Self, ConfigError> {
        let named =
            variables.iter().find(|(name, _)| name == layers::FILE_VARIABLE).map(|(_, path)| PathBuf::from(path));
        let mut layers = layers::Layers::defaults()?;
        if let Some(path) = file.map(Path::to_path_buf).or(named) {
            let text =
                std::fs::read_to_string(&path).map_err(|source| ConfigError::Read { path: path.clone(), source })?;
            layers.file(&path.display().to_string(), &text)?;
        }
        layers.environment(variables)?;
        layers.finish()?.complete()
    }

    /// Derives what is left empty and checks what belongs together.
    fn complete(mut self) -> Result<Self, ConfigError> {
        self.server.complete();
        self.database.complete()?;
        self.mail.complete()?;
        self.validate()?;
        Ok(self)
    }

    /// Every rule of every section; names the first key that breaks one.
    pub fn validate(&self) -> Result<(), Invalid> {
        let Self {
            server,
            database,
            organisation,
            secrets,
            session,
            signin,
            tokens,
            access,
            connectors: _,
            files,
            sync,
            inbox,
            webhooks,
            health,
            mail,
            retention,
            log,
            demo,
        } = self;
        server.validate()?;
        database.validate()?;
        organisation.validate()?;
        secrets.validate()?;
        session.validate()?;
        signin.validate()?;
        tokens.validate()?;
        access.validate()?;
        files.validate()?;
        sync.validate()?;
        inbox.validate()?;
        webhooks.validate()?;
        health.validate()?;
        mail.validate()?;
        retention.validate()?;
        log.validate()?;
        demo.validate()
    }

    /// The effective configuration without secrets, for printing.
    #[must_use]
    pub fn redacted(&self) -> Self {
        let hide = |text: &String| if text.is_empty() { String::new() } else { "***".to_owned() };
        let mut shown = self.clone();
        shown.database.url = self.database.shown();
        shown.secrets.key = hide(&self.secrets.key);
        shown.secrets.previous_key = hide(&self.secrets.previous_key);
        shown.mail.password = hide(&self.mail.password);
        shown
    }
}

impl Default for Config {
    /// The compiled-in defaults.
    #[expect(clippy::expect_used, reason = "the text is compiled in and a test reads it")]
    fn default() -> Self {
        Self::load_from(None, &[]).expect("config/musubi.toml is valid")
    }
}

/// The content of a file that holds one secret, without the line end.
fn read_secret_file(key: &'static str, path: &str) -> Result<String, Invalid> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| Invalid::new(key, &format!("names {path}, which cannot be read: {e}")))?;
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests;
