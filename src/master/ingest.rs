//! Ingest: one chunk of records of one stream into the master record.

use std::collections::{HashMap, HashSet};

use crate::{
    model::{
        Currency, Timestamp,
        lag::Lags,
        record::{Canonical, Kind},
    },
    store::{StoreError, Tx, failure, parked, source_record, source_record::Known},
};

use super::{customers, documents, waiting};

/// Who brings the records, as far as the master needs to know.
#[derive(Clone, Debug)]
pub struct Origin {
    pub connection_id: String,
    /// Tile kind: decides authority in survivorship.
    pub kind: String,
    pub sample: bool,
    /// Tile kind of the system whose 得意先コード this system's `link_code` names.
    pub links_to: Option<String>,
    /// Streams by noun: where references are looked up.
    pub streams: Vec<(String, Kind)>,
}

impl Origin {
    #[must_use]
    pub fn streams_of(&self, kind: Kind) -> Vec<String> {
        self.streams.iter().filter(|(_, k)| *k == kind).map(|(name, _)| name.clone()).collect()
    }

    pub(super) fn kind_of(&self, stream: &str) -> Option<Kind> {
        self.streams.iter().find(|(name, _)| name == stream).map(|(_, k)| *k)
    }
}

/// One mapped record.
#[derive(Clone, Debug)]
pub struct Incoming {
    pub external_id: String,
    pub version: Option<i64>,
    /// `None`: the source says that the record is gone.
    pub record: Option<Canonical>,
    /// The mapped record as JSON: body of its version, and what is parked.
    pub canonical: String,
    /// Hash of `canonical`.
    pub hash: Vec<u8>,
    /// As the source sent it.
    pub payload: String,
}

impl Incoming {
    /// Hash of a canonical text: the first 16 bytes of its SHA-256.
    #[must_use]
    pub fn hash_of(canonical: &str) -> Vec<u8> {
        use sha2::{Digest, Sha256};
        Sha256::digest(canonical.as_bytes())[..16].to_vec()
    }
}

/// A record that did not pass the mapping.
#[derive(Clone, Debug)]
pub struct Rejected {
    pub external_id: String,
    pub version: Option<i64>,
    pub cause: String,
    pub field: Option<String>,
    pub source_path: Option<String>,
    pub value: Option<String>,
    pub label: String,
    pub payload: String,
}

/// Records of one stream that are applied together.
#[derive(Clone, Debug)]
pub struct Chunk<'a> {
    pub origin: &'a Origin,
    pub stream: &'a str,
    pub kind: Kind,
    pub run_id: Option<&'a str>,
    pub now: Timestamp,
    pub currency: Currency,
    pub records: &'a [Incoming],
    pub rejected: &'a [Rejected],
}

/// What a chunk did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub read: i64,
    pub new: i64,
    pub updated: i64,
    pub unchanged: i64,
    pub parked: i64,
    pub failed: i64,
    /// Parked records of other streams that this chunk's customers released.
    pub released: i64,
    /// How long the changes took from their source to here.
    pub lags: Lags,
    /// Customers whose page looks different now.
    pub customers: HashSet<String>,
    /// Customer keys that are not known yet: worth fetching.
    pub missing: HashSet<String>,
}

impl Outcome {
    pub fn add(&mut self, other: Self) {
        let Self { read, new, updated, unchanged, parked, failed, released, lags, customers, missing } = other;
        self.read += read;
        self.new += new;
        self.updated += updated;
        self.unchanged += unchanged;
        self.parked += parked;
        self.failed += failed;
        self.released += released;
        self.lags.merge(&lags);
        self.customers.extend(customers);
        self.missing.extend(missing);
    }
}

/// A record that differs from what is stored, with what is stored.
pub(super) struct Fresh<'a> {
    pub incoming: &'a Incoming,
    pub known: Option<Known>,
}

impl Fresh<'_> {
    pub fn seq(&self) -> i64 {
        self.known.as_ref().map_or(1, |k| k.seq + 1)
    }

    /// The version this state is stored under: a state without one keeps the version known before, so
    /// that late records from before it stay late.
    pub fn version(&self) -> Option<i64> {
        self.incoming.version.or(self.known.as_ref().and_then(|k| k.source_version))
    }
}

/// Applies a chunk in the caller's transaction.
pub async fn apply(tx: &mut Tx, chunk: &Chunk<'_>) -> Result<Outcome, StoreError> {
    source_record::lock_origin(tx, &chunk.origin.connection_id, chunk.kind == Kind::Customer).await?;
    let rejected = not_overtaken(tx, chunk).await?;
    let mut outcome = Outcome {
        read: (chunk.records.len() + chunk.rejected.len()) as i64,
        failed: rejected.len() as i64,
        unchanged: (chunk.rejected.len() - rejected.len()) as i64,
        ..Outcome::default()
    };
    record_rejected(tx, chunk, &rejected).await?;
    apply_records(tx, chunk, &rejected, &mut outcome).await?;
    if chunk.kind == Kind::Customer {
        waiting::release(tx, chunk, &mut outcome).await?;
    }
    Ok(outcome)
}

/// Rejected states that nothing newer has replaced: a broken old state arriving late is no failure.
async fn not_overtaken<'a>(tx: &mut Tx, chunk: &'a Chunk<'_>) -> Result<Vec<&'a Rejected>, StoreError> {
    if chunk.rejected.is_empty() {
        return Ok(Vec::new());
    }
    let ids = chunk.rejected.iter().map(|r| r.external_id.as_str());
    let known = source_record::known(tx, &chunk.origin.connection_id, chunk.stream, ids).await?;
    let mut newest: HashMap<&str, Option<i64>> = HashMap::new();
    for (id, version) in chunk.records.iter().map(|r| (r.external_id.as_str(), r.version)) {
        let seen = newest.entry(id).or_default();
        *seen = version.max(*seen);
    }
    let overtaken = |r: &Rejected| {
        let stored = known.get(&r.external_id).and_then(|k| k.source_version);
        let beside = newest.get(r.external_id.as_str()).copied().flatten();
        r.version.is_some() && r.version < stored.max(beside)
    };
    Ok(chunk.rejected.iter().filter(|r| !overtaken(r)).collect())
}

pub(super) async fn apply_records(
    tx: &mut Tx,
    chunk: &Chunk<'_>,
    rejected: &[&Rejected],
    outcome: &mut Outcome,
) -> Result<(), StoreError> {
    if chunk.records.is_empty() {
        return Ok(());
    }
    let (latest, repeated) = latest_of_each(chunk.records);
    outcome.unchanged += repeated;
    let origin = &chunk.origin.connection_id;
    let known = source_record::known(tx, origin, chunk.stream, latest.iter().map(|r| r.external_id.as_str())).await?;
    let came: Vec<(&str, Option<i64>)> = latest.iter().map(|r| (r.external_id.as_str(), r.version)).collect();
    let (fresh, newer_but_equal) = sort_out(chunk.kind, latest, known, outcome);
    remember_newer_versions(tx, chunk, &newer_but_equal).await?;
    fresh.iter().for_each(|f| outcome.lags.count(f.incoming.version, chunk.now));
    let (gone, present): (Vec<_>, Vec<_>) = fresh.into_iter().partition(|f| f.incoming.record.is_none());
    documents::tombstone(tx, chunk, &gone, outcome).await?;
    let waiting = match chunk.kind {
        Kind::Customer => {
            customers::apply(tx, chunk, &present, outcome).await?;
            HashSet::new()
        }
        _ => documents::apply(tx, chunk, &present, outcome).await?,
    };
    if chunk.kind != Kind::Customer && parked::any(tx, origin).await? {
        let here = came.into_iter().filter(|(id, _)| !waiting.contains(*id));
        parked::settle(tx, origin, chunk.stream, here).await?;
    }
    settle(tx, chunk, rejected).await
}

/// The newest state of each record in the chunk, and how many older ones stood beside them.
fn latest_of_each(records: &[Incoming]) -> (Vec<&Incoming>, i64) {
    // Where a record stands in `order`, and the highest version seen of it.
    let mut latest: HashMap<&str, (usize, Option<i64>)> = HashMap::with_capacity(records.len());
    let mut order: Vec<&Incoming> = Vec::with_capacity(records.len());
    for record in records {
        match latest.get_mut(record.external_id.as_str()) {
            // Without versions to compare, the one that came later stands.
            Some((at, highest)) if !matches!((record.version, *highest), (Some(n), Some(o)) if n < o) => {
                order[*at] = record;
                *highest = record.version.max(*highest);
            }
            Some(_) => {}
            None => {
                latest.insert(&record.external_id, (order.len(), record.version));
                order.push(record);
            }
        }
    }
    let repeated = (records.len() - order.len()) as i64;
    (order, repeated)
}

/// Splits off what changes nothing: equal content, or older than what is stored.
fn sort_out<'a>(
    kind: Kind,
    latest: Vec<&'a Incoming>,
    mut known: HashMap<String, Known>,
    outcome: &mut Outcome,
) -> (Vec<Fresh<'a>>, Vec<Fresh<'a>>) {
    let mut fresh = Vec::with_capacity(latest.len());
    let mut newer_but_equal = Vec::new();
    for incoming in latest {
        let known = known.remove(&incoming.external_id);
        let Some(stored) = &known else {
            // Deleted before we ever saw it: remembered where a state from before may still come.
            let late = incoming.version.is_some() && !matches!(kind, Kind::Customer | Kind::Site | Kind::Contact);
            if incoming.record.is_some() || late {
                fresh.push(Fresh { incoming, known });
            } else {
                outcome.unchanged += 1;
            }
            continue;
        };
        // A deletion without version took the version of the state it ended: that state is over.
        let older = matches!((incoming.version, stored.source_version), (Some(new), Some(old))
            if new < old || new == old && stored.deleted_at.is_some() && incoming.record.is_some());
        let equal = if incoming.record.is_none() {
            stored.deleted_at.is_some()
        } else {
            stored.deleted_at.is_none() && stored.content_hash == incoming.hash
        };
        if !older && !equal {
            fresh.push(Fresh { incoming, known });
            continue;
        }
        outcome.unchanged += 1;
        if equal && !older && incoming.version > stored.source_version {
            newer_but_equal.push(Fresh { incoming, known });
        }
    }
    (fresh, newer_but_equal)
}

/// Same content under a newer version: remembered, or a late record from between the two would win.
async fn remember_newer_versions(tx: &mut Tx, chunk: &Chunk<'_>, records: &[Fresh<'_>]) -> Result<(), StoreError> {
    let rows = records.iter().filter_map(|f| Some((f.known.as_ref()?, f.incoming.version)));
    source_record::advance(tx, &chunk.origin.connection_id, chunk.stream, chunk.now, rows).await
}

/// Failures of these records are settled when what came now is at least as new as what failed.
async fn settle(tx: &mut Tx, chunk: &Chunk<'_>, rejected: &[&Rejected]) -> Result<(), StoreError> {
    let origin = &chunk.origin.connection_id;
    if failure::any_unresolved(tx, origin, chunk.stream).await? {
        let rejected: HashMap<&str, Option<i64>> =
            rejected.iter().map(|r| (r.external_id.as_str(), r.version)).collect();
        // Of a good and a bad state in one chunk only their versions say which came later.
        let later = |record: &Incoming| match rejected.get(record.external_id.as_str()) {
            Some(bad) => bad.is_some() && record.version > *bad,
            None => true,
        };
        let came: Vec<(&str, Option<i64>)> =
            chunk.records.iter().filter(|r| later(r)).map(|r| (r.external_id.as_str(), r.version)).collect();
        failure::resolve(tx, origin, chunk.stream, &came, chunk.now).await?;
    }
    Ok(())
}

async fn record_rejected(tx: &mut Tx, chunk: &Chunk<'_>, rejected: &[&Rejected]) -> Result<(), StoreError> {
    // One row per record: of several states in a chunk the last one stands.
    let mut last: HashMap<&str, &Rejected> = HashMap::new();
    for r in rejected {
        last.insert(&r.external_id, r);
    }
    let rows = last.into_values().map(|r| failure::NewFailure {
        connection_id: chunk.origin.connection_id.clone(),
        stream: chunk.stream.to_owned(),
        external_id: r.external_id.clone(),
        cause: r.cause.clone(),
        field: r.field.clone(),
        source_path: r.source_path.clone(),
        value: r.value.clone(),
        label: r.label.clone(),
        payload: r.payload.clone(),
        source_version: r.version,
        run_id: chunk.run_id.map(str::to_owned),
    });
    failure::put(tx, chunk.now, rows).await
}
