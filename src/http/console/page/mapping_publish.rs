//! A draft put in force, forgotten, or made of an older version.

use axum::{
    extract::{RawForm, State},
    response::Response,
};
use musubi_sdk::manifest::MappingSpec;
use serde_json::json;

use super::{
    ShellOf, done,
    mapping_form::{Sent, Where},
    outcome::conclude,
};
use crate::{
    app::SharedHub,
    connection::mapping::{self, MappingError},
    http::AppError,
    identity::{Action, Origin},
    model::Timestamp,
    store,
    sync::replay,
};

/// Failures that publishing replays.
const REPLAYED: i64 = 1_000;

/// From the next record on the draft holds.
pub async fn publish(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    place: Where,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    let sent = Sent::open(&hub, frame, origin, place, &body).await?;
    let (live, stream) = (&sent.desk.live, &sent.desk.stream);
    let now = hub.clock.now();
    let again = match sent.posted.get("again") {
        "all" => Some(Timestamp(0)),
        "days" => match sent.posted.get("days").parse::<i64>().ok().filter(|days| (1..=3650).contains(days)) {
            Some(days) => Some(now.plus(-days * Timestamp::DAY)),
            None => return sent.refused("MAP_DAYS", "").await,
        },
        _ => None,
    };
    let comment: String = sent.posted.get("comment").chars().take(200).collect();
    let mut tx = hub.db.begin().await?;
    let version = match mapping::publish(&mut tx, live, stream, Some(&comment), sent.by(now)).await {
        Ok(version) => version,
        Err(error) => {
            tx.rollback().await?;
            return sent.wrong(error).await;
        }
    };
    if let Some(since) = again {
        store::connection::ask_again(&mut tx, &live.row.id, stream, since).await?;
        store::connection::request(&mut tx, &live.row.id, &sent.me.user_id, now).await?;
    }
    let detail = json!({"stream": stream, "version": version, "reprocess": sent.posted.get("again")});
    conclude(tx, sent.act("mapping.publish").detail(detail), now).await?;
    hub.registry.reload(&hub.db, &hub.keys).await?;
    hub.engine.due_changed.notify_one();
    let mut said = ("mapping_published", None);
    if sent.posted.get("failures") == "yes" && sent.me.can(Action::ReplayFailures) {
        let failures = store::failure::of_stream(&hub.db, &sent.me.view, &live.row.id, stream, REPLAYED).await?;
        let replayed = replay::replay(&hub.engine, failures, &sent.me.user_id, false).await?;
        said = match store::failure::open_of_stream(&hub.db, &live.row.id, stream).await? {
            0 => ("mapping_published_replayed", Some(replayed.succeeded + replayed.parked)),
            left => ("mapping_published_left_failed", Some(left)),
        };
    }
    Ok(done(&sent.desk.address(), said.0, said.1))
}

/// Forgets the draft.
pub async fn discard(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    place: Where,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    let sent = Sent::open(&hub, frame, origin, place, &body).await?;
    let now = hub.clock.now();
    let mut tx = hub.db.begin().await?;
    let (id, stream) = (&sent.desk.live.row.id, &sent.desk.stream);
    if !store::mapping::drop_draft(&mut tx, id, stream, sent.posted.revision()).await? {
        tx.rollback().await?;
        return sent.wrong(MappingError::Overtaken).await;
    }
    conclude(tx, sent.act("mapping.discard").detail(json!({"stream": stream})), now).await?;
    Ok(done(&sent.desk.address(), "mapping_discarded", None))
}

/// Takes an older version up as the draft.
pub async fn restore(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    place: Where,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    let sent = Sent::open(&hub, frame, origin, place, &body).await?;
    let now = hub.clock.now();
    let version = sent.posted.get("version").parse().unwrap_or(0);
    let (live, stream) = (&sent.desk.live, &sent.desk.stream);
    let connector = hub.registry.catalogue().get(&live.row.connector).ok_or(AppError::NotFound)?;
    let spec: MappingSpec = match mapping::version(&hub.db, connector, &live.row.id, stream, version).await {
        Ok(spec) => spec,
        Err(MappingError::Store(error)) => return Err(error.into()),
        Err(_) => return Err(AppError::NotFound),
    };
    let mut tx = hub.db.begin().await?;
    let base = (sent.desk.standing.version, &spec);
    if let Err(error) = mapping::take_up(&mut tx, live, stream, base, sent.by(now)).await {
        tx.rollback().await?;
        return sent.wrong(error).await;
    }
    let detail = json!({"stream": stream, "version": version});
    conclude(tx, sent.act("mapping.restore").detail(detail), now).await?;
    Ok(done(&format!("{}?view=diff", sent.desk.address()), "mapping_restored", None))
}
