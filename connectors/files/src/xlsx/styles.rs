//! What a cell's style says of its number: a day, digits with leading zeros, or a plain number.

use std::{collections::HashMap, io::BufRead};

use crate::{
    FileError,
    xml::{Token, Tokens, attribute},
};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    #[default]
    Plain,
    Day,
    /// At least so many digits.
    Digits(usize),
}

#[derive(Default)]
pub struct Styles(Vec<Shape>);

impl Styles {
    pub fn read<R: BufRead>(tokens: &mut Tokens<R>) -> Result<Self, FileError> {
        let mut own: HashMap<u32, Shape> = HashMap::new();
        let mut shapes = Vec::new();
        let mut in_cells = false;
        while let Some(token) = tokens.next()? {
            match token {
                Token::Open { name: "numFmt", attributes, .. } => {
                    let id = attribute(attributes, "numFmtId").and_then(|id| id.parse().ok());
                    if let (Some(id), Some(code)) = (id, attribute(attributes, "formatCode")) {
                        own.insert(id, of_code(&code));
                    }
                }
                Token::Open { name: "cellXfs", empty, .. } => in_cells = !empty,
                Token::Close("cellXfs") => in_cells = false,
                Token::Open { name: "xf", attributes, .. } if in_cells && shapes.len() < 65_536 => {
                    let id: u32 = attribute(attributes, "numFmtId").and_then(|id| id.parse().ok()).unwrap_or(0);
                    shapes.push(own.get(&id).copied().unwrap_or_else(|| built_in(id)));
                }
                _ => {}
            }
        }
        Ok(Self(shapes))
    }

    pub fn of(&self, style: usize) -> Shape {
        self.0.get(style).copied().unwrap_or_default()
    }
}

/// Formats without a code of their own; 27 to 36 and 50 to 58 are days in Japanese Excel.
fn built_in(id: u32) -> Shape {
    match id {
        14..=22 | 27..=36 | 45..=47 | 50..=58 => Shape::Day,
        _ => Shape::Plain,
    }
}

fn of_code(code: &str) -> Shape {
    let first = code.split(';').next().unwrap_or_default();
    if first.len() > 1 && first.bytes().all(|b| b == b'0') {
        return Shape::Digits(first.len().min(40));
    }
    let (mut quoted, mut bracket, mut escaped) = (false, false, false);
    let mut letters = String::new();
    for c in first.chars() {
        match c {
            _ if std::mem::take(&mut escaped) => {}
            '\\' | '_' | '*' if !quoted => escaped = true,
            '"' => quoted = !quoted,
            '[' if !quoted => bracket = true,
            ']' if !quoted => bracket = false,
            _ if quoted || bracket => {}
            c => letters.push(c.to_ascii_lowercase()),
        }
    }
    let day = letters.contains(['y', 'd', 'g', 'h', 's']) || letters.contains("mm") || letters.starts_with('e');
    let general = letters.starts_with("general") || letters.contains("g/標準");
    if day && !general && !letters.contains(['0', '#', '@', '?']) || day && letters.contains("s.0") {
        Shape::Day
    } else {
        Shape::Plain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_say_what_a_number_is() {
        for (code, shape) in [
            ("yyyy/m/d", Shape::Day),
            ("[$-411]ggge\"年\"m\"月\"d\"日\";@", Shape::Day),
            ("[$-ja-JP-x-gannen]ggge\"年\"m\"月\"d\"日\"", Shape::Day),
            ("m/d/yy h:mm", Shape::Day),
            ("mm:ss.0", Shape::Day),
            ("00000", Shape::Digits(5)),
            ("0", Shape::Plain),
            ("#,##0;[Red]-#,##0", Shape::Plain),
            ("\"¥\"#,##0", Shape::Plain),
            ("0.00E+00", Shape::Plain),
            ("General", Shape::Plain),
            ("@", Shape::Plain),
            ("#,##0\"days\"", Shape::Plain),
        ] {
            assert_eq!(of_code(code), shape, "{code}");
        }
    }
}
