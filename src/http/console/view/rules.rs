//! `/settings/rules`: whose value wins, and what a change would do.

use super::event_text::master_value;
use crate::{
    http::console::Shell,
    master::rules::{Example, Former, Preview, Progress},
    matching::survivorship::{Group, Rule, Then},
};

/// A source that an order can name: a kind of systems, or one connection.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Kind, or id of a connection.
    pub id: String,
    /// Its tile.
    pub kind: String,
    pub name: String,
}

/// The rule of one group as the form shows it.
#[derive(Clone, Debug)]
pub struct GroupRule {
    pub group: Group,
    pub rule: Rule,
}

impl GroupRule {
    /// The place of a source in the order, from 1; empty: it is not named.
    #[must_use]
    pub fn place(&self, entry: &Entry) -> String {
        let at = self.rule.order.iter().position(|one| *one == entry.id);
        at.map_or_else(String::new, |at| (at + 1).to_string())
    }

    #[must_use]
    pub fn longest(&self) -> bool {
        self.rule.then == Then::Longest
    }
}

/// The rule in one sentence.
#[must_use]
pub fn sentence(s: &Shell, rule: &Rule, entries: &[Entry]) -> String {
    let name = |id: &String| {
        let known = entries.iter().find(|entry| entry.id == *id);
        known.map_or_else(|| s.tile_name(id).to_owned(), |entry| entry.name.clone())
    };
    let then = s.t(if rule.then == Then::Longest { "rules.then_longest" } else { "rules.then_newest" });
    if rule.order.is_empty() {
        return s.f1("rules.sentence_equal", then);
    }
    let order: Vec<String> = rule.order.iter().map(name).collect();
    s.f2("rules.sentence", order.join(" → "), then)
}

/// The fields of a group in words.
fn fields(s: &Shell, group: Group) -> String {
    if group == Group::Custom {
        return s.t("rules.custom_fields").to_owned();
    }
    let names: Vec<&str> = group.fields().iter().map(|field| s.field(field)).collect();
    names.join(s.t("comma"))
}

/// The rules as a form.
#[derive(Clone, Debug)]
pub struct RulesPage {
    /// Number of the set in force.
    pub seq: i64,
    pub rules: Vec<GroupRule>,
    pub entries: Vec<Entry>,
    pub progress: Option<Progress>,
    /// The set in force first.
    pub history: Vec<Former>,
}

impl RulesPage {
    #[must_use]
    pub fn fields(&self, s: &Shell, group: &Group) -> String {
        fields(s, *group)
    }

    #[must_use]
    pub fn sentence(&self, s: &Shell, rule: &Rule) -> String {
        sentence(s, rule, &self.entries)
    }

    /// What a former set changed, in the names of its groups.
    #[must_use]
    pub fn changed(&self, s: &Shell, place: &usize) -> String {
        let Some(one) = self.history.get(*place) else { return String::new() };
        let before = self.history.get(place + 1).map(|former| former.rules.clone()).unwrap_or_default();
        let groups = one.rules.differing(&before);
        groups.into_iter().map(|group| s.word("group", group.as_str())).collect::<Vec<_>>().join(s.t("comma"))
    }
}

/// What a change would do.
#[derive(Clone, Debug)]
pub struct RulesPreviewPage {
    pub seq: i64,
    /// The set that is put in force again; `None`: a new one.
    pub restores: Option<i64>,
    /// The new set, JSON.
    pub body: String,
    /// Group, the rule that holds, the one that would.
    pub changes: Vec<(Group, Rule, Rule)>,
    pub preview: Preview,
    pub entries: Vec<Entry>,
}

impl RulesPreviewPage {
    #[must_use]
    pub fn fields(&self, s: &Shell, group: &Group) -> String {
        fields(s, *group)
    }

    #[must_use]
    pub fn sentence(&self, s: &Shell, rule: &Rule) -> String {
        sentence(s, rule, &self.entries)
    }

    /// A value as pages write it; a dash for none.
    #[must_use]
    pub fn show(&self, s: &Shell, example: &Example, value: &Option<String>) -> String {
        value.as_ref().map_or_else(|| "—".to_owned(), |value| master_value(s, &example.field, value, s.currency))
    }

    #[must_use]
    pub fn values(&self) -> usize {
        self.preview.fields.values().sum()
    }
}
