//! `/api/v1/custom-fields`: the fields that the administrator added to customers. Scope `customers:read`.

use axum::{Json, Router, extract::State, routing::get};
use serde_json::{Value, json};

use super::Caller;
use crate::{app::SharedHub, http::error::AppError, identity::Action, store::custom_field};

pub fn routes() -> Router<SharedHub> {
    Router::new().route("/custom-fields", get(list))
}

/// All of them on one page, retired ones too.
async fn list(State(hub): State<SharedHub>, caller: Caller) -> Result<Json<Value>, AppError> {
    caller.require(Action::ViewCustomers)?;
    let fields = custom_field::list(&hub.db).await?;
    Ok(Json(json!({ "items": fields.all(), "next_cursor": null })))
}
