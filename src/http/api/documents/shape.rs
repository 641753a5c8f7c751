//! Documents as JSON: what stands in lists, and one with everything on it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    analytics::{
        document::{self, Document},
        timeline::Kind,
    },
    http::api::kind::{Day, Instant, Money},
};

/// What a customer ordered (受注).
#[derive(Serialize, ToSchema)]
pub struct Order {
    #[schema(examples("ord_06a8q2m4e8r4s7v1x3z5b7d9f1"))]
    id: String,
    customer_id: String,
    connection_id: String,
    /// The source's own key.
    external_id: String,
    #[schema(examples("SO-2026-0412"))]
    number: String,
    order_date: Day,
    delivery_date: Option<Day>,
    /// `open`, `shipped`, `closed` or `cancelled`.
    status: String,
    subject: Option<String>,
    /// Customer who gets the bill, where it is another one.
    bill_to: Option<String>,
    /// Site to which it goes.
    ship_to: Option<String>,
    currency: Money,
    /// Without tax.
    net: Option<i64>,
    tax: Option<i64>,
    /// With tax, as the source rounded it.
    total: Option<i64>,
    /// The source's own instant, where it has one.
    occurred_at: Option<Instant>,
    /// How often the hub saw it change, counting from 1.
    seq: i64,
    updated_at: Instant,
    /// Its source took it away.
    deleted_at: Option<Instant>,
}

/// What left for a customer.
#[derive(Serialize, ToSchema)]
pub struct Shipment {
    #[schema(examples("shp_06a8q2m4e8r4s7v1x3z5b7d9f1"))]
    id: String,
    customer_id: String,
    connection_id: String,
    /// The source's own key.
    external_id: String,
    number: String,
    /// When it left, or shall leave.
    ship_date: Day,
    /// `planned`, `shipped` or `cancelled`.
    status: String,
    subject: Option<String>,
    carrier: Option<String>,
    /// The carrier's number.
    tracking: Option<String>,
    /// Site to which it goes.
    ship_to: Option<String>,
    /// The source's own instant, where it has one.
    occurred_at: Option<Instant>,
    /// How often the hub saw it change, counting from 1.
    seq: i64,
    updated_at: Instant,
    /// Its source took it away.
    deleted_at: Option<Instant>,
}

/// A bill (請求書), or a credit note (赤伝) that corrects one.
#[derive(Serialize, ToSchema)]
pub struct Invoice {
    #[schema(examples("inv_06a8q2m4e8r4s7v1x3z5b7d9f1"))]
    id: String,
    /// `invoice` or `credit_note`; the amounts of a credit note are negative.
    kind: &'static str,
    customer_id: String,
    connection_id: String,
    /// The source's own key.
    external_id: String,
    #[schema(examples("INV-2026-0088"))]
    number: String,
    issue_date: Day,
    /// Last day that it covers (締め日).
    closing_date: Option<Day>,
    due_date: Option<Day>,
    /// `open`, `paid` or `cancelled`.
    status: String,
    /// Number of the invoice that a credit note corrects.
    corrects: Option<String>,
    /// Registration number of who issued it.
    #[schema(examples("T1180301018771"))]
    registration_number: Option<String>,
    currency: Money,
    /// Without tax.
    net: Option<i64>,
    tax: Option<i64>,
    /// With tax, as the source rounded it.
    total: Option<i64>,
    /// The source's own instant, where it has one.
    occurred_at: Option<Instant>,
    /// How often the hub saw it change, counting from 1.
    seq: i64,
    updated_at: Instant,
    /// Its source took it away.
    deleted_at: Option<Instant>,
}

/// Money that came in (入金).
#[derive(Serialize, ToSchema)]
pub struct Payment {
    #[schema(examples("pay_06a8q2m4e8r4s7v1x3z5b7d9f1"))]
    id: String,
    customer_id: String,
    connection_id: String,
    /// The source's own key.
    external_id: String,
    number: Option<String>,
    paid_date: Day,
    /// As the source calls it: bank transfer, cash …
    method: Option<String>,
    currency: Money,
    amount: Option<i64>,
    /// The source's own instant, where it has one.
    occurred_at: Option<Instant>,
    /// How often the hub saw it change, counting from 1.
    seq: i64,
    updated_at: Instant,
    /// Its source took it away.
    deleted_at: Option<Instant>,
}

/// One line of an order, a shipment or an invoice.
#[derive(Serialize, ToSchema)]
pub struct Line {
    /// Counted from 1.
    number: i64,
    product_code: Option<String>,
    /// Its own words, else the name of its product.
    description: String,
    /// Decimal text.
    #[schema(examples("2.5"))]
    quantity: Option<String>,
    unit: Option<String>,
    /// Decimal text in whole units of the currency; null in a shipment.
    #[schema(examples("1980"))]
    unit_price: Option<String>,
    /// Without tax; null in a shipment.
    amount: Option<i64>,
    /// Percent, decimal text.
    #[schema(examples("10"))]
    tax_rate: Option<String>,
}

/// The tax of one rate, rounded once by the source.
#[derive(Serialize, ToSchema)]
pub struct Tax {
    /// Percent, decimal text.
    #[schema(examples("10"))]
    rate: String,
    taxable: i64,
    tax: i64,
}

/// Another document, by its number; without an id where the hub does not have it.
#[derive(Serialize, ToSchema)]
pub struct Related {
    id: Option<String>,
    number: String,
}

/// How much of a payment is for an invoice.
#[derive(Serialize, ToSchema)]
pub struct Allocation {
    /// The invoice (on a payment) or the payment (on an invoice).
    document: Related,
    /// Date of the payment, on an invoice.
    date: Option<Day>,
    amount: i64,
}

/// An order with everything on it.
#[derive(Serialize, ToSchema)]
pub struct OrderDetail {
    #[serde(flatten)]
    order: Order,
    lines: Vec<Line>,
    /// Shipments that fulfil it.
    shipments: Vec<Related>,
    /// Invoices that bill it.
    invoices: Vec<Related>,
}

/// A shipment with everything on it.
#[derive(Serialize, ToSchema)]
pub struct ShipmentDetail {
    #[serde(flatten)]
    shipment: Shipment,
    lines: Vec<Line>,
    /// Orders that it fulfils.
    orders: Vec<Related>,
}

/// An invoice with everything on it.
#[derive(Serialize, ToSchema)]
pub struct InvoiceDetail {
    #[serde(flatten)]
    invoice: Invoice,
    lines: Vec<Line>,
    taxes: Vec<Tax>,
    /// Orders that it bills.
    orders: Vec<Related>,
    /// Payments for it.
    allocations: Vec<Allocation>,
}

/// A payment with everything on it.
#[derive(Serialize, ToSchema)]
pub struct PaymentDetail {
    #[serde(flatten)]
    payment: Payment,
    /// Invoices that it is for.
    allocations: Vec<Allocation>,
}

pub fn order(d: Document) -> Order {
    Order {
        updated_at: updated(&d),
        connection_id: d.source.connection_id.unwrap_or_default(),
        id: d.id,
        customer_id: d.customer_id,
        external_id: d.external_id.unwrap_or_default(),
        number: d.number.unwrap_or_default(),
        order_date: Day(d.date),
        delivery_date: d.delivery_date.map(Day),
        status: d.status.unwrap_or_default(),
        subject: d.subject,
        bill_to: d.bill_to.map(|(id, _)| id),
        ship_to: d.ship_to_id,
        currency: d.currency.into(),
        net: d.net,
        tax: d.tax,
        total: d.total,
        occurred_at: d.occurred_at.map(Into::into),
        seq: d.seq,
        deleted_at: d.deleted_at.map(Into::into),
    }
}

pub fn shipment(d: Document) -> Shipment {
    Shipment {
        updated_at: updated(&d),
        connection_id: d.source.connection_id.unwrap_or_default(),
        id: d.id,
        customer_id: d.customer_id,
        external_id: d.external_id.unwrap_or_default(),
        number: d.number.unwrap_or_default(),
        ship_date: Day(d.date),
        status: d.status.unwrap_or_default(),
        subject: d.subject,
        carrier: d.carrier,
        tracking: d.tracking,
        ship_to: d.ship_to_id,
        occurred_at: d.occurred_at.map(Into::into),
        seq: d.seq,
        deleted_at: d.deleted_at.map(Into::into),
    }
}

pub fn invoice(d: Document) -> Invoice {
    let credit = d.kind == Kind::CreditNote;
    // Stored positive; the kind carries the sign.
    let signed = |amount: Option<i64>| amount.map(|amount| if credit { -amount } else { amount });
    Invoice {
        updated_at: updated(&d),
        kind: if credit { "credit_note" } else { "invoice" },
        connection_id: d.source.connection_id.unwrap_or_default(),
        id: d.id,
        customer_id: d.customer_id,
        external_id: d.external_id.unwrap_or_default(),
        number: d.number.unwrap_or_default(),
        issue_date: Day(d.date),
        closing_date: d.closing_date.map(Day),
        due_date: d.due_date.map(Day),
        status: d.status.unwrap_or_default(),
        corrects: d.corrects,
        registration_number: d.registration_number,
        currency: d.currency.into(),
        net: signed(d.net),
        tax: signed(d.tax),
        total: signed(d.total),
        occurred_at: d.occurred_at.map(Into::into),
        seq: d.seq,
        deleted_at: d.deleted_at.map(Into::into),
    }
}

pub fn payment(d: Document) -> Payment {
    Payment {
        updated_at: updated(&d),
        connection_id: d.source.connection_id.unwrap_or_default(),
        id: d.id,
        customer_id: d.customer_id,
        external_id: d.external_id.unwrap_or_default(),
        number: d.number,
        paid_date: Day(d.date),
        method: d.method,
        currency: d.currency.into(),
        amount: d.total,
        occurred_at: d.occurred_at.map(Into::into),
        seq: d.seq,
        deleted_at: d.deleted_at.map(Into::into),
    }
}

pub fn updated(d: &Document) -> Instant {
    d.deleted_at.unwrap_or(d.received_at).into()
}

pub fn order_detail(mut d: Document) -> OrderDetail {
    let (lines, shipments, invoices) = (lines(&mut d, 1), related(&mut d.shipments), related(&mut d.invoices));
    OrderDetail { order: order(d), lines, shipments, invoices }
}

pub fn shipment_detail(mut d: Document) -> ShipmentDetail {
    let (lines, orders) = (lines(&mut d, 1), related(&mut d.orders));
    ShipmentDetail { shipment: shipment(d), lines, orders }
}

pub fn invoice_detail(mut d: Document) -> InvoiceDetail {
    let sign = if d.kind == Kind::CreditNote { -1 } else { 1 };
    let tax = |one: document::Tax| Tax { rate: one.rate, taxable: sign * one.taxable, tax: sign * one.tax };
    let taxes = std::mem::take(&mut d.taxes).into_iter().map(tax).collect();
    let (lines, orders, allocations) = (lines(&mut d, sign), related(&mut d.orders), allocations(&mut d));
    InvoiceDetail { invoice: invoice(d), lines, taxes, orders, allocations }
}

pub fn payment_detail(mut d: Document) -> PaymentDetail {
    let allocations = allocations(&mut d);
    PaymentDetail { payment: payment(d), allocations }
}

pub fn lines(d: &mut Document, sign: i64) -> Vec<Line> {
    let line = |one: document::Line| {
        let document::Line { number, product_code, description, quantity, unit, unit_price, amount, tax_rate } = one;
        let amount = amount.map(|amount| sign * amount);
        Line { number, product_code, description, quantity, unit, unit_price, amount, tax_rate }
    };
    std::mem::take(&mut d.lines).into_iter().map(line).collect()
}

pub fn related(all: &mut Vec<document::Related>) -> Vec<Related> {
    std::mem::take(all).into_iter().map(|one| Related { id: one.id, number: one.number }).collect()
}

fn allocations(d: &mut Document) -> Vec<Allocation> {
    let allocation = |one: document::Allocation| Allocation {
        document: Related { id: one.document.id, number: one.document.number },
        date: one.date.map(Day),
        amount: one.amount,
    };
    std::mem::take(&mut d.allocations).into_iter().map(allocation).collect()
}
