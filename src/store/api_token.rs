//! Tokens of people and service accounts. A row is found by the hash of its token, never by the token itself.

use super::{FromRow, On, StoreError, Tx, sql};
use crate::model::{Id, Timestamp};

/// A token with its owner, as every request needs both.
#[derive(Clone, FromRow)]
pub struct TokenRow {
    pub id: String,
    pub user_id: String,
    pub name: String,
    /// Words with spaces between them; `identity` gives them meaning.
    pub scopes: String,
    pub created_at: i64,
    pub created_by: String,
    pub expires_at: i64,
    pub used_at: Option<i64>,
    pub revoked_at: Option<i64>,
    pub owner_name: String,
    pub owner_mail: String,
    pub owner_kind: String,
    pub role: String,
    pub language: String,
    pub theme: String,
    pub disabled_at: Option<i64>,
}

/// What is needed to make a token.
pub struct NewToken<'a> {
    pub id: &'a Id,
    pub token_hash: &'a [u8],
    pub user_id: &'a str,
    pub name: &'a str,
    pub scopes: &'a str,
    pub created_by: &'a str,
    pub now: Timestamp,
    pub expires_at: Timestamp,
}

const SELECT: &str = "SELECT t.id, t.user_id, t.name, t.scopes, t.created_at, t.created_by, t.expires_at, t.used_at, \
     t.revoked_at, u.name AS owner_name, u.mail AS owner_mail, u.kind AS owner_kind, u.role, u.language, u.theme, \
     u.disabled_at \
     FROM api_token t JOIN app_user u ON u.id = t.user_id";

pub async fn insert(tx: &mut Tx, token: &NewToken<'_>) -> Result<(), StoreError> {
    let NewToken { id, token_hash, user_id, name, scopes, created_by, now, expires_at } = token;
    sql("INSERT INTO api_token (id, token_hash, user_id, name, scopes, created_by, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
    .bind(*id)
    .bind(*token_hash)
    .bind(*user_id)
    .bind(*name)
    .bind(*scopes)
    .bind(*created_by)
    .bind(*now)
    .bind(*expires_at)
    .execute(tx)
    .await?;
    Ok(())
}

pub async fn by_token_hash(on: impl Into<On<'_>>, token_hash: &[u8]) -> Result<Option<TokenRow>, StoreError> {
    sql(format!("{SELECT} WHERE t.token_hash = $1")).bind(token_hash).optional(on).await
}

pub async fn by_id(on: impl Into<On<'_>>, id: &str) -> Result<Option<TokenRow>, StoreError> {
    sql(format!("{SELECT} WHERE t.id = $1")).bind(id).optional(on).await
}

/// The tokens of one owner, newest first.
pub async fn of_user(on: impl Into<On<'_>>, user_id: &str) -> Result<Vec<TokenRow>, StoreError> {
    sql(format!("{SELECT} WHERE t.user_id = $1 ORDER BY t.created_at DESC, t.id DESC")).bind(user_id).all(on).await
}

/// Everybody's tokens, newest first.
pub async fn page(on: impl Into<On<'_>>, limit: i64, offset: i64) -> Result<Vec<TokenRow>, StoreError> {
    sql(format!("{SELECT} ORDER BY t.created_at DESC, t.id DESC LIMIT $1 OFFSET $2"))
        .bind(limit)
        .bind(offset)
        .all(on)
        .await
}

/// Names of tokens, by id: for lists that name what was used.
pub async fn names<S: AsRef<str>>(on: impl Into<On<'_>>, ids: &[S]) -> Result<Vec<(String, String)>, StoreError> {
    let on = on.into();
    let picked = on.dialect().in_list("id", "$1");
    sql(format!("SELECT id, name FROM api_token WHERE {picked}")).bind(super::json_list(ids)).all(on).await
}

pub async fn count(on: impl Into<On<'_>>) -> Result<i64, StoreError> {
    let (count,): (i64,) = sql("SELECT COUNT(*) FROM api_token").one(on).await?;
    Ok(count)
}

/// Ends a token. `false`: it had ended before.
pub async fn revoke(tx: &mut Tx, id: &str, by: &str, now: Timestamp) -> Result<bool, StoreError> {
    let rows = sql("UPDATE api_token SET revoked_at = $1, revoked_by = $2 WHERE id = $3 AND revoked_at IS NULL")
        .bind(now)
        .bind(by)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(rows == 1)
}

/// Ends every token of an owner that is still good. Returns their ids.
pub async fn revoke_of(tx: &mut Tx, user_id: &str, by: &str, now: Timestamp) -> Result<Vec<String>, StoreError> {
    let ids: Vec<(String,)> = sql("UPDATE api_token SET revoked_at = $1, revoked_by = $2
         WHERE user_id = $3 AND revoked_at IS NULL AND expires_at > $1 RETURNING id")
    .bind(now)
    .bind(by)
    .bind(user_id)
    .all(tx)
    .await?;
    Ok(ids.into_iter().map(|(id,)| id).collect())
}

/// Notes when a token was last used.
pub async fn used(tx: &mut Tx, id: &str, at: Timestamp) -> Result<(), StoreError> {
    sql("UPDATE api_token SET used_at = $1 WHERE id = $2 AND (used_at IS NULL OR used_at < $1)")
        .bind(at)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

/// Removes tokens that ended before `past`.
pub async fn purge(tx: &mut Tx, past: Timestamp) -> Result<u64, StoreError> {
    sql("DELETE FROM api_token WHERE expires_at <= $1 OR revoked_at <= $1").bind(past).execute(tx).await
}
