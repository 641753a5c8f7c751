//! Our messages: signed always, so that a provider can refuse those that somebody else makes in our name.

use std::io::Write;

use base64::{Engine, prelude::BASE64_STANDARD};
use bergshamra_c14n::{C14nMode, canonicalize};
use flate2::{Compression, write::DeflateEncoder};
use sha2::{Digest, Sha256};
use url::{Url, form_urlencoded::byte_serialize};

use super::{
    certificate::{RSA_SHA256, sign},
    flow::{Posting, Way},
    xml::{EXCLUSIVE, SIGNATURE, escaped},
};
use crate::model::Timestamp;

pub(super) const REQUEST: &str = "SAMLRequest";
pub(super) const RESPONSE: &str = "SAMLResponse";

/// A message of ours.
pub(super) struct Message<'a> {
    /// [`REQUEST`] or [`RESPONSE`].
    pub field: &'static str,
    /// Answers name it; nobody can guess it.
    pub id: &'a str,
    pub destination: &'a str,
    /// What the other side wants to hear again.
    pub relay_state: Option<&'a str>,
    /// Its text; a signature goes between the halves.
    pub halves: [String; 2],
}

/// An `AuthnRequest`.
pub(super) struct Request<'a> {
    pub id: &'a str,
    pub entity_id: &'a str,
    pub acs: &'a str,
    pub destination: &'a str,
    /// The provider has to ask who that is, even if it knows.
    pub force: bool,
    pub now: Timestamp,
}

impl<'a> Request<'a> {
    pub fn message(&self) -> Message<'a> {
        let text = |text: &str| escaped(text);
        let halves = [
            format!(
                "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
                 AssertionConsumerServiceURL=\"{}\" Destination=\"{}\"{} ID=\"{}\" IssueInstant=\"{}\" \
                 ProtocolBinding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Version=\"2.0\">\
                 <saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{}</saml:Issuer>",
                text(self.acs),
                text(self.destination),
                if self.force { " ForceAuthn=\"true\"" } else { "" },
                self.id,
                self.now.rfc3339(),
                text(self.entity_id),
            ),
            "<samlp:NameIDPolicy AllowCreate=\"true\"></samlp:NameIDPolicy></samlp:AuthnRequest>".to_owned(),
        ];
        Message { field: REQUEST, id: self.id, destination: self.destination, relay_state: None, halves }
    }
}

impl Message<'_> {
    /// By a redirect, or by a form that the browser posts; `None`: the key cannot sign.
    pub fn way(&self, redirect: bool, key: &[u8]) -> Option<Way> {
        if redirect {
            return self.redirect(key).map(Way::Redirect);
        }
        let action = self.destination.parse().ok()?;
        let relay_state = self.relay_state.map(str::to_owned);
        Some(Way::Form(Posting { action, field: self.field, message: self.form(key)?, relay_state }))
    }

    /// The address to send a browser to (bindings section 3.4).
    fn redirect(&self, key: &[u8]) -> Option<Url> {
        let mut deflated = DeflateEncoder::new(Vec::new(), Compression::default());
        deflated.write_all(self.halves.concat().as_bytes()).ok()?;
        let message = BASE64_STANDARD.encode(deflated.finish().ok()?);
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let relay_state = self.relay_state.map(|text| format!("&RelayState={}", encoded(text))).unwrap_or_default();
        // The signature covers exactly these characters in this order.
        let query = format!("{}={}{relay_state}&SigAlg={}", self.field, encoded(&message), encoded(RSA_SHA256));
        let value = BASE64_STANDARD.encode(sign(key, query.as_bytes())?);
        let mut url: Url = self.destination.parse().ok()?;
        let before = url.query().map(|query| format!("{query}&")).unwrap_or_default();
        url.set_query(Some(&format!("{before}{query}&Signature={}", encoded(&value))));
        Some(url)
    }

    /// The value of the form's field (bindings section 3.5).
    fn form(&self, key: &[u8]) -> Option<String> {
        let [head, tail] = &self.halves;
        let canonical = |text: &str| canonicalize::<&str>(text, C14nMode::Exclusive, None, &[]).ok();
        let digest = BASE64_STANDARD.encode(Sha256::digest(canonical(&format!("{head}{tail}"))?));
        let info = format!(
            "<ds:SignedInfo xmlns:ds=\"{SIGNATURE}\"><ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"/>\
             <ds:SignatureMethod Algorithm=\"{RSA_SHA256}\"/><ds:Reference URI=\"#{}\"><ds:Transforms>\
             <ds:Transform Algorithm=\"{SIGNATURE}enveloped-signature\"/><ds:Transform Algorithm=\"{EXCLUSIVE}\"/>\
             </ds:Transforms><ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>\
             <ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>",
            self.id
        );
        let value = BASE64_STANDARD.encode(sign(key, &canonical(&info)?)?);
        let signature = format!(
            "<ds:Signature xmlns:ds=\"{SIGNATURE}\">{info}<ds:SignatureValue>{value}</ds:SignatureValue></ds:Signature>"
        );
        Some(BASE64_STANDARD.encode(format!("{head}{signature}{tail}")))
    }
}
