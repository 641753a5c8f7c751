//! The directory: every customer's names and figures in memory, for search, facets and sorting.
//!
//! It is a read model: loaded at start, refreshed after every commit of this process and, for
//! commits of other nodes, once a second by `customer_stat.refreshed_at`. Searching 100,000
//! customers scans folded text in memory and is the same on both databases.
//!
//! Invariant: every question takes the reader's [`View`]; whom the reader does not see is neither listed nor
//! counted nor found, and nobody is found by a value that is hidden.
//! Invariant: rows are read and folded before the lock is taken; the lock is held only to swap them
//! in, with their sort positions, so a reader sees a customer either before or after a change.

mod answer;
mod core;
mod order;
mod reach;
mod rfm;
mod text;
#[cfg(test)]
mod timing;

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use jiff::civil::Date;

use self::core::{Core, Prepared};
use super::customer::Health;
use crate::{
    model::View,
    store::{Db, StoreError, read_directory, stat},
};

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
    /// Nobody ordered yet.
    pub prospect: bool,
    pub lead_source: Option<String>,
    pub lead_date: Option<String>,
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
    /// Orders and sales of the last 24 months, for RFM.
    pub orders_24m: i64,
    pub sales_24m: i64,
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
    /// A contact's name; only [`Directory::by_contact`] looks there.
    Contact,
}

/// One question to the list page. Inside a facet values are OR, between facets AND.
#[derive(Clone, Debug, Default)]
pub struct Query {
    pub text: String,
    pub health: Vec<Health>,
    pub industry: Vec<String>,
    pub department: Vec<String>,
    pub source: Vec<String>,
    pub owner: Vec<String>,
    /// Only customers whose owner is called one of these, folded.
    pub mine: Option<Vec<String>>,
    /// Only customers without contact for this many days.
    pub quiet_days: Option<i64>,
    pub overdue_only: bool,
    /// Only prospects, or only those who are none.
    pub prospects: Option<bool>,
    /// `sales`, `last_order`, `last_contact`, `overdue`, `orders_24m`, `sales_24m`, `name`, `code`, `id`; empty is `sales`
    /// from the highest. With
    /// text, that default lists the best match first (exact, prefix, substring, then sales).
    pub sort: String,
    pub descending: bool,
    /// Only customers whose id sorts after this one: with the order `id`, pages that stay whole while
    /// customers come and go.
    pub after: Option<String>,
    pub offset: usize,
    pub limit: usize,
}

/// Facet value with its count for the current query.
pub type Facet<T> = Vec<(T, usize)>;

#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub total: usize,
    /// All customers that the reader sees, unfiltered.
    pub of: usize,
    pub rows: Vec<(Entry, Option<MatchedOn>)>,
    pub health: Facet<Health>,
    pub industry: Facet<String>,
    pub department: Facet<String>,
    pub owner: Facet<String>,
    pub source: Facet<String>,
    /// Prospects (`true`), and those who are none.
    pub stage: Facet<bool>,
}

/// Counts of the saved tabs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tabs {
    pub all: usize,
    pub mine: usize,
    /// Without contact for 60 days or more.
    pub quiet: usize,
    pub overdue: usize,
}

/// The value of a facet for customers that have none.
pub const NONE: &str = "-";
/// The tab of customers without contact counts from here.
pub const QUIET_DAYS: i64 = 60;
/// Customers read at once.
const BATCH: i64 = 1000;

/// See the module.
#[derive(Debug, Default)]
pub struct Directory {
    core: RwLock<Core>,
    /// One refresh at a time, so that an older read never replaces a newer one.
    turn: tokio::sync::Mutex<()>,
}

impl Directory {
    /// Everyone, from the store.
    pub async fn load(db: &Db) -> Result<Self, StoreError> {
        let directory = Self::default();
        directory.reload(db).await?;
        Ok(directory)
    }

    /// Everyone again, swapped in at once.
    pub async fn reload(&self, db: &Db) -> Result<(), StoreError> {
        let _turn = self.turn.lock().await;
        let mut core = Core::default();
        let mut after = String::new();
        loop {
            let ids = stat::ids_after(db, &after, BATCH).await?;
            let Some(last) = ids.last() else { break };
            after.clone_from(last);
            for prepared in read(db, &ids).await? {
                core.put(prepared);
            }
        }
        core.settle();
        *self.core.write().unwrap_or_else(PoisonError::into_inner) = core;
        Ok(())
    }

    /// Brings these customers up to date; ids that are no customers any more disappear.
    pub async fn refresh(&self, ids: &[String], db: &Db) -> Result<(), StoreError> {
        let _turn = self.turn.lock().await;
        for ids in ids.chunks(BATCH as usize) {
            let prepared = read(db, ids).await?;
            self.core.write().unwrap_or_else(PoisonError::into_inner).replace(ids, prepared);
        }
        let again = self.read().quintiles_if_due();
        if let Some(quintiles) = again {
            self.core.write().unwrap_or_else(PoisonError::into_inner).set_quintiles(quintiles);
        }
        Ok(())
    }

    /// One page of the list with its facets.
    #[must_use]
    pub fn query(&self, view: &View, query: &Query, today: Date) -> Answer {
        self.read().answer(view, query, today)
    }

    /// How many customers a question finds.
    #[must_use]
    pub fn matching(&self, view: &View, query: &Query, today: Date) -> usize {
        self.read().matching(view, query, today)
    }

    /// Customers with a contact whose name, or kana, holds the text: the best match first.
    #[must_use]
    pub fn by_contact(&self, view: &View, text: &str, limit: usize) -> Vec<Entry> {
        self.read().by_contact(view, text, limit)
    }

    /// The best matches, for the global search.
    #[must_use]
    pub fn suggest(&self, view: &View, text: &str, limit: usize) -> Vec<(Entry, Option<MatchedOn>)> {
        self.read().suggest(view, text, limit)
    }

    #[must_use]
    pub fn get(&self, view: &View, id: &str) -> Option<Entry> {
        self.read().get(view, id)
    }

    /// How many customers the reader sees.
    #[must_use]
    pub fn count(&self, view: &View) -> usize {
        self.read().count(view)
    }

    /// Quintiles among all customers of last order date, orders and sales of 24 months; `None` without any of
    /// them.
    #[must_use]
    pub(super) fn rfm(&self, id: &str) -> Option<(u8, u8, u8)> {
        self.read().rfm(id)
    }

    #[must_use]
    pub fn tabs(&self, view: &View, mine: &[String], today: Date) -> Tabs {
        self.read().tabs(view, mine, today)
    }

    /// When the figures of this customer were computed, and the newest of all.
    pub(super) fn refreshed_at(&self, id: &str) -> Option<i64> {
        self.read().refreshed_at(id)
    }

    pub(super) fn newest(&self) -> i64 {
        self.read().newest()
    }

    fn read(&self) -> RwLockReadGuard<'_, Core> {
        self.core.read().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn read(db: &Db, ids: &[String]) -> Result<Vec<Prepared>, StoreError> {
    let (rows, aliases) = tokio::try_join!(read_directory::customers(db, ids), read_directory::aliases(db, ids))?;
    Ok(core::prepare(rows, aliases))
}
