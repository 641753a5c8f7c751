//! Golden values of customers: what the sources and people say, put together by the rules.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value, json};

use crate::{
    matching::{
        custom::sort_out,
        fold,
        survivorship::{self, Candidate, Field, Golden, Rules, Typed},
    },
    model::{
        Currency, Money, Timestamp,
        custom::{self, Definitions, Warning},
        record::{Canonical, CustomerFields, Kind, LIFE_STAGES, PROSPECT},
    },
    store::{
        On, StoreError, Tx, conflict, custom_field, customer,
        customer::Row,
        customer_value::{self, Row as TypedRow},
        delivery, source_record, version,
    },
};

use super::{
    announce::{self, Fact},
    relation, rules,
};

/// What a new golden record is made on.
pub(super) struct Basis {
    pub currency: Currency,
    pub sample: bool,
    /// A customer that no source knows is a person.
    pub person: bool,
    pub now: Timestamp,
}

/// Why a customer is computed again, for its version.
pub(super) struct Cause<'a> {
    pub effective_at: Option<i64>,
    pub connection_id: Option<&'a str>,
    pub actor: Option<&'a str>,
    pub run_id: Option<&'a str>,
    pub reason: &'static str,
}

/// What is known of one customer.
#[derive(Default)]
struct Known<'a> {
    sources: Vec<(&'a source_record::SourceBody, CustomerFields)>,
    typed: Vec<TypedRow>,
    /// What sources said for fields of the administrator and could not be taken.
    warnings: Vec<Warning>,
}

impl Known<'_> {
    /// A source calls it a prospect.
    fn is_lead(&self) -> bool {
        self.sources.iter().any(|(_, fields)| fields.get("life_stage") == Some(PROSPECT))
    }
}

/// By what golden values are made of what is known.
pub(super) struct Means {
    pub definitions: Definitions,
    pub rules: Rules,
}

impl Means {
    pub async fn load(on: impl Into<On<'_>>) -> Result<Self, StoreError> {
        let mut on = on.into();
        Ok(Self { definitions: custom_field::list(on.again()).await?, rules: rules::current(on).await? })
    }
}

/// Computes the golden values of customers and appends a version where they changed. Returns those that did.
pub(super) async fn rewrite<'c>(
    tx: &mut Tx,
    basis: &Basis,
    ids: &BTreeSet<&str>,
    cause_of: impl Fn(&str) -> Cause<'c>,
) -> Result<Vec<String>, StoreError> {
    let stored = customer::by_ids(&mut *tx, ids.iter().copied()).await?;
    let bodies = source_record::bodies(&mut *tx, ids.iter().copied()).await?;
    let mut typed = customer_value::of(&mut *tx, ids.iter().copied()).await?;
    let means = Means::load(&mut *tx).await?;
    let mut known: HashMap<&str, Known<'_>> = HashMap::new();
    for body in &bodies {
        if let Some((fields, warnings)) = read_body(body, &means, basis.currency) {
            let known = known.entry(body.record_id.as_str()).or_default();
            known.sources.push((body, fields));
            known.warnings.extend(warnings);
        }
    }
    let leads = known.iter().filter(|(_, known)| known.is_lead()).map(|(id, _)| *id);
    let ordered = customer::ordered(&mut *tx, leads.collect::<Vec<_>>().into_iter()).await?;
    let mut rows = Vec::new();
    let mut facts = Vec::new();
    for &id in ids {
        let mut known = known.remove(id).unwrap_or_default();
        known.typed = typed.remove(id).unwrap_or_default();
        if known.sources.is_empty() && known.typed.is_empty() {
            continue;
        }
        let old = stored.get(id);
        let (row, over) = golden_row(id, &known, (old, ordered.contains(id)), basis, &means);
        if !known.typed.is_empty() {
            note_conflicts(tx, id, &known, &means.rules, basis.now).await?;
        }
        if !over.is_empty() {
            let over: Vec<&str> = over.iter().map(|field| field.as_ref()).collect();
            customer_value::remove(tx, id, &over).await?;
        }
        if old.is_some_and(|old| same_values(old, &row)) {
            continue;
        }
        let cause = cause_of(id);
        let version = version::NewVersion {
            record_id: id,
            seq: row.seq,
            customer_id: Some(id),
            effective_at: cause.effective_at,
            connection_id: cause.connection_id,
            actor: cause.actor,
            run_id: cause.run_id,
            reason: cause.reason,
            body: version_body(&row),
        };
        facts.push(Fact { version, customer_id: Some(id), sample: row.sample });
        rows.push(row);
    }
    tell_systems(tx, &rows, basis.now).await?;
    let changed = rows.iter().map(|row| row.id.clone()).collect();
    relation::follow(tx, &rows, &stored, basis.now, &cause_of).await?;
    customer::put(tx, rows).await?;
    announce::versions(tx, basis.now, facts).await?;
    Ok(changed)
}

/// The golden values that rules would give a customer, by field. `bodies` may hold those of others too.
pub(super) fn values(
    bodies: &[source_record::SourceBody],
    id: &str,
    typed_rows: &[TypedRow],
    means: &Means,
    currency: Currency,
) -> BTreeMap<String, String> {
    let own = bodies.iter().filter(|body| body.record_id == id);
    let sources: Vec<_> = own.filter_map(|body| Some((body, read_body(body, means, currency)?.0))).collect();
    let chosen = survivorship::choose(&candidates(&sources), &means.rules);
    let (golden, _) = survivorship::overlay(chosen, &typed_rows.iter().map(typed).collect::<Vec<_>>());
    golden.into_iter().map(|g| (g.field.into_owned(), g.value)).collect()
}

/// What people typed and sources now contradict is shown until somebody has looked; where both say the same
/// again there is nothing to see.
async fn note_conflicts(
    tx: &mut Tx,
    id: &str,
    known: &Known<'_>,
    rules: &Rules,
    now: Timestamp,
) -> Result<(), StoreError> {
    let said = survivorship::choose(&candidates(&known.sources), rules);
    let (mut conflicts, mut agreed) = (Vec::new(), Vec::new());
    for row in &known.typed {
        let source = said.iter().find(|g| g.field == row.field);
        if !typed(row).is_contradicted(source.map(|g| g.value.as_str())) {
            agreed.push(row.field.as_str());
            continue;
        }
        conflicts.push(conflict::Row {
            customer_id: id.to_owned(),
            field: row.field.clone(),
            typed: row.value.clone(),
            actor: row.actor.clone(),
            typed_at: row.at,
            said: source.map(|g| g.value.clone()),
            connection_id: source.and_then(|g| g.connection_id.clone()),
            at: now.0,
            won: if row.pinned { conflict::TYPED } else { conflict::SOURCE }.to_owned(),
        });
    }
    conflict::remove(tx, id, agreed).await?;
    conflict::put(tx, &conflicts).await
}

/// The systems that are told of customers get to know these. Whether anything is different there is seen
/// when it is sent.
async fn tell_systems(tx: &mut Tx, rows: &[Row], now: Timestamp) -> Result<(), StoreError> {
    for sample in [false, true] {
        let customers: Vec<(&str, i64)> =
            rows.iter().filter(|r| r.sample == sample).map(|r| (r.id.as_str(), r.seq)).collect();
        if !customers.is_empty() {
            let targets = delivery::targets(tx, sample).await?;
            delivery::want(tx, &targets, &customers, now).await?;
        }
    }
    Ok(())
}

/// What the sources alone would make of a customer: field and value.
pub(super) async fn sources_say(tx: &mut Tx, id: &str, currency: Currency) -> Result<Vec<Golden>, StoreError> {
    let bodies = source_record::bodies(&mut *tx, std::iter::once(id)).await?;
    let means = Means::load(&mut *tx).await?;
    let sources: Vec<_> = bodies.iter().filter_map(|b| Some((b, read_body(b, &means, currency)?.0))).collect();
    Ok(survivorship::choose(&candidates(&sources), &means.rules))
}

fn candidates<'a>(sources: &'a [(&source_record::SourceBody, CustomerFields)]) -> Vec<Candidate<'a>> {
    sources
        .iter()
        .map(|(body, fields)| Candidate {
            connection_id: &body.connection_id,
            kind: &body.kind,
            at: body.source_version.unwrap_or(body.seen_at),
            fields,
        })
        .collect()
}

fn typed(row: &TypedRow) -> Typed<'_> {
    Typed {
        field: &row.field,
        value: row.value.as_deref(),
        source_value: row.source_value.as_deref(),
        underway: row.underway(),
        pinned: row.pinned,
        at: row.at,
    }
}

/// What a source says, with the fields of the administrator in the form of their kind.
fn read_body(
    body: &source_record::SourceBody,
    means: &Means,
    currency: Currency,
) -> Option<(CustomerFields, Vec<Warning>)> {
    let map = serde_json::from_str(body.body.as_deref()?).ok()?;
    let Ok(Canonical::Customer(fields)) = Canonical::read(Kind::Customer, &map, currency) else { return None };
    let (custom, warnings) = sort_out(&means.definitions, &body.connection_id, &fields.custom, currency);
    Some((CustomerFields { custom, ..*fields }, warnings))
}

/// The row, and the fields whose typed value has had its time.
fn golden_row(
    id: &str,
    known: &Known<'_>,
    (old, ordered): (Option<&Row>, bool),
    basis: &Basis,
    means: &Means,
) -> (Row, Vec<Field>) {
    let sources = &known.sources;
    let mut chosen = survivorship::choose(&candidates(sources), &means.rules);
    let converted = old.and_then(|old| old.converted_at);
    if ordered || converted.is_some() {
        convert(&mut chosen, converted.unwrap_or(basis.now.0));
    }
    let (mut golden, over) = survivorship::overlay(chosen, &known.typed.iter().map(typed).collect::<Vec<_>>());
    grown(&mut golden, old, basis.now);
    let value = |field: &str| golden.iter().find(|g| g.field == field).map(|g| g.value.clone());
    let name = value("name").unwrap_or_default();
    let life_stage = value("life_stage");
    let currency =
        sources.iter().find_map(|(_, f)| f.currency).or_else(|| old?.currency.parse().ok()).unwrap_or(basis.currency);
    let row = Row {
        id: id.to_owned(),
        kind: kind(sources, old, basis.person).to_owned(),
        code: value("code"),
        name_kana: value("name_kana"),
        name_key: fold::name_key(&name),
        name,
        corporate_number: value("corporate_number"),
        registration_number: value("registration_number"),
        phone: value("phone"),
        mail: value("mail"),
        postal_code: value("postal_code"),
        address: value("address"),
        industry: value("industry"),
        department: value("department"),
        owner: value("owner"),
        closing_day: value("closing_day"),
        payment_terms: value("payment_terms"),
        credit_limit_minor: value("credit_limit").and_then(|text| Money::from_major(&text, currency)),
        currency: currency.to_string(),
        price_class: value("price_class"),
        converted_at: converted_at(old, life_stage.as_deref(), basis.now),
        life_stage,
        lead_source: value("lead_source"),
        lead_date: value("lead_date"),
        custom: json!(custom_values(&golden)).to_string(),
        warnings: json!(known.warnings).to_string(),
        provenance: provenance(&golden),
        seq: old.map_or(1, |o| o.seq + 1),
        sample: old.map_or(basis.sample, |o| o.sample && basis.sample),
        created_at: old.map_or(basis.now.0, |o| o.created_at),
        updated_at: basis.now.0,
        merged_into: old.and_then(|o| o.merged_into.clone()),
    };
    (row, over)
}

/// Who ordered is a customer, whatever a source still calls it. What a person types stands above that.
fn convert(chosen: &mut [Golden], at: i64) {
    let [_, customer] = LIFE_STAGES;
    if let Some(stage) = chosen.iter_mut().find(|g| g.field == "life_stage" && g.value == PROSPECT) {
        customer.clone_into(&mut stage.value);
        (stage.at, stage.why) = (at, "converted");
    }
}

/// Who was a prospect, and of whom nobody says so any more, is a customer.
fn grown(golden: &mut Vec<Golden>, old: Option<&Row>, now: Timestamp) {
    let was = old.is_some_and(|old| old.converted_at.is_some() || old.life_stage.as_deref() == Some(PROSPECT));
    if was && !golden.iter().any(|g| g.field == "life_stage") {
        let [_, customer] = LIFE_STAGES;
        golden.push(Golden {
            field: "life_stage".into(),
            value: customer.to_owned(),
            connection_id: None,
            at: old.and_then(|old| old.converted_at).unwrap_or(now.0),
            why: "converted",
        });
    }
}

/// When it stopped to be a prospect; a prospect again has not.
fn converted_at(old: Option<&Row>, stage: Option<&str>, now: Timestamp) -> Option<i64> {
    let old = old?;
    if stage == Some(PROSPECT) {
        return None;
    }
    old.converted_at.or_else(|| (old.life_stage.as_deref() == Some(PROSPECT)).then_some(now.0))
}

/// key -> value of the fields that the administrator added.
fn custom_values(golden: &[Golden]) -> BTreeMap<&str, &str> {
    golden.iter().filter_map(|g| Some((custom::key_of(&g.field)?, g.value.as_str()))).collect()
}

/// Sources say whether it is a person; a customer that only people know stays what they made it.
fn kind<'a>(sources: &[(&source_record::SourceBody, CustomerFields)], old: Option<&'a Row>, person: bool) -> &'a str {
    match (sources, old) {
        ([], Some(old)) => &old.kind,
        ([], None) if person => "person",
        _ if sources.iter().any(|(_, f)| f.person) => "person",
        _ => "corporation",
    }
}

/// `{field: {"c": connection, "at": microseconds, "why": rule}}`
fn provenance(golden: &[Golden]) -> String {
    let entries: Map<String, Value> =
        golden.iter().map(|g| (g.field.to_string(), json!({"c": g.connection_id, "at": g.at, "why": g.why}))).collect();
    Value::Object(entries).to_string()
}

/// Equal but for bookkeeping columns. Provenance counts: a value can change its source and stay equal.
fn same_values(old: &Row, new: &Row) -> bool {
    let mut comparable = new.clone();
    comparable.seq = old.seq;
    comparable.updated_at = old.updated_at;
    comparable == *old
}

/// The golden values as JSON, without bookkeeping: neighbours differ exactly where values changed.
pub(super) fn version_body(row: &Row) -> String {
    let mut body = json!({
        "kind": row.kind, "code": row.code, "name": row.name, "name_kana": row.name_kana,
        "corporate_number": row.corporate_number, "registration_number": row.registration_number,
        "phone": row.phone, "mail": row.mail, "postal_code": row.postal_code, "address": row.address,
        "industry": row.industry, "department": row.department, "owner": row.owner,
        "closing_day": row.closing_day, "payment_terms": row.payment_terms,
        "credit_limit_minor": row.credit_limit_minor, "currency": row.currency, "price_class": row.price_class,
        "life_stage": row.life_stage, "lead_source": row.lead_source, "lead_date": row.lead_date,
        "merged_into": row.merged_into,
    });
    if let Value::Object(body) = &mut body {
        let custom = row.custom().into_iter();
        body.extend(custom.map(|(key, value)| (format!("{}{key}", custom::PREFIX), Value::String(value))));
    }
    body.to_string()
}
