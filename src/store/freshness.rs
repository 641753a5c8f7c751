//! Minutes in which connections were fresh, how long changes took, and the figures of the page that shows it.

use super::{Batch, Db, FromRow, On, StoreError, Tx, sql};
use crate::model::{Timestamp, lag::Lags};

/// How far a connection was looked at: minute since 1970, and its oldest complete reading then.
#[derive(Clone, Debug, FromRow)]
pub struct Mark {
    pub connection_id: String,
    pub minute: i64,
    pub ok_at: i64,
}

pub async fn marks(db: &Db) -> Result<Vec<Mark>, StoreError> {
    sql("SELECT connection_id, minute, ok_at FROM freshness_mark").all(db).await
}

/// `(connection, the oldest of the last complete readings of what it takes)`.
pub async fn complete(on: impl Into<On<'_>>) -> Result<Vec<(String, i64)>, StoreError> {
    sql("SELECT connection_id, MIN(last_ok_at) FROM stream WHERE enabled = $1 AND last_ok_at IS NOT NULL
         GROUP BY connection_id")
    .bind(true)
    .all(on)
    .await
}

/// Moves a mark. `false`: somebody else looked meanwhile, or the connection is gone.
pub async fn advance(tx: &mut Tx, id: &str, from: Option<i64>, to: i64, ok_at: i64) -> Result<bool, StoreError> {
    let moved = match from {
        Some(from) => {
            sql("UPDATE freshness_mark SET minute = $1, ok_at = $2 WHERE connection_id = $3 AND minute = $4")
                .bind(to)
                .bind(ok_at)
                .bind(id)
                .bind(from)
                .execute(tx)
                .await?
        }
        None => {
            sql("INSERT INTO freshness_mark (connection_id, minute, ok_at)
                     SELECT id, $1, $2 FROM connection WHERE id = $3 ON CONFLICT (connection_id) DO NOTHING")
            .bind(to)
            .bind(ok_at)
            .bind(id)
            .execute(tx)
            .await?
        }
    };
    Ok(moved > 0)
}

/// Adds minutes: (hour since 1970, total, good).
pub async fn add(tx: &mut Tx, id: &str, hours: impl Iterator<Item = (i64, i64, i64)>) -> Result<(), StoreError> {
    let mut rows = Batch::new("freshness", &["connection_id", "hour", "total", "good"]);
    for (hour, total, good) in hours {
        rows.push([id.into(), hour.into(), total.into(), good.into()]);
    }
    rows.insert(
        tx,
        "ON CONFLICT (connection_id, hour) DO UPDATE SET total = freshness.total + excluded.total,
           good = freshness.good + excluded.good",
    )
    .await?;
    Ok(())
}

/// Adds how long changes took, of a stream that has been complete before: what a first reading brings was not late.
/// Changes from more than a day before the last complete reading are late arrivals of the source, not ours.
pub async fn add_lags(tx: &mut Tx, id: &str, stream: &str, lags: &Lags, now: Timestamp) -> Result<(), StoreError> {
    if lags.is_empty() {
        return Ok(());
    }
    let complete: Option<(Option<i64>,)> = sql("SELECT last_ok_at FROM stream WHERE connection_id = $1 AND name = $2")
        .bind(id)
        .bind(stream)
        .optional(&mut *tx)
        .await?;
    let Some(complete) = complete.and_then(|(at,)| at) else { return Ok(()) };
    let oldest = now.0 - complete + Timestamp::DAY;
    let mut rows = Batch::new("lag", &["connection_id", "hour", "bucket", "n"]);
    for (bucket, n) in lags.filled().filter(|(bucket, _)| crate::model::lag::upper(*bucket) <= oldest) {
        let bucket = i64::try_from(bucket).unwrap_or(i64::MAX);
        rows.push([id.into(), (now.0 / Timestamp::HOUR).into(), bucket.into(), n.into()]);
    }
    rows.insert(tx, "ON CONFLICT (connection_id, hour, bucket) DO UPDATE SET n = lag.n + excluded.n").await?;
    Ok(())
}

/// Minutes of a connection and hour.
#[derive(Clone, Debug, FromRow)]
pub struct HourRow {
    pub connection_id: String,
    pub hour: i64,
    pub total: i64,
    pub good: i64,
}

/// Minutes from an hour on, by hour.
pub async fn hours(db: &Db, since: i64) -> Result<Vec<HourRow>, StoreError> {
    sql("SELECT connection_id, hour, total, good FROM freshness WHERE hour >= $1 ORDER BY connection_id, hour")
        .bind(since)
        .all(db)
        .await
}

/// Minutes from an hour on, by day of UTC: `hour` is the day since 1970.
pub async fn days(db: &Db, since: i64) -> Result<Vec<HourRow>, StoreError> {
    sql("SELECT connection_id, hour / 24 AS hour, CAST(SUM(total) AS BIGINT) AS total, CAST(SUM(good) AS BIGINT) AS good
         FROM freshness WHERE hour >= $1 GROUP BY connection_id, hour / 24 ORDER BY connection_id, hour / 24")
    .bind(since)
    .all(db)
    .await
}

/// `(connection, hour, bucket, n)` from an hour on.
pub async fn lags(db: &Db, since: i64) -> Result<Vec<(String, i64, i64, i64)>, StoreError> {
    sql("SELECT connection_id, hour, bucket, n FROM lag WHERE hour >= $1 ORDER BY hour").bind(since).all(db).await
}

/// `(connection, hour, worst run that began in it)` from an hour on: 0 good, 1 partial, 2 failed.
pub async fn worst_runs(db: &Db, since: i64) -> Result<Vec<(String, i64, i64)>, StoreError> {
    sql("SELECT connection_id, started_at / 3600000000,
           MAX(CAST(CASE state WHEN 'failed' THEN 2 WHEN 'partial' THEN 1 ELSE 0 END AS BIGINT))
         FROM run WHERE started_at >= $1 GROUP BY connection_id, started_at / 3600000000")
    .bind(since * Timestamp::HOUR)
    .all(db)
    .await
}

/// `(connection, n)` of what came and is not applied yet: deliveries, and records that wait for their customer.
pub async fn waiting(db: &Db) -> Result<Vec<(String, i64)>, StoreError> {
    sql("SELECT connection_id, COUNT(*) FROM
           (SELECT connection_id FROM inbox WHERE state = 'pending' UNION ALL SELECT connection_id FROM parked) waiting
         GROUP BY connection_id")
    .all(db)
    .await
}

/// `(changes taken in, records that failed)` of runs that began between two times.
pub async fn taken(db: &Db, from: Timestamp, to: Timestamp) -> Result<(i64, i64), StoreError> {
    sql("SELECT CAST(COALESCE(SUM(s.new_count + s.updated_count), 0) AS BIGINT),
           CAST(COALESCE(SUM(s.failed_count), 0) AS BIGINT)
         FROM run r JOIN run_stream s ON s.run_id = r.id WHERE r.started_at >= $1 AND r.started_at < $2")
    .bind(from)
    .bind(to)
    .one(db)
    .await
}

/// How fresh a connection has to be: microseconds (`None`: from its schedule, 0: not at all) and hundredths of a
/// percent (`None`: as configured). `false`: there is no such connection.
pub async fn set_target(
    tx: &mut Tx,
    id: &str,
    target: Option<i64>,
    objective: Option<i64>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let set = sql("UPDATE connection SET freshness_target = $1, freshness_objective = $2,
           updated_at = CASE WHEN updated_at < $3 THEN $3 ELSE updated_at + 1 END WHERE id = $4")
    .bind(target)
    .bind(objective)
    .bind(now)
    .bind(id)
    .execute(tx)
    .await?;
    Ok(set > 0)
}

/// Who looks after a connection, and who is told of what: JSON, or `None` for what everybody has.
pub async fn set_notices(
    tx: &mut Tx,
    id: &str,
    caretaker: Option<&str>,
    notices: Option<&str>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let set = sql("UPDATE connection SET caretaker = $1, notices = $2,
           updated_at = CASE WHEN updated_at < $3 THEN $3 ELSE updated_at + 1 END WHERE id = $4")
    .bind(caretaker)
    .bind(notices)
    .bind(now)
    .bind(id)
    .execute(tx)
    .await?;
    Ok(set > 0)
}
