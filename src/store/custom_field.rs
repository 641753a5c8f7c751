//! Definitions of the fields that the administrator added.

use super::{FromRow, On, StoreError, Tx, sql};
use crate::model::{
    Timestamp,
    custom::{CustomKind, Definition, Definitions},
};

#[derive(FromRow)]
struct Row {
    key: String,
    kind: String,
    label_ja: String,
    label_en: String,
    required: bool,
    choices: String,
    position: i64,
    seq: i64,
    retired: bool,
}

/// Every field, retired ones too, in the order of pages.
pub async fn list(on: impl Into<On<'_>>) -> Result<Definitions, StoreError> {
    let rows: Vec<Row> = sql("SELECT key, kind, label_ja, label_en, required, choices, position, seq,
            CASE WHEN retired_at IS NULL THEN FALSE ELSE TRUE END AS retired
         FROM custom_field ORDER BY position, key")
    .all(on)
    .await?;
    Ok(Definitions(rows.into_iter().map(read).collect::<Result<_, _>>()?))
}

fn read(row: Row) -> Result<Definition, StoreError> {
    let broken = || StoreError::Corrupt(format!("custom field {} cannot be read", row.key));
    let kind = CustomKind::parse(&row.kind).ok_or_else(broken)?;
    let choices = serde_json::from_str(&row.choices).map_err(|_| broken())?;
    let Row { key, label_ja, label_en, required, position, seq, retired, .. } = row;
    Ok(Definition { key, kind, label_ja, label_en, required, choices, position, seq, retired })
}

/// Writes a field, new or changed. `was`: its `seq` before, 0 for one that is new. `false`: it is not that any
/// more, and nothing was written.
pub async fn put(tx: &mut Tx, field: &Definition, was: i64, now: Timestamp) -> Result<bool, StoreError> {
    let Definition { key, kind, label_ja, label_en, required, choices, position, seq, retired } = field;
    let choices = serde_json::to_string(choices).map_err(|e| StoreError::Encode(Box::new(e)))?;
    let written = sql("INSERT INTO custom_field (key, kind, label_ja, label_en, required, choices, position, seq,
            created_at, updated_at, retired_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10)
         ON CONFLICT (key) DO UPDATE SET label_ja = excluded.label_ja, label_en = excluded.label_en,
            required = excluded.required, choices = excluded.choices, position = excluded.position,
            seq = excluded.seq, updated_at = excluded.updated_at, retired_at = excluded.retired_at
         WHERE custom_field.seq = $11")
    .bind(key.as_str())
    .bind(kind.as_str())
    .bind(label_ja.as_str())
    .bind(label_en.as_str())
    .bind(*required)
    .bind(choices)
    .bind(*position)
    .bind(*seq)
    .bind(now)
    .bind(retired.then_some(now.0))
    .bind(was)
    .execute(tx)
    .await?;
    Ok(written == 1)
}

/// Customers with a value in each field: how much a retirement hides.
pub async fn filled(on: impl Into<On<'_>>, key: &str) -> Result<i64, StoreError> {
    // In JSON a quote inside a value is escaped, so this stands there as a key or not at all.
    let (count,): (i64,) = sql("SELECT COUNT(*) FROM customer WHERE REPLACE(custom, $1, '') <> custom")
        .bind(format!("\"{key}\":"))
        .one(on)
        .await?;
    Ok(count)
}
