//! The pages of one stream, with the patience that a source's trouble deserves.

use std::{sync::Arc, time::Duration};

use musubi_sdk::connector::{Cursor, Page, PageToken, PullRequest, SourceError};
use tokio_util::sync::CancellationToken;

use crate::connection::Live;

use super::{
    backoff,
    engine::Engine,
    pull::{Pull, Stop, Trouble},
};

/// Tries of one page before its stream counts as failed.
const PAGE_TRIES: u32 = 4;
/// Waits for a rate limit in one stream before the rest is left to the next run.
const THROTTLE_WAITS: u32 = 60;
/// A longer wait ends the run: it goes on at that time, and its place is free for another connection.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Smallest page that is asked for after "too large".
const SMALLEST_PAGE: u32 = 1;
/// Page size assumed where the manifest's own was refused.
const USUAL_PAGE: u32 = 200;

/// Pages of one stream, the next one already on its way.
pub(super) struct Pages<'a> {
    engine: &'a Engine,
    live: Arc<Live>,
    stream: String,
    cursor: Option<Cursor>,
    size: Option<u32>,
    /// Everything there is, for its keys only.
    all_keys: bool,
    next: Option<Option<PageToken>>,
    ahead: Option<tokio::task::JoinHandle<Result<Page, SourceError>>>,
    cancel: CancellationToken,
}

impl<'a> Pages<'a> {
    pub fn new(
        engine: &'a Engine,
        live: Arc<Live>,
        stream: &str,
        cursor: Option<Cursor>,
        cancel: &CancellationToken,
    ) -> Self {
        Self {
            engine,
            live,
            stream: stream.to_owned(),
            cursor,
            size: None,
            all_keys: false,
            next: Some(None),
            ahead: None,
            cancel: cancel.clone(),
        }
    }

    /// The keys of everything there is.
    pub fn of_all_keys(engine: &'a Engine, live: Arc<Live>, stream: &str, cancel: &CancellationToken) -> Self {
        Self { all_keys: true, ..Self::new(engine, live, stream, None, cancel) }
    }

    fn request(&self, token: Option<PageToken>) -> tokio::task::JoinHandle<Result<Page, SourceError>> {
        let (live, stream, cursor, size) = (self.live.clone(), self.stream.clone(), self.cursor.clone(), self.size);
        let all_keys = self.all_keys;
        tokio::spawn(async move {
            live.quota.acquire().await;
            let request =
                PullRequest { stream: &stream, cursor: cursor.as_ref(), token: token.as_ref(), page_size: size };
            if all_keys { live.connector.list(request).await } else { live.connector.pull(request).await }
        })
    }

    /// The next page, after as much patience as its trouble deserves. `None`: there are no more.
    pub async fn next(&mut self, pull: &mut Pull<'_>) -> Result<Option<Page>, Stop> {
        let Some(token) = self.next.take() else { return Ok(None) };
        let (mut tries, mut waits) = (0, 0);
        loop {
            let handle = self.ahead.take().unwrap_or_else(|| self.request(token.clone()));
            pull.requests += 1;
            let answer = async {
                tokio::select! {
                    answer = handle => Ok(answer),
                    () = self.cancel.cancelled() => Err(Stop::Cancelled),
                }
            };
            let answer = pull.place.wait(answer).await?;
            let error = match answer {
                Ok(Ok(page)) => {
                    if let Some(next) = &page.next {
                        self.ahead = Some(self.request(Some(next.clone())));
                        self.next = Some(Some(next.clone()));
                    }
                    return Ok(Some(page));
                }
                Ok(Err(error)) => error,
                Err(_) => {
                    return Err(Stop::Trouble(Trouble::of("CONNECTOR_PANIC", "the connector ended unexpectedly")));
                }
            };
            let wait = match &error {
                SourceError::RateLimited { retry_after } if waits < THROTTLE_WAITS => {
                    waits += 1;
                    pull.throttled += 1;
                    self.delay(waits.min(6), *retry_after)
                }
                SourceError::TooLarge => match self.halve() {
                    true => Duration::ZERO,
                    false => return Err(Stop::Trouble(Trouble::from_source(&error))),
                },
                SourceError::Transient { retry_after, .. } if tries + 1 < PAGE_TRIES => {
                    tries += 1;
                    self.delay(tries, *retry_after)
                }
                // A proxy's error page or half an answer often passes; a shape that stays wrong does not.
                SourceError::Malformed { .. } if tries + 1 < PAGE_TRIES / 2 => {
                    tries += 1;
                    self.delay(tries, None)
                }
                _ => return Err(Stop::Trouble(Trouble::from_source(&error))),
            };
            if wait > LONGEST_WAIT {
                let trouble = Trouble { retry_after: Some(wait), ..Trouble::from_source(&error) };
                return Err(Stop::Trouble(trouble));
            }
            tracing::info!(connection.id = %self.live.row.id, stream = %self.stream, code = error.code(),
                wait_ms = wait.as_millis() as u64, "source asks for patience");
            pull.place.away(self.pause(wait)).await?;
        }
    }

    /// Inside a run the first wait is a fifth of the configured one: most trouble passes in a second.
    fn delay(&self, attempt: u32, retry_after: Option<Duration>) -> Duration {
        let settings = &self.engine.settings;
        backoff::delay(attempt, settings.backoff_first.0 / 5, settings.backoff_max.0, retry_after)
    }

    async fn pause(&self, wait: Duration) -> Result<(), Stop> {
        tokio::select! {
            () = tokio::time::sleep(wait) => Ok(()),
            () = self.cancel.cancelled() => Err(Stop::Cancelled),
        }
    }

    /// Asks for half from now on. `false`: it cannot get smaller.
    fn halve(&mut self) -> bool {
        let size = self.size.unwrap_or(USUAL_PAGE * 2) / 2;
        if size < SMALLEST_PAGE {
            return false;
        }
        self.size = Some(size);
        true
    }
}
