use std::time::Duration;

use serde_json::json;

use super::*;
use crate::manifest::{Encoding, Manifest};

const NOW: i64 = 1_775_001_600_000_000;
const BODY: &[u8] = br#"{"type":"order.created"}"#;

fn schemes() -> Vec<SignatureSpec> {
    let (header, secret) = ("X-Sig".to_owned(), "webhook_secret".to_owned());
    let tolerance = Duration::from_secs(300);
    let hmac = |prefix: &str, encoding| SignatureSpec::HmacSha256 {
        header: header.clone(),
        prefix: prefix.to_owned(),
        encoding,
        secret: secret.clone(),
    };
    let timed = |clock: Option<&str>, encoding| SignatureSpec::Timestamped {
        header: header.clone(),
        timestamp_header: clock.map(str::to_owned),
        prefix: String::new(),
        encoding,
        tolerance,
        secret: secret.clone(),
    };
    vec![
        hmac("sha256=", Encoding::Hex),
        hmac("", Encoding::Base64),
        timed(None, Encoding::Hex),
        timed(Some("X-Time"), Encoding::Base64),
        SignatureSpec::StandardWebhooks { tolerance, secret: secret.clone() },
        SignatureSpec::SharedToken { header: header.clone(), prefix: "Token ".to_owned(), secret: secret.clone() },
    ]
}

fn key(text: &str) -> SecretString {
    use base64::{Engine, prelude::BASE64_STANDARD};
    SecretString::from(format!("whsec_{}", BASE64_STANDARD.encode(text)))
}

fn check(
    spec: &SignatureSpec,
    secrets: &[&SecretString],
    headers: &[(String, String)],
    body: &[u8],
    now: i64,
) -> Option<&'static str> {
    let header = |name: &str| headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.clone());
    verify(spec, secrets, &header, body, now).err().map(|refusal| refusal.code)
}

#[test]
fn every_scheme_takes_the_genuine_and_refuses_the_rest() {
    let (ours, old, other) = (key("the current key"), key("the key before"), key("somebody else"));
    for spec in schemes() {
        let headers = sign(&spec, &ours, "msg_1", BODY, NOW);
        assert_eq!(check(&spec, &[&ours], &headers, BODY, NOW), None, "{spec:?}");
        assert_eq!(check(&spec, &[&old, &ours], &headers, BODY, NOW), None, "rotation {spec:?}");
        assert_eq!(check(&spec, &[&other], &headers, BODY, NOW), Some("HOOK_SIGNATURE_WRONG"), "{spec:?}");
        assert_eq!(check(&spec, &[], &headers, BODY, NOW), Some("HOOK_SIGNATURE_WRONG"), "{spec:?}");
        assert_eq!(check(&spec, &[&ours], &[], BODY, NOW), Some("HOOK_SIGNATURE_MISSING"), "{spec:?}");
        let empty = SecretString::from(String::new());
        let forged = sign(&spec, &empty, "msg_1", BODY, NOW);
        assert!(check(&spec, &[&empty], &forged, BODY, NOW).is_some(), "empty key {spec:?}");
        let covers_body = !matches!(spec, SignatureSpec::SharedToken { .. });
        let altered = check(&spec, &[&ours], &headers, b"{}", NOW);
        assert_eq!(altered, covers_body.then_some("HOOK_SIGNATURE_WRONG"), "{spec:?}");
        let timed = matches!(spec, SignatureSpec::Timestamped { .. } | SignatureSpec::StandardWebhooks { .. });
        for (shift, code) in [(299, None), (301, Some("HOOK_TOO_OLD")), (-301, Some("HOOK_FROM_FUTURE"))] {
            let got = check(&spec, &[&ours], &headers, BODY, NOW + shift * 1_000_000);
            assert_eq!(got, if timed { code } else { None }, "{shift} {spec:?}");
        }
    }
}

#[test]
fn vectors_made_outside_this_code_hold() {
    // Computed with Python's hmac module.
    let secret = SecretString::from("whsec_bXVzdWJpLXRlc3Qta2V5LTAx");
    let standard = SignatureSpec::StandardWebhooks { tolerance: Duration::from_secs(300), secret: "s".to_owned() };
    let headers = |signature: &str| {
        [("webhook-id", "msg_2p"), ("webhook-timestamp", "1775001600"), ("webhook-signature", signature)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let body = br#"{"type":"customer.changed","data":{"id":"C-1"}}"#;
    let good = "v1,euYQ9+KvGNQR76LNe4LiidXuYht16QbI2ed37XMRp/w=";
    assert_eq!(check(&standard, &[&secret], &headers(good), body, NOW), None);
    let several = format!("v1a,AAAA v1,AAAA {good}");
    assert_eq!(check(&standard, &[&secret], &headers(&several), body, NOW), None);
    assert_eq!(check(&standard, &[&secret], &headers("v2,AAAA"), body, NOW), Some("HOOK_MALFORMED"));
    let hex = SignatureSpec::HmacSha256 {
        header: "X".to_owned(),
        prefix: "sha256=".to_owned(),
        encoding: Encoding::Hex,
        secret: "s".to_owned(),
    };
    let plain = SecretString::from("invented key");
    let given =
        [("X".to_owned(), "sha256=f8e2898f5cc0c12219f224735fe27b1d143fac6bfd451a1bf2a98aa89615c96c".to_owned())];
    assert_eq!(check(&hex, &[&plain], &given, body, NOW), None);
}

#[test]
fn broken_headers_are_malformed() {
    let ours = key("k");
    for (spec, name, value) in [
        (&schemes()[0], "X-Sig", "md5=00"),
        (&schemes()[0], "X-Sig", "sha256=zz"),
        (&schemes()[2], "X-Sig", "t=1"),
        (&schemes()[2], "X-Sig", "v1=00"),
        (&schemes()[2], "X-Sig", ",=,"),
    ] {
        let headers = [(name.to_owned(), value.to_owned())];
        assert_eq!(check(spec, &[&ours], &headers, BODY, NOW), Some("HOOK_MALFORMED"), "{value}");
    }
}

fn manifest(hook: &str) -> Result<Manifest, Vec<crate::ManifestError>> {
    let text = format!(
        r#"
musubi: 1
name: hooks
title: {{ ja: 見, en: x }}
kind: generic
settings: {{ type: object, properties: {{ base_url: {{ type: string }}, s: {{ type: string, secret: true }} }} }}
http: {{ base_url: "{{{{ base_url }}}}" }}
streams:
  customers:
    record: customer
    title: {{ ja: 見, en: x }}
    key: [shop, id]
    version: {{ from: at, as: integer }}
    deleted: {{ from: gone }}
    fetch: {{ path: "/c/{{{{ key }}}}" }}
    mapping: {{ name: name }}
webhook:
  signature: {{ scheme: shared_token, header: X-Token, secret: s }}
  event: meta.kind
{hook}
"#
    );
    Manifest::parse("connector.yaml", &text)
}

const EVENTS: &str = "
  events:
    changed: { stream: customers, record: data }
    removed: { stream: customers, key: data.key, deleted: true }
    thin: { stream: customers, key: data.key }
";

#[test]
fn bodies_are_one_event_or_many() -> Result<(), Vec<crate::ManifestError>> {
    let manifest = manifest(EVENTS)?;
    let changed = json!({"meta": {"kind": "changed"}, "data": {"shop": 1, "id": "A", "name": "x", "at": 7}});
    let gone = json!({"meta": {"kind": "changed"}, "data": {"shop": 1, "id": "A", "gone": "true"}});
    let removed = json!({"meta": {"kind": "removed"}, "data": {"key": "1:A"}});
    let thin = json!({"meta": {"kind": "thin"}, "data": {"key": "1:B"}});
    let foreign = json!({"meta": {"kind": "elsewhere"}});
    let body = json!([changed, gone, removed, thin, foreign]);
    let found = events(&manifest, &body).unwrap_or_default();
    let seen: Vec<_> = found
        .iter()
        .map(|e| (e.name.as_str(), e.external_id.as_deref(), e.record.is_some(), e.deleted, e.version))
        .collect();
    let expected = [
        ("changed", Some("1:A"), true, false, Some(7)),
        ("changed", Some("1:A"), true, true, None),
        ("removed", Some("1:A"), false, true, None),
        ("thin", Some("1:B"), false, false, None),
    ];
    assert_eq!(seen, expected);
    assert_eq!(events(&manifest, &thin).map(|list| list.len()), Ok(1));
    for broken in [
        json!(1),
        json!([1]),
        json!({}),
        json!({"meta": {"kind": "changed"}}),
        json!({"meta": {"kind": "thin"}, "data": {}}),
        json!({"meta": {"kind": "changed"}, "data": {"shop": 1}}),
    ] {
        assert_eq!(events(&manifest, &broken).err().map(|r| r.code), Some("HOOK_MALFORMED"), "{broken}");
    }
    Ok(())
}

#[test]
fn an_untrusted_body_gives_only_the_key() -> Result<(), Vec<crate::ManifestError>> {
    let manifest = manifest(&format!("{EVENTS}  trust: refetch\n"))?;
    let body = json!({"meta": {"kind": "changed"}, "data": {"shop": 1, "id": "A", "gone": true, "at": 9}});
    let found = events(&manifest, &body).unwrap_or_default();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].external_id.as_deref(), found[0].deleted, found[0].version), (Some("1:A"), false, None));
    assert!(found[0].record.is_none());
    Ok(())
}

#[test]
fn deliveries_have_an_identity() -> Result<(), Vec<crate::ManifestError>> {
    let by_header = manifest(&format!("{EVENTS}  delivery_id: {{ header: X-Id }}\n"))?;
    let by_body = manifest(&format!("{EVENTS}  delivery_id: {{ body: id }}\n"))?;
    let plain = manifest(EVENTS)?;
    let header = |name: &str| (name == "X-Id").then(|| " d-1 ".to_owned());
    let id = |manifest: &Manifest, body: &[u8]| manifest.webhook.as_ref().map(|hook| delivery_id(hook, &header, body));
    assert_eq!(id(&by_header, b"{}").as_deref(), Some("d-1"));
    assert_eq!(id(&by_body, br#"{"id": 5}"#).as_deref(), Some("5"));
    let digest = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    assert_eq!(id(&plain, b"{}").as_deref(), Some(digest));
    assert_eq!(id(&by_body, b"{}").as_deref(), Some(digest));
    assert!(id(&by_body, br#"{"id": "a\u0000b"}"#).is_some_and(|id| id.starts_with("sha256:")));
    Ok(())
}
