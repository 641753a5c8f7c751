//! The main job: the samples are connected, and orders and invoices stand in one customer's history.

use musubi::samples;

use crate::{hub::TestHub, real::TestDatabase as Database};

#[tokio::test(flavor = "multi_thread")]
async fn samples_arrive_whole_and_new_orders_by_webhook() {
    for database in Database::both().await {
        let t = TestHub::start(&database).await;
        samples::load(t.hub()).await.unwrap();
        t.synced().await;
        t.until("SELECT COUNT(*) FROM run WHERE state = 'succeeded'", |n| n >= 2).await;
        assert_eq!(t.count("SELECT COUNT(*) FROM sales_order").await, 1830);
        assert_eq!(t.count("SELECT COUNT(*) FROM failure").await, 0);
        assert_eq!(t.count("SELECT COUNT(*) FROM parked").await, 0);
        let both = t
            .count(
                "SELECT COUNT(*) FROM customer WHERE id IN (SELECT customer_id FROM sales_order)
                   AND id IN (SELECT customer_id FROM invoice)",
            )
            .await;
        assert!(both > 150, "orders and invoices meet on {both} customers");

        let before = t.count("SELECT COUNT(*) FROM sales_order").await;
        let order = t.hub().samples.new_order().await.unwrap();
        assert_eq!(order.answer, Some(202));
        t.until("SELECT COUNT(*) FROM sales_order", |n| n == before + 1).await;
        t.stop().await;
    }
}
