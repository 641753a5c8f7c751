use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use rsa::pkcs8::EncodePrivateKey;

use super::*;

type TestResult = Result<(), Box<dyn std::error::Error>>;

const CHALLENGE: &str = "Y2hhbGxlbmdlLW9mLXRoZS10ZXN0";
const ID: &[u8] = b"one";

fn site() -> Result<Site, Box<dyn std::error::Error>> {
    Ok(Site::of(&"https://hub.example".parse()?).ok_or("no name")?)
}

enum Pair {
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
}

impl Pair {
    fn es256() -> Result<Self, Box<dyn std::error::Error>> {
        let random = SystemRandom::new();
        let file = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).map_err(|_| "no key")?;
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, file.as_ref(), &random);
        Ok(Self::Es256(key.map_err(|_| "no key")?))
    }

    fn rs256() -> Result<Self, Box<dyn std::error::Error>> {
        let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048)?.to_pkcs8_der()?;
        Ok(Self::Rs256(RsaKeyPair::from_pkcs8(key.as_bytes()).map_err(|_| "no key")?))
    }

    fn cose(&self) -> Vec<u8> {
        match self {
            Self::Es256(key) => {
                let (x, y) = key.public_key().as_ref()[1..].split_at(32);
                [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32][..], x, &[0x22, 0x58, 32], y].concat()
            }
            Self::Rs256(key) => {
                let RsaPublicKeyComponents { n, e } = RsaPublicKeyComponents::<Vec<u8>>::from(key.public());
                let head = [0xa4, 1, 3, 3, 0x39, 1, 0, 0x20, 0x59, 1, 0];
                [&head[..], &n, &[0x21, 0x40 + u8::try_from(e.len()).unwrap_or_default()], &e].concat()
            }
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
        let random = SystemRandom::new();
        match self {
            Self::Es256(key) => Ok(key.sign(&random, message).map_err(|_| "no signature")?.as_ref().to_vec()),
            Self::Rs256(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map_err(|_| "no signature")?;
                Ok(signature)
            }
        }
    }
}

fn client(kind: &str, change: impl Fn(&mut Value)) -> String {
    let mut client =
        json!({"type": kind, "challenge": CHALLENGE, "origin": "https://hub.example", "crossOrigin": false});
    change(&mut client);
    BASE64.encode(client.to_string())
}

fn data(host: &str, flags: u8, counter: u32, more: &[u8]) -> Vec<u8> {
    [Sha256::digest(host).as_slice(), &[flags], &counter.to_be_bytes(), more].concat()
}

/// Maker, name and key of a new passkey.
fn attested(cose: &[u8]) -> Vec<u8> {
    [&[0; 16][..], &[0, 3], ID, cose].concat()
}

fn creation(client: &str, data: &[u8]) -> String {
    let [high, low] = u16::try_from(data.len()).unwrap_or_default().to_be_bytes();
    let object = [&b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59"[..], &[high, low], data].concat();
    let response = json!({"clientDataJSON": client, "attestationObject": BASE64.encode(object),
        "transports": ["usb", "smart-card", "<b>"]});
    json!({"id": "x", "rawId": BASE64.encode(ID), "type": "public-key", "response": response}).to_string()
}

const NEW: u8 = PRESENT | VERIFIED | ATTESTED;

#[test]
fn a_new_passkey_is_read() -> TestResult {
    for pair in [Pair::es256()?, Pair::rs256()?] {
        let cose = pair.cose();
        let told = [attested(&cose), b"\xa1\x6bcredProtect\x03".to_vec()].concat();
        let answer =
            creation(&client("webauthn.create", |_| {}), &data("hub.example", NEW | ELIGIBLE | EXTENDED, 7, &told));
        let made = site()?.made(CHALLENGE, &answer)?;
        let transports = vec!["usb".to_owned(), "smart-card".to_owned()];
        let known = Known { id: ID.to_vec(), transports };
        let wanted = Made { known, public_key: cose, counter: 7, backup_eligible: true, backed_up: false };
        assert_eq!(made, wanted);
    }
    Ok(())
}

#[test]
fn what_is_no_new_passkey_is_refused() -> TestResult {
    let (site, pair) = (site()?, Pair::es256()?);
    let cose = pair.cose();
    let good = client("webauthn.create", |_| {});
    let honest = data("hub.example", NEW, 0, &attested(&cose));
    assert!(site.made(CHALLENGE, &creation(&good, &honest)).is_ok());
    let clients = [
        (client("webauthn.get", |_| {}), Flaw::Kind),
        (client("webauthn.create", |c| c["challenge"] = "b3RoZXI".into()), Flaw::Challenge),
        (client("webauthn.create", |c| c["origin"] = "http://hub.example".into()), Flaw::Origin),
        (client("webauthn.create", |c| c["origin"] = "https://hub.example:8443".into()), Flaw::Origin),
        (client("webauthn.create", |c| c["origin"] = "https://a.hub.example".into()), Flaw::Origin),
        (client("webauthn.create", |c| c["crossOrigin"] = true.into()), Flaw::Origin),
        ("e30".to_owned(), Flaw::Form),
    ];
    for (client, flaw) in clients {
        assert_eq!(site.made(CHALLENGE, &creation(&client, &honest)).err(), Some(flaw), "{client}");
    }
    let mut other_curve = cose.clone();
    other_curve[6] = 2;
    let datas = [
        ("another host", data("a.hub.example", NEW, 0, &attested(&cose)), Flaw::Host),
        ("nobody there", data("hub.example", VERIFIED | ATTESTED, 0, &attested(&cose)), Flaw::Person),
        ("no PIN", data("hub.example", PRESENT | ATTESTED, 0, &attested(&cose)), Flaw::Person),
        ("backed up, not eligible", data("hub.example", NEW | BACKED_UP, 0, &attested(&cose)), Flaw::Backup),
        ("no key", data("hub.example", PRESENT | VERIFIED, 0, &[]), Flaw::Form),
        ("another curve", data("hub.example", NEW, 0, &attested(&other_curve)), Flaw::Key),
        ("something after it", data("hub.example", NEW, 0, &[attested(&cose), vec![0]].concat()), Flaw::Form),
        ("cut off", honest[..honest.len() - 1].to_vec(), Flaw::Form),
        ("nothing", Vec::new(), Flaw::Form),
    ];
    for (what, data, flaw) in datas {
        assert_eq!(site.made(CHALLENGE, &creation(&good, &data)).err(), Some(flaw), "{what}");
    }
    assert_eq!(site.made("", &creation(&good, &honest)).err(), Some(Flaw::Challenge));
    let renamed = creation(&good, &honest).replace(&BASE64.encode(ID), &BASE64.encode(b"two"));
    assert_eq!(site.made(CHALLENGE, &renamed).err(), Some(Flaw::Form));
    Ok(())
}

/// An answer of a passkey, and whether it holds.
fn judged(pair: &Pair, client: &str, data: &[u8], stored: Stored<'_>, handle: Option<&[u8]>) -> Result<Signed, String> {
    let plain = BASE64.decode(client).map_err(|e| e.to_string())?;
    let signature = pair.sign(&[data, &Sha256::digest(&plain)].concat()).map_err(|e| e.to_string())?;
    let response = json!({"clientDataJSON": client, "authenticatorData": BASE64.encode(data),
        "signature": BASE64.encode(signature), "userHandle": handle.map(|h| BASE64.encode(h))});
    let answer = json!({"rawId": BASE64.encode(ID), "type": "public-key", "response": response}).to_string();
    let answer = Assertion::read(&answer).map_err(|e| e.to_string())?;
    let site = site().map_err(|e| e.to_string())?;
    site.signed(CHALLENGE, &answer, stored).map_err(|flaw| format!("{flaw:?}"))
}

#[test]
fn only_its_own_signature_holds() -> TestResult {
    const ASKED: u8 = PRESENT | VERIFIED;
    let other = Pair::es256()?;
    for pair in [Pair::es256()?, Pair::rs256()?] {
        let (cose, good) = (pair.cose(), client("webauthn.get", |_| {}));
        let stored = Stored { public_key: &cose, counter: 4, backup_eligible: false, handle: b"me" };
        let honest = data("hub.example", ASKED | ELIGIBLE | BACKED_UP, 5, &[]);
        for handle in [None, Some(&b"me"[..])] {
            let signed = judged(&pair, &good, &honest, stored, handle)?;
            assert_eq!(signed, Signed { counter: 5, backed_up: true });
        }
        let flaw = |pair: &Pair, client: &str, data: &[u8], stored| {
            judged(pair, client, data, stored, None).err().unwrap_or_default()
        };
        assert_eq!(flaw(&other, &good, &honest, stored), "Signature");
        assert_eq!(flaw(&pair, &client("webauthn.create", |_| {}), &honest, stored), "Kind");
        let evil = client("webauthn.get", |c| c["origin"] = "https://hub.example.evil.example".into());
        assert_eq!(flaw(&pair, &evil, &honest, stored), "Origin");
        assert_eq!(judged(&pair, &good, &honest, stored, Some(b"you")).err().as_deref(), Some("Person"));
        assert_eq!(flaw(&pair, &good, &data("hub.example", PRESENT, 5, &[]), stored), "Person");
        assert_eq!(flaw(&pair, &good, &data("example", ASKED, 5, &[]), stored), "Host");
        let eligible = Stored { backup_eligible: true, ..stored };
        assert_eq!(flaw(&pair, &good, &data("hub.example", ASKED, 5, &[]), eligible), "Backup");
        for (before, now, holds) in [(0, 0, true), (0, 1, true), (4, 5, true), (4, 4, false), (4, 0, false)] {
            let answer = data("hub.example", ASKED, now, &[]);
            let verdict = judged(&pair, &good, &answer, Stored { counter: before, ..stored }, None);
            assert_eq!(verdict.is_ok(), holds, "{before} {now}: {verdict:?}");
        }
    }
    Ok(())
}
