//! `/me`: one's own account and the browsers it is signed in with.

use axum::{
    Form, Router,
    extract::{Path, State},
    response::{Html, Response},
    routing::{get, post},
};
use serde::Deserialize;

use super::{ShellOf, done, link, tokens, users};
use crate::{
    app::{Hub, SharedHub},
    http::{
        AppError,
        console::{
            Section,
            view::{
                Page,
                user::{MePage, SessionRow},
            },
        },
    },
    identity::{Origin, Principal},
    store::{StoreError, user},
};

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/me", get(page))
        .route("/me/alerts", post(alerts))
        .route("/me/sessions/end-others", post(end_others))
        .route("/me/sessions/{id}/end", post(end))
}

/// A person's sessions as pages show them; `current` is the reader's own.
pub async fn rows(hub: &Hub, user_id: &str, current: &str) -> Result<Vec<SessionRow>, StoreError> {
    let (views, providers) = tokio::try_join!(hub.identity.sessions_of(user_id, current), users::providers(hub))?;
    let row = |view: crate::identity::SessionView| SessionRow {
        // A provider that was forgotten has no name any more.
        provider: view.idp_id.map(|id| users::name_of(&providers, &id).unwrap_or(id)),
        glass: view.glass,
        id: view.id,
        agent: view.agent,
        ip: view.ip,
        created_at: view.created_at,
        seen_at: view.seen_at,
        current: view.current,
    };
    Ok(views.into_iter().map(row).collect())
}

async fn page(State(hub): State<SharedHub>, frame: ShellOf) -> Result<Html<String>, AppError> {
    let view = me(&hub, &frame.me, None).await?;
    Ok(view.render(&frame.at(Section::None)))
}

/// One's own account, with what was refused.
pub async fn me(hub: &Hub, me: &Principal, error: Option<&'static str>) -> Result<MePage, AppError> {
    let found = user::by_id(&hub.db, &me.user_id).await?.ok_or(AppError::NotFound)?;
    let row = users::rows(hub, vec![found], me).await?.pop().ok_or(AppError::NotFound)?;
    let sessions = rows(hub, &me.user_id, &me.session_id).await?;
    let second_factor = hub.identity.has_factor(&me.user_id).await?;
    let (links, free) = link::links(hub, &me.user_id).await?;
    let alerts = hub.identity.alerts_of(me).await?;
    let tokens = tokens::rows(hub.identity.tokens_of(&me.user_id).await?, me, "/me");
    let sessions_at = "/me/sessions".to_owned();
    Ok(MePage { row, tokens, second_factor, alerts, sessions, sessions_at, links, free, error })
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct AlertsPost {
    alerts: String,
}

async fn alerts(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Form(post): Form<AlertsPost>,
) -> Result<Response, AppError> {
    let wanted = post.alerts == "on";
    // Who took a session over must not make it quiet.
    if !wanted {
        frame.fresh(&hub, "/me")?;
    }
    hub.identity.choose_alerts(&frame.me.user_id, &frame.me.user_id, wanted, &origin).await?;
    Ok(done("/me", if wanted { "alerts_on" } else { "alerts_off" }, None))
}

async fn end(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let ended = hub.identity.revoke(&frame.me, &id, &origin).await?;
    Ok(done("/me", "sessions_ended", Some(i64::from(ended))))
}

async fn end_others(State(hub): State<SharedHub>, frame: ShellOf, origin: Origin) -> Result<Response, AppError> {
    let ended = hub.identity.revoke_others(&frame.me, &origin).await?;
    Ok(done("/me", "sessions_ended", i64::try_from(ended).ok()))
}
