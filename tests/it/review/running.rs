//! Runs, leases and clocks.

use std::time::Duration;

use axum::http::StatusCode;
use musubi::{
    config::Config,
    connection::create::{self, NewConnection},
    connection::schedule::Plan,
    master::{self, Chunk},
    model::{Id, Timestamp, ids::Noun, record::Kind},
    store::{self, connection},
    sync::worker,
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    hooks::folder,
    hub::TestHub,
    real::TestDatabase as Database,
    sender::SECRET,
    source::{self, Instead, Source},
};

const DAY: i64 = 86_400_000_000;

/// A hub that pulls from a source, connected and not yet run.
async fn pulling(
    database: &Database,
    source: &Source,
    change: impl FnOnce(&mut Config),
) -> (TestHub, tempfile::TempDir, String) {
    let folder = folder(&[("t-source", source::manifest("sorted: true", 10))]);
    let dir = folder.path().to_owned();
    let t = TestHub::start_with(database, |c| {
        c.connectors.dir = dir;
        change(c);
    })
    .await;
    let settings = json!({"webhook_secret": SECRET, "base_url": source.url});
    let id = t.connect_with("t-source", settings, Plan::Manual).await;
    (t, folder, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_count_keeps_the_cursor_where_it_was() {
    for database in Database::both().await {
        let source = Source::start().await;
        source.fill(3, 1);
        let (t, _folder, id) = pulling(&database, &source, |_| {}).await;
        source.script(|asked| (asked.stream == "orders").then_some(Instead::Total(9)));
        t.request(&id).await;
        t.synced().await;
        let cursor = "SELECT COALESCE(cursor, '-') || CASE WHEN last_ok_at IS NULL THEN '-' ELSE '+' END
                      FROM stream WHERE name = 'orders'";
        assert_eq!(t.text(cursor).await, "--", "{}", database.name);
        assert_eq!(t.count("SELECT COUNT(*) FROM sales_order").await, 3, "{}", database.name);
        source.behave();
        t.request(&id).await;
        t.until("SELECT COUNT(*) FROM run WHERE state = 'succeeded'", |n| n == 1).await;
        assert_ne!(t.text(cursor).await, "--", "{}", database.name);
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_pause_ends_the_run_and_counts_as_nobodys_failure() {
    for database in Database::both().await {
        let source = Source::start().await;
        source.fill(3, 1);
        let (t, _folder, id) = pulling(&database, &source, |_| {}).await;
        source.script(|_| {
            let headers: &[_] = &[("retry-after", "600")];
            Some(Instead::Status(StatusCode::TOO_MANY_REQUESTS, headers, String::new()))
        });
        t.request(&id).await;
        t.synced().await;
        assert_eq!(t.text("SELECT cause FROM run").await, "RATE_LIMIT", "{}", database.name);
        let row = connection::get(&t.hub().db, &id).await.unwrap().unwrap();
        let wait = row.retry_at.unwrap() - t.hub().clock.now().0;
        assert!((500_000_000..=600_000_000).contains(&wait), "{wait} {}", database.name);
        assert_eq!((row.failures, row.due_at), (0, row.retry_at), "{}", database.name);
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_now_during_a_run_is_kept() {
    for database in Database::both().await {
        let world = super::world::World::connect(&database, "con_1", "sales", false).await;
        let db = &world.db.db;
        let mut tx = db.begin().await.unwrap();
        assert!(connection::request(&mut tx, "con_1", "first", Timestamp(1000)).await.unwrap());
        let leased = connection::lease_due(&mut tx, "n", Timestamp(2000), Timestamp(9000), 1, &[]).await.unwrap();
        assert!(connection::request(&mut tx, "con_1", "second", Timestamp(3000)).await.unwrap());
        let mut release = connection::Release {
            id: "con_1",
            node: "n",
            leased_due: leased[0].due_at,
            leased_revision: leased[0].updated_at,
            due_at: None,
            failures: 0,
            retry_at: None,
            auth_failed_at: None,
        };
        connection::release(&mut tx, &release).await.unwrap();
        let row = connection::get(&mut tx, "con_1").await.unwrap().unwrap();
        assert_eq!((row.due_at, row.requested_by.as_deref()), (Some(3000), Some("second")), "{}", database.name);
        // The next run answers it.
        let leased = connection::lease_due(&mut tx, "n", Timestamp(4000), Timestamp(9000), 1, &[]).await.unwrap();
        release.leased_due = leased[0].due_at;
        connection::release(&mut tx, &release).await.unwrap();
        let row = connection::get(&mut tx, "con_1").await.unwrap().unwrap();
        assert_eq!((row.due_at, row.requested_by), (None, None), "{}", database.name);
        tx.commit().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_that_records_wait_for_are_asked_for_in_every_run() {
    for database in Database::both().await {
        let source = Source::start().await;
        source.put("orders", source::order("o1", 1, 100));
        let mut later = source::order("o2", 5, 100);
        later["customer"] = "c2".into();
        source.put("orders", later);
        let (t, _folder, id) = pulling(&database, &source, |_| {}).await;
        // Lists of customers stay empty: only asking by key brings them.
        source.script(|asked| {
            let empty = json!({"items": [], "total": 0}).to_string();
            (asked.stream == "customers").then_some(Instead::Status(StatusCode::OK, &[], empty))
        });
        t.request(&id).await;
        t.synced().await;
        assert_eq!(t.count("SELECT COUNT(*) FROM parked").await, 2, "{}", database.name);
        source.put("customers", json!({"id": "c1", "name": "見本商事", "updated_at": crate::sender::at(0)}));
        t.request(&id).await;
        t.until("SELECT COUNT(*) FROM sales_order", |n| n == 1).await;
        // And once more before waiting is given up.
        source.put("customers", json!({"id": "c2", "name": "見本工業", "updated_at": crate::sender::at(0)}));
        t.synced().await;
        let mut tx = t.hub().db.begin().await.unwrap();
        store::sql("UPDATE parked SET parked_at = 1").execute(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        worker::ask_again(&t.hub().engine, &CancellationToken::new()).await;
        assert_eq!(worker::expire_parked(&t.hub().engine).await.unwrap(), 0, "{}", database.name);
        assert_eq!(t.count("SELECT COUNT(*) FROM sales_order").await, 2, "{}", database.name);
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_made_by_a_clock_that_was_ahead_are_made_again() {
    for database in Database::both().await {
        let t = TestHub::start(&database).await;
        let settings = json!({"base_url": "http://127.0.0.1:9", "token": "t",
            "webhook_secret": "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"});
        let id = t.connect_with("sample-accounting", settings, Plan::Every(600)).await;
        t.synced().await;
        let now = t.hub().clock.now();
        for (due, retry) in [(Some(now.0 + 400 * DAY), None), (Some(now.0 + DAY * 400), Some(now.0 + 400 * DAY))] {
            let mut tx = t.hub().db.begin().await.unwrap();
            let text = "UPDATE connection SET paused = $4, due_at = $1, retry_at = $2, leased_by = NULL WHERE id = $3";
            let update = store::sql(text).bind(due).bind(retry).bind(id.as_str()).bind(false);
            update.execute(&mut tx).await.unwrap();
            tx.commit().await.unwrap();
            worker::plan_again(&t.hub().engine).await.unwrap();
            let row = connection::get(&t.hub().db, &id).await.unwrap().unwrap();
            let latest = t.hub().clock.now().0 + 2 * 3600 * 1_000_000;
            assert!(row.due_at.unwrap() <= latest, "{:?} {}", row.due_at, database.name);
            t.synced().await;
        }
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_in_hand_does_not_hold_up_who_only_schedules() {
    let [_, database] = Database::both().await;
    let world = super::world::World::connect(&database, "con_1", "sales", false).await;
    let chunk = Chunk {
        origin: &world.origin,
        stream: "customers",
        kind: Kind::Customer,
        run_id: None,
        now: Timestamp(5),
        currency: "JPY".parse().unwrap(),
        records: &[super::world::customer("A", json!({}))],
        rejected: &[],
    };
    let mut writing = world.db.db.begin().await.unwrap();
    master::ingest::apply(&mut writing, &chunk).await.unwrap();
    // The other node's request must not wait for the chunk; its own chunk must.
    let asking = async {
        let mut tx = world.db.db.begin().await.unwrap();
        connection::request(&mut tx, "con_1", "somebody", Timestamp(6)).await.unwrap();
        tx.commit().await.unwrap();
    };
    tokio::time::timeout(Duration::from_secs(5), asking).await.expect("a request waits for a chunk");
    let orders = Chunk { stream: "orders", kind: Kind::Order, records: &[], ..chunk.clone() };
    let mut other = world.db.db.begin().await.unwrap();
    let second = async { master::ingest::apply(&mut other, &orders).await };
    assert!(tokio::time::timeout(Duration::from_millis(300), second).await.is_err(), "{}", database.name);
    drop(other);
    writing.commit().await.unwrap();
}

/// Connections are made on one node while another looks for due ones.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_made_on_another_node_is_run_at_once() {
    let database = Database::postgres().await;
    let source = Source::start().await;
    let (t, folder, _) = pulling(&database, &source, |c| c.sync.poll.0 = Duration::from_millis(1)).await;
    let maker = TestHub::start_with(&database, |c| {
        c.connectors.dir = folder.path().to_owned();
        c.sync.poll.0 = Duration::from_secs(3600);
    })
    .await;
    let settings = json!({"webhook_secret": SECRET, "base_url": source.url});
    for _ in 0..30 {
        let h = maker.hub();
        let new = NewConnection {
            connector: "t-source".to_owned(),
            name: Id::new(Noun::Connection).into_string(),
            settings: settings.as_object().unwrap().clone(),
            plan: Plan::Every(60),
            streams: None,
            sample: false,
            start_now: true,
        };
        create::create(&h.db, &h.registry, &h.keys, &h.clock, &h.zone, new).await.unwrap();
    }
    t.until("SELECT COUNT(*) FROM run WHERE state = 'succeeded'", |n| n == 30).await;
    maker.stop().await;
    t.stop().await;
}
