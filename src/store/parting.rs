//! What is needed to sign somebody out at their provider, beside the session and after it.

use super::{FromRow, On, StoreError, Tx, sql};
use crate::model::Timestamp;

/// An offer to sign out at the provider, too.
#[derive(Clone, Debug, FromRow)]
pub struct Parting {
    pub idp_id: String,
    /// Where the hint was sealed for.
    pub session_id: String,
    /// Sealed ID token.
    pub hint: Vec<u8>,
    pub expires_at: i64,
}

/// Keeps what a session's provider wants to see at the end.
pub async fn remember(tx: &mut Tx, session_id: &str, hint: Vec<u8>) -> Result<(), StoreError> {
    sql("UPDATE session SET hint = $1 WHERE id = $2").bind(Some(hint)).bind(session_id).execute(tx).await?;
    Ok(())
}

/// Makes an offer of the session behind a cookie; `false` when its provider wants to see nothing.
pub async fn offer(
    tx: &mut Tx,
    token_hash: &[u8],
    ticket_hash: &[u8],
    (now, expires): (Timestamp, Timestamp),
) -> Result<bool, StoreError> {
    sql("DELETE FROM parting WHERE expires_at < $1").bind(now).execute(&mut *tx).await?;
    let made = sql("INSERT INTO parting (ticket_hash, idp_id, session_id, hint, expires_at)
         SELECT $1, i.id, s.id, s.hint, $2 FROM session s JOIN idp i ON i.id = s.idp_id
         WHERE s.token_hash = $3 AND s.hint IS NOT NULL AND i.enabled");
    Ok(made.bind(ticket_hash).bind(expires).bind(token_hash).execute(tx).await? == 1)
}

/// The name of the provider that an offer is about.
pub async fn provider(on: impl Into<On<'_>>, ticket_hash: &[u8], now: Timestamp) -> Result<Option<String>, StoreError> {
    let found = sql("SELECT i.name FROM parting p JOIN idp i ON i.id = p.idp_id
         WHERE p.ticket_hash = $1 AND p.expires_at >= $2 AND i.enabled");
    Ok(found.bind(ticket_hash).bind(now).optional::<(String,)>(on).await?.map(|(name,)| name))
}

/// Takes an offer, once.
pub async fn take(tx: &mut Tx, ticket_hash: &[u8], now: Timestamp) -> Result<Option<Parting>, StoreError> {
    let taken = sql("DELETE FROM parting WHERE ticket_hash = $1 RETURNING idp_id, session_id, hint, expires_at");
    let taken: Option<Parting> = taken.bind(ticket_hash).optional(tx).await?;
    Ok(taken.filter(|parting| parting.expires_at >= now.0))
}
