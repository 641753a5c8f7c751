//! Customers asked for by key: those that records refer to and no page brought.

use std::sync::Arc;

use musubi_sdk::StreamSpec;
use tokio_util::sync::CancellationToken;

use crate::{
    connection::Live,
    master::{Incoming, Outcome, Rejected},
    model::{Id, ids::Noun, record::Kind},
    store::{StoreError, run},
};

use super::{committer::Work, engine::Engine, intake, pull::Stop};

/// Keys asked for in one go; the rest comes with the next run.
pub(super) const AT_MOST: usize = 200;

/// What fetching by key brought.
#[derive(Default)]
pub(super) struct Fetched {
    pub requests: i64,
    pub outcome: Outcome,
}

/// Answers that are not applied yet.
#[derive(Default)]
struct Answers {
    stream: String,
    requests: i64,
    records: Vec<Incoming>,
    rejected: Vec<Rejected>,
}

/// Asks for customers by key and applies them; keys the source does not know stay parked.
pub(super) async fn fetch_customers(
    engine: &Engine,
    live: &Arc<Live>,
    keys: impl IntoIterator<Item = String>,
    run_id: &str,
    cancel: &CancellationToken,
) -> Result<Fetched, Stop> {
    let answers = ask(engine, live, keys, cancel).await?;
    let requests = answers.requests;
    Ok(Fetched { requests, outcome: apply(engine, live, answers, run_id).await? })
}

/// As [`fetch_customers`], in a run of its own that is opened only when something came.
pub(super) async fn fetch_apart(
    engine: &Engine,
    live: &Arc<Live>,
    keys: impl IntoIterator<Item = String>,
    cancel: &CancellationToken,
) -> Result<(), Stop> {
    let answers = ask(engine, live, keys, cancel).await?;
    if answers.records.is_empty() && answers.rejected.is_empty() {
        return Ok(());
    }
    let run_id = Id::new(Noun::Run).into_string();
    open_run(engine, live, &run_id, "schedule").await?;
    apply(engine, live, answers, &run_id).await.map(|_| ())
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

async fn ask(
    engine: &Engine,
    live: &Arc<Live>,
    keys: impl IntoIterator<Item = String>,
    cancel: &CancellationToken,
) -> Result<Answers, Stop> {
    let mut answers = Answers::default();
    let streams = live.origin.streams_of(Kind::Customer);
    let Some(stream) = streams.into_iter().find(|s| live.manifest.stream(s).is_some_and(StreamSpec::is_fetched)) else {
        return Ok(answers);
    };
    for key in keys.into_iter().take(AT_MOST) {
        let asked = async {
            live.quota.acquire().await;
            live.connector.fetch(&stream, &key).await
        };
        let answer = tokio::select! {
            answer = asked => answer,
            () = cancel.cancelled() => return Err(Stop::Cancelled),
        };
        answers.requests += 1;
        match answer {
            Ok(Some(record)) => match intake::map(live, &stream, record, engine.currency) {
                Ok(incoming) => answers.records.push(incoming),
                Err(bad) => answers.rejected.push(*bad),
            },
            Ok(None) => {}
            // What cannot be fetched now waits; parking has its own clock.
            Err(error) => {
                tracing::info!(connection.id = %live.row.id, code = error.code(), "customer cannot be fetched now");
                break;
            }
        }
    }
    answers.stream = stream;
    Ok(answers)
}

async fn apply(engine: &Engine, live: &Arc<Live>, answers: Answers, run_id: &str) -> Result<Outcome, Stop> {
    if answers.records.is_empty() && answers.rejected.is_empty() {
        return Ok(Outcome::default());
    }
    let work = Work {
        live: live.clone(),
        stream: answers.stream,
        kind: Kind::Customer,
        run_id: run_id.to_owned(),
        currency: engine.currency,
        records: answers.records,
        rejected: answers.rejected,
        cursor: None,
        stream_state: "succeeded",
        deliveries: Vec::new(),
        fresh: false,
        replay: false,
        back: false,
    };
    let outcome = engine.committer.apply(work).await?;
    engine.announce(&outcome, run_id);
    Ok(outcome)
}
