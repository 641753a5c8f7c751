//! What a file is, before anything is decided about it.

use std::io::{Read, SeekFrom};

use crate::{
    FileError, Input, Limits, Row, delimited, heading,
    layout::{Encoding, Format, Layout},
    text, vcard, xlsx,
};

/// Rows that are looked at.
const LOOKED_AT: usize = 200;

/// What a person has decided already; the rest is found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    pub encoding: Option<Encoding>,
    pub delimiter: Option<char>,
    pub sheet: Option<String>,
    /// Line of the headings; 0: there are none.
    pub heading: Option<u64>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    pub layout: Layout,
    /// Sheets of a workbook that hold cells, in its order; hidden ones last.
    pub sheets: Vec<String>,
    /// The first rows below the headings.
    pub sample: Vec<Row>,
    /// The first rows of the file, for choosing the headings.
    pub top: Vec<Row>,
}

/// Looks at a file.
///
/// # Errors
/// Why it cannot be read at all.
pub fn inspect(input: &mut dyn Input, wishes: &Wishes, limits: &Limits) -> Result<Inspection, FileError> {
    let size = input.seek(SeekFrom::End(0))?;
    if size == 0 {
        return Err(FileError::Empty);
    }
    if size > limits.bytes {
        return Err(FileError::TooLarge { limit: limits.bytes });
    }
    input.seek(SeekFrom::Start(0))?;
    let mut start = [0; 8];
    let mut read = 0;
    while read < start.len() {
        match input.read(&mut start[read..])? {
            0 => break,
            n => read += n,
        }
    }
    input.seek(SeekFrom::Start(0))?;
    match &start[..read] {
        [b'P', b'K', 3 | 5, ..] => workbook(input, wishes, limits),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => {
            Err(if is_encrypted(input)? { FileError::Password } else { FileError::OldExcel })
        }
        [b'%', b'P', b'D', b'F', ..] | [0x89, b'P', b'N', b'G', ..] | [0x1f, 0x8b, ..] | [b'{', b'\\', ..] => {
            Err(FileError::Format)
        }
        _ => plain(input, wishes, limits),
    }
}

/// An encrypted workbook is an old container around a stream of this name.
fn is_encrypted(input: &mut dyn Input) -> Result<bool, FileError> {
    let name: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut bytes = Vec::new();
    Read::take(&mut *input, 4 << 20).read_to_end(&mut bytes)?;
    Ok(bytes.windows(name.len()).any(|w| w == name))
}

fn workbook(input: &mut dyn Input, wishes: &Wishes, limits: &Limits) -> Result<Inspection, FileError> {
    let about = xlsx::about(input, limits)?;
    let visible = about.sheets.iter().filter(|s| !s.hidden);
    let hidden = about.sheets.iter().filter(|s| s.hidden);
    let sheets: Vec<String> = visible.chain(hidden).map(|s| s.name.clone()).collect();
    let format = Format::Workbook { from_1904: about.from_1904 };
    let tries: Vec<String> =
        wishes.sheet.clone().map_or_else(|| sheets.iter().take(20).cloned().collect(), |s| vec![s]);
    let mut last = Err(FileError::Heading);
    for sheet in tries {
        let mut top = Vec::new();
        xlsx::rows(input, &sheet, limits, &mut |raw| {
            top.push(raw.row);
            Ok(top.len() < LOOKED_AT)
        })?;
        last = found(format, Some(sheet), sheets.clone(), top, wishes);
        // A cover sheet has no table.
        if last.as_ref().is_ok_and(|found| !found.sample.is_empty()) {
            break;
        }
    }
    last
}

fn plain(input: &mut dyn Input, wishes: &Wishes, limits: &Limits) -> Result<Inspection, FileError> {
    let encoding = match wishes.encoding {
        Some(encoding) => encoding,
        None => text::detect(input)?,
    };
    if vcard::begins(input, encoding)? {
        return vcard::inspect(input, encoding, limits);
    }
    let delimiter = match wishes.delimiter {
        Some(delimiter) => delimiter,
        None => delimiter(input, encoding, limits)?,
    };
    let top = first_rows(input, encoding, delimiter, limits)?;
    let unreadable = |row: &Row| row.cells.iter().any(|c| c.contains('\0'));
    if top.iter().take(20).filter(|row| unreadable(row)).count() > top.len().min(20) / 2 {
        return Err(FileError::Format);
    }
    found(Format::Delimited { encoding, delimiter }, None, Vec::new(), top, wishes)
}

fn first_rows(
    input: &mut dyn Input,
    encoding: Encoding,
    delimiter: char,
    limits: &Limits,
) -> Result<Vec<Row>, FileError> {
    let mut top = Vec::new();
    delimited::rows(input, encoding, delimiter, limits, &mut |raw| {
        top.push(raw.row);
        Ok(top.len() < LOOKED_AT)
    })?;
    Ok(top)
}

/// The separator that cuts the first rows into the same number of cells, and more than one.
fn delimiter(input: &mut dyn Input, encoding: Encoding, limits: &Limits) -> Result<char, FileError> {
    let mut best = (0, ',');
    for candidate in [',', '\t', ';'] {
        // Cut by the wrong one a text may have too many columns: then it is not that one.
        let Ok(rows) = first_rows(input, encoding, candidate, limits) else { continue };
        let mut widths: Vec<usize> = rows.iter().map(|r| r.cells.len()).filter(|n| *n > 1).collect();
        widths.sort_unstable();
        let usual = widths.get(widths.len() / 2).copied().unwrap_or(0);
        let score = widths.iter().filter(|n| **n == usual).count() * 4 + usual;
        if usual > 1 && score > best.0 {
            best = (score, candidate);
        }
    }
    Ok(best.1)
}

fn found(
    format: Format,
    sheet: Option<String>,
    sheets: Vec<String>,
    top: Vec<Row>,
    wishes: &Wishes,
) -> Result<Inspection, FileError> {
    let line = match wishes.heading {
        Some(line) => line,
        None => heading::find(&top).ok_or(FileError::Heading)?,
    };
    let headings = top.iter().find(|row| row.line == line);
    if line > 0 && headings.is_none() {
        return Err(FileError::Heading);
    }
    let empty = Vec::new();
    let cells = headings.map_or(&empty, |row| &row.cells);
    let is_record = |row: &&Row| row.line > line && heading::reason(&row.cells, cells).is_none();
    let sample: Vec<Row> = top.iter().filter(is_record).take(100).cloned().collect();
    let width = if line == 0 {
        sample.iter().map(|r| r.cells.len()).max().unwrap_or(0)
    } else {
        cells.iter().rposition(|c| !c.trim().is_empty()).map_or(0, |at| at + 1)
    };
    let columns = heading::columns(cells, width);
    let layout = Layout { format, sheet, heading: line, columns };
    let top = top.into_iter().take(15).collect();
    Ok(Inspection { layout, sheets, sample, top })
}
