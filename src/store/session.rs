//! Signed-in browsers. A row is found by the hash of its cookie, never by the cookie itself.

use super::{FromRow, On, StoreError, Tx, json_list, sql};
use crate::model::{Id, Timestamp};

/// A session with its person, as every request needs both.
#[derive(Clone, FromRow)]
pub struct SessionRow {
    pub id: String,
    pub user_id: String,
    pub csrf: String,
    pub created_at: i64,
    pub seen_at: i64,
    pub expires_at: i64,
    pub ip: Option<String>,
    pub agent: Option<String>,
    pub idp_id: Option<String>,
    pub proved_at: Option<i64>,
    pub glass: bool,
    pub name: String,
    pub mail: String,
    pub role: String,
    pub language: String,
    pub theme: String,
    pub disabled_at: Option<i64>,
}

/// What is needed to open a session.
pub struct NewSession<'a> {
    pub token_hash: &'a [u8],
    pub id: &'a Id,
    pub user_id: &'a str,
    pub csrf: &'a str,
    pub now: Timestamp,
    pub expires_at: Timestamp,
    pub ip: Option<&'a str>,
    pub agent: Option<&'a str>,
    pub idp_id: Option<&'a str>,
    pub subject: Option<&'a str>,
    pub sid: Option<&'a str>,
    /// Last proof of who that is.
    pub proved_at: Option<Timestamp>,
    /// Opened on the break-glass page.
    pub glass: bool,
    pub name_id: Option<&'a str>,
}

const SELECT: &str = "SELECT s.id, s.user_id, s.csrf, s.created_at, s.seen_at, s.expires_at, s.ip, s.agent, s.idp_id, \
     s.proved_at, s.glass, u.name, u.mail, u.role, u.language, u.theme, u.disabled_at \
     FROM session s JOIN app_user u ON u.id = s.user_id";

pub async fn insert(tx: &mut Tx, session: &NewSession<'_>) -> Result<(), StoreError> {
    let NewSession {
        token_hash,
        id,
        user_id,
        csrf,
        now,
        expires_at,
        ip,
        agent,
        idp_id,
        subject,
        sid,
        proved_at,
        glass,
        name_id,
    } = session;
    sql("INSERT INTO session (token_hash, id, user_id, csrf, created_at, seen_at, expires_at, ip, agent, \
           idp_id, subject, sid, proved_at, glass, name_id) \
         VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)")
    .bind(*token_hash)
    .bind(*id)
    .bind(*user_id)
    .bind(*csrf)
    .bind(*now)
    .bind(*expires_at)
    .bind(*ip)
    .bind(*agent)
    .bind(*idp_id)
    .bind(*subject)
    .bind(*sid)
    .bind(*proved_at)
    .bind(*glass)
    .bind(*name_id)
    .execute(tx)
    .await?;
    Ok(())
}

pub async fn by_token_hash(on: impl Into<On<'_>>, token_hash: &[u8]) -> Result<Option<SessionRow>, StoreError> {
    sql(format!("{SELECT} WHERE s.token_hash = $1")).bind(token_hash).optional(on).await
}

/// The sessions of one person, last used first.
pub async fn of_user(on: impl Into<On<'_>>, user_id: &str) -> Result<Vec<SessionRow>, StoreError> {
    sql(format!("{SELECT} WHERE s.user_id = $1 ORDER BY s.seen_at DESC, s.id")).bind(user_id).all(on).await
}

pub async fn touch(tx: &mut Tx, token_hash: &[u8], now: Timestamp) -> Result<(), StoreError> {
    sql("UPDATE session SET seen_at = $1 WHERE token_hash = $2 AND seen_at < $1")
        .bind(now)
        .bind(token_hash)
        .execute(tx)
        .await?;
    Ok(())
}

/// Ends the session behind a cookie. `None`: there was none.
pub async fn end_by_token_hash(tx: &mut Tx, token_hash: &[u8]) -> Result<Option<(String, String)>, StoreError> {
    sql("DELETE FROM session WHERE token_hash = $1 RETURNING id, user_id").bind(token_hash).optional(tx).await
}

/// Ends one session of one person. `false`: that person has no such session.
pub async fn end(tx: &mut Tx, user_id: &str, id: &str) -> Result<bool, StoreError> {
    let rows = sql("DELETE FROM session WHERE user_id = $1 AND id = $2").bind(user_id).bind(id).execute(tx).await?;
    Ok(rows == 1)
}

/// Ends every session of a person except `keep`.
pub async fn end_others(tx: &mut Tx, user_id: &str, keep: &str) -> Result<u64, StoreError> {
    sql("DELETE FROM session WHERE user_id = $1 AND id <> $2").bind(user_id).bind(keep).execute(tx).await
}

/// Ends sessions that a provider vouched for: those of its own session, else all of its person. Returns ids
/// and people.
pub async fn end_federated(
    tx: &mut Tx,
    idp_id: &str,
    sid: Option<&str>,
    subject: Option<&str>,
) -> Result<Vec<(String, String)>, StoreError> {
    let (column, value) = match (sid, subject) {
        (Some(sid), _) => ("sid", sid),
        (None, Some(subject)) => ("subject", subject),
        (None, None) => return Ok(Vec::new()),
    };
    sql(format!("DELETE FROM session WHERE idp_id = $1 AND {column} = $2 RETURNING id, user_id"))
        .bind(idp_id)
        .bind(value)
        .all(tx)
        .await
}

/// Ends sessions of a person whom a provider names: those of its own sessions, or all. Returns ids and people.
pub async fn end_named(
    tx: &mut Tx,
    idp_id: &str,
    name_id: &str,
    sids: &[String],
) -> Result<Vec<(String, String)>, StoreError> {
    let ending = "DELETE FROM session WHERE idp_id = $1 AND name_id = $2";
    if sids.is_empty() {
        return sql(format!("{ending} RETURNING id, user_id")).bind(idp_id).bind(name_id).all(tx).await;
    }
    let which = tx.dialect().in_list("sid", "$3");
    sql(format!("{ending} AND {which} RETURNING id, user_id"))
        .bind(idp_id)
        .bind(name_id)
        .bind(json_list(sids))
        .all(tx)
        .await
}

/// Ends every session that a provider vouched for. Returns ids and people.
pub async fn end_of_provider(tx: &mut Tx, idp_id: &str) -> Result<Vec<(String, String)>, StoreError> {
    sql("DELETE FROM session WHERE idp_id = $1 RETURNING id, user_id").bind(idp_id).all(tx).await
}

/// Ends the sessions that one identity (person, provider, subject) opened, but `keep`.
pub async fn end_of_identity(
    tx: &mut Tx,
    (user_id, idp_id, subject): (&str, &str, &str),
    keep: &str,
) -> Result<u64, StoreError> {
    sql("DELETE FROM session WHERE user_id = $1 AND idp_id = $2 AND subject = $3 AND id <> $4")
        .bind(user_id)
        .bind(idp_id)
        .bind(subject)
        .bind(keep)
        .execute(tx)
        .await
}

/// Ends every session that a passphrase opened, but those of break-glass accounts and `keep`. Returns ids and
/// people.
pub async fn end_local(tx: &mut Tx, keep: &str) -> Result<Vec<(String, String)>, StoreError> {
    sql("DELETE FROM session WHERE idp_id IS NULL AND NOT glass AND id <> $1 RETURNING id, user_id")
        .bind(keep)
        .all(tx)
        .await
}

/// Gives a session another cookie and token after its person proved who they are. `false`: it ended meanwhile.
pub async fn rotate(tx: &mut Tx, from: &[u8], to: &[u8], csrf: &str, proved_at: Timestamp) -> Result<bool, StoreError> {
    let set = sql("UPDATE session SET token_hash = $1, csrf = $2, proved_at = $3 WHERE token_hash = $4");
    Ok(set.bind(to).bind(csrf).bind(proved_at).bind(from).execute(tx).await? == 1)
}

/// Removes sessions past their absolute end, or not seen since `idle_before`.
pub async fn purge(tx: &mut Tx, now: Timestamp, idle_before: Timestamp) -> Result<u64, StoreError> {
    sql("DELETE FROM session WHERE expires_at <= $1 OR seen_at <= $2").bind(now).bind(idle_before).execute(tx).await
}
