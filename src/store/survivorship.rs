//! Sets of survivorship rules, and the making again of golden values that follows a change.

use super::{FromRow, On, StoreError, Tx, sql};
use crate::model::Timestamp;

/// One set of rules. The body is JSON: group -> rule.
#[derive(Clone, Debug, FromRow)]
pub struct RulesRow {
    pub seq: i64,
    pub body: String,
    pub actor: String,
    pub restores: Option<i64>,
    pub at: i64,
}

/// The newest sets, the one in force first.
pub async fn newest(on: impl Into<On<'_>>, limit: i64) -> Result<Vec<RulesRow>, StoreError> {
    sql("SELECT seq, body, actor, restores, at FROM survivorship ORDER BY seq DESC LIMIT $1").bind(limit).all(on).await
}

pub async fn by_seq(on: impl Into<On<'_>>, seq: i64) -> Result<Option<RulesRow>, StoreError> {
    sql("SELECT seq, body, actor, restores, at FROM survivorship WHERE seq = $1").bind(seq).optional(on).await
}

/// Puts a set in force. `false`: another set has that number already, and nothing was written.
pub async fn put(tx: &mut Tx, row: &RulesRow) -> Result<bool, StoreError> {
    let written = sql("INSERT INTO survivorship (seq, body, actor, restores, at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (seq) DO NOTHING")
    .bind(row.seq)
    .bind(row.body.as_str())
    .bind(row.actor.as_str())
    .bind(row.restores)
    .bind(row.at)
    .execute(tx)
    .await?;
    Ok(written == 1)
}

/// One making again.
#[derive(Clone, Debug, FromRow)]
pub struct Recompute {
    pub seq: i64,
    /// `rules` or `fields`: what changed.
    pub cause: String,
    pub actor: String,
    /// `running`, `done` or `superseded`.
    pub state: String,
    pub after_id: String,
    pub total: i64,
    pub done: i64,
    pub changed: i64,
    pub started_at: i64,
    pub finished_at: Option<i64>,
}

const JOB: &str =
    "SELECT seq, cause, actor, state, after_id, total, done, changed, started_at, finished_at FROM recompute";

/// The last one, whatever its state.
pub async fn last_job(on: impl Into<On<'_>>) -> Result<Option<Recompute>, StoreError> {
    sql(format!("{JOB} ORDER BY seq DESC LIMIT 1")).optional(on).await
}

/// The one to go on with.
pub async fn running_job(on: impl Into<On<'_>>) -> Result<Option<Recompute>, StoreError> {
    sql(format!("{JOB} WHERE state = 'running' ORDER BY seq DESC LIMIT 1")).optional(on).await
}

/// Begins anew with every customer; what was still running is part of it.
pub async fn start_job(tx: &mut Tx, cause: &str, actor: &str, now: Timestamp) -> Result<(), StoreError> {
    sql("UPDATE recompute SET state = 'superseded', finished_at = $1 WHERE state = 'running'")
        .bind(now)
        .execute(&mut *tx)
        .await?;
    sql("INSERT INTO recompute (seq, cause, actor, state, after_id, total, done, changed, started_at)
         SELECT COALESCE((SELECT MAX(seq) FROM recompute), 0) + 1, $1, $2, 'running', '',
            (SELECT COUNT(*) FROM customer WHERE merged_into IS NULL), 0, 0, $3")
    .bind(cause)
    .bind(actor)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// Notes how far it came; `to`: the last customer that is done, `None` when that was the last of all.
pub async fn advance_job(
    tx: &mut Tx,
    seq: i64,
    to: Option<&str>,
    [done, changed]: [i64; 2],
    now: Timestamp,
) -> Result<(), StoreError> {
    sql("UPDATE recompute SET after_id = COALESCE($2, after_id), done = done + $3, changed = changed + $4,
            state = CASE WHEN $2 IS NULL THEN 'done' ELSE state END,
            finished_at = CASE WHEN $2 IS NULL THEN $5 ELSE finished_at END
         WHERE seq = $1")
    .bind(seq)
    .bind(to)
    .bind(done)
    .bind(changed)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// Customers after an id, in the order of ids.
pub async fn customers_after(on: impl Into<On<'_>>, after: &str, limit: i64) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> =
        sql("SELECT id FROM customer WHERE id > $1 AND merged_into IS NULL ORDER BY id LIMIT $2")
            .bind(after)
            .bind(limit)
            .all(on)
            .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Customers after an id that more than one source knows: only there rules have something to decide.
pub async fn shared_after(on: impl Into<On<'_>>, after: &str, limit: i64) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> = sql("SELECT c.id FROM customer c WHERE c.id > $1 AND c.merged_into IS NULL
           AND (SELECT COUNT(*) FROM source_record s WHERE s.record_id = c.id AND s.deleted_at IS NULL) > 1
         ORDER BY c.id LIMIT $2")
    .bind(after)
    .bind(limit)
    .all(on)
    .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}
