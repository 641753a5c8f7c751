//! `/customers/{id}?at=`: a customer as the hub knew it at a time.

use super::event_text::master_value;
use crate::{
    analytics::past::{Document, Past},
    http::console::Shell,
    model::{Shown, Timestamp},
};

/// See the module.
#[derive(Clone, Debug)]
pub struct PastPage {
    pub id: String,
    /// As it is called now.
    pub name: String,
    pub at: Timestamp,
    /// `None`: the hub did not know the customer yet.
    pub past: Option<Past>,
    /// Field and value as it stands now, for what is different.
    pub now: Vec<(String, Shown)>,
    /// The time in the address could not be read.
    pub wrong: bool,
}

impl PastPage {
    #[must_use]
    pub fn show(&self, s: &Shell, field: &str, value: &Shown) -> String {
        let currency = self.past.as_ref().map_or(s.currency, |past| past.currency);
        value.clear().map_or_else(|| s.t("masked.inline").to_owned(), |v| master_value(s, field, v, currency))
    }

    /// What stands today where that is something else; `None`: it is the same.
    #[must_use]
    pub fn differs(&self, s: &Shell, field: &str, value: &Shown) -> Option<String> {
        match self.now.iter().find(|(name, _)| name == field) {
            Some((_, now)) if now == value => None,
            Some((_, now)) => Some(self.show(s, field, now)),
            None => Some("—".to_owned()),
        }
    }

    /// Fields that have a value only since then.
    #[must_use]
    pub fn later(&self, s: &Shell) -> Vec<String> {
        let Some(past) = &self.past else { return Vec::new() };
        let shown = self.now.iter().filter(|(field, _)| super::customer::is_shown(s, field));
        let new = shown.filter(|(field, _)| !past.values.iter().any(|(known, _)| known == field));
        new.map(|(field, _)| s.field(field).to_owned()).collect()
    }

    /// Values of fields that pages show.
    #[must_use]
    pub fn values<'a>(&self, s: &Shell, past: &'a Past) -> Vec<&'a (String, Shown)> {
        past.values.iter().filter(|(field, _)| super::customer::is_shown(s, field)).collect()
    }

    #[must_use]
    pub fn title(&self, s: &Shell, document: &Document) -> String {
        let number = document.number.clone().unwrap_or_default();
        s.f1(&format!("event.{}", document.kind), number)
    }
}
