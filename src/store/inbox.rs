//! The inbox: webhooks as received, unique by (connection, delivery id), durable before the 202.

use std::collections::HashSet;

use super::{Batch, Db, FromRow, On, StoreError, Tx, json_list, sql};
use crate::model::{Id, Timestamp, ids::Noun};

/// A delivery to store.
#[derive(Clone, Debug)]
pub struct New {
    pub connection_id: String,
    pub delivery_id: String,
    pub received_at: Timestamp,
    pub headers: String,
    pub body: Vec<u8>,
}

/// A stored delivery that waits.
#[derive(Clone, Debug, FromRow)]
pub struct Pending {
    pub id: String,
    pub connection_id: String,
    pub headers: String,
    pub body: Vec<u8>,
    pub attempts: i64,
    pub received_at: i64,
}

/// Stores deliveries; says for each whether it is new (`true`) or was here before. The rows belong
/// to this node until `leased_until`, then to whoever asks.
pub async fn insert(
    tx: &mut Tx,
    deliveries: &[New],
    node: &str,
    leased_until: Timestamp,
) -> Result<Vec<bool>, StoreError> {
    let mut batch = Batch::new(
        "inbox",
        &[
            "id",
            "connection_id",
            "delivery_id",
            "received_at",
            "headers",
            "body",
            "state",
            "attempts",
            "not_before",
            "leased_by",
            "leased_until",
            "duplicates",
        ],
    );
    // The same delivery twice in one batch: the second is a duplicate of the first.
    let mut here: HashSet<(&str, &str)> = HashSet::with_capacity(deliveries.len());
    let mut ids = Vec::with_capacity(deliveries.len());
    let mut rows = Vec::with_capacity(deliveries.len());
    for d in deliveries {
        if !here.insert((&d.connection_id, &d.delivery_id)) {
            ids.push(None);
            continue;
        }
        let id = Id::new(Noun::Inbox);
        ids.push(Some(id.clone()));
        rows.push((d, id));
    }
    // In one order on every node: two nodes that get the same deliveries would wait for each other.
    rows.sort_unstable_by_key(|(d, _)| (&d.connection_id, &d.delivery_id));
    for (d, id) in rows {
        batch.push([
            id.into(),
            d.connection_id.as_str().into(),
            d.delivery_id.as_str().into(),
            d.received_at.into(),
            d.headers.as_str().into(),
            d.body.as_slice().into(),
            "pending".into(),
            0_i64.into(),
            d.received_at.into(),
            node.into(),
            leased_until.into(),
            0_i64.into(),
        ]);
    }
    let wanted = batch.len() as u64;
    let written = batch.insert(tx, "ON CONFLICT (connection_id, delivery_id) DO NOTHING").await?;
    if written == wanted && ids.iter().all(Option::is_some) {
        return Ok(vec![true; deliveries.len()]);
    }
    let stored = stored_among(tx, ids.iter().flatten()).await?;
    let new: Vec<bool> = ids.iter().map(|id| id.as_ref().is_some_and(|id| stored.contains(id.as_str()))).collect();
    count_duplicates(tx, deliveries, &new).await?;
    Ok(new)
}

async fn stored_among(tx: &mut Tx, ids: impl Iterator<Item = &Id>) -> Result<HashSet<String>, StoreError> {
    let text = format!("SELECT id FROM inbox WHERE {}", tx.dialect().in_list("id", "$1"));
    let rows: Vec<(String,)> = sql(text).bind(json_list(ids.map(Id::as_str))).all(tx).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

async fn count_duplicates(tx: &mut Tx, deliveries: &[New], new: &[bool]) -> Result<(), StoreError> {
    let mut known: Vec<&New> = deliveries.iter().zip(new).filter(|(_, new)| !**new).map(|(d, _)| d).collect();
    known.sort_unstable_by_key(|d| (&d.connection_id, &d.delivery_id));
    for d in known {
        sql("UPDATE inbox SET duplicates = duplicates + 1 WHERE connection_id = $1 AND delivery_id = $2")
            .bind(d.connection_id.as_str())
            .bind(d.delivery_id.as_str())
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// Which deliveries [`pending`] asks for.
pub struct Wanted<'a> {
    pub node: &'a str,
    pub now: Timestamp,
    /// Later than any delivery can be put off or leased: who stands there was put there by a clock
    /// that was wrong.
    pub far: Timestamp,
    pub rows: i64,
    /// Bodies together; one is always given.
    pub bytes: i64,
}

/// Waiting deliveries that this node may work on, oldest first, without those of `busy` connections.
/// What was never tried is always due.
pub async fn pending<'a>(
    db: &Db,
    wanted: &Wanted<'_>,
    busy: impl Iterator<Item = &'a String>,
) -> Result<Vec<Pending>, StoreError> {
    let rows: Vec<(String, i64)> = sql(format!(
        "SELECT id, CAST(OCTET_LENGTH(body) AS BIGINT) FROM inbox
         WHERE state = 'pending' AND (attempts = 0 OR not_before <= $1 OR not_before > $2)
           AND (leased_by = $3 OR leased_until < $1 OR leased_until > $2) AND NOT ({})
         ORDER BY not_before, id LIMIT $4",
        db.dialect().in_list("connection_id", "$5")
    ))
    .bind(wanted.now)
    .bind(wanted.far)
    .bind(wanted.node)
    .bind(wanted.rows)
    .bind(json_list(busy))
    .all(db)
    .await?;
    let mut room = wanted.bytes;
    let fitting = rows.into_iter().enumerate().take_while(|(n, (_, bytes))| {
        room -= bytes;
        *n == 0 || room >= 0
    });
    let ids: Vec<String> = fitting.map(|(_, (id, _))| id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    sql(format!(
        "SELECT id, connection_id, headers, body, attempts, received_at FROM inbox
         WHERE state = 'pending' AND {} ORDER BY not_before, id",
        db.dialect().in_list("id", "$1")
    ))
    .bind(json_list(ids))
    .all(db)
    .await
}

/// What a delivery carried, for the log.
#[derive(Clone, Debug)]
pub struct Applied {
    pub id: String,
    pub event: Option<String>,
    pub object: Option<String>,
    pub cause: Option<String>,
    /// `applied`, `failed` or `ignored`.
    pub state: &'static str,
}

/// Claims deliveries for this transaction: only what is still pending is returned, and nobody else
/// gets it.
pub async fn claim(tx: &mut Tx, ids: &[&str], now: Timestamp) -> Result<HashSet<String>, StoreError> {
    // COALESCE keeps the index over states out of it: with many waiting it would read them all.
    let text = format!(
        "UPDATE inbox SET state = 'applied', applied_at = $1, attempts = attempts + 1
         WHERE COALESCE(state, '') = 'pending' AND {} RETURNING id",
        tx.dialect().in_list("id", "$2")
    );
    let rows: Vec<(String,)> = sql(text).bind(now).bind(json_list(ids)).all(tx).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Writes what became of claimed deliveries.
pub async fn describe(tx: &mut Tx, run_id: Option<&str>, applied: &[Applied]) -> Result<(), StoreError> {
    // One statement per distinct outcome would be a statement per row: events differ by object. The
    // rows exist, so the insert part of this upsert never takes effect.
    let mut batch = Batch::new(
        "inbox",
        &[
            "id",
            "connection_id",
            "delivery_id",
            "received_at",
            "headers",
            "body",
            "state",
            "attempts",
            "not_before",
            "duplicates",
            "event",
            "object",
            "cause",
            "run_id",
        ],
    );
    let empty: &[u8] = &[];
    for a in applied {
        batch.push([
            a.id.as_str().into(),
            "".into(),
            a.id.as_str().into(),
            0_i64.into(),
            "".into(),
            empty.into(),
            a.state.into(),
            0_i64.into(),
            0_i64.into(),
            0_i64.into(),
            a.event.as_ref().into(),
            a.object.as_ref().into(),
            a.cause.as_ref().into(),
            run_id.into(),
        ]);
    }
    batch
        .insert(
            tx,
            "ON CONFLICT (id) DO UPDATE SET state = excluded.state, event = excluded.event,
               object = excluded.object, cause = excluded.cause, run_id = excluded.run_id",
        )
        .await?;
    Ok(())
}

/// Puts a delivery off after a passing trouble.
pub async fn postpone(tx: &mut Tx, id: &str, cause: &str, not_before: Timestamp, node: &str) -> Result<(), StoreError> {
    sql("UPDATE inbox SET attempts = attempts + 1, cause = $1, not_before = $2, leased_by = $3, leased_until = $2
         WHERE id = $4 AND state = 'pending'")
    .bind(cause)
    .bind(not_before)
    .bind(node)
    .bind(id)
    .execute(tx)
    .await?;
    Ok(())
}

/// A person wants a delivery processed again. It goes through the same door once more.
pub async fn replay(tx: &mut Tx, id: &str, now: Timestamp) -> Result<bool, StoreError> {
    let changed = sql("UPDATE inbox SET state = 'pending', not_before = $1, leased_by = NULL, leased_until = $2,
           cause = NULL WHERE id = $3 AND state <> 'pending'")
    .bind(now)
    .bind(0_i64)
    .bind(id)
    .execute(tx)
    .await?;
    Ok(changed > 0)
}

/// How many deliveries wait.
pub async fn waiting(on: impl Into<On<'_>>) -> Result<i64, StoreError> {
    let (n,): (i64,) = sql("SELECT COUNT(*) FROM inbox WHERE state = 'pending'").one(on).await?;
    Ok(n)
}

/// Refused requests of one kind.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub connection_id: String,
    pub cause: String,
    pub detail: String,
    pub at: Timestamp,
    pub times: i64,
}

impl Refusal {
    /// Equal refusals of the same minute are one row.
    #[must_use]
    pub fn key(&self) -> String {
        let minute = self.at.0 - self.at.0.rem_euclid(Timestamp::MINUTE);
        format!("{}_{}_{minute}_{}", Noun::Refusal.prefix(), self.connection_id, self.cause)
    }
}

/// Counts refused requests. No two of them may have one key.
pub async fn refuse(tx: &mut Tx, refusals: &[Refusal]) -> Result<(), StoreError> {
    let mut batch = Batch::new("hook_refusal", &["id", "connection_id", "at", "cause", "detail", "times"]);
    for r in refusals {
        batch.push([
            r.key().into(),
            r.connection_id.as_str().into(),
            r.at.into(),
            r.cause.as_str().into(),
            r.detail.as_str().into(),
            r.times.into(),
        ]);
    }
    batch.insert(tx, "ON CONFLICT (id) DO UPDATE SET times = hook_refusal.times + excluded.times").await?;
    Ok(())
}
