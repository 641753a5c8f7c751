//! Versions: one appended row per state of a record; the one without `valid_to` is current.

use super::{Batch, StoreError, Tx, json_list, sql};
use crate::model::Timestamp;

/// A version to append.
pub struct NewVersion<'a> {
    pub record_id: &'a str,
    pub seq: i64,
    pub customer_id: Option<&'a str>,
    pub effective_at: Option<i64>,
    pub connection_id: Option<&'a str>,
    pub actor: Option<&'a str>,
    pub run_id: Option<&'a str>,
    pub reason: &'static str,
    pub body: String,
}

/// Appends versions and closes the ones they replace (`seq` 1 replaces nothing).
pub async fn append<'a>(
    tx: &mut Tx,
    now: Timestamp,
    versions: impl Iterator<Item = NewVersion<'a>>,
) -> Result<(), StoreError> {
    let mut batch = Batch::new(
        "version",
        &[
            "record_id",
            "seq",
            "customer_id",
            "valid_from",
            "effective_at",
            "connection_id",
            "actor",
            "run_id",
            "reason",
            "body",
        ],
    );
    let mut replaced = Vec::new();
    for v in versions {
        if v.seq > 1 {
            replaced.push(v.record_id);
        }
        batch.push([
            v.record_id.into(),
            v.seq.into(),
            v.customer_id.into(),
            now.into(),
            v.effective_at.into(),
            v.connection_id.into(),
            v.actor.into(),
            v.run_id.into(),
            v.reason.into(),
            v.body.into(),
        ]);
    }
    if !replaced.is_empty() {
        let text = format!(
            "UPDATE version SET valid_to = $1 WHERE valid_to IS NULL AND {}",
            tx.dialect().in_list("record_id", "$2")
        );
        sql(text).bind(now).bind(json_list(replaced)).execute(tx).await?;
    }
    batch.insert(tx, "").await?;
    Ok(())
}
