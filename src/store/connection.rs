//! Connections, their streams, and who pulls them now.

use super::{Batch, FromRow, On, StoreError, Tx, json_list, sql};
use crate::model::Timestamp;

/// A configured connection.
#[derive(Clone, Debug, FromRow)]
pub struct Row {
    pub id: String,
    pub connector: String,
    pub name: String,
    pub kind: String,
    pub settings: String,
    pub secrets: Option<Vec<u8>>,
    pub hook_secret_previous: Option<Vec<u8>>,
    pub hook_rotated_until: Option<i64>,
    pub paused: bool,
    pub sample: bool,
    pub schedule: String,
    pub mapping_version: i64,
    pub checked_at: Option<i64>,
    pub check_report: Option<String>,
    pub auth_failed_at: Option<i64>,
    pub due_at: Option<i64>,
    pub requested_by: Option<String>,
    pub leased_by: Option<String>,
    pub leased_until: Option<i64>,
    pub failures: i64,
    pub retry_at: Option<i64>,
    pub last_run_id: Option<String>,
    pub created_at: i64,
    pub updated_at: i64,
    /// What is told to it: `off`, `changes` or `all`.
    pub push: String,
    /// How old its data may get, microseconds; `None`: from the schedule, 0: it does not matter.
    pub freshness_target: Option<i64>,
    /// Share of minutes in which it has to be that fresh, hundredths of a percent; `None`: as configured.
    pub freshness_objective: Option<i64>,
    /// User id of whoever looks after it.
    pub caretaker: Option<String>,
    /// JSON: who is told of its problems; `None`: as for everybody.
    pub notices: Option<String>,
}

const COLUMNS: &str = "id, connector, name, kind, settings, secrets, hook_secret_previous, hook_rotated_until, paused,
    sample, schedule, mapping_version, checked_at, check_report, auth_failed_at, due_at, requested_by, leased_by,
    leased_until, failures, retry_at, last_run_id, created_at, updated_at, push, freshness_target, freshness_objective,
    caretaker, notices";

/// One kind of record of a connection.
#[derive(Clone, Debug, FromRow)]
pub struct Stream {
    pub connection_id: String,
    pub name: String,
    pub enabled: bool,
    pub cursor: Option<String>,
    pub cursor_at: Option<i64>,
    pub last_ok_at: Option<i64>,
    /// The next pull asks again for what changed since; 0: for everything.
    pub reread: Option<i64>,
}

pub async fn all(on: impl Into<On<'_>>) -> Result<Vec<Row>, StoreError> {
    sql(format!("SELECT {COLUMNS} FROM connection ORDER BY created_at, id")).all(on).await
}

pub async fn get(on: impl Into<On<'_>>, id: &str) -> Result<Option<Row>, StoreError> {
    sql(format!("SELECT {COLUMNS} FROM connection WHERE id = $1")).bind(id).optional(on).await
}

pub async fn streams(on: impl Into<On<'_>>, connection_id: &str) -> Result<Vec<Stream>, StoreError> {
    sql("SELECT connection_id, name, enabled, cursor, cursor_at, last_ok_at, reread FROM stream
         WHERE connection_id = $1 ORDER BY name")
    .bind(connection_id)
    .all(on)
    .await
}

/// `(id, updated_at)` of every connection: what caches compare.
pub async fn stamps(on: impl Into<On<'_>>) -> Result<Vec<(String, i64)>, StoreError> {
    sql("SELECT id, updated_at FROM connection").all(on).await
}

/// A connection to create.
pub struct New<'a> {
    pub id: &'a str,
    pub connector: &'a str,
    pub name: &'a str,
    pub kind: &'a str,
    pub settings: String,
    pub secrets: Vec<u8>,
    pub sample: bool,
    pub schedule: String,
    /// Name and whether it is taken.
    pub streams: Vec<(&'a str, bool)>,
    pub due_at: Option<Timestamp>,
    pub now: Timestamp,
}

/// Creates a connection; `false` when its name is taken.
pub async fn insert(tx: &mut Tx, new: &New<'_>) -> Result<bool, StoreError> {
    let made = sql("INSERT INTO connection
           (id, connector, name, kind, settings, secrets, paused, sample, schedule, mapping_version, failures,
            due_at, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, 0, $10, $11, $11)
         ON CONFLICT (name) DO NOTHING")
    .bind(new.id)
    .bind(new.connector)
    .bind(new.name)
    .bind(new.kind)
    .bind(new.settings.as_str())
    .bind(new.secrets.as_slice())
    .bind(false)
    .bind(new.sample)
    .bind(new.schedule.as_str())
    .bind(new.due_at)
    .bind(new.now)
    .execute(tx)
    .await?;
    if made == 0 {
        return Ok(false);
    }
    let mut batch = Batch::new("stream", &["connection_id", "name", "enabled"]);
    for (name, enabled) in &new.streams {
        batch.push([new.id.into(), (*name).into(), (*enabled).into()]);
    }
    batch.insert(tx, "").await?;
    Ok(true)
}

/// Leases due connections to this node, but not those it still works on, whose lease may have run out
/// when the clock jumped. A lease only saves double work; what it guards is idempotent.
pub async fn lease_due(
    tx: &mut Tx,
    node: &str,
    now: Timestamp,
    until: Timestamp,
    limit: i64,
    busy: &[String],
) -> Result<Vec<Row>, StoreError> {
    let lock = tx.dialect().skip_locked();
    let busy_here = tx.dialect().in_list("id", "$6");
    sql(format!(
        "UPDATE connection SET leased_by = $1, leased_until = $2
         WHERE id IN (SELECT id FROM connection
                      WHERE paused = $5 AND due_at <= $3 AND (leased_until IS NULL OR leased_until < $3)
                        AND (requested_by IS NOT NULL OR retry_at IS NULL OR retry_at <= $3) AND NOT ({busy_here})
                      ORDER BY due_at LIMIT $4{lock})
         RETURNING {COLUMNS}"
    ))
    .bind(node)
    .bind(until)
    .bind(now)
    .bind(limit)
    .bind(false)
    .bind(json_list(busy))
    .all(tx)
    .await
}

/// The clock was set back: intervals, retries and leases that were counted from a time still to come
/// are counted from now. Times of day stay as planned.
pub async fn clock_set_back(tx: &mut Tx, now: Timestamp, lease: i64) -> Result<(), StoreError> {
    sql("UPDATE connection SET due_at = $1, retry_at = CASE WHEN retry_at > $1 THEN $1 ELSE retry_at END
         WHERE due_at > $1 AND (schedule LIKE '{\"every\"%' OR failures > 0)")
    .bind(now)
    .execute(&mut *tx)
    .await?;
    sql("UPDATE connection SET leased_until = $1 WHERE leased_until > $1")
        .bind(now.plus(lease))
        .execute(&mut *tx)
        .await?;
    sql("UPDATE inbox SET not_before = CASE WHEN not_before > $1 THEN $1 ELSE not_before END,
           leased_until = CASE WHEN leased_until > $2 THEN $2 ELSE leased_until END WHERE state = 'pending'")
    .bind(now)
    .bind(now.plus(lease))
    .execute(tx)
    .await?;
    Ok(())
}

/// Keeps a lease; `false` when another node has taken it over.
pub async fn renew(tx: &mut Tx, id: &str, node: &str, until: Timestamp) -> Result<bool, StoreError> {
    let kept = sql("UPDATE connection SET leased_until = $1 WHERE id = $2 AND leased_by = $3")
        .bind(until)
        .bind(id)
        .bind(node)
        .execute(tx)
        .await?;
    Ok(kept > 0)
}

/// How a pull ended, for the schedule.
pub struct Release<'a> {
    pub id: &'a str,
    pub node: &'a str,
    /// As it was leased: a due time that changed since was asked for meanwhile and stands.
    pub leased_due: Option<i64>,
    /// As it was leased: trouble of a run says nothing about settings that were changed since.
    pub leased_revision: i64,
    pub due_at: Option<Timestamp>,
    pub failures: i64,
    pub retry_at: Option<Timestamp>,
    pub auth_failed_at: Option<Timestamp>,
}

/// Gives a lease back with the next due time.
pub async fn release(tx: &mut Tx, r: &Release<'_>) -> Result<(), StoreError> {
    sql("UPDATE connection SET leased_by = NULL, leased_until = NULL,
           requested_by = CASE WHEN due_at IS NOT DISTINCT FROM $7 THEN NULL ELSE requested_by END,
           due_at = CASE WHEN due_at IS NOT DISTINCT FROM $7 THEN $1 ELSE due_at END,
           failures = CASE WHEN $2 = 0 OR updated_at = $8 THEN $2 ELSE failures END,
           retry_at = CASE WHEN $2 = 0 OR updated_at = $8 THEN $3 ELSE retry_at END,
           auth_failed_at = CASE WHEN $2 = 0 OR updated_at = $8 THEN $4 ELSE auth_failed_at END
         WHERE id = $5 AND leased_by = $6")
    .bind(r.due_at)
    .bind(r.failures)
    .bind(r.retry_at)
    .bind(r.auth_failed_at)
    .bind(r.id)
    .bind(r.node)
    .bind(r.leased_due)
    .bind(r.leased_revision)
    .execute(tx)
    .await?;
    Ok(())
}

/// Makes a connection due now. `false`: unknown or paused.
pub async fn request(tx: &mut Tx, id: &str, who: &str, now: Timestamp) -> Result<bool, StoreError> {
    let asked = sql("UPDATE connection SET due_at = $1, requested_by = $2 WHERE id = $3 AND paused = $4")
        .bind(now)
        .bind(who)
        .bind(id)
        .bind(false)
        .execute(tx)
        .await?;
    Ok(asked > 0)
}

/// (Every change moves `updated_at`, also when the clock stands still: nodes compare it.)
pub async fn set_paused(tx: &mut Tx, id: &str, paused: bool, now: Timestamp) -> Result<bool, StoreError> {
    let changed = sql("UPDATE connection SET paused = $1,
           updated_at = CASE WHEN updated_at < $2 THEN $2 ELSE updated_at + 1 END WHERE id = $3")
    .bind(paused)
    .bind(now)
    .bind(id)
    .execute(tx)
    .await?;
    Ok(changed > 0)
}

/// What is told to a connection from now on: `off`, `changes` or `all`.
pub async fn set_push(tx: &mut Tx, id: &str, push: &str, now: Timestamp) -> Result<bool, StoreError> {
    let changed = sql("UPDATE connection SET push = $1,
           updated_at = CASE WHEN updated_at < $2 THEN $2 ELSE updated_at + 1 END WHERE id = $3")
    .bind(push)
    .bind(now)
    .bind(id)
    .execute(tx)
    .await?;
    Ok(changed > 0)
}

pub async fn set_check(tx: &mut Tx, id: &str, report: &str, now: Timestamp) -> Result<(), StoreError> {
    sql("UPDATE connection SET checked_at = $1, check_report = $2 WHERE id = $3")
        .bind(now)
        .bind(report)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

/// Stores where a pull stands, in the transaction of the records it covers.
pub async fn set_cursor(
    tx: &mut Tx,
    connection_id: &str,
    stream: &str,
    cursor: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    sql("UPDATE stream SET cursor = $1, cursor_at = $2 WHERE connection_id = $3 AND name = $4")
        .bind(cursor)
        .bind(now)
        .bind(connection_id)
        .bind(stream)
        .execute(tx)
        .await?;
    Ok(())
}

/// Has the next pull ask again for what changed since a moment; `0`: for everything.
pub async fn ask_again(tx: &mut Tx, connection_id: &str, stream: &str, since: Timestamp) -> Result<(), StoreError> {
    sql("UPDATE stream SET reread = CASE WHEN reread < $1 THEN reread ELSE $1 END
         WHERE connection_id = $2 AND name = $3")
    .bind(since)
    .bind(connection_id)
    .bind(stream)
    .execute(tx)
    .await?;
    Ok(())
}

/// A pull that asked again since this moment has come to its end.
pub async fn asked_again(tx: &mut Tx, connection_id: &str, stream: &str, since: i64) -> Result<(), StoreError> {
    sql("UPDATE stream SET reread = NULL WHERE connection_id = $1 AND name = $2 AND reread = $3")
        .bind(connection_id)
        .bind(stream)
        .bind(since)
        .execute(tx)
        .await?;
    Ok(())
}

/// Moves a cursor back to where a run began that did not get everything.
pub async fn put_cursor_back(
    tx: &mut Tx,
    connection_id: &str,
    stream: &str,
    cursor: Option<&str>,
) -> Result<(), StoreError> {
    sql("UPDATE stream SET cursor = $1 WHERE connection_id = $2 AND name = $3")
        .bind(cursor)
        .bind(connection_id)
        .bind(stream)
        .execute(tx)
        .await?;
    Ok(())
}

/// A complete pull or an applied webhook: the stream is fresh as of now.
pub async fn set_fresh(tx: &mut Tx, connection_id: &str, stream: &str, now: Timestamp) -> Result<(), StoreError> {
    sql("UPDATE stream SET last_ok_at = $1 WHERE connection_id = $2 AND name = $3")
        .bind(now)
        .bind(connection_id)
        .bind(stream)
        .execute(tx)
        .await?;
    Ok(())
}

/// Whether any connection is due: a cheap question before taking the writer.
pub async fn any_due(on: impl Into<On<'_>>, now: Timestamp) -> Result<bool, StoreError> {
    let row: Option<(i64,)> = sql("SELECT CAST(1 AS BIGINT) FROM connection
         WHERE paused = $2 AND due_at <= $1 AND (leased_until IS NULL OR leased_until < $1)
           AND (requested_by IS NOT NULL OR retry_at IS NULL OR retry_at <= $1) LIMIT 1")
    .bind(now)
    .bind(false)
    .optional(on)
    .await?;
    Ok(row.is_some())
}

impl Row {
    /// A connection that is only tried, never stored.
    #[must_use]
    pub fn unsaved(
        id: &str,
        connector: &str,
        kind: &str,
        settings: serde_json::Map<String, serde_json::Value>,
        secrets: &[u8],
    ) -> Self {
        Self {
            id: id.to_owned(),
            connector: connector.to_owned(),
            name: String::new(),
            kind: kind.to_owned(),
            settings: serde_json::Value::Object(settings).to_string(),
            secrets: Some(secrets.to_vec()),
            hook_secret_previous: None,
            hook_rotated_until: None,
            paused: false,
            sample: false,
            schedule: String::new(),
            mapping_version: 1,
            checked_at: None,
            check_report: None,
            auth_failed_at: None,
            due_at: None,
            requested_by: None,
            leased_by: None,
            leased_until: None,
            failures: 0,
            retry_at: None,
            last_run_id: None,
            created_at: 0,
            updated_at: 0,
            push: super::delivery::OFF.to_owned(),
            freshness_target: None,
            freshness_objective: None,
            caretaker: None,
            notices: None,
        }
    }
}

/// Takes back every lease. Only for a database with one process.
pub async fn free_leases(tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
    sql("UPDATE connection SET leased_by = NULL, leased_until = NULL, due_at = COALESCE(due_at, $1)
         WHERE leased_by IS NOT NULL")
    .bind(now)
    .execute(&mut *tx)
    .await?;
    sql("UPDATE inbox SET leased_until = $1 WHERE state = 'pending'").bind(0_i64).execute(tx).await?;
    Ok(())
}
