//! Cases about what a token says, rightly signed.

use serde_json::json;

use super::case::{Case, refused, signs_in};
use crate::issuer::half_hash;

pub const CASES: &[Case] = &[
    // ── Nothing wrong ──────────────────────────────────────────────────────────────────────────
    signs_in("ok", "everything is right", |_| {}),
    signs_in("ok-aud-array", "`aud` is a list of one", |p| p.token = |t| t.claim("aud", json!([t.site.client]))),
    signs_in("ok-azp", "`aud` is a list, `azp` is us", |p| {
        p.token = |t| {
            t.claim("aud", json!([t.site.client, "another-app"]));
            t.claim("azp", t.site.client);
        }
    }),
    signs_in("ok-float-times", "times have a fraction, as some providers write them", |p| {
        p.token = |t| {
            for name in ["exp", "iat", "auth_time"] {
                t.claims[name] = json!(t.claims[name].as_f64().unwrap() + 0.08);
            }
        }
    }),
    signs_in("ok-skew", "`iat` is 20 s ahead: clocks differ", |p| p.token = |t| t.claim("iat", t.now + 20)),
    signs_in("ok-at-hash", "`at_hash` fits the access token", |p| {
        p.token = |t| t.claim("at_hash", half_hash(&t.access_token))
    }),
    signs_in("ok-c-hash", "`c_hash` fits the code", |p| p.token = |t| t.claim("c_hash", half_hash(&t.code))),
    signs_in("ok-verified-text", "`email_verified` is a text, as some providers write it", |p| {
        p.token = |t| t.claim("email_verified", "true")
    })
    .because("nothing depends on it"),
    signs_in("ok-updated-text", "`updated_at` is a date in text, as some providers write it", |p| {
        p.token = |t| t.claim("updated_at", "2026-11-02T03:04:05.678Z")
    })
    .because("nothing depends on it"),
    signs_in("ok-groups-string", "groups is a text, not a list", |p| p.token = |t| t.claim("groups", "staff"))
        .because("some providers write a single group so; it counts as one group"),
    signs_in("ok-hostile-name", "the name has a script, controls, a turn of direction and 500 characters", |p| {
        p.token = |t| {
            let name = format!("<script>alert(1)</script>\u{0}\r\n\u{202e}\u{7}{}", "名".repeat(500));
            t.claim("name", name);
        }
    })
    .because("a name identifies nobody; it is shown without what is not writing"),
    signs_in("ok-hostile-session", "`sid` with a NUL", |p| p.token = |t| t.claim("sid", "a\u{0}b"))
        .because("without it the provider can only end all sessions of a person"),
    signs_in("ok-many-groups", "800 groups, some of them no text", |p| {
        p.token = |t| {
            let many = (0..800).map(|n| if n % 7 == 0 { json!(n) } else { json!(format!("group-{n}")) });
            t.claim("groups", json!(many.chain([json!("staff"), json!(null), json!({})]).collect::<Vec<_>>()));
        };
        // Beside so many there is no room for them twice.
        p.userinfo = |u| drop(u.as_object_mut().unwrap().shift_remove("groups"));
    }),
    // ── Who it is for, and from ────────────────────────────────────────────────────────────────
    refused("wrong-iss", "TOKEN_ISSUER", "`iss` of another provider", |p| {
        p.token = |t| t.claim("iss", "https://login.another.example")
    }),
    refused("iss-slash", "TOKEN_ISSUER", "`iss` with a slash more at its end", |p| {
        p.token = |t| t.claim("iss", format!("{}/", t.site.issuer))
    }),
    refused("iss-prefix", "TOKEN_ISSUER", "`iss` that begins like ours", |p| {
        p.token = |t| t.claim("iss", format!("{}.another.example", t.site.issuer))
    }),
    refused("missing-iss", "TOKEN_ISSUER", "no `iss`", |p| p.token = |t| t.without(&["iss"])),
    refused("wrong-aud", "TOKEN_AUDIENCE", "`aud` of another client", |p| p.token = |t| t.claim("aud", "another-app")),
    refused("wrong-aud-array", "TOKEN_AUDIENCE", "a list of audiences without us", |p| {
        p.token = |t| t.claim("aud", json!(["another-app", "a-third-app"]))
    }),
    refused("aud-multi-no-azp", "TOKEN_PARTY", "two audiences, no `azp`", |p| {
        p.token = |t| t.claim("aud", json!([t.site.client, "another-app"]))
    })
    .because("it does not say for whom it was made, and the other audience could send it to us"),
    refused("missing-aud", "TOKEN_AUDIENCE", "no `aud`", |p| p.token = |t| t.without(&["aud"])),
    refused("empty-aud", "TOKEN_AUDIENCE", "`aud` is an empty list", |p| p.token = |t| t.claim("aud", json!([]))),
    refused("azp-mismatch", "TOKEN_PARTY", "two audiences, `azp` is the other one", |p| {
        p.token = |t| {
            t.claim("aud", json!([t.site.client, "another-app"]));
            t.claim("azp", "another-app");
        }
    }),
    refused("azp-mismatch-single", "TOKEN_PARTY", "`aud` is us alone, `azp` is another client", |p| {
        p.token = |t| t.claim("azp", "another-app")
    })
    .because("it was made for another client"),
    // ── When ───────────────────────────────────────────────────────────────────────────────────
    refused("expired", "TOKEN_EXPIRED", "`exp` an hour ago", |p| {
        p.token = |t| {
            t.claim("iat", t.now - 3_900);
            t.claim("exp", t.now - 3_600);
        }
    }),
    refused("expired-just", "TOKEN_EXPIRED", "`exp` two minutes ago, `iat` five", |p| {
        p.token = |t| {
            t.claim("iat", t.now - 300);
            t.claim("exp", t.now - 120);
        }
    }),
    refused("missing-exp", "TOKEN_CLAIMS", "no `exp`", |p| p.token = |t| t.without(&["exp"])),
    refused("exp-string", "TOKEN_CLAIMS", "`exp` is a text", |p| {
        p.token = |t| t.claim("exp", (t.now + 300).to_string())
    }),
    refused("exp-negative", "TOKEN_CLAIMS", "`exp` is below zero", |p| p.token = |t| t.claim("exp", -1)),
    refused("exp-huge", "TOKEN_CLAIMS", "`exp` is 1e300", |p| p.token = |t| t.claim("exp", 1e300))
        .because("no clock can say that time"),
    refused("iat-future", "TOKEN_NOT_YET", "`iat` a day ahead", |p| p.token = |t| t.claim("iat", t.now + 86_400)),
    refused("iat-old", "TOKEN_OLD", "`iat` half an hour ago, `exp` still to come", |p| {
        p.token = |t| t.claim("iat", t.now - 1_800)
    })
    .because("the token of a code that was redeemed a moment ago is a moment old"),
    refused("missing-iat", "TOKEN_CLAIMS", "no `iat`", |p| p.token = |t| t.without(&["iat"]))
        .because("OpenID Connect Core requires it"),
    refused("nbf-future", "TOKEN_NOT_YET", "`nbf` an hour ahead", |p| p.token = |t| t.claim("nbf", t.now + 3_600)),
    // ── For which sign-in ──────────────────────────────────────────────────────────────────────
    refused("missing-nonce", "TOKEN_NONCE", "no `nonce`, though one was sent", |p| p.token = |t| t.without(&["nonce"])),
    refused("wrong-nonce", "TOKEN_NONCE", "another `nonce`", |p| {
        p.token = |t| t.claim("nonce", "0123456789abcdef0123456789abcdef0123456789a")
    }),
    refused("empty-nonce", "TOKEN_NONCE", "an empty `nonce`", |p| p.token = |t| t.claim("nonce", "")),
    refused("at-hash-wrong", "TOKEN_ACCESS_HASH", "`at_hash` of another access token", |p| {
        p.token = |t| t.claim("at_hash", half_hash("another access token"))
    }),
    refused("c-hash-wrong", "TOKEN_CODE_HASH", "`c_hash` of another code", |p| {
        p.token = |t| t.claim("c_hash", half_hash("another code"))
    })
    .because("the code flow does not ask for it, but one that is there and wrong says that something was swapped"),
    // ── About whom ─────────────────────────────────────────────────────────────────────────────
    refused("missing-sub", "TOKEN_SUBJECT", "no `sub`", |p| p.token = |t| t.without(&["sub"])),
    refused("empty-sub", "TOKEN_SUBJECT", "an empty `sub`", |p| p.token = |t| t.claim("sub", "")),
    refused("sub-number", "TOKEN_SUBJECT", "`sub` is a number", |p| p.token = |t| t.claim("sub", 4_711)),
    refused("sub-long", "TOKEN_SUBJECT", "`sub` of 4096 characters", |p| {
        p.token = |t| t.claim("sub", "s".repeat(4_096))
    })
    .because("OpenID Connect Core allows 255"),
    refused("sub-null", "TOKEN_SUBJECT", "`sub` is null", |p| p.token = |t| t.claims["sub"] = json!(null)),
    refused("sub-nul", "TOKEN_SUBJECT", "a NUL in `sub`", |p| p.token = |t| t.claim("sub", "sub\u{0}nul")),
    refused("payload-array", "TOKEN_FORM", "the payload is a list", |p| {
        p.token = |t| t.payload = Some(json!([t.claims]).to_string())
    }),
    refused("payload-not-json", "TOKEN_FORM", "the payload is not JSON", |p| {
        p.token = |t| t.payload = Some("sub=somebody".to_owned())
    }),
    refused("payload-duplicate-sub", "TOKEN_FORM", "the payload names `sub` twice", |p| {
        p.token = |t| t.payload = Some(t.claims.to_string().replacen('{', r#"{"sub":"sub-somebody-else","#, 1))
    })
    .because("two readers would see two people"),
    refused("groups-none", "ROLE_NONE", "nothing about groups, and no role for others", |p| {
        p.token = |t| t.without(&["groups"]);
        p.userinfo = |u| drop(u.as_object_mut().unwrap().shift_remove("groups"));
    })
    .because("who is in no mapped group has no business here"),
    refused("groups-elsewhere", "GROUPS_ELSEWHERE", "too many groups: the token names a place where they are", |p| {
        p.token = |t| {
            t.without(&["groups"]);
            t.claim("_claim_names", json!({"groups": "src1"}));
            t.claim("_claim_sources", json!({"src1": {"endpoint": format!("{}/groups", t.site.outside)}}));
        };
        p.userinfo = |u| drop(u.as_object_mut().unwrap().shift_remove("groups"));
    })
    .because("no groups must not be read from groups that are elsewhere, and that place is not asked"),
    refused("groups-elsewhere-empty", "GROUPS_ELSEWHERE", "the same, with an empty list beside it", |p| {
        p.token = |t| {
            t.claim("groups", json!([]));
            t.claim("_claim_names", json!({"groups": "src1"}));
            t.claim("_claim_sources", json!({"src1": {"endpoint": format!("{}/groups", t.site.outside)}}));
        };
        p.userinfo = |u| drop(u.as_object_mut().unwrap().shift_remove("groups"));
    }),
    refused("groups-has", "GROUPS_ELSEWHERE", "`hasgroups` says that there are groups, and nothing says which", |p| {
        p.token = |t| {
            t.without(&["groups"]);
            t.claim("hasgroups", true);
        };
        p.userinfo = |u| drop(u.as_object_mut().unwrap().shift_remove("groups"));
    }),
    signs_in("ok-groups-beside", "the token names a place where groups are, and userinfo has them", |p| {
        p.token = |t| {
            t.without(&["groups"]);
            t.claim("_claim_names", json!({"groups": "src1"}));
            t.claim("_claim_sources", json!({"src1": {"endpoint": format!("{}/groups", t.site.outside)}}));
        };
    }),
];
