//! Outgoing webhooks: who wants to know is told, signed, in time, with patience, and never elsewhere.

mod again;
mod patience;

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use musubi::{
    clock::Clock,
    config::Config,
    connection::create::{self, NewConnection},
    connection::schedule::Plan,
    model::Timestamp,
    store::{receiver, sql},
};
use serde_json::{Value, json};

use crate::{
    cli_ops::Shell,
    ear::{Ear, Heard, Say},
    hub::TestHub,
    real::TestDatabase as Database,
    sender::{self, SECRET, Sender, customer, order},
};

const OPEN: &str = "SELECT COUNT(*) FROM event_delivery WHERE state IN ('pending', 'retrying')";
const DEAD: &str = "SELECT COUNT(*) FROM event_delivery WHERE state = 'dead'";

/// A hub with one system that sends to it, and its clock.
struct Scene {
    t: TestHub,
    source: Sender,
    clock: Arc<AtomicI64>,
    folder: tempfile::TempDir,
    url: String,
    sent: AtomicI64,
}

impl Scene {
    async fn new(database: &Database) -> Self {
        Self::with(database, |_| {}).await
    }

    /// A hub whose time only a test moves on.
    async fn with(database: &Database, change: impl FnOnce(&mut Config)) -> Self {
        let clock = Arc::new(AtomicI64::new(sender::now()));
        Self::at(database, Clock::Manual(clock.clone()), clock, change).await
    }

    /// A hub in the time of its shell.
    async fn live(database: &Database) -> Self {
        Self::at(database, Clock::System, Arc::default(), |c| c.webhooks.timeout.0 = Duration::from_secs(2)).await
    }

    async fn at(database: &Database, now: Clock, clock: Arc<AtomicI64>, change: impl FnOnce(&mut Config)) -> Self {
        let t = TestHub::start_at(database, now, change).await;
        let id = t.connect("webhook", json!({"webhook_secret": SECRET})).await;
        let source = Sender::generic(&t.url, &id);
        let folder = tempfile::tempdir().unwrap();
        Self { t, source, clock, folder, url: database.url.clone(), sent: AtomicI64::new(0) }
    }

    fn shell(&self) -> Shell<'_> {
        Shell { folder: self.folder.path(), url: &self.url }
    }

    /// Makes a receiver from the shell; returns its secret.
    fn listens(&self, name: &str, ear: &Ear, more: &[&str]) -> String {
        let made = self.shell().json(&[&["receiver", "add", name, &ear.url, "--private"], more].concat());
        made["secret"].as_str().unwrap().to_owned()
    }

    /// The source sends something, which is applied.
    async fn happens(&self, what: Value) {
        let id = self.sent.fetch_add(1, Ordering::SeqCst).to_string();
        self.source.accepted(&id, &what).await;
        self.t.inbox_empty().await;
    }

    async fn told(&self) {
        self.t.until(OPEN, |n| n == 0).await;
    }

    fn later(&self, seconds: i64) {
        self.clock.fetch_add(seconds * Timestamp::SECOND, Ordering::SeqCst);
    }
}

fn kinds(heard: &[Heard]) -> Vec<&str> {
    heard.iter().map(Heard::kind).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_told_and_signed() {
    for database in Database::both().await {
        let s = Scene::new(&database).await;
        let ear = Ear::new().await;
        s.happens(customer("before", 1)).await;
        let secret = s.listens("倉庫", &ear, &[]);
        s.happens(customer("c", 1)).await;
        s.happens(order("o", "c", 1, 100)).await;
        s.told().await;
        s.happens(order("o", "c", 2, 250)).await;
        s.told().await;
        // The same state again is nothing new.
        s.happens(order("o", "c", 3, 250)).await;
        s.told().await;
        let heard = ear.heard();
        assert_eq!(kinds(&heard), ["customer.created", "order.created", "order.updated"], "{}", database.name);
        assert!(heard.iter().all(|h| h.is_signed_with(&secret)));
        let other = "whsec_b3RoZXItc2VjcmV0LW90aGVyLXNlY3JldA==";
        assert!(!heard[0].is_signed_with(other));
        let data = &heard[2].body["data"];
        assert_eq!(data["version"], 2);
        assert_eq!(data["customer_id"].as_str(), heard[0].body["data"]["id"].as_str());
        assert_eq!((heard[2].record("number"), &data["record"]["total"]), ("N-o", &json!("250")), "{data}");
        assert_eq!(heard[0].record("name"), "見本商事c");
        let told = s.shell().json(&["receiver", "deliveries", "倉庫", "--state", "delivered"]);
        assert_eq!(told.as_array().unwrap().len(), 3);
        assert_eq!((&told[0]["type"], &told[0]["status"]), (&json!("order.updated"), &json!(204)));
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_wanted_is_told() {
    for database in Database::both().await {
        let s = Scene::new(&database).await;
        let (orders, everything) = (Ear::new().await, Ear::new().await);
        s.listens("受注だけ", &orders, &["--events", "order.created,payment.*"]);
        s.listens("全部", &everything, &[]);
        s.happens(customer("c", 1)).await;
        s.happens(order("o", "c", 1, 100)).await;
        s.happens(order("o", "c", 2, 200)).await;
        s.told().await;
        assert_eq!(kinds(&orders.heard()), ["order.created"], "{}", database.name);
        assert_eq!(everything.heard().len(), 3);
        s.shell().json(&["receiver", "set", "受注だけ", "--events", "order.*"]);
        s.happens(order("o", "c", 3, 300)).await;
        s.told().await;
        assert_eq!(kinds(&orders.heard()), ["order.created", "order.updated"]);
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_are_told_only_to_who_asks_for_them() {
    for database in Database::both().await {
        let s = Scene::new(&database).await;
        let (real, both) = (Ear::new().await, Ear::new().await);
        s.listens("本番", &real, &[]);
        s.listens("試験", &both, &["--samples"]);
        let h = s.t.hub();
        let new = NewConnection {
            connector: "webhook".into(),
            name: "見本".into(),
            settings: serde_json::from_value(json!({"webhook_secret": SECRET})).unwrap(),
            plan: Plan::Manual,
            streams: None,
            sample: true,
            start_now: false,
        };
        let id = create::create(&h.db, &h.registry, &h.keys, &h.clock, &h.zone, new).await.unwrap();
        Sender::generic(&s.t.url, &id).accepted("1", &customer("s", 1)).await;
        s.happens(customer("c", 1)).await;
        s.told().await;
        assert_eq!((real.heard().len(), both.heard().len()), (1, 2), "{}", database.name);
        assert_eq!(real.heard()[0].record("name"), "見本商事c");
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_secret_signs_beside_the_old_one_for_a_while() {
    for database in Database::both().await {
        let s = Scene::new(&database).await;
        let ear = Ear::new().await;
        let old = s.listens("倉庫", &ear, &[]);
        let new = s.shell().json(&["receiver", "rotate-secret", "倉庫"])["secret"].as_str().unwrap().to_owned();
        s.happens(customer("a", 1)).await;
        s.told().await;
        let heard = &ear.heard()[0];
        assert!(heard.is_signed_with(&old) && heard.is_signed_with(&new), "{}", database.name);
        // More than a day later, as the hub's clock has it: the command that rotated went by the real one, which may
        // be ahead. The receiver's verifier only looks at the signature.
        s.later(2 * 86_400);
        s.happens(customer("b", 1)).await;
        s.told().await;
        let signatures = ear.heard()[1].headers["webhook-signature"].to_str().unwrap().split(' ').count();
        assert_eq!(signatures, 1);
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_makes_the_hub_speak_to_its_own_network() {
    let database = Database::sqlite().await;
    let s = Scene::new(&database).await;
    let (ear, inner) = (Ear::new().await, Ear::new().await);
    let port = ear.url.rsplit(':').next().unwrap().to_owned();
    for (url, more, code) in [
        (ear.url.clone(), "", "RECEIVER_URL_PLAIN"),
        (ear.url.replace("http:", "https:"), "", "RECEIVER_PRIVATE"),
        (format!("https://localhost:{port}"), "", "RECEIVER_PRIVATE"),
        ("https://[::ffff:10.0.0.1]/".to_owned(), "", "RECEIVER_PRIVATE"),
        ("http://169.254.169.254/latest/meta-data".to_owned(), "--private", "RECEIVER_FORBIDDEN"),
        ("https://user:word@hooks.example/".to_owned(), "", "RECEIVER_URL_PASSWORD"),
        ("file:///etc/passwd".to_owned(), "--private", "RECEIVER_URL"),
    ] {
        let mut arguments = vec!["receiver", "add", "x", &url];
        arguments.extend((!more.is_empty()).then_some(more));
        let ran = s.shell().run(&arguments, 2);
        assert!(ran.err.contains(code), "{url}: {}", ran.err);
    }
    // A name that was public when it was typed and is not any more: as if it had been confirmed never.
    s.listens("名前", &ear, &[]);
    s.listens("転送", &inner, &[]);
    let redirecting = Ear::that(|_| Say::With(307, &[("location", "http://169.254.169.254/latest")])).await;
    s.listens("転送元", &redirecting, &[]);
    let mut tx = s.t.hub().db.begin().await.unwrap();
    let name = format!("http://localhost:{port}");
    let (off, on) =
        (sql("UPDATE receiver SET private = $1, url = $2 WHERE name = '名前'"), receiver::all(&mut tx).await);
    off.bind(false).bind(&name).execute(&mut tx).await.unwrap();
    let inner_id = on.unwrap().iter().find(|r| r.name == "転送").unwrap().id.clone();
    sql("UPDATE receiver SET private = $1 WHERE id = $2").bind(false).bind(inner_id).execute(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    s.happens(customer("a", 1)).await;
    s.t.until("SELECT COUNT(*) FROM event_attempt", |n| n >= 3).await;
    assert!(ear.heard().is_empty() && inner.heard().is_empty());
    assert_eq!(redirecting.heard().len(), 1);
    let told = s.shell().json(&["receiver", "deliveries"]);
    let causes: HashSet<&str> = told.as_array().unwrap().iter().map(|t| t["cause"].as_str().unwrap()).collect();
    assert_eq!(causes, ["HOOK_FORBIDDEN", "HOOK_REDIRECTED"].into());
    s.t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_event_arrives_and_a_paused_receiver_waits() {
    let database = Database::postgres().await;
    let s = Scene::live(&database).await;
    let ear = Ear::new().await;
    let secret = s.listens("倉庫", &ear, &["--events", "order.*"]);
    s.shell().json(&["receiver", "test", "倉庫"]);
    s.told().await;
    assert_eq!(kinds(&ear.heard()), ["webhook.test"]);
    assert!(ear.heard()[0].is_signed_with(&secret));
    s.happens(customer("c", 1)).await;
    s.shell().json(&["receiver", "pause", "倉庫"]);
    s.happens(order("o", "c", 1, 100)).await;
    assert_eq!(s.t.count(OPEN).await, 1);
    s.shell().json(&["receiver", "resume", "倉庫"]);
    s.told().await;
    assert_eq!(kinds(&ear.heard()), ["webhook.test", "order.created"]);
    let actions = "SELECT COUNT(*) FROM audit WHERE object_kind = 'receiver' AND actor = 'cli'";
    assert_eq!(s.t.count(actions).await, 4);
    s.shell().json(&["receiver", "remove", "倉庫"]);
    assert_eq!(s.t.count("SELECT COUNT(*) FROM event_delivery").await, 0);
    s.t.stop().await;
}
