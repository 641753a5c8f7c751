//! Due times that a clock which was ahead has left behind.

use super::{On, StoreError, Tx, sql};
use crate::model::Timestamp;

/// `(id, schedule, due_at)` of connections that wait for a planned time, not for a retry.
pub async fn planned(on: impl Into<On<'_>>, now: Timestamp) -> Result<Vec<(String, String, i64)>, StoreError> {
    sql("SELECT id, schedule, due_at FROM connection
         WHERE paused = $1 AND leased_by IS NULL AND retry_at IS NULL AND due_at > $2")
    .bind(false)
    .bind(now)
    .all(on)
    .await
}

/// Moves a due time, unless it changed since it was read.
pub async fn set_due(tx: &mut Tx, id: &str, read: i64, due_at: Timestamp) -> Result<(), StoreError> {
    sql("UPDATE connection SET due_at = $1 WHERE id = $2 AND due_at = $3")
        .bind(due_at)
        .bind(id)
        .bind(read)
        .execute(tx)
        .await?;
    Ok(())
}

/// Retries and leases that end later than any can, `retry` and `lease`, end now.
pub async fn end_far_waits(tx: &mut Tx, now: Timestamp, retry: Timestamp, lease: Timestamp) -> Result<(), StoreError> {
    sql("UPDATE connection SET retry_at = NULL, due_at = $1 WHERE retry_at > $2")
        .bind(now)
        .bind(retry)
        .execute(&mut *tx)
        .await?;
    sql("UPDATE connection SET leased_until = $1 WHERE leased_until > $2").bind(now).bind(lease).execute(tx).await?;
    Ok(())
}
