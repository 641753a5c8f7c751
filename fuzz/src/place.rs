//! The hub without a hub, and what its providers ever vouched for.

use std::{collections::HashMap, io::Write, path::PathBuf, sync::OnceLock};

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use flate2::{Compression, write::DeflateEncoder};
use musubi::{
    identity::federation::{
        self, apart as token,
        saml::{
            Came, Settings,
            apart::{Bench, Parting, Said, describe, judge, part},
        },
    },
    model::Timestamp,
};
use ring::{
    aead,
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use serde::{Deserialize, Deserializer, de::Error};
use url::form_urlencoded::byte_serialize;

/// Where the bytes of an encrypted assertion go in [`Written::envelope`].
const CIPHER: &str = "CIPHER";

#[derive(Deserialize)]
struct Written {
    strict: Settings,
    whole: Settings,
    #[serde(deserialize_with = "bytes")]
    key: Vec<u8>,
    audience: String,
    acs: String,
    now: i64,
    leeway: i64,
    genuine: Vec<Said>,
    /// What signs in the provider's name, PKCS #8.
    #[serde(deserialize_with = "bytes")]
    provider_key: Vec<u8>,
    /// An answer around [`CIPHER`], which is encrypted with [`Written::content_key`].
    envelope: String,
    #[serde(deserialize_with = "bytes")]
    content_key: Vec<u8>,
    /// Of a provider that lets people sign out.
    logout: Settings,
    slo: String,
    partings: Vec<Parting>,
    /// Metadata that the pinned key signed.
    described: Vec<Settings>,
    oidc: Oidc,
}

#[derive(Deserialize)]
struct Oidc {
    settings: federation::Settings,
    nonce: String,
    access_token: String,
    code: String,
    /// A key set.
    keys: String,
    /// A token that holds, compact.
    honest: String,
    genuine: Vec<token::Said>,
}

pub struct Place {
    written: Written,
    genuine: HashMap<String, Vec<Said>>,
    provider: RsaKeyPair,
    /// Documents to take pieces from.
    pub documents: Vec<String>,
    folder: PathBuf,
}

impl Place {
    /// From the folder that `MUSUBI_SAML_FILES` names.
    ///
    /// # Panics
    /// Where the files are not there: nothing would be tested.
    pub fn get() -> &'static Self {
        static PLACE: OnceLock<Place> = OnceLock::new();
        PLACE.get_or_init(|| {
            #[expect(clippy::disallowed_methods, reason = "a parameter of this run, not of the hub")]
            let folder =
                PathBuf::from(std::env::var("MUSUBI_SAML_FILES").expect("`./x fuzz` says where the files are"));
            let text = std::fs::read(folder.join("place.json")).expect("`./x fuzz` writes the files");
            let written: Written = serde_json::from_slice(&text).expect("the files are of this version");
            let mut genuine: HashMap<String, Vec<Said>> = HashMap::new();
            for said in &written.genuine {
                genuine.entry(said.assertion_id.clone()).or_default().push(said.clone());
            }
            assert!(genuine.len() > 50, "hardly anything is genuine");
            assert!(written.partings.len() > 3 && !written.described.is_empty() && !written.oidc.genuine.is_empty());
            let provider = RsaKeyPair::from_pkcs8(&written.provider_key).expect("a key");
            let mut place = Self { written, genuine, provider, documents: Vec::new(), folder };
            let seeds = ["clear", "sealed", "opened", "logout", "metadata"];
            place.documents = seeds.into_iter().flat_map(|name| place.seeds(name)).collect();
            place
        })
    }

    /// The documents of a folder that are text.
    ///
    /// # Panics
    /// Where there is no such folder.
    #[must_use]
    pub fn seeds(&self, name: &str) -> Vec<String> {
        let files = std::fs::read_dir(self.folder.join(name)).expect("seeds").map(|file| file.expect("a seed").path());
        let mut documents: Vec<String> = files.filter_map(|path| std::fs::read_to_string(path).ok()).collect();
        documents.sort();
        documents
    }

    fn bench<'a>(&'a self, settings: &'a Settings, acs: &'a str) -> Bench<'a> {
        let Written { audience, now, leeway, key, .. } = &self.written;
        Bench { settings, key, audience, acs, now: Timestamp(*now), leeway: *leeway }
    }

    /// Judges an answer where a signed response is enough, and where it is not. Whatever is believed was said by
    /// the trusted key, in just these words; and who asks for more believes nothing else.
    pub(crate) fn answer(&self, bytes: &[u8]) -> &'static str {
        let judge = |settings| judge(bytes, &self.bench(settings, &self.written.acs));
        let whole = judge(&self.written.whole);
        if let Ok(said) = &whole {
            let known = self.genuine.get(&said.assertion_id).is_some_and(|known| known.contains(said));
            assert!(known, "believed, but never said: {said:?}");
            match judge(&self.written.strict) {
                Ok(strict) => assert_eq!(&strict, said),
                Err(code) => assert_eq!(code, "ASSERTION_UNSIGNED"),
            }
        } else if bytes.last().is_some_and(|byte| byte % 8 == 0) {
            assert_eq!(judge(&self.written.strict), whole);
        }
        verdict(&whole)
    }

    /// Judges what somebody encrypted to us: the text goes into an answer that nobody signed.
    pub(crate) fn opened(&self, bytes: &[u8]) -> &'static str {
        let nonce = [9; aead::NONCE_LEN];
        let key = aead::UnboundKey::new(&aead::AES_256_GCM, &self.written.content_key).expect("a key");
        let mut sealed = bytes.to_vec();
        aead::LessSafeKey::new(key)
            .seal_in_place_append_tag(aead::Nonce::assume_unique_for_key(nonce), aead::Aad::empty(), &mut sealed)
            .expect("not that long");
        let cipher = BASE64_STANDARD.encode([&nonce[..], &sealed].concat());
        let document = self.written.envelope.replacen(CIPHER, &cipher, 1);
        let verdict = self.answer(document.as_bytes());
        // It can be opened, though perhaps not a name inside it.
        let named = bytes.windows(11).any(|at| at == b"EncryptedID");
        assert!(named || verdict != "RESPONSE_DECRYPTION", "this has to get in");
        verdict
    }

    /// Judges a query as it is, else a document that comes by a form, and by a redirect that the provider signed.
    pub(crate) fn logout(&self, bytes: &[u8]) -> &'static str {
        let bench = self.bench(&self.written.logout, &self.written.slo);
        let Ok(text) = std::str::from_utf8(bytes) else { return "no text" };
        let known = |parted: &Result<Parting, &'static str>| {
            if let Ok(said) = parted {
                assert!(self.written.partings.contains(said), "heeded, but never said: {said:?}");
            }
        };
        if !text.starts_with('<') {
            let parted = part(Came::Redirect(text), &bench);
            known(&parted);
            return verdict(&parted);
        }
        let field = if text.contains("LogoutResponse") { "SAMLResponse" } else { "SAMLRequest" };
        let body = format!("{field}={}", encoded(&BASE64_STANDARD.encode(text)));
        let content_type = "application/x-www-form-urlencoded";
        let parted = part(Came::Form { content_type, body: body.as_bytes() }, &bench);
        known(&parted);
        // What the provider itself says may say anything; it must only not break us.
        let signed = part(Came::Redirect(&self.signed_query(field, text)), &bench);
        assert_ne!(signed.as_ref().err(), Some(&"SIGNATURE_WRONG"), "this has to get in");
        if parted.is_ok() { "believed" } else { verdict(&signed) }
    }

    fn signed_query(&self, field: &str, text: &str) -> String {
        let mut deflated = DeflateEncoder::new(Vec::new(), Compression::fast());
        deflated.write_all(text.as_bytes()).expect("memory");
        let message = BASE64_STANDARD.encode(deflated.finish().expect("memory"));
        let method = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
        let query = format!("{field}={}&SigAlg={}", encoded(&message), encoded(method));
        let value = BASE64_STANDARD.encode(self.signature(query.as_bytes()));
        format!("{query}&Signature={}", encoded(&value))
    }

    fn signature(&self, message: &[u8]) -> Vec<u8> {
        let mut value = vec![0; self.provider.public().modulus_len()];
        self.provider.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut value).expect("a signature");
        value
    }

    /// Judges metadata that somebody pastes, and that is read again from a provider whose signer is known: then
    /// nothing counts that the signer did not sign.
    pub(crate) fn metadata(&self, bytes: &[u8]) -> &'static str {
        let now = Timestamp(self.written.now);
        let pasted = describe(bytes, &[], now);
        if let Ok(settings) = &pasted {
            let Settings { entity_id, certificates, redirect, post, .. } = settings;
            assert!(!entity_id.is_empty() && (1..=10).contains(&certificates.len()), "{settings:?}");
            let mut addresses = [redirect, post].into_iter().flatten().peekable();
            assert!(addresses.peek().is_some() && addresses.all(|at| at.starts_with("https://")), "{settings:?}");
        }
        let again = describe(bytes, &self.written.strict.certificates, now);
        if let Ok(settings) = &again {
            assert!(self.written.described.contains(settings), "taken, but never signed: {settings:?}");
        }
        verdict(&pasted)
    }

    /// Judges a key set with a token that holds; a header and a payload, a line each, under a signature of another
    /// token and under a new one; anything else as a compact token.
    pub(crate) fn token(&self, bytes: &[u8]) -> &'static str {
        let oidc = &self.written.oidc;
        let Ok(text) = std::str::from_utf8(bytes) else { return "no text" };
        let judge = |token: &str, keys: &str| {
            let Oidc { settings, nonce, access_token, code, .. } = oidc;
            let (now, leeway) = (Timestamp(self.written.now), self.written.leeway);
            let bench = token::Bench { settings, nonce, access_token, code, now, leeway };
            token::judge(token, keys.as_bytes(), &bench)
        };
        let known = |said: &Result<token::Said, &'static str>| {
            if let Ok(said) = said {
                assert!(oidc.genuine.contains(said), "believed, but never said: {said:?}");
            }
        };
        if text.starts_with("{\"keys\"") {
            let said = judge(&oidc.honest, text);
            known(&said);
            return verdict(&said);
        }
        let Some((header, payload)) = text.split_once('\n') else {
            let said = judge(text, &oidc.keys);
            known(&said);
            return verdict(&said);
        };
        let input = format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(header), BASE64_URL_SAFE_NO_PAD.encode(payload));
        let (_, of_another) = oidc.honest.rsplit_once('.').expect("compact");
        known(&judge(&format!("{input}.{of_another}"), &oidc.keys));
        // What the provider itself says may say anything; it must only not break us.
        let value = BASE64_URL_SAFE_NO_PAD.encode(self.signature(input.as_bytes()));
        verdict(&judge(&format!("{input}.{value}"), &oidc.keys))
    }
}

fn bytes<'de, D: Deserializer<'de>>(of: D) -> Result<Vec<u8>, D::Error> {
    hex::decode(String::deserialize(of)?).map_err(D::Error::custom)
}

fn verdict<T>(of: &Result<T, &'static str>) -> &'static str {
    match of {
        Ok(_) => "believed",
        Err(code) => code,
    }
}

fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}
