//! Merged cells: what stands in the top one holds for the rows below it in the same column.
//!
//! Only merges down one column are filled: 得意先 written once for several lines. A merge to the right is a
//! heading or a title, and its value stands where it was written.

use std::io::BufRead;

use super::cells::place;
use crate::{
    FileError,
    delimited::Raw,
    xml::{Token, Tokens, attribute},
};

/// More of them are not looked at.
const MOST: usize = 100_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Merge {
    top: u64,
    bottom: u64,
    column: usize,
}

pub fn read<R: BufRead>(tokens: &mut Tokens<R>) -> Result<Vec<Merge>, FileError> {
    let mut found = Vec::new();
    while let Some(token) = tokens.next()? {
        let Token::Open { name: "mergeCell", attributes, .. } = token else { continue };
        let range = attribute(attributes, "ref").unwrap_or_default();
        let Some((from, to)) = range.split_once(':') else { continue };
        let (Some((left, top)), Some((right, bottom))) = (place(from), place(to)) else { continue };
        if left == right && bottom > top && found.len() < MOST {
            found.push(Merge { top, bottom, column: left });
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Fills rows as they come.
pub struct Fill {
    waiting: std::iter::Peekable<std::vec::IntoIter<Merge>>,
    open: Vec<(Merge, String)>,
}

impl Fill {
    pub fn new(merged: Vec<Merge>) -> Self {
        Self { waiting: merged.into_iter().peekable(), open: Vec::new() }
    }

    pub fn row(&mut self, raw: &mut Raw) {
        let line = raw.row.line;
        self.open.retain(|(merge, _)| merge.bottom >= line);
        for (merge, value) in &self.open {
            if merge.column < raw.row.cells.len() {
                if raw.row.cells[merge.column].is_empty() {
                    raw.row.cells[merge.column].clone_from(value);
                }
            } else if raw.row.cells.iter().any(|cell| !cell.is_empty()) {
                raw.row.cells.resize(merge.column + 1, String::new());
                raw.row.cells[merge.column].clone_from(value);
            }
        }
        while let Some(merge) = self.waiting.next_if(|merge| merge.top <= line) {
            let value = raw.row.cells.get(merge.column).filter(|_| merge.top == line);
            if let Some(value) = value.filter(|value| !value.is_empty() && self.open.len() < 1000) {
                self.open.push((merge, value.clone()));
            }
        }
    }
}
