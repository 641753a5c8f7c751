//! `/connections`: what is connected, what could be, and the addresses below.

use axum::{
    Router,
    extract::State,
    response::{Html, IntoResponse},
    routing::{get, post},
};

use super::{ShellOf, connection, connection_command, connection_push, states};
use crate::{
    app::{Change, Hub, SharedHub},
    http::{
        AppError,
        console::{
            Section, Shell,
            view::{
                Page,
                connection::{ConnectionRow, ConnectionsPage, ConnectorCard},
            },
        },
    },
    identity::Action,
    model::Timestamp,
    store::{self, connection::Row},
};

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/connections", get(list))
        .route("/connections/stream", get(stream))
        .route("/connections/{id}", get(connection::show))
        .route("/connections/{id}/stream", get(stream))
        .route("/connections/{id}/sync", post(connection_command::sync))
        .route("/connections/{id}/push", post(connection_push::set))
        .route("/connections/{id}/push/retry", post(connection_push::retry))
        .route("/connections/{id}/deletes/{stream}/allow", post(connection_command::allow_deletes))
        .route("/connections/{id}/pause", post(connection_command::pause))
        .route("/connections/{id}/resume", post(connection_command::resume))
        .route("/connections/{id}/check", post(connection_command::check))
}

async fn list(State(hub): State<SharedHub>, frame: ShellOf) -> Result<Html<String>, AppError> {
    let ShellOf { shell, .. } = frame.allow(Action::ManageConnections, Section::Connections)?;
    let connections = store::connection::all(&hub.db).await?;
    let figures = store::operations::figures(&hub.db, None).await?;
    let mut rows: Vec<ConnectionRow> = connections
        .iter()
        .map(|row| {
            let figures = figures.iter().find(|f| f.connection_id == row.id);
            ConnectionRow {
                id: row.id.clone(),
                name: row.name.clone(),
                kind: row.kind.clone(),
                streams: hub
                    .registry
                    .get(&row.id)
                    .map(|l| l.manifest.streams.keys().cloned().collect())
                    .unwrap_or_default(),
                state: states::of_connection(row, figures, hub.clock.now()),
                open_failures: figures.map_or(0, |f| f.open_failures),
                last_ok_at: figures.and_then(|f| f.last_ok_at).map(Timestamp),
                sample: row.sample,
            }
        })
        .collect();
    rows.sort_by_key(|row| row.state.now);
    let catalogue = catalogue(&hub, &shell, &connections);
    Ok(ConnectionsPage { rows, catalogue }.render(&shell))
}

/// Connectors a person may connect; samples are loaded as a pair from [設定].
fn catalogue(hub: &Hub, shell: &Shell, connections: &[Row]) -> Vec<ConnectorCard> {
    let lang = shell.lang.code();
    hub.registry
        .catalogue()
        .iter()
        .filter(|m| !m.sample)
        .map(|m| ConnectorCard {
            name: m.name.clone(),
            title: m.title.get(lang).to_owned(),
            kind: m.kind.as_str().to_owned(),
            description: m.summary.get(lang).to_owned(),
            pulls: m.streams.values().any(musubi_sdk::manifest::StreamSpec::is_pulled),
            pushes: false,
            webhook: m.webhook.is_some(),
            auth: m.auth.word().to_owned(),
            in_use: connections.iter().filter(|c| c.connector == m.name).count() as i64,
        })
        .collect()
}

/// Home, lists and details of connections listen to the same thing: operations moved.
async fn stream(State(hub): State<SharedHub>, frame: ShellOf) -> Result<impl IntoResponse, AppError> {
    frame.me.require(Action::ViewCustomers)?;
    Ok(super::changes(&hub, |change| matches!(change, Change::Run(_) | Change::Operations)))
}
