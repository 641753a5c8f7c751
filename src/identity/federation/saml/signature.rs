//! One enveloped signature, in the one form that SAML has (SAML core section 5.4), by a key that was known before.
//!
//! What comes out is the canonical text that the signature covers. Nothing that is not in it was signed, so
//! nothing else is read. The canonical form is `bergshamra-c14n`'s over `uppsala`'s tree, the two crates that the
//! Rust SAML libraries stand on; hashes and keys are `ring`'s, which speaks TLS here as well. Those libraries
//! themselves answer with a node of the received document instead of the signed bytes, and bring a second
//! cryptography: AWS-LC, or pre-releases and a loader for PKCS #11 modules.

use base64::{Engine, prelude::BASE64_STANDARD};
use bergshamra_c14n::{C14nMode, canonicalize_doc};
use bergshamra_xml::NodeSet;
use ring::digest;

use super::{
    certificate::Trusted,
    xml::{EXCLUSIVE, Node, SIGNATURE, parse},
};

const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
/// Most prefixes of an `InclusiveNamespaces` list.
const PREFIXES: usize = 32;

/// Text that a trusted key signed.
#[derive(Debug)]
pub(super) struct Signed(String);

impl Signed {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a `SignedInfo` says, as far as it may say anything.
#[derive(Debug, PartialEq, Eq)]
struct Info {
    method: String,
    prefixes: Vec<String>,
    uri: String,
    reference_prefixes: Vec<String>,
    digest_method: String,
    digest: Vec<u8>,
}

/// Checks the signature of an element that holds it.
///
/// # Errors
/// The stable code of the check that failed.
pub(super) fn verify(signature: Node<'_, '_>, signed: Node<'_, '_>, keys: &Trusted) -> Result<Signed, &'static str> {
    let (info, value) = parts(signature)?;
    let said = Info::read(info)?;
    let id = signed.attribute("ID").ok_or("SIGNATURE_REFERENCE")?;
    if said.uri.strip_prefix('#') != Some(id) {
        return Err("SIGNATURE_REFERENCE");
    }
    let canonical = canonical(info, None, &said.prefixes)?;
    // Read again from what was signed: the same, or somebody reads differently from us.
    let again = parse(&canonical, 16).ok_or("SIGNATURE_FORM")?;
    if Node::root(&again).and_then(|info| Info::read(info).ok()).as_ref() != Some(&said) {
        return Err("SIGNATURE_FORM");
    }
    keys.verify(&said.method, canonical.as_bytes(), &value)?;
    let text = self::canonical(signed, Some(signature), &said.reference_prefixes)?;
    let algorithm = match said.digest_method.as_str() {
        "http://www.w3.org/2001/04/xmlenc#sha256" => &digest::SHA256,
        "http://www.w3.org/2001/04/xmldsig-more#sha384" => &digest::SHA384,
        "http://www.w3.org/2001/04/xmlenc#sha512" => &digest::SHA512,
        _ => return Err("SIGNATURE_ALGORITHM"),
    };
    if digest::digest(algorithm, text.as_bytes()).as_ref() != said.digest {
        return Err("SIGNATURE_DIGEST");
    }
    Ok(Signed(text))
}

/// `SignedInfo` and the value of a signature that has no room for anything else but a hint at the key.
fn parts<'d, 'a>(signature: Node<'d, 'a>) -> Result<(Node<'d, 'a>, Vec<u8>), &'static str> {
    let children: Vec<_> = signature.children().collect();
    let (info, value) = match children[..] {
        [info, value] => (info, value),
        // Which key it says it is does not matter: it is one of those that are known, or none.
        [info, value, hint] if hint.is(SIGNATURE, "KeyInfo") => {
            if hint.all().iter().any(|node| node.name() == "RetrievalMethod") {
                return Err("SIGNATURE_FORM");
            }
            (info, value)
        }
        _ => return Err("SIGNATURE_FORM"),
    };
    if !info.is(SIGNATURE, "SignedInfo") || !value.is(SIGNATURE, "SignatureValue") {
        return Err("SIGNATURE_FORM");
    }
    Ok((info, base64(value).ok_or("SIGNATURE_FORM")?))
}

impl Info {
    /// Exactly what SAML allows, in its order.
    fn read(info: Node<'_, '_>) -> Result<Self, &'static str> {
        let [canonical, method, reference] = children(info).ok_or("SIGNATURE_FORM")?;
        if !canonical.is(SIGNATURE, "CanonicalizationMethod")
            || !method.is(SIGNATURE, "SignatureMethod")
            || !reference.is(SIGNATURE, "Reference")
            || method.children().next().is_some()
        {
            return Err("SIGNATURE_FORM");
        }
        let [transforms, digest_method, digest] = children(reference).ok_or("SIGNATURE_FORM")?;
        if !transforms.is(SIGNATURE, "Transforms")
            || !digest_method.is(SIGNATURE, "DigestMethod")
            || !digest.is(SIGNATURE, "DigestValue")
            || digest_method.children().next().is_some()
            || reference.doc.element(reference.id).is_none_or(|element| element.attributes.len() != 1)
        {
            return Err("SIGNATURE_FORM");
        }
        let [enveloped, exclusive] = children(transforms).ok_or("SIGNATURE_TRANSFORM")?;
        let both = enveloped.is(SIGNATURE, "Transform") && exclusive.is(SIGNATURE, "Transform");
        if !both || algorithm(enveloped)? != ENVELOPED || enveloped.children().next().is_some() {
            return Err("SIGNATURE_TRANSFORM");
        }
        Ok(Self {
            method: algorithm(method)?,
            prefixes: prefixes(canonical)?,
            uri: reference.attribute("URI").ok_or("SIGNATURE_REFERENCE")?.to_owned(),
            reference_prefixes: prefixes(exclusive)?,
            digest_method: algorithm(digest_method)?,
            digest: base64(digest).ok_or("SIGNATURE_FORM")?,
        })
    }
}

fn children<'d, 'a, const N: usize>(node: Node<'d, 'a>) -> Option<[Node<'d, 'a>; N]> {
    node.children().collect::<Vec<_>>().try_into().ok()
}

fn algorithm(node: Node<'_, '_>) -> Result<String, &'static str> {
    node.attribute("Algorithm").map(str::to_owned).ok_or("SIGNATURE_FORM")
}

/// The prefix list of exclusive canonicalisation without comments; nothing else canonicalises here.
fn prefixes(method: Node<'_, '_>) -> Result<Vec<String>, &'static str> {
    if algorithm(method)? != EXCLUSIVE {
        return Err("SIGNATURE_TRANSFORM");
    }
    let mut children = method.children();
    let Some(list) = children.next() else { return Ok(Vec::new()) };
    if !list.is(EXCLUSIVE, "InclusiveNamespaces") || children.next().is_some() {
        return Err("SIGNATURE_TRANSFORM");
    }
    let list = list.attribute("PrefixList").ok_or("SIGNATURE_TRANSFORM")?;
    let prefixes: Vec<String> = list.split_ascii_whitespace().map(str::to_owned).collect();
    if prefixes.len() > PREFIXES { Err("SIGNATURE_TRANSFORM") } else { Ok(prefixes) }
}

/// Base64 with the line ends that XML Signature allows in it.
fn base64(node: Node<'_, '_>) -> Option<Vec<u8>> {
    let text: String = node.text()?.chars().filter(|c| !matches!(c, ' ' | '\t' | '\r' | '\n')).collect();
    BASE64_STANDARD.decode(text).ok().filter(|bytes| !bytes.is_empty())
}

/// The canonical form of an element, without its signature.
fn canonical(of: Node<'_, '_>, without: Option<Node<'_, '_>>, prefixes: &[String]) -> Result<String, &'static str> {
    let mut nodes = NodeSet::tree_without_comments(of.id, of.doc);
    if let Some(signature) = without {
        nodes = nodes.subtract(&NodeSet::tree_without_comments(signature.id, of.doc));
    }
    let bytes = canonicalize_doc(of.doc, C14nMode::Exclusive, Some(&nodes), prefixes).map_err(|_| "SIGNATURE_FORM")?;
    String::from_utf8(bytes).ok().filter(|text| text.starts_with('<')).ok_or("SIGNATURE_FORM")
}
