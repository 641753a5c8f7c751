//! What a call brings: JSON with the fields that the document names, and no others.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
};
use serde::de::DeserializeOwned;

use crate::{app::SharedHub, http::error::AppError};

/// The body, as it came and as it is meant.
pub struct Body<T> {
    pub bytes: Bytes,
    pub meant: T,
}

impl<T: DeserializeOwned> FromRequest<SharedHub> for Body<T> {
    type Rejection = AppError;

    async fn from_request(request: Request, hub: &SharedHub) -> Result<Self, AppError> {
        let bytes = Bytes::from_request(request, hub).await.map_err(|rejection| {
            let large = rejection.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE;
            if large { AppError::TooLarge } else { AppError::invalid("BODY_INVALID", "the body broke off") }
        })?;
        let meant = serde_json::from_slice(&bytes).map_err(|error| {
            AppError::invalid("BODY_INVALID", format!("the body is not what this call takes: {error}"))
        })?;
        Ok(Self { bytes, meant })
    }
}
