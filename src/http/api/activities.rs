//! `/activities`: what people and programs did about customers: visits, calls, mails, meetings, notes. Scope
//! `customers:read` to read, `activities:write` to record.

use axum::{
    Json,
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Caller,
    body::Body,
    filter::{Named, id_of},
    idempotency::{Key, KeyHeader, Once},
    kind::{Day, Instant},
    paging::{Asked, Listing, Page, Paging},
    tagged::tagged,
};
use crate::{
    app::{Change, SharedHub},
    http::error::AppError,
    identity::{Action, FieldError, Settings, audit},
    master::activity::{self, ActivityError},
    model::{Date, ids::Noun},
    store::{
        self,
        read_noun::{self as rows, ActivityRow, Wanted},
    },
};

pub fn routes() -> OpenApiRouter<SharedHub> {
    OpenApiRouter::default().routes(routes!(list, record)).routes(routes!(one))
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct OfActivities {
    /// Only of this customer; the id of one that was merged means the one it was merged into.
    customer: Option<String>,
    /// Only what was recorded at or after this instant.
    since: Option<Instant>,
}

/// Something that was done about a customer.
#[derive(Serialize, ToSchema)]
struct Activity {
    #[schema(examples("act_06a8q2m4e8r4s7v1x3z5b7d9f1"))]
    id: String,
    customer_id: String,
    /// `visit`, `call`, `mail`, `meeting` or `note`.
    kind: String,
    subject: String,
    note: Option<String>,
    /// When it was done.
    date: Day,
    /// Id, or for older ones the name, of who recorded it.
    actor: String,
    actor_name: String,
    /// How often the hub saw it change, counting from 1.
    seq: i64,
    /// When it was recorded.
    created_at: Instant,
}

fn shape(row: ActivityRow) -> Activity {
    Activity {
        id: row.id,
        customer_id: row.customer_id,
        kind: row.kind,
        subject: row.subject,
        note: row.note,
        date: Day(row.activity_date),
        actor_name: row.actor_name.unwrap_or_else(|| row.actor.clone()),
        actor: row.actor,
        seq: row.seq,
        created_at: Instant(row.created_at),
    }
}

/// An activity to record.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewActivity {
    /// Id of the customer.
    #[schema(examples("cus_06a8q2m4e8r4s7v1x3z5b7d9f1"))]
    customer_id: String,
    /// `visit`, `call`, `mail`, `meeting` or `note`.
    #[schema(examples("call"))]
    kind: String,
    #[schema(min_length = 1, max_length = 200, examples("Delivery moved to Friday"))]
    subject: String,
    #[schema(max_length = 10000)]
    note: Option<String>,
    /// When it was done; today in the organisation's zone unless said.
    date: Option<Day>,
}

/// Activities of all customers, by id
#[utoipa::path(get, path = "/activities", operation_id = "listActivities", tag = "activities",
    security(("token" = ["customers:read"])), params(Paging, OfActivities),
    responses((status = 200, description = "One page", body = Page<Activity>)))]
async fn list(
    State(hub): State<SharedHub>,
    caller: Caller,
    listing: Listing<OfActivities>,
) -> Result<Json<Page<Activity>>, AppError> {
    caller.require(Action::ViewCustomers)?;
    let named = Named::find(&hub, &caller, listing.filter.customer.as_deref()).await?;
    let wanted = Wanted {
        customer: named.id(),
        updated_since: listing.filter.since.map(|at| at.0),
        after: listing.after(Noun::Activity)?,
        limit: if named.is_nobody() { 0 } else { listing.ask() },
        ..Wanted::default()
    };
    let found = rows::activities(&hub.db, &caller.me().view, &wanted).await?;
    Ok(Json(Page::of(found, listing.limit, |row| row.id.clone(), shape)))
}

/// One activity
#[utoipa::path(get, path = "/activities/{id}", operation_id = "getActivity", tag = "activities",
    security(("token" = ["customers:read"])),
    params(("id" = String, Path, description = "Of the activity", example = "act_06a8q2m4e8r4s7v1x3z5b7d9f1")),
    responses((status = 200, description = "The activity", body = Activity), (status = 304, description = "Not changed")))]
async fn one(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    caller.require(Action::ViewCustomers)?;
    let id = id_of(&id);
    let wanted = Wanted { id: Some(&id), limit: 1, ..Wanted::default() };
    let row = rows::activities(&hub.db, &caller.me().view, &wanted).await?.pop().ok_or(AppError::NotFound)?;
    caller.seen(&hub, &row.customer_id);
    tagged(&headers, &shape(row))
}

/// Records an activity on a customer
///
/// It stands in the customer's history at once, with the owner of the token as who did it.
#[utoipa::path(post, path = "/activities", operation_id = "recordActivity", tag = "activities",
    security(("token" = ["activities:write"])), params(KeyHeader),
    request_body(content = NewActivity, example = json!({"customer_id": "$ID", "kind": "call",
        "subject": "Delivery moved to Friday"})),
    responses((status = 201, description = "Recorded", body = Activity,
            headers(("Location" = String, description = "Its address"))),
        (status = 409, description = "IDEMPOTENCY_KEY_USED: the Idempotency-Key came with another call before"),
        (status = 422, description = "IDEMPOTENCY_KEY_INVALID, ACTIVITY_INVALID: `fields` says which")))]
async fn record(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    key: Key,
    body: Body,
) -> Result<Response, AppError> {
    caller.require(Action::RecordActivity)?;
    let NewActivity { customer_id, kind, subject, note, date } = body.meant()?;
    let now = hub.clock.now();
    let mut tx = hub.db.begin().await?;
    let once = match Once::begin(&mut tx, &caller, key, ("POST /activities", &body.0), now).await? {
        Ok(once) => once,
        Err(answered) => return Ok(answered),
    };
    let found = store::in_view(&mut tx, &caller.me().view, &id_of(&customer_id)).await?;
    let customer = found.ok_or_else(|| wrong("customer_id", "CUSTOMER_UNKNOWN"))?;
    let date = match date.and_then(|day| Date::parse(&day.0)) {
        Some(date) => date,
        None => Date(now.zoned(&Settings::load(&mut tx).await?.time_zone()).date()),
    };
    let customer_id = customer.id().to_owned();
    let new = activity::NewActivity { customer, kind, subject, note: note.unwrap_or_default(), date, key: None };
    let id = activity::record(&mut tx, new, &caller.me().user_id, now).await.map_err(|error| match error {
        ActivityError::Invalid { field, code } => wrong(field, code),
        ActivityError::UnknownCustomer => wrong("customer_id", "CUSTOMER_UNKNOWN"),
        ActivityError::Store(error) => error.into(),
    })?;
    audit::record(&mut tx, caller.act("customer.activity", ("customer", &customer_id)), now).await?;
    let row = rows::activity(&mut tx, &id).await?.ok_or(AppError::NotFound)?;
    let response = once.made(&mut tx, &format!("/api/v1/activities/{id}"), &shape(row)).await?;
    tx.commit().await?;
    hub.refresher.touch(vec![customer_id.clone()]);
    // Nobody listening is no error.
    let _ = hub.changes.send(Change::Customer(customer_id));
    Ok(response)
}

fn wrong(field: &'static str, code: &'static str) -> AppError {
    let fields = vec![FieldError { field, code }];
    AppError::Invalid { code: "ACTIVITY_INVALID", detail: format!("{field} cannot be taken: {code}"), fields }
}
