//! `/api/v1/custom-fields`: the fields that the administrator added to customers. Scope `customers:read`.

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Caller,
    paging::{Asked, Page},
};
use crate::{
    app::SharedHub,
    http::error::AppError,
    identity::Action,
    model::custom::{self, Definition},
    store::custom_field,
};

pub fn routes() -> OpenApiRouter<SharedHub> {
    OpenApiRouter::default().routes(routes!(list))
}

/// A field that the administrator added to customers.
#[derive(Serialize, ToSchema)]
struct CustomField {
    /// Its name in `custom` of a customer.
    key: String,
    /// `text`, `number`, `money`, `date`, `choice` or `flag`.
    kind: &'static str,
    label_ja: String,
    label_en: String,
    /// A form asks for it; nothing is refused without it.
    required: bool,
    /// Of a choice field only.
    choices: Vec<Choice>,
    /// Order on pages, from 1.
    position: i64,
    /// Changes with every saved change.
    seq: i64,
    /// Shown and asked for no longer; values stay.
    retired: bool,
}

/// One of the values that a choice field knows.
#[derive(Serialize, ToSchema)]
struct Choice {
    key: String,
    ja: String,
    en: String,
    /// No longer offered; stored values keep it.
    retired: bool,
}

fn shape(of: &Definition) -> CustomField {
    let choice = |of: &custom::Choice| {
        let custom::Choice { key, ja, en, retired } = of.clone();
        Choice { key, ja, en, retired }
    };
    CustomField {
        key: of.key.clone(),
        kind: of.kind.as_str(),
        label_ja: of.label_ja.clone(),
        label_en: of.label_en.clone(),
        required: of.required,
        choices: of.choices.iter().map(choice).collect(),
        position: of.position,
        seq: of.seq,
        retired: of.retired,
    }
}

/// Fields that the administrator added, all on one page
///
/// Retired ones are there too.
#[utoipa::path(get, path = "/custom-fields", operation_id = "listCustomFields", tag = "custom-fields",
    security(("token" = ["customers:read"])),
    responses((status = 200, description = "All of them", body = Page<CustomField>)))]
async fn list(State(hub): State<SharedHub>, caller: Caller, _: Asked) -> Result<Json<Page<CustomField>>, AppError> {
    caller.require(Action::ViewCustomers)?;
    let fields = custom_field::list(&hub.db).await?;
    Ok(Json(Page { items: fields.all().iter().map(shape).collect(), next_cursor: None }))
}
