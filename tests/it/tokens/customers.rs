//! Customers as programs read them.

use std::collections::BTreeSet;

use musubi::{
    identity::{Role, Scope},
    samples,
    store::sql,
};
use serde_json::{Value, json};

use super::scene::{Program, service, token};
use crate::{hub::TestHub, real::TestDatabase};

#[tokio::test(flavor = "multi_thread")]
async fn customers_and_their_documents_are_read_page_by_page() {
    for database in TestDatabase::both().await {
        let t = TestHub::start(&database).await;
        samples::load(t.hub()).await.unwrap();
        t.synced().await;
        t.hub().refresher.settle().await;
        let owner = service(&t, "分析", Role::Viewer).await;
        let program = Program::new(&t, &token(&t, &owner, &[Scope::CustomersRead]).await);
        let busiest = everyone(&t, &program).await;
        a_search(&program).await;
        one(&t, &program, &busiest).await;
        documents(&t, &program, &busiest).await;
        merged(&t, &program, &busiest).await;
        refusals(&program, &busiest).await;
        // Records that were read are in the trail, with the token that read them; lists are not.
        let seen = "SELECT COUNT(*) FROM audit WHERE action = 'customer.view' AND outcome = 'ok'";
        let read = t.until(seen, |n| n > 3).await;
        let by = "SELECT COUNT(*) FROM audit a JOIN api_token t ON a.detail = '{\"token\":\"' || t.id || '\"}'
                  WHERE a.action = 'customer.view' AND a.actor = t.user_id AND a.request_id IS NOT NULL";
        assert_eq!(t.count(by).await, read);
        t.stop().await;
    }
}

/// Walks a list to its end.
async fn walk(program: &Program, path: &str, limit: usize) -> Vec<Value> {
    let mut items = Vec::new();
    let mut cursor = String::new();
    loop {
        let join = if path.contains('?') { '&' } else { '?' };
        let page = program.get(&format!("{path}{join}limit={limit}{cursor}"), 200).await.body;
        let found = page["items"].as_array().unwrap();
        assert!(found.len() <= limit);
        items.extend(found.iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => {
                assert_eq!(found.len(), limit, "only the last page is short");
                cursor = format!("&cursor={next}");
            }
            None => return items,
        }
    }
}

/// Everybody once, whatever the size of a page; the id of the customer with the most orders.
async fn everyone(t: &TestHub, program: &Program) -> String {
    let wanted = t.count("SELECT COUNT(*) FROM customer WHERE merged_into IS NULL").await;
    for limit in [7, 200] {
        let items = walk(program, "/api/v1/customers", limit).await;
        let ids: BTreeSet<&str> = items.iter().map(|item| item["id"].as_str().unwrap()).collect();
        assert_eq!((items.len(), ids.len()), (wanted as usize, wanted as usize), "{limit}");
        assert!(items.is_sorted_by_key(|item| item["id"].as_str().unwrap().to_owned()));
    }
    let fifty = program.get("/api/v1/customers", 200).await.body;
    assert_eq!(fifty["items"].as_array().unwrap().len(), 50.min(wanted as usize));
    t.text("SELECT customer_id FROM sales_order GROUP BY customer_id ORDER BY COUNT(*) DESC LIMIT 1").await
}

/// The best match first, and the same matches in small pages.
async fn a_search(program: &Program) {
    let all = walk(program, "/api/v1/customers?q=%E6%A0%AA%E5%BC%8F%E4%BC%9A%E7%A4%BE", 200).await;
    let small = walk(program, "/api/v1/customers?q=%E6%A0%AA%E5%BC%8F%E4%BC%9A%E7%A4%BE", 3).await;
    assert!(!all.is_empty());
    assert_eq!(all, small);
    let first = &all[0];
    let name = url::form_urlencoded::byte_serialize(first["name"].as_str().unwrap().as_bytes()).collect::<String>();
    let found = program.get(&format!("/api/v1/customers?q={name}&limit=1"), 200).await.body;
    assert_eq!(found["items"][0]["name"], first["name"]);
    assert_eq!(walk(program, "/api/v1/customers?q=zzzzzzzz", 10).await, Vec::<Value>::new());
}

async fn one(t: &TestHub, program: &Program, id: &str) {
    let customer = program.get(&format!("/api/v1/customers/{id}"), 200).await.body;
    let (name, phone, city): (String, Option<String>, i64) = sql(
        "SELECT name, phone, (SELECT COUNT(*) FROM contact WHERE customer_id = c.id) FROM customer c WHERE id = $1",
    )
    .bind(id)
    .one(&t.hub().db)
    .await
    .unwrap();
    assert_eq!((&customer["id"], &customer["name"]), (&json!(id), &json!(name)));
    assert_eq!(customer["phone"], json!(phone));
    assert_eq!(customer["contacts"].as_array().unwrap().len(), city as usize);
    assert_eq!(customer["figures"]["currency"], "JPY");
    assert!(customer["figures"]["orders_12m"].as_i64().unwrap() > 0);
    let names: Vec<&String> = customer.as_object().unwrap().keys().collect();
    for name in ["registration_number", "closing_day", "payment_terms", "credit_limit", "sites", "owner"] {
        assert!(names.iter().any(|known| *known == name), "{name} is there, null or not");
    }
}

async fn documents(t: &TestHub, program: &Program, id: &str) {
    let count = async |statement: &'static str| -> usize {
        sql(statement).bind(id).one::<(i64,)>(&t.hub().db).await.unwrap().0 as usize
    };
    let orders = walk(program, &format!("/api/v1/customers/{id}/orders"), 3).await;
    let known = count("SELECT COUNT(*) FROM sales_order WHERE customer_id = $1 AND deleted_at IS NULL").await;
    assert_eq!(orders.len(), known);
    assert!(orders.is_sorted_by(|a, b| a["order_date"].as_str() >= b["order_date"].as_str()), "newest first");
    let (number, total): (String, i64) = sql("SELECT number, total_minor FROM sales_order WHERE id = $1")
        .bind(orders[0]["id"].as_str().unwrap())
        .one(&t.hub().db)
        .await
        .unwrap();
    assert_eq!((&orders[0]["number"], &orders[0]["total"]), (&json!(number), &json!(total)));
    assert_eq!(orders[0]["currency"], "JPY");
    let invoices = walk(program, &format!("/api/v1/customers/{id}/invoices"), 200).await;
    let known = count("SELECT COUNT(*) FROM invoice WHERE customer_id = $1 AND deleted_at IS NULL").await;
    assert_eq!(invoices.len(), known);
    assert!(invoices.iter().all(|i| ["invoice", "credit_note"].contains(&i["kind"].as_str().unwrap())));
}

/// An id resolves for ever, also after a merge.
async fn merged(t: &TestHub, program: &Program, id: &str) {
    let other: (String,) =
        sql("SELECT id FROM customer WHERE id <> $1 ORDER BY id LIMIT 1").bind(id).one(&t.hub().db).await.unwrap();
    let mut tx = t.hub().db.begin().await.unwrap();
    let into = sql("UPDATE customer SET merged_into = $1 WHERE id = $2").bind(id).bind(&other.0);
    assert_eq!(into.execute(&mut tx).await.unwrap(), 1);
    tx.commit().await.unwrap();
    let answer = program.get(&format!("/api/v1/customers/{}", other.0), 200).await;
    assert_eq!(answer.body["id"], id);
    assert_eq!(answer.header("content-location"), format!("/api/v1/customers/{id}"));
    let orders = program.get(&format!("/api/v1/customers/{}/orders?limit=1", other.0), 200).await.body;
    assert_eq!(orders["items"].as_array().unwrap().len(), 1);
}

async fn refusals(program: &Program, id: &str) {
    let at_orders = format!("/api/v1/customers/{id}/orders?cursor=Y3VzXzE");
    let searched = format!("/api/v1/customers/{id}/orders?q=a");
    for (path, status, code) in [
        ("/api/v1/customers/cus_nobody", 404, "NOT_FOUND"),
        ("/api/v1/customers/%00", 404, "NOT_FOUND"),
        ("/api/v1/customers/cus_nobody/invoices", 404, "NOT_FOUND"),
        ("/api/v1/customers?limit=0", 422, "LIMIT_INVALID"),
        ("/api/v1/customers?sort=name", 422, "PARAMETER_UNKNOWN"),
        ("/api/v1/customers?q=a&cursor=Y3VzXzE", 422, "CURSOR_INVALID"),
        ("/api/v1/customers?cursor=!", 422, "CURSOR_INVALID"),
        (at_orders.as_str(), 422, "CURSOR_INVALID"),
        (searched.as_str(), 422, "PARAMETER_UNKNOWN"),
    ] {
        let answer = program.get(path, status).await;
        assert_eq!(answer.body["code"], code, "{path}");
    }
}
