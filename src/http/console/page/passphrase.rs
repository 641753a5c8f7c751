//! `/me/passphrase`: another passphrase for one's own local account.
//!
//! Invariant: it takes a fresh proof of who somebody is, so that whoever finds a browser open cannot stay.

use axum::{
    Form, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use secrecy::SecretString;
use serde::Deserialize;

use super::{ShellOf, done, second_factor::is_local};
use crate::{
    app::{Hub, SharedHub},
    http::{
        AppError,
        console::{
            Section,
            view::{Page, passphrase::PassphrasePage},
        },
    },
    identity::{Origin, members::PassphraseError},
};

const PAGE: &str = "/me/passphrase";

pub fn routes() -> Router<SharedHub> {
    Router::new().route(PAGE, get(page).post(change))
}

/// The page of somebody who has a passphrase and may change it now.
async fn view(hub: &Hub, frame: &ShellOf) -> Result<PassphrasePage, AppError> {
    is_local(hub, &frame.me).await?;
    frame.fresh_for(hub, PAGE, "/me")?;
    Ok(PassphrasePage { mail: frame.me.mail.clone(), error: None })
}

async fn page(State(hub): State<SharedHub>, frame: ShellOf) -> Result<Response, AppError> {
    let view = view(&hub, &frame).await?;
    Ok(view.render(&frame.at(Section::None)).into_response())
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Posted {
    passphrase: String,
}

async fn change(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Form(posted): Form<Posted>,
) -> Result<Response, AppError> {
    let view = view(&hub, &frame).await?;
    let (me, new) = (&frame.me, SecretString::from(posted.passphrase));
    match hub.identity.set_passphrase(me.into(), (&me.user_id, &me.session_id), new, &origin).await {
        Ok(0) => Ok(done("/me", "passphrase", None)),
        Ok(ended) => Ok(done("/me", "passphrase_ended", i64::try_from(ended).ok())),
        Err(PassphraseError::Weak(weakness)) => {
            let view = PassphrasePage { error: Some(weakness.code()), ..view };
            Ok((StatusCode::UNPROCESSABLE_ENTITY, view.render(&frame.at(Section::None))).into_response())
        }
        Err(PassphraseError::Store(error)) => Err(error.into()),
        Err(error) => Err(AppError::internal(error)),
    }
}
