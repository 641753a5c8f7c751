//! The directory: every customer's names and figures in memory, for search, facets and sorting.
//!
//! It is a read model: loaded at start, refreshed after every commit of this process and, for
//! commits of other nodes, once a second by `customer_stat.refreshed_at`. Searching 100,000
//! customers scans folded text in memory and is the same on both databases.

use std::sync::RwLock;

use super::customer::Health;

/// What the list shows of one customer.
#[derive(Clone, Debug)]
pub struct Entry {
    pub id: String,
    pub code: Option<String>,
    pub name: String,
    pub name_kana: Option<String>,
    pub city: Option<String>,
    pub owner: Option<String>,
    pub department: Option<String>,
    pub industry: Option<String>,
    pub currency: crate::model::money::Currency,
    pub sales_12m: i64,
    /// 12 monthly amounts, oldest first, for the sparkline.
    pub monthly: [i64; 12],
    pub last_order: Option<String>,
    pub last_contact: Option<String>,
    pub overdue: i64,
    pub health: Health,
    /// Tiles of the connections that know this customer.
    pub sources: Vec<String>,
    pub events: i64,
    pub sample: bool,
}

/// Why a row was found, so that the list can say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchedOn {
    Name,
    Kana,
    Code,
    Phone,
    RegistrationNumber,
    MailDomain,
}

/// One question to the list page. Inside a facet values are OR, between facets AND.
#[derive(Clone, Debug, Default)]
pub struct Query {
    pub text: String,
    pub health: Vec<Health>,
    pub industry: Vec<String>,
    pub department: Vec<String>,
    pub source: Vec<String>,
    pub owner: Option<String>,
    /// Only customers without contact for this many days.
    pub quiet_days: Option<i64>,
    pub overdue_only: bool,
    /// `sales`, `last_order`, `last_contact`, `name`, `code`.
    pub sort: String,
    pub descending: bool,
    pub offset: usize,
    pub limit: usize,
}

/// Facet value with its count for the current query.
pub type Facet<T> = Vec<(T, usize)>;

#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub total: usize,
    /// All customers, unfiltered.
    pub of: usize,
    pub rows: Vec<(Entry, Option<MatchedOn>)>,
    pub health: Facet<Health>,
    pub industry: Facet<String>,
    pub department: Facet<String>,
    pub source: Facet<String>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Directory {
    entries: RwLock<Vec<Entry>>,
}
