//! Survivorship: which source's value becomes the golden value of a customer's field.
//!
//! Per field: the order of sources of the field's group ([`rules`]), then the newest value or the longest, then
//! the id of the connection. Empty values never win. A value that a person typed stands above
//! them all: pinned until it is released, else until the sources say something new. The choice names
//! its rule, so that a page can say in one sentence why a value is here.

use std::{borrow::Cow, cmp::Reverse, collections::BTreeSet};

use super::fold;
use crate::model::{
    custom,
    record::{CUSTOMER_FIELDS, CustomerFields},
};

pub mod rules;

pub use rules::{Group, Rule, Rules, Then};

/// Name of a customer's field: one of [`CUSTOMER_FIELDS`], or `custom.KEY`.
pub type Field = Cow<'static, str>;

/// One source's values for a customer.
pub struct Candidate<'a> {
    pub connection_id: &'a str,
    /// Tile of the connection: `sales`, `accounting`, …
    pub kind: &'a str,
    /// The source's own change time, else when the hub saw it; microseconds.
    pub at: i64,
    pub fields: &'a CustomerFields,
}

/// The chosen value of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Golden {
    pub field: Field,
    pub value: String,
    /// `None`: typed into the hub.
    pub connection_id: Option<String>,
    pub at: i64,
    pub why: &'static str,
}

/// Golden values of all fields that any source fills, in the order of [`CUSTOMER_FIELDS`], then those that the
/// administrator added, by key.
#[must_use]
pub fn choose(candidates: &[Candidate<'_>], rules: &Rules) -> Vec<Golden> {
    let custom: BTreeSet<&str> = candidates.iter().flat_map(|c| &c.fields.custom).map(|(f, _)| f.as_str()).collect();
    let custom = custom.into_iter().map(|field| Cow::Owned(field.to_owned()));
    let fields = CUSTOMER_FIELDS.into_iter().map(Cow::Borrowed).chain(custom);
    fields.filter_map(|field: Field| choose_one(candidates, rules, field)).collect()
}

fn choose_one(candidates: &[Candidate<'_>], rules: &Rules, field: Field) -> Option<Golden> {
    let offers = ranked(candidates, rules, &field);
    let best = offers.first()?;
    let why = match offers.get(1) {
        None => "only_source",
        Some(next) if next.rank > best.rank => "authority",
        Some(next) if best.length > next.length => "longest",
        Some(_) => "newest",
    };
    Some(Golden {
        value: best.value.to_owned(),
        connection_id: Some(best.source.connection_id.to_owned()),
        at: best.source.at,
        why,
        field,
    })
}

/// What one source offers for a field.
pub struct Offer<'a> {
    pub source: &'a Candidate<'a>,
    pub value: &'a str,
    /// Its place in the order of the field's group; 0 is the best.
    pub rank: usize,
    /// Characters, where the rule asks for the longest; else 0.
    length: usize,
}

/// Every source's value of a field, the one that wins first.
#[must_use]
pub fn ranked<'a>(candidates: &'a [Candidate<'a>], rules: &Rules, field: &str) -> Vec<Offer<'a>> {
    let rule = rules.of(Group::of(field));
    let length = |value: &str| if rule.then == Then::Longest { value.chars().count() } else { 0 };
    let mut offers: Vec<Offer<'a>> = candidates
        .iter()
        .filter_map(|source| {
            let value = source.fields.get(field)?;
            let rank = rule.rank(source.connection_id, source.kind);
            Some(Offer { source, value, rank, length: length(value) })
        })
        .collect();
    // Connection id last, so that the choice never depends on the order of reading.
    offers.sort_by_key(|o| (o.rank, Reverse(o.length), Reverse(o.source.at), o.source.connection_id));
    offers
}

/// A value that a person typed.
pub struct Typed<'a> {
    pub field: &'a str,
    /// `None`: there is none, whatever the sources say.
    pub value: Option<&'a str>,
    /// What the sources said when it was typed.
    pub source_value: Option<&'a str>,
    /// Typed before it and perhaps on its way to a system still: when that comes back, it is no news.
    pub underway: Vec<Option<String>>,
    pub pinned: bool,
    pub at: i64,
}

/// How a typed value stands against what the sources say now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing changed since, or the sources say the same.
    Agreed,
    /// It is pinned, and the sources have said something else since: a person should look.
    Disputed,
    /// The sources have the word again.
    Over,
}

impl Typed<'_> {
    /// Whether a person should see that the sources say something else: they do, and it is neither what
    /// was typed, written their way, nor what they said before.
    #[must_use]
    pub fn is_contradicted(&self, sources_say: Option<&str>) -> bool {
        let same = |other: Option<&str>| {
            fold::is_same_value(self.field, sources_say.unwrap_or_default(), other.unwrap_or_default())
        };
        self.standing(sources_say) != Standing::Agreed && !same(self.value) && !same(self.source_value)
    }

    #[must_use]
    pub fn standing(&self, sources_say: Option<&str>) -> Standing {
        let no_news =
            sources_say == self.source_value || self.underway.iter().any(|typed| typed.as_deref() == sources_say);
        match (self.pinned, sources_say == self.value, no_news) {
            (true, true, _) | (_, false, true) => Standing::Agreed,
            // They will say something else first.
            (false, true, _) if !self.underway.is_empty() => Standing::Agreed,
            (true, false, false) => Standing::Disputed,
            // Where the sources say the same by now, they carry it on.
            (false, ..) => Standing::Over,
        }
    }
}

/// The sources' choice with typed values above it, in the order of [`CUSTOMER_FIELDS`], and the fields
/// whose typed value has had its time.
#[must_use]
pub fn overlay(mut golden: Vec<Golden>, typed: &[Typed<'_>]) -> (Vec<Golden>, Vec<Field>) {
    let mut over = Vec::new();
    for t in typed {
        let Some(field) = known(t.field) else { continue };
        let at = golden.iter().position(|g| g.field == field);
        let said = at.map(|at| golden[at].value.as_str());
        if t.standing(said) == Standing::Over {
            over.push(field);
            continue;
        }
        if let Some(at) = at {
            golden.remove(at);
        }
        if let Some(value) = t.value {
            let why = if t.pinned { "pinned" } else { "typed" };
            golden.push(Golden { field, value: value.to_owned(), connection_id: None, at: t.at, why });
        }
    }
    let place = |field: &str| CUSTOMER_FIELDS.iter().position(|f| *f == field).unwrap_or(usize::MAX);
    golden.sort_by(|a, b| (place(&a.field), &a.field).cmp(&(place(&b.field), &b.field)));
    (golden, over)
}

fn known(field: &str) -> Option<Field> {
    let own = CUSTOMER_FIELDS.into_iter().find(|f| *f == field).map(Cow::Borrowed);
    own.or_else(|| custom::key_of(field).map(|_| Cow::Owned(field.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(values: &[(&'static str, &str)]) -> CustomerFields {
        CustomerFields { values: values.iter().map(|(f, v)| (*f, (*v).to_owned())).collect(), ..Default::default() }
    }

    #[test]
    fn authority_then_recency_then_only_source() {
        let sales = fields(&[("name", "朝凪電装"), ("address", "旧住所"), ("phone", "053-000-0127")]);
        let accounting = fields(&[("name", "アサナギ"), ("address", "新住所")]);
        let other_sales = fields(&[("name", "朝凪電装(株)")]);
        let candidate = |id, kind, at, fields| Candidate { connection_id: id, kind, at, fields };
        let golden = choose(
            &[
                candidate("con_a", "accounting", 9, &accounting),
                candidate("con_s", "sales", 5, &sales),
                candidate("con_t", "sales", 7, &other_sales),
            ],
            &Rules::default(),
        );
        let by = |f: &str| golden.iter().find(|g| g.field == f).map(|g| (g.value.as_str(), g.why));
        assert_eq!(by("name"), Some(("朝凪電装(株)", "newest")));
        assert_eq!(by("address"), Some(("新住所", "authority")));
        assert_eq!(by("phone"), Some(("053-000-0127", "only_source")));
        assert_eq!(by("mail"), None);
    }

    #[test]
    fn rules_decide_field_group_by_field_group() {
        let sales = fields(&[("phone", "053-1"), ("name", "朝凪")]);
        let sheet = fields(&[("phone", "053-000-0001"), ("name", "朝凪電装株式会社")]);
        let known = [
            Candidate { connection_id: "con_s", kind: "sales", at: 9, fields: &sales },
            Candidate { connection_id: "con_t", kind: "sheet", at: 5, fields: &sheet },
        ];
        let rule = |order: &[&str], then| Rule { order: order.iter().map(|o| (*o).to_owned()).collect(), then };
        for (order, then, phone, why) in [
            (&["sales", "sheet"][..], Then::Newest, "053-1", "authority"),
            (&["sheet"][..], Then::Newest, "053-000-0001", "authority"),
            (&["con_t", "sales"][..], Then::Longest, "053-000-0001", "authority"),
            (&[][..], Then::Newest, "053-1", "newest"),
            (&[][..], Then::Longest, "053-000-0001", "longest"),
        ] {
            let mut rules = Rules::default();
            rules.set(Group::Contact, rule(order, then));
            let golden = choose(&known, &rules);
            let of = |field: &str| golden.iter().find(|g| g.field == field).map(|g| (g.value.as_str(), g.why));
            assert_eq!(of("phone"), Some((phone, why)), "{order:?} {then:?}");
            assert_eq!(of("name"), Some(("朝凪", "authority")), "the other groups keep their rule");
        }
    }

    proptest::proptest! {
        /// The choice depends on what sources say, not on the order in which they are read, and it is one of their
        /// values, never an empty one.
        #[test]
        fn the_order_of_reading_changes_nothing(
            said in proptest::collection::vec((0..4_usize, 0..3_i64, "[a-c]{0,3}"), 1..6),
            longest: bool,
            order in proptest::collection::vec(0..4_usize, 0..4),
        ) {
            let kinds = ["sales", "accounting", "deals", "sheet"];
            let ids: Vec<String> = (0..said.len()).map(|n| format!("con_{n}")).collect();
            let all: Vec<CustomerFields> = said
                .iter()
                .map(|(_, _, v)| if v.is_empty() { fields(&[]) } else { fields(&[("phone", v.as_str())]) })
                .collect();
            let candidate = |n: usize| Candidate {
                connection_id: &ids[n], kind: kinds[said[n].0], at: said[n].1, fields: &all[n],
            };
            let mut rules = Rules::default();
            let order = order.into_iter().map(|n| kinds[n].to_owned()).collect();
            rules.set(Group::Contact, Rule { order, then: if longest { Then::Longest } else { Then::Newest } });
            let forward: Vec<_> = (0..said.len()).map(candidate).collect();
            let backward: Vec<_> = (0..said.len()).rev().map(candidate).collect();
            let golden = choose(&forward, &rules);
            proptest::prop_assert_eq!(&golden, &choose(&backward, &rules));
            let offered = said.iter().any(|(_, _, v)| !v.is_empty());
            proptest::prop_assert_eq!(golden.len(), usize::from(offered));
            proptest::prop_assert!(golden.iter().all(|g| said.iter().any(|(_, _, v)| *v == g.value)));
        }
    }

    #[test]
    fn a_typed_value_stands_until_its_time_is_over() {
        let typed = |value, pinned| Typed {
            field: "phone",
            value,
            source_value: Some("1"),
            underway: Vec::new(),
            pinned,
            at: 5,
        };
        for (value, pinned, said, expected) in [
            (Some("2"), false, Some("1"), Standing::Agreed),
            (Some("2"), false, Some("2"), Standing::Over),
            (Some("2"), false, Some("3"), Standing::Over),
            (Some("2"), false, None, Standing::Over),
            (Some("2"), true, Some("1"), Standing::Agreed),
            (Some("2"), true, Some("2"), Standing::Agreed),
            (Some("2"), true, Some("3"), Standing::Disputed),
            (None, true, Some("1"), Standing::Agreed),
            (None, true, None, Standing::Agreed),
            (None, true, Some("3"), Standing::Disputed),
            (None, false, None, Standing::Over),
        ] {
            assert_eq!(typed(value, pinned).standing(said), expected, "{value:?} {pinned} {said:?}");
        }
    }

    #[test]
    fn what_was_typed_before_comes_back_as_no_news() {
        let typed = |value, pinned| Typed {
            field: "phone",
            value,
            source_value: Some("1"),
            underway: vec![Some("2".to_owned()), None],
            pinned,
            at: 5,
        };
        for (value, pinned, said, expected) in [
            (Some("3"), false, Some("1"), Standing::Agreed),
            (Some("3"), false, Some("2"), Standing::Agreed),
            (Some("3"), false, None, Standing::Agreed),
            (Some("3"), false, Some("4"), Standing::Over),
            (Some("3"), true, Some("2"), Standing::Agreed),
            (Some("3"), true, Some("4"), Standing::Disputed),
            // Typed back to what the sources say, before they say what was typed in between.
            (Some("1"), false, Some("1"), Standing::Agreed),
            (Some("1"), false, Some("2"), Standing::Agreed),
        ] {
            assert_eq!(typed(value, pinned).standing(said), expected, "{value:?} {pinned} {said:?}");
        }
    }

    #[test]
    fn only_what_means_something_else_contradicts() {
        let typed = |pinned| Typed {
            field: "phone",
            value: Some("053-2"),
            source_value: Some("053-1"),
            underway: Vec::new(),
            pinned,
            at: 5,
        };
        for pinned in [true, false] {
            for (said, expected) in [
                (Some("053-1"), false),
                (Some("053-2"), false),
                (Some("０５３ー２"), false),
                (Some("(053) 1"), false),
                (Some("053-3"), true),
                (None, true),
            ] {
                assert_eq!(typed(pinned).is_contradicted(said), expected, "{said:?} {pinned}");
            }
        }
    }

    #[test]
    fn typed_values_lie_over_the_sources() {
        let sales = fields(&[("name", "朝凪電装"), ("phone", "1"), ("mail", "a@asanagi.example")]);
        let sources =
            choose(&[Candidate { connection_id: "con_s", kind: "sales", at: 5, fields: &sales }], &Rules::default());
        let typed = [
            ("phone", Some("2"), Some("1"), true),
            ("mail", None, Some("a@asanagi.example"), true),
            ("owner", Some("見本"), None, false),
            ("name", Some("旧名"), Some("朝凪"), false),
        ]
        .map(|(field, value, source_value, pinned)| Typed {
            field,
            value,
            source_value,
            underway: Vec::new(),
            pinned,
            at: 9,
        });
        let (golden, over) = overlay(sources, &typed);
        let seen: Vec<(&str, &str, &str)> =
            golden.iter().map(|g| (g.field.as_ref(), g.value.as_str(), g.why)).collect();
        assert_eq!(seen, [("name", "朝凪電装", "only_source"), ("phone", "2", "pinned"), ("owner", "見本", "typed")]);
        assert_eq!(over, ["name"]);
    }
}
