//! How a provider names somebody: by a NameID, or by one that it encrypted to us (SAML core sections 2.2.3, 2.2.4).
//!
//! Invariant: names are read only from text that a checked signature covers, so an encrypted one as well was put
//! there by the provider; nobody else can ask our key anything by it.

use serde::{Deserialize, Serialize};

use super::{
    encryption, gate,
    xml::{ASSERTION, Node},
};

/// Longest name of a person or a session.
const LONGEST: usize = 255;

/// How a provider names somebody, and the session that it has of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::identity::federation) struct Name {
    pub value: String,
    pub format: Option<String>,
    pub qualifier: Option<String>,
    pub sp_qualifier: Option<String>,
    pub index: Option<String>,
}

impl Name {
    /// The one name of a subject or of a message; `None`: it names nobody, or in no form that can be kept. `keys`:
    /// our own, for a name that is encrypted.
    ///
    /// # Errors
    /// `ASSERTION_SUBJECT`: several names. `RESPONSE_DECRYPTION`: what is encrypted cannot be opened. Or what is
    /// wrong with the form of what was in it.
    pub(super) fn read(of: Node<'_, '_>, keys: &[Vec<u8>], index: Option<&str>) -> Result<Option<Self>, &'static str> {
        match (&of.every(ASSERTION, "NameID")[..], &of.every(ASSERTION, "EncryptedID")[..]) {
            ([], []) => Ok(None),
            ([name], []) => Ok(Self::of(*name, index)),
            ([], [sealed]) => {
                let bytes = encryption::open(*sealed, keys, true)?;
                let doc = gate::document(gate::open(&bytes)?)?;
                let name = Node::root(&doc).filter(|root| root.is(ASSERTION, "NameID")).ok_or("ASSERTION_SUBJECT")?;
                Ok(Self::of(name, index))
            }
            _ => Err("ASSERTION_SUBJECT"),
        }
    }

    fn of(name: Node<'_, '_>, index: Option<&str>) -> Option<Self> {
        let own = |attribute| name.attribute(attribute).map(str::to_owned);
        Some(Self {
            value: word(name)?,
            format: own("Format"),
            qualifier: own("NameQualifier"),
            sp_qualifier: own("SPNameQualifier"),
            index: index.map(str::to_owned),
        })
    }
}

/// A name of a person or a session, where it is one line of text.
pub(super) fn word(node: Node<'_, '_>) -> Option<String> {
    node.word().filter(|text| !text.is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control))
}
