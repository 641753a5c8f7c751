//! Shipments in the history, and what lines without words of their own are called.

use super::fixture::{Fixture, IntoValue, NOW, none, t, tokyo};
use crate::{
    analytics::timeline::{self, Detail, Event, Filter, Kind},
    model::View,
    store::{Batch, Tx, Value},
};

async fn history(f: &Fixture, filter: Filter) -> Vec<Event> {
    timeline::load(&f.db, &f.seen("cus_a").await, &Filter { limit: 50, ..filter }, &tokyo()).await.unwrap().events
}

#[tokio::test]
async fn a_shipment_stands_in_the_history_with_its_orders() {
    let f = Fixture::new().await;
    f.seed().await;
    let found = history(&f, Filter { kinds: vec![Kind::Shipment], ..Filter::default() }).await;
    let seen: Vec<_> = found.iter().map(|e| (e.id.as_str(), e.date.as_str(), e.title.as_str(), e.amount)).collect();
    assert_eq!(seen, [("shp_2", "2026-12-04", "SH-2", None), ("shp_1", "2026-11-21", "SH-1", None)]);
    let expected = Detail::Shipment {
        first_line: Some("操作パネル".into()),
        quantity: Some("80個".into()),
        more_lines: 2,
        carrier: Some("見本運輸 4400-1187".into()),
        status: "shipped".into(),
        orders: vec!["SO-1".into(), "SO-9".into()],
    };
    assert_eq!(format!("{:?}", found[1].detail), format!("{expected:?}"));
    let Detail::Shipment { carrier, orders, first_line, .. } = &found[0].detail else { panic!("not a shipment") };
    assert_eq!((carrier, orders.len(), first_line), (&None, 0, &None));
    for (text, id) in [("SO-9", "shp_1"), ("予備のねじ", "shp_1"), ("ＳＨ－２", "shp_2"), ("4400", "shp_1")] {
        let found = history(&f, Filter { text: Some(text.into()), ..Filter::default() }).await;
        assert_eq!(found.iter().map(|e| e.id.as_str()).collect::<Vec<_>>(), [id], "{text}");
    }
}

#[tokio::test]
async fn a_shipment_and_its_order_lead_to_each_other() {
    let f = Fixture::new().await;
    f.seed().await;
    let shipment = timeline::event(&f.db, &f.seen("cus_a").await, "shp_1").await.unwrap().unwrap();
    let orders: Vec<_> = shipment.orders.iter().map(|r| (r.number.as_str(), r.id.as_deref())).collect();
    assert_eq!(orders, [("SO-1", Some("ord_1")), ("SO-9", None)]);
    assert_eq!((shipment.kind, shipment.total, shipment.net), (Kind::Shipment, None, None));
    assert_eq!((shipment.carrier.as_deref(), shipment.tracking.as_deref()), (Some("見本運輸"), Some("4400-1187")));
    let order = timeline::event(&f.db, &f.seen("cus_a").await, "ord_1").await.unwrap().unwrap();
    assert_eq!(order.shipments.iter().map(|r| r.number.as_str()).collect::<Vec<_>>(), ["SH-1"]);
    let found = timeline::search_documents(&f.db, &View::everything(), "SH-1", 5).await.unwrap();
    assert_eq!(found.iter().map(|d| (d.id.as_str(), d.total_minor)).collect::<Vec<_>>(), [("shp_1", None)]);
}

#[tokio::test]
async fn a_line_without_words_has_its_products_name() {
    let f = Fixture::new().await;
    f.seed().await;
    let names = || async {
        let shipment = timeline::event(&f.db, &f.seen("cus_a").await, "shp_1").await.unwrap().unwrap();
        shipment.lines.into_iter().map(|line| line.description).collect::<Vec<_>>()
    };
    // The third names a product that only another connection has: its code must do.
    assert_eq!(names().await, ["操作パネル", "予備のねじ", "OTHER"]);
    f.write("UPDATE product SET name = '操作パネルV2' WHERE id = 'prd_1'").await;
    assert_eq!(names().await, ["操作パネルV2", "予備のねじ", "OTHER"]);
    // A product that is not sold any more still has its name.
    f.write("UPDATE product SET deleted_at = 1 WHERE id = 'prd_1'").await;
    assert_eq!(names().await[0], "操作パネル(旧)");
    f.write("UPDATE sales_order_line SET description = '', product_code = 'KV-220' WHERE order_id = 'ord_1'").await;
    let order = timeline::event(&f.db, &f.seen("cus_a").await, "ord_1").await.unwrap().unwrap();
    assert_eq!(order.lines[0].description, "操作パネル(旧)");
    let listed = history(&f, Filter { kinds: vec![Kind::Order], ..Filter::default() }).await;
    let first = listed.iter().find(|e| e.id == "ord_1").map(|e| &e.detail);
    assert!(matches!(first, Some(Detail::Order { first_line: Some(name), .. }) if name == "操作パネル(旧)"));
    let found = history(&f, Filter { text: Some("パネル(旧)".into()), ..Filter::default() }).await;
    assert_eq!(found.iter().map(|e| e.id.as_str()).collect::<Vec<_>>(), ["shp_1", "ord_1"]);
}

/// A shipment of the first order, one that is not on its way yet, and one that is gone.
pub(super) async fn shipments(tx: &mut Tx) {
    let mut batch = Batch::new(
        "shipment",
        &[
            "id",
            "customer_id",
            "connection_id",
            "external_id",
            "number",
            "ship_date",
            "status",
            "carrier",
            "tracking",
            "line_count",
            "seq",
            "received_at",
            "deleted_at",
        ],
    );
    for (id, day, status, carrier, tracking, deleted) in [
        ("shp_1", "2026-11-21", "shipped", Some("見本運輸"), Some("4400-1187"), None),
        ("shp_2", "2026-12-04", "planned", None, None, None),
        ("shp_3", "2026-11-21", "shipped", None, None, Some(NOW)),
    ] {
        batch.push([
            t(id),
            t("cus_a"),
            t("con_s"),
            t(id),
            t(&id.replace("shp_", "SH-")),
            t(day),
            t(status),
            carrier.map(str::to_owned).into(),
            tracking.map(str::to_owned).into(),
            3.into_value(),
            1.into_value(),
            NOW.into(),
            Value::Int(deleted),
        ]);
    }
    batch.insert(tx, "").await.unwrap();
    let mut lines =
        Batch::new("shipment_line", &["shipment_id", "line_no", "product_code", "description", "quantity", "unit"]);
    lines.push([t("shp_1"), 1.into_value(), t("KV-220"), t(""), t("80"), t("個")]);
    lines.push([t("shp_1"), 2.into_value(), t("KV-220"), t("予備のねじ"), t("4"), none()]);
    lines.push([t("shp_1"), 3.into_value(), t("OTHER"), t(""), t("1"), none()]);
    lines.insert(tx, "").await.unwrap();
    let mut orders = Batch::new("shipment_order", &["shipment_id", "order_number"]);
    orders.push([t("shp_1"), t("SO-1")]);
    orders.push([t("shp_1"), t("SO-9")]);
    orders.insert(tx, "").await.unwrap();
}

/// The name of a code is that of the living, active product of the same connection.
pub(super) async fn products(tx: &mut Tx) {
    let mut batch = Batch::new(
        "product",
        &[
            "id",
            "connection_id",
            "external_id",
            "code",
            "name",
            "currency",
            "active",
            "seq",
            "received_at",
            "deleted_at",
        ],
    );
    for (id, connection, code, name, active, deleted) in [
        ("prd_1", "con_s", "KV-220", "操作パネル", true, None),
        ("prd_2", "con_s", "KV-220", "操作パネル(旧)", false, None),
        ("prd_3", "con_s", "KV-220", "消えたパネル", true, Some(NOW)),
        ("prd_4", "con_a", "KV-220", "別のもの", true, None),
        ("prd_5", "con_a", "OTHER", "会計だけの品目", true, None),
    ] {
        batch.push([
            t(id),
            t(connection),
            t(id),
            t(code),
            t(name),
            t("JPY"),
            active.into(),
            1.into_value(),
            NOW.into(),
            Value::Int(deleted),
        ]);
    }
    batch.insert(tx, "").await.unwrap();
}
