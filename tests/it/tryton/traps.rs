//! What catches a hub out in a real Tryton: the other half of the tests in `connectors/tryton`.

use std::time::Duration;

use musubi::{
    master::edit::{self, Values},
    store::{self, delivery},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Scene, a_party};
use crate::real::TestDatabase as Database;

#[tokio::test(flavor = "multi_thread")]
async fn trap_01_a_deleted_party_is_found_and_trap_02_a_deactivated_one_is_kept() {
    let database = Database::sqlite().await;
    let s = Scene::with(&database, delivery::OFF, |c| c.sync.sweep.0 = Duration::ZERO).await;
    let (kept, gone) = (a_party(&s).await, a_party(&s).await);
    s.tryton.edit("party.party", kept, json!({"active": false})).await;
    s.tryton.delete("party.party", gone).await;
    s.pull().await;
    let deleted = "SELECT COUNT(*) FROM source_record WHERE stream = 'customers' AND deleted_at IS NOT NULL";
    s.t.until(deleted, |n| n == 1).await;
    assert_eq!(s.customer(kept).await.name, "灯台商会");
    let mut tx = s.t.hub().db.begin().await.unwrap();
    let of = |party: i64| {
        store::sql("SELECT deleted_at IS NOT NULL FROM source_record WHERE stream = 'customers' AND external_id = $1")
            .bind(party.to_string())
    };
    let (here, there): ((bool,), (bool,)) =
        (of(kept).one(&mut tx).await.unwrap(), of(gone).one(&mut tx).await.unwrap());
    tx.rollback().await.unwrap();
    assert_eq!((here.0, there.0), (false, true));
    assert_eq!(s.t.text("SELECT cause FROM run ORDER BY number DESC LIMIT 1").await, "");
    s.t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_04_address_edit_moves_only_its_own_date() {
    for database in Database::both().await {
        let s = Scene::new(&database, delivery::OFF).await;
        let party = a_party(&s).await;
        let before = s.party(party, &["write_date", "addresses"]).await;
        let address = before["addresses"][0].as_i64().unwrap();
        s.tryton.edit("party.address", address, json!({"street": "港3-4"})).await;
        assert_eq!(s.party(party, &["write_date"]).await["write_date"], before["write_date"], "{}", database.name);
        s.pull().await;
        assert_eq!(s.customer(party).await.address.as_deref(), Some("下田市港3-4"), "{}", database.name);
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_08_a_retried_create_does_not_double() {
    for database in Database::both().await {
        let s = Scene::new(&database, delivery::ALL).await;
        let values =
            Values::from([("name".to_owned(), "岬製作所".to_owned()), ("phone".to_owned(), "03-0000-0003".to_owned())]);
        let mut tx = s.t.hub().db.begin().await.unwrap();
        let id = edit::create(&mut tx, values, s.by()).await.unwrap();
        tx.commit().await.unwrap();
        s.told().await;
        let found = s.tryton.find("party.party", json!([["identifiers.code", "=", id]])).await;
        assert_eq!(found.len(), 1, "{}", database.name);
        assert_eq!(s.party(found[0], &["name"]).await["name"], "岬製作所");
        assert_eq!(s.customer(found[0]).await.id, id, "linked");
        // Told again, as after an answer that was lost: it is found by our own id.
        let mut tx = s.t.hub().db.begin().await.unwrap();
        store::sql("DELETE FROM source_record WHERE record_id = $1").bind(id.as_str()).execute(&mut tx).await.unwrap();
        delivery::want(&mut tx, std::slice::from_ref(&s.id), &[(id.as_str(), 1)], s.t.hub().clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        s.told().await;
        s.pull().await;
        let again =
            s.tryton.find("party.party", json!([["name", "=", "岬製作所"], ["active", "in", [true, false]]])).await;
        assert_eq!(again, found, "{}", database.name);
        assert_eq!(s.t.count("SELECT COUNT(*) FROM customer WHERE name = '岬製作所'").await, 1);
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_09_a_posted_invoice_is_never_written() {
    let database = Database::sqlite().await;
    let s = Scene::new(&database, delivery::ALL).await;
    s.told().await;
    let invoice = s.tryton.find("account.invoice", json!([["state", "=", "posted"], ["type", "=", "out"]])).await[0];
    let party = s.tryton.read("account.invoice", invoice, &["party"]).await["party"].as_i64().unwrap();
    let before = documents(&s).await;
    assert!(before.as_array().unwrap().len() > 10, "{before}");
    // Its customer changes in every way that the hub can tell; the documents stay as they were printed.
    let changed =
        [("name", "灯台商会"), ("phone", "0558-00-0002"), ("mail", "a@todai.example"), ("address", "下田市9")];
    s.type_in(&s.customer(party).await, &changed).await;
    s.told().await;
    assert_eq!(s.party(party, &["name"]).await["name"], "灯台商会");
    assert_eq!(documents(&s).await, before);
    // Nor could it: neither the hub's user nor anybody else.
    let path = format!("account.invoice/{invoice}");
    for (method, body) in [(Method::PUT, json!({"reference": "x"})), (Method::DELETE, Value::Null)] {
        assert_eq!(s.tryton.as_hub(method, &path, &body).await.0, 400);
    }
    s.t.stop().await;
}

/// When each document and each line of one was changed last.
async fn documents(s: &Scene) -> Value {
    let mut all = Vec::new();
    for model in ["account.invoice", "account.invoice.line", "account.invoice.tax", "account.move", "sale.sale"] {
        let method = format!("model.{model}.search_read");
        let found = s.tryton.call(&method, json!([[], 0, null, [["id", "ASC"]], ["_timestamp"]])).await;
        all.extend(found.as_array().unwrap().iter().map(|row| json!([model, row["id"], row["_timestamp"]])));
    }
    all.into()
}
