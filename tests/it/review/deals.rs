//! Deals with their steps and quotes, contracts and inquiries: how they come, change and go.

use musubi::{
    model::record::Kind,
    store::{sample, sql},
};
use serde_json::{Value, json};

use super::world::{World, customer, gone, order, record};
use crate::real::TestDatabase as Database;

const DEALS: &str =
    "SELECT d.name || '=' || c.name || '/' || COALESCE(d.stage, '-') || '/' || d.status || '/' || d.opened_date
    || CASE WHEN d.deleted_at IS NULL THEN '' ELSE '/gone' END
    FROM deal d JOIN customer c ON c.id = d.customer_id ORDER BY d.external_id";
const STEPS: &str =
    "SELECT CASE WHEN m.first THEN '+' ELSE '' END || m.move_date || ':' || COALESCE(m.stage, '-') || ':'
    || m.status || '@' || c.name || CASE WHEN m.deleted_at IS NULL THEN '' ELSE '/gone' END
    FROM deal_move m JOIN customer c ON c.id = m.customer_id ORDER BY m.id";

/// 2026-05-07 09:00 in Tokyo.
const MAY_7: i64 = 1_778_112_000_000_000;
const DAY: i64 = 86_400_000_000;

fn deal(customer: &str, stage: &str, status: &str) -> Value {
    json!({"customer": customer, "name": "増産", "stage": stage, "status": status, "amount": "8400000",
        "probability": "70", "opened_date": "2026-05-01", "expected_date": "2026-12-20", "owner": "佐伯"})
}

fn quote(number: &str, deal: &str) -> Value {
    json!({"customer": "A", "number": number, "issue_date": "2026-05-10", "valid_until": "2026-07-10", "deal": deal,
        "net": "100", "tax": "10", "total": "110",
        "lines": [{"product_code": "KV", "quantity": "2", "amount": "60"}, {"description": "ねじ", "quantity": "4", "amount": "40"}]})
}

impl World<'_> {
    async fn deal(&mut self, version: i64, body: &Value) -> musubi::master::Outcome {
        self.chunk(Kind::Deal, "deals", &[record(Kind::Deal, "7", Some(version), body)], &[]).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_step_of_a_deal_is_kept_with_its_day() {
    for db in Database::both().await {
        let mut w = World::usual(&db).await;
        let waiting = w.deal(MAY_7, &deal("Z", "提案", "open")).await;
        assert_eq!((waiting.parked, w.text(DEALS).await.as_str()), (1, ""), "{}: waits for its customer", db.name);
        w.customers(&[customer("Z", json!({}))]).await;
        assert_eq!(w.text(DEALS).await, "増産=Customer Z/提案/open/2026-05-01", "{}", db.name);
        assert_eq!(w.text(STEPS).await, "+2026-05-01:提案:open@Customer Z");
        // Another amount is no step; another stage is one, on the day of the change.
        let mut dearer = deal("Z", "提案", "open");
        dearer["amount"] = json!("9000000");
        assert_eq!(w.deal(MAY_7 + DAY, &dearer).await.updated, 1);
        w.deal(MAY_7 + 2 * DAY, &deal("Z", "見積提出", "open")).await;
        w.deal(MAY_7 + DAY, &deal("Z", "late", "open")).await;
        let mut won = deal("Z", "受注", "won");
        (won["closed_date"], won["order"], won["reason"]) = (json!("2026-06-30"), json!("N1"), json!("納期"));
        w.deal(MAY_7 + 80 * DAY, &won).await;
        let steps =
            "+2026-05-01:提案:open@Customer Z 2026-05-09:見積提出:open@Customer Z 2026-06-30:受注:won@Customer Z";
        assert_eq!(w.text(STEPS).await, steps, "{}", db.name);
        // It goes to another customer with its past, is taken away and comes back.
        won["customer"] = json!("B");
        w.deal(MAY_7 + 81 * DAY, &won).await;
        assert_eq!(w.text(STEPS).await, steps.replace("Customer Z", "Customer B"), "{}", db.name);
        w.chunk(Kind::Deal, "deals", &[gone("7", Some(MAY_7 + 82 * DAY))], &[]).await;
        assert_eq!(w.text(DEALS).await, "増産=Customer B/受注/won/2026-05-01/gone");
        assert!(w.text(STEPS).await.matches("/gone").count() == 3, "{}", db.name);
        w.deal(MAY_7 + 83 * DAY, &won).await;
        assert_eq!(w.text(STEPS).await, steps.replace("Customer Z", "Customer B"), "{}: no step twice", db.name);
        let versions = "SELECT v.reason FROM version v JOIN deal d ON d.id = v.record_id ORDER BY v.seq";
        assert_eq!(w.text(versions).await, "created source source source source deleted source", "{}", db.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_finds_its_deal_before_or_after_it_comes() {
    for db in Database::both().await {
        let mut w = World::usual(&db).await;
        let quotes = [record(Kind::Quote, "1", Some(1), &quote("Q1", "7"))];
        w.chunk(Kind::Quote, "quotes", &quotes, &[]).await;
        let of = "SELECT q.number || '=' || COALESCE(d.name, '-') FROM quote q LEFT JOIN deal d ON d.id = q.deal_id
            ORDER BY q.number";
        assert_eq!(w.text(of).await, "Q1=-", "{}", db.name);
        let came = w.deal(MAY_7, &deal("A", "提案", "open")).await;
        assert_eq!(came.customers.len(), 1);
        w.chunk(Kind::Quote, "quotes", &[record(Kind::Quote, "2", Some(1), &quote("Q2", "7"))], &[]).await;
        assert_eq!(w.text(of).await, "Q1=増産 Q2=増産", "{}", db.name);
        let lines = "SELECT COALESCE(product_code, '-') || description || quantity FROM quote_line l
            JOIN quote q ON q.id = l.quote_id WHERE q.number = 'Q1' ORDER BY line_no";
        assert_eq!(w.text(lines).await, "KV2 -ねじ4", "{}", db.name);
        let mut changed = quote("Q1", "7");
        changed["lines"] = json!([{"description": "一式", "quantity": "1", "amount": "100"}]);
        changed["status"] = json!("accepted");
        w.chunk(Kind::Quote, "quotes", &[record(Kind::Quote, "1", Some(2), &changed)], &[]).await;
        assert_eq!(w.text(lines).await, "-一式1", "{}: lines are replaced", db.name);
        w.chunk(Kind::Quote, "quotes", &[gone("2", Some(2))], &[]).await;
        let left = "SELECT number || status FROM quote WHERE deleted_at IS NULL";
        assert_eq!(w.text(left).await, "Q1accepted", "{}", db.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn contracts_and_inquiries_come_change_and_go() {
    for db in Database::both().await {
        let mut w = World::usual(&db).await;
        let contract = |end: Value, status: &str| {
            json!({"customer": "A", "number": "K-1", "name": "保守", "start_date": "2026-01-01", "end_date": end,
                "renewal": "automatic", "status": status, "amount": "1200000"})
        };
        let put = |version, end, status: &str| [record(Kind::Contract, "1", Some(version), &contract(end, status))];
        w.chunk(Kind::Contract, "contracts", &put(1, Value::Null, "active"), &[]).await;
        w.chunk(Kind::Contract, "contracts", &put(2, json!("2026-12-31"), "active"), &[]).await;
        let state = "SELECT number || name || start_date || '-' || COALESCE(end_date, '') || renewal || status
            || CASE WHEN deleted_at IS NULL THEN '' ELSE '/gone' END FROM contract";
        assert_eq!(w.text(state).await, "K-1保守2026-01-01-2026-12-31automaticactive", "{}", db.name);
        w.chunk(Kind::Contract, "contracts", &[gone("1", Some(3))], &[]).await;
        assert!(w.text(state).await.ends_with("/gone"), "{}", db.name);
        let inquiry = |status: &str, answered: Value| {
            json!({"customer": "B", "number": "T1", "received_date": "2026-05-01", "channel": "phone",
                "subject": "納期", "status": status, "answered_at": answered})
        };
        let put = |version, body: &Value| [record(Kind::Inquiry, "9", Some(version), body)];
        w.chunk(Kind::Inquiry, "inquiries", &put(1, &inquiry("open", Value::Null)), &[]).await;
        let answered = inquiry("answered", json!("2026-05-02T01:00:00Z"));
        w.chunk(Kind::Inquiry, "inquiries", &put(2, &answered), &[]).await;
        let state = "SELECT subject || channel || status || CAST(answered_at AS TEXT) FROM inquiry";
        assert_eq!(w.text(state).await, "納期phoneanswered1777683600000000", "{}", db.name);
        let versions = "SELECT v.reason FROM version v JOIN inquiry i ON i.id = v.record_id ORDER BY v.seq";
        assert_eq!(w.text(versions).await, "created source", "{}", db.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_samples_go_with_everything_around_their_orders() {
    for db in Database::both().await {
        for (id, sample) in [("con_s", true), ("con_1", false)] {
            let mut w = World::connect(&db, id, if sample { "sales" } else { "generic" }, sample).await;
            w.customers(&[customer("A", json!({"name": id}))]).await;
            w.orders(&[order("1", Some(1), "A", "x")]).await;
            w.deal(MAY_7, &deal("A", "提案", "open")).await;
            w.chunk(Kind::Quote, "quotes", &[record(Kind::Quote, "1", Some(1), &quote("Q1", "7"))], &[]).await;
            let contract = json!({"customer": "A", "number": "K", "name": "保守", "start_date": "2026-01-01"});
            w.chunk(Kind::Contract, "contracts", &[record(Kind::Contract, "1", Some(1), &contract)], &[]).await;
            let inquiry = json!({"customer": "A", "received_date": "2026-05-01", "subject": "納期"});
            w.chunk(Kind::Inquiry, "inquiries", &[record(Kind::Inquiry, "1", Some(1), &inquiry)], &[]).await;
        }
        let mut tx = db.db.begin().await.unwrap();
        assert_eq!(sample::remove(&mut tx).await.unwrap(), 1, "{}", db.name);
        tx.commit().await.unwrap();
        for (table, left) in [
            ("deal", 1),
            ("deal_move", 1),
            ("quote", 1),
            ("quote_line", 2),
            ("contract", 1),
            ("inquiry", 1),
            ("source_record", 6),
            ("version", 6),
        ] {
            let (n,): (i64,) = sql(format!("SELECT COUNT(*) FROM {table}")).one(&db.db).await.unwrap();
            assert_eq!(n, left, "{}: {table}", db.name);
        }
    }
}
