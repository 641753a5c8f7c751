//! `/views`: questions to the customers list that people keep under a name. Scope `customers:read` to read,
//! `views:write` to keep, change and remove.
//!
//! A view holds a question, no customers: who opens a shared one sees their own customers in it.

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Caller,
    body::Body,
    customers::version_of,
    filter::id_of,
    idempotency::{Key, KeyHeader, Once},
    kind::Instant,
    paging::{Asked, Listing, Page, Paging},
    tagged::versioned,
};
use crate::{
    app::SharedHub,
    http::error::AppError,
    identity::Action,
    lists::views::{self, ViewError, Wanted, Who},
    model::{Timestamp, ids::Noun},
    store::saved_view::{self, Row},
};

pub fn routes() -> OpenApiRouter<SharedHub> {
    OpenApiRouter::default().routes(routes!(list, create)).routes(routes!(one, change, remove))
}

/// A question to the customers list under a name.
#[derive(Serialize, ToSchema)]
struct View {
    #[schema(examples("viw_06a8q2m4e8r4s7v1x3z5b7d9f1"))]
    id: String,
    /// `customers`.
    list: String,
    name: String,
    /// Everybody may open it; each sees their own customers in it.
    shared: bool,
    /// What stands behind `?` of the list's address: filters, order, columns.
    #[schema(examples("health=act&sort=-overdue"))]
    query: String,
    /// Who made it.
    owner_id: String,
    owner_name: String,
    /// Counts changes, from 1.
    seq: i64,
    created_at: Instant,
    updated_at: Instant,
}

fn shape(row: Row) -> View {
    let Row { id, list, owner_id, owner_name, name, shared, query, seq, created_at, updated_at } = row;
    let (created_at, updated_at) = (Instant(created_at), Instant(updated_at));
    View { id, list, name, shared, query, owner_id, owner_name, seq, created_at, updated_at }
}

/// A view to keep. In a change a member that is missing stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewView {
    #[schema(max_length = 60, examples("期日超過の大口"))]
    name: Option<String>,
    /// For everybody; needs a role that may share views. `false` unless said.
    shared: Option<bool>,
    /// As the list's address has it behind `?`: what the list would not understand is refused.
    #[schema(max_length = 4000, examples("tab=overdue&sort=-overdue"))]
    query: Option<String>,
}

impl From<NewView> for Wanted {
    fn from(new: NewView) -> Self {
        let NewView { name, shared, query } = new;
        Self { name, shared, query }
    }
}

fn refused(error: ViewError) -> AppError {
    match error {
        ViewError::Name | ViewError::Query | ViewError::Many => AppError::invalid(error.code(), error.to_string()),
        ViewError::NameTaken => AppError::Conflict { code: error.code(), detail: error.to_string() },
        ViewError::Stale(_) => AppError::Stale { detail: error.to_string() },
        ViewError::Missing => AppError::NotFound,
        ViewError::Denied(denied) => denied.into(),
        ViewError::Store(error) => error.into(),
    }
}

fn who<'a>(caller: &'a Caller, now: Timestamp) -> Who<'a> {
    Who { me: caller.me(), origin: &caller.origin, token: Some(&caller.token.id), now }
}

/// Own and shared views, by id
#[utoipa::path(get, path = "/views", operation_id = "listViews", tag = "views",
    security(("token" = ["customers:read"])), params(Paging),
    responses((status = 200, description = "One page", body = Page<View>)))]
async fn list(State(hub): State<SharedHub>, caller: Caller, listing: Listing) -> Result<Json<Page<View>>, AppError> {
    caller.require(Action::ViewCustomers)?;
    let after = listing.after(Noun::View)?.unwrap_or_default();
    let found = saved_view::page(&hub.db, &caller.me().user_id, after, listing.ask()).await?;
    Ok(Json(Page::of(found, listing.limit, |row| row.id.clone(), shape)))
}

/// One view
#[utoipa::path(get, path = "/views/{id}", operation_id = "getView", tag = "views",
    security(("token" = ["customers:read"])),
    params(("id" = String, Path, description = "Of the view", example = "viw_06a8q2m4e8r4s7v1x3z5b7d9f1")),
    responses((status = 200, description = "The view", body = View), (status = 304, description = "Not changed")))]
async fn one(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    caller.require(Action::ViewCustomers)?;
    let row = saved_view::one(&hub.db, &caller.me().user_id, &id_of(&id)).await?.ok_or(AppError::NotFound)?;
    versioned(&headers, row.seq, &shape(row))
}

/// Keeps a view
///
/// It is the token's owner's; `shared` gives it to everybody.
#[utoipa::path(post, path = "/views", operation_id = "keepView", tag = "views",
    security(("token" = ["views:write"])), params(KeyHeader),
    request_body(content = NewView, example = json!({"name": "期日超過の大口", "query": "tab=overdue&sort=-overdue"})),
    responses((status = 201, description = "Kept", body = View,
            headers(("Location" = String, description = "Its address"))),
        (status = 409, description = "IDEMPOTENCY_KEY_USED, VIEW_NAME_TAKEN: the key came with another call before, or \
            the owner has a view of that name"),
        (status = 422, description = "IDEMPOTENCY_KEY_INVALID, VIEW_NAME, VIEW_QUERY, VIEW_MANY: what is wrong with it")))]
async fn create(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    key: Key,
    body: Body,
) -> Result<Response, AppError> {
    caller.require(Action::SaveViews)?;
    let wanted = Wanted::from(body.meant::<NewView>()?);
    let now = hub.clock.now();
    let mut tx = hub.db.begin().await?;
    let once = match Once::begin(&mut tx, &caller, key, ("POST /views", &body.0), now).await? {
        Ok(once) => once,
        Err(answered) => return Ok(answered),
    };
    let row = views::create(&mut tx, who(&caller, now), wanted).await.map_err(refused)?;
    let address = format!("/api/v1/views/{}", row.id);
    let response = once.made(&mut tx, &address, &shape(row)).await?;
    tx.commit().await?;
    Ok(response)
}

/// Which version is meant.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "named for the document; the value is read from the request by hand")]
struct SeqHeader {
    /// `seq` of the view as it was read, in quotes.
    #[param(rename = "If-Match", example = "$ETAG")]
    version: Option<String>,
}

/// Changes a view
///
/// `If-Match` names the version that the change was made on: its `seq` in quotes.
#[utoipa::path(patch, path = "/views/{id}", operation_id = "changeView", tag = "views",
    security(("token" = ["views:write"])),
    params(("id" = String, Path, description = "Of the view", example = "viw_06a8q2m4e8r4s7v1x3z5b7d9f1"), SeqHeader),
    request_body(content = NewView, example = json!({"query": "tab=quiet"})),
    responses((status = 200, description = "The view as it is now", body = View),
        (status = 409, description = "VIEW_NAME_TAKEN: its owner has another view of that name"),
        (status = 412, description = "VERSION_STALE: the view changed since the version that `If-Match` names"),
        (status = 428, description = "IF_MATCH_REQUIRED: a change names the version that it was made on"),
        (status = 422, description = "VIEW_NAME, VIEW_QUERY: what is wrong with it")))]
async fn change(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, AppError> {
    caller.require(Action::SaveViews)?;
    let wanted = Wanted::from(body.meant::<NewView>()?);
    let seq = version_of(&headers)?;
    let now = hub.clock.now();
    let mut tx = hub.db.begin().await?;
    let row = views::change(&mut tx, who(&caller, now), &id_of(&id), wanted, Some(seq)).await.map_err(refused)?;
    tx.commit().await?;
    // Nothing is asked of a change but its answer.
    versioned(&HeaderMap::new(), row.seq, &shape(row))
}

/// Removes a view; customers stay as they are
#[utoipa::path(delete, path = "/views/{id}", operation_id = "removeView", tag = "views",
    security(("token" = ["views:write"])),
    params(("id" = String, Path, description = "Of the view", example = "viw_06a8q2m4e8r4s7v1x3z5b7d9f1")),
    responses((status = 204, description = "Removed")))]
async fn remove(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    caller.require(Action::SaveViews)?;
    let mut tx = hub.db.begin().await?;
    views::remove(&mut tx, who(&caller, hub.clock.now()), &id_of(&id)).await.map_err(refused)?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
