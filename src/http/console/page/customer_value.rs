//! One value of a customer: why it is here, pinning it or another one, letting the sources speak again, deciding a
//! conflict.

use axum::{
    Form, Router,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    ShellOf,
    customer::seen_by,
    customer_edit::{by, tell},
    outcome::{Act, conclude, seen},
};
use crate::{
    analytics::{customer, why},
    app::SharedHub,
    http::{
        AppError,
        console::{
            Section,
            view::{Page, customer::is_shown, customer_value::ValuePage},
        },
    },
    identity::{Action, Origin},
    master::{
        edit::{self, EditError, Keep},
        rules,
    },
    model::record::CUSTOMER_FIELDS,
};

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/customers/{id}/values/{field}", get(page))
        .route("/customers/{id}/values/{field}/pin", post(pin))
        .route("/customers/{id}/values/{field}/release", post(release))
        .route("/customers/{id}/conflicts/{field}", post(settle))
}

fn place(id: &str, field: &str) -> String {
    format!("/customers/{id}/values/{field}")
}

async fn page(
    State(hub): State<SharedHub>,
    Path((id, field)): Path<(String, String)>,
    of: ShellOf,
    origin: Origin,
) -> Result<Response, AppError> {
    of.me.require(Action::ViewCustomers)?;
    let known = CUSTOMER_FIELDS.contains(&field.as_str()) || is_shown(&of.shell, &field);
    let of_whom = seen_by(&hub, &of, &id).await?;
    if !known || of_whom.hides(&field) {
        return Err(AppError::NotFound);
    }
    if of_whom.id() != id {
        return Ok(Redirect::to(&place(of_whom.id(), &field)).into_response());
    }
    let today = of.shell.today();
    let overview = customer::overview(&hub.db, &hub.directory, &of_whom, today).await?.ok_or(AppError::NotFound)?;
    let rules = rules::current(&hub.db).await?;
    let means = why::Means { rules: &rules, definitions: &of.shell.fields, currency: hub.currency };
    let stands = overview.master.into_iter().find(|value| value.field == field);
    let why = why::why(&hub.db, &of_whom, &field, stands, &means).await?;
    seen(&hub, &of, &origin, &id);
    let warnings = overview.warnings.into_iter().filter(|warning| warning.field == field).collect();
    let currency = overview.figures.currency;
    let view = ValuePage {
        rule: super::rules::sentence(&of.shell, &hub, &why.rule),
        id,
        name: overview.name,
        why,
        warnings,
        currency,
    };
    Ok(view.render(&of.at(Section::Customers)).into_response())
}

#[derive(Deserialize)]
struct Pinned {
    /// What the reader saw and chose.
    value: String,
}

/// A value wins until it is released: the one that stands, or another that a source offers.
async fn pin(
    State(hub): State<SharedHub>,
    Path((id, field)): Path<(String, String)>,
    of: ShellOf,
    origin: Origin,
    Form(Pinned { value }): Form<Pinned>,
) -> Result<Response, AppError> {
    of.me.require(Action::EditCustomers)?;
    let back = place(&id, &field);
    let mut tx = hub.db.begin().await?;
    match edit::pin(&mut tx, &id, &field, &value, by(&hub, &of)).await {
        Ok(_) => {
            let act = Act::on(&of.me, &origin, "customer.pin", "customer", &id);
            conclude(tx, act.detail(json!({ "field": field })), hub.clock.now()).await?;
            tell(&hub, &id);
            Ok(super::done(&back, "value_pinned", None))
        }
        Err(EditError::Invalid(_)) => Ok(super::done(&back, "value_pin_failed", None)),
        Err(EditError::Merged(into)) => Ok(Redirect::to(&place(&into, &field)).into_response()),
        Err(EditError::Store(error)) => Err(error.into()),
        Err(EditError::UnknownCustomer | EditError::Overtaken(_) | EditError::Stale(_)) => Err(AppError::NotFound),
    }
}

async fn release(
    State(hub): State<SharedHub>,
    Path((id, field)): Path<(String, String)>,
    of: ShellOf,
    origin: Origin,
) -> Result<Response, AppError> {
    of.me.require(Action::EditCustomers)?;
    // From the page of the value, or from the customer's.
    let back = if of.query == "back=value" { place(&id, &field) } else { format!("/customers/{id}") };
    let mut tx = hub.db.begin().await?;
    match edit::release(&mut tx, &id, &field, by(&hub, &of)).await {
        Ok(_) => {
            let act = Act::on(&of.me, &origin, "customer.release", "customer", &id);
            conclude(tx, act.detail(json!({ "field": field })), hub.clock.now()).await?;
            tell(&hub, &id);
            Ok(super::done(&back, "value_released", None))
        }
        Err(EditError::Invalid(_)) => Ok(super::done(&back, "value_release_failed", None)),
        Err(EditError::Merged(into)) => Ok(Redirect::to(&format!("/customers/{into}")).into_response()),
        Err(EditError::Store(error)) => Err(error.into()),
        Err(EditError::UnknownCustomer | EditError::Overtaken(_) | EditError::Stale(_)) => Err(AppError::NotFound),
    }
}

#[derive(Deserialize)]
struct Decision {
    /// `typed` or `source`.
    keep: String,
}

/// A person decides which side of a conflict stands.
async fn settle(
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
        Err(_) => Err(AppError::NotFound),
    }
}
