//! `/me/second-factor`: the second factor of one's own local account.

use axum::{
    Form, Router,
    extract::State,
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
    identity::{Factor, FactorError, GlassError, Origin, Principal},
    store::user,
};

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/me/second-factor", get(page))
        .route("/me/second-factor/begin", post(begin))
        .route("/me/second-factor/confirm", post(confirm))
        .route("/me/second-factor/remove", post(remove))
}

async fn shown(hub: &Hub, me: &Principal) -> Result<SecondFactorPage, AppError> {
    let state = match hub.identity.factor(&me.user_id).await? {
        Factor::Off => Shown::Off,
        Factor::On { since, codes_left } => Shown::On { since, codes_left },
        Factor::Begun => match hub.identity.enrolment(&hub.keys, me).await.map_err(broken)? {
            Some(enrolment) => Shown::Begun { secret: enrolment.secret, url: enrolment.url },
            None => Shown::Off,
        },
    };
    Ok(SecondFactorPage { state, codes: Vec::new(), error: None, wait: None })
}

/// Only accounts with a passphrase have one here; others have it at their provider.
async fn is_local(hub: &Hub, me: &Principal) -> Result<(), AppError> {
    let row = user::by_id(&hub.db, &me.user_id).await?.ok_or(AppError::NotFound)?;
    if row.password_hash.is_some() { Ok(()) } else { Err(AppError::NotFound) }
}

async fn page(State(hub): State<SharedHub>, frame: ShellOf) -> Result<Response, AppError> {
    is_local(&hub, &frame.me).await?;
    let view = shown(&hub, &frame.me).await?;
    Ok(view.render(&frame.at(Section::None)).into_response())
}

fn broken(error: FactorError) -> AppError {
    match error {
        FactorError::Store(error) => error.into(),
        other => AppError::internal(other),
    }
}

/// The page again with what is wrong.
async fn refused(hub: &Hub, frame: ShellOf, error: FactorError) -> Result<Response, AppError> {
    let error = match error {
        FactorError::Glass(GlassError::Store(error)) => return Err(error.into()),
        error => error,
    };
    let wait = match &error {
        FactorError::Wait(wait) => Some(wait.as_secs().max(1)),
        FactorError::Wrong | FactorError::Passphrase | FactorError::Glass(_) => None,
        // Done or begun in another tab meanwhile: the page shows how it stands.
        FactorError::Nothing | FactorError::Over => return Ok(Redirect::to("/me/second-factor").into_response()),
        _ => return Err(broken(error)),
    };
    let view = SecondFactorPage { error: Some(error.code()), wait, ..shown(hub, &frame.me).await? };
    let status = if wait.is_some() { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, view.render(&frame.at(Section::None))).into_response())
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Proof {
    passphrase: String,
    code: String,
}

async fn begin(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Form(proof): Form<Proof>,
) -> Result<Response, AppError> {
    is_local(&hub, &frame.me).await?;
    let passphrase = SecretString::from(proof.passphrase);
    match hub.identity.begin_factor(&hub.keys, &frame.me, passphrase, &origin).await {
        Ok(()) => Ok(Redirect::to("/me/second-factor").into_response()),
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
        Ok(codes) => {
            let view = SecondFactorPage { codes, ..shown(&hub, &frame.me).await? };
            Ok(view.render(&frame.at(Section::None)).into_response())
        }
        Err(error) => refused(&hub, frame, error).await,
    }
}

async fn remove(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Form(proof): Form<Proof>,
) -> Result<Response, AppError> {
    frame.fresh(&hub, "/me/second-factor")?;
    match hub.identity.remove_factor(&hub.keys, &frame.me, &proof.code, &origin).await {
        Ok(()) => Ok(done("/me", "factor_removed", None)),
        Err(error) => refused(&hub, frame, error).await,
    }
}
