//! Inbound webhooks: `POST /hooks/{connection}`.
//!
//! Capped raw body, signature over the raw bytes, one durable inbox row, then 202. Nothing is parsed
//! beyond "this is JSON": what it means is found out after it is safe. A sender that is told 2xx can
//! forget the delivery; told anything else it has to send again, and the answer says why.
//!
//! | answer | code | when |
//! |---|---|---|
//! | 202 | | stored, or known already (`"status": "duplicate"`) |
//! | 400 | HOOK_NOT_JSON | not UTF-8 JSON, or nested deeper than 128 |
//! | 401 | HOOK_SIGNATURE_…, HOOK_TOO_OLD, HOOK_FROM_FUTURE | the sender does not prove itself |
//! | 404 | HOOK_UNKNOWN | no such connection, or it receives nothing |
//! | 413 | BODY_TOO_LARGE | larger than `server.max_body` |
//! | 429 | TOO_MANY_REQUESTS | more wait than `inbox.queue` allows; `Retry-After` |
//! | 503 | DATABASE_AWAY | not stored; `Retry-After` |

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use musubi_sdk::{
    manifest::WebhookSpec,
    webhook::{self, Refusal},
};
use serde::de::IgnoredAny;

use crate::{
    app::{Hub, SharedHub},
    connection::Live,
    model::Timestamp,
    store::inbox,
    sync::committer::CommitError,
};

pub fn routes(hub: &SharedHub) -> Router {
    Router::new()
        .route("/hooks/{connection}", post(receive))
        .layer(DefaultBodyLimit::max(hub.config.server.max_body.as_usize()))
        .with_state(hub.clone())
}

/// A refused delivery, as the sender reads it.
struct Refused {
    status: StatusCode,
    code: &'static str,
    detail: String,
    retry_after: Option<u32>,
}

impl Refused {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), retry_after: None }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        metrics::counter!("musubi_hooks_refused_total", "cause" => self.code).increment(1);
        let body = serde_json::json!({
            "type": "about:blank", "title": self.status.canonical_reason(), "status": self.status.as_u16(),
            "code": self.code, "detail": self.detail,
        });
        let mut response = (self.status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

async fn receive(
    State(hub): State<SharedHub>,
    Path(connection): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refused> {
    let (live, hook) = find(&hub, &connection).await?;
    let answer = accept(&hub, &live, &hook, &headers, body).await;
    if let Err(refused) = &answer {
        note_refusal(&hub, &live, refused);
    }
    let new = answer?;
    metrics::counter!("musubi_hooks_received_total").increment(1);
    let status = if new { "accepted" } else { "duplicate" };
    let body = if new { r#"{"status":"accepted"}"# } else { r#"{"status":"duplicate"}"# };
    tracing::debug!(connection.id = %connection, status, "hook.received");
    Ok((StatusCode::ACCEPTED, [(header::CONTENT_TYPE, "application/json")], body).into_response())
}

async fn find(hub: &Hub, connection: &str) -> Result<(Arc<Live>, Arc<WebhookSpec>), Refused> {
    let unknown = || Refused::new(StatusCode::NOT_FOUND, "HOOK_UNKNOWN", "there is no webhook address of this name");
    let live = hub.registry.get(connection).ok_or_else(unknown)?;
    let hook = live.hook.clone().ok_or_else(unknown)?;
    Ok((live, hook))
}

async fn accept(
    hub: &Hub,
    live: &Live,
    hook: &WebhookSpec,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<bool, Refused> {
    let body = body.map_err(|e| match e.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            let limit = hub.config.server.max_body.bytes();
            Refused::new(e.status(), "BODY_TOO_LARGE", format!("a delivery may have {limit} bytes"))
        }
        status => Refused::new(status, "HOOK_BODY_BROKEN", "the body did not arrive whole"),
    })?;
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let now = hub.clock.now();
    let secrets = live.hook_secrets(now);
    webhook::verify(&hook.signature, &secrets, &header, &body, now.0)
        .map_err(|Refusal { code, detail }| Refused::new(StatusCode::UNAUTHORIZED, code, detail))?;
    let json = std::str::from_utf8(&body).ok().map(serde_json::from_str::<IgnoredAny>);
    if !matches!(json, Some(Ok(_))) || too_deep(&body) {
        let detail = "the body is not JSON in UTF-8, or nested deeper than 128";
        return Err(Refused::new(StatusCode::BAD_REQUEST, "HOOK_NOT_JSON", detail));
    }
    let delivery = inbox::New {
        connection_id: live.row.id.clone(),
        delivery_id: delivery_id(live, hook, &header, &body, now),
        received_at: now,
        headers: kept_headers(headers),
        body: body.to_vec(),
    };
    let stored = hub.engine.committer.receive(delivery).await.map_err(|e| refused_commit(&e))?;
    if stored {
        hub.engine.knocks.knock(&live.row.id);
    }
    Ok(stored)
}

/// Bodies that only name a record are equal whenever it changes: without an id of its own each of them
/// is a delivery. Fetching once too often changes nothing.
fn delivery_id(
    live: &Live,
    hook: &WebhookSpec,
    header: &dyn Fn(&str) -> Option<String>,
    body: &[u8],
    now: Timestamp,
) -> String {
    let id = webhook::delivery_id(hook, header, body);
    if !id.starts_with("sha256:") {
        return id;
    }
    let events = serde_json::from_slice(body).ok().and_then(|body| webhook::events(&live.manifest, &body).ok());
    let hint = events.is_some_and(|events| events.iter().any(|e| e.record.is_none() && !e.deleted));
    if hint { format!("{id}@{}", now.0) } else { id }
}

fn refused_commit(error: &CommitError) -> Refused {
    let (status, code, wait) = match error {
        CommitError::Full => (StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS", 1),
        CommitError::Outage | CommitError::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "DATABASE_AWAY", 5),
        CommitError::Refused(cause) => {
            tracing::error!(error = cause as &dyn std::error::Error, "delivery refused by the database");
            (StatusCode::SERVICE_UNAVAILABLE, "DATABASE_REFUSED", 30)
        }
    };
    Refused { status, code, detail: format!("{error}; nothing was stored, send it again"), retry_after: Some(wait) }
}

/// serde_json's own limit does not hold for ignored values, and a stored body must be readable later.
fn too_deep(body: &[u8]) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_u32, false, false);
    for &byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                depth += 1;
                if depth > 127 {
                    return true;
                }
            }
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// Header names that may carry a secret are kept without their value.
fn kept_headers(headers: &HeaderMap) -> String {
    const SHOWN: [&str; 6] = ["content-type", "user-agent", "webhook-id", "webhook-timestamp", "x-delivery-id", "date"];
    let map: serde_json::Map<String, serde_json::Value> = headers
        .iter()
        .take(64)
        .map(|(name, value)| {
            let shown = SHOWN.contains(&name.as_str());
            let text = if shown { String::from_utf8_lossy(value.as_bytes()).into_owned() } else { "…".to_owned() };
            (name.as_str().to_owned(), text.into())
        })
        .collect();
    serde_json::Value::Object(map).to_string()
}

/// What senders do wrong is shown to the admin; trouble of our own is not theirs.
fn note_refusal(hub: &Hub, live: &Live, refused: &Refused) {
    if refused.status.is_server_error() || refused.status == StatusCode::TOO_MANY_REQUESTS {
        return;
    }
    hub.engine.refusals.note(inbox::Refusal {
        connection_id: live.row.id.clone(),
        cause: refused.code.to_owned(),
        detail: refused.detail.clone(),
        at: hub.clock.now(),
        times: 1,
    });
}
