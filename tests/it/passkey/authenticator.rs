//! An authenticator in software, as far as a hub needs one (WebAuthn level 3, sections 5.8.1, 6.1 and 6.5.4): one
//! ES256 key, a counter, and whatever it is told to claim.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const PRESENT: u8 = 0x01;
pub const VERIFIED: u8 = 0x04;
const ATTESTED: u8 = 0x40;

/// See the module.
pub struct Authenticator {
    id: Vec<u8>,
    key: EcdsaKeyPair,
    pub counter: u32,
    /// Where the page is that asks, as the browser says.
    pub origin: String,
    /// Whose passkey it is; `None`: as the page says.
    pub rp: Option<String>,
    pub flags: u8,
}

impl Authenticator {
    pub fn new(origin: &str) -> Self {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key.as_ref(), &random).unwrap();
        let id = Sha256::digest(key.public_key()).to_vec();
        Self { id, key, counter: 1, origin: origin.to_owned(), rp: None, flags: PRESENT | VERIFIED }
    }

    /// With another key under the same name.
    pub fn forged(&self) -> Self {
        Self { id: self.id.clone(), counter: 1_000, ..Self::new(&self.origin) }
    }

    /// Answers `navigator.credentials.create`.
    pub fn create(&self, options: &Value) -> String {
        let options = &options["publicKey"];
        let client = self.client("webauthn.create", options);
        let mut data = self.data(options["rp"]["id"].as_str().unwrap(), ATTESTED);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        // {1: 2, 3: -7, -1: 1, -2: x, -3: y}
        let (x, y) = self.key.public_key().as_ref()[1..].split_at(32);
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(x);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(y);
        // {"fmt": "none", "attStmt": {}, "authData": data}
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59".to_vec();
        object.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        object.extend(data);
        let response = json!({
            "attestationObject": BASE64.encode(object), "clientDataJSON": BASE64.encode(client),
            "transports": ["internal", "some-later-one"],
        });
        self.named(response)
    }

    /// Answers `navigator.credentials.get`.
    pub fn get(&mut self, options: &Value) -> String {
        let options = &options["publicKey"];
        let client = self.client("webauthn.get", options);
        self.counter += 1;
        let data = self.data(options["rpId"].as_str().unwrap(), 0);
        let signed = [data.as_slice(), &Sha256::digest(&client)].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap();
        let response = json!({
            "authenticatorData": BASE64.encode(data), "clientDataJSON": BASE64.encode(client),
            "signature": BASE64.encode(signature.as_ref()), "userHandle": null,
        });
        self.named(response)
    }

    fn client(&self, kind: &str, options: &Value) -> Vec<u8> {
        let client =
            json!({"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": false});
        client.to_string().into_bytes()
    }

    fn data(&self, rp: &str, more: u8) -> Vec<u8> {
        let mut data = Sha256::digest(self.rp.as_deref().unwrap_or(rp)).to_vec();
        data.push(self.flags | more);
        data.extend(self.counter.to_be_bytes());
        data
    }

    fn named(&self, response: Value) -> String {
        let id = BASE64.encode(&self.id);
        json!({"id": id, "rawId": id, "type": "public-key", "response": response}).to_string()
    }
}
