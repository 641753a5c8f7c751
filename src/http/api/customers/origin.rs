//! Where a customer's values come from, and what the record was at a time, as JSON.

use axum::{
    Json,
    extract::{Path, State},
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Caller, Found, found};
use crate::{
    analytics::{
        customer::{Contact, Site, Source},
        past::{self, Document, Past},
        why::{self, Moment, Why},
    },
    app::{Hub, SharedHub},
    http::error::AppError,
    master::rules,
    matching::survivorship::Then,
    model::{
        Shown,
        custom::{self, Definitions},
        record::CUSTOMER_FIELDS,
    },
    store::custom_field,
};

/// One field: what stands, why, and what else there is.
#[derive(Serialize)]
pub struct Provenance {
    field: String,
    value: Option<Shown>,
    /// `only_source`, `authority`, `newest`, `longest`, `typed` or `pinned`; null where nothing stands.
    why: Option<String>,
    source: Option<Source>,
    at: Option<String>,
    rule: RuleOf,
    typed: Option<TypedValue>,
    /// What sources say, the best first by the rule.
    offers: Vec<Offer>,
    /// What the field was, the newest first; only where one field was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<Vec<Past1>>,
}

#[derive(Serialize)]
struct RuleOf {
    group: &'static str,
    /// Kinds of systems or ids of connections, the best first.
    order: Vec<String>,
    then: Then,
}

#[derive(Serialize)]
struct TypedValue {
    value: Option<Shown>,
    actor: String,
    at: String,
    pinned: bool,
}

#[derive(Serialize)]
struct Offer {
    value: Shown,
    source: Source,
    external_id: String,
    at: String,
    stands: bool,
}

/// A value that the field had.
#[derive(Serialize)]
struct Past1 {
    value: Option<Shown>,
    from: String,
    to: Option<String>,
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
        at: stands.as_ref().map(|stands| stands.at.rfc3339()),
        source: stands.as_ref().map(|stands| stands.source.clone()),
        value: stands.map(|stands| stands.value),
        rule: RuleOf { group: group.as_str(), order: rule.order, then: rule.then },
        typed: typed.map(|t| TypedValue { value: t.value, actor: t.actor, at: t.at.rfc3339(), pinned: t.pinned }),
        offers: offers
            .into_iter()
            .map(|o| Offer {
                value: o.value,
                source: o.source,
                external_id: o.external_id,
                at: o.at.rfc3339(),
                stands: o.stands,
            })
            .collect(),
        history,
    }
}

fn moment(m: Moment) -> Past1 {
    let Moment { value, from, to, source, actor, reason, run_id: _, seq } = m;
    Past1 { value, from: from.rfc3339(), to: to.map(|to| to.rfc3339()), source, actor, reason, version: seq }
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

pub async fn of_customer(
    State(hub): State<SharedHub>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, AppError> {
    let (id, explained) = explained(&hub, &caller, &id, None).await?;
    let filled = explained.into_iter().filter(|why| why.stands.is_some() || !why.offers.is_empty());
    let items: Vec<Provenance> = filled.map(|why| provenance(why, false)).collect();
    Ok(Json(json!({ "id": id, "items": items })))
}

pub async fn of_field(
    State(hub): State<SharedHub>,
    caller: Caller,
    Path((id, field)): Path<(String, String)>,
) -> Result<Json<Provenance>, AppError> {
    let (_, explained) = explained(&hub, &caller, &id, Some(&field)).await?;
    explained.into_iter().next().map(|why| Json(provenance(why, true))).ok_or(AppError::NotFound)
}

pub async fn sources(
    State(hub): State<SharedHub>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, AppError> {
    let Found { customer, overview, .. } = found(&hub, &caller, &id).await?;
    let rows = why::sources(&hub.db, &customer).await?;
    caller.seen(&hub, &overview.id);
    let items: Vec<Value> = rows
        .into_iter()
        .map(|row| {
            let values: Map<String, Value> = row.values.into_iter().map(|(field, v)| (field, json!(v))).collect();
            json!({
                "source": row.source, "stream": row.stream, "external_id": row.external_id,
                "at": row.at.rfc3339(), "seen_at": row.seen_at.rfc3339(), "values": values,
            })
        })
        .collect();
    Ok(Json(json!({ "id": overview.id, "items": items })))
}

/// A customer as the hub knew it at a time.
#[derive(Serialize)]
pub struct AsOf {
    id: String,
    /// The time that was asked for.
    at: String,
    version: i64,
    /// From when this version stood, and until when; null: it stands.
    valid_from: String,
    valid_to: Option<String>,
    kind: String,
    #[serde(flatten)]
    values: Map<String, Value>,
    custom: Map<String, Value>,
    sites: Vec<Site>,
    contacts: Vec<Contact>,
    /// The newest 20 of each kind that had arrived.
    documents: Vec<Document>,
    counts: Value,
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
        at: at.rfc3339(),
        version: seq,
        valid_from: from.rfc3339(),
        valid_to: to.map(|to| to.rfc3339()),
        kind,
        values,
        custom: added,
        sites,
        contacts,
        documents,
        counts: json!({ "orders": orders, "shipments": shipments, "invoices": invoices, "payments": payments }),
        hidden,
    })
}
