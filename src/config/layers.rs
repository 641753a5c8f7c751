//! Defaults, file and environment, laid over each other.
//!
//! Each layer is checked as it is laid on, so that an error names the file or the variable the
//! wrong key or value came from.

use toml::{Table, Value};

use super::{Config, ConfigError, DEFAULTS};

/// Names the configuration file; the only variable that is no key.
pub(super) const FILE_VARIABLE: &str = "MUSUBI_CONFIG";
const PREFIX: &str = "MUSUBI_";

pub(super) struct Layers {
    /// Every known key, for telling known from unknown.
    known: Table,
    effective: Table,
}

impl Layers {
    pub(super) fn defaults() -> Result<Self, ConfigError> {
        let known: Table = parse("config/musubi.toml", DEFAULTS)?;
        Ok(Self { effective: known.clone(), known })
    }

    pub(super) fn file(&mut self, origin: &str, text: &str) -> Result<(), ConfigError> {
        for (section, value) in parse(origin, text)? {
            let Value::Table(keys) = value else {
                return Err(self.unknown(origin, &section));
            };
            for (key, value) in keys {
                self.set(origin, &section, &key, value)?;
            }
        }
        Ok(())
    }

    pub(super) fn environment(&mut self, variables: &[(String, String)]) -> Result<(), ConfigError> {
        for (name, text) in variables {
            let Some(rest) = name.strip_prefix(PREFIX) else { continue };
            if name == FILE_VARIABLE || name == super::FAILPOINT_VARIABLE {
                continue;
            }
            let lower = rest.to_ascii_lowercase();
            let origin = format!("environment variable {name}");
            if let Some((section, key)) = lower.split_once("__") {
                let value = match self.default_of(section, key) {
                    Some(default) => typed(default, text).map_err(|problem| ConfigError::Value {
                        origin: origin.clone(),
                        key: format!("{section}.{key}"),
                        problem,
                    })?,
                    None => return Err(self.unknown(&origin, &format!("{section}.{key}"))),
                };
                self.set(&origin, section, key, value)?;
            } else if let Some((section, key)) = lower.split_once('_')
                && self.default_of(section, key).is_some()
            {
                // One underscore too few. Other names pass: container platforms set such variables
                // for a service that is called musubi.
                return Err(ConfigError::UnknownKey {
                    origin,
                    key: lower.clone(),
                    hint: format!(
                        "; did you mean {PREFIX}{}__{}?",
                        section.to_ascii_uppercase(),
                        key.to_ascii_uppercase()
                    ),
                });
            }
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Config, ConfigError> {
        read(self.effective).map_err(|problem| ConfigError::Syntax { origin: "configuration".into(), problem })
    }

    /// Lays one value on and proves that the whole still reads.
    fn set(&mut self, origin: &str, section: &str, key: &str, value: Value) -> Result<(), ConfigError> {
        if self.default_of(section, key).is_none() {
            return Err(self.unknown(origin, &format!("{section}.{key}")));
        }
        if let Some(Value::Table(keys)) = self.effective.get_mut(section) {
            keys.insert(key.to_owned(), value);
        }
        read(self.effective.clone()).map(drop).map_err(|problem| ConfigError::Value {
            origin: origin.to_owned(),
            key: format!("{section}.{key}"),
            problem,
        })
    }

    fn default_of(&self, section: &str, key: &str) -> Option<&Value> {
        self.known.get(section)?.as_table()?.get(key)
    }

    fn unknown(&self, origin: &str, key: &str) -> ConfigError {
        let hint = self.nearest(key).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        ConfigError::UnknownKey { origin: origin.to_owned(), key: key.to_owned(), hint }
    }

    /// The known key a person most likely meant: also the right key in the wrong section.
    fn nearest(&self, wanted: &str) -> Option<String> {
        let last = wanted.rsplit('.').next().unwrap_or(wanted);
        self.known
            .iter()
            .filter_map(|(section, keys)| Some((section, keys.as_table()?)))
            .flat_map(|(section, keys)| keys.keys().map(move |key| (section, key)))
            .map(|(section, key)| {
                let full = format!("{section}.{key}");
                let score = strsim::jaro_winkler(wanted, &full).max(strsim::jaro_winkler(last, key));
                (score, full)
            })
            .filter(|(score, _)| *score > 0.75)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, full)| full)
    }
}

fn parse(origin: &str, text: &str) -> Result<Table, ConfigError> {
    // Only the message and the place: the line itself may hold a password.
    toml::from_str::<Table>(text).map_err(|e| {
        let line = e.span().map_or(1, |span| text.get(..span.start).unwrap_or(text).lines().count().max(1));
        ConfigError::Syntax { origin: format!("{origin} line {line}"), problem: e.message().to_owned() }
    })
}

fn read(table: Table) -> Result<Config, String> {
    table.try_into::<Config>().map_err(|e| format!("is not valid: {}", e.message()))
}

/// The text of a variable in the type its key has.
fn typed(default: &Value, text: &str) -> Result<Value, String> {
    match default {
        Value::Integer(_) => text.trim().parse().map(Value::Integer).map_err(|_| "must be a whole number".to_owned()),
        Value::Boolean(_) => text.trim().parse().map(Value::Boolean).map_err(|_| "must be true or false".to_owned()),
        Value::Array(_) => Ok(Value::Array(
            text.split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| Value::String(item.to_owned()))
                .collect(),
        )),
        _ => Ok(Value::String(text.to_owned())),
    }
}
