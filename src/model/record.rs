//! Canonical records: what a mapping yields, checked and typed.
//!
//! A mapping turns a source's JSON into an object with the hub's field names; [`Canonical::read`]
//! turns that object into a typed record or into the list of fields that cannot be taken, each with
//! a stable code. Amounts become minor units here, dates calendar dates.

use serde_json::{Map, Value};

use super::{Currency, Date, custom};

mod reader;
mod sales;

use reader::Reader;
pub use sales::{Contract, Deal, Inquiry, Quote};

/// A record of one of the hub's nouns.
#[derive(Clone, PartialEq)]
pub enum Canonical {
    Customer(Box<CustomerFields>),
    Site(Box<Site>),
    Contact(Box<Contact>),
    Product(Box<Product>),
    Deal(Box<Deal>),
    Quote(Box<Quote>),
    Order(Box<Order>),
    Shipment(Box<Shipment>),
    Invoice(Box<Invoice>),
    Payment(Box<Payment>),
    Contract(Box<Contract>),
    Inquiry(Box<Inquiry>),
}

/// The nouns a stream can carry, in the order in which they are pulled: a record comes after what
/// it refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Customer,
    Site,
    Contact,
    Product,
    Deal,
    Quote,
    Order,
    Shipment,
    Invoice,
    Payment,
    Contract,
    Inquiry,
}

/// A field that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    pub code: &'static str,
    pub field: String,
    pub value: String,
}

/// Values of a customer as one source has them. All text, because survivorship picks per field.
#[derive(Clone, PartialEq, Default)]
pub struct CustomerFields {
    pub person: bool,
    /// (field, value) in the order of [`CUSTOMER_FIELDS`], non-empty values only.
    pub values: Vec<(&'static str, String)>,
    /// (`custom.KEY`, value) as the source wrote it: only the definition knows its form.
    pub custom: Vec<(String, String)>,
    pub link_code: Option<String>,
    /// The hub's own id of the customer, where the hub made the record there.
    pub hub_id: Option<String>,
    pub currency: Option<Currency>,
}

/// Fields of the customer master that a source can fill.
pub const CUSTOMER_FIELDS: [&str; 19] = [
    "name",
    "name_kana",
    "code",
    "corporate_number",
    "registration_number",
    "phone",
    "mail",
    "postal_code",
    "address",
    "industry",
    "department",
    "owner",
    "closing_day",
    "payment_terms",
    "credit_limit",
    "price_class",
    "life_stage",
    "lead_source",
    "lead_date",
];

/// Of a customer of whom nobody ordered yet; anything else, also nothing, is a customer.
pub const PROSPECT: &str = "prospect";

/// What a life-cycle stage can be.
pub const LIFE_STAGES: [&str; 2] = [PROSPECT, "customer"];

impl CustomerFields {
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&str> {
        if field.starts_with(custom::PREFIX) {
            return self.custom.iter().find(|(name, _)| name == field).map(|(_, value)| value.as_str());
        }
        self.values.iter().find(|(name, _)| *name == field).map(|(_, value)| value.as_str())
    }
}

#[derive(Clone, PartialEq)]
pub struct Site {
    pub customer: String,
    pub name: String,
    pub code: Option<String>,
    pub role: String,
    pub postal_code: Option<String>,
    pub address: Option<String>,
    pub phone: Option<String>,
    pub closing_day: Option<String>,
    pub owner: Option<String>,
}

#[derive(Clone, PartialEq)]
pub struct Contact {
    pub customer: String,
    pub name: String,
    pub name_kana: Option<String>,
    pub department: Option<String>,
    pub title: Option<String>,
    pub mail: Option<String>,
    pub phone: Option<String>,
}

/// What is sold; of no customer.
#[derive(Clone, PartialEq)]
pub struct Product {
    pub code: String,
    pub name: String,
    pub unit: Option<String>,
    /// For one unit, decimal text.
    pub price: Option<String>,
    pub currency: Currency,
    pub active: bool,
}

#[derive(Clone, PartialEq)]
pub struct Line {
    pub product_code: Option<String>,
    /// Empty only beside a product code: the product's name stands for it.
    pub description: String,
    pub quantity: Option<String>,
    pub unit: Option<String>,
    pub unit_price: Option<String>,
    pub amount_minor: i64,
    pub tax_rate: Option<String>,
}

#[derive(Clone, PartialEq)]
pub struct Order {
    pub customer: String,
    pub number: String,
    pub order_date: Date,
    pub delivery_date: Option<Date>,
    pub status: String,
    pub subject: Option<String>,
    pub bill_to: Option<String>,
    pub ship_to: Option<String>,
    pub currency: Currency,
    pub net_minor: i64,
    pub tax_minor: i64,
    pub total_minor: i64,
    pub occurred_at: Option<i64>,
    pub lines: Vec<Line>,
}

#[derive(Clone, PartialEq)]
pub struct ShipmentLine {
    pub product_code: Option<String>,
    /// As [`Line::description`].
    pub description: String,
    pub quantity: String,
    pub unit: Option<String>,
}

#[derive(Clone, PartialEq)]
pub struct Shipment {
    pub customer: String,
    pub number: String,
    /// When the goods left, or shall leave.
    pub ship_date: Date,
    pub status: String,
    pub carrier: Option<String>,
    pub tracking: Option<String>,
    pub ship_to: Option<String>,
    pub subject: Option<String>,
    /// Numbers of the orders that it fulfils, or a part of them.
    pub orders: Vec<String>,
    pub occurred_at: Option<i64>,
    pub lines: Vec<ShipmentLine>,
}

#[derive(Clone, PartialEq)]
pub struct TaxLine {
    pub rate: String,
    pub taxable_minor: i64,
    pub tax_minor: i64,
}

#[derive(Clone, PartialEq)]
pub struct Invoice {
    pub customer: String,
    pub number: String,
    pub kind: String,
    pub corrects: Option<String>,
    pub issue_date: Date,
    pub closing_date: Option<Date>,
    pub due_date: Option<Date>,
    pub status: String,
    pub registration_number: Option<String>,
    pub currency: Currency,
    pub net_minor: i64,
    pub tax_minor: i64,
    pub total_minor: i64,
    pub occurred_at: Option<i64>,
    pub lines: Vec<Line>,
    pub taxes: Vec<TaxLine>,
    pub orders: Vec<String>,
}

#[derive(Clone, PartialEq)]
pub struct Payment {
    pub customer: String,
    pub number: Option<String>,
    pub paid_date: Date,
    pub method: Option<String>,
    pub currency: Currency,
    pub amount_minor: i64,
    pub occurred_at: Option<i64>,
    pub allocations: Vec<(String, i64)>,
}

impl Canonical {
    /// Types a mapped object. `default_currency` is the organisation's.
    pub fn read(kind: Kind, map: &Map<String, Value>, default_currency: Currency) -> Result<Self, Vec<FieldError>> {
        let mut r = Reader::new(map);
        let record = match kind {
            Kind::Customer => Self::Customer(Box::new(r.customer())),
            Kind::Site => Self::Site(Box::new(r.site())),
            Kind::Contact => Self::Contact(Box::new(r.contact())),
            Kind::Product => Self::Product(Box::new(r.product(default_currency))),
            Kind::Deal => Self::Deal(Box::new(r.deal(default_currency))),
            Kind::Quote => Self::Quote(Box::new(r.quote(default_currency))),
            Kind::Order => Self::Order(Box::new(r.order(default_currency))),
            Kind::Shipment => Self::Shipment(Box::new(r.shipment())),
            Kind::Invoice => Self::Invoice(Box::new(r.invoice(default_currency))),
            Kind::Payment => Self::Payment(Box::new(r.payment(default_currency))),
            Kind::Contract => Self::Contract(Box::new(r.contract(default_currency))),
            Kind::Inquiry => Self::Inquiry(Box::new(r.inquiry())),
        };
        if r.errors.is_empty() { Ok(record) } else { Err(r.errors) }
    }

    /// The key of the customer this record belongs to, in its own system; `None` for what belongs to
    /// none: customers and products.
    #[must_use]
    pub fn customer(&self) -> Option<&str> {
        match self {
            Self::Customer(_) | Self::Product(_) => None,
            Self::Site(r) => Some(&r.customer),
            Self::Contact(r) => Some(&r.customer),
            Self::Deal(r) => Some(&r.customer),
            Self::Quote(r) => Some(&r.customer),
            Self::Order(r) => Some(&r.customer),
            Self::Shipment(r) => Some(&r.customer),
            Self::Invoice(r) => Some(&r.customer),
            Self::Payment(r) => Some(&r.customer),
            Self::Contract(r) => Some(&r.customer),
            Self::Inquiry(r) => Some(&r.customer),
        }
    }

    /// Number or name, for lists of failures.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        match self {
            Self::Customer(r) => r.get("name"),
            Self::Site(r) => Some(&r.name),
            Self::Contact(r) => Some(&r.name),
            Self::Product(r) => Some(&r.name),
            Self::Deal(r) => Some(&r.name),
            Self::Quote(r) => Some(&r.number),
            Self::Order(r) => Some(&r.number),
            Self::Shipment(r) => Some(&r.number),
            Self::Invoice(r) => Some(&r.number),
            Self::Payment(r) => r.number.as_deref(),
            Self::Contract(r) => Some(&r.number),
            Self::Inquiry(r) => Some(&r.subject),
        }
    }
}

impl std::fmt::Debug for Canonical {
    /// Values are personal data and stay out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Customer(_) => "Customer(..)",
            Self::Site(_) => "Site(..)",
            Self::Contact(_) => "Contact(..)",
            Self::Product(_) => "Product(..)",
            Self::Deal(_) => "Deal(..)",
            Self::Quote(_) => "Quote(..)",
            Self::Order(_) => "Order(..)",
            Self::Shipment(_) => "Shipment(..)",
            Self::Invoice(_) => "Invoice(..)",
            Self::Payment(_) => "Payment(..)",
            Self::Contract(_) => "Contract(..)",
            Self::Inquiry(_) => "Inquiry(..)",
        })
    }
}

#[cfg(test)]
mod tests;
