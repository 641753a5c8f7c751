//! One document with all its fields, for the side panel, and documents by their number.

use serde::Serialize;
use unicode_normalization::UnicodeNormalization;

use super::{customer::Source, timeline::Kind};
pub use crate::store::{
    find::{Found, Numbered},
    read_document_page::Narrow,
    read_noun::Wanted,
};
use crate::{
    model::{Timestamp, View, money::Currency},
    store::{
        Db, InView, On, StoreError, find,
        read_document::{self as rows, HeadRow, LineRow, PieceRow},
        read_document_page as pages,
    },
};

/// A document as its source has it (contracts and inquiries also as people typed them), and how it came here.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    pub id: String,
    pub kind: Kind,
    pub customer_id: String,
    pub source: Source,
    /// The source's own key; `None`: typed into the hub.
    pub external_id: Option<String>,
    pub number: Option<String>,
    /// Order, shipping, issue, payment or starting date.
    pub date: String,
    pub delivery_date: Option<String>,
    pub closing_date: Option<String>,
    pub due_date: Option<String>,
    pub valid_until: Option<String>,
    pub expected_date: Option<String>,
    pub closed_date: Option<String>,
    pub end_date: Option<String>,
    pub status: Option<String>,
    /// Of a deal, in its source's words.
    pub stage: Option<String>,
    /// Percent.
    pub probability: Option<i64>,
    pub reason: Option<String>,
    pub owner: Option<String>,
    pub renewal: Option<String>,
    pub channel: Option<String>,
    pub answered_at: Option<Timestamp>,
    pub note: Option<String>,
    /// Of deals and contracts: what they are called.
    pub subject: Option<String>,
    /// Customer id and name where the bill goes elsewhere.
    pub bill_to: Option<(String, String)>,
    /// Id and name of the site.
    pub ship_to_id: Option<String>,
    pub ship_to: Option<String>,
    pub corrects: Option<String>,
    pub registration_number: Option<String>,
    pub method: Option<String>,
    pub carrier: Option<String>,
    pub tracking: Option<String>,
    pub currency: Currency,
    pub net: Option<i64>,
    pub tax: Option<i64>,
    pub total: Option<i64>,
    pub lines: Vec<Line>,
    pub taxes: Vec<Tax>,
    /// The deal that a quote is of, or that an order came of; its number is what it is called.
    pub deals: Vec<Related>,
    /// Quotes of a deal.
    pub quotes: Vec<Related>,
    /// Orders that an invoice bills, a shipment fulfils, or a deal became.
    pub orders: Vec<Related>,
    /// Shipments that fulfil an order.
    pub shipments: Vec<Related>,
    /// Invoices that bill an order.
    pub invoices: Vec<Related>,
    /// A payment's invoices, or an invoice's payments.
    pub allocations: Vec<Allocation>,
    pub occurred_at: Option<Timestamp>,
    pub received_at: Timestamp,
    /// How often the hub saw it change, counting from 1.
    pub seq: i64,
    pub deleted_at: Option<Timestamp>,
    pub run_id: Option<String>,
    pub run_number: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    pub number: i64,
    pub product_code: Option<String>,
    pub description: String,
    pub quantity: Option<String>,
    pub unit: Option<String>,
    pub unit_price: Option<String>,
    /// A shipment has no amounts.
    pub amount: Option<i64>,
    pub tax_rate: Option<String>,
}

/// Taxable amount and tax of one rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tax {
    pub rate: String,
    pub taxable: i64,
    pub tax: i64,
}

/// Another document; without an id when the hub does not have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Related {
    pub id: Option<String>,
    pub number: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Allocation {
    /// Invoice (on a payment) or payment (on an invoice).
    pub document: Related,
    /// Payment date, on an invoice.
    pub date: Option<String>,
    pub amount: i64,
}

/// All fields of one document of a customer; `None` for other ids. A step of a deal leads to the deal.
pub async fn event(db: &Db, seen: &InView, id: &str) -> Result<Option<Document>, StoreError> {
    let id = id.split_once('.').filter(|(deal, _)| deal.starts_with("dea_")).map_or(id, |(deal, _)| deal);
    let Some(head) = rows::head(db, seen, id).await? else { return Ok(None) };
    let (lines, pieces) = tokio::try_join!(rows::lines(db, &head), rows::pieces(db, seen, &head))?;
    Ok(Some(document(head, lines, pieces)))
}

/// A contract or an inquiry that was typed into the hub, in the transaction that typed it.
pub async fn typed(on: impl Into<On<'_>>, seen: &InView, id: &str) -> Result<Option<Document>, StoreError> {
    Ok(rows::typed(on, seen, id).await?.map(|head| document(head, Vec::new(), Vec::new())))
}

/// Documents of the kind whose ids begin with `prefix`, by id, without their lines and pieces.
pub async fn page(
    db: &Db,
    view: &View,
    prefix: &str,
    wanted: &Wanted<'_>,
    narrow: &Narrow<'_>,
) -> Result<Vec<Document>, StoreError> {
    let heads = pages::page(db, view, prefix, wanted, narrow).await?;
    Ok(heads.into_iter().map(|head| document(head, Vec::new(), Vec::new())).collect())
}

fn document(head: HeadRow, lines: Vec<LineRow>, pieces: Vec<PieceRow>) -> Document {
    let mut document = Document {
        kind: match head.kind.as_str() {
            "order" => Kind::Order,
            "shipment" => Kind::Shipment,
            "payment" => Kind::Payment,
            "credit_note" => Kind::CreditNote,
            "deal" => Kind::Deal,
            "quote" => Kind::Quote,
            "contract" => Kind::Contract,
            "inquiry" => Kind::Inquiry,
            _ => Kind::Invoice,
        },
        source: Source {
            name: head.source_name.unwrap_or_default(),
            kind: head
                .source_kind
                .unwrap_or_else(|| if head.connection_id.is_some() { "generic" } else { "hub" }.to_owned()),
            connection_id: head.connection_id,
        },
        id: head.id,
        customer_id: head.customer_id,
        external_id: head.external_id,
        number: head.number,
        date: head.date,
        delivery_date: head.delivery_date,
        closing_date: head.closing_date,
        due_date: head.due_date,
        valid_until: head.valid_until,
        expected_date: head.expected_date,
        closed_date: head.closed_date,
        end_date: head.end_date,
        status: head.status,
        stage: head.stage,
        probability: head.probability,
        reason: head.reason,
        owner: head.owner,
        renewal: head.renewal,
        channel: head.channel,
        answered_at: head.answered_at.map(Timestamp),
        note: head.note,
        subject: head.subject,
        bill_to: head.bill_to.map(|id| (id, head.bill_to_name.unwrap_or_default())),
        ship_to_id: head.ship_to,
        ship_to: head.ship_to_name,
        corrects: head.corrects,
        registration_number: head.registration_number,
        method: head.method,
        carrier: head.carrier,
        tracking: head.tracking,
        currency: head.currency.as_deref().and_then(|c| c.parse().ok()).unwrap_or(Currency::JPY),
        net: head.net_minor,
        tax: head.tax_minor,
        total: head.total_minor,
        lines: lines.into_iter().map(line).collect(),
        taxes: Vec::new(),
        deals: Vec::new(),
        quotes: Vec::new(),
        orders: Vec::new(),
        shipments: Vec::new(),
        invoices: Vec::new(),
        allocations: Vec::new(),
        occurred_at: head.occurred_at.map(Timestamp),
        received_at: Timestamp(head.received_at),
        seq: head.seq,
        deleted_at: head.deleted_at.map(Timestamp),
        run_id: head.run_id,
        run_number: head.run_number,
    };
    for piece in pieces {
        let PieceRow { part, id, text, date, first, second } = piece;
        match part.as_str() {
            "tax" => document.taxes.push(Tax { rate: text, taxable: first, tax: second }),
            "deal" => document.deals.push(Related { id, number: text }),
            "quote" => document.quotes.push(Related { id, number: text }),
            "order" => document.orders.push(Related { id, number: text }),
            "shipment" => document.shipments.push(Related { id, number: text }),
            "invoice" => document.invoices.push(Related { id, number: text }),
            _ => document.allocations.push(Allocation { document: Related { id, number: text }, date, amount: first }),
        }
    }
    document
}

fn line(row: LineRow) -> Line {
    let LineRow { line_no, product_code, description, quantity, unit, unit_price, amount_minor, tax_rate } = row;
    Line { number: line_no, product_code, description, quantity, unit, unit_price, amount: amount_minor, tax_rate }
}

/// Shorter texts start too many numbers to be worth a list.
const SHORTEST: usize = 3;

/// Documents of a kind whose number is, or starts with, the text; exact ones first, then the newest.
pub async fn by_number(
    db: &Db,
    view: &View,
    of: &Numbered,
    text: &str,
    limit: usize,
) -> Result<Vec<Found>, StoreError> {
    let typed: String = text.nfkc().filter(|c| !c.is_whitespace()).collect();
    let upper = typed.to_uppercase();
    if typed.chars().count() < SHORTEST || typed.contains('\0') || limit == 0 {
        return Ok(Vec::new());
    }
    // Deleted documents take up places, so ask for more than is shown.
    let ask = limit.saturating_mul(4).min(200) as i64;
    let mut found = find::from_number(db, view, of, &typed, ask).await?;
    if upper != typed {
        found.extend(find::from_number(db, view, of, &upper, ask).await?);
    }
    found.retain(|f| f.number.starts_with(&typed) || f.number.starts_with(&upper));
    best_first(&mut found, text, limit);
    Ok(found)
}

/// Whether a number is the text, written in another width or case.
#[must_use]
pub fn is_exactly(number: &str, text: &str) -> bool {
    let plain = |text: &str| text.nfkc().filter(|c| !c.is_whitespace()).collect::<String>().to_uppercase();
    plain(number) == plain(text)
}

fn best_first(found: &mut Vec<Found>, text: &str, limit: usize) {
    let exact = |f: &Found| is_exactly(&f.number, text);
    found.sort_by(|a, b| exact(b).cmp(&exact(a)).then_with(|| b.date.cmp(&a.date)).then_with(|| a.id.cmp(&b.id)));
    found.dedup_by(|a, b| a.id == b.id);
    found.truncate(limit);
}

/// Orders, quotes, shipments and invoices by number, together.
pub async fn search_documents(db: &Db, view: &View, text: &str, limit: usize) -> Result<Vec<Found>, StoreError> {
    let (mut found, invoices, shipments, quotes) = tokio::try_join!(
        by_number(db, view, &find::ORDERS, text, limit),
        by_number(db, view, &find::INVOICES, text, limit),
        by_number(db, view, &find::SHIPMENTS, text, limit),
        by_number(db, view, &find::QUOTES, text, limit)
    )?;
    found.extend(invoices.into_iter().chain(shipments).chain(quotes));
    best_first(&mut found, text, limit);
    Ok(found)
}
