//! Identity providers, and sign-ins on their way.

use super::{FromRow, On, StoreError, Tx, idp_change, sql};
use crate::model::Timestamp;

#[derive(Clone, Debug, FromRow)]
pub struct Row {
    pub id: String,
    pub name: String,
    pub kind: String,
    /// JSON, no secrets.
    pub settings: String,
    pub secret: Option<Vec<u8>>,
    pub enabled: bool,
    /// Being set up: not complete yet, and never enabled.
    pub draft: bool,
    /// Whose menus the console names.
    pub preset: Option<String>,
    pub created_at: i64,
    pub updated_at: i64,
}

const COLUMNS: &str = "id, name, kind, settings, secret, enabled, draft, preset, created_at, updated_at";

pub async fn all(on: impl Into<On<'_>>) -> Result<Vec<Row>, StoreError> {
    sql(format!("SELECT {COLUMNS} FROM idp ORDER BY created_at, id")).all(on).await
}

pub async fn get(on: impl Into<On<'_>>, id: &str) -> Result<Option<Row>, StoreError> {
    sql(format!("SELECT {COLUMNS} FROM idp WHERE id = $1")).bind(id).optional(on).await
}

/// Whether people may sign in by any.
pub async fn any_enabled(on: impl Into<On<'_>>) -> Result<bool, StoreError> {
    Ok(sql("SELECT id FROM idp WHERE enabled LIMIT 1").optional::<(String,)>(on).await?.is_some())
}

/// Makes a provider; `false` when its name is taken.
pub async fn insert(tx: &mut Tx, row: &Row) -> Result<bool, StoreError> {
    let made = sql("INSERT INTO idp (id, name, kind, settings, secret, enabled, draft, preset, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) ON CONFLICT (name) DO NOTHING")
    .bind(&row.id)
    .bind(&row.name)
    .bind(&row.kind)
    .bind(&row.settings)
    .bind(row.secret.clone())
    .bind(row.enabled)
    .bind(row.draft)
    .bind(row.preset.as_deref())
    .bind(row.created_at)
    .execute(tx)
    .await?;
    Ok(made == 1)
}

/// Changes settings from what they were read as; `None` keeps the secret, an empty one takes it away. `false`: somebody
/// else changed them, or the provider is gone.
pub async fn replace(
    tx: &mut Tx,
    id: &str,
    (before, settings): (&str, &str),
    secret: Option<Vec<u8>>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let changed = sql("UPDATE idp SET settings = $1, secret = NULLIF(COALESCE($2, secret), $6), updated_at = $3
         WHERE id = $4 AND settings = $5");
    let changed = changed.bind(settings).bind(secret).bind(now).bind(id).bind(before).bind(Vec::<u8>::new());
    Ok(changed.execute(tx).await? == 1)
}

pub async fn set_enabled(tx: &mut Tx, id: &str, enabled: bool, now: Timestamp) -> Result<bool, StoreError> {
    let set = sql("UPDATE idp SET enabled = $1, updated_at = $2 WHERE id = $3 AND NOT draft");
    Ok(set.bind(enabled).bind(now).bind(id).execute(tx).await? == 1)
}

/// Ends the setting up of a provider as it was read: `false` when it changed meanwhile.
pub async fn activate(tx: &mut Tx, row: &Row, now: Timestamp) -> Result<bool, StoreError> {
    let set = sql("UPDATE idp SET draft = FALSE, enabled = TRUE, updated_at = $1
         WHERE id = $2 AND draft AND settings = $3 AND updated_at = $4");
    Ok(set.bind(now).bind(&row.id).bind(&row.settings).bind(row.updated_at).execute(tx).await? == 1)
}

/// Another name, and whose menus are named; `false` when another provider has this name.
pub async fn rename(tx: &mut Tx, id: &str, name: &str, preset: Option<&str>) -> Result<bool, StoreError> {
    let set = sql("UPDATE idp SET name = $1, preset = $2
         WHERE id = $3 AND NOT EXISTS (SELECT 1 FROM idp other WHERE other.name = $1 AND other.id <> $3)");
    Ok(set.bind(name).bind(preset).bind(id).execute(tx).await? == 1)
}

/// When somebody last signed in by each provider: id, instant.
pub async fn last_sign_ins(on: impl Into<On<'_>>) -> Result<Vec<(String, i64)>, StoreError> {
    sql("SELECT idp_id, MAX(seen_at) FROM external_identity GROUP BY idp_id").all(on).await
}

/// What a trial found.
#[derive(Clone, Debug, FromRow)]
pub struct Trial {
    pub idp_id: String,
    pub user_id: String,
    pub at: i64,
    pub passed: bool,
    pub settings_hash: String,
    /// Sealed.
    pub report: Vec<u8>,
}

/// Keeps what a trial found, in place of the last one's findings.
pub async fn keep_trial(tx: &mut Tx, trial: &Trial) -> Result<(), StoreError> {
    let Trial { idp_id, user_id, at, passed, settings_hash, report } = trial;
    sql("INSERT INTO idp_trial (idp_id, user_id, at, passed, settings_hash, report) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (idp_id) DO UPDATE SET user_id = excluded.user_id, at = excluded.at, passed = excluded.passed,
             settings_hash = excluded.settings_hash, report = excluded.report")
    .bind(idp_id)
    .bind(user_id)
    .bind(*at)
    .bind(*passed)
    .bind(settings_hash)
    .bind(report.as_slice())
    .execute(tx)
    .await?;
    Ok(())
}

pub async fn trial(on: impl Into<On<'_>>, idp_id: &str) -> Result<Option<Trial>, StoreError> {
    sql("SELECT idp_id, user_id, at, passed, settings_hash, report FROM idp_trial WHERE idp_id = $1")
        .bind(idp_id)
        .optional(on)
        .await
}

/// Forgets what trials found: it says who somebody is.
pub async fn forget_trial(tx: &mut Tx, idp_id: &str) -> Result<(), StoreError> {
    sql("DELETE FROM idp_trial WHERE idp_id = $1").bind(idp_id).execute(tx).await?;
    Ok(())
}

/// Whether somebody is on the way to try a provider.
pub async fn is_tried(on: impl Into<On<'_>>, idp_id: &str, now: Timestamp) -> Result<bool, StoreError> {
    let found: Option<(String,)> = sql("SELECT idp_id FROM login_attempt
         WHERE idp_id = $1 AND trial IS NOT NULL AND expires_at >= $2 LIMIT 1")
    .bind(idp_id)
    .bind(now)
    .optional(on)
    .await?;
    Ok(found.is_some())
}

/// Whether this session is on the way to try a provider.
pub async fn is_tried_by(
    on: impl Into<On<'_>>,
    idp_id: &str,
    session_id: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let found: Option<(String,)> = sql("SELECT idp_id FROM login_attempt
         WHERE idp_id = $1 AND trial = $2 AND expires_at >= $3 LIMIT 1")
    .bind(idp_id)
    .bind(session_id)
    .bind(now)
    .optional(on)
    .await?;
    Ok(found.is_some())
}

/// Keeps everybody else from changing a provider until the transaction ends; `false` when it is gone.
pub async fn lock(tx: &mut Tx, id: &str) -> Result<bool, StoreError> {
    Ok(sql("UPDATE idp SET name = name WHERE id = $1").bind(id).execute(tx).await? == 1)
}

/// Keeps a provider as it is until the transaction ends; `false` when it is off or gone. Whoever switches it
/// off meanwhile waits, and then finds the session that was opened.
pub async fn hold(tx: &mut Tx, id: &str) -> Result<bool, StoreError> {
    Ok(sql("UPDATE idp SET enabled = enabled WHERE id = $1 AND enabled").bind(id).execute(tx).await? == 1)
}

/// Forgets a provider. Who signed in by it stays, and signs in by it again when it comes back.
pub async fn remove(tx: &mut Tx, id: &str) -> Result<bool, StoreError> {
    sql("DELETE FROM login_attempt WHERE idp_id = $1").bind(id).execute(&mut *tx).await?;
    sql("DELETE FROM saml_response WHERE idp_id = $1").bind(id).execute(&mut *tx).await?;
    forget_trial(&mut *tx, id).await?;
    idp_change::forget(&mut *tx, id).await?;
    Ok(sql("DELETE FROM idp WHERE id = $1").bind(id).execute(tx).await? == 1)
}

/// Notes a logout token. `false`: it was here before.
pub async fn heed_logout(
    tx: &mut Tx,
    idp_id: &str,
    token_hash: &[u8],
    expires: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    sql("DELETE FROM logout_token WHERE expires_at < $1").bind(now).execute(&mut *tx).await?;
    let noted = sql("INSERT INTO logout_token (idp_id, token_hash, expires_at) VALUES ($1, $2, $3)
         ON CONFLICT (idp_id, token_hash) DO NOTHING");
    Ok(noted.bind(idp_id).bind(token_hash).bind(expires).execute(tx).await? == 1)
}

/// A sign-in that was begun.
#[derive(Clone, Debug, FromRow)]
pub struct Attempt {
    pub browser_hash: Vec<u8>,
    pub idp_id: String,
    pub next: String,
    pub expires_at: i64,
    /// Session of the administrator who tries the provider: this attempt signs nobody in.
    pub trial: Option<String>,
    /// What somebody who is signed in went for: `prove`, `link`.
    pub act: Option<String>,
    /// Whose act it is.
    pub session_id: Option<String>,
    pub begun_at: i64,
}

pub async fn begin(tx: &mut Tx, state_hash: &[u8], attempt: &Attempt) -> Result<(), StoreError> {
    sql("INSERT INTO login_attempt (state_hash, browser_hash, idp_id, next, expires_at, trial, act, session_id, begun_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
    .bind(state_hash)
    .bind(attempt.browser_hash.as_slice())
    .bind(&attempt.idp_id)
    .bind(&attempt.next)
    .bind(attempt.expires_at)
    .bind(attempt.trial.as_deref())
    .bind(attempt.act.as_deref())
    .bind(attempt.session_id.as_deref())
    .bind(attempt.begun_at)
    .execute(tx)
    .await?;
    Ok(())
}

/// Takes an attempt, once: of two that come with the same state one gets it.
pub async fn take(tx: &mut Tx, state_hash: &[u8]) -> Result<Option<Attempt>, StoreError> {
    sql("DELETE FROM login_attempt WHERE state_hash = $1
         RETURNING browser_hash, idp_id, next, expires_at, trial, act, session_id, begun_at")
    .bind(state_hash)
    .optional(tx)
    .await
}

/// Most sign-ins that are on their way at a time.
pub const MOST_ATTEMPTS: i64 = 10_000;

/// Removes attempts that came too late, and the oldest of too many: under a flood whoever is quick still gets in.
pub async fn purge_attempts(tx: &mut Tx, now: Timestamp) -> Result<u64, StoreError> {
    let late = sql("DELETE FROM login_attempt WHERE expires_at < $1").bind(now).execute(&mut *tx).await?;
    // Before the next one is added, so one less may stay.
    let many = sql("DELETE FROM login_attempt WHERE expires_at <=
         (SELECT expires_at FROM login_attempt ORDER BY expires_at DESC LIMIT 1 OFFSET $1)");
    Ok(late + many.bind(MOST_ATTEMPTS - 1).execute(tx).await?)
}
