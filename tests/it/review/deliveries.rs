//! Deliveries: what becomes of them.

use axum::http::StatusCode;
use musubi::{
    model::View,
    store,
    sync::replay::{self, Replayed},
};
use serde_json::{Value, json};

use crate::{
    hooks::folder,
    hub::TestHub,
    real::TestDatabase as Database,
    sender::{SECRET, Sender, at, customer, order},
    source::{self, Source},
};

/// A hub with a sender whose events carry records.
async fn started(database: &Database) -> (TestHub, Sender, String) {
    let t = TestHub::start(database).await;
    let id = t.connect("webhook", json!({"webhook_secret": SECRET})).await;
    let sender = Sender::generic(&t.url, &id);
    (t, sender, id)
}

fn broken(id: &str, minute: u32) -> Value {
    json!({"type": "order.changed", "data": {"id": id, "updated_at": at(minute), "customer": "c", "number": "n",
        "order_date": "never", "total": 1}})
}

/// A system whose events only name an order, next to its source.
fn hinting() -> String {
    let text = source::manifest("sorted: true", 10).replace("t-source", "t-hints");
    text.replace("order.changed: { stream: orders, record: data }", "order.changed: { stream: orders, key: data.id }")
}

async fn hints(database: &Database, source: &Source) -> (TestHub, tempfile::TempDir, Sender) {
    let folder = folder(&[("t-hints", hinting())]);
    let dir = folder.path().to_owned();
    let t = TestHub::start_with(database, |c| c.connectors.dir = dir).await;
    let id = t.connect("t-hints", json!({"webhook_secret": SECRET, "base_url": source.url})).await;
    let sender = Sender {
        spec: musubi_sdk::manifest::SignatureSpec::SharedToken {
            header: "X-Token".into(),
            prefix: String::new(),
            secret: "webhook_secret".into(),
        },
        id_header: None,
        ..Sender::generic(&t.url, &id)
    };
    (t, folder, sender)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_several_events_put_off_keeps_the_delivery_open() {
    for database in Database::both().await {
        let source = Source::start().await;
        source.fill(3, 1);
        let (t, _folder, s) = hints(&database, &source).await;
        source.fetches(Some(StatusCode::SERVICE_UNAVAILABLE));
        let hint = |id: &str| json!({"type": "order.changed", "data": {"id": id}});
        s.accepted("", &json!([customer("c1", 1), hint("o00001"), hint("o00002")])).await;
        t.until("SELECT attempts FROM inbox", |n| n >= 1).await;
        assert_eq!(t.text("SELECT state FROM inbox").await, "pending", "{}", database.name);
        source.fetches(None);
        t.inbox_empty().await;
        assert_eq!(t.text("SELECT state FROM inbox").await, "applied", "{}", database.name);
        assert_eq!(t.count("SELECT COUNT(*) FROM sales_order").await, 2, "{}", database.name);
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_hints_without_a_delivery_id_are_each_followed() {
    for database in Database::both().await {
        let source = Source::start().await;
        source.fill(1, 1);
        let (t, _folder, s) = hints(&database, &source).await;
        let hint = json!({"type": "order.changed", "data": {"id": "o00000"}});
        s.accepted("", &hint).await;
        t.inbox_empty().await;
        source.put("orders", source::order("o00000", 2, 777));
        s.accepted("", &hint).await;
        t.until("SELECT COALESCE(MAX(total_minor), 0) FROM sales_order", |n| n == 777).await;
        // A body with its record in it stays one delivery.
        s.accepted("", &customer("c1", 1)).await;
        assert_eq!(s.send("", &customer("c1", 1)).await.outcome(), (202, "duplicate"), "{}", database.name);
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn webhook_runs_are_green_only_when_nothing_failed() {
    for database in Database::both().await {
        let (t, s, _) = started(&database).await;
        s.accepted("1", &broken("o1", 1)).await;
        t.inbox_empty().await;
        s.accepted("2", &order("o2", "c", 1, 100)).await;
        s.accepted("3", &customer("c", 1)).await;
        t.inbox_empty().await;
        t.until("SELECT COUNT(*) FROM sales_order", |n| n == 1).await;
        let state = "SELECT r.state || '/' || s.state FROM run r JOIN run_stream s ON s.run_id = r.id
                     WHERE s.stream = 'orders'";
        assert_eq!(t.text(state).await, "partial/partial", "{}", database.name);
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_takes_only_what_is_still_unresolved_and_says_what_waits() {
    for database in Database::both().await {
        let (t, s, connection) = started(&database).await;
        s.accepted("0", &customer("c", 1)).await;
        s.accepted("1", &broken("o1", 1)).await;
        s.accepted("2", &broken("o2", 1)).await;
        t.inbox_empty().await;
        let engine = &t.hub().engine;
        // Both could be applied by now; the second one waits for a customer.
        for (id, body) in [("o1", order("o1", "c", 1, 1)), ("o2", order("o2", "nobody", 1, 1))] {
            let mut tx = engine.db.begin().await.unwrap();
            let payload = body["data"].to_string();
            let text = "UPDATE failure SET payload = $1 WHERE connection_id = $2 AND external_id = $3";
            store::sql(text).bind(payload).bind(connection.as_str()).bind(id).execute(&mut tx).await.unwrap();
            tx.commit().await.unwrap();
        }
        let stale = store::failure::of_cause(&engine.db, &View::everything(), "FMT_DATE", None, 10).await.unwrap();
        assert_eq!(stale.len(), 2);
        // What comes between reading the failures and replaying them is newer.
        s.accepted("3", &order("o1", "c", 1, 999)).await;
        t.inbox_empty().await;
        t.until("SELECT COUNT(*) FROM sales_order", |n| n == 1).await;
        let tried = replay::replay(engine, stale.clone(), "usr_test", true).await.unwrap();
        let done = replay::replay(engine, stale, "usr_test", false).await.unwrap();
        let wanted = Replayed { succeeded: 0, failed: 0, parked: 1 };
        assert_eq!((tried, done), (wanted, wanted), "{}", database.name);
        assert_eq!(t.count("SELECT total_minor FROM sales_order").await, 999, "{}", database.name);
        let run = "SELECT state FROM run WHERE trigger_kind = 'replay'";
        assert_eq!(t.text(run).await, "partial", "{}", database.name);
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_the_database_refuses_fails_alone() {
    // An index that no mapping knows of refuses the second of two equal totals.
    for database in Database::both().await {
        let (t, s, _) = started(&database).await;
        s.accepted("0", &customer("c", 1)).await;
        s.accepted("1", &broken("o1", 1)).await;
        s.accepted("2", &broken("o2", 1)).await;
        t.inbox_empty().await;
        let engine = &t.hub().engine;
        let mut tx = engine.db.begin().await.unwrap();
        store::sql("CREATE UNIQUE INDEX refuse_equal_totals ON sales_order (total_minor)")
            .execute(&mut tx)
            .await
            .unwrap();
        for (id, body) in [("o1", order("o1", "c", 1, 5)), ("o2", order("o2", "c", 1, 5))] {
            let text = "UPDATE failure SET payload = $1 WHERE external_id = $2";
            store::sql(text).bind(body["data"].to_string()).bind(id).execute(&mut tx).await.unwrap();
        }
        tx.commit().await.unwrap();
        let all = store::failure::of_cause(&engine.db, &View::everything(), "FMT_DATE", None, 10).await.unwrap();
        let tried = replay::replay(engine, all.clone(), "usr_test", true).await.unwrap();
        let done = replay::replay(engine, all, "usr_test", false).await.unwrap();
        let wanted = Replayed { succeeded: 1, failed: 1, parked: 0 };
        assert_eq!((tried, done), (wanted, wanted), "{}", database.name);
        assert_eq!(t.text("SELECT cause FROM failure WHERE state = 'open'").await, "DB_REFUSED", "{}", database.name);
        // Records of a delivery of several events go in beside those of single ones.
        s.accepted("3", &json!([order("o3", "c", 1, 6), order("o4", "c", 1, 7)])).await;
        s.accepted("4", &order("o5", "c", 1, 7)).await;
        s.accepted("5", &order("o6", "c", 1, 8)).await;
        t.inbox_empty().await;
        t.until("SELECT COUNT(*) FROM sales_order", |n| n == 4).await;
        assert_eq!(t.count("SELECT COUNT(*) FROM failure WHERE state = 'open'").await, 2, "{}", database.name);
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nul_anywhere_fails_one_record_and_holds_up_nothing() {
    for database in Database::both().await {
        let (t, s, _) = started(&database).await;
        s.accepted(
            "1",
            &json!({"type": "order.changed", "data": {"id": "o\0x", "number": "a\0b", "updated_at": at(1),
            "customer": "c", "order_date": "2026-11-01", "total": 1}}),
        )
        .await;
        let with_orders = json!({"type": "invoice.changed", "data": {"id": "i1", "number": "i1", "updated_at": at(1),
            "customer": "c", "issue_date": "2026-11-01", "total": 1, "orders": ["x\0y"]}});
        s.accepted("2", &with_orders).await;
        s.accepted("3", &customer("c", 1)).await;
        s.accepted("4", &order("o4", "c", 1, 4)).await;
        t.inbox_empty().await;
        t.until("SELECT COUNT(*) FROM sales_order", |n| n == 1).await;
        assert_eq!(t.count("SELECT COUNT(*) FROM failure").await, 2, "{}", database.name);
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn never_tried_deliveries_and_far_leases_do_not_wait_for_the_clock() {
    for database in Database::both().await {
        let (t, s, _) = started(&database).await;
        // As a clock that was a year ahead would have left them.
        let ahead = t.hub().clock.now().plus(365 * 86_400_000_000);
        let id = t.text("SELECT id FROM connection").await;
        let new = store::inbox::New {
            connection_id: id,
            delivery_id: "ahead".into(),
            received_at: ahead,
            headers: "{}".into(),
            body: customer("c", 1).to_string().into_bytes(),
        };
        let mut tx = t.hub().db.begin().await.unwrap();
        store::inbox::insert(&mut tx, &[new], "another node", ahead).await.unwrap();
        tx.commit().await.unwrap();
        s.accepted("1", &order("o1", "c", 1, 4)).await;
        t.until("SELECT COUNT(*) FROM sales_order", |n| n == 1).await;
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_written_together_and_the_last_ones_at_the_end() {
    for database in Database::both().await {
        let (t, s, _) = started(&database).await;
        let forger = Sender {
            secret: "another secret of some length".into(),
            ..Sender::generic(&t.url, s.url.rsplit('/').next().unwrap())
        };
        for n in 0..20 {
            assert_eq!(forger.send(&n.to_string(), &customer("c", 1)).await.status, 401);
        }
        t.stop().await;
        let db = store::open(&database.url, 2).await.unwrap();
        let row: (i64, i64) =
            store::sql("SELECT COUNT(*), CAST(SUM(times) AS BIGINT) FROM hook_refusal").one(&db).await.unwrap();
        assert!(row.0 <= 2, "{} rows", row.0);
        assert_eq!(row.1, 20, "{}", database.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_reads_no_more_bodies_than_it_has_room_for() {
    for database in Database::both().await {
        let new = |n: i64, bytes: usize| store::inbox::New {
            connection_id: "con_1".into(),
            delivery_id: n.to_string(),
            received_at: musubi::model::Timestamp(n),
            headers: "{}".into(),
            body: vec![b'7'; bytes],
        };
        let mut tx = database.db.begin().await.unwrap();
        let rows = [new(1, 900), new(2, 50), new(3, 80), new(4, 1)];
        store::inbox::insert(&mut tx, &rows, "n", musubi::model::Timestamp(9)).await.unwrap();
        tx.commit().await.unwrap();
        for (bytes, wanted) in [(1000, 2), (10, 1), (9000, 4)] {
            let now = musubi::model::Timestamp(10);
            let ask = store::inbox::Wanted { node: "n", now, far: now.plus(1_000_000), rows: 100, bytes };
            let got = store::inbox::pending(&database.db, "con_1", &ask).await.unwrap();
            assert_eq!(got.len(), wanted, "{bytes} {}", database.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_a_fetch_is_left_and_its_delivery_waits() {
    for database in Database::both().await {
        // A source that takes the question and never answers.
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut source = Source::start().await;
        source.url = format!("http://{}", silent.local_addr().unwrap());
        let (t, _folder, s) = hints(&database, &source).await;
        s.accepted("", &json!([{"type": "order.changed", "data": {"id": "o1"}}, customer("c", 1)])).await;
        let asked = silent.accept().await.unwrap();
        let begun = std::time::Instant::now();
        t.stop().await;
        assert!(begun.elapsed() < std::time::Duration::from_secs(3), "{:?}", begun.elapsed());
        drop(asked);
        let db = store::open(&database.url, 2).await.unwrap();
        let row: (String, i64) = store::sql("SELECT state, attempts FROM inbox").one(&db).await.unwrap();
        assert_eq!(row, ("pending".to_owned(), 0), "{}", database.name);
    }
}
