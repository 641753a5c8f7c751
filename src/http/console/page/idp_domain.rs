//! Mail domains of a provider, on its page: noted, looked up, removed.

use axum::{
    Form, Router,
    extract::{Path, State},
    response::Response,
    routing::post,
};
use serde::Deserialize;

use super::{
    ShellOf, done, idp,
    outcome::{Act, conclude},
};
use crate::{
    app::{Hub, SharedHub},
    http::{
        AppError,
        console::view::idp::{DomainRow, Wrong},
    },
    identity::{
        Action, Origin,
        federation::domain::{self, DomainError},
    },
    model::Timestamp,
    store::{StoreError, idp_domain},
};

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/admin/idp/{id}/domains", post(add))
        .route("/admin/idp/{id}/domains/check", post(check))
        .route("/admin/idp/{id}/domains/remove", post(remove))
}

/// Domains as the provider's page shows them.
pub async fn rows(hub: &Hub, idp_id: &str) -> Result<Vec<DomainRow>, StoreError> {
    let all = idp_domain::all(&hub.db).await?.into_iter().filter(|row| row.idp_id == idp_id);
    let row = |row: idp_domain::Row| DomainRow {
        record: domain::record(&row),
        verified_at: row.verified_at.map(Timestamp),
        checked_at: row.checked_at.map(Timestamp),
        domain: row.domain,
    };
    Ok(all.map(row).collect())
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct DomainPost {
    domain: String,
}

/// The provider's page again with what is wrong, or the trouble of the database.
async fn refused(hub: &Hub, frame: ShellOf, id: &str, error: DomainError) -> Result<Response, AppError> {
    let (code, detail) = match error {
        DomainError::Store(error) => return Err(error.into()),
        DomainError::Dns(detail) => ("DOMAIN_DNS".to_owned(), detail),
        other => (other.code().to_owned(), String::new()),
    };
    let row = idp::find(hub, id).await?;
    idp::again(hub, frame, &row, Wrong { field: "domain".to_owned(), code, detail }).await
}

async fn add(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
    Form(form): Form<DomainPost>,
) -> Result<Response, AppError> {
    frame.me.require(Action::ManageSignIn)?;
    let (row, now) = (idp::find(&hub, &id).await?, hub.clock.now());
    let mut tx = hub.db.begin().await?;
    let made = match domain::add(&mut tx, &row.id, &form.domain, now).await {
        Ok(made) => made,
        Err(error) => {
            tx.rollback().await?;
            return refused(&hub, frame, &row.id, error).await;
        }
    };
    let act = Act::on(&frame.me, &origin, "idp.domain_add", "idp", &row.id);
    conclude(tx, act.detail(serde_json::json!({"domain": made.domain})), now).await?;
    Ok(done(&format!("/admin/idp/{}", row.id), "domain_added", None))
}

/// A domain of this provider.
async fn of_provider(hub: &Hub, idp_id: &str, domain: &str) -> Result<idp_domain::Row, AppError> {
    let row = idp_domain::get(&hub.db, &domain.replace('\0', "")).await?;
    row.filter(|row| row.idp_id == idp_id).ok_or(AppError::NotFound)
}

async fn check(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
    Form(form): Form<DomainPost>,
) -> Result<Response, AppError> {
    frame.me.require(Action::ManageSignIn)?;
    let row = of_provider(&hub, &id, &form.domain).await?;
    let found = match hub.federation.look_up(&row).await {
        Ok(found) => found,
        Err(error) => return refused(&hub, frame, &id, error).await,
    };
    let now = hub.clock.now();
    let mut tx = hub.db.begin().await?;
    idp_domain::checked(&mut tx, &row.domain, found, now).await?;
    let act = Act::on(&frame.me, &origin, "idp.domain_check", "idp", &id);
    conclude(tx, act.detail(serde_json::json!({"domain": row.domain, "found": found})), now).await?;
    Ok(done(&format!("/admin/idp/{id}"), if found { "domain_found" } else { "domain_find_failed" }, None))
}

async fn remove(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
    Form(form): Form<DomainPost>,
) -> Result<Response, AppError> {
    frame.me.require(Action::ManageSignIn)?;
    let (row, now) = (of_provider(&hub, &id, &form.domain).await?, hub.clock.now());
    let mut tx = hub.db.begin().await?;
    idp_domain::remove(&mut tx, &row.domain).await?;
    let act = Act::on(&frame.me, &origin, "idp.domain_remove", "idp", &id);
    conclude(tx, act.detail(serde_json::json!({"domain": row.domain})), now).await?;
    Ok(done(&format!("/admin/idp/{id}"), "domain_removed", None))
}
