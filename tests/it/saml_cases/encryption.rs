//! Encrypted assertions: what is opened, and what is not.

use aes::cipher::{BlockModeEncrypt, KeyIvInit, block_padding::NoPadding};
use base64::{Engine, prelude::BASE64_STANDARD};
use oaep::{Oaep, pkcs8::DecodePublicKey};
use ring::aead;

use super::{
    case::{At, Case, refused, signs_in},
    pen::{Draft, Site, forged},
};
use crate::issuer::keys;

const WRONG: &str = "RESPONSE_DECRYPTION";
const GCM: &str = "http://www.w3.org/2009/xmlenc11#aes256-gcm";
const CBC: &str = "http://www.w3.org/2001/04/xmlenc#aes128-cbc";
const MGF1P: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
const ENC: &str = "http://www.w3.org/2001/04/xmlenc#";

/// An assertion, encrypted to a certificate. The content key is no secret: these are tests.
fn to(certificate: &str, text: &str, method: &str, spoil: fn(&mut Vec<u8>)) -> String {
    let (key, mut cipher) = if method == GCM { gcm(text) } else { cbc(text) };
    spoil(&mut cipher);
    let der = BASE64_STANDARD.decode(certificate).unwrap();
    let certificate: x509_cert::Certificate = x509_cert::der::Decode::from_der(&der).unwrap();
    let public = x509_cert::der::Encode::to_der(&certificate.tbs_certificate.subject_public_key_info).unwrap();
    let public = oaep::PublicKey::from_public_key_der(&public).unwrap();
    let wrapped = public.encrypt(&mut rand::rng(), Oaep::<sha1::Sha1>::new(), &key).unwrap();
    let data = |bytes: &[u8]| {
        let value = BASE64_STANDARD.encode(bytes);
        format!("<xenc:CipherData><xenc:CipherValue>{value}</xenc:CipherValue></xenc:CipherData>")
    };
    format!(
        "<saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">\
         <xenc:EncryptedData xmlns:xenc=\"{ENC}\" Type=\"{ENC}Element\"><xenc:EncryptionMethod Algorithm=\"{method}\">\
         </xenc:EncryptionMethod><ds:KeyInfo xmlns:ds=\"{}\"><xenc:EncryptedKey><xenc:EncryptionMethod \
         Algorithm=\"{MGF1P}\"></xenc:EncryptionMethod>{}</xenc:EncryptedKey></ds:KeyInfo>{}</xenc:EncryptedData>\
         </saml:EncryptedAssertion>",
        super::pen::DS,
        data(&wrapped),
        data(&cipher)
    )
}

fn gcm(text: &str) -> (Vec<u8>, Vec<u8>) {
    let (key, nonce) = ([7; 32], [9; 12]);
    let sealing = aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_256_GCM, &key).unwrap());
    let mut sealed = text.as_bytes().to_vec();
    let nonce_of = aead::Nonce::assume_unique_for_key(nonce);
    sealing.seal_in_place_append_tag(nonce_of, aead::Aad::empty(), &mut sealed).unwrap();
    (key.to_vec(), [&nonce[..], &sealed].concat())
}

fn cbc(text: &str) -> (Vec<u8>, Vec<u8>) {
    let (key, first) = ([7; 16], [9; 16]);
    let mut sealed = text.as_bytes().to_vec();
    let filling = 16 - sealed.len() % 16;
    sealed.resize(sealed.len() + filling, u8::try_from(filling).unwrap());
    let length = sealed.len();
    let encryptor = cbc::Encryptor::<aes::Aes128>::new(&key.into(), &first.into());
    encryptor.encrypt_padded::<NoPadding>(&mut sealed, length).unwrap();
    (key.to_vec(), [&first[..], &sealed].concat())
}

/// An encrypted assertion with something in place of what is encrypted, and the key to encrypt it with.
pub fn envelope(site: &Site, inside: &str) -> (String, Vec<u8>) {
    let sealed = with_gcm(site, String::new());
    let value = "<xenc:CipherValue>";
    let at = sealed.rfind(value).unwrap() + value.len();
    let end = at + sealed[at..].find('<').unwrap();
    (format!("{}{inside}{}", &sealed[..at], &sealed[end..]), gcm("").0)
}

/// The name of an assertion or of a logout request, encrypted as a provider does it.
pub fn name_with(text: &str, seal: impl Fn(&str) -> String) -> String {
    let name = super::pen::part(text, "<saml:NameID ", "</saml:NameID>");
    let declared = " xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"";
    let alone = name.replace(declared, "").replacen("<saml:NameID", &format!("<saml:NameID{declared}"), 1);
    let sealed = seal(&alone).replace("saml:EncryptedAssertion", "saml:EncryptedID");
    // Canonical: declared where it was.
    let sealed = if name.contains(declared) { sealed } else { sealed.replacen(declared, "", 1) };
    text.replace(name, &sealed)
}

pub fn with_gcm(site: &Site, text: String) -> String {
    to(&site.certificate, &text, GCM, |_| {})
}

fn with_cbc(site: &Site, text: String) -> String {
    to(&site.certificate, &text, CBC, |_| {})
}

fn forgery(site: &Site, _: String) -> String {
    with_gcm(site, forged(site))
}

fn sealed(d: &mut Draft, seal: super::pen::Edit) {
    d.seal = seal;
}

pub const CASES: &[Case] = &[
    signs_in("enc-ok", "S45: signed, then encrypted with AES-256-GCM and RSA-OAEP", |d| sealed(d, with_gcm)),
    signs_in("enc-ok-both-signed", "S45: the same in a signed response", |d| {
        sealed(d, with_gcm);
        d.sign_response = true;
    }),
    signs_in("enc-ok-key-beside", "S45: the key beside the data", |d| {
        d.seal = |s, t| {
            let sealed = with_gcm(s, t);
            let key = super::pen::part(&sealed, "<xenc:EncryptedKey>", "</xenc:EncryptedKey>").to_owned();
            let hint = super::pen::part(&sealed, "<ds:KeyInfo ", "</ds:KeyInfo>").to_owned();
            let key = key.replacen("<xenc:EncryptedKey>", &format!("<xenc:EncryptedKey xmlns:xenc=\"{ENC}\">"), 1);
            sealed.replace(&hint, "").replace("</saml:EncryptedAssertion>", &format!("{key}</saml:EncryptedAssertion>"))
        };
    }),
    refused("enc-cbc", WRONG, "S45: AES-128-CBC in an unsigned response", |d| sealed(d, with_cbc))
        .because("nothing would notice a changed ciphertext before it is opened"),
    signs_in("enc-cbc-covered", "S45: AES-128-CBC in a signed response", |d| {
        sealed(d, with_cbc);
        d.sign_response = true;
    }),
    refused(
        "enc-response-signed",
        "ASSERTION_UNSIGNED",
        "S45: an unsigned assertion, encrypted, in a signed response",
        |d| {
            sealed(d, with_gcm);
            (d.sign_assertion, d.sign_response) = (false, true);
        },
    ),
    signs_in("enc-response-signed-allowed", "S45: the same where a signed response is enough", |d| {
        sealed(d, with_gcm);
        (d.sign_assertion, d.sign_response) = (false, true);
    })
    .at(At::Whole),
    refused("enc-unsigned", "ASSERTION_UNSIGNED", "S45: a forged assertion, encrypted to us", |d| sealed(d, forgery)),
    refused("enc-unsigned-whole", "ASSERTION_UNSIGNED", "S45: the same where a signed response would be enough", |d| {
        sealed(d, forgery);
    })
    .at(At::Whole),
    refused("enc-other-signer", "SIGNATURE_WRONG", "S45: encrypted to us, signed by somebody else", |d| {
        sealed(d, with_gcm);
        d.sign = || crate::issuer::Sign::Rs256(&keys().forger);
    }),
    refused("enc-rsa15", WRONG, "S45: the key by RSA with PKCS #1 1.5", |d| {
        d.seal = |s, t| with_gcm(s, t).replace(MGF1P, "http://www.w3.org/2001/04/xmlenc#rsa-1_5");
    }),
    refused("enc-3des", WRONG, "S45: triple DES", |d| {
        d.sign_response = true;
        d.seal = |s, t| with_cbc(s, t).replace(CBC, "http://www.w3.org/2001/04/xmlenc#tripledes-cbc");
    }),
    refused("enc-tampered-gcm", WRONG, "S45: one bit of the ciphertext changed", |d| {
        d.seal = |s, t| to(&s.certificate, &t, GCM, |cipher| cipher[40] ^= 1);
    }),
    refused("enc-tampered-tag", WRONG, "S45: one bit of the tag changed", |d| {
        d.seal = |s, t| to(&s.certificate, &t, GCM, |cipher| *cipher.last_mut().unwrap() ^= 1);
    }),
    refused("enc-tampered-cbc", WRONG, "S45: one bit of a CBC ciphertext changed", |d| {
        d.seal = |s, t| to(&s.certificate, &t, CBC, |cipher| cipher[40] ^= 1);
    }),
    refused("enc-cbc-padding", WRONG, "S45: a CBC ciphertext that ends in the middle", |d| {
        d.sign_response = true;
        d.seal = |s, t| to(&s.certificate, &t, CBC, |cipher| cipher.truncate(cipher.len() - 16));
    }),
    refused("enc-short-gcm", WRONG, "S45: a ciphertext of three bytes", |d| {
        d.seal = |s, t| to(&s.certificate, &t, GCM, |cipher| cipher.truncate(3));
    }),
    refused("enc-short-cbc", WRONG, "S45: a CBC ciphertext of three bytes", |d| {
        d.sign_response = true;
        d.seal = |s, t| to(&s.certificate, &t, CBC, |cipher| cipher.truncate(3));
    }),
    refused("enc-other-cert", WRONG, "S45: encrypted to somebody else", |d| {
        d.seal = |_, t| to(&keys().forger.certificate(), &t, GCM, |_| {});
    }),
    refused("enc-two-keys", WRONG, "S45: two keys", |d| {
        d.seal = |s, t| {
            let sealed = with_gcm(s, t);
            let key = super::pen::part(&sealed, "<xenc:EncryptedKey>", "</xenc:EncryptedKey>").to_owned();
            sealed.replace(&key, &key.repeat(2))
        };
    }),
    refused("enc-inner-comment", "RESPONSE_MARKUP", "S16: a comment inside what was encrypted", |d| {
        d.seal = |s, t| with_gcm(s, t.replace(&s.subject(), &format!("{}<!---->x", s.subject())));
    }),
    refused("enc-inner-wrapped", "RESPONSE_ASSERTIONS", "S04: wrapped inside what was encrypted", |d| {
        d.seal = |s, t| with_gcm(s, forged(s).replace("</saml:Assertion>", &format!("{t}</saml:Assertion>")));
    }),
    refused("enc-inner-tampered", "SIGNATURE_DIGEST", "changed after signing, before encrypting", |d| {
        d.seal = |s, t| with_gcm(s, t.replace(">staff<", ">admins<"));
    }),
    signs_in("enc-name", "S46: the NameID alone is encrypted", |d| {
        d.assertion = |s, t| name_with(&t, |name| with_gcm(s, name.to_owned()));
    }),
    signs_in("enc-name-cbc", "S46: the same with AES-128-CBC, which the signature covers", |d| {
        d.assertion = |s, t| name_with(&t, |name| with_cbc(s, name.to_owned()));
    }),
    signs_in("enc-name-sealed", "S46: an encrypted NameID in an encrypted assertion", |d| {
        d.assertion = |s, t| name_with(&t, |name| with_gcm(s, name.to_owned()));
        sealed(d, with_gcm);
    }),
    signs_in("enc-name-whole", "S46: an encrypted NameID where a signed response is enough", |d| {
        d.assertion = |s, t| name_with(&t, |name| with_gcm(s, name.to_owned()));
        (d.sign_assertion, d.sign_response) = (false, true);
    })
    .at(At::Whole),
    refused("enc-name-unsigned", "RESPONSE_UNSIGNED", "S46: a forged assertion with an encrypted NameID", |d| {
        d.assertion = |s, _| name_with(&forged(s), |name| with_gcm(s, name.to_owned()));
        d.sign_assertion = false;
    }),
    refused("enc-name-put-in", "SIGNATURE_DIGEST", "S46: another name encrypted to us, after signing", |d| {
        d.after = |s, t| name_with(&t.replace(&s.subject(), "sub-evil"), |name| with_gcm(s, name.to_owned()));
    }),
    refused("enc-name-beside", "ASSERTION_SUBJECT", "S46: a NameID, and an encrypted one", |d| {
        d.assertion = |s, t| {
            let other = name_with(&forged(s), |name| with_gcm(s, name.to_owned()));
            let other = super::pen::part(&other, "<saml:EncryptedID>", "</saml:EncryptedID>");
            t.replace("</saml:NameID>", &format!("</saml:NameID>{other}"))
        };
    })
    .because("two names are two people"),
    refused("enc-name-twice", "ASSERTION_SUBJECT", "S46: two encrypted NameIDs", |d| {
        d.assertion = |s, t| {
            let sealed = name_with(&t, |name| with_gcm(s, name.to_owned()));
            let name = super::pen::part(&sealed, "<saml:EncryptedID>", "</saml:EncryptedID>");
            sealed.replace(name, &name.repeat(2))
        };
    }),
    refused("enc-name-other-cert", WRONG, "S46: a NameID that is encrypted to somebody else", |d| {
        d.assertion = |_, t| name_with(&t, |name| to(&keys().forger.certificate(), name, GCM, |_| {}));
    }),
    refused("enc-name-rsa15", WRONG, "S46: its key by RSA with PKCS #1 1.5", |d| {
        d.assertion = |s, t| {
            let sealed = name_with(&t, |name| with_gcm(s, name.to_owned()));
            sealed.replace(MGF1P, "http://www.w3.org/2001/04/xmlenc#rsa-1_5")
        };
    }),
    refused("enc-name-transient", "SUBJECT_TRANSIENT", "S46: an encrypted NameID that is another each time", |d| {
        d.assertion = |s, t| {
            let text = t.replace("nameid-format:persistent", "nameid-format:transient");
            name_with(&text, |name| with_gcm(s, name.to_owned()))
        };
    })
    .because("every sign-in would be a new person"),
    refused("enc-name-comment", "RESPONSE_MARKUP", "S16: a comment inside an encrypted NameID", |d| {
        d.assertion =
            |s, t| name_with(&t, |name| with_gcm(s, name.replace(&s.subject(), &format!("{}<!---->x", s.subject()))));
    }),
    refused("enc-name-assertion", "ASSERTION_SUBJECT", "S46: an assertion where a NameID is encrypted", |d| {
        d.assertion = |s, t| name_with(&t, |_| with_gcm(s, forged(s)));
    }),
    refused("enc-name-none", WRONG, "S46: an encrypted NameID with nothing in it", |d| {
        d.assertion = |_, t| t.replace("saml:NameID", "saml:EncryptedID");
    }),
    refused("enc-nothing", WRONG, "S45: an encrypted assertion with nothing in it", |d| {
        d.sign_assertion = false;
        d.after = |_, t| t.replace("saml:Assertion", "saml:EncryptedAssertion");
    }),
];
