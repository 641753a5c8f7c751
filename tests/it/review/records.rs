//! One record in many states: which one stands.

use musubi::model::record::Kind;
use serde_json::json;

use super::world::{World, customer, gone, order, record, rejected};
use crate::real::TestDatabase as Database;

const STATE: &str = "SELECT CASE WHEN deleted_at IS NULL THEN 'alive' ELSE 'deleted' END FROM sales_order";
const SUBJECT: &str = "SELECT subject FROM sales_order";

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_without_version_ends_the_record_it_follows_in_a_chunk() {
    for db in Database::both().await {
        let mut w = World::usual(&db).await;
        w.orders(&[order("O1", Some(4), "A", "x")]).await;
        w.orders(&[order("O1", Some(5), "A", "y"), gone("O1", None)]).await;
        assert_eq!(w.text(STATE).await, "deleted", "{}", db.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deleted_version_does_not_come_back_but_a_newer_one_does() {
    for db in Database::both().await {
        let mut w = World::usual(&db).await;
        w.orders(&[order("O1", Some(6), "A", "x")]).await;
        w.orders(&[gone("O1", None)]).await;
        w.orders(&[order("O1", Some(6), "A", "x")]).await;
        assert_eq!(w.text(STATE).await, "deleted", "{}", db.name);
        w.orders(&[order("O1", Some(7), "A", "x")]).await;
        assert_eq!(w.text(STATE).await, "alive", "{}", db.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waited_is_withdrawn_when_its_record_was_placed_or_deleted() {
    for db in Database::both().await {
        let mut w = World::usual(&db).await;
        w.orders(&[order("O2", Some(1), "Z", "ghost"), order("O3", None, "Z", "old")]).await;
        w.orders(&[order("O4", Some(9), "Z", "newer")]).await;
        w.orders(&[gone("O2", None), order("O3", None, "A", "new"), order("O4", Some(8), "A", "older")]).await;
        w.customers(&[customer("Z", json!({}))]).await;
        let got = w.text("SELECT external_id || '=' || subject FROM sales_order ORDER BY external_id").await;
        assert_eq!(got, "O3=new O4=newer", "{}", db.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_without_version_keeps_the_stored_version() {
    for db in Database::both().await {
        let mut w = World::usual(&db).await;
        w.orders(&[order("O4", Some(9), "A", "v9")]).await;
        w.orders(&[order("O4", None, "A", "none")]).await;
        w.orders(&[order("O4", Some(3), "A", "v3")]).await;
        assert_eq!(w.text(SUBJECT).await, "none", "{}", db.name);
        let named = |name: &str, version| record(Kind::Customer, "K", version, &json!({"name": name}));
        w.customers(&[named("v9", Some(9))]).await;
        w.customers(&[named("none", None)]).await;
        w.customers(&[named("v3", Some(3))]).await;
        assert_eq!(w.text("SELECT name FROM customer WHERE name NOT LIKE 'Cust%'").await, "none", "{}", db.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_twice_in_a_document_is_summed_or_taken_once() {
    for db in Database::both().await {
        let mut w = World::usual(&db).await;
        let payment = json!({"customer": "A", "number": "P1", "paid_date": "2026-04-01", "amount": "300",
            "allocations": [{"invoice": "I1", "amount": "100"}, {"invoice": "I1", "amount": "200"}]});
        w.chunk(Kind::Payment, "payments", &[record(Kind::Payment, "P1", Some(1), &payment)], &[]).await;
        assert_eq!(w.text("SELECT CAST(amount_minor AS TEXT) FROM payment_allocation").await, "300", "{}", db.name);
        let invoice = json!({"customer": "A", "number": "I1", "issue_date": "2026-04-01",
            "net": "300", "tax": "30", "total": "330", "orders": ["N1", "N1"],
            "taxes": [{"rate": "10", "taxable": "100", "tax": "10"}, {"rate": "10", "taxable": "200", "tax": "20"}]});
        w.chunk(Kind::Invoice, "invoices", &[record(Kind::Invoice, "I1", Some(1), &invoice)], &[]).await;
        let taxes = "SELECT CAST(taxable_minor AS TEXT) || '/' || CAST(tax_minor AS TEXT) FROM invoice_tax";
        assert_eq!(w.text(taxes).await, "300/30", "{}", db.name);
        assert_eq!(w.text("SELECT order_number FROM invoice_order").await, "N1", "{}", db.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_bad_state_beside_a_good_one_is_no_open_failure() {
    for db in Database::both().await {
        let mut w = World::usual(&db).await;
        let good = [order("O1", Some(2), "A", "good"), order("O2", Some(1), "A", "good")];
        let bad = [rejected("O1", Some(1)), rejected("O2", Some(2))];
        w.chunk(Kind::Order, "orders", &good, &bad).await;
        let open = w.text("SELECT external_id FROM failure WHERE state <> 'resolved'").await;
        assert_eq!(open, "O2", "{}", db.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_records_that_cannot_be_read_any_more_become_failures() {
    for db in Database::both().await {
        let mut w = World::usual(&db).await;
        w.orders(&[order("O1", Some(1), "Z", "x"), order("O2", Some(1), "Z", "y"), order("O3", Some(1), "Z", "z")])
            .await;
        let mut tx = db.db.begin().await.unwrap();
        for statement in [
            "UPDATE parked SET canonical = '{}' WHERE external_id = 'O1'",
            "UPDATE parked SET canonical = 'nothing' WHERE external_id = 'O2'",
        ] {
            musubi::store::sql(statement).execute(&mut tx).await.unwrap();
        }
        tx.commit().await.unwrap();
        w.customers(&[customer("Z", json!({}))]).await;
        let failures = w.text("SELECT external_id || '=' || cause FROM failure ORDER BY external_id").await;
        assert_eq!(failures, "O1=PARKED_UNREADABLE O2=PARKED_UNREADABLE", "{}", db.name);
        assert_eq!(w.text(SUBJECT).await, "z", "{}", db.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_places_and_payers_that_come_later_are_filled_in() {
    for db in Database::both().await {
        let mut w = World::usual(&db).await;
        let mut body = super::world::order_body("A", "x");
        body["ship_to"] = "S1".into();
        body["bill_to"] = "P1".into();
        w.orders(&[record(Kind::Order, "O1", Some(1), &body)]).await;
        let open = "SELECT COALESCE(ship_to, '-') || COALESCE(bill_to, '-') FROM sales_order";
        assert_eq!(w.text(open).await, "--", "{}", db.name);
        let site = record(Kind::Site, "S1", Some(1), &json!({"customer": "A", "name": "Depot"}));
        w.chunk(Kind::Site, "sites", &[site], &[]).await;
        w.customers(&[customer("77", json!({"code": "P1"}))]).await;
        let filled = "SELECT s.name || '/' || c.name FROM sales_order o
                      JOIN site s ON s.id = o.ship_to JOIN customer c ON c.id = o.bill_to";
        assert_eq!(w.text(filled).await, "Depot/Customer 77", "{}", db.name);
    }
}
