//! What was changed of a provider in use: kept beside what holds, put in force once it was tried, or forgotten.

use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::post,
};
use serde_json::json;

use super::{
    ShellOf, done,
    idp::{changed, find},
    idp_test::tested,
    outcome::{Act, audited, conclude},
};
use crate::{
    app::{Hub, SharedHub},
    http::AppError,
    identity::{
        Action, Origin, Principal,
        federation::{force::Blocked, manage::Rejected, setup::Filled},
    },
    store::idp_change,
};

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/admin/idp/{id}/change/apply", post(apply))
        .route("/admin/idp/{id}/change/remove", post(remove))
}

/// Keeps what was changed; the inner error is what the provider does not let be changed.
pub async fn keep(
    hub: &Hub,
    (me, origin): (&Principal, &Origin),
    idp_id: &str,
    filled: Filled,
    action: &'static str,
) -> Result<Result<(), Rejected>, AppError> {
    let (mut tx, now) = (hub.db.begin().await?, hub.clock.now());
    match hub.federation.keep_change(&mut tx, idp_id, filled, (&me.user_id, me.role), now).await {
        Ok(true) => {}
        Ok(false) => return Err(changed()),
        Err(rejected) => {
            tx.rollback().await?;
            return Ok(Err(rejected));
        }
    }
    let act = Act::on(me, origin, action, "idp", idp_id);
    conclude(tx, act.detail(json!({"draft": true})), now).await?;
    Ok(Ok(()))
}

async fn apply(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    frame.me.require(Action::ManageSignIn)?;
    let row = find(&hub, &id).await?;
    // Where the settings lead, people are signed in from.
    frame.fresh(&hub, &format!("/admin/idp/{}/test", row.id))?;
    let (mut tx, now) = (hub.db.begin().await?, hub.clock.now());
    let names = match hub.federation.put_in_force(&mut tx, &row.id, frame.me.role, now).await {
        Ok(names) => names,
        Err(Blocked::Store(error)) => return Err(error.into()),
        Err(Blocked::Changed) => return Err(changed()),
        Err(blocked) => {
            tx.rollback().await?;
            return tested(&hub, frame, &row.id, blocked.code()).await;
        }
    };
    let act = Act::on(&frame.me, &origin, "idp.apply", "idp", &row.id);
    conclude(tx, act.detail(json!({"settings": names})), now).await?;
    Ok(done(&format!("/admin/idp/{}", row.id), "idp_applied", None))
}

async fn remove(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    frame.me.require(Action::ManageSignIn)?;
    let (row, now) = (find(&hub, &id).await?, hub.clock.now());
    let mut tx = hub.db.begin().await?;
    if idp_change::forget(&mut tx, &row.id).await? {
        audited(&mut tx, Act::on(&frame.me, &origin, "idp.discard", "idp", &row.id), now).await?;
    }
    tx.commit().await?;
    Ok(done(&format!("/admin/idp/{}", row.id), "idp_discarded", None))
}
