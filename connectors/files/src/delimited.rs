//! Rows of a text with separators.
//!
//! A quote counts where a cell begins; two inside are one. A quoted cell may hold line breaks. A quote that
//! never ends does not swallow the file: the row is given up at [`Limits::row`] bytes, or at the end, and
//! reading goes on with the line after its first.

use crate::{FileError, Flaw, Input, Limits, Row, layout::Encoding, text::Pieces};

/// A row as the file has it.
pub struct Raw {
    pub row: Row,
    pub flaw: Option<Flaw>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the start of a cell.
    Start,
    Plain,
    Quoted,
    /// After a quote inside a quoted cell.
    Quote,
}

struct Splitter<'l> {
    delimiter: char,
    limits: &'l Limits,
    state: State,
    cells: Vec<String>,
    cell: String,
    /// The text of the row so far, while a quote is open: to begin again after its first line.
    open: String,
    bytes: usize,
    line: u64,
    /// Line that the row began on.
    first: u64,
    /// The last character was a carriage return that ended a row.
    returned: bool,
    over: bool,
}

/// Gives each row to `each` until that says `false`.
pub fn rows(
    input: &mut dyn Input,
    encoding: Encoding,
    delimiter: char,
    limits: &Limits,
    each: &mut dyn FnMut(Raw) -> Result<bool, FileError>,
) -> Result<(), FileError> {
    let mut pieces = Pieces::new(input, encoding)?;
    let mut splitter = Splitter::new(delimiter, limits);
    let mut piece = String::new();
    while pieces.next(&mut piece)? {
        if !splitter.take(&piece, each)? {
            return Ok(());
        }
    }
    splitter.end(each)
}

impl<'l> Splitter<'l> {
    fn new(delimiter: char, limits: &'l Limits) -> Self {
        Self {
            delimiter,
            limits,
            state: State::Start,
            cells: Vec::new(),
            cell: String::new(),
            open: String::new(),
            bytes: 0,
            line: 1,
            first: 1,
            returned: false,
            over: false,
        }
    }

    fn take(&mut self, text: &str, each: &mut dyn FnMut(Raw) -> Result<bool, FileError>) -> Result<bool, FileError> {
        for c in text.chars() {
            if !self.one(c, each)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn one(&mut self, c: char, each: &mut dyn FnMut(Raw) -> Result<bool, FileError>) -> Result<bool, FileError> {
        if std::mem::take(&mut self.returned) && c == '\n' {
            return Ok(true);
        }
        self.bytes += c.len_utf8();
        if self.state == State::Quoted {
            self.open.push(c);
            if self.bytes > self.limits.row {
                return self.give_up(each);
            }
        }
        match (self.state, c) {
            (State::Start, '"') => {
                self.state = State::Quoted;
                self.open.clear();
            }
            (State::Quoted, '"') => self.state = State::Quote,
            (State::Quoted, c) => {
                if c == '\n' {
                    self.line += 1;
                }
                self.push(c);
            }
            (State::Quote, '"') => {
                self.open.push(c);
                self.push('"');
                self.state = State::Quoted;
            }
            (_, c) if c == self.delimiter => {
                self.end_cell()?;
            }
            (_, '\n' | '\r') => {
                self.returned = c == '\r';
                return self.end_row(None, each);
            }
            (state, c) => {
                // What stands behind a closing quote belongs to the cell as well: nothing is lost.
                self.state = if state == State::Start { State::Plain } else { state };
                if self.state == State::Quote {
                    self.state = State::Plain;
                }
                self.push(c);
            }
        }
        Ok(true)
    }

    /// A cell is kept to a little over its limit, so that it is seen to be too long.
    fn push(&mut self, c: char) {
        if self.cell.len() <= self.limits.cell * 4 {
            self.cell.push(c);
        } else {
            self.over = true;
        }
    }

    fn end_cell(&mut self) -> Result<(), FileError> {
        self.state = State::Start;
        if self.cells.len() >= self.limits.columns {
            return Err(FileError::Columns { limit: self.limits.columns });
        }
        self.cells.push(std::mem::take(&mut self.cell));
        Ok(())
    }

    fn end_row(
        &mut self,
        flaw: Option<Flaw>,
        each: &mut dyn FnMut(Raw) -> Result<bool, FileError>,
    ) -> Result<bool, FileError> {
        self.end_cell()?;
        let cells = std::mem::take(&mut self.cells);
        let over = std::mem::take(&mut self.over);
        let flaw = flaw.or_else(|| flaw_in(&cells, self.limits, over));
        let row = Row { line: self.first, cells };
        self.line += 1;
        self.first = self.line;
        self.bytes = 0;
        each(Raw { row, flaw })
    }

    /// The quote does not end: the first line of the row is rejected, the rest is read again without it.
    fn give_up(&mut self, each: &mut dyn FnMut(Raw) -> Result<bool, FileError>) -> Result<bool, FileError> {
        let open = std::mem::take(&mut self.open);
        let (head, rest) = open.split_once('\n').unwrap_or((&open, ""));
        let head = head.trim_end_matches('\r');
        let ended = open.contains('\n');
        self.line = self.first;
        self.over = false;
        self.cell.clear();
        self.cell.push('"');
        head.chars().take(200).for_each(|c| self.cell.push(c));
        let value = self.cell.chars().take(100).collect();
        let flaw = Flaw { code: "FILE_QUOTE", column: Some(self.cells.len()), value };
        let go_on = self.end_row(Some(flaw), each)?;
        if !go_on {
            return Ok(false);
        }
        if !ended {
            // A single line without end: what follows on it is the same row still, and is dropped with it.
            self.state = State::Start;
            return Ok(true);
        }
        self.take(rest, each)
    }

    fn end(&mut self, each: &mut dyn FnMut(Raw) -> Result<bool, FileError>) -> Result<(), FileError> {
        while self.state == State::Quoted {
            if !self.give_up(each)? {
                return Ok(());
            }
        }
        if !self.cells.is_empty() || !self.cell.is_empty() || self.state == State::Quote {
            self.end_row(None, each)?;
        }
        Ok(())
    }
}

/// Cells that cannot be what was meant.
fn flaw_in(cells: &[String], limits: &Limits, over: bool) -> Option<Flaw> {
    cells.iter().enumerate().find_map(|(column, cell)| {
        let code = if cell.contains(['\u{fffd}', '\0']) {
            "FILE_BYTES"
        } else if (over || cell.len() > limits.cell) && cell.chars().count() > limits.cell {
            "FILE_CELL_LONG"
        } else {
            return None;
        };
        Some(Flaw {
            code,
            column: Some(column),
            value: cell.chars().take(100).collect::<String>().replace('\0', "\u{2400}"),
        })
    })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    type Seen = (u64, Vec<String>, Option<&'static str>);

    fn read(text: &str, limits: &Limits) -> Vec<Seen> {
        let mut seen = Vec::new();
        let mut input = Cursor::new(text.as_bytes().to_vec());
        rows(&mut input, Encoding::Utf8, ',', limits, &mut |raw| {
            seen.push((raw.row.line, raw.row.cells, raw.flaw.map(|f| f.code)));
            Ok(true)
        })
        .expect("readable");
        seen
    }

    fn row(line: u64, cells: &[&str]) -> Seen {
        (line, cells.iter().map(|c| (*c).to_owned()).collect(), None)
    }

    #[test]
    fn quotes_breaks_and_ends_of_lines() {
        let seen = read("a,\"b\nc\",\"d\"\"e\"\r\n1,,3\r\r\nx\"y,\"z\"w", &Limits::default());
        assert_eq!(
            seen,
            [row(1, &["a", "b\nc", "d\"e"]), row(3, &["1", "", "3"]), row(4, &[""]), row(5, &["x\"y", "zw"]),]
        );
        assert_eq!(read("", &Limits::default()), []);
        assert_eq!(read("a\n", &Limits::default()), [row(1, &["a"])]);
    }

    #[test]
    fn a_quote_that_never_ends_costs_one_line() {
        let seen = read("a,b\n1,\"open\n2,x\n3,y\n", &Limits::default());
        assert_eq!(seen[0], row(1, &["a", "b"]));
        assert_eq!((seen[1].0, seen[1].2), (2, Some("FILE_QUOTE")));
        assert_eq!(seen[2..], [row(3, &["2", "x"]), row(4, &["3", "y"])]);
        let small = Limits { row: 30, ..Limits::default() };
        let seen = read("a,b\n1,\"open\n2,x\n3,y\n4,zzzzzzzzzzzzzzzzzzzzz\n5,q\n", &small);
        assert_eq!(seen.iter().filter(|s| s.2.is_some()).count(), 1);
        assert_eq!(seen.last(), Some(&row(6, &["5", "q"])));
    }

    #[test]
    fn what_cannot_be_is_said_with_its_column() {
        let limits = Limits { cell: 5, ..Limits::default() };
        let seen = read("ok,123456\nok,あいうえお\na\u{fffd},b\n", &limits);
        let codes: Vec<_> = seen.iter().map(|s| s.2).collect();
        assert_eq!(codes, [Some("FILE_CELL_LONG"), None, Some("FILE_BYTES")]);
    }
}
