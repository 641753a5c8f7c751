//! Configuration as files: what a folder says, beside what is configured, and making it so.
//!
//! A folder holds one YAML file for each connection (`connections/NAME.yaml`): connector, settings, schedule,
//! streams, mappings; secrets only by the name of a variable or a file. [`plan`] says what differs, [`apply`]
//! changes just that, [`effects`] tries changed mappings with real records, [`export`] writes the folder of what is
//! configured.
//!
//! Invariant: what is applied is what was planned, because both are one list of [`Step`]s. Invariant: a folder is
//! read as a whole before anything is changed. Invariant: no secret is written into a file, and none is shown.
//! What the folder does not name is left as it is.

mod compare;
mod effect;
mod export;
pub mod file;
mod make;
pub mod schedule;

use std::path::PathBuf;

use musubi_sdk::manifest::MappingSpec;

use crate::{
    connection::{change, create::CreateError, mapping::MappingError},
    store::StoreError,
};

pub use compare::{Here, plan};
pub use effect::{Effect, TRIED, effects};
pub use export::export;
pub use make::{Made, apply};

/// One connection that is not as the folder says.
pub struct Step {
    /// Where it is said.
    pub file: PathBuf,
    pub name: String,
    /// `None`: it is to be connected.
    pub id: Option<String>,
    /// What differs: `connector`, `name`, `schedule`, `streams`, `settings.NAME`, `paused`, `push`, `mappings.STREAM`.
    /// Never a value.
    pub changes: Vec<String>,
    pub(crate) work: Work,
}

/// What a step does.
pub(crate) enum Work {
    Create(Box<Creation>),
    Change(Box<Alteration>),
}

pub(crate) struct Creation {
    pub draft: crate::connection::create::Draft,
    pub rest: Rest,
}

pub(crate) struct Alteration {
    /// `None`: settings, schedule and streams are as they should be.
    pub draft: Option<change::Draft>,
    pub rest: Rest,
}

/// What is not part of a connection's form.
#[derive(Default)]
pub(crate) struct Rest {
    pub paused: Option<bool>,
    pub push: Option<String>,
    /// Streams that are to be mapped differently.
    pub mappings: Vec<(String, MappingSpec)>,
}

/// What a folder asks for.
#[derive(Default)]
pub struct Plan {
    /// In the order of the files.
    pub steps: Vec<Step>,
    /// Connections that are as their files say.
    pub same: Vec<String>,
    /// Connections that no file names: they stay as they are.
    pub unnamed: Vec<String>,
    /// Secrets that were not compared because their variable or file is not there: connection and secret. What is
    /// stored stays.
    pub unseen: Vec<(String, String)>,
}

impl Plan {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether records of a connection that is there would be read differently.
    #[must_use]
    pub fn changes_mappings(&self) -> bool {
        let changed = |step: &Step| matches!(&step.work, Work::Change(change) if !change.rest.mappings.is_empty());
        self.steps.iter().any(changed)
    }
}

/// Something in a folder that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    pub file: String,
    /// Where in the file: `settings.base_url`; empty: the whole file.
    pub place: String,
    /// Stable.
    pub code: &'static str,
    pub message: String,
}

/// Why nothing was planned or applied.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    #[error("{}: {source}", path.display())]
    Folder {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{} faults in the files", .0.len())]
    Faults(Vec<Fault>),
    #[error("somebody changed {0} meanwhile: plan again")]
    Overtaken(String),
    #[error("{name} was not changed")]
    Connection {
        name: String,
        #[source]
        source: CreateError,
    },
    #[error("the mapping of {name} was not changed")]
    Mapping {
        name: String,
        #[source]
        source: MappingError,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
}
