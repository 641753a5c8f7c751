//! `/contracts` and `/inquiries`: brought by sources or typed into the hub; what was typed here is changed here. Scopes
//! `customers:read` to read, `customers:write` for contracts, `activities:write` for inquiries.

use axum::{
    Json,
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Of, page, shape::updated, whole};
use crate::{
    analytics::document::Document,
    app::{Change, Hub, SharedHub},
    http::{
        api::{
            Caller,
            body::Body,
            filter::id_of,
            idempotency::{Key, KeyHeader, Once},
            kind::{Day, Instant, Money},
            paging::{Asked, Listing, Page, Paging},
            tagged::tagged,
        },
        error::{AppError, Wrong},
    },
    identity::{Action, audit},
    master::typed::{self, By, Fields, Typed, TypedError},
    model::{self, ids::Noun},
    store,
};

pub fn routes() -> OpenApiRouter<SharedHub> {
    OpenApiRouter::default()
        .routes(routes!(contracts, add_contract))
        .routes(routes!(contract, change_contract))
        .routes(routes!(inquiries, add_inquiry))
        .routes(routes!(inquiry, change_inquiry))
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct OfContracts {
    /// `active`, `draft`, `ended` or `cancelled`.
    status: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct OfInquiries {
    /// `open`, `answered` or `closed`.
    status: Option<String>,
}

/// What was agreed with a customer for a time (契約).
#[derive(Serialize, ToSchema)]
struct Contract {
    #[schema(examples("ctr_06a8q2m4e8r4s7v1x3z5b7d9f1"))]
    id: String,
    customer_id: String,
    /// Null: typed into the hub.
    connection_id: Option<String>,
    /// The source's own key.
    external_id: Option<String>,
    #[schema(examples("K-26-0041"))]
    number: String,
    name: String,
    start_date: Day,
    /// Last day; null: until somebody ends it.
    end_date: Option<Day>,
    /// `manual`, `automatic` or `none`.
    renewal: String,
    /// `active`, `draft`, `ended` or `cancelled`.
    status: String,
    currency: Money,
    amount: Option<i64>,
    note: Option<String>,
    /// How often the hub saw it change, counting from 1.
    seq: i64,
    updated_at: Instant,
    /// Its source, or a person, took it away.
    deleted_at: Option<Instant>,
}

/// Something that a customer asked (問い合わせ).
#[derive(Serialize, ToSchema)]
struct Inquiry {
    #[schema(examples("inq_06a8q2m4e8r4s7v1x3z5b7d9f1"))]
    id: String,
    customer_id: String,
    /// Null: typed into the hub.
    connection_id: Option<String>,
    /// The source's own key.
    external_id: Option<String>,
    number: Option<String>,
    received_date: Day,
    /// The instant, where more than the day is known.
    received_at: Option<Instant>,
    /// `phone`, `mail`, `web`, `chat`, `visit` or `other`.
    channel: String,
    subject: String,
    note: Option<String>,
    /// `open`, `answered` or `closed`.
    status: String,
    answered_at: Option<Instant>,
    /// Who looks after it.
    owner: Option<String>,
    /// How often the hub saw it change, counting from 1.
    seq: i64,
    updated_at: Instant,
    /// Its source, or a person, took it away.
    deleted_at: Option<Instant>,
}

fn contract_of(d: Document) -> Contract {
    Contract {
        updated_at: updated(&d),
        connection_id: d.source.connection_id,
        external_id: d.external_id,
        id: d.id,
        customer_id: d.customer_id,
        number: d.number.unwrap_or_default(),
        name: d.subject.unwrap_or_default(),
        start_date: Day(d.date),
        end_date: d.end_date.map(Day),
        renewal: d.renewal.unwrap_or_default(),
        status: d.status.unwrap_or_default(),
        currency: d.currency.into(),
        amount: d.total,
        note: d.note,
        seq: d.seq,
        deleted_at: d.deleted_at.map(Into::into),
    }
}

fn inquiry_of(d: Document) -> Inquiry {
    Inquiry {
        updated_at: updated(&d),
        connection_id: d.source.connection_id,
        external_id: d.external_id,
        id: d.id,
        customer_id: d.customer_id,
        number: d.number,
        received_date: Day(d.date),
        received_at: d.occurred_at.map(Into::into),
        channel: d.channel.unwrap_or_default(),
        subject: d.subject.unwrap_or_default(),
        note: d.note,
        status: d.status.unwrap_or_default(),
        answered_at: d.answered_at.map(Into::into),
        owner: d.owner,
        seq: d.seq,
        deleted_at: d.deleted_at.map(Into::into),
    }
}

/// Fields of a contract: what is missing stays, null says that there is none.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "says what may be given; the values are checked with those of sources")]
struct NewContract {
    /// Of a new one: id of the customer.
    customer_id: Option<String>,
    number: Option<String>,
    name: Option<String>,
    start_date: Option<Day>,
    end_date: Option<Day>,
    /// `manual`, `automatic` or `none`.
    renewal: Option<String>,
    /// `active`, `draft`, `ended` or `cancelled`.
    status: Option<String>,
    currency: Option<String>,
    /// Minor units of the currency.
    amount: Option<i64>,
    note: Option<String>,
}

/// Fields of an inquiry: what is missing stays, null says that there is none.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "says what may be given; the values are checked with those of sources")]
struct NewInquiry {
    /// Of a new one: id of the customer.
    customer_id: Option<String>,
    number: Option<String>,
    received_date: Option<Day>,
    received_at: Option<Instant>,
    /// `phone`, `mail`, `web`, `chat`, `visit` or `other`.
    channel: Option<String>,
    subject: Option<String>,
    note: Option<String>,
    /// `open`, `answered` or `closed`.
    status: Option<String>,
    answered_at: Option<Instant>,
    owner: Option<String>,
}

/// A kind of record that can be typed, as the API has it.
struct Sort {
    what: Typed,
    noun: Noun,
    may: Action,
    path: &'static str,
    action: &'static str,
    code: &'static str,
}

const CONTRACT: Sort = Sort {
    what: Typed::Contract,
    noun: Noun::Contract,
    may: Action::EditCustomers,
    path: "contracts",
    action: "customer.contract",
    code: "CONTRACT_INVALID",
};

const INQUIRY: Sort = Sort {
    what: Typed::Inquiry,
    noun: Noun::Inquiry,
    may: Action::RecordActivity,
    path: "inquiries",
    action: "customer.inquiry",
    code: "INQUIRY_INVALID",
};

/// The body under the hub's own names, and whose it shall be. Amounts are minor units here and whole ones there.
fn fields(hub: &Hub, mut map: Map<String, Value>) -> (Fields, Option<String>) {
    let customer = map.remove("customer_id").and_then(|id| id.as_str().map(str::to_owned));
    let named = map.get("currency").and_then(Value::as_str).and_then(|code| code.parse().ok());
    let currency = named.unwrap_or(hub.currency);
    if let Some(minor) = map.get("amount").and_then(Value::as_i64) {
        map.insert("amount".to_owned(), json!(model::Money { minor, currency }.to_major()));
    }
    if let Some(at) = map.remove("received_at") {
        map.insert("occurred_at".to_owned(), at);
    }
    (map, customer)
}

fn by<'a>(hub: &Hub, caller: &'a Caller) -> By<'a> {
    By { actor: &caller.me().name, now: hub.clock.now(), currency: hub.currency }
}

async fn add<T: Serialize>(
    hub: &SharedHub,
    caller: &Caller,
    (sort, key): (&Sort, Key),
    body: &Body,
    shape: fn(Document) -> T,
) -> Result<Response, AppError> {
    let (fields, customer) = fields(hub, body.meant()?);
    let now = hub.clock.now();
    let mut tx = hub.db.begin().await?;
    let operation = format!("POST /{}", sort.path);
    let once = match Once::begin(&mut tx, caller, key, (&operation, &body.0), now).await? {
        Ok(once) => once,
        Err(answered) => return Ok(answered),
    };
    let asked = id_of(customer.as_deref().unwrap_or_default());
    let unknown = || invalid(sort, vec![Wrong { field: "customer_id".to_owned(), code: "CUSTOMER_UNKNOWN" }]);
    let seen = store::in_view(&mut tx, &caller.me().view, &asked).await?.ok_or_else(unknown)?;
    let added = typed::add(&mut tx, sort.what, &seen, fields, None, by(hub, caller)).await;
    let id = added.map_err(|error| refused(sort, error))?;
    audit::record(&mut tx, caller.act(sort.action, ("customer", seen.id())), now).await?;
    let found = crate::analytics::document::typed(&mut tx, &seen, &id).await?.ok_or(AppError::NotFound)?;
    let response = once.made(&mut tx, &format!("/api/v1/{}/{id}", sort.path), &shape(found)).await?;
    tx.commit().await?;
    told(hub, seen.id());
    Ok(response)
}

async fn change<T: Serialize>(
    hub: &SharedHub,
    caller: &Caller,
    (sort, id): (&Sort, &str),
    body: &Body,
    shape: fn(Document) -> T,
) -> Result<Json<T>, AppError> {
    let map: Map<String, Value> = body.meant()?;
    if map.contains_key("customer_id") {
        return Err(invalid(sort, vec![Wrong { field: "customer_id".to_owned(), code: "FIELD_UNKNOWN" }]));
    }
    let stands = whole(hub, caller, sort.noun, id).await?;
    let mut map = map;
    // The amount is of the currency that stands, where no other is named.
    if map.contains_key("amount") && !map.contains_key("currency") {
        map.insert("currency".to_owned(), json!(stands.currency.to_string()));
    }
    let (fields, _) = fields(hub, map);
    let seen = store::in_view(&hub.db, &caller.me().view, &stands.customer_id).await?.ok_or(AppError::NotFound)?;
    let mut tx = hub.db.begin().await?;
    let changed = typed::change(&mut tx, sort.what, (&seen, &stands.id), None, fields, by(hub, caller)).await;
    changed.map_err(|error| refused(sort, error))?;
    audit::record(&mut tx, caller.act(sort.action, ("customer", seen.id())), hub.clock.now()).await?;
    tx.commit().await?;
    told(hub, seen.id());
    Ok(Json(shape(whole(hub, caller, sort.noun, id).await?)))
}

fn told(hub: &SharedHub, customer: &str) {
    hub.refresher.touch(vec![customer.to_owned()]);
    // Nobody listening is no error.
    let _ = hub.changes.send(Change::Customer(customer.to_owned()));
}

fn invalid(sort: &Sort, wrong: Vec<Wrong>) -> AppError {
    let list: Vec<String> = wrong.iter().map(|one| format!("{} ({})", one.field, one.code)).collect();
    AppError::Values { detail: format!("{}: nothing was changed: {}", sort.code, list.join(", ")), wrong }
}

fn refused(sort: &Sort, error: TypedError) -> AppError {
    let named = |field: String| if field == "occurred_at" { "received_at".to_owned() } else { field };
    match error {
        TypedError::Invalid(errors) => {
            invalid(sort, errors.into_iter().map(|e| Wrong { field: named(e.field), code: e.code }).collect())
        }
        TypedError::Unknown => AppError::Conflict {
            code: "NOT_TYPED_HERE",
            detail: "a source brought this record; change it there".to_owned(),
        },
        TypedError::Stale(seq) => AppError::Stale { detail: format!("the record is at version {seq} by now") },
        TypedError::Store(error) => error.into(),
    }
}

/// Contracts of all customers, by id
///
/// `from` and `to` are of the day on which they begin. To follow changes, ask with `updated_since` and `deleted=true`.
#[utoipa::path(get, path = "/contracts", operation_id = "listContracts", tag = "contracts",
    security(("token" = ["customers:read"])), params(Paging, Of<OfContracts>),
    responses((status = 200, description = "One page", body = Page<Contract>)))]
async fn contracts(
    State(hub): State<SharedHub>,
    caller: Caller,
    listing: Listing<Of<OfContracts>>,
) -> Result<Json<Page<Contract>>, AppError> {
    let own = &listing.filter.own;
    page(&hub, &caller, Noun::Contract, &listing, (own.status.as_deref(), None), contract_of).await
}

/// One contract
#[utoipa::path(get, path = "/contracts/{id}", operation_id = "getContract", tag = "contracts",
    security(("token" = ["customers:read"])),
    params(("id" = String, Path, description = "Of the contract", example = "ctr_06a8q2m4e8r4s7v1x3z5b7d9f1")),
    responses((status = 200, description = "The contract", body = Contract), (status = 304, description = "Not changed")))]
async fn contract(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    tagged(&headers, &contract_of(whole(&hub, &caller, Noun::Contract, &id).await?))
}

/// Adds a contract
#[utoipa::path(post, path = "/contracts", operation_id = "createContract", tag = "contracts",
    security(("token" = ["customers:write"])), params(KeyHeader),
    request_body(content = NewContract, example = json!({"customer_id": "$ID", "number": "K-26-0041",
        "name": "年間保守契約", "start_date": "2026-12-01", "end_date": "2027-11-30", "amount": 1200000})),
    responses((status = 201, description = "Added", body = Contract,
            headers(("Location" = String, description = "Its address"))),
        (status = 409, description = "IDEMPOTENCY_KEY_USED: the Idempotency-Key came with another call before"),
        (status = 422, description = "IDEMPOTENCY_KEY_INVALID, VALUES_INVALID: `fields` says which")))]
async fn add_contract(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    key: Key,
    body: Body,
) -> Result<Response, AppError> {
    caller.require(CONTRACT.may)?;
    let _: NewContract = body.meant()?;
    add(&hub, &caller, (&CONTRACT, key), &body, contract_of).await
}

/// Changes a contract that was typed into the hub
#[utoipa::path(patch, path = "/contracts/{id}", operation_id = "changeContract", tag = "contracts",
    security(("token" = ["customers:write"])),
    params(("id" = String, Path, description = "Of the contract", example = "ctr_06a8q2m4e8r4s7v1x3z5b7d9f1")),
    request_body(content = NewContract, example = json!({"status": "ended"})),
    responses((status = 200, description = "The contract as it is now", body = Contract),
        (status = 409, description = "NOT_TYPED_HERE: a source brought it; change it there"),
        (status = 422, description = "VALUES_INVALID: `fields` says which")))]
async fn change_contract(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    Path(id): Path<String>,
    body: Body,
) -> Result<Json<Contract>, AppError> {
    caller.require(CONTRACT.may)?;
    let _: NewContract = body.meant()?;
    change(&hub, &caller, (&CONTRACT, &id_of(&id)), &body, contract_of).await
}

/// Inquiries of all customers, by id
///
/// `from` and `to` are of the day on which they came. To follow changes, ask with `updated_since` and `deleted=true`.
#[utoipa::path(get, path = "/inquiries", operation_id = "listInquiries", tag = "inquiries",
    security(("token" = ["customers:read"])), params(Paging, Of<OfInquiries>),
    responses((status = 200, description = "One page", body = Page<Inquiry>)))]
async fn inquiries(
    State(hub): State<SharedHub>,
    caller: Caller,
    listing: Listing<Of<OfInquiries>>,
) -> Result<Json<Page<Inquiry>>, AppError> {
    let own = &listing.filter.own;
    page(&hub, &caller, Noun::Inquiry, &listing, (own.status.as_deref(), None), inquiry_of).await
}

/// One inquiry
#[utoipa::path(get, path = "/inquiries/{id}", operation_id = "getInquiry", tag = "inquiries",
    security(("token" = ["customers:read"])),
    params(("id" = String, Path, description = "Of the inquiry", example = "inq_06a8q2m4e8r4s7v1x3z5b7d9f1")),
    responses((status = 200, description = "The inquiry", body = Inquiry), (status = 304, description = "Not changed")))]
async fn inquiry(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    tagged(&headers, &inquiry_of(whole(&hub, &caller, Noun::Inquiry, &id).await?))
}

/// Records an inquiry
#[utoipa::path(post, path = "/inquiries", operation_id = "createInquiry", tag = "inquiries",
    security(("token" = ["activities:write"])), params(KeyHeader),
    request_body(content = NewInquiry, example = json!({"customer_id": "$ID", "received_date": "2026-11-20",
        "channel": "phone", "subject": "納期を早められるか"})),
    responses((status = 201, description = "Recorded", body = Inquiry,
            headers(("Location" = String, description = "Its address"))),
        (status = 409, description = "IDEMPOTENCY_KEY_USED: the Idempotency-Key came with another call before"),
        (status = 422, description = "IDEMPOTENCY_KEY_INVALID, VALUES_INVALID: `fields` says which")))]
async fn add_inquiry(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    key: Key,
    body: Body,
) -> Result<Response, AppError> {
    caller.require(INQUIRY.may)?;
    let _: NewInquiry = body.meant()?;
    add(&hub, &caller, (&INQUIRY, key), &body, inquiry_of).await
}

/// Changes an inquiry that was typed into the hub
#[utoipa::path(patch, path = "/inquiries/{id}", operation_id = "changeInquiry", tag = "inquiries",
    security(("token" = ["activities:write"])),
    params(("id" = String, Path, description = "Of the inquiry", example = "inq_06a8q2m4e8r4s7v1x3z5b7d9f1")),
    request_body(content = NewInquiry, example = json!({"status": "answered", "answered_at": "2026-11-20T01:14:00Z"})),
    responses((status = 200, description = "The inquiry as it is now", body = Inquiry),
        (status = 409, description = "NOT_TYPED_HERE: a source brought it; change it there"),
        (status = 422, description = "VALUES_INVALID: `fields` says which")))]
async fn change_inquiry(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    Path(id): Path<String>,
    body: Body,
) -> Result<Json<Inquiry>, AppError> {
    caller.require(INQUIRY.may)?;
    let _: NewInquiry = body.meant()?;
    change(&hub, &caller, (&INQUIRY, &id_of(&id)), &body, inquiry_of).await
}
