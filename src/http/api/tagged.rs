//! One record with an `ETag`: who has it already (`If-None-Match`) gets 304 and no body.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::http::error::AppError;

/// The record as JSON. The tag is of what is shown to this caller: another role sees other fields.
pub fn tagged<T: Serialize>(asked: &HeaderMap, record: &T) -> Result<Response, AppError> {
    let body = serde_json::to_vec(record).map_err(AppError::internal)?;
    let tag = format!("\"{}\"", hex::encode(&Sha256::digest(&body)[..12]));
    with_tag(asked, &tag, body)
}

/// As [`tagged`], for a record that every caller sees alike and that is changed by `If-Match`: the tag is its version.
pub fn versioned<T: Serialize>(asked: &HeaderMap, seq: i64, record: &T) -> Result<Response, AppError> {
    with_tag(asked, &format!("\"{seq}\""), serde_json::to_vec(record).map_err(AppError::internal)?)
}

fn with_tag(asked: &HeaderMap, tag: &str, body: Vec<u8>) -> Result<Response, AppError> {
    let known = asked.get_all(header::IF_NONE_MATCH).iter().any(|value| value.to_str().is_ok_and(|it| names(it, tag)));
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let kind = HeaderValue::from_static("application/json");
        ([(header::CONTENT_TYPE, kind)], body).into_response()
    };
    let tag = HeaderValue::from_str(tag).map_err(AppError::internal)?;
    response.headers_mut().insert(header::ETAG, tag);
    Ok(response)
}

/// Weak comparison (RFC 9110 section 13.1.2): what compressed the answer on its way may have weakened the tag.
fn names(list: &str, tag: &str) -> bool {
    list.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_is_found_as_proxies_leave_it() {
        for (list, found) in [
            ("\"a\"", true),
            ("W/\"a\"", true),
            ("\"b\", W/\"a\"", true),
            ("*", true),
            ("\"b\"", false),
            ("a", false),
            ("", false),
        ] {
            assert_eq!(names(list, "\"a\""), found, "{list}");
        }
    }
}
