//! `/changes`: what happened to every record, in one order that never changes behind a reader. Scope
//! `customers:read`.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Caller,
    filter::Named,
    kind::Instant,
    paging::{Listing, Paging, bad_cursor, sealed},
};
use crate::{
    app::SharedHub,
    http::error::AppError,
    identity::Action,
    model::event,
    store::change::{self, Head, Wanted},
};

pub fn routes() -> OpenApiRouter<SharedHub> {
    OpenApiRouter::default().routes(routes!(list))
}

/// Changes looked at for one answer: a filter that leaves little out of much costs several short calls, never a
/// long one.
const SIGHT: i64 = 2_000;

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct OfChanges {
    /// Only of this noun: `customer`, `site`, `contact`, `product`, `order`, `shipment`, `invoice`, `payment` and so
    /// on, as kinds begin.
    #[param(example = "order")]
    noun: Option<String>,
    /// Only of this customer; the id of one that was merged means the one it was merged into.
    customer: Option<String>,
}

/// A record as it became. Read it at its own address: what stands there is this version, or a later one.
#[derive(Serialize, ToSchema)]
struct Change {
    /// What happened, as webhooks name it.
    #[schema(examples("order.created"))]
    kind: String,
    #[schema(examples("ord_06a8q2m4e8r4s7v1x3z5b7d9f1"))]
    record_id: String,
    /// Which version of the record this is, from 1. What came with a lower one is older, whenever it is read.
    seq: i64,
    /// Whose it is now.
    customer_id: Option<String>,
    /// When the hub saw it.
    at: Instant,
    /// Why: `created`, `source`, `edited`, `pinned`, `released`, `linked`, `rules`, `deleted` and so on.
    reason: String,
    /// Where it came from; null: from a person or a program.
    connection_id: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct Changes {
    items: Vec<Change>,
    /// Pass it on with the next call, now or tomorrow. It does not expire.
    cursor: String,
    /// There is more already.
    more: bool,
}

/// What changed, in order
///
/// Without `cursor` from the very beginning, so that one loop fills a copy and keeps it: call, work, keep the `cursor`
/// of the answer together with the work, and call again, at once while `more` is true, else whenever you like. Nothing
/// is left out and nothing comes later in between.
#[utoipa::path(get, path = "/changes", operation_id = "listChanges", tag = "changes",
    security(("token" = ["customers:read"])), params(Paging, OfChanges),
    responses((status = 200, description = "The next changes", body = Changes),
        (status = 410, description = "CURSOR_GONE: the hub was restored from a backup; begin again without a cursor")))]
async fn list(
    State(hub): State<SharedHub>,
    caller: Caller,
    listing: Listing<OfChanges>,
) -> Result<Json<Changes>, AppError> {
    caller.require(Action::ViewCustomers)?;
    let noun = listing.filter.noun.as_deref().map(|noun| event::prefix_of(noun).ok_or_else(unknown)).transpose()?;
    let read = listing.cursor.as_deref().map(|cursor| read_so_far(cursor).ok_or_else(bad_cursor)).transpose()?;
    let after = read.as_ref().map_or(0, |read| read.number);
    let sight = after.saturating_add(SIGHT);
    let (head, open) = change::place(&hub.db, sight).await?;
    if read.is_some_and(|read| read.epoch != head.epoch || read.number > head.number) {
        let detail = "the hub was restored from a backup since: read everything again, beginning without a cursor";
        return Err(AppError::Gone { code: "CURSOR_GONE", detail });
    }
    let until = head.number.min(sight);
    let customer = Named::find(&hub, &caller, listing.filter.customer.as_deref()).await?;
    let wanted = Wanted {
        after,
        until,
        noun,
        customer: customer.id(),
        limit: if customer.is_nobody() { 0 } else { i64::try_from(listing.limit).unwrap_or(0) },
    };
    let found = change::read(&hub.db, &caller.me().view, &wanted).await?;
    // A full page ends with its last change; else everything in sight was read.
    let full = !customer.is_nobody() && found.len() == listing.limit;
    let number = found.last().filter(|_| full).map_or(until, |last| last.number);
    caller.read(&hub, "changes");
    Ok(Json(Changes {
        cursor: sealed(&format!("{} {number}", head.epoch)),
        more: open || number < head.number,
        items: found.into_iter().map(shape).collect(),
    }))
}

fn shape(row: change::Change) -> Change {
    Change {
        kind: event::kind_of(&row.record_id, row.seq, &row.reason),
        record_id: row.record_id,
        seq: row.seq,
        customer_id: row.customer_id,
        at: Instant(row.valid_from),
        reason: row.reason,
        connection_id: row.connection_id,
    }
}

fn read_so_far(cursor: &str) -> Option<Head> {
    let (epoch, number) = cursor.split_once(' ')?;
    let number = number.parse().ok().filter(|number| *number >= 0)?;
    Some(Head { epoch: epoch.to_owned(), number })
}

fn unknown() -> AppError {
    AppError::invalid("PARAMETER_INVALID", format!("noun: one of {}", event::SUBJECTS.join(", ")))
}
