//! How a file is to be read: found by [`crate::inspect`], changed by a person, stored as JSON.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    Utf8,
    /// Windows-31J: Shift_JIS with the extensions of NEC and IBM.
    Cp932,
    Utf16le,
    Utf16be,
}

impl Encoding {
    pub const ALL: [Self; 4] = [Self::Utf8, Self::Cp932, Self::Utf16le, Self::Utf16be];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Cp932 => "cp932",
            Self::Utf16le => "utf-16le",
            Self::Utf16be => "utf-16be",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let folded: String = text.to_ascii_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
        Some(match folded.as_str() {
            "utf8" | "utf8bom" => Self::Utf8,
            "cp932" | "shiftjis" | "sjis" | "windows31j" | "ms932" => Self::Cp932,
            "utf16" | "utf16le" => Self::Utf16le,
            "utf16be" => Self::Utf16be,
            _ => return None,
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Format {
    Delimited {
        encoding: Encoding,
        /// `,`, tab or `;`.
        delimiter: char,
    },
    Workbook {
        /// Days are counted from 1904, as old Macs did.
        from_1904: bool,
    },
    Cards {
        encoding: Encoding,
    },
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    pub format: Format,
    /// Of a workbook.
    pub sheet: Option<String>,
    /// Line of the headings; 0: there are none, and columns are called by their number.
    pub heading: u64,
    pub columns: Vec<String>,
}

impl Layout {
    /// Whether days may stand as serial numbers counted from 1904.
    #[must_use]
    pub fn from_1904(&self) -> bool {
        matches!(self.format, Format::Workbook { from_1904: true })
    }
}
