//! Customers, and what is known of them beside their documents.

use super::{
    Kind::{Amount, Bool, Date, Instant, Int, Text},
    Navigation, Property,
    Sees::{Cleared, ClearedOfPersons},
    Set, many, one, property,
};
use crate::model::Class;

const OWN: super::Kind = Amount { currency: "t.currency" };
pub(super) const SAMPLE: Property =
    property("Sample", Bool, "COALESCE((SELECT k.sample FROM connection k WHERE k.id = t.connection_id), FALSE)");
const CUSTOMER: Navigation = one("Customer", "Customers", "CustomerId", "");

/// To the customer of a row, and back under this name.
pub(super) const fn customer(partner: &'static str) -> Navigation {
    Navigation { partner: Some(partner), ..CUSTOMER }
}

/// The golden records, with the figures of the pages.
pub static CUSTOMERS: Set = Set {
    name: "Customers",
    entity: "Customer",
    key: &["Id"],
    key_sql: &["t.id"],
    from: "customer t LEFT JOIN customer_stat s ON s.customer_id = t.id",
    live: "t.merged_into IS NULL",
    customer: Some("t"),
    properties: &[
        property("Id", Text, "t.id"),
        property("Kind", Text, "t.kind"),
        property("Code", Text, "t.code").maybe(),
        property("Name", Text, "t.name"),
        property("NameKana", Text, "t.name_kana").maybe(),
        property("CorporateNumber", Text, "t.corporate_number").maybe(),
        property("RegistrationNumber", Text, "t.registration_number").maybe(),
        property("Phone", Text, "t.phone").seen_by(ClearedOfPersons),
        property("Mail", Text, "t.mail").seen_by(ClearedOfPersons),
        property("PostalCode", Text, "t.postal_code").seen_by(ClearedOfPersons),
        property("Address", Text, "t.address").seen_by(ClearedOfPersons),
        property("Industry", Text, "t.industry").maybe(),
        property("Department", Text, "t.department").maybe(),
        property("Owner", Text, "t.owner").maybe(),
        property("ClosingDay", Text, "t.closing_day").seen_by(Cleared(Class::Terms)),
        property("PaymentTerms", Text, "t.payment_terms").seen_by(Cleared(Class::Terms)),
        property("PriceClass", Text, "t.price_class").seen_by(Cleared(Class::Terms)),
        property("CreditLimit", OWN, "t.credit_limit_minor").seen_by(Cleared(Class::Credit)),
        property("Currency", Text, "t.currency"),
        property("Sample", Bool, "t.sample"),
        property("CreatedAt", Instant, "t.created_at"),
        property("UpdatedAt", Instant, "t.updated_at"),
        property("SalesBasis", Text, "s.basis").maybe(),
        property("Sales12Months", OWN, "s.sales_12m_minor").maybe(),
        property("SalesPrevious12Months", OWN, "s.sales_prev_minor").maybe(),
        property("SalesTotal", OWN, "s.ltv_minor").maybe(),
        property("Orders12Months", Int, "s.orders_12m").maybe(),
        property("Receivable", OWN, "s.receivable_minor").maybe(),
        property("Overdue", OWN, "s.overdue_minor").maybe(),
        property("FirstOrder", Date, "s.first_order").maybe(),
        property("LastOrder", Date, "s.last_order").maybe(),
        property("LastContact", Date, "s.last_contact").maybe(),
        property("Health", Text, "s.health").maybe(),
        property("FiguresAt", Instant, "s.refreshed_at").maybe(),
    ],
    navigations: &[
        many("Sites", "Sites", "CustomerId", "Customer"),
        many("Contacts", "Contacts", "CustomerId", "Customer"),
        many("Orders", "Orders", "CustomerId", "Customer"),
        many("Shipments", "Shipments", "CustomerId", "Customer"),
        many("Invoices", "Invoices", "CustomerId", "Customer"),
        many("Payments", "Payments", "CustomerId", "Customer"),
        many("Activities", "Activities", "CustomerId", "Customer"),
    ],
};

pub static SITES: Set = Set {
    name: "Sites",
    entity: "Site",
    key: &["Id"],
    key_sql: &["t.id"],
    from: "site t JOIN customer c ON c.id = t.customer_id",
    live: "1 = 1",
    customer: Some("c"),
    properties: &[
        property("Id", Text, "t.id"),
        property("CustomerId", Text, "t.customer_id"),
        property("Code", Text, "t.code").maybe(),
        property("Role", Text, "t.role"),
        property("Name", Text, "t.name"),
        property("PostalCode", Text, "t.postal_code").seen_by(ClearedOfPersons),
        property("Address", Text, "t.address").seen_by(ClearedOfPersons),
        property("Phone", Text, "t.phone").seen_by(ClearedOfPersons),
        property("ClosingDay", Text, "t.closing_day").seen_by(Cleared(Class::Terms)),
        property("Owner", Text, "t.owner").maybe(),
        property("ConnectionId", Text, "t.connection_id"),
        property("ExternalId", Text, "t.external_id"),
        SAMPLE,
        property("UpdatedAt", Instant, "t.updated_at"),
    ],
    navigations: &[customer("Sites")],
};

pub static CONTACTS: Set = Set {
    name: "Contacts",
    entity: "Contact",
    key: &["Id"],
    key_sql: &["t.id"],
    from: "contact t JOIN customer c ON c.id = t.customer_id",
    live: "1 = 1",
    customer: Some("c"),
    properties: &[
        property("Id", Text, "t.id"),
        property("CustomerId", Text, "t.customer_id"),
        property("Name", Text, "t.name"),
        property("NameKana", Text, "t.name_kana").maybe(),
        property("Department", Text, "t.department").maybe(),
        property("Title", Text, "t.title").maybe(),
        property("Mail", Text, "t.mail").seen_by(Cleared(Class::Personal)),
        property("Phone", Text, "t.phone").seen_by(Cleared(Class::Personal)),
        property("ConnectionId", Text, "t.connection_id"),
        property("ExternalId", Text, "t.external_id"),
        SAMPLE,
        property("UpdatedAt", Instant, "t.updated_at"),
    ],
    navigations: &[customer("Contacts")],
};

/// What people noted. The note's text is not in the feed: it is written to colleagues.
pub static ACTIVITIES: Set = Set {
    name: "Activities",
    entity: "Activity",
    key: &["Id"],
    key_sql: &["t.id"],
    from: "activity t JOIN customer c ON c.id = t.customer_id",
    live: "1 = 1",
    customer: Some("c"),
    properties: &[
        property("Id", Text, "t.id"),
        property("CustomerId", Text, "t.customer_id"),
        property("Kind", Text, "t.kind"),
        property("Subject", Text, "t.subject"),
        property("ActivityDate", Date, "t.activity_date"),
        property("OccurredAt", Instant, "t.occurred_at"),
        property("CreatedAt", Instant, "t.created_at"),
    ],
    navigations: &[customer("Activities")],
};
