//! What was answered to calls that carried an Idempotency-Key.

use super::{FromRow, StoreError, Tx, sql};
use crate::model::Timestamp;

/// A call with a key.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    pub user_id: &'a str,
    pub key: &'a str,
    /// Method and address: `POST /activities`.
    pub operation: &'a str,
    /// SHA-256 of the body.
    pub request: &'a [u8],
}

/// The first call with a key, and its answer.
#[derive(Clone, Debug, FromRow)]
pub struct Earlier {
    pub operation: String,
    pub request: Vec<u8>,
    pub status: Option<i64>,
    pub location: Option<String>,
    pub body: Option<String>,
}

/// Takes a key for this transaction; `Some`: it was used before. Another call with the same key waits until this
/// one has its answer or is rolled back.
pub async fn take(tx: &mut Tx, call: &Call<'_>, now: Timestamp) -> Result<Option<Earlier>, StoreError> {
    let Call { user_id, key, operation, request } = call;
    let taken = sql("INSERT INTO idempotency (user_id, idem_key, operation, request, at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (user_id, idem_key) DO NOTHING")
    .bind(*user_id)
    .bind(*key)
    .bind(*operation)
    .bind(*request)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    if taken == 1 {
        return Ok(None);
    }
    sql("SELECT operation, request, status, location, body FROM idempotency WHERE user_id = $1 AND idem_key = $2")
        .bind(*user_id)
        .bind(*key)
        .optional(tx)
        .await
}

/// Keeps the answer, in the transaction that made it true.
pub async fn keep(
    tx: &mut Tx,
    call: &Call<'_>,
    status: u16,
    location: Option<&str>,
    body: &str,
) -> Result<(), StoreError> {
    sql("UPDATE idempotency SET status = $1, location = $2, body = $3 WHERE user_id = $4 AND idem_key = $5")
        .bind(i64::from(status))
        .bind(location)
        .bind(body)
        .bind(call.user_id)
        .bind(call.key)
        .execute(tx)
        .await?;
    Ok(())
}
