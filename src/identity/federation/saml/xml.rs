//! Reading XML by exact names: an element by its namespace and name, an attribute only without a prefix, text
//! only where nothing else is.

use uppsala::{Document, NodeId, NodeKind, Parser};

pub(super) const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
pub(super) const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
pub(super) const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
pub(super) const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";
pub(super) const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// Reads a document without a document type, to a depth.
pub(super) fn parse(text: &str, depth: u32) -> Option<Document<'_>> {
    Parser::new().with_forbid_dtd(true).with_forbid_entities(true).with_max_depth(depth).parse(text).ok()
}

/// An element of a document.
#[derive(Clone, Copy)]
pub(super) struct Node<'d, 'a> {
    pub doc: &'d Document<'a>,
    pub id: NodeId,
}

impl<'d, 'a> Node<'d, 'a> {
    pub fn root(doc: &'d Document<'a>) -> Option<Self> {
        Some(Self { doc, id: doc.document_element()? })
    }

    pub fn is(self, namespace: &str, name: &str) -> bool {
        self.doc.element(self.id).is_some_and(|element| element.name.matches(Some(namespace), name))
    }

    pub fn name(self) -> &'d str {
        self.doc.element(self.id).map_or("", |element| &element.name.local_name)
    }

    pub fn children(self) -> impl Iterator<Item = Self> {
        let doc = self.doc;
        doc.children_iter(self.id).filter(|id| doc.element(*id).is_some()).map(move |id| Self { doc, id })
    }

    /// This element and everything below it, in the order of the document.
    pub fn all(self) -> Vec<Self> {
        let below = self.doc.descendants(self.id).into_iter().filter(|id| *id != self.id);
        let nodes = std::iter::once(self.id).chain(below).map(|id| Self { doc: self.doc, id });
        nodes.filter(|node| self.doc.element(node.id).is_some()).collect()
    }

    pub fn every(self, namespace: &str, name: &str) -> Vec<Self> {
        self.children().filter(|child| child.is(namespace, name)).collect()
    }

    /// The only child of this name; `None`: there is none, or there are several.
    pub fn only(self, namespace: &str, name: &str) -> Option<Self> {
        let mut found = self.children().filter(|child| child.is(namespace, name));
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }

    /// The value of an attribute without a prefix.
    pub fn attribute(self, name: &str) -> Option<&'d str> {
        let attributes = &self.doc.element(self.id)?.attributes;
        let plain = attributes.iter().find(|a| a.name.prefix.is_none() && a.name.local_name == name);
        plain.map(|attribute| attribute.value.as_ref())
    }

    /// Text, where there is nothing but text.
    pub fn text(self) -> Option<String> {
        let mut whole = String::new();
        for id in self.doc.children_iter(self.id) {
            match self.doc.node_kind(id)? {
                NodeKind::Text(text) => whole.push_str(text),
                _ => return None,
            }
        }
        Some(whole)
    }

    /// Text without the space around it.
    pub fn word(self) -> Option<String> {
        self.text().map(|text| text.trim_matches([' ', '\t', '\r', '\n']).to_owned())
    }
}

/// Text as it may stand in text and in a quoted attribute.
pub(super) fn escaped(text: &str) -> String {
    let mut whole = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => whole.push_str("&amp;"),
            '<' => whole.push_str("&lt;"),
            '>' => whole.push_str("&gt;"),
            '"' => whole.push_str("&quot;"),
            '\t' => whole.push_str("&#x9;"),
            '\n' => whole.push_str("&#xA;"),
            '\r' => whole.push_str("&#xD;"),
            c => whole.push(c),
        }
    }
    whole
}
