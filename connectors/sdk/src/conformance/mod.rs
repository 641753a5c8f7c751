//! The list that every connector must pass, against a live system or recorded fixtures.
//!
//! | Check | Proves |
//! |---|---|
//! | `check` | the connection check passes |
//! | `records:<stream>` | at least one record arrives |
//! | `keys:<stream>` | every record has a key, no two in a run have the same |
//! | `mapping:<stream>` | every record becomes a hub record |
//! | `again:<stream>` | a run from the final cursor brings nothing new |
//! | `resume:<stream>` | stopping after any early page and going on from its cursor loses nothing |
//! | `webhook:<delivery>` | a genuine delivery is read; altered, unsigned and foreign ones are refused |
//! | `secrets` | no error, check line or `Debug` output holds a secret |
//!
//! (That the manifest is valid is proven by having one.) To add a check: one function that returns
//! [`Check`]s, called in [`run`].

mod delivery;
mod fixtures;
mod pull;

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::Value;

pub use fixtures::{FixtureError, Fixtures};

use crate::connector::Connector;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Passed,
    Failed,
    Skipped,
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    pub name: String,
    pub outcome: Outcome,
    pub detail: String,
}

impl Check {
    fn passed(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { name: name.into(), outcome: Outcome::Passed, detail: detail.into() }
    }

    fn failed(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { name: name.into(), outcome: Outcome::Failed, detail: detail.into() }
    }

    fn skipped(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { name: name.into(), outcome: Outcome::Skipped, detail: detail.into() }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}: {}", self.outcome, self.name, self.detail)
    }
}

/// What a run needs to know beside the connector.
#[derive(Clone, Debug)]
pub struct Options {
    /// Looked for in everything that the connector says.
    pub secrets: Vec<SecretString>,
    /// Bodies of deliveries, by name.
    pub deliveries: Vec<(String, Value)>,
    /// A run that pages longer than this is stopped and failed.
    pub max_pages: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { secrets: Vec::new(), deliveries: Vec::new(), max_pages: 2000 }
    }
}

/// Runs the whole list.
pub async fn run(connector: &dyn Connector, options: &Options) -> Vec<Check> {
    let mut said: Vec<String> = Vec::new();
    let mut checks = vec![Check::passed("manifest", connector.manifest().name.clone())];
    let items = connector.check().await;
    said.extend(items.iter().map(|item| format!("{item:?}")));
    checks.push(match items.iter().find(|item| !item.ok) {
        None => Check::passed("check", format!("{} questions answered", items.len())),
        Some(item) => Check::failed("check", format!("{}: {}", item.item, item.detail)),
    });
    for (name, stream) in &connector.manifest().streams {
        if stream.is_pulled() {
            checks.extend(pull::stream(connector, name, options.max_pages, &mut said).await);
        } else {
            checks.push(Check::skipped(format!("records:{name}"), "arrives by webhook only"));
        }
    }
    checks.extend(delivery::all(connector.manifest(), &options.deliveries));
    said.extend(checks.iter().map(|check| check.detail.clone()));
    checks.push(secrets(&options.secrets, &said));
    checks
}

fn secrets(secrets: &[SecretString], said: &[String]) -> Check {
    // A secret of a few letters is found by chance in any text.
    let long: Vec<&SecretString> = secrets.iter().filter(|secret| secret.expose_secret().len() >= 6).collect();
    if long.is_empty() {
        return Check::skipped("secrets", "no secret of six letters or more was given");
    }
    let leaked = said.iter().any(|text| long.iter().any(|secret| text.contains(secret.expose_secret())));
    if leaked {
        return Check::failed("secrets", "a secret appears in an error or check line");
    }
    Check::passed("secrets", format!("{} texts hold no secret", said.len()))
}

#[cfg(test)]
mod tests;
