//! The history of one customer: deals, quotes, orders, shipments, invoices, payments, contracts, inquiries, activities
//! and master changes, newest first.

use serde::Serialize;

use super::customer::Source;
pub use super::{
    document::{Allocation, Document, Found, Line, Related, Tax, event, search_documents},
    history::{is_place, load},
};
use crate::model::{Shown, Timestamp, money::Currency};

/// What kind of event; also the filter of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Order,
    Shipment,
    Invoice,
    CreditNote,
    Payment,
    /// A step of a deal.
    Deal,
    Quote,
    Contract,
    Inquiry,
    Activity,
    MasterChange,
}

/// One event.
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    pub id: String,
    pub kind: Kind,
    /// Business date `YYYY-MM-DD`: the day under which it is listed.
    pub date: String,
    /// The source's own instant, where it has one; decides the order within a day.
    pub at: Option<Timestamp>,
    pub source: Source,
    /// Number of a document, name of a deal or contract, or subject of an activity or inquiry.
    pub title: String,
    pub amount: Option<i64>,
    pub currency: Currency,
    pub detail: Detail,
}

/// What the second line is made of; the page words it in the reader's language.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Detail {
    Order {
        first_line: Option<String>,
        quantity: Option<String>,
        more_lines: i64,
        delivery_date: Option<String>,
        status: String,
    },
    Shipment {
        first_line: Option<String>,
        quantity: Option<String>,
        more_lines: i64,
        /// Who brings it and their number, as far as known.
        carrier: Option<String>,
        status: String,
        /// Numbers of the orders that it fulfils.
        orders: Vec<String>,
    },
    Invoice {
        closing_date: Option<String>,
        due_date: Option<String>,
        qualified: bool,
        status: String,
        corrects: Option<String>,
    },
    Payment {
        method: Option<String>,
        invoices: Vec<String>,
    },
    Deal {
        /// `open`, `won` or `lost`.
        status: String,
        /// In the source's words.
        stage: Option<String>,
        /// Percent.
        probability: Option<i64>,
        expected_date: Option<String>,
        /// It stood elsewhere before; else it is new.
        moved: bool,
    },
    Quote {
        first_line: Option<String>,
        quantity: Option<String>,
        more_lines: i64,
        valid_until: Option<String>,
        status: String,
    },
    Contract {
        number: String,
        end_date: Option<String>,
        status: String,
    },
    Inquiry {
        channel: String,
        status: String,
        note: Option<String>,
        owner: Option<String>,
    },
    Activity {
        activity: String,
        note: Option<String>,
        actor: String,
    },
    MasterChange {
        created: bool,
        /// Field, value before, value after.
        changes: Vec<(String, Option<Shown>, Option<Shown>)>,
        reason: String,
    },
}

/// How many events of each filter chip exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub orders: i64,
    pub shipments: i64,
    pub billing: i64,
    /// Steps of deals, and quotes.
    pub deals: i64,
    pub contracts: i64,
    pub inquiries: i64,
    pub activities: i64,
    pub changes: i64,
}

impl Counts {
    #[must_use]
    pub fn all(self) -> i64 {
        let documents = self.orders + self.shipments + self.billing + self.deals + self.contracts + self.inquiries;
        documents + self.activities + self.changes
    }
}

/// What to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Empty: all kinds.
    pub kinds: Vec<Kind>,
    /// Inclusive `YYYY-MM-DD` bounds.
    pub from: Option<String>,
    pub to: Option<String>,
    pub connection_id: Option<String>,
    /// User id; only activities and edits have one, so other events are left out.
    pub owner: Option<String>,
    /// Folded substring of number, subject or line.
    pub text: Option<String>,
    /// Opaque position from [`Timeline::next`].
    pub after: Option<String>,
    /// At most 200; 50 on the page.
    pub limit: usize,
}

#[derive(Clone, Debug, Serialize)]
pub struct Timeline {
    pub events: Vec<Event>,
    pub next: Option<String>,
    pub counts: Counts,
    /// Date of the oldest event.
    pub since: Option<String>,
}
