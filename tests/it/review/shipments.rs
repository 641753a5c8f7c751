//! Shipments and products: the one waits for its customer, the other has none.

use musubi::{
    model::{Timestamp, record::Kind},
    store::{receiver, sample, sql},
};
use serde_json::{Value, json};

use super::world::{World, customer, gone, order_body, record};
use crate::real::TestDatabase as Database;

const STATES: &str = "SELECT s.number || '=' || c.name || '/' || s.ship_date || '/' || s.status
    || CASE WHEN s.deleted_at IS NULL THEN '' ELSE '/gone' END
    FROM shipment s JOIN customer c ON c.id = s.customer_id ORDER BY s.number";
const LINES: &str = "SELECT COALESCE(product_code, '-') || ':' || description || ':' || quantity || COALESCE(unit, '')
    FROM shipment_line ORDER BY shipment_id, line_no";
const NAMES: &str = "SELECT code || '=' || name || '/' || CASE WHEN active THEN 'sold' ELSE 'not sold' END
    || CASE WHEN deleted_at IS NULL THEN '' ELSE '/gone' END FROM product ORDER BY external_id";

fn body(customer: &str, day: &str, status: &str, quantity: &str) -> Value {
    json!({"customer": customer, "number": "S1", "ship_date": day, "status": status, "carrier": "見本運輸",
        "orders": ["N1"], "lines": [{"product_code": "KV", "quantity": quantity, "unit": "個"},
        {"description": "ねじ", "quantity": "4"}]})
}

impl World<'_> {
    async fn shipment(&mut self, version: i64, body: &Value) -> musubi::master::Outcome {
        self.chunk(Kind::Shipment, "shipments", &[record(Kind::Shipment, "7", Some(version), body)], &[]).await
    }

    async fn product(&mut self, key: &str, version: i64, body: &Value) -> musubi::master::Outcome {
        self.chunk(Kind::Product, "products", &[record(Kind::Product, key, Some(version), body)], &[]).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shipment_comes_before_or_after_its_customer_and_changes() {
    for db in Database::both().await {
        let mut w = World::usual(&db).await;
        // Before its customer: it waits, in the newest of its states, and comes with the customer.
        let outcome = w.shipment(1, &body("Z", "2026-11-30", "planned", "80")).await;
        assert_eq!((outcome.parked, outcome.new), (1, 0), "{}", db.name);
        assert!(outcome.missing.contains("Z"));
        w.shipment(2, &body("Z", "2026-12-01", "planned", "80")).await;
        assert_eq!(w.text(STATES).await, "");
        let outcome = w.customers(&[customer("Z", json!({}))]).await;
        assert_eq!((outcome.released, outcome.customers.len()), (1, 1), "{}", db.name);
        assert_eq!(w.text(STATES).await, "S1=Customer Z/2026-12-01/planned");
        assert_eq!(w.text(LINES).await, "KV::80個 -:ねじ:4", "{}", db.name);
        assert_eq!(w.text("SELECT order_number FROM shipment_order").await, "N1");
        // It leaves, in part; an older state comes late; the same again is no news.
        let mut left = body("Z", "2026-12-02", "shipped", "60");
        left["orders"] = json!(["N2", "N1"]);
        assert_eq!(w.shipment(5, &left).await.updated, 1);
        w.shipment(4, &body("Z", "2026-12-09", "planned", "80")).await;
        assert_eq!(w.shipment(5, &left).await.unchanged, 1);
        assert_eq!(w.text(STATES).await, "S1=Customer Z/2026-12-02/shipped");
        assert_eq!(w.text(LINES).await, "KV::60個 -:ねじ:4", "{}: lines are replaced", db.name);
        assert_eq!(w.text("SELECT order_number FROM shipment_order ORDER BY 1").await, "N1 N2");
        let versions = "SELECT v.reason FROM version v JOIN shipment s ON s.id = v.record_id ORDER BY v.seq";
        assert_eq!(w.text(versions).await, "created source", "{}", db.name);
        assert!(w.text("SELECT id FROM shipment").await.starts_with("shp_"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_shipment_leaves_a_tombstone_that_only_newer_states_lift() {
    for db in Database::both().await {
        let mut w = World::usual(&db).await;
        // The deletion overtakes the record itself.
        w.chunk(Kind::Shipment, "shipments", &[gone("7", Some(5))], &[]).await;
        w.shipment(4, &body("A", "2026-12-01", "planned", "1")).await;
        assert_eq!(w.text(STATES).await, "", "{}: a state from before the deletion", db.name);
        w.shipment(6, &body("A", "2026-12-01", "planned", "1")).await;
        let outcome = w.chunk(Kind::Shipment, "shipments", &[gone("7", None)], &[]).await;
        assert_eq!(outcome.customers.len(), 1, "{}: the customer's page looks different", db.name);
        w.shipment(6, &body("A", "2026-12-01", "planned", "1")).await;
        assert_eq!(w.text(STATES).await, "S1=Customer A/2026-12-01/planned/gone", "{}", db.name);
        w.shipment(7, &body("B", "2026-12-01", "shipped", "1")).await;
        assert_eq!(w.text(STATES).await, "S1=Customer B/2026-12-01/shipped", "{}", db.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_place_of_a_shipment_may_come_later() {
    for db in Database::both().await {
        let mut w = World::usual(&db).await;
        let mut to = body("A", "2026-12-01", "planned", "1");
        to["ship_to"] = "P1".into();
        w.shipment(1, &to).await;
        let mut order = order_body("A", "x");
        order["ship_to"] = "P1".into();
        w.orders(&[record(Kind::Order, "O1", Some(1), &order)]).await;
        assert_eq!(w.text("SELECT COALESCE(ship_to, '-') FROM shipment").await, "-", "{}", db.name);
        let site = record(Kind::Site, "P1", Some(1), &json!({"customer": "A", "name": "Depot"}));
        w.chunk(Kind::Site, "sites", &[site], &[]).await;
        let filled = "SELECT s.name || '/' || o.name FROM shipment h JOIN site s ON s.id = h.ship_to
            JOIN sales_order d ON d.customer_id = h.customer_id JOIN site o ON o.id = d.ship_to";
        assert_eq!(w.text(filled).await, "Depot/Depot", "{}", db.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_needs_no_customer_and_follows_its_source() {
    for db in Database::both().await {
        let mut w = World::usual(&db).await;
        let product = json!({"code": "KV", "name": "カバー", "price": "3850.5", "unit": "個"});
        let outcome = w.product("1", 1, &product).await;
        assert_eq!((outcome.new, outcome.parked, outcome.customers.len()), (1, 0, 0), "{}", db.name);
        w.product("2", 1, &json!({"code": "KV", "name": "カバー(旧)", "active": "false"})).await;
        assert_eq!(w.text(NAMES).await, "KV=カバー/sold KV=カバー(旧)/not sold", "{}", db.name);
        assert_eq!(w.product("1", 1, &product).await.unchanged, 1);
        let renamed = json!({"code": "KV", "name": "カバーV2", "price": "3900", "currency": "USD"});
        assert_eq!(w.product("1", 2, &renamed).await.updated, 1, "{}", db.name);
        assert_eq!(w.text("SELECT name || price || currency FROM product WHERE active").await, "カバーV23900USD");
        assert_eq!(w.chunk(Kind::Product, "products", &[gone("1", Some(3))], &[]).await.updated, 1);
        assert_eq!(w.text(NAMES).await, "KV=カバーV2/sold/gone KV=カバー(旧)/not sold", "{}", db.name);
        let versions = "SELECT v.reason FROM version v JOIN product p ON p.id = v.record_id AND p.external_id = '1'
            ORDER BY v.seq";
        assert_eq!(w.text(versions).await, "created source deleted", "{}", db.name);
        assert_eq!(w.text("SELECT external_id FROM parked").await, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_samples_go_with_their_shipments_and_products() {
    for db in Database::both().await {
        let mut w = World::connect(&db, "con_s", "sales", true).await;
        w.customers(&[customer("A", json!({}))]).await;
        w.product("1", 1, &json!({"code": "KV", "name": "カバー"})).await;
        w.shipment(1, &body("A", "2026-12-01", "planned", "1")).await;
        let mut own = World::connect(&db, "con_1", "generic", false).await;
        own.customers(&[customer("B", json!({}))]).await;
        own.product("1", 1, &json!({"code": "KV", "name": "本物"})).await;
        own.shipment(1, &body("B", "2026-12-01", "planned", "2")).await;
        let mut tx = db.db.begin().await.unwrap();
        assert_eq!(sample::remove(&mut tx).await.unwrap(), 1, "{}", db.name);
        tx.commit().await.unwrap();
        assert_eq!(own.text(NAMES).await, "KV=本物/sold", "{}", db.name);
        assert_eq!(own.text(STATES).await, "S1=Customer B/2026-12-01/planned");
        for (table, left) in [("shipment_line", 2), ("shipment_order", 1), ("source_record", 3), ("version", 3)] {
            let (n,): (i64,) = sql(format!("SELECT COUNT(*) FROM {table}")).one(&db.db).await.unwrap();
            assert_eq!(n, left, "{}: {table}", db.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_listens_is_told_of_shipments_with_their_customer_and_of_products_without() {
    for db in Database::both().await {
        let mut w = World::usual(&db).await;
        let wanted = receiver::Wanted {
            name: "倉庫".into(),
            url: "https://hooks.example/".into(),
            private: false,
            wants: r#"["shipment.*", "product.updated"]"#.into(),
            in_order: true,
            samples: false,
        };
        let mut tx = db.db.begin().await.unwrap();
        assert!(receiver::insert(&mut tx, "rcv_1", &wanted, vec![], Timestamp(1)).await.unwrap());
        tx.commit().await.unwrap();
        w.product("1", 1, &json!({"code": "KV", "name": "カバー"})).await;
        w.product("1", 2, &json!({"code": "KV", "name": "カバーV2"})).await;
        w.shipment(1, &body("Z", "2026-12-01", "planned", "1")).await;
        w.customers(&[customer("Z", json!({}))]).await;
        w.chunk(Kind::Shipment, "shipments", &[gone("7", Some(2))], &[]).await;
        let told = "SELECT e.kind || '/' || COALESCE((SELECT c.name FROM customer c WHERE c.id = e.customer_id), '-')
            FROM event e JOIN event_delivery d ON d.event_id = e.id ORDER BY e.id";
        let expected = "product.updated/- shipment.created/Customer Z shipment.deleted/Customer Z";
        assert_eq!(w.text(told).await, expected, "{}", db.name);
        w.chunk(Kind::Product, "products", &[gone("1", Some(3))], &[]).await;
        let logged = "SELECT kind FROM event WHERE kind LIKE 'product%' ORDER BY id";
        assert_eq!(w.text(logged).await, "product.created product.updated product.deleted", "{}", db.name);
    }
}
