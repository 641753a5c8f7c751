use serde_json::{Value, json};

use super::*;

fn read(kind: Kind, map: &Value) -> Result<Canonical, Vec<(&'static str, String)>> {
    let yen = Currency::JPY;
    Canonical::read(kind, map.as_object().unwrap_or(&Map::new()), yen)
        .map_err(|errors| errors.into_iter().map(|e| (e.code, e.field)).collect())
}

fn with(mut base: Value, more: Value) -> Value {
    if let (Value::Object(base), Value::Object(more)) = (&mut base, more) {
        base.extend(more);
    }
    base
}

#[test]
fn a_shipment_needs_customer_number_day_and_quantities() {
    let base = json!({"customer": "7", "number": "S-1", "ship_date": "2026-11-20"});
    let table = [
        (json!({}), vec![]),
        (json!({"status": "planned", "orders": ["1", "1", ""], "occurred_at": "2026-11-20T01:02:03Z"}), vec![]),
        (json!({"customer": ""}), vec![("REQ_EMPTY", "customer")]),
        (json!({"number": null, "ship_date": null}), vec![("REQ_EMPTY", "number"), ("REQ_EMPTY", "ship_date")]),
        (json!({"ship_date": "2026-02-30"}), vec![("FMT_DATE", "ship_date")]),
        (json!({"status": "lost"}), vec![("FMT_VALUE", "status")]),
        (json!({"lines": [{"product_code": "KV", "quantity": "2"}]}), vec![]),
        (json!({"lines": [{"description": "カバー", "quantity": "0.5"}]}), vec![]),
        (json!({"lines": [{"quantity": "2"}]}), vec![("REQ_EMPTY", "lines[0].description")]),
        (json!({"lines": [{"product_code": "KV"}]}), vec![("REQ_EMPTY", "lines[0].quantity")]),
        (json!({"lines": [{"product_code": "KV", "quantity": "two"}]}), vec![("FMT_NUMBER", "lines[0].quantity")]),
    ];
    for (more, expected) in table {
        let got = read(Kind::Shipment, &with(base.clone(), more.clone())).err().unwrap_or_default();
        let got: Vec<_> = got.iter().map(|(code, field)| (*code, field.as_str())).collect();
        assert_eq!(got, expected, "{more}");
    }
    let Ok(Canonical::Shipment(shipment)) = read(Kind::Shipment, &with(base, json!({"orders": ["2", "1", "2"]})))
    else {
        panic!("a shipment")
    };
    assert_eq!((shipment.status.as_str(), shipment.orders), ("shipped", vec!["2".to_owned(), "1".to_owned()]));
}

#[test]
fn a_product_belongs_to_nobody() {
    let base = json!({"code": "KV-220", "name": "制御盤カバー"});
    let table = [
        (json!({}), vec![]),
        (json!({"unit": "個", "price": "3850.0000", "currency": "USD", "active": "false"}), vec![]),
        (json!({"code": ""}), vec![("REQ_EMPTY", "code")]),
        (json!({"name": null}), vec![("REQ_EMPTY", "name")]),
        (json!({"price": "3,850"}), vec![("FMT_NUMBER", "price")]),
        (json!({"active": "maybe"}), vec![("FMT_VALUE", "active")]),
        (json!({"currency": "yen"}), vec![("FMT_CURRENCY", "currency")]),
    ];
    for (more, expected) in table {
        let got = read(Kind::Product, &with(base.clone(), more.clone())).err().unwrap_or_default();
        let got: Vec<_> = got.iter().map(|(code, field)| (*code, field.as_str())).collect();
        assert_eq!(got, expected, "{more}");
    }
    let product = read(Kind::Product, &base).ok();
    assert_eq!(product.as_ref().map(|p| (p.customer(), p.label())), Some((None, Some("制御盤カバー"))));
    assert!(matches!(product, Some(Canonical::Product(p)) if p.active && p.currency == Currency::JPY));
}

#[test]
fn a_line_of_an_order_or_invoice_may_leave_its_words_to_the_product() {
    let order = json!({"customer": "7", "number": "1", "order_date": "2026-11-20", "total": "10"});
    let invoice = json!({"customer": "7", "number": "1", "issue_date": "2026-11-20", "total": "10"});
    for (kind, base) in [(Kind::Order, order), (Kind::Invoice, invoice)] {
        let named = json!({"lines": [{"product_code": "KV", "quantity": "1", "amount": "10"}]});
        assert!(read(kind, &with(base.clone(), named)).is_ok(), "{kind:?}");
        let nameless = json!({"lines": [{"quantity": "1", "amount": "10"}]});
        let expected = vec![("REQ_EMPTY", "lines[0].description".to_owned())];
        assert_eq!(read(kind, &with(base, nameless)).err(), Some(expected), "{kind:?}");
    }
}
