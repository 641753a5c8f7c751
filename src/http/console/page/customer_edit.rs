//! Correcting a customer's values, beginning a customer here, letting the sources speak again.

use std::collections::HashMap;

use axum::{
    Form,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};

use serde::Deserialize;
use serde_json::json;

use super::{
    ShellOf,
    customer::seen_by,
    outcome::{Act, conclude, seen},
};
use crate::{
    analytics::customer::{self, MasterValue},
    app::{Change, Hub, SharedHub},
    http::{
        AppError,
        console::{
            Section,
            view::{
                Page,
                customer_edit::{CustomerEditPage, EditField},
            },
        },
    },
    identity::{Action, Origin},
    master::edit::{self, By, Edit, EditError, Keep, Values},
    model::record::CUSTOMER_FIELDS,
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
    let view = CustomerEditPage {
        fields: fields(&overview.master, None, |field| of_whom.hides(field)),
        departments: own_departments(&of),
        customer: Some((overview.id, overview.name)),
        pinned: false,
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
    let edit = Edit { customer_id: &id, seen: values(&posted, "seen."), values: values(&posted, ""), pinned };
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
    let mut fields = fields(&overview.master, Some(&posted), |field| of_whom.hides(field));
    explain(wrong, &overview.master, &mut fields)?;
    let departments = own_departments(&of);
    let view = CustomerEditPage { fields, departments, customer: Some((id, overview.name)), pinned };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, view.render(&of.at(Section::Customers))).into_response())
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
    let view = CustomerEditPage { customer: None, fields, departments, pinned: false };
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
    match edit::create(&mut tx, values(&posted, ""), by(&hub, &of)).await {
        Ok(id) => {
            let act = Act::on(&of.me, &origin, "customer.create", "customer", &id);
            conclude(tx, act, hub.clock.now()).await?;
            tell(&hub, &id);
            Ok(super::done(&format!("/customers/{id}"), "customer_created", None))
        }
        Err(wrong) => {
            let mut fields = new_fields(&of, Some(&posted));
            explain(wrong, &[], &mut fields)?;
            let view = CustomerEditPage { customer: None, fields, departments: own_departments(&of), pinned: false };
            Ok((StatusCode::UNPROCESSABLE_ENTITY, view.render(&of.at(Section::Customers))).into_response())
        }
    }
}

pub async fn release(
    State(hub): State<SharedHub>,
    Path((id, field)): Path<(String, String)>,
    of: ShellOf,
    origin: Origin,
) -> Result<Response, AppError> {
    of.me.require(Action::EditCustomers)?;
    let mut tx = hub.db.begin().await?;
    match edit::release(&mut tx, &id, &field, by(&hub, &of)).await {
        Ok(_) => {
            let act = Act::on(&of.me, &origin, "customer.release", "customer", &id);
            conclude(tx, act.detail(json!({ "field": field })), hub.clock.now()).await?;
            tell(&hub, &id);
            Ok(super::done(&format!("/customers/{id}"), "value_released", None))
        }
        Err(EditError::Invalid(_)) => Ok(super::done(&format!("/customers/{id}"), "value_release_failed", None)),
        Err(EditError::Merged(into)) => Ok(Redirect::to(&format!("/customers/{into}")).into_response()),
        Err(EditError::Store(error)) => Err(error.into()),
        Err(EditError::UnknownCustomer | EditError::Overtaken(_)) => Err(AppError::NotFound),
    }
}

#[derive(Deserialize)]
pub struct Decision {
    /// `typed` or `source`.
    keep: String,
}

/// A person decides which side of a conflict stands.
pub async fn settle(
    State(hub): State<SharedHub>,
    Path((id, field)): Path<(String, String)>,
    of: ShellOf,
    origin: Origin,
    Form(decision): Form<Decision>,
) -> Result<Response, AppError> {
    of.me.require(Action::EditCustomers)?;
    let keep = if decision.keep == "typed" { Keep::Typed } else { Keep::Source };
    let mut tx = hub.db.begin().await?;
    match edit::settle(&mut tx, &id, &field, keep, by(&hub, &of)).await {
        Ok(_) => {
            let act = Act::on(&of.me, &origin, "customer.settle", "customer", &id);
            let kept = if keep == Keep::Typed { "typed" } else { "source" };
            conclude(tx, act.detail(json!({ "field": field, "kept": kept })), hub.clock.now()).await?;
            tell(&hub, &id);
            let said = if keep == Keep::Typed { "conflict_typed" } else { "conflict_source" };
            Ok(super::done(&format!("/customers/{id}"), said, None))
        }
        Err(EditError::Merged(into)) => Ok(Redirect::to(&format!("/customers/{into}")).into_response()),
        Err(EditError::Store(error)) => Err(error.into()),
        Err(EditError::Invalid(_) | EditError::UnknownCustomer | EditError::Overtaken(_)) => Err(AppError::NotFound),
    }
}

fn by<'a>(hub: &Hub, of: &'a ShellOf) -> By<'a> {
    By { actor: &of.me.name, now: hub.clock.now(), currency: hub.engine.currency, view: &of.me.view }
}

/// The departments to which the reader is limited; empty: to none.
fn own_departments(of: &ShellOf) -> Vec<String> {
    of.me.view.departments().map(|of| of.names.clone()).unwrap_or_default()
}

/// The fields of a customer that is new, without those that are not the reader's to fill.
fn new_fields(of: &ShellOf, posted: Option<&Posted>) -> Vec<EditField> {
    let hides = |field: &str| of.me.view.hides_field(field, false);
    fields(&[], posted, hides).into_iter().filter(|field| !field.hidden).collect()
}

fn tell(hub: &Hub, id: &str) {
    hub.refresher.touch(vec![id.to_owned()]);
    // Nobody listening is no error.
    let _ = hub.changes.send(Change::Customer(id.to_owned()));
}

fn values(posted: &Posted, prefix: &str) -> Values {
    let given = |field: &str| posted.get(&format!("{prefix}{field}")).cloned();
    CUSTOMER_FIELDS.into_iter().filter_map(|field| Some((field, given(field)?))).collect()
}

/// The form's fields: as they stand, or as they were posted.
fn fields(master: &[MasterValue], posted: Option<&Posted>, hides: impl Fn(&str) -> bool) -> Vec<EditField> {
    CUSTOMER_FIELDS
        .into_iter()
        .map(|name| {
            let stands = master.iter().find(|m| m.field == name);
            let now = stands.and_then(|m| m.value.clear()).unwrap_or_default().to_owned();
            let hidden = hides(name);
            let given = |key: &str| posted.filter(|_| !hidden).and_then(|p| p.get(key)).cloned();
            EditField {
                name,
                value: given(name).unwrap_or_else(|| now.clone()),
                seen: given(&format!("seen.{name}")).unwrap_or(now),
                hidden,
                error: None,
                overtaken_by: None,
                source: stands.map(|m| m.source.clone()),
                pinned: stands.is_some_and(|m| m.why == "pinned"),
            }
        })
        .collect()
}

/// Puts what is wrong beside its field. A value that moved meanwhile is seen from now on: sending the
/// form again decides.
fn explain(wrong: EditError, master: &[MasterValue], fields: &mut [EditField]) -> Result<(), AppError> {
    match wrong {
        EditError::Invalid(mistakes) => {
            for mistake in mistakes {
                if let Some(field) = fields.iter_mut().find(|f| f.name == mistake.field) {
                    field.error = Some(if mistake.code == "REQ_EMPTY" { "REQUIRED" } else { mistake.code });
                }
            }
            Ok(())
        }
        EditError::Overtaken(moved) => {
            for field in fields.iter_mut().filter(|f| moved.contains(&f.name)) {
                let now = master.iter().find(|m| m.field == field.name);
                let now = now.and_then(|m| m.value.clear()).unwrap_or_default().to_owned();
                field.seen.clone_from(&now);
                field.overtaken_by = Some(now);
            }
            Ok(())
        }
        EditError::UnknownCustomer | EditError::Merged(_) => Err(AppError::NotFound),
        EditError::Store(error) => Err(error.into()),
    }
}
