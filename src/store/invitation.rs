//! Invitations: a link for one address, taken once.

use super::{FromRow, On, StoreError, Tx, sql};
use crate::model::Timestamp;

#[derive(Clone, Debug, FromRow)]
pub struct Row {
    pub id: String,
    pub mail: String,
    pub mail_key: String,
    pub role: String,
    pub language: String,
    /// User id, or `cli`.
    pub invited_by: String,
    /// The account that is there already.
    pub user_id: Option<String>,
    pub created_at: i64,
    pub expires_at: i64,
}

const COLUMNS: &str = "id, mail, mail_key, role, language, invited_by, user_id, created_at, expires_at";

/// Makes an invitation. `false`: there is an open one for this address.
pub async fn insert(tx: &mut Tx, row: &Row, token_hash: &[u8]) -> Result<bool, StoreError> {
    let Row { id, mail, mail_key, role, language, invited_by, user_id, created_at, expires_at } = row;
    let made =
        sql("INSERT INTO invitation (id, mail, mail_key, role, language, token_hash, state, invited_by, user_id,
           created_at, expires_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, 'open', $7, $8, $9, $10, $9)
         ON CONFLICT (mail_key) WHERE state = 'open' DO NOTHING")
        .bind(id)
        .bind(mail)
        .bind(mail_key)
        .bind(role)
        .bind(language)
        .bind(token_hash)
        .bind(invited_by)
        .bind(user_id.as_deref())
        .bind(*created_at)
        .bind(*expires_at)
        .execute(tx)
        .await?;
    Ok(made == 1)
}

/// Those that may still be taken or sent again, newest first.
pub async fn open(on: impl Into<On<'_>>) -> Result<Vec<Row>, StoreError> {
    sql(format!("SELECT {COLUMNS} FROM invitation WHERE state = 'open' ORDER BY id DESC")).all(on).await
}

/// An open one, by its id or mail address; kept from others until the transaction ends.
pub async fn lock(tx: &mut Tx, id: &str, mail_key: &str) -> Result<Option<Row>, StoreError> {
    sql(format!(
        "UPDATE invitation SET state = state WHERE (id = $1 OR mail_key = $2) AND state = 'open' RETURNING {COLUMNS}"
    ))
    .bind(id)
    .bind(mail_key)
    .optional(tx)
    .await
}

/// Another link in place of the one before, and other wishes.
pub async fn renew(
    tx: &mut Tx,
    id: &str,
    (role, language): (&str, &str),
    token_hash: &[u8],
    expires: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    sql("UPDATE invitation SET token_hash = $1, expires_at = $2, role = $3, language = $4, updated_at = $5 WHERE id = $6")
        .bind(token_hash)
        .bind(expires)
        .bind(role)
        .bind(language)
        .bind(now)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

pub async fn withdraw(tx: &mut Tx, id: &str, now: Timestamp) -> Result<(), StoreError> {
    sql("UPDATE invitation SET state = 'withdrawn', updated_at = $1 WHERE id = $2 AND state = 'open'")
        .bind(now)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

/// The invitation of a link, as long as it lets somebody in.
pub async fn by_token(on: impl Into<On<'_>>, token_hash: &[u8], now: Timestamp) -> Result<Option<Row>, StoreError> {
    sql(format!("SELECT {COLUMNS} FROM invitation WHERE token_hash = $1 AND state = 'open' AND expires_at > $2"))
        .bind(token_hash)
        .bind(now)
        .optional(on)
        .await
}

/// Uses an invitation up, for whoever came: of two who come at once, one gets it.
pub async fn take(tx: &mut Tx, id: &str, user_id: &str, now: Timestamp) -> Result<bool, StoreError> {
    let taken = sql("UPDATE invitation SET state = 'used', user_id = $1, updated_at = $2
         WHERE id = $3 AND state = 'open' AND expires_at > $2");
    Ok(taken.bind(user_id).bind(now).bind(id).execute(tx).await? == 1)
}
