//! Who looked after a customer: correcting the days. And a prospect that becomes a customer.

use axum::{
    Form, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    ShellOf,
    customer::seen_by,
    customer_edit::{by, tell},
    outcome::{Act, conclude},
};
use crate::{
    analytics::customer::{self, Relation},
    app::SharedHub,
    http::{
        AppError,
        console::{
            Section,
            view::{Page, customer_relation::RelationPage},
        },
    },
    identity::{Action, Origin},
    master::{
        edit::{self, EditError},
        relation::{self, CorrectError},
    },
    model::Date,
    store::InView,
};

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/customers/{id}/relations/{relation}", get(form).post(save))
        .route("/customers/{id}/convert", post(convert))
}

async fn found(hub: &SharedHub, seen: &InView, id: &str) -> Result<Relation, AppError> {
    let all = customer::relations(&hub.db, seen).await?;
    all.into_iter().find(|one| one.id == id).ok_or(AppError::NotFound)
}

async fn form(
    State(hub): State<SharedHub>,
    Path((id, relation)): Path<(String, String)>,
    of: ShellOf,
) -> Result<Response, AppError> {
    of.me.require(Action::EditCustomers)?;
    let seen = seen_by(&hub, &of, &id).await?;
    let relation = found(&hub, &seen, &relation).await?;
    let (from, to) = (relation.from.clone().unwrap_or_default(), relation.to.clone().unwrap_or_default());
    let view =
        RelationPage { customer: (seen.id().to_owned(), seen.name().to_owned()), relation, from, to, error: None };
    Ok(view.render(&of.at(Section::Customers)).into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Days {
    from: String,
    to: String,
}

async fn save(
    State(hub): State<SharedHub>,
    Path((id, relation)): Path<(String, String)>,
    of: ShellOf,
    origin: Origin,
    Form(Days { from, to }): Form<Days>,
) -> Result<Response, AppError> {
    of.me.require(Action::EditCustomers)?;
    let seen = seen_by(&hub, &of, &id).await?;
    let id = seen.id().to_owned();
    let day = |text: &str| if text.is_empty() { Ok(None) } else { Date::parse(text).map(Some).ok_or("DATE_INVALID") };
    let wrong = match (day(&from), day(&to)) {
        (Ok(from), Ok(to)) => {
            let mut tx = hub.db.begin().await?;
            match relation::correct(&mut tx, (&id, &relation), (from, to), by(&hub, &of)).await {
                Ok(()) => {
                    let act = Act::on(&of.me, &origin, "customer.relation", "customer", &id);
                    conclude(tx, act.detail(json!({ "relation": relation })), hub.clock.now()).await?;
                    tell(&hub, &id);
                    return Ok(super::done(&format!("/customers/{id}"), "saved", None));
                }
                Err(CorrectError::Unknown) => return Err(AppError::NotFound),
                Err(CorrectError::Store(error)) => return Err(error.into()),
                Err(CorrectError::Wrong(wrong)) => wrong.code(),
            }
        }
        _ => "DATE_INVALID",
    };
    let relation = found(&hub, &seen, &relation).await?;
    let view = RelationPage { customer: (id, seen.name().to_owned()), relation, from, to, error: Some(wrong) };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, view.render(&of.at(Section::Customers))).into_response())
}

/// A prospect is a customer from now on.
async fn convert(
    State(hub): State<SharedHub>,
    Path(id): Path<String>,
    of: ShellOf,
    origin: Origin,
) -> Result<Response, AppError> {
    of.me.require(Action::EditCustomers)?;
    let mut tx = hub.db.begin().await?;
    match edit::convert(&mut tx, &id, by(&hub, &of)).await {
        Ok(_) => {
            conclude(tx, Act::on(&of.me, &origin, "customer.convert", "customer", &id), hub.clock.now()).await?;
            tell(&hub, &id);
            Ok(super::done(&format!("/customers/{id}"), "converted", None))
        }
        Err(EditError::Merged(into)) => Ok(Redirect::to(&format!("/customers/{into}")).into_response()),
        Err(EditError::Store(error)) => Err(error.into()),
        Err(_) => Err(AppError::NotFound),
    }
}
