//! Address cards (vCard 2.1 to 4.0) as a table: one card a row.
//!
//! Folded lines, quoted-printable and escapes are undone; of several mail addresses or numbers the preferred or
//! first one counts. Pictures, keys and everything that the table has no column for are left out.

use crate::{
    FileError, Flaw, Input, Inspection, Limits, Row,
    delimited::Raw,
    layout::{Encoding, Format, Layout},
    text::Pieces,
};

/// Columns of the table, by headings that [`crate::roles`] knows.
pub const COLUMNS: [&str; 9] =
    ["UID", "会社名", "氏名", "フリガナ", "部署", "役職", "メールアドレス", "電話番号", "住所"];

pub(crate) fn begins(input: &mut dyn Input, encoding: Encoding) -> Result<bool, FileError> {
    let (mut pieces, mut piece) = (Pieces::new(input, encoding)?, String::new());
    pieces.next(&mut piece)?;
    Ok(piece.trim_start().get(..11).is_some_and(|start| start.eq_ignore_ascii_case("BEGIN:VCARD")))
}

pub(crate) fn inspect(input: &mut dyn Input, encoding: Encoding, limits: &Limits) -> Result<Inspection, FileError> {
    let mut sample = Vec::new();
    rows(input, encoding, limits, &mut |raw| {
        if raw.flaw.is_none() && raw.row.cells.iter().any(|c| !c.is_empty()) {
            sample.push(raw.row);
        }
        Ok(sample.len() < 100)
    })?;
    let columns = COLUMNS.map(str::to_owned).to_vec();
    let layout = Layout { format: Format::Cards { encoding }, sheet: None, heading: 0, columns };
    Ok(Inspection { layout, sheets: Vec::new(), top: Vec::new(), sample })
}

/// Each card with the line it begins on; what stands between cards is a row that is rejected.
pub(crate) fn rows(
    input: &mut dyn Input,
    encoding: Encoding,
    limits: &Limits,
    each: &mut dyn FnMut(Raw) -> Result<bool, FileError>,
) -> Result<(), FileError> {
    let mut pieces = Pieces::new(input, encoding)?;
    let mut cards = Cards { limits, line: 0, card: None, logical: String::new() };
    let (mut piece, mut rest) = (String::new(), String::new());
    while pieces.next(&mut piece)? {
        rest.push_str(&piece);
        while let Some(end) = rest.find('\n') {
            let line: String = rest.drain(..=end).collect();
            if !cards.line(line.trim_end_matches(['\r', '\n']), each)? {
                return Ok(());
            }
        }
        if rest.len() > limits.row {
            return Err(FileError::Broken { what: "a card with a line of more than 1 MiB" });
        }
    }
    let last = std::mem::take(&mut rest);
    let go_on = cards.line(last.trim_end_matches('\r'), each)? && cards.flush(each)?;
    if let Some(card) = cards.card.take().filter(|_| go_on) {
        let flaw = Flaw { code: "FILE_CARD", column: None, value: "END:VCARD".to_owned() };
        each(Raw { row: card.row(), flaw: Some(flaw) })?;
    }
    Ok(())
}

struct Cards<'l> {
    limits: &'l Limits,
    line: u64,
    card: Option<Card>,
    /// A line with those folded into it.
    logical: String,
}

struct Card {
    line: u64,
    cells: [String; COLUMNS.len()],
    bytes: usize,
}

impl Card {
    fn row(self) -> Row {
        Row { line: self.line, cells: self.cells.to_vec() }
    }
}

impl Cards<'_> {
    fn line(&mut self, text: &str, each: &mut dyn FnMut(Raw) -> Result<bool, FileError>) -> Result<bool, FileError> {
        self.line += 1;
        let soft = self.logical.ends_with('=') && self.logical.to_ascii_uppercase().contains("QUOTED-PRINTABLE");
        if soft {
            self.logical.pop();
            self.logical.push_str(text);
            return Ok(true);
        }
        if let Some(folded) = text.strip_prefix([' ', '\t']).filter(|_| !self.logical.is_empty()) {
            if self.logical.len() < self.limits.row {
                self.logical.push_str(folded);
            }
            return Ok(true);
        }
        let go_on = self.flush(each)?;
        self.logical.push_str(text);
        Ok(go_on)
    }

    /// Takes the line that is whole now.
    fn flush(&mut self, each: &mut dyn FnMut(Raw) -> Result<bool, FileError>) -> Result<bool, FileError> {
        let text = std::mem::take(&mut self.logical);
        let at = self.line.saturating_sub(1).max(1);
        if text.trim().is_empty() {
            return Ok(true);
        }
        let (name, value) = text.split_once(':').unwrap_or((&text, ""));
        let is = |wanted: &str| name.trim().eq_ignore_ascii_case(wanted) && value.trim().eq_ignore_ascii_case("VCARD");
        if is("BEGIN") {
            let begun = Card { line: at, cells: Default::default(), bytes: 0 };
            let lost = self.card.replace(begun);
            return match lost {
                Some(card) => each(flawed(card.row(), "BEGIN:VCARD")),
                None => Ok(true),
            };
        }
        if is("END") {
            return match self.card.take() {
                Some(card) if card.bytes > self.limits.row => each(flawed(card.row(), "")),
                Some(card) => {
                    let broken = card.cells.iter().position(|c| c.contains(['\u{fffd}', '\0']));
                    let flaw =
                        broken.map(|column| Flaw { code: "FILE_BYTES", column: Some(column), value: String::new() });
                    each(Raw { row: card.row(), flaw })
                }
                None => each(flawed(Row { line: at, cells: Vec::new() }, "END:VCARD")),
            };
        }
        match &mut self.card {
            Some(card) => {
                property(card, name, value);
                Ok(true)
            }
            None => {
                let value: String = text.chars().take(100).collect();
                each(flawed(Row { line: at, cells: vec![text] }, &value))
            }
        }
    }
}

fn flawed(row: Row, value: &str) -> Raw {
    Raw { row, flaw: Some(Flaw { code: "FILE_CARD", column: None, value: value.to_owned() }) }
}

fn property(card: &mut Card, name: &str, value: &str) {
    let mut parts = name.split(';');
    let name = parts.next().unwrap_or_default();
    let name = name.rsplit_once('.').map_or(name, |(_, name)| name).trim().to_ascii_uppercase();
    let parameters: Vec<String> = parts.map(str::to_ascii_uppercase).collect();
    let quoted = parameters.iter().any(|p| p.contains("QUOTED-PRINTABLE"));
    let value = if quoted { printable(value) } else { value.to_owned() };
    let preferred = parameters.iter().any(|p| p.contains("PREF"));
    let set = |card: &mut Card, column: usize, text: String| {
        card.bytes += text.len();
        if card.bytes <= 1 << 20 && (card.cells[column].is_empty() || preferred) {
            card.cells[column] = text;
        }
    };
    let pieces =
        |separator| split(&value, separator).into_iter().map(|p| p.trim().to_owned()).filter(|p| !p.is_empty());
    match name.as_str() {
        "UID" => set(card, 0, split(&value, '\0').concat()),
        "ORG" => {
            let mut of = pieces(';');
            set(card, 1, of.next().unwrap_or_default());
            set(card, 4, of.collect::<Vec<_>>().join(" "));
        }
        "FN" => {
            card.cells[2] = split(&value, '\0').concat();
        }
        "N" if card.cells[2].is_empty() => set(card, 2, pieces(';').take(2).collect::<Vec<_>>().join(" ")),
        "SORT-STRING" | "X-PHONETIC-LAST-NAME" | "X-PHONETIC-FIRST-NAME" => {
            let known = std::mem::take(&mut card.cells[3]);
            let text = split(&value, '\0').concat();
            card.cells[3] = match (name.as_str(), known.is_empty()) {
                (_, true) => text,
                ("X-PHONETIC-LAST-NAME", _) => format!("{text} {known}"),
                _ => format!("{known} {text}"),
            };
        }
        "TITLE" => set(card, 5, split(&value, '\0').concat()),
        "EMAIL" => set(card, 6, value.trim().trim_start_matches("mailto:").to_owned()),
        "TEL" if !parameters.iter().any(|p| p.contains("FAX")) => {
            set(card, 7, value.trim().trim_start_matches("tel:").to_owned())
        }
        // Post box, extended, street, town, region, code, country: written the Japanese way round.
        "ADR" => {
            let of = split(&value, ';');
            let get = |i: usize| of.get(i).map_or("", |p| p.trim());
            set(card, 8, [get(4), get(3), get(2), get(1)].concat());
        }
        _ => {}
    }
}

/// Parts at a separator that is not escaped, with the escapes undone.
fn split(value: &str, separator: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n' | 'N') => parts.iter_mut().last().map(|p| p.push(' ')),
                Some(c) => parts.iter_mut().last().map(|p| p.push(c)),
                None => None,
            },
            c if c == separator => {
                parts.push(String::new());
                None
            }
            c => parts.iter_mut().last().map(|p| p.push(c)),
        };
    }
    parts
}

fn printable(value: &str) -> String {
    let bytes = value.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let hex = value.get(at + 1..at + 3).filter(|_| bytes[at] == b'=').and_then(|h| u8::from_str_radix(h, 16).ok());
        out.push(hex.unwrap_or(bytes[at]));
        at += if hex.is_some() { 3 } else { 1 };
    }
    // Phones write quoted-printable in UTF-8 or in CP932.
    String::from_utf8(out).unwrap_or_else(|e| encoding_rs::SHIFT_JIS.decode(e.as_bytes()).0.into_owned())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn cards_of_three_versions_become_rows() {
        let text = "BEGIN:VCARD\r\nVERSION:3.0\r\nN:高梨;遥;;;\r\nFN:高梨 遥\r\nORG:朝凪電装株式会社;営業一課\r\nTITLE:主任\r\nEMAIL;TYPE=HOME:h@asanagi.example\r\nEMAIL;TYPE=WORK,PREF:haruka@asanagi.example\r\nTEL;TYPE=FAX:03-0000-0009\r\nTEL;TYPE=WORK:03-0000-\r\n 0001\r\nX-PHONETIC-FIRST-NAME:ハルカ\r\nX-PHONETIC-LAST-NAME:タカナシ\r\nADR;TYPE=WORK:;;潮見1-2\\, 3F;江東区;東京都;135-0052;日本\r\nEND:VCARD\r\nstray\r\nBEGIN:VCARD\nVERSION:2.1\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=E6=BD=AE=E8=A6=8B;=E5=87=AA\nEND:VCARD\nBEGIN:VCARD\nVERSION:4.0\nUID:urn:uuid:1\nFN:Nagi";
        let mut input = Cursor::new(text.as_bytes().to_vec());
        assert!(begins(&mut input, Encoding::Utf8).expect("readable"));
        let mut seen = Vec::new();
        rows(&mut input, Encoding::Utf8, &Limits::default(), &mut |raw| {
            seen.push((raw.row.line, raw.row.cells, raw.flaw.map(|f| f.code)));
            Ok(true)
        })
        .expect("readable");
        let cells = |i: usize| seen[i].1.iter().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(seen.len(), 4);
        let first = [
            "",
            "朝凪電装株式会社",
            "高梨 遥",
            "タカナシ ハルカ",
            "営業一課",
            "主任",
            "haruka@asanagi.example",
            "03-0000-0001",
            "東京都江東区潮見1-2, 3F",
        ];
        assert_eq!(cells(0), first);
        assert_eq!((seen[1].2, seen[1].0), (Some("FILE_CARD"), 16));
        assert_eq!(cells(2)[2], "潮見 凪");
        assert_eq!((cells(3)[0], seen[3].2), ("urn:uuid:1", Some("FILE_CARD")), "a card without an end");
    }
}
