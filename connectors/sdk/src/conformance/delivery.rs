//! Checks over deliveries: signed here with an invented secret, so they need no live system.

use base64::{Engine, prelude::BASE64_STANDARD};
use secrecy::SecretString;
use serde_json::Value;

use super::Check;
use crate::{
    manifest::{Manifest, SignatureSpec, WebhookSpec},
    webhook,
};

const NOW: i64 = 1_775_000_000_000_000;

pub(super) fn all(manifest: &Manifest, deliveries: &[(String, Value)]) -> Vec<Check> {
    let Some(hook) = &manifest.webhook else { return Vec::new() };
    if deliveries.is_empty() {
        return vec![Check::skipped("webhook", "no delivery was recorded")];
    }
    deliveries
        .iter()
        .map(|(name, body)| match one(manifest, hook, body) {
            Ok(detail) => Check::passed(format!("webhook:{name}"), detail),
            Err(detail) => Check::failed(format!("webhook:{name}"), detail),
        })
        .collect()
}

fn one(manifest: &Manifest, hook: &WebhookSpec, body: &Value) -> Result<String, String> {
    if hook.signature != SignatureSpec::None {
        signed(hook, body.to_string().as_bytes())?;
    }
    let events = webhook::events(manifest, body).map_err(|refusal| refusal.to_string())?;
    if events.is_empty() {
        return Err("no listed event is in the body".to_owned());
    }
    for event in &events {
        let (Some(record), Some(mapping), false) = (&event.record, manifest.mapping(&event.stream), event.deleted)
        else {
            continue;
        };
        mapping.apply(record).map_err(|errors| {
            let list: Vec<String> = errors.iter().map(ToString::to_string).collect();
            format!("{}: {}", event.name, list.join("; "))
        })?;
    }
    Ok(format!("{} events; altered, unsigned and foreign deliveries refused", events.len()))
}

fn signed(hook: &WebhookSpec, bytes: &[u8]) -> Result<(), String> {
    let secret = |seed: &str| SecretString::from(format!("whsec_{}", BASE64_STANDARD.encode(seed)));
    let (ours, other) = (secret("invented for conformance"), secret("somebody else entirely"));
    let check = |headers: &[(String, String)], bytes: &[u8], secret: &SecretString| {
        let header = |name: &str| {
            headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
        };
        webhook::verify(&hook.signature, &[secret], &header, bytes, NOW)
    };
    let headers = webhook::sign(&hook.signature, &ours, "msg_conformance", bytes, NOW);
    check(&headers, bytes, &ours).map_err(|refusal| format!("a genuine delivery was refused: {refusal}"))?;
    if check(&headers, bytes, &other).is_ok() {
        return Err("a delivery signed with another secret was accepted".to_owned());
    }
    if check(&[], bytes, &ours).is_ok() {
        return Err("an unsigned delivery was accepted".to_owned());
    }
    // A shared token says who sent, not what: the body may change under it.
    let covers_body = !matches!(hook.signature, SignatureSpec::SharedToken { .. });
    let mut altered = bytes.to_vec();
    altered.push(b' ');
    if covers_body && check(&headers, &altered, &ours).is_ok() {
        return Err("an altered body was accepted".to_owned());
    }
    for index in 0..headers.len() {
        let mut forged = headers.clone();
        // The last letters of Base64 may hold unused bits, so the middle is turned.
        let middle = forged[index].1.len() / 2;
        let turned = if forged[index].1[middle..].starts_with('0') { "1" } else { "0" };
        forged[index].1.replace_range(middle..=middle, turned);
        if check(&forged, bytes, &ours).is_ok() {
            return Err(format!("an altered {} header was accepted", headers[index].0));
        }
    }
    Ok(())
}
