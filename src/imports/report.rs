//! What a step found or did, as pages and `--json` show it.

use musubi_files::Account;
use serde::{Deserialize, Serialize};

/// Records, not rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub records: u64,
    /// New to the hub.
    pub new: u64,
    pub updated: u64,
    pub unchanged: u64,
    /// Rows that are not taken, for whatever reason.
    pub rejected: u64,
    /// Values that changed in the hub since a sheet was written from it, and in the sheet.
    #[serde(default)]
    pub conflicts: u64,
}

/// One field of a record, before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub field: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// One of the first records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    pub line: u64,
    pub label: String,
    /// `new`, `updated` or `unchanged`.
    pub what: String,
    /// The customer of the hub that it means or belongs to.
    pub customer: Option<(String, String)>,
    pub changes: Vec<Change>,
}

impl Shown {
    #[must_use]
    pub fn is(&self, what: &str) -> bool {
        self.what == what
    }
}

/// A value that moved on both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    pub line: u64,
    pub customer_id: String,
    pub name: String,
    pub field: String,
    /// When the sheet was written.
    pub was: String,
    /// In the hub now.
    pub here: String,
    /// In the sheet.
    pub sheet: String,
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub rows: Account,
    pub counts: Counts,
    /// The first records.
    pub first: Vec<Shown>,
    /// The first of the conflicts.
    #[serde(default)]
    pub conflicts: Vec<Conflict>,
    /// How many rejected rows have which cause.
    #[serde(default)]
    pub causes: Vec<(String, u64)>,
}

impl Report {
    pub(super) fn cause(&mut self, code: &str, rows: u64) {
        match self.causes.iter_mut().find(|(known, _)| known == code) {
            Some((_, count)) => *count += rows,
            None => self.causes.push((code.to_owned(), rows)),
        }
    }
}

/// What an undo did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undone {
    /// Were new: they are gone.
    pub removed: u64,
    /// Have the values of before again.
    pub restored: u64,
    /// Somebody changed or used them since: they stay as they are.
    pub kept: u64,
}
