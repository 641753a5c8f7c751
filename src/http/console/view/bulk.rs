//! `/customers/bulk`: the same for many customers, looked at before it is done, and what came of it.

use super::{customer_edit::EditField, event_text::master_value};
use crate::{
    http::console::Shell,
    lists::bulk::{Preview, Sight},
    model::Timestamp,
    store::bulk::Bulk,
};

/// What to do with the chosen customers.
#[derive(Clone, Debug)]
pub struct BulkPage {
    /// The list's address behind `?`.
    pub filter: String,
    /// Everybody that the list finds, not single ones.
    pub everybody: bool,
    /// The chosen ones, where not everybody is.
    pub ids: Vec<String>,
    pub count: usize,
    /// More than can be changed at once.
    pub too_many: bool,
    pub may_edit: bool,
    /// Fields that can be set for many.
    pub fields: Vec<String>,
    /// The field that is to be set, as an input.
    pub input: Option<EditField>,
    /// Values that other customers have in this field.
    pub known: Vec<String>,
    /// To which the reader is limited; empty: to none.
    pub own_departments: Vec<String>,
    pub pinned: bool,
    pub preview: Option<Preview>,
    /// Code of `form_error` about the whole.
    pub error: Option<&'static str>,
    /// Jobs of before, the latest first.
    pub jobs: Vec<Bulk>,
}

impl BulkPage {
    /// The list again.
    #[must_use]
    pub fn back(&self) -> String {
        if self.filter.is_empty() { "/customers".to_owned() } else { format!("/customers?{}", self.filter) }
    }

    /// Who is chosen, as fields of a form.
    #[must_use]
    pub fn chosen(&self) -> Vec<(String, String)> {
        let filter = url::form_urlencoded::parse(self.filter.as_bytes()).into_owned();
        let ids = self.ids.iter().map(|id| ("id".to_owned(), id.clone()));
        let all = self.everybody.then(|| ("all".to_owned(), "1".to_owned()));
        filter.chain(ids).chain(all).collect()
    }

    /// The same as an address.
    #[must_use]
    pub fn export(&self) -> String {
        let chosen = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(self.chosen()).finish();
        format!("/customers/export?{chosen}")
    }

    #[must_use]
    pub fn is_field(&self, field: &str) -> bool {
        self.input.as_ref().is_some_and(|input| input.name == field)
    }

    #[must_use]
    pub fn show(&self, s: &Shell, value: &str) -> String {
        let field = self.input.as_ref().map_or("", |input| input.name.as_str());
        if value.is_empty() { s.t("bulk.empty").to_owned() } else { master_value(s, field, value, s.currency) }
    }

    #[must_use]
    pub fn at(&self, job: &Bulk) -> Timestamp {
        Timestamp(job.created_at)
    }

    #[must_use]
    pub fn hidden(&self, preview: &Preview) -> usize {
        preview.change.saturating_sub(preview.shown.len())
    }

    #[must_use]
    pub fn before(&self, s: &Shell, sight: &Sight) -> String {
        self.show(s, &sight.before)
    }
}

/// What a job sets, in words.
#[must_use]
pub fn sentence(s: &Shell, job: &Bulk) -> String {
    let value = if job.value.is_empty() {
        s.t("bulk.empty").to_owned()
    } else {
        master_value(s, &job.field, &job.value, s.currency)
    };
    s.f2("bulk.sets", s.field(&job.field), value)
}

/// One job.
#[derive(Clone, Debug)]
pub struct BulkJobPage {
    pub job: Bulk,
    /// How many stand in each state.
    pub counts: Vec<(String, i64)>,
    /// Customers that were refused or kept, with id, name and cause.
    pub left: Vec<(String, String, Option<String>)>,
    pub at: Timestamp,
}

impl BulkJobPage {
    #[must_use]
    pub fn number(&self, state: &str) -> i64 {
        self.counts.iter().find(|(name, _)| name == state).map_or(0, |(_, n)| *n)
    }

    #[must_use]
    pub fn is_working(&self) -> bool {
        matches!(self.job.state.as_str(), "applying" | "undoing")
    }

    #[must_use]
    pub fn can_undo(&self) -> bool {
        matches!(self.job.state.as_str(), "applied" | "stopped") && self.number("changed") > 0
    }

    #[must_use]
    pub fn sentence(&self, s: &Shell) -> String {
        sentence(s, &self.job)
    }
}
