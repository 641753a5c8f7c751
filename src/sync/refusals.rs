//! Refused deliveries, counted in memory and written once a second: whoever sends rubbish does not make
//! the disk work for each request. A crash loses at most the last second of counts.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use crate::store::{Db, StoreError, inbox, inbox::Refusal};

/// Kinds that are kept while the database is away.
const MOST: usize = 4096;

/// See the module. One per process.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<HashMap<String, Refusal>>);

impl Refusals {
    pub fn note(&self, refusal: Refusal) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = refusal.key();
        let room = waiting.len() < MOST;
        match waiting.get_mut(&key) {
            Some(known) => known.times += refusal.times,
            None if room => {
                waiting.insert(key, refusal);
            }
            None => {}
        }
    }

    /// Writes what is counted, in one transaction.
    pub async fn flush(&self, db: &Db) -> Result<(), StoreError> {
        let waiting = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if waiting.is_empty() {
            return Ok(());
        }
        let refusals: Vec<Refusal> = waiting.into_values().collect();
        let written = async {
            let mut tx = db.begin().await?;
            inbox::refuse(&mut tx, &refusals).await?;
            tx.commit().await
        };
        let written = written.await;
        if written.is_err() {
            refusals.into_iter().for_each(|refusal| self.note(refusal));
        }
        written
    }

    /// Writes once a second until `stop`, and then once more.
    pub async fn run(&self, db: &Db, stop: &CancellationToken) {
        loop {
            let last = tokio::select! {
                () = stop.cancelled() => true,
                () = tokio::time::sleep(Duration::from_secs(1)) => false,
            };
            if let Err(error) = self.flush(db).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "refused deliveries cannot be noted now");
            }
            if last {
                return;
            }
        }
    }
}
