//! `/imports`: files that people bring.

use musubi_files::{Reason, Row};
use musubi_sdk::noun::Noun;

use crate::{
    http::console::Shell,
    imports::{Match, Plan, Report, Undone, plan},
    model::Timestamp,
    store::import::Reject,
};

/// One import in the list.
#[derive(Clone, Debug)]
pub struct ImportRow {
    pub id: String,
    pub name: String,
    /// `customers`, `orders` …
    pub stream: String,
    pub state: String,
    pub actor: Option<String>,
    pub at: Timestamp,
    pub counts: Option<crate::imports::Counts>,
}

/// Style class and icon of a state.
fn look_of(state: &str) -> (&'static str, &'static str) {
    match state {
        "applied" => ("ok", "check"),
        "failed" => ("bad", "bad"),
        "checking" | "applying" | "undoing" => ("run", "sync"),
        "ready" => ("info", "info"),
        _ => ("idle", "dot"),
    }
}

impl ImportRow {
    #[must_use]
    pub fn look(&self) -> (&'static str, &'static str) {
        look_of(&self.state)
    }
}

/// The list with the form that takes a file.
#[derive(Clone, Debug, Default)]
pub struct ImportsPage {
    pub rows: Vec<ImportRow>,
    /// Names of the sources that exist.
    pub sources: Vec<String>,
    /// Why the last file was not taken.
    pub error: Option<String>,
    pub max_mib: i64,
}

/// A column of the file.
#[derive(Clone, Debug)]
pub struct ColumnRow {
    pub name: String,
    /// The first values.
    pub values: Vec<String>,
    pub role: Option<String>,
    pub confidence: u8,
}

impl ColumnRow {
    #[must_use]
    pub fn is(&self, role: &str) -> bool {
        self.role.as_deref() == Some(role)
    }

    #[must_use]
    pub fn is_sure(&self) -> bool {
        self.confidence >= 85
    }
}

/// One import.
#[derive(Clone, Debug)]
pub struct ImportPage {
    pub id: String,
    pub name: String,
    pub size: i64,
    pub state: String,
    pub source: String,
    pub actor: Option<String>,
    pub at: Timestamp,
    pub plan: Plan,
    /// Empty where the file is not looked at.
    pub columns: Vec<ColumnRow>,
    pub sheets: Vec<String>,
    /// The first rows of the file.
    pub top: Vec<Row>,
    pub sources: Vec<String>,
    /// Of the check, or once applied of that.
    pub report: Option<Report>,
    pub rejects: Vec<Reject>,
    pub undone: Option<Undone>,
    pub kept: Vec<(String, String)>,
    pub done: i64,
    pub run: Option<String>,
    pub cause: Option<String>,
    pub detail: Option<String>,
}

impl ImportPage {
    #[must_use]
    pub fn look(&self) -> (&'static str, &'static str) {
        look_of(&self.state)
    }

    /// What the check or the work came to.
    #[must_use]
    pub fn kpis(&self, r: &Report) -> [(&'static str, u64); 5] {
        [
            ("import.new", r.counts.new),
            ("import.updated", r.counts.updated),
            ("import.unchanged", r.counts.unchanged),
            ("import.rejected", r.counts.rejected),
            ("import.skipped", r.rows.skipped()),
        ]
    }

    #[must_use]
    pub fn is_sheet(&self, name: &str) -> bool {
        self.plan.layout.sheet.as_deref() == Some(name)
    }

    #[must_use]
    pub fn is_working(&self) -> bool {
        matches!(self.state.as_str(), "checking" | "applying" | "undoing")
    }

    /// Nothing is decided yet.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.state.as_str(), "draft" | "ready" | "failed") && self.run.is_none()
    }

    #[must_use]
    pub fn stream(&self) -> &'static str {
        self.plan.stream()
    }

    #[must_use]
    pub fn nouns(&self) -> Vec<(&'static str, bool)> {
        Noun::ALL.into_iter().map(|noun| (plan::stream(noun), noun == self.plan.noun)).collect()
    }

    #[must_use]
    pub fn roles(&self) -> Vec<String> {
        let shown = |role: &String| !matches!(role.as_str(), "hub_version");
        musubi_files::roles::of(self.plan.noun).into_iter().filter(shown).collect()
    }

    /// A role in words: `明細: 金額`.
    #[must_use]
    pub fn role_word(&self, s: &Shell, role: &str) -> String {
        match role.split_once('.') {
            Some((list, field)) => s.f2("import.inner", s.word("import_list", list), s.word("field", field)),
            None => match (role, self.plan.noun) {
                ("code", Noun::Product) => s.t("import.product_code").to_owned(),
                ("code", Noun::Site) => s.t("import.site_code").to_owned(),
                _ => s.word("field", role).to_owned(),
            },
        }
    }

    /// Ways to know a record again, each with whether it is the one that is used.
    #[must_use]
    pub fn keys(&self) -> Vec<(String, bool)> {
        let usual = self.plan.usual_key();
        let mut ways = vec![usual.clone()];
        for role in ["code", "number", "name", "hub_id"] {
            let way = vec![role.to_owned()];
            if self.plan.has(role) && !ways.contains(&way) {
                ways.push(way);
            }
        }
        ways.retain(|way| !way.is_empty());
        ways.into_iter().map(|way| (way.join(","), way == self.plan.key)).collect()
    }

    #[must_use]
    pub fn key_word(&self, s: &Shell, key: &str) -> String {
        key.split(',').map(|role| self.role_word(s, role)).collect::<Vec<_>>().join(" + ")
    }

    #[must_use]
    pub fn matches(&self) -> Vec<(&'static str, bool)> {
        Match::ALL.into_iter().map(|m| (m.as_str(), m == self.plan.matching)).collect()
    }

    #[must_use]
    pub fn is_customers(&self) -> bool {
        self.plan.noun == Noun::Customer
    }

    /// Encodings to choose from; none where the file says it itself.
    #[must_use]
    pub fn encodings(&self) -> Vec<(&'static str, bool)> {
        let musubi_files::Format::Delimited { encoding, .. } = self.plan.layout.format else { return Vec::new() };
        musubi_files::Encoding::ALL.into_iter().map(|e| (e.as_str(), e == encoding)).collect()
    }

    /// Rows that hold no record, by reason.
    #[must_use]
    pub fn skipped(&self) -> Vec<(&'static str, u64)> {
        let Some(report) = &self.report else { return Vec::new() };
        let all = Reason::ALL.into_iter().map(|reason| (reason.as_str(), report.rows.of(reason)));
        all.filter(|(_, rows)| *rows > 0).collect()
    }

    /// Fields that no column has and the records need.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        self.plan.missing()
    }

    #[must_use]
    pub fn applicable(&self) -> u64 {
        self.report.as_ref().map_or(0, |r| r.counts.new + r.counts.updated)
    }

    #[must_use]
    pub fn kib(&self) -> i64 {
        (self.size + 1023) / 1024
    }

    /// A rejected row as one line.
    #[must_use]
    pub fn cells(&self, reject: &Reject) -> String {
        let cells: Vec<String> = serde_json::from_str(&reject.cells).unwrap_or_default();
        let text = cells.iter().filter(|c| !c.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" | ");
        if text.chars().count() > 120 { text.chars().take(119).chain(['…']).collect() } else { text }
    }
}
