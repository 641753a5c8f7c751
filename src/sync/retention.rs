//! Removes what has been kept long enough, now and then.

use tokio_util::sync::CancellationToken;

use super::engine::Engine;
use crate::{
    config::Retention,
    connection::freshness::DAYS,
    model::Timestamp,
    store::{self, StoreError},
};

/// How long alerts are kept: longer than the longest one that is told only once looks ahead.
const ALERTS: i64 = 90 * Timestamp::DAY;

/// How long records lie beside the draft of a mapping that they were taken for.
const SAMPLES: i64 = Timestamp::DAY;

/// How long minutes of freshness are kept: the window that is shown, and a little.
const FRESHNESS: i64 = (DAYS + 5) * Timestamp::DAY;

/// Sweeps until `stop`.
pub async fn run(engine: Engine, keep: Retention, stop: CancellationToken) {
    loop {
        if let Err(error) = sweep(&engine, &keep).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "old rows stay for now");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(keep.sweep.0) => {}
        }
    }
}

/// One sweep. Nothing that waits or failed is ever removed.
pub async fn sweep(engine: &Engine, keep: &Retention) -> Result<u64, StoreError> {
    let now = engine.clock.now();
    let inbox = store::retention::applied_deliveries(&engine.db, now.plus(-keep.inbox.micros())).await?;
    let runs = store::retention::finished_runs(&engine.db, now.plus(-keep.runs.micros())).await?;
    let attempts = store::retention::attempts(&engine.db, now.plus(-keep.runs.micros())).await?;
    let events = store::retention::events(&engine.db, now.plus(-keep.events.micros())).await?;
    let mails = store::retention::mails(&engine.db, now.plus(-keep.mails.micros())).await?;
    let alerts = store::retention::alerts(&engine.db, now.plus(-ALERTS)).await?;
    let problems = store::retention::problems(&engine.db, now.plus(-ALERTS)).await?;
    let answers = store::idempotency::forget(&engine.db, now.plus(-Timestamp::DAY)).await?;
    let samples = store::retention::mapping_samples(&engine.db, now.plus(-SAMPLES)).await?;
    let hour = now.plus(-FRESHNESS).0 / Timestamp::HOUR;
    let freshness = store::retention::freshness(&engine.db, hour).await?;
    Ok(inbox + runs + attempts + events + mails + alerts + answers + samples + freshness + problems)
}
