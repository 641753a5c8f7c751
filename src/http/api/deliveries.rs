//! `/deliveries`: what outside receivers were told by webhook, and what became of it. Scope `operations:read`.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Caller,
    kind::Instant,
    paging::{Listing, Page, Paging, bad_cursor},
};
use crate::{
    app::SharedHub,
    http::error::AppError,
    identity::Action,
    store::read_event::{self, Filter, Told},
};

pub fn routes() -> OpenApiRouter<SharedHub> {
    OpenApiRouter::default().routes(routes!(list))
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct OfDeliveries {
    /// Only to this receiver.
    receiver: String,
    /// `pending`, `delivered` or `dead`; `pending` is with what is tried again.
    state: String,
    /// Only about this customer.
    customer: String,
}

/// What a receiver was told, or is to be told.
#[derive(Serialize, ToSchema)]
struct Delivery {
    receiver_id: String,
    event_id: String,
    /// When it happened.
    at: Instant,
    #[schema(examples("order.created"))]
    kind: String,
    /// The record, and which version of it.
    record_id: String,
    seq: i64,
    customer_id: Option<String>,
    /// `pending`, `retrying`, `delivered` or `dead`.
    state: String,
    attempts: i64,
    /// HTTP status of the last answer.
    status: Option<i64>,
    /// Stable code of the last trouble.
    cause: Option<String>,
    updated_at: Instant,
}

fn shape(row: Told) -> Delivery {
    Delivery {
        receiver_id: row.receiver_id,
        event_id: row.event_id,
        at: Instant(row.at),
        kind: row.kind,
        record_id: row.record_id,
        seq: row.seq,
        customer_id: row.customer_id,
        state: row.state,
        attempts: row.attempts,
        status: row.status,
        cause: row.cause,
        updated_at: Instant(row.updated_at),
    }
}

/// What receivers were told, the newest events first
#[utoipa::path(get, path = "/deliveries", operation_id = "listDeliveries", tag = "deliveries",
    security(("token" = ["operations:read"])), params(Paging, OfDeliveries),
    responses((status = 200, description = "One page", body = Page<Delivery>)))]
async fn list(
    State(hub): State<SharedHub>,
    caller: Caller,
    listing: Listing<OfDeliveries>,
) -> Result<Json<Page<Delivery>>, AppError> {
    caller.require(Action::ViewOperations)?;
    let OfDeliveries { receiver, state, customer } = &listing.filter;
    if !["", "pending", "delivered", "dead"].contains(&state.as_str()) {
        return Err(AppError::invalid("PARAMETER_INVALID", "state: pending, delivered or dead"));
    }
    let before = listing.cursor.as_deref().map(|cursor| cursor.split_once(' ').ok_or_else(bad_cursor)).transpose()?;
    let filter = Filter { receiver, state, customer, before };
    let found = read_event::told(&hub.db, &filter, listing.ask()).await?;
    Ok(Json(Page::of(found, listing.limit, |row| format!("{} {}", row.event_id, row.receiver_id), shape)))
}
