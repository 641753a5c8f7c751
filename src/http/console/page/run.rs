//! `/runs/{id}`.

use axum::{
    Router,
    extract::{Path, State},
    response::{Html, IntoResponse},
    routing::get,
};

use super::{ShellOf, states};
use crate::{
    app::{Change, Hub, SharedHub},
    http::{
        AppError,
        console::{
            Section,
            view::{
                Page,
                run::{Progress, RunPage, RunStream},
            },
        },
    },
    identity::Action,
    model::Timestamp,
    store::{self, StoreError},
};

pub fn routes() -> Router<SharedHub> {
    Router::new().route("/runs/{id}", get(show)).route("/runs/{id}/stream", get(stream))
}

async fn stream(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, AppError> {
    frame.me.require(Action::ViewOperations)?;
    Ok(super::changes(&hub, move |change| matches!(change, Change::Run(run) if *run == id)))
}

async fn show(State(hub): State<SharedHub>, frame: ShellOf, Path(id): Path<String>) -> Result<Html<String>, AppError> {
    let ShellOf { mut shell, .. } = frame.allow(Action::ViewOperations, Section::Connections)?;
    let run = store::run::get(&hub.db, &id).await?.ok_or(AppError::NotFound)?;
    let connection = store::connection::get(&hub.db, &run.connection_id).await?.ok_or(AppError::NotFound)?;
    if run.finished_at.is_none() && run.state == "running" {
        shell.refresh = Some(3);
    }
    let streams = streams(&hub, &run.connection_id, &id).await?;
    let failed = streams.iter().map(|s| s.failed).sum();
    let page = RunPage {
        number: run.number,
        connection_name: connection.name,
        kind: connection.kind,
        trigger: run.trigger_kind.clone(),
        actor: store::operations::actor_name(&hub.db, run.actor.as_deref()).await?,
        state: states::of_counts(&run.state, failed).into(),
        started_at: Timestamp(run.started_at),
        // Webhook runs gather a minute of deliveries and are never open.
        finished_at: run.finished_at.or((run.state != "running").then_some(run.started_at)).map(Timestamp),
        mapping_version: run.mapping_version,
        requests: run.requests,
        throttled: run.throttled,
        cause: run.cause,
        detail: run.detail,
        streams,
        open_failures: store::operations::open_failures_of_run(&hub.db, &id).await?,
        attempts: Vec::new(),
        command: format!("musubi run show {id}"),
        connection_id: run.connection_id,
        id,
    };
    Ok(page.render(&shell))
}

/// Streams of a run in the order in which they are pulled.
async fn streams(hub: &Hub, connection_id: &str, run_id: &str) -> Result<Vec<RunStream>, StoreError> {
    let order = hub
        .registry
        .get(connection_id)
        .map(|live| live.pull_order().into_iter().map(str::to_owned).collect::<Vec<_>>());
    let order = order.unwrap_or_default();
    let mut rows = store::run::streams(&hub.db, run_id).await?;
    rows.sort_by_key(|row| order.iter().position(|name| *name == row.stream).unwrap_or(usize::MAX));
    Ok(rows
        .into_iter()
        .map(|row| RunStream {
            state: states::of_counts(&row.state, row.failed_count).into(),
            name: row.stream,
            read: row.read_count,
            new: row.new_count,
            updated: row.updated_count,
            unchanged: row.unchanged_count,
            parked: row.parked_count,
            failed: row.failed_count,
            source_count: row.source_count,
            cursor_from: row.cursor_from.as_deref().map(readable_cursor),
            cursor_to: row.cursor_to.as_deref().map(readable_cursor),
        })
        .collect())
}

/// The run in progress of a connection, as a card.
pub async fn progress(hub: &Hub, connection_id: &str) -> Result<Option<Progress>, StoreError> {
    let Some(run) = store::operations::running(&hub.db, connection_id).await? else { return Ok(None) };
    Ok(Some(Progress {
        number: run.number,
        trigger: run.trigger_kind,
        actor: store::operations::actor_name(&hub.db, run.actor.as_deref()).await?,
        started_at: Timestamp(run.started_at),
        streams: streams(hub, connection_id, &run.id).await?,
        run_id: run.id,
    }))
}

/// `updated_at 2026-11-20T10:13:58Z` from `{"time":"…","id":"…"}`; other cursors as they are, short.
pub fn readable_cursor(cursor: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(cursor).unwrap_or_default();
    let text = match (value.get("time").and_then(|v| v.as_str()), value.get("id").and_then(|v| v.as_str())) {
        (Some(time), Some(id)) => format!("{time} {id}"),
        (Some(time), None) => time.to_owned(),
        _ => cursor.to_owned(),
    };
    if text.chars().count() > 60 { text.chars().take(59).chain(['…']).collect() } else { text }
}
