//! The log of events, and what became of telling each receiver.
//!
//! An event names a version of a record; what is told of it stands in `version`, so that every attempt
//! sends the same bytes. Deliveries are rows of their own: one for each receiver that wanted the event when
//! it happened, or for whom a person had it sent again.

use super::{Batch, FromRow, On, StoreError, Tx, json_list, receiver, sql};
use crate::model::{Id, Timestamp, event, ids::Noun};

/// Something that happened, to be logged.
#[derive(Clone, Debug)]
pub struct New<'a> {
    pub kind: String,
    pub record_id: &'a str,
    pub seq: i64,
    pub customer_id: Option<&'a str>,
    pub sample: bool,
}

/// Who is to be told, as far as logging has to know.
pub struct Listeners(Vec<(String, Vec<String>, bool)>);

/// Those who are to be told. `None`: there are no receivers, and nothing is logged.
pub async fn listeners(tx: &mut Tx) -> Result<Option<Listeners>, StoreError> {
    let receivers: Vec<(String, String, bool, String)> =
        sql("SELECT id, wants, samples, state FROM receiver").all(tx).await?;
    if receivers.is_empty() {
        return Ok(None);
    }
    let listening = receivers.into_iter().filter(|(.., state)| state == receiver::ON || state == receiver::PAUSED);
    let wishes = |text: String| serde_json::from_str(&text).unwrap_or_default();
    Ok(Some(Listeners(listening.map(|(id, wants, samples, _)| (id, wishes(wants), samples)).collect())))
}

/// Logs events and what each listener is to be told.
pub async fn log<'a>(
    tx: &mut Tx,
    listeners: &Listeners,
    events: impl Iterator<Item = New<'a>>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut logged = Batch::new("event", &["id", "at", "kind", "record_id", "seq", "customer_id", "sample"]);
    let mut told = deliveries();
    for e in events {
        let id = Id::new(Noun::Event);
        for (receiver, wants, samples) in &listeners.0 {
            if (*samples || !e.sample) && event::wants(wants, &e.kind) {
                told.push(waiting(receiver, &id, e.customer_id, now));
            }
        }
        logged.push([
            id.into(),
            now.into(),
            e.kind.into(),
            e.record_id.into(),
            e.seq.into(),
            e.customer_id.into(),
            e.sample.into(),
        ]);
    }
    logged.insert(tx, "").await?;
    told.insert(tx, "").await?;
    Ok(())
}

fn deliveries() -> Batch {
    Batch::new(
        "event_delivery",
        &["receiver_id", "event_id", "customer_id", "state", "attempts", "not_before", "updated_at"],
    )
}

fn waiting(receiver: &str, event: &Id, customer: Option<&str>, now: Timestamp) -> [super::Value; 7] {
    [receiver.into(), event.into(), customer.into(), "pending".into(), 0_i64.into(), now.into(), now.into()]
}

/// An event for one receiver only: does it work? Returns the event's id.
pub async fn test(tx: &mut Tx, receiver: &str, now: Timestamp) -> Result<Id, StoreError> {
    let id = Id::new(Noun::Event);
    sql("INSERT INTO event (id, at, kind, record_id, seq, customer_id, sample) VALUES ($1, $2, $3, $4, 0, NULL, $5)")
        .bind(&id)
        .bind(now)
        .bind(event::TEST)
        .bind(receiver)
        .bind(false)
        .execute(&mut *tx)
        .await?;
    let mut one = deliveries();
    one.push(waiting(receiver, &id, None, now));
    one.insert(tx, "").await?;
    Ok(id)
}

const DUE: &str = "d.state IN ('pending', 'retrying') AND d.not_before <= $1
    AND (d.leased_until IS NULL OR d.leased_until < $1 OR d.leased_by = $2)";

/// Receivers to whom something is to be sent now from this node.
pub async fn due_receivers(on: impl Into<On<'_>>, node: &str, now: Timestamp) -> Result<Vec<String>, StoreError> {
    let due: Vec<(String,)> = sql(format!(
        "SELECT id FROM receiver WHERE state = $3 AND (retry_at IS NULL OR retry_at <= $1)
           AND EXISTS (SELECT 1 FROM event_delivery d WHERE d.receiver_id = receiver.id AND {DUE})"
    ))
    .bind(now)
    .bind(node)
    .bind(receiver::ON)
    .all(on)
    .await?;
    Ok(due.into_iter().map(|(id,)| id).collect())
}

/// A delivery in hand.
#[derive(Clone, Debug, FromRow)]
pub struct Leased {
    pub event_id: String,
    pub attempts: i64,
}

/// Leases due deliveries, oldest events first. `in_order`: of each customer only the first that is not
/// done, so that nothing overtakes it; one that was given up stands in nobody's way.
pub async fn lease(
    tx: &mut Tx,
    receiver: &receiver::Row,
    node: &str,
    now: Timestamp,
    until: Timestamp,
    limit: i64,
) -> Result<Vec<Leased>, StoreError> {
    let lock = tx.dialect().skip_locked();
    let first = if receiver.in_order {
        "AND (d.customer_id IS NULL OR NOT EXISTS (SELECT 1 FROM event_delivery e
           WHERE e.receiver_id = d.receiver_id AND e.customer_id = d.customer_id AND e.event_id < d.event_id
             AND e.state IN ('pending', 'retrying')))"
    } else {
        ""
    };
    let mut rows: Vec<Leased> = sql(format!(
        "UPDATE event_delivery SET leased_by = $2, leased_until = $3 WHERE receiver_id = $4 AND event_id IN
           (SELECT d.event_id FROM event_delivery d WHERE d.receiver_id = $4 AND {DUE} {first}
            ORDER BY d.not_before, d.event_id LIMIT $5{lock})
         RETURNING event_id, attempts"
    ))
    .bind(now)
    .bind(node)
    .bind(until)
    .bind(&receiver.id)
    .bind(limit)
    .all(tx)
    .await?;
    rows.sort_by(|a, b| a.event_id.cmp(&b.event_id));
    Ok(rows)
}

/// What is told of an event.
#[derive(Clone, Debug, FromRow)]
pub struct Content {
    pub id: String,
    pub at: i64,
    pub kind: String,
    pub record_id: String,
    pub seq: i64,
    pub customer_id: Option<String>,
    pub connection_id: Option<String>,
    /// Of a record's version, or what was told of a problem. `None`: a test, or its record was removed with the sample data.
    pub body: Option<String>,
}

pub async fn contents(on: impl Into<On<'_>>, ids: &[&str]) -> Result<Vec<Content>, StoreError> {
    let on = on.into();
    let text = format!(
        "SELECT event.id, event.at, event.kind, event.record_id, event.seq, event.customer_id, version.connection_id,
           COALESCE(version.body, problem_note.body) AS body
         FROM event LEFT JOIN version ON version.record_id = event.record_id AND version.seq = event.seq
           LEFT JOIN problem_note ON problem_note.problem_id = event.record_id AND problem_note.seq = event.seq
         WHERE {}",
        on.dialect().in_list("event.id", "$1")
    );
    sql(text).bind(json_list(ids)).all(on).await
}

/// What became of one delivery at one attempt.
#[derive(Clone, Debug)]
pub struct Became {
    pub event_id: String,
    pub state: &'static str,
    pub not_before: Timestamp,
    pub status: Option<u16>,
    pub cause: Option<&'static str>,
    /// Beginning of what was answered.
    pub answer: Option<String>,
    pub took_ms: i64,
}

/// Writes what became of deliveries and keeps the attempts. One that a person had sent again meanwhile
/// (its lease is gone) stays as that person wants it.
pub async fn settle(
    tx: &mut Tx,
    receiver: &str,
    node: &str,
    became: &[Became],
    now: Timestamp,
) -> Result<(), StoreError> {
    let rows = became.iter().map(|b| {
        serde_json::json!({"wanted": b.event_id, "became": b.state, "until": b.not_before.0.to_string(),
            "answered": b.status.map(|s| s.to_string()), "why": b.cause})
    });
    let rows = serde_json::Value::Array(rows.collect()).to_string();
    let columns = ["wanted", "became", "until", "answered", "why"];
    let text = format!(
        "UPDATE event_delivery SET state = became, not_before = CAST(until AS BIGINT), attempts = attempts + 1,
           status = CAST(answered AS BIGINT), cause = why, leased_by = NULL, leased_until = NULL, updated_at = $1
         FROM {} WHERE receiver_id = $2 AND event_id = wanted AND leased_by = $4",
        tx.dialect().json_rows("$3", "settled", &columns)
    );
    sql(text).bind(now).bind(receiver).bind(rows).bind(node).execute(&mut *tx).await?;
    let mut attempts =
        Batch::new("event_attempt", &["id", "receiver_id", "event_id", "at", "status", "cause", "answer", "took_ms"]);
    for b in became {
        attempts.push([
            Id::new(Noun::Attempt).into(),
            receiver.into(),
            (&b.event_id).into(),
            now.into(),
            b.status.map(i64::from).into(),
            b.cause.into(),
            b.answer.as_ref().into(),
            b.took_ms.into(),
        ]);
    }
    attempts.insert(tx, "").await?;
    Ok(())
}

/// Gives leases back of what was not tried.
pub async fn release(tx: &mut Tx, receiver: &str, node: &str) -> Result<(), StoreError> {
    sql("UPDATE event_delivery SET leased_by = NULL, leased_until = NULL WHERE receiver_id = $1 AND leased_by = $2")
        .bind(receiver)
        .bind(node)
        .execute(tx)
        .await?;
    Ok(())
}

/// Which events a person wants a receiver to get again.
#[derive(Clone, Debug)]
pub enum Again<'a> {
    These(&'a [&'a str]),
    /// Everything it wants from one time up to another.
    Between(Timestamp, Timestamp),
    /// Everything it wants of one customer, as far as the log goes back.
    Customer(&'a str),
    /// What was given up.
    Dead,
}

/// Has events sent again, with the same ids; returns how many. Only what the receiver wants is chosen by
/// time or customer; what is named is sent in any case.
pub async fn again(
    tx: &mut Tx,
    receiver: &receiver::Row,
    which: &Again<'_>,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let wishes = receiver.wishes();
    let kinds = json_list(event::kinds().filter(|kind| event::wants(&wishes, kind)));
    let dialect = tx.dialect();
    let columns = "SELECT id, customer_id FROM event WHERE";
    let wanted = format!("{columns} {} AND (NOT sample OR $2)", dialect.in_list("kind", "$1"));
    let of_wanted = |condition: &str| sql(format!("{wanted} AND {condition}")).bind(&kinds).bind(receiver.samples);
    let question = match which {
        Again::These(ids) => sql(format!(
            "{columns} {} AND id IN (SELECT event_id FROM event_delivery WHERE receiver_id = $2)",
            dialect.in_list("id", "$1")
        ))
        .bind(json_list(*ids))
        .bind(&receiver.id),
        Again::Between(from, to) => of_wanted("id >= $3 AND id < $4")
            .bind(Id::first_since(Noun::Event, *from))
            .bind(Id::first_since(Noun::Event, *to)),
        Again::Customer(id) => of_wanted("customer_id = $3").bind(*id),
        Again::Dead => sql(format!(
            "{columns} id IN (SELECT event_id FROM event_delivery WHERE receiver_id = $1 AND state = 'dead')"
        ))
        .bind(&receiver.id),
    };
    let chosen: Vec<(String, Option<String>)> = question.all(&mut *tx).await?;
    let mut rows = deliveries();
    for (event, customer) in &chosen {
        rows.push(waiting(&receiver.id, &Id::stored(event.clone()), customer.as_deref(), now));
    }
    rows.insert(
        tx,
        "ON CONFLICT (receiver_id, event_id) DO UPDATE SET state = excluded.state, attempts = 0,
           not_before = excluded.not_before, leased_by = NULL, leased_until = NULL, updated_at = excluded.updated_at",
    )
    .await?;
    sql("UPDATE receiver SET retry_at = NULL WHERE id = $1").bind(&receiver.id).execute(tx).await?;
    Ok(chosen.len() as u64)
}
