//! `/webhooks`: what was delivered, what became of it, what was refused.

use axum::{
    Router,
    extract::{Path, Query, State},
    response::{Html, Response},
    routing::{get, post},
};
use serde::Deserialize;

use super::{
    ShellOf, done,
    outcome::{Act, audited},
};
use crate::{
    app::{Hub, SharedHub},
    http::{
        AppError,
        console::{
            Section,
            view::{
                Page,
                webhook::{Changed, Refusal, WebhookPage, WebhookRow, WebhooksPage},
            },
        },
    },
    identity::{Action, Origin},
    model::Timestamp,
    store::{self, operations::Delivery},
};

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/webhooks", get(list))
        .route("/webhooks/{id}", get(show))
        .route("/webhooks/{id}/replay", post(replay))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ListQuery {
    connection: String,
    state: String,
    after: Option<String>,
}

const ROWS: i64 = 50;
/// Longest body that is shown.
const BODY: usize = 64 * 1024;

async fn list(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    Query(query): Query<ListQuery>,
) -> Result<Html<String>, AppError> {
    let ShellOf { shell, .. } = frame.allow(Action::ViewOperations, Section::Webhooks)?;
    let connection = Some(query.connection.as_str()).filter(|c| !c.is_empty());
    let state =
        if ["pending", "applied", "failed", "ignored"].contains(&query.state.as_str()) { &query.state } else { "" };
    let rows = store::operations::deliveries(&hub.db, connection, state, query.after.as_deref(), ROWS).await?;
    let next = (rows.len() as i64 == ROWS).then(|| rows.last().map(|r| next_url(&query, &r.id))).flatten();
    let since = hub.clock.now().plus(-7 * Timestamp::DAY);
    let refusals = store::operations::refusals(&hub.db, connection, since, 20).await?;
    let receiving: Vec<_> = hub.registry.all().into_iter().filter(|l| l.hook.is_some()).collect();
    let address = |id: &str| hub.edge.public_url.join(&format!("hooks/{id}")).map(String::from).unwrap_or_default();
    let page = WebhooksPage {
        rows: rows.into_iter().map(row).collect(),
        refusals: refusals
            .into_iter()
            .map(|r| Refusal {
                at: Timestamp(r.at),
                kind: r.kind,
                connection_name: r.connection_name,
                cause: r.cause,
                detail: r.detail,
                times: r.times,
            })
            .collect(),
        connection: query.connection.clone(),
        connections: receiving.iter().map(|l| (l.row.id.clone(), l.row.name.clone())).collect(),
        state: state.to_owned(),
        next,
        retention_days: i64::try_from(hub.config.retention.inbox.0.as_secs() / 86_400).unwrap_or(0),
        addresses: receiving.iter().map(|l| (l.row.name.clone(), address(&l.row.id))).collect(),
        test_command: receiving
            .first()
            .map(|l| format!("curl -i -X POST {} -H 'content-type: application/json' -d '{{}}'", address(&l.row.id)))
            .unwrap_or_default(),
    };
    Ok(page.render(&shell))
}

fn next_url(query: &ListQuery, after: &str) -> String {
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in [("connection", query.connection.as_str()), ("state", &query.state), ("after", after)] {
        if !value.is_empty() {
            out.append_pair(name, value);
        }
    }
    format!("/webhooks?{}", out.finish())
}

fn row(d: Delivery) -> WebhookRow {
    let waiting = d.state == "pending" && d.attempts > 0;
    WebhookRow {
        id: d.id,
        at: Timestamp(d.received_at),
        kind: d.kind,
        connection_name: d.connection_name,
        event: d.event,
        object: d.object,
        took: d.applied_at.map(|at| (at - d.received_at).max(0)),
        next_try: waiting.then_some(Timestamp(d.not_before)),
        state: d.state,
        cause: d.cause,
        attempts: d.attempts,
        duplicates: d.duplicates,
    }
}

async fn show(State(hub): State<SharedHub>, frame: ShellOf, Path(id): Path<String>) -> Result<Html<String>, AppError> {
    let ShellOf { shell, .. } = frame.allow(Action::ViewOperations, Section::Webhooks)?;
    let delivery = store::operations::delivery(&hub.db, &id).await?.ok_or(AppError::NotFound)?;
    let (headers, body) = store::operations::delivery_content(&hub.db, &id).await?.ok_or(AppError::NotFound)?;
    let headers: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&headers).unwrap_or_default();
    let run = store::operations::run_numbers(&hub.db, delivery.run_id.as_deref().into_iter()).await?;
    let page = WebhookPage {
        connection_id: delivery.connection_id.clone(),
        delivery_id: delivery.delivery_id.clone(),
        headers: headers.into_iter().map(|(k, v)| (k, v.as_str().unwrap_or("…").to_owned())).collect(),
        body: shown(&body),
        body_bytes: i64::try_from(body.len()).unwrap_or(i64::MAX),
        run: run.into_iter().next(),
        changed: changed(&hub, &delivery).await?,
        may_replay: delivery.state != "pending",
        row: row(delivery),
    };
    Ok(page.render(&shell))
}

/// A body for people: indented where it is JSON, and not endless.
pub fn shown(body: &[u8]) -> String {
    let text = serde_json::from_slice::<serde_json::Value>(body)
        .ok()
        .and_then(|v| serde_json::to_string_pretty(&v).ok())
        .unwrap_or_else(|| String::from_utf8_lossy(body).into_owned());
    if text.len() <= BODY {
        return text;
    }
    let mut end = BODY;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

async fn changed(hub: &Hub, delivery: &Delivery) -> Result<Vec<Changed>, AppError> {
    let Some((stream, key)) = delivery.object.as_deref().and_then(|o| o.split_once('/')) else {
        return Ok(Vec::new());
    };
    let found = store::operations::changed_customer(&hub.db, &delivery.connection_id, stream, key).await?;
    Ok(found
        .into_iter()
        .map(|(customer_id, customer_name)| Changed { customer_id, customer_name, label: key.to_owned() })
        .collect())
}

async fn replay(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    frame.me.require(Action::ManageConnections)?;
    let mut tx = hub.db.begin().await?;
    let asked = store::inbox::replay(&mut tx, &id, hub.clock.now()).await?;
    if asked.is_some() {
        audited(&mut tx, Act::on(&frame.me, &origin, "webhook.replay", "webhook", &id), hub.clock.now()).await?;
    }
    tx.commit().await?;
    if let Some(connection) = &asked {
        hub.engine.knocks.knock(connection);
    }
    let said = if asked.is_some() { "hook_replayed" } else { "hook_replay_failed" };
    Ok(done(&format!("/webhooks/{id}"), said, None))
}
