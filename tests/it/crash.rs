//! Ending the process at its worst moments: nothing acknowledged is lost, nothing is there twice.

use std::{
    collections::HashSet,
    os::unix::process::ExitStatusExt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use musubi::{
    connection::schedule::Plan,
    store::{FromRow, sql},
    sync::failpoint,
};
use serde_json::{Value, json};

use crate::{
    hooks::folder,
    hub::TestHub,
    process::{self, Process},
    real::{TestDatabase as Database, free_port},
    sender::{SECRET, Sender, customer, order},
    source::{self, Source},
};

/// A prepared database with one system that sends and one that is pulled, and what they have done.
pub struct World {
    pub database: Database,
    pub source: Source,
    pub sender: Sender,
    connectors: tempfile::TempDir,
    folder: tempfile::TempDir,
    port: u16,
    pulled: String,
    /// Keys of the events that were answered with 2xx: delivery id and order alike.
    acknowledged: Arc<Mutex<HashSet<String>>>,
    /// Keys of the orders that the source has.
    listed: HashSet<String>,
}

#[derive(FromRow)]
struct Row {
    external_id: String,
    times: i64,
}

impl World {
    pub async fn build(database: Database) -> Self {
        let connectors = folder(&[("t-source", source::manifest("overlap: 2m, sorted: true", 5))]);
        let source = Source::start().await;
        source.fill(0, 0);
        let t = TestHub::start_with(&database, |c| c.connectors.dir = connectors.path().into()).await;
        let sending = t.connect("webhook", json!({"webhook_secret": SECRET})).await;
        let settings = json!({"base_url": source.url, "webhook_secret": SECRET});
        let pulled = t.connect_with("t-source", settings, Plan::Every(1)).await;
        Sender::generic(&t.url, &sending).accepted("customer", &customer("c", 0)).await;
        t.inbox_empty().await;
        t.until("SELECT COUNT(*) FROM customer", |n| n == 2).await;
        t.stop().await;
        let port = free_port();
        let sender = Sender::generic(&format!("http://127.0.0.1:{port}"), &sending);
        let folder = tempfile::tempdir().unwrap();
        let listed = HashSet::new();
        Self { database, source, sender, connectors, folder, port, pulled, acknowledged: Arc::default(), listed }
    }

    pub fn start(&self, variables: &[(&str, &str)]) -> Process {
        self.start_as(variables, &[])
    }

    pub fn start_wrapped(&self, wrap: &[&str]) -> Process {
        self.start_as(&[], wrap)
    }

    fn start_as(&self, variables: &[(&str, &str)], wrap: &[&str]) -> Process {
        Process::start(&process::Plan {
            database: &self.database.url,
            port: self.port,
            connectors: self.connectors.path(),
            folder: self.folder.path(),
            variables,
            wrap,
        })
    }

    /// What the process wrote, for a failing test.
    pub fn log(&self) -> String {
        let log = std::fs::read_to_string(self.folder.path().join("serve.log")).unwrap_or_default();
        log.lines().rev().take(40).collect::<Vec<_>>().join("\n")
    }

    /// New orders at the source, all changed at one minute.
    pub fn list(&mut self, name: &str, count: usize, minute: u32) {
        for n in 0..count {
            let id = format!("{name}-{n}");
            self.source.put("orders", source::order(&id, minute, 100));
            self.listed.insert(id);
        }
    }

    /// A sender with its own events; each is sent until it is answered with 2xx. It ends after `least`
    /// events, once it is told.
    pub fn sending(&self, name: String, least: usize, enough: &Arc<AtomicBool>) -> tokio::task::JoinHandle<()> {
        let (sender, acknowledged, enough) = (self.sender.clone(), self.acknowledged.clone(), enough.clone());
        tokio::spawn(async move {
            let mut n = 0;
            while n < least || !enough.load(Ordering::SeqCst) {
                let id = format!("{name}-{n}");
                deliver(&sender, &id, &order(&id, "c", 1, 100)).await;
                acknowledged.lock().unwrap().insert(id);
                n += 1;
            }
        })
    }

    async fn times(&self, statement: &'static str) -> HashSet<String> {
        let rows: Vec<Row> = sql(statement).all(&self.database.db).await.unwrap();
        let twice: Vec<&str> = rows.iter().filter(|r| r.times > 1).map(|r| r.external_id.as_str()).collect();
        assert!(twice.is_empty(), "there twice: {twice:?}");
        rows.into_iter().map(|r| r.external_id).collect()
    }

    async fn count(&self, statement: &'static str) -> i64 {
        sql(statement).one::<(i64,)>(&self.database.db).await.unwrap().0
    }

    /// What must hold at any moment, also with the process just dead.
    pub async fn check_dead(&self) {
        let acknowledged = self.acknowledged.lock().unwrap().clone();
        let stored =
            self.times("SELECT delivery_id AS external_id, COUNT(*) AS times FROM inbox GROUP BY delivery_id").await;
        let lost: Vec<_> = acknowledged.difference(&stored).collect();
        assert!(lost.is_empty(), "acknowledged and not stored: {lost:?}");
        let cursor = sql("SELECT cursor FROM stream WHERE connection_id = $1 AND name = 'orders'");
        let (cursor,) = cursor.bind(&self.pulled).one::<(Option<String>,)>(&self.database.db).await.unwrap();
        let Some(cursor) = cursor else { return };
        let cursor: Value = serde_json::from_str(&cursor).unwrap();
        let here = self.times("SELECT external_id, COUNT(*) AS times FROM sales_order GROUP BY external_id").await;
        let behind = self.source.up_to("orders", cursor["time"].as_str().unwrap(), cursor["id"].as_str().unwrap());
        let ahead: Vec<_> = behind.iter().filter(|id| !here.contains(*id)).collect();
        assert!(ahead.is_empty(), "the cursor {cursor} is ahead of {ahead:?}");
    }

    /// Waits until everything sent and listed is in, then: each exactly once, nothing left over.
    pub async fn settle(&self) {
        let wanted = (self.acknowledged.lock().unwrap().len() + self.listed.len()) as i64;
        let start = Instant::now();
        loop {
            let orders = self.count("SELECT COUNT(*) FROM sales_order").await;
            let waiting = self.count("SELECT COUNT(*) FROM inbox WHERE state = 'pending'").await;
            // Runs of dead processes; a living one may be running.
            let orphans = self
                .count(
                    "SELECT COUNT(*) FROM run WHERE state = 'running'
                       AND id NOT IN (SELECT last_run_id FROM connection WHERE leased_by IS NOT NULL)",
                )
                .await;
            if (waiting, orphans) == (0, 0) && orders >= wanted {
                break;
            }
            let state = format!("{orders} of {wanted} orders, {waiting} waiting, {orphans} orphaned runs");
            assert!(start.elapsed() < Duration::from_secs(60), "{state}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.check_dead().await;
        let orders = self.times("SELECT external_id, COUNT(*) AS times FROM sales_order GROUP BY external_id").await;
        let expected: HashSet<String> = self.acknowledged.lock().unwrap().iter().chain(&self.listed).cloned().collect();
        assert_eq!(orders, expected);
        self.times("SELECT record_id AS external_id, COUNT(*) AS times FROM version GROUP BY record_id").await;
        assert_eq!(self.count("SELECT COUNT(*) FROM version").await, wanted + 2);
        assert_eq!(self.count("SELECT COUNT(*) FROM source_record").await, wanted + 2);
        assert_eq!(self.count("SELECT COUNT(*) FROM inbox WHERE state <> 'applied'").await, 0);
        assert_eq!(self.count("SELECT COUNT(*) FROM failure").await, 0);
        assert_eq!(self.count("SELECT COUNT(*) FROM parked").await, 0);
    }

    pub async fn interrupted(&self) -> i64 {
        self.count("SELECT COUNT(*) FROM run WHERE state = 'interrupted'").await
    }

    /// An event that a test sent by itself was answered with 2xx.
    pub fn acknowledge(&self, id: &str) {
        self.acknowledged.lock().unwrap().insert(id.to_owned());
    }

    pub fn events(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }
}

/// Sends a delivery until it is answered with 2xx, as senders do.
pub async fn deliver(sender: &Sender, id: &str, body: &Value) {
    let start = Instant::now();
    let body = serde_json::to_vec(body).unwrap();
    loop {
        let headers = sender.headers(id, &body, crate::sender::now());
        match sender.raw(&headers, body.clone()).await {
            Ok(answer) if answer.status == 202 => return,
            Ok(answer) => assert!([429, 503].contains(&answer.status), "{answer:?}"),
            Err(_) => {}
        }
        assert!(start.elapsed() < Duration::from_secs(120), "{id} is never accepted");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn abort_at_every_point(database: Database) {
    let name = database.name;
    let mut world = World::build(database).await;
    for (round, (point, passage)) in failpoint::POINTS.iter().flat_map(|point| [(point, 1), (point, 3)]).enumerate() {
        let round = u32::try_from(round).unwrap();
        world.list(&format!("{point}-{passage}"), 12, round + 1);
        let interrupted = world.interrupted().await;
        let armed = format!("{point}:{passage}");
        let mut process = world.start(&[("MUSUBI_FAILPOINT", &armed)]);
        let dead = Arc::new(AtomicBool::new(false));
        let senders: Vec<_> = (0..4).map(|n| world.sending(format!("{armed}-{n}"), 3, &dead)).collect();
        let status = process.gone().await;
        assert_eq!(status.signal(), Some(6), "{name} {armed}: {status}\n{}", world.log());
        world.check_dead().await;
        dead.store(true, Ordering::SeqCst);
        let process = world.start(&[]);
        for sender in senders {
            sender.await.unwrap();
        }
        world.settle().await;
        if point.starts_with("pull.") {
            // Its records may all be in before the lease of the dead process has run out.
            let start = Instant::now();
            while world.interrupted().await <= interrupted {
                assert!(start.elapsed() < Duration::from_secs(60), "{name} {armed}: no run counts as interrupted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        process.kill().await;
        world.check_dead().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn aborted_at_every_named_point_on_sqlite() {
    abort_at_every_point(Database::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn aborted_at_every_named_point_on_postgres() {
    abort_at_every_point(Database::postgres().await).await;
}
