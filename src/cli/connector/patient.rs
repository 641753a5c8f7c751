//! A live system under test, asked as the engine would ask: within its quota, again after "wait".

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use musubi_sdk::{
    connector::{CheckItem, Connector, Page, PullRequest, Record, SourceError},
    manifest::{Manifest, PaginatorSpec},
};

use crate::connection::quota::Quota;

const TRIES: u32 = 5;
/// The list reads each stream about a dozen times in small pages: this bounds how many there are.
const PAGES: u64 = 10;

/// See the module.
pub(super) struct Patient {
    inner: Arc<dyn Connector>,
    quota: Quota,
    /// Records of each stream, from the run in the source's own page size.
    seen: Mutex<HashMap<String, u64>>,
}

impl Patient {
    pub(super) fn new(inner: Arc<dyn Connector>) -> Self {
        let quota = Quota::new(inner.manifest().quota().map(|q| (q.requests, q.per)));
        Self { inner, quota, seen: Mutex::default() }
    }

    /// Never so small that a large stream takes thousands of requests.
    fn page_size(&self, request: &PullRequest<'_>) -> Option<u32> {
        let asked = request.page_size?;
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(request.stream)?;
        let least = u32::try_from(seen / PAGES).unwrap_or(u32::MAX);
        let most = match &self.inner.manifest().stream(request.stream)?.paginator {
            PaginatorSpec::Page { size, .. } | PaginatorSpec::Offset { size, .. } => *size,
            PaginatorSpec::Cursor { size, .. }
            | PaginatorSpec::NextUrl { size, .. }
            | PaginatorSpec::LinkHeader { size, .. } => size.unwrap_or(u32::MAX),
            PaginatorSpec::None => u32::MAX,
        };
        Some((asked + least).min(most.max(asked)))
    }

    fn count(&self, request: &PullRequest<'_>, page: &Page) {
        if request.page_size.is_none() && request.cursor.is_none() {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            *seen.entry(request.stream.to_owned()).or_default() += page.records.len() as u64;
        }
    }
}

/// How long to wait before the same is asked again; `None`: it is of no use.
fn wait(error: &SourceError, tried: u32) -> Option<Duration> {
    let given = match error {
        SourceError::RateLimited { retry_after } | SourceError::Transient { retry_after, .. } => *retry_after,
        _ => return None,
    };
    (tried < TRIES).then(|| given.unwrap_or(Duration::from_millis(200 << tried)).min(Duration::from_secs(60)))
}

#[async_trait]
impl Connector for Patient {
    fn manifest(&self) -> &Manifest {
        self.inner.manifest()
    }

    async fn check(&self) -> Vec<CheckItem> {
        self.inner.check().await
    }

    async fn pull(&self, mut request: PullRequest<'_>) -> Result<Page, SourceError> {
        let size = self.page_size(&request);
        let asked = request.clone();
        request.page_size = size.or(request.page_size);
        let mut tried = 0;
        loop {
            self.quota.acquire().await;
            match self.inner.pull(request.clone()).await {
                Ok(page) => {
                    self.count(&asked, &page);
                    return Ok(page);
                }
                Err(error) => match wait(&error, tried) {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => return Err(error),
                },
            }
            tried += 1;
        }
    }

    async fn fetch(&self, stream: &str, external_id: &str) -> Result<Option<Record>, SourceError> {
        self.quota.acquire().await;
        self.inner.fetch(stream, external_id).await
    }
}
