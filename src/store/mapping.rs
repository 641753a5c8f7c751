//! Mappings of connections: published, drafted, and the records that drafts are looked at with.

use super::{Batch, FromRow, On, StoreError, Tx, sql};
use crate::model::Timestamp;

/// One published mapping of a stream.
#[derive(Clone, Debug, FromRow)]
pub struct Published {
    pub stream: String,
    pub version: i64,
    /// JSON, as a manifest has it under `mapping`.
    pub spec: String,
    pub comment: Option<String>,
    /// Who published it, as the history shows people.
    pub actor: String,
    pub published_at: i64,
}

const PUBLISHED: &str = "stream, version, spec, comment, actor, published_at";

/// What holds for each stream that has a mapping of its own.
pub async fn holding(on: impl Into<On<'_>>, connection_id: &str) -> Result<Vec<Published>, StoreError> {
    sql(format!(
        "SELECT {PUBLISHED} FROM mapping m WHERE connection_id = $1 AND version =
           (SELECT MAX(version) FROM mapping o WHERE o.connection_id = m.connection_id AND o.stream = m.stream)
         ORDER BY stream"
    ))
    .bind(connection_id)
    .all(on)
    .await
}

/// Every version of one stream, the newest first.
pub async fn versions(on: impl Into<On<'_>>, connection_id: &str, stream: &str) -> Result<Vec<Published>, StoreError> {
    sql(format!("SELECT {PUBLISHED} FROM mapping WHERE connection_id = $1 AND stream = $2 ORDER BY version DESC"))
        .bind(connection_id)
        .bind(stream)
        .all(on)
        .await
}

/// A mapping to publish.
pub struct New<'a> {
    pub connection_id: &'a str,
    pub stream: &'a str,
    /// `connection.mapping_version` that the person saw: it is published only on that.
    pub seen: i64,
    pub spec: &'a str,
    pub comment: Option<&'a str>,
    pub actor: &'a str,
    pub now: Timestamp,
}

/// Publishes. `None`: another was published meanwhile, or there is no such connection.
pub async fn publish(tx: &mut Tx, new: &New<'_>) -> Result<Option<i64>, StoreError> {
    let version = new.seen + 1;
    let moved = sql("UPDATE connection SET mapping_version = $1,
           updated_at = CASE WHEN updated_at < $2 THEN $2 ELSE updated_at + 1 END
         WHERE id = $3 AND mapping_version = $4")
    .bind(version)
    .bind(new.now)
    .bind(new.connection_id)
    .bind(new.seen)
    .execute(&mut *tx)
    .await?;
    if moved == 0 {
        return Ok(None);
    }
    sql("INSERT INTO mapping (connection_id, stream, version, spec, comment, actor, published_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)")
    .bind(new.connection_id)
    .bind(new.stream)
    .bind(version)
    .bind(new.spec)
    .bind(new.comment)
    .bind(new.actor)
    .bind(new.now)
    .execute(tx)
    .await?;
    Ok(Some(version))
}

/// A mapping that somebody works on.
#[derive(Clone, Debug, FromRow)]
pub struct Draft {
    pub connection_id: String,
    pub stream: String,
    /// Version of the stream that it was made from.
    pub base: i64,
    pub spec: String,
    pub revision: i64,
    pub actor: String,
    pub updated_at: i64,
}

const DRAFT: &str = "connection_id, stream, base, spec, revision, actor, updated_at";

pub async fn draft(on: impl Into<On<'_>>, connection_id: &str, stream: &str) -> Result<Option<Draft>, StoreError> {
    sql(format!("SELECT {DRAFT} FROM mapping_draft WHERE connection_id = $1 AND stream = $2"))
        .bind(connection_id)
        .bind(stream)
        .optional(on)
        .await
}

pub async fn drafts(on: impl Into<On<'_>>, connection_id: &str) -> Result<Vec<Draft>, StoreError> {
    sql(format!("SELECT {DRAFT} FROM mapping_draft WHERE connection_id = $1 ORDER BY stream"))
        .bind(connection_id)
        .all(on)
        .await
}

/// Keeps a draft in place of the one with the revision before; revision 1 is the first. `false`: somebody
/// else changed it meanwhile.
pub async fn keep_draft(tx: &mut Tx, draft: &Draft) -> Result<bool, StoreError> {
    let Draft { connection_id, stream, base, spec, revision, actor, updated_at } = draft;
    let kept = sql("INSERT INTO mapping_draft (connection_id, stream, base, spec, revision, actor, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (connection_id, stream) DO UPDATE SET base = excluded.base, spec = excluded.spec,
           revision = excluded.revision, actor = excluded.actor, updated_at = excluded.updated_at
         WHERE mapping_draft.revision = excluded.revision - 1")
    .bind(connection_id)
    .bind(stream)
    .bind(*base)
    .bind(spec)
    .bind(*revision)
    .bind(actor)
    .bind(*updated_at)
    .execute(tx)
    .await?;
    Ok(kept == 1)
}

/// Forgets a draft. `false`: there was none, or it was changed since that revision. The records that it was
/// looked at with stay for what is drafted next, until they are swept.
pub async fn drop_draft(tx: &mut Tx, connection_id: &str, stream: &str, revision: i64) -> Result<bool, StoreError> {
    let gone = sql("DELETE FROM mapping_draft WHERE connection_id = $1 AND stream = $2 AND revision = $3")
        .bind(connection_id)
        .bind(stream)
        .bind(revision)
        .execute(tx)
        .await?;
    Ok(gone == 1)
}

/// A record as its source sent it.
#[derive(Clone, Debug, FromRow)]
pub struct Sample {
    pub external_id: String,
    pub source_version: Option<i64>,
    pub body: String,
    pub taken_at: i64,
}

pub async fn sample(on: impl Into<On<'_>>, connection_id: &str, stream: &str) -> Result<Vec<Sample>, StoreError> {
    sql("SELECT external_id, source_version, body, taken_at FROM mapping_sample
         WHERE connection_id = $1 AND stream = $2 ORDER BY place")
    .bind(connection_id)
    .bind(stream)
    .all(on)
    .await
}

/// Keeps records in place of those before.
pub async fn keep_sample(tx: &mut Tx, connection_id: &str, stream: &str, records: &[Sample]) -> Result<(), StoreError> {
    drop_sample(tx, connection_id, stream).await?;
    let columns = &["connection_id", "stream", "place", "external_id", "source_version", "body", "taken_at"];
    let mut batch = Batch::new("mapping_sample", columns);
    for (place, record) in (0_i64..).zip(records) {
        batch.push([
            connection_id.into(),
            stream.into(),
            place.into(),
            record.external_id.as_str().into(),
            record.source_version.into(),
            record.body.as_str().into(),
            record.taken_at.into(),
        ]);
    }
    batch.insert(tx, "").await?;
    Ok(())
}

async fn drop_sample(tx: &mut Tx, connection_id: &str, stream: &str) -> Result<(), StoreError> {
    sql("DELETE FROM mapping_sample WHERE connection_id = $1 AND stream = $2")
        .bind(connection_id)
        .bind(stream)
        .execute(tx)
        .await?;
    Ok(())
}
