//! Requests to providers. Capped and timed as a whole, no redirects (a secret would follow them), names
//! judged by what they resolve to.

use std::{error::Error, io, time::Duration};

use bytes::BytesMut;
use musubi_sdk::guard::{self, Reach};
use reqwest::{Client, RequestBuilder, header, redirect};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

/// Bytes of discovery, token and userinfo answers.
const SMALL: usize = 256 * 1024;
/// Bytes of a key set, or of all groups of somebody.
const KEYS: usize = 1024 * 1024;

/// Why there is no answer that could be used. Texts for administrators, without secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum WireError {
    #[error("the address is not one that is spoken to: {0}")]
    Forbidden(String),
    #[error("there is no host of that name")]
    Nameless,
    #[error("nothing answers at that port: the connection was refused")]
    Refused,
    #[error("no encrypted connection: {0}")]
    Tls(String),
    #[error("the provider cannot be reached")]
    Unreachable,
    #[error("the provider did not answer in time")]
    Timeout,
    #[error("the provider answered HTTP {0}")]
    Status(u16),
    #[error("the answer is larger than allowed")]
    TooLarge,
    #[error("the answer is not the JSON that was asked for")]
    Shape,
}

impl WireError {
    /// The stable code of what is wrong with the way there; `other` where something came back.
    pub fn code(&self, other: &'static str) -> &'static str {
        match self {
            Self::Forbidden(_) => "IDP_ADDRESS",
            Self::Nameless => "IDP_HOST",
            Self::Refused => "IDP_REFUSED",
            Self::Tls(_) => "IDP_TLS",
            Self::Unreachable => "IDP_UNREACHABLE",
            Self::Timeout => "IDP_TIMEOUT",
            Self::Status(_) | Self::TooLarge | Self::Shape => other,
        }
    }

    /// Why a request had no answer, by the innermost cause that is known.
    fn of(error: &reqwest::Error) -> Self {
        if let Some(why) = guard::reason(error) {
            return Self::Forbidden(why.to_string());
        }
        if error.is_timeout() {
            return Self::Timeout;
        }
        let secret = error.url().is_some_and(|url| url.scheme() == "https");
        Self::within(error, secret).unwrap_or(Self::Unreachable)
    }

    /// What one of the causes says. `secret`: the connection was to be encrypted.
    fn within(error: &(dyn Error + 'static), secret: bool) -> Option<Self> {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(Self::Tls(tls.to_string()));
        }
        if let Some(io) = error.downcast_ref::<io::Error>() {
            // What an error was made of is not among its sources.
            if let Some(found) = io.get_ref().and_then(|inner| Self::within(inner, secret)) {
                return Some(found);
            }
            match io.kind() {
                io::ErrorKind::ConnectionRefused => return Some(Self::Refused),
                io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset if secret => {
                    return Some(Self::Tls("the other side broke off".to_owned()));
                }
                _ => {}
            }
        }
        if error.to_string() == "dns error" {
            return Some(Self::Nameless);
        }
        error.source().and_then(|source| Self::within(source, secret))
    }
}

#[derive(Clone)]
pub(super) struct Wire {
    public: Client,
    private: Client,
    timeout: Duration,
}

impl Wire {
    pub fn new(timeout: Duration, proxies: Vec<String>) -> reqwest::Result<Self> {
        let client = |reach| {
            Client::builder()
                .user_agent(concat!("musubi/", env!("CARGO_PKG_VERSION")))
                .redirect(redirect::Policy::none())
                .connect_timeout(timeout)
                .dns_resolver(guard::resolver(reach, proxies.clone()))
                .build()
        };
        Ok(Self { public: client(Reach::Public)?, private: client(Reach::Private)?, timeout })
    }

    /// An address of a provider: https, or any where the provider stands in our own network.
    pub fn address(text: &str, private: bool) -> Result<Url, WireError> {
        let refuse = |why: &str| WireError::Forbidden(why.to_owned());
        let url = Url::parse(text).map_err(|_| refuse("not a URL"))?;
        let scheme = url.scheme() == "https" || private && url.scheme() == "http";
        if !scheme || url.host_str().is_none() || !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("it has to be https, without user and password"));
        }
        let reach = if private { Reach::Private } else { Reach::Public };
        guard::judge_url(&url, reach).map_err(|why| refuse(&why.to_string()))?;
        Ok(url)
    }

    pub async fn get<T: DeserializeOwned>(&self, url: &Url, private: bool, bearer: Option<&str>) -> Answer<T> {
        let cap = if bearer.is_some() { SMALL } else { KEYS };
        let mut request = self.client(private).get(url.clone());
        if let Some(token) = bearer {
            request = request.bearer_auth(token);
        }
        self.send(request, cap).await
    }

    pub async fn post<T: DeserializeOwned>(
        &self,
        url: &Url,
        private: bool,
        form: &[(&str, &str)],
        basic: Option<(&str, &str)>,
    ) -> Answer<T> {
        let mut request = self.client(private).post(url.clone()).form(form);
        if let Some((user, password)) = basic {
            // RFC 6749 section 2.3.1: both are form-encoded first. Plain ones stay as they are, which also
            // serves providers that forget to decode.
            let encoded = |text: &str| {
                let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
                encoded.replace("%7E", "~")
            };
            request = request.basic_auth(encoded(user), Some(encoded(password)));
        }
        self.send(request, SMALL).await
    }

    /// Asks by JSON, with an access token.
    pub async fn ask<T: DeserializeOwned>(&self, url: &Url, private: bool, body: &Value, bearer: &str) -> Answer<T> {
        self.send(self.client(private).post(url.clone()).json(body).bearer_auth(bearer), KEYS).await
    }

    /// A document of any kind.
    pub async fn document(&self, url: &Url, private: bool) -> Answer<BytesMut> {
        let request = self.client(private).get(url.clone());
        tokio::time::timeout(self.timeout, body(request, KEYS)).await.unwrap_or(Err(WireError::Timeout))
    }

    fn client(&self, private: bool) -> &Client {
        if private { &self.private } else { &self.public }
    }

    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder, cap: usize) -> Answer<T> {
        let request = request.header(header::ACCEPT, "application/json");
        tokio::time::timeout(self.timeout, read(request, cap)).await.unwrap_or(Err(WireError::Timeout))
    }
}

pub(super) type Answer<T> = Result<T, WireError>;

async fn read<T: DeserializeOwned>(request: RequestBuilder, cap: usize) -> Answer<T> {
    json(&body(request, cap).await?)
}

/// Reads an answer's JSON.
pub(super) fn json<T: DeserializeOwned>(body: &[u8]) -> Answer<T> {
    // As a whole first: only so the reader counts levels (128) in what nobody asked for as well.
    let whole: Value = serde_json::from_slice(body).map_err(|_| WireError::Shape)?;
    serde_json::from_value(whole).map_err(|_| WireError::Shape)
}

async fn body(request: RequestBuilder, cap: usize) -> Answer<BytesMut> {
    let trouble = |error: reqwest::Error| WireError::of(&error);
    let mut answer = request.send().await.map_err(trouble)?;
    if !answer.status().is_success() {
        return Err(WireError::Status(answer.status().as_u16()));
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(trouble)? {
        if body.len() + chunk.len() > cap {
            return Err(WireError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
