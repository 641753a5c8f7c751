//! Versions: one appended row per state of a record; the one without `valid_to` is current.

use super::{Batch, FromRow, InView, On, StoreError, Tx, json_list, sql};
use crate::model::Timestamp;

/// A version to append.
pub struct NewVersion<'a> {
    pub record_id: &'a str,
    pub seq: i64,
    pub customer_id: Option<&'a str>,
    pub effective_at: Option<i64>,
    pub connection_id: Option<&'a str>,
    pub actor: Option<&'a str>,
    pub run_id: Option<&'a str>,
    pub reason: &'static str,
    pub body: String,
}

/// Appends versions and closes the ones they replace (`seq` 1 replaces nothing).
pub async fn append<'a>(
    tx: &mut Tx,
    now: Timestamp,
    versions: impl Iterator<Item = NewVersion<'a>>,
) -> Result<(), StoreError> {
    let mut batch = Batch::new(
        "version",
        &[
            "record_id",
            "seq",
            "customer_id",
            "valid_from",
            "effective_at",
            "connection_id",
            "actor",
            "run_id",
            "reason",
            "body",
        ],
    );
    let mut replaced = Vec::new();
    for v in versions {
        if v.seq > 1 {
            replaced.push(v.record_id);
        }
        batch.push([
            v.record_id.into(),
            v.seq.into(),
            v.customer_id.into(),
            now.into(),
            v.effective_at.into(),
            v.connection_id.into(),
            v.actor.into(),
            v.run_id.into(),
            v.reason.into(),
            v.body.into(),
        ]);
    }
    if !replaced.is_empty() {
        let text = format!(
            "UPDATE version SET valid_to = $1 WHERE valid_to IS NULL AND {}",
            tx.dialect().in_list("record_id", "$2")
        );
        sql(text).bind(now).bind(json_list(replaced)).execute(tx).await?;
    }
    batch.insert(tx, "").await?;
    Ok(())
}

/// A state of a customer that was, or is.
#[derive(Clone, Debug, FromRow)]
pub struct State {
    pub seq: i64,
    pub valid_from: i64,
    pub valid_to: Option<i64>,
    pub effective_at: Option<i64>,
    pub connection_id: Option<String>,
    /// The name of a person, where one did it.
    pub actor: Option<String>,
    pub run_id: Option<String>,
    pub reason: String,
    /// Golden values, JSON. Not masked yet.
    pub body: String,
}

const STATE: &str = "SELECT v.seq, v.valid_from, v.valid_to, v.effective_at, v.connection_id,
    COALESCE((SELECT u.name FROM app_user u WHERE u.id = v.actor), v.actor) AS actor, v.run_id, v.reason, v.body
    FROM version v";

/// The last states of a customer, the newest first.
pub async fn last_of(on: impl Into<On<'_>>, seen: &InView, limit: i64) -> Result<Vec<State>, StoreError> {
    let text = format!("{STATE} WHERE v.record_id = $1 ORDER BY v.seq DESC LIMIT $2");
    sql(text).bind(seen.id()).bind(limit).all(on).await
}

/// The state of a customer that stood at a time; `None`: it was not known yet.
pub async fn at(on: impl Into<On<'_>>, seen: &InView, at: Timestamp) -> Result<Option<State>, StoreError> {
    let text = format!("{STATE} WHERE v.record_id = $1 AND v.valid_from <= $2 ORDER BY v.seq DESC LIMIT 1");
    sql(text).bind(seen.id()).bind(at).optional(on).await
}

/// A record of a customer as it stood at a time: a document, a site or a contact.
#[derive(Clone, Debug, FromRow)]
pub struct Part {
    pub record_id: String,
    pub connection_id: Option<String>,
    /// The mapped record, JSON. Not masked yet.
    pub body: String,
}

/// The newest body of a record; `None`: there is no such record, or it was taken away.
pub async fn body_of(on: impl Into<On<'_>>, id: &str) -> Result<Option<String>, StoreError> {
    let row: Option<(String, String)> =
        sql("SELECT body, reason FROM version WHERE record_id = $1 ORDER BY seq DESC LIMIT 1")
            .bind(id)
            .optional(on)
            .await?;
    Ok(row.filter(|(_, reason)| reason != "deleted").map(|(body, _)| body))
}

/// Sites and contacts as they stood at a time, those that are gone since too.
pub async fn partners_at(on: impl Into<On<'_>>, seen: &InView, at: Timestamp) -> Result<Vec<Part>, StoreError> {
    sql("SELECT v.record_id, v.connection_id, v.body FROM version v
         WHERE v.customer_id = $1 AND v.customer_id <> v.record_id AND v.valid_from <= $2
           AND (v.valid_to IS NULL OR v.valid_to > $2) AND v.reason <> 'deleted'
         ORDER BY v.record_id")
    .bind(seen.id())
    .bind(at)
    .all(on)
    .await
}

/// Tables of documents, each with its business date.
pub const DOCUMENTS: [(&str, &str); 4] =
    [("sales_order", "order_date"), ("shipment", "ship_date"), ("invoice", "issue_date"), ("payment", "paid_date")];

/// The newest documents of one kind as they stood at a time, and how many were known.
pub async fn documents_at(
    on: impl Into<On<'_>>,
    seen: &InView,
    (table, date): (&str, &str),
    at: Timestamp,
    limit: i64,
) -> Result<(Vec<Part>, i64), StoreError> {
    let mut on = on.into();
    let known = format!(
        "FROM {table} d JOIN version v ON v.record_id = d.id
         WHERE d.customer_id = $1 AND v.valid_from <= $2 AND (v.valid_to IS NULL OR v.valid_to > $2)
           AND v.reason <> 'deleted'"
    );
    let text =
        format!("SELECT v.record_id, v.connection_id, v.body {known} ORDER BY d.{date} DESC, d.id DESC LIMIT $3");
    let rows = sql(text).bind(seen.id()).bind(at).bind(limit).all(on.again()).await?;
    let (count,): (i64,) = sql(format!("SELECT COUNT(*) {known}")).bind(seen.id()).bind(at).one(on).await?;
    Ok((rows, count))
}
