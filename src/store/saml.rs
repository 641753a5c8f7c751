//! SAML answers on their way through a browser, and assertions that were used.

use super::{StoreError, Tx, sql};
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
