//! `/customers`: the list, its search, facets, tabs, order and pages, all held in the address.

use unicode_normalization::UnicodeNormalization;
use url::form_urlencoded;

use crate::{
    analytics::{
        Health,
        directory::{Answer, Entry, MatchedOn, Query},
    },
    http::console::{
        Shell, chart,
        markup::{Markup, escape},
        view::status,
    },
    model::record::{LIFE_STAGES, PROSPECT},
};

/// Rows on one page.
pub const PAGE: usize = 50;

/// Saved question above the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    #[default]
    All,
    /// 60 days without contact.
    Quiet,
    /// Something is overdue.
    Overdue,
}

impl Tab {
    pub const EVERY: [Self; 3] = [Self::All, Self::Quiet, Self::Overdue];

    #[must_use]
    pub fn value(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Quiet => "quiet",
            Self::Overdue => "overdue",
        }
    }

    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::All => "customers.tab_all",
            Self::Quiet => "customers.tab_quiet",
            Self::Overdue => "customers.tab_overdue",
        }
    }
}

/// The address of the list, parsed. Unknown keys and values are ignored, so old links keep working.
#[derive(Clone, Debug, Default)]
pub struct ListQuery {
    pub q: String,
    pub tab: Tab,
    pub health: Vec<Health>,
    pub industry: Vec<String>,
    pub department: Vec<String>,
    pub source: Vec<String>,
    /// `prospect` or `customer`.
    pub stage: Vec<String>,
    /// Column, `sales` unless asked otherwise.
    pub sort: Sort,
    /// From 1.
    pub page: usize,
}

/// Column and direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort {
    pub column: String,
    pub descending: bool,
}

impl Default for Sort {
    fn default() -> Self {
        Self { column: "sales".to_owned(), descending: true }
    }
}

const COLUMNS: [&str; 5] = ["sales", "last_order", "last_contact", "name", "code"];

impl ListQuery {
    /// From the raw query string.
    #[must_use]
    pub fn parse(raw: &str) -> Self {
        let mut query = Self { page: 1, ..Self::default() };
        for (key, value) in form_urlencoded::parse(raw.as_bytes()) {
            let value = value.into_owned();
            match key.as_ref() {
                "q" => query.q = value.trim().chars().take(200).collect(),
                "tab" => query.tab = Tab::EVERY.into_iter().find(|tab| tab.value() == value).unwrap_or_default(),
                "health" => query.health.extend(status::parse_health(&value)),
                "industry" => query.industry.push(value),
                "department" => query.department.push(value),
                "source" => query.source.push(value),
                "stage" if LIFE_STAGES.contains(&value.as_str()) => query.stage.push(value),
                "page" => query.page = value.parse().unwrap_or(1).clamp(1, 1_000_000),
                "sort" => {
                    let (column, descending) = value.strip_prefix('-').map_or((value.as_str(), false), |c| (c, true));
                    if COLUMNS.contains(&column) {
                        query.sort = Sort { column: column.to_owned(), descending };
                    }
                }
                _ => {}
            }
        }
        query
    }

    /// The question to the directory.
    #[must_use]
    pub fn question(&self) -> Query {
        Query {
            text: self.q.clone(),
            health: self.health.clone(),
            industry: self.industry.clone(),
            department: self.department.clone(),
            source: self.source.clone(),
            owner: None,
            quiet_days: (self.tab == Tab::Quiet).then_some(60),
            overdue_only: self.tab == Tab::Overdue,
            // Both are everybody.
            prospects: match self.stage.as_slice() {
                [one] => Some(one == PROSPECT),
                _ => None,
            },
            sort: self.sort.column.clone(),
            descending: self.sort.descending,
            after: None,
            offset: (self.page - 1) * PAGE,
            limit: PAGE,
        }
    }

    /// The address again; without defaults, so that it stays short.
    #[must_use]
    pub fn href(&self) -> String {
        let mut out = form_urlencoded::Serializer::new(String::new());
        for (key, value) in [("q", self.q.as_str()), ("tab", self.tab.value())] {
            if !value.is_empty() {
                out.append_pair(key, value);
            }
        }
        for health in &self.health {
            out.append_pair("health", status::health_value(*health));
        }
        let facets = [
            ("industry", &self.industry),
            ("department", &self.department),
            ("source", &self.source),
            ("stage", &self.stage),
        ];
        for (key, values) in facets {
            for value in values {
                out.append_pair(key, value);
            }
        }
        if self.sort != Sort::default() {
            out.append_pair("sort", &self.sort_value());
        }
        if self.page > 1 {
            out.append_pair("page", &self.page.to_string());
        }
        let query = out.finish();
        if query.is_empty() { "/customers".to_owned() } else { format!("/customers?{query}") }
    }

    #[must_use]
    pub fn sort_value(&self) -> String {
        format!("{}{}", if self.sort.descending { "-" } else { "" }, self.sort.column)
    }

    #[must_use]
    pub fn with_tab(&self, tab: &Tab) -> String {
        let tab = *tab;
        Self { tab, page: 1, ..self.clone() }.href()
    }

    /// What narrows and orders the list, without its page: the address behind `?`.
    #[must_use]
    pub fn filter(&self) -> String {
        let href = Self { page: 1, ..self.clone() }.href();
        href.split_once('?').map(|(_, filter)| filter.to_owned()).unwrap_or_default()
    }

    #[must_use]
    pub fn with_page(&self, page: usize) -> String {
        Self { page, ..self.clone() }.href()
    }

    /// The address after pressing a column heading: the other direction, or its natural first one.
    #[must_use]
    pub fn with_sort(&self, column: &str) -> String {
        let descending =
            if self.sort.column == column { !self.sort.descending } else { !matches!(column, "name" | "code") };
        Self { sort: Sort { column: column.to_owned(), descending }, page: 1, ..self.clone() }.href()
    }

    /// Anything narrows the list.
    #[must_use]
    pub fn narrowed(&self) -> bool {
        !self.q.is_empty()
            || self.tab != Tab::All
            || !self.health.is_empty()
            || !self.industry.is_empty()
            || !self.department.is_empty()
            || !self.source.is_empty()
            || !self.stage.is_empty()
    }
}

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

/// See the module.
#[derive(Clone, Debug)]
pub struct CustomersPage {
    pub query: ListQuery,
    pub answer: Answer,
    /// Customers per tab, in the order of [`Tab::EVERY`].
    pub tab_counts: [usize; 3],
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
        let words = |field, heading, counts: &[(String, usize)], chosen: &[String], label: &dyn Fn(&str) -> String| {
            let choices = counts.iter().map(|(value, count)| Choice {
                label: label(value),
                chosen: chosen.contains(value),
                value: value.clone(),
                count: *count,
            });
            FacetView { field, heading, choices: choices.collect() }
        };
        let plain = |value: &str| {
            if value.is_empty() { shell.t("customers.unassigned").to_owned() } else { value.to_owned() }
        };
        let health = self.answer.health.iter().map(|(health, count)| Choice {
            value: status::health_value(*health).to_owned(),
            label: shell.t(status::health_key(*health)).to_owned(),
            count: *count,
            chosen: self.query.health.contains(health),
        });
        let stage = self.answer.stage.iter().map(|(prospect, count)| {
            let value = if *prospect { PROSPECT } else { "customer" };
            Choice {
                value: value.to_owned(),
                label: shell.word("life_stage", value).to_owned(),
                count: *count,
                chosen: self.query.stage.iter().any(|chosen| chosen == value),
            }
        });
        // Where there are no prospects, there is nothing to tell apart.
        let any = self.answer.stage.iter().any(|(prospect, count)| *prospect && *count > 0);
        let told = any || !self.query.stage.is_empty();
        vec![
            FacetView { field: "stage", heading: "customers.facet_stage", choices: stage.filter(|_| told).collect() },
            FacetView { field: "health", heading: "customers.facet_health", choices: health.collect() },
            words("industry", "customers.facet_industry", &self.answer.industry, &self.query.industry, &plain),
            words("department", "customers.facet_department", &self.answer.department, &self.query.department, &plain),
            words("source", "customers.facet_source", &self.answer.source, &self.query.source, &|kind| {
                shell.tile_name(kind).to_owned()
            }),
        ]
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
            MatchedOn::Name | MatchedOn::Code => None,
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
    fn addresses_round_trip() {
        for address in [
            "/customers",
            "/customers?q=%E6%9C%9D%E5%87%AA&health=act&department=%E5%96%B6%E6%A5%AD%E4%B8%80%E8%AA%B2&sort=name&page=3",
            "/customers?tab=quiet&source=sales&source=accounting&sort=-last_order",
        ] {
            let query = address.split_once('?').map_or("", |(_, q)| q);
            assert_eq!(ListQuery::parse(query).href(), address);
        }
        assert_eq!(ListQuery::parse("sort=drop&page=0&tab=x&zzz=1").href(), "/customers");
        assert_eq!(ListQuery::parse("page=4").with_sort("name"), "/customers?sort=name");
        assert_eq!(ListQuery::parse("").with_sort("sales"), "/customers?sort=sales");
    }

    #[test]
    fn marks_what_was_found_and_escapes_the_rest() {
        assert_eq!(mark("髙梨<商店>", "高梨").to_string(), "<mark>髙梨</mark>&lt;商店&gt;");
        assert_eq!(mark("ABC商会", "bc").to_string(), "A<mark>BC</mark>商会");
        assert_eq!(mark("アサナギ", "なぎ").to_string(), "アサ<mark>ナギ</mark>");
        assert_eq!(mark("朝凪", "夕").to_string(), "朝凪");
    }
}
