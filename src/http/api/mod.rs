//! `/api/v1`: what programs call, as a person or a service account, by a token.
//!
//! Every request below `/api/v1` is let in by its token before anything else is looked at ([`caller`]); cookies
//! count for nothing here, and tokens for nothing on pages. Errors are problem+json with a stable code.
//! Lists are read page by page ([`paging`]). Names in JSON are those of the records; instants are RFC 3339 in
//! UTC, business dates `YYYY-MM-DD`, amounts whole minor units beside their currency.
//!
//! To add a noun: a file with `routes()`, merged below; handlers take [`Caller`] and call `require` first.

mod caller;
mod custom_fields;
mod customers;
mod me;
mod paging;

use axum::{Router, middleware::from_fn_with_state};

pub use caller::{Caller, guard_with_basic};

use super::error::AppError;
use crate::app::SharedHub;

/// Where no cookie counts.
pub const PREFIX: &str = "/api/";

pub fn routes(hub: &SharedHub) -> Router<SharedHub> {
    let v1 = Router::new()
        .merge(me::routes())
        .merge(customers::routes())
        .merge(custom_fields::routes())
        .fallback(async || AppError::NotFound)
        .method_not_allowed_fallback(async || AppError::MethodNotAllowed)
        .layer(from_fn_with_state(hub.clone(), caller::guard));
    Router::new().nest("/api/v1", v1)
}
