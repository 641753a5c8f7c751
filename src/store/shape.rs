//! What sources' records look like, how that changed, and values that are kept while a field is gone.

use super::{FromRow, On, StoreError, Tx, json_list, sql};
use crate::model::{Id, Timestamp, ids::Noun};

/// JSON of a stream's shape.
pub async fn get(on: impl Into<On<'_>>, connection_id: &str, stream: &str) -> Result<Option<String>, StoreError> {
    let found: Option<(String,)> = sql("SELECT fields FROM stream_shape WHERE connection_id = $1 AND stream = $2")
        .bind(connection_id)
        .bind(stream)
        .optional(on)
        .await?;
    Ok(found.map(|(fields,)| fields))
}

pub async fn put(
    tx: &mut Tx,
    connection_id: &str,
    stream: &str,
    fields: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    sql("INSERT INTO stream_shape (connection_id, stream, fields, updated_at)
         SELECT id, $1, $2, $3 FROM connection WHERE id = $4
         ON CONFLICT (connection_id, stream) DO UPDATE SET fields = excluded.fields, updated_at = excluded.updated_at")
    .bind(stream)
    .bind(fields)
    .bind(now)
    .bind(connection_id)
    .execute(tx)
    .await?;
    Ok(())
}

/// How a field of a source changed.
#[derive(Clone, Debug, FromRow)]
pub struct Change {
    pub connection_id: String,
    pub stream: String,
    pub path: String,
    /// `new`, `gone` or `kind`.
    pub change: String,
    /// JSON: the hub's fields that are filled from it.
    pub fields: String,
    pub at: i64,
}

impl Change {
    #[must_use]
    pub fn is_breaking(&self) -> bool {
        self.change != "new"
    }

    /// The hub's fields that are filled from it.
    #[must_use]
    pub fn filled(&self) -> Vec<String> {
        serde_json::from_str(&self.fields).unwrap_or_default()
    }
}

/// Changes that hold, of every connection or of one; the oldest first.
pub async fn open(on: impl Into<On<'_>>, connection_id: Option<&str>) -> Result<Vec<Change>, StoreError> {
    sql("SELECT connection_id, stream, path, change, fields, at FROM shape_change
         WHERE ended_at IS NULL AND ($1 IS NULL OR connection_id = $1) ORDER BY at, id")
    .bind(connection_id)
    .all(on)
    .await
}

/// Notes a change; one that held of the same place is over. A breaking one moves the connection's revision, so that
/// every node heeds it.
pub async fn note(tx: &mut Tx, change: &Change) -> Result<(), StoreError> {
    let now = Timestamp(change.at);
    end(&mut *tx, &change.connection_id, &change.stream, &change.path, now).await?;
    sql("INSERT INTO shape_change (id, connection_id, stream, path, change, fields, at)
         SELECT $1, id, $2, $3, $4, $5, $6 FROM connection WHERE id = $7
         ON CONFLICT (connection_id, stream, path) WHERE ended_at IS NULL DO NOTHING")
    .bind(Id::new(Noun::Change))
    .bind(&change.stream)
    .bind(&change.path)
    .bind(&change.change)
    .bind(&change.fields)
    .bind(now)
    .bind(&change.connection_id)
    .execute(&mut *tx)
    .await?;
    if change.is_breaking() { revise(tx, &change.connection_id, now).await } else { Ok(()) }
}

/// A change does not hold any more. `false`: none did that broke anything.
pub async fn end(
    tx: &mut Tx,
    connection_id: &str,
    stream: &str,
    path: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let ended: Vec<(String,)> = sql("UPDATE shape_change SET ended_at = $1
         WHERE connection_id = $2 AND stream = $3 AND path = $4 AND ended_at IS NULL RETURNING change")
    .bind(now)
    .bind(connection_id)
    .bind(stream)
    .bind(path)
    .all(&mut *tx)
    .await?;
    let broke = ended.iter().any(|(change,)| change != "new");
    if broke {
        revise(tx, connection_id, now).await?;
    }
    Ok(broke)
}

/// (Every change moves `updated_at`, also when the clock stands still: nodes compare it.)
async fn revise(tx: &mut Tx, connection_id: &str, now: Timestamp) -> Result<(), StoreError> {
    sql("UPDATE connection SET updated_at = CASE WHEN updated_at < $1 THEN $1 ELSE updated_at + 1 END WHERE id = $2")
        .bind(now)
        .bind(connection_id)
        .execute(tx)
        .await?;
    Ok(())
}

/// `(key, mapped record as JSON)` of what is stored of these records.
pub async fn mapped<'a>(
    on: impl Into<On<'_>>,
    connection_id: &str,
    stream: &str,
    keys: impl Iterator<Item = &'a str>,
) -> Result<Vec<(String, String)>, StoreError> {
    let on = on.into();
    let text = format!(
        "SELECT s.external_id, COALESCE(s.body, v.body) FROM source_record s
         LEFT JOIN version v ON v.record_id = s.record_id AND v.seq = s.seq
         WHERE s.connection_id = $1 AND s.stream = $2 AND s.deleted_at IS NULL AND COALESCE(s.body, v.body) IS NOT NULL
           AND {}",
        on.dialect().in_list("s.external_id", "$3")
    );
    sql(text).bind(connection_id).bind(stream).bind(json_list(keys)).all(on).await
}
