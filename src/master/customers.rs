//! Customers: which golden record a source's customer belongs to, and what its values become.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{
    matching::fold,
    model::{
        Id,
        ids::Noun,
        record::{Canonical, CustomerFields},
    },
    store::{StoreError, Tx, customer, customer_value, source_record},
};

use super::{
    golden,
    ingest::{Chunk, Fresh, Outcome},
};

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
    let ids: BTreeSet<&str> = linked.iter().map(|l| l.customer_id.as_str()).collect();
    let basis = golden::Basis { currency: chunk.currency, sample: chunk.origin.sample, person: false, now: chunk.now };
    let changed = golden::rewrite(tx, &basis, &ids, |id| {
        let cause = linked.iter().find(|l| l.customer_id == id);
        golden::Cause {
            effective_at: cause.and_then(|l| l.fresh.incoming.version),
            connection_id: Some(&chunk.origin.connection_id),
            actor: None,
            run_id: chunk.run_id,
            reason: cause.map_or("source", |l| l.reason),
        }
    });
    changed.await.map(drop)
}

/// Prospects of whom an order came: they are customers from now on.
pub(super) async fn convert(tx: &mut Tx, chunk: &Chunk<'_>, ids: &BTreeSet<&str>) -> Result<(), StoreError> {
    let prospects = customer::prospects(&mut *tx, ids.iter().copied()).await?;
    if prospects.is_empty() {
        return Ok(());
    }
    let ordered = customer::ordered(&mut *tx, prospects.iter().map(String::as_str)).await?;
    let ordered: BTreeSet<&str> = ordered.iter().map(String::as_str).collect();
    for id in &ordered {
        customer_value::remove(tx, id, &["life_stage"]).await?;
    }
    let basis = golden::Basis { currency: chunk.currency, sample: chunk.origin.sample, person: false, now: chunk.now };
    let changed = golden::rewrite(tx, &basis, &ordered, |_| golden::Cause {
        effective_at: None,
        connection_id: Some(&chunk.origin.connection_id),
        actor: None,
        run_id: chunk.run_id,
        reason: "converted",
    });
    changed.await.map(drop)
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

/// Linking until matching exists: (a) the crosswalk knows the record, or the record carries the hub's own
/// id, (b) one side names the other's 得意先コード, (c) corporate or registration number and normalised name agree with exactly one
/// customer; else a new customer.
async fn link<'a>(tx: &mut Tx, chunk: &Chunk<'_>, fresh: &'a [Fresh<'a>]) -> Result<Vec<Linked<'a>>, StoreError> {
    let newcomers: Vec<&CustomerFields> = fresh.iter().filter(|f| f.known.is_none()).filter_map(fields_of).collect();
    let mut by_id = OwnIds::load(tx, chunk, &newcomers).await?;
    let mut by_code = Codes::load(tx, chunk, &newcomers).await?;
    let mut by_number = Numbers::load(tx, chunk.origin.sample, &newcomers).await?;
    let mut linked = Vec::with_capacity(fresh.len());
    for f in fresh {
        let Some(fields) = fields_of(f) else { continue };
        let found = match &f.known {
            Some(known) => Some((known.record_id.clone(), "source")),
            None => by_id
                .take(fields)
                .or_else(|| by_code.find(fields))
                .or_else(|| by_number.find(fields))
                .map(|id| (id, "linked")),
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

/// Rule (a), second half: a record that the hub made there, seen by a pull before its answer was recorded.
struct OwnIds {
    /// Customers that have no record of this stream yet. (One that has was copied there, id and all.)
    waiting: BTreeSet<String>,
}

impl OwnIds {
    async fn load(tx: &mut Tx, chunk: &Chunk<'_>, newcomers: &[&CustomerFields]) -> Result<Self, StoreError> {
        let named: BTreeSet<&str> = newcomers.iter().filter_map(|f| f.hub_id.as_deref()).collect();
        let mut waiting = BTreeSet::new();
        if named.is_empty() {
            return Ok(Self { waiting });
        }
        let ours = customer::by_ids(&mut *tx, named.into_iter()).await?;
        for row in ours.into_values().filter(|row| row.merged_into.is_none() && row.sample == chunk.origin.sample) {
            let there = source_record::of_record(tx, &chunk.origin.connection_id, chunk.stream, &row.id).await?;
            if there.is_empty() {
                waiting.insert(row.id);
            }
        }
        Ok(Self { waiting })
    }

    fn take(&mut self, fields: &CustomerFields) -> Option<String> {
        self.waiting.take(fields.hub_id.as_deref()?)
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
