//! `/failures`: records that could not be taken in, and their ways out. Scope `failures:read` to see,
//! `failures:write` to replay or leave out. Values are for owners who see every field in the clear.

use axum::{
    Json,
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Caller,
    body::Body,
    filter::id_of,
    kind::Instant,
    paging::{Asked, Listing, Page, Paging},
    tagged::tagged,
};
use crate::{
    app::{Hub, SharedHub},
    http::error::AppError,
    identity::{Action, audit},
    model::{View, ids::Noun},
    store::{
        self,
        failure::Failure as Stored,
        read_noun::{self as rows, FailureRow, Wanted},
    },
    sync::replay,
};

pub fn routes() -> OpenApiRouter<SharedHub> {
    OpenApiRouter::default()
        .routes(routes!(list))
        .routes(routes!(one))
        .routes(routes!(replay_one))
        .routes(routes!(ignore))
        .routes(routes!(restore))
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct OfFailures {
    /// `open`, `retrying`, `ignored` or `resolved`.
    state: Option<String>,
    /// A stable code.
    #[param(example = "REF_CUSTOMER_MISSING")]
    cause: Option<String>,
    /// Only of this connection.
    connection: Option<String>,
    /// Only of this stream.
    stream: Option<String>,
    /// Only what failed at or after this instant.
    since: Option<Instant>,
}

/// A record that could not be taken in.
#[derive(Serialize, ToSchema)]
struct Failure {
    #[schema(examples("fai_06a8q2m4e8r4s7v1x3z5b7d9f1"))]
    id: String,
    connection_id: String,
    stream: String,
    /// The source's own key of the record.
    external_id: String,
    /// Why: a stable code.
    #[schema(examples("REF_CUSTOMER_MISSING"))]
    cause: String,
    /// The hub's field that is to blame.
    field: Option<String>,
    /// Number or name of the record.
    label: String,
    /// The value that is to blame; null also where the token's owner does not see every field.
    value: Option<String>,
    /// `open`, `retrying`, `ignored` or `resolved`.
    state: String,
    attempts: i64,
    first_at: Instant,
    last_at: Instant,
    resolved_at: Option<Instant>,
    run_id: Option<String>,
    /// Why somebody chose to leave it out.
    note: Option<String>,
}

/// A failure with what the source sent.
#[derive(Serialize, ToSchema)]
struct FailureDetail {
    #[serde(flatten)]
    failure: Failure,
    /// The record as the source sent it; null where the token's owner does not see every field.
    payload: Option<serde_json::Value>,
}

fn shape(view: &View, row: FailureRow) -> Failure {
    Failure {
        id: row.id,
        connection_id: row.connection_id,
        stream: row.stream,
        external_id: row.external_id,
        cause: row.cause,
        field: row.field,
        label: row.label,
        // Which of the hub's fields a value is for is known of some failures only.
        value: row.value.filter(|_| !view.hides_any()),
        state: row.state,
        attempts: row.attempts,
        first_at: Instant(row.first_at),
        last_at: Instant(row.last_at),
        resolved_at: row.resolved_at.map(Instant),
        run_id: row.run_id,
        note: row.note,
    }
}

fn whole(view: &View, row: Stored) -> FailureDetail {
    let payload = Some(row.payload).filter(|_| !view.hides_any());
    let payload = payload.map(|text| serde_json::from_str(&text).unwrap_or(serde_json::Value::String(text)));
    let row = FailureRow {
        id: row.id,
        connection_id: row.connection_id,
        stream: row.stream,
        external_id: row.external_id,
        cause: row.cause,
        field: row.field,
        label: row.label,
        value: row.value,
        state: row.state,
        attempts: row.attempts,
        first_at: row.first_at,
        last_at: row.last_at,
        resolved_at: row.resolved_at,
        run_id: row.run_id,
        note: row.note,
    };
    FailureDetail { failure: shape(view, row), payload }
}

/// Records that could not be taken in, newest first
#[utoipa::path(get, path = "/failures", operation_id = "listFailures", tag = "failures",
    security(("token" = ["failures:read"])), params(Paging, OfFailures),
    responses((status = 200, description = "One page", body = Page<Failure>)))]
async fn list(
    State(hub): State<SharedHub>,
    caller: Caller,
    listing: Listing<OfFailures>,
) -> Result<Json<Page<Failure>>, AppError> {
    caller.require(Action::ViewFailures)?;
    let (view, of) = (&caller.me().view, &listing.filter);
    let wanted = Wanted {
        connection: of.connection.as_deref(),
        updated_since: of.since.map(|at| at.0),
        after: listing.after(Noun::Failure)?,
        limit: listing.ask(),
        ..Wanted::default()
    };
    let words = [of.state.as_deref(), of.cause.as_deref(), of.stream.as_deref()];
    let found = rows::failures(&hub.db, view, &wanted, words).await?;
    Ok(Json(Page::of(found, listing.limit, |row| row.id.clone(), |row| shape(view, row))))
}

async fn found(hub: &Hub, caller: &Caller, id: &str) -> Result<Stored, AppError> {
    store::failure::get(&hub.db, &caller.me().view, &id_of(id)).await?.ok_or(AppError::NotFound)
}

/// One failure with what the source sent
#[utoipa::path(get, path = "/failures/{id}", operation_id = "getFailure", tag = "failures",
    security(("token" = ["failures:read"])),
    params(("id" = String, Path, description = "Of the failure", example = "fai_06a8q2m4e8r4s7v1x3z5b7d9f1")),
    responses((status = 200, description = "The failure", body = FailureDetail), (status = 304, description = "Not changed")))]
async fn one(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    caller.require(Action::ViewFailures)?;
    tagged(&headers, &whole(&caller.me().view, found(&hub, &caller, &id).await?))
}

#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct HowToReplay {
    /// `true`: only say what would happen.
    dry_run: Option<bool>,
}

/// What a replay did, or would do.
#[derive(Serialize, ToSchema)]
struct Replayed {
    /// Taken in.
    succeeded: i64,
    /// Failed again.
    failed: i64,
    /// Wait for their customer.
    parked: i64,
    /// Nothing was kept.
    dry_run: bool,
}

/// Tries a failed record again: today's mapping, today's master record
///
/// A record that was taken in meanwhile is left alone, so that the same call again does no harm and needs no
/// Idempotency-Key.
#[utoipa::path(post, path = "/failures/{id}/replay", operation_id = "replayFailure", tag = "failures",
    security(("token" = ["failures:write"])),
    params(("id" = String, Path, description = "Of the failure", example = "fai_06a8q2m4e8r4s7v1x3z5b7d9f1"), HowToReplay),
    responses((status = 200, description = "What came of it", body = Replayed)))]
async fn replay_one(
    State(hub): State<SharedHub>,
    caller: Caller,
    Asked(how): Asked<HowToReplay>,
    Path(id): Path<String>,
) -> Result<Json<Replayed>, AppError> {
    caller.require(Action::ReplayFailures)?;
    let failure = found(&hub, &caller, &id).await?;
    let dry_run = how.dry_run == Some(true);
    if !dry_run {
        noted(&hub, &caller, "failure.replay", &failure.id).await?;
    }
    let done = replay::replay(&hub.engine, vec![failure], &caller.me().user_id, dry_run).await?;
    let replay::Replayed { succeeded, failed, parked } = done;
    Ok(Json(Replayed { succeeded, failed, parked, dry_run }))
}

/// Why a record is left out.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewDecision {
    /// For whoever asks later.
    #[schema(min_length = 1, max_length = 1000, examples("A test record of the supplier"))]
    reason: String,
}

/// Leaves a failed record out, until its source changes it
#[utoipa::path(post, path = "/failures/{id}/ignore", operation_id = "ignoreFailure", tag = "failures",
    security(("token" = ["failures:write"])),
    params(("id" = String, Path, description = "Of the failure", example = "fai_06a8q2m4e8r4s7v1x3z5b7d9f1")),
    request_body(content = NewDecision, example = json!({"reason": "A test record of the supplier"})),
    responses((status = 200, description = "The failure as it is now", body = FailureDetail),
        (status = 409, description = "FAILURE_RESOLVED: the record was taken in meanwhile"),
        (status = 422, description = "REASON_INVALID: a reason is needed")))]
async fn ignore(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    Path(id): Path<String>,
    body: Body,
) -> Result<Json<FailureDetail>, AppError> {
    caller.require(Action::ReplayFailures)?;
    let reason = body.meant::<NewDecision>()?.reason.trim().replace('\0', "");
    if reason.is_empty() || reason.chars().count() > 1000 {
        return Err(AppError::invalid("REASON_INVALID", "a reason has 1 to 1000 characters"));
    }
    decided(&hub, &caller, &id, Some(&reason)).await
}

/// Takes back that a record was left out
#[utoipa::path(post, path = "/failures/{id}/restore", operation_id = "restoreFailure", tag = "failures",
    security(("token" = ["failures:write"])),
    params(("id" = String, Path, description = "Of the failure", example = "fai_06a8q2m4e8r4s7v1x3z5b7d9f1")),
    responses((status = 200, description = "The failure as it is now", body = FailureDetail),
        (status = 409, description = "FAILURE_RESOLVED: the record was taken in meanwhile")))]
async fn restore(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    Path(id): Path<String>,
) -> Result<Json<FailureDetail>, AppError> {
    caller.require(Action::ReplayFailures)?;
    decided(&hub, &caller, &id, None).await
}

async fn decided(hub: &Hub, caller: &Caller, id: &str, reason: Option<&str>) -> Result<Json<FailureDetail>, AppError> {
    let failure = found(hub, caller, id).await?;
    let changed = replay::set_ignored(&hub.engine, &failure.id, reason.is_some(), reason.unwrap_or_default()).await?;
    if !changed {
        let detail = "this record was taken in meanwhile; there is nothing to decide".to_owned();
        return Err(AppError::Conflict { code: "FAILURE_RESOLVED", detail });
    }
    let action = if reason.is_some() { "failure.ignore" } else { "failure.restore" };
    noted(hub, caller, action, &failure.id).await?;
    Ok(Json(whole(&caller.me().view, found(hub, caller, &failure.id).await?)))
}

async fn noted(hub: &Hub, caller: &Caller, action: &'static str, id: &str) -> Result<(), AppError> {
    let mut entry = caller.act(action, ("failure", id));
    entry.detail["count"] = json!(1);
    Ok(audit::record_alone(&hub.db, entry, hub.clock.now()).await?)
}
