//! Who signed, what, and how.

use ring::digest;

use super::{
    case::{At, Case, refused, signs_in},
    pen::{Draft, EXCLUSIVE, assertion, bare, certificate_hint, forged, info, signature_of},
};
use crate::issuer::{Sign, keys};

const SHA1_DIGEST: (&str, &digest::Algorithm) =
    ("http://www.w3.org/2000/09/xmldsig#sha1", &digest::SHA1_FOR_LEGACY_USE_ONLY);
const HMAC: &str = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256";

fn other_key(d: &mut Draft) {
    d.sign = || Sign::Rs256(&keys().forger);
}

fn hmac(d: &mut Draft) {
    d.method = HMAC;
}

pub const CASES: &[Case] = &[
    signs_in("ok-assertion-signed", "the assertion is signed", |_| {}),
    signs_in("ok-both-signed", "assertion and response are signed", |d| d.sign_response = true),
    refused("ok-response-signed", "ASSERTION_UNSIGNED", "S24: only the response is signed", |d| {
        (d.sign_assertion, d.sign_response) = (false, true);
    })
    .because("believed only where an administrator asked for it, as the next"),
    signs_in("ok-response-signed-allowed", "S24: the same where that was asked for", |d| {
        (d.sign_assertion, d.sign_response) = (false, true);
    })
    .at(At::Whole),
    signs_in("ok-sha512", "RSA with SHA-512", |d| {
        d.method = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512";
        d.digest = ("http://www.w3.org/2001/04/xmlenc#sha512", &digest::SHA512);
        d.sign = || Sign::Rs512(&keys().main);
    })
    .because("stronger than asked for"),
    signs_in("ok-no-keyinfo", "no hint at the key", |d| d.key_info = |_, _| String::new()),
    refused("unsigned", "RESPONSE_UNSIGNED", "S19: no signature", |d| d.sign_assertion = false),
    refused("unsigned-allowed", "RESPONSE_UNSIGNED", "S19: no signature, where the response's would be enough", |d| {
        d.sign_assertion = false;
    })
    .at(At::Whole),
    refused("sig-stripped", "RESPONSE_UNSIGNED", "S19: the signature is taken out", |d| d.after = |_, t| bare(&t)),
    refused("tampered-nameid", "SIGNATURE_DIGEST", "another NameID after signing", |d| {
        d.after = |s, t| t.replace(&s.subject(), "sub-evil");
    }),
    refused("tampered-attribute", "SIGNATURE_DIGEST", "another attribute after signing", |d| {
        d.after = |_, t| t.replace(">staff<", ">admins<");
    }),
    refused("tampered-added-attribute", "SIGNATURE_DIGEST", "one attribute more after signing", |d| {
        d.after = |_, t| {
            t.replace(
                "</saml:AttributeStatement>",
                "<saml:Attribute Name=\"groups\"><saml:AttributeValue>admins</saml:AttributeValue></saml:Attribute>\
                 </saml:AttributeStatement>",
            )
        };
    }),
    refused("tampered-time", "SIGNATURE_DIGEST", "a later end after signing", |d| {
        d.after = |s, t| t.replace(&s.at(300), &s.at(9_000));
    }),
    refused("tampered-signed-response", "SIGNATURE_DIGEST", "another status under a response's signature", |d| {
        d.sign_response = true;
        d.after = |_, t| t.replace("status:Success", "status:Requester");
    }),
    refused("other-key", "SIGNATURE_WRONG", "S20: another key, its certificate with it", |d| {
        other_key(d);
        d.key_info = |_, _| certificate_hint(&keys().forger);
    }),
    refused("other-key-trusted-keyinfo", "SIGNATURE_WRONG", "another key, the right certificate with it", other_key),
    refused("other-key-keyvalue", "SIGNATURE_WRONG", "another key, given as a value", |d| {
        other_key(d);
        d.key_info = |_, _| {
            "<ds:KeyInfo><ds:KeyValue><ds:RSAKeyValue><ds:Modulus>AQAB</ds:Modulus><ds:Exponent>AQAB</ds:Exponent>\
             </ds:RSAKeyValue></ds:KeyValue></ds:KeyInfo>"
                .to_owned()
        };
    }),
    refused("other-key-no-keyinfo", "SIGNATURE_WRONG", "another key, no hint", |d| {
        other_key(d);
        d.key_info = |_, _| String::new();
    }),
    refused("other-key-retrieval", "SIGNATURE_FORM", "another key, to be fetched outside", |d| {
        other_key(d);
        d.key_info = |s, _| format!("<ds:KeyInfo><ds:RetrievalMethod URI=\"{}/key\"/></ds:KeyInfo>", s.outside);
    }),
    refused("connection-b-key", "SIGNATURE_WRONG", "S22: the key of another connection", |d| {
        d.sign = || Sign::Rs256(&keys().next);
    }),
    refused("broken-response-signature", "SIGNATURE_WRONG", "a good assertion in a response whose signature is wrong", |d| {
        d.after = |s, t| {
            let mut forger = Draft::default();
            other_key(&mut forger);
            forger.signed(s, t, "_r1")
        };
    }),
    refused("hmac-cert-pem", "SIGNATURE_ALGORITHM", "S25: HMAC under the certificate", |d| {
        hmac(d);
        d.sign = || Sign::Hs256(keys().main.certificate().into_bytes());
    }),
    refused("hmac-spki-pem", "SIGNATURE_ALGORITHM", "S25: HMAC under the public key as PEM", |d| {
        hmac(d);
        d.sign = || Sign::Hs256(keys().main.pem().into_bytes());
    }),
    refused("hmac-spki-der", "SIGNATURE_ALGORITHM", "S25: HMAC under the public key as DER", |d| {
        hmac(d);
        d.sign = || Sign::Hs256(keys().main.der());
    }),
    refused("hmac-empty", "SIGNATURE_ALGORITHM", "S25: HMAC under nothing", |d| {
        hmac(d);
        d.sign = || Sign::Hs256(Vec::new());
    }),
    refused("hmac-truncated", "SIGNATURE_FORM", "S25: HMAC of no length", |d| {
        hmac(d);
        d.info = |_, t| {
            t.replace("</ds:SignatureMethod>", "<ds:HMACOutputLength>0</ds:HMACOutputLength></ds:SignatureMethod>")
        };
    }),
    refused("alg-none", "SIGNATURE_ALGORITHM", "the algorithm `none`", |d| {
        d.method = "none";
        d.sign = || Sign::Bytes(vec![0]);
    }),
    refused("rsa-sha1", "SIGNATURE_ALGORITHM", "S25: RSA with SHA-1 by the right key", |d| {
        d.method = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
        d.digest = SHA1_DIGEST;
        d.sign = || Sign::Rs1(&keys().main);
    }),
    refused("sha1-digest", "SIGNATURE_ALGORITHM", "S25: RSA with SHA-256 over a SHA-1 hash", |d| d.digest = SHA1_DIGEST),
    refused("rsa-md5", "SIGNATURE_ALGORITHM", "RSA with MD5", |d| {
        d.method = "http://www.w3.org/2001/04/xmldsig-more#rsa-md5";
    }),
    refused("empty-signature", "SIGNATURE_FORM", "an empty signature", |d| {
        d.signature = |_, _| "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"></ds:Signature>".to_owned();
    }),
    refused("no-reference", "SIGNATURE_FORM", "a signature over nothing", |d| {
        d.info = |_, t| {
            let (head, rest) = t.split_once("<ds:Reference ").unwrap();
            format!("{head}{}", rest.split_once("</ds:Reference>").unwrap().1)
        };
    }),
    refused("two-references", "SIGNATURE_FORM", "two references", |d| {
        d.info = |_, t| {
            let (_, rest) = t.split_once("<ds:Reference ").unwrap();
            let one = rest.split_once("</ds:SignedInfo>").unwrap().0;
            t.replace("</ds:SignedInfo>", &format!("<ds:Reference {one}</ds:SignedInfo>"))
        };
    }),
    refused("reference-elsewhere", "SIGNATURE_REFERENCE", "a good signature over another element", |d| {
        d.info = |_, t| t.replace("#_a1", "#_r1");
    }),
    refused("reference-empty-uri", "SIGNATURE_REFERENCE", "S27: a reference to the whole document", |d| {
        d.info = |s, t| t.replace(&s.id("#_a1"), "");
    })
    .because("SAML demands the ID"),
    refused("reference-xpointer", "SIGNATURE_REFERENCE", "S27: a reference by XPointer", |d| {
        d.info = |s, t| t.replace(&s.id("#_a1"), &format!("#xpointer(id('{}'))", s.id("_a1")));
    }),
    refused("reference-external", "SIGNATURE_REFERENCE", "S27: a reference to an address outside", |d| {
        d.info = |s, t| t.replace(&s.id("#_a1"), &format!("{}/signed.xml", s.outside));
    }),
    refused("reference-file", "SIGNATURE_REFERENCE", "S27: a reference to a file", |d| {
        d.info = |s, t| t.replace(&s.id("#_a1"), "file:///etc/hostname");
    }),
    refused("transform-xslt", "SIGNATURE_TRANSFORM", "S26: a transform by XSLT", |d| {
        d.info = |_, t| {
            t.replace(&format!("<ds:Transform Algorithm=\"{EXCLUSIVE}\">"), "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\">")
        };
    }),
    refused("transform-xpath", "SIGNATURE_TRANSFORM", "S26: a transform by XPath that leaves nothing", |d| {
        d.info = |_, t| {
            t.replace(
                "</ds:Transforms>",
                "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><ds:XPath>false()</ds:XPath>\
                 </ds:Transform></ds:Transforms>",
            )
        };
    }),
    refused("transform-inclusive", "SIGNATURE_TRANSFORM", "inclusive canonicalisation", |d| {
        d.info = |_, t| {
            t.replace(
                &format!("<ds:Transform Algorithm=\"{EXCLUSIVE}\">"),
                "<ds:Transform Algorithm=\"http://www.w3.org/TR/2001/REC-xml-c14n-20010315\">",
            )
        };
    })
    .because("it takes in namespaces from around the assertion; SAML says exclusive"),
    refused("digest-comment", "RESPONSE_MARKUP", "S13: a comment in the hash (CVE-2025-29775)", |d| {
        d.signature = |_, t| t.replace("<ds:DigestValue>", "<ds:DigestValue><!--AAAA-->");
    }),
    refused("two-signedinfo-first", "SIGNATURE_FORM", "S13: a forged SignedInfo before the real one", |d| {
        d.signature = |s, t| {
            let forged = info(super::pen::RSA_SHA256, "#_a1", super::pen::SHA256, &s.case.repeat(4));
            t.replacen("<ds:SignedInfo>", &format!("{forged}<ds:SignedInfo>"), 1)
        };
    }),
    refused("two-signedinfo-second", "SIGNATURE_FORM", "S13: a forged SignedInfo behind the real one", |d| {
        d.signature = |s, t| {
            let forged = info(super::pen::RSA_SHA256, "#_a1", super::pen::SHA256, &s.case.repeat(4));
            t.replacen("</ds:SignedInfo>", &format!("</ds:SignedInfo>{forged}"), 1)
        };
    }),
    refused("signature-object", "SIGNATURE_FORM", "S10: an object in the signature", |d| {
        d.signature = |_, t| t.replace("</ds:Signature>", "<ds:Object>x</ds:Object></ds:Signature>");
    }),
    refused("signed-error-decoy", "RESPONSE_ASSERTIONS", "S11: a signed error, with an assertion in a second signature", |d| {
        (d.sign_assertion, d.sign_response) = (false, true);
        d.response = |_, t| {
            let start = t.find("<saml:Assertion ").unwrap();
            format!("{}</samlp:Response>", &t[..start]).replace("status:Success", "status:Responder")
        };
        d.after = |s, t| {
            let decoy = format!(
                "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:Object>{}</ds:Object></ds:Signature>",
                forged(s)
            );
            t.replace("</samlp:Response>", &format!("{decoy}</samlp:Response>"))
        };
    })
    .at(At::Whole),
    refused("response-signature-covers-nothing", "SIGNATURE_REFERENCE", "S24: a response's signature over something small", |d| {
        (d.sign_assertion, d.sign_response) = (false, true);
        d.info = |s, t| t.replace(&s.id("#_r1"), "#_small");
        d.after = |_, t| t.replace("<samlp:Status>", "<samlp:Extensions ID=\"_small\"></samlp:Extensions><samlp:Status>");
    })
    .at(At::Whole),
    refused("swapped-signature", "SIGNATURE_DIGEST", "the signature of an older assertion", |d| {
        d.after = |s, t| {
            let older = Draft::default().signed(s, assertion(s, "sub-older", "_a1"), "_a1");
            t.replace(signature_of(&t), signature_of(&older))
        };
    }),
];
