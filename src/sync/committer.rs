//! The committer: webhooks and chunks go through it into shared commits; only then they are answered.
//!
//! A lane takes whatever deliveries wait (at most [`INBOX_ROWS`]) and one chunk, commits, answers; there
//! is no timer. PostgreSQL has a lane for deliveries and one for chunks, each with its connection.
//! SQLite has one writer and so one lane for both, in which deliveries go first: while many of them
//! wait, chunks get a turn only every [`WORK_TURN`].
//!
//! A commit that fails is split: deliveries alone, the chunk alone, then the chunk row by row under
//! savepoints, so that one bad row fails alone. When the database itself is away everybody is told
//! and nothing is acknowledged.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use musubi_sdk::connector::Record;
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::{
    clock::Clock,
    connection::Live,
    master::{Incoming, Outcome, Rejected},
    model::{Currency, record::Kind},
    store::{
        Db, StoreError,
        inbox::{self, Applied},
    },
};

use super::{
    apply, failpoint, intake,
    shape::{self, Held},
};

/// Deliveries in one commit.
const INBOX_ROWS: usize = 512;
/// From this many waiting deliveries on, chunks stand back on a shared lane.
const BUSY: usize = 32;
/// How long chunks stand back at most.
const WORK_TURN: Duration = Duration::from_millis(150);
/// Times a commit is tried again after a conflict with another node.
const CONFLICTS: usize = 4;
/// From this many deliveries at a time on, senders wait in numbers.
const FLOOD: usize = 12;
/// Bodies of waiting deliveries together, in KiB.
const WAITING_KIB: usize = 64 * 1024;

/// Why something was not committed. Nothing of it is stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommitError {
    #[error("too many deliveries wait")]
    Full,
    #[error("the database is away")]
    Outage,
    #[error("the database refused the rows")]
    Refused(Arc<StoreError>),
    #[error("the hub is stopping")]
    Stopping,
}

impl From<StoreError> for CommitError {
    fn from(error: StoreError) -> Self {
        if error.is_outage() {
            tracing::warn!(error = &error as &dyn std::error::Error, "database outage");
            Self::Outage
        } else {
            Self::Refused(Arc::new(error))
        }
    }
}

struct InboxJob {
    delivery: inbox::New,
    done: oneshot::Sender<Result<bool, CommitError>>,
    _room: tokio::sync::OwnedSemaphorePermit,
}

/// Records of one stream to apply, with what else belongs into the same commit.
pub struct Work {
    pub live: Arc<Live>,
    pub stream: String,
    pub kind: Kind,
    pub run_id: String,
    pub currency: Currency,
    pub records: Vec<Incoming>,
    pub rejected: Vec<Rejected>,
    /// Cursor to store; only with the last chunk of its page.
    pub cursor: Option<String>,
    /// State that the run's stream row gets.
    pub stream_state: &'static str,
    /// Deliveries these records came in, claimed in the same commit.
    pub deliveries: Vec<Applied>,
    /// Whether the stream counts as fresh after this commit.
    pub fresh: bool,
    /// Failures again: only records whose failure is still unresolved are taken.
    pub replay: bool,
    /// Records that count as deleted and are there again.
    pub back: bool,
    /// What is kept of fields that the source has lost.
    pub held: Held,
}

impl Work {
    /// Records that came by themselves, outside the pages of a pull: no cursor, nothing claimed.
    pub fn of(live: &Arc<Live>, stream: &str, kind: Kind, run_id: &str, currency: Currency) -> Self {
        Self {
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
            fresh: false,
            replay: false,
            back: false,
            held: Held::new(),
        }
    }

    /// Has what is kept of these records at hand, before they are added.
    pub async fn hold<'a>(&mut self, db: &Db, keys: impl Iterator<Item = &'a str>) -> Result<(), StoreError> {
        self.held.extend(shape::values(db, &self.live, &self.stream, keys).await?);
        Ok(())
    }

    /// Adds a record as its source sent it, mapped, or what is wrong with it.
    pub fn add(&mut self, record: Record) {
        match intake::map(&self.live, &self.stream, record, &self.held, self.currency) {
            Ok(incoming) => self.records.push(incoming),
            Err(bad) => self.rejected.push(*bad),
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.rejected.is_empty()
    }
}

struct WorkJob {
    work: Work,
    done: oneshot::Sender<Result<Outcome, CommitError>>,
}

/// Handle to the lanes. Cheap to clone; the lanes end when the last handle is gone.
#[derive(Clone)]
pub struct Committer {
    inbox: mpsc::Sender<InboxJob>,
    work: mpsc::Sender<WorkJob>,
    room: Arc<Semaphore>,
    /// Deliveries whose senders wait for their answer.
    unanswered: Arc<AtomicUsize>,
}

impl Committer {
    /// Starts the lanes. `queue` bounds the waiting deliveries.
    #[must_use]
    pub fn spawn(db: Db, clock: Clock, node: String, lease: i64, queue: usize) -> Self {
        let (inbox_tx, inbox_rx) = mpsc::channel(queue);
        let (work_tx, work_rx) = mpsc::channel(16);
        let lane = |inbox, work| Lane { db: db.clone(), clock: clock.clone(), node: node.clone(), lease, inbox, work };
        match &db {
            Db::Postgres(_) => {
                tokio::spawn(lane(Some(inbox_rx), None).run());
                tokio::spawn(lane(None, Some(work_rx)).run());
            }
            Db::Sqlite { .. } => {
                tokio::spawn(lane(Some(inbox_rx), Some(work_rx)).run());
            }
        }
        Self { inbox: inbox_tx, work: work_tx, room: Arc::new(Semaphore::new(WAITING_KIB)), unanswered: Arc::default() }
    }

    /// Stores a delivery durably. `true`: new; `false`: it was here before. Over the limits it says
    /// [`CommitError::Full`] at once instead of letting the sender wait.
    pub async fn receive(&self, delivery: inbox::New) -> Result<bool, CommitError> {
        let kib = u32::try_from(delivery.body.len() / 1024 + 1).unwrap_or(u32::MAX);
        let room = self.room.clone().try_acquire_many_owned(kib).map_err(|_| CommitError::Full)?;
        let _counted = Counted::one_more(&self.unanswered);
        let (done, answer) = oneshot::channel();
        self.inbox.try_send(InboxJob { delivery, done, _room: room }).map_err(|e| match e {
            mpsc::error::TrySendError::Full(_) => CommitError::Full,
            mpsc::error::TrySendError::Closed(_) => CommitError::Stopping,
        })?;
        answer.await.unwrap_or(Err(CommitError::Stopping))
    }

    /// Senders wait in numbers: whatever is not their answer should stand back.
    #[must_use]
    pub fn flooded(&self) -> bool {
        self.unanswered.load(Ordering::Relaxed) >= FLOOD
    }

    /// Applies a chunk and waits for its commit.
    pub async fn apply(&self, work: Work) -> Result<Outcome, CommitError> {
        let (done, answer) = oneshot::channel();
        self.work.send(WorkJob { work, done }).await.map_err(|_| CommitError::Stopping)?;
        answer.await.unwrap_or(Err(CommitError::Stopping))
    }
}

/// One more of a number of things, until it is dropped.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn one_more(number: &'a AtomicUsize) -> Self {
        number.fetch_add(1, Ordering::Relaxed);
        Self(number)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Lane {
    db: Db,
    clock: Clock,
    node: String,
    lease: i64,
    inbox: Option<mpsc::Receiver<InboxJob>>,
    work: Option<mpsc::Receiver<WorkJob>>,
}

impl Lane {
    async fn run(mut self) {
        let mut deliveries = Vec::with_capacity(INBOX_ROWS);
        let mut last_work = Instant::now();
        while let Some(work) = self.gather(&mut deliveries, &mut last_work).await {
            let batch = std::mem::take(&mut deliveries);
            if self.commit(batch, work).await {
                self.turn_away();
            }
        }
    }

    /// While the database is away each try takes seconds: who waits is told at once, not batch by batch.
    fn turn_away(&mut self) {
        while let Some(job) = self.inbox.as_mut().and_then(|inbox| inbox.try_recv().ok()) {
            let _ = job.done.send(Err(CommitError::Outage));
        }
    }

    /// Waits for anything to do. `None`: every handle is gone.
    async fn gather(&mut self, deliveries: &mut Vec<InboxJob>, last_work: &mut Instant) -> Option<Option<WorkJob>> {
        let work = match (&mut self.inbox, &mut self.work) {
            (Some(inbox), None) => {
                if inbox.recv_many(deliveries, INBOX_ROWS).await == 0 {
                    return None;
                }
                None
            }
            (None, Some(work)) => Some(work.recv().await?),
            (Some(inbox), Some(work)) => {
                tokio::select! {
                    biased;
                    n = inbox.recv_many(deliveries, INBOX_ROWS) => {
                        if n == 0 { self.inbox = None; return Some(None); }
                        let turn = n < BUSY || last_work.elapsed() >= WORK_TURN;
                        if turn { work.try_recv().ok() } else { None }
                    }
                    job = work.recv() => {
                        if job.is_none() { self.work = None; return Some(None); }
                        job
                    }
                }
            }
            (None, None) => return None,
        };
        if work.is_some() {
            *last_work = Instant::now();
        }
        Some(work)
    }

    /// Commits and answers. `true`: the database was away.
    async fn commit(&self, deliveries: Vec<InboxJob>, work: Option<WorkJob>) -> bool {
        if deliveries.is_empty() && work.is_none() {
            return false;
        }
        let (rows, waiting): (Vec<_>, Vec<_>) = deliveries.into_iter().map(|j| (j.delivery, (j.done, j._room))).unzip();
        let together = self.write(&rows, work.as_ref().map(|j| &j.work)).await;
        let (stored, applied) = match together {
            Ok((stored, applied)) => (Ok(stored), applied.map(Ok)),
            // One of them spoiled the other's commit: each alone.
            Err(error) if !rows.is_empty() && work.is_some() && !error.is_outage() => {
                let stored = self.write(&rows, None).await.map(|(stored, _)| stored);
                let applied = match &work {
                    Some(job) => Some(self.write_alone(&job.work).await),
                    None => None,
                };
                (stored, applied)
            }
            Err(error) => match &work {
                Some(job) if !error.is_outage() => (Err(error), Some(self.row_by_row(&job.work).await)),
                Some(_) => {
                    let shared = CommitError::from(error);
                    self.answer_failure(waiting, work, &shared);
                    return true;
                }
                None => (Err(error), None),
            },
        };
        let stored = match stored {
            Err(error) if !rows.is_empty() && !error.is_outage() => self.one_by_one(&rows).await,
            Err(error) => {
                let shared = CommitError::from(error);
                rows.iter().map(|_| Err(shared.clone())).collect()
            }
            Ok(stored) => stored.into_iter().map(Ok).collect(),
        };
        let away = matches!(stored.last(), Some(Err(CommitError::Outage)));
        for ((done, _room), answer) in waiting.into_iter().zip(stored) {
            let _ = done.send(answer);
        }
        if let (Some(job), Some(applied)) = (work, applied) {
            let _ = job.done.send(applied.map_err(CommitError::from));
        }
        away
    }

    fn answer_failure(
        &self,
        waiting: Vec<(oneshot::Sender<Result<bool, CommitError>>, tokio::sync::OwnedSemaphorePermit)>,
        work: Option<WorkJob>,
        error: &CommitError,
    ) {
        for (done, _room) in waiting {
            let _ = done.send(Err(error.clone()));
        }
        if let Some(job) = work {
            let _ = job.done.send(Err(error.clone()));
        }
    }

    /// One transaction with everything in it; again where another node's stood in its way.
    async fn write(
        &self,
        rows: &[inbox::New],
        work: Option<&Work>,
    ) -> Result<(Vec<bool>, Option<Outcome>), StoreError> {
        for _ in 0..CONFLICTS {
            match self.write_once(rows, work).await {
                Err(error) if error.is_conflict() => {
                    tracing::info!(error = &error as &dyn std::error::Error, "commit again after a conflict");
                }
                done => return done,
            }
        }
        self.write_once(rows, work).await
    }

    async fn write_once(
        &self,
        rows: &[inbox::New],
        work: Option<&Work>,
    ) -> Result<(Vec<bool>, Option<Outcome>), StoreError> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        failpoint::pass("commit.before_write");
        if let Some(work) = work {
            apply::lock(&mut tx, work).await?;
        }
        let stored = if rows.is_empty() {
            Vec::new()
        } else {
            inbox::insert(&mut tx, rows, &self.node, now.plus(self.lease)).await?
        };
        failpoint::pass("commit.after_inbox");
        let applied = match work {
            Some(work) => Some(apply::at_once(&mut tx, work, now).await?),
            None => None,
        };
        failpoint::pass("commit.after_ingest");
        failpoint::pass("commit.before_commit");
        tx.commit().await?;
        failpoint::pass("commit.after_commit");
        Ok((stored, applied))
    }

    async fn write_alone(&self, work: &Work) -> Result<Outcome, StoreError> {
        match self.write(&[], Some(work)).await {
            Ok((_, applied)) => Ok(applied.unwrap_or_default()),
            Err(error) if error.is_outage() => Err(error),
            Err(_) => self.row_by_row(work).await,
        }
    }

    /// Deliveries singly, after their shared commit failed: a bad one fails alone.
    async fn one_by_one(&self, rows: &[inbox::New]) -> Vec<Result<bool, CommitError>> {
        let mut out = Vec::with_capacity(rows.len());
        for row in rows {
            let stored = self.write(std::slice::from_ref(row), None).await;
            out.push(stored.map(|(stored, _)| stored.first().copied().unwrap_or(false)).map_err(CommitError::from));
        }
        out
    }

    /// A chunk that was refused as a whole.
    async fn row_by_row(&self, work: &Work) -> Result<Outcome, StoreError> {
        tracing::warn!(connection.id = %work.live.row.id, stream = %work.stream, "chunk refused, applying row by row");
        let mut tx = self.db.begin().await?;
        let outcome = apply::row_by_row(&mut tx, work, self.clock.now()).await?;
        tx.commit().await?;
        Ok(outcome)
    }
}
