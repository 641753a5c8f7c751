//! A mapping in the reader's words: rows, steps, records before and after.

use musubi_sdk::{
    manifest::{FieldSpec, MappingSpec, Transform},
    mapping::{Found, Mapping, MappingError, MappingProblem, Shape},
    noun::{ANY_CUSTOM, Field, FieldKind, Noun},
};
use serde_json::Value;

use crate::{
    app::Hub,
    connection::mapping::{differ::Difference, edit},
    http::console::{
        Lang, Shell,
        view::mapping::{self as view, Finding, Line, Panel, Preview, Row, Step, Tally},
    },
    model::custom::{self, Definitions},
    store::{self, StoreError, mapping::Sample},
};

/// Characters of a value that is shown.
const LONGEST: usize = 120;

/// What a stream's fields are called by a reader.
pub struct Words<'a> {
    pub shell: &'a Shell,
    pub noun: Noun,
    /// Fields that the administrator added.
    pub custom: &'a Definitions,
}

/// Who published something, as pages show people.
pub async fn actor(hub: &Hub, id: &str) -> Result<String, StoreError> {
    let name = store::user::name(&hub.db, id).await?;
    Ok(if name.is_empty() { id.to_owned() } else { name })
}

/// A field of the hub with its address; those of a list follow it, those of the administrator come last.
fn fields(noun: Noun, custom: &Definitions) -> Vec<(String, &'static Field)> {
    let mut out = Vec::new();
    for field in noun.fields() {
        out.push((field.name.to_owned(), field));
        if let FieldKind::Lines(inside) = field.kind {
            out.extend(inside.iter().map(|inner| (format!("{}/{}", field.name, inner.name), inner)));
        }
    }
    if noun == Noun::Customer {
        let shown = custom.all().iter().filter(|field| !field.retired);
        out.extend(shown.map(|field| (field.field(), &ANY_CUSTOM)));
    }
    out
}

fn kind(field: &Field) -> &'static str {
    match field.kind {
        FieldKind::Text => "text",
        FieldKind::Decimal => "decimal",
        FieldKind::Date => "date",
        FieldKind::Instant => "instant",
        FieldKind::OneOf(_) => "one_of",
        FieldKind::Lines(_) => "lines",
        FieldKind::Texts => "texts",
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => short(text),
        other => short(&other.to_string()),
    }
}

impl Words<'_> {
    /// A field's name: of this kind of record where that has its own, else the common one.
    pub fn field(&self, address: &str) -> String {
        let name = |name: &str| {
            let own = format!("field_of.{}.{name}", self.noun.as_str());
            self.shell.lang.find(&own).unwrap_or_else(|| self.shell.word("map_field", name)).to_owned()
        };
        let own = address.strip_prefix(custom::PREFIX).and_then(|key| self.custom.get(key));
        if let Some(field) = own {
            return field.label(self.shell.lang == Lang::En).to_owned();
        }
        match address.split_once('/') {
            None => name(address),
            Some((list, inner)) => format!("{} › {}", name(list), self.shell.word("map_field", inner)),
        }
    }

    pub fn problem(&self, problem: &MappingProblem) -> (String, String) {
        let at = format!("{}/", problem.pointer).replace("/fields/", "/");
        let address = format!("{at}{}", problem.missing.unwrap_or_default());
        let address = address.trim_matches('/').to_owned();
        (self.field(&address), Self::said(self.shell, problem.code, &problem.message))
    }

    /// What is wrong, by its code; what a parser says of it stands in brackets.
    pub fn said(shell: &Shell, code: &str, detail: &str) -> String {
        let text = shell.lang.find(&format!("map_problem.{code}")).unwrap_or_else(|| shell.t("map_problem.OTHER"));
        match (code, detail) {
            ("MAP_PATTERN" | "MAP_VALUE" | "MAP_FORM", detail) if !detail.is_empty() => {
                // The field and what is wrong are said; what is left is the parser's own word.
                format!("{text} ({})", detail.rsplit(": ").next().unwrap_or(detail))
            }
            _ => text.to_owned(),
        }
    }

    /// A step in a few words.
    pub fn step(&self, step: &Transform) -> String {
        let shell = self.shell;
        let word = |name| shell.word("map_step", name).to_owned();
        match step {
            Transform::Trim => word("trim"),
            Transform::Integer => word("integer"),
            Transform::Decimal => word("decimal"),
            Transform::Date => word("date"),
            Transform::Instant => word("instant"),
            Transform::Width => word("width"),
            Transform::NoSpaces => word("no_spaces"),
            Transform::Upper => word("upper"),
            Transform::Lower => word("lower"),
            Transform::CorporateNumber => word("corporate_number"),
            Transform::RegistrationNumber => word("registration_number"),
            Transform::Phone => word("phone"),
            Transform::Mail => word("mail"),
            Transform::Values(table) => shell.n("mapping.values_of", table.len()),
            Transform::Default(value) => shell.f1("mapping.default_is", plain(value)),
            Transform::Replace { pattern, with } => shell.f2("mapping.replace_of", pattern, with),
            Transform::Extract(pattern) => shell.f1("mapping.extract_of", pattern),
            Transform::Part { separator, index } => shell.f2("mapping.part_of", separator, index),
        }
    }

    /// How a field is filled, in one line.
    fn source(&self, spec: Option<&FieldSpec>) -> String {
        let Some(spec) = spec else { return self.shell.t("mapping.not_taken").to_owned() };
        let mut parts: Vec<String> = Vec::new();
        let paths: Vec<&str> = spec.paths().chain(spec.each.as_deref()).collect();
        parts.extend((!paths.is_empty()).then(|| paths.join(" + ")));
        parts.extend(spec.transforms.iter().map(|step| self.step(step)));
        parts.extend(spec.default.as_ref().map(|value| self.shell.f1("mapping.default_is", plain(value))));
        parts.extend(spec.required.then(|| self.shell.t("mapping.required_short").to_owned()));
        parts.join(self.shell.t("mapping.then"))
    }

    pub fn difference(&self, difference: &Difference) -> view::Difference {
        view::Difference {
            title: self.field(&difference.field),
            before: self.source(difference.before.as_ref()),
            after: self.source(difference.after.as_ref()),
        }
    }

    pub fn rows(
        &self,
        spec: &MappingSpec,
        places: &[Found],
        counts: &[(String, Tally)],
        chosen: &str,
        differences: &[Difference],
        veiled: bool,
    ) -> Vec<Row> {
        let row = |(address, field): (String, &'static Field)| {
            let filled = edit::of(spec, &address);
            let list = address.split_once('/').and_then(|(list, _)| edit::of(spec, list)?.each.as_deref());
            // A list that is not read has no items to read from.
            if address.contains('/') && list.is_none() {
                return None;
            }
            let path = filled.and_then(|spec| spec.from.as_deref().or(spec.each.as_deref()));
            Some(Row {
                title: match address.split_once('/') {
                    Some((_, inner)) => self.shell.word("map_field", inner).to_owned(),
                    None => self.field(&address),
                },
                full: self.field(&address),
                kind: kind(field),
                required: field.required || filled.is_some_and(|spec| spec.required),
                nested: list.is_some(),
                choices: choices(places, list, field, path, veiled),
                path: path.map(str::to_owned),
                more: filled.map_or(0, |spec| spec.and.len()),
                default: filled.and_then(|spec| spec.default.as_ref()).map(plain),
                steps: filled.map(|spec| spec.transforms.iter().map(|s| self.step(s)).collect()).unwrap_or_default(),
                tally: counts.iter().find(|(name, _)| *name == address).map(|(_, tally)| *tally),
                chosen: address == chosen,
                changed: differences.iter().any(|d| d.field == address),
                field: address,
            })
        };
        fields(self.noun, self.custom).into_iter().filter_map(row).collect()
    }

    pub fn preview(
        &self,
        (index, total): (usize, usize),
        sample: &Sample,
        body: &Value,
        (now, before): (&Mapping, &Mapping),
        complete: bool,
        veiled: bool,
    ) -> Preview {
        if veiled {
            return Preview { index, total, veiled, ..Preview::default() };
        }
        let refused: Vec<MappingError> = now.apply(body).err().unwrap_or_default();
        let cause = |address: &str| {
            let of = |error: &&MappingError| error.field == address || error.field.starts_with(&format!("{address}["));
            refused.iter().find(of).map(|error| error.code.to_owned())
        };
        let mut lines = Vec::new();
        for (address, field) in fields(self.noun, self.custom).into_iter().filter(|(address, _)| !address.contains('/'))
        {
            let cause = cause(&address);
            let (raw, value) = match field.kind {
                FieldKind::Lines(_) | FieldKind::Texts => {
                    let items = now.value(&address, body).and_then(|items| items.as_array().map(Vec::len));
                    (String::new(), items.map(|n| self.shell.n("unit.items", n)).unwrap_or_default())
                }
                _ => {
                    let (raw, value) = value_of(now, &address, body);
                    (raw, value)
                }
            };
            let was = value_of(before, &address, body).1;
            let listed = matches!(field.kind, FieldKind::Lines(_) | FieldKind::Texts);
            if raw.is_empty() && value.is_empty() && was.is_empty() && cause.is_none() {
                continue;
            }
            let changed = !listed && was != value;
            lines.push(Line { title: self.field(&address), raw, value, changed, cause });
        }
        Preview {
            index,
            total,
            label: label(now, sample, body),
            lines,
            good: refused.is_empty() && complete,
            before: before.apply(body).is_ok(),
            json: serde_json::to_string_pretty(body).unwrap_or_default(),
            veiled,
        }
    }

    pub fn panel(
        &self,
        spec: &MappingSpec,
        mapping: &Mapping,
        body: Option<&Value>,
        address: &str,
        adding: &str,
        veiled: bool,
    ) -> Option<Panel> {
        let field = edit::known(self.noun, address).ok()?;
        let filled = edit::of(spec, address);
        let told = body.filter(|_| !veiled).and_then(|body| mapping.explain(address, body));
        let results = told.as_ref().map(|told| told.steps.clone()).unwrap_or_default();
        let result =
            |index: usize| results.get(index).cloned().map(|r| r.map(|text| short(&text)).map_err(str::to_owned));
        let listed = filled.map_or(&[][..], |spec| &spec.transforms);
        let steps: Vec<Step> = listed
            .iter()
            .enumerate()
            .map(|(index, step)| Step { words: self.step(step), result: result(index) })
            .collect();
        Some(Panel {
            field: address.to_owned(),
            title: self.field(address),
            list: matches!(field.kind, FieldKind::Lines(_)),
            paths: filled
                .map(|spec| spec.paths().chain(spec.each.as_deref()).map(str::to_owned).collect())
                .unwrap_or_default(),
            join: filled.and_then(|spec| spec.join.clone()).unwrap_or_default(),
            default: filled.and_then(|spec| spec.default.as_ref()).map(plain).unwrap_or_default(),
            required: filled.is_some_and(|spec| spec.required),
            // A value of the administrator's fields never stops a record.
            always: field.required || address.starts_with(custom::PREFIX),
            raw: told.map(|told| plain(&told.raw)),
            check: result(steps.len()).map(|r| (self.shell.word("map_kind", kind(field)).to_owned(), r)),
            steps,
            adding: view::STEPS
                .iter()
                .find(|(name, more)| *more && *name == adding)
                .map(|(name, _)| (*name).to_owned()),
            typed: view::Typed::default(),
            known: match field.kind {
                FieldKind::OneOf(known) => known.iter().map(|word| (*word).to_owned()).collect(),
                _ => Vec::new(),
            },
        })
    }
}

/// What the source says for a field, and what becomes of it.
fn value_of(mapping: &Mapping, address: &str, body: &Value) -> (String, String) {
    let raw = mapping.explain(address, body).map(|told| plain(&told.raw)).unwrap_or_default();
    let value = mapping.value(address, body).map(|value| plain(&value)).unwrap_or_default();
    (raw, value)
}

/// Places that can fill a field: of its list, single values or lists as it needs; what is chosen is among them.
fn choices(
    places: &[Found],
    list: Option<&str>,
    field: &Field,
    path: Option<&str>,
    veiled: bool,
) -> Vec<(String, String)> {
    let fits = |shape: Shape| match field.kind {
        FieldKind::Lines(_) => shape == Shape::List,
        FieldKind::Texts => matches!(shape, Shape::List | Shape::Values),
        _ => matches!(shape, Shape::Value | Shape::Nothing),
    };
    let example = |place: &Found| {
        if veiled || place.shape == Shape::List { String::new() } else { place.example.chars().take(24).collect() }
    };
    let mut out: Vec<(String, String)> = places
        .iter()
        .filter(|place| place.list.as_deref() == list && fits(place.shape))
        .map(|place| (place.path.clone(), example(place)))
        .collect();
    if let Some(path) = path.filter(|path| !out.iter().any(|(known, _)| known == path)) {
        out.insert(0, (path.to_owned(), String::new()));
    }
    out
}

/// What people call a record: its number, its code, its name; else the source's key.
fn label(mapping: &Mapping, sample: &Sample, body: &Value) -> String {
    let text = |field: &str| mapping.value(field, body).as_ref().and_then(Value::as_str).map(short);
    let words: Vec<String> = ["number", "code", "name"].iter().filter_map(|field| text(field)).collect();
    if words.is_empty() { sample.external_id.clone() } else { words.join(" ") }
}

/// Records that would not be taken, the first cause of each.
pub fn findings(
    words: &Words<'_>,
    sample: &[Sample],
    bodies: &[Value],
    mapping: &Mapping,
    most: usize,
    veiled: bool,
) -> Vec<Finding> {
    let mut out = Vec::new();
    for (index, body) in bodies.iter().enumerate() {
        let Some(first) = mapping.apply(body).err().and_then(|errors| errors.into_iter().next()) else { continue };
        let address = address_of(&first.field);
        out.push(Finding {
            index: index + 1,
            label: if veiled { sample[index].external_id.clone() } else { label(mapping, &sample[index], body) },
            field_title: words.field(&address),
            field: address,
            cause: first.code.to_owned(),
            value: if veiled { String::new() } else { plain(&first.value) },
        });
        if out.len() == most {
            break;
        }
    }
    out
}

/// `lines[2].quantity` is the field `lines/quantity`.
pub fn address_of(field: &str) -> String {
    match field.split_once('[') {
        None => field.to_owned(),
        Some((list, rest)) => match rest.split_once("].") {
            Some((_, inner)) => format!("{list}/{inner}"),
            None => list.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::console::Lang;

    #[test]
    fn every_field_and_step_has_its_words() {
        for lang in [Lang::Ja, Lang::En] {
            for noun in Noun::ALL {
                for (address, field) in fields(noun, &Definitions::default()) {
                    let name = address.rsplit('/').next().unwrap_or_default();
                    let own = format!("field_of.{}.{name}", noun.as_str());
                    let found = lang.find(&own).or_else(|| lang.find(&format!("map_field.{name}")));
                    assert!(found.is_some(), "{lang:?} {address}");
                    assert!(lang.find(&format!("map_kind.{}", kind(field))).is_some());
                }
            }
            for (name, _) in view::STEPS {
                assert!(lang.find(&format!("map_step.{name}")).is_some(), "{name}");
            }
        }
    }

    #[test]
    fn a_failing_place_names_its_field() {
        let table = [("number", "number"), ("lines[2].quantity", "lines/quantity"), ("orders[0]", "orders")];
        for (place, address) in table {
            assert_eq!(address_of(place), address);
        }
    }
}
