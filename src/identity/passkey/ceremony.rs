//! What authenticators are asked, and whether their answers hold (WebAuthn level 3, sections 7.1 and 7.2).
//!
//! Asked for is a passkey that makes sure of the person itself, with a key for ES256 or RS256, and no word about who
//! made the authenticator: there is nobody here who would judge it.
//!
//! Invariant: nothing of an answer counts before type, challenge, origin, host and the person's presence were
//! right; a signature is made over exactly the bytes that were read.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use super::cbor::{self, Item};

const ES256: i64 = -7;
const RS256: i64 = -257;
/// Bytes of an RSA modulus.
const RSA: std::ops::RangeInclusive<usize> = 256..=1024;
const LONGEST_ID: usize = 1023;

// Flags of the authenticator's data.
const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const ELIGIBLE: u8 = 0x08;
const BACKED_UP: u8 = 0x10;
const ATTESTED: u8 = 0x40;
const EXTENDED: u8 = 0x80;

/// Why an answer does not hold: for the log, not for whoever gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    #[error("it cannot be read")]
    Form,
    #[error("it answers another kind of question")]
    Kind,
    #[error("it answers another question")]
    Challenge,
    #[error("it was given to another page")]
    Origin,
    #[error("it is for another host")]
    Host,
    #[error("the authenticator did not make sure of the person")]
    Person,
    #[error("its word about backups contradicts itself")]
    Backup,
    #[error("its kind of key was not asked for")]
    Key,
    #[error("the signature is wrong")]
    Signature,
    #[error("its counter did not grow: there may be a copy")]
    Counter,
}

/// Host and origin that passkeys belong to.
#[derive(Clone, Debug)]
pub struct Site {
    host: String,
    origin: String,
}

/// A passkey as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub id: Vec<u8>,
    /// Ways to reach the authenticator, as the browser named them.
    pub transports: Vec<String>,
}

/// A passkey that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    pub known: Known,
    /// COSE (RFC 9052).
    pub public_key: Vec<u8>,
    pub counter: u32,
    pub backup_eligible: bool,
    pub backed_up: bool,
}

/// What a passkey said of itself when it signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed {
    pub counter: u32,
    pub backed_up: bool,
}

/// What is stored of the passkey that has to have signed.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    pub public_key: &'a [u8],
    pub counter: i64,
    pub backup_eligible: bool,
    /// What the authenticator knows the person by.
    pub handle: &'a [u8],
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer<R> {
    raw_id: String,
    r#type: String,
    response: R,
}

#[derive(Deserialize)]
struct Creation {
    #[serde(rename = "clientDataJSON")]
    client: String,
    #[serde(rename = "attestationObject")]
    object: String,
    #[serde(default)]
    transports: Vec<String>,
}

/// The answer of a passkey, its form checked; whose it is can be looked up.
pub struct Assertion {
    pub id: Vec<u8>,
    client: Vec<u8>,
    data: Vec<u8>,
    signature: Vec<u8>,
    handle: Option<Vec<u8>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    #[serde(rename = "clientDataJSON")]
    client: String,
    authenticator_data: String,
    signature: String,
    user_handle: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Client {
    r#type: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
}

impl Site {
    /// `None`: the public address is a number, to which browsers bind no passkey.
    #[must_use]
    pub fn of(public_url: &Url) -> Option<Self> {
        Some(Self { host: public_url.domain()?.to_owned(), origin: public_url.origin().ascii_serialization() })
    }

    /// For `navigator.credentials.create`, as JSON.
    pub fn creation(
        &self,
        challenge: &str,
        (handle, mail, name): (&[u8], &str, &str),
        has: &[Known],
        ms: i64,
    ) -> Value {
        let keys = [ES256, RS256].map(|alg| json!({"type": "public-key", "alg": alg}));
        json!({"publicKey": {
            "rp": {"id": self.host, "name": "Musubi"},
            "user": {"id": BASE64.encode(handle), "name": mail, "displayName": name},
            "challenge": challenge,
            "pubKeyCredParams": keys,
            "timeout": ms,
            "excludeCredentials": named(has),
            "authenticatorSelection": {"residentKey": "preferred", "userVerification": "required"},
            "attestation": "none",
        }})
    }

    /// For `navigator.credentials.get`, as JSON.
    pub fn request(&self, challenge: &str, has: &[Known], ms: i64) -> Value {
        json!({"publicKey": {
            "challenge": challenge,
            "timeout": ms,
            "rpId": self.host,
            "allowCredentials": named(has),
            "userVerification": "required",
        }})
    }

    /// Takes the answer to [`Self::creation`].
    pub fn made(&self, challenge: &str, answer: &str) -> Result<Made, Flaw> {
        let answer: Answer<Creation> = serde_json::from_str(answer).map_err(|_| Flaw::Form)?;
        let (id, client) = (decoded(&answer.raw_id)?, decoded(&answer.response.client)?);
        self.client("webauthn.create", challenge, (&answer.r#type, &client))?;
        let object = decoded(&answer.response.object)?;
        // Who made the authenticator was not asked, so whatever else stands there is not looked at.
        let (object, _) = cbor::read(&object).filter(|(_, rest)| rest.is_empty()).ok_or(Flaw::Form)?;
        let data = object.get(&Item::Text("authData")).and_then(Item::bytes).ok_or(Flaw::Form)?;
        let data = self.data(data)?;
        let (its_id, public_key) = data.key.ok_or(Flaw::Form)?;
        if its_id != id || id.is_empty() || id.len() > LONGEST_ID {
            return Err(Flaw::Form);
        }
        Key::read(public_key)?;
        let transports = answer.response.transports.into_iter().filter(|way| is_transport(way)).collect();
        Ok(Made {
            known: Known { id, transports },
            public_key: public_key.to_vec(),
            counter: data.counter,
            backup_eligible: data.flags & ELIGIBLE != 0,
            backed_up: data.flags & BACKED_UP != 0,
        })
    }

    /// Whether the passkey that is stored has signed the answer to [`Self::request`].
    pub fn signed(&self, challenge: &str, answer: &Assertion, stored: Stored<'_>) -> Result<Signed, Flaw> {
        self.client("webauthn.get", challenge, ("public-key", &answer.client))?;
        if answer.handle.as_deref().is_some_and(|handle| handle != stored.handle) {
            return Err(Flaw::Person);
        }
        let data = self.data(&answer.data)?;
        // What could not be copied elsewhere when it was made may have learnt it since; not the other way round.
        if stored.backup_eligible && data.flags & ELIGIBLE == 0 {
            return Err(Flaw::Backup);
        }
        let signed = [answer.data.as_slice(), &Sha256::digest(&answer.client)].concat();
        Key::read(stored.public_key)?.verify(&signed, &answer.signature)?;
        let counts = data.counter > 0 || stored.counter > 0;
        if counts && i64::from(data.counter) <= stored.counter {
            return Err(Flaw::Counter);
        }
        Ok(Signed { counter: data.counter, backed_up: data.flags & BACKED_UP != 0 })
    }

    /// What the browser said about the page.
    fn client(&self, kind: &str, challenge: &str, (credential, text): (&str, &[u8])) -> Result<(), Flaw> {
        let client: Client = serde_json::from_slice(text).map_err(|_| Flaw::Form)?;
        if client.r#type != kind || credential != "public-key" {
            return Err(Flaw::Kind);
        }
        if challenge.is_empty() || client.challenge != challenge {
            return Err(Flaw::Challenge);
        }
        if client.origin != self.origin || client.cross_origin {
            return Err(Flaw::Origin);
        }
        Ok(())
    }

    /// What the authenticator said (section 6.1).
    fn data<'a>(&self, bytes: &'a [u8]) -> Result<Data<'a>, Flaw> {
        let (host, rest) = bytes.split_at_checked(32).ok_or(Flaw::Form)?;
        let ([flags, counter @ ..], mut rest) = rest.split_first_chunk::<5>().ok_or(Flaw::Form)?;
        if host != Sha256::digest(&self.host).as_slice() {
            return Err(Flaw::Host);
        }
        if flags & (PRESENT | VERIFIED) != PRESENT | VERIFIED {
            return Err(Flaw::Person);
        }
        if flags & BACKED_UP != 0 && flags & ELIGIBLE == 0 {
            return Err(Flaw::Backup);
        }
        let mut key = None;
        if flags & ATTESTED != 0 {
            let (_maker, after) = rest.split_at_checked(16).ok_or(Flaw::Form)?;
            let (length, after) = after.split_first_chunk().ok_or(Flaw::Form)?;
            let (id, after) = after.split_at_checked(u16::from_be_bytes(*length).into()).ok_or(Flaw::Form)?;
            let (_, end) = cbor::read(after).ok_or(Flaw::Form)?;
            key = Some((id, &after[..after.len() - end.len()]));
            rest = end;
        }
        if flags & EXTENDED != 0 {
            (_, rest) = cbor::read(rest).ok_or(Flaw::Form)?;
        }
        if !rest.is_empty() {
            return Err(Flaw::Form);
        }
        Ok(Data { flags: *flags, counter: u32::from_be_bytes(*counter), key })
    }
}

struct Data<'a> {
    flags: u8,
    counter: u32,
    /// Name and public key of a new passkey.
    key: Option<(&'a [u8], &'a [u8])>,
}

impl Assertion {
    pub fn read(answer: &str) -> Result<Self, Flaw> {
        let answer: Answer<Request> = serde_json::from_str(answer).map_err(|_| Flaw::Form)?;
        if answer.r#type != "public-key" {
            return Err(Flaw::Kind);
        }
        let Request { client, authenticator_data, signature, user_handle } = answer.response;
        Ok(Self {
            id: decoded(&answer.raw_id)?,
            client: decoded(&client)?,
            data: decoded(&authenticator_data)?,
            signature: decoded(&signature)?,
            handle: user_handle.map(|handle| decoded(&handle)).transpose()?,
        })
    }
}

/// A public key of a kind that was asked for (RFC 9053, sections 2.1 and 7.1; RFC 8812, section 2).
enum Key<'a> {
    Es256(Vec<u8>),
    Rs256(RsaPublicKeyComponents<&'a [u8]>),
}

impl<'a> Key<'a> {
    fn read(cose: &'a [u8]) -> Result<Self, Flaw> {
        let (key, _) = cbor::read(cose).filter(|(_, rest)| rest.is_empty()).ok_or(Flaw::Form)?;
        let number = |label| key.get(&Item::Int(label)).and_then(Item::int);
        let bytes = |label| key.get(&Item::Int(label)).and_then(Item::bytes).ok_or(Flaw::Key);
        match (number(1), number(3)) {
            (Some(2), Some(ES256)) if number(-1) == Some(1) => {
                let (x, y) = (bytes(-2)?, bytes(-3)?);
                if x.len() != 32 || y.len() != 32 {
                    return Err(Flaw::Key);
                }
                Ok(Self::Es256([&[4], x, y].concat()))
            }
            (Some(3), Some(RS256)) => {
                let (n, e) = (bytes(-1)?, bytes(-2)?);
                if !RSA.contains(&n.len()) {
                    return Err(Flaw::Key);
                }
                Ok(Self::Rs256(RsaPublicKeyComponents { n, e }))
            }
            _ => Err(Flaw::Key),
        }
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Flaw> {
        let verdict = match self {
            Self::Es256(point) => {
                UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_ASN1, point).verify(message, signature)
            }
            Self::Rs256(key) => key.verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, signature),
        };
        verdict.map_err(|_| Flaw::Signature)
    }
}

fn named(known: &[Known]) -> Vec<Value> {
    let one = |one: &Known| json!({"type": "public-key", "id": BASE64.encode(&one.id), "transports": one.transports});
    known.iter().map(one).collect()
}

/// A short word of letters and hyphens; browsers ignore those that they do not know.
fn is_transport(way: &str) -> bool {
    way.len() <= 20 && !way.is_empty() && way.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
}

fn decoded(text: &str) -> Result<Vec<u8>, Flaw> {
    BASE64.decode(text).map_err(|_| Flaw::Form)
}

#[cfg(test)]
#[path = "ceremony_tests.rs"]
mod tests;
