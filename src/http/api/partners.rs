//! `/sites` and `/contacts`: the places and people of all customers. Scope `customers:read`.

use axum::{
    Json,
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Caller,
    filter::{Named, OfCustomer, id_of},
    kind::{Instant, Maskable},
    paging::{Asked, Listing, Page, Paging},
    tagged::tagged,
};
use crate::{
    app::SharedHub,
    http::error::AppError,
    identity::Action,
    model::{Class, View, ids::Noun},
    store::read_noun::{self as rows, ContactRow, SiteRow, Wanted},
};

pub fn routes() -> OpenApiRouter<SharedHub> {
    OpenApiRouter::default()
        .routes(routes!(sites))
        .routes(routes!(site))
        .routes(routes!(contacts))
        .routes(routes!(contact))
}

/// A place of a customer: where things are sent, or the bill.
#[derive(Serialize, ToSchema)]
struct Site {
    #[schema(examples("sit_06a8q2m4e8r4s7v1x3z5b7d9f1"))]
    id: String,
    customer_id: String,
    connection_id: String,
    /// The source's own key.
    external_id: String,
    /// The source's own code of the place.
    code: Option<String>,
    /// `ship_to`, `bill_to` or `both`.
    role: String,
    name: String,
    postal_code: Option<Maskable>,
    address: Option<Maskable>,
    phone: Option<Maskable>,
    closing_day: Option<Maskable>,
    /// Who looks after it.
    owner: Option<String>,
    /// How often the hub saw it change, counting from 1.
    seq: i64,
    updated_at: Instant,
}

fn shape_site(view: &View, row: SiteRow) -> Site {
    let person = row.customer_kind == "person";
    let shown = |field: &str, value: Option<String>| {
        value.map(|text| {
            let hidden = view.hides_field(field, person);
            if hidden { Maskable::Masked { masked: true } } else { Maskable::Text(text) }
        })
    };
    Site {
        id: row.id,
        customer_id: row.customer_id,
        connection_id: row.connection_id,
        external_id: row.external_id,
        code: row.code,
        role: row.role,
        name: row.name,
        postal_code: shown("postal_code", row.postal_code),
        address: shown("address", row.address),
        phone: shown("phone", row.phone),
        closing_day: shown("closing_day", row.closing_day),
        owner: row.owner,
        seq: row.seq,
        updated_at: Instant(row.updated_at),
    }
}

/// A person at a customer.
#[derive(Serialize, ToSchema)]
struct Contact {
    #[schema(examples("cnt_06a8q2m4e8r4s7v1x3z5b7d9f1"))]
    id: String,
    customer_id: String,
    connection_id: String,
    /// The source's own key.
    external_id: String,
    name: String,
    name_kana: Option<String>,
    department: Option<String>,
    title: Option<String>,
    mail: Option<Maskable>,
    phone: Option<Maskable>,
    /// How often the hub saw it change, counting from 1.
    seq: i64,
    updated_at: Instant,
}

fn shape_contact(view: &View, row: ContactRow) -> Contact {
    let personal = |value: Option<String>| value.map(|text| view.shown(Class::Personal, text).into());
    Contact {
        id: row.id,
        customer_id: row.customer_id,
        connection_id: row.connection_id,
        external_id: row.external_id,
        name: row.name,
        name_kana: row.name_kana,
        department: row.department,
        title: row.title,
        mail: personal(row.mail),
        phone: personal(row.phone),
        seq: row.seq,
        updated_at: Instant(row.updated_at),
    }
}

fn wanted<'a>(listing: &'a Listing<OfCustomer>, named: &'a Named, noun: Noun) -> Result<Wanted<'a>, AppError> {
    Ok(Wanted {
        id: None,
        customer: named.id(),
        connection: listing.filter.connection.as_deref(),
        updated_since: listing.filter.updated_since.map(|at| at.0),
        after: listing.after(noun)?,
        limit: if named.is_nobody() { 0 } else { listing.ask() },
    })
}

/// Sites of all customers, by id
#[utoipa::path(get, path = "/sites", operation_id = "listSites", tag = "sites",
    security(("token" = ["customers:read"])), params(Paging, OfCustomer),
    responses((status = 200, description = "One page", body = Page<Site>)))]
async fn sites(
    State(hub): State<SharedHub>,
    caller: Caller,
    listing: Listing<OfCustomer>,
) -> Result<Json<Page<Site>>, AppError> {
    caller.require(Action::ViewCustomers)?;
    let view = &caller.me().view;
    let named = Named::find(&hub, &caller, listing.filter.customer.as_deref()).await?;
    let found = rows::sites(&hub.db, view, &wanted(&listing, &named, Noun::Site)?).await?;
    Ok(Json(Page::of(found, listing.limit, |row| row.id.clone(), |row| shape_site(view, row))))
}

/// One site
#[utoipa::path(get, path = "/sites/{id}", operation_id = "getSite", tag = "sites",
    security(("token" = ["customers:read"])),
    params(("id" = String, Path, description = "Of the site", example = "sit_06a8q2m4e8r4s7v1x3z5b7d9f1")),
    responses((status = 200, description = "The site", body = Site), (status = 304, description = "Not changed")))]
async fn site(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    caller.require(Action::ViewCustomers)?;
    let (view, id) = (&caller.me().view, id_of(&id));
    let wanted = Wanted { id: Some(&id), limit: 1, ..Wanted::default() };
    let row = rows::sites(&hub.db, view, &wanted).await?.pop().ok_or(AppError::NotFound)?;
    caller.seen(&hub, &row.customer_id);
    tagged(&headers, &shape_site(view, row))
}

/// Contacts of all customers, by id
#[utoipa::path(get, path = "/contacts", operation_id = "listContacts", tag = "contacts",
    security(("token" = ["customers:read"])), params(Paging, OfCustomer),
    responses((status = 200, description = "One page", body = Page<Contact>)))]
async fn contacts(
    State(hub): State<SharedHub>,
    caller: Caller,
    listing: Listing<OfCustomer>,
) -> Result<Json<Page<Contact>>, AppError> {
    caller.require(Action::ViewCustomers)?;
    let view = &caller.me().view;
    let named = Named::find(&hub, &caller, listing.filter.customer.as_deref()).await?;
    let found = rows::contacts(&hub.db, view, &wanted(&listing, &named, Noun::Contact)?).await?;
    Ok(Json(Page::of(found, listing.limit, |row| row.id.clone(), |row| shape_contact(view, row))))
}

/// One contact
#[utoipa::path(get, path = "/contacts/{id}", operation_id = "getContact", tag = "contacts",
    security(("token" = ["customers:read"])),
    params(("id" = String, Path, description = "Of the contact", example = "cnt_06a8q2m4e8r4s7v1x3z5b7d9f1")),
    responses((status = 200, description = "The contact", body = Contact), (status = 304, description = "Not changed")))]
async fn contact(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    caller.require(Action::ViewCustomers)?;
    let (view, id) = (&caller.me().view, id_of(&id));
    let wanted = Wanted { id: Some(&id), limit: 1, ..Wanted::default() };
    let row = rows::contacts(&hub.db, view, &wanted).await?.pop().ok_or(AppError::NotFound)?;
    caller.seen(&hub, &row.customer_id);
    tagged(&headers, &shape_contact(view, row))
}
