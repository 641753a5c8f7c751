//! Proving who is asking.
//!
//! Invariant: credentials are held as `SecretString` and sent as sensitive headers, so that no
//! `Debug` shows them. Invariant: at most one token request runs at a time.

use std::{
    fmt,
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use super::{
    answer,
    transport::{Payload, Transport, WireRequest},
    values::Values,
};
use crate::{
    connector::SourceError,
    manifest::{AuthSpec, RetrySpec},
};

/// Renewed this long before the end, so that a token does not expire on its way.
const EARLY: Duration = Duration::from_secs(30);

pub(super) enum Auth {
    None,
    Header { name: HeaderName, value: SecretString },
    Query { name: String, value: SecretString },
    ClientCredentials { endpoint: Box<Endpoint>, token: Mutex<Option<Token>> },
}

pub(super) struct Endpoint {
    url: Url,
    client_id: SecretString,
    client_secret: SecretString,
    scope: String,
    timeout: Duration,
    retry: RetrySpec,
}

pub(super) struct Token {
    value: SecretString,
    until: Instant,
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Auth")
    }
}

impl Auth {
    pub(super) fn new(
        spec: &AuthSpec,
        values: &Values,
        timeout: Duration,
        retry: &RetrySpec,
    ) -> Result<Self, SourceError> {
        match spec {
            AuthSpec::None => Ok(Self::None),
            AuthSpec::ApiKey { header, query, value, prefix } => {
                let value = SecretString::from(format!("{}{}", values.text(prefix)?, values.text(value)?));
                match (header, query) {
                    (Some(header), _) => Ok(Self::Header { name: header_name(&values.text(header)?)?, value }),
                    (None, Some(query)) => Ok(Self::Query { name: values.text(query)?, value }),
                    (None, None) => Ok(Self::None),
                }
            }
            AuthSpec::Basic { username, password } => {
                let pair = format!("{}:{}", values.text(username)?, values.text(password)?);
                let value = SecretString::from(format!("Basic {}", BASE64_STANDARD.encode(pair)));
                Ok(Self::Header { name: AUTHORIZATION, value })
            }
            AuthSpec::Bearer { token } => {
                let value = SecretString::from(format!("Bearer {}", values.text(token)?));
                Ok(Self::Header { name: AUTHORIZATION, value })
            }
            AuthSpec::Oauth2ClientCredentials { token_url, client_id, client_secret, scope } => {
                let endpoint = Endpoint {
                    url: values.address(token_url)?,
                    client_id: values.text(client_id)?.into(),
                    client_secret: values.text(client_secret)?.into(),
                    scope: values.text(scope.as_deref().unwrap_or_default())?,
                    timeout,
                    retry: retry.clone(),
                };
                Ok(Self::ClientCredentials { endpoint: Box::new(endpoint), token: Mutex::new(None) })
            }
        }
    }

    /// Whether a refused request may succeed with a fresh token.
    pub(super) fn is_renewable(&self) -> bool {
        matches!(self, Self::ClientCredentials { .. })
    }

    /// Adds the credentials; returns the token used, to name it should it be refused.
    pub(super) async fn add(
        &self,
        request: &mut WireRequest,
        transport: &dyn Transport,
        refused: Option<&SecretString>,
    ) -> Result<Option<SecretString>, SourceError> {
        match self {
            Self::None => Ok(None),
            Self::Header { name, value } => {
                request.headers.insert(name.clone(), sensitive(value.expose_secret())?);
                Ok(None)
            }
            Self::Query { name, value } => {
                request.url.query_pairs_mut().append_pair(name, value.expose_secret());
                Ok(None)
            }
            Self::ClientCredentials { endpoint, token } => {
                // Held over the request on purpose: everybody else waits for this one's token.
                let mut held = token.lock().await;
                let known_bad =
                    |token: &Token| refused.is_some_and(|r| r.expose_secret() == token.value.expose_secret());
                let fresh = held.as_ref().is_some_and(|token| Instant::now() < token.until && !known_bad(token));
                if !fresh {
                    *held = None;
                    *held = Some(endpoint.token(transport).await?);
                }
                let value = held.as_ref().map(|token| token.value.clone());
                drop(held);
                let bearer = format!("Bearer {}", value.as_ref().map_or("", ExposeSecret::expose_secret));
                request.headers.insert(AUTHORIZATION, sensitive(&bearer)?);
                Ok(value)
            }
        }
    }
}

impl Endpoint {
    /// RFC 6749 section 4.4, the client named by HTTP Basic (section 2.3.1).
    async fn token(&self, transport: &dyn Transport) -> Result<Token, SourceError> {
        let encode = |text: &SecretString| {
            url::form_urlencoded::byte_serialize(text.expose_secret().as_bytes()).collect::<String>()
        };
        let pair = BASE64_STANDARD.encode(format!("{}:{}", encode(&self.client_id), encode(&self.client_secret)));
        let mut form = vec![("grant_type".to_owned(), "client_credentials".to_owned())];
        if !self.scope.is_empty() {
            form.push(("scope".to_owned(), self.scope.clone()));
        }
        let mut request = WireRequest {
            url: self.url.clone(),
            headers: reqwest::header::HeaderMap::new(),
            payload: Payload::Form(form),
            timeout: self.timeout,
            max_body: 1 << 20,
        };
        request.headers.insert(AUTHORIZATION, sensitive(&format!("Basic {pair}"))?);
        let answer = transport.send(request).await.map_err(|error| answer::wire(&error, false))?;
        if matches!(answer.status, 400 | 401 | 403) {
            let detail = format!("the token endpoint refused our client credentials (HTTP {})", answer.status);
            return Err(SourceError::Auth { code: "AUTH_REFUSED", detail });
        }
        let body = answer::json(&answer, &self.retry, false)?;
        let Some(value) = body["access_token"].as_str().filter(|text| !text.is_empty()) else {
            let detail = "the token endpoint's answer holds no access_token".to_owned();
            return Err(SourceError::Malformed { code: "SRC_SHAPE", detail });
        };
        let seconds = match &body["expires_in"] {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        let lasts = Duration::from_secs(seconds.unwrap_or(300).min(86_400)).saturating_sub(EARLY);
        Ok(Token { value: SecretString::from(value.to_owned()), until: Instant::now() + lasts })
    }
}

pub(super) fn header_name(text: &str) -> Result<HeaderName, SourceError> {
    text.parse().map_err(|_| SourceError::Config {
        code: "SET_INVALID",
        detail: "a header name in the settings is no valid header name".to_owned(),
    })
}

pub(super) fn sensitive(text: &str) -> Result<HeaderValue, SourceError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| SourceError::Config {
        code: "SET_INVALID",
        detail: "a credential holds characters that no header can carry (a line break?)".to_owned(),
    })?;
    value.set_sensitive(true);
    Ok(value)
}
