//! Cases about the other answers of a provider: token endpoint, userinfo, keys, discovery.

use serde_json::{Value, json};

use super::{
    case::{Case, not_added, refused, signs_in},
    proof::BY_KEY,
};
use crate::issuer::{Answer, Auth, Sign, keys};

const OCT: &[u8] = b"a symmetric key that everybody can read";

pub const CASES: &[Case] = &[
    // ── Nothing wrong ──────────────────────────────────────────────────────────────────────────
    signs_in("ok-token-type-case", "`token_type` is bEaReR", |p| {
        p.token_body = |body| body["token_type"] = json!("bEaReR")
    }),
    signs_in("ok-charset", "content types say a charset", |p| {
        p.discovery_answer = Answer::Charset;
        p.jwks_answer = Answer::Charset;
        p.token_answer = Answer::Charset;
        p.userinfo_answer = Answer::Charset;
    }),
    signs_in("ok-userinfo", "only userinfo says who somebody is", |p| p.lean = true),
    signs_in("ok-no-userinfo", "there is no userinfo endpoint, the token says it all", |p| {
        p.discovery = |d, _| drop(d.as_object_mut().unwrap().shift_remove("userinfo_endpoint"))
    }),
    signs_in("ok-auth-post", "the secret goes into the form", |p| p.auth = Auth::Post).added_with(&["--auth", "post"]),
    signs_in("ok-auth-none", "a public client: no secret, PKCE alone", |p| p.auth = Auth::Public)
        .added_with(&["--auth", "none"]),
    signs_in("ok-auth-key", "a key of the hub's own instead of a secret (private_key_jwt)", BY_KEY)
        .added_with(&["--auth", "key"]),
    not_added("auth-key-unknown", "IDP_AUTH", "a key of the hub's own, and the provider knows secrets only", |_| {})
        .added_with(&["--auth", "key"]),
    not_added("auth-key-algorithm", "IDP_AUTH", "a key of the hub's own, and the provider knows RS256 only", |p| {
        p.discovery = |d, _| {
            d["token_endpoint_auth_methods_supported"] = json!(["private_key_jwt"]);
            d["token_endpoint_auth_signing_alg_values_supported"] = json!(["RS256"]);
        }
    })
    .added_with(&["--auth", "key"]),
    signs_in("ok-secret-marks", "a secret with marks, compared by a provider that does not decode", |p| {
        p.secret = "q8Q~1a.b_c-d~E"
    })
    .because("characters that need no encoding go as they are"),
    // ── Token endpoint ─────────────────────────────────────────────────────────────────────────
    refused("token-no-id-token", "CODE_REFUSED", "no `id_token`", |p| {
        p.token_body = |body| drop(body.as_object_mut().unwrap().shift_remove("id_token"))
    }),
    refused("token-no-access-token", "CODE_REFUSED", "no `access_token`", |p| {
        p.token_body = |body| drop(body.as_object_mut().unwrap().shift_remove("access_token"))
    }),
    refused("token-type-mac", "TOKEN_KIND", "`token_type` mac", |p| {
        p.token_body = |body| body["token_type"] = json!("mac")
    }),
    refused("token-400", "CODE_REFUSED", "invalid_grant", |p| p.token_answer = Answer::Error(400, "invalid_grant")),
    refused("token-500", "CODE_REFUSED", "HTTP 500 with a page", |p| p.token_answer = Answer::Page(500)),
    refused("token-html", "CODE_REFUSED", "HTTP 200 with a page", |p| p.token_answer = Answer::Page(200)),
    refused("token-not-json", "CODE_REFUSED", "JSON that ends in the middle", |p| p.token_answer = Answer::Cut),
    refused("token-redirect", "CODE_REFUSED", "307 to another place: the secret must not follow", |p| {
        p.token_answer = Answer::Elsewhere(307)
    }),
    refused("token-huge", "CODE_REFUSED", "an answer of 32 MiB", |p| p.token_answer = Answer::Huge),
    refused("token-slow", "CODE_REFUSED", "no answer: a time limit ends it", |p| p.token_answer = Answer::Silence),
    refused("token-drip", "CODE_REFUSED", "a byte a second: the limit is on the whole answer", |p| {
        p.token_answer = Answer::Drip
    }),
    // ── Userinfo ───────────────────────────────────────────────────────────────────────────────
    refused("userinfo-sub-mismatch", "USERINFO_SUBJECT", "userinfo of another `sub`", |p| {
        p.lean = true;
        p.userinfo = |u| u["sub"] = json!("sub-somebody-else");
    }),
    refused("userinfo-no-sub", "USERINFO_SUBJECT", "userinfo without `sub`", |p| {
        p.lean = true;
        p.userinfo = |u| drop(u.as_object_mut().unwrap().shift_remove("sub"));
    }),
    refused("userinfo-500", "USERINFO", "userinfo answers 500", |p| {
        p.lean = true;
        p.userinfo_answer = Answer::Page(500);
    })
    .because("the groups are needed, and only userinfo has them"),
    refused("userinfo-html", "USERINFO", "userinfo answers with a page", |p| {
        p.lean = true;
        p.userinfo_answer = Answer::Page(200);
    })
    .because("the groups are needed, and only userinfo has them"),
    refused("userinfo-redirect", "USERINFO", "userinfo sends elsewhere: the access token must not follow", |p| {
        p.lean = true;
        p.userinfo_answer = Answer::Elsewhere(302);
    })
    .because("redirects are not followed"),
    // ── Keys ───────────────────────────────────────────────────────────────────────────────────
    signs_in("rotation", "another key since the last sign-in, not seen yet", |p| {
        p.jwks = |set| *set = vec![keys().next.jwk()];
        p.token = |t| t.signed("RS256", keys().next.kid, Sign::Rs256(&keys().next));
    })
    .after(|_| {}),
    signs_in("rotation-overlap", "the new key signs, the old one is still published", |p| {
        p.jwks = |set| set.push(keys().next.jwk());
        p.token = |t| t.signed("RS256", keys().next.kid, Sign::Rs256(&keys().next));
    })
    .after(|_| {}),
    signs_in("key-withdrawn", "signed by a key that was withdrawn a moment ago", |p| {
        p.jwks = |set| *set = vec![keys().next.jwk()]
    })
    .after(|_| {})
    .because("a key set counts for an hour after it was read; after that the key is refused"),
    refused("jwks-empty", "TOKEN_KEY_UNKNOWN", "an empty key set", |p| p.jwks = |set| set.clear()),
    refused("jwks-500", "IDP_KEYS", "the key set answers 500", |p| p.jwks_answer = Answer::Page(500)),
    refused("jwks-html", "IDP_KEYS", "the key set is a page", |p| p.jwks_answer = Answer::Page(200)),
    refused("jwks-redirect", "IDP_KEYS", "the key set is elsewhere", |p| p.jwks_answer = Answer::Elsewhere(302)),
    refused("jwks-slow", "IDP_TIMEOUT", "no answer: a time limit ends it", |p| p.jwks_answer = Answer::Silence),
    refused("jwks-huge", "IDP_KEYS", "20 000 keys, ours the last", |p| p.jwks = crowd)
        .because("a key set is read up to 1 MiB"),
    refused("jwks-duplicate-kid", "TOKEN_KEY_AMBIGUOUS", "two keys under one `kid`, the second is ours", |p| {
        p.jwks = |set| {
            let mut other = keys().forger.jwk();
            other["kid"] = json!("main");
            set.insert(0, other);
        }
    })
    .because("a `kid` that names two keys names none"),
    refused("jwks-weak-key", "TOKEN_KEY_UNKNOWN", "an RSA key of 1024 bit", |p| {
        p.jwks = |set| *set = vec![keys().weak.jwk()];
        p.token = |t| t.signed("RS256", keys().weak.kid, Sign::Rs256(&keys().weak));
    }),
    refused("jwks-oct", "TOKEN_ALGORITHM", "the set publishes a symmetric key, and the token is HS256 under it", |p| {
        p.jwks = |set| {
            let k = crate::issuer::b64(OCT);
            set.push(json!({"kty": "oct", "use": "sig", "alg": "HS256", "kid": "open", "k": k}));
        };
        p.token = |t| {
            t.hs256(OCT);
            t.head("kid", "open");
        };
    }),
    // ── Discovery ──────────────────────────────────────────────────────────────────────────────
    not_added("disc-issuer-mismatch", "IDP_ISSUER", "it calls itself by another name", |p| {
        p.discovery = |d, _| d["issuer"] = json!("https://login.another.example")
    }),
    not_added("disc-issuer-slash", "IDP_ISSUER", "its name has a slash more at the end", |p| {
        p.discovery = |d, site| d["issuer"] = json!(format!("{}/", site.issuer))
    }),
    not_added("disc-no-issuer", "IDP_DISCOVERY", "no `issuer`", |p| p.discovery = |d, _| lacks(d, "issuer")),
    not_added("disc-no-jwks", "IDP_DISCOVERY", "no `jwks_uri`", |p| p.discovery = |d, _| lacks(d, "jwks_uri")),
    not_added("disc-no-token", "IDP_DISCOVERY", "no `token_endpoint`", |p| {
        p.discovery = |d, _| lacks(d, "token_endpoint")
    }),
    not_added("disc-not-json", "IDP_DISCOVERY", "JSON that ends in the middle", |p| p.discovery_answer = Answer::Cut),
    not_added("disc-html", "IDP_DISCOVERY", "a page with status 200", |p| p.discovery_answer = Answer::Page(200)),
    not_added("disc-404", "IDP_DISCOVERY", "HTTP 404", |p| p.discovery_answer = Answer::Page(404)),
    not_added("disc-huge", "IDP_DISCOVERY", "an answer of 32 MiB", |p| p.discovery_answer = Answer::Huge),
    not_added("disc-slow", "IDP_TIMEOUT", "no answer: a time limit ends it", |p| p.discovery_answer = Answer::Silence),
    not_added("disc-drip", "IDP_TIMEOUT", "a byte a second: the limit is on the whole answer", |p| {
        p.discovery_answer = Answer::Drip
    }),
    not_added("disc-deep", "IDP_DISCOVERY", "100 000 lists in one another", |p| p.discovery_answer = Answer::Deep),
    not_added("disc-redirect", "IDP_DISCOVERY", "it sends elsewhere", |p| p.discovery_answer = Answer::Elsewhere(302))
        .because("redirects are not followed: they could lead into our own network"),
    not_added("disc-javascript-authorize", "IDP_ADDRESS", "`authorization_endpoint` is a javascript: URL", |p| {
        p.discovery = |d, _| d["authorization_endpoint"] = json!("javascript:alert(document.domain)")
    }),
    not_added("disc-javascript-logout", "IDP_ADDRESS", "`end_session_endpoint` is a javascript: URL", |p| {
        p.discovery = |d, _| d["end_session_endpoint"] = json!("javascript:alert(document.domain)")
    }),
    not_added("disc-file-jwks", "IDP_ADDRESS", "`jwks_uri` is a file: URL", |p| {
        p.discovery = |d, _| d["jwks_uri"] = json!("file:///dev/zero")
    }),
    not_added("disc-cloud-userinfo", "IDP_ADDRESS", "`userinfo_endpoint` is a cloud's metadata address", |p| {
        p.discovery = |d, _| d["userinfo_endpoint"] = json!("http://169.254.169.254/latest/meta-data/")
    }),
    not_added("disc-alg-none-only", "IDP_ALGORITHM", "`none` is its only algorithm, the token is unsigned", |p| {
        p.discovery = |d, _| d["id_token_signing_alg_values_supported"] = json!(["none"]);
        p.token = |t| t.signed("none", "main", Sign::Bytes(vec![]));
    }),
    not_added("disc-hs256-only", "IDP_ALGORITHM", "HS256 is its only algorithm, under the client secret", |p| {
        p.discovery = |d, _| d["id_token_signing_alg_values_supported"] = json!(["HS256"]);
        p.token = |t| t.hs256(t.site.secret);
    })
    .because("symmetric algorithms cannot be agreed at all: our secret would sign, too"),
];

fn lacks(document: &mut Value, name: &str) {
    document.as_object_mut().unwrap().shift_remove(name);
}

/// Many keys before ours.
fn crowd(set: &mut Vec<Value>) {
    let ours = set.clone();
    let stranger = |number| {
        let mut key = keys().forger.jwk();
        key["kid"] = json!(format!("stranger-{number}"));
        key
    };
    *set = (0..20_000).map(stranger).chain(ours).collect();
}
