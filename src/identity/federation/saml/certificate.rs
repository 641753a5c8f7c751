//! Certificates: the keys of providers that were pinned, and our own.
//!
//! A provider's certificate is a container for its key. It is trusted because an administrator took it from the
//! provider's metadata, so its dates, names and issuers decide nothing: a key counts until it leaves the metadata.

use base64::{Engine, prelude::BASE64_STANDARD};
use ring::{
    rand::SystemRandom,
    signature::{self, RsaKeyPair, UnparsedPublicKey, VerificationAlgorithm},
};
use rsa::{
    RsaPrivateKey,
    pkcs1::RsaPublicKey,
    pkcs1v15::{Signature, SigningKey},
    pkcs8::{EncodePrivateKey, EncodePublicKey},
    rand_core::OsRng,
    sha2::Sha256,
};
use sha2::Digest;
use x509_cert::{
    Certificate,
    builder::{Builder, CertificateBuilder, Profile},
    der::{Decode, Encode, asn1::UtcTime},
    name::Name,
    serial_number::SerialNumber,
    spki::SubjectPublicKeyInfoOwned,
    time::{Time, Validity},
};

use crate::model::Timestamp;

/// Least bits of an RSA modulus.
const RSA_BITS: usize = 2048;
/// Most keys of one provider: more than old, current and next is no roll-over.
pub(super) const MOST: usize = 10;
/// Years that our own certificate names.
const YEARS: i64 = 10;

pub(super) const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Rsa,
    P256,
    P384,
}

/// A public key that may sign.
#[derive(Clone, Debug)]
struct Key {
    kind: Kind,
    bytes: Vec<u8>,
}

/// The keys of a provider. There is at least one: a provider whose answers nobody could check cannot be made.
#[derive(Clone, Debug)]
pub(super) struct Trusted(Vec<Key>);

impl Trusted {
    /// From certificates in base64; those that cannot be used are left out.
    pub fn new<'a>(certificates: impl IntoIterator<Item = &'a String>) -> Option<Self> {
        let ders = certificates.into_iter().filter_map(|text| BASE64_STANDARD.decode(text).ok());
        let keys: Vec<Key> = ders.filter_map(|der| Key::read(&der)).take(MOST).collect();
        (!keys.is_empty()).then_some(Self(keys))
    }

    /// By whichever of the keys, with an algorithm that is named and fits the key.
    pub fn verify(&self, method: &str, message: &[u8], value: &[u8]) -> Result<(), &'static str> {
        let (kind, algorithm) = algorithm(method).ok_or("SIGNATURE_ALGORITHM")?;
        let mut fitting = self.0.iter().filter(|key| key.kind == kind);
        let signed = fitting.any(|key| UnparsedPublicKey::new(algorithm, &key.bytes).verify(message, value).is_ok());
        if signed { Ok(()) } else { Err("SIGNATURE_WRONG") }
    }
}

/// RSA and ECDSA over SHA-2. HMAC is not among them: whoever can read a public key could sign. SHA-1 is broken.
fn algorithm(method: &str) -> Option<(Kind, &'static dyn VerificationAlgorithm)> {
    let name = method.strip_prefix("http://www.w3.org/2001/04/xmldsig-more#")?;
    Some(match name {
        "rsa-sha256" => (Kind::Rsa, &signature::RSA_PKCS1_2048_8192_SHA256),
        "rsa-sha384" => (Kind::Rsa, &signature::RSA_PKCS1_2048_8192_SHA384),
        "rsa-sha512" => (Kind::Rsa, &signature::RSA_PKCS1_2048_8192_SHA512),
        "ecdsa-sha256" => (Kind::P256, &signature::ECDSA_P256_SHA256_FIXED),
        "ecdsa-sha384" => (Kind::P384, &signature::ECDSA_P384_SHA384_FIXED),
        _ => return None,
    })
}

impl Key {
    /// `None`: not a certificate, a key of a kind that is not known, or one that is too weak.
    fn read(der: &[u8]) -> Option<Self> {
        let certificate = Certificate::from_der(der).ok()?;
        let info = certificate.tbs_certificate.subject_public_key_info;
        let bytes = info.subject_public_key.as_bytes()?.to_vec();
        let kind = match info.algorithm.oid.to_string().as_str() {
            "1.2.840.113549.1.1.1" if bits(&bytes)? >= RSA_BITS => Kind::Rsa,
            "1.2.840.10045.2.1" => {
                let curve: x509_cert::der::oid::ObjectIdentifier = info.algorithm.parameters?.decode_as().ok()?;
                match curve.to_string().as_str() {
                    "1.2.840.10045.3.1.7" => Kind::P256,
                    "1.3.132.0.34" => Kind::P384,
                    _ => return None,
                }
            }
            _ => return None,
        };
        Some(Self { kind, bytes })
    }
}

/// Bits of the modulus of a PKCS #1 key.
fn bits(der: &[u8]) -> Option<usize> {
    let key = RsaPublicKey::from_der(der).ok()?;
    let modulus = key.modulus.as_bytes();
    Some(modulus.len() * 8 - modulus.first()?.leading_zeros() as usize)
}

/// Whether a certificate in base64 holds a key that may sign.
pub(super) fn is_usable(certificate: &str) -> bool {
    Trusted::new([&certificate.to_owned()]).is_some()
}

/// SHA-256 of a certificate, as administrators compare it.
#[must_use]
pub fn fingerprint(certificate: &str) -> String {
    let der = BASE64_STANDARD.decode(certificate).unwrap_or_default();
    let hash = sha2::Sha256::digest(der);
    hash.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

/// When a certificate in base64 says that it ends. That decides nothing here: its key is pinned.
#[must_use]
pub fn ends(certificate: &str) -> Option<Timestamp> {
    let certificate = Certificate::from_der(&BASE64_STANDARD.decode(certificate).ok()?).ok()?;
    let end = certificate.tbs_certificate.validity.not_after.to_unix_duration();
    i64::try_from(end.as_micros()).ok().map(Timestamp)
}

/// A key of ours and its certificate.
pub(in crate::identity::federation) struct Pair {
    /// PKCS #8.
    pub key: Vec<u8>,
    /// Base64 of DER.
    pub certificate: String,
}

type Broken = Box<dyn std::error::Error + Send + Sync>;

/// Makes an RSA key that signs our requests. Takes its time: a fraction of a second.
pub(in crate::identity::federation) fn pair(now: Timestamp) -> Result<Pair, Broken> {
    let private = RsaPrivateKey::new(&mut OsRng, RSA_BITS)?;
    let key = private.to_pkcs8_der()?.as_bytes().to_vec();
    let public = SubjectPublicKeyInfoOwned::from_der(private.to_public_key().to_public_key_der()?.as_bytes())?;
    let signer = SigningKey::<Sha256>::new(private);
    let at = |micros: i64| -> Result<Time, Broken> {
        let seconds = u64::try_from(micros / Timestamp::SECOND)?;
        Ok(Time::UtcTime(UtcTime::from_unix_duration(std::time::Duration::from_secs(seconds))?))
    };
    let validity = Validity {
        not_before: at(now.plus(-Timestamp::DAY).0)?,
        not_after: at(now.plus(YEARS * 365 * Timestamp::DAY).0)?,
    };
    let name: Name = "CN=Musubi".parse()?;
    // Only has to differ from those of our other keys.
    let serial = SerialNumber::new(&uuid::Uuid::now_v7().into_bytes())?;
    let profile = Profile::Leaf { issuer: name.clone(), enable_key_agreement: false, enable_key_encipherment: true };
    let builder = CertificateBuilder::new(profile, serial, validity, name, public, &signer)?;
    let certificate = builder.build::<Signature>()?.to_der()?;
    Ok(Pair { key, certificate: BASE64_STANDARD.encode(certificate) })
}

/// Signs with RSA and SHA-256.
pub(super) fn sign(key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    let pair = RsaKeyPair::from_pkcs8(key).ok()?;
    let mut value = vec![0; pair.public().modulus_len()];
    pair.sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut value).ok()?;
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_was_made_signs_and_its_certificate_tells_so() -> Result<(), Broken> {
        let (ours, other) = (pair(Timestamp(1_800_000_000_000_000))?, pair(Timestamp(1_800_000_000_000_000))?);
        let trusted = Trusted::new([&ours.certificate]).ok_or("no key")?;
        let end = 1_800_000_000_000_000 + YEARS * 365 * Timestamp::DAY;
        assert_eq!(ends(&ours.certificate), Some(Timestamp(end)));
        let value = sign(&ours.key, b"text").ok_or("no signature")?;
        assert_eq!(trusted.verify(RSA_SHA256, b"text", &value), Ok(()));
        for (method, message, value, code) in [
            (RSA_SHA256, &b"texts"[..], &value[..], "SIGNATURE_WRONG"),
            (RSA_SHA256, b"text", &sign(&other.key, b"text").unwrap_or_default(), "SIGNATURE_WRONG"),
            ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", b"text", &value, "SIGNATURE_WRONG"),
            ("http://www.w3.org/2000/09/xmldsig#rsa-sha1", b"text", &value, "SIGNATURE_ALGORITHM"),
            ("http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", b"text", &value, "SIGNATURE_ALGORITHM"),
            ("none", b"text", b"", "SIGNATURE_ALGORITHM"),
        ] {
            assert_eq!(trusted.verify(method, message, value), Err(code), "{method}");
        }
        assert!(Trusted::new([&"AAAA".to_owned()]).is_none() && Trusted::new([]).is_none());
        Ok(())
    }
}
