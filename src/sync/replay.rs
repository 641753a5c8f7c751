//! Failures again: the same payload through today's mapping and today's master record.
//!
//! A preview does everything a replay does and then rolls back, so that its counts are what the
//! replay will do. Only failures that are unresolved when their transaction has its lock are taken: a
//! record that was applied meanwhile is not put back to the state that failed.

use std::sync::Arc;

use musubi_sdk::connector::Record;

use crate::{
    connection::Live,
    master::{Incoming, Outcome, Rejected},
    model::{Id, Timestamp, ids::Noun},
    store::{self, StoreError, Tx, failure::Failure, run},
};

use super::{
    apply,
    committer::{CommitError, Work},
    engine::Engine,
    intake, shape,
};

/// What a replay did or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Replayed {
    pub succeeded: i64,
    pub failed: i64,
    /// Applied as soon as their customer comes.
    pub parked: i64,
}

/// Replays failures. With `preview` nothing is kept.
pub async fn replay(
    engine: &Engine,
    failures: Vec<Failure>,
    actor: &str,
    preview: bool,
) -> Result<Replayed, StoreError> {
    let mut total = Replayed::default();
    let mut rest = failures;
    while let Some(first) = rest.first() {
        let (connection, stream) = (first.connection_id.clone(), first.stream.clone());
        let (group, other): (Vec<_>, Vec<_>) =
            rest.into_iter().partition(|f| f.connection_id == connection && f.stream == stream);
        rest = other;
        let Some(live) = engine.registry.get(&connection) else {
            total.failed += group.len() as i64;
            continue;
        };
        let done = replay_group(engine, &live, &stream, &group, actor, preview).await?;
        total.succeeded += done.succeeded;
        total.failed += done.failed;
        total.parked += done.parked;
    }
    Ok(total)
}

async fn replay_group(
    engine: &Engine,
    live: &Arc<Live>,
    stream: &str,
    group: &[Failure],
    actor: &str,
    preview: bool,
) -> Result<Replayed, StoreError> {
    let Some(kind) = live.kind_of(stream) else {
        return Ok(Replayed { failed: group.len() as i64, ..Replayed::default() });
    };
    let (records, rejected) = map_all(engine, live, stream, group).await?;
    let run_id = Id::new(Noun::Run).into_string();
    let work = Work { records, rejected, replay: true, ..Work::of(live, stream, kind, &run_id, engine.currency) };
    let outcome = if preview { tried(engine, &work, actor).await? } else { done(engine, work, actor).await? };
    let read = outcome.read;
    Ok(Replayed { succeeded: read - outcome.failed - outcome.parked, failed: outcome.failed, parked: outcome.parked })
}

/// Everything a replay does, rolled back.
async fn tried(engine: &Engine, work: &Work, actor: &str) -> Result<Outcome, StoreError> {
    let (tx, outcome) = applied(engine, work, actor, engine.clock.now()).await?;
    tx.rollback().await?;
    Ok(outcome)
}

/// Everything that applying does, in a transaction that the caller looks at and takes back.
pub(super) async fn applied(
    engine: &Engine,
    work: &Work,
    actor: &str,
    now: Timestamp,
) -> Result<(Tx, Outcome), StoreError> {
    let mut tx = engine.db.begin().await?;
    apply::lock(&mut tx, work).await?;
    open(&mut tx, work, actor, now).await?;
    match apply::at_once(&mut tx, work, now).await {
        Ok(outcome) => return Ok((tx, outcome)),
        Err(error) if error.is_outage() => return Err(error),
        Err(_) => tx.rollback().await?,
    }
    let mut tx = engine.db.begin().await?;
    apply::lock(&mut tx, work).await?;
    open(&mut tx, work, actor, now).await?;
    let outcome = apply::row_by_row(&mut tx, work, now).await?;
    Ok((tx, outcome))
}

/// Through the committer, which isolates a record that the database refuses.
async fn done(engine: &Engine, work: Work, actor: &str) -> Result<Outcome, StoreError> {
    let run_id = work.run_id.clone();
    let mut tx = engine.db.begin().await?;
    open(&mut tx, &work, actor, engine.clock.now()).await?;
    tx.commit().await?;
    let applied = engine.committer.apply(work).await;
    let (state, cause) = match &applied {
        Err(_) => ("failed", Some("DB_UNAVAILABLE")),
        Ok(outcome) if outcome.failed > 0 => ("partial", None),
        Ok(outcome) if outcome.parked > 0 => ("partial", Some("REF_CUSTOMER_WAITING")),
        Ok(_) => ("succeeded", None),
    };
    let now = engine.clock.now();
    let finish = run::Finish { id: &run_id, state, requests: 0, throttled: 0, cause, detail: None, now };
    let mut tx = engine.db.begin().await?;
    run::finish(&mut tx, &finish).await?;
    tx.commit().await?;
    let outcome = applied.map_err(|error| match error {
        CommitError::Refused(cause) => StoreError::Corrupt(format!("replay refused: {cause}")),
        _ => StoreError::Away,
    })?;
    engine.announce(&outcome, &run_id);
    Ok(outcome)
}

async fn open(tx: &mut Tx, work: &Work, actor: &str, now: Timestamp) -> Result<(), StoreError> {
    let new = run::New {
        id: &work.run_id,
        connection_id: &work.live.row.id,
        trigger: "replay",
        actor: Some(actor),
        state: "running",
        mapping_version: work.live.row.mapping_version,
        now,
    };
    run::insert(tx, &new).await.map(|_| ())
}

async fn map_all(
    engine: &Engine,
    live: &Live,
    stream: &str,
    group: &[Failure],
) -> Result<(Vec<Incoming>, Vec<Rejected>), StoreError> {
    let (mut records, mut rejected) = (Vec::new(), Vec::new());
    let held = shape::values(&engine.db, live, stream, group.iter().map(|f| f.external_id.as_str())).await?;
    for f in group {
        let record = Record {
            external_id: f.external_id.clone(),
            version: f.source_version,
            body: serde_json::from_str(&f.payload).unwrap_or(serde_json::Value::Null),
            deleted: false,
        };
        match intake::map(live, stream, record, &held, engine.currency) {
            Ok(incoming) => records.push(incoming),
            Err(bad) => rejected.push(*bad),
        }
    }
    Ok((records, rejected))
}

/// Takes one record with a value that a person put in place of the one that did not fit. It is tried first: where
/// it still fails nothing is kept. What the source sent stays with the failure.
///
/// `None`: the failure names no place to put a value.
pub async fn mend(engine: &Engine, failure: Failure, value: &str, actor: &str) -> Result<Option<Replayed>, StoreError> {
    let Some(path) = failure.source_path.as_deref().filter(|path| !path.is_empty()) else { return Ok(None) };
    let mut body = serde_json::from_str(&failure.payload).unwrap_or(serde_json::Value::Null);
    let value = value.trim();
    let new = if value.is_empty() { serde_json::Value::Null } else { value.into() };
    if !musubi_sdk::mapping::Path::parse(path).put(&mut body, new) {
        return Ok(None);
    }
    let mended = Failure { payload: body.to_string(), ..failure };
    let tried = replay(engine, vec![mended.clone()], actor, true).await?;
    if tried.failed > 0 {
        return Ok(Some(tried));
    }
    replay(engine, vec![mended], actor, false).await.map(Some)
}

/// A person chooses not to take a record, with a reason, or takes that back.
pub async fn set_ignored(engine: &Engine, id: &str, ignored: bool, note: &str) -> Result<bool, StoreError> {
    let now = engine.clock.now();
    let mut tx = engine.db.begin().await?;
    let state = if ignored { "ignored" } else { "open" };
    let note = Some(note.trim()).filter(|n| !n.is_empty());
    let changed = store::failure::set_state(&mut tx, id, state, note, now).await?;
    tx.commit().await?;
    Ok(changed)
}
