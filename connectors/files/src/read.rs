//! Every row of a table, with what becomes of it.

use std::io::SeekFrom;

use crate::{
    Account, Entry, FileError, Flaw, Input, Limits, Reason, Rejected, Skipped, delimited,
    delimited::Raw,
    heading,
    layout::{Format, Layout},
    vcard, xlsx,
};

/// Reads a file as its layout says and gives each entry to `each`, in the order of the file, until that says
/// `false`.
///
/// # Errors
/// What makes the rest of the file unreadable; what came before was given to `each`.
pub fn read(
    input: &mut dyn Input,
    layout: &Layout,
    limits: &Limits,
    each: &mut dyn FnMut(Entry) -> bool,
) -> Result<Account, FileError> {
    if input.seek(SeekFrom::End(0))? > limits.bytes {
        return Err(FileError::TooLarge { limit: limits.bytes });
    }
    let mut reader = Reader { layout, limits, headings: Vec::new(), last: 0, account: Account::default(), each };
    let mut take = |raw: Raw| reader.take(raw);
    match &layout.format {
        Format::Delimited { encoding, delimiter } => delimited::rows(input, *encoding, *delimiter, limits, &mut take)?,
        Format::Workbook { .. } => {
            xlsx::rows(input, layout.sheet.as_deref().unwrap_or_default(), limits, &mut take)?;
        }
        Format::Cards { encoding } => vcard::rows(input, *encoding, limits, &mut take)?,
    }
    Ok(reader.account)
}

struct Reader<'a> {
    layout: &'a Layout,
    limits: &'a Limits,
    /// The cells of the heading row as they stand.
    headings: Vec<String>,
    /// The last line given out; sheets leave out lines without cells.
    last: u64,
    account: Account,
    each: &'a mut dyn FnMut(Entry) -> bool,
}

impl Reader<'_> {
    fn take(&mut self, raw: Raw) -> Result<bool, FileError> {
        let line = raw.row.line;
        if matches!(self.layout.format, Format::Workbook { .. }) && line > self.last + 1 {
            let gap = Skipped { line: self.last + 1, rows: line - self.last - 1, reason: Reason::Blank };
            if !self.give(Entry::Skipped(gap)) {
                return Ok(false);
            }
        }
        self.last = line;
        if self.account.rows >= self.limits.rows {
            return Err(FileError::Rows { limit: self.limits.rows });
        }
        let entry = self.entry(raw);
        Ok(self.give(entry))
    }

    fn give(&mut self, entry: Entry) -> bool {
        self.account.count(&entry);
        (self.each)(entry)
    }

    fn entry(&mut self, raw: Raw) -> Entry {
        let Raw { mut row, flaw } = raw;
        let line = row.line;
        let skipped = |reason| Entry::Skipped(Skipped { line, rows: 1, reason });
        if line < self.layout.heading {
            return skipped(if row.cells.iter().all(|c| c.trim().is_empty()) { Reason::Blank } else { Reason::Title });
        }
        if line == self.layout.heading {
            self.headings = std::mem::take(&mut row.cells);
            return skipped(Reason::Heading);
        }
        if let Some(flaw) = flaw {
            return Entry::Rejected(Rejected { row, flaw });
        }
        if let Some(reason) = heading::reason(&row.cells, &self.headings) {
            return skipped(reason);
        }
        row.cells.iter_mut().for_each(tidy);
        let width = self.layout.columns.len();
        if let Some(column) = row.cells.iter().skip(width).position(|c| !c.trim().is_empty()) {
            let column = width + column;
            let value = row.cells[column].chars().take(100).collect();
            return Entry::Rejected(Rejected { row, flaw: Flaw { code: "FILE_RAGGED", column: Some(column), value } });
        }
        row.cells.resize(width, String::new());
        Entry::Row(row)
    }
}

/// `="00123"` is how Excel is made to keep zeros; `'=1+1` is how a formula is made harmless.
fn tidy(cell: &mut String) {
    if let Some(inner) = cell.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"')) {
        *cell = inner.replace("\"\"", "\"");
    } else if cell.starts_with('\'') && cell[1..].starts_with(['=', '+', '-', '@', '\t', '\r']) {
        cell.remove(0);
    }
}
