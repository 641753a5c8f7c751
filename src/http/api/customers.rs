//! `/api/v1/customers`: the golden records, read and changed by the same functions as by the pages. Scopes
//! `customers:read` and `customers:write`.
//!
//! Each record that is read is in the audit trail with the token that read it; lists are not, as on pages.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderValue, Uri, header},
    response::{IntoResponse, Response},
    routing::get,
};
use jiff::tz::TimeZone;

use super::{
    Caller,
    paging::{ListQuery, Page, bad_cursor, sealed},
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
    store::{self, InView},
};

mod origin;
mod shape;
mod write;

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/customers", get(list).post(write::create))
        .route("/customers/{id}", get(one).patch(write::change))
        .route("/customers/{id}/provenance", get(origin::of_customer))
        .route("/customers/{id}/provenance/{field}", get(origin::of_field))
        .route("/customers/{id}/sources", get(origin::sources))
        .route("/customers/{id}/orders", get(orders))
        .route("/customers/{id}/invoices", get(invoices))
}

/// How far a search got: its matches are ranked, so their place is all there is to go on from.
const PLACE: &str = "at:";

async fn list(
    State(hub): State<SharedHub>,
    caller: Caller,
    query: ListQuery,
) -> Result<Json<Page<shape::Listed>>, AppError> {
    caller.require(Action::ViewCustomers)?;
    let (asked, offset) = question(&query)?;
    let today = hub.clock.now().zoned(&Settings::load(&hub.db).await?.time_zone()).date();
    let answer = hub.directory.query(&caller.me().view, &asked, today);
    let mut rows: Vec<Entry> = answer.rows.into_iter().map(|(entry, _)| entry).collect();
    let more = rows.len() > query.limit;
    rows.truncate(query.limit);
    let next_cursor = match rows.last().filter(|_| more) {
        None => None,
        Some(last) if query.q.is_empty() => Some(sealed(&last.id)),
        Some(_) => Some(sealed(&format!("{PLACE}{}", offset + query.limit))),
    };
    Ok(Json(Page { items: rows.into_iter().map(shape::listed).collect(), next_cursor }))
}

/// One row more than asked for, which tells whether there is another page. Everything is listed by id: a page
/// stays whole while customers come and go. Matches come the best first.
fn question(query: &ListQuery) -> Result<(directory::Query, usize), AppError> {
    let mut asked = directory::Query { text: query.q.clone(), limit: query.limit + 1, ..directory::Query::default() };
    if query.q.is_empty() {
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

async fn one(
    State(hub): State<SharedHub>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, AppError> {
    let query = write::parameters(&uri, &["at"])?;
    if let Some((_, at)) = query.first() {
        return Ok(Json(origin::as_of(&hub, &caller, &id, at).await?).into_response());
    }
    let Found { overview, .. } = found(&hub, &caller, &id).await?;
    caller.seen(&hub, &overview.id);
    let merged = (overview.id != id).then(|| format!("/api/v1/customers/{}", overview.id));
    let etag = write::etag(overview.seq);
    let fields = store::custom_field::list(&hub.db).await?;
    let mut response = Json(shape::customer(overview, &fields)).into_response();
    let located = merged.map(|at| (header::CONTENT_LOCATION, at));
    for (name, value) in located.into_iter().chain([(header::ETAG, etag)]) {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

async fn orders(
    State(hub): State<SharedHub>,
    caller: Caller,
    Path(id): Path<String>,
    query: ListQuery,
) -> Result<Json<Page<shape::Order>>, AppError> {
    let (events, next_cursor) = documents(&hub, &caller, &id, query, vec![Kind::Order]).await?;
    Ok(Json(Page { items: events.into_iter().filter_map(shape::order).collect(), next_cursor }))
}

async fn invoices(
    State(hub): State<SharedHub>,
    caller: Caller,
    Path(id): Path<String>,
    query: ListQuery,
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
    query: ListQuery,
    kinds: Vec<Kind>,
) -> Result<(Vec<timeline::Event>, Option<String>), AppError> {
    let query = query.without_text()?;
    if !query.cursor.as_deref().is_none_or(timeline::is_place) {
        return Err(bad_cursor());
    }
    let Found { customer, overview, zone } = found(hub, caller, id).await?;
    let filter = Filter { kinds, after: query.cursor, limit: query.limit, ..Filter::default() };
    let page = timeline::load(&hub.db, &customer, &filter, &zone).await?;
    caller.seen(hub, &overview.id);
    Ok((page.events, page.next.as_deref().map(sealed)))
}
