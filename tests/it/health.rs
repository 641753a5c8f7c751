//! Whether everything arrives: minutes measured through outages and restarts, as pages and programs see them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use axum::http::StatusCode;
use musubi::{
    clock::Clock,
    config::Config,
    connection::{notices::Notices, schedule::Plan},
    identity::Scope,
    model::Timestamp,
    store::{self, sql},
};
use serde_json::{Value, json};

use crate::{
    console_desk::Desk,
    ear::Ear,
    hub::TestHub,
    real::{Smtp, TestDatabase},
    source::{self, Instead, Source},
    tokens::scene::{Program, token},
};

/// 2026-11-20 10:00 in Tokyo, at the beginning of a minute.
const BEGIN: i64 = 1_795_136_400_000_000;
const TOTAL: &str = "SELECT CAST(COALESCE(SUM(total), 0) AS BIGINT) FROM freshness";
const GOOD: &str = "SELECT CAST(COALESCE(SUM(good), 0) AS BIGINT) FROM freshness";

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let own = dir.path().join("t-source");
    std::fs::create_dir(&own).unwrap();
    std::fs::write(own.join("connector.yaml"), source::manifest("overlap: 2m, sorted: true", 50)).unwrap();
    dir
}

fn watched(dir: &std::path::Path) -> impl Fn(&mut Config) + '_ {
    move |config| {
        config.connectors.dir = dir.into();
        config.health.every.0 = Duration::from_millis(50);
        config.sync.backoff_first.0 = Duration::from_millis(20);
    }
}

async fn health(t: &TestHub, program: &Program) -> Value {
    let id = t.text("SELECT id FROM connection").await;
    program.get(&format!("/api/v1/connections/{id}/health"), 200).await.body
}

#[tokio::test(flavor = "multi_thread")]
async fn minutes_are_judged_through_an_outage_and_a_restart() {
    for database in TestDatabase::both().await {
        let (dir, now) = (folder(), Arc::new(AtomicI64::new(BEGIN)));
        let pass = |minutes: i64| now.fetch_add(minutes * Timestamp::MINUTE, Ordering::SeqCst);
        let source = Source::start().await;
        source.fill(3, 1);
        let t = TestHub::start_at(&database, Clock::Manual(now.clone()), watched(dir.path())).await;
        let owner = t.owner(crate::hub::OWNER).await.user_id;
        let settings = json!({"base_url": source.url, "webhook_secret": crate::sender::SECRET});
        // Every ten minutes: its data may be half an hour old.
        t.connect_with("t-source", settings, Plan::Every(600)).await;
        t.synced().await;
        t.until("SELECT COUNT(*) FROM freshness_mark", |n| n == 1).await;
        pass(5);
        t.until(TOTAL, |n| n == 5).await;
        assert_eq!(t.count(GOOD).await, 5);

        source.script(|_| Some(Instead::Status(StatusCode::INTERNAL_SERVER_ERROR, &[], String::new())));
        pass(40);
        t.until(TOTAL, |n| n == 45).await;
        assert_eq!(t.count(GOOD).await, 30, "for half an hour it was fresh");
        let secret = token(&t, &owner, &[Scope::OperationsRead]).await;
        let seen = health(&t, &Program::new(&t, &secret)).await;
        assert_eq!((&seen["target_seconds"], &seen["objective"]), (&json!(1_800), &json!(99.5)));
        assert_eq!((&seen["met"], &seen["budget_left"]), (&json!(66.66), &json!(93)), "15 of 216 minutes");
        assert!(seen["needs"].as_array().unwrap().contains(&json!("late")), "{seen}");
        t.stop().await;

        // Nobody looked for half an hour: nothing arrived, and that is known.
        pass(30);
        let t = TestHub::start_at(&database, Clock::Manual(now.clone()), watched(dir.path())).await;
        t.until(TOTAL, |n| n == 75).await;
        assert_eq!(t.count(GOOD).await, 30);

        // It answers again, with an order of two minutes ago.
        source.behave();
        let at = Timestamp(now.load(Ordering::SeqCst)).plus(-2 * Timestamp::MINUTE);
        let mut fresh = source::order("o9", 5, 700);
        fresh["updated_at"] = json!(at.rfc3339());
        source.put("orders", fresh);
        let id = t.text("SELECT id FROM connection").await;
        t.request(&id).await;
        t.until("SELECT COUNT(*) FROM sales_order WHERE external_id = 'o9'", |n| n == 1).await;
        t.synced().await;
        assert_eq!(
            t.count("SELECT CAST(SUM(n) AS BIGINT) FROM lag").await,
            1,
            "only what changed since the last reading"
        );
        pass(1);
        t.until(TOTAL, |n| n == 76).await;
        assert_eq!(t.count(GOOD).await, 31);
        let seen = health(&t, &Program::new(&t, &secret)).await;
        assert_eq!(
            (&seen["lag_p95_seconds"], &seen["state"], &seen["needs"]),
            (&json!(120), &json!("healthy"), &json!([]))
        );
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_says_in_words_who_needs_somebody() {
    let (dir, now) = (folder(), Arc::new(AtomicI64::new(BEGIN)));
    let database = TestDatabase::sqlite().await;
    let source = Source::start().await;
    source.fill(3, 1);
    let t = TestHub::start_at(&database, Clock::Manual(now.clone()), watched(dir.path())).await;
    let settings = json!({"base_url": source.url, "webhook_secret": crate::sender::SECRET});
    let id = t.connect_with("t-source", settings, Plan::Every(600)).await;
    t.synced().await;
    let desk = Desk::at(t, database).await;
    desk.open("/sync").await;
    desk.b.wait_for_text("main .note", "すべて正常です").await;
    assert_eq!(desk.value("document.querySelectorAll('nav.side a[aria-current]').length").await, "1");
    desk.looks("sync-health-well").await;

    source.script(|_| Some(Instead::Status(StatusCode::INTERNAL_SERVER_ERROR, &[], String::new())));
    now.fetch_add(26 * Timestamp::HOUR, Ordering::SeqCst);
    desk.t.until(TOTAL, |n| n == 26 * 60).await;
    // The session is as old as the clock says.
    let desk = desk.again().await;
    desk.open("/sync").await;
    desk.b.wait_for_text("main .note.bad", "対応が必要な連携先が 1つあります。").await;
    let strip = desk.value("document.querySelector('.tlc').getAttribute('aria-label')").await;
    assert!(strip.contains("失敗・遅延"), "{strip}");
    let row = desk.value("document.querySelector('table.health tbody tr').innerText").await;
    assert!(row.contains("0%") && row.contains("使い切りました") && row.contains("目標 30分"), "{row}");
    desk.looks("sync-health-bad").await;

    // By keyboard: to the page, the first row, and its connection.
    desk.b.goto(&format!("{}/customers", desk.t.address())).await;
    desk.b.execute("document.activeElement.blur()", vec![]).await;
    desk.b.client().find(fantoccini::Locator::Css("body")).await.unwrap().send_keys("gs").await.unwrap();
    desk.until("location.pathname === '/sync'").await;
    desk.b.client().find(fantoccini::Locator::Css("body")).await.unwrap().send_keys("j").await.unwrap();
    desk.until(&format!("document.activeElement.getAttribute('href') === '/connections/{id}'")).await;

    // It asks for itself again, says only what changed, and stands still when told to.
    desk.open("/sync").await;
    desk.until("document.querySelector('[data-every]')").await;
    desk.b.click("a[href='/sync?auto=off']").await;
    desk.until("location.search === '?auto=off' && !document.querySelector('[data-every]')").await;

    // A target of its own.
    desk.open(&format!("/connections/{id}/watch")).await;
    desk.b.click("#own").await;
    desk.b.fill("[name=number]", "0").await;
    desk.b.click("main form button[type=submit]").await;
    desk.b.wait_for_text("#number-e", "1分から31日まで").await;
    desk.refused(422).await;
    desk.looks("connection-watch-wrong").await;
    desk.b.fill("[name=number]", "48").await;
    desk.b.execute("document.querySelector('[name=unit]').value = 'h'", vec![]).await;
    desk.b.fill("#objective", "99").await;
    desk.b.click("main form button[type=submit]").await;
    desk.b.wait_for_text("main [role=status]", "保存").await;
    assert_eq!(desk.t.count("SELECT freshness_target FROM connection").await, 48 * Timestamp::HOUR);
    assert_eq!(desk.t.count("SELECT freshness_objective FROM connection").await, 9_900);
    desk.open(&format!("/connections/{id}")).await;
    desk.b.wait_for_text("[data-region=level]", "2日以内").await;
    desk.looks("connection-level").await;
    desk.close().await;
}

/// A hub with mail, a receiver of webhooks and one source, whose time only the test moves.
struct Watched {
    t: TestHub,
    source: Source,
    now: Arc<AtomicI64>,
    smtp: Smtp,
    ear: Ear,
    id: String,
    _folder: tempfile::TempDir,
}

impl Watched {
    async fn new(database: &TestDatabase) -> Self {
        let (dir, now, smtp) = (folder(), Arc::new(AtomicI64::new(BEGIN)), Smtp::plain());
        let source = Source::start().await;
        source.fill(3, 1);
        let change = |config: &mut Config| {
            watched(dir.path())(config);
            // Rounds are asked for by the test.
            config.health.every.0 = Duration::from_secs(3_600);
            smtp.configure(config);
        };
        let t = TestHub::start_at(database, Clock::Manual(now.clone()), change).await;
        t.owner(crate::hub::OWNER).await;
        let settings = json!({"base_url": source.url, "webhook_secret": crate::sender::SECRET});
        let id = t.connect_with("t-source", settings, Plan::Every(600)).await;
        t.synced().await;
        let ear = Ear::new().await;
        let shell = tempfile::tempdir().unwrap();
        let shell = crate::cli_ops::Shell { folder: shell.path(), url: &database.url };
        shell.json(&["receiver", "add", "監視", &ear.url, "--private", "--events", "connection.*"]);
        Self { t, source, now, smtp, ear, id, _folder: dir }
    }

    async fn pass(&self, minutes: i64) {
        self.now.fetch_add(minutes * Timestamp::MINUTE, Ordering::SeqCst);
        self.t.hub().watcher().round().await.unwrap();
        self.t.until("SELECT COUNT(*) FROM event_delivery WHERE state IN ('pending', 'retrying')", |n| n == 0).await;
        self.t.until("SELECT COUNT(*) FROM mail WHERE state = 'waiting'", |n| n == 0).await;
    }

    fn told(&self) -> Vec<String> {
        self.ear.heard().iter().map(|one| one.kind().to_owned()).collect()
    }

    async fn read_again(&self) {
        self.source.behave();
        self.t.request(&self.id).await;
        self.t
            .until("SELECT COUNT(*) FROM connection WHERE requested_by IS NOT NULL OR leased_by IS NOT NULL", |n| {
                n == 0
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_problem_is_told_once_daily_and_when_it_is_over() {
    for database in TestDatabase::both().await {
        let w = Watched::new(&database).await;
        w.pass(1).await;
        assert_eq!((w.told().len(), w.smtp.count()), (0, 0), "all is well");

        // Nobody reads: the data grows old. Said after five minutes of it, once.
        w.source.script(|_| Some(Instead::Silence));
        w.pass(35).await;
        assert_eq!(w.told().len(), 0, "it may pass");
        w.pass(5).await;
        w.pass(1).await;
        assert_eq!(w.told(), ["connection.late"]);
        let mail = w.smtp.mail(1).await;
        assert_eq!(mail.header("To"), crate::hub::OWNER);
        assert!(mail.header("Subject").ends_with("データが届いていません"), "{}", mail.header("Subject"));
        for said in [w.id.as_str(), "41分", "目標 30分"] {
            assert!(mail.text().contains(said), "{said}: {}", mail.text());
        }
        let heard = &w.ear.heard()[0];
        assert_eq!(heard.body["data"]["connection_id"], json!(w.id));
        assert_eq!(
            (&heard.body["data"]["phase"], &heard.body["data"]["facts"]["target"]),
            (&json!("begun"), &json!(1_800))
        );

        // A day later it is said again, and then not until the next.
        w.pass(24 * 60).await;
        w.pass(60).await;
        assert_eq!(w.told(), ["connection.late", "connection.late"]);
        assert!(w.smtp.mail(2).await.header("Subject").contains("続いています"));

        // It comes and goes for a while, and is over once it has been away for ten minutes.
        w.read_again().await;
        w.pass(1).await;
        w.pass(5).await;
        assert_eq!(w.told().len(), 2);
        w.pass(10).await;
        assert_eq!(w.told(), ["connection.late", "connection.late", "connection.recovered"]);
        assert!(w.smtp.mail(3).await.header("Subject").contains("解決しました"));
        w.pass(1).await;
        assert_eq!(w.smtp.count(), 3);
        assert_eq!(w.t.count("SELECT COUNT(*) FROM problem WHERE ended_at IS NULL").await, 0);
        w.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_chosen_is_told_of_what_is_chosen() {
    for database in TestDatabase::both().await {
        let w = Watched::new(&database).await;
        let hub = w.t.hub();
        let mut tx = hub.db.begin().await.unwrap();
        sql("INSERT INTO app_user (id, mail, mail_key, name, role, password_hash, language, theme, created_at)
             SELECT 'usr_kishi', 'kishi@hinoki-seiki.example', 'kishi@hinoki-seiki.example', '岸 由美', 'admin', NULL, 'en',
               theme, created_at FROM app_user")
        .execute(&mut tx)
        .await
        .unwrap();
        let notices = Notices { people: vec![], off: vec!["late".to_owned()] }.written();
        let kishi = Some("usr_kishi");
        assert!(
            store::freshness::set_notices(&mut tx, &w.id, kishi, notices.as_deref(), hub.clock.now()).await.unwrap()
        );
        tx.commit().await.unwrap();
        hub.registry.reload(&hub.db, &hub.keys).await.unwrap();

        // Refused at once, to the caretaker alone, in her language; being late is not told.
        w.source.wants([("authorization", "Bearer another")]);
        w.t.request(&w.id).await;
        w.t.until("SELECT COUNT(*) FROM connection WHERE auth_failed_at IS NOT NULL", |n| n == 1).await;
        w.pass(0).await;
        assert_eq!(w.told(), ["connection.credentials"]);
        let mail = w.smtp.mail(1).await;
        assert_eq!(mail.header("To"), "kishi@hinoki-seiki.example");
        assert!(mail.header("Subject").ends_with("its credentials have a problem"), "{}", mail.header("Subject"));
        w.pass(50).await;
        assert_eq!((w.told().len(), w.smtp.count()), (1, 1));

        // A test says so, to the same people.
        let row = store::connection::get(&hub.db, &w.id).await.unwrap().unwrap();
        let mut tx = hub.db.begin().await.unwrap();
        assert_eq!(hub.watcher().test(&mut tx, &row).await.unwrap(), (1, 1));
        tx.commit().await.unwrap();
        hub.engine.told.notify_one();
        assert!(w.smtp.mail(2).await.header("Subject").ends_with("test of notices"));

        // Paused: whoever does that knows of it.
        let mut tx = hub.db.begin().await.unwrap();
        assert!(store::connection::set_paused(&mut tx, &w.id, true, hub.clock.now()).await.unwrap());
        tx.commit().await.unwrap();
        w.pass(30).await;
        assert_eq!(w.told(), ["connection.credentials", "webhook.test"]);
        assert_eq!(w.t.count("SELECT COUNT(*) FROM problem WHERE ended_at IS NULL").await, 0);
        w.t.stop().await;
    }
}
