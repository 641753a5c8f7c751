//! The sample company (見本): starting its two systems, connecting them, removing every trace.
//!
//! The samples are ordinary connections marked `sample`; only this module knows more about them.

use std::time::Duration;

use musubi_samples::{Credentials, RunningSamples, SampleOptions, Samples, Trouble};
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

use crate::{
    app::Hub,
    connection::create::{self, CreateError, NewConnection},
    connection::schedule::Plan,
    identity::SampleState,
    store::{self, StoreError},
};

/// The running sample systems of this process.
#[derive(Default)]
pub struct SampleSystems(Mutex<Option<RunningSamples>>);

/// Why the samples are not there.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    #[error("the sample systems cannot start")]
    Start(#[from] std::io::Error),
    #[error(transparent)]
    Connect(#[from] CreateError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub const SALES: &str = "sample-sales";
pub const ACCOUNTING: &str = "sample-accounting";

impl SampleSystems {
    pub async fn stop(&self) {
        if let Some(running) = self.0.lock().await.take() {
            running.shutdown().await;
        }
    }

    /// Makes a sample order now; for tests and the demo's script.
    pub async fn new_order(&self) -> Option<musubi_samples::NewOrder> {
        match self.0.lock().await.as_ref() {
            Some(running) => running.new_order_now().await,
            None => None,
        }
    }

    /// Makes a sample order of one customer now; for tests.
    pub async fn new_order_for(&self, code: &str) -> Option<musubi_samples::NewOrder> {
        match self.0.lock().await.as_ref() {
            Some(running) => running.new_order_for(code).await,
            None => None,
        }
    }
}

/// Starts the sample systems and connects them. Does nothing when they are connected already.
pub async fn load(hub: &Hub) -> Result<(), SampleError> {
    let mut running = hub.samples.0.lock().await;
    if running.is_some() {
        return Ok(());
    }
    let mut tx = hub.db.begin().await?;
    SampleState::Loading.save(&mut tx, hub.clock.now()).await?;
    tx.commit().await?;
    let systems = start(hub, None).await?;
    let connected = connect(hub, &systems).await;
    if connected.is_err() {
        systems.shutdown().await;
        remove_rows(hub).await?;
        let mut tx = hub.db.begin().await?;
        SampleState::Undecided.save(&mut tx, hub.clock.now()).await?;
        tx.commit().await?;
        return connected;
    }
    *running = Some(systems);
    drop(running);
    hub.engine.due_changed.notify_one();
    Ok(())
}

/// Starts the systems of samples that were loaded before this process, with the keys they had.
pub async fn resume(hub: &Hub) -> Result<(), SampleError> {
    let mut running = hub.samples.0.lock().await;
    let find = |connector: &str| hub.registry.all().into_iter().find(|l| l.row.sample && l.row.connector == connector);
    let (Some(sales), Some(accounting), None) = (find(SALES), find(ACCOUNTING), running.as_ref()) else {
        return Ok(());
    };
    let secret = |live: &crate::connection::Live, name: &str| live.secret(&hub.keys, name).unwrap_or_default();
    let credentials = Credentials {
        sales_api_key: secret(&sales, "api_key"),
        sales_webhook_secret: secret(&sales, "webhook_secret"),
        accounting_token: secret(&accounting, "token"),
        accounting_webhook_secret: secret(&accounting, "webhook_secret"),
    };
    let systems = start(hub, Some(credentials)).await?;
    systems.set_sales_hook(hook_url(hub, &sales.row.id));
    systems.set_accounting_hook(hook_url(hub, &accounting.row.id));
    *running = Some(systems);
    Ok(())
}

async fn start(hub: &Hub, credentials: Option<Credentials>) -> Result<RunningSamples, SampleError> {
    let demo = &hub.config.demo;
    let mut options = SampleOptions::new(hub.clock.now().zoned(&hub.zone).date());
    options.sales_port = demo.sales_port;
    options.accounting_port = demo.accounting_port;
    options.order_every = Some(demo.order_every.0).filter(|every| *every > Duration::ZERO);
    options.trouble = Trouble { every_n_429: 23, every_n_500: 41 };
    options.credentials = credentials;
    Ok(Samples::start(options).await?)
}

async fn connect(hub: &Hub, systems: &RunningSamples) -> Result<(), SampleError> {
    let c = systems.credentials();
    let japanese = hub.config.organisation.language.code() == "ja";
    let name = |ja: &str, en: &str| if japanese { ja.to_owned() } else { en.to_owned() };
    let sales = settings(json!({
        "base_url": systems.sales_url(), "api_key": c.sales_api_key, "webhook_secret": c.sales_webhook_secret,
    }));
    let accounting = settings(json!({
        "base_url": systems.accounting_url(), "token": c.accounting_token,
        "webhook_secret": c.accounting_webhook_secret,
    }));
    let sales = one(hub, SALES, name("販売管理(見本)", "Sales management (sample)"), sales).await?;
    let accounting = one(hub, ACCOUNTING, name("会計(見本)", "Accounting (sample)"), accounting).await?;
    systems.set_sales_hook(hook_url(hub, &sales));
    systems.set_accounting_hook(hook_url(hub, &accounting));
    Ok(())
}

fn settings(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

async fn one(hub: &Hub, connector: &str, name: String, settings: Map<String, Value>) -> Result<String, SampleError> {
    let new = NewConnection {
        connector: connector.to_owned(),
        name,
        settings,
        plan: Plan::Every(60),
        streams: None,
        sample: true,
        start_now: true,
    };
    Ok(create::create(&hub.db, &hub.registry, &hub.keys, &hub.clock, &hub.zone, new).await?)
}

/// Samples call the hub by the loopback address it listens on.
fn hook_url(hub: &Hub, connection: &str) -> String {
    let port = hub.edge.public_url.port_or_known_default().unwrap_or(80);
    format!("http://127.0.0.1:{port}/hooks/{connection}")
}

/// Removes the samples and everything that came from them, and nothing else.
pub async fn clear(hub: &Hub) -> Result<u64, SampleError> {
    hub.samples.stop().await;
    let removed = remove_rows(hub).await?;
    let mut tx = hub.db.begin().await?;
    SampleState::Without.save(&mut tx, hub.clock.now()).await?;
    tx.commit().await?;
    hub.registry.reload(&hub.db, &hub.keys).await?;
    hub.directory.reload(&hub.db).await?;
    Ok(removed)
}

async fn remove_rows(hub: &Hub) -> Result<u64, StoreError> {
    let mut tx = hub.db.begin().await?;
    let removed = store::sample::remove(&mut tx).await?;
    tx.commit().await?;
    Ok(removed)
}
