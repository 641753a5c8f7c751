//! The one door for versions: what is appended here is told to whoever wants to know.

use crate::{
    model::{Timestamp, event as kinds},
    store::{
        StoreError, Tx, event,
        version::{self, NewVersion},
    },
};

/// A version to append, and what a telling needs beside it.
pub(super) struct Fact<'a> {
    pub version: NewVersion<'a>,
    /// Whose history it is part of.
    pub customer_id: Option<&'a str>,
    pub sample: bool,
}

/// Appends versions and logs the events they are, in the transaction of the change.
pub(super) async fn versions(tx: &mut Tx, now: Timestamp, facts: Vec<Fact<'_>>) -> Result<(), StoreError> {
    if facts.is_empty() {
        return Ok(());
    }
    if let Some(listeners) = event::listeners(tx).await? {
        let events = facts.iter().map(|fact| event::New {
            kind: kinds::kind_of(fact.version.record_id, fact.version.seq, fact.version.reason),
            record_id: fact.version.record_id,
            seq: fact.version.seq,
            customer_id: fact.customer_id,
            sample: fact.sample,
        });
        event::log(tx, &listeners, events, now).await?;
    }
    version::append(tx, now, facts.into_iter().map(|fact| fact.version)).await
}
