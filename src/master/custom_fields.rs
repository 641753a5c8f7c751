//! Fields of the administrator's own: defining them, changing them, retiring them.
//!
//! Invariant: a key, its kind and the keys of its choices never change and never go, so that every stored value
//! can be read. Invariant: a change of what a value may be is followed by making golden values again, so that
//! what sources said before counts by the new definition.

use std::collections::HashSet;

use crate::{
    model::{
        Timestamp,
        custom::{self, Choice, CustomKind, Definition},
        record::FieldError,
    },
    store::{StoreError, Tx, custom_field, survivorship},
};

const LONGEST_LABEL: usize = 60;

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum CustomFieldError {
    #[error("{} parts of the definition cannot be taken", .0.len())]
    Invalid(Vec<FieldError>),
    #[error("there is no such field")]
    Unknown,
    #[error("somebody changed the field meanwhile")]
    Overtaken,
    #[error("there are {} fields already, retired ones with them", custom::MOST)]
    TooMany,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a person wants of a field.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    pub label_ja: String,
    pub label_en: String,
    pub required: bool,
    /// Of a choice field: those that are known are changed, others added, missing ones retired.
    pub choices: Vec<Choice>,
    pub position: i64,
}

/// Who changes a definition, and when.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    pub actor: &'a str,
    pub now: Timestamp,
}

/// Adds a field. What sources said for it before is taken up.
pub async fn define(
    tx: &mut Tx,
    key: &str,
    kind: CustomKind,
    draft: Draft,
    by: By<'_>,
) -> Result<Definition, CustomFieldError> {
    let known = custom_field::list(&mut *tx).await?;
    let mut wrong = Vec::new();
    if !custom::is_key(key) {
        wrong.push(mistake("FMT_KEY", "key", key));
    } else if known.get(key).is_some() {
        wrong.push(mistake("KEY_TAKEN", "key", key));
    }
    let position = known.all().iter().map(|one| one.position).max().unwrap_or(0) + 1;
    let field = Definition {
        key: key.to_owned(),
        kind,
        label_ja: String::new(),
        label_en: String::new(),
        required: false,
        choices: Vec::new(),
        position,
        seq: 0,
        retired: false,
    };
    let field = changed(field, Draft { position, ..draft }, wrong)?;
    if known.all().len() >= custom::MOST {
        return Err(CustomFieldError::TooMany);
    }
    save(tx, field, 0, true, by).await
}

/// Changes labels, order and choices of a field. `seen`: its `seq` as the person saw it.
pub async fn change(
    tx: &mut Tx,
    key: &str,
    seen: i64,
    draft: Draft,
    by: By<'_>,
) -> Result<Definition, CustomFieldError> {
    let old = open(tx, key, seen).await?;
    let field = changed(old.clone(), draft, Vec::new())?;
    let again = field.choices != old.choices;
    save(tx, field, seen, again, by).await
}

/// Takes a field from pages and forms, or puts it back. Values stay where they are.
pub async fn retire(
    tx: &mut Tx,
    key: &str,
    seen: i64,
    retired: bool,
    by: By<'_>,
) -> Result<Definition, CustomFieldError> {
    let old = open(tx, key, seen).await?;
    save(tx, Definition { retired, ..old }, seen, true, by).await
}

async fn open(tx: &mut Tx, key: &str, seen: i64) -> Result<Definition, CustomFieldError> {
    let found = custom_field::list(tx).await?.get(key).cloned().ok_or(CustomFieldError::Unknown)?;
    if found.seq == seen { Ok(found) } else { Err(CustomFieldError::Overtaken) }
}

async fn save(
    tx: &mut Tx,
    field: Definition,
    was: i64,
    again: bool,
    by: By<'_>,
) -> Result<Definition, CustomFieldError> {
    let field = Definition { seq: was + 1, ..field };
    if !custom_field::put(tx, &field, was, by.now).await? {
        return Err(CustomFieldError::Overtaken);
    }
    if again {
        survivorship::start_job(tx, "fields", by.actor, by.now).await?;
    }
    Ok(field)
}

fn changed(old: Definition, draft: Draft, mut wrong: Vec<FieldError>) -> Result<Definition, CustomFieldError> {
    let Draft { label_ja, label_en, required, choices, position } = draft;
    let (label_ja, label_en) = (label_ja.trim().to_owned(), label_en.trim().to_owned());
    wrong.extend(labels(&label_ja, &label_en, ["label_ja", "label_en"]));
    let choices = if old.kind == CustomKind::Choice { chosen(&old.choices, choices, &mut wrong) } else { Vec::new() };
    if wrong.is_empty() {
        Ok(Definition { label_ja, label_en, required, choices, position, ..old })
    } else {
        Err(CustomFieldError::Invalid(wrong))
    }
}

fn labels(ja: &str, en: &str, [field_ja, field_en]: [&str; 2]) -> Vec<FieldError> {
    let mut wrong = Vec::new();
    if ja.is_empty() && en.is_empty() {
        wrong.push(mistake("REQ_EMPTY", field_ja, ""));
    }
    for (field, label) in [(field_ja, ja), (field_en, en)] {
        if label.chars().count() > LONGEST_LABEL {
            wrong.push(mistake("LABEL_LONG", field, label));
        } else if label.chars().any(char::is_control) {
            wrong.push(mistake("FMT_TYPE", field, label));
        }
    }
    wrong
}

/// The choices as they are from now on: no key that was there goes.
fn chosen(old: &[Choice], wanted: Vec<Choice>, wrong: &mut Vec<FieldError>) -> Vec<Choice> {
    let mut keys = HashSet::new();
    let mut out: Vec<Choice> = Vec::with_capacity(wanted.len());
    for choice in wanted {
        let trimmed = |text: String| text.trim().to_owned();
        let choice = Choice { key: trimmed(choice.key), ja: trimmed(choice.ja), en: trimmed(choice.en), ..choice };
        if !custom::is_key(&choice.key) {
            wrong.push(mistake("FMT_KEY", "choices", &choice.key));
        } else if !keys.insert(choice.key.clone()) {
            wrong.push(mistake("CHOICE_TWICE", "choices", &choice.key));
        }
        wrong.extend(labels(&choice.ja, &choice.en, ["choices", "choices"]));
        out.push(choice);
    }
    let gone = old.iter().filter(|choice| !keys.contains(&choice.key));
    out.extend(gone.map(|choice| Choice { retired: true, ..choice.clone() }));
    if out.iter().all(|choice| choice.retired) {
        wrong.push(mistake("CHOICES_EMPTY", "choices", ""));
    } else if out.len() > custom::MOST_CHOICES {
        wrong.push(mistake("CHOICES_MANY", "choices", ""));
    }
    out
}

fn mistake(code: &'static str, field: &str, value: &str) -> FieldError {
    FieldError { code, field: field.to_owned(), value: value.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(key: &str, ja: &str) -> Choice {
        Choice { key: key.into(), ja: ja.into(), en: String::new(), retired: false }
    }

    #[test]
    fn choices_are_added_renamed_and_retired_but_never_lost() {
        let old = [choice("a", "甲"), choice("b", "乙")];
        let mut wrong = Vec::new();
        let now = chosen(&old, vec![choice("b", "乙種"), choice("c", "丙")], &mut wrong);
        let seen: Vec<_> = now.iter().map(|c| (c.key.as_str(), c.ja.as_str(), c.retired)).collect();
        assert_eq!(seen, [("b", "乙種", false), ("c", "丙", false), ("a", "甲", true)]);
        assert!(wrong.is_empty());
        for (wanted, code) in [
            (vec![], "CHOICES_EMPTY"),
            (vec![choice("A", "甲")], "FMT_KEY"),
            (vec![choice("a", "甲"), choice("a", "乙")], "CHOICE_TWICE"),
            (vec![choice("a", "")], "REQ_EMPTY"),
        ] {
            let mut wrong = Vec::new();
            chosen(&old, wanted, &mut wrong);
            assert_eq!(wrong.first().map(|w| w.code), Some(code));
        }
    }
}
