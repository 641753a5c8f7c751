//! Cases about what the browser brings back, and how.

use serde_json::json;

use super::case::{Case, Way, refused, signs_in};
use crate::issuer::Pairs;

const HOSTILE: &str = "<script>document.location='https://collect.example'</script>";

fn put(pairs: &mut Pairs, name: &str, value: impl Into<String>) {
    pairs.retain(|(known, _)| known != name);
    pairs.push((name.to_owned(), value.into()));
}

fn promise(document: &mut serde_json::Value) {
    document["authorization_response_iss_parameter_supported"] = json!(true);
}

pub const CASES: &[Case] = &[
    // ── Nothing wrong ──────────────────────────────────────────────────────────────────────────
    signs_in("cb-pkce", "PKCE by S256, with the right verifier", |_| {}),
    signs_in("cb-pkce-downgrade", "the provider does not say that it knows PKCE; it is used all the same", |p| {
        p.discovery = |d, _| drop(d.as_object_mut().unwrap().shift_remove("code_challenge_methods_supported"))
    }),
    signs_in("cb-iss-right", "`iss` is promised and right (RFC 9207)", |p| {
        p.discovery = |d, _| promise(d);
        p.back = |back, site| put(back, "iss", &site.issuer);
    }),
    signs_in("cb-more", "parameters that nobody asked for", |p| {
        p.back = |back, _| {
            put(back, "session_state", "0123.4567");
            put(back, "scope", "openid email");
        }
    }),
    // ── Whose answer it is ─────────────────────────────────────────────────────────────────────
    refused("cb-iss-wrong", "CALLBACK_ISSUER", "`iss` of another provider (mix-up, RFC 9207)", |p| {
        p.discovery = |d, _| promise(d);
        p.back = |back, _| put(back, "iss", "https://login.another.example");
    }),
    refused("cb-iss-wrong-unasked", "CALLBACK_ISSUER", "`iss` of another provider, though none was promised", |p| {
        p.back = |back, _| put(back, "iss", "https://login.another.example")
    })
    .because("whoever promises it or not: the name of another provider means that its answer came here"),
    refused("cb-iss-missing", "CALLBACK_ISSUER", "no `iss`, though it was promised (RFC 9207)", |p| {
        p.discovery = |d, _| promise(d)
    }),
    refused("cb-iss-twice", "CALLBACK_TWICE", "`iss` twice", |p| {
        p.discovery = |d, _| promise(d);
        p.back = |back, site| back.extend([("iss".into(), site.issuer.clone()), ("iss".into(), site.issuer.clone())]);
    })
    .because("two readers would read two"),
    refused("cb-state-missing", "STATE_MISSING", "no `state`", |p| {
        p.back = |back, _| back.retain(|(name, _)| name != "state")
    }),
    refused("cb-state-wrong", "STATE_UNKNOWN", "another `state`", |p| {
        p.back = |back, _| put(back, "state", "0123456789abcdef0123456789abcdef0123456789a")
    }),
    refused("cb-state-empty", "STATE_MISSING", "an empty `state`", |p| p.back = |back, _| put(back, "state", "")),
    refused("cb-state-twice", "CALLBACK_TWICE", "`state` twice", |p| p.back = |back, _| back.extend([back[1].clone()]))
        .because("two readers would read two"),
    // ── What it says ───────────────────────────────────────────────────────────────────────────
    refused("cb-code-missing", "CODE_MISSING", "no `code`", |p| {
        p.back = |back, _| back.retain(|(name, _)| name != "code")
    }),
    refused("cb-code-twice", "CALLBACK_TWICE", "`code` twice", |p| p.back = |back, _| back.extend([back[0].clone()]))
        .because("two readers would read two"),
    refused("cb-error", "PROVIDER_REFUSED", "access_denied with a hostile description", |p| {
        p.back = |back, site| {
            put(back, "error", "access_denied");
            put(back, "error_description", HOSTILE);
            put(back, "error_uri", format!("{}/why", site.outside));
            back.retain(|(name, _)| name != "code");
        }
    }),
    refused("cb-error-and-code", "PROVIDER_REFUSED", "an error and a code", |p| {
        p.back = |back, _| put(back, "error", "access_denied")
    }),
    refused("cb-long", "CALLBACK_FORM", "a `code` of 32 KB", |p| {
        p.back = |back, _| put(back, "code", "c".repeat(32_000))
    })
    .because("no provider needs that much"),
    // ── Who brings it ──────────────────────────────────────────────────────────────────────────
    refused("cb-replay", "STATE_UNKNOWN", "opened a second time", |_| {}).by(Way::Twice),
    refused("cb-no-cookies", "BROWSER_UNKNOWN", "opened without the browser's cookies (login CSRF)", |_| {})
        .by(Way::WithoutCookies),
    refused("cb-other-session", "BROWSER_OTHER", "the attacker's callback, opened by somebody else", |_| {})
        .by(Way::OfAnother),
    refused("cb-fragment-post", "", "posted as a form, though the query was asked for", |_| {})
        .by(Way::Posted)
        .because("only GET is an answer here; another site's form is turned away before anything is read"),
];
