//! Passkeys of local accounts, and what authenticators were asked to sign.

use super::{FromRow, On, StoreError, Tx, sql};
use crate::model::{Id, Timestamp};

#[derive(Clone, FromRow)]
pub struct Row {
    pub id: String,
    pub label: String,
    pub credential_id: Vec<u8>,
    /// COSE.
    pub public_key: Vec<u8>,
    /// One space between.
    pub transports: String,
    pub counter: i64,
    pub backup_eligible: bool,
    pub backed_up: bool,
    pub created_at: i64,
    pub used_at: Option<i64>,
}

/// What is needed to add one; as in [`Row`].
pub struct New<'a> {
    pub id: &'a Id,
    pub user_id: &'a str,
    pub label: &'a str,
    pub credential_id: &'a [u8],
    pub public_key: &'a [u8],
    pub transports: &'a str,
    pub counter: i64,
    pub backup_eligible: bool,
    pub backed_up: bool,
    pub now: Timestamp,
}

const COLUMNS: &str = "id, label, credential_id, public_key, transports, counter, backup_eligible, backed_up, \
     created_at, used_at";

/// Somebody's passkeys, oldest first.
pub async fn of_user(on: impl Into<On<'_>>, user_id: &str) -> Result<Vec<Row>, StoreError> {
    sql(format!("SELECT {COLUMNS} FROM passkey WHERE user_id = $1 ORDER BY created_at, id")).bind(user_id).all(on).await
}

/// Adds one. `false`: it is somebody's already.
pub async fn insert(tx: &mut Tx, new: &New<'_>) -> Result<bool, StoreError> {
    let New { id, user_id, label, credential_id, public_key, transports, counter, backup_eligible, backed_up, now } =
        new;
    let added = sql("INSERT INTO passkey (id, user_id, label, credential_id, public_key, transports, counter,
           backup_eligible, backed_up, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (credential_id) DO NOTHING")
    .bind(*id)
    .bind(*user_id)
    .bind(*label)
    .bind(*credential_id)
    .bind(*public_key)
    .bind(*transports)
    .bind(*counter)
    .bind(*backup_eligible)
    .bind(*backed_up)
    .bind(*now)
    .execute(tx)
    .await?;
    Ok(added == 1)
}

/// It signed.
pub async fn used(tx: &mut Tx, id: &str, (counter, backed_up): (i64, bool), now: Timestamp) -> Result<(), StoreError> {
    // Once it is backed up it may be for ever after.
    let set = sql("UPDATE passkey SET counter = $1, backed_up = $2, backup_eligible = backup_eligible OR $2,
           used_at = $3 WHERE id = $4");
    set.bind(counter).bind(backed_up).bind(now).bind(id).execute(tx).await?;
    Ok(())
}

/// Takes one of somebody's away. `false`: they have no such.
pub async fn remove(tx: &mut Tx, user_id: &str, id: &str) -> Result<bool, StoreError> {
    Ok(sql("DELETE FROM passkey WHERE user_id = $1 AND id = $2").bind(user_id).bind(id).execute(tx).await? == 1)
}

/// Where and by whom something is signed.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// `register`, `sign_in` or `prove`.
    pub act: &'static str,
    /// The session, or the hash of the cookie of a sign-in on its way.
    pub bound: &'a str,
    pub user_id: &'a str,
}

/// Notes what is asked for, in place of what was asked before there; what ran out goes.
pub async fn ask(
    tx: &mut Tx,
    asked: Asked<'_>,
    challenge: &str,
    until: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    sql("DELETE FROM passkey_challenge WHERE expires_at < $1").bind(now).execute(&mut *tx).await?;
    let note =
        sql("INSERT INTO passkey_challenge (act, bound, user_id, challenge, expires_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (act, bound) DO UPDATE SET user_id = excluded.user_id, challenge = excluded.challenge,
           expires_at = excluded.expires_at");
    note.bind(asked.act).bind(asked.bound).bind(asked.user_id).bind(challenge).bind(until).execute(tx).await?;
    Ok(())
}

/// Takes what was asked, once. `None`: nothing was, it ran out, or it was answered.
pub async fn take(tx: &mut Tx, asked: Asked<'_>, now: Timestamp) -> Result<Option<String>, StoreError> {
    let taken: Option<(String, i64)> = sql("DELETE FROM passkey_challenge
         WHERE act = $1 AND bound = $2 AND user_id = $3 RETURNING challenge, expires_at")
    .bind(asked.act)
    .bind(asked.bound)
    .bind(asked.user_id)
    .optional(tx)
    .await?;
    Ok(taken.filter(|(_, until)| *until >= now.0).map(|(challenge, _)| challenge))
}
