//! Tables in files, as offices have them: bytes in, rows out, and the way back.
//!
//! | Module | Does |
//! |---|---|
//! | [`inspect`] | what a file is: format, encoding, sheets, where its heading stands, first rows |
//! | [`read`] | every row of it: taken, rejected with its place and cause, or skipped with the reason |
//! | [`roles`] | which column is what, guessed from headings and values |
//! | [`vcard`] | address cards as a table of contacts |
//! | [`write`] | CSV and XLSX for Japanese offices |
//!
//! Knows nothing of the hub's database. Values stay as the file has them (dates of workbooks become
//! `YYYY-MM-DD`); what a value means is the mapping's business (`musubi_sdk::mapping`).
//!
//! Invariant: every input row is accounted for, see [`Account`]. Invariant: memory does not grow with the
//! number of rows, and everything that a file can make large has a limit, see [`Limits`]. Nothing in a file
//! is executed: formulas give the value that was saved beside them, macros are never opened.

mod calendar;
mod delimited;
mod entry;
mod error;
mod heading;
mod inspect;
mod layout;
mod limits;
mod read;
pub mod roles;
mod sheet;
mod text;
pub mod vcard;
pub mod write;
mod xlsx;
mod xml;

pub use calendar::of_digits as day_of_digits;
pub use entry::{Account, Entry, Flaw, Reason, Rejected, Row, Skipped};
pub use error::FileError;
pub use inspect::{Inspection, Wishes, inspect};
pub use layout::{Encoding, Format, Layout};
pub use limits::Limits;
pub use read::read;
pub use sheet::Sheet;

/// Where bytes come from. Twice through a file is usual, so it must be seekable.
pub trait Input: std::io::Read + std::io::Seek {}
impl<T: std::io::Read + std::io::Seek> Input for T {}
