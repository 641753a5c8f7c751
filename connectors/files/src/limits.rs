//! What a file may cost.

/// Upper bounds. What is over one is refused with a code that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes of everything in a workbook, unpacked.
    pub unpacked: u64,
    /// Unpacked for packed bytes, from 16 MiB on.
    pub ratio: u64,
    /// Bytes of a workbook's shared texts, unpacked: they are held in memory.
    pub shared: u64,
    /// Rows of the table, headings and blank ones with it.
    pub rows: u64,
    pub columns: usize,
    /// Characters of a cell.
    pub cell: usize,
    /// Bytes of one row.
    pub row: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 100 << 20,
            unpacked: 1 << 30,
            ratio: 150,
            shared: 48 << 20,
            rows: 1_000_100,
            columns: 512,
            cell: 32_767,
            row: 1 << 20,
        }
    }
}
