//! CSV in UTF-8 with its mark, or in CP932 with a list of what that cannot hold.
//!
//! Spreadsheets take a cell that begins with `=`, `+`, `-`, `@` or a tab for a formula, also in full width: such a
//! text gets an apostrophe before it, which reading takes off again.

use encoding_rs::{EncoderResult, SHIFT_JIS};

use super::{Column, Kind};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// With its mark, so that Excel sees it.
    Utf8Bom,
    /// Windows-31J, as older programs read it.
    Cp932,
}

impl Charset {
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "utf-8-bom" | "utf-8" | "utf8" => Some(Self::Utf8Bom),
            "cp932" | "shift_jis" | "sjis" => Some(Self::Cp932),
            _ => None,
        }
    }
}

/// A character that CP932 does not have; 〓 stands in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Line of the file.
    pub line: u64,
    pub column: String,
    pub character: char,
}

/// Losses that are listed one by one.
const MOST: usize = 1000;

/// See the module.
pub struct Csv {
    charset: Charset,
    columns: Vec<Column>,
    out: Vec<u8>,
    line: u64,
    /// The first of them.
    pub losses: Vec<Loss>,
    /// All of them.
    pub lost: u64,
}

impl Csv {
    #[must_use]
    pub fn new(charset: Charset, columns: Vec<Column>) -> Self {
        let mut csv = Self { charset, columns, out: Vec::new(), line: 0, losses: Vec::new(), lost: 0 };
        if charset == Charset::Utf8Bom {
            csv.out.extend_from_slice(b"\xef\xbb\xbf");
        }
        let titles: Vec<String> = csv.columns.iter().map(|c| c.title.clone()).collect();
        csv.row(&titles);
        csv
    }

    /// One text a column.
    pub fn row(&mut self, cells: &[String]) {
        self.line += 1;
        let mut text = String::new();
        for (index, cell) in cells.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            let is_text = self.line == 1 || self.columns.get(index).is_none_or(|c| c.kind == Kind::Text);
            quote(cell, is_text, &mut text);
            if self.charset == Charset::Cp932 {
                self.encode(&text, index);
                text.clear();
            }
        }
        text.push_str("\r\n");
        self.out.extend_from_slice(text.as_bytes());
    }

    /// What is written so far; the rest follows.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    fn encode(&mut self, text: &str, column: usize) {
        let text: String = text.chars().map(as_windows).collect();
        let mut rest = text.as_str();
        let mut encoder = SHIFT_JIS.new_encoder();
        let mut bytes = [0; 4096];
        loop {
            let (result, read, written) = encoder.encode_from_utf8_without_replacement(rest, &mut bytes, true);
            self.out.extend_from_slice(&bytes[..written]);
            rest = &rest[read..];
            match result {
                EncoderResult::InputEmpty => return,
                EncoderResult::OutputFull => {}
                EncoderResult::Unmappable(character) => {
                    // 〓, as printers set for a type they do not have.
                    self.out.extend_from_slice(&[0x81, 0xac]);
                    self.lost += 1;
                    if self.losses.len() < MOST {
                        let column = self.columns.get(column).map(|c| c.title.clone()).unwrap_or_default();
                        self.losses.push(Loss { line: self.line, column, character });
                    }
                }
            }
        }
    }
}

/// Characters that Windows has under another number than Unicode's own tables of JIS.
fn as_windows(c: char) -> char {
    match c {
        '\u{301c}' => '\u{ff5e}',
        '\u{2016}' => '\u{2225}',
        '\u{2212}' => '\u{ff0d}',
        '\u{2014}' => '\u{2015}',
        '\u{a2}' => '\u{ffe0}',
        '\u{a3}' => '\u{ffe1}',
        '\u{ac}' => '\u{ffe2}',
        // Else it would become a backslash, and a tilde.
        '\u{a5}' => '\u{ffe5}',
        '\u{203e}' => '\u{ffe3}',
        '\u{a0}' => ' ',
        other => other,
    }
}

fn quote(cell: &str, is_text: bool, out: &mut String) {
    let formula = is_text && cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']);
    let plain = !formula && !cell.contains([',', '"', '\n', '\r', '\t']) && cell.trim() == cell;
    if plain {
        out.push_str(cell);
        return;
    }
    out.push('"');
    if formula {
        out.push('\'');
    }
    out.push_str(&cell.replace('"', "\"\""));
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(charset: Charset, cells: &[&str]) -> (Vec<u8>, Csv) {
        let columns = vec![Column::new("名称", Kind::Text, 20), Column::new("金額", Kind::Amount, 10)];
        let mut csv = Csv::new(charset, columns);
        csv.take();
        csv.row(&cells.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>());
        (csv.take(), csv)
    }

    #[test]
    fn formulas_are_made_harmless_and_numbers_stay() {
        for (text, amount, line) in [
            ("=1+1", "-5", "\"'=1+1\",-5\r\n"),
            ("+81-3-0000", "1", "\"'+81-3-0000\",1\r\n"),
            ("＝HYPERLINK()", "", "\"'＝HYPERLINK()\",\r\n"),
            ("a,\"b\"", "1000", "\"a,\"\"b\"\"\",1000\r\n"),
            ("二\n行", "", "\"二\n行\",\r\n"),
        ] {
            assert_eq!(String::from_utf8_lossy(&written(Charset::Utf8Bom, &[text, amount]).0), line);
        }
    }

    #[test]
    fn what_cp932_does_not_hold_is_listed() {
        let (bytes, csv) = written(Charset::Cp932, &["〜㈱髙﨑①−—¥鷗😀", "1"]);
        let (text, _, bad) = SHIFT_JIS.decode(&bytes);
        assert!(!bad);
        assert_eq!(text, "～㈱髙﨑①－―￥〓〓,1\r\n");
        let lost: Vec<(u64, &str, char)> =
            csv.losses.iter().map(|l| (l.line, l.column.as_str(), l.character)).collect();
        assert_eq!((lost, csv.lost), (vec![(2, "名称", '鷗'), (2, "名称", '😀')], 2));
    }
}
