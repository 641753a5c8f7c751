//! `/api/v1/customers`: the golden records, read and changed by the same functions as by the pages. Scopes
//! `customers:read` and `customers:write`.
//!
//! Each record that is read is in the audit trail with the token that read it; lists are not, as on pages.

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Caller,
    paging::{Asked, Listing, Page, Paging, bad_cursor, sealed},
};
use crate::{
    analytics::{
        customer::{self, Overview},
        directory::{self, Entry},
        timeline::{self, Filter, Kind},
    },
    app::{Hub, SharedHub},
    http::error::AppError,
    identity::{Action, Settings},
    model::record::{LIFE_STAGES, PROSPECT},
    store::{self, InView},
};

mod origin;
mod shape;
mod write;

pub(super) use write::version_of;

pub fn routes() -> OpenApiRouter<SharedHub> {
    OpenApiRouter::default()
        .routes(routes!(list, write::create))
        .routes(routes!(prospects))
        .routes(routes!(write::convert))
        .routes(routes!(one, write::change))
        .routes(routes!(orders))
        .routes(routes!(invoices))
        .routes(routes!(origin::of_customer))
        .routes(routes!(origin::of_field))
        .routes(routes!(origin::sources))
}

/// Which customers.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct Search {
    /// Name, kana, code, phone, registration number or mail domain, or a part of one; the best match comes first.
    #[param(max_length = 200, example = "朝凪")]
    q: String,
    /// `prospect` (見込み客) or `customer`: only those.
    life_stage: Option<String>,
}

/// Which prospects.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct Words {
    /// Name, kana, code, phone, registration number or mail domain, or a part of one; the best match comes first.
    #[param(max_length = 200, example = "朝凪")]
    q: String,
}

/// Of which time.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct When {
    /// As the hub knew the customer at this time: an instant, or a day, of which its end is meant. The answer is then a
    /// `CustomerAsOf`.
    #[param(example = "2026-10-01T09:00:00Z")]
    at: Option<String>,
}

/// The customer as it is, or as it was.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = CustomerNowOrThen)]
enum NowOrThen {
    Now(Box<shape::Customer>),
    Then(Box<origin::AsOf>),
}

/// How far a search got: its matches are ranked, so their place is all there is to go on from.
const PLACE: &str = "at:";

/// Customers, page by page
///
/// By id, so that the list stays whole while customers come and go between two pages; with `q` those that match,
/// ranked anew for each page.
#[utoipa::path(get, path = "/customers", operation_id = "listCustomers", tag = "customers",
    security(("token" = ["customers:read"])), params(Paging, Search),
    responses((status = 200, description = "One page", body = Page<shape::Listed>),
        (status = 422, description = "LIFE_STAGE_INVALID: `life_stage` is prospect or customer")))]
async fn list(
    State(hub): State<SharedHub>,
    caller: Caller,
    query: Listing<Search>,
) -> Result<Json<Page<shape::Listed>>, AppError> {
    let stage = query.filter.life_stage.as_deref();
    let prospects = match stage {
        None => None,
        Some(stage) if LIFE_STAGES.contains(&stage) => Some(stage == PROSPECT),
        Some(_) => return Err(AppError::invalid("LIFE_STAGE_INVALID", "life_stage is prospect or customer")),
    };
    directory_page(&hub, &caller, (&query, &query.filter.q), prospects).await
}

/// Prospects (見込み客), page by page
///
/// Customers of whom nobody ordered yet, with where they came from. Once one becomes a customer it leaves this list and
/// keeps its id.
#[utoipa::path(get, path = "/prospects", operation_id = "listProspects", tag = "customers",
    security(("token" = ["customers:read"])), params(Paging, Words),
    responses((status = 200, description = "One page", body = Page<shape::Listed>)))]
async fn prospects(
    State(hub): State<SharedHub>,
    caller: Caller,
    query: Listing<Words>,
) -> Result<Json<Page<shape::Listed>>, AppError> {
    directory_page(&hub, &caller, (&query, &query.filter.q), Some(true)).await
}

async fn directory_page<F>(
    hub: &Hub,
    caller: &Caller,
    (query, text): (&Listing<F>, &str),
    prospects: Option<bool>,
) -> Result<Json<Page<shape::Listed>>, AppError> {
    caller.require(Action::ViewCustomers)?;
    let (mut asked, offset) = question(query, text)?;
    asked.prospects = prospects;
    let today = hub.clock.now().zoned(&Settings::load(&hub.db).await?.time_zone()).date();
    let answer = hub.directory.query(&caller.me().view, &asked, today);
    let mut rows: Vec<Entry> = answer.rows.into_iter().map(|(entry, _)| entry).collect();
    let more = rows.len() > query.limit;
    rows.truncate(query.limit);
    let next_cursor = match rows.last().filter(|_| more) {
        None => None,
        Some(last) if text.is_empty() => Some(sealed(&last.id)),
        Some(_) => Some(sealed(&format!("{PLACE}{}", offset + query.limit))),
    };
    Ok(Json(Page { items: rows.into_iter().map(shape::listed).collect(), next_cursor }))
}

/// One row more than asked for, which tells whether there is another page. Everything is listed by id: a page
/// stays whole while customers come and go. Matches come the best first.
fn question<F>(query: &Listing<F>, text: &str) -> Result<(directory::Query, usize), AppError> {
    let mut asked = directory::Query { text: text.to_owned(), limit: query.limit + 1, ..directory::Query::default() };
    if text.is_empty() {
        "id".clone_into(&mut asked.sort);
        asked.after.clone_from(&query.cursor);
        if asked.after.as_deref().is_some_and(|after| after.starts_with(PLACE)) {
            return Err(bad_cursor());
        }
    } else if let Some(cursor) = &query.cursor {
        let place = cursor.strip_prefix(PLACE).and_then(|place| place.parse().ok());
        asked.offset = place.filter(|place| *place < 1_000_000).ok_or_else(bad_cursor)?;
    }
    let offset = asked.offset;
    Ok((asked, offset))
}

/// A customer that the caller sees, and the organisation's zone.
struct Found {
    customer: InView,
    overview: Overview,
    zone: TimeZone,
}

/// The customer, which is another one when the asked one was merged into it.
async fn found(hub: &Hub, caller: &Caller, id: &str) -> Result<Found, AppError> {
    caller.require(Action::ViewCustomers)?;
    let zone = Settings::load(&hub.db).await?.time_zone();
    let today = hub.clock.now().zoned(&zone).date();
    let id = id.replace('\0', "");
    let customer = store::in_view(&hub.db, &caller.me().view, &id).await?.ok_or(AppError::NotFound)?;
    let overview = customer::overview(&hub.db, &hub.directory, &customer, today).await?.ok_or(AppError::NotFound)?;
    Ok(Found { customer, overview, zone })
}

/// One customer: the golden record with sites, contacts and figures
///
/// The id of a customer that was merged answers with the one it was merged into, whose `id` is in the body and whose
/// address in `Content-Location`. The `ETag` is the version of the record: send it as `If-Match` with a change. Figures
/// move without it.
#[utoipa::path(get, path = "/customers/{id}", operation_id = "getCustomer", tag = "customers",
    security(("token" = ["customers:read"])),
    params(("id" = String, Path, description = "Of the customer", example = "cus_06a8q2m4e8r4s7v1x3z5b7d9f1"), When),
    responses((status = 200, description = "The customer", body = NowOrThen),
        (status = 422, description = "AT_INVALID, AT_FUTURE: `at` is no time that has passed")))]
async fn one(
    State(hub): State<SharedHub>,
    caller: Caller,
    Asked(when): Asked<When>,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    if let Some(at) = &when.at {
        let then = origin::as_of(&hub, &caller, &id, at).await?;
        return Ok(Json(NowOrThen::Then(Box::new(then))).into_response());
    }
    let Found { overview, .. } = found(&hub, &caller, &id).await?;
    caller.seen(&hub, &overview.id);
    let merged = (overview.id != id).then(|| format!("/api/v1/customers/{}", overview.id));
    let etag = write::etag(overview.seq);
    let fields = store::custom_field::list(&hub.db).await?;
    let mut response = Json(NowOrThen::Now(Box::new(shape::customer(overview, &fields)))).into_response();
    let located = merged.map(|at| (header::CONTENT_LOCATION, at));
    for (name, value) in located.into_iter().chain([(header::ETAG, etag)]) {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

/// Orders of a customer, newest first
#[utoipa::path(get, path = "/customers/{id}/orders", operation_id = "listCustomerOrders", tag = "customers",
    security(("token" = ["customers:read"])),
    params(("id" = String, Path, description = "Of the customer", example = "cus_06a8q2m4e8r4s7v1x3z5b7d9f1"), Paging),
    responses((status = 200, description = "One page", body = Page<shape::Order>)))]
async fn orders(
    State(hub): State<SharedHub>,
    caller: Caller,
    Path(id): Path<String>,
    query: Listing,
) -> Result<Json<Page<shape::Order>>, AppError> {
    let (events, next_cursor) = documents(&hub, &caller, &id, query, vec![Kind::Order]).await?;
    Ok(Json(Page { items: events.into_iter().filter_map(shape::order).collect(), next_cursor }))
}

/// Invoices and credit notes of a customer, newest first
#[utoipa::path(get, path = "/customers/{id}/invoices", operation_id = "listCustomerInvoices", tag = "customers",
    security(("token" = ["customers:read"])),
    params(("id" = String, Path, description = "Of the customer", example = "cus_06a8q2m4e8r4s7v1x3z5b7d9f1"), Paging),
    responses((status = 200, description = "One page", body = Page<shape::Invoice>)))]
async fn invoices(
    State(hub): State<SharedHub>,
    caller: Caller,
    Path(id): Path<String>,
    query: Listing,
) -> Result<Json<Page<shape::Invoice>>, AppError> {
    let kinds = vec![Kind::Invoice, Kind::CreditNote];
    let (events, next_cursor) = documents(&hub, &caller, &id, query, kinds).await?;
    Ok(Json(Page { items: events.into_iter().filter_map(shape::invoice).collect(), next_cursor }))
}

/// One page of a customer's documents, newest first.
async fn documents(
    hub: &Hub,
    caller: &Caller,
    id: &str,
    query: Listing,
    kinds: Vec<Kind>,
) -> Result<(Vec<timeline::Event>, Option<String>), AppError> {
    if !query.cursor.as_deref().is_none_or(timeline::is_place) {
        return Err(bad_cursor());
    }
    let Found { customer, overview, zone } = found(hub, caller, id).await?;
    let filter = Filter { kinds, after: query.cursor, limit: query.limit, ..Filter::default() };
    let page = timeline::load(&hub.db, &customer, &filter, &zone).await?;
    caller.seen(hub, &overview.id);
    Ok((page.events, page.next.as_deref().map(sealed)))
}
