//! Failures again: the same payload through today's mapping and today's master record.
//!
//! A preview does everything a replay does and then rolls back, so that its counts are what the
//! replay will do. Replaying is idempotent: a record that is applied meanwhile changes nothing.

use std::sync::Arc;

use musubi_sdk::connector::Record;

use crate::{
    connection::Live,
    master::{self, Chunk, Incoming, Rejected},
    model::{Id, Timestamp, ids::Noun, record::Kind},
    store::{self, StoreError, failure::Failure, run},
};

use super::{engine::Engine, intake};

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
    let (records, rejected) = map_all(engine, live, stream, group);
    let now = engine.clock.now();
    let run_id = Id::new(Noun::Run).into_string();
    let mut tx = engine.db.begin().await?;
    let new = run::New {
        id: &run_id,
        connection_id: &live.row.id,
        trigger: "replay",
        actor: Some(actor),
        state: if rejected.is_empty() { "succeeded" } else { "partial" },
        mapping_version: live.row.mapping_version,
        now,
    };
    run::insert(&mut tx, &new).await?;
    let chunk = chunk(engine, live, stream, kind, &run_id, now, &records, &rejected);
    let outcome = master::ingest::apply(&mut tx, &chunk).await?;
    let counts = run::Counts {
        read: outcome.read,
        new: outcome.new,
        updated: outcome.updated,
        unchanged: outcome.unchanged,
        parked: outcome.parked,
        failed: outcome.failed,
    };
    run::add_counts(&mut tx, &run_id, stream, "succeeded", &counts, None).await?;
    let finish =
        run::Finish { id: &run_id, state: new.state, requests: 0, throttled: 0, cause: None, detail: None, now };
    run::finish(&mut tx, &finish).await?;
    if preview {
        tx.rollback().await?;
    } else {
        tx.commit().await?;
        engine.announce(&outcome, &run_id);
    }
    let read = outcome.read;
    Ok(Replayed { succeeded: read - outcome.failed - outcome.parked, failed: outcome.failed, parked: outcome.parked })
}

fn map_all(engine: &Engine, live: &Live, stream: &str, group: &[Failure]) -> (Vec<Incoming>, Vec<Rejected>) {
    let (mut records, mut rejected) = (Vec::new(), Vec::new());
    for f in group {
        let record = Record {
            external_id: f.external_id.clone(),
            version: f.source_version,
            body: serde_json::from_str(&f.payload).unwrap_or(serde_json::Value::Null),
            deleted: false,
        };
        match intake::map(live, stream, record, engine.currency) {
            Ok(incoming) => records.push(incoming),
            Err(bad) => rejected.push(*bad),
        }
    }
    (records, rejected)
}

#[expect(clippy::too_many_arguments, reason = "the fields of one plain struct, gathered in one place")]
fn chunk<'a>(
    engine: &Engine,
    live: &'a Live,
    stream: &'a str,
    kind: Kind,
    run_id: &'a str,
    now: Timestamp,
    records: &'a [Incoming],
    rejected: &'a [Rejected],
) -> Chunk<'a> {
    Chunk {
        origin: &live.origin,
        stream,
        kind,
        run_id: Some(run_id),
        now,
        currency: engine.currency,
        records,
        rejected,
    }
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
