//! `/connections` and `/connectors`: the systems that are connected, with their streams, and the kinds of systems
//! that can be. Scope `operations:read`. Settings and secrets of a connection are not for programs to read.

use std::collections::HashMap;

use axum::{
    Json,
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use musubi_sdk::manifest::Manifest;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Caller,
    filter::id_of,
    kind::Instant,
    paging::{Asked, Listing, Page, Paging},
    tagged::tagged,
};
use crate::{
    app::{Hub, SharedHub},
    connection::{
        Levels,
        condition::{self, Need},
    },
    http::{console::page::states, error::AppError},
    identity::{Action, Settings},
    model::{Timestamp, ids::Noun, lag::Lags},
    store::{
        self,
        connection::{Row, Stream},
        operations::{self, ConnectionFigures, StreamFigures},
    },
};

pub fn routes() -> OpenApiRouter<SharedHub> {
    OpenApiRouter::default()
        .routes(routes!(connections))
        .routes(routes!(connection))
        .routes(routes!(health))
        .routes(routes!(connectors))
        .routes(routes!(connector))
}

/// A connected system.
#[derive(Serialize, ToSchema)]
struct Connection {
    #[schema(examples("con_06a8q2m4e8r4s7v1x3z5b7d9f1"))]
    id: String,
    /// Its kind: see `/connectors`.
    connector: String,
    name: String,
    /// `healthy`, `partial`, `delayed`, `failed`, `retrying`, `reconnect`, `running`, `paused` or `not_run`.
    state: &'static str,
    paused: bool,
    /// It belongs to the sample company.
    sample: bool,
    /// What is told to it: `off`, `changes` or `all`.
    push: String,
    /// Records that could not be taken in and wait for somebody.
    open_failures: i64,
    /// Records that wait for their customer.
    parked: i64,
    /// The oldest of the last complete readings of its streams.
    last_ok_at: Option<Instant>,
    last_run_id: Option<String>,
    /// When it is read next, by its schedule.
    due_at: Option<Instant>,
    created_at: Instant,
    /// When its settings changed.
    updated_at: Instant,
}

/// A connected system with its streams.
#[derive(Serialize, ToSchema)]
struct ConnectionDetail {
    #[serde(flatten)]
    connection: Connection,
    streams: Vec<ConnectionStream>,
}

/// One kind of record of a connection.
#[derive(Serialize, ToSchema)]
struct ConnectionStream {
    #[schema(examples("orders"))]
    name: String,
    enabled: bool,
    /// Records that the hub holds of it.
    total: i64,
    open_failures: i64,
    /// End of the last complete reading or applied webhook.
    last_ok_at: Option<Instant>,
}

fn shape(row: Row, figures: Option<&ConnectionFigures>, now: crate::model::Timestamp) -> Connection {
    let key = states::of_connection(&row, figures, now).now.key();
    Connection {
        state: key.strip_prefix("status.").unwrap_or(key),
        id: row.id,
        connector: row.connector,
        name: row.name,
        paused: row.paused,
        sample: row.sample,
        push: row.push,
        open_failures: figures.map_or(0, |of| of.open_failures),
        parked: figures.map_or(0, |of| of.parked),
        last_ok_at: figures.and_then(|of| of.last_ok_at).map(Instant),
        last_run_id: row.last_run_id,
        due_at: row.due_at.map(Instant),
        created_at: Instant(row.created_at),
        updated_at: Instant(row.updated_at),
    }
}

/// Connected systems, by id
#[utoipa::path(get, path = "/connections", operation_id = "listConnections", tag = "connections",
    security(("token" = ["operations:read"])), params(Paging),
    responses((status = 200, description = "One page", body = Page<Connection>)))]
async fn connections(
    State(hub): State<SharedHub>,
    caller: Caller,
    listing: Listing,
) -> Result<Json<Page<Connection>>, AppError> {
    caller.require(Action::ViewOperations)?;
    let after = listing.after(Noun::Connection)?.unwrap_or_default();
    let mut rows = store::connection::all(&hub.db).await?;
    rows.retain(|row| row.id.as_str() > after);
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    let figures = operations::figures(&hub.db, None).await?;
    let figures: HashMap<&str, &ConnectionFigures> = figures.iter().map(|of| (of.connection_id.as_str(), of)).collect();
    let now = hub.clock.now();
    let shape = |row: Row| {
        let of = figures.get(row.id.as_str()).copied();
        shape(row, of, now)
    };
    Ok(Json(Page::of(rows, listing.limit, |row| row.id.clone(), shape)))
}

/// One connected system with its streams
#[utoipa::path(get, path = "/connections/{id}", operation_id = "getConnection", tag = "connections",
    security(("token" = ["operations:read"])),
    params(("id" = String, Path, description = "Of the connection", example = "con_06a8q2m4e8r4s7v1x3z5b7d9f1")),
    responses((status = 200, description = "The connection", body = ConnectionDetail),
        (status = 304, description = "Not changed")))]
async fn connection(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    caller.require(Action::ViewOperations)?;
    let id = id_of(&id);
    let row = store::connection::get(&hub.db, &id).await?.ok_or(AppError::NotFound)?;
    let figures = operations::figures(&hub.db, Some(&id)).await?.pop();
    let streams = streams(&hub, &id).await?;
    tagged(&headers, &ConnectionDetail { connection: shape(row, figures.as_ref(), hub.clock.now()), streams })
}

async fn streams(hub: &Hub, id: &str) -> Result<Vec<ConnectionStream>, AppError> {
    let midnight = hub.clock.now().zoned(&Settings::load(&hub.db).await?.time_zone()).start_of_day();
    let midnight = crate::model::Timestamp(midnight.map_or(0, |at| at.timestamp().as_microsecond()));
    let rows = store::connection::streams(&hub.db, id).await?;
    let figures = operations::stream_figures(&hub.db, id, midnight).await?;
    let stream = |row: Stream| {
        let of: Option<&StreamFigures> = figures.iter().find(|of| of.stream == row.name);
        ConnectionStream {
            total: of.map_or(0, |of| of.total),
            open_failures: of.map_or(0, |of| of.open_failures),
            name: row.name,
            enabled: row.enabled,
            last_ok_at: row.last_ok_at.map(Instant),
        }
    };
    Ok(rows.into_iter().map(stream).collect())
}

/// Whether everything arrives from a connected system. Shares are percent.
#[derive(Serialize, ToSchema)]
struct Health {
    /// As in the connection.
    state: &'static str,
    /// What needs a person, the worst first: `reconnect`, `failed`, `late`, `records` or `fields`.
    needs: Vec<&'static str>,
    /// The oldest of the last complete readings of its streams.
    last_ok_at: Option<Instant>,
    /// How old its data may get; `null`: it has no target.
    target_seconds: Option<i64>,
    /// Share of minutes in which it has to be that fresh.
    #[schema(examples(99.5))]
    objective: f64,
    /// Share of the measured minutes of 30 days in which it was; `null`: nothing was measured.
    #[schema(examples(99.59))]
    met: Option<f64>,
    /// What is left of the error budget of 30 days.
    #[schema(examples(18))]
    budget_left: i64,
    /// In how many days the budget is used up at the pace of the last three days, where less than 25 % is left.
    budget_ends_in_days: Option<i64>,
    /// 95 % of the changes of the last 24 hours came within this.
    lag_p95_seconds: Option<i64>,
}

/// How a connected system does against its targets
#[utoipa::path(get, path = "/connections/{id}/health", operation_id = "getConnectionHealth", tag = "connections",
    security(("token" = ["operations:read"])),
    params(("id" = String, Path, description = "Of the connection", example = "con_06a8q2m4e8r4s7v1x3z5b7d9f1")),
    responses((status = 200, description = "Its health", body = Health)))]
async fn health(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    Path(id): Path<String>,
) -> Result<Json<Health>, AppError> {
    caller.require(Action::ViewOperations)?;
    let id = id_of(&id);
    let row = store::connection::get(&hub.db, &id).await?.ok_or(AppError::NotFound)?;
    let figures = operations::figures(&hub.db, Some(&id)).await?.pop().ok_or(AppError::NotFound)?;
    let now = hub.clock.now();
    let level = Levels::load(&hub.db, &hub.config.health, now).await?.of(&row);
    let mut lags = Lags::default();
    for (_, _, bucket, n) in store::freshness::lags(&hub.db, now.plus(-Timestamp::DAY).0 / Timestamp::HOUR)
        .await?
        .iter()
        .filter(|l| l.0 == id)
    {
        lags.add(usize::try_from(*bucket).unwrap_or(usize::MAX), *n);
    }
    #[expect(clippy::cast_precision_loss, reason = "at most 10,000")]
    let percent = |hundredths: i64| hundredths as f64 / 100.0;
    let key = states::of_connection(&row, Some(&figures), now).now.key();
    Ok(Json(Health {
        state: key.strip_prefix("status.").unwrap_or(key),
        needs: condition::needs(&row, &figures, now).into_iter().map(Need::as_str).collect(),
        last_ok_at: figures.last_ok_at.map(Instant),
        target_seconds: level.target.map(|target| target / Timestamp::SECOND),
        objective: percent(level.objective),
        met: level.rate.map(percent),
        budget_left: level.left,
        budget_ends_in_days: level.out_in,
        lag_p95_seconds: lags.percentile(95).map(|lag| lag / Timestamp::SECOND),
    }))
}

/// A kind of system that can be connected.
#[derive(Serialize, ToSchema)]
struct Connector {
    #[schema(examples("webhook"))]
    name: String,
    title: Words,
    summary: Words,
    /// `sales`, `accounting` …
    kind: String,
    /// It belongs to the sample company.
    sample: bool,
    streams: Vec<ConnectorStream>,
    /// How it tells what was taken away.
    deletes: String,
    /// Whether its webhooks keep their order.
    order: String,
    /// Whether it takes the same thing twice without harm.
    idempotency: String,
}

/// A text in both languages.
#[derive(Serialize, ToSchema)]
struct Words {
    ja: String,
    en: String,
}

/// One kind of record that a system gives.
#[derive(Serialize, ToSchema)]
struct ConnectorStream {
    name: String,
    title: Words,
    /// What it becomes here: `customer`, `order` …
    record: &'static str,
    /// The hub asks for it; else it comes by webhook.
    pulled: bool,
    /// Only what changed is asked for.
    incremental: bool,
}

fn words(text: &musubi_sdk::manifest::Text) -> Words {
    Words { ja: text.ja.clone(), en: text.en.clone() }
}

fn of_manifest(manifest: &Manifest) -> Connector {
    let streams = manifest.streams.iter().map(|(name, stream)| ConnectorStream {
        name: name.clone(),
        title: words(&stream.title),
        record: stream.record.as_str(),
        pulled: stream.is_pulled(),
        incremental: stream.is_incremental(),
    });
    Connector {
        name: manifest.name.clone(),
        title: words(&manifest.title),
        summary: words(&manifest.summary),
        kind: manifest.kind.as_str().to_owned(),
        sample: manifest.sample,
        streams: streams.collect(),
        deletes: manifest.capabilities.deletes.clone(),
        order: manifest.capabilities.order.clone(),
        idempotency: manifest.capabilities.idempotency.clone(),
    }
}

/// Kinds of systems that can be connected, by name
#[utoipa::path(get, path = "/connectors", operation_id = "listConnectors", tag = "connectors",
    security(("token" = ["operations:read"])), params(Paging),
    responses((status = 200, description = "One page", body = Page<Connector>)))]
async fn connectors(
    State(hub): State<SharedHub>,
    caller: Caller,
    listing: Listing,
) -> Result<Json<Page<Connector>>, AppError> {
    caller.require(Action::ViewOperations)?;
    let after = listing.cursor.as_deref().unwrap_or_default();
    let all = hub.registry.catalogue().iter().filter(|manifest| manifest.name.as_str() > after).collect();
    Ok(Json(Page::of(all, listing.limit, |one| one.name.clone(), |one| of_manifest(one))))
}

/// One kind of system
#[utoipa::path(get, path = "/connectors/{name}", operation_id = "getConnector", tag = "connectors",
    security(("token" = ["operations:read"])),
    params(("name" = String, Path, description = "Of the connector", example = "webhook")),
    responses((status = 200, description = "The connector", body = Connector), (status = 304, description = "Not changed")))]
async fn connector(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Result<Response, AppError> {
    caller.require(Action::ViewOperations)?;
    let manifest = hub.registry.catalogue().get(&name).ok_or(AppError::NotFound)?;
    tagged(&headers, &of_manifest(manifest))
}
