//! One question to the list: filter, count facets, cut a page.

use jiff::civil::Date;

use super::{
    Answer, Entry, Facet, MatchedOn, NONE, QUIET_DAYS, Query, Tabs,
    core::{Core, Hot, NEVER, Names, day_number},
    order::SortKey,
    reach::Reach,
    text::{Hit, Rank},
};
use crate::{analytics::customer::Health, matching::fold::fold, model::View};

const HEALTH: u8 = 1;
const INDUSTRY: u8 = 2;
const DEPARTMENT: u8 = 4;
const SOURCE: u8 = 8;
const OWNER: u8 = 16;
const STAGE: u8 = 32;

/// A query with its values looked up. A value that no customer has matches nobody.
struct Wanted<'a> {
    reach: &'a Reach,
    health: Option<u8>,
    industry: Option<Vec<u32>>,
    department: Option<Vec<u32>>,
    source: Option<u64>,
    owner: Option<Vec<u32>>,
    mine: Option<Vec<u32>>,
    /// Last contact on this day or before.
    contact_until: Option<i32>,
    overdue: bool,
    prospects: Option<bool>,
}

impl<'a> Wanted<'a> {
    fn new(core: &Core, reach: &'a Reach, query: &Query, today: Date) -> Self {
        let numbers = |values: &[String], names: &Names| {
            (!values.is_empty()).then(|| values.iter().filter_map(|v| number_of(names, v)).collect())
        };
        let source: Option<Vec<u32>> = numbers(&query.source, &core.tiles);
        Self {
            reach,
            health: (!query.health.is_empty()).then(|| query.health.iter().fold(0, |bits, h| bits | 1 << *h as u8)),
            industry: numbers(&query.industry, &core.names),
            department: numbers(&query.department, &core.names),
            source: source.map(|s| s.iter().fold(0, |bits, n| bits | 1_u64.checked_shl(*n).unwrap_or(0))),
            owner: numbers(&query.owner, &core.names),
            mine: query.mine.as_deref().map(|mine| owners(core, mine)),
            contact_until: query.quiet_days.map(|days| before(today, days)),
            overdue: query.overdue_only,
            prospects: query.prospects,
        }
    }

    /// The facets that refuse the row; `None` when something else does.
    fn refused(&self, hot: &Hot) -> Option<u8> {
        let stands = self.reach.sees(hot)
            && self.mine.as_ref().is_none_or(|mine| mine.contains(&hot.owner))
            && self.contact_until.is_none_or(|day| hot.last_contact <= day)
            && (!self.overdue || hot.overdue > 0);
        if !stands {
            return None;
        }
        let mut by = 0;
        if self.health.is_some_and(|bits| bits & (1 << hot.health as u8) == 0) {
            by |= HEALTH;
        }
        if self.industry.as_ref().is_some_and(|w| !w.contains(&hot.industry)) {
            by |= INDUSTRY;
        }
        if self.department.as_ref().is_some_and(|w| !w.contains(&hot.department)) {
            by |= DEPARTMENT;
        }
        if self.source.is_some_and(|bits| bits & hot.sources == 0) {
            by |= SOURCE;
        }
        if self.owner.as_ref().is_some_and(|w| !w.contains(&hot.owner)) {
            by |= OWNER;
        }
        if self.prospects.is_some_and(|wanted| wanted != hot.prospect) {
            by |= STAGE;
        }
        Some(by)
    }
}

/// Counts of one query. A facet counts what the other facets let through, so that a person sees
/// what choosing another value would give.
struct Counts {
    health: [usize; 5],
    industry: Vec<usize>,
    department: Vec<usize>,
    owner: Vec<usize>,
    source: [usize; 64],
    stage: [usize; 2],
}

impl Counts {
    fn new(core: &Core) -> Self {
        Self {
            health: [0; 5],
            industry: vec![0; core.names.len()],
            department: vec![0; core.names.len()],
            owner: vec![0; core.names.len()],
            source: [0; 64],
            stage: [0; 2],
        }
    }

    fn add(&mut self, hot: &Hot, refused: u8) {
        if refused & !HEALTH == 0 {
            self.health[hot.health as usize] += 1;
        }
        if refused & !INDUSTRY == 0 {
            self.industry[hot.industry as usize] += 1;
        }
        if refused & !DEPARTMENT == 0 {
            self.department[hot.department as usize] += 1;
        }
        if refused & !OWNER == 0 {
            self.owner[hot.owner as usize] += 1;
        }
        if refused & !STAGE == 0 {
            self.stage[usize::from(hot.prospect)] += 1;
        }
        if refused & !SOURCE == 0 {
            let mut bits = hot.sources;
            while bits != 0 {
                self.source[bits.trailing_zeros() as usize] += 1;
                bits &= bits - 1;
            }
        }
    }
}

impl Core {
    pub(super) fn answer(&self, view: &View, query: &Query, today: Date) -> Answer {
        let reach = Reach::new(self, view);
        let wanted = Wanted::new(self, &reach, query, today);
        let hits = (!query.text.trim().is_empty()).then(|| self.text.search(&query.text, reach.personal_hidden()));
        let mut counts = Counts::new(self);
        let mut passed: Vec<Hit> = Vec::new();
        let mut look = |hit: Hit| {
            let hot = &self.hot[hit.0 as usize];
            if let Some(refused) = wanted.refused(hot) {
                counts.add(hot, refused);
                if refused == 0 {
                    passed.push(hit);
                }
            }
        };
        match &hits {
            Some(hits) => hits.iter().for_each(|hit| look(*hit)),
            None => (0..self.hot.len() as u32).for_each(|row| look((row, Rank::Exact, MatchedOn::Name))),
        }
        let total = passed.len();
        if let Some(after) = query.after.as_deref() {
            passed.retain(|hit| &*self.cold[hit.0 as usize].id > after);
        }
        let page = self.page(passed, query, hits.is_some());
        Answer {
            total,
            of: self.count(view),
            rows: page.into_iter().map(|(row, _, on)| (self.entry(row, &reach), hits.as_ref().map(|_| on))).collect(),
            health: Health::ALL.into_iter().map(|h| (h, counts.health[h as usize])).collect(),
            industry: facet(&self.names, &counts.industry, &query.industry),
            department: facet(&self.names, &counts.department, &query.department),
            owner: facet(&self.names, &counts.owner, &query.owner),
            source: facet(&self.tiles, &counts.source, &query.source),
            stage: [true, false].map(|prospect| (prospect, counts.stage[usize::from(prospect)])).into(),
        }
    }

    fn page(&self, mut passed: Vec<Hit>, query: &Query, by_text: bool) -> Vec<Hit> {
        let (key, descending) =
            SortKey::parse(&query.sort).map_or((SortKey::Sales, true), |key| (key, query.descending));
        let wanted = query.offset.saturating_add(query.limit).min(passed.len());
        let cut = |passed: Vec<Hit>| passed.into_iter().skip(query.offset).take(query.limit).collect();
        if by_text && key == SortKey::Sales && descending {
            self.best_first(&mut passed, wanted);
            return cut(passed);
        }
        if !key.is_kept() {
            let compare = |a: &Hit, b: &Hit| {
                let order = self.compare(key, a.0, b.0);
                if descending { order.reverse() } else { order }
            };
            if wanted > 0 && wanted < passed.len() {
                passed.select_nth_unstable_by(wanted - 1, compare);
                passed.truncate(wanted);
            }
            passed.sort_unstable_by(compare);
            return cut(passed);
        }
        if passed.len() * 16 < self.hot.len() {
            passed.sort_unstable_by(|a, b| {
                let order = self.compare(key, a.0, b.0);
                if descending { order.reverse() } else { order }
            });
            return cut(passed);
        }
        let mut at = vec![u32::MAX; self.hot.len()];
        for (index, hit) in passed.iter().enumerate() {
            at[hit.0 as usize] = index as u32;
        }
        let order = self.orders.get(key);
        let row_at = |i: usize| if descending { order[order.len() - 1 - i] } else { order[i] };
        (0..order.len())
            .filter_map(|i| passed.get(at[row_at(i) as usize] as usize).copied())
            .skip(query.offset)
            .take(query.limit)
            .collect()
    }

    /// Puts the first `wanted` matches in order; the rest stays as it is.
    fn best_first(&self, hits: &mut Vec<Hit>, wanted: usize) {
        let sales = |row: u32| std::cmp::Reverse(self.hot[row as usize].sales);
        let compare = |a: &Hit, b: &Hit| {
            (a.1, sales(a.0))
                .cmp(&(b.1, sales(b.0)))
                .then_with(|| self.cold[a.0 as usize].id.cmp(&self.cold[b.0 as usize].id))
        };
        if wanted > 0 && wanted < hits.len() {
            hits.select_nth_unstable_by(wanted - 1, compare);
            hits.truncate(wanted);
        }
        hits.sort_unstable_by(compare);
    }

    pub(super) fn suggest(&self, view: &View, text: &str, limit: usize) -> Vec<(Entry, Option<MatchedOn>)> {
        let reach = Reach::new(self, view);
        let mut hits = self.text.search(text, reach.personal_hidden());
        hits.retain(|hit| reach.sees(&self.hot[hit.0 as usize]));
        self.best_first(&mut hits, limit);
        hits.into_iter().take(limit).map(|(row, _, on)| (self.entry(row, &reach), Some(on))).collect()
    }

    pub(super) fn matching(&self, view: &View, query: &Query, today: Date) -> usize {
        let reach = Reach::new(self, view);
        let wanted = Wanted::new(self, &reach, query, today);
        let passes = |row: &u32| wanted.refused(&self.hot[*row as usize]) == Some(0);
        if query.text.trim().is_empty() {
            return (0..self.hot.len() as u32).filter(passes).count();
        }
        self.text.search(&query.text, reach.personal_hidden()).into_iter().filter(|hit| passes(&hit.0)).count()
    }

    pub(super) fn by_contact(&self, view: &View, text: &str, limit: usize) -> Vec<Entry> {
        let reach = Reach::new(self, view);
        let mut hits = self.text.contacts(text);
        hits.retain(|hit| reach.sees(&self.hot[hit.0 as usize]));
        self.best_first(&mut hits, limit);
        hits.into_iter().take(limit).map(|(row, ..)| self.entry(row, &reach)).collect()
    }

    pub(super) fn tabs(&self, view: &View, mine: &[String], today: Date) -> Tabs {
        let reach = Reach::new(self, view);
        let mine = owners(self, mine);
        let until = before(today, QUIET_DAYS);
        let mut tabs = Tabs::default();
        for hot in self.hot.iter().filter(|h| reach.sees(h)) {
            tabs.all += 1;
            tabs.mine += usize::from(mine.contains(&hot.owner));
            tabs.quiet += usize::from(hot.last_contact <= until);
            tabs.overdue += usize::from(hot.overdue > 0);
        }
        tabs
    }
}

/// So many days before today.
fn before(today: Date, days: i64) -> i32 {
    day_number(today).saturating_sub(i32::try_from(days).unwrap_or(i32::MAX)).max(NEVER + 1)
}

/// The number of a facet's value; [`NONE`] is that there is none.
fn number_of(names: &Names, value: &str) -> Option<u32> {
    if value == NONE { Some(0) } else { names.find(value) }
}

/// Owners that are called one of these.
fn owners(core: &Core, folded: &[String]) -> Vec<u32> {
    let is_one = |number: &u32| core.names.text(*number).is_some_and(|name| folded.contains(&fold(name)));
    (1..core.names.len() as u32).filter(is_one).collect()
}

/// Values that occur, and those asked for, the most frequent first.
fn facet(names: &Names, counts: &[usize], asked: &[String]) -> Facet<String> {
    let mut facet: Facet<String> = counts
        .iter()
        .enumerate()
        .filter_map(|(number, count)| {
            let text = if number == 0 { NONE } else { names.text(number as u32)? };
            Some((text, *count))
        })
        .filter(|(text, count)| *count > 0 || asked.iter().any(|a| a == text))
        .map(|(text, count)| (text.to_owned(), count))
        .collect();
    // Those without a value stand last.
    facet.sort_by(|a, b| (a.0 == NONE).cmp(&(b.0 == NONE)).then(b.1.cmp(&a.1)).then_with(|| a.0.cmp(&b.0)));
    facet
}
