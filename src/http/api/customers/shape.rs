//! Customers and their documents as JSON. What pages show in words stands here as codes; amounts are whole
//! minor units of the currency beside them.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    analytics::{
        customer::{Basis, Contact, Figures, Overview, Site, Source},
        directory::Entry,
        timeline::{Detail, Event, Kind},
    },
    model::{Currency, custom::Definitions, view::Shown},
};

/// A customer in a list.
#[derive(Serialize)]
pub struct Listed {
    id: String,
    code: Option<String>,
    name: String,
    name_kana: Option<String>,
    city: Option<String>,
    industry: Option<String>,
    department: Option<String>,
    owner: Option<String>,
    sample: bool,
    health: &'static str,
    currency: Currency,
    sales_12m: i64,
    overdue: i64,
    last_order: Option<String>,
    last_contact: Option<String>,
}

pub fn listed(entry: Entry) -> Listed {
    Listed {
        id: entry.id,
        code: entry.code,
        name: entry.name,
        name_kana: entry.name_kana,
        city: entry.city,
        industry: entry.industry,
        department: entry.department,
        owner: entry.owner,
        sample: entry.sample,
        health: entry.health.as_str(),
        currency: entry.currency,
        sales_12m: entry.sales_12m,
        overdue: entry.overdue,
        last_order: entry.last_order,
        last_contact: entry.last_contact,
    }
}

/// One customer: the golden record with its sites, contacts and figures.
#[derive(Serialize)]
pub struct Customer {
    id: String,
    /// Changes with every change of the record; the ETag is this number in quotes.
    version: i64,
    /// `corporation` or `person`.
    kind: String,
    code: Option<String>,
    name: String,
    name_kana: Option<String>,
    corporate_number: Option<String>,
    registration_number: Option<String>,
    phone: Option<String>,
    mail: Option<String>,
    postal_code: Option<String>,
    address: Option<String>,
    city: Option<String>,
    industry: Option<String>,
    department: Option<String>,
    owner: Option<String>,
    closing_day: Option<String>,
    payment_terms: Option<String>,
    /// Decimal text in whole units of the currency.
    credit_limit: Option<String>,
    price_class: Option<String>,
    /// Fields that the administrator added, by key, null without a value; retired ones are not there.
    custom: Map<String, Value>,
    /// What sources said for those and could not be taken.
    warnings: Vec<Warning>,
    sample: bool,
    sites: Vec<Site>,
    contacts: Vec<Contact>,
    figures: Numbers,
    /// Fields that have a value which the role of the token's owner does not see.
    hidden: Vec<String>,
}

#[derive(Serialize)]
struct Warning {
    /// `custom.KEY`
    field: String,
    /// As the source said it.
    value: String,
    code: String,
    source: KeptBy,
}

#[derive(Serialize)]
struct Numbers {
    currency: Currency,
    basis: Basis,
    sales_12m: i64,
    sales_prev_12m: i64,
    orders_12m: i64,
    order_average: Option<i64>,
    receivable: i64,
    overdue: i64,
    sales_total: i64,
    first_order: Option<String>,
    last_contact: Option<String>,
    health: &'static str,
}

pub fn customer(overview: Overview, fields: &Definitions) -> Customer {
    let hidden = overview.master.iter().filter(|value| value.value.is_hidden());
    let hidden = hidden.map(|value| value.field.clone()).collect();
    let clear = overview.master.into_iter().filter_map(|value| match value.value {
        Shown::Clear(text) => Some((value.field, text)),
        Shown::Hidden => None,
    });
    let mut values: HashMap<String, String> = clear.collect();
    let mut value = |field: &str| values.remove(field);
    Customer {
        corporate_number: value("corporate_number"),
        registration_number: value("registration_number"),
        phone: value("phone"),
        mail: value("mail"),
        postal_code: value("postal_code"),
        address: value("address"),
        closing_day: value("closing_day"),
        payment_terms: value("payment_terms"),
        credit_limit: value("credit_limit"),
        price_class: value("price_class"),
        custom: fields
            .living()
            .map(|one| (one.key.clone(), value(&one.field()).map_or(Value::Null, |text| one.json(&text))))
            .collect(),
        warnings: overview
            .warnings
            .into_iter()
            .map(|w| Warning { field: w.field, value: w.value, code: w.code, source: kept_by(w.source) })
            .collect(),
        version: overview.seq,
        id: overview.id,
        kind: overview.kind,
        code: overview.code,
        name: overview.name,
        name_kana: overview.name_kana,
        city: overview.city,
        industry: overview.industry,
        department: overview.department,
        owner: overview.owner,
        sample: overview.sample,
        sites: overview.sites,
        contacts: overview.contacts,
        figures: numbers(overview.figures),
        hidden,
    }
}

fn numbers(figures: Figures) -> Numbers {
    Numbers {
        currency: figures.currency,
        basis: figures.basis,
        sales_12m: figures.sales_12m,
        sales_prev_12m: figures.sales_prev_12m,
        orders_12m: figures.orders_12m,
        order_average: figures.order_average,
        receivable: figures.receivable,
        overdue: figures.overdue,
        sales_total: figures.ltv,
        first_order: figures.first_order,
        last_contact: figures.last_contact,
        health: figures.health.as_str(),
    }
}

/// Where a document is kept.
#[derive(Serialize)]
struct KeptBy {
    connection_id: Option<String>,
    name: String,
}

fn kept_by(source: Source) -> KeptBy {
    KeptBy { connection_id: source.connection_id, name: source.name }
}

/// One order.
#[derive(Serialize)]
pub struct Order {
    id: String,
    number: String,
    order_date: String,
    delivery_date: Option<String>,
    status: String,
    /// With tax, as the source rounded it.
    total: Option<i64>,
    currency: Currency,
    source: KeptBy,
}

/// `None`: something else, which the caller did not ask for.
pub fn order(event: Event) -> Option<Order> {
    let Detail::Order { delivery_date, status, .. } = event.detail else { return None };
    Some(Order {
        id: event.id,
        number: event.title,
        order_date: event.date,
        delivery_date,
        status,
        total: event.amount,
        currency: event.currency,
        source: kept_by(event.source),
    })
}

/// One invoice or credit note.
#[derive(Serialize)]
pub struct Invoice {
    id: String,
    /// `invoice` or `credit_note`; the total of a credit note is negative.
    kind: &'static str,
    number: String,
    issue_date: String,
    closing_date: Option<String>,
    due_date: Option<String>,
    status: String,
    /// Number of the invoice that a credit note corrects.
    corrects: Option<String>,
    total: Option<i64>,
    currency: Currency,
    source: KeptBy,
}

/// `None`: something else, which the caller did not ask for.
pub fn invoice(event: Event) -> Option<Invoice> {
    let Detail::Invoice { closing_date, due_date, status, corrects, .. } = event.detail else { return None };
    let credit = event.kind == Kind::CreditNote;
    Some(Invoice {
        id: event.id,
        kind: if credit { "credit_note" } else { "invoice" },
        number: event.title,
        issue_date: event.date,
        closing_date,
        due_date,
        status,
        corrects,
        total: event.amount.map(|total| if credit { -total.abs() } else { total }),
        currency: event.currency,
        source: kept_by(event.source),
    })
}
