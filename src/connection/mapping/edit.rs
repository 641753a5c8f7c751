//! What a person changes in a mapping, one thing at a time.

use musubi_sdk::{
    manifest::{FieldSpec, MappingSpec, Transform},
    noun::{ANY_CUSTOM, CUSTOM, Field, FieldKind, Noun},
};

/// Steps of one field.
const MOST_STEPS: usize = 20;
/// Paths that are joined.
const MOST_PATHS: usize = 8;
/// Characters of a path, a default, a joint.
const LONGEST: usize = 200;

/// One change. Fields are addressed as `name`, or as `list/name` inside a list.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// Where a value comes from; no path: from nowhere, so the field is not filled unless it has a default.
    Source {
        field: String,
        paths: Vec<String>,
        join: Option<String>,
    },
    /// The source's list that a list of the hub is read from; `None`: the field is not filled.
    List {
        field: String,
        path: Option<String>,
    },
    /// What is taken where the source has nothing.
    Default {
        field: String,
        value: Option<String>,
    },
    /// A record without it is not taken.
    Required {
        field: String,
        required: bool,
    },
    /// Adds a step after the others.
    AddStep {
        field: String,
        step: Transform,
    },
    RemoveStep {
        field: String,
        index: usize,
    },
    /// A step goes before the one that stands before it.
    RaiseStep {
        field: String,
        index: usize,
    },
}

/// Why a change does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("{0} is no field of this data")]
    UnknownField(String),
    #[error("{0} is filled from a list")]
    IsList(String),
    #[error("{0} is a single value")]
    IsValue(String),
    #[error("{0} has no such step")]
    NoStep(String),
    #[error("{0} has too many steps or paths")]
    TooMany(String),
    #[error("{0} has a text that is too long")]
    TooLong(String),
}

impl Unfit {
    /// Stable code, as pages and `--json` show it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownField(_) => "MAP_FIELD_UNKNOWN",
            Self::IsList(_) | Self::IsValue(_) => "MAP_FIELD_KIND",
            Self::NoStep(_) => "MAP_STEP_UNKNOWN",
            Self::TooMany(_) => "MAP_TOO_MANY",
            Self::TooLong(_) => "MAP_TOO_LONG",
        }
    }
}

/// Makes one change.
///
/// # Errors
/// What does not fit; nothing is changed then.
pub fn apply(noun: Noun, spec: &mut MappingSpec, edit: Edit) -> Result<(), Unfit> {
    match edit {
        Edit::Source { field, paths, join } => {
            let kind = known(noun, &field)?.kind;
            if matches!(kind, FieldKind::Lines(_)) {
                return Err(Unfit::IsList(field));
            }
            let paths: Vec<String> = paths.into_iter().filter(|path| !path.is_empty()).collect();
            if paths.len() > MOST_PATHS {
                return Err(Unfit::TooMany(field));
            }
            if paths.iter().chain(&join).any(|text| text.chars().count() > LONGEST) {
                return Err(Unfit::TooLong(field));
            }
            let texts = kind == FieldKind::Texts;
            with(spec, &field, |target| {
                let mut paths = paths.into_iter();
                let first = paths.next();
                if texts {
                    (target.each, target.from) = (first, None);
                } else {
                    (target.from, target.and) = (first, paths.collect());
                    target.join = join.filter(|_| !target.and.is_empty());
                }
            })
        }
        Edit::List { field, path } => {
            if !matches!(known(noun, &field)?.kind, FieldKind::Lines(_)) {
                return Err(Unfit::IsValue(field));
            }
            if path.as_ref().is_some_and(|path| path.chars().count() > LONGEST) {
                return Err(Unfit::TooLong(field));
            }
            with(spec, &field, |target| {
                target.each = path.filter(|path| !path.is_empty());
                target.fields.get_or_insert_default();
            })
        }
        Edit::Default { field, value } => {
            if matches!(known(noun, &field)?.kind, FieldKind::Lines(_) | FieldKind::Texts) {
                return Err(Unfit::IsList(field));
            }
            if value.as_ref().is_some_and(|text| text.chars().count() > LONGEST) {
                return Err(Unfit::TooLong(field));
            }
            with(spec, &field, |target| target.default = value.filter(|text| !text.is_empty()).map(Into::into))
        }
        Edit::Required { field, required } => {
            known(noun, &field)?;
            with(spec, &field, |target| target.required = required)
        }
        Edit::AddStep { field, step } => {
            if matches!(known(noun, &field)?.kind, FieldKind::Lines(_)) {
                return Err(Unfit::IsList(field));
            }
            let target = target(spec, &field)?;
            if target.transforms.len() >= MOST_STEPS {
                return Err(Unfit::TooMany(field));
            }
            target.transforms.push(step);
            Ok(())
        }
        Edit::RemoveStep { field, index } => {
            let steps = &mut target(spec, &field)?.transforms;
            if index >= steps.len() {
                return Err(Unfit::NoStep(field));
            }
            steps.remove(index);
            Ok(())
        }
        Edit::RaiseStep { field, index } => {
            let steps = &mut target(spec, &field)?.transforms;
            if index == 0 || index >= steps.len() {
                return Err(Unfit::NoStep(field));
            }
            steps.swap(index - 1, index);
            Ok(())
        }
    }
}

/// The hub's field at an address; `custom.KEY` is a field of the administrator's own.
///
/// # Errors
/// [`Unfit::UnknownField`].
pub fn known(noun: Noun, address: &str) -> Result<&'static Field, Unfit> {
    let find = |fields: &'static [Field], name: &str| fields.iter().find(|field| field.name == name);
    let custom = noun == Noun::Customer && address.strip_prefix(CUSTOM).is_some_and(|key| !key.is_empty());
    let found = match address.split_once('/') {
        None if custom => Some(&ANY_CUSTOM),
        None => find(noun.fields(), address),
        Some((list, name)) => match find(noun.fields(), list).map(|field| field.kind) {
            Some(FieldKind::Lines(fields)) => find(fields, name),
            _ => None,
        },
    };
    found.ok_or_else(|| Unfit::UnknownField(address.to_owned()))
}

/// How a field is filled.
#[must_use]
pub fn of<'a>(spec: &'a MappingSpec, address: &str) -> Option<&'a FieldSpec> {
    match address.split_once('/') {
        None => spec.0.get(address),
        Some((list, name)) => spec.0.get(list)?.fields.as_ref()?.0.get(name),
    }
}

fn target<'a>(spec: &'a mut MappingSpec, address: &str) -> Result<&'a mut FieldSpec, Unfit> {
    let found = match address.split_once('/') {
        None => spec.0.get_mut(address),
        Some((list, name)) => {
            spec.0.get_mut(list).and_then(|list| list.fields.as_mut()).and_then(|fields| fields.0.get_mut(name))
        }
    };
    found.ok_or_else(|| Unfit::UnknownField(address.to_owned()))
}

/// Changes how a field is filled; one that is filled by nothing afterwards leaves the mapping.
fn with(spec: &mut MappingSpec, address: &str, change: impl FnOnce(&mut FieldSpec)) -> Result<(), Unfit> {
    let (fields, name) = match address.split_once('/') {
        None => (&mut *spec, address),
        Some((list, name)) => {
            let list = spec.0.entry(list.to_owned()).or_default();
            (list.fields.get_or_insert_default(), name)
        }
    };
    let target = fields.0.entry(name.to_owned()).or_default();
    change(target);
    if target.from.is_none() && target.each.is_none() && target.default.is_none() {
        fields.0.shift_remove(name);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(json: serde_json::Value) -> MappingSpec {
        serde_json::from_value(json).expect("a mapping")
    }

    fn source(field: &str, paths: &[&str]) -> Edit {
        Edit::Source { field: field.to_owned(), paths: paths.iter().map(|p| (*p).to_owned()).collect(), join: None }
    }

    #[test]
    fn a_mapping_is_changed_one_thing_at_a_time() -> Result<(), Unfit> {
        let mut it = spec(serde_json::json!({"name": "n", "lines": {"each": "rows", "fields": {"quantity": "q"}}}));
        let field = || "number".to_owned();
        let edits = [
            source("number", &["no"]),
            source("subject", &["a", "", "b"]),
            Edit::AddStep { field: field(), step: Transform::Trim },
            Edit::AddStep { field: field(), step: Transform::Width },
            Edit::RaiseStep { field: field(), index: 1 },
            Edit::RemoveStep { field: field(), index: 1 },
            Edit::Default { field: "status".to_owned(), value: Some("open".to_owned()) },
            source("lines/amount", &["sum"]),
            source("lines/quantity", &[]),
            source("orders", &["refs"]),
        ];
        let nouns = |edit: &Edit| match edit {
            Edit::Source { field, .. } if field == "orders" => Noun::Invoice,
            _ => Noun::Order,
        };
        for edit in edits {
            apply(nouns(&edit), &mut it, edit)?;
        }
        let expected = serde_json::json!({
            "name": "n", "lines": {"each": "rows", "fields": {"amount": "sum"}},
            "number": {"from": "no", "as": ["width"]}, "subject": {"from": ["a", "b"]}, "status": {"default": "open"},
            "orders": {"each": "refs"}
        });
        assert_eq!(it, spec(expected));
        apply(Noun::Order, &mut it, source("number", &[]))?;
        apply(Noun::Order, &mut it, Edit::List { field: "lines".to_owned(), path: None })?;
        assert!(of(&it, "number").is_none() && of(&it, "lines").is_none(), "what nothing fills is not there");
        Ok(())
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut it = spec(serde_json::json!({"number": "no"}));
        let before = it.clone();
        let step = |index| Edit::RaiseStep { field: "number".to_owned(), index };
        let table = [
            (source("nmae", &["x"]), "MAP_FIELD_UNKNOWN"),
            (source("lines/nmae", &["x"]), "MAP_FIELD_UNKNOWN"),
            (source("number/x", &["x"]), "MAP_FIELD_UNKNOWN"),
            (source("lines", &["x"]), "MAP_FIELD_KIND"),
            (Edit::List { field: "number".to_owned(), path: None }, "MAP_FIELD_KIND"),
            (Edit::Default { field: "lines".to_owned(), value: None }, "MAP_FIELD_KIND"),
            (step(0), "MAP_STEP_UNKNOWN"),
            (step(1), "MAP_STEP_UNKNOWN"),
            (source("number", &["x"; 9]), "MAP_TOO_MANY"),
            (source("number", &[&"x".repeat(201)]), "MAP_TOO_LONG"),
        ];
        for (edit, code) in table {
            let refused = apply(Noun::Order, &mut it, edit.clone()).err().map(|unfit| unfit.code());
            assert_eq!(refused, Some(code), "{edit:?}");
        }
        assert_eq!(it, before);
    }
}
