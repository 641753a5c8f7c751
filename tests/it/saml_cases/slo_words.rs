//! Words of single logout: honest ones, and what a forger makes of them.

use std::io::Write;

use base64::{Engine, prelude::BASE64_STANDARD};
use flate2::{Compression, write::DeflateEncoder};
use url::form_urlencoded::byte_serialize;

use super::{
    encryption::{name_with, with_gcm},
    pen::{Draft, Edit, RSA_SHA256, Site, bare, behind_issuer, signature_of},
};
use crate::issuer::{Sign, keys};

pub const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
pub const SAML: &str = "xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"";

/// How a message comes, and what a case makes of an honest one.
pub struct Word {
    pub name: &'static str,
    pub post: bool,
    /// Before it is signed.
    pub text: Edit,
    pub sign: fn() -> Sign,
    pub method: &'static str,
    /// The finished query, or the finished document.
    pub after: Edit,
    pub expect: Expect,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    Ends,
    /// Heeded, and the session goes on.
    Stays,
    Refused(&'static str),
}

pub const fn word(name: &'static str, post: bool, expect: Expect) -> Word {
    Word {
        name,
        post,
        text: |_, text| text,
        sign: || Sign::Rs256(&keys().main),
        method: RSA_SHA256,
        after: |_, text| text,
        expect,
    }
}

const fn refused(name: &'static str, post: bool, code: &'static str) -> Word {
    word(name, post, Expect::Refused(code))
}

impl Word {
    const fn text(mut self, text: Edit) -> Self {
        self.text = text;
        self
    }

    const fn after(mut self, after: Edit) -> Self {
        self.after = after;
        self
    }

    const fn signed(mut self, method: &'static str, sign: fn() -> Sign) -> Self {
        (self.method, self.sign) = (method, sign);
        self
    }
}

pub const EVERY: &[Word] = &[
    word("by session, redirect", false, Expect::Ends),
    word("by session, form", true, Expect::Ends),
    word("by name alone", false, Expect::Ends)
        .text(|_, t| without(&t, "<samlp:SessionIndex>", "</samlp:SessionIndex>")),
    word("one session of two", true, Expect::Ends).text(|_, t| {
        t.replacen("<samlp:SessionIndex>", "<samlp:SessionIndex>_other</samlp:SessionIndex><samlp:SessionIndex>", 1)
    }),
    word("an encrypted name, redirect", false, Expect::Ends)
        .text(|site, t| name_with(&t, |name| with_gcm(site, name.to_owned()))),
    word("an encrypted name, form", true, Expect::Ends)
        .text(|site, t| name_with(&t, |name| with_gcm(site, name.to_owned()))),
    refused("a name encrypted to somebody else", false, "LOGOUT_SUBJECT").text(|site, t| {
        let other = Site { certificate: keys().forger.certificate(), ..site.clone() };
        name_with(&t, |name| with_gcm(&other, name.to_owned()))
    }),
    word("without an end", false, Expect::Ends).text(|_, t| without(&t, " NotOnOrAfter=\"", "Z\"")),
    word("s51-foreign-session", false, Expect::Stays).text(|_, t| t.replace(">_s-slo<", ">_s-telephone<")),
    word("s51-foreign-name", true, Expect::Stays).text(|_, t| t.replace(">sub-slo<", ">sub-somebody<")),
    refused("s51-unsigned, redirect", false, "LOGOUT_UNSIGNED").after(|_, q| q.split("&SigAlg").next().unwrap().into()),
    refused("s51-unsigned, form", true, "LOGOUT_UNSIGNED").after(|_, t| bare(&t)),
    refused("signature dropped, algorithm left", false, "LOGOUT_UNSIGNED")
        .after(|_, q| q.split("&Signature").next().unwrap().into()),
    refused("another key, redirect", false, "SIGNATURE_WRONG").signed(RSA_SHA256, || Sign::Rs256(&keys().forger)),
    refused("another key, form", true, "SIGNATURE_WRONG").signed(RSA_SHA256, || Sign::Rs256(&keys().forger)),
    refused("the key of another provider", false, "SIGNATURE_WRONG").signed(RSA_SHA256, || Sign::Rs256(&keys().next)),
    refused("sha-1", false, "SIGNATURE_ALGORITHM")
        .signed("http://www.w3.org/2000/09/xmldsig#rsa-sha1", || Sign::Rs1(&keys().main)),
    refused("no algorithm", false, "SIGNATURE_ALGORITHM").signed("none", || Sign::Bytes(vec![1])),
    refused("relay state changed", false, "SIGNATURE_WRONG")
        .after(|_, q| q.replace("RelayState=back", "RelayState=bacK")),
    refused("relay state taken away", false, "SIGNATURE_WRONG").after(|_, q| q.replace("&RelayState=back", "")),
    refused("spelt in small letters", false, "SIGNATURE_WRONG")
        .after(|_, q| q.replace("%2F", "%2f").replace("%3D", "%3d").replace("%3A", "%3a")),
    refused("message twice", false, "LOGOUT_FORM").after(|_, q| format!("{q}&SAMLRequest=YQ%3D%3D")),
    refused("message twice, disguised", false, "LOGOUT_FORM").after(|_, q| format!("SAML%52equest=YQ%3D%3D&{q}")),
    refused("request and response", false, "LOGOUT_FORM").after(|_, q| format!("{q}&SAMLResponse=YQ%3D%3D")),
    refused("changed after it was signed", true, "SIGNATURE_DIGEST").after(|_, t| t.replace("sub-slo", "sub-evil")),
    refused("s51-wrapped: the signed one in Extensions", true, "RESPONSE_WRAPPED").after(|site, t| {
        let evil = request(site, "sub-slo", "_s-slo").replace(&site.id("_l1"), "_evil");
        evil.replace(
            "</samlp:LogoutRequest>",
            &format!("<samlp:Extensions>{t}</samlp:Extensions></samlp:LogoutRequest>"),
        )
    }),
    refused("s51-wrapped: its signature on another", true, "SIGNATURE_REFERENCE").after(|site, t| {
        let signature = signature_of(&t).to_owned();
        let evil = request(site, "sub-slo", "_s-slo").replace(&site.id("_l1"), "_evil");
        behind_issuer(&evil, &signature)
    }),
    refused("s51-wrapped: the signature further in", true, "SIGNATURE_PLACE").after(|_, t| {
        let signature = signature_of(&t).to_owned();
        behind_issuer(&bare(&t), &format!("<samlp:Extensions>{signature}</samlp:Extensions>"))
    }),
    refused("a signature inside a redirect", false, "SIGNATURE_PLACE")
        .text(|site, t| Draft::default().signed(site, t, "_l1")),
    refused("another issuer", false, "LOGOUT_ISSUER").text(|_, t| t.replace("https://slo.id", "https://other.id")),
    refused("another destination", false, "LOGOUT_DESTINATION").text(|_, t| t.replace("/slo\"", "/acs\"")),
    refused("no destination", true, "LOGOUT_DESTINATION").text(|_, t| without(&t, " Destination=\"", "/slo\"")),
    refused("an hour old", false, "LOGOUT_TIME").text(|site, t| t.replacen(&site.at(0), &site.at(-3600), 1)),
    refused("an hour ahead", true, "LOGOUT_TIME").text(|site, t| t.replacen(&site.at(0), &site.at(3600), 1)),
    refused("run out", false, "LOGOUT_TIME").text(|site, t| t.replace(&site.at(300), &site.at(-90))),
    refused("another version", false, "LOGOUT_TIME").text(|_, t| t.replace("\"2.0\"", "\"1.1\"")),
    refused("nobody", false, "LOGOUT_SUBJECT").text(|_, t| without(&t, "<saml:NameID", "</saml:NameID>")),
    refused("a name in parts", false, "LOGOUT_SUBJECT").text(|_, t| t.replace("sub-slo", "sub<a></a>-slo")),
    refused("a comment in the name", false, "RESPONSE_MARKUP").text(|_, t| t.replace("sub-slo", "sub<!-- -->-slo")),
    refused("a document type", false, "RESPONSE_MARKUP").text(|_, t| format!("<!DOCTYPE a>{t}")),
    refused("another message", false, "LOGOUT_KIND").text(|_, t| t.replace("LogoutRequest", "ArtifactResolve")),
    refused("a bomb", false, "RESPONSE_SIZE").text(|_, t| format!("{}{t}", " ".repeat(1 << 22))),
    refused("not XML", true, "RESPONSE_XML").after(|_, _| "nothing".into()),
];

fn without(text: &str, from: &str, to: &str) -> String {
    let start = text.find(from).unwrap();
    let end = start + text[start..].find(to).unwrap() + to.len();
    format!("{}{}", &text[..start], &text[end..])
}

pub fn slo(site: &Site) -> String {
    format!("{}slo", site.acs.strip_suffix("acs").unwrap())
}

/// An honest request in canonical form, unsigned.
pub fn request(site: &Site, name: &str, index: &str) -> String {
    format!(
        "<samlp:LogoutRequest xmlns:samlp=\"{PROTOCOL}\" Destination=\"{}\" ID=\"{}\" IssueInstant=\"{}\" \
         NotOnOrAfter=\"{}\" Version=\"2.0\"><saml:Issuer {SAML}>{}</saml:Issuer><saml:NameID {SAML} \
         Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">{name}</saml:NameID>\
         <samlp:SessionIndex>{index}</samlp:SessionIndex></samlp:LogoutRequest>",
        slo(site),
        site.id("_l1"),
        site.at(0),
        site.at(300),
        site.entity_id
    )
}

fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

pub fn query(field: &str, text: &str, method: &str, sign: &Sign) -> String {
    let mut deflated = DeflateEncoder::new(Vec::new(), Compression::default());
    deflated.write_all(text.as_bytes()).unwrap();
    let message = BASE64_STANDARD.encode(deflated.finish().unwrap());
    let query = format!("{field}={}&RelayState=back&SigAlg={}", encoded(&message), encoded(method));
    format!("{query}&Signature={}", encoded(&BASE64_STANDARD.encode(sign.sign(query.as_bytes()))))
}
