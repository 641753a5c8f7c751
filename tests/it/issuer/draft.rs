//! An ID token before it is sent: everything about it can still be changed.

use serde_json::{Value, json};

use super::keys::{Sign, b64, keys, unb64};

/// Addresses that a case may put somewhere.
#[derive(Clone, Debug)]
pub struct Site {
    pub case: String,
    pub issuer: String,
    /// A server that nobody has a reason to call.
    pub outside: String,
    pub client: &'static str,
    pub secret: &'static str,
}

impl Site {
    pub fn subject(&self) -> String {
        format!("sub-{}", self.case)
    }

    pub fn mail(&self) -> String {
        format!("{}@staff.example", self.case)
    }
}

/// See the module. Times are seconds since 1970.
pub struct Draft {
    pub site: Site,
    pub now: i64,
    pub access_token: String,
    pub code: String,
    pub header: Value,
    pub claims: Value,
    /// Sent in place of the claims.
    pub payload: Option<String>,
    pub sign: Sign,
    /// The last touch, after signing.
    pub finish: fn(String) -> String,
}

impl Draft {
    /// What an honest provider says.
    pub fn honest(site: Site, now: i64, nonce: &str, access_token: String, code: String) -> Self {
        let claims = json!({
            "iss": site.issuer, "sub": site.subject(), "aud": site.client, "exp": now + 300, "iat": now,
            "auth_time": now, "nonce": nonce, "name": "架空 花子", "email": site.mail(), "email_verified": true,
            "groups": ["staff"],
        });
        let header = json!({"typ": "JWT", "alg": "RS256", "kid": keys().main.kid});
        let sign = Sign::Rs256(&keys().main);
        Self { site, now, access_token, code, header, claims, payload: None, sign, finish: |token| token }
    }

    pub fn claim(&mut self, name: &str, value: impl Into<Value>) {
        self.claims[name] = value.into();
    }

    pub fn without(&mut self, names: &[&str]) {
        let claims = self.claims.as_object_mut().unwrap();
        names.iter().for_each(|name| drop(claims.shift_remove(*name)));
    }

    pub fn head(&mut self, name: &str, value: impl Into<Value>) {
        self.header[name] = value.into();
    }

    pub fn signed(&mut self, alg: &str, kid: &str, sign: Sign) {
        self.head("alg", alg);
        self.head("kid", kid);
        self.sign = sign;
    }

    /// HS256 under a secret that stands where the public key would.
    pub fn hs256(&mut self, secret: impl Into<Vec<u8>>) {
        self.head("alg", "HS256");
        self.sign = Sign::Hs256(secret.into());
    }

    pub fn compact(self) -> String {
        let payload = self.payload.unwrap_or_else(|| self.claims.to_string());
        let input = format!("{}.{}", b64(self.header.to_string().as_bytes()), b64(payload.as_bytes()));
        let signature = b64(&self.sign.sign(input.as_bytes()));
        (self.finish)(format!("{input}.{signature}"))
    }
}

/// The three parts of a compact token.
pub fn parts(token: &str) -> [String; 3] {
    let parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    parts.try_into().unwrap()
}

/// Another subject in a token that is signed already.
pub fn tampered(token: String) -> String {
    let [header, payload, signature] = parts(&token);
    let mut claims: Value = serde_json::from_slice(&unb64(&payload)).unwrap();
    claims["sub"] = json!("sub-somebody-else");
    format!("{header}.{}.{signature}", b64(claims.to_string().as_bytes()))
}

/// One bit of the signature changed.
pub fn bent(token: String) -> String {
    let [header, payload, signature] = parts(&token);
    let mut bytes = unb64(&signature);
    bytes[7] ^= 1;
    format!("{header}.{payload}.{}", b64(&bytes))
}
