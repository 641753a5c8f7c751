//! Answers to requests that a program may send twice, by its own key.

use super::{Db, FromRow, On, StoreError, Tx, sql};
use crate::model::Timestamp;

/// An answer that was given.
#[derive(Clone, Debug, FromRow)]
pub struct Answer {
    /// SHA-256 of what was asked.
    pub request_hash: Vec<u8>,
    pub status: i64,
    pub location: Option<String>,
    pub etag: Option<String>,
    /// JSON; empty when the hub ended before it was written.
    pub body: String,
    pub at: i64,
}

/// Takes a key for a request of its owner, in the transaction of what the request does. `Some`: the answer that was
/// given under that key since `since`. Who asks twice at the same time waits for the first to end.
pub async fn claim(
    tx: &mut Tx,
    owner: &str,
    key: &str,
    hash: &[u8],
    now: Timestamp,
    since: Timestamp,
) -> Result<Option<Answer>, StoreError> {
    let written =
        sql("INSERT INTO idempotency (owner, key, request_hash, status, body, at) VALUES ($1, $2, $3, 0, '', $4)
         ON CONFLICT (owner, key) DO UPDATE SET request_hash = excluded.request_hash, status = 0, location = NULL,
            etag = NULL, body = '', at = excluded.at
         WHERE idempotency.at < $5")
        .bind(owner)
        .bind(key)
        .bind(hash)
        .bind(now)
        .bind(since)
        .execute(&mut *tx)
        .await?;
    if written == 1 {
        return Ok(None);
    }
    find(tx, owner, key).await
}

async fn find(on: impl Into<On<'_>>, owner: &str, key: &str) -> Result<Option<Answer>, StoreError> {
    sql("SELECT request_hash, status, location, etag, body, at FROM idempotency WHERE owner = $1 AND key = $2")
        .bind(owner)
        .bind(key)
        .optional(on)
        .await
}

/// Where the answer leads, in the transaction of the act, with its body where that is known by then.
pub async fn note(
    tx: &mut Tx,
    (owner, key): (&str, &str),
    status: i64,
    location: &str,
    etag: Option<&str>,
    body: &str,
) -> Result<(), StoreError> {
    sql("UPDATE idempotency SET status = $3, location = $4, etag = $5, body = $6 WHERE owner = $1 AND key = $2")
        .bind(owner)
        .bind(key)
        .bind(status)
        .bind(location)
        .bind(etag)
        .bind(body)
        .execute(tx)
        .await?;
    Ok(())
}

/// The body of the answer, once it is known.
pub async fn keep_body(db: &Db, owner: &str, key: &str, body: &str) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    sql("UPDATE idempotency SET body = $3 WHERE owner = $1 AND key = $2")
        .bind(owner)
        .bind(key)
        .bind(body)
        .execute(&mut tx)
        .await?;
    tx.commit().await
}

/// Forgets answers from before a time.
pub async fn forget(db: &Db, before: Timestamp) -> Result<u64, StoreError> {
    let mut tx = db.begin().await?;
    let gone = sql("DELETE FROM idempotency WHERE at < $1").bind(before).execute(&mut tx).await?;
    tx.commit().await?;
    Ok(gone)
}
