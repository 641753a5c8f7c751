//! A customer whose goods are on their way, as employees see it in a real browser.

use musubi::model::record::Kind;
use serde_json::json;

use crate::{
    console_desk::Desk,
    review::world::{World, customer, record},
};

const EVENTS: &str = "document.querySelectorAll('[data-event]').length";

/// Two orders, of which one left in part: the rest is planned.
async fn goods_on_their_way(desk: &Desk) -> String {
    let mut w = World::connect(&desk.database, "con_sales", "sales", false).await;
    w.customers(&[customer("A", json!({"name": "株式会社朝凪電装", "code": "C-00127"}))]).await;
    let site = json!({"customer": "A", "name": "浜北工場", "role": "ship_to"});
    w.chunk(Kind::Site, "sites", &[record(Kind::Site, "P1", Some(1), &site)], &[]).await;
    let product = json!({"code": "KV-220", "name": "制御盤カバー KV-220", "unit": "個"});
    w.chunk(Kind::Product, "products", &[record(Kind::Product, "1", Some(1), &product)], &[]).await;
    let order = |number: &str, day: &str| {
        let line = json!({"product_code": "KV-220", "quantity": "120", "unit": "個", "unit_price": "3850", "amount": "462000"});
        json!({"customer": "A", "number": number, "order_date": day, "net": "462000", "tax": "46200",
            "total": "508200", "lines": [line]})
    };
    w.orders(&[
        record(Kind::Order, "1", Some(1), &order("SO-26-11873", "2026-11-12")),
        record(Kind::Order, "2", Some(1), &order("SO-26-11874", "2026-11-16")),
    ])
    .await;
    let shipment = |number: &str, day: &str, status: &str, quantity: &str| {
        json!({"customer": "A", "number": number, "ship_date": day, "status": status, "ship_to": "P1",
            "carrier": "見本運輸", "tracking": "4400-1187-3320", "orders": ["SO-26-11873"],
            "lines": [{"product_code": "KV-220", "quantity": quantity, "unit": "個"},
                {"product_code": "BR-115", "description": "取付ブラケット", "quantity": "12"}]})
    };
    let records = [
        record(Kind::Shipment, "1", Some(1), &shipment("SH-26-04411", "2026-11-18", "shipped", "80")),
        record(Kind::Shipment, "2", Some(1), &shipment("SH-26-04415", "2026-12-04", "planned", "40")),
    ];
    let outcome = w.chunk(Kind::Shipment, "shipments", &records, &[]).await;
    desk.t.hub().refresher.touch(outcome.customers.into_iter().collect());
    desk.t.hub().refresher.settle().await;
    desk.t.text("SELECT id FROM customer").await
}

/// A picture in both widths and both schemes, each of them checked.
async fn seen(desk: &Desk, page: &str) {
    for (width, dark) in [(1280, false), (1280, true), (390, false), (390, true)] {
        desk.b.look(width, 900, dark).await;
        desk.b.screenshot(&format!("{page}-{width}-{}", if dark { "dark" } else { "light" })).await;
        desk.sound(page).await;
    }
    desk.b.look(1280, 900, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shipments_stand_between_orders_and_lead_to_them() {
    let desk = Desk::new().await;
    let id = goods_on_their_way(&desk).await;
    desk.open(&format!("/customers/{id}")).await;
    let said = desk.b.text("#history").await;
    for words in ["出荷 SH-26-04411", "制御盤カバー KV-220 × 80個、ほか1明細", "受注 SO-26-11873", "出荷予定"]
    {
        assert!(said.contains(words), "{words}: {said}");
    }
    let planned = said.find("SH-26-04415").zip(said.find("SH-26-04411"));
    assert!(planned.is_some_and(|(planned, left)| planned < left), "newest first: {said}");
    seen(&desk, "customer-shipments").await;
    desk.b.click(".tl .chip[href*='t=shipments']").await;
    desk.until(&format!("location.search.includes('t=shipments') && {EVENTS} === 2")).await;
    assert_eq!(desk.b.text(".tl .chip[aria-current]").await, "出荷\n2");

    desk.open(&format!("/customers/{id}/events/{}", shipment(&desk).await)).await;
    let page = desk.b.text("main").await;
    for words in ["浜北工場", "見本運輸", "4400-1187-3320", "出荷済み", "制御盤カバー KV-220", "取付ブラケット"]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
    let columns = "document.querySelectorAll('main thead th').length";
    assert_eq!(desk.value(columns).await, "3", "no columns for amounts that a shipment does not have");
    seen(&desk, "event-shipment").await;
    desk.b.look(390, 900, false).await;
    let fits = "[...document.querySelectorAll('main .tw')].every(t => t.scrollWidth <= t.clientWidth)";
    assert_eq!(desk.value(fits).await, "true", "a phone shows the quantities without scrolling");
    desk.b.look(1280, 900, false).await;
    desk.b.click("aside a[href*='/events/ord_']").await;
    desk.b.wait_for_text("h1", "受注 SO-26-11873").await;
    assert_eq!(desk.value(columns).await, "6");
    desk.b.wait_for_text("aside", "出荷 SH-26-04411").await;
    desk.b.wait_for_text("aside", "出荷 SH-26-04415").await;
    desk.sound("order").await;
    desk.close().await;
}

async fn shipment(desk: &Desk) -> String {
    desk.t.text("SELECT id FROM shipment WHERE number = 'SH-26-04411'").await
}
