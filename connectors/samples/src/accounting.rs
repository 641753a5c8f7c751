//! 見本 会計: an accounting system of another make: bearer token, offsets, amounts as text, dates
//! with slashes, change times in milliseconds, hooks that only name a record.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::middleware;
use axum::response::Response;
use axum::routing::get;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::company::{Company, Customer, Invoice, InvoiceState, Line, Link, Payment};
use crate::numbers::corporate_number;
use crate::serve::gate::{Gate, error, pass};
use crate::serve::table::{Slice, Table, joined};
use crate::serve::{json_body, rendered};

pub(crate) const VERSION: &str = "2026.10";
const MAX_LIMIT: usize = 300;

#[derive(Debug)]
pub(crate) struct Accounting {
    pub partners: Table,
    pub invoices: Table,
    pub payments: Table,
}

impl Accounting {
    pub(crate) fn of(company: &Company) -> Self {
        let customers = &company.customers;
        Self {
            partners: Table::filled(customers.iter().map(|c| (c.changed, c.partner_id, rendered(&partner(c)))))
                .keeping_places(),
            invoices: Table::filled(
                company.invoices.iter().map(|i| (i.changed, i.id, rendered(&invoice(i, &customers[i.customer])))),
            )
            .keeping_places(),
            payments: Table::filled(
                company.payments.iter().map(|p| (p.occurred, p.id, rendered(&payment(p, &customers[p.customer])))),
            )
            .keeping_places(),
        }
    }

    fn table(&self, name: &str) -> Option<&Table> {
        match name {
            "partners" => Some(&self.partners),
            "invoices" => Some(&self.invoices),
            "payments" => Some(&self.payments),
            _ => None,
        }
    }
}

pub(crate) fn router(accounting: Arc<Accounting>, gate: Arc<Gate>) -> Router {
    Router::new()
        .route("/v2/status", get(status))
        .route("/v2/{kind}", get(list))
        .route("/v2/{kind}/{id}", get(one))
        .layer(middleware::from_fn_with_state(gate, pass))
        .with_state(accounting)
}

async fn status() -> Response {
    json_body(rendered(&json!({ "status": "ok", "product": { "name": "見本 会計", "release": VERSION } })))
}

/// `changed_after` is exclusive, in milliseconds since 1970.
#[derive(Debug, Deserialize)]
struct ListQuery {
    changed_after: Option<i64>,
    offset: Option<usize>,
    limit: Option<usize>,
}

async fn list(
    State(books): State<Arc<Accounting>>,
    Path(kind): Path<String>,
    Query(query): Query<ListQuery>,
) -> Response {
    let Some(table) = books.table(&kind) else {
        return error(StatusCode::NOT_FOUND, "unknown_resource", "no such list");
    };
    let from = query.changed_after.map(|after| (after.saturating_add(1), 0));
    let (skip, take) = (query.offset.unwrap_or(0), query.limit.unwrap_or(50).clamp(1, MAX_LIMIT));
    let found = table.slice(Slice { from, skip, take });
    let end = skip.saturating_add(found.bodies.len());
    let next = if end < found.total { end.to_string() } else { "null".to_owned() };
    let tail =
        format!(r#"],"paging":{{"offset":{skip},"limit":{take},"next_offset":{next}}},"count":{}}}"#, found.total);
    json_body(joined(r#"{"data":["#, &found.bodies, &tail))
}

async fn one(State(books): State<Arc<Accounting>>, Path((kind, id)): Path<(String, u64)>) -> Response {
    match books.table(&kind).and_then(|table| table.get(id)) {
        Some(body) => json_body(joined(r#"{"data":"#, &[body], "}")),
        None => error(StatusCode::NOT_FOUND, "unknown_record", "no such record"),
    }
}

/// `2026/11/20`
fn slashes(day: Date) -> String {
    day.strftime("%Y/%m/%d").to_string()
}

fn partner(c: &Customer) -> Value {
    // The few that nothing ties to sales were entered by hand, without their numbers.
    let known = c.link != Link::None;
    json!({
        "partner_id": c.partner_id.to_string(),
        "partner_name": c.accounting_name,
        "partner_kana": c.kana,
        "external_code": (c.link == Link::Code).then_some(&c.code),
        "corporate_no": known.then_some(&c.corporate_number),
        "registration_no": known.then(|| format!("T{}", c.corporate_number)),
        "phone": c.phone,
        "billing_postal": c.postal_code,
        "billing_address": c.billing_address,
        "closing": crate::sales::closing_text(c.closing_day),
        "terms": c.payment_terms,
        "credit_line": c.credit_limit.to_string(),
        "archived": false,
        "changed_ms": c.changed.as_millisecond(),
    })
}

fn details(lines: &[Line]) -> Vec<Value> {
    lines
        .iter()
        .map(|l| {
            json!({ "item_code": l.code, "item_name": l.name, "qty": l.quantity.to_string(), "unit": l.unit,
                    "unit_price": l.price.to_string(), "line_amount": l.amount.to_string(), "rate": l.tax_rate.to_string() })
        })
        .collect()
}

pub(crate) fn invoice(i: &Invoice, customer: &Customer) -> Value {
    let taxes: Vec<Value> = i
        .taxes
        .iter()
        .map(|t| json!({ "rate": t.rate.to_string(), "taxable": t.taxable.to_string(), "amount": t.tax.to_string() }))
        .collect();
    json!({
        "invoice_id": i.id.to_string(),
        "invoice_number": i.number,
        "partner_id": customer.partner_id.to_string(),
        "doc_type": if i.corrects.is_some() { "赤伝" } else { "請求書" },
        "corrects_number": i.corrects,
        "billing_date": slashes(i.issued),
        "closing_date": slashes(i.closing),
        "due_date": slashes(i.due),
        "payment_status": match i.state {
            InvoiceState::Unsettled => "unsettled",
            InvoiceState::Partial => "partial",
            InvoiceState::Settled => "settled",
        },
        // Ours: ひのき精機 is the issuer.
        "issuer_registration_no": format!("T{}", corporate_number(900_001)),
        "net_amount": i.net.to_string(),
        "tax_amount": i.tax.to_string(),
        "total_amount": i.total().to_string(),
        "tax_lines": taxes,
        "details": details(&i.lines),
        "order_numbers": i.orders,
        "issued_ms": i.occurred.as_millisecond(),
        "voided": false,
        "changed_ms": i.changed.as_millisecond(),
    })
}

pub(crate) fn payment(p: &Payment, customer: &Customer) -> Value {
    let allocations: Vec<Value> = p
        .allocations
        .iter()
        .map(|(number, amount)| json!({ "invoice_number": number, "applied": amount.to_string() }))
        .collect();
    json!({
        "payment_id": p.id.to_string(),
        "slip_number": p.number,
        "partner_id": customer.partner_id.to_string(),
        "received_on": slashes(p.paid),
        "way": p.method,
        "amount": p.amount.to_string(),
        "allocations": allocations,
        "entered_ms": p.occurred.as_millisecond(),
        "voided": false,
        "changed_ms": p.occurred.as_millisecond(),
    })
}
