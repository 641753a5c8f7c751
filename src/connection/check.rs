//! Connection check: what a sync would do, tried without side effects and said in words.

use musubi_sdk::connector::CheckItem;

use crate::{
    clock::Clock,
    store::{self, Db, StoreError},
};

use super::Live;

/// Tries a connection and stores the report, so that the page shows when it was last seen working.
pub async fn run(db: &Db, clock: &Clock, live: &Live) -> Result<Vec<CheckItem>, StoreError> {
    let items = live.connector.check().await;
    let report = serde_json::to_string(&items).unwrap_or_default();
    let mut tx = db.begin().await?;
    store::connection::set_check(&mut tx, &live.row.id, &report, clock.now()).await?;
    tx.commit().await?;
    Ok(items)
}
