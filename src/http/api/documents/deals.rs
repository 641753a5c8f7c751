//! `/deals` and `/quotes`: what comes before orders.

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
    Of, page,
    shape::{Line, Related, lines, related, updated},
    whole,
};
use crate::{
    analytics::document::Document,
    app::SharedHub,
    http::{
        api::{
            Caller,
            kind::{Day, Instant, Money},
            paging::{Asked, Listing, Page, Paging},
            tagged::tagged,
        },
        error::AppError,
    },
    model::ids::Noun,
};

pub fn routes() -> OpenApiRouter<SharedHub> {
    OpenApiRouter::default().routes(routes!(deals)).routes(routes!(deal)).routes(routes!(quotes)).routes(routes!(quote))
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct OfDeals {
    /// `open`, `won` or `lost`.
    status: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct OfQuotes {
    /// `sent`, `draft`, `accepted`, `rejected` or `expired`.
    status: Option<String>,
}

/// Business that may come of a customer (商談).
#[derive(Serialize, ToSchema)]
struct Deal {
    #[schema(examples("dea_06a8q2m4e8r4s7v1x3z5b7d9f1"))]
    id: String,
    customer_id: String,
    connection_id: String,
    /// The source's own key.
    external_id: String,
    number: Option<String>,
    #[schema(examples("ブラケット増産"))]
    name: String,
    /// In the source's own words.
    #[schema(examples("見積提出"))]
    stage: Option<String>,
    /// `open`, `won` or `lost`.
    status: String,
    currency: Money,
    amount: Option<i64>,
    /// Percent.
    #[schema(minimum = 0, maximum = 100)]
    probability: Option<i64>,
    opened_date: Day,
    /// When the order is expected.
    expected_date: Option<Day>,
    /// When it was won or lost.
    closed_date: Option<Day>,
    /// Why it was won or lost.
    reason: Option<String>,
    /// Who looks after it, as the source names them.
    owner: Option<String>,
    /// The source's own instant, where it has one.
    occurred_at: Option<Instant>,
    /// How often the hub saw it change, counting from 1.
    seq: i64,
    updated_at: Instant,
    /// Its source took it away.
    deleted_at: Option<Instant>,
}

/// A deal with its quotes and the order that it became.
#[derive(Serialize, ToSchema)]
struct DealDetail {
    #[serde(flatten)]
    deal: Deal,
    quotes: Vec<Related>,
    /// The order that it became.
    orders: Vec<Related>,
}

/// What was offered to a customer (見積).
#[derive(Serialize, ToSchema)]
struct Quote {
    #[schema(examples("quo_06a8q2m4e8r4s7v1x3z5b7d9f1"))]
    id: String,
    customer_id: String,
    connection_id: String,
    /// The source's own key.
    external_id: String,
    #[schema(examples("QT-26-0311"))]
    number: String,
    issue_date: Day,
    /// Last day on which it can be accepted.
    valid_until: Option<Day>,
    /// `sent`, `draft`, `accepted`, `rejected` or `expired`.
    status: String,
    subject: Option<String>,
    currency: Money,
    /// Without tax.
    net: Option<i64>,
    tax: Option<i64>,
    /// With tax, as the source rounded it.
    total: Option<i64>,
    /// The source's own instant, where it has one.
    occurred_at: Option<Instant>,
    /// How often the hub saw it change, counting from 1.
    seq: i64,
    updated_at: Instant,
    /// Its source took it away.
    deleted_at: Option<Instant>,
}

/// A quote with its lines and the deal that it is of.
#[derive(Serialize, ToSchema)]
struct QuoteDetail {
    #[serde(flatten)]
    quote: Quote,
    lines: Vec<Line>,
    /// The deal that it is of; its number is what it is called.
    deals: Vec<Related>,
}

fn deal_of(d: Document) -> Deal {
    Deal {
        updated_at: updated(&d),
        connection_id: d.source.connection_id.unwrap_or_default(),
        external_id: d.external_id.unwrap_or_default(),
        id: d.id,
        customer_id: d.customer_id,
        number: d.number,
        name: d.subject.unwrap_or_default(),
        stage: d.stage,
        status: d.status.unwrap_or_default(),
        currency: d.currency.into(),
        amount: d.total,
        probability: d.probability,
        opened_date: Day(d.date),
        expected_date: d.expected_date.map(Day),
        closed_date: d.closed_date.map(Day),
        reason: d.reason,
        owner: d.owner,
        occurred_at: d.occurred_at.map(Into::into),
        seq: d.seq,
        deleted_at: d.deleted_at.map(Into::into),
    }
}

fn quote_of(d: Document) -> Quote {
    Quote {
        updated_at: updated(&d),
        connection_id: d.source.connection_id.unwrap_or_default(),
        external_id: d.external_id.unwrap_or_default(),
        id: d.id,
        customer_id: d.customer_id,
        number: d.number.unwrap_or_default(),
        issue_date: Day(d.date),
        valid_until: d.valid_until.map(Day),
        status: d.status.unwrap_or_default(),
        subject: d.subject,
        currency: d.currency.into(),
        net: d.net,
        tax: d.tax,
        total: d.total,
        occurred_at: d.occurred_at.map(Into::into),
        seq: d.seq,
        deleted_at: d.deleted_at.map(Into::into),
    }
}

/// Deals of all customers, by id
///
/// `from` and `to` are of the day on which they began. To follow changes, ask with `updated_since` and `deleted=true`.
#[utoipa::path(get, path = "/deals", operation_id = "listDeals", tag = "deals",
    security(("token" = ["customers:read"])), params(Paging, Of<OfDeals>),
    responses((status = 200, description = "One page", body = Page<Deal>)))]
async fn deals(
    State(hub): State<SharedHub>,
    caller: Caller,
    listing: Listing<Of<OfDeals>>,
) -> Result<Json<Page<Deal>>, AppError> {
    let own = &listing.filter.own;
    page(&hub, &caller, Noun::Deal, &listing, (own.status.as_deref(), None), deal_of).await
}

/// One deal with its quotes and order
#[utoipa::path(get, path = "/deals/{id}", operation_id = "getDeal", tag = "deals",
    security(("token" = ["customers:read"])),
    params(("id" = String, Path, description = "Of the deal", example = "dea_06a8q2m4e8r4s7v1x3z5b7d9f1")),
    responses((status = 200, description = "The deal", body = DealDetail), (status = 304, description = "Not changed")))]
async fn deal(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let mut found = whole(&hub, &caller, Noun::Deal, &id).await?;
    let (quotes, orders) = (related(&mut found.quotes), related(&mut found.orders));
    tagged(&headers, &DealDetail { deal: deal_of(found), quotes, orders })
}

/// Quotes of all customers, by id
///
/// To follow changes, ask with `updated_since` and `deleted=true`.
#[utoipa::path(get, path = "/quotes", operation_id = "listQuotes", tag = "quotes",
    security(("token" = ["customers:read"])), params(Paging, Of<OfQuotes>),
    responses((status = 200, description = "One page", body = Page<Quote>)))]
async fn quotes(
    State(hub): State<SharedHub>,
    caller: Caller,
    listing: Listing<Of<OfQuotes>>,
) -> Result<Json<Page<Quote>>, AppError> {
    let own = &listing.filter.own;
    page(&hub, &caller, Noun::Quote, &listing, (own.status.as_deref(), None), quote_of).await
}

/// One quote with its lines and deal
#[utoipa::path(get, path = "/quotes/{id}", operation_id = "getQuote", tag = "quotes",
    security(("token" = ["customers:read"])),
    params(("id" = String, Path, description = "Of the quote", example = "quo_06a8q2m4e8r4s7v1x3z5b7d9f1")),
    responses((status = 200, description = "The quote", body = QuoteDetail), (status = 304, description = "Not changed")))]
async fn quote(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let mut found = whole(&hub, &caller, Noun::Quote, &id).await?;
    let (lines, deals) = (lines(&mut found, 1), related(&mut found.deals));
    tagged(&headers, &QuoteDetail { quote: quote_of(found), lines, deals })
}
