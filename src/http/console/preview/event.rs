use super::{
    NOW, Sample, Section,
    customer::{order, shipment, timeline},
};
use crate::{
    analytics::timeline::Event,
    http::console::view::event::{EventPage, Line, Lineage, Tax},
    model::Timestamp,
};

fn document(event: Event) -> EventPage {
    let line = |description: &str, amount| Line {
        code: Some("KV-220".into()),
        description: description.into(),
        quantity: Some("120".into()),
        unit: Some("個".into()),
        unit_price: Some("4,800".into()),
        amount: Some(amount),
        tax_rate: Some("10".into()),
    };
    EventPage {
        customer_id: "cus_0001".into(),
        customer_name: "株式会社朝凪電装".into(),
        event,
        fields: vec![("delivery_date".into(), "2026/12/04".into()), ("ship_to".into(), "浜北工場".into())],
        lines: vec![line("制御盤カバー KV-220", 576_000), line("取付ブラケット", 45_818)],
        taxes: vec![Tax { rate: "10".into(), taxable: 621_818, tax: 62_182 }],
        net: Some(621_818),
        total: Some(684_000),
        lineage: Lineage {
            run_id: Some("run_1".into()),
            run_number: Some(48212),
            received_at: Some(NOW.plus(-Timestamp::HOUR)),
            external_id: Some("5530917".into()),
            versions: 1,
        },
        related: vec![("請求書 INV-26-1207".into(), "inv_1".into())],
        edit: None,
    }
}

/// A shipment: quantities without amounts.
fn shipped() -> EventPage {
    let mut page = document(shipment());
    for line in &mut page.lines {
        (line.unit_price, line.amount, line.tax_rate) = (None, None, None);
    }
    page.fields =
        [("status", "出荷予定"), ("ship_to", "浜北工場"), ("carrier", "見本運輸"), ("tracking", "4400-1187-3320")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
    EventPage {
        taxes: vec![],
        net: None,
        total: None,
        related: vec![("受注 SO-26-11873".into(), "ord_1".into())],
        ..page
    }
}

pub fn samples() -> Vec<Sample> {
    let section = Section::Customers;
    let change = timeline().events.remove(4);
    let change = EventPage { lines: vec![], taxes: vec![], net: None, total: None, ..document(change) };
    vec![
        ("event", section, true, Box::new(document(order()))),
        ("event-shipment", section, true, Box::new(shipped())),
        ("event-change", section, true, Box::new(change)),
    ]
}
