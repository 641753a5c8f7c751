//! Customers: which golden record a source's customer belongs to, and what its values become.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};

use crate::{
    matching::{
        fold,
        survivorship::{self, Candidate, Golden},
    },
    model::{
        Currency, Id, Money,
        ids::Noun,
        record::{Canonical, CustomerFields, Kind},
    },
    store::{StoreError, Tx, customer, customer::Row, source_record, version},
};

use super::ingest::{Chunk, Fresh, Outcome};

/// Where codes that name a customer of a system that has not sent it yet are kept. Samples have a
/// place of their own: they never link to real customers.
fn announced(kind: &str, sample: bool) -> String {
    if sample { format!("sample:{kind}") } else { format!("kind:{kind}") }
}

/// A fresh source customer with the golden record it was linked to.
struct Linked<'a> {
    fresh: &'a Fresh<'a>,
    fields: &'a CustomerFields,
    customer_id: String,
    reason: &'static str,
}

pub(super) async fn apply(
    tx: &mut Tx,
    chunk: &Chunk<'_>,
    fresh: &[Fresh<'_>],
    outcome: &mut Outcome,
) -> Result<(), StoreError> {
    if fresh.is_empty() {
        return Ok(());
    }
    let linked = link(tx, chunk, fresh).await?;
    for l in &linked {
        if l.fresh.known.is_some() {
            outcome.updated += 1
        } else {
            outcome.new += 1
        }
        outcome.customers.insert(l.customer_id.clone());
    }
    remember(tx, chunk, &linked).await?;
    rewrite_golden(tx, chunk, &linked).await
}

/// Writes crosswalk rows and codes first, so that survivorship reads one complete state.
async fn remember(tx: &mut Tx, chunk: &Chunk<'_>, linked: &[Linked<'_>]) -> Result<(), StoreError> {
    let origin = chunk.origin;
    let entries = linked.iter().map(|l| source_record::Entry {
        external_id: &l.fresh.incoming.external_id,
        record_id: &l.customer_id,
        content_hash: &l.fresh.incoming.hash,
        source_version: l.fresh.version(),
        seq: l.fresh.seq(),
        body: Some(l.fresh.incoming.canonical.clone()),
        deleted_at: None,
    });
    source_record::put(tx, &origin.connection_id, chunk.stream, chunk.now, entries).await?;
    let expected = origin.links_to.as_ref().map(|kind| announced(kind, origin.sample));
    // One row a code: the last record of the chunk that carries it has it.
    let mut own = BTreeMap::new();
    let mut named = Vec::new();
    for l in linked {
        if let Some(code) = l.fields.get("code") {
            own.insert(code, l.customer_id.as_str());
        }
        if let (Some(system), Some(code)) = (expected.as_deref(), l.fields.link_code.as_deref()) {
            named.push((system, code, l.customer_id.as_str()));
        }
    }
    let own = own.into_iter().map(|(code, id)| (origin.connection_id.as_str(), code, id));
    customer::move_codes(tx, own).await?;
    customer::announce_codes(tx, named.into_iter()).await
}

/// Linking until matching exists: (a) the crosswalk knows the record, (b) one side names the other's
/// 得意先コード, (c) corporate or registration number and normalised name agree with exactly one
/// customer; else a new customer.
async fn link<'a>(tx: &mut Tx, chunk: &Chunk<'_>, fresh: &'a [Fresh<'a>]) -> Result<Vec<Linked<'a>>, StoreError> {
    let newcomers: Vec<&CustomerFields> = fresh.iter().filter(|f| f.known.is_none()).filter_map(fields_of).collect();
    let mut by_code = Codes::load(tx, chunk, &newcomers).await?;
    let mut by_number = Numbers::load(tx, chunk.origin.sample, &newcomers).await?;
    let mut linked = Vec::with_capacity(fresh.len());
    for f in fresh {
        let Some(fields) = fields_of(f) else { continue };
        let found = match &f.known {
            Some(known) => Some((known.record_id.clone(), "source")),
            None => by_code
                .find(fields)
                .map(|id| (id, "linked"))
                .or_else(|| by_number.find(fields).map(|id| (id, "linked"))),
        };
        let (customer_id, reason) = found.unwrap_or_else(|| {
            (Id::new(Noun::Customer).into_string(), if chunk.origin.sample { "sample" } else { "created" })
        });
        // The next record of the same chunk may mean the same customer.
        by_code.learn(fields, &customer_id);
        by_number.learn(fields, &customer_id);
        linked.push(Linked { fresh: f, fields, customer_id, reason });
    }
    Ok(linked)
}

fn fields_of<'a>(fresh: &'a Fresh<'a>) -> Option<&'a CustomerFields> {
    match &fresh.incoming.record {
        Some(Canonical::Customer(fields)) => Some(fields),
        _ => None,
    }
}

/// Rule (b): codes that name customers across systems.
struct Codes {
    /// Systems in which our `link_code` is a code: connections of the linked kind.
    linked_systems: Vec<String>,
    /// Where others announced our codes.
    announced: String,
    known: HashMap<(String, String), String>,
    /// `link_code`s seen in this chunk.
    named_here: HashMap<String, String>,
}

impl Codes {
    async fn load(tx: &mut Tx, chunk: &Chunk<'_>, newcomers: &[&CustomerFields]) -> Result<Self, StoreError> {
        let origin = chunk.origin;
        let announced = announced(&origin.kind, origin.sample);
        let linked_systems = match &origin.links_to {
            Some(kind) if newcomers.iter().any(|f| f.link_code.is_some()) => {
                customer::connections_of_kind(tx, kind, origin.sample).await?
            }
            _ => Vec::new(),
        };
        let codes: BTreeSet<&str> =
            newcomers.iter().flat_map(|f| [f.link_code.as_deref(), f.get("code")]).flatten().collect();
        let mut known = if codes.is_empty() {
            HashMap::new()
        } else {
            let mut systems = linked_systems.clone();
            systems.push(announced.clone());
            customer::by_codes(tx, &systems, codes.into_iter()).await?
        };
        // Of two systems of our kind either can be meant by an announced code.
        if known.keys().any(|(system, _)| *system == announced)
            && customer::connections_of_kind(tx, &origin.kind, origin.sample).await?.len() != 1
        {
            known.retain(|(system, _), _| *system != announced);
        }
        Ok(Self { linked_systems, announced, known, named_here: HashMap::new() })
    }

    fn find(&self, fields: &CustomerFields) -> Option<String> {
        if let Some(code) = &fields.link_code {
            let mut hits: Vec<&String> =
                self.linked_systems.iter().filter_map(|s| self.known.get(&(s.clone(), code.clone()))).collect();
            hits.sort();
            hits.dedup();
            // Two systems of the kind with different customers under one code: not decidable here.
            if let [only] = hits.as_slice() {
                return Some((*only).clone());
            }
            if hits.is_empty()
                && let Some(id) = self.named_here.get(code)
            {
                return Some(id.clone());
            }
        }
        let code = fields.get("code")?;
        self.known.get(&(self.announced.clone(), code.to_owned())).cloned()
    }

    fn learn(&mut self, fields: &CustomerFields, id: &str) {
        if let Some(code) = &fields.link_code {
            self.named_here.entry(code.clone()).or_insert_with(|| id.to_owned());
        }
    }
}

/// Rule (c): official numbers together with the name.
struct Numbers {
    /// number -> (customer, name key)
    known: HashMap<String, Vec<(String, String)>>,
}

impl Numbers {
    /// A registration number is T and the corporate number, so both meet in the 13 digits.
    fn digits(fields: &CustomerFields) -> Option<&str> {
        fields
            .get("corporate_number")
            .or_else(|| fields.get("registration_number").map(|t| t.strip_prefix('T').unwrap_or(t)))
    }

    async fn load(tx: &mut Tx, sample: bool, newcomers: &[&CustomerFields]) -> Result<Self, StoreError> {
        let digits: BTreeSet<&str> = newcomers.iter().filter_map(|f| Self::digits(f)).collect();
        let mut known: HashMap<String, Vec<(String, String)>> = HashMap::new();
        if digits.is_empty() {
            return Ok(Self { known });
        }
        let corporate: Vec<&str> = digits.iter().copied().collect();
        let registration: Vec<String> = digits.iter().map(|d| format!("T{d}")).collect();
        let registration: Vec<&str> = registration.iter().map(String::as_str).collect();
        for row in customer::by_numbers(tx, &corporate, &registration, sample).await? {
            let mut numbers: BTreeSet<String> = row.corporate_number.into_iter().collect();
            numbers.extend(row.registration_number.map(|t| t.strip_prefix('T').unwrap_or(&t).to_owned()));
            for number in numbers {
                known.entry(number).or_default().push((row.id.clone(), row.name_key.clone()));
            }
        }
        Ok(Self { known })
    }

    fn find(&self, fields: &CustomerFields) -> Option<String> {
        let holders = self.known.get(Self::digits(fields)?)?;
        let key = fold::name_key(fields.get("name")?);
        match holders.as_slice() {
            [(id, name_key)] if *name_key == key => Some(id.clone()),
            _ => None,
        }
    }

    fn learn(&mut self, fields: &CustomerFields, id: &str) {
        let (Some(digits), Some(name)) = (Self::digits(fields), fields.get("name")) else { return };
        let holders = self.known.entry(digits.to_owned()).or_default();
        if !holders.iter().any(|(holder, _)| holder == id) {
            holders.push((id.to_owned(), fold::name_key(name)));
        }
    }
}

/// Computes the golden values of the touched customers and appends a version where they changed.
async fn rewrite_golden(tx: &mut Tx, chunk: &Chunk<'_>, linked: &[Linked<'_>]) -> Result<(), StoreError> {
    let ids: BTreeSet<&str> = linked.iter().map(|l| l.customer_id.as_str()).collect();
    let stored = customer::by_ids(tx, ids.iter().copied()).await?;
    let bodies = source_record::bodies(tx, ids.iter().copied()).await?;
    let mut sources: HashMap<&str, Vec<(&source_record::SourceBody, CustomerFields)>> = HashMap::new();
    for body in &bodies {
        if let Some(fields) = read_body(body, chunk.currency) {
            sources.entry(body.record_id.as_str()).or_default().push((body, fields));
        }
    }
    let mut rows = Vec::new();
    let mut versions = Vec::new();
    for id in ids {
        let Some(sources) = sources.get(id) else { continue };
        let old = stored.get(id);
        let row = golden_row(id, sources, old, chunk);
        if old.is_some_and(|old| same_values(old, &row)) {
            continue;
        }
        let cause = linked.iter().find(|l| l.customer_id == id);
        versions.push(version::NewVersion {
            record_id: id,
            seq: row.seq,
            customer_id: Some(id),
            effective_at: cause.and_then(|l| l.fresh.incoming.version),
            connection_id: Some(&chunk.origin.connection_id),
            actor: None,
            run_id: chunk.run_id,
            reason: cause.map_or("source", |l| l.reason),
            body: version_body(&row),
        });
        rows.push(row);
    }
    customer::put(tx, rows).await?;
    version::append(tx, chunk.now, versions.into_iter()).await
}

fn read_body(body: &source_record::SourceBody, currency: Currency) -> Option<CustomerFields> {
    let map = serde_json::from_str(body.body.as_deref()?).ok()?;
    match Canonical::read(Kind::Customer, &map, currency) {
        Ok(Canonical::Customer(fields)) => Some(*fields),
        _ => None,
    }
}

fn golden_row(
    id: &str,
    sources: &[(&source_record::SourceBody, CustomerFields)],
    old: Option<&Row>,
    chunk: &Chunk<'_>,
) -> Row {
    let candidates: Vec<Candidate<'_>> = sources
        .iter()
        .map(|(body, fields)| Candidate {
            connection_id: &body.connection_id,
            kind: &body.kind,
            at: body.source_version.unwrap_or(body.seen_at),
            fields,
        })
        .collect();
    let golden = survivorship::choose(&candidates);
    let value = |field: &str| golden.iter().find(|g| g.field == field).map(|g| g.value.clone());
    let name = value("name").unwrap_or_default();
    let currency = sources.iter().find_map(|(_, f)| f.currency).unwrap_or(chunk.currency);
    Row {
        id: id.to_owned(),
        kind: if sources.iter().any(|(_, f)| f.person) { "person" } else { "corporation" }.to_owned(),
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
        provenance: provenance(&golden),
        seq: old.map_or(1, |o| o.seq + 1),
        sample: old.map_or(chunk.origin.sample, |o| o.sample && chunk.origin.sample),
        created_at: old.map_or(chunk.now.0, |o| o.created_at),
        updated_at: chunk.now.0,
        merged_into: old.and_then(|o| o.merged_into.clone()),
    }
}

/// `{field: {"c": connection, "at": microseconds, "why": rule}}`
fn provenance(golden: &[Golden]) -> String {
    let entries: serde_json::Map<String, Value> =
        golden.iter().map(|g| (g.field.to_owned(), json!({"c": g.connection_id, "at": g.at, "why": g.why}))).collect();
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
fn version_body(row: &Row) -> String {
    json!({
        "kind": row.kind, "code": row.code, "name": row.name, "name_kana": row.name_kana,
        "corporate_number": row.corporate_number, "registration_number": row.registration_number,
        "phone": row.phone, "mail": row.mail, "postal_code": row.postal_code, "address": row.address,
        "industry": row.industry, "department": row.department, "owner": row.owner,
        "closing_day": row.closing_day, "payment_terms": row.payment_terms,
        "credit_limit_minor": row.credit_limit_minor, "currency": row.currency, "price_class": row.price_class,
        "merged_into": row.merged_into,
    })
    .to_string()
}
