//! Applies stored deliveries: what a webhook brought becomes history.
//!
//! Each connection's deliveries are worked on by themselves, so that one slow system holds up nobody
//! else. A delivery is claimed in the transaction that applies its record: whoever commits first has
//! it, a second node finds nothing left to do. Deliveries that only name a record are fetched first.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use musubi_sdk::{
    connector::Record,
    webhook::{self, Event},
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    connection::Live,
    model::{Id, Timestamp, ids::Noun, record::Kind},
    store::{
        self, StoreError,
        inbox::{Applied, Pending},
        run,
    },
};

use super::{
    backoff,
    committer::{CommitError, Work},
    engine::Engine,
    failpoint, intake, pull,
};

/// A run gathers the deliveries of a connection for this long.
const RUN_SPAN: i64 = Timestamp::MINUTE;

/// The webhook run that a connection's deliveries are counted in now.
type Runs = Arc<Mutex<HashMap<String, (String, Timestamp)>>>;

/// Works until `stop`, then finishes what is in hand.
pub async fn run(engine: Engine, stop: CancellationToken) {
    let runs: Runs = Arc::default();
    let mut busy: HashSet<String> = HashSet::new();
    let mut tasks: JoinSet<String> = JoinSet::new();
    loop {
        let now = engine.clock.now();
        let limit = i64::try_from(engine.inbox.batch).unwrap_or(500);
        let rows = match store::inbox::pending(&engine.db, &engine.node, now, limit, busy.iter()).await {
            Ok(rows) => rows,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "inbox cannot be read, trying again");
                Vec::new()
            }
        };
        for (connection, rows) in by_connection(rows) {
            busy.insert(connection.clone());
            let (engine, runs, stop) = (engine.clone(), runs.clone(), stop.clone());
            tasks.spawn(async move {
                Box::pin(Batch { engine: &engine, runs: &runs, stop: &stop }.process(&connection, rows)).await;
                connection
            });
        }
        tokio::select! {
            () = stop.cancelled() => break,
            Some(done) = tasks.join_next() => forget(&mut busy, done),
            () = engine.inbox_waiting.notified() => {}
            () = tokio::time::sleep(engine.settings.poll.0) => {}
        }
    }
    while tasks.join_next().await.is_some() {}
}

fn forget(busy: &mut HashSet<String>, done: Result<String, tokio::task::JoinError>) {
    match done {
        Ok(connection) => {
            busy.remove(&connection);
        }
        // A panic took the name with it: everything may be asked for again.
        Err(error) => {
            tracing::error!(%error, "inbox task ended unexpectedly");
            busy.clear();
        }
    }
}

fn by_connection(rows: Vec<Pending>) -> Vec<(String, Vec<Pending>)> {
    let mut out: Vec<(String, Vec<Pending>)> = Vec::new();
    for row in rows {
        match out.iter_mut().find(|(id, _)| *id == row.connection_id) {
            Some((_, list)) => list.push(row),
            None => out.push((row.connection_id.clone(), vec![row])),
        }
    }
    out
}

struct Batch<'a> {
    engine: &'a Engine,
    runs: &'a Runs,
    stop: &'a CancellationToken,
}

/// What a delivery turned out to be.
enum Reading {
    Events(Vec<Event>),
    /// Nothing in it that anybody asked for.
    Nothing,
    Unreadable(&'static str),
}

impl Batch<'_> {
    async fn process(&self, connection: &str, rows: Vec<Pending>) {
        if let Err(error) = self.try_process(connection, &rows).await {
            tracing::warn!(connection.id = %connection, error = &error as &dyn std::error::Error,
                "deliveries wait: they cannot be applied now");
            // The rows are untouched; a pause keeps an outage from being hammered.
            tokio::time::sleep(self.engine.settings.poll.0).await;
        }
    }

    async fn try_process(&self, connection: &str, rows: &[Pending]) -> Result<(), CommitError> {
        let Some(live) = self.live(connection).await? else {
            return self.close_all(rows, "failed", "CONNECTION_UNKNOWN").await;
        };
        let run_id = self.run_of(&live).await?;
        let mut works: Vec<Work> = Vec::new();
        let mut several = Vec::new();
        for row in rows {
            match read(&live, &row.body) {
                Reading::Nothing => self.close_all(std::slice::from_ref(row), "ignored", "HOOK_EVENT_UNKNOWN").await?,
                Reading::Unreadable(cause) => self.close_all(std::slice::from_ref(row), "failed", cause).await?,
                Reading::Events(events) => {
                    let one = events.len() == 1;
                    for event in events {
                        self.add(&live, &run_id, row, event, one, &mut works).await?;
                    }
                    if !one {
                        several.push(row);
                    }
                }
            }
        }
        failpoint::pass("inbox.before_submit");
        self.submit(&live, &run_id, works).await?;
        // Deliveries of several events are closed after all their records: applying them again after a
        // crash in between changes nothing.
        for row in several {
            self.close_all(std::slice::from_ref(row), "applied", "").await?;
        }
        failpoint::pass("inbox.after_submit");
        Ok(())
    }

    async fn live(&self, connection: &str) -> Result<Option<Arc<Live>>, CommitError> {
        if let Some(live) = self.engine.registry.get(connection) {
            return Ok(Some(live));
        }
        self.engine.registry.reload(&self.engine.db, &self.engine.keys).await?;
        Ok(self.engine.registry.get(connection))
    }

    /// Adds an event's record to the work of its stream, fetching it where the event only names it.
    async fn add(
        &self,
        live: &Arc<Live>,
        run_id: &str,
        row: &Pending,
        event: Event,
        claim: bool,
        works: &mut Vec<Work>,
    ) -> Result<(), CommitError> {
        let Some(kind) = live.kind_of(&event.stream) else { return Ok(()) };
        let key = event.external_id.clone().unwrap_or_default();
        let record = match event.record {
            Some(body) => Record { external_id: key.clone(), version: event.version, body, deleted: event.deleted },
            None if event.deleted => {
                let body = serde_json::Value::Null;
                Record { external_id: key.clone(), version: event.version, body, deleted: true }
            }
            None => match self.fetch(live, &event.stream, &key, row).await? {
                Some(record) => record,
                None => return Ok(()),
            },
        };
        let mapped = intake::map(live, &event.stream, record, self.engine.currency);
        let state = if mapped.is_err() { "failed" } else { "applied" };
        let cause = mapped.as_ref().err().map(|r| r.cause.clone());
        let work = work_for(works, live, run_id, &event.stream, kind, self.engine.currency);
        if claim {
            work.deliveries.push(Applied {
                id: row.id.clone(),
                event: Some(event.name),
                object: Some(format!("{}/{key}", event.stream)),
                cause,
                state,
            });
        }
        match mapped {
            Ok(incoming) => work.records.push(incoming),
            Err(bad) => work.rejected.push(bad),
        }
        Ok(())
    }

    /// Fetches the record an event names. `None`: the delivery is settled otherwise or put off.
    async fn fetch(&self, live: &Live, stream: &str, key: &str, row: &Pending) -> Result<Option<Record>, CommitError> {
        live.quota.acquire().await;
        let error = match live.connector.fetch(stream, key).await {
            Ok(Some(record)) => return Ok(Some(record)),
            // The source announced a record and does not have it (any more): nothing to apply.
            Ok(None) => {
                self.close_all(std::slice::from_ref(row), "ignored", "SRC_NOT_FOUND").await?;
                return Ok(None);
            }
            Err(error) => error,
        };
        let attempt = u32::try_from(row.attempts + 1).unwrap_or(u32::MAX);
        let inbox = &self.engine.inbox;
        if attempt >= inbox.attempts {
            self.close_all(std::slice::from_ref(row), "failed", error.code()).await?;
            return Ok(None);
        }
        let wait = backoff::delay(attempt, inbox.retry_first.0, inbox.retry_max.0, None);
        let until = self.engine.clock.now().plus(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX));
        let mut tx = self.engine.db.begin().await?;
        store::inbox::postpone(&mut tx, &row.id, error.code(), until, &self.engine.node).await?;
        tx.commit().await?;
        Ok(None)
    }

    /// Applies the works, what is referred to first, then asks for customers nobody knows yet.
    async fn submit(&self, live: &Arc<Live>, run_id: &str, mut works: Vec<Work>) -> Result<(), CommitError> {
        works.sort_by_key(|w| w.kind);
        let mut missing = HashSet::new();
        for work in works {
            let outcome = self.engine.committer.apply(work).await?;
            missing.extend(outcome.missing.iter().cloned());
            self.engine.announce(&outcome, run_id);
        }
        if !missing.is_empty() {
            // Trouble here is not the deliveries' trouble: their records are parked and safe.
            let _ = pull::fetch_customers(self.engine, live, missing, run_id, self.stop).await;
        }
        Ok(())
    }

    async fn close_all(&self, rows: &[Pending], state: &'static str, cause: &str) -> Result<(), CommitError> {
        let ids: Vec<&str> = rows.iter().map(|r| r.id.as_str()).collect();
        let now = self.engine.clock.now();
        let mut tx = self.engine.db.begin().await?;
        let claimed = store::inbox::claim(&mut tx, &ids, now).await?;
        let cause = Some(cause).filter(|c| !c.is_empty()).map(str::to_owned);
        let applied: Vec<Applied> = claimed
            .into_iter()
            .map(|id| Applied { id, event: None, object: None, cause: cause.clone(), state })
            .collect();
        store::inbox::describe(&mut tx, None, &applied).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The run in which this minute's deliveries of a connection are counted.
    async fn run_of(&self, live: &Live) -> Result<String, CommitError> {
        let now = self.engine.clock.now();
        let current = self.runs.lock().unwrap_or_else(PoisonError::into_inner).get(&live.row.id).cloned();
        if let Some((id, since)) = current
            && now.since(since) < RUN_SPAN
        {
            return Ok(id);
        }
        let id = Id::new(Noun::Run).into_string();
        open_webhook_run(self.engine, live, &id, now).await?;
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).insert(live.row.id.clone(), (id.clone(), now));
        Ok(id)
    }
}

/// A webhook run is never "running": each of its commits is complete by itself.
async fn open_webhook_run(engine: &Engine, live: &Live, id: &str, now: Timestamp) -> Result<(), StoreError> {
    let mut tx = engine.db.begin().await?;
    let new = run::New {
        id,
        connection_id: &live.row.id,
        trigger: "webhook",
        actor: None,
        state: "succeeded",
        mapping_version: live.row.mapping_version,
        now,
    };
    run::insert(&mut tx, &new).await?;
    tx.commit().await
}

fn read(live: &Live, body: &[u8]) -> Reading {
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(body) else {
        return Reading::Unreadable("HOOK_NOT_JSON");
    };
    match webhook::events(&live.manifest, &value) {
        Ok(events) if events.is_empty() => Reading::Nothing,
        Ok(events) => Reading::Events(events),
        Err(refusal) => Reading::Unreadable(refusal.code),
    }
}

fn work_for<'w>(
    works: &'w mut Vec<Work>,
    live: &Arc<Live>,
    run_id: &str,
    stream: &str,
    kind: Kind,
    currency: crate::model::Currency,
) -> &'w mut Work {
    let at = works.iter().position(|w| w.stream == stream).unwrap_or_else(|| {
        works.push(Work {
            live: live.clone(),
            stream: stream.to_owned(),
            kind,
            run_id: run_id.to_owned(),
            currency,
            records: Vec::new(),
            rejected: Vec::new(),
            cursor: None,
            stream_state: "succeeded",
            deliveries: Vec::new(),
            fresh: true,
        });
        works.len() - 1
    });
    &mut works[at]
}
