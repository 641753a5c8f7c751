//! Documents owned by their source: orders, invoices, payments; and a customer's sites and contacts.
//! Shipments stand in [`super::shipment`], products in [`super::product`], deals and quotes in [`super::deal`],
//! contracts and inquiries in [`super::contract`].
//!
//! Every function writes many records in a few statements. Child rows of changed documents are
//! replaced as a whole; new documents (`seq` 1) have none to remove.

use std::collections::HashMap;

use super::{Batch, StoreError, Tx, Value, json_list, sql};
use crate::model::{
    Timestamp,
    record::{Contact, Invoice, Line, Order, Payment, Site},
};

/// What every document row carries beside its own fields.
#[derive(Clone, Debug)]
pub struct Head<'a> {
    pub id: &'a str,
    pub customer_id: &'a str,
    pub connection_id: &'a str,
    pub external_id: &'a str,
    pub seq: i64,
    pub now: Timestamp,
}

/// `ON CONFLICT (id) DO UPDATE` over every column but the key.
pub(super) fn replace(columns: &[&str]) -> String {
    let set: Vec<String> = columns[1..].iter().map(|c| format!("{c} = excluded.{c}")).collect();
    format!("ON CONFLICT (id) DO UPDATE SET {}", set.join(", "))
}

pub(super) async fn remove_children<'a>(
    tx: &mut Tx,
    tables: &[(&str, &str)],
    changed: impl Iterator<Item = &'a str>,
) -> Result<(), StoreError> {
    let changed: Vec<&str> = changed.collect();
    if changed.is_empty() {
        return Ok(());
    }
    let list = json_list(changed);
    for (table, key) in tables {
        let text = format!("DELETE FROM {table} WHERE {}", tx.dialect().in_list(key, "$1"));
        sql(text).bind(list.as_str()).execute(tx).await?;
    }
    Ok(())
}

pub(super) fn changed<'a, R>(rows: &'a [(Head<'a>, R)]) -> impl Iterator<Item = &'a str> {
    rows.iter().filter(|(head, _)| head.seq > 1).map(|(head, _)| head.id)
}

pub(super) fn line(parent: &str, no: usize, line: &Line) -> [Value; 9] {
    [
        parent.into(),
        (no as i64 + 1).into(),
        line.product_code.as_ref().into(),
        line.description.as_str().into(),
        line.quantity.as_ref().into(),
        line.unit.as_ref().into(),
        line.unit_price.as_ref().into(),
        line.amount_minor.into(),
        line.tax_rate.as_ref().into(),
    ]
}

const ORDER: [&str; 22] = [
    "id",
    "customer_id",
    "connection_id",
    "external_id",
    "number",
    "order_date",
    "delivery_date",
    "status",
    "subject",
    "bill_to",
    "ship_to",
    "bill_to_key",
    "ship_to_key",
    "currency",
    "net_minor",
    "tax_minor",
    "total_minor",
    "line_count",
    "occurred_at",
    "seq",
    "received_at",
    "deleted_at",
];

const ORDER_LINE: [&str; 9] = [
    "order_id",
    "line_no",
    "product_code",
    "description",
    "quantity",
    "unit",
    "unit_price",
    "amount_minor",
    "tax_rate",
];

/// An order with its references resolved to ids of the hub.
pub struct OrderRow<'a> {
    pub order: &'a Order,
    pub bill_to: Option<&'a str>,
    pub ship_to: Option<&'a str>,
}

pub async fn put_orders(tx: &mut Tx, rows: &[(Head<'_>, OrderRow<'_>)]) -> Result<(), StoreError> {
    remove_children(tx, &[("sales_order_line", "order_id")], changed(rows)).await?;
    let mut heads = Batch::new("sales_order", &ORDER);
    let mut lines = Batch::new("sales_order_line", &ORDER_LINE);
    for (head, OrderRow { order, bill_to, ship_to }) in rows {
        heads.push([
            head.id.into(),
            head.customer_id.into(),
            head.connection_id.into(),
            head.external_id.into(),
            order.number.as_str().into(),
            order.order_date.into(),
            order.delivery_date.into(),
            order.status.as_str().into(),
            order.subject.as_ref().into(),
            (*bill_to).into(),
            (*ship_to).into(),
            order.bill_to.as_ref().into(),
            order.ship_to.as_ref().into(),
            order.currency.into(),
            order.net_minor.into(),
            order.tax_minor.into(),
            order.total_minor.into(),
            (order.lines.len() as i64).into(),
            order.occurred_at.into(),
            head.seq.into(),
            head.now.into(),
            None::<i64>.into(),
        ]);
        for (no, l) in order.lines.iter().enumerate() {
            let mut row = line(head.id, no, l);
            // An order line without a quantity is one unit; the column is never empty.
            if matches!(row[4], Value::Text(None)) {
                row[4] = "1".into();
            }
            lines.push(row);
        }
    }
    heads.insert(tx, &replace(&ORDER)).await?;
    lines.insert(tx, "").await?;
    Ok(())
}

const INVOICE: [&str; 21] = [
    "id",
    "customer_id",
    "connection_id",
    "external_id",
    "number",
    "kind",
    "corrects",
    "issue_date",
    "closing_date",
    "due_date",
    "status",
    "registration_number",
    "currency",
    "net_minor",
    "tax_minor",
    "total_minor",
    "line_count",
    "occurred_at",
    "seq",
    "received_at",
    "deleted_at",
];

const INVOICE_LINE: [&str; 9] = [
    "invoice_id",
    "line_no",
    "product_code",
    "description",
    "quantity",
    "unit",
    "unit_price",
    "amount_minor",
    "tax_rate",
];

pub async fn put_invoices(tx: &mut Tx, rows: &[(Head<'_>, &Invoice)]) -> Result<(), StoreError> {
    let children = [("invoice_line", "invoice_id"), ("invoice_tax", "invoice_id"), ("invoice_order", "invoice_id")];
    remove_children(tx, &children, changed(rows)).await?;
    let mut heads = Batch::new("invoice", &INVOICE);
    let mut lines = Batch::new("invoice_line", &INVOICE_LINE);
    let mut taxes = Batch::new("invoice_tax", &["invoice_id", "rate", "taxable_minor", "tax_minor"]);
    let mut orders = Batch::new("invoice_order", &["invoice_id", "order_number"]);
    for (head, invoice) in rows {
        heads.push([
            head.id.into(),
            head.customer_id.into(),
            head.connection_id.into(),
            head.external_id.into(),
            invoice.number.as_str().into(),
            invoice.kind.as_str().into(),
            invoice.corrects.as_ref().into(),
            invoice.issue_date.into(),
            invoice.closing_date.into(),
            invoice.due_date.into(),
            invoice.status.as_str().into(),
            invoice.registration_number.as_ref().into(),
            invoice.currency.into(),
            invoice.net_minor.into(),
            invoice.tax_minor.into(),
            invoice.total_minor.into(),
            (invoice.lines.len() as i64).into(),
            invoice.occurred_at.into(),
            head.seq.into(),
            head.now.into(),
            None::<i64>.into(),
        ]);
        for (no, l) in invoice.lines.iter().enumerate() {
            lines.push(line(head.id, no, l));
        }
        for t in &invoice.taxes {
            taxes.push([head.id.into(), t.rate.as_str().into(), t.taxable_minor.into(), t.tax_minor.into()]);
        }
        for number in &invoice.orders {
            orders.push([head.id.into(), number.into()]);
        }
    }
    heads.insert(tx, &replace(&INVOICE)).await?;
    lines.insert(tx, "").await?;
    taxes.insert(tx, "").await?;
    orders.insert(tx, "").await?;
    Ok(())
}

const PAYMENT: [&str; 13] = [
    "id",
    "customer_id",
    "connection_id",
    "external_id",
    "number",
    "paid_date",
    "method",
    "currency",
    "amount_minor",
    "occurred_at",
    "seq",
    "received_at",
    "deleted_at",
];

pub async fn put_payments(tx: &mut Tx, rows: &[(Head<'_>, &Payment)]) -> Result<(), StoreError> {
    remove_children(tx, &[("payment_allocation", "payment_id")], changed(rows)).await?;
    let mut heads = Batch::new("payment", &PAYMENT);
    let mut allocations = Batch::new("payment_allocation", &["payment_id", "invoice_number", "amount_minor"]);
    for (head, payment) in rows {
        heads.push([
            head.id.into(),
            head.customer_id.into(),
            head.connection_id.into(),
            head.external_id.into(),
            payment.number.as_ref().into(),
            payment.paid_date.into(),
            payment.method.as_ref().into(),
            payment.currency.into(),
            payment.amount_minor.into(),
            payment.occurred_at.into(),
            head.seq.into(),
            head.now.into(),
            None::<i64>.into(),
        ]);
        for (invoice, amount) in &payment.allocations {
            allocations.push([head.id.into(), invoice.into(), (*amount).into()]);
        }
    }
    heads.insert(tx, &replace(&PAYMENT)).await?;
    allocations.insert(tx, "").await?;
    Ok(())
}

const SITE: [&str; 14] = [
    "id",
    "customer_id",
    "connection_id",
    "external_id",
    "code",
    "role",
    "name",
    "postal_code",
    "address",
    "phone",
    "closing_day",
    "owner",
    "seq",
    "updated_at",
];

pub async fn put_sites(tx: &mut Tx, rows: &[(Head<'_>, &Site)]) -> Result<(), StoreError> {
    let mut batch = Batch::new("site", &SITE);
    for (head, site) in rows {
        batch.push([
            head.id.into(),
            head.customer_id.into(),
            head.connection_id.into(),
            head.external_id.into(),
            site.code.as_ref().into(),
            site.role.as_str().into(),
            site.name.as_str().into(),
            site.postal_code.as_ref().into(),
            site.address.as_ref().into(),
            site.phone.as_ref().into(),
            site.closing_day.as_ref().into(),
            site.owner.as_ref().into(),
            head.seq.into(),
            head.now.into(),
        ]);
    }
    batch.insert(tx, &replace(&SITE)).await?;
    Ok(())
}

const CONTACT: [&str; 12] = [
    "id",
    "customer_id",
    "connection_id",
    "external_id",
    "name",
    "name_kana",
    "department",
    "title",
    "mail",
    "phone",
    "seq",
    "updated_at",
];

pub async fn put_contacts(tx: &mut Tx, rows: &[(Head<'_>, &Contact)]) -> Result<(), StoreError> {
    let mut batch = Batch::new("contact", &CONTACT);
    for (head, contact) in rows {
        batch.push([
            head.id.into(),
            head.customer_id.into(),
            head.connection_id.into(),
            head.external_id.into(),
            contact.name.as_str().into(),
            contact.name_kana.as_ref().into(),
            contact.department.as_ref().into(),
            contact.title.as_ref().into(),
            contact.mail.as_ref().into(),
            contact.phone.as_ref().into(),
            head.seq.into(),
            head.now.into(),
        ]);
    }
    batch.insert(tx, &replace(&CONTACT)).await?;
    Ok(())
}

/// A source said that these documents are gone: they stay, marked. Returns whose they are, by document.
pub async fn mark_deleted(
    tx: &mut Tx,
    table: &'static str,
    ids: &[&str],
    now: Timestamp,
) -> Result<HashMap<String, String>, StoreError> {
    let text = format!(
        "UPDATE {table} SET deleted_at = $1, seq = seq + 1 WHERE {} RETURNING id, customer_id",
        tx.dialect().in_list("id", "$2")
    );
    let rows: Vec<(String, String)> = sql(text).bind(now).bind(json_list(ids)).all(tx).await?;
    Ok(rows.into_iter().collect())
}

/// Sites and contacts have no history of their own worth keeping once their source removed them
/// from view: the last state stays in `version`.
pub async fn remove(tx: &mut Tx, table: &'static str, ids: &[&str]) -> Result<HashMap<String, String>, StoreError> {
    let text = format!("DELETE FROM {table} WHERE {} RETURNING id, customer_id", tx.dialect().in_list("id", "$1"));
    let rows: Vec<(String, String)> = sql(text).bind(json_list(ids)).all(tx).await?;
    Ok(rows.into_iter().collect())
}
