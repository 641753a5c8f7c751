//! The little XML that workbooks are made of, token by token.
//!
//! Knows tags, attributes, texts, CDATA, character references and the five entities; refuses document types,
//! so there is nothing to expand. Invariant: no token is longer than [`MOST`] bytes, whatever a file says.

use std::io::BufRead;

use crate::FileError;

/// Bytes of one tag, or of one text between two.
const MOST: usize = 1 << 20;

#[derive(Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// Name without its prefix, attributes as written.
    Open {
        name: &'a str,
        attributes: &'a str,
        empty: bool,
    },
    Close(&'a str),
    Text(&'a str),
}

pub struct Tokens<R> {
    from: R,
    buffer: Vec<u8>,
    text: String,
    /// The bracket of a tag was read.
    in_tag: bool,
}

pub fn broken(what: &'static str) -> FileError {
    FileError::Broken { what }
}

impl<R: BufRead> Tokens<R> {
    pub fn new(from: R) -> Self {
        Self { from, buffer: Vec::new(), text: String::new(), in_tag: false }
    }

    /// The next token; `None` at the end.
    pub fn next(&mut self) -> Result<Option<Token<'_>>, FileError> {
        loop {
            if !self.in_tag {
                self.in_tag = self.until(b'<')?;
                if !self.buffer.is_empty() {
                    self.text.clear();
                    unescape(utf8(&self.buffer)?, &mut self.text)?;
                    return Ok(Some(Token::Text(&self.text)));
                }
                if !self.in_tag {
                    return Ok(None);
                }
            }
            self.in_tag = false;
            if !self.until(b'>')? {
                return Err(broken("XML that ends inside a tag"));
            }
            if self.buffer.starts_with(b"![CDATA[") {
                self.rest_of(b"]]")?;
                self.text.clear();
                let inner = self.buffer.get(8..self.buffer.len() - 2).unwrap_or_default();
                self.text.push_str(utf8(inner)?);
                return Ok(Some(Token::Text(&self.text)));
            }
            if self.buffer.starts_with(b"!--") {
                self.rest_of(b"--")?;
                continue;
            }
            match self.buffer.first() {
                Some(b'?') => continue,
                Some(b'!') | None => return Err(broken("XML with a document type")),
                Some(_) => return self.tag().map(Some),
            }
        }
    }

    /// Goes on to the `>` that stands behind these bytes.
    fn rest_of(&mut self, end: &[u8]) -> Result<(), FileError> {
        let least = if end == b"]]" { 10 } else { 5 };
        while !(self.buffer.len() >= least && self.buffer.ends_with(end)) {
            self.buffer.push(b'>');
            if !self.more(b'>')? {
                return Err(broken("XML that ends inside a section"));
            }
        }
        Ok(())
    }

    fn tag(&self) -> Result<Token<'_>, FileError> {
        let whole = utf8(&self.buffer)?;
        if let Some(name) = whole.strip_prefix('/') {
            return Ok(Token::Close(local(name.trim())));
        }
        let empty = whole.ends_with('/');
        let inner = whole.strip_suffix('/').unwrap_or(whole);
        let (name, attributes) = inner.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((inner, ""));
        Ok(Token::Open { name: local(name), attributes, empty })
    }

    fn until(&mut self, end: u8) -> Result<bool, FileError> {
        self.buffer.clear();
        self.more(end)
    }

    /// Adds to the buffer up to `end`, which is read and not kept.
    fn more(&mut self, end: u8) -> Result<bool, FileError> {
        loop {
            let here = self.from.fill_buf().map_err(|_| broken("packed data"))?;
            if here.is_empty() {
                return Ok(false);
            }
            let found = here.iter().position(|b| *b == end);
            let (take, used) = found.map_or((here.len(), here.len()), |at| (at, at + 1));
            if self.buffer.len() + take > MOST {
                return Err(broken("XML with a text of more than 1 MiB"));
            }
            self.buffer.extend_from_slice(&here[..take]);
            self.from.consume(used);
            if found.is_some() {
                return Ok(true);
            }
        }
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, FileError> {
    std::str::from_utf8(bytes).map_err(|_| broken("XML that is no UTF-8"))
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// The value of an attribute, by its name with or without prefix.
pub fn attribute(attributes: &str, wanted: &str) -> Option<String> {
    let mut rest = attributes.trim_start();
    while let Some((name, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, after) = after[1..].split_once(quote)?;
        let name = name.trim();
        if name == wanted || local(name) == wanted {
            let mut out = String::new();
            unescape(value, &mut out).ok()?;
            return Some(out);
        }
        rest = after.trim_start();
    }
    None
}

fn unescape(text: &str, out: &mut String) -> Result<(), FileError> {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let (name, after) = after.split_once(';').ok_or_else(|| broken("XML with a loose &"))?;
        out.push(entity(name).ok_or_else(|| broken("XML with an unknown entity"))?);
        rest = after;
    }
    out.push_str(rest);
    Ok(())
}

fn entity(name: &str) -> Option<char> {
    let number = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => match name.strip_prefix("#x") {
            Some(hex) => number(hex, 16),
            None => number(name.strip_prefix('#')?, 10),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Result<Vec<String>, FileError> {
        let mut tokens = Tokens::new(text.as_bytes());
        let mut seen = Vec::new();
        while let Some(token) = tokens.next()? {
            seen.push(match token {
                Token::Open { name, attributes, empty } => format!("<{name}|{attributes}|{empty}"),
                Token::Close(name) => format!("/{name}"),
                Token::Text(text) => text.to_owned(),
            });
        }
        Ok(seen)
    }

    #[test]
    fn the_xml_of_workbooks_is_read() {
        let text =
            "<?xml version=\"1.0\"?><x:c r=\"A1\" t='s'><v> 1&amp;&#x3042;</v><f/><!-- <a> --><![CDATA[<b>]]></x:c>";
        let seen = tokens(text).expect("whole");
        assert_eq!(seen, ["<c|r=\"A1\" t='s'|false", "<v||false", " 1&あ", "/v", "<f||true", "<b>", "/c"]);
        assert_eq!(attribute("r:id=\"rId1\" name='a &lt; b'", "name").as_deref(), Some("a < b"));
        assert_eq!(attribute("r:id=\"rId1\"", "id").as_deref(), Some("rId1"));
        assert_eq!(attribute("r=\"1\"", "id"), None);
    }

    #[test]
    fn what_is_no_workbook_is_refused() {
        for text in ["<!DOCTYPE x [<!ENTITY a \"b\">]><x>&a;</x>", "<x>&a;</x>", "<x", "<x><![CDATA[", "<!-- "] {
            assert!(tokens(text).is_err(), "{text}");
        }
        assert!(tokens(&format!("<x>{}</x>", "a".repeat(MOST + 1))).is_err());
    }
}
