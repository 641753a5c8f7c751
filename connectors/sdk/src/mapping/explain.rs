//! How a mapping fares with real records: for people who write one.

use serde_json::Value;

use super::{Mapping, MappingError, Source, Target, step, value};

/// One field of one record, step by step.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// What the source says; null where it says nothing.
    pub raw: Value,
    /// The text after each step, the hub's own check last, up to the first code that refuses it.
    pub steps: Vec<Result<String, &'static str>>,
}

/// How many records (or items of a list) of some fill a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub filled: usize,
    /// Left out, which the field allows.
    pub empty: usize,
    /// Refused.
    pub bad: usize,
}

impl Mapping {
    /// How the field `name`, or `list/name`, comes about. A field inside a list is shown by the first item.
    #[must_use]
    pub fn explain(&self, name: &str, body: &Value) -> Option<Explained> {
        let (targets, body, name) = match name.split_once('/') {
            None => (&self.fields, Some(body), name),
            Some((list, name)) => {
                let list = self.fields.iter().find(|target| target.name() == list)?;
                let Source::Lines { path, fields } = &list.source else { return None };
                (fields, path.find(body).and_then(|items| items.get(0)), name)
            }
        };
        let target = targets.iter().find(|target| target.name() == name)?;
        let Source::Value { path, more, steps } = &target.source else { return None };
        let raw = body.and_then(|body| value(path, more.as_ref(), body));
        let steps = raw.as_deref().map(|raw| step::trace(steps, raw)).unwrap_or_default();
        Some(Explained { raw: raw.map(std::borrow::Cow::into_owned).unwrap_or_default(), steps })
    }

    /// What the field `name` of a record becomes; `None`: nothing, or it is refused.
    #[must_use]
    pub fn value(&self, name: &str, body: &Value) -> Option<Value> {
        self.fields.iter().find(|target| target.name() == name)?.fill(body, None, &mut Vec::new())
    }

    /// Every mapped field with its count over some records; fields of a list as `list/name`.
    pub fn tally<'a>(&self, bodies: impl IntoIterator<Item = &'a Value>) -> Vec<(String, Tally)> {
        let mut counts = Vec::new();
        names(&self.fields, "", &mut counts);
        for body in bodies {
            count(&self.fields, body, "", &mut counts);
        }
        counts
    }
}

fn names(targets: &[Target], prefix: &str, out: &mut Vec<(String, Tally)>) {
    for target in targets {
        out.push((format!("{prefix}{}", target.name()), Tally::default()));
        if let Source::Lines { fields, .. } = &target.source {
            names(fields, &format!("{}/", target.field.name), out);
        }
    }
}

fn count(targets: &[Target], body: &Value, prefix: &str, out: &mut [(String, Tally)]) {
    for target in targets {
        let mut errors: Vec<MappingError> = Vec::new();
        let filled = target.fill(body, None, &mut errors).is_some();
        let name = format!("{prefix}{}", target.name());
        if let Some((_, tally)) = out.iter_mut().find(|(known, _)| *known == name) {
            match (errors.is_empty(), filled) {
                (false, _) => tally.bad += 1,
                (true, true) => tally.filled += 1,
                (true, false) => tally.empty += 1,
            }
        }
        if let Source::Lines { path, fields } = &target.source
            && let Some(Value::Array(items)) = path.find(body)
        {
            items.iter().for_each(|item| count(fields, item, &format!("{}/", target.field.name), out));
        }
    }
}
