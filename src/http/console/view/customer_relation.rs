//! `/customers/{id}/relations/{relation}`: the days of one who looks, or looked, after a customer.

use crate::{analytics::customer::Relation, http::console::Shell};

/// The form.
#[derive(Clone, Debug)]
pub struct RelationPage {
    /// Id and name.
    pub customer: (String, String),
    pub relation: Relation,
    /// As typed.
    pub from: String,
    pub to: String,
    /// Code of `relation_error`.
    pub error: Option<&'static str>,
}

/// From when to when, in words.
#[must_use]
pub fn span(s: &Shell, relation: &Relation) -> String {
    let from = relation.from.as_deref().map_or_else(|| s.t("relation.unknown").to_owned(), |day| s.day_full(day));
    match &relation.to {
        Some(to) => s.f2("relation.span", from, s.day_full(to)),
        None => s.f1("relation.since", from),
    }
}
