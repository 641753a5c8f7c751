//! Keeps `customer_stat` and the directory up to date after commits.
//!
//! Whoever commits something about a customer calls [`RefreshHandle::touch`]. Touched customers
//! wait in a set, so a customer that changes a hundred times while one batch runs is computed once.
//! At start, and when the organisation's calendar day changes, everything that is out of date is
//! taken up behind the touched ones. Once a second the work of other nodes is taken over.
//!
//! Invariant: a touched customer is never forgotten; a batch that fails is put back and tried again.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use jiff::{civil::Date, tz::TimeZone};
use tokio::sync::{Notify, broadcast, watch};
use tokio_util::sync::CancellationToken;

use super::{directory::Directory, stat};
use crate::{
    clock::Clock,
    model::Timestamp,
    store::{self, Db, StoreError},
};

/// A pause between batches is at most this long; it leaves the database to others.
const PAUSE: Duration = Duration::from_millis(200);
/// The same where more than a batch waits: a first load touches every customer again and again, and
/// each time there is more to sum up.
const LONG_PAUSE: Duration = Duration::from_secs(2);
/// While senders wait for their answers figures are a twentieth of the work, in small batches. A pause is
/// at most this long.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(30);
/// Another node's rows carry the time at which it began to read, a little before its commit.
const OVERLAP: i64 = 10 * Timestamp::SECOND;

#[derive(Debug, Default)]
struct Pending {
    touched: BTreeSet<String>,
    /// Catching up; comes after what was touched.
    backlog: BTreeSet<String>,
    /// Counts calls of `touch`.
    generation: u64,
}

/// A question to ask; nobody to ask means no.
#[derive(Default)]
struct Busy(OnceLock<Box<dyn Fn() -> bool + Send + Sync>>);

impl Busy {
    fn now(&self) -> bool {
        self.0.get().is_some_and(|ask| ask())
    }
}

impl std::fmt::Debug for Busy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Busy(..)")
    }
}

#[derive(Debug)]
struct Shared {
    /// Says whether senders wait in numbers.
    busy: Busy,
    pending: Mutex<Pending>,
    wake: Notify,
    done: watch::Sender<u64>,
    refreshed: broadcast::Sender<Arc<[String]>>,
}

impl Shared {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the refresher what changed. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RefreshHandle(Arc<Shared>);

impl RefreshHandle {
    /// Figures stand back while this says so. Only the first call counts.
    pub fn heed(&self, busy: impl Fn() -> bool + Send + Sync + 'static) {
        let _ = self.0.busy.0.set(Box::new(busy));
    }

    /// These customers have something new. Call it after the commit.
    pub fn touch(&self, ids: Vec<String>) {
        if ids.is_empty() {
            return;
        }
        let mut pending = self.0.pending();
        pending.touched.extend(ids);
        pending.generation += 1;
        drop(pending);
        self.0.wake.notify_one();
    }

    /// Waits until everything touched so far, and what was out of date at start, is done.
    pub async fn settle(&self) {
        let target = self.0.pending().generation;
        let mut done = self.0.done.subscribe();
        // The sender lives in `self`, and a stopped worker reports everything as done.
        let _closed = done.wait_for(|done| *done >= target).await.is_err();
    }

    /// Hears which customers were refreshed, after the directory shows them.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<[String]>> {
        self.0.refreshed.subscribe()
    }
}

/// The worker; see the module.
#[derive(Debug)]
pub struct Refresher {
    db: Db,
    directory: Arc<Directory>,
    clock: Clock,
    zone: TimeZone,
    shared: Arc<Shared>,
    day: Option<Date>,
    /// Newest `refreshed_at` taken over from the store.
    seen: i64,
}

impl Refresher {
    /// Starts the worker; it ends with the token.
    pub fn spawn(
        db: Db,
        directory: Arc<Directory>,
        clock: Clock,
        zone: TimeZone,
        cancel: CancellationToken,
    ) -> RefreshHandle {
        // Generation 1 is the catching up at start.
        let shared = Arc::new(Shared {
            busy: Busy::default(),
            pending: Mutex::new(Pending { generation: 1, ..Pending::default() }),
            wake: Notify::new(),
            done: watch::channel(0).0,
            refreshed: broadcast::channel(256).0,
        });
        let handle = RefreshHandle(shared.clone());
        let seen = directory.newest();
        let worker = Self { db, directory, clock, zone, shared, day: None, seen };
        let shared = handle.0.clone();
        tokio::spawn(async move {
            cancel.run_until_cancelled(worker.run()).await;
            // Nobody waits for a worker that is gone.
            shared.done.send_replace(u64::MAX);
        });
        handle
    }

    async fn run(mut self) {
        let mut poll = tokio::time::interval(POLL);
        poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut failures = 0_u32;
        loop {
            let due = tokio::select! {
                _ = poll.tick() => true,
                () = self.shared.wake.notified() => false,
            };
            let result = self.round(due).await;
            match result {
                Ok(()) => failures = 0,
                Err(error) => {
                    failures = failures.saturating_add(1);
                    let wait = RETRY_MAX.min(Duration::from_millis(250) * 2_u32.saturating_pow(failures.min(10)));
                    tracing::warn!(error = &error as &dyn std::error::Error, failures, "figures were not refreshed");
                    tokio::time::sleep(wait).await;
                    self.shared.wake.notify_one();
                }
            }
        }
    }

    async fn round(&mut self, poll: bool) -> Result<(), StoreError> {
        let today = self.clock.now().zoned(&self.zone).date();
        if self.day != Some(today) {
            self.catch_up(today).await?;
            self.day = Some(today);
        } else if poll {
            self.take_over().await?;
        }
        self.work(today).await
    }

    /// Everything that is older than its documents or than the day.
    async fn catch_up(&self, today: Date) -> Result<(), StoreError> {
        let midnight = today.to_zoned(self.zone.clone()).map_or(i64::MIN, |z| z.timestamp().as_microsecond());
        let stale = store::stat::stale(&self.db, Timestamp(midnight)).await?;
        self.shared.pending().backlog.extend(stale);
        Ok(())
    }

    /// What other nodes refreshed since.
    async fn take_over(&mut self) -> Result<(), StoreError> {
        let rows = store::stat::refreshed_after(&self.db, Timestamp(self.seen.saturating_sub(OVERLAP))).await?;
        let newest = rows.last().map_or(self.seen, |(_, at)| *at);
        let foreign: Vec<String> = rows
            .into_iter()
            .filter(|(id, at)| self.directory.refreshed_at(id) != Some(*at))
            .map(|(id, _)| id)
            .collect();
        if !foreign.is_empty() {
            self.directory.refresh(&foreign, &self.db).await?;
            self.tell(foreign);
        }
        self.seen = self.seen.max(newest);
        Ok(())
    }

    /// Batch after batch until nothing waits.
    async fn work(&self, today: Date) -> Result<(), StoreError> {
        loop {
            let (batch, from_backlog, generation) = self.take();
            if batch.is_empty() {
                self.shared.done.send_if_modified(|done| std::mem::replace(done, generation) != generation);
                return Ok(());
            }
            let start = Instant::now();
            if let Err(error) = self.refresh(&batch, today).await {
                let mut pending = self.shared.pending();
                let back = if from_backlog { &mut pending.backlog } else { &mut pending.touched };
                back.extend(batch);
                return Err(error);
            }
            let (more, flood) = {
                let pending = self.shared.pending();
                (!pending.touched.is_empty() || !pending.backlog.is_empty(), pending.touched.len() >= stat::BATCH)
            };
            self.tell(batch);
            if more {
                // Half of the time at most, in a first load a fifth: commits of others go first.
                let pause = match (self.shared.busy.now(), flood) {
                    (true, _) => (start.elapsed() * 19).min(LONGEST_PAUSE),
                    (false, true) => (start.elapsed() * 4).min(LONG_PAUSE),
                    (false, false) => start.elapsed().min(PAUSE),
                };
                tokio::time::sleep(pause).await;
            }
        }
    }

    fn take(&self) -> (Vec<String>, bool, u64) {
        let most = if self.shared.busy.now() { stat::BATCH / 10 } else { stat::BATCH };
        let mut pending = self.shared.pending();
        let from_backlog = pending.touched.is_empty();
        let from = if from_backlog { &mut pending.backlog } else { &mut pending.touched };
        let mut batch = Vec::new();
        while batch.len() < most
            && let Some(id) = from.pop_first()
        {
            batch.push(id);
        }
        (batch, from_backlog, pending.generation)
    }

    async fn refresh(&self, ids: &[String], today: Date) -> Result<(), StoreError> {
        match self.refresh_batch(ids, today).await {
            Err(error) if !error.is_outage() => {
                // One customer whose figures cannot be computed must not hold up the others.
                for id in ids {
                    if let Err(error) = self.refresh_batch(std::slice::from_ref(id), today).await {
                        if error.is_outage() {
                            return Err(error);
                        }
                        tracing::error!(customer.id = id, error = &error as &dyn std::error::Error, "no figures");
                    }
                }
                Ok(())
            }
            result => result,
        }
    }

    async fn refresh_batch(&self, ids: &[String], today: Date) -> Result<(), StoreError> {
        stat::refresh(&self.db, ids, today, self.clock.now()).await?;
        self.directory.refresh(ids, &self.db).await
    }

    fn tell(&self, ids: Vec<String>) {
        // Nobody listening is fine.
        let _listeners = self.shared.refreshed.send(ids.into());
    }
}
