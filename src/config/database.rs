//! `[database]`: SQLite for one node, PostgreSQL for several.

use serde::{Deserialize, Serialize};

use super::Invalid;

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// Holds a password: use [`Database::shown`] in anything a person or a log sees.
    pub url: String,
    pub url_file: String,
    pub connections: u32,
}

impl Database {
    pub(super) fn complete(&mut self) -> Result<(), Invalid> {
        if !self.url_file.is_empty() {
            self.url = super::read_secret_file("database.url_file", &self.url_file)?;
        }
        Ok(())
    }

    pub(super) fn validate(&self) -> Result<(), Invalid> {
        if !["sqlite://", "postgres://", "postgresql://"].iter().any(|scheme| self.url.starts_with(scheme)) {
            return Err(Invalid::new("database.url", "must start with sqlite:// or postgres://"));
        }
        if self.url == "sqlite://" {
            return Err(Invalid::new("database.url", "names no file; write sqlite://var/musubi.db"));
        }
        if !(1..=500).contains(&self.connections) {
            return Err(Invalid::new("database.connections", "must be between 1 and 500"));
        }
        Ok(())
    }

    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        self.url.starts_with("sqlite://")
    }

    /// The URL without its password.
    #[must_use]
    pub fn shown(&self) -> String {
        shown(&self.url)
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("url", &self.shown()).field("connections", &self.connections).finish()
    }
}

/// A database URL without its password. What cannot be read as a URL is not shown at all.
#[must_use]
pub fn shown(url: &str) -> String {
    if url.starts_with("sqlite://") {
        return url.to_owned();
    }
    let Ok(mut parsed) = url::Url::parse(url) else { return "(unreadable URL)".to_owned() };
    if parsed.password().is_some() && parsed.set_password(Some("***")).is_err() {
        return "(unreadable URL)".to_owned();
    }
    // libpq also takes the password as a parameter.
    if parsed.query_pairs().any(|(name, _)| name.contains("pass")) {
        parsed.set_query(Some("***"));
    }
    parsed.to_string()
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(shown("sqlite://var/musubi.db"), "sqlite://var/musubi.db");
        assert_eq!(shown("postgres://hub:hunter2@db.example/hub"), "postgres://hub:***@db.example/hub");
        for text in ["postgres://db.example/hub?password=hunter2", "postgres://hub:hunter2@[", "hunter2"] {
            assert!(!shown(text).contains("hunter2"), "{text}");
        }
    }
}
