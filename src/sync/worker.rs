//! The loops of one node: due connections, the inbox, the expiry of parked records.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError},
    time::Duration,
};

use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    connection::{
        Live,
        schedule::{CatchUp, Plan},
    },
    model::{Id, Timestamp, ids::Noun, time::micros},
    store::{StoreError, connection, due, failure, parked},
};

use super::{
    backoff,
    engine::Engine,
    fetch, freshness, inbox, outbox,
    place::{Busy, Place, Working},
    pull::{self, Pull, Stop},
    webhooks,
};

/// Starts the loops. They end after `stop`: the current chunk is committed and every lease released.
pub fn spawn(engine: Engine, stop: CancellationToken, tasks: &TaskTracker) {
    tasks.spawn(schedule_loop(engine.clone(), stop.clone(), tasks.clone()));
    tasks.spawn(inbox::run(engine.clone(), stop.clone()));
    tasks.spawn(outbox::run(engine.clone(), stop.clone()));
    tasks.spawn(webhooks::run(engine.clone(), stop.clone()));
    tasks.spawn(parked_loop(engine.clone(), stop.clone()));
    tasks.spawn(freshness::run(engine.clone(), stop.clone()));
    tasks.spawn(async move { engine.refusals.run(&engine.db, &stop).await });
}

async fn schedule_loop(engine: Engine, stop: CancellationToken, tasks: TaskTracker) {
    let places = Arc::new(Semaphore::new(engine.settings.workers));
    let busy: Busy = Arc::default();
    let mut last_look = engine.clock.now();
    loop {
        if let Err(error) = follow_clock(&engine, &mut last_look).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "plans cannot follow the clock, trying again");
        }
        let free: Vec<_> = std::iter::from_fn(|| places.clone().try_acquire_owned().ok()).collect();
        match lease(&engine, free.len(), &busy).await {
            Ok(rows) => {
                for (row, held) in rows.into_iter().zip(free) {
                    let (engine, stop) = (engine.clone(), stop.child_token());
                    let working = Working::on(&busy, &row.id);
                    let place = Place::new(places.clone(), held, engine.due_changed.clone());
                    tasks.spawn(async move {
                        Box::pin(run_connection(&engine, row, place, stop)).await;
                        drop(working);
                        engine.due_changed.notify_one();
                    });
                }
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "schedule cannot be read, trying again");
            }
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = engine.due_changed.notified() => {}
            () = tokio::time::sleep(engine.settings.poll.0) => {}
        }
    }
}

/// A clock that was set back by an hour must not stop everything for that hour.
async fn follow_clock(engine: &Engine, last_look: &mut Timestamp) -> Result<(), StoreError> {
    let now = engine.clock.now();
    if now.plus(Timestamp::SECOND) < *last_look {
        tracing::warn!(seconds = last_look.since(now) / Timestamp::SECOND, "the clock was set back");
        let mut tx = engine.db.begin().await?;
        connection::clock_set_back(&mut tx, now, engine.settings.lease.micros()).await?;
        tx.commit().await?;
    }
    *last_look = now;
    Ok(())
}

async fn lease(engine: &Engine, free: usize, busy: &Busy) -> Result<Vec<connection::Row>, StoreError> {
    engine.registry.reload(&engine.db, &engine.keys).await?;
    let now = engine.clock.now();
    if free == 0 || !connection::any_due(&engine.db, now).await? {
        return Ok(Vec::new());
    }
    let mut tx = engine.db.begin().await?;
    let until = now.plus(engine.settings.lease.micros());
    let limit = i64::try_from(free).unwrap_or(1);
    let busy: Vec<String> = busy.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect();
    let rows = connection::lease_due(&mut tx, &engine.node, now, until, limit, &busy).await?;
    tx.commit().await?;
    // A connection may have been made or changed just before it was leased. The leases are held: trouble
    // here must not leave them behind.
    if !rows.is_empty()
        && let Err(error) = engine.registry.reload(&engine.db, &engine.keys).await
    {
        tracing::warn!(error = &error as &dyn std::error::Error, "connections are used as they were");
    }
    Ok(rows)
}

fn catch_up(engine: &Engine) -> CatchUp {
    match engine.settings.catch_up {
        crate::config::CatchUp::Once => CatchUp::Once,
        crate::config::CatchUp::All => CatchUp::All,
        crate::config::CatchUp::Skip => CatchUp::Skip,
    }
}

/// One leased connection: run it, then give the lease back with the next due time.
async fn run_connection(engine: &Engine, row: connection::Row, place: Place, stop: CancellationToken) {
    let now = engine.clock.now();
    if stop.is_cancelled() {
        // Leased in the moment in which the hub began to stop, perhaps just given back because of it.
        let (due, retry) = (row.due_at.map(Timestamp), row.retry_at.map(Timestamp));
        return release(engine, &row, &stop, due, row.failures, retry, row.auth_failed_at.map(Timestamp)).await;
    }
    let plan: Plan = serde_json::from_str(&row.schedule).unwrap_or(Plan::Manual);
    let planned = Timestamp(row.due_at.unwrap_or(now.0));
    let policy = catch_up(engine);
    let grace = engine.settings.poll.0 * 2 + Duration::from_secs(60);
    let requested = row.requested_by.is_some() || row.failures > 0;
    if !requested && !Plan::still_wanted(planned, now, policy, grace) {
        let next = plan.after_run(planned, now, policy, &engine.zone);
        return release(engine, &row, &stop, next, row.failures, None, row.auth_failed_at.map(Timestamp)).await;
    }
    let late = now.since(planned) > micros(grace);
    let trigger = match &row.requested_by {
        Some(_) => "manual",
        None if late => "catch_up",
        None => "schedule",
    };
    let Some(live) = engine.registry.get(&row.id) else {
        tracing::error!(connection.id = %row.id, "due connection cannot be used");
        let retry = now.plus(engine.settings.backoff_max.micros());
        return release(engine, &row, &stop, Some(retry), row.failures + 1, Some(retry), None).await;
    };
    let renewing = renew_lease(engine, &row.id, stop.clone());
    let running = run_once(engine, live, &row, trigger, place, stop.clone());
    let ended = tokio::select! { ended = running => ended, never = renewing => match never {} };
    let finished = engine.clock.now();
    match ended {
        Ended::Done { next_after_failures: 0, .. } => {
            let next = plan.after_run(planned, finished, policy, &engine.zone);
            release(engine, &row, &stop, next, 0, None, None).await;
        }
        Ended::Done { next_after_failures: failures, retry_after, auth } => {
            let retry = finished.plus(backoff::wait(&engine.settings, failures, retry_after));
            let auth = auth.then_some(finished);
            release(engine, &row, &stop, Some(retry), failures, Some(retry), auth).await;
        }
        Ended::Interrupted => {
            let auth = row.auth_failed_at.map(Timestamp);
            release(engine, &row, &stop, Some(planned), row.failures, None, auth).await;
        }
        Ended::Throttled(wait) => {
            let retry = finished.plus(micros(wait));
            release(engine, &row, &stop, Some(retry), row.failures, Some(retry), None).await;
        }
    }
}

enum Ended {
    Done {
        next_after_failures: i64,
        retry_after: Option<Duration>,
        auth: bool,
    },
    /// The source asked for a pause: nobody's failure.
    Throttled(Duration),
    Interrupted,
}

async fn run_once(
    engine: &Engine,
    live: Arc<Live>,
    row: &connection::Row,
    trigger: &str,
    place: Place,
    cancel: CancellationToken,
) -> Ended {
    let run_id = Id::new(Noun::Run).into_string();
    let failed = |retry_after, auth| Ended::Done { next_after_failures: row.failures + 1, retry_after, auth };
    let streams = match pull::open_run(engine, &live, &run_id, trigger, row.requested_by.as_deref()).await {
        Ok(streams) => streams,
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "run cannot be opened");
            return failed(None, false);
        }
    };
    let mut pull = Pull {
        engine,
        live,
        run_id: run_id.clone(),
        cancel,
        place,
        requests: 0,
        throttled: 0,
        total: Default::default(),
        trouble: None,
        failed_streams: 0,
        done_streams: 0,
        asked: Default::default(),
    };
    let ended = pull.streams(&streams).await;
    let cancelled = matches!(ended, Err(Stop::Cancelled));
    if let Err(Stop::Trouble(trouble)) = ended {
        pull.failed_streams += 1;
        pull.trouble.get_or_insert(trouble);
    }
    let closed = pull::close_run(&pull, cancelled).await;
    let trouble = pull.trouble.as_ref();
    match closed {
        _ if cancelled => Ended::Interrupted,
        Ok(state) => {
            tracing::info!(run.id = %run_id, connection.id = %row.id, state, read = pull.total.read,
                new = pull.total.new, updated = pull.total.updated, failed = pull.total.failed, "run ended");
            if pull.failed_streams == 0 {
                Ended::Done { next_after_failures: 0, retry_after: None, auth: false }
            } else if let Some(limit) = trouble.filter(|t| t.code == "RATE_LIMIT") {
                Ended::Throttled(limit.retry_after.unwrap_or(engine.settings.backoff_first.0))
            } else {
                failed(trouble.and_then(|t| t.retry_after), trouble.is_some_and(|t| t.auth))
            }
        }
        Err(error) => {
            tracing::warn!(run.id = %run_id, error = &error as &dyn std::error::Error, "run cannot be closed");
            failed(None, false)
        }
    }
}

/// Keeps the lease while the run goes on; a lease that is lost cancels the run.
async fn renew_lease(engine: &Engine, id: &str, cancel: CancellationToken) -> std::convert::Infallible {
    let lease = engine.settings.lease;
    loop {
        tokio::time::sleep(lease.0 / 3).await;
        let until = engine.clock.now().plus(lease.micros());
        let kept = async {
            let mut tx = engine.db.begin().await?;
            let kept = connection::renew(&mut tx, id, &engine.node, until).await?;
            tx.commit().await?;
            Ok::<_, StoreError>(kept)
        };
        match kept.await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!(connection.id = %id, "lease lost to another node");
                cancel.cancel();
            }
            Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "lease cannot be renewed now"),
        }
    }
}

async fn release(
    engine: &Engine,
    row: &connection::Row,
    stop: &CancellationToken,
    due_at: Option<Timestamp>,
    failures: i64,
    retry_at: Option<Timestamp>,
    auth_failed_at: Option<Timestamp>,
) {
    let release = connection::Release {
        id: &row.id,
        node: &engine.node,
        leased_due: row.due_at,
        leased_revision: row.updated_at,
        due_at,
        failures,
        retry_at,
        auth_failed_at,
    };
    let deadline = tokio::time::Instant::now() + engine.settings.lease.0;
    loop {
        let done = async {
            let mut tx = engine.db.begin().await?;
            connection::release(&mut tx, &release).await?;
            tx.commit().await?;
            Ok::<_, StoreError>(())
        };
        let Err(error) = done.await else { return };
        // Until the lease has run out nobody else would take the connection, so it is worth trying.
        tracing::warn!(connection.id = %row.id, error = &error as &dyn std::error::Error, "lease cannot be released");
        if stop.is_cancelled() || tokio::time::Instant::now() > deadline {
            return;
        }
        tokio::time::sleep(engine.settings.poll.0).await;
    }
}

/// Records whose customer never came become failures a person can see; plans made by a clock that was
/// wrong are made again. Not right after a start: what waited through the downtime gets its chance.
async fn parked_loop(engine: Engine, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_secs(30)) => {}
        }
        ask_again(&engine, &stop).await;
        if let Err(error) = expire_parked(&engine).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "parked records cannot be checked now");
        }
        if let Err(error) = plan_again(&engine).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "plans cannot be checked now");
        }
    }
}

/// Asks once more for customers whose records are about to become failures.
pub async fn ask_again(engine: &Engine, stop: &CancellationToken) {
    let limit = engine.clock.now().plus(-engine.settings.park_limit.micros());
    let overdue = parked::overdue(&engine.db, limit, fetch::AT_MOST as i64).await.unwrap_or_default();
    let mut by_connection: HashMap<String, Vec<String>> = HashMap::new();
    for (connection, key) in overdue {
        by_connection.entry(connection).or_default().push(key);
    }
    for (connection, keys) in by_connection {
        let Some(live) = engine.registry.get(&connection) else { continue };
        // Trouble here is shown by the failures that come of it.
        let _ = fetch::fetch_apart(engine, &live, keys, stop).await;
    }
}

/// A clock that was ahead and was put right leaves due times behind that are too late: none may lie
/// after the next planned time, no retry after the longest wait.
pub async fn plan_again(engine: &Engine) -> Result<(), StoreError> {
    let now = engine.clock.now();
    let settings = &engine.settings;
    let longest = settings.backoff_max.micros().saturating_mul(2).max(settings.circuit_pause.micros());
    let retry = now.plus(longest.max(25 * 60 * Timestamp::MINUTE));
    let lease = now.plus(settings.lease.micros().saturating_mul(2));
    let planned = due::planned(&engine.db, now).await?;
    let mut tx = engine.db.begin().await?;
    due::end_far_waits(&mut tx, now, retry, lease).await?;
    for (id, schedule, due_at) in planned {
        let plan: Plan = serde_json::from_str(&schedule).unwrap_or(Plan::Manual);
        if let Some(next) = plan.next(now, &engine.zone).filter(|next| next.0 < due_at) {
            due::set_due(&mut tx, &id, due_at, next).await?;
        }
    }
    tx.commit().await
}

/// Moves records that waited longer than `sync.park_limit` into the failures.
pub async fn expire_parked(engine: &Engine) -> Result<usize, StoreError> {
    let now = engine.clock.now();
    let limit = now.plus(-engine.settings.park_limit.micros());
    let mut moved = 0;
    loop {
        let mut tx = engine.db.begin().await?;
        let expired = parked::expired(&mut tx, limit, 200).await?;
        if expired.is_empty() {
            return Ok(moved);
        }
        moved += expired.len();
        let failures = expired.into_iter().map(|(connection_id, p)| failure::NewFailure {
            connection_id,
            stream: p.stream,
            cause: "REF_CUSTOMER_MISSING".to_owned(),
            field: Some("customer".to_owned()),
            source_path: None,
            value: Some(p.waits_for),
            label: label_of(&p.canonical).unwrap_or_else(|| p.external_id.clone()),
            external_id: p.external_id,
            payload: p.payload,
            source_version: p.source_version,
            run_id: p.run_id,
        });
        failure::put(&mut tx, now, failures).await?;
        tx.commit().await?;
    }
}

fn label_of(canonical: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(canonical).ok()?;
    ["number", "name"].iter().find_map(|key| value.get(*key)?.as_str()).map(str::to_owned)
}
