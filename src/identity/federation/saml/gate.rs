//! A response's raw form, before anything else is read in it. What two readers could read differently, and
//! what costs more to read than to send, is not let in.
//!
//! First the bytes: size, encoding, no markup beyond elements and text, how deep and how many. Then the tree:
//! one Response, in it one assertion, signatures only where they belong, no id twice.

use std::collections::HashSet;

use uppsala::Document;

use super::xml::{ASSERTION, Node, PROTOCOL, SIGNATURE, parse};

/// Most bytes of a response.
pub(super) const LARGEST: usize = 256 * 1024;
const DEEPEST: usize = 32;
const ELEMENTS: usize = 5_000;
/// Most attributes of one element, namespaces with them.
const ATTRIBUTES: usize = 64;
const LONGEST_ID: usize = 256;

/// What attributes are called that a signature could refer to.
const IDS: [&str; 4] = ["ID", "Id", "id", "iD"];

/// Where things stand in a response.
#[derive(Clone, Copy)]
pub(super) struct Shape<'d, 'a> {
    pub response: Node<'d, 'a>,
    /// An Assertion, or an EncryptedAssertion in its place.
    pub assertion: Node<'d, 'a>,
    pub encrypted: bool,
    pub response_signature: Option<Node<'d, 'a>>,
    pub assertion_signature: Option<Node<'d, 'a>>,
}

/// Lets the text of a response in.
///
/// # Errors
/// The stable code of what is wrong with it.
pub(super) fn open(bytes: &[u8]) -> Result<&str, &'static str> {
    if bytes.is_empty() || bytes.len() > LARGEST {
        return Err("RESPONSE_SIZE");
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "RESPONSE_ENCODING")?;
    let odd = |c: char| {
        c.is_control() && !matches!(c, '\t' | '\n' | '\r') || matches!(c, '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}')
    };
    if text.chars().any(odd) {
        return Err("RESPONSE_ENCODING");
    }
    markup(declared(text)?)?;
    Ok(text)
}

/// What follows the XML declaration, which may only say what is so.
fn declared(text: &str) -> Result<&str, &'static str> {
    let Some(rest) = text.strip_prefix("<?xml") else { return Ok(text) };
    let (declaration, rest) = rest.split_once("?>").ok_or("RESPONSE_XML")?;
    let declaration = declaration.to_ascii_lowercase();
    let plain =
        !declaration.contains("encoding") || declaration.contains("\"utf-8\"") || declaration.contains("'utf-8'");
    if plain { Ok(rest) } else { Err("RESPONSE_ENCODING") }
}

/// Elements and text, not too deep, not too many.
fn markup(text: &str) -> Result<(), &'static str> {
    let bytes = text.as_bytes();
    let (mut at, mut depth, mut elements) = (0, 0_usize, 0_usize);
    while let Some(found) = memchr::memchr(b'<', &bytes[at..]) {
        let start = at + found + 1;
        match bytes.get(start) {
            // Document types, comments, character data, instructions: readers differ about them.
            None | Some(b'!' | b'?') => return Err("RESPONSE_MARKUP"),
            Some(b'/') => {
                depth = depth.checked_sub(1).ok_or("RESPONSE_XML")?;
                at = start;
            }
            Some(_) => {
                let tag = Tag::read(&bytes[start..]).ok_or("RESPONSE_XML")?;
                elements += 1;
                let inside = depth + 1;
                if inside > DEEPEST || elements > ELEMENTS || tag.attributes > ATTRIBUTES {
                    return Err("RESPONSE_LIMITS");
                }
                depth = if tag.closed { depth } else { inside };
                at = start + tag.length;
            }
        }
    }
    if depth == 0 && elements > 0 { Ok(()) } else { Err("RESPONSE_XML") }
}

struct Tag {
    length: usize,
    attributes: usize,
    closed: bool,
}

impl Tag {
    /// To the end of a start tag.
    fn read(bytes: &[u8]) -> Option<Self> {
        let (mut quote, mut attributes) = (None, 0);
        for (at, &byte) in bytes.iter().enumerate() {
            match (quote, byte) {
                (None, b'>') => {
                    return Some(Self { length: at + 1, attributes, closed: at > 0 && bytes[at - 1] == b'/' });
                }
                (_, b'<') => return None,
                (None, b'"' | b'\'') => quote = Some(byte),
                (None, b'=') => attributes += 1,
                (Some(open), byte) if open == byte => quote = None,
                _ => {}
            }
        }
        None
    }
}

/// Reads what [`open`] let in.
pub(super) fn document(text: &str) -> Result<Document<'_>, &'static str> {
    parse(text, u32::try_from(DEEPEST).unwrap_or(32) + 1).ok_or("RESPONSE_XML")
}

/// Finds where things stand.
///
/// # Errors
/// The stable code of what stands where it should not.
pub(super) fn shape<'d, 'a>(doc: &'d Document<'a>) -> Result<Shape<'d, 'a>, &'static str> {
    let response = Node::root(doc).filter(|root| root.is(PROTOCOL, "Response")).ok_or("RESPONSE_KIND")?;
    let all = response.all();
    ids(&all)?;
    let named = |name: &str| all.iter().filter(|node| node.name() == name).count();
    if named("Response") != 1 {
        return Err("RESPONSE_WRAPPED");
    }
    let name = match (named("Assertion"), named("EncryptedAssertion")) {
        (1, 0) => "Assertion",
        (0, 1) => "EncryptedAssertion",
        _ => return Err("RESPONSE_ASSERTIONS"),
    };
    let assertion = response.only(ASSERTION, name).ok_or("RESPONSE_ASSERTIONS")?;
    let encrypted = name != "Assertion";
    let response_signature = response.only(SIGNATURE, "Signature");
    let assertion_signature = assertion.only(SIGNATURE, "Signature");
    let found = [response_signature, assertion_signature].iter().flatten().count();
    if found != named("Signature") {
        return Err("SIGNATURE_PLACE");
    }
    if found == 0 && !encrypted {
        return Err("RESPONSE_UNSIGNED");
    }
    Ok(Shape { response, assertion, encrypted, response_signature, assertion_signature })
}

/// An assertion that was encrypted, and its signature, if it has one.
pub(super) fn alone<'d, 'a>(doc: &'d Document<'a>) -> Result<(Node<'d, 'a>, Option<Node<'d, 'a>>), &'static str> {
    let assertion = Node::root(doc).filter(|root| root.is(ASSERTION, "Assertion")).ok_or("RESPONSE_ASSERTIONS")?;
    let all = assertion.all();
    ids(&all)?;
    let named = |name: &str| all.iter().filter(|node| node.name() == name).count();
    if named("Assertion") != 1 || named("EncryptedAssertion") != 0 || named("Response") != 0 {
        return Err("RESPONSE_ASSERTIONS");
    }
    let signature = assertion.only(SIGNATURE, "Signature");
    if named("Signature") != usize::from(signature.is_some()) {
        return Err("SIGNATURE_PLACE");
    }
    Ok((assertion, signature))
}

/// A message of single logout, and its signature, if it has one.
pub(super) fn message<'d, 'a>(
    doc: &'d Document<'a>,
    name: &str,
) -> Result<(Node<'d, 'a>, Option<Node<'d, 'a>>), &'static str> {
    let root = Node::root(doc).filter(|root| root.is(PROTOCOL, name)).ok_or("LOGOUT_KIND")?;
    let all = root.all();
    ids(&all)?;
    let named = |name: &str| all.iter().filter(|node| node.name() == name).count();
    if named("LogoutRequest") + named("LogoutResponse") != 1 {
        return Err("RESPONSE_WRAPPED");
    }
    let signature = root.only(SIGNATURE, "Signature");
    if named("Signature") != usize::from(signature.is_some()) {
        return Err("SIGNATURE_PLACE");
    }
    Ok((root, signature))
}

/// No id twice, in whatever spelling, and none that a prefix disguises; names of namespaces are absolute.
fn ids(all: &[Node<'_, '_>]) -> Result<(), &'static str> {
    let mut seen = HashSet::new();
    for node in all {
        let element = node.doc.element(node.id).ok_or("RESPONSE_XML")?;
        // A relative name means different things to different canonicalisers (CVE-2025-66568).
        if element.namespace_declarations.iter().any(|(_, uri)| !uri.is_empty() && !uri.contains(':')) {
            return Err("RESPONSE_NAMESPACE");
        }
        for attribute in &element.attributes {
            if !IDS.contains(&attribute.name.local_name.as_ref()) {
                continue;
            }
            let value = attribute.value.as_ref();
            if attribute.name.prefix.is_some() || !is_id(value) || !seen.insert(value) {
                return Err("RESPONSE_IDS");
            }
        }
    }
    Ok(())
}

/// A name as XML Schema's ID has it, in plain letters.
fn is_id(value: &str) -> bool {
    let first = value.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    first && value.len() <= LONGEST_ID && value.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_documents_get_in() {
        let deep = |n: usize| format!("{}{}", "<a>".repeat(n), "</a>".repeat(n));
        let wide = |n: usize| format!("<a {}/>", (0..n).map(|i| format!("b{i}='' ")).collect::<String>());
        for (text, verdict) in [
            ("<a>x</a>".to_owned(), Ok(())),
            ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a b='>'>x &amp; y</a>\n".to_owned(), Ok(())),
            (deep(32), Ok(())),
            (wide(64), Ok(())),
            (deep(33), Err("RESPONSE_LIMITS")),
            (wide(65), Err("RESPONSE_LIMITS")),
            (format!("<a>{}</a>", "<b/>".repeat(5_000)), Err("RESPONSE_LIMITS")),
            (String::new(), Err("RESPONSE_SIZE")),
            ("x".repeat(LARGEST + 1), Err("RESPONSE_SIZE")),
            ("<?xml version='1.0' encoding='UTF-7'?><a/>".to_owned(), Err("RESPONSE_ENCODING")),
            ("\u{FEFF}<a/>".to_owned(), Err("RESPONSE_ENCODING")),
            ("<a>\0</a>".to_owned(), Err("RESPONSE_ENCODING")),
            ("<!DOCTYPE a><a/>".to_owned(), Err("RESPONSE_MARKUP")),
            ("<a><!-- x --></a>".to_owned(), Err("RESPONSE_MARKUP")),
            ("<a><![CDATA[x]]></a>".to_owned(), Err("RESPONSE_MARKUP")),
            ("<a><?x y?></a>".to_owned(), Err("RESPONSE_MARKUP")),
            ("<a><b></a>".to_owned(), Err("RESPONSE_XML")),
            ("no XML".to_owned(), Err("RESPONSE_XML")),
        ] {
            let shown: String = text.chars().take(60).collect();
            assert_eq!(open(text.as_bytes()).map(drop), verdict, "{shown}");
        }
        assert_eq!(open(&[0xFF, 0xFE, b'<', 0]), Err("RESPONSE_ENCODING"));
    }

    #[test]
    fn what_is_not_well_formed_is_not_read() {
        for text in
            ["<a><b></a></b>", "<a/><a/>", "<a/>x", "<a>&none;</a>", "<a b='1' b='2'/>", "<a>&#0;</a>", "<x:a/>"]
        {
            assert!(document(text).is_err(), "{text}");
        }
    }
}
