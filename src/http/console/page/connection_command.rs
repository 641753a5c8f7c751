//! What a person orders on one connection: sync now, pause, resume, check.

use axum::{
    Form,
    extract::{Path, State},
    response::Response,
};
use serde::Deserialize;

use super::{
    ShellOf, done,
    outcome::{Act, audited, conclude},
};
use crate::{
    app::SharedHub,
    connection,
    http::AppError,
    identity::{Action, Origin},
    store,
};

#[derive(Deserialize)]
pub struct Nothing {}

pub async fn sync(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
    Form(_): Form<Nothing>,
) -> Result<Response, AppError> {
    frame.me.require(Action::ManageConnections)?;
    let now = hub.clock.now();
    let mut tx = hub.db.begin().await?;
    let asked = store::connection::request(&mut tx, &id, &frame.me.user_id, now).await?;
    if asked {
        audited(&mut tx, Act::on(&frame.me, &origin, "connection.sync", "connection", &id), now).await?;
    }
    tx.commit().await?;
    hub.engine.due_changed.notify_one();
    Ok(done(&format!("/connections/{id}"), if asked { "sync_asked" } else { "sync_failed" }, None))
}

/// Lets the deletions go that the brake stopped, and pulls now.
pub async fn allow_deletes(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path((id, stream)): Path<(String, String)>,
    Form(_): Form<Nothing>,
) -> Result<Response, AppError> {
    frame.me.require(Action::ManageConnections)?;
    let now = hub.clock.now();
    let mut tx = hub.db.begin().await?;
    let allowed = store::sweep::allow(&mut tx, &id, &stream, &frame.me.user_id, now).await?;
    if allowed {
        store::connection::request(&mut tx, &id, &frame.me.user_id, now).await?;
        let act = Act::on(&frame.me, &origin, "connection.allow_deletes", "connection", &id);
        audited(&mut tx, act, now).await?;
    }
    tx.commit().await?;
    hub.engine.due_changed.notify_one();
    Ok(done(&format!("/connections/{id}"), if allowed { "deletes_allowed" } else { "deletes_allow_failed" }, None))
}

pub async fn pause(
    hub: State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    id: Path<String>,
) -> Result<Response, AppError> {
    set_paused(hub, frame, origin, id, true).await
}

pub async fn resume(
    hub: State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    id: Path<String>,
) -> Result<Response, AppError> {
    set_paused(hub, frame, origin, id, false).await
}

async fn set_paused(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
    paused: bool,
) -> Result<Response, AppError> {
    frame.me.require(Action::ManageConnections)?;
    let now = hub.clock.now();
    let mut tx = hub.db.begin().await?;
    if !store::connection::set_paused(&mut tx, &id, paused, now).await? {
        return Err(AppError::NotFound);
    }
    let action = if paused { "connection.pause" } else { "connection.resume" };
    conclude(tx, Act::on(&frame.me, &origin, action, "connection", &id), now).await?;
    hub.registry.reload(&hub.db, &hub.keys).await?;
    hub.engine.due_changed.notify_one();
    Ok(done(&format!("/connections/{id}"), if paused { "paused" } else { "resumed" }, None))
}

pub async fn check(State(hub): State<SharedHub>, frame: ShellOf, Path(id): Path<String>) -> Result<Response, AppError> {
    frame.me.require(Action::ManageConnections)?;
    let live = hub.registry.get(&id).ok_or(AppError::NotFound)?;
    let items = connection::check::run(&hub.db, &hub.clock, &live).await?;
    let ok = items.iter().all(|item| item.ok);
    let to = format!("/connections/{id}?tab=settings");
    Ok(done(&to, if ok { "checked" } else { "check_failed" }, None))
}
