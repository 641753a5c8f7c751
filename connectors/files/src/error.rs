//! Why a file as a whole cannot be read.

/// Each has a stable code; pages have their own words for it, the text here is for the command line.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("the file is empty")]
    Empty,
    #[error("the file is larger than {limit} bytes: split it")]
    TooLarge { limit: u64 },
    #[error("this is no table that can be read here: save it as CSV or XLSX")]
    Format,
    #[error("this is an old Excel workbook (.xls): open it in Excel and save it as .xlsx")]
    OldExcel,
    #[error("the workbook is protected by a password: save it without one")]
    Password,
    #[error("the file is damaged: {what}")]
    Broken { what: &'static str },
    #[error("the workbook unpacks to more than {limit} bytes, or is packed more tightly than real ones are")]
    Bomb { limit: u64 },
    #[error("the table has more than {limit} rows: split it")]
    Rows { limit: u64 },
    #[error("the table has more than {limit} columns")]
    Columns { limit: usize },
    #[error("there is no sheet \"{name}\"; the workbook has {}", .known.join(", "))]
    Sheet { name: String, known: Vec<String> },
    #[error("no row of headings was found: name its line")]
    Heading,
    #[error("the file cannot be read")]
    Io(#[from] std::io::Error),
}

impl FileError {
    /// Stable code, as pages and `--json` show it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "FILE_EMPTY",
            Self::TooLarge { .. } => "FILE_TOO_LARGE",
            Self::Format => "FILE_FORMAT",
            Self::OldExcel => "FILE_OLD_EXCEL",
            Self::Password => "FILE_PASSWORD",
            Self::Broken { .. } => "FILE_BROKEN",
            Self::Bomb { .. } => "FILE_BOMB",
            Self::Rows { .. } => "FILE_ROWS",
            Self::Columns { .. } => "FILE_COLUMNS",
            Self::Sheet { .. } => "FILE_SHEET",
            Self::Heading => "FILE_HEADING",
            Self::Io(_) => "FILE_READ",
        }
    }
}
