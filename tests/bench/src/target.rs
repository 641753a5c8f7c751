//! A database to measure on: empty, migrated, and what the hub needs to use it.

use std::path::PathBuf;

use musubi::{
    clock::Clock,
    connection::schedule::Plan,
    connection::{
        Catalogue, Registry,
        create::{NewConnection, create},
    },
    secrets::Keys,
    store::{self, Db, sql},
};
use serde_json::{Value, json};

use crate::postgres::Postgres;

pub const HOOK_SECRET: &str = "a secret of the bench";
/// The key that seals the bench's secrets; the hub process gets it by its environment.
const KEY: [u8; 32] = [7; 32];

pub struct Target {
    pub kind: &'static str,
    pub url: String,
    pub db: Db,
    folder: tempfile::TempDir,
}

impl Target {
    pub async fn new(kind: &'static str) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("musubi-bench-").tempdir()?;
        let url = match kind {
            "sqlite" => format!("sqlite://{}", folder.path().join("hub.db").display()),
            _ => Postgres::shared().bare_database().await,
        };
        let db = store::open(&url, 8).await?;
        store::migrate::run(&db).await?;
        Ok(Self { kind, url, db, folder })
    }

    /// An empty database without tables beside the hub's, for the yard-stick.
    pub async fn beside(&self) -> String {
        match self.kind {
            "sqlite" => format!("sqlite://{}", self.folder.path().join("peer.db").display()),
            _ => Postgres::shared().bare_database().await,
        }
    }

    /// Where the hub's log goes; shown when the target is dropped, if something is wrong.
    pub fn log(&self) -> std::io::Result<std::fs::File> {
        std::fs::OpenOptions::new().create(true).append(true).open(self.folder.path().join("hub.log"))
    }

    /// The environment in which the hub finds this database, its manifests and its key.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("MUSUBI_DATABASE__URL", self.url.clone()),
            ("MUSUBI_CONNECTORS__DIR", manifests().display().to_string()),
            ("MUSUBI_SECRETS__KEY", hex::encode(KEY)),
            ("MUSUBI_LOG__FILTER", "warn".into()),
            ("MUSUBI_SERVER__LISTEN", "127.0.0.1:0".into()),
        ]
    }

    /// Connects a bulk source; the hub pulls it as soon as it runs.
    pub async fn connect_bulk(&self, base_url: &str, start_now: bool) -> anyhow::Result<String> {
        let settings = json!({ "base_url": base_url, "api_key": "bulk", "webhook_secret": HOOK_SECRET });
        self.connect("bulk", "Bulk", settings, Plan::Manual, start_now).await
    }

    /// Connects a system, which the hub pulls by plan, and at once if wanted.
    pub async fn connect(
        &self,
        connector: &str,
        name: &str,
        settings: Value,
        plan: Plan,
        start_now: bool,
    ) -> anyhow::Result<String> {
        let registry = Registry::new(Catalogue::load(&manifests())?, reqwest::Client::builder().no_proxy().build()?);
        let Value::Object(settings) = settings else { anyhow::bail!("settings are an object") };
        let new = NewConnection {
            connector: connector.into(),
            name: name.into(),
            settings,
            streams: None,
            plan,
            sample: false,
            start_now,
        };
        let zone = jiff::tz::TimeZone::get("Asia/Tokyo")?;
        Ok(create(&self.db, &registry, &Keys::new(KEY, None), &Clock::System, &zone, new).await?)
    }

    /// One number from the database.
    pub async fn count(&self, statement: &'static str) -> anyhow::Result<i64> {
        Ok(sql(statement).one::<(i64,)>(&self.db).await?.0)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let said = std::fs::read_to_string(self.folder.path().join("hub.log")).unwrap_or_default();
        let trouble: Vec<&str> = said.lines().filter(|l| l.contains("WARN") || l.contains("ERROR")).collect();
        for line in trouble.iter().take(20) {
            eprintln!("hub: {line}");
        }
        if trouble.len() > 20 {
            eprintln!("hub: and {} more lines", trouble.len() - 20);
        }
    }
}

fn manifests() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("connectors")
}
