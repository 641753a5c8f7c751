//! Customers asked for by key: those that records refer to and no page brought.

use std::sync::Arc;

use musubi_sdk::{
    StreamSpec,
    connector::{Record, SourceError},
};
use tokio_util::sync::CancellationToken;

use crate::{
    connection::Live,
    master::Outcome,
    model::{Id, ids::Noun, record::Kind},
    store::{StoreError, run},
};

use super::{committer::Work, engine::Engine, pull::Stop};

/// Keys asked for in one go; the rest comes with the next run.
pub(super) const AT_MOST: usize = 200;

/// What fetching by key brought.
#[derive(Default)]
pub(super) struct Fetched {
    pub requests: i64,
    pub outcome: Outcome,
}

/// Answers that are not applied yet.
struct Answers {
    requests: i64,
    work: Work,
}

/// Asks for one record by key, within the connection's quota. `None`: the hub is stopping.
pub(super) async fn one(
    live: &Live,
    stream: &str,
    key: &str,
    stop: &CancellationToken,
) -> Option<Result<Option<Record>, SourceError>> {
    let asked = async {
        live.quota.acquire().await;
        live.connector.fetch(stream, key).await
    };
    tokio::select! {
        answer = asked => Some(answer),
        () = stop.cancelled() => None,
    }
}

/// Asks for customers by key and applies them; keys the source does not know stay parked.
pub(super) async fn fetch_customers(
    engine: &Engine,
    live: &Arc<Live>,
    keys: impl IntoIterator<Item = String>,
    run_id: &str,
    cancel: &CancellationToken,
) -> Result<Fetched, Stop> {
    let Some(Answers { requests, work }) = ask(engine, live, keys, run_id, cancel).await? else {
        return Ok(Fetched::default());
    };
    Ok(Fetched { requests, outcome: apply(engine, work).await? })
}

/// As [`fetch_customers`], in a run of its own that is opened only when something came.
pub(super) async fn fetch_apart(
    engine: &Engine,
    live: &Arc<Live>,
    keys: impl IntoIterator<Item = String>,
    cancel: &CancellationToken,
) -> Result<(), Stop> {
    let run_id = Id::new(Noun::Run).into_string();
    let answers = ask(engine, live, keys, &run_id, cancel).await?;
    let Some(work) = answers.map(|answers| answers.work).filter(|work| !work.is_empty()) else { return Ok(()) };
    open_run(engine, live, &run_id, "schedule").await?;
    apply(engine, work).await.map(|_| ())
}

/// A run that is never "running": each of its commits is complete by itself. It counts as succeeded until
/// something in it fails.
pub(super) async fn open_run(engine: &Engine, live: &Live, id: &str, trigger: &str) -> Result<(), StoreError> {
    let mut tx = engine.db.begin().await?;
    let new = run::New {
        id,
        connection_id: &live.row.id,
        trigger,
        actor: None,
        state: "succeeded",
        mapping_version: live.row.mapping_version,
        now: engine.clock.now(),
    };
    run::insert(&mut tx, &new).await?;
    tx.commit().await
}

/// `None`: this source is not asked by key.
async fn ask(
    engine: &Engine,
    live: &Arc<Live>,
    keys: impl IntoIterator<Item = String>,
    run_id: &str,
    cancel: &CancellationToken,
) -> Result<Option<Answers>, Stop> {
    let streams = live.origin.streams_of(Kind::Customer);
    let Some(stream) = streams.into_iter().find(|s| live.manifest.stream(s).is_some_and(StreamSpec::is_fetched)) else {
        return Ok(None);
    };
    let work = Work::of(live, &stream, Kind::Customer, run_id, engine.currency);
    let mut answers = Answers { requests: 0, work };
    for key in keys.into_iter().take(AT_MOST) {
        let Some(answer) = one(live, &stream, &key, cancel).await else { return Err(Stop::Cancelled) };
        answers.requests += 1;
        match answer {
            Ok(Some(record)) => {
                answers.work.hold(&engine.db, std::iter::once(record.external_id.as_str())).await?;
                answers.work.add(record);
            }
            Ok(None) => {}
            // What cannot be fetched now waits; parking has its own clock.
            Err(error) => {
                tracing::info!(connection.id = %live.row.id, code = error.code(), "customer cannot be fetched now");
                break;
            }
        }
    }
    Ok(Some(answers))
}

async fn apply(engine: &Engine, work: Work) -> Result<Outcome, Stop> {
    if work.is_empty() {
        return Ok(Outcome::default());
    }
    let run_id = work.run_id.clone();
    let outcome = engine.committer.apply(work).await?;
    engine.announce(&outcome, &run_id);
    Ok(outcome)
}
