//! Removing old rows in small transactions: the sweep never holds the writer for long.

use super::{Db, StoreError, sql};
use crate::model::Timestamp;

/// Rows in one transaction.
const ROWS: i64 = 500;

/// Raw bodies of webhooks that were applied or that nobody asked for.
pub async fn applied_deliveries(db: &Db, before: Timestamp) -> Result<u64, StoreError> {
    remove(
        db,
        "DELETE FROM inbox WHERE id IN (SELECT id FROM inbox
           WHERE state IN ('applied', 'ignored') AND received_at < $1 LIMIT $2)",
        before,
    )
    .await
}

/// Finished runs with their counts.
pub async fn finished_runs(db: &Db, before: Timestamp) -> Result<u64, StoreError> {
    remove(
        db,
        "DELETE FROM run WHERE id IN (SELECT id FROM run
           WHERE state <> 'running' AND started_at < $1 ORDER BY started_at LIMIT $2)",
        before,
    )
    .await
}

/// Attempts to tell systems something.
pub async fn attempts(db: &Db, before: Timestamp) -> Result<u64, StoreError> {
    remove(db, "DELETE FROM attempt WHERE id IN (SELECT id FROM attempt WHERE at < $1 LIMIT $2)", before).await
}

async fn remove(db: &Db, statement: &'static str, before: Timestamp) -> Result<u64, StoreError> {
    let mut removed = 0;
    loop {
        let mut tx = db.begin().await?;
        let gone = sql(statement).bind(before).bind(ROWS).execute(&mut tx).await?;
        tx.commit().await?;
        removed += gone;
        if gone == 0 {
            return Ok(removed);
        }
    }
}
