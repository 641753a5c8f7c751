//! One run: every enabled stream of a connection, page by page.
//!
//! The next page is fetched while the current one is committed. The cursor is committed with the last
//! chunk of its page, so a run that dies goes on where its data ends. A rate limit is waited for, not
//! failed; a page that is too large is asked for in halves; trouble in one stream leaves the others.

use std::{collections::HashSet, sync::Arc, time::Duration};

use musubi_sdk::connector::{Cursor, Page, SourceError};
use tokio_util::sync::CancellationToken;

use crate::{
    connection::Live,
    master::Outcome,
    model::record::Kind,
    store::{self, StoreError, connection, run},
};

use super::{
    committer::{CommitError, Work},
    engine::Engine,
    failpoint,
    fetch::{self, AT_MOST},
    pages::Pages,
    place::Place,
    shape::Watch,
    sweep,
};

/// How a stream or run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub code: String,
    pub detail: String,
    pub retry_after: Option<Duration>,
    /// Other streams of the connection would fail the same way.
    pub whole_connection: bool,
    pub auth: bool,
}

impl Trouble {
    pub(super) fn from_source(error: &SourceError) -> Self {
        let retry_after = match error {
            SourceError::RateLimited { retry_after } | SourceError::Transient { retry_after, .. } => *retry_after,
            _ => None,
        };
        Self {
            code: error.code().to_owned(),
            detail: error.to_string(),
            retry_after,
            whole_connection: !matches!(error, SourceError::Malformed { .. } | SourceError::TooLarge),
            auth: matches!(error, SourceError::Auth { .. }),
        }
    }

    pub(super) fn of(code: &str, detail: impl Into<String>) -> Self {
        Self { code: code.to_owned(), detail: detail.into(), retry_after: None, whole_connection: true, auth: false }
    }
}

/// Why a stream stopped early.
pub enum Stop {
    Trouble(Trouble),
    /// The process is shutting down or the lease is lost.
    Cancelled,
}

impl From<CommitError> for Stop {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Stopping => Self::Cancelled,
            other => Self::Trouble(Trouble::of("DB_UNAVAILABLE", other.to_string())),
        }
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "pull cannot use the database");
        Self::Trouble(Trouble::of("DB_UNAVAILABLE", "the database cannot be used"))
    }
}

/// A run in progress.
pub struct Pull<'a> {
    pub engine: &'a Engine,
    pub live: Arc<Live>,
    pub run_id: String,
    pub cancel: CancellationToken,
    pub place: Place,
    pub requests: i64,
    pub throttled: i64,
    pub total: Outcome,
    pub trouble: Option<Trouble>,
    pub failed_streams: usize,
    pub done_streams: usize,
    /// Customer keys that this run has asked for singly.
    pub asked: HashSet<String>,
}

impl Pull<'_> {
    /// Pulls the given streams in order.
    pub async fn streams(&mut self, streams: &[connection::Stream]) -> Result<(), Stop> {
        for name in self.live.clone().pull_order() {
            let Some(stream) = streams.iter().find(|s| s.name == name && s.enabled) else { continue };
            match self.stream(stream).await {
                Ok(()) => self.done_streams += 1,
                Err(Stop::Cancelled) => return Err(Stop::Cancelled),
                Err(Stop::Trouble(trouble)) => {
                    self.failed_streams += 1;
                    self.stream_state(name, "failed", None).await?;
                    let whole = trouble.whole_connection;
                    self.trouble.get_or_insert(trouble);
                    if whole {
                        return Ok(());
                    }
                }
            }
        }
        self.fetch_waited_for().await
    }

    async fn stream(&mut self, stream: &connection::Stream) -> Result<(), Stop> {
        let name = stream.name.as_str();
        let Some(kind) = self.live.kind_of(name) else { return Ok(()) };
        let cursor = match stream.reread {
            None => stream.cursor.as_deref().and_then(|text| serde_json::from_str(text).ok()),
            Some(since) => self.again(name, since),
        };
        let mut tx = self.engine.db.begin().await?;
        run::open_stream(&mut tx, &self.run_id, name, "running", stream.cursor.as_deref()).await?;
        tx.commit().await?;
        let mut pages = Pages::new(self.engine, self.live.clone(), name, cursor, &self.cancel);
        let mut outcome = Outcome::default();
        let mut expected = None;
        let mut watch = Watch::open(self.engine, &self.live, name).await?;
        while let Some(page) = pages.next(self).await? {
            failpoint::pass("pull.after_page");
            let bodies = page.records.iter().filter(|record| !record.deleted).map(|record| &record.body);
            if let Some(live) = watch.look(self.engine, &self.live, bodies).await? {
                self.live = live;
            }
            expected = expected.or(page.total);
            let last = page.next.is_none();
            self.commit_page(name, kind, page, last.then_some(expected), &mut outcome).await?;
        }
        watch.close(self.engine, &self.live).await?;
        self.fetch_missing(&mut outcome).await?;
        let proven = is_short(expected, outcome.read) || self.sweep(stream, kind).await?;
        self.finish_stream(stream, expected, &outcome, proven).await?;
        self.total.add(outcome);
        Ok(())
    }

    /// From where to ask again for what changed since a moment; `None`: for everything.
    fn again(&self, stream: &str, since: i64) -> Option<Cursor> {
        let time = jiff::Timestamp::from_microsecond(since).ok().filter(|_| since > 0)?;
        self.live.connector.since(stream, time)
    }

    /// The records that are there have come: trouble with those that are gone does not fail the stream.
    /// `false`: there was some.
    async fn sweep(&mut self, stream: &connection::Stream, kind: Kind) -> Result<bool, Stop> {
        match sweep::stream(self, stream, kind).await {
            Err(Stop::Trouble(trouble)) => {
                self.trouble.get_or_insert(trouble);
                Ok(false)
            }
            Err(cancelled) => Err(cancelled),
            Ok(()) => Ok(true),
        }
    }

    /// A stream is green only when nothing failed and the source's own count was reached.
    async fn finish_stream(
        &mut self,
        stream: &connection::Stream,
        expected: Option<u64>,
        outcome: &Outcome,
        proven: bool,
    ) -> Result<(), Stop> {
        let name = stream.name.as_str();
        let short = is_short(expected, outcome.read);
        if short {
            // What is missing can lie before any page: the next run reads again from where this one began.
            let mut tx = self.engine.db.begin().await?;
            connection::put_cursor_back(&mut tx, &self.live.row.id, name, stream.cursor.as_deref()).await?;
            tx.commit().await?;
        }
        let expected = expected.and_then(|n| i64::try_from(n).ok());
        if short {
            self.trouble.get_or_insert(Trouble {
                whole_connection: false,
                ..Trouble::of(
                    "COUNT_SHORT",
                    format!("{name}: {} of {} records came", outcome.read, expected.unwrap_or(0)),
                )
            });
        }
        if let (Some(since), false) = (stream.reread, short) {
            let mut tx = self.engine.db.begin().await?;
            connection::asked_again(&mut tx, &self.live.row.id, name, since).await?;
            tx.commit().await?;
        }
        let state = if outcome.failed > 0 || short || !proven { "partial" } else { "succeeded" };
        self.stream_state(name, state, expected).await
    }

    async fn stream_state(&self, name: &str, state: &str, source_count: Option<i64>) -> Result<(), Stop> {
        let mut tx = self.engine.db.begin().await?;
        run::set_stream_state(&mut tx, &self.run_id, name, state, source_count).await?;
        tx.commit().await?;
        Ok(())
    }

    /// `last` holds the source's own count on the last page: while that is not reached, the cursor stays
    /// where it is and the next run reads again.
    async fn commit_page(
        &mut self,
        name: &str,
        kind: Kind,
        page: Page,
        last: Option<Option<u64>>,
        outcome: &mut Outcome,
    ) -> Result<(), Stop> {
        let cursor = page.cursor.map(|c| serde_json::Value::to_string(&c.0));
        let size = self.engine.settings.chunk_records;
        let mut records = page.records.into_iter().peekable();
        loop {
            let mut work = Work::of(&self.live, name, kind, &self.run_id, self.engine.currency);
            let chunk: Vec<_> = records.by_ref().take(size).collect();
            work.hold(&self.engine.db, chunk.iter().map(|record| record.external_id.as_str())).await?;
            chunk.into_iter().for_each(|record| work.add(record));
            let end_of_page = records.peek().is_none();
            let came = outcome.read + (work.records.len() + work.rejected.len()) as i64;
            let short = last.is_some_and(|expected| is_short(expected, came));
            if end_of_page && !short {
                work.cursor.clone_from(&cursor);
                work.fresh = last.is_some();
            }
            let applied = self.commit(Work { stream_state: "running", ..work }).await?;
            failpoint::pass("pull.after_chunk");
            outcome.add(applied);
            if end_of_page {
                return Ok(());
            }
            if self.cancel.is_cancelled() {
                return Err(Stop::Cancelled);
            }
        }
    }

    pub(super) async fn commit(&self, work: Work) -> Result<Outcome, Stop> {
        let outcome = self.engine.committer.apply(work).await?;
        self.engine.announce(&outcome, &self.run_id);
        Ok(outcome)
    }

    /// Customers that records referred to and that no page brought are asked for by key; their records
    /// are applied in the commit that brings them.
    async fn fetch_missing(&mut self, outcome: &mut Outcome) -> Result<(), Stop> {
        let missing = std::mem::take(&mut outcome.missing);
        let fetched = self.fetch(missing.into_iter().take(AT_MOST).collect()).await?;
        outcome.released += fetched.released;
        Ok(())
    }

    /// What still waits from earlier runs: the source may know those customers by now.
    async fn fetch_waited_for(&mut self) -> Result<(), Stop> {
        let mut keys = store::parked::waited_for(&self.engine.db, &self.live.row.id, AT_MOST as i64).await?;
        keys.retain(|key| !self.asked.contains(key));
        self.fetch(keys).await.map(|_| ())
    }

    async fn fetch(&mut self, keys: Vec<String>) -> Result<Outcome, Stop> {
        if keys.is_empty() {
            return Ok(Outcome::default());
        }
        self.asked.extend(keys.iter().cloned());
        let fetched = fetch::fetch_customers(self.engine, &self.live, keys, &self.run_id, &self.cancel);
        let fetched = self.place.wait(fetched).await?;
        self.requests += fetched.requests;
        self.total.failed += fetched.outcome.failed;
        Ok(fetched.outcome)
    }
}

fn is_short(expected: Option<u64>, came: i64) -> bool {
    expected.and_then(|n| i64::try_from(n).ok()).is_some_and(|n| came < n)
}

/// Opens a run with its streams waiting.
pub(super) async fn open_run(
    engine: &Engine,
    live: &Live,
    run_id: &str,
    trigger: &str,
    actor: Option<&str>,
) -> Result<Vec<connection::Stream>, StoreError> {
    let now = engine.clock.now();
    let streams = connection::streams(&engine.db, &live.row.id).await?;
    let mut tx = engine.db.begin().await?;
    run::interrupt_orphans(&mut tx, &live.row.id, now).await?;
    let new = run::New {
        id: run_id,
        connection_id: &live.row.id,
        trigger,
        actor,
        state: "running",
        mapping_version: live.row.mapping_version,
        now,
    };
    run::insert(&mut tx, &new).await?;
    for name in live.pull_order() {
        if streams.iter().any(|s| s.name == name && s.enabled) {
            run::open_stream(&mut tx, run_id, name, "waiting", None).await?;
        }
    }
    tx.commit().await?;
    Ok(streams)
}

/// Closes a run: what it did decides its state.
pub(super) async fn close_run(pull: &Pull<'_>, cancelled: bool) -> Result<&'static str, StoreError> {
    failpoint::pass("pull.before_finish");
    let engine = pull.engine;
    let still_parked = store::parked::count(&engine.db, &pull.live.row.id).await?;
    let state = if cancelled {
        "interrupted"
    } else if pull.failed_streams > 0 && pull.done_streams == 0 {
        "failed"
    } else if pull.trouble.is_some() || pull.total.failed > 0 || still_parked > 0 {
        "partial"
    } else {
        "succeeded"
    };
    let waiting = (still_parked > 0 && pull.trouble.is_none() && pull.total.failed == 0)
        .then(|| Trouble::of("REF_CUSTOMER_WAITING", format!("{still_parked} records wait for their customer")));
    let trouble = pull.trouble.as_ref().or(waiting.as_ref());
    let mut tx = engine.db.begin().await?;
    let finish = run::Finish {
        id: &pull.run_id,
        state,
        requests: pull.requests,
        throttled: pull.throttled,
        cause: trouble.map(|t| t.code.as_str()),
        detail: trouble.map(|t| t.detail.as_str()),
        now: engine.clock.now(),
    };
    run::finish(&mut tx, &finish).await?;
    if cancelled {
        run::interrupt_streams(&mut tx, &pull.run_id).await?;
    }
    tx.commit().await?;
    (engine.on_commit)(&HashSet::new(), &pull.run_id);
    Ok(state)
}
