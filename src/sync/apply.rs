//! A work item in a transaction: its records, counts, cursor, freshness and deliveries together.
//!
//! Order of locks: the origin ([`lock`]) before any row, then the rows of the inbox, then the rest.

use std::collections::HashSet;

use crate::{
    master::{self, Chunk, Incoming, Outcome, Rejected},
    model::{Timestamp, record::Kind},
    store::{
        StoreError, Tx, connection, failure, freshness,
        inbox::{self, Applied},
        run, source_record,
        sql::execute_plain,
    },
};

use super::committer::Work;

/// Takes the lock that the records need. Before any other row of the transaction is touched.
pub(super) async fn lock(tx: &mut Tx, work: &Work) -> Result<(), StoreError> {
    source_record::lock_origin(tx, &work.live.row.id, work.kind == Kind::Customer).await
}

/// All records at once.
pub(super) async fn at_once(tx: &mut Tx, work: &Work, now: Timestamp) -> Result<Outcome, StoreError> {
    welcome_back(tx, work).await?;
    let admitted = admit(tx, work, now).await?;
    let outcome = if admitted.only.is_none() {
        master::ingest::apply(tx, &chunk_of(work, &work.records, &work.rejected, now)).await?
    } else {
        let records: Vec<Incoming> = work.records.iter().filter(|r| admitted.takes(&r.external_id)).cloned().collect();
        let rejected: Vec<Rejected> =
            work.rejected.iter().filter(|r| admitted.takes(&r.external_id)).cloned().collect();
        master::ingest::apply(tx, &chunk_of(work, &records, &rejected, now)).await?
    };
    close(tx, work, &outcome, now).await?;
    Ok(outcome)
}

/// Each record under a savepoint: what the database refuses becomes a failure of that record.
pub(super) async fn row_by_row(tx: &mut Tx, work: &Work, now: Timestamp) -> Result<Outcome, StoreError> {
    lock(tx, work).await?;
    welcome_back(tx, work).await?;
    let admitted = admit(tx, work, now).await?;
    let mut outcome = Outcome::default();
    let mut refused = Vec::new();
    for record in work.records.iter().filter(|r| admitted.takes(&r.external_id)) {
        execute_plain(tx, "SAVEPOINT one_record").await?;
        let chunk = chunk_of(work, std::slice::from_ref(record), &[], now);
        match master::ingest::apply(tx, &chunk).await {
            Ok(applied) => {
                execute_plain(tx, "RELEASE SAVEPOINT one_record").await?;
                outcome.add(applied);
            }
            Err(error) if error.is_outage() => return Err(error),
            Err(error) => {
                execute_plain(tx, "ROLLBACK TO SAVEPOINT one_record").await?;
                tracing::error!(error = &error as &dyn std::error::Error, "record refused by the database");
                refused.push(refusal(record));
            }
        }
    }
    refused.extend(work.rejected.iter().filter(|r| admitted.takes(&r.external_id)).cloned());
    let chunk = chunk_of(work, &[], &refused, now);
    outcome.add(master::ingest::apply(tx, &chunk).await?);
    close(tx, work, &outcome, now).await?;
    Ok(outcome)
}

async fn welcome_back(tx: &mut Tx, work: &Work) -> Result<(), StoreError> {
    if !work.back {
        return Ok(());
    }
    let keys = work.records.iter().map(|r| r.external_id.as_str());
    source_record::forget_deletion(tx, &work.live.row.id, &work.stream, keys).await
}

fn refusal(record: &Incoming) -> Rejected {
    Rejected {
        external_id: record.external_id.clone(),
        version: record.version,
        cause: "DB_REFUSED".to_owned(),
        field: None,
        source_path: None,
        value: None,
        label: record.record.as_ref().and_then(|r| r.label()).unwrap_or(&record.external_id).to_owned(),
        payload: record.payload.clone(),
    }
}

fn chunk_of<'a>(work: &'a Work, records: &'a [Incoming], rejected: &'a [Rejected], now: Timestamp) -> Chunk<'a> {
    Chunk {
        origin: &work.live.origin,
        stream: &work.stream,
        kind: work.kind,
        run_id: Some(&work.run_id),
        now,
        currency: work.currency,
        records,
        rejected,
    }
}

/// What of a work item this transaction may apply.
struct Admitted {
    /// Keys of the records; `None`: all.
    only: Option<HashSet<String>>,
}

impl Admitted {
    fn takes(&self, external_id: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(external_id))
    }
}

/// The key part of a delivery's object text `stream/key`.
fn key_of(applied: &Applied) -> Option<&str> {
    applied.object.as_deref().and_then(|o| o.split_once('/')).map(|(_, key)| key)
}

async fn admit(tx: &mut Tx, work: &Work, now: Timestamp) -> Result<Admitted, StoreError> {
    if work.replay {
        let keys = work.records.iter().map(|r| &r.external_id).chain(work.rejected.iter().map(|r| &r.external_id));
        let only = failure::unresolved_among(tx, &work.live.row.id, &work.stream, keys).await?;
        return Ok(Admitted { only: Some(only) });
    }
    if work.deliveries.is_empty() {
        return Ok(Admitted { only: None });
    }
    let claimed = inbox::settle(tx, Some(&work.run_id), &work.deliveries, now).await?;
    let mine = work.deliveries.iter().filter(|d| claimed.contains(&d.id));
    let all = claimed.len() == work.deliveries.len();
    Ok(Admitted { only: (!all).then(|| mine.filter_map(key_of).map(str::to_owned).collect()) })
}

/// Counts, cursor and freshness, in the transaction of the records they speak of.
async fn close(tx: &mut Tx, work: &Work, outcome: &Outcome, now: Timestamp) -> Result<(), StoreError> {
    let counts = run::Counts {
        read: outcome.read,
        new: outcome.new,
        updated: outcome.updated,
        unchanged: outcome.unchanged,
        parked: outcome.parked,
        failed: outcome.failed,
    };
    let origin = &work.live.row.id;
    let bad = outcome.failed > 0 && work.stream_state == "succeeded";
    let state = if bad { "partial" } else { work.stream_state };
    run::add_counts(tx, &work.run_id, &work.stream, state, &counts, work.cursor.as_deref()).await?;
    if bad {
        run::mark_partial(tx, &work.run_id).await?;
    }
    if let Some(cursor) = &work.cursor {
        connection::set_cursor(tx, origin, &work.stream, cursor, now).await?;
    }
    freshness::add_lags(tx, origin, &work.stream, &outcome.lags, now).await?;
    if work.fresh {
        connection::set_fresh(tx, origin, &work.stream, now).await?;
    }
    Ok(())
}
