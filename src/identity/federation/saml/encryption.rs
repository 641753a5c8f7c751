//! An encrypted assertion or name (XML Encryption 1.1): opened with our key, and then judged like any other.
//!
//! AES-GCM notices a changed ciphertext by itself. AES-CBC does not: it is opened only where a signature that was
//! checked covers it, so nobody can ask it questions. RSA with the padding of PKCS #1 1.5 is never opened. Whatever
//! goes wrong is one error.

use aes::{
    Aes128, Aes256,
    cipher::{BlockModeDecrypt, KeyIvInit, block_padding::NoPadding},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use oaep::{Oaep, pkcs8::DecodePrivateKey};
use ring::aead;
use sha1::Sha1;
use sha2::Sha256;

use super::xml::{ASSERTION, Node, SIGNATURE};

const ENCRYPTION: &str = "http://www.w3.org/2001/04/xmlenc#";
const NEWER: &str = "http://www.w3.org/2009/xmlenc11#";
const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
const BLOCK: usize = 16;
const NONCE: usize = 12;

/// Opens an `EncryptedAssertion` or an `EncryptedID` with one of our keys. `covered`: a signature that was checked covers it.
///
/// # Errors
/// One code for all that can be wrong.
pub(super) fn open(encrypted: Node<'_, '_>, keys: &[Vec<u8>], covered: bool) -> Result<Vec<u8>, &'static str> {
    opened(encrypted, keys, covered).ok_or("RESPONSE_DECRYPTION")
}

fn opened(encrypted: Node<'_, '_>, own: &[Vec<u8>], covered: bool) -> Option<Vec<u8>> {
    if !["EncryptedAssertion", "EncryptedID"].iter().any(|name| encrypted.is(ASSERTION, name)) {
        return None;
    }
    let data = encrypted.only(ENCRYPTION, "EncryptedData")?;
    let all = encrypted.all();
    // Inside the data's hint at the key, or beside the data.
    let mut keys = all.iter().filter(|node| node.is(ENCRYPTION, "EncryptedKey"));
    let (Some(wrapped), None) = (keys.next(), keys.next()) else { return None };
    let content = own.iter().find_map(|key| content_key(*wrapped, key))?;
    let method = data.only(ENCRYPTION, "EncryptionMethod")?.attribute("Algorithm")?;
    let cipher = value(data)?;
    if let Some(name) = method.strip_prefix(NEWER) {
        let algorithm = match name {
            "aes128-gcm" => &aead::AES_128_GCM,
            "aes256-gcm" => &aead::AES_256_GCM,
            _ => return None,
        };
        return gcm(algorithm, &content, cipher);
    }
    if !covered {
        return None;
    }
    match method.strip_prefix(ENCRYPTION)? {
        "aes128-cbc" => cbc::<cbc::Decryptor<Aes128>>(&content, cipher),
        "aes256-cbc" => cbc::<cbc::Decryptor<Aes256>>(&content, cipher),
        _ => None,
    }
}

/// The key of the content, by RSA-OAEP.
fn content_key(wrapped: Node<'_, '_>, key: &[u8]) -> Option<Vec<u8>> {
    let method = wrapped.only(ENCRYPTION, "EncryptionMethod")?;
    if !method.every(ENCRYPTION, "OAEPparams").is_empty() {
        return None;
    }
    let digest = match method.only(SIGNATURE, "DigestMethod") {
        Some(digest) => digest.attribute("Algorithm")?,
        None => SHA1,
    };
    let newer = match method.attribute("Algorithm")? {
        "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p" => None,
        "http://www.w3.org/2009/xmlenc11#rsa-oaep" => method.only(NEWER, "MGF"),
        _ => return None,
    };
    let mask = newer.map_or(Some("mgf1sha1"), |mask| mask.attribute("Algorithm")?.strip_prefix(NEWER))?;
    let cipher = value(wrapped)?;
    let private = oaep::PrivateKey::from_pkcs8_der(key).ok()?;
    let mut random = rand::rng();
    let opened = match (digest, mask) {
        (SHA1, "mgf1sha1") => private.decrypt_blinded(&mut random, Oaep::<Sha1>::new(), &cipher),
        (SHA256, "mgf1sha1") => {
            private.decrypt_blinded(&mut random, Oaep::<Sha256, Sha1>::new_with_mgf_hash(), &cipher)
        }
        (SHA256, "mgf1sha256") => private.decrypt_blinded(&mut random, Oaep::<Sha256>::new(), &cipher),
        (SHA1, "mgf1sha256") => {
            private.decrypt_blinded(&mut random, Oaep::<Sha1, Sha256>::new_with_mgf_hash(), &cipher)
        }
        _ => return None,
    };
    opened.ok()
}

fn value(of: Node<'_, '_>) -> Option<Vec<u8>> {
    let text = of.only(ENCRYPTION, "CipherData")?.only(ENCRYPTION, "CipherValue")?.text()?;
    BASE64_STANDARD.decode(text.split_ascii_whitespace().collect::<String>()).ok()
}

/// Nonce, ciphertext, tag.
fn gcm(algorithm: &'static aead::Algorithm, key: &[u8], mut cipher: Vec<u8>) -> Option<Vec<u8>> {
    if cipher.len() < NONCE {
        return None;
    }
    let mut rest = cipher.split_off(NONCE);
    let key = aead::LessSafeKey::new(aead::UnboundKey::new(algorithm, key).ok()?);
    let nonce = aead::Nonce::try_assume_unique_for_key(&cipher).ok()?;
    let plain = key.open_in_place(nonce, aead::Aad::empty(), &mut rest).ok()?;
    Some(plain.to_vec())
}

/// First block, ciphertext; the last byte says how much of the last block is filling.
fn cbc<C: KeyIvInit + BlockModeDecrypt>(key: &[u8], cipher: Vec<u8>) -> Option<Vec<u8>> {
    if cipher.len() < 2 * BLOCK || !cipher.len().is_multiple_of(BLOCK) {
        return None;
    }
    let (first, rest) = cipher.split_at(BLOCK);
    let mut plain = rest.to_vec();
    C::new_from_slices(key, first).ok()?.decrypt_padded::<NoPadding>(&mut plain).ok()?;
    let filling = usize::from(*plain.last()?);
    if filling == 0 || filling > BLOCK {
        return None;
    }
    plain.truncate(plain.len() - filling);
    Some(plain)
}
