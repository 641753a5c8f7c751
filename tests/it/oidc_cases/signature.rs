//! Cases about a token's form, header and signature.

use serde_json::json;

use super::case::{Case, refused, signs_in};
use crate::issuer::{Sign, b64, bent, keys, parts, tampered};

const ES256_TOO: &[&str] = &["--algorithm", "RS256", "--algorithm", "ES256"];

pub const CASES: &[Case] = &[
    // ── Nothing wrong ──────────────────────────────────────────────────────────────────────────
    signs_in("ok-no-kid", "no `kid`, one key in the set", |p| {
        p.token = |t| drop(t.header.as_object_mut().unwrap().shift_remove("kid"))
    }),
    signs_in("ok-extra-keys", "keys of unknown kinds and one for encryption in the set", |p| {
        p.jwks = |keys| {
            let mut sealing = crate::issuer::keys().sealing.jwk();
            sealing["use"] = json!("enc");
            sealing["alg"] = json!("RSA-OAEP-256");
            keys.insert(0, json!({"kty": "LATTICE", "kid": "new", "q": "AQAB"}));
            keys.insert(0, json!({"kty": "OKP", "crv": "X25519", "kid": "dh", "use": "enc", "x": b64(&[9; 32])}));
            keys.insert(0, sealing);
        }
    }),
    signs_in("ok-rs512", "RS512, which was agreed", |p| {
        p.jwks = |set| set[0]["alg"] = json!("RS512");
        p.token = |t| t.signed("RS512", "main", Sign::Rs512(&keys().main));
    })
    .added_with(&["--algorithm", "RS512"]),
    signs_in("ok-ps256", "PS256, which was agreed", |p| {
        p.jwks = |set| set[0]["alg"] = json!("PS256");
        p.token = |t| t.signed("PS256", "main", Sign::Ps256(&keys().main));
    })
    .added_with(&["--algorithm", "PS256"]),
    signs_in("ok-es256", "ES256, which was agreed", |p| {
        p.jwks = |set| set.push(keys().ec.jwk());
        p.token = |t| t.signed("ES256", keys().ec.kid, Sign::Es256(&keys().ec));
    })
    .added_with(ES256_TOO),
    signs_in("ok-eddsa", "EdDSA, which was agreed", |p| {
        p.jwks = |set| set.push(keys().ed.jwk());
        p.token = |t| t.signed("EdDSA", keys().ed.kid, Sign::EdDsa(&keys().ed));
    })
    .added_with(&["--algorithm", "EdDSA"]),
    // ── No signature ───────────────────────────────────────────────────────────────────────────
    refused("alg-none", "TOKEN_FORM", "`alg` none, empty signature", |p| {
        p.token = |t| t.signed("none", "main", Sign::Bytes(vec![]))
    }),
    refused("alg-none-case", "TOKEN_FORM", "`alg` nOnE, empty signature", |p| {
        p.token = |t| t.signed("nOnE", "main", Sign::Bytes(vec![]))
    }),
    refused("alg-none-signed", "TOKEN_ALGORITHM", "`alg` none with a signature", |p| {
        p.token = |t| t.head("alg", "none")
    }),
    refused("alg-missing", "TOKEN_ALGORITHM", "no `alg` in the header", |p| {
        p.token = |t| drop(t.header.as_object_mut().unwrap().shift_remove("alg"))
    }),
    refused("alg-empty", "TOKEN_ALGORITHM", "`alg` is empty", |p| p.token = |t| t.head("alg", "")),
    refused("alg-not-agreed", "TOKEN_ALGORITHM", "RS512 by the right key, though RS256 was agreed", |p| {
        p.token = |t| t.signed("RS512", "main", Sign::Rs512(&keys().main))
    })
    .because("the algorithm is agreed when the provider is added; a token does not choose"),
    refused("empty-signature", "TOKEN_FORM", "empty signature under RS256", |p| {
        p.token = |t| t.sign = Sign::Bytes(vec![])
    }),
    refused("stripped-signature", "TOKEN_FORM", "two parts only", |p| {
        p.token = |t| {
            t.finish = |token| {
                let [header, payload, _] = parts(&token);
                format!("{header}.{payload}")
            }
        }
    }),
    // ── A secret that everybody knows ──────────────────────────────────────────────────────────
    refused("hs256-pub-pem", "TOKEN_ALGORITHM", "HS256 under the public key as PEM", |p| {
        p.token = |t| t.hs256(keys().main.pem())
    }),
    refused("hs256-pub-pem-stripped", "TOKEN_ALGORITHM", "HS256 under the PEM without its last line end", |p| {
        p.token = |t| t.hs256(keys().main.pem().trim_end())
    }),
    refused("hs256-pub-der", "TOKEN_ALGORITHM", "HS256 under the public key as DER", |p| {
        p.token = |t| t.hs256(keys().main.der())
    }),
    refused("hs256-pub-jwk", "TOKEN_ALGORITHM", "HS256 under the public key as JWK", |p| {
        p.token = |t| t.hs256(keys().main.jwk().to_string())
    }),
    refused("hs256-pub-n", "TOKEN_ALGORITHM", "HS256 under the modulus", |p| {
        p.token = |t| t.hs256(keys().main.jwk()["n"].as_str().unwrap())
    }),
    refused("hs256-pub-empty", "TOKEN_ALGORITHM", "HS256 under an empty secret", |p| p.token = |t| t.hs256("")),
    refused("hs256-client-secret", "TOKEN_ALGORITHM", "HS256 under the client secret, though RS256 was agreed", |p| {
        p.token = |t| t.hs256(t.site.secret)
    })
    .because("symmetric algorithms cannot be agreed at all: our secret would sign, too"),
    refused("kid-traversal", "TOKEN_ALGORITHM", "`kid` ../../../dev/null with HS256 under nothing", |p| {
        p.token = |t| {
            t.hs256("");
            t.head("kid", "../../../dev/null");
        }
    }),
    // ── A wrong signature ──────────────────────────────────────────────────────────────────────
    refused("bad-signature", "TOKEN_SIGNATURE", "one bit of the signature changed", |p| p.token = |t| t.finish = bent),
    refused("tampered-payload", "TOKEN_SIGNATURE", "payload changed after signing", |p| {
        p.token = |t| t.finish = tampered
    }),
    refused("other-key-same-kid", "TOKEN_SIGNATURE", "signed by another key under the known `kid`", |p| {
        p.token = |t| t.sign = Sign::Rs256(&keys().forger)
    }),
    refused("es256-zero", "TOKEN_SIGNATURE", "ES256 with r = s = 0", |p| {
        p.jwks = |set| set.push(keys().ec.jwk());
        p.token = |t| t.signed("ES256", keys().ec.kid, Sign::Bytes(vec![0; 64]));
    })
    .added_with(ES256_TOO),
    refused("alg-key-mismatch", "TOKEN_KEY_UNKNOWN", "ES256 in the header, the `kid` of an RSA key", |p| {
        p.jwks = |set| set.push(keys().ec.jwk());
        p.token = |t| t.signed("ES256", "main", Sign::Es256(&keys().ec));
    })
    .added_with(ES256_TOO),
    // ── Which key ──────────────────────────────────────────────────────────────────────────────
    refused("unknown-kid", "TOKEN_KEY_UNKNOWN", "a `kid` that is not in the set, signed by nobody known", |p| {
        p.token = |t| t.signed("RS256", "forger", Sign::Rs256(&keys().forger))
    }),
    refused(
        "unknown-kid-good-key",
        "TOKEN_KEY_UNKNOWN",
        "a `kid` that is not in the set, signed by the only key",
        |p| p.token = |t| t.head("kid", "unknown"),
    )
    .because("the set is read once more; then the key that is named has to be there"),
    refused("no-kid-two-keys", "TOKEN_KEY_AMBIGUOUS", "no `kid`, two keys that could be meant", |p| {
        p.jwks = |set| set.push(keys().next.jwk());
        p.token = |t| drop(t.header.as_object_mut().unwrap().shift_remove("kid"));
    })
    .because("keys are not tried one after the other"),
    refused("rs256-enc-key", "TOKEN_KEY_UNKNOWN", "signed by a key that is published for encryption", |p| {
        p.jwks = |set| {
            let mut sealing = keys().sealing.jwk();
            sealing["use"] = json!("enc");
            sealing.as_object_mut().unwrap().shift_remove("alg");
            set.push(sealing);
        };
        p.token = |t| t.signed("RS256", keys().sealing.kid, Sign::Rs256(&keys().sealing));
    })
    .because("who holds the key to open letters may be somebody else"),
    refused("jwk-header", "TOKEN_SIGNATURE", "the forger's key in the header", |p| {
        p.token = |t| {
            t.head("jwk", keys().forger.jwk());
            t.sign = Sign::Rs256(&keys().forger);
        }
    }),
    refused("jku-header", "TOKEN_KEY_UNKNOWN", "the header names the forger's key set", |p| {
        p.token = |t| {
            t.signed("RS256", "forger", Sign::Rs256(&keys().forger));
            t.head("jku", format!("{}/jwks", t.site.outside));
        }
    }),
    refused("x5u-header", "TOKEN_SIGNATURE", "the header names a certificate outside", |p| {
        p.token = |t| {
            t.sign = Sign::Rs256(&keys().forger);
            t.head("x5u", format!("{}/certificate.pem", t.site.outside));
        }
    }),
    refused("crit-header", "TOKEN_CRITICAL", "an unknown header that is critical", |p| {
        p.token = |t| {
            t.head("crit", json!(["https://extension.example/must"]));
            t.head("https://extension.example/must", true);
        }
    }),
    refused("b64-false", "TOKEN_CRITICAL", "an unencoded payload is claimed", |p| {
        p.token = |t| {
            t.head("b64", false);
            t.head("crit", json!(["b64"]));
        }
    }),
    // ── Not a token ────────────────────────────────────────────────────────────────────────────
    refused("id-token-not-jwt", "TOKEN_FORM", "the ID token is some text", |p| {
        p.token_body = |body| body["id_token"] = json!("signed by me, honestly")
    }),
    refused("id-token-jwe", "TOKEN_FORM", "the ID token has five parts", |p| {
        p.token = |t| t.finish = |token| format!("{token}.AAAA.AAAA")
    }),
    refused("id-token-whitespace", "TOKEN_FORM", "a line end behind the ID token", |p| {
        p.token = |t| t.finish = |token| format!("{token}\n")
    })
    .because("a token that has to be cleaned first is not the one that was signed"),
    refused("id-token-huge", "TOKEN_FORM", "an ID token of 200 KB, rightly signed", |p| {
        p.token = |t| t.claim("note", "n".repeat(150_000))
    })
    .because("nothing that is said of a person needs that much room"),
];
