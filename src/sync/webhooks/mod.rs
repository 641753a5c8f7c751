//! Outgoing webhooks: events brought to whoever wants to know, as Standard Webhooks say it
//! (<https://www.standardwebhooks.com>, specification 1.0).
//!
//! The log is written with the change that it tells of (`master`), so an event exists exactly when its
//! change does. Delivery is at least once: a receiver knows an event again by its id, which never changes.
//! Each receiver is worked on by itself; one that answers nothing slows no other, and is only probed until
//! it answers again.
//!
//! An event goes down the ladder of waits (`webhooks.ladder`) before it counts as dead and a person has to
//! look. A receiver that has taken nothing for `webhooks.give_up`, or answers 410, is told nothing more;
//! switched on again it gets what happened since, out of the log.

mod courier;
pub mod letter;
pub mod manage;

use std::{
    collections::HashSet,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{backoff, engine::Engine, failpoint};
use crate::{
    model::{Timestamp, time::micros},
    store::{
        StoreError,
        event::{self, Became, Leased},
        receiver,
    },
};

pub use courier::{Couriers, Sent};
pub use letter::Letter;

/// Works until `stop`, then finishes what is on its way.
pub async fn run(engine: Engine, stop: CancellationToken) {
    let mut busy: HashSet<String> = HashSet::new();
    let mut tasks: JoinSet<(String, bool)> = JoinSet::new();
    let mut poll = tokio::time::interval(engine.settings.poll.0);
    poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let due = tokio::select! {
            () = stop.cancelled() => break,
            Some(done) = tasks.join_next() => match done {
                Ok((receiver, more)) => {
                    busy.remove(&receiver);
                    if more { vec![receiver] } else { Vec::new() }
                }
                Err(error) => {
                    tracing::error!(%error, "webhook task ended unexpectedly");
                    busy.clear();
                    Vec::new()
                }
            },
            _ = poll.tick() => due(&engine).await,
            () = engine.told.notified() => due(&engine).await,
        };
        for id in due {
            if busy.insert(id.clone()) {
                let (engine, stop) = (engine.clone(), stop.clone());
                tasks.spawn(async move {
                    let more = Box::pin(work(&engine, &id, &stop)).await.unwrap_or_else(|error| {
                        tracing::warn!(receiver.id = %id, error = &error as &dyn std::error::Error, "events wait");
                        false
                    });
                    (id, more)
                });
            }
        }
    }
    while tasks.join_next().await.is_some() {}
}

async fn due(engine: &Engine) -> Vec<String> {
    event::due_receivers(&engine.db, &engine.node, engine.clock.now()).await.unwrap_or_else(|error| {
        tracing::warn!(error = &error as &dyn std::error::Error, "events cannot be read, trying again");
        Vec::new()
    })
}

/// One round for one receiver. `true`: there may be more at once.
async fn work(engine: &Engine, id: &str, stop: &CancellationToken) -> Result<bool, StoreError> {
    let Some(to) = receiver::get(&engine.db, id).await?.filter(|to| to.state == receiver::ON) else {
        return Ok(false);
    };
    let probing = to.failures >= i64::from(engine.webhooks.circuit_after);
    let limit = if probing { 1 } else { i64::try_from(engine.webhooks.batch).unwrap_or(i64::MAX) };
    let leased = lease(engine, &to, limit).await?;
    if leased.is_empty() {
        return Ok(false);
    }
    let Some(keys) = manage::signing_keys(engine, &to) else {
        tracing::error!(receiver.id = %id, "the secret of a receiver cannot be opened: is the key file the right one?");
        rest(engine, &to, &Round { failures: to.failures + 1, ..Round::default() }, Vec::new()).await?;
        return Ok(false);
    };
    let round = send_all(engine, &to, &keys, leased, stop).await?;
    let good = round.trouble == 0 && !stop.is_cancelled();
    let full = round.became.len() as i64 == limit || to.in_order;
    settle(engine, &to, round).await?;
    engine.moved();
    Ok(good && (full || probing))
}

async fn lease(engine: &Engine, to: &receiver::Row, limit: i64) -> Result<Vec<Leased>, StoreError> {
    let now = engine.clock.now();
    // A round stops sending well before `sync.lease`; what is on its way then may take its whole time.
    let until = now.plus(engine.settings.lease.micros() + engine.webhooks.timeout.micros());
    let mut tx = engine.db.begin().await?;
    let leased = event::lease(&mut tx, to, &engine.node, now, until, limit).await?;
    tx.commit().await?;
    Ok(leased)
}

/// What one round with a receiver brought.
#[derive(Default)]
struct Round {
    became: Vec<Became>,
    /// Refusals in a row, up to the end of the round.
    failures: i64,
    /// Refusals of this round.
    trouble: usize,
    answered: bool,
    gone: bool,
    retry_after: Option<Duration>,
}

async fn send_all(
    engine: &Engine,
    to: &receiver::Row,
    keys: &[secrecy::SecretString],
    leased: Vec<Leased>,
    stop: &CancellationToken,
) -> Result<Round, StoreError> {
    let ids: Vec<&str> = leased.iter().map(|l| l.event_id.as_str()).collect();
    let mut letters = letter::write(engine, &ids).await?;
    let (begun, enough) = (Instant::now(), AtomicBool::new(false));
    let going = leased
        .into_iter()
        .take_while(|_| !enough.load(Ordering::Relaxed) && begun.elapsed() < engine.settings.lease.0 / 3);
    let sending = going.map(|l| {
        let letter = letters.remove(&l.event_id);
        async move {
            let Some(letter) = letter else { return (l, None) };
            (l, Some(engine.couriers.send(to, keys, &letter, engine).await))
        }
    });
    failpoint::pass("events.before_send");
    let mut round = Round { failures: to.failures, ..Round::default() };
    let mut on_the_way = stream::iter(sending).buffer_unordered(engine.webhooks.parallel);
    // What is not sent is leased again when the receiver is worth it; what is cut off by the end of the
    // process is sent once more, under the same id.
    while let Some(Some((leased, sent))) = stop.run_until_cancelled(on_the_way.next()).await {
        round.note(engine, leased, sent);
        enough.store(round.failures >= i64::from(engine.webhooks.circuit_after) || round.gone, Ordering::Relaxed);
    }
    failpoint::pass("events.after_send");
    Ok(round)
}

impl Round {
    fn note(&mut self, engine: &Engine, leased: Leased, sent: Option<Sent>) {
        let now = engine.clock.now();
        let outcome = sent.as_ref().map_or("gone", |sent| sent.cause.unwrap_or("delivered"));
        metrics::counter!("musubi_events_sent_total", "outcome" => outcome).increment(1);
        let Some(sent) = sent else {
            // Its record went with the sample data: there is nothing to tell.
            let nothing = Sent { cause: Some("EVENT_GONE"), ..Sent::default() };
            return self.became.push(became(leased.event_id, "dead", now, nothing));
        };
        let Some(cause) = sent.cause else {
            (self.failures, self.answered) = (0, true);
            return self.became.push(became(leased.event_id, "delivered", now, sent));
        };
        self.failures += 1;
        self.trouble += 1;
        self.gone |= cause == "HOOK_GONE";
        self.retry_after = self.retry_after.max(sent.retry_after);
        let step = usize::try_from(leased.attempts).ok().and_then(|n| engine.webhooks.ladder.get(n));
        match step {
            Some(wait) => {
                let until = now.plus(jittered(wait.0).max(micros(sent.retry_after.unwrap_or_default())));
                self.became.push(became(leased.event_id, "retrying", until, sent));
            }
            None => self.became.push(became(leased.event_id, "dead", now, sent)),
        }
    }
}

fn became(event_id: String, state: &'static str, not_before: Timestamp, sent: Sent) -> Became {
    let Sent { status, cause, answer, took_ms, .. } = sent;
    Became { event_id, state, not_before, status, cause, answer, took_ms }
}

/// What failed together does not come back together.
fn jittered(wait: Duration) -> i64 {
    micros(wait.mul_f64(1.0 + 0.1 * rand::random::<f64>()))
}

async fn settle(engine: &Engine, to: &receiver::Row, mut round: Round) -> Result<(), StoreError> {
    failpoint::pass("events.before_settle");
    let became = std::mem::take(&mut round.became);
    if round.failures > 0 && round.trouble > 0 {
        return rest(engine, to, &round, became).await;
    }
    let mut tx = engine.db.begin().await?;
    event::settle(&mut tx, &to.id, &engine.node, &became, engine.clock.now()).await?;
    if round.answered && to.failures > 0 {
        receiver::answered(&mut tx, &to.id).await?;
    }
    event::release(&mut tx, &to.id, &engine.node).await?;
    tx.commit().await
}

/// The receiver refused: it rests from `circuit_after` refusals in a row on, and in the end is told
/// nothing more.
async fn rest(engine: &Engine, to: &receiver::Row, round: &Round, became: Vec<Became>) -> Result<(), StoreError> {
    let (now, settings) = (engine.clock.now(), &engine.webhooks);
    let open = round.failures - i64::from(settings.circuit_after) + 1;
    let pause = (open > 0).then(|| {
        let nth = u32::try_from(open).unwrap_or(u32::MAX);
        backoff::delay(nth, settings.circuit_first.0, settings.circuit_max.0, round.retry_after)
    });
    let until = pause.or(round.retry_after).map(|wait| now.plus(micros(wait)));
    let mut tx = engine.db.begin().await?;
    event::settle(&mut tx, &to.id, &engine.node, &became, now).await?;
    // An answer in between was one: the row of refusals began after it.
    if round.answered {
        receiver::answered(&mut tx, &to.id).await?;
    }
    receiver::refused(&mut tx, &to.id, round.failures, until, now).await?;
    event::release(&mut tx, &to.id, &engine.node).await?;
    let failing = to.failing_since.filter(|_| !round.answered).map_or(0, |since| now.since(Timestamp(since)));
    let end = match (round.gone, failing > settings.give_up.micros()) {
        (true, _) => Some(receiver::GONE),
        (_, true) => Some(receiver::GIVEN_UP),
        _ => None,
    };
    if let Some(state) = end {
        receiver::end(&mut tx, &to.id, state, now).await?;
        tracing::warn!(receiver.id = %to.id, state, "receiver is told nothing more");
    }
    tx.commit().await
}
