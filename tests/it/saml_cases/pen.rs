//! A SAML provider's pen: writes responses in canonical form, so that what it signs is what it wrote, and lets a
//! case change them before and after the signature.

use std::io::Read;

use base64::{Engine, prelude::BASE64_STANDARD};
use flate2::read::DeflateDecoder;
use ring::digest;

use crate::issuer::{Rsa, Sign, keys};

pub const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
pub const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
pub const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
pub const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
pub const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";

/// What a provider knows when it writes.
#[derive(Clone, Debug)]
pub struct Site {
    pub case: &'static str,
    /// Its own name.
    pub entity_id: String,
    /// The hub's name.
    pub audience: String,
    pub acs: String,
    /// The request that is answered; empty: nobody asked.
    pub request: String,
    /// The hub's certificate.
    pub certificate: String,
    /// A server that nobody has a reason to call.
    pub outside: String,
    /// Seconds since 1970.
    pub now: i64,
}

impl Site {
    pub fn subject(&self) -> String {
        format!("sub-{}", self.case)
    }

    /// An ID of its own for each case: none is taken twice.
    pub fn id(&self, which: &str) -> String {
        format!("{which}-{}", self.case)
    }

    /// An instant so many seconds from now.
    pub fn at(&self, seconds: i64) -> String {
        musubi::model::Timestamp((self.now + seconds) * musubi::model::Timestamp::SECOND).rfc3339()
    }
}

pub type Edit = fn(&Site, String) -> String;

/// What a case makes of an honest response. Each edit sees the text as it is at its time.
pub struct Draft {
    pub sign_assertion: bool,
    pub sign_response: bool,
    pub sign: fn() -> Sign,
    pub method: &'static str,
    pub digest: (&'static str, &'static digest::Algorithm),
    pub key_info: Edit,
    /// The assertion before it is signed.
    pub assertion: Edit,
    /// The signed assertion, which may be encrypted now.
    pub seal: Edit,
    /// The response, signed assertion inside, before it is signed itself.
    pub response: Edit,
    /// `SignedInfo` before it is signed.
    pub info: Edit,
    /// The whole signature, afterwards.
    pub signature: Edit,
    /// The finished document.
    pub after: Edit,
}

impl Default for Draft {
    fn default() -> Self {
        let same: Edit = |_, text| text;
        Self {
            sign_assertion: true,
            sign_response: false,
            sign: || Sign::Rs256(&keys().main),
            method: RSA_SHA256,
            digest: (SHA256, &digest::SHA256),
            key_info: |_, _| certificate_hint(&keys().main),
            assertion: same,
            seal: same,
            response: same,
            info: same,
            signature: same,
            after: same,
        }
    }
}

pub fn certificate_hint(key: &Rsa) -> String {
    format!(
        "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>",
        key.certificate()
    )
}

impl Draft {
    pub fn write(&self, site: &Site) -> String {
        let mut assertion = (self.assertion)(site, assertion(site, &site.subject(), "_a1"));
        if self.sign_assertion {
            assertion = self.signed(site, assertion, "_a1");
        }
        let mut response = (self.response)(site, response(site, &(self.seal)(site, assertion)));
        if self.sign_response {
            response = self.signed(site, response, "_r1");
        }
        (self.after)(site, response)
    }

    /// A text with its signature behind the Issuer.
    pub fn signed(&self, site: &Site, text: String, id: &str) -> String {
        let hash = BASE64_STANDARD.encode(digest::digest(self.digest.1, text.as_bytes()));
        let info = (self.info)(site, info(self.method, &format!("#{}", site.id(id)), self.digest.0, &hash));
        let value = BASE64_STANDARD.encode((self.sign)().sign(info.as_bytes()));
        // Its namespace is declared around it here.
        let info = info.replacen(&format!(" xmlns:ds=\"{DS}\""), "", 1);
        let signature = format!(
            "<ds:Signature xmlns:ds=\"{DS}\">{info}<ds:SignatureValue>{value}</ds:SignatureValue>{}</ds:Signature>",
            (self.key_info)(site, String::new())
        );
        behind_issuer(&text, &(self.signature)(site, signature))
    }
}

/// Puts something behind the first Issuer, or where the first element of the text begins if there is none.
pub fn behind_issuer(text: &str, what: &str) -> String {
    let end = "</saml:Issuer>";
    let at = text.find(end).map_or_else(|| text.find('>').unwrap() + 1, |at| at + end.len());
    format!("{}{what}{}", &text[..at], &text[at..])
}

pub fn info(method: &str, uri: &str, digest_method: &str, hash: &str) -> String {
    format!(
        "<ds:SignedInfo xmlns:ds=\"{DS}\"><ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\">\
         </ds:CanonicalizationMethod><ds:SignatureMethod Algorithm=\"{method}\"></ds:SignatureMethod>\
         <ds:Reference URI=\"{uri}\"><ds:Transforms><ds:Transform Algorithm=\"{DS}enveloped-signature\">\
         </ds:Transform><ds:Transform Algorithm=\"{EXCLUSIVE}\"></ds:Transform></ds:Transforms>\
         <ds:DigestMethod Algorithm=\"{digest_method}\"></ds:DigestMethod><ds:DigestValue>{hash}</ds:DigestValue>\
         </ds:Reference></ds:SignedInfo>"
    )
}

const SAML: &str = "xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"";

/// What an honest provider says of somebody, in canonical form, unsigned.
pub fn assertion(site: &Site, subject: &str, id: &str) -> String {
    let (before, now, end) = (site.at(-30), site.at(0), site.at(300));
    let request = in_response_to(site);
    let attribute = |name: &str, value: &str| {
        format!("<saml:Attribute Name=\"{name}\"><saml:AttributeValue>{value}</saml:AttributeValue></saml:Attribute>")
    };
    format!(
        "<saml:Assertion {SAML} ID=\"{}\" IssueInstant=\"{now}\" Version=\"2.0\">\
         <saml:Issuer>{}</saml:Issuer><saml:Subject>\
         <saml:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">{subject}</saml:NameID>\
         <saml:SubjectConfirmation Method=\"{BEARER}\"><saml:SubjectConfirmationData{request} \
         NotOnOrAfter=\"{end}\" Recipient=\"{}\"></saml:SubjectConfirmationData></saml:SubjectConfirmation>\
         </saml:Subject><saml:Conditions NotBefore=\"{before}\" NotOnOrAfter=\"{end}\"><saml:AudienceRestriction>\
         <saml:Audience>{}</saml:Audience></saml:AudienceRestriction></saml:Conditions>\
         <saml:AuthnStatement AuthnInstant=\"{now}\" SessionIndex=\"_s-{}\"><saml:AuthnContext>\
         <saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport\
         </saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>{}{}{}\
         </saml:AttributeStatement></saml:Assertion>",
        site.id(id),
        site.entity_id,
        site.acs,
        site.audience,
        site.case,
        attribute("displayName", "架空 花子"),
        attribute("mail", &format!("{}@staff.example", site.case)),
        attribute("groups", "staff"),
    )
}

fn in_response_to(site: &Site) -> String {
    if site.request.is_empty() { String::new() } else { format!(" InResponseTo=\"{}\"", site.request) }
}

/// Says it of a person who is the same in every case.
pub fn of_one(site: &Site, text: &str) -> String {
    text.replace(&format!(">{}<", site.subject()), ">sub-one<")
}

/// A response around something.
pub fn response(site: &Site, inside: &str) -> String {
    format!(
        "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" Destination=\"{}\" ID=\"{}\"{} \
         IssueInstant=\"{}\" Version=\"2.0\"><saml:Issuer {SAML}>{}</saml:Issuer><samlp:Status>\
         <samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"></samlp:StatusCode></samlp:Status>\
         {inside}</samlp:Response>",
        site.acs,
        site.id("_r1"),
        in_response_to(site),
        site.at(0),
        site.entity_id,
    )
}

/// The provider's metadata with the certificates of keys.
pub fn metadata(entity_id: &str, sso: &str, signing: &[&Rsa]) -> String {
    let keys: String = signing
        .iter()
        .map(|key| {
            format!(
                "<md:KeyDescriptor use=\"signing\"><ds:KeyInfo xmlns:ds=\"{DS}\"><ds:X509Data><ds:X509Certificate>{}\
                 </ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>",
                key.certificate()
            )
        })
        .collect();
    format!(
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{entity_id}\">\
         <md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{keys}\
         <md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"{sso}\"/>\
         </md:IDPSSODescriptor></md:EntityDescriptor>"
    )
}

/// The part of a text from one word to the end of another.
pub fn part<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let start = text.find(from).unwrap_or_else(|| panic!("{from} in {text}"));
    let end = text.rfind(to).unwrap() + to.len();
    &text[start..end]
}

pub fn assertion_of(text: &str) -> &str {
    part(text, "<saml:Assertion ", "</saml:Assertion>")
}

pub fn signature_of(text: &str) -> &str {
    part(text, "<ds:Signature ", "</ds:Signature>")
}

/// A signed text without its signature.
pub fn bare(text: &str) -> String {
    text.replace(signature_of(text), "")
}

/// What an attacker would like to be believed.
pub fn forged(site: &Site) -> String {
    assertion(site, "sub-evil", "_evil")
}

/// The text of the request in an address.
pub fn request_of(location: &str) -> String {
    let url = url::Url::parse(location).unwrap();
    let (_, value) = url.query_pairs().find(|(name, _)| name == "SAMLRequest").unwrap();
    let mut text = String::new();
    DeflateDecoder::new(&BASE64_STANDARD.decode(value.as_bytes()).unwrap()[..]).read_to_string(&mut text).unwrap();
    text
}
