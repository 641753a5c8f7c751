//! A signed-in employee: pages by HTTP, as a browser asks for them.

use std::time::{Duration, Instant};

use crate::{hub, people, process::Process, target::Target};

const TOKEN: &str = "a-session-that-exists-only-in-the-bench-000";

/// A hub on a target and a browser that is signed in there.
pub struct Employee {
    hub: Process,
    client: reqwest::Client,
}

impl Employee {
    pub async fn sign_in(target: &Target) -> anyhow::Result<Self> {
        let mut tx = target.db.begin().await?;
        let owner = people::person(&mut tx, "owner@bench.example", "owner").await?;
        people::browser(&mut tx, &owner, TOKEN).await?;
        tx.commit().await?;
        let hub = hub::start(target).await?;
        let mut headers = reqwest::header::HeaderMap::new();
        headers.insert("cookie", format!("__Host-musubi={TOKEN}").parse()?);
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .default_headers(headers)
            .build()?;
        Ok(Self { hub, client })
    }

    /// Asks for a page; how long it took until its last byte, and what it said.
    pub async fn open(&self, path: &str) -> anyhow::Result<(Duration, String)> {
        // The name that the hub knows itself by on loopback.
        let url = format!("http://localhost:{}{path}", self.hub.port);
        let begun = Instant::now();
        let answer = self.client.get(&url).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        let took = begun.elapsed();
        anyhow::ensure!(status.is_success(), "{path} answered {status}");
        Ok((took, text))
    }

    pub async fn sign_out(self) -> anyhow::Result<()> {
        self.hub.stop().await
    }
}
