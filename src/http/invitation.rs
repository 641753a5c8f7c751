//! The way in for somebody who was invited: the link, the page behind it, and a passphrase of their own.
//!
//! Invariant: opening the link uses nothing up, because mail programs open links to look at them. The link stands in
//! no address after that: a cookie binds it to the browser. Every link that lets nobody in is answered the same.

use axum::{
    Form, Router,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use serde::Deserialize;

use super::{
    cookie,
    error::AppError,
    pages::InvitationPage,
    preferences::Preferences,
    signin::{SecretText, Visit, welcome},
};
use crate::{
    app::{Hub, SharedHub},
    identity::{
        Settings, SignInRules,
        invitation::{AcceptError, Newcomer},
    },
};

pub fn routes() -> Router<SharedHub> {
    Router::new().route("/invitation", get(show).post(accept))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Link {
    token: String,
}

async fn show(State(hub): State<SharedHub>, visit: Visit, Query(link): Query<Link>) -> Result<Response, AppError> {
    if !visit.safe {
        let page = InvitationPage { error: Some("INSECURE_TRANSPORT"), dead: true, ..InvitationPage::default() };
        return draw(&hub, &visit, StatusCode::FORBIDDEN, page).await;
    }
    if link.token.len() == 43 {
        let mut response = Redirect::to("/invitation").into_response();
        cookie::set(response.headers_mut(), cookie::guarded(cookie::INVITATION, &link.token));
        return Ok(response);
    }
    open(&hub, &visit, StatusCode::OK, InvitationPage::default()).await
}

/// The page of the invitation that the browser holds; the same page for all that let nobody in.
async fn open(hub: &Hub, visit: &Visit, status: StatusCode, page: InvitationPage) -> Result<Response, AppError> {
    let row = match &visit.invitation {
        Some(token) => hub.identity.invitation(token).await?,
        None => None,
    };
    let Some(row) = row else { return dead(hub, visit).await };
    // Whose domain is a provider's signs in there.
    let providers = match hub.federation.leads_invited(&row.mail).await? {
        Some(lead) => vec![lead],
        None => hub.federation.offered().await?,
    };
    let provider_only = row.user_id.is_some() || SignInRules::load(&hub.db).await?.sso_required;
    let page = InvitationPage { mail: row.mail, provider_only, providers, ..page };
    draw(hub, visit, status, page).await
}

async fn dead(hub: &Hub, visit: &Visit) -> Result<Response, AppError> {
    let mut response =
        draw(hub, visit, StatusCode::GONE, InvitationPage { dead: true, ..InvitationPage::default() }).await?;
    cookie::set(response.headers_mut(), cookie::expired(cookie::INVITATION));
    Ok(response)
}

async fn draw(hub: &Hub, visit: &Visit, status: StatusCode, page: InvitationPage) -> Result<Response, AppError> {
    let company = Settings::load(&hub.db).await?.company;
    let Preferences { language, theme } = visit.preferences;
    let page = InvitationPage { company, language, theme, ..page };
    Ok(visit.form(status, |csrf| (hub.edge.pages.invitation)(InvitationPage { csrf, ..page })))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct AcceptPost {
    name: String,
    passphrase: SecretText,
    csrf: String,
}

async fn accept(
    State(hub): State<SharedHub>,
    visit: Visit,
    Form(post): Form<AcceptPost>,
) -> Result<Response, AppError> {
    let page = InvitationPage { name: post.name.clone(), ..InvitationPage::default() };
    if let Some(error) = visit.refusal(&post.csrf) {
        return open(&hub, &visit, StatusCode::FORBIDDEN, InvitationPage { error: Some(error), ..page }).await;
    }
    let Some(token) = &visit.invitation else { return dead(&hub, &visit).await };
    let who = Newcomer { name: post.name, passphrase: post.passphrase.0 };
    match hub.identity.accept(token, who, visit.previous.as_deref(), &visit.origin).await {
        Ok(signed_in) => Ok(welcome(&signed_in, "/")),
        Err(AcceptError::Dead) => dead(&hub, &visit).await,
        Err(AcceptError::Fields(errors)) => {
            open(&hub, &visit, StatusCode::UNPROCESSABLE_ENTITY, InvitationPage { errors, ..page }).await
        }
        Err(AcceptError::Elsewhere) => {
            let page = InvitationPage { error: Some("SIGNIN_SSO"), ..page };
            open(&hub, &visit, StatusCode::FORBIDDEN, page).await
        }
        Err(AcceptError::Store(error)) => Err(error.into()),
        Err(AcceptError::Password(error)) => Err(AppError::internal(error)),
    }
}
