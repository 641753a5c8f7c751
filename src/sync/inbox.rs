//! Applies stored deliveries: what a webhook brought becomes history.
//!
//! Each connection's deliveries are worked on by themselves, so that one slow system holds up nobody
//! else. A delivery is claimed in the transaction that applies its record: whoever commits first has
//! it, a second node finds nothing left to do. Deliveries that only name a record are fetched first.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use musubi_sdk::{
    connector::{Record, SourceError},
    webhook::{self, Event},
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    connection::Live,
    model::{Id, Timestamp, ids::Noun, record::Kind, time::micros},
    store::{
        self,
        inbox::{Applied, Pending},
    },
};

use super::{
    backoff,
    committer::{CommitError, Work},
    engine::Engine,
    failpoint, fetch, intake, shape,
};

/// A run gathers the deliveries of a connection for this long.
const RUN_SPAN: i64 = Timestamp::MINUTE;

/// Bodies of a connection read in one round.
const ROUND_BYTES: i64 = 8 * 1024 * 1024;

/// The webhook run that a connection's deliveries are counted in now.
type Runs = Arc<Mutex<HashMap<String, (String, Timestamp)>>>;

/// Works until `stop`, then finishes what is in hand.
pub async fn run(engine: Engine, stop: CancellationToken) {
    let runs: Runs = Arc::default();
    // Connections that are being worked on, and which of them knocked meanwhile.
    let mut busy: HashMap<String, bool> = HashMap::new();
    let mut tasks: JoinSet<(String, bool)> = JoinSet::new();
    let mut poll = tokio::time::interval(engine.settings.poll.0);
    poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let waiting = tokio::select! {
            () = stop.cancelled() => break,
            Some(done) = tasks.join_next() => after(&mut busy, done),
            names = engine.knocks.heard() => names,
            // What another node left behind, what was put off, what came before this process.
            _ = poll.tick() => waiting_connections(&engine).await,
        };
        for connection in waiting {
            if let Some(again) = busy.get_mut(&connection) {
                *again = true;
                continue;
            }
            busy.insert(connection.clone(), false);
            let (engine, runs, stop) = (engine.clone(), runs.clone(), stop.clone());
            tasks.spawn(async move {
                let batch = Batch { engine: &engine, runs: &runs, stop: &stop };
                let more = Box::pin(batch.next(&connection)).await;
                (connection, more)
            });
        }
    }
    while tasks.join_next().await.is_some() {}
}

async fn waiting_connections(engine: &Engine) -> HashSet<String> {
    match store::inbox::waiting_connections(&engine.db).await {
        Ok(names) => names.into_iter().collect(),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "inbox cannot be read, trying again");
            HashSet::new()
        }
    }
}

/// Who is to be looked at again after a task.
fn after(busy: &mut HashMap<String, bool>, done: Result<(String, bool), tokio::task::JoinError>) -> HashSet<String> {
    match done {
        Ok((connection, more)) => {
            let knocked = busy.remove(&connection).unwrap_or_default();
            if more || knocked { HashSet::from([connection]) } else { HashSet::new() }
        }
        // A panic took the name with it: everything may be asked for again.
        Err(error) => {
            tracing::error!(%error, "inbox task ended unexpectedly");
            std::mem::take(busy).into_keys().collect()
        }
    }
}

/// While senders wait in numbers, their answers go first: applying takes a twentieth of the time, and what
/// it leaves is safe in the inbox.
async fn stand_back(engine: &Engine, worked: Duration, stop: &CancellationToken) {
    if engine.committer.flooded() {
        let rest = (worked * 19).min(Duration::from_secs(2));
        stop.run_until_cancelled(tokio::time::sleep(rest)).await;
    }
}

/// No delivery is put off or leased for longer, unless a source asked for more than a day.
fn longest_wait(engine: &Engine) -> i64 {
    let retry = engine.inbox.retry_max.micros().saturating_mul(2);
    retry.max(engine.settings.lease.micros().saturating_mul(2)).max(25 * 60 * Timestamp::MINUTE)
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

/// What became of one event.
enum Adding {
    Added,
    Gone,
    /// Fetching it failed in a way that passes.
    Wait(SourceError),
    Failed(&'static str),
    /// The process is shutting down.
    Stopped,
}

impl Batch<'_> {
    /// Works on what waits for a connection. `true`: it may have more.
    async fn next(&self, connection: &str) -> bool {
        let now = self.engine.clock.now();
        let wanted = store::inbox::Wanted {
            node: &self.engine.node,
            now,
            far: now.plus(longest_wait(self.engine)),
            rows: i64::try_from(self.engine.inbox.batch).unwrap_or(500),
            bytes: ROUND_BYTES,
        };
        let rows = match store::inbox::pending(&self.engine.db, connection, &wanted).await {
            Ok(rows) => rows,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "inbox cannot be read, trying again");
                return false;
            }
        };
        if rows.is_empty() {
            return false;
        }
        let started = Instant::now();
        self.process(connection, rows).await;
        stand_back(self.engine, started.elapsed(), self.stop).await;
        true
    }

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
            for row in rows {
                self.close(row, "failed", "CONNECTION_UNKNOWN").await?;
            }
            return Ok(());
        };
        let run_id = self.run_of(&live).await?;
        let mut works: Vec<Work> = Vec::new();
        let mut closing: Vec<(&Pending, &'static str, &str)> = Vec::new();
        for row in rows {
            // What is in hand is committed, the rest waits for the next start.
            if self.stop.is_cancelled() {
                break;
            }
            match read(&live, &row.body) {
                Reading::Nothing => closing.push((row, "ignored", "HOOK_EVENT_UNKNOWN")),
                Reading::Unreadable(cause) => closing.push((row, "failed", cause)),
                Reading::Events(events) => {
                    if let Some((state, cause)) = self.add_all(&live, &run_id, row, events, &mut works).await? {
                        closing.push((row, state, cause));
                    }
                }
            }
        }
        failpoint::pass("inbox.before_submit");
        self.submit(&live, &run_id, works).await?;
        // Deliveries without a claim are closed after all their records: applying them again after a
        // crash in between changes nothing.
        for (row, state, cause) in closing {
            self.close(row, state, cause).await?;
        }
        failpoint::pass("inbox.after_submit");
        Ok(())
    }

    /// Adds the events of a delivery to the works. The answer is how to close the delivery once they
    /// are applied; `None`: it is claimed by its only record, or put off.
    async fn add_all(
        &self,
        live: &Arc<Live>,
        run_id: &str,
        row: &Pending,
        events: Vec<Event>,
        works: &mut Vec<Work>,
    ) -> Result<Option<(&'static str, &'static str)>, CommitError> {
        let single = events.len() == 1;
        let (mut added, mut wait, mut failed) = (0, false, None);
        for event in events {
            match self.add(live, run_id, row, event, single, works).await {
                Adding::Added => added += 1,
                Adding::Gone => {}
                Adding::Wait(cause) => {
                    self.postpone(row, cause).await?;
                    wait = true;
                    break;
                }
                Adding::Stopped => return Ok(None),
                Adding::Failed(cause) => failed = Some(cause),
            }
        }
        Ok(match failed {
            // Put off as a whole: what is applied already changes nothing the next time.
            _ if wait => None,
            Some(cause) => Some(("failed", cause)),
            None if added == 0 => Some(("ignored", "SRC_NOT_FOUND")),
            None if single => None,
            None => Some(("applied", "")),
        })
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
    ) -> Adding {
        let Some(kind) = live.kind_of(&event.stream) else { return Adding::Gone };
        let key = event.external_id.clone().unwrap_or_default();
        let record = match event.record {
            Some(body) => Record { external_id: key.clone(), version: event.version, body, deleted: event.deleted },
            None if event.deleted => {
                let body = serde_json::Value::Null;
                Record { external_id: key.clone(), version: event.version, body, deleted: true }
            }
            None => match self.fetch(live, &event.stream, &key, row).await {
                Ok(record) => record,
                Err(otherwise) => return otherwise,
            },
        };
        let keys = std::iter::once(record.external_id.as_str());
        let Ok(held) = shape::values(&self.engine.db, live, &event.stream, keys).await else { return Adding::Stopped };
        let mapped = intake::map(live, &event.stream, record, &held, self.engine.currency);
        let state = if mapped.is_err() { "failed" } else { "applied" };
        let cause = mapped.as_ref().err().map(|r| r.cause.clone());
        let work = work_for(works, live, run_id, (&event.stream, kind), claim, self.engine.currency);
        if claim {
            let key = mapped.as_ref().map_or_else(|bad| &bad.external_id, |good| &good.external_id);
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
            Err(bad) => work.rejected.push(*bad),
        }
        Adding::Added
    }

    /// Fetches the record an event names.
    async fn fetch(&self, live: &Live, stream: &str, key: &str, row: &Pending) -> Result<Record, Adding> {
        let Some(answer) = fetch::one(live, stream, key, self.stop).await else { return Err(Adding::Stopped) };
        match answer {
            Ok(Some(record)) => Ok(record),
            // The source announced a record and does not have it (any more): nothing to apply.
            Ok(None) => Err(Adding::Gone),
            Err(error) if row.attempts + 1 >= i64::from(self.engine.inbox.attempts) => {
                Err(Adding::Failed(error.code()))
            }
            Err(error) => Err(Adding::Wait(error)),
        }
    }

    async fn postpone(&self, row: &Pending, error: SourceError) -> Result<(), CommitError> {
        let attempt = u32::try_from(row.attempts + 1).unwrap_or(u32::MAX);
        let inbox = &self.engine.inbox;
        let asked = match &error {
            SourceError::RateLimited { retry_after } | SourceError::Transient { retry_after, .. } => *retry_after,
            _ => None,
        };
        let wait = backoff::delay(attempt, inbox.retry_first.0, inbox.retry_max.0, asked);
        let until = self.engine.clock.now().plus(micros(wait));
        let mut tx = self.engine.db.begin().await?;
        store::inbox::postpone(&mut tx, &row.id, error.code(), until, &self.engine.node).await?;
        tx.commit().await?;
        Ok(())
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
            let _ = fetch::fetch_customers(self.engine, live, missing, run_id, self.stop).await;
        }
        Ok(())
    }

    async fn close(&self, row: &Pending, state: &'static str, cause: &str) -> Result<(), CommitError> {
        let cause = Some(cause).filter(|c| !c.is_empty()).map(str::to_owned);
        let became = Applied { id: row.id.clone(), event: None, object: None, cause, state };
        let mut tx = self.engine.db.begin().await?;
        store::inbox::settle(&mut tx, None, &[became], self.engine.clock.now()).await?;
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
        fetch::open_run(self.engine, live, &id, "webhook").await?;
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).insert(live.row.id.clone(), (id.clone(), now));
        Ok(id)
    }
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

/// The work to add to. Records with a claim and records without never share one: whoever loses the
/// claim leaves its records out, the others must go in. Only the stream's last work is added to, so
/// that records stay in the order in which they came.
fn work_for<'w>(
    works: &'w mut Vec<Work>,
    live: &Arc<Live>,
    run_id: &str,
    (stream, kind): (&str, Kind),
    claim: bool,
    currency: crate::model::Currency,
) -> &'w mut Work {
    let last = works.iter().rposition(|w| w.stream == stream);
    let at = last.filter(|at| works[*at].deliveries.is_empty() != claim).unwrap_or_else(|| {
        works.push(Work { fresh: true, ..Work::of(live, stream, kind, run_id, currency) });
        works.len() - 1
    });
    &mut works[at]
}
