//! `/search`: one box over every noun, its page and the list below the box.

use crate::{
    analytics::directory::Entry,
    http::console::{Shell, shell::PageRef},
    lists::search::{Group, Hit},
};

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct SearchPage {
    pub text: String,
    pub groups: Vec<Group>,
    /// Pages and settings of the hub that fit.
    pub pages: Vec<PageRef>,
    /// Looked at last, shown while nothing is typed.
    pub recent: Vec<Entry>,
}

impl SearchPage {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pages.is_empty() && self.groups.iter().all(|group| group.hits.is_empty())
    }

    /// Headings of nouns that could not be asked.
    #[must_use]
    pub fn missing(&self, s: &Shell) -> Option<String> {
        let names: Vec<&str> = self.groups.iter().filter(|group| group.missing).map(|group| s.t(group.key)).collect();
        (!names.is_empty()).then(|| names.join(s.t("comma")))
    }

    #[must_use]
    pub fn found(&self) -> usize {
        self.pages.len() + self.groups.iter().map(|group| group.hits.len()).sum::<usize>()
    }

    /// The texts below a hit.
    #[must_use]
    pub fn about(&self, s: &Shell, hit: &Hit) -> String {
        let mut parts: Vec<String> = hit.about.clone();
        parts.extend(hit.date.as_deref().map(|date| s.day(date)));
        parts.extend(hit.word.map(|key| s.t(key).to_owned()));
        parts.join(s.t("sep"))
    }

    #[must_use]
    pub fn amount(&self, s: &Shell, hit: &Hit) -> String {
        hit.amount.map(|(minor, currency)| s.money(minor, currency)).unwrap_or_default()
    }
}
