//! Does the steps of imports, on whichever node is free; whoever left the page finds them done.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{ImportError, Job, apply, check, stage, undo};
use crate::{
    model::Timestamp,
    store::{
        StoreError,
        import::{self, Import},
    },
    sync::engine::Engine,
};

/// A step belongs to its node for so long after its last sign of life.
pub const LEASE: i64 = 60 * Timestamp::SECOND;
/// Longest wait between two looks, when nobody knocks.
const LOOK: Duration = Duration::from_secs(5);

/// What the steps need of the configuration.
#[derive(Clone)]
pub struct Worker {
    pub engine: Engine,
    /// Bytes of a file.
    pub max: u64,
    /// Wakes this node's worker.
    pub knock: std::sync::Arc<tokio::sync::Notify>,
}

impl Worker {
    /// Works until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            match self.one(None).await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "imports wait"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.knock.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
            if stop.is_cancelled() {
                return;
            }
        }
    }

    /// Does the next step that waits, or that of one import. `false`: none waits.
    pub async fn one(&self, only: Option<&str>) -> Result<bool, StoreError> {
        let now = self.engine.clock.now();
        let mut tx = self.engine.db.begin().await?;
        let leased = import::lease(&mut tx, only, &self.engine.node, now, now.plus(LEASE)).await?;
        tx.commit().await?;
        let Some(kept) = leased else { return Ok(false) };
        if let Err(error) = self.step(&kept).await {
            match error {
                // Goes on here or elsewhere, or is not wanted any more.
                ImportError::Interrupted | ImportError::Overtaken => {}
                ImportError::Store(error) if error.is_outage() => return Err(error),
                error => self.failed(&kept, &error).await?,
            }
        }
        self.engine.moved();
        Ok(true)
    }

    async fn failed(&self, kept: &Import, error: &ImportError) -> Result<(), StoreError> {
        tracing::warn!(import.id = %kept.id, code = error.code(), error = error as &dyn std::error::Error, "import failed");
        let mut tx = self.engine.db.begin().await?;
        import::fail(&mut tx, &kept.id, error.code(), &error.to_string(), self.engine.clock.now()).await?;
        tx.commit().await
    }

    async fn step(&self, kept: &Import) -> Result<(), ImportError> {
        let job = Job::open(&self.engine, kept).await?;
        let limits = stage::limits(self.max);
        let (state, column, value) = match kept.state.as_str() {
            "checking" => {
                let report = check::check(&job, &limits).await?;
                ("ready", "report", serde_json::to_string(&report)?)
            }
            "applying" => ("applied", "result", serde_json::to_string(&apply::apply(&job, &limits).await?)?),
            _ => ("undone", "undone", serde_json::to_string(&undo::undo(&job).await?)?),
        };
        let mut tx = self.engine.db.begin().await?;
        import::finish(&mut tx, &kept.id, state, column, &value, self.engine.clock.now()).await?;
        tx.commit().await?;
        Ok(())
    }
}
