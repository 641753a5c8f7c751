//! Orders, shipments, invoices and payments with what belongs to them; products.
//!
//! Amounts of a credit note are negative, so that a sum over invoices is what was invoiced.

use super::{
    Kind::{Amount, Bool, Date, Instant, Int, Number, Text},
    Navigation, Property,
    Sees::{Customer, Invoice, Site},
    Set,
    customers::{SAMPLE, customer},
    many, one, property,
};

const OWN: super::Kind = Amount { currency: "t.currency" };
const DOCUMENT: super::Kind = Amount { currency: "d.currency" };

// What every document has.
const ID: Property = property("Id", Text, "t.id");
const CUSTOMER_ID: Property = property("CustomerId", Text, "t.customer_id");
const CONNECTION_ID: Property = property("ConnectionId", Text, "t.connection_id");
const EXTERNAL_ID: Property = property("ExternalId", Text, "t.external_id");
const NUMBER: Property = property("Number", Text, "t.number");
const STATUS: Property = property("Status", Text, "t.status");
const CURRENCY: Property = property("Currency", Text, "t.currency");
const LINE_COUNT: Property = property("LineCount", Int, "t.line_count");
const OCCURRED_AT: Property = property("OccurredAt", Instant, "t.occurred_at").maybe();
const UPDATED_AT: Property = property("UpdatedAt", Instant, "t.received_at");

// What every line has. `{called}` is the line's own words or its product's name.
const LINE_NO: Property = property("LineNo", Int, "t.line_no");
const PRODUCT_CODE: Property = property("ProductCode", Text, "t.product_code").maybe();
const DESCRIPTION: Property = property("Description", Text, "{called}");
const UNIT: Property = property("Unit", Text, "t.unit").maybe();
const UNIT_PRICE: Property = property("UnitPrice", Number, "t.unit_price").maybe();
const TAX_RATE: Property = property("TaxRate", Number, "t.tax_rate").maybe();
const LINE_CURRENCY: Property = property("Currency", Text, "d.currency");

pub static ORDERS: Set = Set {
    name: "Orders",
    entity: "Order",
    key: &["Id"],
    key_sql: &["t.id"],
    from: "sales_order t JOIN customer c ON c.id = t.customer_id",
    live: "t.deleted_at IS NULL",
    customer: Some("c"),
    properties: &[
        ID,
        CUSTOMER_ID,
        NUMBER,
        property("OrderDate", Date, "t.order_date"),
        property("DeliveryDate", Date, "t.delivery_date").maybe(),
        STATUS,
        property("Subject", Text, "t.subject").maybe(),
        property("BillToId", Text, "t.bill_to").seen_by(Customer),
        property("ShipToId", Text, "t.ship_to").seen_by(Site),
        CURRENCY,
        property("Net", OWN, "t.net_minor"),
        property("Tax", OWN, "t.tax_minor"),
        property("Total", OWN, "t.total_minor"),
        LINE_COUNT,
        CONNECTION_ID,
        EXTERNAL_ID,
        SAMPLE,
        OCCURRED_AT,
        UPDATED_AT,
    ],
    navigations: &[customer("Orders"), many("Lines", "OrderLines", "OrderId", "Order")],
};

pub static ORDER_LINES: Set = Set {
    name: "OrderLines",
    entity: "OrderLine",
    key: &["OrderId", "LineNo"],
    key_sql: &["t.order_id", "t.line_no"],
    from: "sales_order_line t JOIN sales_order d ON d.id = t.order_id JOIN customer c ON c.id = d.customer_id",
    live: "d.deleted_at IS NULL",
    customer: Some("c"),
    properties: &[
        property("OrderId", Text, "t.order_id"),
        LINE_NO,
        PRODUCT_CODE,
        DESCRIPTION,
        property("Quantity", Number, "t.quantity"),
        UNIT,
        UNIT_PRICE,
        LINE_CURRENCY,
        property("Amount", DOCUMENT, "t.amount_minor"),
        TAX_RATE,
    ],
    navigations: &[one("Order", "Orders", "OrderId", "Lines")],
};

pub static SHIPMENTS: Set = Set {
    name: "Shipments",
    entity: "Shipment",
    key: &["Id"],
    key_sql: &["t.id"],
    from: "shipment t JOIN customer c ON c.id = t.customer_id",
    live: "t.deleted_at IS NULL",
    customer: Some("c"),
    properties: &[
        ID,
        CUSTOMER_ID,
        NUMBER,
        property("ShipDate", Date, "t.ship_date"),
        STATUS,
        property("Carrier", Text, "t.carrier").maybe(),
        property("Tracking", Text, "t.tracking").maybe(),
        property("Subject", Text, "t.subject").maybe(),
        property("ShipToId", Text, "t.ship_to").seen_by(Site),
        LINE_COUNT,
        CONNECTION_ID,
        EXTERNAL_ID,
        SAMPLE,
        OCCURRED_AT,
        UPDATED_AT,
    ],
    navigations: &[customer("Shipments"), many("Lines", "ShipmentLines", "ShipmentId", "Shipment")],
};

pub static SHIPMENT_LINES: Set = Set {
    name: "ShipmentLines",
    entity: "ShipmentLine",
    key: &["ShipmentId", "LineNo"],
    key_sql: &["t.shipment_id", "t.line_no"],
    from: "shipment_line t JOIN shipment d ON d.id = t.shipment_id JOIN customer c ON c.id = d.customer_id",
    live: "d.deleted_at IS NULL",
    customer: Some("c"),
    properties: &[
        property("ShipmentId", Text, "t.shipment_id"),
        LINE_NO,
        PRODUCT_CODE,
        DESCRIPTION,
        property("Quantity", Number, "t.quantity"),
        UNIT,
    ],
    navigations: &[one("Shipment", "Shipments", "ShipmentId", "Lines")],
};

/// SQL of an amount that a credit note turns round.
macro_rules! signed {
    ($document:literal, $column:literal) => {
        concat!("CASE WHEN ", $document, ".kind = 'credit_note' THEN -", $column, " ELSE ", $column, " END")
    };
}

pub static INVOICES: Set = Set {
    name: "Invoices",
    entity: "Invoice",
    key: &["Id"],
    key_sql: &["t.id"],
    from: "invoice t JOIN customer c ON c.id = t.customer_id",
    live: "t.deleted_at IS NULL",
    customer: Some("c"),
    properties: &[
        ID,
        CUSTOMER_ID,
        NUMBER,
        property("Kind", Text, "t.kind"),
        property("Corrects", Text, "t.corrects").maybe(),
        property("IssueDate", Date, "t.issue_date"),
        property("ClosingDate", Date, "t.closing_date").maybe(),
        property("DueDate", Date, "t.due_date").maybe(),
        STATUS,
        property("RegistrationNumber", Text, "t.registration_number").maybe(),
        CURRENCY,
        property("Net", OWN, signed!("t", "t.net_minor")),
        property("Tax", OWN, signed!("t", "t.tax_minor")),
        property("Total", OWN, signed!("t", "t.total_minor")),
        LINE_COUNT,
        CONNECTION_ID,
        EXTERNAL_ID,
        SAMPLE,
        OCCURRED_AT,
        UPDATED_AT,
    ],
    navigations: &[
        customer("Invoices"),
        many("Lines", "InvoiceLines", "InvoiceId", "Invoice"),
        many("Taxes", "InvoiceTaxes", "InvoiceId", "Invoice"),
    ],
};

pub static INVOICE_LINES: Set = Set {
    name: "InvoiceLines",
    entity: "InvoiceLine",
    key: &["InvoiceId", "LineNo"],
    key_sql: &["t.invoice_id", "t.line_no"],
    from: "invoice_line t JOIN invoice d ON d.id = t.invoice_id JOIN customer c ON c.id = d.customer_id",
    live: "d.deleted_at IS NULL",
    customer: Some("c"),
    properties: &[
        property("InvoiceId", Text, "t.invoice_id"),
        LINE_NO,
        PRODUCT_CODE,
        DESCRIPTION,
        property("Quantity", Number, "t.quantity").maybe(),
        UNIT,
        UNIT_PRICE,
        LINE_CURRENCY,
        property("Amount", DOCUMENT, signed!("d", "t.amount_minor")),
        TAX_RATE,
    ],
    navigations: &[one("Invoice", "Invoices", "InvoiceId", "Lines")],
};

pub static INVOICE_TAXES: Set = Set {
    name: "InvoiceTaxes",
    entity: "InvoiceTax",
    key: &["InvoiceId", "Rate"],
    key_sql: &["t.invoice_id", "t.rate"],
    from: "invoice_tax t JOIN invoice d ON d.id = t.invoice_id JOIN customer c ON c.id = d.customer_id",
    live: "d.deleted_at IS NULL",
    customer: Some("c"),
    properties: &[
        property("InvoiceId", Text, "t.invoice_id"),
        // Text, because it is part of a key: 10 and 10.0 are one number and two texts.
        property("Rate", Text, "t.rate"),
        LINE_CURRENCY,
        property("Taxable", DOCUMENT, signed!("d", "t.taxable_minor")),
        property("Tax", DOCUMENT, signed!("d", "t.tax_minor")),
    ],
    navigations: &[one("Invoice", "Invoices", "InvoiceId", "Taxes")],
};

pub static PAYMENTS: Set = Set {
    name: "Payments",
    entity: "Payment",
    key: &["Id"],
    key_sql: &["t.id"],
    from: "payment t JOIN customer c ON c.id = t.customer_id",
    live: "t.deleted_at IS NULL",
    customer: Some("c"),
    properties: &[
        ID,
        CUSTOMER_ID,
        property("Number", Text, "t.number").maybe(),
        property("PaidDate", Date, "t.paid_date"),
        property("Method", Text, "t.method").maybe(),
        CURRENCY,
        property("Amount", OWN, "t.amount_minor"),
        CONNECTION_ID,
        EXTERNAL_ID,
        SAMPLE,
        OCCURRED_AT,
        UPDATED_AT,
    ],
    navigations: &[customer("Payments"), many("Allocations", "PaymentAllocations", "PaymentId", "Payment")],
};

pub static PAYMENT_ALLOCATIONS: Set = Set {
    name: "PaymentAllocations",
    entity: "PaymentAllocation",
    key: &["PaymentId", "InvoiceNumber"],
    key_sql: &["t.payment_id", "t.invoice_number"],
    from: "payment_allocation t JOIN payment d ON d.id = t.payment_id JOIN customer c ON c.id = d.customer_id",
    live: "d.deleted_at IS NULL",
    customer: Some("c"),
    properties: &[
        property("PaymentId", Text, "t.payment_id"),
        property("InvoiceNumber", Text, "t.invoice_number"),
        property(
            "InvoiceId",
            Text,
            "(SELECT MIN(i.id) FROM invoice i WHERE i.number = t.invoice_number
                AND i.connection_id = d.connection_id AND i.deleted_at IS NULL)",
        )
        .seen_by(Invoice),
        LINE_CURRENCY,
        property("Amount", DOCUMENT, "t.amount_minor"),
    ],
    navigations: &[
        one("Payment", "Payments", "PaymentId", "Allocations"),
        Navigation {
            name: "Invoice",
            to: "Invoices",
            on: ("InvoiceId", "Id"),
            many: false,
            nullable: true,
            partner: None,
        },
    ],
};

/// Of no customer: whoever may read the feed sees them.
pub static PRODUCTS: Set = Set {
    name: "Products",
    entity: "Product",
    key: &["Id"],
    key_sql: &["t.id"],
    from: "product t",
    live: "t.deleted_at IS NULL",
    customer: None,
    properties: &[
        ID,
        property("Code", Text, "t.code"),
        property("Name", Text, "t.name"),
        UNIT,
        property("Price", Number, "t.price").maybe(),
        CURRENCY,
        property("Active", Bool, "t.active"),
        CONNECTION_ID,
        EXTERNAL_ID,
        SAMPLE,
        UPDATED_AT,
    ],
    navigations: &[],
};
