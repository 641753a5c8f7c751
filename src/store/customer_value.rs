//! Values that people typed, beside what the sources say.

use std::collections::HashMap;

use super::{Batch, FromRow, On, StoreError, Tx, delivery, json_list, sql};
use crate::model::Timestamp;

/// A typed value of one field.
#[derive(Clone, Debug, FromRow, PartialEq, Eq)]
pub struct Row {
    pub customer_id: String,
    pub field: String,
    /// `None`: there is none, whatever the sources say.
    pub value: Option<String>,
    /// What the sources said when it was typed.
    pub source_value: Option<String>,
    /// Typed before and perhaps on its way to a system: JSON list of texts and nulls.
    pub underway: String,
    pub pinned: bool,
    pub actor: String,
    pub at: i64,
}

impl Row {
    /// Typed before and perhaps on its way to a system.
    #[must_use]
    pub fn underway(&self) -> Vec<Option<String>> {
        serde_json::from_str(&self.underway).unwrap_or_default()
    }
}

const COLUMNS: [&str; 8] = ["customer_id", "field", "value", "source_value", "underway", "pinned", "actor", "at"];

/// Typed values by customer.
pub async fn of<'a>(
    on: impl Into<On<'_>>,
    customers: impl Iterator<Item = &'a str>,
) -> Result<HashMap<String, Vec<Row>>, StoreError> {
    let on = on.into();
    let text = format!(
        "SELECT {} FROM customer_value WHERE {} ORDER BY customer_id, field",
        COLUMNS.join(", "),
        on.dialect().in_list("customer_id", "$1")
    );
    let mut by_customer: HashMap<String, Vec<Row>> = HashMap::new();
    for row in sql(text).bind(json_list(customers)).all::<Row>(on).await? {
        by_customer.entry(row.customer_id.clone()).or_default().push(row);
    }
    Ok(by_customer)
}

pub async fn put(tx: &mut Tx, rows: &[Row]) -> Result<(), StoreError> {
    let mut batch = Batch::new("customer_value", &COLUMNS);
    for r in rows {
        batch.push([
            r.customer_id.as_str().into(),
            r.field.as_str().into(),
            r.value.as_ref().into(),
            r.source_value.as_ref().into(),
            r.underway.as_str().into(),
            r.pinned.into(),
            r.actor.as_str().into(),
            Timestamp(r.at).into(),
        ]);
    }
    let otherwise =
        "ON CONFLICT (customer_id, field) DO UPDATE SET value = excluded.value, source_value = excluded.source_value,
        underway = excluded.underway, pinned = excluded.pinned, actor = excluded.actor, at = excluded.at";
    batch.insert(tx, otherwise).await?;
    Ok(())
}

/// A system was told and read back, and none is left to be told: nothing typed before is on its way.
pub async fn arrived(tx: &mut Tx, customer_id: &str) -> Result<(), StoreError> {
    sql("UPDATE customer_value SET underway = '[]' WHERE customer_id = $1 AND underway <> '[]' AND NOT EXISTS
           (SELECT 1 FROM delivery d JOIN connection c ON c.id = d.connection_id
            WHERE d.record_id = $1 AND d.state IN ('pending', 'retrying') AND c.push <> $2)")
    .bind(customer_id)
    .bind(delivery::OFF)
    .execute(tx)
    .await?;
    Ok(())
}

/// The sources speak for these fields again.
pub async fn remove(tx: &mut Tx, customer_id: &str, fields: &[&str]) -> Result<u64, StoreError> {
    let text = format!("DELETE FROM customer_value WHERE customer_id = $1 AND {}", tx.dialect().in_list("field", "$2"));
    sql(text).bind(customer_id).bind(json_list(fields)).execute(tx).await
}
