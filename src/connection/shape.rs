//! What a source's records look like, and when that has changed. Decisions only.
//!
//! A record's shape is which names stand in it and what stands there: a plain value, a list, an object. Values do not
//! matter, `null` counts as there, and what is inside lists is not looked at. Most records of a page have one shape,
//! so they are told apart by a hash and each shape is taken apart once.
//!
//! A field is **new** when a source that is known brings it for the first time. It is **gone** when [`ENOUGH`] records
//! in a row lack it that at least nine of ten had before: a field missing from single records is no change. It is of
//! another **kind** when as many in a row hold something else there.

use std::{
    collections::{BTreeMap, HashMap, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
};

use musubi_sdk::manifest::MappingSpec;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Records in a row that make a change, and records by which a source is known.
pub const ENOUGH: u32 = 20;
/// Share of records, in tens, that must have had a field that is gone.
const TENTHS: u32 = 9;
/// Counts are halved above this, so that what a field was like long ago fades.
const MOST: u32 = 1_000;
/// Objects in objects.
const DEPTH: usize = 6;
/// Fields that are remembered; records with more are dictionaries.
const FIELDS: usize = 400;

/// What stands at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Plain,
    List,
    Object,
}

/// What is remembered of a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// `None`: it was always `null`.
    pub kind: Option<Kind>,
    /// Records that had it, and all since it is known; those of a streak that may end it not counted.
    pub had: u32,
    pub of: u32,
    /// Records in a row without it.
    pub away: u32,
    /// Records in a row with another kind there.
    pub other: u32,
}

/// The fields of a stream, by path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shape(BTreeMap<String, Known>);

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    New,
    Gone,
    Kind,
    /// It is there again, as it was or as a field of another kind that is known by now.
    Back,
}

impl What {
    /// As in the table `shape_change`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Gone => "gone",
            Self::Kind => "kind",
            Self::Back => "back",
        }
    }
}

/// A field that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub path: String,
    pub what: What,
}

/// Shapes of some records, in the order in which they came.
#[derive(Default)]
pub struct Look {
    shapes: HashMap<u64, Vec<(String, Option<Kind>)>>,
    order: Vec<u64>,
}

impl Look {
    pub fn add(&mut self, body: &Value) {
        let mut hasher = DefaultHasher::new();
        hash(body, 0, &mut hasher);
        let key = hasher.finish();
        self.shapes.entry(key).or_insert_with(|| {
            let mut fields = Vec::new();
            take_apart(body, "", 0, &mut fields);
            fields
        });
        self.order.push(key);
    }
}

fn kind_of(value: &Value) -> Option<Kind> {
    match value {
        Value::Null => None,
        Value::Array(_) => Some(Kind::List),
        Value::Object(_) => Some(Kind::Object),
        _ => Some(Kind::Plain),
    }
}

fn hash(body: &Value, depth: usize, hasher: &mut DefaultHasher) {
    let Value::Object(object) = body else { return };
    object.len().hash(hasher);
    for (name, value) in object {
        name.hash(hasher);
        kind_of(value).hash(hasher);
        if depth < DEPTH {
            hash(value, depth + 1, hasher);
        }
    }
}

fn take_apart(body: &Value, prefix: &str, depth: usize, fields: &mut Vec<(String, Option<Kind>)>) {
    let Value::Object(object) = body else { return };
    for (name, value) in object {
        // A path has no words for a name with a dot.
        if name.is_empty() || name.contains('.') || fields.len() >= FIELDS {
            continue;
        }
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        fields.push((path.clone(), kind_of(value)));
        if depth < DEPTH {
            take_apart(value, &path, depth + 1, fields);
        }
    }
}

impl Shape {
    /// Whether enough records were seen to tell what is new.
    fn is_known(&self) -> bool {
        self.0.values().any(|known| known.of >= ENOUGH)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes records in and says what changed with them. Without [`What::Back`] for what never went.
    pub fn learn(&mut self, look: &Look) -> Vec<Change> {
        let mut changes: Vec<Change> = Vec::new();
        for key in &look.order {
            let Some(fields) = look.shapes.get(key) else { continue };
            let there: HashMap<&str, Option<Kind>> = fields.iter().map(|(path, kind)| (path.as_str(), *kind)).collect();
            let was_known = self.is_known();
            for (path, known) in &mut self.0 {
                let what = known.see(there.get(path.as_str()).copied());
                changes.extend(what.map(|what| Change { path: path.clone(), what }));
            }
            for (path, kind) in fields {
                if self.0.len() < FIELDS && !self.0.contains_key(path) {
                    self.0.insert(path.clone(), Known { kind: *kind, had: 1, of: 1, ..Known::default() });
                    if was_known {
                        changes.push(Change { path: path.clone(), what: What::New });
                    }
                }
            }
        }
        // Of what went and came within one look only the last holds.
        let mut last: Vec<Change> = Vec::new();
        for change in changes {
            last.retain(|earlier| earlier.path != change.path || earlier.what == What::New);
            last.push(change);
        }
        last
    }
}

impl Known {
    /// Takes one record in. `found`: not there, or what stands there (`None` inside: `null`).
    fn see(&mut self, found: Option<Option<Kind>>) -> Option<What> {
        let was_gone = self.is_gone();
        let Some(kind) = found else {
            self.away = self.away.saturating_add(1);
            self.other = 0;
            if self.is_gone() || self.was_usual() && self.away < ENOUGH {
                // A streak is counted only once it is known to be none.
                return (self.is_gone() && !was_gone).then_some(What::Gone);
            }
            let missed = std::mem::take(&mut self.away);
            self.count(missed, 0);
            return None;
        };
        if was_gone {
            *self = Self { kind: kind.or(self.kind), had: self.had, of: self.of, ..Self::default() };
            self.count(1, 1);
            return Some(What::Back);
        }
        let missed = std::mem::take(&mut self.away);
        self.count(missed + 1, 1);
        match (self.kind, kind) {
            (None, new) => self.kind = new,
            (_, None) => {}
            (Some(was), Some(is)) if was == is => {
                let back = self.other >= ENOUGH;
                self.other = 0;
                return back.then_some(What::Back);
            }
            _ => {
                self.other = self.other.saturating_add(1);
                return (self.other == ENOUGH).then_some(What::Kind);
            }
        }
        None
    }

    fn was_usual(&self) -> bool {
        self.of >= ENOUGH && self.had * 10 >= self.of * TENTHS
    }

    fn is_gone(&self) -> bool {
        self.away >= ENOUGH && self.was_usual()
    }

    fn count(&mut self, of: u32, had: u32) {
        self.of = self.of.saturating_add(of);
        self.had = self.had.saturating_add(had);
        while self.of > MOST {
            self.of /= 2;
            self.had /= 2;
        }
    }
}

/// The hub's fields that a mapping fills from a place. From one that is gone also those below it; what is below a
/// place of another kind is a place of its own.
#[must_use]
pub fn filled_from(spec: &MappingSpec, path: &str, change: &str) -> Vec<String> {
    let below = |given: &str| given.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
    let reads = |given: &str| given == path || change == What::Gone.as_str() && below(given);
    let of = |field: &musubi_sdk::manifest::FieldSpec| {
        field.from.iter().chain(&field.and).chain(&field.each).any(|given| reads(given))
    };
    spec.0.iter().filter(|(_, field)| of(field)).map(|(name, _)| name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn look(bodies: &[Value]) -> Look {
        let mut look = Look::default();
        bodies.iter().for_each(|body| look.add(body));
        look
    }

    fn many(n: usize, body: &Value) -> Vec<Value> {
        vec![body.clone(); n]
    }

    fn told(changes: &[Change]) -> Vec<(&str, What)> {
        changes.iter().map(|change| (change.path.as_str(), change.what)).collect()
    }

    #[test]
    fn what_is_a_change_and_what_is_not() {
        let usual = json!({"id": 1, "tax_code": "A", "address": {"city": "x"}});
        let without = json!({"id": 1, "address": {"city": "x"}});
        let null = json!({"id": 1, "tax_code": null, "address": {"city": "x"}});
        let other = json!({"id": 1, "tax_code": {"code": "A"}, "address": {"city": "x"}});
        let new = json!({"id": 1, "tax_code": "A", "address": {"city": "x", "zip": "1"}, "vat": 1});
        for (name, then, wanted) in [
            ("the same", many(50, &usual), vec![]),
            ("missing from some", [many(19, &without), many(1, &usual), many(19, &without)].concat(), vec![]),
            ("missing from enough", many(20, &without), vec![("tax_code", What::Gone)]),
            ("missing for long is told once", many(90, &without), vec![("tax_code", What::Gone)]),
            ("empty is there", many(90, &null), vec![]),
            ("there again", [many(30, &without), many(1, &usual)].concat(), vec![("tax_code", What::Back)]),
            ("new ones", many(3, &new), vec![("address.zip", What::New), ("vat", What::New)]),
            ("of another kind once", many(1, &other), vec![("tax_code.code", What::New)]),
            ("of another kind", many(25, &other), vec![("tax_code.code", What::New), ("tax_code", What::Kind)]),
        ] {
            let mut shape = Shape::default();
            assert_eq!(told(&shape.learn(&look(&many(30, &usual)))), [], "{name}: the first time all is new");
            let mut changes =
                told(&shape.learn(&look(&then))).into_iter().map(|(p, w)| (p.to_owned(), w)).collect::<Vec<_>>();
            let mut wanted: Vec<_> = wanted.into_iter().map(|(path, what)| (path.to_owned(), what)).collect();
            changes.sort_by(|a, b| a.0.cmp(&b.0));
            wanted.sort_by(|a, b| a.0.cmp(&b.0));
            assert_eq!(changes, wanted, "{name}");
        }
    }

    #[test]
    fn a_field_that_was_rare_is_never_gone() {
        let (with, without) = (json!({"id": 1, "memo": "x"}), json!({"id": 1}));
        let mut shape = Shape::default();
        let mixed: Vec<Value> = (0..100).map(|n| if n % 5 == 0 { with.clone() } else { without.clone() }).collect();
        shape.learn(&look(&mixed));
        assert_eq!(shape.learn(&look(&many(300, &without))), []);
    }

    #[test]
    fn a_mapping_says_what_it_fills_from_a_place() {
        let spec: MappingSpec = serde_json::from_value(json!({
            "name": "name", "tax_code": "tax.code", "address": {"from": ["city", "street"]},
            "lines": {"each": "items", "fields": {"quantity": "qty"}},
        }))
        .unwrap_or_default();
        for (path, wanted) in [
            ("tax", vec!["tax_code"]),
            ("tax.code", vec!["tax_code"]),
            ("street", vec!["address"]),
            ("items", vec!["lines"]),
            ("ta", vec![]),
        ] {
            assert_eq!(filled_from(&spec, path, "gone"), wanted, "{path}");
            assert_eq!(filled_from(&spec, path, "kind").len(), wanted.len() - usize::from(path == "tax"), "{path}");
        }
    }

    proptest! {
        /// However records are cut into pages, the same is learned.
        #[test]
        fn pages_do_not_matter(fields in proptest::collection::vec((any::<bool>(), 0_u8..4), 1..120), cut in 0_usize..120) {
            let bodies: Vec<Value> = fields.iter().map(|(a, b)| {
                let mut body = json!({"id": 1});
                if *a { body["a"] = json!("x"); }
                match b { 1 => body["b"] = json!(null), 2 => body["b"] = json!([1]), 3 => body["b"] = json!("y"), _ => {} }
                body
            }).collect();
            let cut = cut.min(bodies.len());
            let (mut whole, mut parts) = (Shape::default(), Shape::default());
            whole.learn(&look(&bodies));
            parts.learn(&look(&bodies[..cut]));
            parts.learn(&look(&bodies[cut..]));
            prop_assert_eq!(whole, parts);
        }

        /// Nothing is called gone that some record of the last twenty has.
        #[test]
        fn what_is_seen_is_not_gone(seen in proptest::collection::vec(any::<bool>(), 20..200)) {
            let mut shape = Shape::default();
            let mut gone = false;
            for (n, there) in seen.iter().enumerate() {
                let body = if *there { json!({"id": 1, "a": 1}) } else { json!({"id": 1}) };
                for change in shape.learn(&look(&[body])) {
                    match change.what {
                        What::Gone => { gone = true; prop_assert!(seen[n.saturating_sub(19)..=n].iter().all(|there| !there)); }
                        What::Back => { prop_assert!(gone && *there); gone = false; }
                        _ => {}
                    }
                }
            }
        }
    }
}
