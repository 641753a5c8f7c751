//! The customer page: figures live from the documents, master values with their sources.

use std::collections::BTreeMap;

use jiff::{ToSpan, civil::Date};
use serde::Deserialize;

use super::{
    customer::{
        Contact, Contradiction, Figures, Freshness, MasterValue, Month, Overview, Relation, Site, Source, Trouble,
    },
    directory::Directory,
    pipeline::pipeline,
    stat::{Measured, measure},
};
use crate::{
    matching::place,
    model::{Class, Money, Shown, Timestamp, custom, custom::Warning, money::Currency, record::PROSPECT},
    store::{
        Db, InView, StoreError, conflict,
        read_customer::{self as rows, CustomerRow, PartnerRow, SourceRow},
        relation,
    },
};

/// Months on the chart, and as many before to compare them with.
const MONTHS: usize = 12;

/// How one field came to its value, as `customer.provenance` keeps it.
#[derive(Debug, Default, Deserialize)]
struct Origin {
    #[serde(default)]
    c: Option<String>,
    #[serde(default)]
    at: i64,
    #[serde(default)]
    why: String,
}

/// Everything beside the timeline, as its reader sees it: hidden values do not leave this room.
pub async fn overview(
    db: &Db,
    directory: &Directory,
    seen: &InView,
    today: Date,
) -> Result<Option<Overview>, StoreError> {
    let Some(customer) = rows::customer(db, seen).await? else { return Ok(None) };
    let ids = [customer.id.clone()];
    let yesterday = today.saturating_sub(1.day()).to_zoned(jiff::tz::TimeZone::UTC);
    let yesterday = yesterday.map_or(0, |z| z.timestamp().as_microsecond());
    let (measured, partners, sources, open, relations) = tokio::try_join!(
        measure(db, &ids, today, 2 * MONTHS as i32),
        rows::partners(db, seen),
        rows::sources(db, seen, yesterday),
        pipeline(db, seen, today),
        relations(db, seen)
    )?;
    let Some(measured) = measured.into_iter().next() else { return Ok(None) };
    let (contacts, sites) = partners.into_iter().partition::<Vec<_>, _>(|p| p.part == "contact");
    Ok(Some(Overview {
        figures: figures(measured, &customer, directory),
        master: master(&customer, &sources, seen),
        warnings: troubles(&customer, &sources),
        seq: customer.seq,
        contacts: contacts.into_iter().map(|row| contact(row, seen)).collect(),
        sites: sites.into_iter().map(|row| site(row, seen)).collect(),
        open,
        freshness: freshness(&sources),
        city: customer.address.as_deref().filter(|_| !seen.hides("address")).and_then(place::city),
        id: customer.id,
        kind: customer.kind,
        code: customer.code,
        name: customer.name,
        name_kana: customer.name_kana,
        industry: customer.industry,
        department: customer.department,
        owner: customer.owner,
        prospect: customer.life_stage.as_deref() == Some(PROSPECT),
        converted_at: customer.converted_at.map(Timestamp),
        relations,
        sample: customer.sample,
    }))
}

/// Who looked after the customer: by role, the newest first.
pub async fn relations(db: &Db, seen: &InView) -> Result<Vec<Relation>, StoreError> {
    let mut of = relation::of(db, std::iter::once(seen.id())).await?.remove(seen.id()).unwrap_or_default();
    of.sort_by(|a, b| b.role.cmp(&a.role).then(b.place.cmp(&a.place)));
    let read = |row: relation::Row| Relation {
        first: row.place == 1,
        id: row.id,
        role: row.role,
        name: row.name,
        from: row.valid_from,
        to: row.valid_to,
        connection_id: row.connection_id,
        actor: row.actor,
        corrected_by: row.corrected_by,
        updated_at: Timestamp(row.updated_at),
    };
    Ok(of.into_iter().map(read).collect())
}

/// What waits for a decision about this customer, as its reader sees it.
pub async fn conflicts(db: &Db, seen: &InView) -> Result<Vec<Contradiction>, StoreError> {
    let read = |row: conflict::Row| {
        let as_seen = |value: Option<String>| value.map(|value| shown(seen, &row.field, value));
        Contradiction {
            typed: as_seen(row.typed),
            said: as_seen(row.said),
            actor: row.actor,
            typed_at: Timestamp(row.typed_at),
            connection_id: row.connection_id,
            at: Timestamp(row.at),
            typed_won: row.won == conflict::TYPED,
            field: row.field,
        }
    };
    Ok(conflict::of(db, seen).await?.into_iter().map(read).collect())
}

fn figures(m: Measured, customer: &CustomerRow, directory: &Directory) -> Figures {
    let by_order = m.last_order.is_some() && m.last_order >= m.last_activity;
    let kind = if by_order { Some("order".to_owned()) } else { customer.activity_kind.clone() };
    let months = m.months.iter().skip(MONTHS).zip(&m.months);
    Figures {
        basis: m.basis,
        currency: m.currency,
        sales_12m: m.sales_12m,
        sales_prev_12m: m.sales_prev_12m,
        orders_12m: m.orders_12m,
        order_average: (m.orders_12m > 0).then(|| rounded(m.ordered_12m, m.orders_12m)),
        receivable: m.receivable,
        overdue: m.overdue,
        last_contact_kind: m.last_contact.as_ref().and(kind),
        last_contact: m.last_contact,
        ltv: m.ltv,
        first_order: m.first_order,
        rfm: directory.rfm(&m.id),
        health: m.health,
        health_reasons: m.health_reasons,
        months: months
            .map(|(now, before)| Month {
                month: now.month.clone(),
                sales: now.sales,
                sales_last_year: before.sales,
                orders: now.orders,
            })
            .collect(),
    }
}

/// Half away from zero.
fn rounded(sum: i64, count: i64) -> i64 {
    let half = count / 2;
    (if sum < 0 { sum.saturating_sub(half) } else { sum.saturating_add(half) }) / count
}

fn contact(row: PartnerRow, seen: &InView) -> Contact {
    let PartnerRow { part: _, id, name, role, place, reach, phone } = row;
    let personal = |value: Option<String>| value.map(|value| seen.view().shown(Class::Personal, value));
    Contact { id, name, department: place, title: role, mail: personal(reach), phone: personal(phone) }
}

fn site(row: PartnerRow, seen: &InView) -> Site {
    let PartnerRow { part: _, id, name, role, place, reach, phone } = row;
    // A site of a person is where that person lives.
    let shown = |field, value: Option<String>| value.map(|value| shown(seen, field, value));
    Site {
        id,
        name,
        code: place,
        role: role.unwrap_or_default(),
        address: shown("address", reach),
        phone: shown("phone", phone),
    }
}

/// A field of the customer as the reader may have it.
pub(super) fn shown(seen: &InView, field: &str, value: String) -> Shown {
    if seen.hides(field) { Shown::Hidden } else { Shown::Clear(value) }
}

/// The golden values in the order in which people look for them; empty ones only where a source
/// has something that lost.
fn golden(c: &CustomerRow) -> Vec<(String, Option<String>)> {
    let currency: Currency = c.currency.parse().unwrap_or(Currency::JPY);
    let own = [
        ("registration_number", c.registration_number.clone()),
        ("corporate_number", c.corporate_number.clone()),
        ("closing_day", c.closing_day.clone()),
        ("payment_terms", c.payment_terms.clone()),
        ("phone", c.phone.clone()),
        ("mail", c.mail.clone()),
        ("postal_code", c.postal_code.clone()),
        ("address", c.address.clone()),
        ("credit_limit", c.credit_limit_minor.map(|minor| Money { minor, currency }.to_major())),
        ("price_class", c.price_class.clone()),
        ("industry", c.industry.clone()),
        ("department", c.department.clone()),
        ("owner", c.owner.clone()),
        ("life_stage", c.life_stage.clone()),
        ("lead_source", c.lead_source.clone()),
        ("lead_date", c.lead_date.clone()),
        ("name", Some(c.name.clone())),
        ("name_kana", c.name_kana.clone()),
        ("code", c.code.clone()),
    ];
    let added: BTreeMap<String, String> = serde_json::from_str(&c.custom).unwrap_or_default();
    let added = added.into_iter().map(|(key, value)| (format!("{}{key}", custom::PREFIX), Some(value)));
    own.into_iter().map(|(field, value)| (field.to_owned(), value)).chain(added).collect()
}

fn troubles(customer: &CustomerRow, sources: &[SourceRow]) -> Vec<Trouble> {
    let warnings: Vec<Warning> = serde_json::from_str(&customer.warnings).unwrap_or_default();
    let read = |w: Warning| Trouble {
        source: origin_source(Some(w.connection), sources),
        field: w.field,
        value: w.value,
        code: w.code,
    };
    warnings.into_iter().map(read).collect()
}

fn master(customer: &CustomerRow, sources: &[SourceRow], seen: &InView) -> Vec<MasterValue> {
    let mut origins: BTreeMap<String, Origin> = serde_json::from_str(&customer.provenance).unwrap_or_default();
    let bodies: Vec<(&SourceRow, serde_json::Value)> =
        sources.iter().filter_map(|s| Some((s, serde_json::from_str(s.body.as_deref()?).ok()?))).collect();
    golden(customer)
        .into_iter()
        .filter_map(|(field, value)| {
            let value = value.filter(|v| !v.is_empty())?;
            let origin = origins.remove(&field).unwrap_or_else(|| Origin {
                at: customer.updated_at,
                why: "only_source".into(),
                ..Origin::default()
            });
            let hidden = seen.hides(&field);
            let losing = bodies
                .iter()
                .filter(|_| !hidden)
                .filter(|(s, _)| origin.c.as_deref() != Some(s.connection_id.as_str()))
                .filter_map(|(s, body)| Some((source(s), text(body.get(&field)?)?)))
                .filter(|(_, other)| *other != value)
                .collect();
            Some(MasterValue {
                value: shown(seen, &field, value),
                field,
                source: origin_source(origin.c, sources),
                at: Timestamp(origin.at),
                why: origin.why,
                losing,
            })
        })
        .collect()
}

fn text(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::String(text) => Some(text.trim().to_owned()).filter(|t| !t.is_empty()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

pub(super) fn source(row: &SourceRow) -> Source {
    Source { connection_id: Some(row.connection_id.clone()), name: row.name.clone(), kind: row.kind.clone() }
}

/// A connection that was removed since keeps its id; values typed into the hub have none.
pub(super) fn origin_source(connection: Option<String>, sources: &[SourceRow]) -> Source {
    match connection {
        None => Source { connection_id: None, name: String::new(), kind: "hub".into() },
        Some(id) => sources.iter().find(|s| s.connection_id == id).map(source).unwrap_or_else(|| Source {
            connection_id: Some(id),
            name: String::new(),
            kind: "generic".into(),
        }),
    }
}

fn freshness(sources: &[SourceRow]) -> Vec<Freshness> {
    let mut out: Vec<Freshness> = Vec::new();
    for row in sources {
        if out.iter().any(|f| f.source.connection_id.as_deref() == Some(row.connection_id.as_str())) {
            continue;
        }
        out.push(Freshness {
            source: source(row),
            last_ok_at: row.last_ok_at.filter(|at| *at > 0).map(Timestamp),
            stale: row.late,
        });
    }
    out
}
