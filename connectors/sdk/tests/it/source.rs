//! A small system to pull from, with every habit and every fault that the tests need.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

#[derive(Clone, Default)]
pub struct Source {
    /// (id, change time), as the source would list them.
    pub rows: Arc<Mutex<Vec<(String, String)>>>,
    pub tokens: Arc<AtomicU32>,
    pub requests: Arc<Mutex<Vec<String>>>,
    /// Sort by (time, id)?
    pub sorted: bool,
    pub exclusive: bool,
}

/// 120 KB of JSON, compressed to less than 300 bytes.
const BOMB: &str = "H4sIAAAAAAACA+3GsQ2AIAAEwFXI107gKsTSwsJKChLD7jABE9xV9+dp9/vlLPU6SvpKOgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAWxkT+wx5eNbUAQA=";

type Params = HashMap<String, String>;

impl Source {
    pub fn new(rows: &[(&str, &str)], sorted: bool) -> Self {
        let rows = rows.iter().map(|(id, at)| ((*id).to_owned(), (*at).to_owned())).collect();
        Self { rows: Arc::new(Mutex::new(rows)), sorted, ..Self::default() }
    }

    pub fn add(&self, id: &str, at: &str) {
        if let Ok(mut rows) = self.rows.lock() {
            rows.retain(|(known, _)| known != id);
            rows.push((id.to_owned(), at.to_owned()));
        }
    }

    pub async fn start(self) -> std::io::Result<SocketAddr> {
        let app = Router::new()
            .route("/list/{kind}", get(list))
            .route("/one/{id}", get(one))
            .route("/fault/{kind}", get(fault))
            .route("/ping", get(|| async { Json(json!({"version": "7.2"})) }))
            .route("/token", post(token))
            .route("/guarded", get(guarded))
            .route("/hop", get(|| async { (StatusCode::FOUND, [(header::LOCATION, "/list/none")]) }))
            .with_state(self);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(address)
    }
}

/// A source's own order among records: numeric keys by number, as databases sort them.
fn place<'a>(at: &'a str, id: &'a str) -> (&'a str, u64, &'a str) {
    (at, id.parse().unwrap_or(u64::MAX), id)
}

fn body(id: &str, at: &str) -> Value {
    json!({"id": id, "at": at, "name": format!("name of {id}")})
}

async fn list(
    State(source): State<Source>,
    Path(kind): Path<String>,
    Query(params): Query<Params>,
    uri: axum::http::Uri,
) -> Response {
    let mut rows = source.rows.lock().map(|rows| rows.clone()).unwrap_or_default();
    if let Ok(mut requests) = source.requests.lock() {
        requests.push(uri.to_string());
    }
    if source.sorted {
        rows.sort_by(|a, b| place(&a.1, &a.0).cmp(&place(&b.1, &b.0)));
    }
    if let Some(since) = params.get("since") {
        let after = params.get("after_id");
        rows.retain(|(id, at)| match after {
            Some(after) => place(at, id) > place(since, after),
            // Some sources mean "after" where they say "since".
            None if source.exclusive => at > since,
            None => at >= since,
        });
    }
    let number = |name: &str, default: usize| params.get(name).and_then(|text| text.parse().ok()).unwrap_or(default);
    let size = number("size", 2);
    let start = match kind.as_str() {
        "page" => (number("page", 1) - 1) * size,
        "none" => 0,
        _ => number("start", 0),
    };
    let total = rows.len();
    let end = if kind == "none" { total } else { (start + size).min(total) };
    let items: Vec<Value> = rows.iter().take(end).skip(start).map(|(id, at)| body(id, at)).collect();
    let next = (end < total).then(|| format!("/list/{kind}?start={end}&size={size}"));
    match kind.as_str() {
        "cursor" => Json(json!({"items": items, "next": (end < total).then(|| end.to_string())})).into_response(),
        "next" => Json(json!({"items": items, "links": {"next": next}})).into_response(),
        "link" => match next {
            Some(next) => {
                ([(header::LINK, format!("<{next}>; rel=\"next\""))], Json(json!({"items": items}))).into_response()
            }
            None => Json(json!({"items": items})).into_response(),
        },
        _ => Json(json!({"items": items, "total": total})).into_response(),
    }
}

async fn one(State(source): State<Source>, Path(id): Path<String>) -> Response {
    let rows = source.rows.lock().map(|rows| rows.clone()).unwrap_or_default();
    match rows.iter().find(|(known, _)| *known == id) {
        Some((id, at)) => Json(body(id, at)).into_response(),
        None => (StatusCode::NOT_FOUND, Json(json!({}))).into_response(),
    }
}

async fn fault(Path(kind): Path<String>, Query(params): Query<Params>) -> Response {
    let json_text = |text: String| ([(header::CONTENT_TYPE, "application/json")], text).into_response();
    let wait = |value: &str| (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, value.to_owned())]).into_response();
    match kind.as_str() {
        "rate" => wait("17"),
        "rate_date" => wait("Wed, 21 Oct 2099 07:28:00 GMT"),
        "broken" => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        "later" => (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")]).into_response(),
        "auth" => (StatusCode::UNAUTHORIZED, "the key k-very-secret is wrong").into_response(),
        "missing" => StatusCode::NOT_FOUND.into_response(),
        "refused" => StatusCode::UNPROCESSABLE_ENTITY.into_response(),
        "large" => match params.get("size").and_then(|size| size.parse::<u32>().ok()) {
            Some(size) if size <= 50 => Json(json!({"items": []})).into_response(),
            _ => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
        },
        "html" => axum::response::Html("<html>Sign in, Hanako</html>").into_response(),
        "hidden_html" => json_text("\n <!doctype html>".to_owned()),
        "half_json" => json_text("{\"items\": [{\"id\": 1".to_owned()),
        "bad_json" => json_text("{\"items\": [}".to_owned()),
        "deep" => json_text("[".repeat(5000)),
        "shape" => Json(json!({"rows": []})).into_response(),
        "no_key" => Json(json!({"items": [{"name": "Hanako"}]})).into_response(),
        "elsewhere" => (StatusCode::FOUND, [(header::LOCATION, "http://127.0.0.2:9/x")]).into_response(),
        "huge" => json_text(format!("{{\"items\": [], \"x\": \"{}\"}}", "x".repeat(70_000))),
        "bomb" => {
            let headers = [(header::CONTENT_TYPE, "application/json"), (header::CONTENT_ENCODING, "gzip")];
            (headers, BASE64_STANDARD.decode(BOMB).unwrap_or_default()).into_response()
        }
        "slow" => {
            tokio::time::sleep(std::time::Duration::from_secs(5)).await;
            StatusCode::OK.into_response()
        }
        "cut" => {
            let parts: [Result<Bytes, std::io::Error>; 2] =
                [Ok(Bytes::from_static(b"{\"items\": [")), Err(std::io::Error::other("cut"))];
            let stream = Body::from_stream(futures::stream::iter(parts));
            ([(header::CONTENT_TYPE, "application/json")], stream).into_response()
        }
        _ => Json(json!({"items": [{"id": "same", "at": "2026-01-01T00:00:00Z"}, {"id": "b"}]})).into_response(),
    }
}

async fn token(State(source): State<Source>, headers: HeaderMap, form: String) -> Response {
    // Basic of "client:k-very-secret".
    let known = headers.get(header::AUTHORIZATION).is_some_and(|v| v == "Basic Y2xpZW50OmstdmVyeS1zZWNyZXQ=");
    if !known || !form.contains("grant_type=client_credentials") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let number = source.tokens.fetch_add(1, Ordering::SeqCst) + 1;
    tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    Json(json!({"access_token": format!("token-{number}"), "expires_in": 3600})).into_response()
}

/// Refuses the first token, as a source does that was restarted.
async fn guarded(headers: HeaderMap) -> Response {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match given {
        "Bearer token-2" => Json(json!({"items": [{"id": "a"}]})).into_response(),
        _ => StatusCode::UNAUTHORIZED.into_response(),
    }
}
