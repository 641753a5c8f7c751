//! A customer as the hub knew it at a time: golden values, sites, contacts and the documents known by then.
//!
//! Time is observed time: when the hub came to know something, not when it happened. What arrived later is not
//! there, though its date may be older.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    customer::{Contact, Site, Source},
    history::as_text,
    overview::{origin_source, shown},
};
use crate::{
    model::{Class, Currency, Money, Shown, Timestamp, custom, record::CUSTOMER_FIELDS},
    store::{Db, InView, StoreError, read_timeline, version},
};

/// Documents of each kind that are shown.
const SHOWN: i64 = 20;

/// A document as it stood.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    pub id: String,
    /// `order`, `shipment`, `invoice`, `credit_note` or `payment`.
    pub kind: &'static str,
    pub number: Option<String>,
    pub date: String,
    pub status: Option<String>,
    /// Minor units of `currency`, with tax; negative for a credit note.
    pub total: Option<i64>,
    pub currency: Currency,
    pub source: Source,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Past {
    pub at: Timestamp,
    /// Version that stood then.
    pub seq: i64,
    /// From when it stood, and until when; `None`: it stands.
    pub from: Timestamp,
    pub to: Option<Timestamp>,
    pub kind: String,
    pub name: String,
    pub currency: Currency,
    /// Field and value, in the order of the record; those of the administrator last.
    pub values: Vec<(String, Shown)>,
    pub sites: Vec<Site>,
    pub contacts: Vec<Contact>,
    /// The newest of each kind, the newest first.
    pub documents: Vec<Document>,
    /// How many there were: orders, shipments, invoices, payments.
    pub counts: [i64; 4],
}

/// The customer at a time, as its reader may see it; `None`: it was not known yet. `currency`: the organisation's.
pub async fn past(db: &Db, seen: &InView, at: Timestamp, currency: Currency) -> Result<Option<Past>, StoreError> {
    let Some(state) = version::at(db, seen, at).await? else { return Ok(None) };
    let body: Map<String, Value> = serde_json::from_str(&state.body).unwrap_or_default();
    let own = body.get("currency").and_then(Value::as_str).and_then(|c| c.parse().ok()).unwrap_or(currency);
    let (parts, connections) = tokio::try_join!(version::partners_at(db, seen, at), read_timeline::connections(db))?;
    let source = |id: Option<String>| {
        let known = connections.iter().find(|(known, ..)| Some(known) == id.as_ref());
        known.map_or_else(
            || origin_source(id.clone(), &[]),
            |(id, name, kind)| Source { connection_id: Some(id.clone()), name: name.clone(), kind: kind.clone() },
        )
    };
    let (mut documents, mut counts) = (Vec::new(), [0; 4]);
    for (place, table) in version::DOCUMENTS.into_iter().enumerate() {
        let (rows, count) = version::documents_at(db, seen, table, at, SHOWN).await?;
        counts[place] = count;
        documents.extend(rows.into_iter().filter_map(|row| document(place, row, own, &source)));
    }
    documents.sort_by(|a, b| b.date.cmp(&a.date).then_with(|| b.id.cmp(&a.id)));
    let (sites, contacts) = parts.iter().partition::<Vec<_>, _>(|part| part.record_id.starts_with("sit_"));
    Ok(Some(Past {
        at,
        seq: state.seq,
        from: Timestamp(state.valid_from),
        to: state.valid_to.map(Timestamp),
        kind: text(&body, "kind").unwrap_or_default(),
        name: text(&body, "name").unwrap_or_default(),
        currency: own,
        values: values(&body, seen),
        sites: sites.into_iter().map(|part| site(part, seen)).collect(),
        contacts: contacts.into_iter().map(|part| contact(part, seen)).collect(),
        documents,
        counts,
    }))
}

fn text(body: &Map<String, Value>, field: &str) -> Option<String> {
    as_text(body, field)
}

fn values(body: &Map<String, Value>, seen: &InView) -> Vec<(String, Shown)> {
    let added = body.keys().filter(|field| custom::key_of(field).is_some()).map(String::as_str);
    CUSTOMER_FIELDS
        .into_iter()
        .chain(added)
        .filter_map(|field| {
            let stored = if field == "credit_limit" { "credit_limit_minor" } else { field };
            Some((field.to_owned(), shown(seen, field, text(body, stored)?)))
        })
        .collect()
}

fn site(part: &version::Part, seen: &InView) -> Site {
    let body: Map<String, Value> = serde_json::from_str(&part.body).unwrap_or_default();
    let personal = |field: &str| text(&body, field).map(|value| shown(seen, field, value));
    Site {
        id: part.record_id.clone(),
        name: text(&body, "name").unwrap_or_default(),
        code: text(&body, "code"),
        role: text(&body, "role").unwrap_or_else(|| "both".to_owned()),
        address: personal("address"),
        phone: personal("phone"),
    }
}

fn contact(part: &version::Part, seen: &InView) -> Contact {
    let body: Map<String, Value> = serde_json::from_str(&part.body).unwrap_or_default();
    let personal = |field: &str| text(&body, field).map(|value| seen.view().shown(Class::Personal, value));
    Contact {
        id: part.record_id.clone(),
        name: text(&body, "name").unwrap_or_default(),
        department: text(&body, "department"),
        title: text(&body, "title"),
        mail: personal("mail"),
        phone: personal("phone"),
    }
}

/// `place`: of its table in [`version::DOCUMENTS`].
fn document(
    place: usize,
    row: version::Part,
    currency: Currency,
    source: &impl Fn(Option<String>) -> Source,
) -> Option<Document> {
    let body: Map<String, Value> = serde_json::from_str(&row.body).ok()?;
    let credit = text(&body, "kind").as_deref() == Some("credit_note");
    let (kind, total) = match place {
        0 => ("order", "total"),
        1 => ("shipment", "total"),
        2 if credit => ("credit_note", "total"),
        2 => ("invoice", "total"),
        _ => ("payment", "amount"),
    };
    let currency = text(&body, "currency").and_then(|c| c.parse().ok()).unwrap_or(currency);
    let total = text(&body, total).and_then(|total| Money::from_major(&total, currency));
    let (_, date) = version::DOCUMENTS.get(place)?;
    Some(Document {
        id: row.record_id,
        kind,
        number: text(&body, "number"),
        date: text(&body, date)?,
        status: text(&body, "status"),
        total: total.map(|total| if credit { -total.abs() } else { total }),
        currency,
        source: source(row.connection_id),
    })
}
