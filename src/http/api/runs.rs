//! `/runs`: what syncs did, and `/webhook-events`: what came in by webhook. Scope `operations:read`.

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
    paging::{Asked, Listing, Page, Paging, bad_cursor},
    tagged::tagged,
};
use crate::{
    app::SharedHub,
    http::error::AppError,
    identity::Action,
    model::ids::Noun,
    store::{
        self,
        operations::{self, Delivery, RunSummary},
    },
};

pub fn routes() -> OpenApiRouter<SharedHub> {
    OpenApiRouter::default().routes(routes!(runs)).routes(routes!(run)).routes(routes!(events)).routes(routes!(event))
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct OfRuns {
    /// Only of this connection.
    connection: Option<String>,
    /// `running`, `succeeded`, `partial`, `failed` or `interrupted`.
    state: Option<String>,
}

/// One sync of a connection.
#[derive(Serialize, ToSchema)]
struct Run {
    #[schema(examples("run_06a8q2m4e8r4s7v1x3z5b7d9f1"))]
    id: String,
    /// As pages show it.
    number: i64,
    connection_id: String,
    /// `schedule`, `manual`, `webhook`, `replay` or `catch_up`.
    trigger: String,
    /// `running`, `succeeded`, `partial`, `failed` or `interrupted`.
    state: String,
    started_at: Instant,
    finished_at: Option<Instant>,
    /// Why it failed: a stable code.
    cause: Option<String>,
    read: i64,
    new: i64,
    updated: i64,
    /// Waiting for their customer.
    parked: i64,
    failed: i64,
}

fn shape(row: RunSummary) -> Run {
    Run {
        id: row.id,
        number: row.number,
        connection_id: row.connection_id,
        trigger: row.trigger_kind,
        state: row.state,
        started_at: Instant(row.started_at),
        finished_at: row.finished_at.map(Instant),
        cause: row.cause,
        read: row.read_count,
        new: row.new_count,
        updated: row.updated_count,
        parked: row.parked_count,
        failed: row.failed_count,
    }
}

/// One sync with what it did to each stream.
#[derive(Serialize, ToSchema)]
struct RunDetail {
    id: String,
    /// As pages show it.
    number: i64,
    connection_id: String,
    /// `schedule`, `manual`, `webhook`, `replay` or `catch_up`.
    trigger: String,
    /// `running`, `succeeded`, `partial`, `failed` or `interrupted`.
    state: String,
    started_at: Instant,
    finished_at: Option<Instant>,
    /// Why it failed: a stable code.
    cause: Option<String>,
    /// The same in a sentence.
    detail: Option<String>,
    /// Requests to the source.
    requests: i64,
    /// Of them answered with "too many".
    throttled: i64,
    streams: Vec<RunStream>,
}

/// What a sync did to one stream.
#[derive(Serialize, ToSchema)]
struct RunStream {
    stream: String,
    state: String,
    read: i64,
    new: i64,
    updated: i64,
    unchanged: i64,
    /// Waiting for their customer.
    parked: i64,
    failed: i64,
    /// How many records the source says it has.
    source_count: Option<i64>,
}

/// Syncs, newest first
#[utoipa::path(get, path = "/runs", operation_id = "listRuns", tag = "runs",
    security(("token" = ["operations:read"])), params(Paging, OfRuns),
    responses((status = 200, description = "One page", body = Page<Run>)))]
async fn runs(
    State(hub): State<SharedHub>,
    caller: Caller,
    listing: Listing<OfRuns>,
) -> Result<Json<Page<Run>>, AppError> {
    caller.require(Action::ViewOperations)?;
    let before = listing.cursor.as_deref().map(|cursor| cursor.parse::<i64>().map_err(|_| bad_cursor())).transpose()?;
    let OfRuns { connection, state } = &listing.filter;
    let found = operations::runs(&hub.db, connection.as_deref(), state.as_deref(), before, listing.ask()).await?;
    Ok(Json(Page::of(found, listing.limit, |row| row.number.to_string(), shape)))
}

/// One sync with what it did to each stream
#[utoipa::path(get, path = "/runs/{id}", operation_id = "getRun", tag = "runs",
    security(("token" = ["operations:read"])),
    params(("id" = String, Path, description = "Of the run", example = "run_06a8q2m4e8r4s7v1x3z5b7d9f1")),
    responses((status = 200, description = "The run", body = RunDetail), (status = 304, description = "Not changed")))]
async fn run(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    caller.require(Action::ViewOperations)?;
    let row = store::run::get(&hub.db, &id_of(&id)).await?.ok_or(AppError::NotFound)?;
    let streams = store::run::streams(&hub.db, &row.id).await?;
    let stream = |of: store::run::RunStream| RunStream {
        stream: of.stream,
        state: of.state,
        read: of.read_count,
        new: of.new_count,
        updated: of.updated_count,
        unchanged: of.unchanged_count,
        parked: of.parked_count,
        failed: of.failed_count,
        source_count: of.source_count,
    };
    let detail = RunDetail {
        id: row.id,
        number: row.number,
        connection_id: row.connection_id,
        trigger: row.trigger_kind,
        state: row.state,
        started_at: Instant(row.started_at),
        finished_at: row.finished_at.map(Instant),
        cause: row.cause,
        detail: row.detail,
        requests: row.requests,
        throttled: row.throttled,
        streams: streams.into_iter().map(stream).collect(),
    };
    tagged(&headers, &detail)
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct OfEvents {
    /// Only of this connection.
    connection: Option<String>,
    /// `pending`, `applied`, `failed` or `ignored`.
    state: String,
}

/// Something that a system sent by webhook.
#[derive(Serialize, ToSchema)]
struct WebhookEvent {
    #[schema(examples("inb_06a8q2m4e8r4s7v1x3z5b7d9f1"))]
    id: String,
    connection_id: String,
    /// The sender's own id of it.
    delivery_id: String,
    received_at: Instant,
    /// `pending`, `applied`, `failed` or `ignored`.
    state: String,
    attempts: i64,
    applied_at: Option<Instant>,
    /// The sender's word for what happened.
    event: Option<String>,
    /// Stream and key of the record.
    object: Option<String>,
    run_id: Option<String>,
    /// Why it failed: a stable code.
    cause: Option<String>,
    /// How often it came again.
    duplicates: i64,
}

fn shape_event(row: Delivery) -> WebhookEvent {
    WebhookEvent {
        id: row.id,
        connection_id: row.connection_id,
        delivery_id: row.delivery_id,
        received_at: Instant(row.received_at),
        state: row.state,
        attempts: row.attempts,
        applied_at: row.applied_at.map(Instant),
        event: row.event,
        object: row.object,
        run_id: row.run_id,
        cause: row.cause,
        duplicates: row.duplicates,
    }
}

/// What came in by webhook, newest first
#[utoipa::path(get, path = "/webhook-events", operation_id = "listWebhookEvents", tag = "webhook-events",
    security(("token" = ["operations:read"])), params(Paging, OfEvents),
    responses((status = 200, description = "One page", body = Page<WebhookEvent>)))]
async fn events(
    State(hub): State<SharedHub>,
    caller: Caller,
    listing: Listing<OfEvents>,
) -> Result<Json<Page<WebhookEvent>>, AppError> {
    caller.require(Action::ViewOperations)?;
    let OfEvents { connection, state } = &listing.filter;
    let after = listing.after(Noun::Inbox)?;
    let found = operations::deliveries(&hub.db, connection.as_deref(), state, after, listing.ask()).await?;
    Ok(Json(Page::of(found, listing.limit, |row| row.id.clone(), shape_event)))
}

/// One thing that came in by webhook
#[utoipa::path(get, path = "/webhook-events/{id}", operation_id = "getWebhookEvent", tag = "webhook-events",
    security(("token" = ["operations:read"])),
    params(("id" = String, Path, description = "Of the event", example = "inb_06a8q2m4e8r4s7v1x3z5b7d9f1")),
    responses((status = 200, description = "The event", body = WebhookEvent), (status = 304, description = "Not changed")))]
async fn event(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    caller.require(Action::ViewOperations)?;
    let row = operations::delivery(&hub.db, &id_of(&id)).await?.ok_or(AppError::NotFound)?;
    tagged(&headers, &shape_event(row))
}
