//! `/relations`: who looks after customers (担当), and who did, from when to when. Scope `customers:read` to read,
//! `customers:write` to correct a day. They follow the customer's owner and department by themselves.

use axum::{
    Json,
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Caller,
    body::Body,
    filter::{Named, id_of},
    kind::{Day, Instant},
    paging::{Asked, Listing, Page, Paging},
    tagged::tagged,
};
use crate::{
    app::{Change, SharedHub},
    http::error::AppError,
    identity::{Action, FieldError, audit},
    master::{
        edit::By,
        relation::{self, CorrectError},
    },
    matching::tenure::Wrong,
    model::{Date, ids::Noun},
    store::read_noun::{self as rows, RelationRow, Wanted},
};

pub fn routes() -> OpenApiRouter<SharedHub> {
    OpenApiRouter::default().routes(routes!(list)).routes(routes!(one, change))
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct OfRelations {
    /// Only of this customer; the id of one that was merged means the one it was merged into.
    customer: Option<String>,
    /// `owner` (担当) or `department` (担当部署).
    role: Option<String>,
    /// Whoever looks, or looked, after customers under this name.
    name: Option<String>,
    /// `true`: only those that go on.
    current: Option<bool>,
    /// Only what changed at or after this instant.
    updated_since: Option<Instant>,
}

/// Somebody who looks, or looked, after a customer. Of one role there is never more than one at a time.
#[derive(Serialize, ToSchema)]
struct Relation {
    #[schema(examples("rel_06a8q2m4e8r4s7v1x3z5b7d9f1"))]
    id: String,
    customer_id: String,
    /// `owner` (担当) or `department` (担当部署).
    role: String,
    #[schema(examples("佐伯"))]
    name: String,
    /// First day; null: before the hub knew.
    from: Option<Day>,
    /// The day on which the next took over; null: it goes on.
    to: Option<Day>,
    /// The source that said so; null: a person did.
    connection_id: Option<String>,
    /// Who typed it.
    actor: Option<String>,
    /// Who last corrected a day.
    corrected_by: Option<String>,
    updated_at: Instant,
}

fn shape(row: RelationRow) -> Relation {
    Relation {
        id: row.id,
        customer_id: row.customer_id,
        role: row.role,
        name: row.name,
        from: row.valid_from.map(Day),
        to: row.valid_to.map(Day),
        connection_id: row.connection_id,
        actor: row.actor,
        corrected_by: row.corrected_by,
        updated_at: Instant(row.updated_at),
    }
}

/// The days of a relation as they shall be; what is missing stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewDays {
    /// First day; null, for the first of its role only: before the hub knew.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<Day>)]
    from: Option<Option<Day>>,
    /// The day on which the next took over; null, and null only, while it goes on.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<Day>)]
    to: Option<Option<Day>>,
}

/// Null is said, too.
fn said<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Day>>, D::Error> {
    Option::<Day>::deserialize(deserializer).map(Some)
}

/// Who looks after customers, and who did, by id
#[utoipa::path(get, path = "/relations", operation_id = "listRelations", tag = "relations",
    security(("token" = ["customers:read"])), params(Paging, OfRelations),
    responses((status = 200, description = "One page", body = Page<Relation>)))]
async fn list(
    State(hub): State<SharedHub>,
    caller: Caller,
    listing: Listing<OfRelations>,
) -> Result<Json<Page<Relation>>, AppError> {
    caller.require(Action::ViewCustomers)?;
    let filter = &listing.filter;
    let named = Named::find(&hub, &caller, filter.customer.as_deref()).await?;
    let wanted = Wanted {
        customer: named.id(),
        updated_since: filter.updated_since.map(|at| at.0),
        after: listing.after(Noun::Relation)?,
        limit: if named.is_nobody() { 0 } else { listing.ask() },
        ..Wanted::default()
    };
    let narrow = [filter.role.as_deref(), filter.name.as_deref()];
    let found = rows::relations(&hub.db, &caller.me().view, &wanted, narrow, filter.current == Some(true)).await?;
    Ok(Json(Page::of(found, listing.limit, |row| row.id.clone(), shape)))
}

/// One relation
#[utoipa::path(get, path = "/relations/{id}", operation_id = "getRelation", tag = "relations",
    security(("token" = ["customers:read"])),
    params(("id" = String, Path, description = "Of the relation", example = "rel_06a8q2m4e8r4s7v1x3z5b7d9f1")),
    responses((status = 200, description = "The relation", body = Relation), (status = 304, description = "Not changed")))]
async fn one(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    caller.require(Action::ViewCustomers)?;
    tagged(&headers, &shape(found(&hub, &caller, &id_of(&id)).await?))
}

async fn found(hub: &SharedHub, caller: &Caller, id: &str) -> Result<RelationRow, AppError> {
    let wanted = Wanted { id: Some(id), limit: 1, ..Wanted::default() };
    let rows = rows::relations(&hub.db, &caller.me().view, &wanted, [None, None], false).await?;
    rows.into_iter().next().ok_or(AppError::NotFound)
}

/// Corrects the days of a relation
///
/// A neighbour that ended on the day on which this one began moves along; nobody else's days are touched.
#[utoipa::path(patch, path = "/relations/{id}", operation_id = "changeRelation", tag = "relations",
    security(("token" = ["customers:write"])),
    params(("id" = String, Path, description = "Of the relation", example = "rel_06a8q2m4e8r4s7v1x3z5b7d9f1")),
    request_body(content = NewDays, example = json!({"from": "2024-04-01"})),
    responses((status = 200, description = "The relation as it is now", body = Relation),
        (status = 422, description = "RELATION_INVALID: `fields` says which: DATE_ORDER, DATE_FUTURE, OVERLAP_BEFORE, \
            OVERLAP_AFTER, REQUIRED")))]
async fn change(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    Path(id): Path<String>,
    body: Body,
) -> Result<Json<Relation>, AppError> {
    caller.require(Action::EditCustomers)?;
    let NewDays { from, to } = body.meant()?;
    let id = id_of(&id);
    let row = found(&hub, &caller, &id).await?;
    let day = |said: Option<Option<Day>>, stands: &Option<String>| {
        let text = said.map_or_else(|| stands.clone(), |said| said.map(|day| day.0));
        text.as_deref().and_then(Date::parse)
    };
    let days = (day(from, &row.valid_from), day(to, &row.valid_to));
    let now = hub.clock.now();
    let by = By { actor: &caller.me().name, now, currency: hub.currency, view: &caller.me().view };
    let mut tx = hub.db.begin().await?;
    relation::correct(&mut tx, (&row.customer_id, &id), days, by).await.map_err(|error| match error {
        CorrectError::Unknown => AppError::NotFound,
        CorrectError::Wrong(wrong) => refused(wrong),
        CorrectError::Store(error) => error.into(),
    })?;
    let act = caller.act("customer.relation", ("customer", &row.customer_id));
    audit::record(&mut tx, act, now).await?;
    tx.commit().await?;
    // Nobody listening is no error.
    let _ = hub.changes.send(Change::Customer(row.customer_id));
    Ok(Json(shape(found(&hub, &caller, &id).await?)))
}

fn refused(wrong: Wrong) -> AppError {
    let field = if wrong == Wrong::After || wrong == Wrong::Order { "to" } else { "from" };
    let code = wrong.code();
    let detail = format!("these days cannot be: {field}: {code}");
    AppError::Invalid { code: "RELATION_INVALID", detail, fields: vec![FieldError { field, code }] }
}
