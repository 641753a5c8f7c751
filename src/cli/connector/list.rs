//! `musubi connector list`: every connector and its capability matrix.

use musubi_sdk::manifest::{Manifest, SignatureSpec};
use serde_json::{Value, json};

use crate::cli::{CliResult, Context, Outcome, installation};

pub fn run(context: &Context) -> CliResult {
    let catalogue = installation::catalogue(context)?;
    let language = context.config.organisation.language.code();
    let documents: Vec<Value> = catalogue.iter().map(|manifest| document(manifest)).collect();
    let rows: Vec<Vec<String>> = catalogue
        .iter()
        .map(|m| {
            vec![
                m.name.clone(),
                m.title.get(language).to_owned(),
                m.kind.as_str().to_owned(),
                m.streams.keys().map(String::as_str).collect::<Vec<_>>().join(" "),
                changes(m).to_owned(),
                m.capabilities.deletes.clone(),
                webhook(m).unwrap_or("none").to_owned(),
                m.capabilities.order.clone(),
                m.capabilities.idempotency.clone(),
                quota(m).unwrap_or_default(),
            ]
        })
        .collect();
    let header = ["name", "title", "kind", "streams", "changes", "deletes", "webhook", "order", "idempotency", "quota"];
    context.output.table(&documents, &header, &rows);
    Ok(Outcome::Done)
}

/// What `--json` says of a connector.
pub(super) fn document(m: &Manifest) -> Value {
    let streams: Vec<Value> = m
        .streams
        .iter()
        .map(|(name, stream)| {
            json!({
                "name": name, "record": stream.record.as_str(), "title": stream.title,
                "pulled": stream.is_pulled(), "incremental": stream.is_incremental(),
                "fetch": stream.is_fetched(),
            })
        })
        .collect();
    json!({
        "name": m.name, "title": m.title, "summary": m.summary, "kind": m.kind.as_str(), "sample": m.sample,
        "streams": streams,
        "capabilities": {
            "changes": changes(m), "deletes": m.capabilities.deletes, "webhook": webhook(m),
            "order": m.capabilities.order, "idempotency": m.capabilities.idempotency, "quota": quota(m),
        },
    })
}

/// How a pull learns what changed: `cursor`, `full` (everything each time), `mixed` or `none`.
fn changes(m: &Manifest) -> &'static str {
    let pulled = m.streams.values().filter(|stream| stream.is_pulled());
    let (all, with_cursor) =
        pulled.fold((0, 0), |(all, with), stream| (all + 1, with + usize::from(stream.is_incremental())));
    match (all, with_cursor) {
        (0, _) => "none",
        (all, with) if all == with => "cursor",
        (_, 0) => "full",
        _ => "mixed",
    }
}

/// The scheme by which deliveries are proven.
pub(super) fn webhook(m: &Manifest) -> Option<&'static str> {
    Some(match m.webhook.as_ref()?.signature {
        SignatureSpec::HmacSha256 { .. } => "hmac_sha256",
        SignatureSpec::Timestamped { .. } => "timestamped",
        SignatureSpec::StandardWebhooks { .. } => "standard_webhooks",
        SignatureSpec::SharedToken { .. } => "shared_token",
        SignatureSpec::None => "unsigned",
    })
}

/// `40 per 1s`.
fn quota(m: &Manifest) -> Option<String> {
    let quota = m.quota()?;
    Some(format!("{} per {}", quota.requests, crate::config::Period(quota.per)))
}
