//! The outbox: brings customers as the master has them into connected systems.
//!
//! A delivery is level-triggered: it names a target and a customer, not a change. What is sent is what
//! differs between the golden record and the target's own record as last seen, at the moment of sending,
//! so edits coalesce, an echo finds nothing to do, and a crash at any step is made good by looking again.
//!
//! Each target is worked on by itself, one record after the other: a dead one slows no other. Trouble of
//! the target rests the whole target; trouble of a record ends in a state that a person sees and that the
//! record's next version supersedes.
//!
//! After a push the record is read back and ingested like any other: the crosswalk then holds what the
//! target really took.

use std::{collections::HashSet, sync::Arc, time::Instant};

use musubi_sdk::connector::{PushError, PushRequest, SourceError};
use serde_json::{Map, Value};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    connection::Live,
    master::edit,
    model::{Id, ids::Noun, record::Kind},
    store::{
        StoreError, customer, customer_value,
        delivery::{self, Attempt, Became, Row},
        source_record,
    },
};

use super::{
    backoff,
    committer::{CommitError, Work},
    engine::Engine,
    failpoint, fetch,
};

/// Deliveries leased at a time.
const BATCH: i64 = 50;
/// Tries of a record whose trouble may pass, before a person has to look.
const TRIES: i64 = 12;

/// Works until `stop`, then finishes the record in hand.
pub async fn run(engine: Engine, stop: CancellationToken) {
    let mut busy: HashSet<String> = HashSet::new();
    let mut tasks: JoinSet<(String, bool)> = JoinSet::new();
    let mut poll = tokio::time::interval(engine.settings.poll.0);
    poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let due = tokio::select! {
            () = stop.cancelled() => break,
            Some(done) = tasks.join_next() => match done {
                Ok((target, more)) => {
                    busy.remove(&target);
                    if more { vec![target] } else { Vec::new() }
                }
                Err(error) => {
                    tracing::error!(%error, "delivery task ended unexpectedly");
                    busy.clear();
                    Vec::new()
                }
            },
            _ = poll.tick() => due_targets(&engine).await,
        };
        for target in due {
            if busy.insert(target.clone()) {
                let (engine, stop) = (engine.clone(), stop.clone());
                tasks.spawn(async move {
                    let more = Box::pin(Target { engine: &engine, id: &target, stop: &stop }.work()).await;
                    (target, more)
                });
            }
        }
    }
    while tasks.join_next().await.is_some() {}
}

async fn due_targets(engine: &Engine) -> Vec<String> {
    delivery::due_targets(&engine.db, &engine.node, engine.clock.now()).await.unwrap_or_else(|error| {
        tracing::warn!(error = &error as &dyn std::error::Error, "outbox cannot be read, trying again");
        Vec::new()
    })
}

/// Why a record was not brought to its target.
enum Halt {
    /// Trouble of the target: nothing else is sent for now.
    Target { code: &'static str, detail: String, retry_after: Option<std::time::Duration> },
    /// Trouble of this record that trying again cannot mend.
    Record { code: &'static str, detail: String },
    /// Read again there: what differs is another question now.
    Again,
    /// Our own database, or the process is stopping: the lease runs out.
    Ours,
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        tracing::warn!(error = &error as &dyn std::error::Error, "delivery waits: the database cannot be used");
        Self::Ours
    }
}

impl From<CommitError> for Halt {
    fn from(error: CommitError) -> Self {
        tracing::warn!(%error, "delivery waits: it cannot be recorded");
        Self::Ours
    }
}

impl From<SourceError> for Halt {
    fn from(error: SourceError) -> Self {
        let retry_after = match &error {
            SourceError::RateLimited { retry_after } | SourceError::Transient { retry_after, .. } => *retry_after,
            _ => None,
        };
        Self::Target { code: error.code(), detail: error.to_string(), retry_after }
    }
}

struct Target<'a> {
    engine: &'a Engine,
    id: &'a str,
    stop: &'a CancellationToken,
}

/// What differs between the master and a target's record.
struct Difference {
    external_id: Option<String>,
    values: Map<String, Value>,
    seen: Map<String, Value>,
}

impl Target<'_> {
    /// Works on what is due. `true`: there may be more.
    async fn work(&self) -> bool {
        let Some(live) = self.engine.registry.get(self.id) else { return false };
        let rows = match self.lease().await {
            Ok(rows) => rows,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "outbox cannot be leased, trying again");
                return false;
            }
        };
        let full = rows.len() as i64 == BATCH;
        let (mut run, mut reached, begun) = (None, false, Instant::now());
        for row in rows {
            if self.stop.is_cancelled() {
                return false;
            }
            // A slow target: the rest is leased anew, before another node takes it for abandoned.
            if begun.elapsed() > self.engine.settings.lease.0 / 3 {
                return true;
            }
            let result = self.bring(&live, &row, &mut run).await;
            match self.close(&row, result, &mut reached).await {
                Ok(true) => {}
                Ok(false) => return false,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "delivery cannot be closed");
                    return false;
                }
            }
        }
        full
    }

    async fn lease(&self) -> Result<Vec<Row>, StoreError> {
        let now = self.engine.clock.now();
        let until = now.plus(self.engine.settings.lease.micros());
        let mut tx = self.engine.db.begin().await?;
        let rows = delivery::lease(&mut tx, self.id, &self.engine.node, now, until, BATCH).await?;
        tx.commit().await?;
        Ok(rows)
    }

    /// Writes what became of a delivery. `false`: nothing more is sent to this target for now.
    async fn close(&self, row: &Row, result: Result<bool, Halt>, reached: &mut bool) -> Result<bool, StoreError> {
        let now = self.engine.clock.now();
        let wait = |failures, after| now.plus(backoff::wait(&self.engine.settings, failures, after));
        let became = |state, not_before, cause, detail| Became { state, not_before, cause, detail };
        if matches!(result, Err(Halt::Ours)) {
            return Ok(false);
        }
        let mut tx = self.engine.db.begin().await?;
        if !*reached && !matches!(result, Err(Halt::Target { .. })) {
            delivery::reached(&mut tx, self.id).await?;
        }
        match &result {
            Err(Halt::Ours) => {}
            Ok(told) => {
                delivery::settle(&mut tx, row, &became("delivered", now, None, None), now).await?;
                if *told {
                    customer_value::arrived(&mut tx, &row.record_id).await?;
                }
            }
            Err(Halt::Record { code, detail }) => {
                delivery::settle(&mut tx, row, &became("dead", now, Some(code), Some(detail)), now).await?;
            }
            Err(Halt::Again) => {
                let state = if row.attempts + 1 < TRIES { "retrying" } else { "dead" };
                let until = wait(row.attempts + 1, None);
                delivery::settle(&mut tx, row, &became(state, until, Some("PUSH_OVERTAKEN"), None), now).await?;
            }
            Err(Halt::Target { code, detail, retry_after }) => {
                let failures = delivery::trouble(&mut tx, self.id).await?;
                let until = wait(failures, *retry_after);
                delivery::settle(&mut tx, row, &became("retrying", until, Some(code), Some(detail)), now).await?;
                delivery::rest(&mut tx, self.id, until).await?;
                tx.commit().await?;
                tracing::info!(connection.id = %self.id, code, failures, "target rests");
                return Ok(false);
            }
        }
        tx.commit().await?;
        *reached = true;
        Ok(true)
    }

    /// Makes one customer there what it is here. `false`: it was so already.
    async fn bring(&self, live: &Arc<Live>, row: &Row, run: &mut Option<String>) -> Result<bool, Halt> {
        let Some((stream, fields)) = pushed_stream(live) else { return Ok(false) };
        let mut told = false;
        for difference in self.differences(live, row, &stream, fields).await? {
            let key = format!("{}-{}", row.record_id, row.wanted_seq);
            let request = PushRequest {
                stream: &stream,
                external_id: difference.external_id.as_deref(),
                hub_id: &row.record_id,
                values: &difference.values,
                seen: &difference.seen,
                idempotency_key: &key,
            };
            let begun = Instant::now();
            failpoint::pass("push.before_send");
            tokio::select! {
                () = live.quota.acquire() => {}
                () = self.stop.cancelled() => return Err(Halt::Ours),
            }
            let answer = live.connector.push(request).await;
            failpoint::pass("push.after_send");
            let took = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
            self.note(row, &difference, &answer, took).await?;
            match answer {
                Ok(pushed) => {
                    self.adopt(row, &stream, &pushed.external_id).await?;
                    self.read_back(live, &stream, &pushed.external_id, run).await?;
                }
                Err(PushError::Overtaken) => {
                    if let Some(key) = &difference.external_id {
                        self.read_back(live, &stream, key, run).await?;
                    }
                    return Err(Halt::Again);
                }
                Err(PushError::Source(error)) => return Err(error.into()),
                Err(error) => return Err(Halt::Record { code: error.code(), detail: error.to_string() }),
            }
            failpoint::pass("push.before_acknowledge");
            told = true;
        }
        Ok(told)
    }

    /// One for each of the target's records of this customer; one without key where it has none and is
    /// told of new customers.
    async fn differences(
        &self,
        live: &Live,
        row: &Row,
        stream: &str,
        fields: &'static [&'static str],
    ) -> Result<Vec<Difference>, Halt> {
        let mut tx = self.engine.db.begin().await?;
        let golden = customer::by_ids(&mut tx, std::iter::once(row.record_id.as_str())).await?.remove(&row.record_id);
        let there = source_record::of_record(&mut tx, &live.row.id, stream, &row.record_id).await?;
        tx.commit().await?;
        let Some(golden) = golden.filter(|g| g.merged_into.is_none()) else { return Ok(Vec::new()) };
        let wanted = edit::values_of(&golden);
        let wanted = |field: &str| wanted.get(field).map(String::as_str).unwrap_or_default();
        if there.is_empty() && live.row.push == delivery::ALL {
            let values: Map<String, Value> = fields
                .iter()
                .filter(|field| !wanted(field).is_empty())
                .map(|field| ((*field).to_owned(), wanted(field).into()))
                .collect();
            return Ok(vec![Difference { external_id: None, values, seen: Map::new() }]);
        }
        let differing = there.into_iter().map(|(key, body)| {
            let body: Map<String, Value> = body.and_then(|b| serde_json::from_str(&b).ok()).unwrap_or_default();
            let (mut values, mut seen) = (Map::new(), Map::new());
            for field in fields {
                let now = text_of(body.get(*field));
                if now != wanted(field) {
                    values.insert((*field).to_owned(), text_or_null(wanted(field)));
                    seen.insert((*field).to_owned(), text_or_null(&now));
                }
            }
            Difference { external_id: Some(key), values, seen }
        });
        Ok(differing.filter(|d| !d.values.is_empty()).collect())
    }

    /// Keeps that the target was reached for, whatever came of it.
    async fn note(
        &self,
        row: &Row,
        difference: &Difference,
        answer: &Result<musubi_sdk::connector::Pushed, PushError>,
        took_ms: i64,
    ) -> Result<(), Halt> {
        let outcome = match answer {
            Ok(_) if difference.external_id.is_none() => "created",
            Ok(_) => "changed",
            Err(PushError::Overtaken) => "overtaken",
            Err(_) => "failed",
        };
        metrics::counter!("musubi_pushes_total", "outcome" => outcome).increment(1);
        let attempt = Attempt {
            seq: row.wanted_seq,
            external_id: answer.as_ref().ok().map(|p| p.external_id.as_str()).or(difference.external_id.as_deref()),
            fields: difference.values.keys().map(String::as_str).collect(),
            outcome,
            cause: answer.as_ref().err().map(PushError::code),
            took_ms,
        };
        let mut tx = self.engine.db.begin().await?;
        delivery::record(&mut tx, row, &attempt, self.engine.clock.now()).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn adopt(&self, row: &Row, stream: &str, external_id: &str) -> Result<(), Halt> {
        failpoint::pass("push.before_record");
        let mut tx = self.engine.db.begin().await?;
        source_record::lock_origin(&mut tx, self.id, true).await?;
        let now = self.engine.clock.now();
        source_record::adopt(&mut tx, self.id, stream, external_id, &row.record_id, now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Takes in what stands there now.
    async fn read_back(&self, live: &Arc<Live>, stream: &str, key: &str, run: &mut Option<String>) -> Result<(), Halt> {
        let Some(answer) = fetch::one(live, stream, key, self.stop).await else { return Err(Halt::Ours) };
        let Some(record) = answer? else { return Ok(()) };
        let run_id = match run {
            Some(id) => id.clone(),
            None => {
                let id = Id::new(Noun::Run).into_string();
                fetch::open_run(self.engine, live, &id, "push").await?;
                run.insert(id).clone()
            }
        };
        let mut work = Work::of(live, stream, Kind::Customer, &run_id, self.engine.currency);
        work.hold(&self.engine.db, std::iter::once(record.external_id.as_str())).await?;
        work.add(record);
        let outcome = self.engine.committer.apply(work).await?;
        self.engine.announce(&outcome, &run_id);
        Ok(())
    }
}

/// Whether customers can be written into this system at all.
#[must_use]
pub fn can_push(live: &Live) -> bool {
    writable(live).is_some()
}

fn pushed_stream(live: &Live) -> Option<(String, &'static [&'static str])> {
    if live.row.push == delivery::OFF { None } else { writable(live) }
}

/// The stream of customers that can be written, and its fields.
fn writable(live: &Live) -> Option<(String, &'static [&'static str])> {
    live.origin
        .streams_of(Kind::Customer)
        .into_iter()
        .map(|stream| {
            let fields = live.connector.pushes(&stream);
            (stream, fields)
        })
        .find(|(_, fields)| !fields.is_empty())
}

fn text_of(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

fn text_or_null(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { text.into() }
}
