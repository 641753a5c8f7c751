//! One customer as a person reads it: header, figures, master record with the source of every value.

use serde::{Deserialize, Serialize};

pub use super::overview::{conflicts, overview, relations};
use super::pipeline::Pipeline;
use crate::model::{Shown, Timestamp, money::Currency};

/// What 売上 is made of for this customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    Invoiced,
    Ordered,
}

/// A rule-based state, never a bare score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    Good,
    Watch,
    Act,
    New,
    Dormant,
}

impl Health {
    pub const ALL: [Self; 5] = [Self::Good, Self::Watch, Self::Act, Self::New, Self::Dormant];

    /// As stored and as named in URLs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Watch => "watch",
            Self::Act => "act",
            Self::New => "new",
            Self::Dormant => "dormant",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|h| h.as_str() == text)
    }
}

/// Where a value came from: a connection, or the hub itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Source {
    /// Connection id; `None` for values typed into the hub.
    pub connection_id: Option<String>,
    /// Connection name, for the tile's label.
    pub name: String,
    /// Tile: `sales`, `accounting`, `deals`, `sheet`, `bi`, `generic` or `hub`.
    pub kind: String,
}

/// One golden value with its source.
#[derive(Clone, Debug, Serialize)]
pub struct MasterValue {
    /// Field name of the canonical record: `registration_number`, `address` …
    pub field: String,
    pub value: Shown,
    pub source: Source,
    /// When the source was last seen with this value.
    pub at: Timestamp,
    /// Rule that chose it: `only_source`, `authority`, `newest`, `longest`, `typed`, `pinned`.
    pub why: String,
    /// Other sources' values for the same field that lost; none where the field is hidden.
    pub losing: Vec<(Source, String)>,
}

/// A value of a source that could not be taken.
#[derive(Clone, Debug, Serialize)]
pub struct Trouble {
    /// `custom.KEY`
    pub field: String,
    pub source: Source,
    /// As the source said it.
    pub value: String,
    /// See [`crate::model::custom::Warning`].
    pub code: String,
}

/// A typed value and a source's that mean different things, until somebody has looked.
#[derive(Clone, Debug, Serialize)]
pub struct Contradiction {
    pub field: String,
    /// `None`: the person said that there is none.
    pub typed: Option<Shown>,
    pub actor: String,
    pub typed_at: Timestamp,
    /// `None`: the sources have none any more.
    pub said: Option<Shown>,
    pub connection_id: Option<String>,
    pub at: Timestamp,
    /// The typed value stands (it is pinned), else the source's.
    pub typed_won: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct Contact {
    pub id: String,
    pub name: String,
    pub department: Option<String>,
    pub title: Option<String>,
    pub mail: Option<Shown>,
    pub phone: Option<Shown>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Site {
    pub id: String,
    pub name: String,
    pub code: Option<String>,
    /// `ship_to`, `bill_to` or `both`.
    pub role: String,
    pub address: Option<Shown>,
    pub phone: Option<Shown>,
}

/// How fresh one source of this customer is.
#[derive(Clone, Debug, Serialize)]
pub struct Freshness {
    pub source: Source,
    pub last_ok_at: Option<Timestamp>,
    /// The freshness target is missed.
    pub stale: bool,
}

/// KPI row and charts. All amounts in minor units of `currency`.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    pub basis: Basis,
    pub currency: Currency,
    pub sales_12m: i64,
    pub sales_prev_12m: i64,
    pub orders_12m: i64,
    /// Average order amount without tax over the same 12 months; `None` without orders.
    pub order_average: Option<i64>,
    pub receivable: i64,
    pub overdue: i64,
    pub last_contact: Option<String>,
    /// `order`, `visit`, `call`, `mail`, `meeting`, `note`.
    pub last_contact_kind: Option<String>,
    pub ltv: i64,
    pub first_order: Option<String>,
    /// Quintiles 1–5 of recency, frequency, monetary value; `None` until the directory knows them.
    pub rfm: Option<(u8, u8, u8)>,
    pub health: Health,
    /// Reasons for `health`, as catalogue keys with one number each.
    pub health_reasons: Vec<(String, i64)>,
    /// The last 12 calendar months, oldest first.
    pub months: Vec<Month>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Month {
    /// `YYYY-MM`.
    pub month: String,
    pub sales: i64,
    pub sales_last_year: i64,
    pub orders: i64,
}

/// Somebody who looks, or looked, after the customer.
#[derive(Clone, Debug, Serialize)]
pub struct Relation {
    pub id: String,
    /// `owner` or `department`.
    pub role: String,
    pub name: String,
    /// First day `YYYY-MM-DD`; `None`: before the hub knew.
    pub from: Option<String>,
    /// The day the next took over; `None`: it goes on.
    pub to: Option<String>,
    /// The first of its role.
    pub first: bool,
    /// Who said so: a source, or a person.
    pub connection_id: Option<String>,
    pub actor: Option<String>,
    /// Who last corrected a day.
    pub corrected_by: Option<String>,
    pub updated_at: Timestamp,
}

/// Everything the customer page shows beside the timeline.
#[derive(Clone, Debug, Serialize)]
pub struct Overview {
    pub id: String,
    /// Version of the master record: what an edit must have seen.
    pub seq: i64,
    pub kind: String,
    pub code: Option<String>,
    pub name: String,
    pub name_kana: Option<String>,
    pub city: Option<String>,
    pub industry: Option<String>,
    pub department: Option<String>,
    pub owner: Option<String>,
    /// Nobody ordered yet.
    pub prospect: bool,
    /// When the prospect became a customer.
    pub converted_at: Option<Timestamp>,
    /// Who looked after it: by role, the newest first.
    pub relations: Vec<Relation>,
    pub sample: bool,
    pub figures: Figures,
    pub master: Vec<MasterValue>,
    /// What sources said for fields of the administrator and could not be taken.
    pub warnings: Vec<Trouble>,
    pub contacts: Vec<Contact>,
    pub sites: Vec<Site>,
    /// Open deals, running contracts, unanswered inquiries.
    pub open: Pipeline,
    pub freshness: Vec<Freshness>,
}
