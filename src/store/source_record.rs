//! The crosswalk: (connection, stream, external id) -> record of the hub.

use std::collections::HashMap;

use super::{Batch, FromRow, On, StoreError, Tx, json_list, sql};
use crate::model::Timestamp;

/// What is stored about a record that came before.
#[derive(Clone, Debug, FromRow)]
pub struct Known {
    pub external_id: String,
    pub record_id: String,
    pub content_hash: Vec<u8>,
    pub source_version: Option<i64>,
    pub seq: i64,
    pub deleted_at: Option<i64>,
}

/// A crosswalk row to write.
pub struct Entry<'a> {
    pub external_id: &'a str,
    pub record_id: &'a str,
    pub content_hash: &'a [u8],
    pub source_version: Option<i64>,
    pub seq: i64,
    pub body: Option<String>,
    pub deleted_at: Option<Timestamp>,
}

/// Serialises everything that one connection brings: two nodes must not both find a record missing
/// and create it twice. With `all`, every connection is shut out, because linking looks across them.
///
/// Order of locks: this one first, before any row of the transaction; who holds rows and then waits
/// for it can wait for ever.
pub async fn lock_origin(tx: &mut Tx, connection_id: &str, all: bool) -> Result<(), StoreError> {
    let Some(text) = tx.dialect().origin_lock(all) else { return Ok(()) };
    let query = if all { sql(text) } else { sql(text).bind(connection_id) };
    query.execute(tx).await?;
    Ok(())
}

/// Rows that exist among the given keys of one stream.
pub async fn known<'a>(
    tx: &mut Tx,
    connection_id: &str,
    stream: &str,
    ids: impl Iterator<Item = &'a str>,
) -> Result<HashMap<String, Known>, StoreError> {
    let columns = "external_id, record_id, content_hash, source_version, seq, deleted_at";
    let fixed = "connection_id = $1 AND stream = $2";
    let text = tx.dialect().by_key(columns, "source_record", fixed, "external_id", "$3");
    let rows: Vec<Known> = sql(text).bind(connection_id).bind(stream).bind(json_list(ids)).all(tx).await?;
    Ok(rows.into_iter().map(|row| (row.external_id.clone(), row)).collect())
}

/// Record ids of the given keys in any of the given streams.
pub async fn resolve<'a>(
    tx: &mut Tx,
    connection_id: &str,
    streams: &[String],
    ids: impl Iterator<Item = &'a str>,
) -> Result<HashMap<String, String>, StoreError> {
    // A statement for each stream, there is seldom a second: in one for all of them PostgreSQL would
    // read every row of the connection for each key.
    let fixed = "connection_id = $1 AND stream = $2";
    let text = tx.dialect().by_key("external_id, record_id", "source_record", fixed, "external_id", "$3");
    let keys = json_list(ids);
    let mut found = HashMap::new();
    for stream in streams {
        let query = sql(text.clone()).bind(connection_id).bind(stream).bind(keys.as_str());
        found.extend(query.all::<(String, String)>(&mut *tx).await?);
    }
    Ok(found)
}

/// Writes crosswalk rows, new and changed.
pub async fn put<'a>(
    tx: &mut Tx,
    connection_id: &str,
    stream: &str,
    now: Timestamp,
    entries: impl Iterator<Item = Entry<'a>>,
) -> Result<(), StoreError> {
    let mut batch = Batch::new(
        "source_record",
        &[
            "connection_id",
            "stream",
            "external_id",
            "record_id",
            "content_hash",
            "source_version",
            "seq",
            "body",
            "seen_at",
            "deleted_at",
        ],
    );
    for e in entries {
        batch.push([
            connection_id.into(),
            stream.into(),
            e.external_id.into(),
            e.record_id.into(),
            e.content_hash.into(),
            e.source_version.into(),
            e.seq.into(),
            e.body.into(),
            now.into(),
            e.deleted_at.into(),
        ]);
    }
    batch
        .insert(
            tx,
            "ON CONFLICT (connection_id, stream, external_id) DO UPDATE SET
               record_id = excluded.record_id, content_hash = excluded.content_hash,
               source_version = excluded.source_version, seq = excluded.seq, body = excluded.body,
               seen_at = excluded.seen_at, deleted_at = excluded.deleted_at",
        )
        .await?;
    Ok(())
}

/// A source's values of a customer, for survivorship.
#[derive(Debug, FromRow)]
pub struct SourceBody {
    pub record_id: String,
    pub connection_id: String,
    pub stream: String,
    pub external_id: String,
    pub kind: String,
    pub source_version: Option<i64>,
    pub seen_at: i64,
    pub body: Option<String>,
}

/// Keys of a stream that were last seen before a time, and whether each counts as deleted.
pub async fn keys(
    on: impl Into<On<'_>>,
    connection_id: &str,
    stream: &str,
    before: Timestamp,
) -> Result<Vec<(String, bool)>, StoreError> {
    sql("SELECT external_id, deleted_at IS NOT NULL AS deleted FROM source_record
         WHERE connection_id = $1 AND stream = $2 AND seen_at < $3 ORDER BY external_id")
    .bind(connection_id)
    .bind(stream)
    .bind(before)
    .all(on)
    .await
}

/// Forgets that records were deleted and what they were like: whatever comes of them next is news.
pub async fn forget_deletion<'a>(
    tx: &mut Tx,
    connection_id: &str,
    stream: &str,
    keys: impl Iterator<Item = &'a str>,
) -> Result<(), StoreError> {
    let text = format!(
        "UPDATE source_record SET deleted_at = NULL, content_hash = $1
         WHERE connection_id = $2 AND stream = $3 AND deleted_at IS NOT NULL AND {}",
        tx.dialect().in_list("external_id", "$4")
    );
    let nothing: &[u8] = &[];
    sql(text).bind(nothing).bind(connection_id).bind(stream).bind(json_list(keys)).execute(tx).await?;
    Ok(())
}

/// A source's record of which nothing is left.
pub async fn forget(tx: &mut Tx, connection_id: &str, stream: &str, external_id: &str) -> Result<(), StoreError> {
    sql("DELETE FROM source_record WHERE connection_id = $1 AND stream = $2 AND external_id = $3")
        .bind(connection_id)
        .bind(stream)
        .bind(external_id)
        .execute(tx)
        .await?;
    Ok(())
}

/// All living source bodies of the given customers.
pub async fn bodies<'a>(
    on: impl Into<On<'_>>,
    customers: impl Iterator<Item = &'a str>,
) -> Result<Vec<SourceBody>, StoreError> {
    let on = on.into();
    let text = format!(
        "SELECT s.record_id, s.connection_id, s.stream, s.external_id, c.kind, s.source_version, s.seen_at, s.body
         FROM source_record s JOIN connection c ON c.id = s.connection_id
         WHERE s.deleted_at IS NULL AND {} ORDER BY s.connection_id, s.external_id",
        on.dialect().in_list("s.record_id", "$1")
    );
    sql(text).bind(json_list(customers)).all(on).await
}

/// Living records of a customer in one stream, as last seen.
pub async fn of_record(
    tx: &mut Tx,
    connection_id: &str,
    stream: &str,
    record_id: &str,
) -> Result<Vec<(String, Option<String>)>, StoreError> {
    sql("SELECT external_id, body FROM source_record
         WHERE record_id = $1 AND connection_id = $2 AND stream = $3 AND deleted_at IS NULL ORDER BY external_id")
    .bind(record_id)
    .bind(connection_id)
    .bind(stream)
    .all(tx)
    .await
}

/// A record that the hub made there itself: known from now on, what it is like is still to be read.
pub async fn adopt(
    tx: &mut Tx,
    connection_id: &str,
    stream: &str,
    external_id: &str,
    record_id: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let nothing: &[u8] = &[];
    sql("INSERT INTO source_record (connection_id, stream, external_id, record_id, content_hash, seq, seen_at)
         VALUES ($1, $2, $3, $4, $5, 0, $6) ON CONFLICT (connection_id, stream, external_id) DO NOTHING")
    .bind(connection_id)
    .bind(stream)
    .bind(external_id)
    .bind(record_id)
    .bind(nothing)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// Moves the source version of records whose content did not change.
pub async fn advance<'a>(
    tx: &mut Tx,
    connection_id: &str,
    stream: &str,
    now: Timestamp,
    records: impl Iterator<Item = (&'a Known, Option<i64>)>,
) -> Result<(), StoreError> {
    let mut batch = Batch::new(
        "source_record",
        &["connection_id", "stream", "external_id", "record_id", "content_hash", "source_version", "seq", "seen_at"],
    );
    for (known, version) in records {
        batch.push([
            connection_id.into(),
            stream.into(),
            known.external_id.as_str().into(),
            known.record_id.as_str().into(),
            known.content_hash.as_slice().into(),
            version.into(),
            known.seq.into(),
            now.into(),
        ]);
    }
    batch
        .insert(
            tx,
            "ON CONFLICT (connection_id, stream, external_id) DO UPDATE SET
               source_version = excluded.source_version, seen_at = excluded.seen_at",
        )
        .await?;
    Ok(())
}
