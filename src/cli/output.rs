//! What commands print: tables for people, JSON for programs.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the one place that prints")]

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

/// A table inside the description of one thing. An empty header leaves the line of headings out.
pub struct Part {
    pub title: &'static str,
    pub header: &'static [&'static str],
    pub rows: Vec<Vec<String>>,
}

impl Part {
    /// Names and values, without headings; names without a value are left out.
    #[must_use]
    pub fn values(rows: Vec<(&str, String)>) -> Self {
        let rows = rows.into_iter().filter(|(_, value)| !value.is_empty());
        Self { title: "", header: &[], rows: rows.map(|(name, value)| vec![name.to_owned(), value]).collect() }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Output {
    json: bool,
}

impl Output {
    #[must_use]
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    #[must_use]
    pub fn is_json(self) -> bool {
        self.json
    }

    /// A list: `document` as JSON, or the rows as a table.
    pub fn table<T: Serialize>(self, document: &T, header: &[&str], rows: &[Vec<String>]) {
        if self.json {
            self.document(document);
        } else {
            print!("{}", table_text(header, rows));
        }
    }

    /// One thing: `document` as JSON, or its titled parts, each a table.
    pub fn parts<T: Serialize>(self, document: &T, parts: &[Part]) {
        if self.json {
            return self.document(document);
        }
        for (index, part) in parts.iter().filter(|part| !part.rows.is_empty()).enumerate() {
            if index > 0 {
                println!();
            }
            if !part.title.is_empty() {
                println!("{}", part.title);
            }
            print!("{}", table_text(part.header, &part.rows));
        }
    }

    /// One result: `document` as JSON, or the sentence.
    pub fn result<T: Serialize>(self, document: &T, sentence: &str) {
        if self.json {
            self.document(document);
        } else {
            println!("{sentence}");
        }
    }

    /// Text as it is, in both modes.
    pub fn text(self, text: &str) {
        print!("{text}");
    }

    /// Something a person must know beside the result.
    pub fn note(self, text: &str) {
        eprintln!("{text}");
    }

    pub fn error(self, text: &str) {
        if self.json {
            eprintln!("{}", serde_json::json!({ "error": text }));
        } else {
            eprintln!("error: {text}");
        }
    }

    /// Settings that do not fit, each with its code.
    pub fn refused<T: Serialize>(self, text: &str, fields: &[T]) {
        if self.json {
            eprintln!("{}", serde_json::json!({ "error": text, "fields": fields }));
        } else {
            eprintln!("error: {text}");
        }
    }

    /// A document that is JSON in both modes.
    pub fn document<T: Serialize>(self, document: &T) {
        match serde_json::to_string_pretty(document) {
            Ok(text) => println!("{text}"),
            Err(e) => eprintln!("error: the result cannot be written as JSON: {e}"),
        }
    }
}

/// Columns as wide as their widest cell on screen; Japanese characters take two places.
fn table_text(header: &[&str], rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0).max(header.len());
    let mut widths: Vec<usize> = header.iter().map(|name| name.width()).collect();
    widths.resize(columns, 0);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let mut text = String::new();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut one = String::new();
        for (cell, width) in cells.zip(&widths) {
            one.push_str(cell);
            one.extend(std::iter::repeat_n(' ', width - cell.width() + 2));
        }
        text.push_str(one.trim_end());
        text.push('\n');
    };
    if !header.is_empty() {
        line(&mut header.iter().copied());
    }
    for row in rows {
        line(&mut row.iter().map(String::as_str));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::table_text;

    #[test]
    fn columns_line_up_with_wide_characters() {
        let rows = vec![vec!["青山商事".to_owned(), "1".to_owned()], vec!["ACME".to_owned(), "2".to_owned()]];
        assert_eq!(table_text(&["name", "n"], &rows), "name      n\n青山商事  1\nACME      2\n");
    }
}
