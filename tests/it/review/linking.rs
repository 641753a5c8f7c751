//! Which customer of the master a source's customer becomes.

use serde_json::json;

use super::world::{World, customer, order};
use crate::real::TestDatabase as Database;

#[tokio::test(flavor = "multi_thread")]
async fn samples_and_real_customers_never_meet() {
    for db in Database::both().await {
        let mut sales = World::connect(&db, "con_sample", "sales", true).await;
        let mut real = World::connect(&db, "con_real", "accounting", false).await;
        real.origin.links_to = Some("sales".into());
        let number = "0099000000001";
        sales
            .customers(&[customer("s1", json!({"name": "Same Co", "code": "1001", "corporate_number": number}))])
            .await;
        real.customers(&[
            customer("a1", json!({"name": "Real Co", "link_code": "1001"})),
            customer("a2", json!({"name": "Same Co", "corporate_number": number})),
            customer("a3", json!({"name": "Third Co", "link_code": "1003"})),
        ])
        .await;
        // A sample must not take what a real system announced either.
        sales.customers(&[customer("s3", json!({"name": "Sample Three", "code": "1003"}))]).await;
        let shared = "SELECT CAST(COUNT(*) AS TEXT) FROM source_record a JOIN source_record b
                      ON a.record_id = b.record_id WHERE a.connection_id <> b.connection_id";
        assert_eq!(real.text(shared).await, "0", "{}", db.name);
        let mut tx = db.db.begin().await.unwrap();
        musubi::store::sample::remove(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(
            real.text("SELECT name FROM customer ORDER BY name").await,
            "Real Co Same Co Third Co",
            "{}",
            db.name
        );
        let codes = "SELECT code FROM customer_code ORDER BY code";
        assert_eq!(real.text(codes).await, "1001 1003", "{}", db.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn announced_codes_count_only_where_one_system_can_be_meant() {
    for db in Database::both().await {
        let mut accounting = World::connect(&db, "con_a", "accounting", false).await;
        accounting.origin.links_to = Some("sales".into());
        let mut first = World::connect(&db, "con_s1", "sales", false).await;
        World::connect(&db, "con_sx", "sales", true).await;
        accounting
            .customers(&[customer("a1", json!({"link_code": "1"})), customer("a2", json!({"link_code": "2"}))])
            .await;
        first.customers(&[customer("x", json!({"code": "1"}))]).await;
        let customers = "SELECT CAST(COUNT(*) AS TEXT) FROM customer";
        assert_eq!(first.text(customers).await, "2", "one real sales system: {}", db.name);
        let mut second = World::connect(&db, "con_s2", "sales", false).await;
        first.customers(&[customer("y", json!({"code": "2"}))]).await;
        second.customers(&[customer("z", json!({"code": "2"}))]).await;
        assert_eq!(first.text(customers).await, "4", "two of them: {}", db.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_the_source_itself_moves_with_its_customer() {
    for db in Database::both().await {
        let mut w = World::connect(&db, "con_1", "sales", false).await;
        w.customers(&[customer("k1", json!({"code": "7"}))]).await;
        let mut moved = customer("k1", json!({"code": "8"}));
        moved.version = Some(2);
        w.customers(&[moved, customer("k2", json!({"code": "7"}))]).await;
        w.orders(&[order("O1", Some(1), "7", "x")]).await;
        let owner = "SELECT c.name FROM customer c JOIN sales_order o ON o.customer_id = c.id";
        assert_eq!(w.text(owner).await, "Customer k2", "{}", db.name);
    }
}
