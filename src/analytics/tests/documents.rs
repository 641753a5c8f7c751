//! Orders, invoices and payments of the small company.

use super::fixture::{IntoValue, NOW, none, t};
use crate::store::{Batch, Tx, Value};

pub(super) async fn orders(tx: &mut Tx) {
    let mut batch = Batch::new(
        "sales_order",
        &[
            "id",
            "customer_id",
            "connection_id",
            "external_id",
            "number",
            "order_date",
            "status",
            "currency",
            "net_minor",
            "tax_minor",
            "total_minor",
            "line_count",
            "occurred_at",
            "seq",
            "received_at",
            "deleted_at",
        ],
    );
    for (id, customer, day, status, currency, net, occurred, deleted) in [
        ("ord_1", "cus_a", "2026-11-20", "open", "JPY", 50_000, Some(NOW), None),
        ("ord_2", "cus_a", "2026-11-20", "open", "JPY", 40_000, None, None),
        // One day outside the 12 months.
        ("ord_3", "cus_a", "2025-11-23", "closed", "JPY", 10_000, None, None),
        ("ord_4", "cus_a", "2026-11-21", "cancelled", "JPY", 1, None, None),
        ("ord_5", "cus_a", "2026-05-01", "open", "USD", 2, None, None),
        ("ord_6", "cus_a", "2026-11-22", "open", "JPY", 3, None, Some(NOW)),
        ("ord_7", "cus_b", "2026-11-01", "open", "JPY", 12_345, None, None),
    ] {
        batch.push([
            t(id),
            t(customer),
            t("con_s"),
            t(id),
            t(&id.replace("ord_", "SO-")),
            t(day),
            t(status),
            t(currency),
            net.into_value(),
            (net / 10).into_value(),
            (net + net / 10).into_value(),
            2.into_value(),
            Value::Int(occurred),
            1.into_value(),
            NOW.into(),
            Value::Int(deleted),
        ]);
    }
    batch.insert(tx, "").await.unwrap();
    let mut lines =
        Batch::new("sales_order_line", &["order_id", "line_no", "description", "quantity", "unit", "amount_minor"]);
    lines.push([t("ord_1"), 1.into_value(), t("制御盤カバー"), t("120"), t("個"), 30_000.into_value()]);
    lines.push([t("ord_1"), 2.into_value(), t("ブラケット"), t("5"), none(), 20_000.into_value()]);
    lines.insert(tx, "").await.unwrap();
}

pub(super) async fn invoices(tx: &mut Tx) {
    let mut batch = Batch::new(
        "invoice",
        &[
            "id",
            "customer_id",
            "connection_id",
            "external_id",
            "number",
            "kind",
            "corrects",
            "issue_date",
            "due_date",
            "status",
            "currency",
            "net_minor",
            "tax_minor",
            "total_minor",
            "line_count",
            "seq",
            "received_at",
            "deleted_at",
        ],
    );
    for (id, kind, corrects, day, due, status, currency, net, deleted) in [
        ("inv_1", "invoice", None, "2026-11-10", "2026-12-31", "open", "JPY", 100_000, None),
        ("inv_2", "invoice", None, "2026-10-31", "2026-11-22", "open", "JPY", 50_000, None),
        ("inv_cn", "credit_note", Some("INV-2"), "2026-11-12", "2026-11-30", "open", "JPY", 5_000, None),
        ("inv_4", "invoice", None, "2025-06-30", "2025-07-31", "paid", "JPY", 30_000, None),
        ("inv_5", "invoice", None, "2023-01-15", "2023-02-28", "paid", "JPY", 7_000, None),
        ("inv_6", "invoice", None, "2026-11-01", "2026-11-02", "cancelled", "JPY", 1, None),
        ("inv_7", "invoice", None, "2026-11-01", "2026-11-02", "open", "JPY", 2, Some(NOW)),
        ("inv_9", "invoice", None, "2027-01-31", "2027-02-28", "paid", "JPY", 9_000, None),
    ] {
        batch.push([
            t(id),
            t("cus_a"),
            t("con_a"),
            t(id),
            t(&id.replace("inv_", "INV-").replace("cn", "C3")),
            t(kind),
            corrects.map(str::to_owned).into(),
            t(day),
            t(due),
            t(status),
            t(currency),
            net.into_value(),
            (net / 10).into_value(),
            (net + net / 10).into_value(),
            1.into_value(),
            1.into_value(),
            NOW.into(),
            Value::Int(deleted),
        ]);
    }
    batch.insert(tx, "").await.unwrap();
    let mut taxes = Batch::new("invoice_tax", &["invoice_id", "rate", "taxable_minor", "tax_minor"]);
    taxes.push([t("inv_1"), t("10"), 100_000.into_value(), 10_000.into_value()]);
    taxes.insert(tx, "").await.unwrap();
    let mut orders = Batch::new("invoice_order", &["invoice_id", "order_number"]);
    orders.push([t("inv_1"), t("SO-1")]);
    orders.insert(tx, "").await.unwrap();
}

pub(super) async fn payments(tx: &mut Tx) {
    let mut batch = Batch::new(
        "payment",
        &[
            "id",
            "customer_id",
            "connection_id",
            "external_id",
            "number",
            "paid_date",
            "currency",
            "amount_minor",
            "seq",
            "received_at",
        ],
    );
    batch.push([
        t("pay_1"),
        t("cus_a"),
        t("con_a"),
        t("1"),
        t("P-1"),
        t("2026-11-19"),
        t("JPY"),
        60_000.into_value(),
        1.into_value(),
        NOW.into(),
    ]);
    batch.insert(tx, "").await.unwrap();
    let mut allocations = Batch::new("payment_allocation", &["payment_id", "invoice_number", "amount_minor"]);
    allocations.push([t("pay_1"), t("INV-1"), 60_000.into_value()]);
    allocations.insert(tx, "").await.unwrap();
}
