//! Golden values made again in the background, after rules or fields changed.
//!
//! Takes a chunk at a time until there is none, then looks again now and then: whichever node looks goes on from
//! where the last one ended.

use std::{collections::HashSet, time::Duration};

use tokio_util::sync::CancellationToken;

use super::engine::Engine;
use crate::{master::rules, store::StoreError};

/// Between two looks while there is nothing to do.
const IDLE: Duration = Duration::from_secs(2);
/// Between two chunks: others write too.
const PAUSE: Duration = Duration::from_millis(5);

/// Runs until the hub stops.
pub async fn run(engine: Engine, stop: CancellationToken) {
    let idle = engine.settings.poll.0.min(IDLE);
    loop {
        let wait = match chunk(&engine).await {
            Ok(true) => PAUSE,
            Ok(false) => idle,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "golden values wait to be made again");
                IDLE
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// `false`: there was nothing to do.
async fn chunk(engine: &Engine) -> Result<bool, StoreError> {
    if rules::progress(&engine.db).await?.is_none_or(|job| job.state != "running") {
        return Ok(false);
    }
    let mut tx = engine.db.begin().await?;
    let Some(changed) = rules::go_on(&mut tx, engine.currency, engine.clock.now()).await? else {
        tx.rollback().await?;
        return Ok(false);
    };
    tx.commit().await?;
    (engine.on_commit)(&changed.into_iter().collect::<HashSet<_>>(), "");
    Ok(true)
}
