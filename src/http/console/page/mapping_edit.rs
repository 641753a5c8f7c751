//! What a person changes in a mapping: the table, or one field.

use axum::{
    extract::{RawForm, State},
    response::Response,
};
use musubi_sdk::{manifest::Transform, noun::FieldKind};
use serde_json::Value;

use super::{
    ShellOf,
    mapping_form::{Posted, Sent, Where},
};
use crate::{
    app::SharedHub,
    connection::mapping::{Edit, edit},
    http::AppError,
    identity::Origin,
};

/// Rows of a table of values.
const MOST_VALUES: usize = 200;

/// The table: from which field of the source each of the hub's is filled.
pub async fn table(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    place: Where,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    let sent = Sent::open(&hub, frame, origin, place, &body).await?;
    let noun = sent.noun()?;
    let mut edits = Vec::new();
    for (name, path) in &sent.posted.0 {
        let Some(field) = name.strip_prefix("from:") else { continue };
        let filled = edit::of(sent.desk.spec(), field);
        let before = filled.and_then(|spec| spec.from.as_deref().or(spec.each.as_deref())).unwrap_or_default();
        if path == before {
            continue;
        }
        let field = field.to_owned();
        let lines = edit::known(noun, &field).is_ok_and(|known| matches!(known.kind, FieldKind::Lines(_)));
        let path = path.clone();
        edits.push(if lines {
            Edit::List { field, path: Some(path).filter(|path| !path.is_empty()) }
        } else {
            let more = filled.map(|spec| (spec.and.clone(), spec.join.clone())).unwrap_or_default();
            Edit::Source { field, paths: std::iter::once(path).chain(more.0).collect(), join: more.1 }
        });
    }
    let open = sent.posted.get("open");
    let field = if open.is_empty() { sent.posted.get("f") } else { open }.to_owned();
    let index = sent.posted.number("go").or(sent.posted.number("r")).unwrap_or(1);
    let moved = !open.is_empty() || !sent.posted.get("go").is_empty();
    let hash = if open.is_empty() { "" } else { "panel" };
    sent.changed(edits, &field, index, hash, !moved).await
}

/// One field: its steps, or everything else of it.
pub async fn field(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    place: Where,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    let sent = Sent::open(&hub, frame, origin, place, &body).await?;
    let field = sent.posted.get("f").to_owned();
    let named = || field.clone();
    let mut edits = Vec::new();
    if let Some(index) = sent.posted.number("remove") {
        edits.push(Edit::RemoveStep { field: named(), index });
    } else if let Some(index) = sent.posted.number("raise") {
        edits.push(Edit::RaiseStep { field: named(), index });
    } else if !sent.posted.get("add").is_empty() {
        match step(sent.posted.get("add"), &sent.posted) {
            Ok(step) => edits.push(Edit::AddStep { field: named(), step }),
            Err(code) => return sent.refused(code, "").await,
        }
    } else {
        let paths = sent.posted.get("paths").lines().map(|line| line.trim().to_owned());
        let join = Some(sent.posted.get("join").to_owned()).filter(|text| !text.is_empty());
        edits.push(Edit::Source { field: named(), paths: paths.collect(), join });
        let default = Some(sent.posted.get("default").trim().to_owned()).filter(|text| !text.is_empty());
        let texts = edit::known(sent.noun()?, &field).is_ok_and(|known| known.kind == FieldKind::Texts);
        if !texts {
            edits.push(Edit::Default { field: named(), value: default });
        }
        if !edit::known(sent.noun()?, &field).is_ok_and(|known| known.required) {
            edits.push(Edit::Required { field: named(), required: sent.posted.get("required") == "yes" });
        }
    }
    let index = sent.posted.number("r").unwrap_or(1);
    sent.changed(edits, &field, index, "panel", false).await
}

/// A step as a form says it, or the code of what is wrong with it.
fn step(name: &str, posted: &Posted) -> Result<Transform, &'static str> {
    let pattern = || posted.get("pattern").to_owned();
    Ok(match name {
        "trim" => Transform::Trim,
        "width" => Transform::Width,
        "no_spaces" => Transform::NoSpaces,
        "upper" => Transform::Upper,
        "lower" => Transform::Lower,
        "decimal" => Transform::Decimal,
        "integer" => Transform::Integer,
        "date" => Transform::Date,
        "instant" => Transform::Instant,
        "registration_number" => Transform::RegistrationNumber,
        "corporate_number" => Transform::CorporateNumber,
        "phone" => Transform::Phone,
        "mail" => Transform::Mail,
        "extract" => Transform::Extract(pattern()),
        "replace" => Transform::Replace { pattern: pattern(), with: posted.get("with").to_owned() },
        "part" => Transform::Part {
            separator: posted.get("separator").to_owned(),
            index: posted.get("index").parse().map_err(|_| "MAP_PART")?,
        },
        "values" => {
            let rows = posted.get("table").lines().filter(|line| !line.trim().is_empty());
            let pairs = rows.map(|row| row.split_once('=').or_else(|| row.split_once('＝')).ok_or("MAP_VALUES"));
            let table: indexmap::IndexMap<String, Value> = pairs
                .map(|pair| pair.map(|(from, to)| (from.trim().to_owned(), Value::from(to.trim()))))
                .collect::<Result<_, _>>()?;
            if table.is_empty() || table.len() > MOST_VALUES {
                return Err("MAP_VALUES");
            }
            Transform::Values(table)
        }
        _ => return Err("MAP_STEP_UNKNOWN"),
    })
}
