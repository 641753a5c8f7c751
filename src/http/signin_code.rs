//! The second half of a local sign-in: the code of an authenticator app, a passkey, or a recovery code.

use axum::{
    Form, Json, Router,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{
    cookie,
    error::AppError,
    pages::CodePage,
    preferences::Preferences,
    session::{safe_next, sign_in_url},
    signin::{Visit, retry_after, welcome},
};
use crate::{
    app::{Hub, SharedHub},
    identity::{FactorError, Offer, passkey::Site},
};

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/signin/code", get(show).post(by_code))
        .route("/signin/passkey/ask", post(ask_passkey))
        .route("/signin/passkey", get(async || Redirect::to("/signin/code")).post(by_passkey))
}

/// The passphrase was right: on to the page that asks for the code.
pub(super) fn asked(step: &SecretString, next: &str) -> Response {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
    let mut response = Redirect::to(&format!("/signin/code?{query}")).into_response();
    cookie::set(response.headers_mut(), cookie::guarded(cookie::STEP, step.expose_secret()));
    response
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Wish {
    next: String,
}

async fn draw(hub: &Hub, visit: &Visit, status: StatusCode, page: CodePage) -> Result<Response, AppError> {
    let Preferences { language, theme } = visit.preferences;
    let half = match &visit.step {
        Some(step) => hub.identity.half(step).await?,
        None => None,
    };
    let app = half.is_none_or(|half| half.app);
    let passkey = half.is_some_and(|half| half.passkey) && Site::of(&hub.edge.public_url).is_some();
    Ok(visit.form(status, |csrf| (hub.edge.pages.code)(CodePage { csrf, language, theme, app, passkey, ..page })))
}

async fn show(State(hub): State<SharedHub>, visit: Visit, Query(wish): Query<Wish>) -> Result<Response, AppError> {
    let next = safe_next(&wish.next).unwrap_or("/");
    if visit.step.is_none() || !visit.safe {
        return Ok(Redirect::to(&sign_in_url(Some(next), None)).into_response());
    }
    draw(&hub, &visit, StatusCode::OK, CodePage { next: next.to_owned(), ..CodePage::default() }).await
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CodePost {
    code: String,
    /// What the authenticator answered, as JSON.
    passkey: String,
    next: String,
    csrf: String,
}

async fn by_code(State(hub): State<SharedHub>, visit: Visit, Form(post): Form<CodePost>) -> Result<Response, AppError> {
    finish(&hub, &visit, &post, Offer::Code(&hub.keys, &post.code)).await
}

async fn by_passkey(
    State(hub): State<SharedHub>,
    visit: Visit,
    Form(post): Form<CodePost>,
) -> Result<Response, AppError> {
    let site = Site::of(&hub.edge.public_url).ok_or(AppError::NotFound)?;
    finish(&hub, &visit, &post, Offer::Passkey(&site, &post.passkey)).await
}

/// What the page's script hands to the authenticator. Where this fails the script sends the form without an answer,
/// and the page says why.
async fn ask_passkey(
    State(hub): State<SharedHub>,
    visit: Visit,
    Form(post): Form<CodePost>,
) -> Result<Response, AppError> {
    if visit.refusal(&post.csrf).is_some() {
        return Err(AppError::FormExpired);
    }
    let site = Site::of(&hub.edge.public_url).ok_or(AppError::NotFound)?;
    let step = visit.step.as_deref().ok_or(AppError::SignInRequired)?;
    match hub.identity.ask_sign_in_passkey(&site, step).await {
        Ok(options) => Ok(Json(options).into_response()),
        Err(FactorError::Nothing) => Err(AppError::NotFound),
        Err(error) => Err(error.into()),
    }
}

async fn finish(hub: &Hub, visit: &Visit, post: &CodePost, offer: Offer<'_>) -> Result<Response, AppError> {
    let next = safe_next(&post.next).unwrap_or("/").to_owned();
    let page = CodePage { next: next.clone(), ..CodePage::default() };
    if let Some(error) = visit.refusal(&post.csrf) {
        return draw(hub, visit, StatusCode::FORBIDDEN, CodePage { error: Some(error), ..page }).await;
    }
    let Some(step) = &visit.step else { return Ok(over(&next)) };
    let done = hub.identity.finish_sign_in(offer, step, visit.previous.as_deref(), &visit.origin).await;
    let error = match done {
        Ok(signed_in) => return Ok(welcome(&signed_in, &next)),
        Err(FactorError::Over) => return Ok(over(&next)),
        Err(error) if error.is_refusal() || matches!(error, FactorError::Wait(_)) => error,
        Err(error) => return Err(error.into()),
    };
    let wait = error.wait();
    let status = if wait.is_some() { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::UNAUTHORIZED };
    let page = CodePage { error: Some(error.code()), wait, ..page };
    Ok(retry_after(draw(hub, visit, status, page).await?, wait))
}

/// Too late, or too many wrong codes: from the passphrase again.
fn over(next: &str) -> Response {
    let mut response = Redirect::to(&sign_in_url(Some(next), Some("expired"))).into_response();
    cookie::set(response.headers_mut(), cookie::expired(cookie::STEP));
    response
}
