//! Runs by number and lists of failures, for the shell.

use super::{
    Db, FromRow, StoreError,
    failure::{self, Failure},
    run::{self, Run},
    sql,
};

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
