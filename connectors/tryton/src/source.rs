//! Which of Tryton's models a stream reads, and which other models are part of its records.
//!
//! Invariant: a change of a part changes no date of the whole. So every part that a person can edit
//! on its own is listed here, with the field that leads back; its position is in the stream's cursor.
//! To add a stream: an entry in [`SOURCES`], its function in [`crate::shape`], its mapping.

use serde_json::{Map, Value};

use crate::{
    domain::{any, is},
    shape,
};

/// A model whose records are shown inside those of another.
pub(crate) struct Part {
    pub model: &'static str,
    /// The field of this model that leads to the whole, to several of them, or to records of several
    /// models, the whole's among them.
    pub whole: &'static str,
}

/// One stream.
pub(crate) struct Source {
    pub stream: &'static str,
    pub model: &'static str,
    pub parts: &'static [Part],
    /// Fields beside those that the mapping names, as dotted paths.
    pub fields: &'static [&'static str],
    /// Without these the records would come empty and look changed: their absence is a missing right.
    pub needed: &'static [(&'static str, &'static str)],
    /// The module that brings the model.
    pub module: &'static str,
    pub has_company: bool,
    pub domain: fn() -> Vec<Value>,
    /// What `shape` calls gone, as conditions that leave it out.
    pub living: fn() -> Vec<Value>,
    /// Adds what Tryton does not say in one field, under `hub`; `true`: the hub has no such record
    /// (any more).
    pub shape: fn(&mut Map<String, Value>) -> bool,
}

/// In the order of the mapping's nouns.
pub(crate) static SOURCES: [Source; 7] = [
    Source {
        stream: "customers",
        model: "party.party",
        module: "party",
        parts: &[
            Part { model: "party.address", whole: "party" },
            Part { model: "party.contact_mechanism", whole: "party" },
            Part { model: "party.identifier", whole: "party" },
        ],
        fields: &[
            "active",
            "replaced_by",
            "addresses.street",
            "addresses.postal_code",
            "addresses.city",
            "addresses.subdivision.name",
            "addresses.country.code",
            "addresses.invoice",
            "addresses.active",
            "addresses.write_date",
            "addresses.create_date",
            "contact_mechanisms.type",
            "contact_mechanisms.value",
            "contact_mechanisms.active",
            "contact_mechanisms.write_date",
            "contact_mechanisms.create_date",
            "identifiers.type",
            "identifiers.code_compact",
            "identifiers.active",
            "identifiers.write_date",
            "identifiers.create_date",
        ],
        needed: &[
            ("addresses", "party.address"),
            ("contact_mechanisms", "party.contact_mechanism"),
            ("identifiers", "party.identifier"),
        ],
        has_company: false,
        domain: Vec::new,
        living: Vec::new,
        shape: shape::party,
    },
    Source {
        stream: "sites",
        model: "party.address",
        module: "party",
        parts: &[Part { model: "party.contact_mechanism", whole: "address" }],
        fields: &[
            "active",
            "party.rec_name",
            "party_name",
            "attn",
            "street",
            "postal_code",
            "city",
            "subdivision.name",
            "country.code",
            "invoice",
            "delivery",
            "contact_mechanisms.type",
            "contact_mechanisms.value",
            "contact_mechanisms.active",
            "contact_mechanisms.write_date",
            "contact_mechanisms.create_date",
        ],
        needed: &[("party", "party.party"), ("contact_mechanisms", "party.contact_mechanism")],
        has_company: false,
        domain: Vec::new,
        living: || vec![is("active", "=", true)],
        shape: shape::address,
    },
    Source {
        stream: "products",
        model: "product.product",
        module: "product",
        // Name, unit and price are the template's.
        parts: &[Part { model: "product.template", whole: "products" }],
        fields: &[
            "active",
            "list_prices.list_price",
            "list_prices.company.currency.code",
            "template.active",
            "template.list_prices.list_price",
            "template.list_prices.product",
            "template.list_prices.company.currency.code",
            "template.write_date",
            "template.create_date",
        ],
        needed: &[("template", "product.template")],
        has_company: false,
        // By its code a line names it; without one nothing does.
        domain: || vec![is("code", "!=", Value::Null)],
        living: Vec::new,
        shape: shape::product,
    },
    Source {
        stream: "orders",
        model: "sale.sale",
        module: "sale",
        parts: &[Part { model: "sale.line", whole: "sale" }],
        fields: &[
            "state",
            "sale_date",
            "shipment_state",
            "line_lines.description",
            "line_lines.product.code",
            "line_lines.product.name",
            "line_lines.taxes.type",
            "line_lines.taxes.rate",
            "line_lines.write_date",
            "line_lines.create_date",
        ],
        needed: &[("party", "party.party"), ("line_lines", "sale.line"), ("currency", "currency.currency")],
        has_company: true,
        // A sale has its number from its quotation on; one without was never more than a draft.
        domain: || vec![is("number", "!=", Value::Null)],
        living: || {
            let dated = any(vec![is("state", "!=", "cancelled"), is("sale_date", "!=", Value::Null)]);
            vec![is("state", "not in", vec!["draft", "quotation"]), dated]
        },
        shape: shape::sale,
    },
    Source {
        stream: "shipments",
        model: "stock.shipment.out",
        module: "stock",
        parts: &[Part { model: "stock.move", whole: "shipment" }],
        fields: &[
            "state",
            "effective_date",
            "planned_date",
            "outgoing_moves.state",
            "outgoing_moves.product.code",
            "outgoing_moves.product.name",
            "outgoing_moves.write_date",
            "outgoing_moves.create_date",
        ],
        needed: &[("customer", "party.party"), ("outgoing_moves", "stock.move")],
        has_company: true,
        // The number comes when it begins to wait for its goods.
        domain: || vec![is("number", "!=", Value::Null)],
        living: || {
            let dated = any(vec![is("effective_date", "!=", Value::Null), is("planned_date", "!=", Value::Null)]);
            vec![is("state", "!=", "draft"), dated]
        },
        shape: shape::shipment,
    },
    Source {
        stream: "invoices",
        model: "account.invoice",
        module: "account_invoice",
        parts: &[
            Part { model: "account.invoice.line", whole: "invoice" },
            Part { model: "account.invoice.tax", whole: "invoice" },
        ],
        fields: &[
            "state",
            "untaxed_amount",
            "tax_amount",
            "total_amount",
            "lines_to_pay.maturity_date",
            "line_lines.description",
            "line_lines.product.code",
            "line_lines.product.name",
            "line_lines.quantity",
            "line_lines.amount",
            "line_lines.taxes.type",
            "line_lines.taxes.rate",
            "line_lines.write_date",
            "line_lines.create_date",
            "taxes.base",
            "taxes.amount",
            "taxes.tax.type",
            "taxes.tax.rate",
            "taxes.write_date",
            "taxes.create_date",
        ],
        needed: &[
            ("party", "party.party"),
            ("line_lines", "account.invoice.line"),
            ("taxes", "account.invoice.tax"),
            ("currency", "currency.currency"),
        ],
        has_company: true,
        // The number comes with posting.
        domain: || vec![is("type", "=", "out"), is("number", "!=", Value::Null)],
        living: || vec![is("state", "not in", vec!["draft", "validated"])],
        shape: shape::invoice,
    },
    Source {
        stream: "payments",
        model: "account.move.line",
        module: "account",
        parts: &[Part { model: "account.invoice-account.move.line", whole: "line" }],
        fields: &[
            "debit",
            "credit",
            "currency.code",
            "amount_second_currency",
            "second_currency.code",
            "invoice_payment.number",
        ],
        needed: &[("party", "party.party"), ("credit", "account.move.line")],
        has_company: true,
        domain: payments,
        living: Vec::new,
        shape: shape::payment,
    },
];

/// What Tryton's core knows of payments: posted entries on customers' accounts that pay an invoice
/// or come from a cash or bank journal.
fn payments() -> Vec<Value> {
    vec![
        is("account.type.receivable", "=", true),
        is("party", "!=", Value::Null),
        is("move_state", "=", "posted"),
        any(vec![is("invoice_payments", "!=", Value::Null), is("journal.type", "in", vec!["cash", "statement"])]),
    ]
}

impl Source {
    pub(crate) fn of(stream: &str) -> Option<&'static Self> {
        SOURCES.iter().find(|source| source.stream == stream)
    }
}
