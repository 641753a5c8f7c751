//! The outbox: what each target should have of each customer, and every attempt to bring it there.

use super::{Batch, Dialect, FromRow, On, StoreError, Tx, json_list, sql};
use crate::model::{Id, Timestamp, ids::Noun};

/// What a target is told.
pub const OFF: &str = "off";
/// Changes of customers that it knows.
pub const CHANGES: &str = "changes";
/// These, and customers that it does not know yet.
pub const ALL: &str = "all";

/// One target and one customer.
#[derive(Clone, Debug, FromRow)]
pub struct Row {
    pub connection_id: String,
    pub record_id: String,
    pub wanted_seq: i64,
    pub acked_seq: Option<i64>,
    pub state: String,
    pub attempts: i64,
    pub not_before: i64,
    pub cause: Option<String>,
    pub detail: Option<String>,
    pub updated_at: i64,
}

const COLUMNS: &str =
    "connection_id, record_id, wanted_seq, acked_seq, state, attempts, not_before, cause, detail, updated_at";
const DUE: &str = "state IN ('pending', 'retrying') AND not_before <= $1 AND (leased_until IS NULL OR leased_until < $1 OR leased_by = $2)";

/// Connections that are told something, samples or real ones.
pub async fn targets(tx: &mut Tx, sample: bool) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> = sql("SELECT id FROM connection WHERE push <> $1 AND sample = $2 ORDER BY id")
        .bind(OFF)
        .bind(sample)
        .all(tx)
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Each of the customers (id, version) should be brought to each of the targets. What waited for an
/// older version is superseded, also what was given up.
pub async fn want(
    tx: &mut Tx,
    targets: &[String],
    customers: &[(&str, i64)],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut batch = Batch::new(
        "delivery",
        &["connection_id", "record_id", "wanted_seq", "state", "attempts", "not_before", "updated_at"],
    );
    for target in targets {
        for (customer, seq) in customers {
            batch.push([
                target.as_str().into(),
                (*customer).into(),
                (*seq).into(),
                "pending".into(),
                0_i64.into(),
                now.into(),
                now.into(),
            ]);
        }
    }
    batch
        .insert(
            tx,
            "ON CONFLICT (connection_id, record_id) DO UPDATE SET wanted_seq = excluded.wanted_seq,
               state = excluded.state, attempts = excluded.attempts, not_before = excluded.not_before,
               updated_at = excluded.updated_at",
        )
        .await?;
    Ok(())
}

/// Targets for which something is due on this node. What a target that is told nothing any more still
/// waits for stays until it is told again.
pub async fn due_targets(on: impl Into<On<'_>>, node: &str, now: Timestamp) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> = sql(due_targets_question()).bind(now).bind(node).bind(false).bind(OFF).all(on).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// What [`due_targets`] asks, for whoever wants to see its plan.
#[must_use]
pub fn due_targets_question() -> String {
    format!(
        "SELECT id FROM connection WHERE paused = $3 AND push <> $4
           AND (push_retry_at IS NULL OR push_retry_at <= $1) AND EXISTS
           (SELECT 1 FROM delivery WHERE connection_id = connection.id AND {DUE}) ORDER BY id"
    )
}

/// Leases the deliveries of a target that are due, oldest first. What this node leased before is its own:
/// it works on a target in one place only. A lease only saves double work.
pub async fn lease(
    tx: &mut Tx,
    connection_id: &str,
    node: &str,
    now: Timestamp,
    until: Timestamp,
    limit: i64,
) -> Result<Vec<Row>, StoreError> {
    let question = lease_question(tx.dialect());
    sql(question).bind(now).bind(node).bind(until).bind(connection_id).bind(limit).all(tx).await
}

/// What [`lease`] asks, for whoever wants to see its plan.
#[must_use]
pub fn lease_question(dialect: Dialect) -> String {
    let lock = dialect.skip_locked();
    format!(
        "UPDATE delivery SET leased_by = $2, leased_until = $3
         WHERE connection_id = $4 AND record_id IN
           (SELECT record_id FROM delivery WHERE connection_id = $4 AND {DUE} ORDER BY not_before, record_id LIMIT $5{lock})
         RETURNING {COLUMNS}"
    )
}

/// What became of a delivery.
pub struct Became<'a> {
    pub state: &'static str,
    pub not_before: Timestamp,
    pub cause: Option<&'a str>,
    pub detail: Option<&'a str>,
}

/// Writes what became of it and gives the lease back. When a newer version is wanted by now, the row
/// stays due for that one.
pub async fn settle(tx: &mut Tx, row: &Row, became: &Became<'_>, now: Timestamp) -> Result<(), StoreError> {
    sql("UPDATE delivery SET leased_by = NULL, leased_until = NULL,
           acked_seq = CASE WHEN $1 = 'delivered' THEN $2 ELSE acked_seq END,
           state = CASE WHEN wanted_seq = $2 THEN $1 ELSE state END,
           attempts = CASE WHEN wanted_seq <> $2 THEN attempts WHEN $1 = 'delivered' THEN 0 ELSE attempts + 1 END,
           not_before = CASE WHEN wanted_seq = $2 THEN $3 ELSE not_before END,
           cause = CASE WHEN wanted_seq = $2 THEN $4 ELSE NULL END,
           detail = CASE WHEN wanted_seq = $2 THEN $5 ELSE NULL END, updated_at = $6
         WHERE connection_id = $7 AND record_id = $8")
    .bind(became.state)
    .bind(row.wanted_seq)
    .bind(became.not_before)
    .bind(became.cause)
    .bind(became.detail)
    .bind(now)
    .bind(row.connection_id.as_str())
    .bind(row.record_id.as_str())
    .execute(tx)
    .await?;
    Ok(())
}

/// Whether a value that a customer has since a time may have been sent anywhere.
pub async fn may_be_underway(tx: &mut Tx, record_id: &str, since: i64) -> Result<bool, StoreError> {
    let row: Option<(i64,)> = sql("SELECT CAST(1 AS BIGINT) FROM connection c WHERE c.push <> $3 AND
           (EXISTS (SELECT 1 FROM attempt a WHERE a.connection_id = c.id AND a.record_id = $1 AND a.at >= $2)
            OR EXISTS (SELECT 1 FROM delivery d WHERE d.connection_id = c.id AND d.record_id = $1
                         AND d.leased_by IS NOT NULL)) LIMIT 1")
    .bind(record_id)
    .bind(since)
    .bind(OFF)
    .optional(tx)
    .await?;
    Ok(row.is_some())
}

/// One more failure in a row of a target; returns how many there are.
pub async fn trouble(tx: &mut Tx, connection_id: &str) -> Result<i64, StoreError> {
    let counted = sql("UPDATE connection SET push_failures = push_failures + 1 WHERE id = $1 RETURNING push_failures");
    Ok(counted.bind(connection_id).optional::<(i64,)>(tx).await?.map_or(1, |(failures,)| failures))
}

/// Nothing is sent to a target before a time: it asked for that, or is in trouble.
pub async fn rest(tx: &mut Tx, connection_id: &str, until: Timestamp) -> Result<(), StoreError> {
    sql("UPDATE connection SET push_retry_at = $1 WHERE id = $2")
        .bind(until)
        .bind(connection_id)
        .execute(&mut *tx)
        .await?;
    sql("UPDATE delivery SET leased_by = NULL, leased_until = NULL WHERE connection_id = $1 AND leased_by IS NOT NULL")
        .bind(connection_id)
        .execute(tx)
        .await?;
    Ok(())
}

/// A target answers again.
pub async fn reached(tx: &mut Tx, connection_id: &str) -> Result<(), StoreError> {
    sql("UPDATE connection SET push_failures = 0, push_retry_at = NULL WHERE id = $1 AND push_failures > 0")
        .bind(connection_id)
        .execute(tx)
        .await?;
    Ok(())
}

/// `(failures in a row, until when nothing is sent)` of a target.
pub async fn standing(on: impl Into<On<'_>>, connection_id: &str) -> Result<(i64, Option<Timestamp>), StoreError> {
    let row: Option<(i64, Option<i64>)> = sql("SELECT push_failures, push_retry_at FROM connection WHERE id = $1")
        .bind(connection_id)
        .optional(on)
        .await?;
    Ok(row.map_or((0, None), |(failures, until)| (failures, until.map(Timestamp))))
}

/// A person wants what was given up, or waits, to be tried now. Returns how many.
pub async fn retry(tx: &mut Tx, connection_id: &str, records: &[&str], now: Timestamp) -> Result<u64, StoreError> {
    let text = format!(
        "UPDATE delivery SET state = 'pending', attempts = 0, not_before = $1, updated_at = $1
         WHERE connection_id = $2 AND state IN ('dead', 'retrying') AND {}",
        tx.dialect().in_list("record_id", "$3")
    );
    sql("UPDATE connection SET push_retry_at = NULL WHERE id = $1").bind(connection_id).execute(&mut *tx).await?;
    sql(text).bind(now).bind(connection_id).bind(json_list(records)).execute(tx).await
}

/// Deliveries of a target that are not done, the given-up ones first.
pub async fn open(on: impl Into<On<'_>>, connection_id: &str, limit: i64) -> Result<Vec<Row>, StoreError> {
    sql(format!(
        "SELECT {COLUMNS} FROM delivery WHERE connection_id = $1 AND state <> 'delivered'
         ORDER BY state, updated_at, record_id LIMIT $2"
    ))
    .bind(connection_id)
    .bind(limit)
    .all(on)
    .await
}

/// `(state, number)` of a target's deliveries.
pub async fn counts(on: impl Into<On<'_>>, connection_id: &str) -> Result<Vec<(String, i64)>, StoreError> {
    sql("SELECT state, COUNT(*) FROM delivery WHERE connection_id = $1 GROUP BY state ORDER BY state")
        .bind(connection_id)
        .all(on)
        .await
}

/// One attempt that reached for the target.
pub struct Attempt<'a> {
    pub seq: i64,
    pub external_id: Option<&'a str>,
    pub fields: Vec<&'a str>,
    pub outcome: &'static str,
    pub cause: Option<&'a str>,
    pub took_ms: i64,
}

pub async fn record(tx: &mut Tx, row: &Row, attempt: &Attempt<'_>, now: Timestamp) -> Result<(), StoreError> {
    sql("INSERT INTO attempt (id, connection_id, record_id, at, seq, external_id, fields, outcome, cause, took_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
    .bind(Id::new(Noun::Attempt))
    .bind(row.connection_id.as_str())
    .bind(row.record_id.as_str())
    .bind(now)
    .bind(attempt.seq)
    .bind(attempt.external_id)
    .bind(json_list(&attempt.fields))
    .bind(attempt.outcome)
    .bind(attempt.cause)
    .bind(attempt.took_ms)
    .execute(tx)
    .await?;
    Ok(())
}
