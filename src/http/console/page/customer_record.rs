//! Contracts and inquiries typed on the customer's page.

use std::collections::HashMap;

use axum::{
    Form, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{
    ShellOf,
    customer::seen_by,
    customer_edit::tell,
    outcome::{Act, conclude},
};
use crate::{
    analytics::document::{self, Document},
    app::{Hub, SharedHub},
    http::{
        AppError,
        console::{
            Section, Shell,
            view::{
                Page,
                customer_record::{Input, RecordPage},
            },
        },
    },
    identity::{Action, Origin},
    master::typed::{self, By, Fields, Typed, TypedError},
    model::{Money, record::FieldError},
    store::InView,
};

type Posted = HashMap<String, String>;

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/customers/{id}/{noun}/new", get(blank).post(add))
        .route("/customers/{id}/{noun}/{record}", get(form).post(save))
        .route("/customers/{id}/{noun}/{record}/remove", post(remove))
}

/// A kind of record that is typed here.
struct Kind {
    what: Typed,
    noun: &'static str,
    prefix: &'static str,
    may: Action,
    /// In the audit trail.
    action: &'static str,
    /// Name, input, whether it is required, words of the choices.
    fields: &'static [(&'static str, &'static str, bool, &'static str)],
}

const CONTRACTS: Kind = Kind {
    what: Typed::Contract,
    noun: "contracts",
    prefix: "ctr_",
    may: Action::EditCustomers,
    action: "customer.contract",
    fields: &[
        ("number", "text", true, ""),
        ("name", "text", true, ""),
        ("start_date", "date", true, ""),
        ("end_date", "date", false, ""),
        ("renewal", "select", false, "contract_renewal"),
        ("status", "select", false, "contract_status"),
        ("amount", "number", false, ""),
        ("note", "note", false, ""),
    ],
};

const INQUIRIES: Kind = Kind {
    what: Typed::Inquiry,
    noun: "inquiries",
    prefix: "inq_",
    may: Action::RecordActivity,
    action: "customer.inquiry",
    fields: &[
        ("subject", "text", true, ""),
        ("received_date", "datetime-local", true, ""),
        ("channel", "select", false, "inquiry_channel"),
        ("status", "select", false, "inquiry_status"),
        ("answered_at", "datetime-local", false, ""),
        ("owner", "text", false, ""),
        ("number", "text", false, ""),
        ("note", "note", false, ""),
    ],
};

const CHOICES: [(&str, &[&str]); 4] = [
    ("contract_renewal", &["manual", "automatic", "none"]),
    ("contract_status", &["active", "draft", "ended", "cancelled"]),
    ("inquiry_channel", &["phone", "mail", "web", "chat", "visit", "other"]),
    ("inquiry_status", &["open", "answered", "closed"]),
];

fn kind_of(noun: &str) -> Result<&'static Kind, AppError> {
    match noun {
        "contracts" => Ok(&CONTRACTS),
        "inquiries" => Ok(&INQUIRIES),
        _ => Err(AppError::NotFound),
    }
}

async fn blank(
    State(hub): State<SharedHub>,
    Path((id, noun)): Path<(String, String)>,
    of: ShellOf,
) -> Result<Response, AppError> {
    let kind = kind_of(&noun)?;
    of.me.require(kind.may)?;
    let seen = seen_by(&hub, &of, &id).await?;
    let now = of.shell.local_minute(of.shell.now);
    let today = of.shell.today().to_string();
    let first = Posted::from([("received_date".to_owned(), now), ("start_date".to_owned(), today)]);
    let view = page(&of.shell, kind, &seen, None, &first, &[]);
    Ok(view.render(&of.at(Section::Customers)).into_response())
}

async fn form(
    State(hub): State<SharedHub>,
    Path((id, noun, record)): Path<(String, String, String)>,
    of: ShellOf,
) -> Result<Response, AppError> {
    let kind = kind_of(&noun)?;
    of.me.require(kind.may)?;
    let seen = seen_by(&hub, &of, &id).await?;
    let found = own(&hub, kind, &seen, &record).await?;
    let stands = values(&of.shell, &found);
    let view = page(&of.shell, kind, &seen, Some((record, found.seq)), &stands, &[]);
    Ok(view.render(&of.at(Section::Customers)).into_response())
}

/// A record that was typed here and is still there.
async fn own(hub: &Hub, kind: &Kind, seen: &InView, id: &str) -> Result<Document, AppError> {
    if !id.starts_with(kind.prefix) {
        return Err(AppError::NotFound);
    }
    let found = document::event(&hub.db, seen, id).await?;
    found.filter(|d| d.source.connection_id.is_none() && d.deleted_at.is_none()).ok_or(AppError::NotFound)
}

async fn add(
    State(hub): State<SharedHub>,
    Path((id, noun)): Path<(String, String)>,
    of: ShellOf,
    origin: Origin,
    Form(posted): Form<Posted>,
) -> Result<Response, AppError> {
    let kind = kind_of(&noun)?;
    of.me.require(kind.may)?;
    let seen = seen_by(&hub, &of, &id).await?;
    let key = posted.get("key").and_then(|key| uuid::Uuid::parse_str(key).ok()).filter(|k| k.get_version_num() == 7);
    let mut tx = hub.db.begin().await?;
    let done = typed::add(&mut tx, kind.what, &seen, fields(&of.shell, kind, &posted), key, by(&hub, &of)).await;
    match done {
        Ok(record) => {
            let act = Act::on(&of.me, &origin, kind.action, "customer", seen.id());
            conclude(tx, act.detail(json!({ "record": record })), hub.clock.now()).await?;
            tell(&hub, seen.id());
            Ok(super::done(&format!("/customers/{}", seen.id()), "saved", None))
        }
        Err(wrong) => {
            tx.rollback().await?;
            refused(of, kind, (&seen, None), &posted, wrong)
        }
    }
}

async fn save(
    State(hub): State<SharedHub>,
    Path((id, noun, record)): Path<(String, String, String)>,
    of: ShellOf,
    origin: Origin,
    Form(posted): Form<Posted>,
) -> Result<Response, AppError> {
    let kind = kind_of(&noun)?;
    of.me.require(kind.may)?;
    let seen = seen_by(&hub, &of, &id).await?;
    let version = posted.get("seen").and_then(|seen| seen.parse().ok());
    let mut tx = hub.db.begin().await?;
    let values = fields(&of.shell, kind, &posted);
    match typed::change(&mut tx, kind.what, (&seen, &record), version, values, by(&hub, &of)).await {
        Ok(_) => {
            let act = Act::on(&of.me, &origin, kind.action, "customer", seen.id());
            conclude(tx, act.detail(json!({ "record": record })), hub.clock.now()).await?;
            tell(&hub, seen.id());
            Ok(super::done(&format!("/customers/{}", seen.id()), "saved", None))
        }
        Err(wrong) => {
            tx.rollback().await?;
            refused(of, kind, (&seen, Some((record, version.unwrap_or_default()))), &posted, wrong)
        }
    }
}

async fn remove(
    State(hub): State<SharedHub>,
    Path((id, noun, record)): Path<(String, String, String)>,
    of: ShellOf,
    origin: Origin,
) -> Result<Response, AppError> {
    let kind = kind_of(&noun)?;
    of.me.require(kind.may)?;
    let seen = seen_by(&hub, &of, &id).await?;
    let mut tx = hub.db.begin().await?;
    match typed::remove(&mut tx, kind.what, (&seen, &record), by(&hub, &of)).await {
        Ok(()) => {
            let act = Act::on(&of.me, &origin, kind.action, "customer", seen.id());
            conclude(tx, act.detail(json!({ "record": record, "removed": true })), hub.clock.now()).await?;
            tell(&hub, seen.id());
            Ok(super::done(&format!("/customers/{}", seen.id()), "removed", None))
        }
        Err(TypedError::Store(error)) => Err(error.into()),
        Err(_) => Err(AppError::NotFound),
    }
}

fn by<'a>(hub: &Hub, of: &'a ShellOf) -> By<'a> {
    By { actor: &of.me.name, now: hub.clock.now(), currency: hub.currency }
}

/// The form again with what is wrong; a version that is over is taken from now on, so that saving again decides.
fn refused(
    of: ShellOf,
    kind: &Kind,
    (seen, record): (&InView, Option<(String, i64)>),
    posted: &Posted,
    wrong: TypedError,
) -> Result<Response, AppError> {
    let (record, errors, stale) = match wrong {
        TypedError::Invalid(errors) => (record, errors, false),
        TypedError::Stale(seq) => (record.map(|(id, _)| (id, seq)), Vec::new(), true),
        TypedError::Unknown => return Err(AppError::NotFound),
        TypedError::Store(error) => return Err(error.into()),
    };
    let view = RecordPage { stale, ..page(&of.shell, kind, seen, record, posted, &errors) };
    let status = if stale { StatusCode::CONFLICT } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, view.render(&of.at(Section::Customers))).into_response())
}

fn page(
    s: &Shell,
    kind: &Kind,
    seen: &InView,
    record: Option<(String, i64)>,
    values: &Posted,
    errors: &[FieldError],
) -> RecordPage {
    let inputs = kind.fields.iter().map(|(name, input, required, words)| {
        let choices = CHOICES.iter().find(|(known, _)| known == words).map_or(&[][..], |(_, choices)| choices);
        let error = errors.iter().find(|e| e.field == *name || e.field == "occurred_at" && *name == "received_date");
        Input {
            name,
            label: label(s, kind, name),
            input,
            options: choices.iter().map(|choice| (*choice, s.word(words, choice).to_owned())).collect(),
            required: *required,
            value: values.get(*name).cloned().unwrap_or_default(),
            error: error.map(|e| if e.code == "REQ_EMPTY" { "REQUIRED" } else { e.code }),
        }
    });
    RecordPage {
        customer: (seen.id().to_owned(), seen.name().to_owned()),
        noun: kind.noun,
        record,
        key: uuid::Uuid::now_v7().to_string(),
        inputs: inputs.collect(),
        stale: false,
    }
}

fn label(s: &Shell, kind: &Kind, name: &str) -> String {
    let record = if kind.what == Typed::Contract { "field_of.contract" } else { "field_of.inquiry" };
    let own = format!("{record}.{name}");
    if s.lang.find(&own).is_some() { s.t(&own).to_owned() } else { s.word("map_field", name).to_owned() }
}

/// What a form says. Times are of the organisation's zone.
fn fields(s: &Shell, kind: &Kind, posted: &Posted) -> Fields {
    let mut out = Fields::new();
    for (name, input, ..) in kind.fields {
        let Some(text) = posted.get(*name).map(|text| text.trim()) else { continue };
        let moment = (*input == "datetime-local").then(|| crate::http::moment::read(text, &s.zone)).flatten();
        let value = match (*name, moment) {
            ("received_date", Some(at)) => {
                out.insert("occurred_at".to_owned(), json!(at.rfc3339()));
                json!(crate::model::Date(at.zoned(&s.zone).date()).to_string())
            }
            (_, Some(at)) => json!(at.rfc3339()),
            ("amount", None) => json!(text.replace([',', '，'], "")),
            _ => json!(text),
        };
        out.insert((*name).to_owned(), if text.is_empty() { Value::Null } else { value });
    }
    out
}

/// A record as the form shows it.
fn values(s: &Shell, d: &Document) -> Posted {
    let amount = d.total.map(|minor| Money { minor, currency: d.currency }.to_major());
    let received = d.occurred_at.map_or_else(|| format!("{}T00:00", d.date), |at| s.local_minute(at));
    let all = [
        ("number", d.number.clone()),
        ("name", d.subject.clone()),
        ("subject", d.subject.clone()),
        ("start_date", Some(d.date.clone())),
        ("received_date", Some(received)),
        ("end_date", d.end_date.clone()),
        ("renewal", d.renewal.clone()),
        ("channel", d.channel.clone()),
        ("status", d.status.clone()),
        ("answered_at", d.answered_at.map(|at| s.local_minute(at))),
        ("owner", d.owner.clone()),
        ("amount", amount),
        ("note", d.note.clone()),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}
