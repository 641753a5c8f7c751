//! `/me/second-factor`: the second factor of one's own local account, an authenticator app and passkeys.

use axum::{
    Form, Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use secrecy::SecretString;
use serde::Deserialize;

use super::{ShellOf, done};
use crate::{
    app::{Hub, SharedHub},
    http::{
        AppError,
        console::{
            Section,
            view::{
                Page,
                second_factor::{SecondFactorPage, State as Shown},
            },
        },
    },
    identity::{Factor, FactorError, GlassError, Origin, Principal, passkey::Site},
    store::user,
};

const HERE: &str = "/me/second-factor";

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/me/second-factor", get(page))
        .route("/me/second-factor/begin", post(begin))
        .route("/me/second-factor/confirm", post(confirm))
        .route("/me/second-factor/remove", post(remove))
        .route("/me/second-factor/passkeys/ask", post(ask_passkey))
        .route("/me/second-factor/passkeys", get(async || Redirect::to(HERE)).post(add_passkey))
        .route("/me/second-factor/passkeys/{id}/remove", post(remove_passkey))
}

async fn shown(hub: &Hub, me: &Principal) -> Result<SecondFactorPage, AppError> {
    let factors = hub.identity.factors(&me.user_id).await?;
    let state = match factors.app {
        Factor::Off => Shown::Off,
        Factor::On { since } => Shown::On { since },
        Factor::Begun => match hub.identity.enrolment(&hub.keys, me).await? {
            Some(enrolment) => Shown::Begun { secret: enrolment.secret, url: enrolment.url },
            None => Shown::Off,
        },
    };
    Ok(SecondFactorPage {
        state,
        passkeys: factors.passkeys,
        can_passkey: Site::of(&hub.edge.public_url).is_some(),
        codes_left: factors.codes_left,
        codes: Vec::new(),
        error: None,
        wait: None,
    })
}

/// Only accounts with a passphrase have more here; others have it at their provider.
pub async fn is_local(hub: &Hub, me: &Principal) -> Result<(), AppError> {
    let row = user::by_id(&hub.db, &me.user_id).await?.ok_or(AppError::NotFound)?;
    if row.password_hash.is_some() { Ok(()) } else { Err(AppError::NotFound) }
}

async fn page(State(hub): State<SharedHub>, frame: ShellOf) -> Result<Response, AppError> {
    is_local(&hub, &frame.me).await?;
    let view = shown(&hub, &frame.me).await?;
    Ok(view.render(&frame.at(Section::None)).into_response())
}

/// The page again with what is wrong.
async fn refused(hub: &Hub, frame: ShellOf, error: FactorError) -> Result<Response, AppError> {
    let error = match error {
        FactorError::Glass(GlassError::Store(error)) => return Err(error.into()),
        error => error,
    };
    match &error {
        FactorError::Wait(_)
        | FactorError::Passphrase
        | FactorError::Glass(_)
        | FactorError::Known
        | FactorError::Label
        | FactorError::Many => {}
        error if error.is_refusal() => {}
        // Done or begun in another tab meanwhile: the page shows how it stands.
        FactorError::Nothing | FactorError::Over => return Ok(Redirect::to(HERE).into_response()),
        _ => return Err(error.into()),
    }
    let wait = error.wait();
    let view = SecondFactorPage { error: Some(error.code()), wait, ..shown(hub, &frame.me).await? };
    let status = if wait.is_some() { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, view.render(&frame.at(Section::None))).into_response())
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Proof {
    passphrase: String,
    code: String,
    label: String,
    /// What the authenticator answered, as JSON.
    passkey: String,
}

async fn begin(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Form(proof): Form<Proof>,
) -> Result<Response, AppError> {
    is_local(&hub, &frame.me).await?;
    // Who knows the passphrase only must not add what stands in for the passkey.
    if hub.identity.has_factor(&frame.me.user_id).await? {
        frame.fresh(&hub, HERE)?;
    }
    let passphrase = SecretString::from(proof.passphrase);
    match hub.identity.begin_factor(&hub.keys, &frame.me, passphrase, &origin).await {
        Ok(()) => Ok(Redirect::to(HERE).into_response()),
        Err(error) => refused(&hub, frame, error).await,
    }
}

async fn confirm(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Form(proof): Form<Proof>,
) -> Result<Response, AppError> {
    match hub.identity.confirm_factor(&hub.keys, &frame.me, &proof.code, &origin).await {
        Ok(codes) => added(&hub, frame, codes, "factor_on").await,
        Err(error) => refused(&hub, frame, error).await,
    }
}

/// The recovery codes, once; where there were some before, the page as it stands.
async fn added(hub: &Hub, frame: ShellOf, codes: Vec<String>, word: &str) -> Result<Response, AppError> {
    if codes.is_empty() {
        return Ok(done(HERE, word, None));
    }
    let view = SecondFactorPage { codes, ..shown(hub, &frame.me).await? };
    Ok(view.render(&frame.at(Section::None)).into_response())
}

/// What the page's script hands to the authenticator.
async fn ask_passkey(State(hub): State<SharedHub>, frame: ShellOf) -> Result<Response, AppError> {
    is_local(&hub, &frame.me).await?;
    frame.fresh(&hub, HERE)?;
    let site = Site::of(&hub.edge.public_url).ok_or(AppError::NotFound)?;
    match hub.identity.ask_new_passkey(&site, &frame.me).await {
        Ok(options) => Ok(Json(options).into_response()),
        Err(error) => refused(&hub, frame, error).await,
    }
}

async fn add_passkey(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Form(proof): Form<Proof>,
) -> Result<Response, AppError> {
    is_local(&hub, &frame.me).await?;
    frame.fresh(&hub, HERE)?;
    let site = Site::of(&hub.edge.public_url).ok_or(AppError::NotFound)?;
    match hub.identity.add_passkey(&site, &frame.me, (&proof.label, &proof.passkey), &origin).await {
        Ok(codes) => added(&hub, frame, codes, "passkey_added").await,
        Err(error) => refused(&hub, frame, error).await,
    }
}

async fn remove_passkey(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    frame.fresh(&hub, HERE)?;
    match hub.identity.remove_passkey(&frame.me, &id.replace('\0', ""), &origin).await {
        Ok(()) => Ok(done(HERE, "passkey_removed", None)),
        Err(error) => refused(&hub, frame, error).await,
    }
}

async fn remove(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Form(proof): Form<Proof>,
) -> Result<Response, AppError> {
    frame.fresh(&hub, HERE)?;
    match hub.identity.remove_factor(&hub.keys, &frame.me, &proof.code, &origin).await {
        Ok(()) => Ok(done("/me", "factor_removed", None)),
        Err(error) => refused(&hub, frame, error).await,
    }
}
