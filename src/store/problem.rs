//! Problems of connections from their beginning to their end, and what was told of them.

use super::{FromRow, On, StoreError, Tx, sql};
use crate::model::{Id, Timestamp, ids::Noun};

/// A problem.
#[derive(Clone, Debug, FromRow)]
pub struct Row {
    pub id: String,
    pub connection_id: String,
    pub kind: String,
    /// JSON.
    pub detail: String,
    pub begun_at: i64,
    pub clear_since: Option<i64>,
    pub told_at: Option<i64>,
    /// Times told.
    pub told: i64,
    pub ended_at: Option<i64>,
}

const COLUMNS: &str = "id, connection_id, kind, detail, begun_at, clear_since, told_at, told, ended_at";

/// Those that are not over.
pub async fn open(on: impl Into<On<'_>>) -> Result<Vec<Row>, StoreError> {
    sql(format!("SELECT {COLUMNS} FROM problem WHERE ended_at IS NULL")).all(on).await
}

/// Told ones that began or ended since, the latest first.
pub async fn recent(on: impl Into<On<'_>>, since: Timestamp, limit: i64) -> Result<Vec<Row>, StoreError> {
    sql(format!(
        "SELECT {COLUMNS} FROM problem WHERE told > 0 AND (begun_at >= $1 OR ended_at >= $1)
         ORDER BY COALESCE(ended_at, begun_at) DESC, id DESC LIMIT $2"
    ))
    .bind(since)
    .bind(limit)
    .all(on)
    .await
}

/// Begins one. `None`: another node was faster.
pub async fn begin(
    tx: &mut Tx,
    connection_id: &str,
    kind: &str,
    detail: &str,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    let id = Id::new(Noun::Problem);
    let made = sql("INSERT INTO problem (id, connection_id, kind, detail, begun_at, told)
         SELECT $1, id, $2, $3, $4, 0 FROM connection WHERE id = $5
         ON CONFLICT (connection_id, kind) WHERE ended_at IS NULL DO NOTHING")
    .bind(&id)
    .bind(kind)
    .bind(detail)
    .bind(now)
    .bind(connection_id)
    .execute(tx)
    .await?;
    Ok((made > 0).then(|| id.into_string()))
}

/// Whether it is seen: `None` yes, else not since then.
pub async fn fade(tx: &mut Tx, id: &str, since: Option<Timestamp>) -> Result<(), StoreError> {
    sql("UPDATE problem SET clear_since = $1 WHERE id = $2 AND ended_at IS NULL")
        .bind(since)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

/// Counts a telling of one that was told so often. `false`: another node told it.
pub async fn told(tx: &mut Tx, id: &str, before: i64, detail: &str, now: Timestamp) -> Result<bool, StoreError> {
    let mine = sql("UPDATE problem SET told = told + 1, told_at = $1, detail = $2, clear_since = NULL
         WHERE id = $3 AND told = $4 AND ended_at IS NULL")
    .bind(now)
    .bind(detail)
    .bind(id)
    .bind(before)
    .execute(tx)
    .await?;
    Ok(mine > 0)
}

/// Ends one; `tell`: that is told as well. `false`: it is over already.
pub async fn end(tx: &mut Tx, id: &str, tell: bool, now: Timestamp) -> Result<bool, StoreError> {
    let mine = sql("UPDATE problem SET ended_at = $1, told = told + $2 WHERE id = $3 AND ended_at IS NULL")
        .bind(now)
        .bind(i64::from(tell))
        .bind(id)
        .execute(tx)
        .await?;
    Ok(mine > 0)
}

/// Forgets one that nobody was told of.
pub async fn forget(tx: &mut Tx, id: &str) -> Result<(), StoreError> {
    sql("DELETE FROM problem WHERE id = $1 AND told = 0").bind(id).execute(tx).await?;
    Ok(())
}

/// Keeps what is told, word for word.
pub async fn note(tx: &mut Tx, id: &str, seq: i64, body: &str, now: Timestamp) -> Result<(), StoreError> {
    sql("INSERT INTO problem_note (problem_id, seq, at, body) VALUES ($1, $2, $3, $4)")
        .bind(id)
        .bind(seq)
        .bind(now)
        .bind(body)
        .execute(tx)
        .await?;
    Ok(())
}
