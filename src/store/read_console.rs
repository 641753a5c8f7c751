//! Small reads of the console that belong to no single table: counts in the menu, the start page,
//! the progress of the first load.

use super::{
    Db, FromRow, StoreError,
    scope::{self, Condition},
    sql,
};
use crate::model::View;

/// Failures waiting for a person, of those that the reader sees.
pub async fn open_failures(db: &Db, view: &View) -> Result<i64, StoreError> {
    let Condition { text, values } = scope::condition_of_failures(view, db.dialect(), "f", 2);
    let text = format!("SELECT COUNT(*) FROM failure f WHERE f.state = $1 AND {text}");
    let row = sql(text).bind("open").bind_all(values).optional::<(i64,)>(db).await?;
    Ok(row.map_or(0, |(count,)| count))
}

/// One connection as the start page judges it.
#[derive(Debug, FromRow)]
pub struct TroubleRow {
    pub id: String,
    pub name: String,
    pub sample: bool,
    pub checked_at: Option<i64>,
    pub auth_failed_at: Option<i64>,
    /// Consecutive failed runs.
    pub failures: i64,
    pub open_failures: i64,
}

/// Connections with their troubles; failures are those that the reader sees.
pub async fn troubles(db: &Db, view: &View) -> Result<Vec<TroubleRow>, StoreError> {
    let Condition { text, values } = scope::condition_of_failures(view, db.dialect(), "f", 3);
    sql(format!(
        "SELECT c.id, c.name, c.sample, c.checked_at, c.auth_failed_at, c.failures,
                CAST((SELECT COUNT(*) FROM failure f WHERE f.connection_id = c.id AND f.state = $1 AND {text})
                    AS BIGINT) AS open_failures
           FROM connection c WHERE c.paused = $2 ORDER BY c.name"
    ))
    .bind("open")
    .bind(false)
    .bind_all(values)
    .all(db)
    .await
}

/// How far one stream of the sample connections is.
#[derive(Debug, FromRow)]
pub struct LoadRow {
    pub name: String,
    pub read_count: i64,
    pub source_count: Option<i64>,
    /// Streams of this name that were never complete.
    pub open: i64,
}

pub async fn sample_load(db: &Db) -> Result<Vec<LoadRow>, StoreError> {
    sql("SELECT s.name,
                CAST(COALESCE((SELECT SUM(rs.read_count) FROM run_stream rs JOIN run r ON r.id = rs.run_id
                      WHERE rs.stream = s.name AND r.connection_id = s.connection_id), 0) AS BIGINT) AS read_count,
                (SELECT MAX(rs.source_count) FROM run_stream rs JOIN run r ON r.id = rs.run_id
                      WHERE rs.stream = s.name AND r.connection_id = s.connection_id) AS source_count,
                CAST(CASE WHEN s.last_ok_at IS NULL THEN 1 ELSE 0 END AS BIGINT) AS open
           FROM stream s JOIN connection c ON c.id = s.connection_id
          WHERE c.sample = $1 AND s.enabled = $1 ORDER BY c.kind DESC, s.name")
    .bind(true)
    .all(db)
    .await
}

/// The customer with the most events.
pub async fn busiest(db: &Db) -> Result<Option<String>, StoreError> {
    let row = sql("SELECT customer_id FROM customer_stat ORDER BY events DESC, customer_id LIMIT 1")
        .optional::<(String,)>(db)
        .await?;
    Ok(row.map(|(id,)| id))
}

/// Sample customers, and the documents of sample connections.
pub async fn sample_size(db: &Db) -> Result<(i64, i64), StoreError> {
    let of_samples = "WHERE connection_id IN (SELECT id FROM connection WHERE sample = $1)";
    let row = sql(format!(
        "SELECT (SELECT COUNT(*) FROM customer WHERE sample = $1),
                (SELECT COUNT(*) FROM sales_order {of_samples}) + (SELECT COUNT(*) FROM invoice {of_samples})
                + (SELECT COUNT(*) FROM payment {of_samples}) + (SELECT COUNT(*) FROM shipment {of_samples})
                + (SELECT COUNT(*) FROM deal {of_samples}) + (SELECT COUNT(*) FROM quote {of_samples})
                + (SELECT COUNT(*) FROM contract {of_samples}) + (SELECT COUNT(*) FROM inquiry {of_samples})"
    ))
    .bind(true)
    .optional::<(i64, i64)>(db)
    .await?;
    Ok(row.unwrap_or_default())
}
