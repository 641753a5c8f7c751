//! `/api/v1`: what programs call, as a person or a service account, by a token.
//!
//! Every request below `/api/v1` is let in by its token before anything else is looked at ([`caller`]); cookies
//! count for nothing here, and tokens for nothing on pages. Only the description of all this
//! ([`openapi`]) is for everybody: it says what stands in the source. Errors are problem+json with a stable
//! code. Lists are read page by page ([`paging`]). Names in JSON are those of the records; instants are RFC 3339 in
//! UTC, business dates `YYYY-MM-DD`, amounts whole minor units beside their currency ([`kind`]).
//!
//! To add a noun: a file with `routes()`, merged below; its handlers carry `#[utoipa::path]` with the scope, take
//! [`Caller`] and call `require` first. The document, the page `/api/docs` and the tests of both follow.

mod activities;
mod body;
mod caller;
mod changes;
mod connections;
mod custom_fields;
mod customers;
mod deliveries;
mod documents;
mod failures;
mod filter;
mod idempotency;
pub mod kind;
mod me;
pub mod openapi;
pub mod paging;
mod partners;
mod people;
mod products;
mod relations;
mod runs;
mod tagged;
mod views;

use axum::{
    Json, Router,
    http::{HeaderValue, header},
    middleware::from_fn_with_state,
    response::IntoResponse,
    routing::get,
};
use utoipa_axum::router::OpenApiRouter;

pub use caller::{Caller, guard_with_basic};

use super::error::AppError;
use crate::app::SharedHub;

/// Where no cookie counts.
pub const PREFIX: &str = "/api/";

/// Every operation with its description.
fn nouns() -> OpenApiRouter<SharedHub> {
    OpenApiRouter::default()
        .merge(me::routes())
        .merge(customers::routes())
        .merge(custom_fields::routes())
        .merge(partners::routes())
        .merge(relations::routes())
        .merge(products::routes())
        .merge(documents::routes())
        .merge(activities::routes())
        .merge(views::routes())
        .merge(changes::routes())
        .merge(connections::routes())
        .merge(runs::routes())
        .merge(deliveries::routes())
        .merge(failures::routes())
        .merge(people::routes())
}

pub fn routes(hub: &SharedHub) -> Router<SharedHub> {
    let v1 = Router::from(nouns())
        .fallback(async || AppError::NotFound)
        .method_not_allowed_fallback(async || AppError::MethodNotAllowed)
        .layer(from_fn_with_state(hub.clone(), caller::guard));
    Router::new().route("/api/v1/openapi.json", get(description)).nest("/api/v1", v1)
}

/// For generators of clients, which may read it from another site's page.
async fn description() -> impl IntoResponse {
    let anywhere = (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    ([anywhere], Json(openapi::document()))
}
