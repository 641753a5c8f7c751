//! A response from its bytes to what it vouches for, in this order: gate, shape, signatures by pinned keys, and
//! only then what it says, read from the signed text.

use super::{
    assertion::{self, Expected, Vouched},
    certificate::Trusted,
    encryption, gate,
    signature::{self, Signed},
    xml::{ASSERTION, Node, PROTOCOL, parse},
};
use crate::identity::federation::flow::Refused;

const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
/// Canonical text declares its names where they are used: it is not deeper than what came in.
const DEPTH: u32 = 40;

/// Reads a response.
///
/// # Errors
/// [`Refused::Check`] with the check that failed.
pub(super) fn vouched(bytes: &[u8], keys: &Trusted, expected: &Expected<'_>) -> Result<Vouched, Refused> {
    let text = gate::open(bytes)?;
    let doc = gate::document(text)?;
    let shape = gate::shape(&doc)?;
    let verify = |signature, signed| signature::verify(signature, signed, keys);
    // Each that is there has to hold: a broken one is no ornament.
    let whole = shape.response_signature.map(|signature| verify(signature, shape.response)).transpose()?;
    let own = shape.assertion_signature.map(|signature| verify(signature, shape.assertion)).transpose()?;
    let signed_envelope = whole.as_ref().map(read_again).transpose()?;
    let envelope = signed_envelope.as_ref().and_then(Node::root).unwrap_or(shape.response);
    let answers = answered(envelope, whole.is_some(), expected)?;
    let covering = signed_envelope.as_ref().and_then(Node::root);
    let vouched = if shape.encrypted {
        // Of a signed response, what was signed is opened.
        let within = covering.unwrap_or(shape.response).only(ASSERTION, "EncryptedAssertion");
        let within = within.ok_or("RESPONSE_ASSERTIONS")?;
        unsealed(&encryption::open(within, expected.keys, covering.is_some())?, covering.is_some(), keys, expected)?
    } else {
        let inside = covering.and_then(|root| root.only(ASSERTION, "Assertion"));
        claims(own.as_ref(), inside, expected)?
    };
    if answers != vouched.in_response_to {
        return Err("RESPONSE_REQUEST".into());
    }
    Ok(vouched)
}

/// What was in an encrypted assertion: through the gate and the signature like any other.
fn unsealed(bytes: &[u8], covered: bool, keys: &Trusted, expected: &Expected<'_>) -> Result<Vouched, &'static str> {
    let doc = gate::document(gate::open(bytes)?)?;
    let (assertion, signature) = gate::alone(&doc)?;
    let own = signature.map(|signature| signature::verify(signature, assertion, keys)).transpose()?;
    claims(own.as_ref(), covered.then_some(assertion), expected)
}

/// Reads a signed assertion; one in a signed response only where that is enough.
fn claims(
    own: Option<&Signed>,
    inside: Option<Node<'_, '_>>,
    expected: &Expected<'_>,
) -> Result<Vouched, &'static str> {
    match (own, inside) {
        (Some(own), _) => {
            let doc = read_again(own)?;
            let root = Node::root(&doc).filter(|root| root.is(ASSERTION, "Assertion")).ok_or("SIGNATURE_FORM")?;
            assertion::read(root, expected)
        }
        (None, Some(inside)) if expected.settings.response_signed => assertion::read(inside, expected),
        _ => Err("ASSERTION_UNSIGNED"),
    }
}

fn read_again(signed: &Signed) -> Result<uppsala::Document<'_>, &'static str> {
    parse(signed.as_str(), DEPTH).ok_or("SIGNATURE_FORM")
}

/// The response around the assertion: for us, from the provider, and good news. Where it is not signed itself it
/// can only take away. Returns the request that it answers.
fn answered(response: Node<'_, '_>, signed: bool, expected: &Expected<'_>) -> Result<Option<String>, Refused> {
    if !response.is(PROTOCOL, "Response") {
        return Err("SIGNATURE_FORM".into());
    }
    status(response)?;
    assertion::is_current(response, expected)?;
    let named = !response.every(ASSERTION, "Issuer").is_empty();
    if named && !assertion::is_from(response, &expected.settings.entity_id) {
        return Err("RESPONSE_ISSUER".into());
    }
    match response.attribute("Destination") {
        // The POST binding demands it of a signed one (bindings section 3.5.5.2).
        None if signed => return Err("RESPONSE_DESTINATION".into()),
        Some(destination) if destination != expected.acs => return Err("RESPONSE_DESTINATION".into()),
        _ => {}
    }
    Ok(response.attribute("InResponseTo").map(str::to_owned))
}

/// Success, and nothing beside it.
fn status(response: Node<'_, '_>) -> Result<(), Refused> {
    let refuse = |detail| Refused::Check { code: "RESPONSE_STATUS", detail };
    let status = response.only(PROTOCOL, "Status").ok_or_else(|| refuse(None))?;
    let codes: Vec<_> = status.all().into_iter().filter(|node| node.is(PROTOCOL, "StatusCode")).collect();
    let values: Vec<&str> = codes.iter().filter_map(|code| code.attribute("Value")).collect();
    if values == [SUCCESS] && codes.len() == 1 {
        return Ok(());
    }
    // What the provider's codes say, for the administrator; what else it says is a stranger's text.
    let last = |value: &&str| value.rsplit(':').next().unwrap_or_default().to_owned();
    let known = values.iter().map(last).filter(|word| word.chars().all(|c| c.is_ascii_alphanumeric()));
    Err(refuse(Some(known.take(3).collect::<Vec<_>>().join(" "))))
}
