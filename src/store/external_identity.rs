//! Who people are at their identity providers.

use sha2::{Digest, Sha256};

use super::{FromRow, On, StoreError, Tx, json_list, sql};
use crate::model::Timestamp;

/// The person behind (issuer, subject).
pub async fn user_of(on: impl Into<On<'_>>, issuer: &str, subject: &str) -> Result<Option<String>, StoreError> {
    let found: Option<(String,)> = sql("SELECT user_id FROM external_identity WHERE issuer = $1 AND subject = $2")
        .bind(issuer)
        .bind(subject)
        .optional(on)
        .await?;
    Ok(found.map(|(id,)| id))
}

/// Providers by which people sign in: user id, provider id.
pub async fn of_users(on: impl Into<On<'_>>, ids: &[&str]) -> Result<Vec<(String, String)>, StoreError> {
    let on = on.into();
    let picked = on.dialect().in_list("user_id", "$1");
    sql(format!("SELECT user_id, idp_id FROM external_identity WHERE {picked} ORDER BY seen_at DESC"))
        .bind(json_list(ids))
        .all(on)
        .await
}

/// Remembers who this is; the first to say so wins. Returns the person that stands.
pub async fn bind(
    tx: &mut Tx,
    (issuer, subject): (&str, &str),
    idp_id: &str,
    user_id: &str,
    now: Timestamp,
) -> Result<String, StoreError> {
    let bound: (String,) = sql("INSERT INTO external_identity (issuer, subject, idp_id, user_id, created_at, seen_at)
         VALUES ($1, $2, $3, $4, $5, $5)
         ON CONFLICT (issuer, subject) DO UPDATE SET idp_id = excluded.idp_id, seen_at = excluded.seen_at
         RETURNING user_id")
    .bind(issuer)
    .bind(subject)
    .bind(idp_id)
    .bind(user_id)
    .bind(now)
    .one(tx)
    .await?;
    Ok(bound.0)
}

/// Whether one of an issuer's people is an owner here.
pub async fn has_owner_of(on: impl Into<On<'_>>, issuer: &str) -> Result<bool, StoreError> {
    let found: Option<(String,)> = sql("SELECT u.id FROM external_identity e JOIN app_user u ON u.id = e.user_id
         WHERE e.issuer = $1 AND u.role = 'owner' LIMIT 1")
    .bind(issuer)
    .optional(on)
    .await?;
    Ok(found.is_some())
}

/// Whether anybody is known by a provider.
pub async fn any_of_provider(on: impl Into<On<'_>>, idp_id: &str) -> Result<bool, StoreError> {
    let found: Option<(String,)> =
        sql("SELECT user_id FROM external_identity WHERE idp_id = $1 LIMIT 1").bind(idp_id).optional(on).await?;
    Ok(found.is_some())
}

/// An identity of a person, with its provider as far as it is there.
#[derive(Clone, Debug, FromRow)]
pub struct Row {
    pub issuer: String,
    pub subject: String,
    pub idp_id: String,
    pub created_at: i64,
    pub seen_at: i64,
    /// Empty: the provider was removed.
    pub provider: String,
    pub enabled: bool,
}

impl Row {
    /// Names it in addresses: the subject itself is nobody's business there.
    #[must_use]
    pub fn id(&self) -> String {
        hex::encode(Sha256::new().chain_update(&self.issuer).chain_update([0]).chain_update(&self.subject).finalize())
    }
}

/// The identities of one person, first linked first.
pub async fn of_user(on: impl Into<On<'_>>, user_id: &str) -> Result<Vec<Row>, StoreError> {
    sql("SELECT e.issuer, e.subject, e.idp_id, e.created_at, e.seen_at, COALESCE(i.name, '') AS provider,
                COALESCE(i.enabled, FALSE) AS enabled
         FROM external_identity e LEFT JOIN idp i ON i.id = e.idp_id
         WHERE e.user_id = $1 ORDER BY e.created_at, e.issuer, e.subject")
    .bind(user_id)
    .all(on)
    .await
}

pub async fn remove(tx: &mut Tx, user_id: &str, issuer: &str, subject: &str) -> Result<(), StoreError> {
    sql("DELETE FROM external_identity WHERE user_id = $1 AND issuer = $2 AND subject = $3")
        .bind(user_id)
        .bind(issuer)
        .bind(subject)
        .execute(tx)
        .await?;
    Ok(())
}
