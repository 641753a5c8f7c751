//! Lists of runs and failures for people who look after connections.

use super::{
    Db, FromRow, StoreError,
    failure::{self, Failure},
    run::{self, Run},
    sql,
};

/// A run with its connection's name and the sums over its streams.
#[derive(Clone, Debug, FromRow)]
pub struct RunLine {
    pub id: String,
    pub number: i64,
    pub connection_id: String,
    pub connection_name: String,
    pub trigger_kind: String,
    pub actor: Option<String>,
    pub state: String,
    pub started_at: i64,
    pub finished_at: Option<i64>,
    pub cause: Option<String>,
    pub read_count: i64,
    pub new_count: i64,
    pub updated_count: i64,
    pub parked_count: i64,
    pub failed_count: i64,
}

/// The newest runs first; of one connection or one state, or all.
pub async fn runs(
    db: &Db,
    connection_id: Option<&str>,
    state: Option<&str>,
    limit: i64,
) -> Result<Vec<RunLine>, StoreError> {
    sql("SELECT r.id, r.number, r.connection_id, c.name AS connection_name, r.trigger_kind, r.actor, r.state,
            r.started_at, r.finished_at, r.cause,
            CAST(COALESCE(SUM(s.read_count), 0) AS BIGINT) AS read_count,
            CAST(COALESCE(SUM(s.new_count), 0) AS BIGINT) AS new_count,
            CAST(COALESCE(SUM(s.updated_count), 0) AS BIGINT) AS updated_count,
            CAST(COALESCE(SUM(s.parked_count), 0) AS BIGINT) AS parked_count,
            CAST(COALESCE(SUM(s.failed_count), 0) AS BIGINT) AS failed_count
         FROM run r JOIN connection c ON c.id = r.connection_id LEFT JOIN run_stream s ON s.run_id = r.id
         WHERE ($1 IS NULL OR r.connection_id = $1) AND ($2 IS NULL OR r.state = $2)
         GROUP BY r.id, r.number, r.connection_id, c.name, r.trigger_kind, r.actor, r.state, r.started_at,
            r.finished_at, r.cause
         ORDER BY r.number DESC LIMIT $3")
    .bind(connection_id)
    .bind(state)
    .bind(limit)
    .all(db)
    .await
}

/// The run that people call `#number`.
pub async fn run_by_number(db: &Db, number: i64) -> Result<Option<Run>, StoreError> {
    sql(format!("SELECT {} FROM run WHERE number = $1", run::COLUMNS)).bind(number).optional(db).await
}

/// Failures, the latest first. Each condition may be left out.
pub async fn failures(
    db: &Db,
    cause: Option<&str>,
    connection_id: Option<&str>,
    state: Option<&str>,
    limit: i64,
) -> Result<Vec<Failure>, StoreError> {
    sql(format!(
        "SELECT {} FROM failure WHERE ($1 IS NULL OR cause = $1) AND ($2 IS NULL OR connection_id = $2)
           AND ($3 IS NULL OR state = $3) ORDER BY last_at DESC, id LIMIT $4",
        failure::COLUMNS
    ))
    .bind(cause)
    .bind(connection_id)
    .bind(state)
    .bind(limit)
    .all(db)
    .await
}

/// Unresolved failures by connection, state and cause.
#[derive(Clone, Debug, FromRow)]
pub struct FailureCount {
    pub connection_id: String,
    pub state: String,
    pub cause: String,
    pub n: i64,
}

pub async fn failure_counts(db: &Db) -> Result<Vec<FailureCount>, StoreError> {
    sql("SELECT connection_id, state, cause, COUNT(*) AS n FROM failure WHERE state <> 'resolved'
         GROUP BY connection_id, state, cause ORDER BY cause, connection_id, state")
    .all(db)
    .await
}
