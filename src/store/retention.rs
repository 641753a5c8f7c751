//! Removing old rows in small transactions: the sweep never holds the writer for long.

use super::{Db, StoreError, sql};
use crate::model::{Id, Timestamp, ids::Noun};

/// Rows in one transaction.
const ROWS: i64 = 500;

/// Raw bodies of webhooks that were applied or that nobody asked for.
pub async fn applied_deliveries(db: &Db, before: Timestamp) -> Result<u64, StoreError> {
    remove(
        db,
        "DELETE FROM inbox WHERE id IN (SELECT id FROM inbox
           WHERE state IN ('applied', 'ignored') AND received_at < $1 LIMIT $2)",
        before,
    )
    .await
}

/// Finished runs with their counts.
pub async fn finished_runs(db: &Db, before: Timestamp) -> Result<u64, StoreError> {
    remove(
        db,
        "DELETE FROM run WHERE id IN (SELECT id FROM run
           WHERE state <> 'running' AND started_at < $1 ORDER BY started_at LIMIT $2)",
        before,
    )
    .await
}

/// Events that nobody waits for, with what became of telling them.
pub async fn events(db: &Db, before: Timestamp) -> Result<u64, StoreError> {
    let old = Id::first_since(Noun::Event, before);
    let mut removed = 0;
    loop {
        let mut tx = db.begin().await?;
        let gone = sql("DELETE FROM event_delivery WHERE (receiver_id, event_id) IN
               (SELECT receiver_id, event_id FROM event_delivery
                WHERE event_id < $1 AND state IN ('delivered', 'dead') LIMIT $2)")
        .bind(&old)
        .bind(ROWS)
        .execute(&mut tx)
        .await?;
        let logged = sql("DELETE FROM event WHERE id IN (SELECT id FROM event WHERE id < $1
               AND NOT EXISTS (SELECT 1 FROM event_delivery d WHERE d.event_id = event.id) LIMIT $2)")
        .bind(&old)
        .bind(ROWS)
        .execute(&mut tx)
        .await?;
        tx.commit().await?;
        removed += logged;
        if gone + logged == 0 {
            break;
        }
    }
    let attempts = "DELETE FROM event_attempt WHERE id IN (SELECT id FROM event_attempt WHERE at < $1 LIMIT $2)";
    Ok(removed + remove(db, attempts, before).await?)
}

/// Records that drafts of mappings were looked at with.
pub async fn mapping_samples(db: &Db, before: Timestamp) -> Result<u64, StoreError> {
    remove(
        db,
        "DELETE FROM mapping_sample WHERE (connection_id, stream, place) IN
           (SELECT connection_id, stream, place FROM mapping_sample WHERE taken_at < $1 LIMIT $2)",
        before,
    )
    .await
}

/// Problems that are over, with what was told of them.
pub async fn problems(db: &Db, before: Timestamp) -> Result<u64, StoreError> {
    remove(db, "DELETE FROM problem WHERE id IN (SELECT id FROM problem WHERE ended_at < $1 LIMIT $2)", before).await
}

/// Alerts, told or not.
pub async fn alerts(db: &Db, before: Timestamp) -> Result<u64, StoreError> {
    remove(db, "DELETE FROM alert WHERE id IN (SELECT id FROM alert WHERE at < $1 LIMIT $2)", before).await
}

/// Minutes and lags from before an hour since 1970: too old for every figure.
pub async fn freshness(db: &Db, hour: i64) -> Result<u64, StoreError> {
    let minutes = "DELETE FROM freshness WHERE (connection_id, hour) IN
           (SELECT connection_id, hour FROM freshness WHERE hour < $1 LIMIT $2)";
    let lags = "DELETE FROM lag WHERE (connection_id, hour, bucket) IN
           (SELECT connection_id, hour, bucket FROM lag WHERE hour < $1 LIMIT $2)";
    Ok(remove(db, minutes, Timestamp(hour)).await? + remove(db, lags, Timestamp(hour)).await?)
}

/// Mails that nobody waits for, and invitations that let nobody in.
pub async fn mails(db: &Db, before: Timestamp) -> Result<u64, StoreError> {
    let over = "DELETE FROM invitation WHERE id IN (SELECT id FROM invitation
           WHERE (state <> 'open' OR expires_at < $1) AND updated_at < $1 LIMIT $2)";
    let invitations = remove(db, over, before).await?;
    let old =
        "DELETE FROM mail WHERE id IN (SELECT id FROM mail WHERE state <> 'waiting' AND updated_at < $1 LIMIT $2)";
    Ok(invitations + remove(db, old, before).await?)
}

/// Attempts to tell systems something.
pub async fn attempts(db: &Db, before: Timestamp) -> Result<u64, StoreError> {
    remove(db, "DELETE FROM attempt WHERE id IN (SELECT id FROM attempt WHERE at < $1 LIMIT $2)", before).await
}

async fn remove(db: &Db, statement: &'static str, before: Timestamp) -> Result<u64, StoreError> {
    let mut removed = 0;
    loop {
        let mut tx = db.begin().await?;
        let gone = sql(statement).bind(before).bind(ROWS).execute(&mut tx).await?;
        tx.commit().await?;
        removed += gone;
        if gone == 0 {
            return Ok(removed);
        }
    }
}
