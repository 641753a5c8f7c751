//! Break-glass accounts, and when they were used.

use super::{FromRow, On, StoreError, Tx, sql};
use crate::model::Timestamp;

/// A break-glass account that works: an owner who may sign in, with a passphrase and a second factor.
#[derive(Clone, FromRow)]
pub struct Account {
    pub id: String,
    pub name: String,
    pub tested_at: Option<i64>,
}

/// The break-glass accounts that work, oldest first.
pub async fn accounts(on: impl Into<On<'_>>) -> Result<Vec<Account>, StoreError> {
    sql("SELECT u.id, u.name, u.glass_tested_at AS tested_at
         FROM app_user u
         WHERE u.glass AND u.role = 'owner' AND u.disabled_at IS NULL AND u.password_hash IS NOT NULL
           AND (EXISTS (SELECT 1 FROM second_factor f WHERE f.user_id = u.id AND f.confirmed_at IS NOT NULL)
                OR EXISTS (SELECT 1 FROM passkey p WHERE p.user_id = u.id))
         ORDER BY u.created_at, u.id")
    .all(on)
    .await
}

pub async fn mark(tx: &mut Tx, user_id: &str, glass: bool) -> Result<(), StoreError> {
    let set = sql("UPDATE app_user SET glass = $1, glass_tested_at = NULL WHERE id = $2");
    set.bind(glass).bind(user_id).execute(tx).await?;
    Ok(())
}

/// The passphrase or the second factor is another one: what was tested is no more.
pub async fn untest(tx: &mut Tx, user_id: &str) -> Result<(), StoreError> {
    sql("UPDATE app_user SET glass_tested_at = NULL WHERE id = $1").bind(user_id).execute(tx).await?;
    Ok(())
}

/// Somebody signed in on the break-glass page.
pub async fn used(
    tx: &mut Tx,
    session_id: &str,
    user_id: &str,
    ip: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let set = sql("UPDATE app_user SET glass_tested_at = $1 WHERE id = $2");
    set.bind(now).bind(user_id).execute(&mut *tx).await?;
    let note = sql("INSERT INTO glass_use (session_id, user_id, at, ip) VALUES ($1, $2, $3, $4)");
    note.bind(session_id).bind(user_id).bind(now).bind(ip).execute(tx).await?;
    Ok(())
}

/// A break-glass sign-in that nobody said to have seen.
#[derive(Clone, FromRow)]
pub struct Use {
    pub session_id: String,
    pub name: String,
    pub at: i64,
    pub ip: Option<String>,
}

/// The newest of them.
pub async fn unseen(on: impl Into<On<'_>>, most: i64) -> Result<Vec<Use>, StoreError> {
    sql("SELECT g.session_id, u.name, g.at, g.ip FROM glass_use g JOIN app_user u ON u.id = g.user_id
         WHERE g.seen_at IS NULL ORDER BY g.at DESC, g.session_id LIMIT $1")
    .bind(most)
    .all(on)
    .await
}

/// Somebody has seen it. `false`: somebody else did before, or there is none.
pub async fn seen(tx: &mut Tx, session_id: &str, by: &str, now: Timestamp) -> Result<bool, StoreError> {
    let set = sql("UPDATE glass_use SET seen_at = $1, seen_by = $2 WHERE session_id = $3 AND seen_at IS NULL");
    Ok(set.bind(now).bind(by).bind(session_id).execute(tx).await? == 1)
}

/// People who may sign in by a passphrase only, and are no break-glass accounts: mandatory single sign-on shuts
/// them out.
pub async fn stranded(on: impl Into<On<'_>>) -> Result<i64, StoreError> {
    let (count,): (i64,) = sql("SELECT COUNT(*) FROM app_user u
         WHERE u.disabled_at IS NULL AND u.password_hash IS NOT NULL AND NOT u.glass
           AND NOT EXISTS (SELECT 1 FROM external_identity e JOIN idp ON idp.id = e.idp_id AND idp.enabled
                           WHERE e.user_id = u.id)")
    .one(on)
    .await?;
    Ok(count)
}

/// Providers that are on and by which somebody signed in since they were last changed.
pub async fn proven_providers(on: impl Into<On<'_>>) -> Result<Vec<String>, StoreError> {
    let names: Vec<(String,)> = sql("SELECT name FROM idp
         WHERE enabled AND EXISTS (SELECT 1 FROM external_identity e
                                   WHERE e.idp_id = idp.id AND e.seen_at >= idp.updated_at)
         ORDER BY created_at, id")
    .all(on)
    .await?;
    Ok(names.into_iter().map(|(name,)| name).collect())
}

/// Keeps the providers that are on as they are until the transaction ends; returns their ids.
pub async fn hold_providers(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    sql("UPDATE idp SET enabled = enabled WHERE enabled").execute(&mut *tx).await?;
    let ids: Vec<(String,)> = sql("SELECT id FROM idp WHERE enabled ORDER BY id").all(tx).await?;
    Ok(ids.into_iter().map(|(id,)| id).collect())
}
