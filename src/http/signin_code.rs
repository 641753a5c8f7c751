//! The second half of a local sign-in: the code of an authenticator app, or a recovery code.

use axum::{
    Form, Router,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::get,
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
    identity::FactorError,
};

pub fn routes() -> Router<SharedHub> {
    Router::new().route("/signin/code", get(show).post(finish))
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

fn draw(hub: &Hub, visit: &Visit, status: StatusCode, page: CodePage) -> Response {
    let Preferences { language, theme } = visit.preferences;
    visit.form(status, |csrf| (hub.edge.pages.code)(CodePage { csrf, language, theme, ..page }))
}

async fn show(State(hub): State<SharedHub>, visit: Visit, Query(wish): Query<Wish>) -> Response {
    let next = safe_next(&wish.next).unwrap_or("/");
    if visit.step.is_none() || !visit.safe {
        return Redirect::to(&sign_in_url(Some(next), None)).into_response();
    }
    draw(&hub, &visit, StatusCode::OK, CodePage { next: next.to_owned(), ..CodePage::default() })
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CodePost {
    code: String,
    next: String,
    csrf: String,
}

async fn finish(State(hub): State<SharedHub>, visit: Visit, Form(post): Form<CodePost>) -> Result<Response, AppError> {
    let next = safe_next(&post.next).unwrap_or("/").to_owned();
    let page = CodePage { next: next.clone(), ..CodePage::default() };
    if let Some(error) = visit.refusal(&post.csrf) {
        return Ok(draw(&hub, &visit, StatusCode::FORBIDDEN, CodePage { error: Some(error), ..page }));
    }
    let Some(step) = &visit.step else { return Ok(over(&next)) };
    let identity = &hub.identity;
    let done = identity.finish_sign_in(&hub.keys, step, &post.code, visit.previous.as_deref(), &visit.origin).await;
    let error = match done {
        Ok(signed_in) => return Ok(welcome(&signed_in, &next)),
        Err(FactorError::Store(error)) => return Err(error.into()),
        Err(FactorError::Over) => return Ok(over(&next)),
        Err(error @ (FactorError::Wrong | FactorError::Wait(_))) => error,
        Err(error) => return Err(AppError::internal(error)),
    };
    let (status, wait) = match &error {
        FactorError::Wait(wait) => (StatusCode::TOO_MANY_REQUESTS, Some(wait.as_secs().max(1))),
        _ => (StatusCode::UNAUTHORIZED, None),
    };
    let page = CodePage { error: Some(error.code()), wait, ..page };
    Ok(retry_after(draw(&hub, &visit, status, page), wait))
}

/// Too late, or too many wrong codes: from the passphrase again.
fn over(next: &str) -> Response {
    let mut response = Redirect::to(&sign_in_url(Some(next), Some("expired"))).into_response();
    cookie::set(response.headers_mut(), cookie::expired(cookie::STEP));
    response
}
