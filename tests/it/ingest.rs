//! From the inbox into history: order of arrival, versions, parking, failures and their way out.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use axum::http::StatusCode;
use musubi::{
    clock::Clock,
    model::View,
    store::failure::{self, Failure},
    sync::{
        replay::{self, Replayed},
        worker,
    },
};
use serde_json::{Value, json};

use crate::{
    hooks::{folder, manifest},
    hub::TestHub,
    real::TestDatabase as Database,
    sender::{self, SECRET, Sender, at, customer, order},
    source::{self, Source},
};

async fn generic(t: &TestHub) -> Sender {
    let id = t.connect("webhook", json!({"webhook_secret": SECRET})).await;
    Sender::generic(&t.url, &id)
}

fn deleted(id: &str, minute: u32) -> Value {
    json!({"type": "order.deleted", "data": {"id": id, "updated_at": at(minute)}})
}

/// Sends one event and waits until it is worked on.
async fn apply(t: &TestHub, sender: &Sender, id: &str, body: &Value) {
    sender.accepted(id, body).await;
    t.inbox_empty().await;
}

async fn failures(t: &TestHub, cause: &str) -> Vec<Failure> {
    failure::of_cause(&t.hub().db, &View::everything(), cause, None, 100).await.unwrap()
}

async fn replay(t: &TestHub, cause: &str) -> Replayed {
    replay::replay(&t.hub().engine, failures(t, cause).await, "usr_test", false).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_version_never_overwrites() {
    for database in Database::both().await {
        let t = TestHub::start(&database).await;
        let s = generic(&t).await;
        apply(&t, &s, "c", &customer("c", 1)).await;
        apply(&t, &s, "1", &order("o", "c", 5, 500)).await;
        apply(&t, &s, "2", &order("o", "c", 3, 300)).await;
        assert_eq!(t.count("SELECT total_minor FROM sales_order").await, 500);
        // Equal content under a newer version: what comes late from between loses against it.
        apply(&t, &s, "3", &order("o", "c", 9, 500)).await;
        apply(&t, &s, "4", &order("o", "c", 7, 700)).await;
        assert_eq!(t.count("SELECT total_minor FROM sales_order").await, 500);
        assert_eq!(t.count("SELECT COUNT(*) FROM version WHERE reason <> 'created'").await, 0);
        apply(&t, &s, "5", &order("o", "c", 10, 1000)).await;
        assert_eq!(t.count("SELECT total_minor FROM sales_order").await, 1000);
        // A broken state from the past is no failure of today.
        let mut broken = order("o", "c", 2, 0);
        broken["data"].as_object_mut().unwrap().remove("total");
        apply(&t, &s, "6", &broken).await;
        assert_eq!(t.count("SELECT COUNT(*) FROM failure").await, 0);
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_leaves_a_tombstone_that_only_newer_states_lift() {
    for database in Database::both().await {
        let t = TestHub::start(&database).await;
        let s = generic(&t).await;
        apply(&t, &s, "c", &customer("c", 1)).await;
        apply(&t, &s, "1", &order("o", "c", 3, 300)).await;
        apply(&t, &s, "2", &deleted("o", 5)).await;
        let living = "SELECT COUNT(*) FROM sales_order WHERE deleted_at IS NULL";
        assert_eq!(t.count("SELECT COUNT(*) FROM sales_order WHERE deleted_at IS NOT NULL").await, 1);
        apply(&t, &s, "3", &order("o", "c", 4, 400)).await;
        assert_eq!(t.count(living).await, 0, "{}: a state from before the deletion", database.name);
        apply(&t, &s, "4", &order("o", "c", 6, 600)).await;
        assert_eq!(t.count(living).await, 1);
        assert_eq!(t.count("SELECT COUNT(*) FROM version WHERE reason = 'deleted'").await, 1);
        // The deletion overtook the record itself.
        apply(&t, &s, "5", &deleted("p", 5)).await;
        apply(&t, &s, "6", &order("p", "c", 4, 400)).await;
        assert_eq!(t.count(living).await, 1);
        apply(&t, &s, "7", &order("p", "c", 6, 600)).await;
        assert_eq!(t.count(living).await, 2);
        assert_eq!(t.count("SELECT COUNT(*) FROM version WHERE reason = 'created'").await, 3);
        assert_eq!(t.count("SELECT COUNT(*) FROM failure").await, 0);
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_waits_for_its_customer_and_comes_with_it() {
    for database in Database::both().await {
        let t = TestHub::start(&database).await;
        let s = generic(&t).await;
        for n in 0..5 {
            apply(&t, &s, &format!("{n}"), &order(&format!("o{n}"), "c", 3, 100)).await;
        }
        apply(&t, &s, "newer", &order("o0", "c", 4, 400)).await;
        apply(&t, &s, "older", &order("o0", "c", 2, 200)).await;
        // One is cancelled while it waits, one turns out to belong to a customer who is here.
        apply(&t, &s, "d", &customer("d", 1)).await;
        apply(&t, &s, "gone", &deleted("o1", 5)).await;
        apply(&t, &s, "moved", &order("o2", "d", 5, 500)).await;
        assert_eq!(t.count("SELECT COUNT(*) FROM parked").await, 3);
        s.accepted("c", &customer("c", 1)).await;
        // Never the customer without its orders: they come in the same commit.
        let seen = t
            .until(
                "SELECT CASE WHEN EXISTS (SELECT 1 FROM customer WHERE name = '見本商事c')
                   THEN (SELECT COUNT(*) FROM sales_order) ELSE -1 END",
                |n| n >= 0,
            )
            .await;
        assert_eq!(seen, 4);
        t.inbox_empty().await;
        assert_eq!(t.count("SELECT total_minor FROM sales_order WHERE external_id = 'o0'").await, 400);
        assert_eq!(t.count("SELECT total_minor FROM sales_order WHERE external_id = 'o2'").await, 500);
        assert_eq!(t.count("SELECT COUNT(*) FROM sales_order WHERE external_id = 'o1'").await, 0);
        assert_eq!(t.count("SELECT COUNT(*) FROM parked").await, 0);
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_too_long_becomes_a_failure_that_can_be_replayed() {
    for database in Database::both().await {
        let now = Arc::new(AtomicI64::new(sender::now()));
        let t = TestHub::start_at(&database, Clock::Manual(now.clone()), |_| {}).await;
        let s = generic(&t).await;
        apply(&t, &s, "1", &order("o", "c", 3, 300)).await;
        assert_eq!(worker::expire_parked(&t.hub().engine).await.unwrap(), 0);
        now.fetch_add(3_600_000_001, Ordering::SeqCst);
        worker::expire_parked(&t.hub().engine).await.unwrap();
        let [failure] = &failures(&t, "REF_CUSTOMER_MISSING").await[..] else { panic!("one failure") };
        assert_eq!((failure.field.as_deref(), failure.value.as_deref()), (Some("customer"), Some("c")));
        assert_eq!((failure.label.as_str(), failure.external_id.as_str()), ("N-o", "o"));
        assert!(failure.payload.contains("\"total\":300"), "{}", failure.payload);
        // The customer comes; a preview promises what the replay then does.
        apply(&t, &s, "c", &customer("c", 1)).await;
        let list = failures(&t, "REF_CUSTOMER_MISSING").await;
        let promised = replay::replay(&t.hub().engine, list, "usr_test", true).await.unwrap();
        assert_eq!(t.count("SELECT COUNT(*) FROM sales_order").await, 0);
        let done = replay(&t, "REF_CUSTOMER_MISSING").await;
        assert_eq!(done, Replayed { succeeded: 1, failed: 0, parked: 0 });
        assert_eq!(promised, done);
        assert_eq!(t.count("SELECT COUNT(*) FROM sales_order").await, 1);
        assert_eq!(t.count("SELECT COUNT(*) FROM failure WHERE state <> 'resolved'").await, 0);
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_field_is_shown_and_settled_by_the_corrected_record() {
    for database in Database::both().await {
        let t = TestHub::start(&database).await;
        let s = generic(&t).await;
        apply(&t, &s, "c", &customer("c", 1)).await;
        let mut broken = order("o", "c", 3, 300);
        broken["data"]["order_date"] = json!("");
        apply(&t, &s, "1", &broken).await;
        let [failure] = &failures(&t, "REQ_EMPTY").await[..] else { panic!("one failure") };
        assert_eq!((failure.field.as_deref(), failure.value.as_deref()), (Some("order_date"), Some("")));
        assert_eq!(failure.label, "N-o");
        assert_eq!(serde_json::from_str::<Value>(&failure.payload).unwrap(), broken["data"]);
        assert_eq!(t.text("SELECT state FROM inbox WHERE delivery_id = '1'").await, "failed");
        // The same payload again fails again: one failure, two attempts.
        assert_eq!(replay(&t, "REQ_EMPTY").await, Replayed { succeeded: 0, failed: 1, parked: 0 });
        assert_eq!(t.count("SELECT attempts FROM failure").await, 2);
        apply(&t, &s, "2", &order("o", "c", 4, 400)).await;
        assert_eq!(t.text("SELECT state FROM failure").await, "resolved");
        assert_eq!(t.count("SELECT total_minor FROM sales_order").await, 400);
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_no_database_takes_harm_only_their_own_record() {
    for database in Database::both().await {
        let t = TestHub::start(&database).await;
        let s = generic(&t).await;
        apply(&t, &s, "c", &customer("c", 1)).await;
        // Pseudo-random, or PostgreSQL would compress it into its index.
        let long: String =
            (0..4000_u32).map(|n| char::from(b'a' + (n.wrapping_mul(2_654_435_761) >> 27) as u8 % 26)).collect();
        let mut subject = order("subject", "c", 1, 100);
        subject["data"]["subject"] = json!("見\0本");
        let bad = [
            order("a\0b", "c", 1, 100),
            order(&long, "c", 1, 100),
            order("waits", "c\0", 1, 100),
            deleted("a\0c", 1),
            json!([order("in\0list", "c", 1, 100), order("beside", "c", 1, 100)]),
            subject,
        ];
        let many: Vec<_> = bad.iter().enumerate().map(|(n, body)| (format!("bad{n}"), body.clone())).collect();
        let good: Vec<_> = (0..20).map(|n| (format!("g{n}"), order(&format!("g{n}"), "c", 1, 100))).collect();
        futures::future::join_all(many.iter().chain(&good).map(|(id, body)| s.accepted(id, body))).await;
        t.inbox_empty().await;
        assert_eq!(t.count("SELECT COUNT(*) FROM sales_order").await, 21, "{}", database.name);
        assert_eq!(t.count("SELECT COUNT(*) FROM parked").await, 0);
        let causes = t.count("SELECT COUNT(*) FROM failure WHERE cause IN ('FMT_KEY', 'FMT_TYPE')").await;
        assert_eq!((causes, t.count("SELECT COUNT(*) FROM failure").await), (6, 6), "{}", database.name);
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_events_in_one_body_and_events_nobody_asked_for() {
    for database in Database::both().await {
        let t = TestHub::start(&database).await;
        let s = generic(&t).await;
        // The customer stands after its order; the order of one body does not matter.
        let body = json!([order("o1", "c", 1, 100), order("o2", "c", 1, 200), customer("c", 1),
            {"type": "stock.changed", "data": {"id": "x"}}, order("o1", "c", 2, 150)]);
        apply(&t, &s, "1", &body).await;
        assert_eq!(t.count("SELECT CAST(SUM(total_minor) AS BIGINT) FROM sales_order").await, 350);
        assert_eq!(t.text("SELECT state FROM inbox WHERE delivery_id = '1'").await, "applied");
        apply(&t, &s, "2", &json!({"type": "stock.changed", "data": {"id": "x"}})).await;
        assert_eq!(t.text("SELECT cause FROM inbox WHERE state = 'ignored'").await, "HOOK_EVENT_UNKNOWN");
        apply(&t, &s, "3", &json!({"type": "order.changed", "data": {"number": "no key"}})).await;
        assert_eq!(t.text("SELECT cause FROM inbox WHERE state = 'failed'").await, "HOOK_MALFORMED");
        assert_eq!(t.count("SELECT COUNT(*) FROM failure").await, 0);
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unsigned_events_are_fetched_and_their_body_is_not_believed() {
    let streams = source::streams("overlap: 2m, sorted: true", 100);
    let text = manifest("t-thin", "{ scheme: none }", &streams).replace("trust: body", "trust: refetch");
    let dir = folder(&[("t-thin", text)]);
    for database in Database::both().await {
        let source = Source::start().await;
        source.fill(3, 1);
        let t = TestHub::start_with(&database, |c| c.connectors.dir = dir.path().into()).await;
        let id = t.connect("t-thin", json!({"base_url": source.url})).await;
        let s = Sender { spec: musubi_sdk::manifest::SignatureSpec::None, ..Sender::generic(&t.url, &id) };
        apply(&t, &s, "1", &order("o00000", "c1", 59, 999_999)).await;
        t.until("SELECT COUNT(*) FROM sales_order", |n| n == 1).await;
        assert_eq!(t.count("SELECT total_minor FROM sales_order").await, 100, "the source's own value");
        // The customer that nobody announced was fetched too.
        assert_eq!(source.fetched(), ["o00000", "c1"]);
        apply(&t, &s, "2", &order("forged", "c1", 59, 1)).await;
        assert_eq!(t.text("SELECT cause FROM inbox WHERE state = 'ignored'").await, "SRC_NOT_FOUND");
        // Trouble at the source: the delivery waits, whole, and is applied when the trouble is over.
        source.fetches(Some(StatusCode::SERVICE_UNAVAILABLE));
        s.accepted("3", &json!([order("o00001", "c1", 1, 1), order("o00002", "c1", 1, 1)])).await;
        t.until("SELECT MAX(attempts) FROM inbox WHERE state = 'pending'", |n| n >= 2).await;
        assert_eq!(t.count("SELECT COUNT(*) FROM sales_order").await, 1);
        source.fetches(None);
        t.inbox_empty().await;
        assert_eq!(t.count("SELECT COUNT(*) FROM sales_order").await, 3);
        assert_eq!(t.count("SELECT COUNT(*) FROM failure").await, 0);
        t.stop().await;
    }
}
