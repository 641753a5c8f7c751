//! Requests to one configured system: its address, headers, credentials and caps, as declared.
//!
//! What drivers outside this crate share with the declarative one, so that no connector has a way
//! of its own out of the process. Invariant: nothing is ever sent to another host than `base_url`'s.

use std::{fmt, sync::Arc};

use jiff::Timestamp;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use url::Url;

use super::{
    answer,
    auth::{self, Auth},
    transport::{Payload, Transport, WireAnswer, WireRequest},
    values::Values,
};
use crate::{
    connector::SourceError,
    manifest::{HttpSpec, Manifest},
    settings,
};

/// See the module.
pub struct Caller {
    transport: Arc<dyn Transport>,
    pub(super) values: Values,
    auth: Auth,
    pub(super) url: Url,
    headers: HeaderMap,
    spec: HttpSpec,
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Caller")
    }
}

impl Caller {
    /// # Errors
    /// `Config` when the manifest has no `http`, or a setting that it needs is missing or unusable.
    pub fn new(
        manifest: &Manifest,
        mut plain: Map<String, Value>,
        secrets: impl IntoIterator<Item = (String, SecretString)>,
        transport: Arc<dyn Transport>,
    ) -> Result<Self, SourceError> {
        let spec = manifest.http.clone().ok_or_else(only_receives)?;
        settings::apply_defaults(manifest, &mut plain);
        let values = Values::new(plain, secrets.into_iter().collect());
        let headers = headers(&spec, &values)?;
        let auth = Auth::new(&manifest.auth, &values, spec.timeout, &spec.retry)?;
        let mut url = values.address(&spec.base_url)?;
        url.set_query(None);
        url.set_fragment(None);
        Ok(Self { transport, values, auth, url, headers, spec })
    }

    /// A setting that is no secret, as text; `None`: absent or empty.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<String> {
        self.values.plain(name)
    }

    /// An address below `base_url`. The path is taken as it is: encode what comes from outside.
    ///
    /// # Errors
    /// `Config` when the path leads elsewhere.
    pub fn join(&self, path: &str) -> Result<Url, SourceError> {
        let text = format!("{}/{}", self.url.as_str().trim_end_matches('/'), path.trim_start_matches('/'));
        let joined = Url::parse(&text).ok().filter(|url| url.origin() == self.url.origin());
        joined.ok_or_else(|| SourceError::Config {
            code: "SET_ADDRESS",
            detail: "a path of the settings makes no address of the source".to_owned(),
        })
    }

    /// Sends with credentials; once more with a fresh token where the old one was refused. Any
    /// status is an answer. `can_shrink`: an answer over the cap may be asked for in parts.
    ///
    /// # Errors
    /// No whole answer came, or credentials could not be had.
    pub async fn send(
        &self,
        url: Url,
        extra: &[(HeaderName, String)],
        payload: Payload,
        can_shrink: bool,
    ) -> Result<WireAnswer, SourceError> {
        let blank = self.request(url, extra, payload)?;
        let mut request = blank.clone();
        let used = self.auth.add(&mut request, self.transport.as_ref(), None).await?;
        let answer = self.transport.send(request).await.map_err(|error| answer::wire(&error, can_shrink))?;
        if answer.status != 401 || !self.auth.is_renewable() {
            return Ok(answer);
        }
        let mut again = blank;
        self.auth.add(&mut again, self.transport.as_ref(), used.as_ref()).await?;
        self.transport.send(again).await.map_err(|error| answer::wire(&error, can_shrink))
    }

    /// Sends with this `Authorization` in place of the manifest's credentials, or with none: for a system
    /// that has a session of its own beside them. Any status is an answer.
    ///
    /// # Errors
    /// No whole answer came.
    pub async fn send_as(
        &self,
        authorization: Option<&SecretString>,
        url: Url,
        payload: Payload,
    ) -> Result<WireAnswer, SourceError> {
        let mut request = self.request(url, &[], payload)?;
        request.headers.remove(AUTHORIZATION);
        if let Some(text) = authorization {
            request.headers.insert(AUTHORIZATION, auth::sensitive(text.expose_secret())?);
        }
        self.transport.send(request).await.map_err(|error| answer::wire(&error, false))
    }

    fn request(&self, url: Url, extra: &[(HeaderName, String)], payload: Payload) -> Result<WireRequest, SourceError> {
        let mut headers = self.headers.clone();
        for (name, text) in extra {
            headers.insert(name.clone(), header_value(name, text)?);
        }
        Ok(WireRequest { url, headers, payload, timeout: self.spec.timeout, max_body: self.spec.max_body })
    }

    /// The JSON of a good answer; what any other status means, as the manifest declares it.
    ///
    /// # Errors
    /// The status is an error, or the body is no JSON.
    pub fn json(&self, answer: &WireAnswer, can_shrink: bool) -> Result<Value, SourceError> {
        answer::json(answer, &self.spec.retry, can_shrink)
    }
}

impl WireAnswer {
    /// The source's own clock, to the second, where its answer shows it.
    #[must_use]
    pub fn date(&self) -> Option<Timestamp> {
        answer::date(&self.headers)
    }
}

pub(super) fn only_receives() -> SourceError {
    SourceError::Config { code: "STREAM_NOT_PULLED", detail: "this connector only receives".to_owned() }
}

fn headers(spec: &HttpSpec, values: &Values) -> Result<HeaderMap, SourceError> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    for (name, template) in &spec.headers {
        let Ok(text) = values.optional(template) else { continue };
        let name = auth::header_name(name)?;
        let value = header_value(&name, &text)?;
        headers.insert(name, value);
    }
    Ok(headers)
}

fn header_value(name: &HeaderName, text: &str) -> Result<HeaderValue, SourceError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| SourceError::Config {
        code: "SET_INVALID",
        detail: format!("the header {name} cannot carry its setting"),
    })?;
    // A template may hold a secret.
    value.set_sensitive(true);
    Ok(value)
}
