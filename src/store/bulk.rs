//! The same change for many customers: the job, and each customer of it with what stood before.

use super::{Batch, FromRow, On, StoreError, Tx, json_list, sql};
use crate::model::Timestamp;

/// States in which a worker has something to do.
pub const WORKING: [&str; 2] = ["applying", "undoing"];

#[derive(Clone, Debug, FromRow)]
pub struct Bulk {
    pub id: String,
    pub actor_id: String,
    pub actor: String,
    pub field: String,
    /// Empty: there shall be none.
    pub value: String,
    pub pinned: bool,
    /// `applying`, `applied`, `undoing`, `undone` or `stopped`.
    pub state: String,
    pub total: i64,
    pub done: i64,
    pub cause: Option<String>,
    pub undone_by: Option<String>,
    pub created_at: i64,
    pub updated_at: i64,
}

const COLUMNS: &str = "id, actor_id, actor, field, value, pinned, state, total, done, cause, undone_by, created_at,
    updated_at";

/// A change that a person asked for.
pub struct New<'a> {
    pub id: &'a str,
    pub actor_id: &'a str,
    pub actor: &'a str,
    pub field: &'a str,
    pub value: &'a str,
    pub pinned: bool,
    pub now: Timestamp,
}

/// The job with its customers, all waiting.
pub async fn insert(tx: &mut Tx, new: &New<'_>, customers: &[String]) -> Result<(), StoreError> {
    sql("INSERT INTO bulk (id, actor_id, actor, field, value, pinned, state, total, done, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, 'applying', $7, 0, $8, $8)")
    .bind(new.id)
    .bind(new.actor_id)
    .bind(new.actor)
    .bind(new.field)
    .bind(new.value)
    .bind(new.pinned)
    .bind(customers.len() as i64)
    .bind(new.now)
    .execute(&mut *tx)
    .await?;
    let mut batch = Batch::new("bulk_item", &["bulk_id", "position", "customer_id", "state"]);
    for (position, customer) in customers.iter().enumerate() {
        batch.push([new.id.into(), (position as i64).into(), customer.as_str().into(), "waiting".into()]);
    }
    batch.insert(tx, "").await?;
    Ok(())
}

pub async fn get(on: impl Into<On<'_>>, id: &str) -> Result<Option<Bulk>, StoreError> {
    sql(format!("SELECT {COLUMNS} FROM bulk WHERE id = $1")).bind(id).optional(on).await
}

/// The latest first; `actor_id`: only what this person did.
pub async fn list(on: impl Into<On<'_>>, actor_id: Option<&str>, limit: i64) -> Result<Vec<Bulk>, StoreError> {
    let whose = actor_id.map(str::to_owned);
    sql(format!("SELECT {COLUMNS} FROM bulk WHERE $1 IS NULL OR actor_id = $1 ORDER BY id DESC LIMIT $2"))
        .bind(whose)
        .bind(limit)
        .all(on)
        .await
}

/// A customer of the job.
#[derive(Clone, Debug, FromRow)]
pub struct Item {
    pub position: i64,
    pub customer_id: String,
    /// `waiting`, `changed`, `same`, `refused`, `undone` or `kept`.
    pub state: String,
    pub cause: Option<String>,
    pub value: Option<String>,
    /// What people had typed there before, JSON.
    pub typed: Option<String>,
    pub at: Option<i64>,
}

const ITEM: &str = "position, customer_id, state, cause, value, typed, at";

/// The next of a state.
pub async fn items(on: impl Into<On<'_>>, id: &str, state: &str, limit: i64) -> Result<Vec<Item>, StoreError> {
    sql(format!("SELECT {ITEM} FROM bulk_item WHERE bulk_id = $1 AND state = $2 ORDER BY position LIMIT $3"))
        .bind(id)
        .bind(state)
        .bind(limit)
        .all(on)
        .await
}

/// How many stand in each state.
pub async fn counts(on: impl Into<On<'_>>, id: &str) -> Result<Vec<(String, i64)>, StoreError> {
    sql("SELECT state, COUNT(*) FROM bulk_item WHERE bulk_id = $1 GROUP BY state").bind(id).all(on).await
}

/// What became of a customer.
pub async fn settle(tx: &mut Tx, id: &str, item: &Item) -> Result<(), StoreError> {
    sql("UPDATE bulk_item SET state = $1, cause = $2, value = $3, typed = $4, at = $5
         WHERE bulk_id = $6 AND position = $7")
    .bind(&item.state)
    .bind(item.cause.as_ref())
    .bind(item.value.as_ref())
    .bind(item.typed.as_ref())
    .bind(item.at)
    .bind(id)
    .bind(item.position)
    .execute(tx)
    .await?;
    Ok(())
}

/// Leases the oldest job that wants work.
pub async fn lease(tx: &mut Tx, node: &str, now: Timestamp, until: Timestamp) -> Result<Option<Bulk>, StoreError> {
    let text = format!(
        "UPDATE bulk SET leased_by = $1, leased_until = $2 WHERE id = (
           SELECT id FROM bulk WHERE {} AND (leased_until IS NULL OR leased_until < $3 OR leased_by = $1)
             ORDER BY updated_at LIMIT 1{}) RETURNING {COLUMNS}",
        tx.dialect().in_list("state", "$4"),
        tx.dialect().skip_locked()
    );
    sql(text).bind(node).bind(until).bind(now).bind(json_list(WORKING)).optional(tx).await
}

/// A chunk more is done; the lease goes on. `false`: the job is another node's by now, or ended.
pub async fn progress(tx: &mut Tx, job: &Bulk, node: &str, by: i64, until: Timestamp) -> Result<bool, StoreError> {
    let rows =
        sql("UPDATE bulk SET done = done + $1, leased_until = $2 WHERE id = $3 AND state = $4 AND leased_by = $5")
            .bind(by)
            .bind(until)
            .bind(&job.id)
            .bind(&job.state)
            .bind(node)
            .execute(tx)
            .await?;
    Ok(rows == 1)
}

/// Moves a job on, if it still stands where the caller saw it.
pub async fn go(
    tx: &mut Tx,
    id: &str,
    (from, to): (&str, &str),
    cause: Option<&str>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let rows = sql("UPDATE bulk SET state = $1, cause = $2, updated_at = $3, leased_by = NULL, leased_until = NULL
         WHERE id = $4 AND state = $5")
    .bind(to)
    .bind(cause)
    .bind(now)
    .bind(id)
    .bind(from)
    .execute(tx)
    .await?;
    Ok(rows == 1)
}

/// Begins to take a job back: counted anew, of what it changed.
pub async fn undo(tx: &mut Tx, id: &str, from: &str, by: &str, now: Timestamp) -> Result<bool, StoreError> {
    let rows = sql("UPDATE bulk SET state = 'undoing', done = 0, cause = NULL, undone_by = $1, updated_at = $2,
            total = (SELECT COUNT(*) FROM bulk_item i WHERE i.bulk_id = bulk.id AND i.state = 'changed')
         WHERE id = $3 AND state = $4")
    .bind(by)
    .bind(now)
    .bind(id)
    .bind(from)
    .execute(tx)
    .await?;
    Ok(rows == 1)
}
