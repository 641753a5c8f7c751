//! What becomes of each row.

use serde::{Deserialize, Serialize};

/// Why a row cannot be taken as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// `FILE_BYTES`, `FILE_CELL_LONG`, `FILE_QUOTE`, `FILE_RAGGED`, `FILE_FORMULA` or `FILE_CELL_ERROR`.
    pub code: &'static str,
    /// From 0.
    pub column: Option<usize>,
    /// The offending value, short.
    pub value: String,
}

/// A row of data, one text a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Line of the file or number of the sheet's row, from 1.
    pub line: u64,
    pub cells: Vec<String>,
}

/// A row that is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    pub row: Row,
    pub flaw: Flaw,
}

/// Rows that hold no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skipped {
    pub line: u64,
    /// How many from `line` on.
    pub rows: u64,
    pub reason: Reason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    Blank,
    /// Above the headings.
    Title,
    Heading,
    /// The headings once more, as printed pages have them.
    HeadingAgain,
    /// 合計, 小計, total.
    Total,
}

impl Reason {
    pub const ALL: [Self; 5] = [Self::Blank, Self::Title, Self::Heading, Self::HeadingAgain, Self::Total];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blank => "blank",
            Self::Title => "title",
            Self::Heading => "heading",
            Self::HeadingAgain => "heading_again",
            Self::Total => "total",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    Row(Row),
    Rejected(Rejected),
    Skipped(Skipped),
}

/// How many rows became what. Their sum is the number of rows in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub rows: u64,
    pub taken: u64,
    pub rejected: u64,
    pub blank: u64,
    pub title: u64,
    pub heading: u64,
    pub heading_again: u64,
    pub total: u64,
}

impl Account {
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.blank + self.title + self.heading + self.heading_again + self.total
    }

    /// Of one reason.
    #[must_use]
    pub fn of(&self, reason: Reason) -> u64 {
        match reason {
            Reason::Blank => self.blank,
            Reason::Title => self.title,
            Reason::Heading => self.heading,
            Reason::HeadingAgain => self.heading_again,
            Reason::Total => self.total,
        }
    }

    pub(crate) fn count(&mut self, entry: &Entry) {
        let (place, rows) = match entry {
            Entry::Row(_) => (&mut self.taken, 1),
            Entry::Rejected(_) => (&mut self.rejected, 1),
            Entry::Skipped(s) => (
                match s.reason {
                    Reason::Blank => &mut self.blank,
                    Reason::Title => &mut self.title,
                    Reason::Heading => &mut self.heading,
                    Reason::HeadingAgain => &mut self.heading_again,
                    Reason::Total => &mut self.total,
                },
                s.rows,
            ),
        };
        *place += rows;
        self.rows += rows;
    }

    /// Every row has become something.
    #[must_use]
    pub fn balances(&self) -> bool {
        self.rows == self.taken + self.rejected + self.skipped()
    }
}
