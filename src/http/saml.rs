//! Signing in by SAML: the way to a provider, the POST that comes back, the page that reads it, single logout, our
//! metadata.
//!
//! Invariant: nothing here answers over an open wire. The POST comes from another site, so no cookie counts for
//! it: it is only kept, and the browser sent on to a page where its own cookie does.

use super::{
    cookie,
    error::AppError,
    federation::{Browser, Wish, arrived},
    pages::LeavePage,
    preferences::Preferences,
    session::{safe_next, sign_in_url},
};
use crate::{
    app::SharedHub,
    identity::federation::saml::{Begun, Brought, Came, End, Page, Parted, Posting, Way},
};
use axum::{
    Router,
    body::Body,
    extract::{Path, Query, RawQuery, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use futures::StreamExt;
use serde::Deserialize;

/// Bytes of a form: a response in base64, percent-encoded.
const FORM: usize = 512 * 1024;
/// Bytes that are still read of a form that is too large, so that the browser comes to read why.
const PATIENCE: usize = 16 * 1024 * 1024;

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/auth/saml/{idp}/start", get(start))
        .route("/auth/saml/{idp}/acs", get(wrong_way).post(keep))
        .route("/auth/saml/{idp}/finish", get(finish))
        .route("/auth/saml/{idp}/slo", get(sign_out_by_address).post(sign_out_by_form))
        .route("/auth/saml/{idp}/metadata", get(metadata))
}

/// Whether a path takes a POST that other sites make on purpose.
#[must_use]
pub fn is_foreign_post(path: &str) -> bool {
    let idp = path
        .strip_prefix("/auth/saml/")
        .and_then(|rest| ["/acs", "/slo"].iter().find_map(|end| rest.strip_suffix(end)));
    idp.is_some_and(|idp| !idp.contains('/'))
}

async fn start(
    State(hub): State<SharedHub>,
    browser: Browser,
    preferences: Preferences,
    Path(idp): Path<String>,
    Query(wish): Query<Wish>,
) -> Result<Response, AppError> {
    let next = safe_next(&wish.next).unwrap_or("/");
    let public = &hub.edge.public_url;
    let begun = hub.federation.begin_saml(&idp, next, browser.bound.as_deref(), public, &browser.origin).await?;
    Ok(set_out(&hub, begun, preferences))
}

/// Off to a provider that has to say who somebody is, with the cookie that binds the browser.
pub(super) fn set_out(hub: &SharedHub, begun: Begun, preferences: Preferences) -> Response {
    let mut response = away(hub, begun.way, preferences, false);
    cookie::set(response.headers_mut(), cookie::guarded(cookie::LOGIN, &begun.cookie));
    response
}

/// To a provider. `out`: to sign out there, or with our answer to that.
pub(super) fn away(hub: &SharedHub, way: Way, preferences: Preferences, out: bool) -> Response {
    match way {
        Way::Redirect(url) => Redirect::to(url.as_str()).into_response(),
        Way::Form(posting) => leave(hub, posting, preferences, out),
    }
}

/// A form for the provider. This page alone may post to another site, and to this one only.
fn leave(hub: &SharedHub, posting: Posting, preferences: Preferences, out: bool) -> Response {
    let Posting { action, field, message, relay_state } = posting;
    let Preferences { language, theme } = preferences;
    let relay_state = relay_state.map(|value| ("RelayState", value));
    let fields = [(field, message)].into_iter().chain(relay_state).collect();
    let page = LeavePage { action: action.to_string(), fields, out, language, theme };
    let mut response = (hub.edge.pages.leave)(page);
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
         form-action {}; base-uri 'none'; frame-ancestors 'none'",
        action.origin().ascii_serialization()
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

async fn keep(
    State(hub): State<SharedHub>,
    browser: Browser,
    Path(idp): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, AppError> {
    let Some(body) = form(body).await else {
        return Err(hub.federation.refuse_saml(&idp, "RESPONSE_SIZE", &browser.origin).await?.into());
    };
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let brought = Brought { idp_id: &idp, content_type, body: &body };
    let handle = hub.federation.keep_saml(brought, &browser.origin).await?;
    Ok(Redirect::to(&format!("/auth/saml/{idp}/finish?response={handle}")).into_response())
}

/// A form, if it is not too large.
async fn form(body: Body) -> Option<Vec<u8>> {
    let (mut form, mut seen, mut chunks) = (Vec::new(), 0, body.into_data_stream());
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.ok()?;
        seen += chunk.len();
        if seen <= FORM {
            form.extend_from_slice(&chunk);
        } else if seen > PATIENCE {
            break;
        }
    }
    (seen <= FORM).then_some(form)
}

async fn sign_out_by_address(
    State(hub): State<SharedHub>,
    browser: Browser,
    preferences: Preferences,
    Path(idp): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, AppError> {
    signed_out(&hub, &browser, preferences, &idp, Came::Redirect(query.as_deref().unwrap_or_default())).await
}

async fn sign_out_by_form(
    State(hub): State<SharedHub>,
    browser: Browser,
    preferences: Preferences,
    Path(idp): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, AppError> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    // Of a form that is too large nothing is read; as none it is refused, and that is on record.
    let body = form(body).await.unwrap_or_default();
    signed_out(&hub, &browser, preferences, &idp, Came::Form { content_type, body: &body }).await
}

/// No cookie counts here: whose sessions end stands in the message, which is signed.
async fn signed_out(
    hub: &SharedHub,
    browser: &Browser,
    preferences: Preferences,
    idp: &str,
    came: Came<'_>,
) -> Result<Response, AppError> {
    let public = &hub.edge.public_url;
    let parted = hub.federation.logout_saml(&hub.identity, idp, came, public, &browser.origin).await?;
    Ok(match parted {
        Parted::Back(way) => away(hub, way, preferences, true),
        Parted::Here => Redirect::to(&sign_in_url(None, Some("signed_out"))).into_response(),
        Parted::Told(end) => Redirect::to(&sign_in_url(None, Some(said(end)))).into_response(),
    })
}

/// Word of the sign-in page.
fn said(end: End) -> &'static str {
    match end {
        End::Everywhere => "out_there",
        End::Partly => "out_partly",
        End::Not => "out_here_only",
    }
}

/// Responses do not come by address: they would stand in histories and logs.
async fn wrong_way(
    State(hub): State<SharedHub>,
    browser: Browser,
    Path(idp): Path<String>,
) -> Result<Response, AppError> {
    Err(hub.federation.refuse_saml(&idp, "RESPONSE_BINDING", &browser.origin).await?.into())
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Handle {
    response: String,
}

async fn finish(
    State(hub): State<SharedHub>,
    browser: Browser,
    Path(idp): Path<String>,
    Query(handle): Query<Handle>,
) -> Result<Response, AppError> {
    let page = Page {
        idp_id: &idp,
        public_url: &hub.edge.public_url,
        handle: &handle.response,
        cookie: browser.bound.as_deref(),
        previous: browser.previous.as_deref(),
        invitation: browser.invitation.as_deref(),
    };
    Ok(arrived(&hub.federation.finish_saml(&hub.identity, page, &browser.origin).await?))
}

async fn metadata(State(hub): State<SharedHub>, Path(idp): Path<String>) -> Result<Response, AppError> {
    let document = hub.federation.describe_saml(&idp, &hub.edge.public_url).await?;
    Ok(([(header::CONTENT_TYPE, "application/samlmetadata+xml")], document).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_responses_may_come_from_elsewhere() {
        for (path, may) in [
            ("/auth/saml/idp_1/acs", true),
            ("/auth/saml/idp_1/slo", true),
            ("/auth/saml/idp_1/finish", false),
            ("/auth/saml/a/b/acs", false),
            ("/auth/oidc/idp_1/acs", false),
            ("/customers", false),
        ] {
            assert_eq!(is_foreign_post(path), may, "{path}");
        }
    }
}
