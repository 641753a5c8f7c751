//! `/settings/fields`: adding fields to customers, changing them, retiring them.

use std::collections::HashMap;

use axum::{
    Form, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    ShellOf, done,
    outcome::{Act, conclude},
};
use crate::{
    app::{Hub, SharedHub},
    http::{
        AppError,
        console::{
            Section,
            view::{
                Page,
                field::{ChoiceRow, FieldPage, FieldsPage},
            },
        },
    },
    identity::{Action, Origin},
    master::custom_fields::{self, By, CustomFieldError, Draft},
    model::custom::{Choice, CustomKind, Definition, MOST_CHOICES},
    store::custom_field,
};

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route(LIST, get(list))
        .route("/settings/fields/new", get(blank).post(define))
        .route("/settings/fields/{key}", get(one).post(change))
        .route("/settings/fields/{key}/retire", post(retire))
        .route("/settings/fields/{key}/restore", post(restore))
}

const LIST: &str = "/settings/fields";
/// Empty rows below the choices that are there.
const BLANK_ROWS: usize = 4;

type Posted = HashMap<String, String>;

async fn list(of: ShellOf) -> Result<Html<String>, AppError> {
    let of = of.allow(Action::ManageSettings, Section::Settings)?;
    let (retired, living) = of.shell.fields.all().iter().cloned().partition(|field| field.retired);
    Ok(FieldsPage { living, retired }.render(&of.shell))
}

fn by<'a>(hub: &Hub, of: &'a ShellOf) -> By<'a> {
    By { actor: &of.me.name, now: hub.clock.now() }
}

async fn blank(of: ShellOf) -> Result<Html<String>, AppError> {
    let of = of.allow(Action::ManageSettings, Section::Settings)?;
    Ok(page(None, &Posted::new(), Vec::new(), 0).render(&of.shell))
}

async fn one(State(hub): State<SharedHub>, Path(key): Path<String>, of: ShellOf) -> Result<Html<String>, AppError> {
    let of = of.allow(Action::ManageSettings, Section::Settings)?;
    let field = of.shell.fields.get(&key).cloned().ok_or(AppError::NotFound)?;
    let filled = custom_field::filled(&hub.db, &key).await?;
    let posted = as_posted(&field);
    Ok(page(Some(field), &posted, Vec::new(), filled).render(&of.shell))
}

/// A field as its own form would send it.
fn as_posted(field: &Definition) -> Posted {
    let mut posted = Posted::from([
        ("label_ja".to_owned(), field.label_ja.clone()),
        ("label_en".to_owned(), field.label_en.clone()),
        ("position".to_owned(), field.position.to_string()),
    ]);
    if field.required {
        posted.insert("required".to_owned(), "on".to_owned());
    }
    for (n, choice) in field.choices.iter().enumerate() {
        posted.insert(format!("choice.{n}.key"), choice.key.clone());
        posted.insert(format!("choice.{n}.ja"), choice.ja.clone());
        posted.insert(format!("choice.{n}.en"), choice.en.clone());
        if choice.retired {
            posted.insert(format!("choice.{n}.retired"), "on".to_owned());
        }
    }
    posted
}

fn text(posted: &Posted, name: &str) -> String {
    posted.get(name).cloned().unwrap_or_default()
}

/// The rows of the choices in which something stands.
fn choices(posted: &Posted) -> Vec<Choice> {
    let row = |n: usize| Choice {
        key: text(posted, &format!("choice.{n}.key")),
        ja: text(posted, &format!("choice.{n}.ja")),
        en: text(posted, &format!("choice.{n}.en")),
        retired: posted.contains_key(&format!("choice.{n}.retired")),
    };
    let filled = |c: &Choice| [&c.key, &c.ja, &c.en].iter().any(|part| !part.trim().is_empty());
    (0..MOST_CHOICES + BLANK_ROWS).map(row).filter(filled).collect()
}

type Mistakes = Vec<(String, &'static str, String)>;

fn page(stands: Option<Definition>, posted: &Posted, errors: Mistakes, filled: i64) -> FieldPage {
    let kept = |key: &str| stands.as_ref().is_some_and(|field| field.choice(key).is_some());
    let row = |c: Choice| ChoiceRow { kept: kept(&c.key), key: c.key, ja: c.ja, en: c.en, retired: c.retired };
    let mut rows: Vec<ChoiceRow> = choices(posted).into_iter().map(row).collect();
    rows.extend(std::iter::repeat_with(ChoiceRow::default).take(BLANK_ROWS));
    let kind = stands.as_ref().map(|field| field.kind).or_else(|| CustomKind::parse(posted.get("kind")?));
    FieldPage {
        key: text(posted, "key"),
        kind: kind.unwrap_or(CustomKind::Text),
        label_ja: text(posted, "label_ja"),
        label_en: text(posted, "label_en"),
        required: posted.contains_key("required"),
        position: text(posted, "position"),
        choices: rows,
        errors,
        filled,
        stands,
    }
}

fn draft(posted: &Posted, position: i64) -> Draft {
    Draft {
        label_ja: text(posted, "label_ja"),
        label_en: text(posted, "label_en"),
        required: posted.contains_key("required"),
        choices: choices(posted),
        position: posted.get("position").and_then(|n| n.trim().parse().ok()).unwrap_or(position).clamp(1, 9_999),
    }
}

/// What the form has to say of a refusal; others become answers of their own.
fn mistakes(error: CustomFieldError) -> Result<Mistakes, AppError> {
    match error {
        CustomFieldError::Invalid(wrong) => {
            let code = |code| if code == "REQ_EMPTY" { "REQUIRED" } else { code };
            Ok(wrong.into_iter().map(|one| (one.field, code(one.code), one.value)).collect())
        }
        CustomFieldError::TooMany => Ok(vec![("key".to_owned(), "FIELDS_MANY", String::new())]),
        CustomFieldError::Unknown => Err(AppError::NotFound),
        CustomFieldError::Overtaken => Err(AppError::Conflict {
            code: "FIELD_CHANGED",
            detail: "somebody saved this field after the page was opened".to_owned(),
        }),
        CustomFieldError::Store(error) => Err(error.into()),
    }
}

async fn define(
    State(hub): State<SharedHub>,
    of: ShellOf,
    origin: Origin,
    Form(posted): Form<Posted>,
) -> Result<Response, AppError> {
    let of = of.allow(Action::ManageSettings, Section::Settings)?;
    let key = text(&posted, "key").trim().to_owned();
    let kind = CustomKind::parse(&text(&posted, "kind"))
        .ok_or_else(|| AppError::invalid("KIND_UNKNOWN", "choose one of the kinds that the page offers"))?;
    let mut tx = hub.db.begin().await?;
    match custom_fields::define(&mut tx, &key, kind, draft(&posted, 1), by(&hub, &of)).await {
        Ok(field) => {
            let act = Act::on(&of.me, &origin, "field.create", "field", &field.key);
            conclude(tx, act.detail(json!({ "kind": kind.as_str() })), hub.clock.now()).await?;
            Ok(done(LIST, "field_added", None))
        }
        Err(error) => {
            tx.rollback().await?;
            let view = page(None, &posted, mistakes(error)?, 0);
            Ok((StatusCode::UNPROCESSABLE_ENTITY, view.render(&of.shell)).into_response())
        }
    }
}

async fn change(
    State(hub): State<SharedHub>,
    Path(key): Path<String>,
    of: ShellOf,
    origin: Origin,
    Form(posted): Form<Posted>,
) -> Result<Response, AppError> {
    let of = of.allow(Action::ManageSettings, Section::Settings)?;
    let stands = of.shell.fields.get(&key).cloned().ok_or(AppError::NotFound)?;
    let seen = text(&posted, "seq").parse().unwrap_or_default();
    let mut tx = hub.db.begin().await?;
    match custom_fields::change(&mut tx, &key, seen, draft(&posted, stands.position), by(&hub, &of)).await {
        Ok(_) => {
            let act = Act::on(&of.me, &origin, "field.change", "field", &key);
            conclude(tx, act, hub.clock.now()).await?;
            Ok(done(LIST, "saved", None))
        }
        Err(error) => {
            tx.rollback().await?;
            let errors = mistakes(error)?;
            let filled = custom_field::filled(&hub.db, &key).await?;
            let view = page(Some(stands), &posted, errors, filled);
            Ok((StatusCode::UNPROCESSABLE_ENTITY, view.render(&of.shell)).into_response())
        }
    }
}

#[derive(Deserialize)]
struct Seen {
    seq: i64,
}

async fn retire(
    State(hub): State<SharedHub>,
    Path(key): Path<String>,
    of: ShellOf,
    origin: Origin,
    Form(seen): Form<Seen>,
) -> Result<Response, AppError> {
    set_retired(&hub, of, &origin, &key, seen.seq, true).await
}

async fn restore(
    State(hub): State<SharedHub>,
    Path(key): Path<String>,
    of: ShellOf,
    origin: Origin,
    Form(seen): Form<Seen>,
) -> Result<Response, AppError> {
    set_retired(&hub, of, &origin, &key, seen.seq, false).await
}

async fn set_retired(
    hub: &Hub,
    of: ShellOf,
    origin: &Origin,
    key: &str,
    seen: i64,
    retired: bool,
) -> Result<Response, AppError> {
    of.me.require(Action::ManageSettings)?;
    let mut tx = hub.db.begin().await?;
    if let Err(error) = custom_fields::retire(&mut tx, key, seen, retired, by(hub, &of)).await {
        mistakes(error)?;
        return Err(AppError::NotFound);
    }
    let action = if retired { "field.retire" } else { "field.restore" };
    conclude(tx, Act::on(&of.me, origin, action, "field", key), hub.clock.now()).await?;
    Ok(done(LIST, if retired { "field_retired" } else { "field_restored" }, None))
}
