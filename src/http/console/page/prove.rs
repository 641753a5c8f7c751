//! `/me/prove`: who is about to do something dangerous proves again who they are.

use axum::{
    Form, Json, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use secrecy::SecretString;
use serde::Deserialize;

use super::{ShellOf, users};
use crate::{
    app::{Hub, SharedHub},
    http::{
        AppError, Preferences,
        console::{
            Section,
            view::{Page, prove::ProvePage},
        },
        cookie, federation, saml as saml_page,
        session::{own_click, safe_next},
    },
    identity::{FactorError, LocalProof, Origin, Principal, federation::Act, passkey::Site},
};

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/me/prove", get(page).post(prove))
        .route("/me/prove/passkey/ask", post(ask_passkey))
        .route("/me/prove/passkey", post(by_passkey))
        .route("/me/prove/start", get(start))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Wish {
    next: String,
    /// Where it goes on without a proof.
    back: String,
}

/// Where it goes on: a page of this site.
fn onward(next: &str) -> &str {
    safe_next(next).unwrap_or("/me")
}

async fn view(hub: &Hub, frame: &ShellOf, next: &str, back: &str) -> Result<ProvePage, AppError> {
    let me = &frame.me;
    let local = hub.identity.local_proof(me).await?;
    let provider = match &me.proof.idp_id {
        Some(id) => users::name_of(&users::providers(hub).await?, id),
        None => None,
    };
    let next = onward(next).to_owned();
    let back = safe_next(back).unwrap_or(&next).to_owned();
    let passphrase = local != LocalProof::None;
    let (code, passkey) = match local {
        LocalProof::Both { app, passkey } => (Some(app), passkey && Site::of(&hub.edge.public_url).is_some()),
        _ => (None, false),
    };
    let mail = me.mail.clone();
    Ok(ProvePage { next, back, mail, provider, passphrase, code, passkey, error: None, wait: None })
}

async fn page(State(hub): State<SharedHub>, frame: ShellOf, Query(wish): Query<Wish>) -> Result<Response, AppError> {
    if hub.identity.is_fresh(&frame.me.proof) {
        return Ok(Redirect::to(onward(&wish.next)).into_response());
    }
    let view = view(&hub, &frame, &wish.next, &wish.back).await?;
    Ok(view.render(&frame.at(Section::None)).into_response())
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Posted {
    passphrase: String,
    code: String,
    /// What the authenticator answered, as JSON.
    passkey: String,
    next: String,
    back: String,
}

async fn prove(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    headers: HeaderMap,
    Form(posted): Form<Posted>,
) -> Result<Response, AppError> {
    let cookie = cookie::get(&headers, cookie::SESSION).ok_or(AppError::SignInRequired)?;
    let passphrase = SecretString::from(posted.passphrase);
    let proved = hub.identity.prove(&hub.keys, (&frame.me, cookie), passphrase, &posted.code, &origin).await;
    answer(&hub, frame, (&posted.next, &posted.back), proved).await
}

async fn by_passkey(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    headers: HeaderMap,
    Form(posted): Form<Posted>,
) -> Result<Response, AppError> {
    let cookie = cookie::get(&headers, cookie::SESSION).ok_or(AppError::SignInRequired)?;
    let site = Site::of(&hub.edge.public_url).ok_or(AppError::NotFound)?;
    let proved = hub.identity.prove_by_passkey(&site, (&frame.me, cookie), &posted.passkey, &origin).await;
    answer(&hub, frame, (&posted.next, &posted.back), proved).await
}

/// What the page's script hands to the authenticator.
async fn ask_passkey(State(hub): State<SharedHub>, me: Principal) -> Result<Response, AppError> {
    let site = Site::of(&hub.edge.public_url).ok_or(AppError::NotFound)?;
    match hub.identity.ask_proof_passkey(&site, &me).await {
        Ok(options) => Ok(Json(options).into_response()),
        Err(FactorError::Nothing) => Err(AppError::NotFound),
        Err(error) => Err(error.into()),
    }
}

async fn answer(
    hub: &Hub,
    frame: ShellOf,
    (next, back): (&str, &str),
    proved: Result<SecretString, FactorError>,
) -> Result<Response, AppError> {
    let error = match proved {
        Ok(token) => return Ok(federation::renewed(&token, onward(next))),
        Err(error @ (FactorError::Passphrase | FactorError::Wait(_) | FactorError::Nothing)) => error,
        Err(error) if error.is_refusal() => error,
        Err(error) => return Err(error.into()),
    };
    let wait = error.wait().and_then(|seconds| i64::try_from(seconds).ok());
    let status = if wait.is_some() { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::UNPROCESSABLE_ENTITY };
    let view = ProvePage { error: Some(error.code()), wait, ..view(hub, &frame, next, back).await? };
    Ok((status, view.render(&frame.at(Section::None))).into_response())
}

/// To the provider that vouched for this session.
async fn start(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    preferences: Preferences,
    origin: Origin,
    Query(wish): Query<Wish>,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    own_click(&headers)?;
    let idp = frame.me.proof.idp_id.as_deref().ok_or(AppError::NotFound)?;
    let next = onward(&wish.next);
    let (bound, public) = (cookie::get(&headers, cookie::LOGIN), &hub.edge.public_url);
    let begun = hub.federation.depart(Act::Prove, (&frame.me, idp, next), bound, public, &origin).await?;
    Ok(saml_page::set_out(&hub, begun, preferences))
}
