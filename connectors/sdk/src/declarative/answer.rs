//! From an answer to JSON, or to the error that tells the engine what to do.
//!
//! Invariant: no byte of an answer's body ends in an error; only status and content type do.
//! JSON nesting is capped by `serde_json` at 128.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER};
use serde_json::Value;

use super::transport::{WireAnswer, WireError};
use crate::{connector::SourceError, manifest::RetrySpec};

/// Nobody waits longer than this because a source said so.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);

/// Reads the JSON of a good answer.
pub(super) fn json(answer: &WireAnswer, retry: &RetrySpec, can_shrink: bool) -> Result<Value, SourceError> {
    status(answer, retry, can_shrink)?;
    let kind = content_type(&answer.headers);
    let body = answer.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&answer.body);
    let looks_html = body.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'<');
    if kind.contains("html") || looks_html || answer.status == 204 {
        return Err(not_json(answer.status, &kind));
    }
    serde_json::from_slice(body).map_err(|error| {
        if error.is_eof() {
            return SourceError::Transient {
                code: "SRC_TRUNCATED",
                detail: format!("the answer ends in the middle (HTTP {}, {} bytes)", answer.status, body.len()),
                retry_after: None,
            };
        }
        if !kind.is_empty() && !kind.contains("json") {
            return not_json(answer.status, &kind);
        }
        SourceError::Malformed {
            code: "SRC_BAD_JSON",
            detail: format!("the answer is no valid JSON (line {}, column {})", error.line(), error.column()),
        }
    })
}

/// What a status means to this source.
pub(super) fn status(answer: &WireAnswer, retry: &RetrySpec, can_shrink: bool) -> Result<(), SourceError> {
    let status = answer.status;
    if (200..300).contains(&status) {
        return Ok(());
    }
    let wait = retry_after(&answer.headers);
    if retry.rate_limited.contains(&status) {
        return Err(SourceError::RateLimited { retry_after: wait });
    }
    if retry.auth.contains(&status) {
        let detail = format!("the source refused our credentials or rights (HTTP {status})");
        return Err(SourceError::Auth { code: "AUTH_REFUSED", detail });
    }
    if retry.too_large.contains(&status) {
        return Err(too_large(can_shrink));
    }
    if retry.transient.contains(&status) || status >= 500 || matches!(status, 408 | 425) {
        let detail = format!("the source is not available (HTTP {status})");
        return Err(SourceError::Transient { code: "SRC_UNAVAILABLE", detail, retry_after: wait });
    }
    let (code, detail) = match status {
        300..400 => ("SRC_REDIRECT", format!("the source sent us elsewhere (HTTP {status}); check the address")),
        404 | 410 => ("SRC_NOT_FOUND", format!("the source does not know this address (HTTP {status})")),
        _ => ("SRC_STATUS", format!("the source refused the request (HTTP {status})")),
    };
    Err(SourceError::Malformed { code, detail })
}

pub(super) fn too_large(can_shrink: bool) -> SourceError {
    if can_shrink {
        return SourceError::TooLarge;
    }
    let detail = "the answer is too large, and its size cannot be lowered".to_owned();
    SourceError::Malformed { code: "SRC_TOO_LARGE", detail }
}

pub(super) fn wire(error: &WireError, can_shrink: bool) -> SourceError {
    let detail = error.to_string();
    match error {
        WireError::Forbidden(_) => SourceError::Config { code: "SET_ADDRESS", detail },
        WireError::Unreachable(_) => SourceError::Transient { code: "SRC_UNREACHABLE", detail, retry_after: None },
        WireError::Timeout => SourceError::Transient { code: "SRC_TIMEOUT", detail, retry_after: None },
        WireError::Truncated => SourceError::Transient { code: "SRC_TRUNCATED", detail, retry_after: None },
        WireError::TooLarge => too_large(can_shrink),
        WireError::OtherHost => SourceError::Malformed { code: "SRC_REDIRECT", detail },
    }
}

fn not_json(status: u16, kind: &str) -> SourceError {
    let kind = if kind.is_empty() { "no content type" } else { kind };
    SourceError::Malformed {
        code: "SRC_NOT_JSON",
        detail: format!("the source answered {kind} instead of JSON (HTTP {status}); check the address"),
    }
}

/// The media type without parameters, and without anything that is not one.
fn content_type(headers: &HeaderMap) -> String {
    let text = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let plain = media.len() <= 60 && media.bytes().all(|b| b.is_ascii_alphanumeric() || b"/+.-".contains(&b));
    if plain { media } else { "an unreadable content type".to_owned() }
}

/// The source's own clock, where it shows it.
pub(super) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get(DATE)?.to_str().ok()?;
    Timestamp::try_from(httpdate::parse_http_date(text).ok()?).ok()
}

/// `Retry-After` (RFC 9110 section 10.2.3): seconds, or an HTTP date, which is read on the other side's
/// clock where it shows that. At most a day.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds).min(LONGEST_WAIT));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    #[expect(clippy::disallowed_methods, reason = "only where the answer carries no date of its own")]
    let now = date(headers).map_or_else(SystemTime::now, SystemTime::from);
    Some(until.duration_since(now).unwrap_or_default().min(LONGEST_WAIT))
}
