//! Receivers of outgoing webhooks: where events are sent to, which ones, and whether it answers.

use super::{FromRow, On, StoreError, Tx, sql};
use crate::model::Timestamp;

/// Events are sent.
pub const ON: &str = "on";
/// A person stopped it; what happens meanwhile waits.
pub const PAUSED: &str = "paused";
/// It answered 410: it wants nothing any more.
pub const GONE: &str = "gone";
/// It has refused everything for `webhooks.give_up`.
pub const GIVEN_UP: &str = "given_up";

#[derive(Clone, Debug, FromRow)]
pub struct Row {
    pub id: String,
    pub name: String,
    pub url: String,
    /// A person confirmed that it stands in a private network.
    pub private: bool,
    /// JSON: see [`crate::model::event::wants`].
    pub wants: String,
    /// The events of one customer one after the other.
    pub in_order: bool,
    pub samples: bool,
    pub secret: Vec<u8>,
    pub secret_previous: Option<Vec<u8>>,
    pub rotated_until: Option<i64>,
    pub state: String,
    pub failures: i64,
    pub failing_since: Option<i64>,
    pub retry_at: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
}

impl Row {
    #[must_use]
    pub fn wishes(&self) -> Vec<String> {
        serde_json::from_str(&self.wants).unwrap_or_default()
    }
}

const COLUMNS: &str = "id, name, url, private, wants, in_order, samples, secret, secret_previous, rotated_until, state,
    failures, failing_since, retry_at, created_at, updated_at";

pub async fn all(on: impl Into<On<'_>>) -> Result<Vec<Row>, StoreError> {
    sql(format!("SELECT {COLUMNS} FROM receiver ORDER BY created_at, id")).all(on).await
}

pub async fn get(on: impl Into<On<'_>>, id: &str) -> Result<Option<Row>, StoreError> {
    sql(format!("SELECT {COLUMNS} FROM receiver WHERE id = $1")).bind(id).optional(on).await
}

/// What a person decides about a receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub name: String,
    pub url: String,
    pub private: bool,
    pub wants: String,
    pub in_order: bool,
    pub samples: bool,
}

/// Makes a receiver; `false` when its name is taken.
pub async fn insert(
    tx: &mut Tx,
    id: &str,
    wanted: &Wanted,
    secret: Vec<u8>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let made = sql("INSERT INTO receiver
           (id, name, url, private, wants, in_order, samples, secret, state, failures, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $10) ON CONFLICT (name) DO NOTHING")
    .bind(id)
    .bind(&wanted.name)
    .bind(&wanted.url)
    .bind(wanted.private)
    .bind(&wanted.wants)
    .bind(wanted.in_order)
    .bind(wanted.samples)
    .bind(secret)
    .bind(ON)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(made == 1)
}

/// Changes what a person decides; `false` when there is no such receiver, or its new name is taken.
pub async fn update(tx: &mut Tx, id: &str, wanted: &Wanted, now: Timestamp) -> Result<bool, StoreError> {
    let changed = sql("UPDATE receiver SET name = $1, url = $2, private = $3, wants = $4, in_order = $5, samples = $6,
           retry_at = NULL, updated_at = $7
         WHERE id = $8 AND NOT EXISTS (SELECT 1 FROM receiver WHERE name = $1 AND id <> $8)")
    .bind(&wanted.name)
    .bind(&wanted.url)
    .bind(wanted.private)
    .bind(&wanted.wants)
    .bind(wanted.in_order)
    .bind(wanted.samples)
    .bind(now)
    .bind(id)
    .execute(tx)
    .await?;
    Ok(changed == 1)
}

/// Switches a receiver; a person's switching it on forgives what was. `false`: there is none.
pub async fn set_state(tx: &mut Tx, id: &str, state: &str, now: Timestamp) -> Result<bool, StoreError> {
    let set = sql("UPDATE receiver SET state = $1, updated_at = $2,
           failures = CASE WHEN $1 = 'on' THEN 0 ELSE failures END,
           failing_since = CASE WHEN $1 = 'on' THEN NULL ELSE failing_since END,
           retry_at = CASE WHEN $1 = 'on' THEN NULL ELSE retry_at END
         WHERE id = $3");
    Ok(set.bind(state).bind(now).bind(id).execute(tx).await? == 1)
}

/// A new secret; the one before signs as well until its end.
pub async fn set_secret(
    tx: &mut Tx,
    id: &str,
    secret: Vec<u8>,
    previous: Vec<u8>,
    until: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    sql("UPDATE receiver SET secret = $1, secret_previous = $2, rotated_until = $3, updated_at = $4 WHERE id = $5")
        .bind(secret)
        .bind(previous)
        .bind(until)
        .bind(now)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

pub async fn remove(tx: &mut Tx, id: &str) -> Result<bool, StoreError> {
    for table in ["event_attempt", "event_delivery"] {
        sql(format!("DELETE FROM {table} WHERE receiver_id = $1")).bind(id).execute(&mut *tx).await?;
    }
    Ok(sql("DELETE FROM receiver WHERE id = $1").bind(id).execute(tx).await? == 1)
}

/// It took an event.
pub async fn answered(tx: &mut Tx, id: &str) -> Result<(), StoreError> {
    sql("UPDATE receiver SET failures = 0, failing_since = NULL, retry_at = NULL WHERE id = $1 AND failures > 0")
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

/// It refused so many events one after the other; nothing is sent before a time.
pub async fn refused(
    tx: &mut Tx,
    id: &str,
    failures: i64,
    retry_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), StoreError> {
    sql("UPDATE receiver SET failures = $1, retry_at = $2, failing_since = COALESCE(failing_since, $3) WHERE id = $4")
        .bind(failures)
        .bind(retry_at)
        .bind(now)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

/// Whether a person has said no in the meantime: only one that is on goes out of service.
pub async fn end(tx: &mut Tx, id: &str, state: &'static str, now: Timestamp) -> Result<(), StoreError> {
    sql("UPDATE receiver SET state = $1, updated_at = $2 WHERE id = $3 AND state = $4")
        .bind(state)
        .bind(now)
        .bind(id)
        .bind(ON)
        .execute(tx)
        .await?;
    Ok(())
}
