//! How requests leave: over HTTP, or answered from recorded fixtures.
//!
//! Invariant: a body is never read past its cap, counted after decompression.

use std::{error::Error, time::Duration};

use crate::guard::{self, Forbidden, Reach};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use reqwest::{
    header::{CONTENT_TYPE, HeaderMap},
    redirect,
};
use url::Url;

/// One request to a source.
#[derive(Clone)]
pub struct WireRequest {
    pub url: Url,
    pub headers: HeaderMap,
    pub payload: Payload,
    pub timeout: Duration,
    pub max_body: u64,
}

/// What a request carries, and with it its method.
#[derive(Clone, Default)]
pub enum Payload {
    /// GET.
    #[default]
    None,
    /// POST, as token endpoints want it.
    Form(Vec<(String, String)>),
    /// POST: a question too long or too structured for a query string.
    Json(Bytes),
    /// PUT: a record as it should be.
    Put(Bytes),
}

/// A whole answer.
#[derive(Clone)]
pub struct WireAnswer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Why there is no whole answer. Texts name neither the URL (its query may hold a key) nor a body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    #[error("the source cannot be reached: {0}")]
    Unreachable(String),
    #[error("the source did not answer in time")]
    Timeout,
    #[error("the connection ended in the middle of the answer")]
    Truncated,
    #[error("the answer is larger than allowed")]
    TooLarge,
    #[error("the source sent us on to another host")]
    OtherHost,
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
}

#[async_trait]
pub trait Transport: Send + Sync {
    async fn send(&self, request: WireRequest) -> Result<WireAnswer, WireError>;
}

/// The real thing.
pub struct HttpTransport {
    client: reqwest::Client,
}

impl HttpTransport {
    /// Build the client with [`same_host_redirects`]: a client's own policy would carry an API key
    /// in a header of its own to whatever host a redirect names. And with [`guard::resolver`].
    #[must_use]
    pub fn new(client: reqwest::Client) -> Self {
        Self { client }
    }
}

/// Follows up to five redirects on the same scheme, host and port; hands any other to the caller.
#[must_use]
pub fn same_host_redirects() -> redirect::Policy {
    redirect::Policy::custom(|attempt| {
        let same = attempt.previous().last().is_some_and(|from| from.origin() == attempt.url().origin());
        if same && attempt.previous().len() <= 5 { attempt.follow() } else { attempt.stop() }
    })
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: WireRequest) -> Result<WireAnswer, WireError> {
        guard::judge_url(&request.url, Reach::Private)?;
        let asked = request.url.origin();
        let call = match request.payload {
            Payload::None => self.client.get(request.url),
            Payload::Form(form) => self.client.post(request.url).form(&form),
            Payload::Json(body) => self.client.post(request.url).header(CONTENT_TYPE, "application/json").body(body),
            Payload::Put(body) => self.client.put(request.url).header(CONTENT_TYPE, "application/json").body(body),
        };
        let sent = call.headers(request.headers).timeout(request.timeout).send().await;
        let mut response = sent.map_err(|error| refused(&error))?;
        if response.url().origin() != asked {
            return Err(WireError::OtherHost);
        }
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let mut body = BytesMut::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() as u64 + chunk.len() as u64 > request.max_body => {
                    return Err(WireError::TooLarge);
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) if error.is_timeout() => return Err(WireError::Timeout),
                Err(_) => return Err(WireError::Truncated),
            }
        }
        Ok(WireAnswer { status, headers, body: body.freeze() })
    }
}

fn refused(error: &reqwest::Error) -> WireError {
    if error.is_timeout() {
        return WireError::Timeout;
    }
    if let Some(forbidden) = guard::reason(error) {
        return WireError::Forbidden(forbidden);
    }
    // The outer texts hold the URL; the innermost one only says what happened.
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(inner) = cause.and_then(Error::source) {
        cause = Some(inner);
    }
    let closed = !error.is_connect() && !error.is_builder();
    match cause {
        Some(cause) if cause.to_string().contains("before message completed") => WireError::Truncated,
        Some(cause) => WireError::Unreachable(cause.to_string()),
        None if closed => WireError::Truncated,
        None => WireError::Unreachable("no connection".to_owned()),
    }
}
