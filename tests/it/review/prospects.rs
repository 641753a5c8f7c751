//! Prospects become customers and stay who they are; who looks after a customer is kept with the days.

use musubi::model::record::Kind;
use serde_json::{Value, json};

use super::world::{World, customer, gone, order, record};
use crate::real::TestDatabase as Database;

const STAGE: &str =
    "SELECT name || '=' || COALESCE(life_stage, '-') || CASE WHEN converted_at IS NULL THEN '' ELSE '!' END
    FROM customer ORDER BY name";
const WHO: &str = "SELECT role || ':' || name || ' ' || COALESCE(valid_from, '?') || '..' || COALESCE(valid_to, '')
    FROM customer_relation ORDER BY role DESC, place";

fn lead(key: &str, version: i64, mut more: Value) -> musubi::master::Incoming {
    more["name"] = json!(key);
    more["life_stage"] = json!("prospect");
    record(Kind::Customer, key, Some(version), &more)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_order_makes_a_customer_of_a_prospect() {
    for db in Database::both().await {
        let mut w = World::connect(&db, "con_1", "deals", false).await;
        let of = json!({"lead_source": "展示会", "lead_date": "2026-04-02"});
        w.customers(&[lead("P", 1, of.clone()), customer("C", json!({}))]).await;
        assert_eq!(w.text(STAGE).await, "Customer C=- P=prospect", "{}", db.name);
        let id = w.text("SELECT id FROM customer WHERE name = 'P'").await;
        // One that was cancelled is no order; the next is.
        let mut void = super::world::order_body("P", "x");
        void["status"] = json!("cancelled");
        w.orders(&[record(Kind::Order, "0", Some(1), &void)]).await;
        assert_eq!(w.text(STAGE).await, "Customer C=- P=prospect", "{}", db.name);
        let outcome = w.orders(&[order("1", Some(1), "P", "x"), order("2", Some(1), "C", "y")]).await;
        assert_eq!(outcome.customers.len(), 2);
        assert_eq!(w.text(STAGE).await, "Customer C=- P=customer!", "{}", db.name);
        assert_eq!(w.text("SELECT id FROM customer WHERE name = 'P'").await, id, "the same record");
        let lead_of = "SELECT lead_source || lead_date FROM customer WHERE name = 'P'";
        assert_eq!(w.text(lead_of).await, "展示会2026-04-02", "{}: where it came from stays", db.name);
        let reasons =
            "SELECT v.reason FROM version v JOIN customer c ON c.id = v.record_id AND c.name = 'P' ORDER BY v.seq";
        assert_eq!(w.text(reasons).await, "created converted", "{}", db.name);
        // The source goes on to call it a prospect; the order goes.
        w.customers(&[lead("P", 2, json!({"phone": "053-1", "lead_source": "展示会", "lead_date": "2026-04-02"}))])
            .await;
        w.chunk(Kind::Order, "orders", &[gone("1", Some(2))], &[]).await;
        w.customers(&[lead("P", 3, json!({"phone": "053-2", "lead_source": "展示会", "lead_date": "2026-04-02"}))])
            .await;
        assert_eq!(w.text(STAGE).await, "Customer C=- P=customer!", "{}", db.name);
        let why = w.text("SELECT provenance FROM customer WHERE name = 'P'").await;
        assert!(why.contains(r#""why":"converted""#), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_ordered_before_a_source_calls_it_a_prospect_is_none() {
    for db in Database::both().await {
        let mut w = World::connect(&db, "con_1", "deals", false).await;
        w.customers(&[customer("A", json!({"name": "A"}))]).await;
        w.orders(&[order("1", Some(1), "A", "x")]).await;
        w.customers(&[lead("A", 2, json!({}))]).await;
        assert_eq!(w.text(STAGE).await, "A=customer", "{}", db.name);
        // Parked orders come with their prospect, who is a customer in the same commit.
        w.orders(&[order("2", Some(1), "Z", "y")]).await;
        w.customers(&[lead("Z", 1, json!({}))]).await;
        assert_eq!(w.text(STAGE).await, "A=customer Z=customer!", "{}", db.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn old_and_new_people_are_kept_with_their_days() {
    for db in Database::both().await {
        let mut w = World::connect(&db, "con_1", "sales", false).await;
        let put = |version: i64, owner: Option<&str>, department: &str| {
            let owner = owner.map_or(Value::Null, Value::from);
            [record(
                Kind::Customer,
                "A",
                Some(version),
                &json!({"name": "A", "owner": owner, "department": department}),
            )]
        };
        // The world's clock stands at 1970-01-01 00:16 in UTC, which is the first of January in Tokyo.
        w.customers(&put(1, Some("佐伯"), "一課")).await;
        assert_eq!(w.text(WHO).await, "owner:佐伯 ?.. department:一課 ?..", "{}", db.name);
        w.customers(&put(2, Some("佐伯"), "二課")).await;
        let today = "1970-01-01";
        assert_eq!(w.text(WHO).await, format!("owner:佐伯 ?.. department:一課 ?..{today} department:二課 {today}.."));
        w.customers(&put(3, Some("高梨"), "二課")).await;
        w.customers(&put(4, None, "二課")).await;
        w.customers(&put(5, Some("佐伯"), "二課")).await;
        let owners = format!("owner:佐伯 ?..{today} owner:高梨 {today}..{today} owner:佐伯 {today}..");
        assert!(w.text(WHO).await.starts_with(&owners), "{}: {}", db.name, w.text(WHO).await);
        // Anything else is no change of who it is.
        w.customers(&[record(
            Kind::Customer,
            "A",
            Some(6),
            &json!({"name": "A", "owner": "佐伯", "department": "二課", "phone": "053-1"}),
        )])
        .await;
        assert_eq!(w.text("SELECT CAST(COUNT(*) AS TEXT) FROM customer_relation").await, "5", "{}", db.name);
    }
}
