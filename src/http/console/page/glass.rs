//! Mandatory single sign-on, and the break-glass accounts that it needs.

use axum::{
    Form, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use serde::Deserialize;

use super::{ShellOf, done, idps, users};
use crate::{
    app::SharedHub,
    http::{
        AppError,
        console::{Section, view::Page},
    },
    identity::{Action, By, GlassError, Origin},
};

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/admin/sso/require", post(require))
        .route("/admin/sso/release", post(release))
        .route("/admin/users/{id}/break-glass", post(mark))
        .route("/admin/break-glass/{session}/seen", post(seen))
}

async fn require(State(hub): State<SharedHub>, frame: ShellOf, origin: Origin) -> Result<Response, AppError> {
    frame.me.require(Action::ManageSignIn)?;
    frame.fresh(&hub, "/admin/idp")?;
    match hub.identity.require_sso(&frame.me.user_id, &frame.me.session_id, &origin).await {
        Ok(ended) => Ok(done("/admin/idp", "sso_required", i64::try_from(ended).ok())),
        Err(GlassError::Store(error)) => Err(error.into()),
        Err(error) => idps::refused(&hub, frame, error.code()).await,
    }
}

async fn release(State(hub): State<SharedHub>, frame: ShellOf, origin: Origin) -> Result<Response, AppError> {
    frame.me.require(Action::ManageSignIn)?;
    frame.fresh(&hub, "/admin/idp")?;
    hub.identity.release_sso(&frame.me.user_id, &origin).await?;
    Ok(done("/admin/idp", "sso_released", None))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Mark {
    on: String,
}

async fn mark(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
    Form(post): Form<Mark>,
) -> Result<Response, AppError> {
    frame.me.require(Action::ManageOwners)?;
    let (on, back) = (post.on == "true", format!("/admin/users/{id}"));
    frame.fresh(&hub, &back)?;
    let error = match hub.identity.set_glass(By::from(&frame.me), &id, on, &origin).await {
        Ok(_) => return Ok(done(&back, if on { "glass_on" } else { "glass_off" }, None)),
        Err(GlassError::Missing) => return Err(AppError::NotFound),
        Err(GlassError::Denied(denied)) => return Err(denied.into()),
        Err(GlassError::Store(error)) => return Err(error.into()),
        Err(error) => error,
    };
    let page = users::refused(&hub, &frame.me, &id, error.code()).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page.render(&frame.at(Section::Users))).into_response())
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Back {
    back: String,
}

async fn seen(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(session): Path<String>,
    Form(post): Form<Back>,
) -> Result<Response, AppError> {
    frame.me.require(Action::ManageSignIn)?;
    hub.identity.see_glass(&frame.me, &session.replace('\0', ""), &origin).await?;
    Ok(done(&post.back, "glass_seen", None))
}
