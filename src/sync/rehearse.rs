//! Trying a mapping: real records of the source, through a draft, with everything taken back.

use std::{collections::HashSet, sync::Arc, time::Duration};

use musubi_sdk::{
    connector::{PageToken, PullRequest, Record, SourceError},
    manifest::MappingSpec,
    mapping::MappingProblem,
};

use crate::{
    connection::{self, Live, live::LiveError},
    master::Rejected,
    model::{Id, ids::Noun},
    store::{StoreError, customer, mapping::Sample},
};

use super::{committer::Work, engine::Engine, replay};

/// Pages that are asked for at most: a source with tiny pages is not read to its end for a look.
const MOST_PAGES: usize = 20;
/// How long a person waits.
const PATIENCE: Duration = Duration::from_secs(30);

/// What taking a mapping into force would do with some records.
#[derive(Clone, Debug, Default)]
pub struct Rehearsal {
    pub read: i64,
    pub new: i64,
    pub updated: i64,
    pub unchanged: i64,
    /// They would wait for their customer.
    pub parked: i64,
    pub failed: i64,
    /// New customers with the name of another: perhaps the same company twice.
    pub alike: i64,
    /// What would fail, as far as it shows before the database is asked.
    pub rejected: Vec<Rejected>,
}

/// Why a mapping cannot be tried.
#[derive(Debug, thiserror::Error)]
pub enum RehearseError {
    #[error("{} problems stand in the way", .0.len())]
    Invalid(Vec<MappingProblem>),
    #[error("the connection has no such data")]
    UnknownStream,
    #[error(transparent)]
    Live(#[from] LiveError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Some records of a stream, as the source has them now. Nothing of it is kept here, and no cursor moves.
///
/// # Errors
/// What the source says, and `SRC_TIMEOUT` where it takes too long for a look.
pub async fn take(live: &Live, stream: &str, most: usize) -> Result<Vec<Record>, SourceError> {
    let taking = async {
        let (mut records, mut token): (Vec<Record>, Option<PageToken>) = (Vec::new(), None);
        let mut seen = HashSet::new();
        for _ in 0..MOST_PAGES {
            live.quota.acquire().await;
            let page_size = u32::try_from(most).ok();
            let page =
                live.connector.pull(PullRequest { stream, cursor: None, token: token.as_ref(), page_size }).await?;
            let fresh = page.records.into_iter().filter(|r| !r.deleted && seen.insert(r.external_id.clone()));
            records.extend(fresh.take(most - records.len()));
            token = page.next;
            if records.len() >= most || token.is_none() {
                break;
            }
        }
        Ok(records)
    };
    tokio::time::timeout(PATIENCE, taking).await.unwrap_or_else(|_| {
        let detail = "the source takes too long to answer".to_owned();
        Err(SourceError::Transient { code: "SRC_TIMEOUT", detail, retry_after: None })
    })
}

/// A kept record as its source sent it.
///
/// # Errors
/// Damage of the store.
pub fn record(sample: &Sample) -> Result<Record, StoreError> {
    let body = serde_json::from_str(&sample.body)
        .map_err(|error| StoreError::Corrupt(format!("sample of a mapping: {error}")))?;
    Ok(Record { external_id: sample.external_id.clone(), version: sample.source_version, body, deleted: false })
}

/// Does with the records what a sync would do after publishing `spec`, and takes it all back.
///
/// # Errors
/// A mapping that does not compile, a connection that cannot be built, the database.
pub async fn rehearse(
    engine: &Engine,
    live: &Live,
    stream: &str,
    spec: MappingSpec,
    records: Vec<Record>,
    actor: &str,
) -> Result<Rehearsal, RehearseError> {
    let manifest = live
        .manifest
        .with_mappings([(stream.to_owned(), spec)])
        .map_err(|found| RehearseError::Invalid(found.into_iter().map(|(_, problem)| problem).collect()))?;
    // What the source has lost keeps its value after publishing as well, where the draft still reads it.
    let held = connection::held(&engine.db, &live.row.id, &manifest).await?;
    let trial =
        Live::build(live.row.clone(), Arc::new(manifest), &engine.keys, engine.registry.client())?.holding(held);
    let kind = trial.kind_of(stream).ok_or(RehearseError::UnknownStream)?;
    let run_id = Id::new(Noun::Run).into_string();
    let mut work = Work::of(&Arc::new(trial), stream, kind, &run_id, engine.currency);
    work.hold(&engine.db, records.iter().map(|record| record.external_id.as_str())).await?;
    records.into_iter().for_each(|record| work.add(record));
    let now = engine.clock.now();
    let (mut tx, outcome) = replay::applied(engine, &work, actor, now).await?;
    let alike = customer::alike(&mut tx, outcome.customers.iter().map(String::as_str), now).await?;
    tx.rollback().await?;
    Ok(Rehearsal {
        read: outcome.read,
        new: outcome.new,
        updated: outcome.updated,
        unchanged: outcome.unchanged,
        parked: outcome.parked,
        failed: outcome.failed,
        alike,
        rejected: work.rejected,
    })
}
