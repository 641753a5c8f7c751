//! Records that could not be applied, each with a way out.

use std::collections::HashSet;

use super::{
    Batch, FromRow, On, StoreError, Tx, json_list,
    scope::{self, Condition},
    sql,
};
use crate::model::{Id, Timestamp, View, ids::Noun};

/// A failure to write.
#[derive(Clone, Debug)]
pub struct NewFailure {
    pub connection_id: String,
    pub stream: String,
    pub external_id: String,
    pub cause: String,
    pub field: Option<String>,
    pub source_path: Option<String>,
    pub value: Option<String>,
    pub label: String,
    pub payload: String,
    pub source_version: Option<i64>,
    pub run_id: Option<String>,
}

/// A stored failure.
#[derive(Clone, Debug, FromRow)]
pub struct Failure {
    pub id: String,
    pub connection_id: String,
    pub stream: String,
    pub external_id: String,
    pub cause: String,
    pub field: Option<String>,
    pub source_path: Option<String>,
    pub value: Option<String>,
    pub label: String,
    pub payload: String,
    pub source_version: Option<i64>,
    pub run_id: Option<String>,
    pub state: String,
    pub attempts: i64,
    pub first_at: i64,
    pub last_at: i64,
    pub resolved_at: Option<i64>,
    pub note: Option<String>,
}

pub const COLUMNS: &str = "id, connection_id, stream, external_id, cause, field, source_path, value, label, payload,
    source_version, run_id, state, attempts, first_at, last_at, resolved_at, note";

/// Records failures. The same record failing again is one row with one more attempt; a record that
/// a person chose not to take stays so until the source changes it.
pub async fn put(tx: &mut Tx, now: Timestamp, failures: impl Iterator<Item = NewFailure>) -> Result<(), StoreError> {
    let mut batch = Batch::new(
        "failure",
        &[
            "id",
            "connection_id",
            "stream",
            "external_id",
            "cause",
            "field",
            "source_path",
            "value",
            "label",
            "payload",
            "source_version",
            "run_id",
            "state",
            "attempts",
            "first_at",
            "last_at",
        ],
    );
    for f in failures {
        batch.push([
            Id::new(Noun::Failure).into(),
            f.connection_id.into(),
            f.stream.into(),
            f.external_id.into(),
            f.cause.into(),
            f.field.into(),
            f.source_path.into(),
            f.value.into(),
            f.label.into(),
            f.payload.into(),
            f.source_version.into(),
            f.run_id.into(),
            "open".into(),
            1_i64.into(),
            now.into(),
            now.into(),
        ]);
    }
    batch
        .insert(
            tx,
            "ON CONFLICT (connection_id, stream, external_id) DO UPDATE SET
               cause = excluded.cause, field = excluded.field, source_path = excluded.source_path,
               value = excluded.value, label = excluded.label, run_id = excluded.run_id,
               state = CASE WHEN failure.state = 'ignored' AND failure.payload = excluded.payload
                            THEN failure.state ELSE 'open' END,
               payload = excluded.payload, source_version = excluded.source_version,
               attempts = CASE WHEN failure.state = 'resolved' THEN 1 ELSE failure.attempts + 1 END,
               first_at = CASE WHEN failure.state = 'resolved' THEN excluded.first_at ELSE failure.first_at END,
               last_at = excluded.last_at, resolved_at = NULL
             WHERE failure.source_version IS NULL OR excluded.source_version IS NULL
                OR excluded.source_version >= failure.source_version",
        )
        .await?;
    Ok(())
}

/// Closes failures of records that came again in a state at least as new as the failed one.
pub async fn resolve(
    tx: &mut Tx,
    connection_id: &str,
    stream: &str,
    came: &[(&str, Option<i64>)],
    now: Timestamp,
) -> Result<u64, StoreError> {
    let text = format!(
        "SELECT external_id, source_version, id FROM failure
         WHERE connection_id = $1 AND stream = $2 AND state <> 'resolved' AND {}",
        tx.dialect().in_list("external_id", "$3")
    );
    let open: Vec<(String, Option<i64>, String)> =
        sql(text).bind(connection_id).bind(stream).bind(json_list(came.iter().map(|(id, _)| id))).all(&mut *tx).await?;
    let settled = open.iter().filter(|(external_id, failed, _)| {
        came.iter().any(|(id, version)| {
            id == external_id && !matches!((version, failed), (Some(new), Some(failed)) if new < failed)
        })
    });
    let ids: Vec<&str> = settled.map(|(_, _, id)| id.as_str()).collect();
    if ids.is_empty() {
        return Ok(0);
    }
    let text =
        format!("UPDATE failure SET state = 'resolved', resolved_at = $1 WHERE {}", tx.dialect().in_list("id", "$2"));
    sql(text).bind(now).bind(json_list(ids)).execute(tx).await
}

/// Those of the given records whose failure is not resolved.
pub async fn unresolved_among<'a>(
    tx: &mut Tx,
    connection_id: &str,
    stream: &str,
    keys: impl Iterator<Item = &'a String>,
) -> Result<HashSet<String>, StoreError> {
    let text = format!(
        "SELECT external_id FROM failure WHERE connection_id = $1 AND stream = $2 AND state <> 'resolved' AND {}",
        tx.dialect().in_list("external_id", "$3")
    );
    let rows: Vec<(String,)> = sql(text).bind(connection_id).bind(stream).bind(json_list(keys)).all(tx).await?;
    Ok(rows.into_iter().map(|(key,)| key).collect())
}

/// Whether this connection has anything to resolve: spares bulk loads the question above.
pub async fn any_unresolved(tx: &mut Tx, connection_id: &str, stream: &str) -> Result<bool, StoreError> {
    let row: Option<(i64,)> = sql("SELECT CAST(1 AS BIGINT) FROM failure
         WHERE connection_id = $1 AND stream = $2 AND state <> 'resolved' LIMIT 1")
    .bind(connection_id)
    .bind(stream)
    .optional(tx)
    .await?;
    Ok(row.is_some())
}

/// One failure that the reader sees.
pub async fn get(on: impl Into<On<'_>>, view: &View, id: &str) -> Result<Option<Failure>, StoreError> {
    let on = on.into();
    let Condition { text, values } = scope::condition_of_failures(view, on.dialect(), "failure", 2);
    sql(format!("SELECT {COLUMNS} FROM failure WHERE id = $1 AND {text}")).bind(id).bind_all(values).optional(on).await
}

/// Unresolved failures of a cause (of one connection or all) that the reader sees, oldest first.
pub async fn of_cause(
    on: impl Into<On<'_>>,
    view: &View,
    cause: &str,
    connection_id: Option<&str>,
    limit: i64,
) -> Result<Vec<Failure>, StoreError> {
    let on = on.into();
    let Condition { text, values } = scope::condition_of_failures(view, on.dialect(), "failure", 4);
    let text = format!(
        "SELECT {COLUMNS} FROM failure WHERE state IN ('open', 'retrying') AND cause = $1
         AND ($2 IS NULL OR connection_id = $2) AND {text} ORDER BY first_at, id LIMIT $3"
    );
    sql(text).bind(cause).bind(connection_id).bind(limit).bind_all(values).all(on).await
}

/// Unresolved failures of a stream that the reader sees, oldest first.
pub async fn of_stream(
    on: impl Into<On<'_>>,
    view: &View,
    connection_id: &str,
    stream: &str,
    limit: i64,
) -> Result<Vec<Failure>, StoreError> {
    let on = on.into();
    let Condition { text, values } = scope::condition_of_failures(view, on.dialect(), "failure", 4);
    let text = format!(
        "SELECT {COLUMNS} FROM failure WHERE state IN ('open', 'retrying') AND connection_id = $1
         AND stream = $2 AND {text} ORDER BY first_at, id LIMIT $3"
    );
    sql(text).bind(connection_id).bind(stream).bind(limit).bind_all(values).all(on).await
}

/// How many failures of a stream are unresolved.
pub async fn open_of_stream(on: impl Into<On<'_>>, connection_id: &str, stream: &str) -> Result<i64, StoreError> {
    let text =
        "SELECT COUNT(*) FROM failure WHERE connection_id = $1 AND stream = $2 AND state IN ('open', 'retrying')";
    let (count,): (i64,) = sql(text).bind(connection_id).bind(stream).one(on).await?;
    Ok(count)
}

/// A person chose not to take this record, or takes that back.
pub async fn set_state(
    tx: &mut Tx,
    id: &str,
    state: &str,
    note: Option<&str>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let changed = sql("UPDATE failure SET state = $1, note = $2, last_at = $3 WHERE id = $4 AND state <> 'resolved'")
        .bind(state)
        .bind(note)
        .bind(now)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(changed > 0)
}
