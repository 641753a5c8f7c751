//! The keys of the invented providers, made once a test run, and signing by hand: a library would not
//! make most of what a forger sends.

use std::{sync::OnceLock, time::Duration};

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use rsa::{
    Pkcs1v15Sign, Pss, RsaPrivateKey,
    pkcs8::EncodePublicKey,
    rand_core::OsRng,
    sha2::{Digest, Sha256, Sha512},
    traits::PublicKeyParts,
};
use serde_json::{Value, json};
use x509_cert::{der::asn1::UtcTime, time::Validity};

/// Every key there is, by what it is for.
pub struct Keys {
    /// Signs, and is published.
    pub main: Rsa,
    /// Comes after `main`.
    pub next: Rsa,
    /// Belongs to somebody else.
    pub forger: Rsa,
    /// Published for encryption only.
    pub sealing: Rsa,
    /// 1024 bit.
    pub weak: Rsa,
    pub ec: Ec,
    pub ed: Ed,
}

pub struct Rsa {
    pub kid: &'static str,
    key: RsaPrivateKey,
    certificate: OnceLock<String>,
}

pub struct Ec {
    pub kid: &'static str,
    key: EcdsaKeyPair,
}

pub struct Ed {
    pub kid: &'static str,
    key: Ed25519KeyPair,
}

/// What is put at the end of a token.
pub enum Sign {
    Rs256(&'static Rsa),
    Rs512(&'static Rsa),
    /// Over SHA-1, which nobody should take any more.
    Rs1(&'static Rsa),
    Ps256(&'static Rsa),
    Es256(&'static Ec),
    EdDsa(&'static Ed),
    Hs256(Vec<u8>),
    /// Whatever was signed.
    Bytes(Vec<u8>),
}

pub fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| {
        let rsa =
            |kid, bits| Rsa { kid, key: RsaPrivateKey::new(&mut OsRng, bits).unwrap(), certificate: OnceLock::new() };
        let random = SystemRandom::new();
        let ec = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let ec = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, ec.as_ref(), &random).unwrap();
        let ed = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        Keys {
            main: rsa("main", 2048),
            next: rsa("next", 2048),
            forger: rsa("forger", 2048),
            sealing: rsa("sealing", 2048),
            weak: rsa("weak", 1024),
            ec: Ec { kid: "ec", key: ec },
            ed: Ed { kid: "ed", key: Ed25519KeyPair::from_pkcs8(ed.as_ref()).unwrap() },
        }
    })
}

impl Rsa {
    /// As a key set publishes it.
    pub fn jwk(&self) -> Value {
        let (n, e) = (b64(&self.key.n().to_bytes_be()), b64(&self.key.e().to_bytes_be()));
        json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid, "n": n, "e": e})
    }

    /// The public key as `SubjectPublicKeyInfo`.
    pub fn der(&self) -> Vec<u8> {
        self.key.to_public_key().to_public_key_der().unwrap().into_vec()
    }

    pub fn certificate_pem(&self) -> String {
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", self.certificate())
    }

    pub fn private_pem(&self) -> String {
        use rsa::pkcs8::EncodePrivateKey;
        self.key.to_pkcs8_pem(rsa::pkcs8::LineEnding::LF).unwrap().to_string()
    }

    /// The private key, PKCS #8.
    pub fn private_der(&self) -> Vec<u8> {
        use rsa::pkcs8::EncodePrivateKey;
        self.key.to_pkcs8_der().unwrap().as_bytes().to_vec()
    }

    /// A certificate that it signed itself, base64 of DER.
    pub fn certificate(&self) -> String {
        let month = || Validity::from_now(Duration::from_secs(30 * 86_400)).unwrap();
        self.certificate.get_or_init(|| self.certified(month())).clone()
    }

    /// The same, of the year 2001.
    pub fn certificate_that_ended(&self) -> String {
        let at = |seconds| UtcTime::from_unix_duration(Duration::from_secs(seconds)).unwrap().into();
        self.certified(Validity { not_before: at(978_307_200), not_after: at(1_009_843_200) })
    }

    fn certified(&self, validity: Validity) -> String {
        use x509_cert::{builder::Builder, der::Encode};
        let name: x509_cert::name::Name = format!("CN={}", self.kid).parse().unwrap();
        let profile = x509_cert::builder::Profile::Leaf {
            issuer: name.clone(),
            enable_key_agreement: false,
            enable_key_encipherment: false,
        };
        let public = x509_cert::der::Decode::from_der(&self.der()).unwrap();
        let signer = rsa::pkcs1v15::SigningKey::<Sha256>::new(self.key.clone());
        let builder =
            x509_cert::builder::CertificateBuilder::new(profile, 1_u32.into(), validity, name, public, &signer);
        let made = builder.unwrap().build::<rsa::pkcs1v15::Signature>().unwrap();
        BASE64_STANDARD.encode(made.to_der().unwrap())
    }

    pub fn pem(&self) -> String {
        let text = BASE64_STANDARD.encode(self.der());
        let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
    }
}

impl Ec {
    pub fn jwk(&self) -> Value {
        // An uncompressed point: 4, x, y.
        let (x, y) = self.key.public_key().as_ref()[1..].split_at(32);
        json!({"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.kid, "x": b64(x), "y": b64(y)})
    }
}

impl Ed {
    pub fn jwk(&self) -> Value {
        let x = b64(self.key.public_key().as_ref());
        json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.kid, "x": x})
    }
}

impl Sign {
    pub fn sign(&self, input: &[u8]) -> Vec<u8> {
        match self {
            Self::Rs256(rsa) => rsa.key.sign(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(input)).unwrap(),
            Self::Rs512(rsa) => rsa.key.sign(Pkcs1v15Sign::new::<Sha512>(), &Sha512::digest(input)).unwrap(),
            Self::Rs1(rsa) => {
                let hash = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, input);
                // DigestInfo of PKCS #1.
                let prefix = [0x30, 0x21, 0x30, 9, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0, 4, 0x14];
                rsa.key.sign(Pkcs1v15Sign::new_unprefixed(), &[&prefix[..], hash.as_ref()].concat()).unwrap()
            }
            Self::Ps256(rsa) => {
                rsa.key.sign_with_rng(&mut OsRng, Pss::new::<Sha256>(), &Sha256::digest(input)).unwrap()
            }
            Self::Es256(ec) => ec.key.sign(&SystemRandom::new(), input).unwrap().as_ref().to_vec(),
            Self::EdDsa(ed) => ed.key.sign(input).as_ref().to_vec(),
            Self::Hs256(secret) => hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input).as_ref().to_vec(),
            Self::Bytes(bytes) => bytes.clone(),
        }
    }
}

pub fn b64(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

pub fn unb64(text: &str) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// Left half of the SHA-256, as `at_hash` and `c_hash` say it.
pub fn half_hash(text: &str) -> String {
    b64(&Sha256::digest(text)[..16])
}

pub fn sha256(text: &str) -> String {
    b64(&Sha256::digest(text))
}
