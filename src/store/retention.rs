//! Removes what has been kept long enough: bodies of applied webhooks, old runs.

use tokio_util::sync::CancellationToken;

use super::{Db, StoreError, sql};
use crate::{clock::Clock, config::Retention, model::Timestamp};

/// Rows in one transaction: the sweep never holds the writer for long.
const ROWS: i64 = 500;

/// Sweeps until `stop`.
pub async fn sweep_loop(db: Db, clock: Clock, keep: Retention, stop: CancellationToken) {
    loop {
        if let Err(error) = sweep(&db, clock.now(), &keep).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "old rows stay for now");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(keep.sweep.0) => {}
        }
    }
}

/// One sweep. Nothing that waits or failed is ever removed.
pub async fn sweep(db: &Db, now: Timestamp, keep: &Retention) -> Result<u64, StoreError> {
    let inbox = "DELETE FROM inbox WHERE id IN (SELECT id FROM inbox
                   WHERE state IN ('applied', 'ignored') AND received_at < $1 LIMIT $2)";
    let runs = "DELETE FROM run WHERE id IN (SELECT id FROM run
                  WHERE state <> 'running' AND started_at < $1 ORDER BY started_at LIMIT $2)";
    let mut removed = 0;
    for (statement, age) in [(inbox, keep.inbox), (runs, keep.runs)] {
        let limit = now.plus(-age.micros());
        loop {
            let mut tx = db.begin().await?;
            let gone = sql(statement).bind(limit).bind(ROWS).execute(&mut tx).await?;
            tx.commit().await?;
            removed += gone;
            if gone == 0 {
                break;
            }
        }
    }
    Ok(removed)
}
