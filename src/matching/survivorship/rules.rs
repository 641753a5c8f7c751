//! The rules by which one source's value wins, one for each group of fields.
//!
//! A rule is an order of sources, then what decides between equals: the newest value, or the longest. The
//! order names kinds of systems (`sales`, `accounting` …) or single connections; what it does not name stands
//! last. [`Rules::default`] is what holds until somebody changes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::custom;

/// Fields that are decided together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    Name,
    Address,
    Contact,
    Terms,
    Credit,
    Numbers,
    Code,
    Organisation,
    Custom,
}

impl Group {
    pub const ALL: [Self; 9] = [
        Self::Name,
        Self::Address,
        Self::Contact,
        Self::Terms,
        Self::Credit,
        Self::Numbers,
        Self::Code,
        Self::Organisation,
        Self::Custom,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Address => "address",
            Self::Contact => "contact",
            Self::Terms => "terms",
            Self::Credit => "credit",
            Self::Numbers => "numbers",
            Self::Code => "code",
            Self::Organisation => "organisation",
            Self::Custom => "custom",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.as_str() == text)
    }

    /// Its fields among the hub's own; those of the administrator are all in [`Self::Custom`].
    #[must_use]
    pub fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Name => &["name", "name_kana"],
            Self::Address => &["postal_code", "address"],
            Self::Contact => &["phone", "mail"],
            Self::Terms => &["closing_day", "payment_terms", "price_class"],
            Self::Credit => &["credit_limit"],
            Self::Numbers => &["registration_number", "corporate_number"],
            Self::Code => &["code"],
            Self::Organisation => &["industry", "department", "owner", "life_stage", "lead_source", "lead_date"],
            Self::Custom => &[],
        }
    }

    /// The group of a field.
    #[must_use]
    pub fn of(field: &str) -> Self {
        if custom::key_of(field).is_some() {
            return Self::Custom;
        }
        Self::ALL.into_iter().find(|group| group.fields().contains(&field)).unwrap_or(Self::Custom)
    }
}

/// What decides between sources of the same rank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    #[default]
    Newest,
    /// The one with the most characters, then the newest.
    Longest,
}

/// The rule of one group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Kinds of systems or ids of connections, the best first. Empty: all are equal.
    #[serde(default)]
    pub order: Vec<String>,
    #[serde(default)]
    pub then: Then,
}

impl Rule {
    /// The place of a source: 0 is the best.
    #[must_use]
    pub fn rank(&self, connection_id: &str, kind: &str) -> usize {
        let named = |one: &String| one == connection_id || one == kind;
        self.order.iter().position(named).unwrap_or(self.order.len())
    }
}

/// The rules of all groups. A group that is not named has the rule of [`Rules::default`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<Group, Rule>", into = "BTreeMap<Group, Rule>")]
pub struct Rules(BTreeMap<Group, Rule>);

impl Rules {
    #[must_use]
    pub fn of(&self, group: Group) -> &Rule {
        static NONE: Rule = Rule { order: Vec::new(), then: Then::Newest };
        self.0.get(&group).unwrap_or(&NONE)
    }

    pub fn set(&mut self, group: Group, rule: Rule) {
        self.0.insert(group, rule);
    }

    /// Groups in which two sets of rules differ.
    #[must_use]
    pub fn differing(&self, other: &Self) -> Vec<Group> {
        Group::ALL.into_iter().filter(|group| self.of(*group) != other.of(*group)).collect()
    }
}

impl Default for Rules {
    /// What is printed on invoices and owed, the accounting side knows best; the rest, the sales side.
    fn default() -> Self {
        let rule = |order: [&str; 5]| Rule { order: order.map(str::to_owned).to_vec(), then: Then::Newest };
        let general = ["sales", "accounting", "deals", "sheet", "generic"];
        let billing = ["accounting", "sales", "deals", "sheet", "generic"];
        let order = |group| match group {
            Group::Address | Group::Credit | Group::Numbers => billing,
            _ => general,
        };
        Self(Group::ALL.into_iter().map(|group| (group, rule(order(group)))).collect())
    }
}

impl From<BTreeMap<Group, Rule>> for Rules {
    fn from(given: BTreeMap<Group, Rule>) -> Self {
        let mut rules = Self::default();
        rules.0.extend(given);
        rules
    }
}

impl From<Rules> for BTreeMap<Group, Rule> {
    fn from(rules: Rules) -> Self {
        rules.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::record::CUSTOMER_FIELDS;

    #[test]
    fn every_field_is_in_exactly_one_group() {
        for field in CUSTOMER_FIELDS {
            let groups: Vec<_> = Group::ALL.into_iter().filter(|group| group.fields().contains(&field)).collect();
            assert_eq!(groups, [Group::of(field)], "{field}");
        }
        assert_eq!(Group::of("custom.grade"), Group::Custom);
        let listed: usize = Group::ALL.into_iter().map(|group| group.fields().len()).sum();
        assert_eq!(listed, CUSTOMER_FIELDS.len());
    }

    #[test]
    fn rules_survive_their_json_and_fill_what_is_missing() {
        let mut rules = Rules::default();
        rules.set(Group::Contact, Rule { order: vec!["con_1".into(), "sales".into()], then: Then::Longest });
        let text = serde_json::to_string(&rules).unwrap_or_default();
        assert_eq!(serde_json::from_str::<Rules>(&text).ok(), Some(rules.clone()));
        assert_eq!(serde_json::from_str::<Rules>("{}").ok(), Some(Rules::default()));
        assert_eq!(rules.differing(&Rules::default()), [Group::Contact]);
    }

    #[test]
    fn a_rank_is_the_first_place_that_names_the_source() {
        let rule = Rule { order: vec!["con_1".into(), "sales".into()], then: Then::Newest };
        for (id, kind, rank) in [("con_1", "sales", 0), ("con_2", "sales", 1), ("con_3", "sheet", 2)] {
            assert_eq!(rule.rank(id, kind), rank);
        }
    }
}
