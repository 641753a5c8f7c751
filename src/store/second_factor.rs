//! Second factors of local accounts, their recovery codes, and sign-ins that wait for a code.

use super::{FromRow, On, StoreError, Tx, sql};
use crate::model::Timestamp;

#[derive(Clone, FromRow)]
pub struct Row {
    /// Sealed.
    pub secret: Vec<u8>,
    pub used_step: i64,
    /// `None`: begun, not asked for yet.
    pub confirmed_at: Option<i64>,
}

pub async fn get(on: impl Into<On<'_>>, user_id: &str) -> Result<Option<Row>, StoreError> {
    sql("SELECT secret, used_step, confirmed_at FROM second_factor WHERE user_id = $1").bind(user_id).optional(on).await
}

/// Begins one, in place of one that was begun and not confirmed. `false`: one is in force.
pub async fn begin(tx: &mut Tx, user_id: &str, secret: &[u8], now: Timestamp) -> Result<bool, StoreError> {
    let begun = sql("INSERT INTO second_factor (user_id, secret, used_step, created_at) VALUES ($1, $2, 0, $3)
         ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, used_step = 0, created_at = excluded.created_at
         WHERE second_factor.confirmed_at IS NULL");
    Ok(begun.bind(user_id).bind(secret).bind(now).execute(tx).await? == 1)
}

pub async fn confirm(tx: &mut Tx, user_id: &str, now: Timestamp) -> Result<bool, StoreError> {
    let set = sql("UPDATE second_factor SET confirmed_at = $1 WHERE user_id = $2 AND confirmed_at IS NULL");
    Ok(set.bind(now).bind(user_id).execute(tx).await? == 1)
}

/// Takes the code of a half minute. `false`: it, or a later one, was taken before.
pub async fn use_step(tx: &mut Tx, user_id: &str, step: i64) -> Result<bool, StoreError> {
    let set = sql("UPDATE second_factor SET used_step = $1 WHERE user_id = $2 AND used_step < $1");
    Ok(set.bind(step).bind(user_id).execute(tx).await? == 1)
}

/// Whether a second factor is asked for: codes of an app, or a passkey.
pub async fn is_on(on: impl Into<On<'_>>, user_id: &str) -> Result<bool, StoreError> {
    let (count,): (i64,) =
        sql("SELECT (SELECT COUNT(*) FROM second_factor WHERE user_id = $1 AND confirmed_at IS NOT NULL)
              + (SELECT COUNT(*) FROM passkey WHERE user_id = $1)")
        .bind(user_id)
        .one(on)
        .await?;
    Ok(count > 0)
}

/// Takes the app's secret away. `false`: there was none.
pub async fn remove_app(tx: &mut Tx, user_id: &str) -> Result<bool, StoreError> {
    Ok(sql("DELETE FROM second_factor WHERE user_id = $1").bind(user_id).execute(tx).await? == 1)
}

/// Takes everything away. `false`: neither an app nor a passkey was there.
pub async fn remove(tx: &mut Tx, user_id: &str) -> Result<bool, StoreError> {
    sql("DELETE FROM recovery_code WHERE user_id = $1").bind(user_id).execute(&mut *tx).await?;
    sql("DELETE FROM sign_in_step WHERE user_id = $1").bind(user_id).execute(&mut *tx).await?;
    sql("DELETE FROM passkey_challenge WHERE user_id = $1").bind(user_id).execute(&mut *tx).await?;
    let keys = sql("DELETE FROM passkey WHERE user_id = $1").bind(user_id).execute(&mut *tx).await?;
    Ok(remove_app(tx, user_id).await? || keys > 0)
}

pub async fn add_code(tx: &mut Tx, user_id: &str, hash: &[u8]) -> Result<(), StoreError> {
    let add = sql("INSERT INTO recovery_code (user_id, code_hash) VALUES ($1, $2)");
    add.bind(user_id).bind(hash).execute(tx).await?;
    Ok(())
}

/// Takes a recovery code, once.
pub async fn use_code(tx: &mut Tx, user_id: &str, hash: &[u8], now: Timestamp) -> Result<bool, StoreError> {
    let take = sql("UPDATE recovery_code SET used_at = $1 WHERE user_id = $2 AND code_hash = $3 AND used_at IS NULL");
    Ok(take.bind(now).bind(user_id).bind(hash).execute(tx).await? == 1)
}

pub async fn codes_left(on: impl Into<On<'_>>, user_id: &str) -> Result<i64, StoreError> {
    let (left,): (i64,) =
        sql("SELECT COUNT(*) FROM recovery_code WHERE user_id = $1 AND used_at IS NULL").bind(user_id).one(on).await?;
    Ok(left)
}

/// Notes a sign-in that waits for its code, on the break-glass page or the usual one; those that ran out go.
pub async fn wait(
    tx: &mut Tx,
    token_hash: &[u8],
    (user_id, glass): (&str, bool),
    until: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    sql("DELETE FROM sign_in_step WHERE expires_at < $1").bind(now).execute(&mut *tx).await?;
    let add =
        sql("INSERT INTO sign_in_step (token_hash, user_id, tries, expires_at, glass) VALUES ($1, $2, 0, $3, $4)");
    add.bind(token_hash).bind(user_id).bind(until).bind(glass).execute(tx).await?;
    Ok(())
}

/// Whose sign-in waits, and whether on the break-glass page. `None`: there is none, it ran out, or it had all its
/// tries.
pub async fn waiting(
    on: impl Into<On<'_>>,
    token_hash: &[u8],
    most: i64,
    now: Timestamp,
) -> Result<Option<(String, bool)>, StoreError> {
    sql("SELECT user_id, glass FROM sign_in_step WHERE token_hash = $1 AND tries < $2 AND expires_at >= $3")
        .bind(token_hash)
        .bind(most)
        .bind(now)
        .optional(on)
        .await
}

/// Counts a try of a sign-in that waits: whose it is. `None`: there is none, it ran out, or it had all its tries.
pub async fn try_step(tx: &mut Tx, token_hash: &[u8], most: i64, now: Timestamp) -> Result<Option<String>, StoreError> {
    let of: Option<(String,)> = sql("UPDATE sign_in_step SET tries = tries + 1
         WHERE token_hash = $1 AND tries < $2 AND expires_at >= $3 RETURNING user_id")
    .bind(token_hash)
    .bind(most)
    .bind(now)
    .optional(tx)
    .await?;
    Ok(of.map(|(id,)| id))
}

pub async fn end_step(tx: &mut Tx, token_hash: &[u8]) -> Result<(), StoreError> {
    sql("DELETE FROM sign_in_step WHERE token_hash = $1").bind(token_hash).execute(tx).await?;
    Ok(())
}
