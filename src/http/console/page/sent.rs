//! `/webhooks/sent`: what was told to whom, and what became of it.

use axum::{
    Router,
    extract::{Path, Query, RawForm, State},
    response::{Html, Response},
    routing::{get, post},
};
use serde::Deserialize;

use super::{
    ShellOf, done,
    outcome::{Act, audited},
    receivers,
};
use crate::{
    app::{Hub, SharedHub},
    http::{
        AppError,
        console::{
            Section,
            view::{
                Page,
                receiver::{SentAttempt, SentDetailPage, SentPage, SentRow},
            },
        },
    },
    identity::{Action, Origin},
    model::{Timestamp, View},
    store::{
        event::{self, Again},
        read_event::{self, Filter, Told},
        receiver,
    },
    sync::webhooks,
};

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/webhooks/sent", get(list))
        .route("/webhooks/sent/again", post(again))
        .route("/webhooks/sent/{receiver}/{event}", get(show))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ListQuery {
    receiver: String,
    state: String,
    after: String,
}

const ROWS: i64 = 50;

async fn list(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    Query(query): Query<ListQuery>,
) -> Result<Html<String>, AppError> {
    let ShellOf { shell, me, .. } = frame.allow(Action::ViewOperations, Section::Webhooks)?;
    let now = hub.clock.now();
    let state = if ["pending", "delivered", "dead"].contains(&query.state.as_str()) { &query.state } else { "" };
    let filter = Filter { receiver: &query.receiver, state, customer: "", before: query.after.split_once('/') };
    let (receivers, figures, told) = tokio::try_join!(
        receiver::all(&hub.db),
        read_event::figures(&hub.db, now.plus(-Timestamp::DAY)),
        read_event::told(&hub.db, &filter, ROWS),
    )?;
    let more = told.last().filter(|_| told.len() as i64 == ROWS);
    let next = more.map(|last| next_url(&query, &format!("{}/{}", last.event_id, last.receiver_id)));
    let page = SentPage {
        receivers: receivers.into_iter().map(|r| receivers::row(r, &figures, now)).collect(),
        rows: told.into_iter().map(|t| row(&hub, &me.view, t)).collect(),
        receiver: query.receiver.clone(),
        state: state.to_owned(),
        next,
        retention_days: i64::try_from(hub.config.retention.events.0.as_secs() / 86_400).unwrap_or(0),
    };
    Ok(page.render(&shell))
}

fn next_url(query: &ListQuery, after: &str) -> String {
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in [("receiver", query.receiver.as_str()), ("state", &query.state), ("after", after)] {
        if !value.is_empty() {
            out.append_pair(name, value);
        }
    }
    format!("/webhooks/sent?{}", out.finish())
}

fn row(hub: &Hub, view: &View, t: Told) -> SentRow {
    let customer = t.customer_id.map(|id| {
        let name = hub.directory.get(view, &id).map_or_else(|| id.clone(), |entry| entry.name);
        (id, name)
    });
    SentRow {
        receiver_id: t.receiver_id,
        receiver_name: t.receiver_name,
        event_id: t.event_id,
        at: Timestamp(t.at),
        kind: t.kind,
        customer,
        next_try: (t.state == "retrying").then_some(Timestamp(t.not_before)),
        state: t.state,
        status: t.status,
        cause: t.cause,
        attempts: t.attempts,
    }
}

async fn show(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    Path((receiver_id, event_id)): Path<(String, String)>,
) -> Result<Html<String>, AppError> {
    let ShellOf { shell, me, .. } = frame.allow(Action::ViewOperations, Section::Webhooks)?;
    let told = read_event::one(&hub.db, &receiver_id, &event_id).await?.ok_or(AppError::NotFound)?;
    let to = receiver::get(&hub.db, &receiver_id).await?.ok_or(AppError::NotFound)?;
    let attempts = read_event::attempts(&hub.db, &receiver_id, &event_id).await?;
    let content = event::contents(&hub.db, &[&event_id]).await?;
    let letter = content.first().and_then(webhooks::letter::letter);
    let page = SentDetailPage {
        row: row(&hub, &me.view, told),
        url: to.url,
        body: letter.map(|letter| super::hooks::shown(&letter.body)).unwrap_or_default(),
        attempts: attempts
            .into_iter()
            .map(|a| SentAttempt {
                at: Timestamp(a.at),
                status: a.status,
                cause: a.cause,
                answer: a.answer,
                took_ms: a.took_ms,
            })
            .collect(),
    };
    Ok(page.render(&shell))
}

/// The chosen ones again: `which` is `receiver/event`, as often as it was chosen.
async fn again(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    frame.me.require(Action::ManageConnections)?;
    let (mut back, mut chosen): (String, Vec<(String, String)>) = ("/webhooks/sent".into(), Vec::new());
    for (key, value) in url::form_urlencoded::parse(&body) {
        match (key.as_ref(), value.split_once('/')) {
            ("which", Some((receiver, event))) => chosen.push((receiver.to_owned(), event.to_owned())),
            ("back", _) => back = value.into_owned(),
            _ => {}
        }
    }
    let now = hub.clock.now();
    let (mut tx, mut n) = (hub.db.begin().await?, 0);
    for to in receiver::all(&mut tx).await? {
        let events: Vec<&str> = chosen.iter().filter(|(r, _)| *r == to.id).map(|(_, event)| event.as_str()).collect();
        if !events.is_empty() {
            n += event::again(&mut tx, &to, &Again::These(&events), now).await?;
            audited(&mut tx, Act::on(&frame.me, &origin, "receiver.replay", "receiver", &to.id), now).await?;
        }
    }
    tx.commit().await?;
    hub.engine.told.notify_one();
    Ok(if n == 0 { done(&back, "sent_again_failed", None) } else { done(&back, "sent_again", i64::try_from(n).ok()) })
}
