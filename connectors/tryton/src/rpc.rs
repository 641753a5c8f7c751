//! Tryton's JSON-RPC, the protocol of its own clients: a session, and errors inside good answers.
//!
//! Invariants: a session lives in memory only, and at most one login runs at a time. No login is the
//! first request to a database: one that is (8.2) leaves it half loaded until Tryton starts anew. No
//! byte of an answer ends in an error: Tryton's sentences are translated, and name records and people.

use std::{fmt, sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use musubi_sdk::{SourceError, declarative::WireAnswer};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::rest::Rest;

/// For so long Tryton counts failed logins, unless it is configured otherwise; it does not say so.
const SHUT: Duration = Duration::from_secs(300);

/// One user of one database.
pub(crate) struct Rpc {
    rest: Arc<Rest>,
    user: String,
    password: SecretString,
    session: Mutex<Option<SecretString>>,
}

impl fmt::Debug for Rpc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rpc")
    }
}

/// Why there is no result.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// No answer, no session, or a failure of Tryton.
    Source(SourceError),
    /// A record was changed since its `_timestamp`.
    Overtaken,
    /// A rule, a value, or a missing right.
    Refused,
    /// Tryton would ask a person whether to go on.
    Asks,
    /// More than Tryton takes in one request.
    TooLarge,
}

impl From<SourceError> for Trouble {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

impl Rpc {
    pub(crate) fn new(rest: Arc<Rest>, user: String, password: SecretString) -> Self {
        Self { rest, user, password, session: Mutex::new(None) }
    }

    /// Calls a method, once more where the session has ended. A context is the last parameter.
    pub(crate) async fn call(&self, method: &str, params: &Value) -> Result<Value, Trouble> {
        let session = self.session(None).await?;
        let mut answer = self.rest.rpc(Some(&session), method, params).await?;
        if answer.status == 401 {
            let session = self.session(Some(&session)).await?;
            answer = self.rest.rpc(Some(&session), method, params).await?;
        }
        self.result(&answer)
    }

    /// Logs in, whether or not there is a session.
    pub(crate) async fn renew(&self) -> Result<(), SourceError> {
        let mut held = self.session.lock().await;
        *held = None;
        *held = Some(self.login().await?);
        drop(held);
        Ok(())
    }

    /// The session; another one than the refused one.
    async fn session(&self, refused: Option<&SecretString>) -> Result<SecretString, SourceError> {
        // Held over the login on purpose: everybody else waits for this one's session.
        let mut held = self.session.lock().await;
        let is_refused = |session: &SecretString| refused.is_some_and(|r| r.expose_secret() == session.expose_secret());
        if let Some(session) = held.as_ref().filter(|session| !is_refused(session)) {
            return Ok(session.clone());
        }
        *held = None;
        let session = self.login().await?;
        *held = Some(session.clone());
        drop(held);
        Ok(session)
    }

    /// What the header `Authorization` says from now on.
    async fn login(&self) -> Result<SecretString, SourceError> {
        self.rest.knock().await?;
        let params = json!([self.user, { "password": self.password.expose_secret() }]);
        let answer = self.rest.rpc(None, "common.db.login", &params).await?;
        if answer.status == 401 {
            return Err(auth(
                "Tryton does not accept user and password (HTTP 401): check both, and that the user is active",
            ));
        }
        let result = match self.result(&answer) {
            Ok(result) => result,
            Err(Trouble::Source(SourceError::RateLimited { retry_after })) => {
                // Each login before its time would make it longer.
                return Err(SourceError::RateLimited { retry_after: retry_after.or(Some(SHUT)) });
            }
            Err(Trouble::Source(error)) => return Err(error),
            Err(_) => return Err(auth("Tryton does not let this user in with a password alone")),
        };
        let (Some(id), Some(token)) = (result[0].as_i64(), result[1].as_str()) else {
            return Err(shape("Tryton's answer to a login holds no session"));
        };
        let text = format!("{}:{id}:{token}", self.user);
        Ok(format!("Session {}", BASE64_STANDARD.encode(text)).into())
    }

    fn result(&self, answer: &WireAnswer) -> Result<Value, Trouble> {
        match answer.status {
            401 => return Err(auth("Tryton ends the session that it has just begun (HTTP 401)").into()),
            403 => return Err(auth("Tryton, or a proxy before it, forbids JSON-RPC (HTTP 403)").into()),
            404 => {
                let detail =
                    "there is no such database, or no JSON-RPC, which a proxy may keep away (HTTP 404)".to_owned();
                return Err(SourceError::Config { code: "SRC_NOT_FOUND", detail }.into());
            }
            413 => return Err(Trouble::TooLarge),
            _ => {}
        }
        let Value::Object(mut said) = self.rest.json(answer)? else {
            return Err(shape("Tryton's answer over JSON-RPC is no object").into());
        };
        if let Some(error) = said.get("error") {
            return Err(trouble(error));
        }
        said.remove("result")
            .ok_or_else(|| shape("Tryton's answer over JSON-RPC holds neither result nor error").into())
    }
}

/// An error of Tryton's, which comes with status 200: its class, then what it says.
fn trouble(error: &Value) -> Trouble {
    match error[0].as_str() {
        Some("ConcurrencyException") => Trouble::Overtaken,
        Some("UserError") => Trouble::Refused,
        Some("UserWarning") => Trouble::Asks,
        Some("LoginException") => auth("Tryton wants more than a password of this user").into(),
        // The text of an exception in its code, or of its database.
        _ => {
            let detail = "Tryton failed (an error inside HTTP 200); its own log says why".to_owned();
            SourceError::Transient { code: "SRC_UNAVAILABLE", detail, retry_after: None }.into()
        }
    }
}

fn auth(detail: &str) -> SourceError {
    SourceError::Auth { code: "AUTH_REFUSED", detail: detail.to_owned() }
}

pub(crate) fn shape(detail: &str) -> SourceError {
    SourceError::Malformed { code: "SRC_SHAPE", detail: detail.to_owned() }
}
