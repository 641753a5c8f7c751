//! `Idempotency-Key`: who did not hear the answer sends the call again, with the same key, and it is done once.
//!
//! The key belongs to the owner of the token. It is taken and the answer kept in the transaction of the act, so
//! that a call that failed leaves nothing behind and can be tried again. Answers are kept for [`KEPT`].

use axum::{
    extract::FromRequestParts,
    http::{HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;

use super::Caller;
use crate::{
    app::SharedHub,
    http::error::AppError,
    model::Timestamp,
    store::{Tx, idempotency},
};

/// How long an answer is kept.
pub const KEPT: i64 = Timestamp::DAY;
const LONGEST: usize = 200;

const NAME: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// For the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "named for the document; the value is read from the request by hand")]
pub struct KeyHeader {
    /// Chosen by the caller, a UUID for example. The same call again with the same key within a day is done once
    /// and gets the first answer, with `Idempotency-Replayed: true`; with another body it is refused.
    #[param(
        rename = "Idempotency-Key",
        min_length = 1,
        max_length = 200,
        pattern = "^[!-~]+$",
        example = "7f9c2ba4-e88f-4f1e-8f5c-2d1a3c5b7d9e"
    )]
    key: Option<String>,
}

/// The key of a call, if it has one.
pub struct Key(pub Option<String>);

impl FromRequestParts<SharedHub> for Key {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _hub: &SharedHub) -> Result<Self, AppError> {
        let mut values = parts.headers.get_all(NAME).iter();
        let Some(value) = values.next() else { return Ok(Self(None)) };
        let fits = |text: &&str| (1..=LONGEST).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        let key = value.to_str().ok().filter(fits).filter(|_| values.next().is_none());
        let wrong = || {
            let detail = format!("an Idempotency-Key has 1 to {LONGEST} visible ASCII characters");
            AppError::invalid("IDEMPOTENCY_KEY_INVALID", detail)
        };
        Ok(Self(Some(key.ok_or_else(wrong)?.to_owned())))
    }
}

/// The key came with another call before.
pub fn used() -> AppError {
    let detail = "this Idempotency-Key was used for another request in the last 24 hours; use a new one".to_owned();
    AppError::Conflict { code: "IDEMPOTENCY_KEY_USED", detail }
}

/// A call whose key is taken for its transaction; without a key there is nothing to keep.
pub struct Once {
    owner: String,
    key: Option<String>,
}

impl Once {
    /// Takes the key for this call of `operation`. `Err` in it: the answer that the same call got before.
    pub async fn begin(
        tx: &mut Tx,
        caller: &Caller,
        Key(key): Key,
        (operation, body): (&str, &[u8]),
        now: Timestamp,
    ) -> Result<Result<Self, Response>, AppError> {
        let once = Self { owner: caller.me().user_id.clone(), key };
        let Some(key) = once.key.as_deref() else { return Ok(Ok(once)) };
        let hash = Sha256::new().chain_update(operation).chain_update([0]).chain_update(body).finalize();
        let first = idempotency::claim(tx, &once.owner, key, &hash, now, now.plus(-KEPT)).await?;
        let Some(first) = first else { return Ok(Ok(once)) };
        if first.request_hash != hash.as_slice() {
            return Err(used());
        }
        let status = u16::try_from(first.status).ok().and_then(|status| StatusCode::from_u16(status).ok());
        let mut response = answer(status.unwrap_or(StatusCode::OK), first.location.as_deref(), first.body)?;
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        Ok(Err(response))
    }

    /// The answer to what was made, kept under the key. The transaction is still the caller's to commit.
    pub async fn made<T: Serialize>(self, tx: &mut Tx, address: &str, record: &T) -> Result<Response, AppError> {
        let body = serde_json::to_string(record).map_err(AppError::internal)?;
        if let Some(key) = &self.key {
            idempotency::note(tx, (&self.owner, key), 201, address, None, &body).await?;
        }
        answer(StatusCode::CREATED, Some(address), body)
    }
}

fn answer(status: StatusCode, location: Option<&str>, body: String) -> Result<Response, AppError> {
    let mut response = (status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
    if let Some(location) = location {
        let location = HeaderValue::from_str(location).map_err(AppError::internal)?;
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}
