//! Metadata: a provider's as it comes in, ours as it goes out.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{
    assertion::instant,
    certificate::{self, Trusted, is_usable},
    rollover::Stage,
    settings::{LogoutAt, Settings},
    signature::{self, Signed},
    xml::{METADATA, Node, PROTOCOL, SIGNATURE, escaped, parse},
};
use crate::{
    identity::federation::{provider::ProviderError, wire::Wire},
    model::Timestamp,
};

const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
/// Most bytes of a document.
const LARGEST: usize = 1024 * 1024;
const DEPTH: u32 = 64;
const LONGEST_NAME: usize = 1024;

/// What is taken from a provider's metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::identity::federation) struct Provider {
    pub entity_id: String,
    pub certificates: Vec<String>,
    pub redirect: Option<String>,
    pub post: Option<String>,
    pub logout_redirect: Option<LogoutAt>,
    pub logout_post: Option<LogoutAt>,
    /// Until when the document counts.
    pub valid_until: Option<Timestamp>,
    /// How long it may be kept, in microseconds.
    pub cache: Option<i64>,
    /// Certificate of whoever signed it.
    pub signer: Option<String>,
}

fn error(code: &'static str, detail: &str) -> ProviderError {
    ProviderError { code, detail: detail.to_owned() }
}

/// Reads the metadata of one provider. `pinned`: certificates of which one has to have signed it; empty: whoever
/// did, if somebody did.
pub(in crate::identity::federation) fn read(
    bytes: &[u8],
    private: bool,
    now: Timestamp,
    pinned: &[String],
) -> Result<Provider, ProviderError> {
    if bytes.len() > LARGEST {
        return Err(error("IDP_METADATA", "the document is larger than allowed"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| broken())?;
    let doc = parse(text.trim_start_matches('\u{FEFF}'), DEPTH).ok_or_else(broken)?;
    let root = Node::root(&doc).ok_or_else(broken)?;
    let Some((signed, signer)) = signed(root, pinned) else {
        if pinned.is_empty() {
            return described(root, private, now);
        }
        return Err(error("IDP_METADATA_SIGNATURE", "it was signed before, and is not signed by the same key now"));
    };
    // What was not signed is not read.
    let doc = parse(signed.as_str(), DEPTH).ok_or_else(broken)?;
    let provider = described(Node::root(&doc).ok_or_else(broken)?, private, now)?;
    Ok(Provider { signer: Some(signer), ..provider })
}

/// What is signed of a document, and by which certificate: one of those that are pinned, else one that the document
/// itself brings.
fn signed(root: Node<'_, '_>, pinned: &[String]) -> Option<(Signed, String)> {
    let signature = root.only(SIGNATURE, "Signature")?;
    let brought = || {
        let all = root.all().into_iter().filter(|node| node.is(SIGNATURE, "X509Certificate"));
        let texts = all.filter_map(Node::text).map(|text| text.split_ascii_whitespace().collect::<String>());
        texts.take(certificate::MOST).collect()
    };
    let candidates: Vec<String> = if pinned.is_empty() { brought() } else { pinned.to_vec() };
    candidates.into_iter().find_map(|certificate| {
        let keys = Trusted::new([&certificate])?;
        Some((signature::verify(signature, root, &keys).ok()?, certificate))
    })
}

fn broken() -> ProviderError {
    error("IDP_METADATA", "this is not the SAML metadata of an identity provider")
}

fn described(root: Node<'_, '_>, private: bool, now: Timestamp) -> Result<Provider, ProviderError> {
    let entity = entity(root)?;
    let role = entity.only(METADATA, "IDPSSODescriptor").ok_or_else(broken)?;
    let (mut valid_until, mut cache): (Option<Timestamp>, Option<i64>) = (None, None);
    for node in [root, entity, role] {
        let end = node.attribute("validUntil").map(|text| instant(text).ok_or_else(broken)).transpose()?;
        if end.is_some_and(|end| end <= now) {
            return Err(error("IDP_METADATA_OLD", "the document says of itself that it is out of date"));
        }
        valid_until = [valid_until, end].into_iter().flatten().min();
        cache = [cache, node.attribute("cacheDuration").and_then(duration)].into_iter().flatten().min();
    }
    let entity_id = entity.attribute("entityID").unwrap_or_default().to_owned();
    if entity_id.is_empty() || entity_id.len() > LONGEST_NAME || entity_id.chars().any(char::is_control) {
        return Err(broken());
    }
    if !role.attribute("protocolSupportEnumeration").unwrap_or_default().split(' ').any(|word| word == PROTOCOL) {
        return Err(error("IDP_METADATA", "the provider does not speak SAML 2.0"));
    }
    let address = |binding| service(role, binding, private);
    let (redirect, post) = (address(REDIRECT)?, address(POST)?);
    if redirect.is_none() && post.is_none() {
        return Err(error("IDP_BINDING", "the provider takes requests neither by HTTP-Redirect nor by HTTP-POST"));
    }
    let (logout_redirect, logout_post) = (logout(role, REDIRECT, private)?, logout(role, POST, private)?);
    let certificates = certificates(role)?;
    let signer = None;
    Ok(Provider { entity_id, certificates, redirect, post, logout_redirect, logout_post, valid_until, cache, signer })
}

/// A duration as XML Schema writes it, in microseconds. One that cannot be read asks for nothing.
fn duration(text: &str) -> Option<i64> {
    let span: jiff::Span = text.parse().ok()?;
    let days = jiff::SpanRelativeTo::days_are_24_hours();
    let from = jiff::civil::date(2000, 1, 1);
    let length = if span.get_months() != 0 || span.get_years() != 0 {
        span.to_duration(from).ok()?
    } else {
        span.to_duration(days).ok()?
    };
    i64::try_from(length.as_micros()).ok().filter(|length| *length > 0)
}

/// The document is one provider, or a list in which one is a provider.
fn entity<'d, 'a>(root: Node<'d, 'a>) -> Result<Node<'d, 'a>, ProviderError> {
    if root.is(METADATA, "EntityDescriptor") {
        return Ok(root);
    }
    let listed = root.every(METADATA, "EntityDescriptor").into_iter();
    let mut providers = listed.filter(|entity| !entity.every(METADATA, "IDPSSODescriptor").is_empty());
    match (providers.next(), providers.next()) {
        (Some(one), None) if root.is(METADATA, "EntitiesDescriptor") => Ok(one),
        (Some(_), Some(_)) => Err(error("IDP_METADATA", "the document describes several identity providers")),
        _ => Err(error("IDP_METADATA", "this is not the SAML metadata of an identity provider")),
    }
}

/// Signing keys. A key that does not say what it is for is for both (metadata section 2.4.1.1).
fn certificates(role: Node<'_, '_>) -> Result<Vec<String>, ProviderError> {
    let keys = role.every(METADATA, "KeyDescriptor").into_iter();
    let signing = keys.filter(|key| key.attribute("use").is_none_or(|used| used == "signing"));
    let mut found: Vec<String> = Vec::new();
    for key in signing {
        let inside = key.all().into_iter().filter(|node| node.is(SIGNATURE, "X509Certificate"));
        for text in inside.filter_map(Node::text) {
            let text: String = text.split_ascii_whitespace().collect();
            if BASE64_STANDARD.decode(&text).is_ok() && is_usable(&text) && !found.contains(&text) {
                found.push(text);
            }
        }
    }
    match found.len() {
        0 => Err(error(
            "IDP_KEYS",
            "the metadata has no signing certificate that can be used (RSA from 2048 bit, or EC P-256 or P-384)",
        )),
        n if n > certificate::MOST => Err(error("IDP_KEYS", "the metadata has too many signing certificates")),
        _ => Ok(found),
    }
}

fn service(role: Node<'_, '_>, binding: &str, private: bool) -> Result<Option<String>, ProviderError> {
    let services = role.every(METADATA, "SingleSignOnService").into_iter();
    let mut fitting = services.filter(|service| service.attribute("Binding") == Some(binding));
    let Some(location) = fitting.next().and_then(|service| service.attribute("Location")) else { return Ok(None) };
    located(location, "sign-in", private).map(Some)
}

fn logout(role: Node<'_, '_>, binding: &str, private: bool) -> Result<Option<LogoutAt>, ProviderError> {
    let services = role.every(METADATA, "SingleLogoutService").into_iter();
    let mut fitting = services.filter(|service| service.attribute("Binding") == Some(binding));
    let Some(service) = fitting.next() else { return Ok(None) };
    let Some(location) = service.attribute("Location") else { return Ok(None) };
    let requests = located(location, "sign-out", private)?;
    let answers = service.attribute("ResponseLocation").map(|at| located(at, "sign-out", private)).transpose()?;
    Ok(Some(LogoutAt { answers: answers.unwrap_or_else(|| requests.clone()), requests }))
}

fn located(location: &str, what: &str, private: bool) -> Result<String, ProviderError> {
    let address = Wire::address(location, private)
        .map_err(|why| ProviderError { code: "IDP_ADDRESS", detail: format!("its {what} address: {why}") })?;
    Ok(address.into())
}

/// The keys of ours that providers should know: those that may sign, and those to encrypt to.
fn our_keys(settings: &Settings) -> String {
    let key = |certificate: &str, used: &str, methods: &str| {
        format!(
            "<md:KeyDescriptor use=\"{used}\"><ds:KeyInfo xmlns:ds=\"{SIGNATURE}\"><ds:X509Data>\
             <ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>{methods}\
             </md:KeyDescriptor>\n"
        )
    };
    let methods = "<md:EncryptionMethod Algorithm=\"http://www.w3.org/2009/xmlenc11#aes256-gcm\"/>\
         <md:EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p\"/>";
    let other = settings.other.as_ref();
    let signing = [Some(&settings.certificate), other.map(|other| &other.certificate)];
    // Nobody should begin to encrypt to a key that goes.
    let next = other.filter(|other| other.stage == Stage::Next);
    let sealing = [Some(&settings.certificate), next.map(|other| &other.certificate)];
    let signing = signing.into_iter().flatten().map(|certificate| key(certificate, "signing", ""));
    signing.chain(sealing.into_iter().flatten().map(|certificate| key(certificate, "encryption", methods))).collect()
}

/// Ours, for the provider.
pub(super) fn ours(settings: &Settings, entity_id: &str, acs: &str, slo: &str) -> String {
    let (entity_id, acs, slo) = (escaped(entity_id), escaped(acs), escaped(slo));
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <md:EntityDescriptor xmlns:md=\"{METADATA}\" entityID=\"{entity_id}\">\n\
         <md:SPSSODescriptor AuthnRequestsSigned=\"true\" WantAssertionsSigned=\"{}\" \
         protocolSupportEnumeration=\"{PROTOCOL}\">\n{}\
         <md:SingleLogoutService Binding=\"{REDIRECT}\" Location=\"{slo}\"/>\n\
         <md:SingleLogoutService Binding=\"{POST}\" Location=\"{slo}\"/>\n\
         <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>\n\
         <md:AssertionConsumerService Binding=\"{POST}\" Location=\"{acs}\" index=\"0\" isDefault=\"true\"/>\n\
         </md:SPSSODescriptor>\n</md:EntityDescriptor>\n",
        !settings.response_signed,
        our_keys(settings)
    )
}
