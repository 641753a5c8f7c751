//! A connection whose records people bring in files: it has keys and a mapping, and nothing to ask.

use std::sync::Arc;

use async_trait::async_trait;
use musubi_sdk::{CheckItem, Connector, Manifest, Page, PullRequest, Record, SourceError};

/// See the module.
pub struct Sheet {
    manifest: Arc<Manifest>,
}

impl Sheet {
    #[must_use]
    pub fn new(manifest: Arc<Manifest>) -> Self {
        Self { manifest }
    }
}

#[async_trait]
impl Connector for Sheet {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    async fn check(&self) -> Vec<CheckItem> {
        let detail = "files are brought by people; there is no system to reach".to_owned();
        vec![CheckItem { item: "reach".to_owned(), ok: true, code: None, detail }]
    }

    async fn pull(&self, _: PullRequest<'_>) -> Result<Page, SourceError> {
        Ok(Page::default())
    }

    /// What is not in a file is not gone: files are often parts.
    fn lists_all(&self, _: &str) -> bool {
        false
    }

    async fn fetch(&self, _: &str, _: &str) -> Result<Option<Record>, SourceError> {
        Ok(None)
    }
}
