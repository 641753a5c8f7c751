//! People who may sign in, and service accounts, which may not.

use super::{FromRow, On, StoreError, Tx, sql};
use crate::model::{Id, Timestamp};

/// Values of `kind`.
pub const PERSON: &str = "person";
pub const SERVICE: &str = "service";

/// One account. `role` is the stored text; `identity` gives it meaning.
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
    pub signed_in_at: Option<i64>,
    /// Break-glass: gets in while single sign-on is mandatory.
    pub glass: bool,
    /// Last sign-in that way; `None`: none since passphrase or second factor changed.
    pub glass_tested_at: Option<i64>,
    /// [`PERSON`] or [`SERVICE`].
    pub kind: String,
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
    /// [`PERSON`] or [`SERVICE`].
    pub kind: &'a str,
}

const COLUMNS: &str = "id, mail, name, role, password_hash, language, theme, created_at, disabled_at, signed_in_at, \
     glass, glass_tested_at, kind";

/// Adds a person. `false`: the mail address is taken.
pub async fn insert(tx: &mut Tx, user: &NewUser<'_>) -> Result<bool, StoreError> {
    let NewUser { id, mail, mail_key, name, role, password_hash, language, theme, now, kind } = user;
    let rows =
        sql("INSERT INTO app_user (id, mail, mail_key, name, role, password_hash, language, theme, created_at, kind) \
                    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (mail_key) DO NOTHING")
        .bind(*id)
        .bind(*mail)
        .bind(*mail_key)
        .bind(*name)
        .bind(*role)
        .bind(*password_hash)
        .bind(*language)
        .bind(*theme)
        .bind(*now)
        .bind(*kind)
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

/// The service accounts, by name.
pub async fn services(on: impl Into<On<'_>>) -> Result<Vec<UserRow>, StoreError> {
    sql(format!("SELECT {COLUMNS} FROM app_user WHERE kind = $1 ORDER BY name, id")).bind(SERVICE).all(on).await
}

pub async fn list(on: impl Into<On<'_>>) -> Result<Vec<UserRow>, StoreError> {
    sql(format!("SELECT {COLUMNS} FROM app_user ORDER BY created_at, id")).all(on).await
}

/// Whether an owner may sign in who needs no identity provider for it.
pub async fn has_local_owner(on: impl Into<On<'_>>) -> Result<bool, StoreError> {
    let found: Option<(String,)> = sql("SELECT id FROM app_user
         WHERE role = 'owner' AND password_hash IS NOT NULL AND disabled_at IS NULL LIMIT 1")
    .optional(on)
    .await?;
    Ok(found.is_some())
}

/// Which people are wanted; what is empty does not narrow.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// Part of a name or mail address.
    pub text: &'a str,
    pub role: &'a str,
    /// Only those who may (`Some(true)`) or may not sign in.
    pub active: Option<bool>,
}

impl Wanted<'_> {
    fn bind(self, text: &str, paged: &[i64]) -> super::Sql {
        let escaped = self.text.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let state = match self.active {
            None => "",
            Some(true) => " AND disabled_at IS NULL",
            Some(false) => " AND disabled_at IS NOT NULL",
        };
        let condition = format!(
            "($1 = '' OR LOWER(name) LIKE $2 ESCAPE '\\' OR mail_key LIKE $2 ESCAPE '\\')
               AND ($3 = '' OR role = $3){state}"
        );
        let bound = sql(text.replace("{}", &condition)).bind(self.text).bind(format!("%{escaped}%")).bind(self.role);
        paged.iter().fold(bound, |bound, n| bound.bind(*n))
    }
}

/// People that are wanted, by name.
pub async fn find(
    on: impl Into<On<'_>>,
    wanted: Wanted<'_>,
    limit: i64,
    offset: i64,
) -> Result<Vec<UserRow>, StoreError> {
    let text = format!("SELECT {COLUMNS} FROM app_user WHERE {{}} ORDER BY name, id LIMIT $4 OFFSET $5");
    wanted.bind(&text, &[limit, offset]).all(on).await
}

pub async fn count(on: impl Into<On<'_>>, wanted: Wanted<'_>) -> Result<i64, StoreError> {
    let (count,): (i64,) = wanted.bind("SELECT COUNT(*) FROM app_user WHERE {}", &[]).one(on).await?;
    Ok(count)
}

/// Names of people, by id: for lists that name who did something.
pub async fn names(on: impl Into<On<'_>>, ids: &[&str]) -> Result<Vec<(String, String)>, StoreError> {
    let on = on.into();
    let picked = on.dialect().in_list("id", "$1");
    sql(format!("SELECT id, name FROM app_user WHERE {picked}")).bind(super::json_list(ids)).all(on).await
}

/// The name of one of them; empty: there is no such person.
pub async fn name(on: impl Into<On<'_>>, id: &str) -> Result<String, StoreError> {
    Ok(names(on, &[id]).await?.into_iter().next().map(|(_, name)| name).unwrap_or_default())
}

/// Keeps everybody of a role from changing role or state until the transaction ends; returns those who may
/// sign in.
pub async fn lock_role(tx: &mut Tx, role: &str) -> Result<Vec<String>, StoreError> {
    sql("UPDATE app_user SET role = role WHERE role = $1").bind(role).execute(&mut *tx).await?;
    let ids: Vec<(String,)> =
        sql("SELECT id FROM app_user WHERE role = $1 AND disabled_at IS NULL ORDER BY id").bind(role).all(tx).await?;
    Ok(ids.into_iter().map(|(id,)| id).collect())
}

/// One person, kept from others until the transaction ends.
pub async fn lock(tx: &mut Tx, id: &str) -> Result<Option<UserRow>, StoreError> {
    sql(format!("UPDATE app_user SET role = role WHERE id = $1 RETURNING {COLUMNS}")).bind(id).optional(tx).await
}

pub async fn set_role(tx: &mut Tx, id: &str, role: &str) -> Result<(), StoreError> {
    // Where no group gives a role, the one given by hand stands at the next sign-in as well.
    sql("UPDATE app_user SET role = $1, invited_role = CASE WHEN invited_role IS NULL THEN NULL ELSE $1 END WHERE id = $2")
        .bind(role)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

/// `Some`: may not sign in from now on.
pub async fn set_disabled(tx: &mut Tx, id: &str, at: Option<Timestamp>) -> Result<(), StoreError> {
    sql("UPDATE app_user SET disabled_at = $1 WHERE id = $2").bind(at).bind(id).execute(tx).await?;
    Ok(())
}

/// The role of the invitation that brought somebody, where the groups of their provider gave none.
pub async fn invited_role(on: impl Into<On<'_>>, id: &str) -> Result<Option<String>, StoreError> {
    let found: Option<(Option<String>,)> =
        sql("SELECT invited_role FROM app_user WHERE id = $1").bind(id).optional(on).await?;
    Ok(found.and_then(|(role,)| role))
}

pub async fn set_invited_role(tx: &mut Tx, id: &str, role: Option<&str>) -> Result<(), StoreError> {
    sql("UPDATE app_user SET invited_role = $1 WHERE id = $2").bind(role).bind(id).execute(tx).await?;
    Ok(())
}

pub async fn signed_in(tx: &mut Tx, id: &str, now: Timestamp) -> Result<(), StoreError> {
    sql("UPDATE app_user SET signed_in_at = $1 WHERE id = $2").bind(now).bind(id).execute(tx).await?;
    Ok(())
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

/// Another passphrase, whatever was there.
pub async fn set_password(tx: &mut Tx, id: &str, hash: &str) -> Result<(), StoreError> {
    sql("UPDATE app_user SET password_hash = $1 WHERE id = $2").bind(hash).bind(id).execute(tx).await?;
    Ok(())
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
