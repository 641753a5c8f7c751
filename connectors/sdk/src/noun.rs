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
    Deal,
    Quote,
    Order,
    Shipment,
    Invoice,
    Payment,
    Contract,
    Inquiry,
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
    opt("life_stage", OneOf(&["customer", "prospect"])),
    text("lead_source"),
    opt("lead_date", Date),
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

/// Business that may come of a customer: `stage` in the source's own words, `status` in the hub's. `order` is the
/// number of the order that it became.
const DEAL: &[Field] = &[
    req("customer", Text),
    req("name", Text),
    text("number"),
    text("stage"),
    opt("status", OneOf(&["open", "won", "lost"])),
    text("currency"),
    opt("amount", Decimal),
    opt("probability", Decimal),
    opt("opened_date", Date),
    opt("expected_date", Date),
    opt("closed_date", Date),
    text("reason"),
    text("owner"),
    text("order"),
    opt("occurred_at", Instant),
];

/// What was offered to a customer. `deal` is the key of the deal that it belongs to.
const QUOTE: &[Field] = &[
    req("customer", Text),
    req("number", Text),
    req("issue_date", Date),
    opt("valid_until", Date),
    opt("status", OneOf(&["sent", "draft", "accepted", "rejected", "expired"])),
    text("subject"),
    text("deal"),
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

/// What was agreed for a time. Without `end_date` it runs until somebody ends it.
const CONTRACT: &[Field] = &[
    req("customer", Text),
    req("number", Text),
    req("name", Text),
    req("start_date", Date),
    opt("end_date", Date),
    opt("renewal", OneOf(&["manual", "automatic", "none"])),
    opt("status", OneOf(&["active", "draft", "ended", "cancelled"])),
    text("currency"),
    opt("amount", Decimal),
    text("note"),
    opt("occurred_at", Instant),
];

/// Something that a customer asked.
const INQUIRY: &[Field] = &[
    req("customer", Text),
    text("number"),
    req("received_date", Date),
    opt("channel", OneOf(&["other", "phone", "mail", "web", "chat", "visit"])),
    req("subject", Text),
    text("note"),
    opt("status", OneOf(&["open", "answered", "closed"])),
    opt("answered_at", Instant),
    text("owner"),
    opt("occurred_at", Instant),
];

impl Noun {
    pub const ALL: [Self; 12] = [
        Self::Customer,
        Self::Site,
        Self::Contact,
        Self::Product,
        Self::Deal,
        Self::Quote,
        Self::Order,
        Self::Shipment,
        Self::Invoice,
        Self::Payment,
        Self::Contract,
        Self::Inquiry,
    ];

    /// As written in manifests.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Site => "site",
            Self::Contact => "contact",
            Self::Product => "product",
            Self::Deal => "deal",
            Self::Quote => "quote",
            Self::Order => "order",
            Self::Shipment => "shipment",
            Self::Invoice => "invoice",
            Self::Payment => "payment",
            Self::Contract => "contract",
            Self::Inquiry => "inquiry",
        }
    }

    #[must_use]
    pub fn fields(self) -> &'static [Field] {
        match self {
            Self::Customer => CUSTOMER,
            Self::Site => SITE,
            Self::Contact => CONTACT,
            Self::Product => PRODUCT,
            Self::Deal => DEAL,
            Self::Quote => QUOTE,
            Self::Order => ORDER,
            Self::Shipment => SHIPMENT,
            Self::Invoice => INVOICE,
            Self::Payment => PAYMENT,
            Self::Contract => CONTRACT,
            Self::Inquiry => INQUIRY,
        }
    }
}
