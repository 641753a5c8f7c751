//! What every request passes, from the outside in: request id, trace span, security headers,
//! compression, presentation of errors, panics, time limit, host check, CSRF guard.

use std::time::Instant;

use axum::{
    Router,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
};
use tower_http::{CompressionLevel, catch_panic::CatchPanicLayer, compression::CompressionLayer};
use tracing::Instrument;

use super::{csrf, error::AppError, present, transport::Transport};
use crate::app::SharedHub;

/// Names a request in answers, logs, errors and the audit trail.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Wraps every route. The last layer named is the outermost.
pub fn apply(router: Router<SharedHub>, hub: &SharedHub) -> Router {
    router
        .layer(DefaultBodyLimit::max(hub.edge.body_limit))
        .layer(from_fn_with_state(hub.clone(), csrf::guard))
        .layer(from_fn_with_state(hub.clone(), only_our_hosts))
        .layer(from_fn_with_state(hub.clone(), in_time))
        .layer(CatchPanicLayer::custom(|_| AppError::internal("a handler panicked").into_response()))
        .layer(from_fn_with_state(hub.clone(), present::present))
        // Pages are made for one reader: taking longer to save a few bytes more is waiting for nothing.
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(from_fn_with_state(hub.clone(), security_headers))
        .layer(from_fn(traced))
        .with_state(hub.clone())
}

/// No query strings, no addresses of people, no path that a route did not name.
async fn traced(mut request: Request, next: Next) -> Response {
    let id = uuid::Uuid::now_v7().to_string();
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let span =
        tracing::info_span!("http.request", request.id = %id, http.method = %request.method(), http.route = %route);
    request.extensions_mut().insert(RequestId(id.clone()));
    async {
        let started = Instant::now();
        let mut response = next.run(request).await;
        let (status, latency_ms) = (response.status().as_u16(), started.elapsed().as_millis());
        // Probes and scrapes come every few seconds and say nothing.
        if route.starts_with("/health/") || route == "/metrics" {
            tracing::trace!(http.status = status, latency_ms, "http.done");
        } else {
            tracing::info!(http.status = status, latency_ms, "http.done");
        }
        if let Ok(id) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        response
    }
    .instrument(span)
    .await
}

async fn security_headers(State(hub): State<SharedHub>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let https = Transport::of(&parts, &hub.edge).https;
    let mut response = next.run(Request::from_parts(parts, body)).await;
    let headers = response.headers_mut();
    let mut default = |name: HeaderName, value: &'static str| put_default(headers, name, value);
    default(header::CONTENT_SECURITY_POLICY, POLICY);
    default(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    default(header::X_FRAME_OPTIONS, "DENY");
    default(header::REFERRER_POLICY, "same-origin");
    default(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    default(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    default(
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
    );
    // Static files say for themselves how long they keep.
    default(header::CACHE_CONTROL, "no-store");
    if https {
        default(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    response
}

/// A route that needs another value sets it itself.
fn put_default(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}

/// The time until an answer begins. A stream may go on for as long as it likes.
async fn in_time(State(hub): State<SharedHub>, request: Request, next: Next) -> Result<Response, AppError> {
    // A file takes the time that its sender's line takes.
    let uploads = request.uri().path() == "/imports" && request.method() == axum::http::Method::POST;
    let most = if uploads { hub.edge.timeout * 20 } else { hub.edge.timeout };
    tokio::time::timeout(most, next.run(request)).await.map_err(|_| AppError::Timeout)
}

/// A page of another site that rebinds its name to our address still sends its own name.
/// Probes and scrapes reach us by bare addresses and learn nothing.
async fn only_our_hosts(State(hub): State<SharedHub>, request: Request, next: Next) -> Result<Response, AppError> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let probe = path.starts_with("/health/") || path == "/metrics";
    if !probe && !Transport::of(&parts, &hub.edge).names_us(&hub.edge) {
        return Err(AppError::Misdirected);
    }
    Ok(next.run(Request::from_parts(parts, body)).await)
}
