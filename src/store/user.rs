//! People who may sign in.

use super::{FromRow, On, StoreError, Tx, sql};
use crate::model::{Id, Timestamp};

/// One person. `role` is the stored text; `identity` gives it meaning.
#[derive(Clone, FromRow)]
pub struct UserRow {
    pub id: String,
    pub mail: String,
    pub name: String,
    pub role: String,
    pub password_hash: Option<String>,
    pub language: String,
    pub theme: String,
    pub created_at: i64,
    pub disabled_at: Option<i64>,
}

/// What is needed to add a person.
pub struct NewUser<'a> {
    pub id: &'a Id,
    pub mail: &'a str,
    pub mail_key: &'a str,
    pub name: &'a str,
    pub role: &'a str,
    pub password_hash: Option<&'a str>,
    pub language: &'a str,
    pub theme: &'a str,
    pub now: Timestamp,
}

const COLUMNS: &str = "id, mail, name, role, password_hash, language, theme, created_at, disabled_at";

/// Adds a person. `false`: the mail address is taken.
pub async fn insert(tx: &mut Tx, user: &NewUser<'_>) -> Result<bool, StoreError> {
    let NewUser { id, mail, mail_key, name, role, password_hash, language, theme, now } = user;
    let rows =
        sql("INSERT INTO app_user (id, mail, mail_key, name, role, password_hash, language, theme, created_at) \
                    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (mail_key) DO NOTHING")
        .bind(*id)
        .bind(*mail)
        .bind(*mail_key)
        .bind(*name)
        .bind(*role)
        .bind(*password_hash)
        .bind(*language)
        .bind(*theme)
        .bind(*now)
        .execute(tx)
        .await?;
    Ok(rows == 1)
}

pub async fn by_mail_key(on: impl Into<On<'_>>, mail_key: &str) -> Result<Option<UserRow>, StoreError> {
    sql(format!("SELECT {COLUMNS} FROM app_user WHERE mail_key = $1")).bind(mail_key).optional(on).await
}

pub async fn by_id(on: impl Into<On<'_>>, id: &str) -> Result<Option<UserRow>, StoreError> {
    sql(format!("SELECT {COLUMNS} FROM app_user WHERE id = $1")).bind(id).optional(on).await
}

pub async fn list(on: impl Into<On<'_>>) -> Result<Vec<UserRow>, StoreError> {
    sql(format!("SELECT {COLUMNS} FROM app_user ORDER BY created_at, id")).all(on).await
}

/// Whether anybody holds `role` and may sign in.
pub async fn role_is_held(on: impl Into<On<'_>>, role: &str) -> Result<bool, StoreError> {
    let row = sql("SELECT id FROM app_user WHERE role = $1 AND disabled_at IS NULL LIMIT 1")
        .bind(role)
        .optional::<(String,)>(on)
        .await?;
    Ok(row.is_some())
}

/// Replaces a hash, unless it changed since `old` was read.
pub async fn replace_hash(tx: &mut Tx, id: &str, old: &str, new: &str) -> Result<bool, StoreError> {
    let rows = sql("UPDATE app_user SET password_hash = $1 WHERE id = $2 AND password_hash = $3")
        .bind(new)
        .bind(id)
        .bind(old)
        .execute(tx)
        .await?;
    Ok(rows == 1)
}

/// What a person's identity provider says now.
pub async fn set_name_and_role(tx: &mut Tx, id: &str, name: &str, role: &str) -> Result<(), StoreError> {
    sql("UPDATE app_user SET name = $1, role = $2 WHERE id = $3").bind(name).bind(role).bind(id).execute(tx).await?;
    Ok(())
}

/// A person's new mail address, unless somebody else has it.
pub async fn set_mail(tx: &mut Tx, id: &str, mail: &str, mail_key: &str) -> Result<(), StoreError> {
    sql("UPDATE app_user SET mail = $1, mail_key = $2 WHERE id = $3
           AND NOT EXISTS (SELECT 1 FROM app_user WHERE mail_key = $2 AND id <> $3)")
    .bind(mail)
    .bind(mail_key)
    .bind(id)
    .execute(tx)
    .await?;
    Ok(())
}

/// Language and theme as the person chose them on [自分の設定].
pub async fn set_preferences(tx: &mut Tx, id: &str, language: &str, theme: &str) -> Result<(), StoreError> {
    sql("UPDATE app_user SET language = $1, theme = $2 WHERE id = $3")
        .bind(language)
        .bind(theme)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}
