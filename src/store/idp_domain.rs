//! Mail domains of identity providers: whose people are led where.

use super::{FromRow, On, StoreError, Tx, sql};
use crate::model::Timestamp;

#[derive(Clone, Debug, FromRow)]
pub struct Row {
    /// Lower case, ASCII form.
    pub domain: String,
    pub idp_id: String,
    /// What the TXT record has to say.
    pub token: String,
    /// `None`: people of this domain are led nowhere; invitations only.
    pub verified_at: Option<i64>,
    pub checked_at: Option<i64>,
}

const COLUMNS: &str = "domain, idp_id, token, verified_at, checked_at";

pub async fn all(on: impl Into<On<'_>>) -> Result<Vec<Row>, StoreError> {
    sql(format!("SELECT {COLUMNS} FROM idp_domain ORDER BY domain")).all(on).await
}

pub async fn get(on: impl Into<On<'_>>, domain: &str) -> Result<Option<Row>, StoreError> {
    sql(format!("SELECT {COLUMNS} FROM idp_domain WHERE domain = $1")).bind(domain).optional(on).await
}

/// Notes a domain; `false` when it is noted already, with this provider or another.
pub async fn insert(tx: &mut Tx, domain: &str, idp_id: &str, token: &str, now: Timestamp) -> Result<bool, StoreError> {
    let made = sql("INSERT INTO idp_domain (domain, idp_id, token, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (domain) DO NOTHING");
    Ok(made.bind(domain).bind(idp_id).bind(token).bind(now).execute(tx).await? == 1)
}

/// What a look at the TXT record found. A domain whose record is gone leads nobody any more.
pub async fn checked(tx: &mut Tx, domain: &str, found: bool, now: Timestamp) -> Result<(), StoreError> {
    sql(
        "UPDATE idp_domain SET checked_at = $1, verified_at = CASE WHEN $2 THEN COALESCE(verified_at, $1) ELSE NULL END
         WHERE domain = $3",
    )
    .bind(now)
    .bind(found)
    .bind(domain)
    .execute(tx)
    .await?;
    Ok(())
}

pub async fn remove(tx: &mut Tx, domain: &str) -> Result<bool, StoreError> {
    Ok(sql("DELETE FROM idp_domain WHERE domain = $1").bind(domain).execute(tx).await? == 1)
}

/// Whether any domain leads to a provider that is on.
pub async fn any_leads(on: impl Into<On<'_>>) -> Result<bool, StoreError> {
    let found = sql("SELECT domain FROM idp_domain d JOIN idp ON idp.id = d.idp_id
         WHERE d.verified_at IS NOT NULL AND idp.enabled LIMIT 1");
    Ok(found.optional::<(String,)>(on).await?.is_some())
}
