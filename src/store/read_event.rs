//! The log of outgoing webhooks as people look at it.

use super::{FromRow, On, StoreError, sql};
use crate::model::Timestamp;

/// One delivery in a list.
#[derive(Clone, Debug, FromRow)]
pub struct Told {
    pub receiver_id: String,
    pub receiver_name: String,
    pub event_id: String,
    pub at: i64,
    pub kind: String,
    pub record_id: String,
    pub seq: i64,
    pub customer_id: Option<String>,
    pub state: String,
    pub attempts: i64,
    pub not_before: i64,
    pub status: Option<i64>,
    pub cause: Option<String>,
    pub updated_at: i64,
}

const TOLD: &str = "SELECT d.receiver_id, receiver.name AS receiver_name, d.event_id, event.at, event.kind,
      event.record_id, event.seq, d.customer_id, d.state, d.attempts, d.not_before, d.status, d.cause, d.updated_at
    FROM event_delivery d JOIN event ON event.id = d.event_id JOIN receiver ON receiver.id = d.receiver_id";

/// Which deliveries a list shows; empty texts do not narrow it.
#[derive(Clone, Debug, Default)]
pub struct Filter<'a> {
    pub receiver: &'a str,
    /// `pending` (with `retrying`), `delivered` or `dead`.
    pub state: &'a str,
    pub customer: &'a str,
    /// Event and receiver that the page before ended with.
    pub before: Option<(&'a str, &'a str)>,
}

/// Deliveries, the newest events first.
pub async fn told(on: impl Into<On<'_>>, filter: &Filter<'_>, limit: i64) -> Result<Vec<Told>, StoreError> {
    let mut conditions = Vec::new();
    let mut values = Vec::new();
    for (value, condition) in [(filter.receiver, "d.receiver_id = $"), (filter.customer, "d.customer_id = $")] {
        if !value.is_empty() {
            values.push(super::Value::from(value));
            conditions.push(format!("{condition}{}", values.len()));
        }
    }
    if let Some((event, receiver)) = filter.before {
        let at = values.len();
        values.extend([event.into(), receiver.into()]);
        let (event, receiver) = (at + 1, at + 2);
        conditions.push(format!("(d.event_id < ${event} OR d.event_id = ${event} AND d.receiver_id > ${receiver})"));
    }
    match filter.state {
        "pending" => conditions.push("d.state IN ('pending', 'retrying')".to_owned()),
        "delivered" | "dead" => {
            values.push(filter.state.into());
            conditions.push(format!("d.state = ${}", values.len()));
        }
        _ => {}
    }
    let condition = if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) };
    let text = format!("{TOLD} {condition} ORDER BY d.event_id DESC, d.receiver_id LIMIT ${}", values.len() + 1);
    sql(text).bind_all(values).bind(limit).all(on).await
}

pub async fn one(on: impl Into<On<'_>>, receiver: &str, event: &str) -> Result<Option<Told>, StoreError> {
    sql(format!("{TOLD} WHERE d.receiver_id = $1 AND d.event_id = $2")).bind(receiver).bind(event).optional(on).await
}

/// One attempt.
#[derive(Clone, Debug, FromRow)]
pub struct Attempt {
    pub at: i64,
    pub status: Option<i64>,
    pub cause: Option<String>,
    pub answer: Option<String>,
    pub took_ms: i64,
}

/// Attempts of a delivery, the last one first.
pub async fn attempts(on: impl Into<On<'_>>, receiver: &str, event: &str) -> Result<Vec<Attempt>, StoreError> {
    sql("SELECT at, status, cause, answer, took_ms FROM event_attempt WHERE receiver_id = $1 AND event_id = $2
         ORDER BY at DESC, id DESC LIMIT 50")
    .bind(receiver)
    .bind(event)
    .all(on)
    .await
}

/// Figures of one receiver.
#[derive(Clone, Debug, Default, FromRow)]
pub struct Figures {
    pub receiver_id: String,
    pub waiting: i64,
    pub delivered: i64,
    pub dead: i64,
}

/// Of every receiver: what waits, and what was delivered or given up since a time.
pub async fn figures(on: impl Into<On<'_>>, since: Timestamp) -> Result<Vec<Figures>, StoreError> {
    sql("SELECT receiver_id,
           CAST(SUM(CASE WHEN state IN ('pending', 'retrying') THEN 1 ELSE 0 END) AS BIGINT) AS waiting,
           CAST(SUM(CASE WHEN state = 'delivered' THEN 1 ELSE 0 END) AS BIGINT) AS delivered,
           CAST(SUM(CASE WHEN state = 'dead' THEN 1 ELSE 0 END) AS BIGINT) AS dead
         FROM event_delivery WHERE updated_at >= $1 OR state IN ('pending', 'retrying', 'dead') GROUP BY receiver_id")
    .bind(since)
    .all(on)
    .await
}
