//! `/orders`, `/shipments`, `/invoices` and `/payments` of all customers, as their sources have them; `/deals` and
//! `/quotes`, `/contracts` and `/inquiries` in rooms of their own. Scope
//! `customers:read`; a document of a customer whom the token's owner does not see is not there.

use axum::{
    Json,
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Caller,
    filter::{Named, OfDocuments, id_of},
    paging::{Asked, Listing, Page, Paging},
    tagged::tagged,
};
use crate::{
    analytics::document::{self, Document, Narrow, Wanted},
    app::{Hub, SharedHub},
    http::error::AppError,
    identity::Action,
    model::ids::Noun,
    store::{self, read_document_page::customer_of},
};

mod deals;
mod shape;
mod typed;

use shape::{Invoice, InvoiceDetail, Order, OrderDetail, Payment, PaymentDetail, Shipment, ShipmentDetail};

pub fn routes() -> OpenApiRouter<SharedHub> {
    OpenApiRouter::default()
        .routes(routes!(orders))
        .routes(routes!(order))
        .routes(routes!(shipments))
        .routes(routes!(shipment))
        .routes(routes!(invoices))
        .routes(routes!(invoice))
        .routes(routes!(payments))
        .routes(routes!(payment))
        .merge(deals::routes())
        .merge(typed::routes())
}

/// Filters of one kind of document: those that all have, and what only this one knows.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Of<Own> {
    #[serde(flatten)]
    all: OfDocuments,
    #[serde(flatten)]
    own: Own,
}

impl<Own: IntoParams> IntoParams for Of<Own> {
    fn into_params(
        at: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
    ) -> Vec<utoipa::openapi::path::Parameter> {
        let mut all = OfDocuments::into_params(&at);
        all.extend(Own::into_params(&at));
        all
    }
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct OfOrders {
    /// `open`, `shipped`, `closed` or `cancelled`.
    status: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct OfShipments {
    /// `planned`, `shipped` or `cancelled`.
    status: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct OfInvoices {
    /// `open`, `paid` or `cancelled`.
    status: Option<String>,
    /// `invoice` or `credit_note`.
    kind: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct OfPayments {}

/// One page of documents.
async fn page<Own, T>(
    hub: &Hub,
    caller: &Caller,
    noun: Noun,
    listing: &Listing<Of<Own>>,
    (status, kind): (Option<&str>, Option<&str>),
    shape: impl FnMut(Document) -> T,
) -> Result<Json<Page<T>>, AppError> {
    caller.require(Action::ViewCustomers)?;
    let filter = &listing.filter.all;
    let named = Named::find(hub, caller, filter.customer.as_deref()).await?;
    let wanted = Wanted {
        id: None,
        customer: named.id(),
        connection: filter.connection.as_deref(),
        updated_since: filter.updated_since.map(|at| at.0),
        after: listing.after(noun)?,
        limit: if named.is_nobody() { 0 } else { listing.ask() },
    };
    let narrow = Narrow {
        number: filter.number.as_deref(),
        status,
        kind,
        from: filter.from.as_ref().map(|day| day.0.as_str()),
        to: filter.to.as_ref().map(|day| day.0.as_str()),
        deleted: filter.deleted == Some(true),
    };
    let found = document::page(&hub.db, &caller.me().view, noun.prefix(), &wanted, &narrow).await?;
    Ok(Json(Page::of(found, listing.limit, |one| one.id.clone(), shape)))
}

/// One document of this noun with everything on it.
async fn whole(hub: &Hub, caller: &Caller, noun: Noun, id: &str) -> Result<Document, AppError> {
    caller.require(Action::ViewCustomers)?;
    let id = id_of(id);
    if !id.strip_prefix(noun.prefix()).is_some_and(|rest| rest.starts_with('_')) {
        return Err(AppError::NotFound);
    }
    let customer = customer_of(&hub.db, &id).await?.ok_or(AppError::NotFound)?;
    let seen = store::in_view(&hub.db, &caller.me().view, &customer).await?.ok_or(AppError::NotFound)?;
    let found = document::event(&hub.db, &seen, &id).await?.ok_or(AppError::NotFound)?;
    caller.seen(hub, seen.id());
    Ok(found)
}

/// Orders of all customers, by id
///
/// To follow changes, ask with `updated_since` and `deleted=true`.
#[utoipa::path(get, path = "/orders", operation_id = "listOrders", tag = "orders",
    security(("token" = ["customers:read"])), params(Paging, Of<OfOrders>),
    responses((status = 200, description = "One page", body = Page<Order>)))]
async fn orders(
    State(hub): State<SharedHub>,
    caller: Caller,
    listing: Listing<Of<OfOrders>>,
) -> Result<Json<Page<Order>>, AppError> {
    let own = &listing.filter.own;
    page(&hub, &caller, Noun::Order, &listing, (own.status.as_deref(), None), shape::order).await
}

/// One order with its lines, shipments and invoices
#[utoipa::path(get, path = "/orders/{id}", operation_id = "getOrder", tag = "orders",
    security(("token" = ["customers:read"])),
    params(("id" = String, Path, description = "Of the order", example = "ord_06a8q2m4e8r4s7v1x3z5b7d9f1")),
    responses((status = 200, description = "The order", body = OrderDetail), (status = 304, description = "Not changed")))]
async fn order(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let found = whole(&hub, &caller, Noun::Order, &id).await?;
    tagged(&headers, &shape::order_detail(found))
}

/// Shipments of all customers, by id
///
/// To follow changes, ask with `updated_since` and `deleted=true`.
#[utoipa::path(get, path = "/shipments", operation_id = "listShipments", tag = "shipments",
    security(("token" = ["customers:read"])), params(Paging, Of<OfShipments>),
    responses((status = 200, description = "One page", body = Page<Shipment>)))]
async fn shipments(
    State(hub): State<SharedHub>,
    caller: Caller,
    listing: Listing<Of<OfShipments>>,
) -> Result<Json<Page<Shipment>>, AppError> {
    let own = &listing.filter.own;
    page(&hub, &caller, Noun::Shipment, &listing, (own.status.as_deref(), None), shape::shipment).await
}

/// One shipment with its lines and orders
#[utoipa::path(get, path = "/shipments/{id}", operation_id = "getShipment", tag = "shipments",
    security(("token" = ["customers:read"])),
    params(("id" = String, Path, description = "Of the shipment", example = "shp_06a8q2m4e8r4s7v1x3z5b7d9f1")),
    responses((status = 200, description = "The shipment", body = ShipmentDetail), (status = 304, description = "Not changed")))]
async fn shipment(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let found = whole(&hub, &caller, Noun::Shipment, &id).await?;
    tagged(&headers, &shape::shipment_detail(found))
}

/// Invoices and credit notes of all customers, by id
///
/// To follow changes, ask with `updated_since` and `deleted=true`.
#[utoipa::path(get, path = "/invoices", operation_id = "listInvoices", tag = "invoices",
    security(("token" = ["customers:read"])), params(Paging, Of<OfInvoices>),
    responses((status = 200, description = "One page", body = Page<Invoice>)))]
async fn invoices(
    State(hub): State<SharedHub>,
    caller: Caller,
    listing: Listing<Of<OfInvoices>>,
) -> Result<Json<Page<Invoice>>, AppError> {
    let own = &listing.filter.own;
    page(&hub, &caller, Noun::Invoice, &listing, (own.status.as_deref(), own.kind.as_deref()), shape::invoice).await
}

/// One invoice or credit note with its lines, taxes, orders and payments
#[utoipa::path(get, path = "/invoices/{id}", operation_id = "getInvoice", tag = "invoices",
    security(("token" = ["customers:read"])),
    params(("id" = String, Path, description = "Of the invoice", example = "inv_06a8q2m4e8r4s7v1x3z5b7d9f1")),
    responses((status = 200, description = "The invoice", body = InvoiceDetail), (status = 304, description = "Not changed")))]
async fn invoice(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let found = whole(&hub, &caller, Noun::Invoice, &id).await?;
    tagged(&headers, &shape::invoice_detail(found))
}

/// Payments of all customers, by id
///
/// To follow changes, ask with `updated_since` and `deleted=true`.
#[utoipa::path(get, path = "/payments", operation_id = "listPayments", tag = "payments",
    security(("token" = ["customers:read"])), params(Paging, Of<OfPayments>),
    responses((status = 200, description = "One page", body = Page<Payment>)))]
async fn payments(
    State(hub): State<SharedHub>,
    caller: Caller,
    listing: Listing<Of<OfPayments>>,
) -> Result<Json<Page<Payment>>, AppError> {
    page(&hub, &caller, Noun::Payment, &listing, (None, None), shape::payment).await
}

/// One payment with what it pays
#[utoipa::path(get, path = "/payments/{id}", operation_id = "getPayment", tag = "payments",
    security(("token" = ["customers:read"])),
    params(("id" = String, Path, description = "Of the payment", example = "pay_06a8q2m4e8r4s7v1x3z5b7d9f1")),
    responses((status = 200, description = "The payment", body = PaymentDetail), (status = 304, description = "Not changed")))]
async fn payment(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let found = whole(&hub, &caller, Noun::Payment, &id).await?;
    tagged(&headers, &shape::payment_detail(found))
}
