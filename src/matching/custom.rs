//! Values of fields that the administrator added: what comes from outside becomes the form of its kind.
//!
//! [`parse`] is the one door for forms, the API, files and sources. What a form refuses, synced data keeps as a
//! [`Warning`] on the record ([`sort_out`]): a broken value never stops a record.

use musubi_sdk::{mapping, noun::FieldKind};

use super::fold::fold;
use crate::model::{
    Currency, Money,
    custom::{CustomKind, Definition, Definitions, Warning},
};

const LONGEST: usize = 500;
/// Characters of a broken value that a warning keeps.
const SHOWN: usize = 200;

const YES: [&str; 9] = ["true", "1", "yes", "y", "on", "はい", "有", "○", "〇"];
const NO: [&str; 9] = ["false", "0", "no", "n", "off", "いいえ", "無", "×", "✕"];

/// A value in the form of its field's kind, from what people and systems write: `令和8年4月1日`, `▲1,234`, the
/// label of a choice, `はい`. `None`: there is none.
///
/// # Errors
/// A stable code: `FMT_NUMBER`, `FMT_DATE`, `FMT_VALUE` (no such choice, neither yes nor no), `FMT_TYPE` (control
/// characters), `TOO_LONG`.
pub fn parse(definition: &Definition, raw: &str, currency: Currency) -> Result<Option<String>, &'static str> {
    let text = raw.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if text.chars().count() > LONGEST {
        return Err("TOO_LONG");
    }
    if text.chars().any(char::is_control) {
        return Err("FMT_TYPE");
    }
    match definition.kind {
        CustomKind::Text => Ok(Some(text.to_owned())),
        CustomKind::Number => mapping::read(FieldKind::Decimal, text),
        CustomKind::Date => mapping::read(FieldKind::Date, text),
        CustomKind::Money => {
            let Some(decimal) = mapping::read(FieldKind::Decimal, text)? else { return Ok(None) };
            let minor = Money::from_major(&decimal, currency).ok_or("FMT_NUMBER")?;
            Ok(Some(Money { minor, currency }.to_major()))
        }
        CustomKind::Choice => choice(definition, text).map(Some).ok_or("FMT_VALUE"),
        CustomKind::Flag => flag(text).map(|flag| Some(flag.to_owned())).ok_or("FMT_VALUE"),
    }
}

/// By key, else by a label as people spell it, one that is still offered first.
fn choice(definition: &Definition, text: &str) -> Option<String> {
    if let Some(exact) = definition.choice(text) {
        return Some(exact.key.clone());
    }
    let folded = fold(text);
    let spelt = |label: &str| !label.is_empty() && fold(label) == folded;
    let mut found: Vec<_> = definition
        .choices
        .iter()
        .filter(|choice| fold(&choice.key) == folded || spelt(&choice.ja) || spelt(&choice.en))
        .collect();
    found.sort_by_key(|choice| choice.retired);
    found.first().map(|choice| choice.key.clone())
}

fn flag(text: &str) -> Option<&'static str> {
    let folded = fold(text);
    let is = |words: &[&str]| words.iter().any(|word| *word == text || fold(word) == folded);
    if is(&YES) { Some("true") } else { is(&NO).then_some("false") }
}

/// What a source said for custom fields, in their form, and what could not be taken with why. A retired field
/// warns of nothing.
#[must_use]
pub fn sort_out(
    definitions: &Definitions,
    connection: &str,
    said: &[(String, String)],
    currency: Currency,
) -> (Vec<(String, String)>, Vec<Warning>) {
    let (mut taken, mut warnings) = (Vec::with_capacity(said.len()), Vec::new());
    for (field, raw) in said {
        let wrong = match definitions.of_field(field) {
            None => "FIELD_UNKNOWN",
            Some(definition) => match parse(definition, raw, currency) {
                Ok(Some(value)) => {
                    taken.push((field.clone(), value));
                    continue;
                }
                Ok(None) => continue,
                Err(_) if definition.retired => continue,
                Err(code) => code,
            },
        };
        warnings.push(Warning {
            field: field.clone(),
            connection: connection.to_owned(),
            value: raw.chars().take(SHOWN).collect(),
            code: wrong.to_owned(),
        });
    }
    (taken, warnings)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::custom::Choice;

    fn field(kind: CustomKind) -> Definition {
        let choice =
            |key: &str, ja: &str, en: &str, retired| Choice { key: key.into(), ja: ja.into(), en: en.into(), retired };
        Definition {
            key: "grade".into(),
            kind,
            label_ja: "等級".into(),
            label_en: "Grade".into(),
            required: false,
            choices: vec![choice("a", "Ａランク", "Rank A", false), choice("old", "旧", "Old", true)],
            position: 1,
            seq: 1,
            retired: false,
        }
    }

    #[test]
    fn values_are_read_as_people_write_them() {
        use CustomKind::{Choice, Date, Flag, Money, Number, Text};
        let long = "あ".repeat(LONGEST + 1);
        for (kind, raw, expected) in [
            (Text, " 朝凪 ", Ok(Some("朝凪"))),
            (Text, "  ", Ok(None)),
            (Text, "一\n二", Err("FMT_TYPE")),
            (Text, long.as_str(), Err("TOO_LONG")),
            (Number, "１，２３４．５", Ok(Some("1234.5"))),
            (Number, "▲12", Ok(Some("-12"))),
            (Number, "twelve", Err("FMT_NUMBER")),
            (Money, "￥1,200", Ok(Some("1200"))),
            (Money, "12.5", Err("FMT_NUMBER")),
            (Date, "令和8年4月1日", Ok(Some("2026-04-01"))),
            (Date, "2026/4/1", Ok(Some("2026-04-01"))),
            (Date, "2026-02-30", Err("FMT_DATE")),
            (Choice, "a", Ok(Some("a"))),
            (Choice, "Aランク", Ok(Some("a"))),
            (Choice, "rank a", Ok(Some("a"))),
            (Choice, "旧", Ok(Some("old"))),
            (Choice, "b", Err("FMT_VALUE")),
            (Flag, "はい", Ok(Some("true"))),
            (Flag, "ＮＯ", Ok(Some("false"))),
            (Flag, "perhaps", Err("FMT_VALUE")),
        ] {
            let read = parse(&field(kind), raw, Currency::JPY);
            assert_eq!(read.as_ref().map(|v| v.as_deref()).map_err(|e| *e), expected, "{kind:?} {raw}");
        }
    }

    #[test]
    fn what_cannot_be_taken_is_kept_with_its_reason() {
        let definitions = Definitions(vec![field(CustomKind::Number)]);
        let said = [("custom.grade", "x"), ("custom.other", "y")].map(|(f, v)| (f.to_owned(), v.to_owned()));
        let (taken, warnings) = sort_out(&definitions, "con_1", &said, Currency::JPY);
        assert!(taken.is_empty());
        let seen: Vec<_> = warnings.iter().map(|w| (w.field.as_str(), w.value.as_str(), w.code.as_str())).collect();
        assert_eq!(seen, [("custom.grade", "x", "FMT_NUMBER"), ("custom.other", "y", "FIELD_UNKNOWN")]);
    }

    proptest! {
        /// Whatever is taken is taken again as the same, and nothing panics.
        #[test]
        fn reading_twice_changes_nothing(raw in "\\PC{0,40}", kind in 0..CustomKind::ALL.len()) {
            let definition = field(CustomKind::ALL[kind]);
            if let Ok(Some(value)) = parse(&definition, &raw, Currency::JPY) {
                prop_assert_eq!(parse(&definition, &value, Currency::JPY), Ok(Some(value)));
            }
        }
    }
}
