//! Mails on their way: written with their cause, sent by one node at a time.

use super::{FromRow, On, StoreError, Tx, sql};
use crate::model::{Id, Timestamp};

/// Not sent yet.
pub const WAITING: &str = "waiting";
/// A server took it.
pub const SENT: &str = "sent";
/// It is not sent any more: refused, or too old.
pub const DEAD: &str = "dead";

/// A mail to write.
#[derive(Clone, Debug)]
pub struct New<'a> {
    pub id: &'a Id,
    pub kind: &'static str,
    pub recipient: &'a str,
    pub language: &'a str,
    /// Sealed.
    pub letter: Vec<u8>,
    pub about: Option<&'a str>,
    pub give_up_at: Timestamp,
    pub now: Timestamp,
}

pub async fn insert(tx: &mut Tx, new: New<'_>) -> Result<(), StoreError> {
    let New { id, kind, recipient, language, letter, about, give_up_at, now } = new;
    sql("INSERT INTO mail (id, kind, recipient, language, letter, about, state, attempts, not_before, give_up_at,
           created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, 'waiting', 0, $7, $8, $7, $7)")
    .bind(id)
    .bind(kind)
    .bind(recipient)
    .bind(language)
    .bind(letter)
    .bind(about)
    .bind(now)
    .bind(give_up_at)
    .execute(tx)
    .await?;
    Ok(())
}

/// A mail in hand.
#[derive(Clone, Debug, FromRow)]
pub struct Leased {
    pub id: String,
    pub recipient: String,
    pub language: String,
    pub letter: Option<Vec<u8>>,
    pub attempts: i64,
    pub give_up_at: i64,
}

const DUE: &str = "state = 'waiting' AND not_before <= $1
    AND (leased_until IS NULL OR leased_until < $1 OR leased_by = $2)";

pub async fn any_due(on: impl Into<On<'_>>, node: &str, now: Timestamp) -> Result<bool, StoreError> {
    let due = sql(format!("SELECT id FROM mail WHERE {DUE} LIMIT 1")).bind(now).bind(node);
    Ok(due.optional::<(String,)>(on).await?.is_some())
}

/// Takes the mail that waits longest; nobody else has it until then.
pub async fn lease(tx: &mut Tx, node: &str, now: Timestamp, until: Timestamp) -> Result<Option<Leased>, StoreError> {
    // The condition stands twice: on PostgreSQL another node may have taken the row between both.
    sql(format!(
        "UPDATE mail SET leased_by = $2, leased_until = $3
         WHERE id = (SELECT id FROM mail WHERE {DUE} ORDER BY not_before, id LIMIT 1) AND {DUE}
         RETURNING id, recipient, language, letter, attempts, give_up_at"
    ))
    .bind(now)
    .bind(node)
    .bind(until)
    .optional(tx)
    .await
}

/// What became of a try.
#[derive(Clone, Debug)]
pub struct Became<'a> {
    /// [`WAITING`], [`SENT`] or [`DEAD`].
    pub state: &'static str,
    pub not_before: Timestamp,
    pub cause: Option<&'static str>,
    pub answer: Option<&'a str>,
}

/// Writes down what became of a mail; what it said goes unless it is tried again. `false`: it was withdrawn
/// meanwhile, or another node has it.
pub async fn settle(
    tx: &mut Tx,
    id: &str,
    node: &str,
    became: &Became<'_>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let settled = sql("UPDATE mail SET state = $1, not_before = $2, cause = $3, answer = $4, attempts = attempts + 1,
           letter = CASE WHEN $1 = 'waiting' THEN letter ELSE NULL END,
           leased_by = NULL, leased_until = NULL, updated_at = $5
         WHERE id = $6 AND leased_by = $7 AND state = 'waiting'")
    .bind(became.state)
    .bind(became.not_before)
    .bind(became.cause)
    .bind(became.answer)
    .bind(now)
    .bind(id)
    .bind(node)
    .execute(tx)
    .await?;
    Ok(settled == 1)
}

/// Does not send what waits about something any more.
pub async fn withdraw(tx: &mut Tx, about: &str, now: Timestamp) -> Result<u64, StoreError> {
    sql("UPDATE mail SET state = 'withdrawn', letter = NULL, leased_by = NULL, leased_until = NULL, updated_at = $1
         WHERE about = $2 AND state = 'waiting'")
    .bind(now)
    .bind(about)
    .execute(tx)
    .await
}

/// How a mail stands.
#[derive(Clone, Debug, FromRow)]
pub struct Row {
    pub id: String,
    pub kind: String,
    pub recipient: String,
    pub about: Option<String>,
    pub state: String,
    pub attempts: i64,
    pub not_before: i64,
    pub cause: Option<String>,
    pub answer: Option<String>,
    pub created_at: i64,
    pub updated_at: i64,
}

const COLUMNS: &str = "id, kind, recipient, about, state, attempts, not_before, cause, answer, created_at, updated_at";

/// The newest mails.
pub async fn newest(on: impl Into<On<'_>>, limit: i64) -> Result<Vec<Row>, StoreError> {
    sql(format!("SELECT {COLUMNS} FROM mail ORDER BY id DESC LIMIT $1")).bind(limit).all(on).await
}

pub async fn get(on: impl Into<On<'_>>, id: &str) -> Result<Option<Row>, StoreError> {
    sql(format!("SELECT {COLUMNS} FROM mail WHERE id = $1")).bind(id).optional(on).await
}

/// The newest mail about each of the open invitations.
pub async fn of_invitations(on: impl Into<On<'_>>) -> Result<Vec<Row>, StoreError> {
    sql(format!(
        "SELECT {COLUMNS} FROM mail WHERE id IN
           (SELECT MAX(mail.id) FROM mail JOIN invitation ON invitation.id = mail.about
            WHERE invitation.state = 'open' GROUP BY mail.about)"
    ))
    .all(on)
    .await
}
