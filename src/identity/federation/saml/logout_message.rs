//! Messages of single logout: what comes in by a redirect or by a form, from its bytes to what it says, and what we
//! answer (SAML core section 3.7, bindings sections 3.4 and 3.5).
//!
//! By a redirect the signature covers the query as it was written, so it is checked over those characters, before
//! anything in them is decoded. By a form it is enveloped, and what is read is the text that it covers.

use std::io::Read;

use base64::{Engine, prelude::BASE64_STANDARD};
use flate2::read::DeflateDecoder;
use url::form_urlencoded;

use super::{
    assertion::{Expected, instant, is_current, is_from},
    certificate::Trusted,
    gate,
    name::{Name, word},
    request::{Message, REQUEST, RESPONSE},
    signature,
    xml::{ASSERTION, Node, PROTOCOL, escaped, parse},
};
use crate::model::Timestamp;

/// Names that a redirect may have once each, written in no other way.
const NAMES: [&str; 6] = [REQUEST, RESPONSE, "RelayState", "SigAlg", "Signature", "SAMLEncoding"];
const DEFLATE: &str = "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE";
const STATUS: &str = "urn:oasis:names:tc:SAML:2.0:status:";
/// Longest `RelayState` that is given back; the bindings allow 80 bytes.
const RELAYED: usize = 1024;
/// Most sessions of one request.
const INDEXES: usize = 100;
const DEPTH: u32 = 40;

/// A message as the browser brought it.
#[derive(Clone, Copy, Debug)]
pub enum Came<'a> {
    /// The query of an address, undecoded.
    Redirect(&'a str),
    Form {
        content_type: &'a str,
        body: &'a [u8],
    },
}

/// A message before anything in it is believed.
pub(super) struct Raw {
    is_request: bool,
    /// Base64, deflated where there is a query.
    value: String,
    pub relay_state: Option<String>,
    /// Of a redirect: what is signed, by which algorithm, the signature.
    query: Option<(String, String, Vec<u8>)>,
}

/// What a message says.
pub(super) enum Said {
    Request(Asked),
    Response(Told),
}

/// A provider signs somebody out.
pub(super) struct Asked {
    pub id: String,
    pub name: String,
    /// The provider's own sessions; none: all of that person.
    pub indexes: Vec<String>,
    /// From when on nobody would take it any more.
    pub until: Timestamp,
}

/// A provider answers our request.
pub(super) struct Told {
    pub in_response_to: String,
    pub end: End,
}

/// What came of signing out at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Everywhere,
    /// Some other program of the provider is still signed in.
    Partly,
    Not,
}

impl Raw {
    /// # Errors
    /// `LOGOUT_FORM`: not one message in one form. `LOGOUT_UNSIGNED`: a redirect without a signature.
    pub fn read(came: Came<'_>) -> Result<Self, &'static str> {
        match came {
            Came::Redirect(query) => Self::of_query(query),
            Came::Form { content_type, body } => Self::of_form(content_type, body),
        }
    }

    fn of_query(query: &str) -> Result<Self, &'static str> {
        let mut found: [Option<&str>; NAMES.len()] = [None; NAMES.len()];
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let Some(at) = NAMES.iter().position(|known| *known == decoded(name)) else { continue };
            // Twice, or spelt in another way: others could read another value than we do.
            if name != NAMES[at] || found[at].replace(value).is_some() {
                return Err("LOGOUT_FORM");
            }
        }
        let [request, response, relay, method, signature, encoding] = found;
        let (field, raw) = match (request, response) {
            (Some(raw), None) => (REQUEST, raw),
            (None, Some(raw)) => (RESPONSE, raw),
            _ => return Err("LOGOUT_FORM"),
        };
        if encoding.is_some_and(|named| decoded(named) != DEFLATE) {
            return Err("LOGOUT_FORM");
        }
        let (Some(method), Some(signature)) = (method, signature) else { return Err("LOGOUT_UNSIGNED") };
        let relayed = relay.map(|raw| format!("&RelayState={raw}")).unwrap_or_default();
        let signed = format!("{field}={raw}{relayed}&SigAlg={method}");
        let signature = base64(&decoded(signature)).ok_or("LOGOUT_FORM")?;
        let relay_state = relay.map(decoded);
        is_short(relay_state.as_deref())?;
        let query = Some((signed, decoded(method), signature));
        Ok(Self { is_request: field == REQUEST, value: decoded(raw), relay_state, query })
    }

    fn of_form(content_type: &str, body: &[u8]) -> Result<Self, &'static str> {
        let kind = content_type.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err("LOGOUT_FORM");
        }
        let (mut message, mut relay_state) = (None, None);
        for (name, value) in form_urlencoded::parse(body) {
            let twice = match &*name {
                REQUEST | RESPONSE => message.replace((name == REQUEST, value.into_owned())).is_some(),
                "RelayState" => relay_state.replace(value.into_owned()).is_some(),
                _ => false,
            };
            if twice {
                return Err("LOGOUT_FORM");
            }
        }
        let (is_request, value) = message.ok_or("LOGOUT_FORM")?;
        is_short(relay_state.as_deref())?;
        Ok(Self { is_request, value, relay_state, query: None })
    }

    /// Checks the signature, and reads what it covers.
    ///
    /// # Errors
    /// The stable code of the check that failed.
    pub fn open(&self, keys: &Trusted, expected: &Expected<'_>) -> Result<Said, &'static str> {
        let name = if self.is_request { "LogoutRequest" } else { "LogoutResponse" };
        let Some((signed, method, value)) = &self.query else {
            let bytes = base64(&self.value).ok_or("LOGOUT_FORM")?;
            let doc = gate::document(gate::open(&bytes)?)?;
            let (root, signature) = gate::message(&doc, name)?;
            let signed = signature::verify(signature.ok_or("LOGOUT_UNSIGNED")?, root, keys)?;
            let again = parse(signed.as_str(), DEPTH).ok_or("SIGNATURE_FORM")?;
            let root = Node::root(&again).filter(|root| root.is(PROTOCOL, name)).ok_or("SIGNATURE_FORM")?;
            return self.said(root, expected);
        };
        keys.verify(method, signed.as_bytes(), value)?;
        let bytes = inflated(&base64(&self.value).ok_or("LOGOUT_FORM")?)?;
        let doc = gate::document(gate::open(&bytes)?)?;
        match gate::message(&doc, name)? {
            (root, None) => self.said(root, expected),
            // Bindings section 3.4.4.1: the one around it is the signature.
            (_, Some(_)) => Err("SIGNATURE_PLACE"),
        }
    }

    fn said(&self, root: Node<'_, '_>, expected: &Expected<'_>) -> Result<Said, &'static str> {
        is_current(root, expected).map_err(|_| "LOGOUT_TIME")?;
        if !is_from(root, &expected.settings.entity_id) {
            return Err("LOGOUT_ISSUER");
        }
        if root.attribute("Destination") != Some(expected.acs) {
            return Err("LOGOUT_DESTINATION");
        }
        if self.is_request { asked(root, expected).map(Said::Request) } else { told(root).map(Said::Response) }
    }
}

fn is_short(relay_state: Option<&str>) -> Result<(), &'static str> {
    if relay_state.is_some_and(|text| text.len() > RELAYED) { Err("LOGOUT_FORM") } else { Ok(()) }
}

fn decoded(text: &str) -> String {
    // As a name of a form: with `=` in it, the rest would be lost.
    let name = text.replace('=', "%3D");
    form_urlencoded::parse(name.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let text: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    BASE64_STANDARD.decode(text).ok().filter(|bytes| !bytes.is_empty())
}

fn inflated(bytes: &[u8]) -> Result<Vec<u8>, &'static str> {
    let mut whole = Vec::new();
    let most = u64::try_from(gate::LARGEST).unwrap_or(u64::MAX) + 1;
    DeflateDecoder::new(bytes).take(most).read_to_end(&mut whole).map_err(|_| "LOGOUT_FORM")?;
    if whole.len() > gate::LARGEST { Err("RESPONSE_SIZE") } else { Ok(whole) }
}

fn asked(root: Node<'_, '_>, expected: &Expected<'_>) -> Result<Asked, &'static str> {
    let id = root.attribute("ID").ok_or("RESPONSE_IDS")?.to_owned();
    let issued = root.attribute("IssueInstant").and_then(instant).ok_or("LOGOUT_TIME")?;
    let end = root.attribute("NotOnOrAfter").map(|text| instant(text).ok_or("LOGOUT_TIME")).transpose()?;
    if end.is_some_and(|end| expected.over(end)) {
        return Err("LOGOUT_TIME");
    }
    // Whatever is wrong with it, nobody is named.
    let named = Name::read(root, expected.keys, None).map_err(|_| "LOGOUT_SUBJECT")?;
    let name = named.ok_or("LOGOUT_SUBJECT")?.value;
    let sessions = root.every(PROTOCOL, "SessionIndex");
    let indexes: Option<Vec<String>> = sessions.iter().map(|node| word(*node)).collect();
    let indexes = indexes.filter(|indexes| indexes.len() <= INDEXES).ok_or("LOGOUT_SUBJECT")?;
    // It is refused as too old by then.
    let until = issued.plus(Timestamp::HOUR);
    Ok(Asked { id, name, indexes, until })
}

fn told(root: Node<'_, '_>) -> Result<Told, &'static str> {
    let in_response_to = root.attribute("InResponseTo").ok_or("LOGOUT_UNASKED")?.to_owned();
    let status = root.only(PROTOCOL, "Status").ok_or("LOGOUT_FORM")?;
    let codes = status.all().into_iter().filter(|node| node.is(PROTOCOL, "StatusCode"));
    let values: Vec<&str> = codes.filter_map(|code| code.attribute("Value")?.strip_prefix(STATUS)).collect();
    let end = match values[..] {
        ["Success"] => End::Everywhere,
        [_, ..] if values.contains(&"PartialLogout") => End::Partly,
        _ => End::Not,
    };
    Ok(Told { in_response_to, end })
}

/// What all of our messages say first.
pub(super) struct Envelope<'a> {
    pub id: &'a str,
    pub entity_id: &'a str,
    pub destination: &'a str,
    pub now: Timestamp,
}

impl<'a> Envelope<'a> {
    fn head(&self, name: &str, more: &str) -> String {
        format!(
            "<samlp:{name} xmlns:samlp=\"{PROTOCOL}\" Destination=\"{}\" ID=\"{}\"{more} IssueInstant=\"{}\" \
             Version=\"2.0\"><saml:Issuer xmlns:saml=\"{ASSERTION}\">{}</saml:Issuer>",
            escaped(self.destination),
            self.id,
            self.now.rfc3339(),
            escaped(self.entity_id)
        )
    }

    /// Signs somebody out at their provider.
    pub fn request(&self, of: &Name, until: Timestamp) -> Message<'a> {
        let attribute = |name: &str, value: &Option<String>| {
            value.as_deref().map(|value| format!(" {name}=\"{}\"", escaped(value))).unwrap_or_default()
        };
        let session = |index: &String| format!("<samlp:SessionIndex>{}</samlp:SessionIndex>", escaped(index));
        let tail = format!(
            "<saml:NameID xmlns:saml=\"{ASSERTION}\"{}{}{}>{}</saml:NameID>{}</samlp:LogoutRequest>",
            attribute("Format", &of.format),
            attribute("NameQualifier", &of.qualifier),
            attribute("SPNameQualifier", &of.sp_qualifier),
            escaped(&of.value),
            of.index.as_ref().map(session).unwrap_or_default(),
        );
        let head = self.head("LogoutRequest", &format!(" NotOnOrAfter=\"{}\"", until.rfc3339()));
        let (id, destination) = (self.id, self.destination);
        Message { field: REQUEST, id, destination, relay_state: None, halves: [head, tail] }
    }

    /// Tells the provider that its person is signed out here.
    pub fn response(&self, to: &str, relay_state: Option<&'a str>) -> Message<'a> {
        let head = self.head("LogoutResponse", &format!(" InResponseTo=\"{}\"", escaped(to)));
        let tail = format!(
            "<samlp:Status><samlp:StatusCode Value=\"{STATUS}Success\"></samlp:StatusCode></samlp:Status>\
             </samlp:LogoutResponse>"
        );
        let (id, destination) = (self.id, self.destination);
        Message { field: RESPONSE, id, destination, relay_state, halves: [head, tail] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_signed_as_it_was_written() -> Result<(), &'static str> {
        let raw = Raw::of_query("SigAlg=m%2a&x=1&RelayState=a%2fb+c&SAMLRequest=YQ%3d%3d&Signature=YQ%3D%3D")?;
        let (signed, method, value) = raw.query.as_ref().ok_or("no query")?;
        assert_eq!(signed, "SAMLRequest=YQ%3d%3d&RelayState=a%2fb+c&SigAlg=m%2a");
        assert_eq!((method.as_str(), &value[..], raw.value.as_str()), ("m*", &b"a"[..], "YQ=="));
        assert_eq!(raw.relay_state.as_deref(), Some("a/b c"));
        Ok(())
    }

    #[test]
    fn only_one_message_in_one_spelling_gets_in() {
        let long = format!("SAMLRequest=YQ&RelayState={}&SigAlg=x&Signature=YQ%3D%3D", "r".repeat(RELAYED + 1));
        for (query, code) in [
            ("", "LOGOUT_FORM"),
            ("SAMLRequest=YQ%3D%3D", "LOGOUT_UNSIGNED"),
            ("SAMLRequest=YQ%3D%3D&SigAlg=x", "LOGOUT_UNSIGNED"),
            ("SAMLRequest=YQ&SAMLResponse=YQ&SigAlg=x&Signature=YQ%3D%3D", "LOGOUT_FORM"),
            ("SAMLRequest=YQ&SAMLRequest=YQ&SigAlg=x&Signature=YQ%3D%3D", "LOGOUT_FORM"),
            ("SAMLRequest=YQ&%53AMLRequest=YQ&SigAlg=x&Signature=YQ%3D%3D", "LOGOUT_FORM"),
            ("%53AMLRequest=YQ&SigAlg=x&Signature=YQ%3D%3D", "LOGOUT_FORM"),
            ("SAMLRequest=YQ&SigAlg=x&SigAlg=y&Signature=YQ%3D%3D", "LOGOUT_FORM"),
            ("SAMLRequest=YQ&SigAlg=x&Signature=YQ%3D%3D&SAMLEncoding=other", "LOGOUT_FORM"),
            ("SAMLRequest=YQ&SigAlg=x&Signature=no+base64", "LOGOUT_FORM"),
            (&long, "LOGOUT_FORM"),
        ] {
            assert_eq!(Raw::of_query(query).err(), Some(code), "{query}");
        }
        for (body, code) in [
            ("RelayState=a", "LOGOUT_FORM"),
            ("SAMLRequest=a&SAMLResponse=b", "LOGOUT_FORM"),
            ("SAMLRequest=a&SAMLRequest=a", "LOGOUT_FORM"),
            ("SAMLRequest=a&RelayState=a&RelayState=b", "LOGOUT_FORM"),
        ] {
            let form = "application/x-www-form-urlencoded";
            assert_eq!(Raw::of_form(form, body.as_bytes()).err(), Some(code), "{body}");
        }
        assert_eq!(Raw::of_form("text/plain", b"SAMLRequest=a").err(), Some("LOGOUT_FORM"));
    }

    #[test]
    fn what_swells_is_cut() -> std::io::Result<()> {
        use std::io::Write;
        let mut deflated = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        deflated.write_all(&vec![b' '; 64 * gate::LARGEST])?;
        assert_eq!(inflated(&deflated.finish()?), Err("RESPONSE_SIZE"), "S47");
        assert_eq!(inflated(b"no deflate"), Err("LOGOUT_FORM"));
        Ok(())
    }
}
