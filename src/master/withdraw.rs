//! A source takes back customers that it brought: an import is undone.
//!
//! Its own values leave the golden record; what others say and what people typed stays. A customer of whom nobody
//! else knows anything goes altogether: its row leaves, its versions stay and end with one that says so. Where
//! something else hangs on it by now (documents, activities, typed values), it stays as it is.

use std::collections::BTreeSet;

use super::{
    Origin, Outcome,
    announce::{self, Fact},
    golden,
};
use crate::{
    model::{Currency, Timestamp},
    store::{StoreError, Tx, customer, import, source_record, version},
};

/// Who takes back, and when.
pub struct By<'a> {
    pub origin: &'a Origin,
    pub stream: &'a str,
    pub run_id: &'a str,
    pub actor: &'a str,
    pub now: Timestamp,
    pub currency: Currency,
}

/// What became of a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    Removed,
    /// Others know it too: it stands as they say.
    Restored,
    Kept,
}

/// Takes back customers by their keys in the source.
pub async fn customers(
    tx: &mut Tx,
    by: &By<'_>,
    keys: &[&str],
    outcome: &mut Outcome,
) -> Result<Vec<(String, Done)>, StoreError> {
    source_record::lock_origin(tx, &by.origin.connection_id, true).await?;
    let known = source_record::known(tx, &by.origin.connection_id, by.stream, keys.iter().copied()).await?;
    let mut done = Vec::with_capacity(keys.len());
    for key in keys {
        let Some(record) = known.get(*key).filter(|record| record.deleted_at.is_none()) else { continue };
        let how = one(tx, by, record).await?;
        if how != Done::Kept {
            outcome.customers.insert(record.record_id.clone());
        }
        done.push(((*key).to_owned(), how));
    }
    Ok(done)
}

async fn one(tx: &mut Tx, by: &By<'_>, record: &source_record::Known) -> Result<Done, StoreError> {
    let id = record.record_id.as_str();
    let connection = by.origin.connection_id.as_str();
    let sources = source_record::bodies(&mut *tx, std::iter::once(id)).await?;
    let is_this = |s: &source_record::SourceBody| {
        s.connection_id == connection && s.stream == by.stream && s.external_id == record.external_id
    };
    let alone = sources.iter().all(is_this);
    if alone && import::is_used(tx, id).await? {
        return Ok(Done::Kept);
    }
    let closed = source_record::Entry {
        external_id: &record.external_id,
        record_id: id,
        content_hash: &record.content_hash,
        source_version: record.source_version,
        seq: record.seq + 1,
        body: None,
        deleted_at: Some(by.now),
    };
    source_record::put(tx, connection, by.stream, by.now, std::iter::once(closed)).await?;
    customer::forget_codes(tx, connection, id).await?;
    let Some(row) = customer::by_ids(&mut *tx, std::iter::once(id)).await?.remove(id) else { return Ok(Done::Removed) };
    if !alone {
        let basis =
            golden::Basis { currency: by.currency, sample: row.sample, person: row.kind == "person", now: by.now };
        golden::rewrite(tx, &basis, &BTreeSet::from([id]), |_| golden::Cause {
            effective_at: None,
            connection_id: Some(connection),
            actor: Some(by.actor),
            run_id: Some(by.run_id),
            reason: "source",
        })
        .await?;
        return Ok(Done::Restored);
    }
    customer::remove(tx, id).await?;
    // Should it come again, it is somebody new: this one's history has ended.
    source_record::forget(tx, connection, by.stream, &record.external_id).await?;
    let version = version::NewVersion {
        record_id: id,
        seq: row.seq + 1,
        customer_id: Some(id),
        effective_at: None,
        connection_id: Some(connection),
        actor: Some(by.actor),
        run_id: Some(by.run_id),
        reason: "deleted",
        body: "{}".to_owned(),
    };
    announce::versions(tx, by.now, vec![Fact { version, customer_id: Some(id), sample: row.sample }]).await?;
    Ok(Done::Removed)
}
