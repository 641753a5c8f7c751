//! Tables for Japanese offices: CSV that says what it could not write, XLSX that opens clean.

mod csv;
mod workbook;

pub use csv::{Charset, Csv, Loss};
pub use workbook::{Workbook, WriteError};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Stays text, whatever it looks like: `00123`, `1-2`.
    Text,
    /// `YYYY-MM-DD`.
    Date,
    /// Decimal text, grouped by thousands where it is shown.
    Amount,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub title: String,
    pub kind: Kind,
    /// Characters of usual width.
    pub width: u16,
}

impl Column {
    #[must_use]
    pub fn new(title: impl Into<String>, kind: Kind, width: u16) -> Self {
        Self { title: title.into(), kind, width }
    }
}
