//! Customers and their documents as JSON. What pages show in words stands here as codes; amounts are whole
//! minor units of the currency beside them.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{
    analytics::{
        customer::{self, Basis, Figures, Overview, Source},
        directory::Entry,
        timeline::{Detail, Event, Kind},
    },
    http::api::kind::{Day, Instant, Maskable, Money},
    model::{custom::Definitions, view::Shown},
};

/// A customer in a list.
#[derive(Serialize, ToSchema)]
#[schema(as = CustomerSummary)]
pub struct Listed {
    id: String,
    code: Option<String>,
    name: String,
    name_kana: Option<String>,
    city: Option<String>,
    industry: Option<String>,
    department: Option<String>,
    owner: Option<String>,
    /// `prospect` (見込み客) or `customer`.
    life_stage: &'static str,
    /// Where a prospect came from (獲得元), and when.
    lead_source: Option<String>,
    lead_date: Option<Day>,
    sample: bool,
    health: &'static str,
    currency: Money,
    sales_12m: i64,
    overdue: i64,
    last_order: Option<Day>,
    last_contact: Option<Day>,
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
        life_stage: if entry.prospect { "prospect" } else { "customer" },
        lead_source: entry.lead_source,
        lead_date: entry.lead_date.map(Day),
        sample: entry.sample,
        health: entry.health.as_str(),
        currency: entry.currency.into(),
        sales_12m: entry.sales_12m,
        overdue: entry.overdue,
        last_order: entry.last_order.map(Day),
        last_contact: entry.last_contact.map(Day),
    }
}

/// One customer: the golden record with its sites, contacts and figures.
#[derive(Serialize, ToSchema)]
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
    /// `prospect` (見込み客) or `customer`; null: nobody says, so it is a customer.
    life_stage: Option<String>,
    /// Where a prospect came from (獲得元).
    lead_source: Option<String>,
    lead_date: Option<Day>,
    /// When the prospect became a customer.
    converted_at: Option<Instant>,
    /// Fields that the administrator added, by key, null without a value; retired ones are not there.
    #[schema(value_type = Object)]
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

/// A place of the customer.
#[derive(Serialize, ToSchema)]
#[schema(as = CustomerSite)]
pub struct Site {
    id: String,
    name: String,
    /// The source's own code of the place.
    code: Option<String>,
    /// `ship_to`, `bill_to` or `both`.
    role: String,
    address: Option<Maskable>,
    phone: Option<Maskable>,
}

pub fn site(site: customer::Site) -> Site {
    let customer::Site { id, name, code, role, address, phone } = site;
    Site { id, name, code, role, address: address.map(Into::into), phone: phone.map(Into::into) }
}

/// A person at the customer.
#[derive(Serialize, ToSchema)]
#[schema(as = CustomerContact)]
pub struct Contact {
    id: String,
    name: String,
    department: Option<String>,
    title: Option<String>,
    mail: Option<Maskable>,
    phone: Option<Maskable>,
}

pub fn contact(contact: customer::Contact) -> Contact {
    let customer::Contact { id, name, department, title, mail, phone } = contact;
    Contact { id, name, department, title, mail: mail.map(Into::into), phone: phone.map(Into::into) }
}

/// What a source said for an added field and could not be taken.
#[derive(Serialize, ToSchema)]
#[schema(as = CustomerWarning)]
struct Warning {
    /// `custom.KEY`
    field: String,
    /// As the source said it.
    value: String,
    /// Why: a stable code.
    code: String,
    source: KeptBy,
}

/// Figures of a customer, in minor units of `currency`.
#[derive(Serialize, ToSchema)]
#[schema(as = Figures)]
struct Numbers {
    currency: Money,
    /// What sales are made of: `invoiced`, or `ordered` where no system sends invoices.
    basis: &'static str,
    sales_12m: i64,
    sales_prev_12m: i64,
    orders_12m: i64,
    order_average: Option<i64>,
    receivable: i64,
    overdue: i64,
    sales_total: i64,
    first_order: Option<Day>,
    last_contact: Option<Day>,
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
        life_stage: value("life_stage"),
        lead_source: value("lead_source"),
        lead_date: value("lead_date").map(Day),
        converted_at: overview.converted_at.map(Into::into),
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
        sites: overview.sites.into_iter().map(site).collect(),
        contacts: overview.contacts.into_iter().map(contact).collect(),
        figures: numbers(overview.figures),
        hidden,
    }
}

fn numbers(figures: Figures) -> Numbers {
    Numbers {
        currency: figures.currency.into(),
        basis: match figures.basis {
            Basis::Invoiced => "invoiced",
            Basis::Ordered => "ordered",
        },
        sales_12m: figures.sales_12m,
        sales_prev_12m: figures.sales_prev_12m,
        orders_12m: figures.orders_12m,
        order_average: figures.order_average,
        receivable: figures.receivable,
        overdue: figures.overdue,
        sales_total: figures.ltv,
        first_order: figures.first_order.map(Day),
        last_contact: figures.last_contact.map(Day),
        health: figures.health.as_str(),
    }
}

/// Where a document is kept.
#[derive(Serialize, ToSchema)]
struct KeptBy {
    connection_id: Option<String>,
    name: String,
}

fn kept_by(source: Source) -> KeptBy {
    KeptBy { connection_id: source.connection_id, name: source.name }
}

/// One order.
#[derive(Serialize, ToSchema)]
#[schema(as = CustomerOrder)]
pub struct Order {
    id: String,
    number: String,
    order_date: Day,
    delivery_date: Option<Day>,
    status: String,
    /// With tax, as the source rounded it.
    total: Option<i64>,
    currency: Money,
    source: KeptBy,
}

/// `None`: something else, which the caller did not ask for.
pub fn order(event: Event) -> Option<Order> {
    let Detail::Order { delivery_date, status, .. } = event.detail else { return None };
    Some(Order {
        id: event.id,
        number: event.title,
        order_date: Day(event.date),
        delivery_date: delivery_date.map(Day),
        status,
        total: event.amount,
        currency: event.currency.into(),
        source: kept_by(event.source),
    })
}

/// One invoice or credit note.
#[derive(Serialize, ToSchema)]
#[schema(as = CustomerInvoice)]
pub struct Invoice {
    id: String,
    /// `invoice` or `credit_note`; the total of a credit note is negative.
    kind: &'static str,
    number: String,
    issue_date: Day,
    closing_date: Option<Day>,
    due_date: Option<Day>,
    status: String,
    /// Number of the invoice that a credit note corrects.
    corrects: Option<String>,
    total: Option<i64>,
    currency: Money,
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
        issue_date: Day(event.date),
        closing_date: closing_date.map(Day),
        due_date: due_date.map(Day),
        status,
        corrects,
        total: event.amount.map(|total| if credit { -total.abs() } else { total }),
        currency: event.currency.into(),
        source: kept_by(event.source),
    })
}
