//! Signing in with an identity provider: the way there and back.
//!
//! Invariant: nothing here answers over an open wire, and a browser is bound by a cookie before it leaves.

use axum::{
    Form, Json, Router,
    extract::{FromRequestParts, Path, Query, RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{
    console::page::done, cookie, error::AppError, preferences::Preferences, saml::away, session::safe_next,
    signin::welcome, transport::Transport,
};
use crate::{
    app::SharedHub,
    identity::{
        Origin,
        federation::{Arrival, Back, Refused},
    },
};

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/auth/oidc/leave", get(leave))
        .route("/auth/oidc/{idp}/jwks.json", get(jwks))
        .route("/auth/oidc/{idp}/start", get(start))
        .route("/auth/oidc/{idp}/callback", get(callback))
        .route("/auth/oidc/{idp}/backchannel-logout", post(sign_out))
}

/// What these handlers know of the browser. Over an open wire there is none.
pub(super) struct Browser {
    pub bound: Option<String>,
    pub previous: Option<String>,
    pub invitation: Option<String>,
    /// The mail address that was typed.
    pub hint: Option<String>,
    pub origin: Origin,
}

impl FromRequestParts<SharedHub> for Browser {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, hub: &SharedHub) -> Result<Self, AppError> {
        if !Transport::of(parts, &hub.edge).is_safe() {
            return Err(AppError::Refused { code: "INSECURE_TRANSPORT" });
        }
        let value = |name| cookie::get(&parts.headers, name).map(str::to_owned);
        let (bound, previous, invitation) = (value(cookie::LOGIN), value(cookie::SESSION), value(cookie::INVITATION));
        let hint = value(cookie::HINT).filter(|hint| hint.len() <= 1_000);
        let Ok(origin) = <Origin as FromRequestParts<SharedHub>>::from_request_parts(parts, hub).await;
        let hint = hint.and_then(|hint| Some(url::form_urlencoded::parse(hint.as_bytes()).next()?.0.into_owned()));
        Ok(Self { bound, previous, invitation, hint, origin })
    }
}

impl From<Refused> for AppError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Unknown => Self::NotFound,
            Refused::Check { code, .. } => Self::Refused { code },
            Refused::Wait(wait) => Self::TooMany(wait),
            Refused::Store(error) => error.into(),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Wish {
    pub next: String,
}

async fn start(
    State(hub): State<SharedHub>,
    browser: Browser,
    Path(idp): Path<String>,
    Query(wish): Query<Wish>,
) -> Result<Response, AppError> {
    let next = safe_next(&wish.next).unwrap_or("/");
    let mut begun =
        hub.federation.begin(&idp, next, browser.bound.as_deref(), &hub.edge.public_url, &browser.origin).await?;
    // Whom the provider may expect, so that nobody types their address twice.
    if let Some(hint) = &browser.hint {
        begun.url.query_pairs_mut().append_pair("login_hint", hint);
    }
    let mut response = Redirect::to(begun.url.as_str()).into_response();
    cookie::set(response.headers_mut(), cookie::guarded(cookie::LOGIN, &begun.cookie));
    cookie::set(response.headers_mut(), cookie::expired(cookie::HINT));
    Ok(response)
}

async fn callback(
    State(hub): State<SharedHub>,
    browser: Browser,
    Path(idp): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, AppError> {
    let back = Back {
        idp_id: &idp,
        public_url: &hub.edge.public_url,
        query: query.as_deref().unwrap_or_default(),
        cookie: browser.bound.as_deref(),
        previous: browser.previous.as_deref(),
        invitation: browser.invitation.as_deref(),
    };
    Ok(arrived(&hub.federation.finish(&hub.identity, back, &browser.origin).await?))
}

/// Where a browser goes that came back: on, signed in; or to what a trial found.
pub(super) fn arrived(arrival: &Arrival) -> Response {
    match arrival {
        Arrival::SignedIn { session, next } => welcome(session, safe_next(next).unwrap_or("/")),
        Arrival::Proved { token, next } => renewed(token, next),
        Arrival::Linked => done("/me", "linked", None),
        Arrival::Tried { idp_id } => Redirect::to(&format!("/admin/idp/{idp_id}/test")).into_response(),
    }
}

/// Back to what somebody was about to do, with the session's new cookie.
pub(super) fn renewed(token: &SecretString, next: &str) -> Response {
    let mut response = done(next, "proved", None);
    cookie::set(response.headers_mut(), cookie::guarded(cookie::SESSION, token.expose_secret()));
    response
}

async fn jwks(State(hub): State<SharedHub>, Path(idp): Path<String>) -> Result<Response, AppError> {
    Ok(Json(hub.federation.our_keys(&idp).await?).into_response())
}

/// From our own sign-in page only: another site has no say in whether somebody signs out.
async fn leave(
    State(hub): State<SharedHub>,
    preferences: Preferences,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    let ours = headers.get("sec-fetch-site").is_none_or(|site| site == "same-origin");
    let Some(ticket) = cookie::get(&headers, cookie::PARTING).filter(|_| ours) else {
        return Ok(Redirect::to("/signin").into_response());
    };
    let there = hub.federation.leave_provider(ticket, &hub.edge.public_url).await?;
    let mut response = match there {
        Some(way) => away(&hub, way, preferences, true),
        None => Redirect::to("/signin").into_response(),
    };
    cookie::set(response.headers_mut(), cookie::expired(cookie::PARTING));
    Ok(response)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Logout {
    logout_token: String,
}

/// A provider, not a browser: the answer is the specification's (section 2.8).
async fn sign_out(
    State(hub): State<SharedHub>,
    origin: Origin,
    Path(idp): Path<String>,
    Form(logout): Form<Logout>,
) -> Result<Response, AppError> {
    let done = hub.federation.sign_out(&hub.identity, &idp, &logout.logout_token, &origin).await;
    let mut response = match done {
        Ok(_) => StatusCode::OK.into_response(),
        Err(Refused::Check { code, .. }) => {
            let body = serde_json::json!({"error": "invalid_request", "error_description": code});
            (StatusCode::BAD_REQUEST, Json(body)).into_response()
        }
        Err(other) => return Err(other.into()),
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
