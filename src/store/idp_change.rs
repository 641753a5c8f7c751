//! Changed settings of identity providers that are in use, until they are in force.

use super::{FromRow, On, StoreError, Tx, sql};

#[derive(Clone, Debug, FromRow)]
pub struct Row {
    pub idp_id: String,
    /// Settings that held when these were made, as JSON.
    pub base: String,
    /// JSON, no secrets.
    pub settings: String,
    /// Sealed; `None`: that of the provider stays.
    pub secret: Option<Vec<u8>>,
    /// Who changed them last.
    pub user_id: String,
    pub updated_at: i64,
}

pub async fn get(on: impl Into<On<'_>>, idp_id: &str) -> Result<Option<Row>, StoreError> {
    sql("SELECT idp_id, base, settings, secret, user_id, updated_at FROM idp_change WHERE idp_id = $1")
        .bind(idp_id)
        .optional(on)
        .await
}

/// Keeps what was changed, in place of what was changed before.
pub async fn keep(tx: &mut Tx, row: &Row) -> Result<(), StoreError> {
    let Row { idp_id, base, settings, secret, user_id, updated_at } = row;
    sql("INSERT INTO idp_change (idp_id, base, settings, secret, user_id, updated_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (idp_id) DO UPDATE SET base = excluded.base, settings = excluded.settings,
             secret = excluded.secret, user_id = excluded.user_id, updated_at = excluded.updated_at")
    .bind(idp_id)
    .bind(base)
    .bind(settings)
    .bind(secret.clone())
    .bind(user_id)
    .bind(*updated_at)
    .execute(tx)
    .await?;
    Ok(())
}

/// Forgets what was changed. `false`: nothing was.
pub async fn forget(tx: &mut Tx, idp_id: &str) -> Result<bool, StoreError> {
    Ok(sql("DELETE FROM idp_change WHERE idp_id = $1").bind(idp_id).execute(tx).await? == 1)
}
