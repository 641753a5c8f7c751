//! The state of comparing whole lists, and the deletions that wait for a person.

use std::collections::HashSet;

use super::{FromRow, On, StoreError, Tx, json_list, sql};
use crate::model::Timestamp;

/// What is known of the last comparison of a stream.
#[derive(Clone, Debug, FromRow)]
pub struct Row {
    pub connection_id: String,
    pub stream: String,
    pub swept_at: i64,
    pub known: i64,
    pub missing: i64,
    pub held_at: Option<i64>,
    pub held_keys: Option<String>,
    pub allowed_by: Option<String>,
    pub allowed_at: Option<i64>,
}

impl Row {
    /// Keys of the held records.
    #[must_use]
    pub fn held(&self) -> HashSet<String> {
        self.held_keys.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }
}

const COLUMNS: &str = "connection_id, stream, swept_at, known, missing, held_at, held_keys, allowed_by, allowed_at";

pub async fn get(on: impl Into<On<'_>>, connection_id: &str, stream: &str) -> Result<Option<Row>, StoreError> {
    sql(format!("SELECT {COLUMNS} FROM sweep WHERE connection_id = $1 AND stream = $2"))
        .bind(connection_id)
        .bind(stream)
        .optional(on)
        .await
}

/// Streams of a connection whose deletions wait for a person.
pub async fn held(on: impl Into<On<'_>>, connection_id: &str) -> Result<Vec<Row>, StoreError> {
    sql(format!(
        "SELECT {COLUMNS} FROM sweep WHERE connection_id = $1 AND held_at IS NOT NULL AND allowed_at IS NULL
         ORDER BY stream"
    ))
    .bind(connection_id)
    .all(on)
    .await
}

/// A comparison that came to its end, with nothing left to decide.
pub async fn done(
    tx: &mut Tx,
    (connection_id, stream): (&str, &str),
    known: usize,
    missing: usize,
    now: Timestamp,
) -> Result<(), StoreError> {
    sql("INSERT INTO sweep (connection_id, stream, swept_at, known, missing) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (connection_id, stream) DO UPDATE SET swept_at = excluded.swept_at, known = excluded.known,
           missing = excluded.missing, held_at = NULL, held_keys = NULL, allowed_by = NULL, allowed_at = NULL")
    .bind(connection_id)
    .bind(stream)
    .bind(now)
    .bind(i64::try_from(known).unwrap_or(i64::MAX))
    .bind(i64::try_from(missing).unwrap_or(i64::MAX))
    .execute(tx)
    .await?;
    Ok(())
}

/// Too many are missing: they wait for a person. Who allowed others before did not allow these.
pub async fn hold<'a>(
    tx: &mut Tx,
    (connection_id, stream): (&str, &str),
    known: usize,
    keys: impl ExactSizeIterator<Item = &'a String>,
    now: Timestamp,
) -> Result<(), StoreError> {
    sql("INSERT INTO sweep (connection_id, stream, known, missing, swept_at, held_at, held_keys)
         VALUES ($1, $2, $3, $4, $5, $5, $6)
         ON CONFLICT (connection_id, stream) DO UPDATE SET known = excluded.known, missing = excluded.missing,
           swept_at = excluded.swept_at, held_at = COALESCE(sweep.held_at, excluded.held_at), held_keys = excluded.held_keys,
           allowed_by = NULL, allowed_at = NULL")
    .bind(connection_id)
    .bind(stream)
    .bind(i64::try_from(known).unwrap_or(i64::MAX))
    .bind(i64::try_from(keys.len()).unwrap_or(i64::MAX))
    .bind(now)
    .bind(json_list(keys))
    .execute(tx)
    .await?;
    Ok(())
}

/// A person lets the held deletions go. `false`: none are held any more.
pub async fn allow(
    tx: &mut Tx,
    connection_id: &str,
    stream: &str,
    who: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let allowed = sql("UPDATE sweep SET allowed_by = $1, allowed_at = $2
         WHERE connection_id = $3 AND stream = $4 AND held_at IS NOT NULL AND allowed_at IS NULL")
    .bind(who)
    .bind(now)
    .bind(connection_id)
    .bind(stream)
    .execute(tx)
    .await?;
    Ok(allowed > 0)
}
