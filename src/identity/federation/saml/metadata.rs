//! Metadata: a provider's as it comes in, ours as it goes out.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{
    assertion::instant,
    certificate::{self, is_usable},
    settings::Settings,
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
}

fn error(code: &'static str, detail: &str) -> ProviderError {
    ProviderError { code, detail: detail.to_owned() }
}

/// Reads the metadata of one provider.
pub(in crate::identity::federation) fn read(
    bytes: &[u8],
    private: bool,
    now: Timestamp,
) -> Result<Provider, ProviderError> {
    let broken = || error("IDP_METADATA", "this is not the SAML metadata of an identity provider");
    if bytes.len() > LARGEST {
        return Err(error("IDP_METADATA", "the document is larger than allowed"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| broken())?;
    let doc = parse(text.trim_start_matches('\u{FEFF}'), DEPTH).ok_or_else(broken)?;
    let entity = entity(Node::root(&doc).ok_or_else(broken)?)?;
    let role = entity.only(METADATA, "IDPSSODescriptor").ok_or_else(broken)?;
    for node in [entity, role] {
        let end = node.attribute("validUntil").map(|text| instant(text).ok_or_else(broken)).transpose()?;
        if end.is_some_and(|end| end <= now) {
            return Err(error("IDP_METADATA_OLD", "the document says of itself that it is out of date"));
        }
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
    Ok(Provider { entity_id, certificates: certificates(role)?, redirect, post })
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
    let address = Wire::address(location, private)
        .map_err(|why| ProviderError { code: "IDP_ADDRESS", detail: format!("its sign-in address: {why}") })?;
    Ok(Some(address.into()))
}

/// Ours, for the provider.
pub(super) fn ours(settings: &Settings, entity_id: &str, acs: &str) -> String {
    let (entity_id, acs) = (escaped(entity_id), escaped(acs));
    let key = format!(
        "<ds:KeyInfo xmlns:ds=\"{SIGNATURE}\"><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data>\
         </ds:KeyInfo>",
        settings.certificate
    );
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <md:EntityDescriptor xmlns:md=\"{METADATA}\" entityID=\"{entity_id}\">\n\
         <md:SPSSODescriptor AuthnRequestsSigned=\"true\" WantAssertionsSigned=\"{}\" \
         protocolSupportEnumeration=\"{PROTOCOL}\">\n\
         <md:KeyDescriptor use=\"signing\">{key}</md:KeyDescriptor>\n\
         <md:KeyDescriptor use=\"encryption\">{key}\
         <md:EncryptionMethod Algorithm=\"http://www.w3.org/2009/xmlenc11#aes256-gcm\"/>\
         <md:EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p\"/></md:KeyDescriptor>\n\
         <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>\n\
         <md:AssertionConsumerService Binding=\"{POST}\" Location=\"{acs}\" index=\"0\" isDefault=\"true\"/>\n\
         </md:SPSSODescriptor>\n</md:EntityDescriptor>\n",
        !settings.response_signed
    )
}
