//! `Idempotency-Key`: who did not hear the answer sends the call again, with the same key, and it is done once.
//!
//! The key belongs to the owner of the token. It is taken and the answer kept in the transaction of the act, so
//! that a call that failed leaves nothing behind and can be tried again. Answers are kept for a day
//! (`sync::retention`).

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
    store::{self, Tx, idempotency::Call},
};

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
        max_length = 255,
        pattern = "^[!-~]+$",
        example = "7f9c2ba4-e88f-4f1e-8f5c-2d1a3c5b7d9e"
    )]
    key: Option<String>,
}

/// The key of a call, if it has one.
pub struct Key(Option<String>);

impl FromRequestParts<SharedHub> for Key {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _hub: &SharedHub) -> Result<Self, AppError> {
        let mut values = parts.headers.get_all(NAME).iter();
        let Some(value) = values.next() else { return Ok(Self(None)) };
        let fits = |text: &&str| (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        let key = value.to_str().ok().filter(fits).filter(|_| values.next().is_none());
        let wrong = || AppError::invalid("KEY_INVALID", "Idempotency-Key is one value of 1 to 255 visible characters");
        Ok(Self(Some(key.ok_or_else(wrong)?.to_owned())))
    }
}

/// A call whose key is taken for its transaction; without a key there is nothing to keep.
pub struct Once {
    user_id: String,
    key: Option<String>,
    operation: &'static str,
    request: [u8; 32],
}

impl Once {
    /// Takes the key. `Err(Ok(…))` is the answer that the same call got before.
    pub async fn begin(
        tx: &mut Tx,
        caller: &Caller,
        Key(key): Key,
        operation: &'static str,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Result<Self, Response>, AppError> {
        let once = Self { user_id: caller.me().user_id.clone(), key, operation, request: Sha256::digest(body).into() };
        let Some(call) = once.call() else { return Ok(Ok(once)) };
        let Some(earlier) = store::idempotency::take(tx, &call, now).await? else { return Ok(Ok(once)) };
        if earlier.operation != operation || earlier.request != once.request {
            let detail = "this Idempotency-Key came with another call before; a new call needs a new key";
            return Err(AppError::Conflict { code: "KEY_REUSED", detail: detail.to_owned() });
        }
        let status = earlier.status.and_then(|status| u16::try_from(status).ok());
        let status = status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::OK);
        let mut response = answer(status, earlier.location.as_deref(), earlier.body.unwrap_or_default())?;
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        Ok(Err(response))
    }

    fn call(&self) -> Option<Call<'_>> {
        let key = self.key.as_deref()?;
        Some(Call { user_id: &self.user_id, key, operation: self.operation, request: &self.request })
    }

    /// The answer to what was made, kept under the key. The transaction is still the caller's to commit.
    pub async fn made<T: Serialize>(self, tx: &mut Tx, address: &str, record: &T) -> Result<Response, AppError> {
        let body = serde_json::to_string(record).map_err(AppError::internal)?;
        if let Some(call) = self.call() {
            store::idempotency::keep(tx, &call, StatusCode::CREATED.as_u16(), Some(address), &body).await?;
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
