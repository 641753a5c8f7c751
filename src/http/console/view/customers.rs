//! `/customers`: the list, its search, facets, views, columns, order and pages, all held in the address
//! ([`crate::lists::query`]).

use std::collections::{BTreeMap, HashMap};

use unicode_normalization::UnicodeNormalization;

use super::event_text::master_value;
pub use crate::lists::query::{Column, ListQuery, Opened, PAGE, Sort, Tab};
use crate::{
    analytics::directory::{Answer, Entry, MatchedOn},
    http::console::{
        Shell, chart,
        markup::{Markup, escape},
        view::status,
    },
    lists::query::is_none,
    model::record::PROSPECT,
};

/// Saved views that stand as tabs; the others are behind them.
pub const MOST_TABS: usize = 6;

/// One choice of a facet.
#[derive(Clone, Debug)]
pub struct Choice {
    pub value: String,
    pub label: String,
    pub count: usize,
    pub chosen: bool,
}

/// One facet: its form field, heading and choices.
#[derive(Clone, Debug)]
pub struct FacetView {
    pub field: &'static str,
    pub heading: &'static str,
    pub choices: Vec<Choice>,
}

/// A saved view above the list.
#[derive(Clone, Debug)]
pub struct SavedTab {
    pub id: String,
    pub name: String,
    /// Everybody has it.
    pub shared: bool,
    /// Customers in it that the reader sees.
    pub count: usize,
    pub href: String,
    pub current: bool,
}

/// The saved view by which the list was opened.
#[derive(Clone, Debug)]
pub struct Current {
    pub id: String,
    pub name: String,
    pub may_change: bool,
    /// The list is not as it was kept any more.
    pub moved: bool,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct CustomersPage {
    pub query: ListQuery,
    pub answer: Answer,
    /// Customers per tab, in the order of [`Tab::EVERY`].
    pub tab_counts: [usize; 4],
    pub saved: Vec<SavedTab>,
    /// Saved views there are, those behind the tabs too.
    pub saved_total: usize,
    pub current: Option<Current>,
    pub columns: Vec<Column>,
    pub dense: bool,
    /// Values of added fields that are shown, by customer.
    pub custom: HashMap<String, BTreeMap<String, String>>,
    /// The reader may keep the list under a name.
    pub may_save: bool,
    /// Connections that feed the list.
    pub connections: i64,
    /// The directory is still loading.
    pub loading: bool,
}

impl CustomersPage {
    /// `?…` of the list for its export, or nothing.
    #[must_use]
    pub fn export_query(&self) -> String {
        let filter = self.query.filter();
        if filter.is_empty() { filter } else { format!("?{filter}") }
    }

    #[must_use]
    pub fn tabs(&self) -> Vec<(Tab, usize)> {
        Tab::EVERY.into_iter().zip(self.tab_counts).collect()
    }

    #[must_use]
    pub fn facets(&self, shell: &Shell) -> Vec<FacetView> {
        let health = self.answer.health.iter().map(|(health, count)| Choice {
            value: health.as_str().to_owned(),
            label: shell.t(status::health_key(*health)).to_owned(),
            count: *count,
            chosen: self.query.health.contains(health),
        });
        let stage = self.answer.stage.iter().map(|(prospect, count)| {
            let value = if *prospect { PROSPECT } else { "customer" };
            Choice {
                value: value.to_owned(),
                label: facet_label(shell, "stage", value),
                count: *count,
                chosen: self.query.stage.iter().any(|chosen| chosen == value),
            }
        });
        // Where there are no prospects, there is nothing to tell apart.
        let any = self.answer.stage.iter().any(|(prospect, count)| *prospect && *count > 0);
        let told = any || !self.query.stage.is_empty();
        let mut facets = vec![
            FacetView { field: "stage", heading: "customers.facet_stage", choices: stage.filter(|_| told).collect() },
            FacetView { field: "health", heading: "customers.facet_health", choices: health.collect() },
        ];
        let counts = [&self.answer.industry, &self.answer.department, &self.answer.owner, &self.answer.source];
        for ((field, chosen), counts) in self.query.facets().into_iter().zip(counts) {
            let choices = counts.iter().filter(|(value, _)| field != "source" || !is_none(value));
            let choices = choices.map(|(value, count)| Choice {
                label: facet_label(shell, field, value),
                chosen: chosen.contains(value),
                value: value.clone(),
                count: *count,
            });
            facets.push(FacetView { field, heading: heading(field), choices: choices.collect() });
        }
        facets
    }

    /// What narrows the list, in words, each with the address without it.
    #[must_use]
    pub fn chips(&self, shell: &Shell) -> Vec<(String, String)> {
        narrowed_by(shell, &self.query).into_iter().map(|(field, label)| (label, self.query.without(field))).collect()
    }

    /// What the heading of a column says.
    #[must_use]
    pub fn column(&self, shell: &Shell, column: &Column) -> String {
        column_label(shell, column)
    }

    /// What the heading sorts by; empty: it does not.
    #[must_use]
    pub fn sort_of(&self, column: &Column) -> &'static str {
        column.sort().unwrap_or_default()
    }

    /// A customer's value of an added field, as people write it; empty: there is none.
    #[must_use]
    pub fn added(&self, shell: &Shell, entry: &Entry, column: &Column) -> String {
        let Column::Custom(key) = column else { return String::new() };
        let value = self.custom.get(&entry.id).and_then(|values| values.get(key));
        value.map(|value| master_value(shell, &column.value(), value, entry.currency)).unwrap_or_default()
    }

    /// On a telephone three facts stand below the name: sales, owner and last contact, else the first chosen ones.
    #[must_use]
    pub fn on_phone(&self, column: &Column) -> bool {
        let drawn = |c: &&Column| !matches!(c, Column::Trend | Column::Sources | Column::Health);
        let wanted = [Column::Sales, Column::Owner, Column::LastContact];
        let first = wanted.iter().filter(|c| self.columns.contains(c));
        let rest = self.columns.iter().filter(drawn).filter(|c| !wanted.contains(c));
        first.chain(rest).take(3).any(|c| c == column)
    }

    /// The list's address for the pages that begin from it.
    #[must_use]
    pub fn from(&self, page: &str) -> String {
        let filter = self.query.filter();
        if filter.is_empty() { page.to_owned() } else { format!("{page}?{filter}") }
    }

    /// The state of the list as hidden fields of a form that leads elsewhere.
    #[must_use]
    pub fn state(&self) -> Vec<(&'static str, String)> {
        ListQuery { page: 1, opened: Opened::Unsaid, ..self.query.clone() }.pairs()
    }

    /// What a search or a facet leaves as it is: the fields of the form that are not typed.
    #[must_use]
    pub fn kept(&self) -> Vec<(&'static str, String)> {
        let typed = ["q", "stage", "health", "industry", "department", "owner", "source", "page", "sort"];
        self.query.pairs().into_iter().filter(|(key, _)| !typed.contains(key)).collect()
    }

    /// Nothing of the saved views is open.
    #[must_use]
    pub fn is_tab(&self, tab: &Tab) -> bool {
        self.current.is_none() && self.query.tab == *tab
    }

    #[must_use]
    pub fn first(&self) -> usize {
        if self.answer.rows.is_empty() { 0 } else { (self.query.page - 1) * PAGE + 1 }
    }

    #[must_use]
    pub fn last(&self) -> usize {
        (self.query.page - 1) * PAGE + self.answer.rows.len()
    }

    #[must_use]
    pub fn has_next(&self) -> bool {
        self.last() < self.answer.total && !self.answer.rows.is_empty()
    }

    /// `descending`, `ascending` or nothing, for `aria-sort`.
    #[must_use]
    pub fn sorted(&self, column: &str) -> &'static str {
        match (self.query.sort.column == column, self.query.sort.descending) {
            (true, true) => "descending",
            (true, false) => "ascending",
            _ => "",
        }
    }

    #[must_use]
    pub fn spark(&self, entry: &Entry) -> Markup {
        chart::spark(&entry.monthly)
    }

    /// The name with the searched part marked.
    #[must_use]
    pub fn marked(&self, text: &str) -> Markup {
        mark(text, &self.query.q)
    }

    /// Why a row was found, where the row itself does not show it.
    #[must_use]
    pub fn why(&self, on: &Option<MatchedOn>) -> Option<&'static str> {
        match on.as_ref()? {
            MatchedOn::Name | MatchedOn::Code | MatchedOn::Contact => None,
            MatchedOn::Kana => Some("customers.why_kana"),
            MatchedOn::Phone => Some("customers.why_phone"),
            MatchedOn::RegistrationNumber => Some("customers.why_registration"),
            MatchedOn::MailDomain => Some("customers.why_mail"),
        }
    }

    /// Tint of the last contact: amber from 60 days, red from 80.
    #[must_use]
    pub fn contact_tint(&self, shell: &Shell, date: &str) -> &'static str {
        match shell.quiet_days(date) {
            80.. => "t-bad",
            60.. => "t-warn",
            _ => "",
        }
    }
}

/// Each facet that narrows, with its values in words.
fn narrowed_by(shell: &Shell, query: &ListQuery) -> Vec<(&'static str, String)> {
    let health = query.health.iter().map(|health| shell.t(status::health_key(*health)).to_owned());
    let mut all: Vec<(&'static str, Vec<String>)> = vec![("health", health.collect())];
    for (field, values) in query.facets() {
        all.push((field, values.iter().map(|value| facet_label(shell, field, value)).collect()));
    }
    all.retain(|(_, words)| !words.is_empty());
    let label = |(field, words): (&'static str, Vec<String>)| {
        (field, shell.f2("customers.chip", shell.t(heading(field)), words.join(shell.t("comma"))))
    };
    all.into_iter().map(label).collect()
}

/// What a question holds, in words: search, tab, facets, order, columns.
pub fn chips_of(shell: &Shell, query: &ListQuery) -> Vec<String> {
    let mut words = Vec::new();
    if !query.q.is_empty() {
        words.push(shell.f2("customers.chip", shell.t("customers.do_search"), &query.q));
    }
    if query.tab != Tab::All {
        words.push(shell.t(query.tab.key()).to_owned());
    }
    words.extend(narrowed_by(shell, query).into_iter().map(|(_, label)| label));
    if query.sort != Sort::default() {
        let column = shell.word("column", &query.sort.column);
        let way = shell.t(if query.sort.descending { "views.descending" } else { "views.ascending" });
        words.push(shell.f2("customers.chip", column, way));
    }
    if let Some(columns) = &query.columns {
        words.push(shell.n("views.columns", columns.len()));
    }
    words
}

fn heading(field: &str) -> &'static str {
    match field {
        "stage" => "customers.facet_stage",
        "health" => "customers.facet_health",
        "industry" => "customers.facet_industry",
        "department" => "customers.facet_department",
        "owner" => "customers.facet_owner",
        _ => "customers.facet_source",
    }
}

fn facet_label(shell: &Shell, field: &str, value: &str) -> String {
    match field {
        _ if is_none(value) => shell.t("customers.unassigned").to_owned(),
        "source" => shell.tile_name(value).to_owned(),
        "stage" => shell.word("life_stage", value).to_owned(),
        _ => value.to_owned(),
    }
}

/// What a column is called.
pub fn column_label(shell: &Shell, column: &Column) -> String {
    match column {
        Column::Custom(_) => shell.field(&column.value()).to_owned(),
        own => shell.word("column", &own.value()).to_owned(),
    }
}

/// One character as search sees it: width, case and kana folded.
fn fold(c: char) -> impl Iterator<Item = char> {
    std::iter::once(c).nfkc().flat_map(char::to_lowercase).map(|c| match c {
        'ぁ'..='ゖ' => char::from_u32(c as u32 + 0x60).unwrap_or(c),
        '髙' => '高',
        '﨑' => '崎',
        '－' | '―' | '‐' => '-',
        c => c,
    })
}

/// Marks the first folded occurrence of `needle`.
fn mark(text: &str, needle: &str) -> Markup {
    let wanted: Vec<char> = needle.chars().flat_map(fold).filter(|c| !c.is_whitespace()).collect();
    let folded: Vec<(usize, char)> = text
        .char_indices()
        .flat_map(|(at, c)| fold(c).map(move |f| (at, f)))
        .filter(|(_, c)| !c.is_whitespace())
        .collect();
    let found = (!wanted.is_empty())
        .then(|| folded.windows(wanted.len()).position(|w| w.iter().map(|(_, c)| c).eq(wanted.iter())))
        .flatten();
    let Some(start) = found else { return Markup::new(escape(text)) };
    let from = folded[start].0;
    let last = folded[start + wanted.len() - 1].0;
    let to = text[last..].chars().next().map_or(text.len(), |c| last + c.len_utf8());
    Markup::new(format!("{}<mark>{}</mark>{}", escape(&text[..from]), escape(&text[from..to]), escape(&text[to..])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_what_was_found_and_escapes_the_rest() {
        assert_eq!(mark("髙梨<商店>", "高梨").to_string(), "<mark>髙梨</mark>&lt;商店&gt;");
        assert_eq!(mark("ABC商会", "bc").to_string(), "A<mark>BC</mark>商会");
        assert_eq!(mark("アサナギ", "なぎ").to_string(), "アサ<mark>ナギ</mark>");
        assert_eq!(mark("朝凪", "夕").to_string(), "朝凪");
    }
}
