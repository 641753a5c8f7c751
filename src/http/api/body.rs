//! What a call brings: JSON with the fields that the document names, and no others.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
};
use serde::de::DeserializeOwned;

use crate::{app::SharedHub, http::error::AppError};

/// The body as it came. It is read only once the caller may do what the call does.
pub struct Body(pub Bytes);

impl Body {
    /// What is meant by it.
    pub fn meant<T: DeserializeOwned>(&self) -> Result<T, AppError> {
        // A list of values would be taken for the fields in their order.
        if !self.0.trim_ascii_start().starts_with(b"{") {
            return Err(AppError::invalid("BODY_INVALID", "the body is no JSON object"));
        }
        serde_json::from_slice(&self.0).map_err(|error| {
            AppError::invalid("BODY_INVALID", format!("the body is not what this call takes: {error}"))
        })
    }
}

impl FromRequest<SharedHub> for Body {
    type Rejection = AppError;

    async fn from_request(request: Request, hub: &SharedHub) -> Result<Self, AppError> {
        Bytes::from_request(request, hub).await.map(Self).map_err(|rejection| {
            let large = rejection.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE;
            if large { AppError::TooLarge } else { AppError::invalid("BODY_INVALID", "the body broke off") }
        })
    }
}
