//! A running hub for a test: real port, real database, fast patience.

use std::time::{Duration, Instant};

use musubi::{
    app::{Parts, Running, SharedHub},
    clock::Clock,
    config::Config,
    connection::create::{self, NewConnection},
    connection::schedule::Plan,
    identity::{Access, Identity, Limits, Origin, SetupForm, SignedIn},
    store::{self, sql},
};
use serde_json::Value;

use crate::real::TestDatabase as Database;

/// The owner that [`TestHub::owner`] makes, if no other address is wanted.
pub const OWNER: &str = "takanashi@hinoki-seiki.example";
pub const PASSPHRASE: &str = "hinoki-no-kaori-2026";

pub struct TestHub {
    running: Option<Running>,
    pub url: String,
    _folder: tempfile::TempDir,
}

impl TestHub {
    pub async fn start(database: &Database) -> Self {
        Self::start_with(database, |_| {}).await
    }

    pub async fn start_with(database: &Database, change: impl FnOnce(&mut Config)) -> Self {
        Self::start_at(database, Clock::System, change).await
    }

    /// A hub that lives at the time of a given clock.
    pub async fn start_at(database: &Database, clock: Clock, change: impl FnOnce(&mut Config)) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("musubi.key").display().to_string();
        let variables = [
            ("MUSUBI_SERVER__LISTEN", "127.0.0.1:0"),
            ("MUSUBI_DATABASE__URL", database.url.as_str()),
            ("MUSUBI_SECRETS__KEY", crate::process::KEY),
            ("MUSUBI_SECRETS__KEY_FILE", key.as_str()),
            ("MUSUBI_SYNC__BACKOFF_FIRST", "250ms"),
            ("MUSUBI_SYNC__POLL", "100ms"),
            ("MUSUBI_INBOX__RETRY_FIRST", "50ms"),
            ("MUSUBI_DEMO__SALES_PORT", "0"),
            ("MUSUBI_DEMO__ACCOUNTING_PORT", "0"),
            ("MUSUBI_DEMO__ORDER_EVERY", "1h"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut config = Config::load_from(None, &variables).unwrap();
        change(&mut config);
        let mut parts = Box::pin(Parts::from_config(config, None)).await.unwrap();
        // Sessions live at the same time as everything else.
        let (limits, access) = (Limits::from(&parts.config), Access::from(&parts.config.access));
        parts.identity = Identity::new(parts.db.clone(), clock.clone(), limits, access);
        parts.clock = clock;
        let running = Box::pin(Running::start(parts)).await.unwrap();
        let url = format!("http://127.0.0.1:{}", running.address.port());
        Self { running: Some(running), url, _folder: folder }
    }

    /// First run: the owner of this address, signed in.
    pub async fn owner(&self, mail: &str) -> SignedIn {
        let identity = &self.hub().identity;
        let form = SetupForm {
            code: identity.open_setup().await.unwrap().unwrap(),
            mail: mail.into(),
            passphrase: PASSPHRASE.to_owned().into(),
            name: "高梨 拓".into(),
            company: "ひのき精機株式会社".into(),
            language: "ja".into(),
            zone: "Asia/Tokyo".into(),
            fiscal_year_start: "4".into(),
        };
        identity.create_owner(form, &Origin::default()).await.unwrap()
    }

    pub fn hub(&self) -> &SharedHub {
        &self.running.as_ref().unwrap().hub
    }

    /// The address as people type it.
    pub fn address(&self) -> String {
        self.hub().edge.public_url.as_str().trim_end_matches('/').to_owned()
    }

    pub async fn stop(mut self) {
        self.running.take().unwrap().stop().await.unwrap();
    }

    /// Connects a system that only sends.
    pub async fn connect(&self, connector: &str, settings: Value) -> String {
        self.connect_with(connector, settings, Plan::Manual).await
    }

    /// Connects a system that is pulled, at once and then by plan.
    pub async fn connect_with(&self, connector: &str, settings: Value, plan: Plan) -> String {
        let h = self.hub();
        let Value::Object(settings) = settings else { panic!("settings are an object") };
        let start_now = plan != Plan::Manual;
        let name = format!("{connector} {}", self.count("SELECT COUNT(*) FROM connection").await);
        let new = NewConnection {
            connector: connector.to_owned(),
            name,
            settings,
            plan,
            streams: None,
            sample: false,
            start_now,
        };
        let id = create::create(&h.db, &h.registry, &h.keys, &h.clock, &h.zone, new).await.unwrap();
        h.engine.due_changed.notify_one();
        id
    }

    /// "Sync now".
    pub async fn request(&self, connection: &str) {
        let mut tx = self.hub().db.begin().await.unwrap();
        assert!(store::connection::request(&mut tx, connection, "test", self.hub().clock.now()).await.unwrap());
        tx.commit().await.unwrap();
        self.hub().engine.due_changed.notify_one();
    }

    /// One text from the database; empty for NULL.
    pub async fn text(&self, statement: &'static str) -> String {
        sql(statement).one::<(Option<String>,)>(&self.hub().db).await.unwrap().0.unwrap_or_default()
    }

    /// Waits until every stored delivery has been worked on.
    pub async fn inbox_empty(&self) {
        self.until("SELECT COUNT(*) FROM inbox WHERE state = 'pending'", |n| n == 0).await;
    }

    /// One number from the database.
    pub async fn count(&self, statement: &'static str) -> i64 {
        sql(statement).one::<(i64,)>(&self.hub().db).await.unwrap().0
    }

    /// Waits until a statement yields a number; ends the test when it takes unreasonably long.
    pub async fn until(&self, statement: &'static str, wanted: impl Fn(i64) -> bool) -> i64 {
        let start = Instant::now();
        loop {
            let n = self.count(statement).await;
            if wanted(n) {
                return n;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "{statement} stays at {n}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until every connection is idle with a finished first run.
    pub async fn synced(&self) {
        self.until(
            "SELECT COUNT(*) FROM connection WHERE leased_by IS NOT NULL OR requested_by IS NOT NULL
               OR last_run_id IS NULL OR (SELECT state FROM run WHERE run.id = last_run_id) = 'running'",
            |n| n == 0,
        )
        .await;
    }

    /// Posts a delivery and reads the answer.
    pub async fn post_hook(&self, connection: &str, headers: &[(&'static str, String)], body: Vec<u8>) -> (u16, Value) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut request = client.post(format!("{}/hooks/{connection}", self.url)).body(body);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or(Value::Null))
    }
}
