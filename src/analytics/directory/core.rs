//! The rows of the directory: what is scanned stands apart from what is only shown.

use std::sync::Arc;

use jiff::{ToSpan, civil::Date};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    Entry, MatchedOn,
    order::{Orders, SortKey},
    reach::Reach,
    rfm::Quintiles,
    text::{Haystack, Segment},
};
use crate::{
    analytics::customer::Health,
    matching::{fold::fold, place},
    model::{View, money::Currency, record::PROSPECT, view::department_key},
    store::read_directory::{AliasRow, DirectoryRow},
};

/// The kind of a customer that is one person.
const PERSON: &str = "person";
/// No date.
pub(super) const NEVER: i32 = i32::MIN;

/// Looked at for every row of every query.
#[derive(Clone, Debug)]
pub(super) struct Hot {
    pub live: bool,
    pub health: Health,
    pub sample: bool,
    /// Nobody ordered yet.
    pub prospect: bool,
    /// Is one person: address and numbers are personal.
    pub person: bool,
    pub industry: u32,
    pub department: u32,
    /// The department as it is compared, a number of [`Core::departments`].
    pub reach: u32,
    pub owner: u32,
    /// One bit for each tile.
    pub sources: u64,
    /// Days since 1970-01-01, or [`NEVER`].
    pub last_order: i32,
    pub last_contact: i32,
    pub sales: i64,
    pub overdue: i64,
    pub orders_24m: i64,
    pub sales_24m: i64,
}

/// Only shown.
#[derive(Clone, Debug)]
pub(super) struct Cold {
    pub id: Arc<str>,
    pub code: Option<Box<str>>,
    pub name: Box<str>,
    pub name_kana: Option<Box<str>>,
    /// Kana, else the name, folded: what the list is sorted by.
    pub sort_name: Box<str>,
    pub city: u32,
    pub lead_source: u32,
    pub lead_date: i32,
    pub currency: Currency,
    pub monthly: [i64; 12],
    pub events: i64,
    pub refreshed_at: i64,
}

/// Values that repeat, each kept once; 0 is "none".
#[derive(Debug, Default)]
pub(super) struct Names {
    texts: Vec<Arc<str>>,
    index: FxHashMap<Arc<str>, u32>,
}

impl Names {
    fn intern(&mut self, text: Option<&str>) -> u32 {
        let Some(text) = text.filter(|t| !t.is_empty()) else { return 0 };
        if let Some(known) = self.index.get(text) {
            return *known;
        }
        let shared: Arc<str> = text.into();
        self.texts.push(shared.clone());
        let number = self.texts.len() as u32;
        self.index.insert(shared, number);
        number
    }

    pub(super) fn find(&self, text: &str) -> Option<u32> {
        self.index.get(text).copied()
    }

    pub(super) fn text(&self, number: u32) -> Option<&str> {
        self.texts.get((number as usize).checked_sub(1)?).map(AsRef::as_ref)
    }

    pub(super) fn len(&self) -> usize {
        self.texts.len() + 1
    }
}

/// A customer read from the store and folded, ready to be swapped in.
#[derive(Debug)]
pub(super) struct Prepared {
    row: DirectoryRow,
    sources: Vec<String>,
    segment: Segment,
    sort_name: String,
    city: Option<String>,
}

/// Folds what the statements brought.
pub(super) fn prepare(rows: Vec<DirectoryRow>, aliases: Vec<AliasRow>) -> Vec<Prepared> {
    let mut of: FxHashMap<String, Vec<AliasRow>> = FxHashMap::default();
    for alias in aliases {
        of.entry(alias.customer_id.clone()).or_default().push(alias);
    }
    rows.into_iter()
        .map(|row| {
            let aliases = of.remove(&row.id).unwrap_or_default();
            prepare_one(row, &aliases)
        })
        .collect()
}

fn prepare_one(row: DirectoryRow, aliases: &[AliasRow]) -> Prepared {
    let values = |part: &'static str| aliases.iter().filter(move |a| a.part == part).map(|a| a.value.as_str());
    let mut segment = Segment::default();
    let name = fold(&row.name);
    let kana = row.name_kana.as_deref().map(fold).unwrap_or_default();
    segment.push(MatchedOn::Name, &name);
    segment.push(MatchedOn::Kana, &kana);
    row.code.as_deref().into_iter().chain(values("code")).for_each(|code| segment.push_code(code));
    let person = row.kind == PERSON;
    for phone in row.phone.as_deref().into_iter().chain(values("site_phone")) {
        segment.push_phone(phone, person);
    }
    values("phone").for_each(|phone| segment.push_phone(phone, true));
    for number in [&row.registration_number, &row.corporate_number].into_iter().flatten() {
        segment.push(MatchedOn::RegistrationNumber, &fold(number));
    }
    row.mail.iter().for_each(|mail| segment.push_mail(mail, person));
    values("mail").for_each(|mail| segment.push_mail(mail, true));
    values("contact").for_each(|name| segment.push(MatchedOn::Contact, &fold(name)));
    let mut sources: Vec<String> = values("source").map(str::to_owned).collect();
    sources.sort_unstable();
    Prepared {
        sort_name: if kana.is_empty() { name } else { kana },
        city: row.address.as_deref().and_then(place::city),
        row,
        sources,
        segment,
    }
}

/// Everything under the lock.
#[derive(Debug, Default)]
pub(super) struct Core {
    pub(super) hot: Vec<Hot>,
    pub(super) cold: Vec<Cold>,
    by_id: FxHashMap<Arc<str>, u32>,
    free: Vec<u32>,
    pub(super) text: Haystack,
    pub(super) names: Names,
    pub(super) departments: Names,
    pub(super) tiles: Names,
    pub(super) orders: Orders,
    quintiles: Quintiles,
    /// Rows changed since the quintiles were cut.
    moved: usize,
    newest: i64,
}

impl Core {
    /// Adds or replaces one customer; its sort positions follow in [`Self::settle`] or
    /// [`Self::replace`].
    pub(super) fn put(&mut self, prepared: Prepared) -> u32 {
        let Prepared { row, sources, segment, sort_name, city } = prepared;
        let mut bits = 0_u64;
        for tile in &sources {
            bits |= 1_u64.checked_shl(self.tiles.intern(Some(tile))).unwrap_or(0);
        }
        let hot = Hot {
            live: true,
            health: row.health.as_deref().and_then(Health::parse).unwrap_or(Health::Dormant),
            sample: row.sample,
            person: row.kind == PERSON,
            prospect: row.life_stage.as_deref() == Some(PROSPECT),
            reach: self.departments.intern(row.department.as_deref().map(department_key).as_deref()),
            industry: self.names.intern(row.industry.as_deref()),
            department: self.names.intern(row.department.as_deref()),
            owner: self.names.intern(row.owner.as_deref()),
            sources: bits,
            last_order: day(row.last_order.as_deref()),
            last_contact: day(row.last_contact.as_deref()),
            sales: row.sales_12m_minor.unwrap_or(0),
            overdue: row.overdue_minor.unwrap_or(0),
            orders_24m: row.orders_24m.unwrap_or(0),
            sales_24m: row.sales_24m_minor.unwrap_or(0),
        };
        let refreshed_at = row.refreshed_at.unwrap_or(0);
        self.newest = self.newest.max(refreshed_at);
        let mut cold = Cold {
            id: row.id.as_str().into(),
            code: row.code.map(Into::into),
            name: row.name.into(),
            name_kana: row.name_kana.map(Into::into),
            sort_name: sort_name.into(),
            city: self.names.intern(city.as_deref()),
            lead_source: self.names.intern(row.lead_source.as_deref()),
            lead_date: day(row.lead_date.as_deref()),
            currency: row.currency.parse().unwrap_or(Currency::JPY),
            monthly: months(row.monthly.as_deref()),
            events: row.events.unwrap_or(0),
            refreshed_at,
        };
        let place = match self.by_id.get(row.id.as_str()) {
            Some(place) => {
                cold.id = self.cold[*place as usize].id.clone();
                *place
            }
            None => {
                let place = self.free.pop().unwrap_or(self.hot.len() as u32);
                self.by_id.insert(cold.id.clone(), place);
                place
            }
        };
        if place as usize == self.hot.len() {
            self.hot.push(hot);
            self.cold.push(cold);
        } else {
            self.hot[place as usize] = hot;
            self.cold[place as usize] = cold;
        }
        self.text.set(place, &segment);
        place
    }

    /// After a load: sorts, cuts quintiles, gives spare memory back.
    pub(super) fn settle(&mut self) {
        let live: Vec<u32> = (0..self.hot.len() as u32).filter(|r| self.hot[*r as usize].live).collect();
        for key in SortKey::KEPT {
            let mut rows = live.clone();
            rows.sort_unstable_by(|a, b| self.compare(key, *a, *b));
            self.orders.set(key, rows);
        }
        self.quintiles = Quintiles::cut(&self.hot);
        self.moved = 0;
        self.hot.shrink_to_fit();
        self.cold.shrink_to_fit();
        self.text.shrink();
    }

    /// Swaps in what was read for these ids; ids that were not found are removed.
    pub(super) fn replace(&mut self, ids: &[String], prepared: Vec<Prepared>) {
        let found: FxHashSet<&str> = prepared.iter().map(|p| p.row.id.as_str()).collect();
        let gone: Vec<u32> = ids
            .iter()
            .filter(|id| !found.contains(id.as_str()))
            .filter_map(|id| self.by_id.remove(id.as_str()))
            .collect();
        let mut added: Vec<u32> = prepared.into_iter().map(|p| self.put(p)).collect();
        // A freed row may be taken again only after the orders no longer hold it.
        for row in &gone {
            self.hot[*row as usize].live = false;
            self.text.remove(*row);
        }
        added.sort_unstable();
        added.dedup();
        self.moved += added.len() + gone.len();
        let mut changed = vec![false; self.hot.len()];
        added.iter().chain(&gone).for_each(|row| changed[*row as usize] = true);
        for key in SortKey::KEPT {
            added.sort_unstable_by(|a, b| self.compare(key, *a, *b));
            let mut rows = self.orders.take(key);
            rows.retain(|row| !changed[*row as usize]);
            let rows = super::order::merged(&rows, &added, |a, b| self.compare(key, a, b));
            self.orders.set(key, rows);
        }
        self.free.extend(gone);
        self.text.tidy();
    }

    /// New quintiles once a hundredth of the customers moved.
    pub(super) fn quintiles_if_due(&self) -> Option<Quintiles> {
        (self.moved > 0 && self.moved * 100 >= self.len()).then(|| Quintiles::cut(&self.hot))
    }

    pub(super) fn set_quintiles(&mut self, quintiles: Quintiles) {
        self.quintiles = quintiles;
        self.moved = 0;
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn newest(&self) -> i64 {
        self.newest
    }

    pub(super) fn refreshed_at(&self, id: &str) -> Option<i64> {
        self.by_id.get(id).map(|row| self.cold[*row as usize].refreshed_at)
    }

    pub(super) fn rfm(&self, id: &str) -> Option<(u8, u8, u8)> {
        self.by_id.get(id).and_then(|row| self.quintiles.of(&self.hot[*row as usize]))
    }

    pub(super) fn get(&self, view: &View, id: &str) -> Option<Entry> {
        let reach = Reach::new(self, view);
        let row = self.by_id.get(id).filter(|row| reach.sees(&self.hot[**row as usize]))?;
        Some(self.entry(*row, &reach))
    }

    pub(super) fn count(&self, view: &View) -> usize {
        let reach = Reach::new(self, view);
        if reach.is_whole() { self.len() } else { self.hot.iter().filter(|hot| reach.sees(hot)).count() }
    }

    /// What the list shows of a row.
    pub(super) fn entry(&self, row: u32, reach: &Reach) -> Entry {
        let (hot, cold) = (&self.hot[row as usize], &self.cold[row as usize]);
        let name = |number: u32| self.names.text(number).map(str::to_owned);
        Entry {
            id: cold.id.to_string(),
            code: cold.code.as_deref().map(str::to_owned),
            name: cold.name.to_string(),
            name_kana: cold.name_kana.as_deref().map(str::to_owned),
            city: name(cold.city).filter(|_| !(hot.person && reach.personal_hidden())),
            owner: name(hot.owner),
            department: name(hot.department),
            industry: name(hot.industry),
            prospect: hot.prospect,
            lead_source: name(cold.lead_source),
            lead_date: date(cold.lead_date),
            currency: cold.currency,
            sales_12m: hot.sales,
            monthly: cold.monthly,
            last_order: date(hot.last_order),
            last_contact: date(hot.last_contact),
            overdue: hot.overdue,
            health: hot.health,
            sources: (1..self.tiles.len() as u32)
                .filter(|n| hot.sources & (1_u64.checked_shl(*n).unwrap_or(0)) != 0)
                .filter_map(|n| self.tiles.text(n).map(str::to_owned))
                .collect(),
            events: cold.events,
            sample: hot.sample,
            orders_24m: hot.orders_24m,
            sales_24m: hot.sales_24m,
        }
    }
}

const EPOCH: Date = Date::constant(1970, 1, 1);

/// Days since 1970-01-01.
pub(super) fn day_number(date: Date) -> i32 {
    i32::try_from(date.duration_since(EPOCH).as_hours() / 24).unwrap_or(NEVER)
}

fn day(text: Option<&str>) -> i32 {
    text.and_then(crate::model::Date::parse).map_or(NEVER, |d| day_number(d.0))
}

fn date(day: i32) -> Option<String> {
    (day != NEVER).then(|| crate::model::Date(EPOCH.saturating_add(day.days())).to_string())
}

fn months(json: Option<&str>) -> [i64; 12] {
    let mut out = [0; 12];
    let read: Vec<i64> = json.and_then(|j| serde_json::from_str(j).ok()).unwrap_or_default();
    for (slot, amount) in out.iter_mut().zip(read) {
        *slot = amount;
    }
    out
}
