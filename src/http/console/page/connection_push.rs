//! What a connection is told of customers, and what became of that.

use axum::{
    Form,
    extract::{Path, State},
    response::Response,
};
use serde::Deserialize;

use super::{
    ShellOf, done,
    outcome::{Act, conclude},
};
use crate::{
    app::{Hub, SharedHub},
    connection::Live,
    http::{
        AppError,
        console::view::connection::{PushInfo, PushRow},
    },
    identity::{Action, Origin},
    model::{Timestamp, View},
    store::{self, StoreError, connection::Row, delivery},
    sync::outbox,
};

/// Deliveries shown of those that are not done.
const SHOWN: i64 = 50;

/// `None`: this connector only reads.
pub async fn info(hub: &Hub, view: &View, row: &Row, live: Option<&Live>) -> Result<Option<PushInfo>, StoreError> {
    if !live.is_some_and(outbox::can_push) {
        return Ok(None);
    }
    let open = delivery::open(&hub.db, &row.id, SHOWN).await?;
    let counts = delivery::counts(&hub.db, &row.id).await?;
    let (_, rests_until) = delivery::standing(&hub.db, &row.id).await?;
    let count = |state: &str| counts.iter().find(|(known, _)| known == state).map_or(0, |(_, n)| *n);
    Ok(Some(PushInfo {
        mode: row.push.clone(),
        rests_until: rests_until.filter(|until| *until > hub.clock.now()),
        delivered: count("delivered"),
        waiting: count("pending") + count("retrying"),
        dead: count("dead"),
        rows: open
            .into_iter()
            .map(|d| PushRow {
                name: hub.directory.get(view, &d.record_id).map_or_else(|| d.record_id.clone(), |entry| entry.name),
                customer_id: d.record_id,
                state: d.state,
                cause: d.cause,
                attempts: d.attempts,
                at: Timestamp(d.updated_at),
            })
            .collect(),
    }))
}

#[derive(Deserialize)]
pub struct Mode {
    push: String,
}

pub async fn set(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
    Form(mode): Form<Mode>,
) -> Result<Response, AppError> {
    frame.me.require(Action::ManageConnections)?;
    let to = format!("/connections/{id}?tab=push");
    if ![delivery::OFF, delivery::CHANGES, delivery::ALL].contains(&mode.push.as_str()) {
        return Ok(done(&to, "push_failed", None));
    }
    let now = hub.clock.now();
    let mut tx = hub.db.begin().await?;
    if !store::connection::set_push(&mut tx, &id, &mode.push, now).await? {
        return Err(AppError::NotFound);
    }
    conclude(tx, Act::on(&frame.me, &origin, "connection.push", "connection", &id), now).await?;
    hub.registry.reload(&hub.db, &hub.keys).await?;
    Ok(done(&to, "saved", None))
}

#[derive(Deserialize)]
pub struct Which {
    customer: String,
}

pub async fn retry(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
    Form(which): Form<Which>,
) -> Result<Response, AppError> {
    frame.me.require(Action::ManageConnections)?;
    let now = hub.clock.now();
    let mut tx = hub.db.begin().await?;
    let tried = delivery::retry(&mut tx, &id, &[&which.customer], now).await?;
    conclude(tx, Act::on(&frame.me, &origin, "connection.retry_deliveries", "connection", &id), now).await?;
    let said = if tried > 0 { "push_retried" } else { "push_retry_failed" };
    Ok(done(&format!("/connections/{id}?tab=push"), said, None))
}
