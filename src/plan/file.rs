//! One connection as a file says it.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use musubi_sdk::manifest::{self, MappingSpec};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Fault, PlanError};

/// Folder of the connections inside a folder of configuration.
pub const CONNECTIONS: &str = "connections";

/// Bytes of one file.
const LARGEST: u64 = 1 << 20;
/// Files of one folder.
const MOST: usize = 1_000;

/// See the module. What a file leaves out has its usual value, so a file says all there is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionFile {
    pub name: String,
    pub connector: String,
    /// Without secrets.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub settings: Map<String, Value>,
    /// Where each secret is found; one that is not named stays as it is.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub secrets: IndexMap<String, SecretRef>,
    /// As [`super::schedule`] writes it.
    #[serde(default = "manual")]
    pub schedule: String,
    /// Streams that are taken; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streams: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
    /// `off`, `changes` or `all`.
    #[serde(default = "off", skip_serializing_if = "is_off")]
    pub push: String,
    /// Streams with a mapping of their own; the others are mapped as the connector says.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub mappings: IndexMap<String, MappingSpec>,
}

/// Where a secret is found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretRef {
    /// The environment variable of this name.
    Env(String),
    /// The content of this file, without the line end.
    File(PathBuf),
}

fn manual() -> String {
    "manual".to_owned()
}

fn off() -> String {
    crate::store::delivery::OFF.to_owned()
}

fn is_off(push: &str) -> bool {
    push == crate::store::delivery::OFF
}

impl SecretRef {
    /// The secret; `None`: the variable or the file is not there.
    ///
    /// # Errors
    /// A file that cannot be read.
    #[expect(clippy::disallowed_methods, reason = "the file of a connection names the variable, as no setting can")]
    pub fn read(&self) -> std::io::Result<Option<String>> {
        match self {
            Self::Env(name) => Ok(std::env::var(name).ok().filter(|value| !value.is_empty())),
            Self::File(path) => match std::fs::read_to_string(path) {
                Ok(text) => Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned())),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            },
        }
    }
}

/// Every connection of a folder, in the order of the files' names.
///
/// # Errors
/// A folder that cannot be read, and everything that is wrong in its files.
pub fn read(folder: &Path) -> Result<Vec<(PathBuf, ConnectionFile)>, PlanError> {
    let folder = folder.join(CONNECTIONS);
    let broken = |source| PlanError::Folder { path: folder.clone(), source };
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(broken)? {
        let path = entry.map_err(broken)?.path();
        let known = path.extension().is_some_and(|end| end == "yaml" || end == "yml" || end == "json");
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if known && !hidden {
            paths.push(path);
        }
    }
    paths.sort();
    let mut faults = Vec::new();
    if paths.len() > MOST {
        let path = folder.display().to_string();
        faults.push(fault(&path, "", "PLAN_TOO_MANY", format!("has more than {MOST} files")));
        return Err(PlanError::Faults(faults));
    }
    let mut out: Vec<(PathBuf, ConnectionFile)> = Vec::new();
    for path in paths {
        let shown = path.display().to_string();
        match one(&path, &shown) {
            Ok(file) => match out.iter().find(|(_, known)| known.name == file.name) {
                Some((other, _)) => {
                    let message = format!("has the name of {}", other.display());
                    faults.push(fault(&shown, "name", "PLAN_NAME_TWICE", message));
                }
                None => out.push((path, file)),
            },
            Err(wrong) => faults.push(wrong),
        }
    }
    if faults.is_empty() { Ok(out) } else { Err(PlanError::Faults(faults)) }
}

fn one(path: &Path, shown: &str) -> Result<ConnectionFile, Fault> {
    let unreadable = |error: std::io::Error| fault(shown, "", "PLAN_UNREADABLE", error.to_string());
    if std::fs::metadata(path).map_err(unreadable)?.len() > LARGEST {
        return Err(fault(shown, "", "PLAN_TOO_LARGE", "is larger than 1 MiB".to_owned()));
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let value = manifest::yaml_value(shown, &text).map_err(|wrong| {
        let place = format!("line {}, column {}", wrong.line, wrong.column);
        fault(shown, &place, "PLAN_SYNTAX", wrong.message)
    })?;
    serde_json::from_value(value).map_err(|error| fault(shown, "", "PLAN_FORM", error.to_string()))
}

pub(super) fn fault(file: &str, place: &str, code: &'static str, message: String) -> Fault {
    Fault { file: file.to_owned(), place: place.to_owned(), code, message }
}
