//! Correcting a customer's values, also where somebody else was faster, and beginning a customer here.

use std::collections::HashMap;

use axum::{
    Form,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};

use serde_json::json;

use super::{
    ShellOf,
    customer::seen_by,
    outcome::{Act, conclude, seen},
};
use crate::{
    analytics::{
        customer::{self, MasterValue},
        why,
    },
    app::{Change, Hub, SharedHub},
    http::{
        AppError,
        console::{
            Section,
            view::{
                Page,
                customer_edit::{Changer, CustomerEditPage, EditField, Overtaken, StalePage},
            },
        },
    },
    identity::{Action, Audience, Origin},
    master::edit::{self, By, Edit, EditError, Seen, Values},
    model::{custom::Definition, record::CUSTOMER_FIELDS},
    store::InView,
};

type Posted = HashMap<String, String>;

pub async fn form(
    State(hub): State<SharedHub>,
    Path(id): Path<String>,
    of: ShellOf,
    origin: Origin,
) -> Result<Response, AppError> {
    of.me.require(Action::EditCustomers)?;
    let today = of.shell.today();
    let of_whom = seen_by(&hub, &of, &id).await?;
    if of_whom.id() != id {
        return Ok(Redirect::to(&format!("/customers/{}/edit", of_whom.id())).into_response());
    }
    let overview = customer::overview(&hub.db, &hub.directory, &of_whom, today).await?.ok_or(AppError::NotFound)?;
    seen(&hub, &of, &origin, &id);
    let mut fields = fields(&of, &overview.master, None, |field| of_whom.hides(field));
    if of_whom.is_person() {
        without_company_facts(&mut fields);
    }
    let view = CustomerEditPage {
        fields,
        departments: own_departments(&of),
        customer: Some((overview.id, overview.name)),
        pinned: false,
        kind: None,
    };
    Ok(view.render(&of.at(Section::Customers)).into_response())
}

pub async fn save(
    State(hub): State<SharedHub>,
    Path(id): Path<String>,
    of: ShellOf,
    origin: Origin,
    Form(posted): Form<Posted>,
) -> Result<Response, AppError> {
    of.me.require(Action::EditCustomers)?;
    let pinned = posted.get("hold").is_some_and(|hold| hold == "pin");
    let seen = Seen::Values(values(&of, &posted, "seen."));
    let edit = Edit { customer_id: &id, seen, values: values(&of, &posted, ""), pinned };
    let mut tx = hub.db.begin().await?;
    let wrong = match edit::edit(&mut tx, edit, by(&hub, &of)).await {
        Ok(_) => {
            let act = Act::on(&of.me, &origin, "customer.edit", "customer", &id);
            conclude(tx, act.detail(json!({ "pinned": pinned })), hub.clock.now()).await?;
            tell(&hub, &id);
            return Ok(super::done(&format!("/customers/{id}"), "saved", None));
        }
        Err(wrong) => wrong,
    };
    tx.rollback().await?;
    if let EditError::Merged(into) = &wrong {
        return Ok(Redirect::to(&format!("/customers/{into}/edit")).into_response());
    }
    let of_whom = seen_by(&hub, &of, &id).await?;
    let today = of.shell.today();
    let overview = customer::overview(&hub.db, &hub.directory, &of_whom, today).await?.ok_or(AppError::NotFound)?;
    let mut fields = fields(&of, &overview.master, Some(&posted), |field| of_whom.hides(field));
    if let EditError::Overtaken(moved) = &wrong {
        overtake(&hub, &of_whom, moved, &overview.master, &mut fields).await?;
        let view = StalePage { id, name: overview.name, fields, pinned };
        return Ok((StatusCode::CONFLICT, view.render(&of.at(Section::Customers))).into_response());
    }
    explain(wrong, &mut fields)?;
    if of_whom.is_person() {
        without_company_facts(&mut fields);
    }
    let departments = own_departments(&of);
    let view = CustomerEditPage { fields, departments, customer: Some((id, overview.name)), pinned, kind: None };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, view.render(&of.at(Section::Customers))).into_response())
}

/// What stands now beside what was typed, with who made it so and when.
async fn overtake(
    hub: &Hub,
    of_whom: &InView,
    moved: &[String],
    master: &[MasterValue],
    fields: &mut [EditField],
) -> Result<(), AppError> {
    let changes = why::last_changes(&hub.db, of_whom, moved).await?;
    for (name, change) in moved.iter().zip(changes) {
        let Some(field) = fields.iter_mut().find(|field| field.name == *name) else { continue };
        let now = master.iter().find(|m| m.field == *name).and_then(|m| m.value.clear()).unwrap_or_default().to_owned();
        let by = change.map(|change| {
            let system = || Changer::System(change.source.map(|source| source.name).unwrap_or_default());
            let who = change.actor.map_or_else(system, Changer::Person);
            (who, change.from)
        });
        field.overtaken = Some(Overtaken { now, by });
    }
    Ok(())
}

pub async fn blank(of: ShellOf) -> Result<Response, AppError> {
    of.me.require(Action::EditCustomers)?;
    let departments = own_departments(&of);
    let mut fields = new_fields(&of, None);
    // Of one department only: there is nothing to choose.
    if let [only] = departments.as_slice()
        && let Some(field) = fields.iter_mut().find(|field| field.name == "department")
    {
        field.value.clone_from(only);
    }
    let view = CustomerEditPage { customer: None, fields, departments, pinned: false, kind: asked_kind(&of, None) };
    Ok(view.render(&of.at(Section::Customers)).into_response())
}

pub async fn create(
    State(hub): State<SharedHub>,
    of: ShellOf,
    origin: Origin,
    Form(posted): Form<Posted>,
) -> Result<Response, AppError> {
    of.me.require(Action::EditCustomers)?;
    let mut tx = hub.db.begin().await?;
    let mut given = values(&of, &posted, "");
    let kind = posted.get("kind").cloned();
    given.insert("kind".to_owned(), kind.unwrap_or_else(|| usual_kind(of.shell.audience).to_owned()));
    match edit::create(&mut tx, given, by(&hub, &of)).await {
        Ok(id) => {
            let act = Act::on(&of.me, &origin, "customer.create", "customer", &id);
            conclude(tx, act, hub.clock.now()).await?;
            tell(&hub, &id);
            Ok(super::done(&format!("/customers/{id}"), "customer_created", None))
        }
        Err(wrong) => {
            let mut fields = new_fields(&of, Some(&posted));
            explain(wrong, &mut fields)?;
            let view = CustomerEditPage {
                customer: None,
                fields,
                departments: own_departments(&of),
                pinned: false,
                kind: asked_kind(&of, posted.get("kind")),
            };
            Ok((StatusCode::UNPROCESSABLE_ENTITY, view.render(&of.at(Section::Customers))).into_response())
        }
    }
}

pub(super) fn by<'a>(hub: &Hub, of: &'a ShellOf) -> By<'a> {
    By { actor: &of.me.name, now: hub.clock.now(), currency: hub.engine.currency, view: &of.me.view }
}

/// The choice between company and person, where there is one.
fn asked_kind(of: &ShellOf, posted: Option<&String>) -> Option<String> {
    let usual = || "corporation".to_owned();
    (of.shell.audience == Audience::Both).then(|| posted.cloned().unwrap_or_else(usual))
}

/// What a new customer is where nothing else is said.
pub fn usual_kind(audience: Audience) -> &'static str {
    if audience == Audience::Persons { "person" } else { "corporation" }
}

/// What only companies have.
const COMPANY_FACTS: [&str; 6] =
    ["corporate_number", "registration_number", "industry", "closing_day", "payment_terms", "credit_limit"];

/// Of a person nobody is asked for facts of companies; one that is there stays to be seen and corrected.
fn without_company_facts(fields: &mut Vec<EditField>) {
    let idle = |f: &EditField| f.value.is_empty() && f.seen.is_empty() && !f.hidden && f.error.is_none();
    fields.retain(|f| !COMPANY_FACTS.contains(&f.name.as_str()) || !idle(f));
}

/// The departments to which the reader is limited; empty: to none.
fn own_departments(of: &ShellOf) -> Vec<String> {
    of.me.view.departments().map(|of| of.names.clone()).unwrap_or_default()
}

/// The fields of a customer that is new, without those that are not the reader's to fill.
fn new_fields(of: &ShellOf, posted: Option<&Posted>) -> Vec<EditField> {
    let person = usual_kind(of.shell.audience) == "person";
    let hides = |field: &str| of.me.view.hides_field(field, person);
    let mut fields: Vec<EditField> = fields(of, &[], posted, hides).into_iter().filter(|field| !field.hidden).collect();
    if of.shell.audience == Audience::Persons {
        without_company_facts(&mut fields);
    }
    fields
}

pub(super) fn tell(hub: &Hub, id: &str) {
    hub.refresher.touch(vec![id.to_owned()]);
    // Nobody listening is no error.
    let _ = hub.changes.send(Change::Customer(id.to_owned()));
}

/// What a form says: the hub's own fields and those that the administrator added. Where the reader chose what
/// stands now, what they typed before is dropped.
fn values(of: &ShellOf, posted: &Posted, prefix: &str) -> Values {
    let given = |field: String| {
        let dropped = prefix.is_empty() && picked_theirs(posted, &field);
        let value = posted.get(&format!("{prefix}{field}")).filter(|_| !dropped)?.clone();
        Some((field, value))
    };
    names(of).filter_map(given).collect()
}

fn picked_theirs(posted: &Posted, field: &str) -> bool {
    posted.get(&format!("pick.{field}")).is_some_and(|pick| pick == "theirs")
}

/// The fields of a customer as forms have them.
fn names(of: &ShellOf) -> impl Iterator<Item = String> {
    let own = CUSTOMER_FIELDS.into_iter().map(str::to_owned);
    own.chain(of.shell.fields.living().map(Definition::field).collect::<Vec<_>>())
}

/// The form's fields: as they stand, or as they were posted.
fn fields(
    of: &ShellOf,
    master: &[MasterValue],
    posted: Option<&Posted>,
    hides: impl Fn(&str) -> bool,
) -> Vec<EditField> {
    names(of)
        .map(|name| {
            let stands = master.iter().find(|m| m.field == name);
            let now = stands.and_then(|m| m.value.clear()).unwrap_or_default().to_owned();
            let hidden = hides(&name);
            let given = |key: &str| posted.filter(|_| !hidden).and_then(|p| p.get(key)).cloned();
            let seen = given(&format!("seen.{name}")).unwrap_or_else(|| now.clone());
            let theirs = posted.is_some_and(|posted| picked_theirs(posted, &name));
            EditField {
                value: if theirs { seen.clone() } else { given(&name).unwrap_or(now) },
                seen,
                hidden,
                error: None,
                overtaken: None,
                source: stands.map(|m| m.source.clone()),
                pinned: stands.is_some_and(|m| m.why == "pinned"),
                added: of.shell.fields.of_field(&name).cloned(),
                name,
            }
        })
        .collect()
}

/// Puts what is wrong beside its field.
fn explain(wrong: EditError, fields: &mut [EditField]) -> Result<(), AppError> {
    match wrong {
        EditError::Invalid(mistakes) => {
            for mistake in mistakes {
                if let Some(field) = fields.iter_mut().find(|f| f.name == mistake.field) {
                    field.error = Some(if mistake.code == "REQ_EMPTY" { "REQUIRED" } else { mistake.code });
                }
            }
            Ok(())
        }
        EditError::Store(error) => Err(error.into()),
        EditError::UnknownCustomer | EditError::Merged(_) | EditError::Overtaken(_) | EditError::Stale(_) => {
            Err(AppError::NotFound)
        }
    }
}
