//! Runs: what one pull, replay or minute of webhooks did, counted per stream as it is committed.

use super::{FromRow, On, StoreError, Tx, sql};
use crate::model::Timestamp;

#[derive(Clone, Debug, FromRow)]
pub struct Run {
    pub id: String,
    pub number: i64,
    pub connection_id: String,
    pub trigger_kind: String,
    pub actor: Option<String>,
    pub state: String,
    pub mapping_version: i64,
    pub started_at: i64,
    pub finished_at: Option<i64>,
    pub requests: i64,
    pub throttled: i64,
    pub cause: Option<String>,
    pub detail: Option<String>,
}

#[derive(Clone, Debug, FromRow)]
pub struct RunStream {
    pub run_id: String,
    pub stream: String,
    pub state: String,
    pub read_count: i64,
    pub new_count: i64,
    pub updated_count: i64,
    pub unchanged_count: i64,
    pub parked_count: i64,
    pub failed_count: i64,
    pub source_count: Option<i64>,
    pub cursor_from: Option<String>,
    pub cursor_to: Option<String>,
}

pub const COLUMNS: &str = "id, number, connection_id, trigger_kind, actor, state, mapping_version, started_at,
    finished_at, requests, throttled, cause, detail";

/// A run to open.
pub struct New<'a> {
    pub id: &'a str,
    pub connection_id: &'a str,
    pub trigger: &'a str,
    pub actor: Option<&'a str>,
    pub state: &'a str,
    pub mapping_version: i64,
    pub now: Timestamp,
}

/// Opens a run and gives it the next number.
pub async fn insert(tx: &mut Tx, new: &New<'_>) -> Result<i64, StoreError> {
    let (number,): (i64,) = sql("INSERT INTO setting (name, value, updated_at) VALUES ('run_number', '1', $1)
         ON CONFLICT (name) DO UPDATE SET
           value = CAST(CAST(setting.value AS BIGINT) + 1 AS TEXT), updated_at = excluded.updated_at
         RETURNING CAST(value AS BIGINT)")
    .bind(new.now)
    .one(&mut *tx)
    .await?;
    sql("INSERT INTO run (id, number, connection_id, trigger_kind, actor, state, mapping_version, started_at,
           requests, throttled)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0)")
    .bind(new.id)
    .bind(number)
    .bind(new.connection_id)
    .bind(new.trigger)
    .bind(new.actor)
    .bind(new.state)
    .bind(new.mapping_version)
    .bind(new.now)
    .execute(&mut *tx)
    .await?;
    sql("UPDATE connection SET last_run_id = $1 WHERE id = $2")
        .bind(new.id)
        .bind(new.connection_id)
        .execute(tx)
        .await?;
    Ok(number)
}

/// Counts to add to a stream of a run.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    pub read: i64,
    pub new: i64,
    pub updated: i64,
    pub unchanged: i64,
    pub parked: i64,
    pub failed: i64,
}

/// Adds counts in the transaction that made them true. A stream that is not green stays so.
pub async fn add_counts(
    tx: &mut Tx,
    run_id: &str,
    stream: &str,
    state: &str,
    c: &Counts,
    cursor_to: Option<&str>,
) -> Result<(), StoreError> {
    sql("INSERT INTO run_stream (run_id, stream, state, read_count, new_count, updated_count, unchanged_count,
           parked_count, failed_count, cursor_to)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (run_id, stream) DO UPDATE SET
           state = CASE WHEN run_stream.state IN ('failed', 'partial') THEN run_stream.state ELSE excluded.state END,
           read_count = run_stream.read_count + excluded.read_count,
           new_count = run_stream.new_count + excluded.new_count,
           updated_count = run_stream.updated_count + excluded.updated_count,
           unchanged_count = run_stream.unchanged_count + excluded.unchanged_count,
           parked_count = run_stream.parked_count + excluded.parked_count,
           failed_count = run_stream.failed_count + excluded.failed_count,
           cursor_to = COALESCE(excluded.cursor_to, run_stream.cursor_to)")
    .bind(run_id)
    .bind(stream)
    .bind(state)
    .bind(c.read)
    .bind(c.new)
    .bind(c.updated)
    .bind(c.unchanged)
    .bind(c.parked)
    .bind(c.failed)
    .bind(cursor_to)
    .execute(tx)
    .await?;
    Ok(())
}

/// A run that counts as succeeded from its start has brought a failure.
pub async fn mark_partial(tx: &mut Tx, run_id: &str) -> Result<(), StoreError> {
    sql("UPDATE run SET state = 'partial' WHERE id = $1 AND state = 'succeeded'").bind(run_id).execute(tx).await?;
    Ok(())
}

/// Starts a stream of a run, waiting or running.
pub async fn open_stream(
    tx: &mut Tx,
    run_id: &str,
    stream: &str,
    state: &str,
    cursor_from: Option<&str>,
) -> Result<(), StoreError> {
    sql("INSERT INTO run_stream (run_id, stream, state, read_count, new_count, updated_count, unchanged_count,
           parked_count, failed_count, cursor_from)
         VALUES ($1, $2, $3, 0, 0, 0, 0, 0, 0, $4)
         ON CONFLICT (run_id, stream) DO UPDATE SET state = excluded.state, cursor_from = excluded.cursor_from")
    .bind(run_id)
    .bind(stream)
    .bind(state)
    .bind(cursor_from)
    .execute(tx)
    .await?;
    Ok(())
}

pub async fn set_stream_state(
    tx: &mut Tx,
    run_id: &str,
    stream: &str,
    state: &str,
    source_count: Option<i64>,
) -> Result<(), StoreError> {
    sql(
        "UPDATE run_stream SET state = $1, source_count = COALESCE($2, source_count) WHERE run_id = $3 AND stream = $4",
    )
    .bind(state)
    .bind(source_count)
    .bind(run_id)
    .bind(stream)
    .execute(tx)
    .await?;
    Ok(())
}

/// How a run ended.
pub struct Finish<'a> {
    pub id: &'a str,
    pub state: &'a str,
    pub requests: i64,
    pub throttled: i64,
    pub cause: Option<&'a str>,
    pub detail: Option<&'a str>,
    pub now: Timestamp,
}

pub async fn finish(tx: &mut Tx, f: &Finish<'_>) -> Result<(), StoreError> {
    sql("UPDATE run SET state = $1, finished_at = $2, requests = $3, throttled = $4, cause = $5, detail = $6
         WHERE id = $7")
    .bind(f.state)
    .bind(f.now)
    .bind(f.requests)
    .bind(f.throttled)
    .bind(f.cause)
    .bind(f.detail)
    .bind(f.id)
    .execute(tx)
    .await?;
    Ok(())
}

/// Runs of a connection that say "running" although nobody holds the lease: their process died.
pub async fn interrupt_orphans(tx: &mut Tx, connection_id: &str, now: Timestamp) -> Result<u64, StoreError> {
    sql("UPDATE run_stream SET state = 'interrupted' WHERE state IN ('running', 'waiting') AND run_id IN
           (SELECT id FROM run WHERE connection_id = $1 AND state = 'running')")
    .bind(connection_id)
    .execute(&mut *tx)
    .await?;
    sql("UPDATE run SET state = 'interrupted', finished_at = $1, cause = 'RUN_INTERRUPTED'
         WHERE connection_id = $2 AND state = 'running'")
    .bind(now)
    .bind(connection_id)
    .execute(tx)
    .await
}

pub async fn get(on: impl Into<On<'_>>, id: &str) -> Result<Option<Run>, StoreError> {
    sql(format!("SELECT {COLUMNS} FROM run WHERE id = $1")).bind(id).optional(on).await
}

pub async fn streams(on: impl Into<On<'_>>, run_id: &str) -> Result<Vec<RunStream>, StoreError> {
    sql("SELECT run_id, stream, state, read_count, new_count, updated_count, unchanged_count, parked_count,
           failed_count, source_count, cursor_from, cursor_to FROM run_stream WHERE run_id = $1")
    .bind(run_id)
    .all(on)
    .await
}

/// Streams that an interrupted run did not finish.
pub async fn interrupt_streams(tx: &mut Tx, run_id: &str) -> Result<u64, StoreError> {
    sql("UPDATE run_stream SET state = 'interrupted' WHERE run_id = $1 AND state IN ('running', 'waiting')")
        .bind(run_id)
        .execute(tx)
        .await
}
