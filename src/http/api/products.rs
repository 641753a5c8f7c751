//! `/products`: what is sold, as the sources name it. Of no customer; scope `customers:read`.

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
    filter::id_of,
    kind::{Instant, Money},
    paging::{Asked, Listing, Page, Paging},
    tagged::tagged,
};
use crate::{
    app::SharedHub,
    http::error::AppError,
    identity::Action,
    model::ids::Noun,
    store::read_noun::{self as rows, ProductRow, Wanted},
};

pub fn routes() -> OpenApiRouter<SharedHub> {
    OpenApiRouter::default().routes(routes!(list)).routes(routes!(one))
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct OfProducts {
    /// Only from this connection.
    connection: Option<String>,
    /// The code by which lines of the same connection name it, whole.
    #[param(example = "P-100")]
    code: Option<String>,
    /// Only what changed, or was taken away, at or after this instant.
    updated_since: Option<Instant>,
    /// `true`: with products that their source took away (`deleted_at`).
    deleted: Option<bool>,
}

/// Something that is sold.
#[derive(Serialize, ToSchema)]
struct Product {
    #[schema(examples("prd_06a8q2m4e8r4s7v1x3z5b7d9f1"))]
    id: String,
    connection_id: String,
    /// The source's own key.
    external_id: String,
    /// As lines of the same connection name it; a source may use one code twice.
    code: String,
    name: String,
    /// 個, 本, 式 …
    unit: Option<String>,
    /// For one unit: decimal text in whole units of the currency.
    #[schema(examples("1980"))]
    price: Option<String>,
    currency: Money,
    /// Still sold.
    active: bool,
    /// How often the hub saw it change, counting from 1.
    seq: i64,
    updated_at: Instant,
    /// Its source took it away.
    deleted_at: Option<Instant>,
}

fn shape(row: ProductRow) -> Product {
    Product {
        id: row.id,
        connection_id: row.connection_id,
        external_id: row.external_id,
        code: row.code,
        name: row.name,
        unit: row.unit,
        price: row.price,
        currency: Money(row.currency),
        active: row.active,
        seq: row.seq,
        updated_at: Instant(row.deleted_at.unwrap_or(row.received_at)),
        deleted_at: row.deleted_at.map(Instant),
    }
}

/// Products, by id
#[utoipa::path(get, path = "/products", operation_id = "listProducts", tag = "products",
    security(("token" = ["customers:read"])), params(Paging, OfProducts),
    responses((status = 200, description = "One page", body = Page<Product>)))]
async fn list(
    State(hub): State<SharedHub>,
    caller: Caller,
    listing: Listing<OfProducts>,
) -> Result<Json<Page<Product>>, AppError> {
    caller.require(Action::ViewCustomers)?;
    let filter = &listing.filter;
    let wanted = Wanted {
        connection: filter.connection.as_deref(),
        updated_since: filter.updated_since.map(|at| at.0),
        after: listing.after(Noun::Product)?,
        limit: listing.ask(),
        ..Wanted::default()
    };
    let found = rows::products(&hub.db, &wanted, filter.code.as_deref(), filter.deleted == Some(true)).await?;
    Ok(Json(Page::of(found, listing.limit, |row| row.id.clone(), shape)))
}

/// One product
#[utoipa::path(get, path = "/products/{id}", operation_id = "getProduct", tag = "products",
    security(("token" = ["customers:read"])),
    params(("id" = String, Path, description = "Of the product", example = "prd_06a8q2m4e8r4s7v1x3z5b7d9f1")),
    responses((status = 200, description = "The product", body = Product), (status = 304, description = "Not changed")))]
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
    let row = rows::products(&hub.db, &wanted, None, true).await?.pop().ok_or(AppError::NotFound)?;
    tagged(&headers, &shape(row))
}
