//! The address of the customers list, parsed: what people narrow it by, its order, its columns, its page.
//!
//! Invariant: whatever the address says, parsing answers something; unknown keys and values are left out, so
//! that old links keep working. [`ListQuery::href`] writes back what was understood.

use url::form_urlencoded;

use crate::{
    analytics::{
        Health,
        directory::{NONE, Query},
    },
    model::record::{LIFE_STAGES, PROSPECT},
};

/// Rows on one page.
pub const PAGE: usize = 50;
const LONGEST_TEXT: usize = 200;
/// Values of one facet that an address can hold.
const MOST_VALUES: usize = 50;
/// Columns beside the name.
pub const MOST_COLUMNS: usize = 12;

/// Built-in question above the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    #[default]
    All,
    /// The reader's own customers.
    Mine,
    /// 60 days without contact.
    Quiet,
    /// Something is overdue.
    Overdue,
}

impl Tab {
    pub const EVERY: [Self; 4] = [Self::All, Self::Mine, Self::Quiet, Self::Overdue];

    #[must_use]
    pub fn value(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Mine => "mine",
            Self::Quiet => "quiet",
            Self::Overdue => "overdue",
        }
    }

    /// Of the catalogues.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::All => "customers.tab_all",
            Self::Mine => "customers.tab_mine",
            Self::Quiet => "customers.tab_quiet",
            Self::Overdue => "customers.tab_overdue",
        }
    }
}

/// What the list can show beside the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    Owner,
    Sales,
    Trend,
    LastOrder,
    LastContact,
    Health,
    Sources,
    Department,
    Industry,
    Kana,
    Overdue,
    Orders24m,
    Sales24m,
    Events,
    /// A field that the administrator added, by its key.
    Custom(String),
}

impl Column {
    /// What everybody sees who chose nothing.
    pub const USUAL: [Self; 7] =
        [Self::Owner, Self::Sales, Self::Trend, Self::LastOrder, Self::LastContact, Self::Health, Self::Sources];
    const OTHERS: [Self; 7] =
        [Self::Department, Self::Industry, Self::Kana, Self::Overdue, Self::Orders24m, Self::Sales24m, Self::Events];

    /// Every column but those of added fields.
    pub fn own() -> impl Iterator<Item = Self> {
        Self::USUAL.into_iter().chain(Self::OTHERS)
    }

    /// As addresses have it.
    #[must_use]
    pub fn value(&self) -> String {
        let word = match self {
            Self::Owner => "owner",
            Self::Sales => "sales",
            Self::Trend => "trend",
            Self::LastOrder => "last_order",
            Self::LastContact => "last_contact",
            Self::Health => "health",
            Self::Sources => "sources",
            Self::Department => "department",
            Self::Industry => "industry",
            Self::Kana => "kana",
            Self::Overdue => "overdue",
            Self::Orders24m => "orders_24m",
            Self::Sales24m => "sales_24m",
            Self::Events => "events",
            Self::Custom(key) => return format!("{}{key}", crate::model::custom::PREFIX),
        };
        word.to_owned()
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(key) = crate::model::custom::key_of(text) {
            return crate::model::custom::is_key(key).then(|| Self::Custom(key.to_owned()));
        }
        Self::own().find(|column| column.value() == text)
    }

    /// By what pressing its heading sorts the list.
    #[must_use]
    pub fn sort(&self) -> Option<&'static str> {
        match self {
            Self::Sales => Some("sales"),
            Self::LastOrder => Some("last_order"),
            Self::LastContact => Some("last_contact"),
            Self::Overdue => Some("overdue"),
            Self::Orders24m => Some("orders_24m"),
            Self::Sales24m => Some("sales_24m"),
            Self::Kana => Some("name"),
            _ => None,
        }
    }

    /// Numbers stand right.
    #[must_use]
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Sales | Self::Overdue | Self::Orders24m | Self::Sales24m | Self::Events)
    }

    /// A list as addresses have it: `owner,sales`. What is unknown or there twice is left out.
    #[must_use]
    pub fn list(text: &str) -> Vec<Self> {
        let mut columns: Vec<Self> = Vec::new();
        for column in text.split(',').filter_map(Self::parse) {
            if !columns.contains(&column) && columns.len() < MOST_COLUMNS {
                columns.push(column);
            }
        }
        columns
    }

    #[must_use]
    pub fn join(columns: &[Self]) -> String {
        columns.iter().map(Self::value).collect::<Vec<_>>().join(",")
    }
}

/// By which view the list was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Opened {
    /// The address names none.
    #[default]
    Unsaid,
    /// None on purpose: a person's own default stays closed.
    None,
    /// A saved view, by its id.
    View(String),
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

const SORTS: [&str; 8] = ["sales", "last_order", "last_contact", "overdue", "orders_24m", "sales_24m", "name", "code"];

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListQuery {
    pub q: String,
    pub tab: Tab,
    pub health: Vec<Health>,
    pub industry: Vec<String>,
    pub department: Vec<String>,
    pub owner: Vec<String>,
    pub source: Vec<String>,
    /// `prospect` or `customer`.
    pub stage: Vec<String>,
    /// Column, `sales` unless asked otherwise.
    pub sort: Sort,
    /// `None`: as the reader chose, else [`Column::USUAL`].
    pub columns: Option<Vec<Column>>,
    /// Rows stand closer. `None`: as the reader chose.
    pub dense: Option<bool>,
    pub opened: Opened,
    /// From 1.
    pub page: usize,
}

impl ListQuery {
    /// From the raw query string.
    #[must_use]
    pub fn parse(raw: &str) -> Self {
        let mut query = Self { page: 1, ..Self::default() };
        for (key, value) in form_urlencoded::parse(raw.as_bytes()) {
            query.take(key.as_ref(), value.into_owned());
        }
        query
    }

    fn take(&mut self, key: &str, value: String) {
        let add = |values: &mut Vec<String>, value: String| {
            let value: String = value.chars().filter(|c| !c.is_control()).take(LONGEST_TEXT).collect();
            if !value.is_empty() && !values.contains(&value) && values.len() < MOST_VALUES {
                values.push(value);
            }
        };
        match key {
            "q" => self.q = value.trim().chars().take(LONGEST_TEXT).collect(),
            "tab" => self.tab = Tab::EVERY.into_iter().find(|tab| tab.value() == value).unwrap_or_default(),
            "health" => {
                if let Some(health) = Health::parse(&value).filter(|health| !self.health.contains(health)) {
                    self.health.push(health);
                }
            }
            "industry" => add(&mut self.industry, value),
            "department" => add(&mut self.department, value),
            "owner" => add(&mut self.owner, value),
            "source" => add(&mut self.source, value),
            "stage" if LIFE_STAGES.contains(&value.as_str()) => add(&mut self.stage, value),
            "page" => self.page = value.parse().unwrap_or(1).clamp(1, 1_000_000),
            "cols" => self.columns = Some(Column::list(&value)).filter(|columns| !columns.is_empty()),
            "dense" => self.dense = Some(value == "1"),
            "view" if value == "all" => self.opened = Opened::None,
            "view" => {
                let id = crate::model::Id::parse(crate::model::ids::Noun::View, &value);
                self.opened = id.map_or(Opened::Unsaid, |id| Opened::View(id.into_string()));
            }
            "sort" => {
                let (column, descending) = value.strip_prefix('-').map_or((value.as_str(), false), |c| (c, true));
                if SORTS.contains(&column) {
                    self.sort = Sort { column: column.to_owned(), descending };
                }
            }
            _ => {}
        }
    }

    /// The question to the directory. `mine`: what customers' owners are called who is the reader.
    #[must_use]
    pub fn question(&self, mine: &[String]) -> Query {
        Query {
            text: self.q.clone(),
            health: self.health.clone(),
            industry: self.industry.clone(),
            department: self.department.clone(),
            owner: self.owner.clone(),
            source: self.source.clone(),
            mine: (self.tab == Tab::Mine).then(|| mine.to_vec()),
            quiet_days: (self.tab == Tab::Quiet).then_some(crate::analytics::directory::QUIET_DAYS),
            overdue_only: self.tab == Tab::Overdue,
            // Both are everybody.
            prospects: match self.stage.as_slice() {
                [only] => Some(only == PROSPECT),
                _ => None,
            },
            sort: self.sort.column.clone(),
            descending: self.sort.descending,
            after: None,
            offset: (self.page.max(1) - 1) * PAGE,
            limit: PAGE,
        }
    }

    /// The address again; without defaults, so that it stays short.
    #[must_use]
    pub fn href(&self) -> String {
        let query = self.written();
        if query.is_empty() { "/customers".to_owned() } else { format!("/customers?{query}") }
    }

    /// Each name with its value, in one fixed order: what stands behind `?`.
    #[must_use]
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut out: Vec<(&'static str, String)> = Vec::new();
        match &self.opened {
            Opened::Unsaid => {}
            Opened::None => out.push(("view", "all".to_owned())),
            Opened::View(id) => out.push(("view", id.clone())),
        }
        for (key, value) in [("q", self.q.as_str()), ("tab", self.tab.value())] {
            if !value.is_empty() {
                out.push((key, value.to_owned()));
            }
        }
        out.extend(self.health.iter().map(|health| ("health", health.as_str().to_owned())));
        for (key, values) in self.facets() {
            out.extend(values.iter().map(|value| (key, value.clone())));
        }
        if self.sort != Sort::default() {
            out.push(("sort", self.sort_value()));
        }
        if let Some(columns) = &self.columns {
            out.push(("cols", Column::join(columns)));
        }
        if let Some(dense) = self.dense {
            out.push(("dense", u8::from(dense).to_string()));
        }
        if self.page > 1 {
            out.push(("page", self.page.to_string()));
        }
        out
    }

    /// Facets of text by the name of their field.
    #[must_use]
    pub fn facets(&self) -> [(&'static str, &Vec<String>); 5] {
        [
            ("industry", &self.industry),
            ("department", &self.department),
            ("owner", &self.owner),
            ("source", &self.source),
            ("stage", &self.stage),
        ]
    }

    fn written(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(self.pairs()).finish()
    }

    #[must_use]
    pub fn sort_value(&self) -> String {
        format!("{}{}", if self.sort.descending { "-" } else { "" }, self.sort.column)
    }

    /// The built-in question, with what else was chosen left behind: a tab is a fresh start.
    #[must_use]
    pub fn with_tab(&self, tab: Tab) -> String {
        let opened = if self.opened == Opened::Unsaid { Opened::Unsaid } else { Opened::None };
        Self { tab, opened, page: 1, columns: self.columns.clone(), dense: self.dense, ..Self::default() }.href()
    }

    /// What narrows and orders the list, without its page and without the view that it began as.
    #[must_use]
    pub fn filter(&self) -> String {
        Self { page: 1, opened: Opened::Unsaid, ..self.clone() }.written()
    }

    /// What is kept under a name.
    #[must_use]
    pub fn saved(&self) -> String {
        self.filter()
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

    /// The address without one facet.
    #[must_use]
    pub fn without(&self, facet: &str) -> String {
        let mut query = Self { page: 1, ..self.clone() };
        match facet {
            "q" => query.q.clear(),
            "health" => query.health.clear(),
            "industry" => query.industry.clear(),
            "department" => query.department.clear(),
            "owner" => query.owner.clear(),
            "source" => query.source.clear(),
            "stage" => query.stage.clear(),
            _ => {}
        }
        query.href()
    }

    /// The address without anything that narrows it; order and columns stay.
    #[must_use]
    pub fn cleared(&self) -> String {
        let opened = if self.opened == Opened::Unsaid { Opened::Unsaid } else { Opened::None };
        let (sort, columns) = (self.sort.clone(), self.columns.clone());
        Self { opened, sort, columns, dense: self.dense, page: 1, ..Self::default() }.href()
    }

    /// Anything narrows the list.
    #[must_use]
    pub fn narrowed(&self) -> bool {
        !self.q.is_empty()
            || self.tab != Tab::All
            || !self.health.is_empty()
            || self.facets().iter().any(|(_, values)| !values.is_empty())
    }
}

/// What customers' owners may be called who is this person: the whole name, and the part before the first space
/// (the family name), as sources write both.
#[must_use]
pub fn called(name: &str) -> Vec<String> {
    let whole = crate::matching::fold::fold(name);
    let family = name.split_whitespace().next().map(crate::matching::fold::fold);
    let mut names: Vec<String> = std::iter::once(whole).chain(family).filter(|name| !name.is_empty()).collect();
    names.dedup();
    names
}

/// How a value of a facet is called where there is none.
#[must_use]
pub fn is_none(value: &str) -> bool {
    value == NONE
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
            "/customers?view=all&tab=mine&owner=-",
            "/customers?stage=prospect",
            "/customers?view=viw_06a8q2m4e8r4s7v1x3z5b7d9f1&sort=-overdue&cols=sales%2Ccustom.rank&dense=1",
        ] {
            let query = address.split_once('?').map_or("", |(_, q)| q);
            assert_eq!(ListQuery::parse(query).href(), address);
        }
        for odd in ["sort=drop&page=0&tab=x&zzz=1", "view=nobody&cols=&health=x&owner=", "cols=%2C%2Cx&page=-1"] {
            assert_eq!(ListQuery::parse(odd).href(), "/customers", "{odd}");
        }
        assert_eq!(ListQuery::parse("page=4").with_sort("name"), "/customers?sort=name");
        assert_eq!(ListQuery::parse("").with_sort("sales"), "/customers?sort=sales");
    }

    #[test]
    fn parts_of_an_address_are_taken_away() {
        let query = ListQuery::parse("q=a&tab=quiet&owner=b&owner=b&sort=name&cols=sales&page=2");
        assert_eq!(query.without("owner"), "/customers?q=a&tab=quiet&sort=name&cols=sales");
        assert_eq!(query.cleared(), "/customers?sort=name&cols=sales");
        assert_eq!(query.filter(), "q=a&tab=quiet&owner=b&sort=name&cols=sales");
        assert_eq!(query.with_tab(Tab::Mine), "/customers?tab=mine&cols=sales");
        assert!(query.narrowed() && !ListQuery::parse("sort=name&cols=sales").narrowed());
    }

    #[test]
    fn an_owner_is_known_by_whole_and_family_name() {
        assert_eq!(called("高梨 拓"), ["高梨拓", "高梨"]);
        assert_eq!(called("髙梨　拓"), ["高梨拓", "高梨"]);
        assert_eq!(called("Sato"), ["sato"]);
        assert_eq!(called(" "), Vec::<String>::new());
    }
}
