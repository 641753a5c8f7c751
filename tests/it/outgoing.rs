//! Outgoing webhooks: who wants to know is told, signed, in time, with patience, and never elsewhere.

use std::{
    collections::HashSet,
    os::unix::process::ExitStatusExt,
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
    store::{read_event, receiver, sql},
    sync::{failpoint, retention},
};
use serde_json::{Value, json};

use crate::{
    cli_ops::Shell,
    ear::{Ear, Heard, Say},
    hub::TestHub,
    process::{self, Process},
    real::{TestDatabase as Database, free_port},
    sender::{self, SECRET, Sender, customer, order},
};

const PATIENCE: (&str, &str) = ("MUSUBI_WEBHOOKS__TIMEOUT", "2s");
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
async fn a_refused_event_goes_down_the_ladder_and_then_waits_for_a_person() {
    for database in Database::both().await {
        let s = Scene::with(&database, |c| {
            c.webhooks.ladder = [5, 300, 1_800].map(|s| musubi::config::Period(Duration::from_secs(s))).into();
            c.webhooks.circuit_after = 100;
        })
        .await;
        let ear = Ear::that(|_| Say::Status(500)).await;
        s.listens("倉庫", &ear, &["--events", "customer.*"]);
        s.happens(customer("c", 1)).await;
        for (tries, wait) in [(1, 5), (2, 300), (3, 1_800), (4, 0)] {
            s.t.until("SELECT COUNT(*) FROM event_attempt", |n| n == tries).await;
            // Nothing comes early: the clock stands one second before the step.
            let due = s.t.count("SELECT not_before FROM event_delivery").await - s.clock.load(Ordering::SeqCst);
            if wait > 0 {
                let step = wait * Timestamp::SECOND;
                assert!((step..=step + step / 10).contains(&due), "{} try {tries}: {due}", database.name);
            }
            s.later(wait + wait / 10 + 1);
        }
        assert_eq!(s.t.until(DEAD, |n| n == 1).await, 1);
        let [first, .., last] = &ear.heard()[..] else { panic!("four attempts") };
        assert_eq!((&first.id, &first.raw), (&last.id, &last.raw));
        assert_ne!(first.headers["webhook-timestamp"], last.headers["webhook-timestamp"]);
        ear.now_says(|_| Say::Status(200));
        s.shell().json(&["receiver", "replay", "倉庫", "--dead"]);
        s.told().await;
        assert_eq!((s.t.count(DEAD).await, ear.heard().len(), &ear.heard()[4].id), (0, 5, &first.id));
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_asks_for_time_gets_it() {
    let database = Database::sqlite().await;
    let s = Scene::new(&database).await;
    let ear = Ear::that(|_| Say::With(429, &[("retry-after", "900")])).await;
    s.listens("倉庫", &ear, &["--events", "customer.*"]);
    s.happens(customer("c", 1)).await;
    s.t.until("SELECT COUNT(*) FROM event_attempt", |n| n == 1).await;
    s.happens(customer("d", 1)).await;
    let resting = s.t.count("SELECT retry_at FROM receiver").await - s.clock.load(Ordering::SeqCst);
    assert_eq!(resting, 900 * Timestamp::SECOND);
    ear.now_says(|_| Say::Status(200));
    s.later(901);
    s.told().await;
    assert_eq!(ear.heard().len(), 3);
    s.t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_down_is_only_probed_and_gets_everything_when_it_is_back() {
    for database in Database::both().await {
        let s = Scene::with(&database, |c| c.webhooks.parallel = 1).await;
        let ear = Ear::that(|_| Say::Status(503)).await;
        s.listens("倉庫", &ear, &["--events", "customer.*"]);
        for n in 0..30 {
            s.source.accepted(&format!("c{n}"), &customer(&format!("c{n}"), 1)).await;
        }
        s.t.inbox_empty().await;
        s.t.until("SELECT failures FROM receiver", |n| n == 5).await;
        for probe in 6..9 {
            s.later(901);
            s.t.until("SELECT failures FROM receiver", |n| n == probe).await;
            assert_eq!(ear.heard().len() as i64, probe, "{}", database.name);
        }
        ear.now_says(|_| Say::Status(200));
        s.later(901);
        s.t.until("SELECT COUNT(*) FROM event_delivery WHERE state = 'delivered'", |n| n >= 22).await;
        // What was refused before has steps of its own to wait for.
        s.later(2_000);
        s.told().await;
        let taken: HashSet<String> = ear.ids().into_iter().collect();
        assert_eq!(taken.len(), 30);
        assert_eq!(s.t.text("SELECT state || failures FROM receiver").await, "on0");
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wants_nothing_any_more_is_told_nothing_until_a_person_says_so() {
    for database in Database::both().await {
        let s = Scene::new(&database).await;
        let ear = Ear::that(|_| Say::Status(410)).await;
        s.listens("倉庫", &ear, &["--events", "customer.*"]);
        s.happens(customer("a", 1)).await;
        s.t.until("SELECT COUNT(*) FROM receiver WHERE state = 'gone'", |n| n == 1).await;
        s.later(10);
        s.happens(customer("b", 1)).await;
        assert_eq!((s.t.count("SELECT COUNT(*) FROM event").await, s.t.count(OPEN).await), (2, 1));
        s.later(40_000);
        ear.now_says(|_| Say::Status(204));
        s.shell().json(&["receiver", "resume", "倉庫"]);
        s.told().await;
        let names: Vec<String> = ear.heard().iter().map(|h| h.record("name").to_owned()).collect();
        assert_eq!(names.len(), 3, "{} {names:?}", database.name);
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), 2);
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_refuses_for_days_is_given_up() {
    let database = Database::postgres().await;
    let s = Scene::new(&database).await;
    let ear = Ear::that(|_| Say::Status(404)).await;
    s.listens("倉庫", &ear, &["--events", "customer.*"]);
    s.happens(customer("a", 1)).await;
    s.t.until("SELECT failures FROM receiver", |n| n == 1).await;
    s.later(5 * 86_400 + 1);
    s.t.until("SELECT COUNT(*) FROM receiver WHERE state = 'given_up'", |n| n == 1).await;
    let listed = s.shell().json(&["receiver", "list"]);
    assert_eq!((&listed[0]["state"], &listed[0]["waiting"]), (&json!("given_up"), &json!(1)));
    s.t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_events_of_one_customer_keep_their_order() {
    for database in Database::both().await {
        let s = Scene::with(&database, |c| c.webhooks.circuit_after = 100).await;
        let refusals = AtomicI64::new(2);
        let ear = Ear::that(move |h| {
            let first_of_a = h.record("number") == "N-a0" && refusals.fetch_sub(1, Ordering::SeqCst) > 0;
            Say::Status(if first_of_a { 500 } else { 204 })
        })
        .await;
        s.happens(customer("a", 1)).await;
        s.happens(customer("b", 1)).await;
        s.listens("倉庫", &ear, &["--events", "order.*", "--in-order"]);
        for n in 0..6 {
            for c in ["a", "b"] {
                s.happens(order(&format!("{c}{n}"), c, 1, 100)).await;
            }
        }
        // B is not held up by A, whose first event was refused.
        s.t.until("SELECT COUNT(*) FROM event_delivery WHERE state = 'delivered'", |n| n == 6).await;
        s.later(6);
        s.t.until("SELECT COUNT(*) FROM event_attempt", |n| n == 8).await;
        s.later(400);
        s.told().await;
        let of = |c: &str| {
            let heard = ear.heard();
            heard.iter().map(|h| h.record("number").to_owned()).filter(|n| n.starts_with(c)).collect::<Vec<_>>()
        };
        assert_eq!(of("N-b"), ["N-b0", "N-b1", "N-b2", "N-b3", "N-b4", "N-b5"], "{}", database.name);
        assert_eq!(of("N-a"), ["N-a0", "N-a0", "N-a0", "N-a1", "N-a2", "N-a3", "N-a4", "N-a5"]);
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_sent_again_one_by_one_by_time_and_by_customer() {
    for database in Database::both().await {
        let s = Scene::live(&database).await;
        let ear = Ear::new().await;
        s.listens("倉庫", &ear, &["--events", "customer.*,order.*"]);
        s.happens(customer("a", 1)).await;
        s.happens(order("a1", "a", 1, 100)).await;
        s.told().await;
        s.happens(customer("b", 1)).await;
        s.happens(order("b1", "b", 1, 100)).await;
        s.told().await;
        let heard = ear.heard();
        let again = |arguments: &[&str]| s.shell().json(&[&["receiver", "replay", "倉庫"], arguments].concat());
        assert_eq!(again(&["--events", &heard[1].id])["sent_again"], 1);
        s.told().await;
        assert_eq!(ear.ids()[4..], [heard[1].id.clone()], "{}", database.name);
        let of_a = heard[0].body["data"]["customer_id"].as_str().unwrap();
        assert_eq!(again(&["--customer", of_a])["sent_again"], 2);
        s.told().await;
        assert_eq!(ear.ids()[5..].iter().collect::<HashSet<_>>(), [&heard[0].id, &heard[1].id].into());
        let since = heard[2].body["timestamp"].as_str().unwrap().to_owned();
        assert_eq!(again(&["--since", &since])["sent_again"], 2);
        s.told().await;
        assert_eq!(ear.ids()[7..].iter().collect::<HashSet<_>>(), [&heard[2].id, &heard[3].id].into());
        let nothing =
            ["receiver", "replay", "倉庫", "--since", "2020-01-01T00:00:00Z", "--until", "2021-01-01T00:00:00Z"];
        s.shell().run(&nothing, 3);
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
        // A day later, as the hub's clock has it; the receiver's verifier only looks at the signature.
        s.later(86_401);
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
async fn one_that_never_answers_slows_no_other() {
    for database in Database::both().await {
        let s = Scene::new(&database).await;
        let silent = Ear::that(|_| Say::Silence).await;
        let trickling = Ear::that(|_| Say::Trickle).await;
        let good = [Ear::new().await, Ear::new().await];
        s.listens("無言", &silent, &[]);
        s.listens("点滴", &trickling, &[]);
        for (n, ear) in good.iter().enumerate() {
            s.listens(&format!("良い{n}"), ear, &[]);
        }
        for n in 0..40 {
            s.source.accepted(&format!("c{n}"), &customer(&format!("c{n}"), 1)).await;
        }
        s.t.until("SELECT COUNT(*) FROM event_delivery WHERE state = 'delivered'", |n| n == 80).await;
        // By now nothing was let go of: the good ones did not wait for the others.
        assert_eq!(good.each_ref().map(|ear| ear.heard().len()), [40, 40], "{}", database.name);
        assert!((1..=8).contains(&silent.heard().len()));
        silent.release();
        s.t.stop().await;
    }
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

#[tokio::test(flavor = "multi_thread")]
async fn old_events_go_but_never_what_waits() {
    for database in Database::both().await {
        let s = Scene::new(&database).await;
        let (good, bad) = (Ear::new().await, Ear::that(|_| Say::Status(500)).await);
        s.listens("良い", &good, &[]);
        s.happens(customer("a", 1)).await;
        s.told().await;
        s.listens("悪い", &bad, &[]);
        s.happens(customer("b", 1)).await;
        s.t.until("SELECT COUNT(*) FROM event_attempt", |n| n == 3).await;
        let h = s.t.hub();
        retention::sweep(&h.engine, &h.config.retention).await.unwrap();
        assert_eq!(s.t.count("SELECT COUNT(*) FROM event").await, 2, "{}", database.name);
        s.later(31 * 86_400);
        s.t.until("SELECT COUNT(*) FROM event_attempt", |n| n > 3).await;
        retention::sweep(&h.engine, &h.config.retention).await.unwrap();
        assert_eq!(s.t.count("SELECT COUNT(*) FROM event").await, 1);
        assert_eq!((s.t.count("SELECT COUNT(*) FROM event_delivery").await, s.t.count(OPEN).await), (1, 1));
        let figures = read_event::figures(&h.db, Timestamp(0)).await.unwrap();
        assert_eq!(figures.iter().map(|f| f.waiting).sum::<i64>(), 1);
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_at_any_point_every_event_arrives() {
    for database in Database::both().await {
        let s = Scene::new(&database).await;
        let ear = Ear::new().await;
        s.listens("倉庫", &ear, &["--events", "customer.*"]);
        let mut source = s.source.clone();
        let folder = tempfile::tempdir().unwrap();
        s.t.stop().await;
        let port = free_port();
        let id = source.url.rsplit('/').next().unwrap().to_owned();
        source.url = format!("http://127.0.0.1:{port}/hooks/{id}");
        let start = |variables: &[(&str, &str)]| {
            Process::start(&process::Plan {
                database: &database.url,
                port,
                connectors: folder.path(),
                folder: folder.path(),
                variables,
                wrap: &[],
            })
        };
        for (n, point) in failpoint::EVENT_POINTS.into_iter().enumerate() {
            let mut armed = start(&[("MUSUBI_FAILPOINT", point), PATIENCE]);
            armed.ready().await;
            source.accepted(point, &customer(&format!("{point}-{n}"), 1)).await;
            let status = armed.gone().await;
            assert_eq!(status.signal(), Some(6), "{} {point}: {status}", database.name);
            let mut process = start(&[PATIENCE]);
            process.ready().await;
            let all = "SELECT COUNT(*) FROM event_delivery WHERE state = 'delivered'";
            let begun = std::time::Instant::now();
            while sql(all).one::<(i64,)>(&database.db).await.unwrap().0 < n as i64 + 1 {
                assert!(begun.elapsed() < Duration::from_secs(60), "{} {point}", database.name);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            process.kill().await;
        }
        let heard = ear.heard();
        let names: HashSet<&str> = heard.iter().map(|h| h.record("name")).collect();
        let ids: HashSet<&str> = heard.iter().map(|h| h.id.as_str()).collect();
        assert_eq!((names.len(), ids.len()), (3, 3), "{}: once more is known by its id", database.name);
    }
}
