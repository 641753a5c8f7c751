//! `/users` (scope `users:read`) and `/audit` (scope `audit:read`): who is here, and who did what.

use axum::{
    Json,
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Caller,
    filter::id_of,
    kind::Instant,
    paging::{Asked, Listing, Page, Paging},
    tagged::tagged,
};
use crate::{
    app::SharedHub,
    http::error::AppError,
    identity::Action,
    model::{Timestamp, ids::Noun},
    store::{
        self,
        audit::{AuditRow, Filter},
        read_noun::{self as rows, PersonRow, Wanted},
    },
};

pub fn routes() -> OpenApiRouter<SharedHub> {
    OpenApiRouter::default().routes(routes!(users)).routes(routes!(user)).routes(routes!(audit)).routes(routes!(entry))
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct OfUsers {
    /// `owner`, `admin`, `steward`, `employee`, `viewer` or `auditor`.
    role: Option<String>,
    /// `person` or `service`.
    kind: Option<String>,
    /// `true`: only those who may sign in or act; `false`: only those who no longer may.
    active: Option<bool>,
}

/// A person or a service account.
#[derive(Serialize, ToSchema)]
struct User {
    #[schema(examples("usr_06a8q2m4e8r4s7v1x3z5b7d9f1"))]
    id: String,
    /// `person` or `service`.
    kind: String,
    name: String,
    /// Null for a service account.
    mail: Option<String>,
    /// `owner`, `admin`, `steward`, `employee`, `viewer` or `auditor`.
    role: String,
    created_at: Instant,
    /// Since when it may do nothing any more.
    disabled_at: Option<Instant>,
    signed_in_at: Option<Instant>,
}

fn shape(row: PersonRow) -> User {
    User {
        id: row.id,
        mail: Some(row.mail).filter(|_| row.kind == store::user::PERSON),
        kind: row.kind,
        name: row.name,
        role: row.role,
        created_at: Instant(row.created_at),
        disabled_at: row.disabled_at.map(Instant),
        signed_in_at: row.signed_in_at.map(Instant),
    }
}

/// People and service accounts, by id
#[utoipa::path(get, path = "/users", operation_id = "listUsers", tag = "users",
    security(("token" = ["users:read"])), params(Paging, OfUsers),
    responses((status = 200, description = "One page", body = Page<User>)))]
async fn users(
    State(hub): State<SharedHub>,
    caller: Caller,
    listing: Listing<OfUsers>,
) -> Result<Json<Page<User>>, AppError> {
    caller.require(Action::ViewUsers)?;
    let OfUsers { role, kind, active } = &listing.filter;
    let wanted = Wanted { after: listing.after(Noun::User)?, limit: listing.ask(), ..Wanted::default() };
    let found = rows::people(&hub.db, &wanted, [role.as_deref(), kind.as_deref()], *active).await?;
    Ok(Json(Page::of(found, listing.limit, |row| row.id.clone(), shape)))
}

/// One person or service account
#[utoipa::path(get, path = "/users/{id}", operation_id = "getUser", tag = "users",
    security(("token" = ["users:read"])),
    params(("id" = String, Path, description = "Of the account", example = "usr_06a8q2m4e8r4s7v1x3z5b7d9f1")),
    responses((status = 200, description = "The account", body = User), (status = 304, description = "Not changed")))]
async fn user(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    caller.require(Action::ViewUsers)?;
    let id = id_of(&id);
    let wanted = Wanted { id: Some(&id), limit: 1, ..Wanted::default() };
    let row = rows::people(&hub.db, &wanted, [None, None], None).await?.pop().ok_or(AppError::NotFound)?;
    tagged(&headers, &shape(row))
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct OfAudit {
    /// Id of who acted; `cli` for the command line, `system` for the hub itself.
    actor: Option<String>,
    /// First word of the action.
    #[param(example = "customer")]
    kind: Option<String>,
    /// `ok` or `refused`.
    outcome: Option<String>,
    /// An id: of an object, of a request, of who acted or of the entry itself.
    named: Option<String>,
    /// From this instant on.
    since: Option<Instant>,
    /// Up to this instant, which is not included.
    until: Option<Instant>,
}

/// One entry of the audit trail.
#[derive(Serialize, ToSchema)]
struct AuditEntry {
    #[schema(examples("aud_06a8q2m4e8r4s7v1x3z5b7d9f1"))]
    id: String,
    at: Instant,
    /// Id of who acted; `cli` for the command line, `system` for the hub itself.
    actor: String,
    #[schema(examples("customer.view"))]
    action: String,
    object_kind: String,
    object_id: String,
    /// `ok` or `refused`.
    outcome: String,
    ip: Option<String>,
    request_id: Option<String>,
    /// Ids, codes and counts; never values.
    #[schema(value_type = Object)]
    detail: serde_json::Value,
    /// Its place in the chain, from 1; null: not sealed yet.
    number: Option<i64>,
    /// Hex SHA-256 over the entry before and this one.
    hash: Option<String>,
}

fn shape_entry(row: AuditRow) -> AuditEntry {
    AuditEntry {
        id: row.id,
        at: Instant(row.at),
        actor: row.actor,
        action: row.action,
        object_kind: row.object_kind,
        object_id: row.object_id,
        outcome: row.outcome,
        ip: row.ip,
        request_id: row.request_id,
        detail: serde_json::from_str(&row.detail).unwrap_or_else(|_| serde_json::json!({})),
        number: row.number,
        hash: row.hash,
    }
}

/// The audit trail, newest first
#[utoipa::path(get, path = "/audit", operation_id = "listAudit", tag = "audit",
    security(("token" = ["audit:read"])), params(Paging, OfAudit),
    responses((status = 200, description = "One page", body = Page<AuditEntry>)))]
async fn audit(
    State(hub): State<SharedHub>,
    caller: Caller,
    listing: Listing<OfAudit>,
) -> Result<Json<Page<AuditEntry>>, AppError> {
    caller.require(Action::ViewAudit)?;
    let of = &listing.filter;
    // A word, not a pattern.
    let word = |c: char| c.is_ascii_lowercase() || c == '_' || c == '-';
    if of.kind.as_deref().is_some_and(|kind| !kind.chars().all(word)) {
        return Err(AppError::invalid("PARAMETER_INVALID", "kind: the first word of an action, as customer"));
    }
    let filter = Filter {
        actors: of.actor.clone().map(|actor| vec![actor]),
        kind: of.kind.as_deref(),
        outcome: of.outcome.as_deref(),
        named: of.named.as_deref(),
        from: of.since.map(|at| Timestamp(at.0)),
        until: of.until.map(|at| Timestamp(at.0)),
        before: listing.after(Noun::Audit)?,
    };
    let found = store::audit::list(&hub.db, &filter, listing.ask()).await?;
    Ok(Json(Page::of(found, listing.limit, |row| row.id.clone(), shape_entry)))
}

/// One entry of the audit trail
#[utoipa::path(get, path = "/audit/{id}", operation_id = "getAuditEntry", tag = "audit",
    security(("token" = ["audit:read"])),
    params(("id" = String, Path, description = "Of the entry", example = "aud_06a8q2m4e8r4s7v1x3z5b7d9f1")),
    responses((status = 200, description = "The entry", body = AuditEntry), (status = 304, description = "Not changed")))]
async fn entry(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    caller.require(Action::ViewAudit)?;
    let row = store::audit::get(&hub.db, &id_of(&id)).await?.ok_or(AppError::NotFound)?;
    tagged(&headers, &shape_entry(row))
}
