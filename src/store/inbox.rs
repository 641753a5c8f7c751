//! The inbox: webhooks as received, unique by (connection, delivery id), durable before the 202.

use std::collections::HashSet;

use super::{Batch, Db, FromRow, On, StoreError, Tx, json_list, sql, sql::execute_plain};
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
    // What is the same for every new delivery is the column's default: this runs for each of a flood.
    let columns = &[
        "id",
        "connection_id",
        "delivery_id",
        "received_at",
        "headers",
        "body",
        "not_before",
        "leased_by",
        "leased_until",
    ];
    let mut batch = Batch::new("inbox", columns);
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
            d.received_at.into(),
            node.into(),
            leased_until.into(),
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

/// Connections with waiting deliveries. (From one to the next in the index, without reading between.)
pub async fn waiting_connections(db: &Db) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> = sql("WITH RECURSIVE waits (id) AS (
           SELECT MIN(connection_id) FROM inbox WHERE state = 'pending'
           UNION ALL
           SELECT (SELECT MIN(connection_id) FROM inbox WHERE state = 'pending' AND connection_id > waits.id)
           FROM waits WHERE waits.id IS NOT NULL)
         SELECT id FROM waits WHERE id IS NOT NULL")
    .all(db)
    .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Waiting deliveries of a connection that this node may work on, oldest first. What was never tried is
/// always due.
pub async fn pending(db: &Db, connection_id: &str, wanted: &Wanted<'_>) -> Result<Vec<Pending>, StoreError> {
    let text = "SELECT id, CAST(OCTET_LENGTH(body) AS BIGINT) FROM inbox
         WHERE connection_id = $5 AND state = 'pending' AND (attempts = 0 OR not_before <= $1 OR not_before > $2)
           AND (leased_by = $3 OR leased_until < $1 OR leased_until > $2)
         ORDER BY not_before, id LIMIT $4";
    let query = sql(text).bind(wanted.now).bind(wanted.far).bind(wanted.node).bind(wanted.rows).bind(connection_id);
    let rows: Vec<(String, i64)> = match db.dialect().follow_index() {
        None => query.all(db).await?,
        Some(hint) => {
            let mut tx = db.begin().await?;
            execute_plain(&mut tx, hint).await?;
            let rows = query.all(&mut tx).await?;
            tx.commit().await?;
            rows
        }
    };
    let mut room = wanted.bytes;
    let fitting = rows.into_iter().enumerate().take_while(|(n, (_, bytes))| {
        room -= bytes;
        *n == 0 || room >= 0
    });
    let ids: Vec<String> = fitting.map(|(_, (id, _))| id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    // COALESCE: see `settle`.
    sql(format!(
        "SELECT id, connection_id, headers, body, attempts, received_at FROM inbox
         WHERE COALESCE(state, '') = 'pending' AND {} ORDER BY not_before, id",
        db.dialect().in_list("id", "$1")
    ))
    .bind(json_list(ids))
    .all(db)
    .await
}

/// What a delivery carried and what becomes of it.
#[derive(Clone, Debug)]
pub struct Applied {
    pub id: String,
    pub event: Option<String>,
    pub object: Option<String>,
    pub cause: Option<String>,
    /// `applied`, `failed` or `ignored`.
    pub state: &'static str,
}

/// Claims deliveries for this transaction and writes what becomes of them: only what is still pending
/// is returned, and nobody else gets it.
pub async fn settle(
    tx: &mut Tx,
    run_id: Option<&str>,
    deliveries: &[Applied],
    now: Timestamp,
) -> Result<HashSet<String>, StoreError> {
    let rows = deliveries.iter().map(
        |a| serde_json::json!({"wanted": a.id, "became": a.state, "what": a.event, "about": a.object, "why": a.cause}),
    );
    // COALESCE keeps the index over waiting deliveries out of it: with many it would read them all.
    let text = format!(
        "UPDATE inbox SET state = became, applied_at = $1, attempts = attempts + 1, event = what, object = about,
           cause = why, run_id = $2
         FROM {} WHERE inbox.id = wanted AND COALESCE(inbox.state, '') = 'pending' RETURNING id",
        tx.dialect().json_rows("$3", "settled", &["wanted", "became", "what", "about", "why"])
    );
    let rows = serde_json::Value::Array(rows.collect()).to_string();
    let claimed: Vec<(String,)> = sql(text).bind(now).bind(run_id).bind(rows).all(tx).await?;
    Ok(claimed.into_iter().map(|(id,)| id).collect())
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

/// A person wants a delivery processed again. It goes through the same door once more. The answer is its
/// connection; `None`: it waits already, or there is none.
pub async fn replay(tx: &mut Tx, id: &str, now: Timestamp) -> Result<Option<String>, StoreError> {
    let asked: Option<(String,)> = sql("UPDATE inbox SET state = 'pending', not_before = $1, leased_by = NULL,
           leased_until = $2, cause = NULL WHERE id = $3 AND state <> 'pending' RETURNING connection_id")
    .bind(now)
    .bind(0_i64)
    .bind(id)
    .optional(tx)
    .await?;
    Ok(asked.map(|(connection,)| connection))
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
