//! 見本 販売管理: a sales system with an API key, page numbers and hooks that carry the record.
//!
//! Field names are its own on purpose: the manifest in `connectors/sample-sales` maps them.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, StatusCode};
use axum::middleware;
use axum::response::Response;
use axum::routing::get;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::company::{
    Company, Contact, Contract, Customer, Deal, DealState, Inquiry, Line, Order, OrderState, Quote, Site, day_in_japan,
};
use crate::serve::gate::{Gate, error, pass};
use crate::serve::table::{Slice, Table, joined};
use crate::serve::{json_body, rendered};

pub(crate) const VERSION: &str = "4.2.0";
pub(crate) const KEY_HEADER: HeaderName = HeaderName::from_static("x-api-key");
/// Pages above this are cut to it; above twice this the request is refused.
const MAX_PAGE: usize = 500;
const REFUSED_PAGE: usize = 1_000;

#[derive(Debug)]
pub(crate) struct Sales {
    pub customers: Table,
    pub sites: Table,
    pub contacts: Table,
    pub orders: Table,
    pub shipments: Table,
    pub deals: Table,
    pub quotes: Table,
    pub contracts: Table,
    pub inquiries: Table,
}

impl Sales {
    pub(crate) fn of(company: &Company) -> Self {
        let (customers, desk) = (&company.customers, &company.desk);
        Self {
            customers: Table::filled(customers.iter().map(|c| (c.changed, c.id, rendered(&customer(c))))),
            sites: Table::filled(company.sites.iter().map(|s| (s.changed, s.id, rendered(&site(s, customers))))),
            contacts: Table::filled(
                company.contacts.iter().map(|c| (c.changed, c.id, rendered(&contact(c, customers)))),
            ),
            orders: Table::filled(
                company.orders.iter().map(|o| (o.changed, o.id, rendered(&order(o, &customers[o.customer])))),
            ),
            shipments: Table::filled(
                company
                    .orders
                    .iter()
                    .filter(|o| matches!(o.state, OrderState::Shipped | OrderState::Done))
                    .map(|o| (o.changed, shipment_id(o), rendered(&shipment(o, &customers[o.customer])))),
            ),
            deals: Table::filled(desk.deals.iter().map(|d| (d.changed, d.id, rendered(&deal(d, customers))))),
            quotes: Table::filled(desk.quotes.iter().map(|q| (q.changed, q.id, rendered(&quote(q, customers))))),
            contracts: Table::filled(
                desk.contracts.iter().map(|c| (c.changed, c.id, rendered(&contract(c, customers)))),
            ),
            inquiries: Table::filled(
                desk.inquiries.iter().map(|i| (i.changed, i.id, rendered(&inquiry(i, customers)))),
            ),
        }
    }

    fn table(&self, name: &str) -> Option<&Table> {
        match name {
            "customers" => Some(&self.customers),
            "sites" => Some(&self.sites),
            "contacts" => Some(&self.contacts),
            "orders" => Some(&self.orders),
            "shipments" => Some(&self.shipments),
            "deals" => Some(&self.deals),
            "quotes" => Some(&self.quotes),
            "contracts" => Some(&self.contracts),
            "inquiries" => Some(&self.inquiries),
            _ => None,
        }
    }
}

pub(crate) fn router(sales: Arc<Sales>, gate: Arc<Gate>) -> Router {
    Router::new()
        .route("/api/v1/ping", get(ping))
        .route("/api/v1/{kind}", get(list))
        .route("/api/v1/{kind}/{id}", get(one))
        .layer(middleware::from_fn_with_state(gate, pass))
        .with_state(sales)
}

async fn ping() -> Response {
    json_body(rendered(&json!({ "ok": true, "name": "見本 販売管理", "version": VERSION })))
}

/// What a list takes. `updated_since` is inclusive; with `after_id` it means "after this place".
#[derive(Debug, Deserialize)]
pub(crate) struct ListQuery {
    pub updated_since: Option<Timestamp>,
    pub after_id: Option<u64>,
    pub page: Option<usize>,
    pub per_page: Option<usize>,
}

impl ListQuery {
    /// The slice and the page number, or the answer to a page that is too large.
    pub(crate) fn slice(&self, max: usize, refused: usize) -> Result<(Slice, usize), StatusCode> {
        let asked = self.per_page.unwrap_or(100).max(1);
        if asked > refused {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        let (take, page) = (asked.min(max), self.page.unwrap_or(1).max(1));
        let from = self.updated_since.map(|since| {
            // A place has whole milliseconds; one that is cut in half starts at the next.
            let up = i64::from(since.as_nanosecond().rem_euclid(1_000_000) != 0);
            (
                since.as_nanosecond().div_euclid(1_000_000) as i64 + up,
                self.after_id.map_or(0, |id| id.saturating_add(1)),
            )
        });
        Ok((Slice { from, skip: (page - 1).saturating_mul(take), take }, page))
    }
}

async fn list(State(sales): State<Arc<Sales>>, Path(kind): Path<String>, Query(query): Query<ListQuery>) -> Response {
    let Some(table) = sales.table(&kind) else {
        return error(StatusCode::NOT_FOUND, "not_found", "no such list");
    };
    let (slice, page) = match query.slice(MAX_PAGE, REFUSED_PAGE) {
        Ok(asked) => asked,
        Err(status) => return error(status, "page_too_large", "per_page is at most 500"),
    };
    let found = table.slice(slice);
    let tail = format!(r#"],"meta":{{"total":{},"page":{page},"per_page":{}}}}}"#, found.total, slice.take);
    json_body(joined(r#"{"items":["#, &found.bodies, &tail))
}

async fn one(State(sales): State<Arc<Sales>>, Path((kind, id)): Path<(String, u64)>) -> Response {
    match sales.table(&kind).and_then(|table| table.get(id)) {
        Some(body) => json_body(body),
        None => error(StatusCode::NOT_FOUND, "not_found", "no such record"),
    }
}

/// `10`, `15`, `20` or `末`.
pub(crate) fn closing_text(day: i8) -> String {
    if day > 28 { "末".to_owned() } else { day.to_string() }
}

/// Milliseconds, as a place in a table has.
pub(crate) fn instant(at: Timestamp) -> String {
    format!("{at:.3}")
}

fn customer(c: &Customer) -> Value {
    json!({
        "id": c.id,
        "tokuisaki_code": c.code,
        "name": c.sales_name,
        "kana": c.kana,
        "houjin_bangou": c.corporate_number,
        "invoice_regno": format!("T{}", c.corporate_number),
        "tel": c.phone,
        "email": format!("info@{}", c.domain),
        "zip": c.postal_code,
        "addr": c.address,
        "gyoushu": c.industry,
        "section": c.department,
        "rep": c.owner,
        "shime": closing_text(c.closing_day),
        "terms": c.payment_terms,
        "yoshin": c.credit_limit,
        "price_rank": c.price_class,
        "registered_on": c.registered.to_string(),
        "deleted": false,
        "updated_at": instant(c.changed),
    })
}

fn site(s: &Site, customers: &[Customer]) -> Value {
    json!({
        "id": s.id,
        "customer_id": customers[s.customer].id,
        "site_code": s.code,
        "site_name": s.name,
        "usage": match s.role { "ship_to" => "納入先", "bill_to" => "請求先", _ => "兼用" },
        "zip": s.postal_code,
        "addr": s.address,
        "tel": s.phone,
        "deleted": false,
        "updated_at": instant(s.changed),
    })
}

fn contact(c: &Contact, customers: &[Customer]) -> Value {
    json!({
        "id": c.id,
        "customer_id": customers[c.customer].id,
        "person": c.name,
        "person_kana": c.kana,
        "busho": c.department,
        "post": c.title,
        "email": c.mail,
        "tel": c.phone,
        "deleted": false,
        "updated_at": instant(c.changed),
    })
}

pub(crate) fn line(l: &Line) -> Value {
    json!({ "sku": l.code, "name": l.name, "qty": l.quantity, "unit": l.unit, "price": l.price,
            "amount": l.amount, "tax_rate": l.tax_rate })
}

pub(crate) fn order(o: &Order, customer: &Customer) -> Value {
    let lines: Vec<Value> = o.lines.iter().map(line).collect();
    json!({
        "id": o.id,
        "order_no": o.number,
        "customer_id": customer.id,
        "ship_site_id": o.site,
        "subject": o.subject,
        "ordered_on": o.ordered.to_string(),
        "deliver_on": o.delivery.to_string(),
        "state": match o.state {
            OrderState::Received => "received",
            OrderState::Shipped => "shipped",
            OrderState::Done => "done",
            OrderState::Void => "void",
        },
        "lines": lines,
        "amount_net": o.net,
        "amount_tax": o.tax,
        "amount_total": o.net + o.tax,
        "created_at": instant(o.occurred),
        "deleted": false,
        "updated_at": instant(o.changed),
    })
}

fn deal(d: &Deal, customers: &[Customer]) -> Value {
    let customer = &customers[d.customer];
    json!({
        "id": d.id,
        "op_no": d.number,
        "customer_id": customer.id,
        "title": d.name,
        "phase": d.stage,
        "result": match d.state { DealState::Open => "進行中", DealState::Won => "受注", DealState::Lost => "失注" },
        "amount": d.amount,
        "kakudo": d.probability,
        "started_on": d.opened.to_string(),
        "expected_on": d.expected.to_string(),
        "closed_on": d.closed.map(|day| day.to_string()),
        "reason": d.reason,
        "rep": customer.owner,
        "order_no": d.order,
        "deleted": false,
        "updated_at": instant(d.changed),
    })
}

fn quote(q: &Quote, customers: &[Customer]) -> Value {
    let lines: Vec<Value> = q.lines.iter().map(line).collect();
    json!({
        "id": q.id,
        "quote_no": q.number,
        "customer_id": customers[q.customer].id,
        "deal_id": q.deal,
        "subject": q.subject,
        "quoted_on": q.issued.to_string(),
        "valid_until": q.valid_until.to_string(),
        "state": q.state,
        "lines": lines,
        "amount_net": q.net,
        "amount_tax": q.tax,
        "amount_total": q.net + q.tax,
        "deleted": false,
        "updated_at": instant(q.changed),
    })
}

fn contract(c: &Contract, customers: &[Customer]) -> Value {
    json!({
        "id": c.id,
        "contract_no": c.number,
        "customer_id": customers[c.customer].id,
        "title": c.name,
        "from": c.from.to_string(),
        "until": c.until.map(|day| day.to_string()),
        "renewal": c.renewal,
        "state": c.state,
        "amount": c.amount,
        "deleted": false,
        "updated_at": instant(c.changed),
    })
}

fn inquiry(i: &Inquiry, customers: &[Customer]) -> Value {
    let customer = &customers[i.customer];
    json!({
        "id": i.id,
        "ticket_no": i.number,
        "customer_id": customer.id,
        "received_on": day_in_japan(i.received).to_string(),
        "received_at": instant(i.received),
        "channel": i.channel,
        "subject": i.subject,
        "state": if i.answered.is_some() { "回答済" } else { "未回答" },
        "answered_at": i.answered.map(instant),
        "rep": customer.owner,
        "deleted": false,
        "updated_at": instant(i.changed),
    })
}

pub(crate) fn shipment_id(o: &Order) -> u64 {
    600_000 + o.id
}

/// A shipped order leaves as a whole, on its day of delivery or, when it is sent ahead, on the day it
/// was sent.
pub(crate) fn shipment(o: &Order, customer: &Customer) -> Value {
    let changed = day_in_japan(o.changed);
    let day = o.delivery.min(changed);
    let lines: Vec<Value> =
        o.lines.iter().map(|l| json!({ "sku": l.code, "name": l.name, "qty": l.quantity, "unit": l.unit })).collect();
    json!({
        "id": shipment_id(o),
        "shipment_no": o.number.replacen("SO", "SH", 1),
        "order_nos": [o.number],
        "customer_id": customer.id,
        "ship_site_id": o.site,
        "shipped_on": day.to_string(),
        // Billing changes an order later; that says nothing of the hour it left.
        "shipped_at": (changed == day).then(|| instant(o.changed)),
        "lines": lines,
        "deleted": false,
        "updated_at": instant(o.changed),
    })
}
