//! Records that wait for their customer.

use std::collections::HashMap;

use super::{Batch, FromRow, StoreError, Tx, json_list, sql};
use crate::model::Timestamp;

/// A waiting record.
#[derive(Clone, Debug, FromRow)]
pub struct Parked {
    pub stream: String,
    pub external_id: String,
    pub waits_for: String,
    pub payload: String,
    pub canonical: String,
    pub source_version: Option<i64>,
    pub run_id: Option<String>,
}

/// Parks records of a connection. A newer state of a waiting record replaces the older one.
pub async fn put(
    tx: &mut Tx,
    connection_id: &str,
    now: Timestamp,
    records: impl Iterator<Item = Parked>,
) -> Result<(), StoreError> {
    let mut batch = Batch::new(
        "parked",
        &[
            "connection_id",
            "stream",
            "external_id",
            "waits_for",
            "payload",
            "canonical",
            "source_version",
            "run_id",
            "parked_at",
        ],
    );
    for r in records {
        batch.push([
            connection_id.into(),
            r.stream.into(),
            r.external_id.into(),
            r.waits_for.into(),
            r.payload.into(),
            r.canonical.into(),
            r.source_version.into(),
            r.run_id.into(),
            now.into(),
        ]);
    }
    batch
        .insert(
            tx,
            "ON CONFLICT (connection_id, stream, external_id) DO UPDATE SET
               waits_for = excluded.waits_for, payload = excluded.payload, canonical = excluded.canonical,
               source_version = excluded.source_version, run_id = excluded.run_id
             WHERE parked.source_version IS NULL OR excluded.source_version IS NULL
                OR excluded.source_version >= parked.source_version",
        )
        .await?;
    Ok(())
}

/// Takes out what waits for the given customers of a connection.
pub async fn release<'a>(
    tx: &mut Tx,
    connection_id: &str,
    customers: impl Iterator<Item = &'a str>,
) -> Result<Vec<Parked>, StoreError> {
    let text = format!(
        "DELETE FROM parked WHERE connection_id = $1 AND {}
         RETURNING stream, external_id, waits_for, payload, canonical, source_version, run_id",
        tx.dialect().in_list("waits_for", "$2")
    );
    sql(text).bind(connection_id).bind(json_list(customers)).all(tx).await
}

/// Removes what waits although the same record has come since in a state at least as new.
pub async fn settle<'a>(
    tx: &mut Tx,
    connection_id: &str,
    stream: &str,
    came: impl Iterator<Item = (&'a str, Option<i64>)>,
) -> Result<(), StoreError> {
    let came: HashMap<&str, Option<i64>> = came.collect();
    let text = format!(
        "SELECT external_id, source_version FROM parked WHERE connection_id = $1 AND stream = $2 AND {}",
        tx.dialect().in_list("external_id", "$3")
    );
    let waiting: Vec<(String, Option<i64>)> =
        sql(text).bind(connection_id).bind(stream).bind(json_list(came.keys())).all(&mut *tx).await?;
    let over = waiting.iter().filter(|(id, parked)| {
        let came = came.get(id.as_str()).copied().flatten();
        !matches!((came, parked), (Some(came), Some(parked)) if came < *parked)
    });
    let over: Vec<&str> = over.map(|(id, _)| id.as_str()).collect();
    if over.is_empty() {
        return Ok(());
    }
    let text = format!(
        "DELETE FROM parked WHERE connection_id = $1 AND stream = $2 AND {}",
        tx.dialect().in_list("external_id", "$3")
    );
    sql(text).bind(connection_id).bind(stream).bind(json_list(over)).execute(tx).await?;
    Ok(())
}

/// Whether anything of this connection waits at all: spares bulk loads the question above.
pub async fn any(tx: &mut Tx, connection_id: &str) -> Result<bool, StoreError> {
    let row: Option<(i64,)> = sql("SELECT CAST(1 AS BIGINT) FROM parked WHERE connection_id = $1 LIMIT 1")
        .bind(connection_id)
        .optional(tx)
        .await?;
    Ok(row.is_some())
}

/// Takes out what has waited since before `limit`, at most `count` rows, with its connection.
pub async fn expired(tx: &mut Tx, limit: Timestamp, count: i64) -> Result<Vec<(String, Parked)>, StoreError> {
    #[derive(FromRow)]
    struct Row {
        connection_id: String,
        #[sqlx(flatten)]
        parked: Parked,
    }
    let rows: Vec<Row> = sql("DELETE FROM parked WHERE (connection_id, stream, external_id) IN
           (SELECT connection_id, stream, external_id FROM parked WHERE parked_at < $1 ORDER BY parked_at LIMIT $2)
         RETURNING connection_id, stream, external_id, waits_for, payload, canonical, source_version, run_id")
    .bind(limit)
    .bind(count)
    .all(tx)
    .await?;
    Ok(rows.into_iter().map(|r| (r.connection_id, r.parked)).collect())
}

/// Customer keys that records of a connection wait for, those asked for last first.
pub async fn waited_for(
    on: impl Into<super::On<'_>>,
    connection_id: &str,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> = sql("SELECT waits_for FROM parked WHERE connection_id = $1
         GROUP BY waits_for ORDER BY MAX(parked_at) DESC, waits_for LIMIT $2")
    .bind(connection_id)
    .bind(limit)
    .all(on)
    .await?;
    Ok(rows.into_iter().map(|(key,)| key).collect())
}

/// `(connection, customer key)` of what has waited since before `limit`, at most `count`.
pub async fn overdue(
    on: impl Into<super::On<'_>>,
    limit: Timestamp,
    count: i64,
) -> Result<Vec<(String, String)>, StoreError> {
    sql("SELECT DISTINCT connection_id, waits_for FROM parked WHERE parked_at < $1 ORDER BY 1, 2 LIMIT $2")
        .bind(limit)
        .bind(count)
        .all(on)
        .await
}

/// How many records of a connection wait.
pub async fn count(on: impl Into<super::On<'_>>, connection_id: &str) -> Result<i64, StoreError> {
    let (n,): (i64,) = sql("SELECT COUNT(*) FROM parked WHERE connection_id = $1").bind(connection_id).one(on).await?;
    Ok(n)
}
