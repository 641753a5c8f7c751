//! Sources, clocks, disks and databases that fail: what a person sees, and that nothing is lost.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use axum::http::StatusCode;
use musubi::{clock::Clock, connection::schedule::Plan, store::sql};
use serde_json::json;

use crate::{
    crash::{World, deliver},
    hooks::folder,
    hub::TestHub,
    real::TestDatabase as Database,
    sender::{self, SECRET, Sender, order},
    source::{self, Asked, Instead, Source},
};

const STATE: &str = "SELECT state FROM run WHERE trigger_kind = 'manual' ORDER BY number DESC LIMIT 1";
const CAUSE: &str = "SELECT cause FROM run WHERE trigger_kind = 'manual' ORDER BY number DESC LIMIT 1";

/// A hub that pulls from a source only when it is asked to.
struct Scene {
    t: TestHub,
    source: Source,
    connection: String,
    _connectors: tempfile::TempDir,
}

impl Scene {
    async fn start(database: &Database, size: usize) -> Self {
        let connectors = folder(&[("t-source", source::manifest("overlap: 2m, sorted: true", size))]);
        let source = Source::start().await;
        let t = TestHub::start_with(database, |c| c.connectors.dir = connectors.path().into()).await;
        let settings = json!({"base_url": source.url, "webhook_secret": SECRET});
        let connection = t.connect("t-source", settings).await;
        Self { t, source, connection, _connectors: connectors }
    }

    /// "Sync now", and waits for the end of that run.
    async fn pull(&self) -> (String, String) {
        self.t.request(&self.connection).await;
        self.t
            .until("SELECT COUNT(*) FROM connection WHERE leased_by IS NOT NULL OR requested_by IS NOT NULL", |n| {
                n == 0
            })
            .await;
        (self.t.text(STATE).await, self.t.text(CAUSE).await)
    }

    async fn orders(&self) -> i64 {
        self.t.count("SELECT COUNT(*) FROM sales_order").await
    }
}

fn status(code: u16, headers: &'static [(&'static str, &'static str)], text: &str) -> Option<Instead> {
    Some(Instead::Status(StatusCode::from_u16(code).unwrap(), headers, text.to_owned()))
}

/// The first `times` page requests of the orders get another answer.
fn at_first(times: usize, mut answer: impl FnMut() -> Option<Instead> + Send) -> impl FnMut(&Asked) -> Option<Instead> {
    let mut left = times;
    move |asked| {
        if asked.stream != "orders" || left == 0 {
            return None;
        }
        left -= 1;
        answer()
    }
}

fn succeeded() -> (String, String) {
    ("succeeded".to_owned(), String::new())
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_that_passes_costs_time_and_no_record() {
    for database in Database::both().await {
        let s = Scene::start(&database, 10).await;
        let mut minute = 0;
        let mut expected = 0;
        let mut next = || {
            minute += 10;
            for n in 0..25 {
                s.source.put("orders", source::order(&format!("o{minute}-{n}"), minute, 100));
            }
            expected += 25;
            expected
        };
        s.source.fill(0, 0);
        let throttled = "SELECT throttled FROM run ORDER BY number DESC LIMIT 1";

        s.source.script(at_first(1, || status(200, &[("content-type", "text/html")], "<html>maintenance</html>")));
        assert_eq!((next(), s.pull().await, s.orders().await), (25, succeeded(), 25), "a page of HTML");
        s.source.script(at_first(3, || status(429, &[("retry-after", "1")], "")));
        let begun = std::time::Instant::now();
        assert_eq!((next(), s.pull().await, s.orders().await), (50, succeeded(), 50), "a storm of 429");
        assert_eq!(s.t.count(throttled).await, 3);
        assert!(begun.elapsed() >= Duration::from_secs(3), "Retry-After is kept");
        s.source.script(at_first(3, || status(500, &[], "oops")));
        assert_eq!((next(), s.pull().await, s.orders().await), (75, succeeded(), 75), "500 three times");
        s.source.script(at_first(2, || Some(Instead::HalfAPage)));
        assert_eq!((next(), s.pull().await, s.orders().await), (100, succeeded(), 100), "half a page");
        s.source.script(|a| (a.stream == "orders" && a.size > 3).then(|| status(413, &[], "")).flatten());
        assert_eq!((next(), s.pull().await, s.orders().await), (125, succeeded(), 125), "too large from the start");
        s.source.script(|a| (a.stream == "orders" && a.page > 1 && a.size > 4).then(|| status(413, &[], "")).flatten());
        assert_eq!((next(), s.pull().await, s.orders().await), (150, succeeded(), 150), "too large later on");
        assert_eq!(s.t.count("SELECT COUNT(*) FROM failure").await, 0);
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_that_stays_is_named_and_the_next_run_goes_on() {
    for database in Database::both().await {
        let s = Scene::start(&database, 10).await;
        s.source.fill(25, 10);
        // The customers come, the orders do not: what is there is kept, the run says so.
        s.source.script(at_first(99, || status(200, &[("content-type", "text/html")], "<html>login</html>")));
        assert_eq!(s.pull().await, ("partial".to_owned(), "SRC_NOT_JSON".to_owned()));
        assert_eq!(s.t.count("SELECT COUNT(*) FROM customer").await, 1);
        assert_eq!(s.t.text("SELECT state FROM run_stream WHERE stream = 'orders'").await, "failed");
        assert_eq!(s.t.count("SELECT failures FROM connection").await, 1);
        s.source.behave();
        assert_eq!(s.pull().await, succeeded());
        assert_eq!((s.orders().await, s.t.count("SELECT failures FROM connection").await), (25, 0));
        // More announced than given.
        s.source.put("orders", source::order("late", 20, 100));
        s.source.script(|a| (a.stream == "orders").then_some(Instead::Total(40)));
        assert_eq!(s.pull().await, ("partial".to_owned(), "COUNT_SHORT".to_owned()));
        assert_eq!(s.orders().await, 26);
        let short = "SELECT source_count FROM run_stream WHERE stream = 'orders' AND state = 'partial'";
        assert_eq!(s.t.count(short).await, 40);
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_credentials_are_shown_until_they_work_again() {
    for database in Database::both().await {
        let s = Scene::start(&database, 10).await;
        s.source.fill(5, 10);
        s.source.script(|_| status(401, &[], ""));
        assert_eq!(s.pull().await, ("failed".to_owned(), "AUTH_REFUSED".to_owned()));
        let refused = "SELECT COUNT(*) FROM connection WHERE auth_failed_at IS NOT NULL AND retry_at IS NOT NULL";
        assert_eq!(s.t.count(refused).await, 1);
        s.source.behave();
        assert_eq!(s.pull().await, succeeded());
        assert_eq!((s.t.count(refused).await, s.orders().await), (0, 5));
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ties_and_late_commits_are_not_missed() {
    for database in Database::both().await {
        let s = Scene::start(&database, 5).await;
        // All at one instant, over several pages.
        s.source.fill(23, 10);
        assert_eq!((s.pull().await, s.orders().await), (succeeded(), 23));
        // Committed late with a time from before the cursor, and one more at the cursor's own instant.
        s.source.put("orders", source::order("a-late", 9, 100));
        s.source.put("orders", source::order("a-tie", 10, 100));
        assert_eq!((s.pull().await, s.orders().await), (succeeded(), 25));
        let counts = "SELECT read_count * 1000 + new_count FROM run_stream WHERE stream = 'orders'
                      ORDER BY run_id DESC LIMIT 1";
        assert_eq!(s.t.count(counts).await, 25_002);
        assert_eq!(s.t.count("SELECT COUNT(*) FROM version").await, 26);
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jumping_clock_stops_neither_schedules_nor_deliveries() {
    let connectors = folder(&[("t-source", source::manifest("overlap: 2m, sorted: true", 5))]);
    for database in Database::both().await {
        let now = Arc::new(AtomicI64::new(sender::now()));
        let clock = Clock::Manual(now.clone());
        let t = TestHub::start_at(&database, clock, |c| c.connectors.dir = connectors.path().into()).await;
        let source = Source::start().await;
        source.fill(1, 1);
        let settings = json!({"base_url": source.url, "webhook_secret": SECRET});
        t.connect_with("t-source", settings, Plan::Every(600)).await;
        let id = t.connect("webhook", json!({"webhook_secret": SECRET})).await;
        let hook = Sender::generic(&t.url, &id);
        hook.accepted("c", &sender::customer("c", 1)).await;
        t.inbox_empty().await;
        t.synced().await;
        let orders = "SELECT COUNT(*) FROM sales_order";
        let mut expected = t.until(orders, |n| n == 1).await;
        const HOUR: i64 = 3_600_000_000;
        for (step, (jump, minute)) in [(-HOUR, 2), (24 * HOUR, 3), (-30 * HOUR, 4)].into_iter().enumerate() {
            now.fetch_add(jump, Ordering::SeqCst);
            source.put("orders", source::order(&format!("pulled{step}"), minute, 100));
            hook.accepted(&format!("d{step}"), &order(&format!("sent{step}"), "c", 1, 100)).await;
            // The time of one interval later, wherever the clock stands now.
            now.fetch_add(601_000_000, Ordering::SeqCst);
            expected += 2;
            t.until(orders, |n| n == expected).await;
            // A run that is still ending counts its next interval from the time after the jump.
            t.synced().await;
        }
        t.inbox_empty().await;
        t.synced().await;
        assert_eq!(t.count("SELECT COUNT(*) FROM run WHERE state NOT IN ('succeeded', 'running')").await, 0);
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_source_keeps_no_other_from_being_pulled() {
    for database in [Database::sqlite().await, Database::postgres().await] {
        let connectors = folder(&[("t-source", source::manifest("overlap: 2m, sorted: true", 5))]);
        let (silent, well) = (Source::start().await, Source::start().await);
        silent.script(|_| Some(Instead::Silence));
        well.fill(3, 1);
        let t = TestHub::start_with(&database, |c| {
            c.connectors.dir = connectors.path().into();
            c.sync.workers = 1;
        })
        .await;
        let settings = |source: &Source| json!({"base_url": source.url, "webhook_secret": SECRET});
        t.connect_with("t-source", settings(&silent), Plan::Every(60)).await;
        t.until("SELECT COUNT(*) FROM run WHERE state = 'running'", |n| n == 1).await;
        t.connect_with("t-source", settings(&well), Plan::Every(60)).await;
        t.until("SELECT COUNT(*) FROM run WHERE state = 'succeeded'", |n| n == 1).await;
        assert_eq!(t.count("SELECT COUNT(*) FROM run WHERE state = 'running'").await, 1, "{}", database.name);
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_in_the_middle_of_a_pull() {
    for database in [Database::sqlite().await, Database::postgres().await] {
        let mut world = World::build(database).await;
        for page in 0..8 {
            world.list(&format!("page{page}"), 5, 10 * (page + 1));
        }
        world.source.script(|a| (a.stream == "orders" && a.page == 3).then_some(Instead::Silence));
        // The hub that prepared the database may have been told to stop in the middle of one as well.
        let interrupted = world.interrupted().await;
        let mut process = world.start(&[]);
        process.ready().await;
        let db = world.database.db.clone();
        let number = async |text: &'static str| sql(text).one::<(i64,)>(&db).await.unwrap().0;
        let start = std::time::Instant::now();
        while number("SELECT COUNT(*) FROM sales_order").await < 10 {
            assert!(start.elapsed() < Duration::from_secs(30), "{}", world.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        process.signal("TERM").await;
        assert!(process.gone().await.success(), "{}", world.log());
        assert_eq!(number("SELECT COUNT(*) FROM run WHERE state = 'running'").await, 0);
        assert_eq!(number("SELECT COUNT(*) FROM connection WHERE leased_by IS NOT NULL").await, 0);
        assert_eq!(world.interrupted().await, interrupted + 1);
        world.check_dead().await;
        let before = world.source.asked().len();
        world.source.behave();
        let process = world.start(&[]);
        world.settle().await;
        let asked = world.source.asked();
        let again = asked[before..].iter().find(|a| a.stream == "orders").unwrap();
        assert_eq!(again.since, "2026-11-01T00:18:00Z", "from the last committed page on, less the overlap");
        process.kill().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_and_loses_nothing() {
    let world = World::build(Database::sqlite().await).await;
    // The signal that comes with the limit would end the process; a full disk sends none.
    let mut process = world.start_wrapped(&["sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"]);
    process.ready().await;
    deliver(&world.sender, "before", &order("before", "c", 1, 100)).await;
    world.acknowledge("before");
    let limit = |size: &str| {
        let pid = process.pid().to_string();
        let set = format!("--fsize={size}:unlimited");
        async move {
            let done = tokio::process::Command::new("prlimit").args(["--pid", &pid, &set]).status().await;
            assert!(done.unwrap().success());
        }
    };
    limit("16384").await;
    // Large enough to need new room.
    let mut body = order("full", "c", 1, 100);
    body["data"]["subject"] = json!("長".repeat(20_000));
    let answer = world.sender.send("full", &body).await;
    assert_eq!((answer.status, answer.code()), (503, "DATABASE_AWAY"), "{}", world.log());
    assert!(answer.retry_after.is_some());
    let enough = Arc::new(AtomicBool::new(false));
    let senders: Vec<_> = (0..4).map(|n| world.sending(format!("s{n}"), 5, &enough)).collect();
    for n in 0..5 {
        let answer = world.sender.send(&format!("full{n}"), &body).await;
        assert_eq!(answer.status, 503, "{}", world.log());
    }
    limit("unlimited").await;
    enough.store(true, Ordering::SeqCst);
    for sender in senders {
        sender.await.unwrap();
    }
    deliver(&world.sender, "full", &body).await;
    world.acknowledge("full");
    world.settle().await;
    process.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_away_and_comes_back() {
    let database = Database::postgres().await;
    let link = crate::link::Link::to(&database.url).await;
    let connectors = folder(&[("t-source", source::manifest("overlap: 2m, sorted: true", 5))]);
    let t = TestHub::start_with(&database, |c| {
        c.connectors.dir = connectors.path().into();
        c.database.url.clone_from(&link.url);
    })
    .await;
    let source = Source::start().await;
    source.fill(20, 1);
    let settings = json!({"base_url": source.url, "webhook_secret": SECRET});
    t.connect_with("t-source", settings, Plan::Every(1)).await;
    let id = t.connect("webhook", json!({"webhook_secret": SECRET})).await;
    let hook = Sender::generic(&t.url, &id);
    deliver(&hook, "c", &sender::customer("c", 1)).await;
    for round in 0..3 {
        let senders = (0..60).map(|n| {
            let hook = hook.clone();
            async move {
                let id = format!("s{round}-{n}");
                deliver(&hook, &id, &order(&id, "c", 1, 100)).await;
            }
        });
        let outage = async {
            link.cut();
            source.put("orders", source::order(&format!("meanwhile{round}"), 10 + round, 100));
            let answer = hook.send(&format!("refused{round}"), &order("refused", "c", 1, 100)).await;
            assert_eq!((answer.status, answer.code()), (503, "DATABASE_AWAY"));
            assert_eq!(answer.retry_after.as_deref(), Some("5"));
            link.mend();
        };
        tokio::join!(futures::future::join_all(senders), outage);
    }
    let back = std::time::Instant::now();
    // Sent again after the outage, as it was told to.
    hook.accepted("refused", &order("refused", "c", 1, 100)).await;
    t.until("SELECT COUNT(*) FROM sales_order", |n| n == 20 + 3 + 180 + 1).await;
    t.inbox_empty().await;
    assert!(back.elapsed() < Duration::from_secs(30), "the pull waits for its own old lease");
    assert_eq!(t.count("SELECT COUNT(DISTINCT external_id) FROM sales_order").await, 204);
    assert_eq!(t.count("SELECT COUNT(*) FROM version").await, 206);
    t.until("SELECT COUNT(*) FROM connection WHERE failures > 0", |n| n == 0).await;
    t.stop().await;
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_known_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hub.toml");
    for (text, wrong, right) in [
        ("[sync]\nwrokers = 4\n", "sync.wrokers", "sync.workers"),
        ("[sink]\nworkers = 4\n", "sink", "sync"),
        ("[inbox]\nretry_frist = \"1s\"\n", "inbox.retry_frist", "inbox.retry_first"),
    ] {
        std::fs::write(&file, text).unwrap();
        let ran = std::process::Command::new(env!("CARGO_BIN_EXE_musubi"))
            .args(["serve", "--config", "hub.toml"])
            .current_dir(folder.path())
            .env_clear()
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_eq!(ran.status.code(), Some(2), "{said}");
        assert!(said.contains(wrong) && said.contains(right), "{said}");
        assert!(!folder.path().join("var").exists(), "nothing was begun");
    }
}
