//! SAML answers on their way through a browser, and assertions that were used.

use super::{FromRow, On, StoreError, Tx, sql};
use crate::model::Timestamp;

/// Keeps an answer until the browser comes for it. `false`: so many of this provider wait already.
pub async fn keep(
    tx: &mut Tx,
    handle_hash: &[u8],
    idp_id: &str,
    body: &[u8],
    (now, expires): (Timestamp, Timestamp),
    most: i64,
) -> Result<bool, StoreError> {
    sql("DELETE FROM saml_response WHERE expires_at < $1").bind(now).execute(&mut *tx).await?;
    let waiting = sql("SELECT COUNT(*) FROM saml_response WHERE idp_id = $1").bind(idp_id);
    if waiting.one::<(i64,)>(&mut *tx).await?.0 >= most {
        return Ok(false);
    }
    sql("INSERT INTO saml_response (handle_hash, idp_id, body, expires_at) VALUES ($1, $2, $3, $4)")
        .bind(handle_hash)
        .bind(idp_id)
        .bind(body)
        .bind(expires)
        .execute(tx)
        .await?;
    Ok(true)
}

/// Takes an answer, once.
pub async fn take(
    tx: &mut Tx,
    handle_hash: &[u8],
    idp_id: &str,
    now: Timestamp,
) -> Result<Option<Vec<u8>>, StoreError> {
    let taken = sql("DELETE FROM saml_response WHERE handle_hash = $1 AND idp_id = $2 RETURNING body, expires_at");
    let taken: Option<(Vec<u8>, i64)> = taken.bind(handle_hash).bind(idp_id).optional(tx).await?;
    Ok(taken.filter(|(_, expires)| *expires >= now.0).map(|(body, _)| body))
}

/// Notes an assertion. `false`: it was here before.
pub async fn use_up(
    tx: &mut Tx,
    (issuer, id_hash): (&str, &[u8]),
    (now, expires): (Timestamp, Timestamp),
) -> Result<bool, StoreError> {
    sql("DELETE FROM saml_assertion WHERE expires_at < $1").bind(now).execute(&mut *tx).await?;
    let noted = sql("INSERT INTO saml_assertion (issuer, id_hash, expires_at) VALUES ($1, $2, $3)
         ON CONFLICT (issuer, id_hash) DO NOTHING");
    Ok(noted.bind(issuer).bind(id_hash).bind(expires).execute(tx).await? == 1)
}

/// When a provider's metadata is read next, and how it went.
#[derive(Clone, Debug, FromRow)]
pub struct Reading {
    pub due_at: i64,
    pub read_at: Option<i64>,
    /// Since it was last read.
    pub failures: i64,
    /// The first of these.
    pub failed_at: Option<i64>,
    pub code: Option<String>,
    pub detail: Option<String>,
}

pub async fn reading(on: impl Into<On<'_>>, idp_id: &str) -> Result<Option<Reading>, StoreError> {
    sql("SELECT due_at, read_at, failures, failed_at, code, detail FROM saml_reading WHERE idp_id = $1")
        .bind(idp_id)
        .optional(on)
        .await
}

/// Providers whose metadata could not be read, or was not taken, the last time.
pub async fn unread(on: impl Into<On<'_>>) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> = sql("SELECT idp_id FROM saml_reading WHERE failures > 0").all(on).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Takes a reading that is due, on one node of several, until the lease ends.
pub async fn lease_reading(
    tx: &mut Tx,
    idp_id: &str,
    (now, until): (Timestamp, Timestamp),
) -> Result<bool, StoreError> {
    sql("INSERT INTO saml_reading (idp_id, due_at, failures) VALUES ($1, $2, 0) ON CONFLICT (idp_id) DO NOTHING")
        .bind(idp_id)
        .bind(now)
        .execute(&mut *tx)
        .await?;
    let taken = sql("UPDATE saml_reading SET leased_until = $1
         WHERE idp_id = $2 AND due_at <= $3 AND (leased_until IS NULL OR leased_until <= $3)");
    Ok(taken.bind(until).bind(idp_id).bind(now).execute(tx).await? == 1)
}

/// Metadata was read and taken; the next time is `due`.
pub async fn read(tx: &mut Tx, idp_id: &str, (now, due): (Timestamp, Timestamp)) -> Result<(), StoreError> {
    sql("INSERT INTO saml_reading (idp_id, due_at, read_at, failures) VALUES ($1, $2, $3, 0)
         ON CONFLICT (idp_id) DO UPDATE SET due_at = excluded.due_at, read_at = excluded.read_at, failures = 0,
             failed_at = NULL, code = NULL, detail = NULL, leased_until = NULL")
    .bind(idp_id)
    .bind(due)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// Metadata could not be read or was not taken; it is tried again at `due`.
pub async fn not_read(
    tx: &mut Tx,
    idp_id: &str,
    (now, due): (Timestamp, Timestamp),
    (code, detail): (&str, &str),
) -> Result<(), StoreError> {
    sql("UPDATE saml_reading SET due_at = $1, failures = failures + 1, failed_at = COALESCE(failed_at, $2), code = $3,
             detail = $4, leased_until = NULL WHERE idp_id = $5")
    .bind(due)
    .bind(now)
    .bind(code)
    .bind(detail)
    .bind(idp_id)
    .execute(tx)
    .await?;
    Ok(())
}

/// Remembers a request to sign out at a provider.
pub async fn sent_logout(
    tx: &mut Tx,
    request_hash: &[u8],
    idp_id: &str,
    (now, expires): (Timestamp, Timestamp),
) -> Result<(), StoreError> {
    sql("DELETE FROM saml_logout WHERE expires_at < $1").bind(now).execute(&mut *tx).await?;
    sql("INSERT INTO saml_logout (request_hash, idp_id, expires_at) VALUES ($1, $2, $3)")
        .bind(request_hash)
        .bind(idp_id)
        .bind(expires)
        .execute(tx)
        .await?;
    Ok(())
}

/// Takes a request that was answered, once. `false`: there was none.
pub async fn take_logout(tx: &mut Tx, request_hash: &[u8], idp_id: &str, now: Timestamp) -> Result<bool, StoreError> {
    let taken = sql("DELETE FROM saml_logout WHERE request_hash = $1 AND idp_id = $2 AND expires_at >= $3");
    Ok(taken.bind(request_hash).bind(idp_id).bind(now).execute(tx).await? == 1)
}

/// Our second key of a provider, sealed.
pub async fn other_key(on: impl Into<On<'_>>, idp_id: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let row: Option<(Option<Vec<u8>>,)> =
        sql("SELECT other_secret FROM idp WHERE id = $1").bind(idp_id).optional(on).await?;
    Ok(row.and_then(|(sealed,)| sealed))
}

pub async fn set_other_key(tx: &mut Tx, idp_id: &str, sealed: Option<Vec<u8>>) -> Result<(), StoreError> {
    sql("UPDATE idp SET other_secret = $1 WHERE id = $2").bind(sealed).bind(idp_id).execute(tx).await?;
    Ok(())
}
