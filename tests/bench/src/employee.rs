//! A signed-in employee: pages by HTTP, as a browser asks for them.

use std::time::{Duration, Instant};

use musubi::{
    clock::Clock,
    model::{Id, Timestamp, ids::Noun},
    store::{session, user},
};
use sha2::{Digest as _, Sha256};

use crate::{hub, process::Process, target::Target};

const TOKEN: &str = "a-session-that-exists-only-in-the-bench-000";

/// A hub on a target and a browser that is signed in there.
pub struct Employee {
    hub: Process,
    client: reqwest::Client,
}

impl Employee {
    pub async fn sign_in(target: &Target) -> anyhow::Result<Self> {
        let (id, session_id, now) = (Id::new(Noun::User), Id::new(Noun::Session), Clock::System.now());
        let mut tx = target.db.begin().await?;
        let person = user::NewUser {
            id: &id,
            mail: "owner@bench.example",
            mail_key: "owner@bench.example",
            kind: user::PERSON,
            name: "Owner",
            role: "owner",
            password_hash: None,
            language: "ja",
            theme: "system",
            now,
        };
        user::insert(&mut tx, &person).await?;
        let hash = Sha256::digest(TOKEN.as_bytes());
        let row = session::NewSession {
            token_hash: &hash,
            id: &session_id,
            user_id: id.as_str(),
            csrf: "bench",
            now,
            expires_at: now.plus(Timestamp::DAY),
            ip: None,
            agent: None,
            idp_id: None,
            subject: None,
            sid: None,
            proved_at: None,
            glass: false,
            name_id: None,
        };
        session::insert(&mut tx, &row).await?;
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
