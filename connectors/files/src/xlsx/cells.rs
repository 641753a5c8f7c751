//! The cells of a sheet, row by row.

use std::io::BufRead;

use super::{
    shared::Shared,
    styles::{Shape, Styles},
};
use crate::{
    FileError, Flaw, Limits, Row, calendar,
    delimited::Raw,
    xml::{Token, Tokens, attribute},
};

/// Rows that Excel itself can have.
const LAST_ROW: u64 = 1_048_576;

/// What cells refer to.
pub struct Book<'a> {
    pub shared: &'a Shared,
    pub styles: &'a Styles,
    pub from_1904: bool,
    pub limits: &'a Limits,
}

/// `C5` to (2, 5): column from 0, row from 1.
pub fn place(reference: &str) -> Option<(usize, u64)> {
    let reference = reference.trim_start_matches('$');
    let letters = reference.find(|c: char| !c.is_ascii_uppercase())?;
    if !(1..=3).contains(&letters) {
        return None;
    }
    let column = reference.bytes().take(letters).fold(0, |n, b| n * 26 + usize::from(b - b'A') + 1);
    let row = reference[letters..].trim_start_matches('$').parse().ok()?;
    Some((column - 1, row))
}

#[derive(Default)]
struct Cell {
    column: usize,
    kind: String,
    style: usize,
    value: String,
    formula: bool,
    has_value: bool,
}

struct Reading<'a> {
    book: &'a Book<'a>,
    row: Row,
    flaw: Option<Flaw>,
    next_column: usize,
    last_row: u64,
}

pub fn rows<R: BufRead>(
    tokens: &mut Tokens<R>,
    book: &Book<'_>,
    each: &mut dyn FnMut(Raw) -> Result<bool, FileError>,
) -> Result<(), FileError> {
    let row = Row { line: 0, cells: Vec::new() };
    let mut at = Reading { book, row, flaw: None, next_column: 0, last_row: 0 };
    let mut cell: Option<Cell> = None;
    let (mut in_value, mut in_row, mut phonetic) = (false, false, false);
    while let Some(token) = tokens.next()? {
        match token {
            Token::Open { name: "row", attributes, empty } => {
                at.begin(attributes)?;
                in_row = !empty;
            }
            Token::Close("row") => {
                in_row = false;
                if !at.end(each)? {
                    return Ok(());
                }
            }
            Token::Open { name: "c", attributes, empty } if in_row => {
                let begun = at.cell(attributes)?;
                cell = (!empty).then_some(begun);
            }
            Token::Close("c") => {
                if let Some(done) = cell.take() {
                    at.put(done);
                }
            }
            Token::Open { name: "f", .. } => {
                if let Some(cell) = &mut cell {
                    cell.formula = true;
                }
            }
            Token::Open { name: "v" | "t", empty, .. } => in_value = !empty,
            Token::Close("v" | "t") => in_value = false,
            Token::Open { name: "rPh", empty, .. } => phonetic = !empty,
            Token::Close("rPh") => phonetic = false,
            Token::Text(text) if in_value && !phonetic => {
                if let Some(cell) = &mut cell {
                    cell.has_value = true;
                    cell.value.push_str(text);
                }
            }
            Token::Close("sheetData") => return Ok(()),
            _ => {}
        }
    }
    // An empty sheet closes its data in one tag; else the file was cut off and the ZIP said so before.
    Ok(())
}

impl Reading<'_> {
    fn begin(&mut self, attributes: &str) -> Result<(), FileError> {
        let given = attribute(attributes, "r").and_then(|r| r.parse().ok());
        let line: u64 = given.unwrap_or(self.last_row + 1);
        // Rows that stand twice or backwards are counted on: none is lost.
        self.row.line = if line > self.last_row && line <= LAST_ROW { line } else { self.last_row + 1 };
        self.last_row = self.row.line;
        if self.row.line > self.book.limits.rows.max(1) {
            return Err(FileError::Rows { limit: self.book.limits.rows });
        }
        self.next_column = 0;
        Ok(())
    }

    fn end(&mut self, each: &mut dyn FnMut(Raw) -> Result<bool, FileError>) -> Result<bool, FileError> {
        let cells = std::mem::take(&mut self.row.cells);
        each(Raw { row: Row { line: self.row.line, cells }, flaw: self.flaw.take() })
    }

    fn cell(&mut self, attributes: &str) -> Result<Cell, FileError> {
        let column = attribute(attributes, "r").and_then(|r| place(&r)).map_or(self.next_column, |(column, _)| column);
        self.next_column = column + 1;
        let style = attribute(attributes, "s").and_then(|s| s.parse().ok()).unwrap_or(0);
        Ok(Cell { column, kind: attribute(attributes, "t").unwrap_or_default(), style, ..Cell::default() })
    }

    fn put(&mut self, cell: Cell) {
        let column = cell.column;
        if cell.formula && !cell.has_value && cell.kind != "str" {
            self.note("FILE_FORMULA", column, "");
            return;
        }
        let text = match cell.kind.as_str() {
            "s" => {
                let index = cell.value.trim().parse().ok();
                let Some(text) = index.and_then(|index| self.book.shared.get(index)) else {
                    self.note("FILE_CELL_ERROR", column, &cell.value);
                    return;
                };
                text.to_owned()
            }
            "e" => {
                self.note("FILE_CELL_ERROR", column, &cell.value);
                cell.value
            }
            "b" => (if cell.value.trim() == "1" { "TRUE" } else { "FALSE" }).to_owned(),
            "str" | "inlineStr" => cell.value,
            "d" => cell.value.trim().to_owned(),
            _ => self.number(cell.value.trim(), self.book.styles.of(cell.style)),
        };
        if text.is_empty() {
            return;
        }
        if column >= self.book.limits.columns {
            self.note("FILE_COLUMNS", column, &text);
            return;
        }
        if text.len() > self.book.limits.cell && text.chars().count() > self.book.limits.cell {
            self.note("FILE_CELL_LONG", column, &text);
        }
        if self.row.cells.len() <= column {
            self.row.cells.resize(column + 1, String::new());
        }
        self.row.cells[column] = text;
    }

    /// The first flaw of a row is the one that is told.
    fn note(&mut self, code: &'static str, column: usize, value: &str) {
        let value = value.chars().take(100).collect();
        self.flaw.get_or_insert(Flaw { code, column: Some(column), value });
    }

    fn number(&self, raw: &str, shape: Shape) -> String {
        let value: f64 = match raw.parse() {
            Ok(value) => value,
            Err(_) => return raw.to_owned(),
        };
        match shape {
            Shape::Day => calendar::of_serial(value, self.book.from_1904).unwrap_or_else(|| plain(raw, value)),
            Shape::Digits(digits) if value >= 0.0 && value.fract() == 0.0 => format!("{:0>digits$}", plain(raw, value)),
            Shape::Digits(_) | Shape::Plain => plain(raw, value),
        }
    }
}

/// A number as Excel shows it: 15 digits, no exponent.
fn plain(raw: &str, value: f64) -> String {
    let digits = raw.strip_prefix('-').unwrap_or(raw);
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        return raw.to_owned();
    }
    if !value.is_finite() {
        return raw.to_owned();
    }
    // What arithmetic leaves behind the fifteenth digit is noise.
    let rounded: f64 = format!("{value:.14e}").parse().unwrap_or(value);
    if rounded == 0.0 { "0".to_owned() } else { format!("{rounded}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_numbers() {
        assert_eq!(place("A1"), Some((0, 1)));
        assert_eq!(place("$AB$12"), Some((27, 12)));
        assert_eq!(place("1"), None);
        assert_eq!(place("AAAA1"), None);
        for (raw, text) in [
            ("1234567890123", "1234567890123"),
            ("0.30000000000000004", "0.3"),
            ("1.2E3", "1200"),
            ("-1.5", "-1.5"),
            ("1E-3", "0.001"),
            ("-0.0", "0"),
        ] {
            assert_eq!(plain(raw, raw.parse().unwrap_or(f64::NAN)), text, "{raw}");
        }
    }
}
