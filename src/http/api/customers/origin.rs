//! Where a customer's values come from, and what the record was at a time, as JSON.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Path, State},
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::{PartialSchema, ToSchema, openapi};

use super::{
    Caller, Found, found,
    shape::{self, Contact, Site},
};
use crate::{
    analytics::{
        customer,
        past::{self, Past},
        why::{self, Moment, Why},
    },
    app::{Hub, SharedHub},
    http::{
        api::{
            kind::{Day, Instant, Maskable, Money},
            paging::Asked,
        },
        error::AppError,
    },
    master::rules,
    matching::survivorship::Then,
    model::{
        custom::{self, Definitions},
        record::CUSTOMER_FIELDS,
    },
    store::custom_field,
};

/// Where a value came from.
#[derive(Serialize, ToSchema)]
struct Source {
    /// Null for what was typed into the hub.
    connection_id: Option<String>,
    name: String,
    /// `sales`, `accounting`, `deals`, `sheet`, `bi`, `generic` or `hub`.
    kind: String,
}

impl From<customer::Source> for Source {
    fn from(of: customer::Source) -> Self {
        Self { connection_id: of.connection_id, name: of.name, kind: of.kind }
    }
}

/// One field: what stands, why, and what else there is.
#[derive(Serialize, ToSchema)]
pub struct Provenance {
    field: String,
    value: Option<Maskable>,
    /// `only_source`, `authority`, `newest`, `longest`, `typed` or `pinned`; null where nothing stands.
    why: Option<String>,
    source: Option<Source>,
    /// Since when the source was seen with it.
    at: Option<Instant>,
    rule: RuleOf,
    typed: Option<TypedValue>,
    /// What sources say, the best first by the rule.
    offers: Vec<Offer>,
    /// What the field was, the newest first; only where one field was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<Vec<Earlier>>,
}

/// The rule that chooses between sources.
#[derive(Serialize, ToSchema)]
#[schema(as = ProvenanceRule)]
struct RuleOf {
    group: &'static str,
    /// Kinds of systems or ids of connections, the best first.
    order: Vec<String>,
    /// Between equals: `newest` or `longest`.
    #[schema(value_type = String)]
    then: Then,
}

/// What a person or a program typed.
#[derive(Serialize, ToSchema)]
struct TypedValue {
    value: Option<Maskable>,
    actor: String,
    at: Instant,
    /// It stands whatever the sources say.
    pinned: bool,
}

/// What one source says.
#[derive(Serialize, ToSchema)]
struct Offer {
    value: Maskable,
    source: Source,
    /// The source's own key.
    external_id: String,
    at: Instant,
    /// It is the value that stands.
    stands: bool,
}

/// A value that the field had.
#[derive(Serialize, ToSchema)]
struct Earlier {
    value: Option<Maskable>,
    from: Instant,
    /// Null: it stands.
    to: Option<Instant>,
    source: Option<Source>,
    actor: Option<String>,
    reason: String,
    version: i64,
}

fn provenance(why: Why, with_history: bool) -> Provenance {
    let Why { field, group, rule, stands, offers, typed, history, cut: _ } = why;
    let history = with_history.then(|| history.into_iter().map(moment).collect());
    Provenance {
        field,
        why: stands.as_ref().map(|stands| stands.why.clone()),
        at: stands.as_ref().map(|stands| stands.at.into()),
        source: stands.as_ref().map(|stands| stands.source.clone().into()),
        value: stands.map(|stands| stands.value.into()),
        rule: RuleOf { group: group.as_str(), order: rule.order, then: rule.then },
        typed: typed.map(|t| TypedValue {
            value: t.value.map(Into::into),
            actor: t.actor,
            at: t.at.into(),
            pinned: t.pinned,
        }),
        offers: offers
            .into_iter()
            .map(|o| Offer {
                value: o.value.into(),
                source: o.source.into(),
                external_id: o.external_id,
                at: o.at.into(),
                stands: o.stands,
            })
            .collect(),
        history,
    }
}

fn moment(m: Moment) -> Earlier {
    let Moment { value, from, to, source, actor, reason, run_id: _, seq } = m;
    Earlier {
        value: value.map(Into::into),
        from: from.into(),
        to: to.map(Into::into),
        source: source.map(Into::into),
        actor,
        reason,
        version: seq,
    }
}

/// The fields of a customer that are explained.
fn names(fields: &Definitions) -> Vec<String> {
    let own = CUSTOMER_FIELDS.into_iter().map(str::to_owned);
    own.chain(fields.living().map(custom::Definition::field)).collect()
}

async fn explained(hub: &Hub, caller: &Caller, id: &str, only: Option<&str>) -> Result<(String, Vec<Why>), AppError> {
    let Found { customer, overview, .. } = found(hub, caller, id).await?;
    let (rules, fields) = tokio::try_join!(rules::current(&hub.db), custom_field::list(&hub.db))?;
    let mut wanted = names(&fields);
    wanted.retain(|name| only.is_none_or(|only| only == name));
    let means = why::Means { rules: &rules, definitions: &fields, currency: hub.currency };
    let explained = why::every(&hub.db, &customer, wanted, overview.master, &means).await?;
    caller.seen(hub, &overview.id);
    Ok((overview.id, explained))
}

/// Where the values of a customer come from: what stands, why, and what each source says
#[utoipa::path(get, path = "/customers/{id}/provenance", operation_id = "getCustomerProvenance", tag = "customers",
    security(("token" = ["customers:read"])),
    params(("id" = String, Path, description = "Of the customer", example = "cus_06a8q2m4e8r4s7v1x3z5b7d9f1")),
    responses((status = 200, description = "One entry for each field", body = Provenances)))]
pub async fn of_customer(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    Path(id): Path<String>,
) -> Result<Json<Provenances>, AppError> {
    let (id, explained) = explained(&hub, &caller, &id, None).await?;
    let filled = explained.into_iter().filter(|why| why.stands.is_some() || !why.offers.is_empty());
    Ok(Json(Provenances { id, items: filled.map(|why| provenance(why, false)).collect() }))
}

/// Where one value comes from, with every value it had
#[utoipa::path(get, path = "/customers/{id}/provenance/{field}", operation_id = "getCustomerFieldProvenance", tag = "customers",
    security(("token" = ["customers:read"])),
    params(("id" = String, Path, description = "Of the customer", example = "cus_06a8q2m4e8r4s7v1x3z5b7d9f1"),
        ("field" = String, Path, description = "As the record names it", example = "phone")),
    responses((status = 200, description = "The field", body = Provenance)))]
pub async fn of_field(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    Path((id, field)): Path<(String, String)>,
) -> Result<Json<Provenance>, AppError> {
    let (_, explained) = explained(&hub, &caller, &id, Some(&field)).await?;
    explained.into_iter().next().map(|why| Json(provenance(why, true))).ok_or(AppError::NotFound)
}

/// Each source's record of a customer, as last seen
#[utoipa::path(get, path = "/customers/{id}/sources", operation_id = "listCustomerSources", tag = "customers",
    security(("token" = ["customers:read"])),
    params(("id" = String, Path, description = "Of the customer", example = "cus_06a8q2m4e8r4s7v1x3z5b7d9f1")),
    responses((status = 200, description = "One entry for each source", body = SourcesOf)))]
pub async fn sources(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    Path(id): Path<String>,
) -> Result<Json<SourcesOf>, AppError> {
    let Found { customer, overview, .. } = found(&hub, &caller, &id).await?;
    let rows = why::sources(&hub.db, &customer).await?;
    caller.seen(&hub, &overview.id);
    let items = rows.into_iter().map(|row| SourceRecord {
        source: row.source.into(),
        stream: row.stream,
        external_id: row.external_id,
        at: row.at.into(),
        seen_at: row.seen_at.into(),
        values: row.values.into_iter().map(|(field, value)| (field, value.into())).collect(),
    });
    Ok(Json(SourcesOf { id: overview.id, items: items.collect() }))
}

/// Where the values of a customer come from.
#[derive(Serialize, ToSchema)]
pub struct Provenances {
    id: String,
    items: Vec<Provenance>,
}

/// What the sources have of a customer.
#[derive(Serialize, ToSchema)]
#[schema(as = CustomerSources)]
pub struct SourcesOf {
    id: String,
    items: Vec<SourceRecord>,
}

/// One source's record.
#[derive(Serialize, ToSchema)]
struct SourceRecord {
    source: Source,
    /// `customers` …
    stream: String,
    /// The source's own key.
    external_id: String,
    /// The source's own time of it, or when it came.
    at: Instant,
    seen_at: Instant,
    /// What it says, by field.
    values: BTreeMap<String, Maskable>,
}

/// The fields of a customer by name, null without a value.
#[derive(Serialize)]
#[serde(transparent)]
struct Fields(Map<String, Value>);

impl PartialSchema for Fields {
    fn schema() -> openapi::RefOr<openapi::Schema> {
        let text = || {
            openapi::Object::builder()
                .schema_type(openapi::schema::SchemaType::from_iter([openapi::Type::String, openapi::Type::Null]))
        };
        let all =
            CUSTOMER_FIELDS.into_iter().fold(openapi::Object::builder(), |all, field| all.property(field, text()));
        all.into()
    }
}

impl ToSchema for Fields {
    fn name() -> std::borrow::Cow<'static, str> {
        "CustomerFields".into()
    }
}

/// How many documents had arrived.
#[derive(Serialize, ToSchema)]
#[schema(as = DocumentCounts)]
struct Counts {
    orders: i64,
    shipments: i64,
    invoices: i64,
    payments: i64,
}

/// A document that had arrived.
#[derive(Serialize, ToSchema)]
#[schema(as = DocumentThen)]
struct Document {
    id: String,
    /// `order`, `shipment`, `invoice`, `credit_note` or `payment`.
    kind: &'static str,
    number: Option<String>,
    date: Day,
    status: Option<String>,
    /// With tax; negative for a credit note.
    total: Option<i64>,
    currency: Money,
    source: Source,
}

fn document(of: past::Document) -> Document {
    let past::Document { id, kind, number, date, status, total, currency, source } = of;
    Document { id, kind, number, date: Day(date), status, total, currency: currency.into(), source: source.into() }
}

/// A customer as the hub knew it at a time.
#[derive(Serialize, ToSchema)]
#[schema(as = CustomerAsOf)]
pub struct AsOf {
    id: String,
    /// The time that was asked for.
    at: Instant,
    version: i64,
    /// From when this version stood, and until when; null: it stands.
    valid_from: Instant,
    valid_to: Option<Instant>,
    kind: String,
    #[serde(flatten)]
    values: Fields,
    #[schema(value_type = Object)]
    custom: Map<String, Value>,
    sites: Vec<Site>,
    contacts: Vec<Contact>,
    /// The newest 20 of each kind that had arrived.
    documents: Vec<Document>,
    counts: Counts,
    hidden: Vec<String>,
}

/// The record at a time. Before the hub knew the customer there is nothing.
pub async fn as_of(hub: &Hub, caller: &Caller, id: &str, at: &str) -> Result<AsOf, AppError> {
    let Found { customer, overview, zone } = found(hub, caller, id).await?;
    let wrong = || AppError::invalid("AT_INVALID", "at is a time like 2026-10-01T09:00:00Z, or a day: its end");
    let at = crate::http::moment::read(at, &zone).ok_or_else(wrong)?;
    if at > hub.clock.now() {
        return Err(AppError::invalid("AT_FUTURE", "at is a time that has passed"));
    }
    let fields = custom_field::list(&hub.db).await?;
    let past = past::past(&hub.db, &customer, at, hub.currency).await?.ok_or(AppError::NotFound)?;
    caller.seen(hub, &overview.id);
    let Past { seq, from, to, kind, name: _, currency: _, values: known, sites, contacts, documents, counts, .. } =
        past;
    let (mut values, mut added, mut hidden) = (Map::new(), Map::new(), Vec::new());
    values.extend(CUSTOMER_FIELDS.into_iter().map(|field| (field.to_owned(), Value::Null)));
    for (field, value) in known {
        let Some(text) = value.clear() else {
            hidden.push(field);
            continue;
        };
        match custom::key_of(&field) {
            None => _ = values.insert(field, json!(text)),
            Some(key) => {
                if let Some(one) = fields.get(key).filter(|one| !one.retired) {
                    added.insert(key.to_owned(), one.json(text));
                }
            }
        }
    }
    let [orders, shipments, invoices, payments] = counts;
    Ok(AsOf {
        id: overview.id,
        at: at.into(),
        version: seq,
        valid_from: from.into(),
        valid_to: to.map(Into::into),
        kind,
        values: Fields(values),
        custom: added,
        sites: sites.into_iter().map(shape::site).collect(),
        contacts: contacts.into_iter().map(shape::contact).collect(),
        documents: documents.into_iter().map(document).collect(),
        counts: Counts { orders, shipments, invoices, payments },
        hidden,
    })
}
