//! The hub's records and the fields a mapping may fill.
//!
//! Invariant: a field that is not listed here cannot be mapped; the manifest is refused at load.
//! To add a field: one line in its table, and the hub's record of the same name.

use serde::{Deserialize, Serialize};

/// What kind of hub record a stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Noun {
    Customer,
    Site,
    Contact,
    Product,
    Order,
    Shipment,
    Invoice,
    Payment,
}

/// What a field holds once mapped. Whatever transforms a manifest lists, the value ends in this form.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FieldKind {
    Text,
    /// Canonical decimal text: `-1234.50`.
    Decimal,
    /// `YYYY-MM-DD`.
    Date,
    /// RFC 3339 in UTC.
    Instant,
    OneOf(&'static [&'static str]),
    /// A list of objects.
    Lines(&'static [Field]),
    /// A list of texts.
    Texts,
}

/// One field of a hub record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    pub name: &'static str,
    pub kind: FieldKind,
    pub required: bool,
}

const fn req(name: &'static str, kind: FieldKind) -> Field {
    Field { name, kind, required: true }
}

const fn opt(name: &'static str, kind: FieldKind) -> Field {
    Field { name, kind, required: false }
}

const fn text(name: &'static str) -> Field {
    opt(name, FieldKind::Text)
}

use FieldKind::{Date, Decimal, Instant, Lines, OneOf, Text, Texts};

const CUSTOMER: &[Field] = &[
    req("name", Text),
    text("name_kana"),
    opt("kind", OneOf(&["corporation", "person"])),
    text("code"),
    text("corporate_number"),
    text("registration_number"),
    text("phone"),
    text("mail"),
    text("postal_code"),
    text("address"),
    text("industry"),
    text("department"),
    text("owner"),
    text("closing_day"),
    text("payment_terms"),
    opt("credit_limit", Decimal),
    text("currency"),
    text("price_class"),
    text("link_code"),
    text("hub_id"),
];

/// What stands before the key of a customer's field that the hub's administrator defines: `custom.KEY`. Mappings
/// may fill it; the hub checks its form, and keeps what does not fit as a warning.
pub const CUSTOM: &str = "custom.";

/// Such a field, as far as a mapping knows it.
pub static ANY_CUSTOM: Field = text("custom.");

const SITE: &[Field] = &[
    req("customer", Text),
    req("name", Text),
    text("code"),
    opt("role", OneOf(&["ship_to", "bill_to", "both"])),
    text("postal_code"),
    text("address"),
    text("phone"),
    text("closing_day"),
    text("owner"),
];

const CONTACT: &[Field] = &[
    req("customer", Text),
    req("name", Text),
    text("name_kana"),
    text("department"),
    text("title"),
    text("mail"),
    text("phone"),
];

/// What is sold. It belongs to no customer; lines of documents name it by its code.
const PRODUCT: &[Field] = &[
    req("code", Text),
    req("name", Text),
    text("unit"),
    opt("price", Decimal),
    text("currency"),
    opt("active", OneOf(&["true", "false"])),
];

/// A line with a product code needs no description: it shows the product's name.
const ORDER_LINES: &[Field] = &[
    text("product_code"),
    text("description"),
    req("quantity", Decimal),
    text("unit"),
    opt("unit_price", Decimal),
    req("amount", Decimal),
    opt("tax_rate", Decimal),
];

const ORDER: &[Field] = &[
    req("customer", Text),
    req("number", Text),
    req("order_date", Date),
    opt("delivery_date", Date),
    opt("status", OneOf(&["open", "shipped", "closed", "cancelled"])),
    text("subject"),
    text("bill_to"),
    text("ship_to"),
    text("currency"),
    opt("net", Decimal),
    opt("tax", Decimal),
    req("total", Decimal),
    opt("occurred_at", Instant),
    opt("lines", Lines(ORDER_LINES)),
];

const SHIPMENT_LINES: &[Field] = &[text("product_code"), text("description"), req("quantity", Decimal), text("unit")];

/// Goods on their way to a customer: `ship_date` is the day they left, or shall leave.
const SHIPMENT: &[Field] = &[
    req("customer", Text),
    req("number", Text),
    req("ship_date", Date),
    opt("status", OneOf(&["shipped", "planned", "cancelled"])),
    text("carrier"),
    text("tracking"),
    text("ship_to"),
    text("subject"),
    opt("orders", Texts),
    opt("occurred_at", Instant),
    opt("lines", Lines(SHIPMENT_LINES)),
];

const INVOICE_LINES: &[Field] = &[
    text("product_code"),
    text("description"),
    opt("quantity", Decimal),
    text("unit"),
    opt("unit_price", Decimal),
    req("amount", Decimal),
    opt("tax_rate", Decimal),
];

const INVOICE_TAXES: &[Field] = &[req("rate", Decimal), req("taxable", Decimal), req("tax", Decimal)];

const INVOICE: &[Field] = &[
    req("customer", Text),
    req("number", Text),
    opt("kind", OneOf(&["invoice", "credit_note"])),
    text("corrects"),
    req("issue_date", Date),
    opt("closing_date", Date),
    opt("due_date", Date),
    opt("status", OneOf(&["open", "paid", "cancelled"])),
    text("registration_number"),
    text("currency"),
    opt("net", Decimal),
    opt("tax", Decimal),
    req("total", Decimal),
    opt("occurred_at", Instant),
    opt("lines", Lines(INVOICE_LINES)),
    opt("taxes", Lines(INVOICE_TAXES)),
    opt("orders", Texts),
];

const ALLOCATIONS: &[Field] = &[req("invoice", Text), req("amount", Decimal)];

const PAYMENT: &[Field] = &[
    req("customer", Text),
    text("number"),
    req("paid_date", Date),
    text("method"),
    text("currency"),
    req("amount", Decimal),
    opt("occurred_at", Instant),
    opt("allocations", Lines(ALLOCATIONS)),
];

impl Noun {
    pub const ALL: [Self; 8] = [
        Self::Customer,
        Self::Site,
        Self::Contact,
        Self::Product,
        Self::Order,
        Self::Shipment,
        Self::Invoice,
        Self::Payment,
    ];

    /// As written in manifests.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Site => "site",
            Self::Contact => "contact",
            Self::Product => "product",
            Self::Order => "order",
            Self::Shipment => "shipment",
            Self::Invoice => "invoice",
            Self::Payment => "payment",
        }
    }

    #[must_use]
    pub fn fields(self) -> &'static [Field] {
        match self {
            Self::Customer => CUSTOMER,
            Self::Site => SITE,
            Self::Contact => CONTACT,
            Self::Product => PRODUCT,
            Self::Order => ORDER,
            Self::Shipment => SHIPMENT,
            Self::Invoice => INVOICE,
            Self::Payment => PAYMENT,
        }
    }
}
