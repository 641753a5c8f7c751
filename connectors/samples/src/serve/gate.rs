//! What every request passes first: credentials, the quota, and the trouble that is asked for.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Failures that a sample system answers on purpose, counted over its requests, so a test knows
/// which ones they are. 0 means never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trouble {
    pub every_n_429: u32,
    pub every_n_500: u32,
}

/// Requests a second that may pass; what is left over is not saved up beyond one second's worth.
#[derive(Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

#[derive(Debug)]
pub(crate) struct Gate {
    header: HeaderName,
    expected: String,
    quota: u32,
    bucket: Mutex<Bucket>,
    trouble: Trouble,
    seen: AtomicU64,
}

impl Gate {
    /// `quota` 0 is no limit.
    pub(crate) fn new(header: HeaderName, expected: String, quota: u32, trouble: Trouble) -> Arc<Self> {
        let bucket = Mutex::new(Bucket { left: f64::from(quota), at: Instant::now() });
        Arc::new(Self { header, expected, quota, bucket, trouble, seen: AtomicU64::new(0) })
    }

    fn within_quota(&self) -> bool {
        if self.quota == 0 {
            return true;
        }
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let rate = f64::from(self.quota);
        bucket.left = (bucket.left + bucket.at.elapsed().as_secs_f64() * rate).min(rate);
        bucket.at = Instant::now();
        let passes = bucket.left >= 1.0;
        if passes {
            bucket.left -= 1.0;
        }
        passes
    }

    fn refusal(&self, request: &Request) -> Option<Response> {
        let given = request.headers().get(&self.header).map(HeaderValue::as_bytes);
        if given != Some(self.expected.as_bytes()) {
            return Some(error(StatusCode::UNAUTHORIZED, "unauthorized", "the key is missing or wrong"));
        }
        if !self.within_quota() {
            return Some(too_many());
        }
        let seen = self.seen.fetch_add(1, Ordering::Relaxed) + 1;
        let due = |every: u32| every > 0 && seen.is_multiple_of(u64::from(every));
        if due(self.trouble.every_n_429) {
            return Some(too_many());
        }
        due(self.trouble.every_n_500)
            .then(|| error(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the sample was asked to fail here"))
    }
}

fn too_many() -> Response {
    let mut answer = error(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "too many requests");
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    answer
}

pub(crate) fn error(status: StatusCode, code: &str, message: &str) -> Response {
    (status, Json(json!({ "error": { "code": code, "message": message } }))).into_response()
}

/// The middleware.
pub(crate) async fn pass(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    match gate.refusal(&request) {
        Some(answer) => answer,
        None => next.run(request).await,
    }
}
