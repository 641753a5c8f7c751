//! Activities typed by people.

use super::{StoreError, Tx, sql};
use crate::model::{Date, Timestamp};

pub struct Row<'a> {
    pub id: &'a str,
    pub customer_id: &'a str,
    pub kind: &'a str,
    pub subject: &'a str,
    pub note: Option<&'a str>,
    pub date: Date,
    pub actor: &'a str,
    pub now: Timestamp,
}

/// `false`: there is an activity of that id already.
pub async fn insert(tx: &mut Tx, row: &Row<'_>) -> Result<bool, StoreError> {
    let rows = sql("INSERT INTO activity
           (id, customer_id, kind, subject, note, activity_date, occurred_at, actor, seq, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $7) ON CONFLICT (id) DO NOTHING")
    .bind(row.id)
    .bind(row.customer_id)
    .bind(row.kind)
    .bind(row.subject)
    .bind(row.note)
    .bind(row.date)
    .bind(row.now)
    .bind(row.actor)
    .execute(tx)
    .await?;
    Ok(rows == 1)
}
