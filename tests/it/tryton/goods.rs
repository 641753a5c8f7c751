//! What is sold and what leaves: products and shipments of a real Tryton in the history here.

use std::time::Duration;

use musubi::{
    analytics::timeline::{self, Detail, Event, Filter, Kind},
    model::view::EVERYTHING,
    store::{self, InView, delivery, sql},
};
use serde_json::{Value, json};

use super::Scene;
use crate::real::TestDatabase as Database;

const SHIPMENT: &str = "stock.shipment.out";

fn date(text: &str) -> Value {
    let parts: Vec<u16> = text.split('-').map(|part| part.parse().unwrap()).collect();
    json!({"__class__": "date", "year": parts[0], "month": parts[1], "day": parts[2]})
}

fn day(value: &Value) -> String {
    format!("{:04}-{:02}-{:02}", value["year"], value["month"], value["day"])
        .split('-')
        .map(|part| format!("{part:0>2}"))
        .collect::<Vec<_>>()
        .join("-")
}

impl Scene {
    /// A customer for who sees everything.
    async fn seen(&self, id: &str) -> InView {
        store::in_view(&self.t.hub().db, &EVERYTHING, id).await.unwrap().unwrap()
    }

    /// The customer that a party is.
    async fn seen_party(&self, party: i64) -> InView {
        self.seen(&self.customer(party).await.id).await
    }

    /// The shipments in the history of the customer that a party is, newest first.
    async fn shipments(&self, party: i64) -> Vec<Event> {
        let h = self.t.hub();
        let filter = Filter { kinds: vec![Kind::Shipment], limit: 50, ..Filter::default() };
        timeline::load(&h.db, &self.seen_party(party).await, &filter, &h.zone).await.unwrap().events
    }

    /// Whose shipment it is.
    async fn owner_of(&self, shipment: &str) -> String {
        let asked = sql("SELECT customer_id FROM shipment WHERE id = $1").bind(shipment);
        asked.one::<(String,)>(&self.t.hub().db).await.unwrap().0
    }

    /// The lines of a shipment: code, what it is called, quantity.
    async fn goods(&self, shipment: &str) -> Vec<(String, String, String)> {
        let of = self.owner_of(shipment).await;
        let found = timeline::event(&self.t.hub().db, &self.seen(&of).await, shipment).await.unwrap().unwrap();
        let line = |l: timeline::Line| (l.product_code.unwrap(), l.description, l.quantity.unwrap());
        found.lines.into_iter().map(line).collect()
    }

    async fn id_of(&self, value: &Value) -> i64 {
        value.as_array().and_then(|list| list.first()).and_then(Value::as_i64).unwrap()
    }
}

fn told(event: &Event) -> (&str, &str, &str, Vec<&str>) {
    let Detail::Shipment { status, orders, .. } = &event.detail else { panic!("no shipment: {event:?}") };
    (&event.title, &event.date, status, orders.iter().map(String::as_str).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_is_shipped_and_its_customers_history_says_so() {
    for database in Database::both().await {
        let s = Scene::new(&database, delivery::OFF).await;
        // Confirming a sale of goods makes its shipment, which waits for its day.
        let sale = s.tryton.find("sale.sale", json!([["state", "=", "quotation"]])).await[0];
        s.tryton.press("sale.sale", sale, "confirm").await;
        let sold = s.tryton.read("sale.sale", sale, &["number", "party", "shipments"]).await;
        let (order, party) = (sold["number"].as_str().unwrap(), sold["party"].as_i64().unwrap());
        let shipment = s.id_of(&sold["shipments"]).await;
        let planned = s.tryton.read(SHIPMENT, shipment, &["number", "planned_date", "outgoing_moves"]).await;
        let number = planned["number"].as_str().unwrap();
        s.pull().await;
        let found = s.shipments(party).await;
        let [one] = &found[..] else { panic!("{}: one shipment: {found:?}", database.name) };
        assert_eq!(told(one), (number, day(&planned["planned_date"]).as_str(), "planned", vec![order]));
        let goods = |name: &str, quantity: &str| vec![("JG-201".to_owned(), name.to_owned(), quantity.to_owned())];
        assert_eq!(s.goods(&one.id).await, goods("検査治具 JG-201", "1"), "{}", database.name);
        // A quantity that is changed alone changes no date of the shipment itself.
        let moved = s.id_of(&planned["outgoing_moves"]).await;
        s.tryton.edit("stock.move", moved, json!({"quantity": 2.0})).await;
        s.pull().await;
        assert_eq!(s.goods(&one.id).await, goods("検査治具 JG-201", "2"), "{}", database.name);
        s.tryton.edit("stock.move", moved, json!({"quantity": 1.0})).await;
        // It leaves, on another day than planned.
        s.tryton.edit(SHIPMENT, shipment, json!({"effective_date": date("2026-08-03")})).await;
        for button in ["wait", "assign_force", "pick", "pack", "do"] {
            s.tryton.press(SHIPMENT, shipment, button).await;
        }
        s.pull().await;
        let found = s.shipments(party).await;
        assert_eq!(found.iter().map(told).collect::<Vec<_>>(), [(number, "2026-08-03", "shipped", vec![order])]);
        assert_eq!(s.goods(&found[0].id).await, goods("検査治具 JG-201", "1"), "{}", database.name);
        // Both lead to each other.
        let shown = timeline::event(&s.t.hub().db, &s.seen_party(party).await, &found[0].id).await.unwrap().unwrap();
        let back = timeline::event(&s.t.hub().db, &s.seen_party(party).await, shown.orders[0].id.as_deref().unwrap())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(back.shipments.iter().map(|r| r.number.as_str()).collect::<Vec<_>>(), [number]);
        assert!(shown.ship_to.is_some(), "{}: its place is known", database.name);
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn shipments_of_the_books_are_there_with_their_quantities() {
    let database = Database::sqlite().await;
    let s = Scene::new(&database, delivery::OFF).await;
    let sent = s.tryton.find(SHIPMENT, json!([["state", "=", "done"]])).await[0];
    let fields = ["number", "effective_date", "customer", "outgoing_moves"];
    let there = s.tryton.read(SHIPMENT, sent, &fields).await;
    let party = there["customer"].as_i64().unwrap();
    let found = s.shipments(party).await;
    let number = there["number"].as_str().unwrap();
    let one = found.iter().find(|event| event.title == number).unwrap();
    assert_eq!(told(one), (number, day(&there["effective_date"]).as_str(), "shipped", vec!["1"]));
    let mut goods = s.goods(&one.id).await;
    goods.sort();
    let expected = [("BR-115", "取付ブラケット BR-115", "200"), ("KV-220", "制御盤カバー KV-220", "40")];
    assert_eq!(goods, expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned())));
    // Called off: it stays, and says so.
    let waiting = s.tryton.find(SHIPMENT, json!([["state", "=", "waiting"]])).await[0];
    let there = s.tryton.read(SHIPMENT, waiting, &["number", "customer"]).await;
    s.tryton.press(SHIPMENT, waiting, "cancel").await;
    s.pull().await;
    let found = s.shipments(there["customer"].as_i64().unwrap()).await;
    let states: Vec<_> = found.iter().filter(|e| there["number"] == *e.title).map(|e| told(e).2).collect();
    assert_eq!(states, ["cancelled"]);
    s.t.stop().await;
}

/// Name, price, currency, whether it is sold and whether it is gone.
async fn product(s: &Scene, code: &str) -> (String, Option<String>, String, bool, bool) {
    sql("SELECT name, price, currency, active, deleted_at IS NOT NULL FROM product WHERE code = $1")
        .bind(code)
        .one(&s.t.hub().db)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_renamed_there_is_renamed_here_and_switched_off_is_not_gone() {
    for database in Database::both().await {
        let s = Scene::with(&database, delivery::OFF, |c| c.sync.sweep.0 = Duration::ZERO).await;
        let text = |value: &str| value.to_owned();
        let yen = |name: &str, price: &str, sold| (text(name), Some(text(price)), text("JPY"), sold, false);
        assert_eq!(product(&s, "KV-220").await, yen("制御盤カバー KV-220", "3850", true), "{}", database.name);
        let template = |code: &'static str| s.tryton.find("product.template", json!([["code", "=", code]]));
        // Name and price are the template's: the product itself gets no date.
        let cover = template("KV-220").await[0];
        let price = json!({"__class__": "Decimal", "decimal": "4000"});
        s.tryton.edit("product.template", cover, json!({"name": "制御盤カバー 新型", "list_price": price})).await;
        s.pull().await;
        assert_eq!(product(&s, "KV-220").await, yen("制御盤カバー 新型", "4000", true), "{}", database.name);
        let sent = s.tryton.find(SHIPMENT, json!([["state", "=", "done"]])).await[0];
        let there = s.tryton.read(SHIPMENT, sent, &["number", "customer"]).await;
        let found = s.shipments(there["customer"].as_i64().unwrap()).await;
        let one = found.iter().find(|event| there["number"] == *event.title).unwrap();
        let names: Vec<String> = s.goods(&one.id).await.into_iter().map(|(_, name, _)| name).collect();
        assert!(names.contains(&text("制御盤カバー 新型")), "{}: {names:?}", database.name);

        let repair = template("RP-001").await[0];
        s.tryton.edit("product.template", repair, json!({"active": false})).await;
        let unit = s.tryton.find("product.uom", json!([["symbol", "=", "u"]])).await[0];
        let made = json!({"name": "試供品", "code": "TR-001", "type": "goods", "default_uom": unit,
            "products": [["create", [{}]]]});
        let sample = s.tryton.create("product.template", made).await;
        s.pull().await;
        assert_eq!(product(&s, "RP-001").await, yen("現地修理・調整", "58000", false), "{}", database.name);
        assert_eq!(product(&s, "TR-001").await.0, "試供品");
        s.tryton.delete("product.template", sample).await;
        s.pull().await;
        s.t.until("SELECT COUNT(*) FROM product WHERE deleted_at IS NOT NULL", |n| n == 1).await;
        assert!(product(&s, "TR-001").await.4, "{}: what was deleted there is", database.name);
        s.t.stop().await;
    }
}
