//! Imports: files that people bring, row by row, and what stood before them.

use std::collections::HashMap;

use super::{Batch, FromRow, On, StoreError, Tx, json_list, sql};
use crate::model::Timestamp;

/// States in which a worker has something to do.
pub const WORKING: [&str; 3] = ["checking", "applying", "undoing"];

#[derive(Clone, Debug, FromRow)]
pub struct Import {
    pub id: String,
    pub connection_id: String,
    pub name: String,
    pub size: i64,
    pub digest: String,
    pub plan: String,
    pub state: String,
    pub done: i64,
    pub total: Option<i64>,
    pub report: Option<String>,
    pub result: Option<String>,
    pub undone: Option<String>,
    pub cause: Option<String>,
    pub detail: Option<String>,
    pub run_id: Option<String>,
    pub actor: String,
    pub created_at: i64,
    pub updated_at: i64,
}

const COLUMNS: &str = "id, connection_id, name, size, digest, plan, state, done, total, report, result, undone, cause,
    detail, run_id, actor, created_at, updated_at";

/// A file that was brought.
pub struct New<'a> {
    pub id: &'a str,
    pub connection_id: &'a str,
    pub name: &'a str,
    pub size: i64,
    pub digest: &'a str,
    pub plan: &'a str,
    pub actor: &'a str,
    pub now: Timestamp,
}

pub async fn insert(tx: &mut Tx, new: &New<'_>) -> Result<(), StoreError> {
    sql("INSERT INTO import (id, connection_id, name, size, digest, plan, state, done, actor, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, 'draft', 0, $7, $8, $8)")
    .bind(new.id)
    .bind(new.connection_id)
    .bind(new.name)
    .bind(new.size)
    .bind(new.digest)
    .bind(new.plan)
    .bind(new.actor)
    .bind(new.now)
    .execute(tx)
    .await?;
    Ok(())
}

/// One piece of the file.
pub async fn put_part(tx: &mut Tx, id: &str, no: i64, bytes: &[u8]) -> Result<(), StoreError> {
    sql("INSERT INTO import_part (import_id, no, bytes) VALUES ($1, $2, $3)")
        .bind(id)
        .bind(no)
        .bind(bytes)
        .execute(tx)
        .await?;
    Ok(())
}

pub async fn part(on: impl Into<On<'_>>, id: &str, no: i64) -> Result<Option<Vec<u8>>, StoreError> {
    let row: Option<(Vec<u8>,)> =
        sql("SELECT bytes FROM import_part WHERE import_id = $1 AND no = $2").bind(id).bind(no).optional(on).await?;
    Ok(row.map(|(bytes,)| bytes))
}

pub async fn get(on: impl Into<On<'_>>, id: &str) -> Result<Option<Import>, StoreError> {
    sql(format!("SELECT {COLUMNS} FROM import WHERE id = $1")).bind(id).optional(on).await
}

/// The latest first.
pub async fn list(on: impl Into<On<'_>>, limit: i64) -> Result<Vec<Import>, StoreError> {
    sql(format!("SELECT {COLUMNS} FROM import ORDER BY created_at DESC, id DESC LIMIT $1")).bind(limit).all(on).await
}

/// Moves an import on, if it still stands where the caller saw it. `false`: somebody else was first.
pub async fn go(tx: &mut Tx, id: &str, from: &[&str], to: &str, now: Timestamp) -> Result<bool, StoreError> {
    let text = format!(
        "UPDATE import SET state = $1, done = 0, cause = NULL, detail = NULL, leased_by = NULL, leased_until = NULL,
           updated_at = $2 WHERE id = $3 AND {}",
        tx.dialect().in_list("state", "$4")
    );
    Ok(sql(text).bind(to).bind(now).bind(id).bind(json_list(from)).execute(tx).await? > 0)
}

/// Another reading of the same file.
pub async fn set_plan(tx: &mut Tx, id: &str, plan: &str, connection: &str, now: Timestamp) -> Result<(), StoreError> {
    sql("UPDATE import SET plan = $1, connection_id = $2, report = NULL, updated_at = $3 WHERE id = $4")
        .bind(plan)
        .bind(connection)
        .bind(now)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

/// Leases the oldest import that wants work. `only`: this one.
pub async fn lease(
    tx: &mut Tx,
    only: Option<&str>,
    node: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<Import>, StoreError> {
    let text = format!(
        "UPDATE import SET leased_by = $1, leased_until = $2 WHERE id = (
           SELECT id FROM import WHERE {} AND (leased_until IS NULL OR leased_until < $3)
             AND ($4 IS NULL OR id = $4) ORDER BY created_at LIMIT 1{}) RETURNING {COLUMNS}",
        tx.dialect().in_list("state", "$5"),
        tx.dialect().skip_locked()
    );
    let only = only.map(str::to_owned);
    sql(text).bind(node).bind(until).bind(now).bind(only).bind(json_list(WORKING)).optional(tx).await
}

/// How far a step is; the lease goes on. `false`: it was taken back by a person.
pub async fn progress(tx: &mut Tx, id: &str, done: i64, until: Timestamp) -> Result<bool, StoreError> {
    let text = format!(
        "UPDATE import SET done = $1, leased_until = $2 WHERE id = $3 AND {}",
        tx.dialect().in_list("state", "$4")
    );
    Ok(sql(text).bind(done).bind(until).bind(id).bind(json_list(WORKING)).execute(tx).await? > 0)
}

/// What a step came to. `column`: `report`, `result` or `undone`.
pub async fn finish(
    tx: &mut Tx,
    id: &str,
    state: &str,
    column: &'static str,
    value: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    sql(format!(
        "UPDATE import SET state = $1, {column} = $2, leased_by = NULL, leased_until = NULL, updated_at = $3 WHERE id = $4"
    ))
    .bind(state)
    .bind(value)
    .bind(now)
    .bind(id)
    .execute(tx)
    .await?;
    Ok(())
}

pub async fn fail(tx: &mut Tx, id: &str, cause: &str, detail: &str, now: Timestamp) -> Result<(), StoreError> {
    sql("UPDATE import SET state = 'failed', cause = $1, detail = $2, leased_by = NULL, leased_until = NULL,
           updated_at = $3 WHERE id = $4")
    .bind(cause)
    .bind(detail)
    .bind(now)
    .bind(id)
    .execute(tx)
    .await?;
    Ok(())
}

pub async fn set_run(tx: &mut Tx, id: &str, run_id: &str) -> Result<(), StoreError> {
    sql("UPDATE import SET run_id = $1 WHERE id = $2").bind(run_id).bind(id).execute(tx).await?;
    Ok(())
}

pub async fn set_total(tx: &mut Tx, id: &str, total: i64) -> Result<(), StoreError> {
    sql("UPDATE import SET total = $1 WHERE id = $2").bind(total).bind(id).execute(tx).await?;
    Ok(())
}

/// A draft that nobody wants any more, with its file.
pub async fn remove(tx: &mut Tx, id: &str) -> Result<bool, StoreError> {
    let removed = sql("DELETE FROM import WHERE id = $1 AND state IN ('draft', 'ready', 'failed') AND run_id IS NULL");
    Ok(removed.bind(id).execute(tx).await? > 0)
}

/// A row that is not taken.
#[derive(Clone, Debug, FromRow, PartialEq, Eq)]
pub struct Reject {
    pub line: i64,
    pub cause: String,
    pub column_name: Option<String>,
    pub value: Option<String>,
    /// JSON list of texts.
    pub cells: String,
}

pub async fn clear_rejects(tx: &mut Tx, id: &str) -> Result<(), StoreError> {
    sql("DELETE FROM import_reject WHERE import_id = $1").bind(id).execute(tx).await?;
    Ok(())
}

pub async fn put_rejects(tx: &mut Tx, id: &str, rejects: &[Reject]) -> Result<(), StoreError> {
    let mut batch = Batch::new("import_reject", &["import_id", "line", "cause", "column_name", "value", "cells"]);
    for r in rejects {
        batch.push([
            id.into(),
            r.line.into(),
            r.cause.as_str().into(),
            r.column_name.as_ref().into(),
            r.value.as_ref().into(),
            r.cells.as_str().into(),
        ]);
    }
    batch.insert(tx, "ON CONFLICT (import_id, line) DO NOTHING").await?;
    Ok(())
}

/// From a line on, in their order.
pub async fn rejects(on: impl Into<On<'_>>, id: &str, after: i64, limit: i64) -> Result<Vec<Reject>, StoreError> {
    sql("SELECT line, cause, column_name, value, cells FROM import_reject WHERE import_id = $1 AND line > $2
         ORDER BY line LIMIT $3")
    .bind(id)
    .bind(after)
    .bind(limit)
    .all(on)
    .await
}

/// What an import touches.
#[derive(Clone, Debug, FromRow)]
pub struct Touched {
    pub stream: String,
    pub external_id: String,
    pub label: String,
    pub before_body: Option<String>,
    pub after_hash: Vec<u8>,
    pub undone: Option<String>,
}

/// Notes what is about to be touched; what stood before the import first came here stays noted.
pub async fn touch(tx: &mut Tx, id: &str, touched: &[Touched]) -> Result<(), StoreError> {
    const COLUMNS: [&str; 6] = ["import_id", "stream", "external_id", "label", "before_body", "after_hash"];
    let mut batch = Batch::new("import_record", &COLUMNS);
    for t in touched {
        batch.push([
            id.into(),
            t.stream.as_str().into(),
            t.external_id.as_str().into(),
            t.label.as_str().into(),
            t.before_body.as_ref().into(),
            t.after_hash.as_slice().into(),
        ]);
    }
    batch.insert(tx, "ON CONFLICT (import_id, stream, external_id) DO NOTHING").await?;
    Ok(())
}

/// What is not taken back yet; the last touched first is not needed: each record stands once.
pub async fn touched(on: impl Into<On<'_>>, id: &str, limit: i64) -> Result<Vec<Touched>, StoreError> {
    sql("SELECT stream, external_id, label, before_body, after_hash, undone FROM import_record
         WHERE import_id = $1 AND undone IS NULL ORDER BY stream DESC, external_id LIMIT $2")
    .bind(id)
    .bind(limit)
    .all(on)
    .await
}

/// Marks touched records as taken back or kept.
pub async fn settle<'a>(
    tx: &mut Tx,
    id: &str,
    stream: &str,
    keys: impl Iterator<Item = &'a str>,
    how: &str,
) -> Result<(), StoreError> {
    let text = format!(
        "UPDATE import_record SET undone = $1 WHERE import_id = $2 AND stream = $3 AND {}",
        tx.dialect().in_list("external_id", "$4")
    );
    sql(text).bind(how).bind(id).bind(stream).bind(json_list(keys)).execute(tx).await?;
    Ok(())
}

/// What stays after an undo, with its name.
pub async fn kept(on: impl Into<On<'_>>, id: &str, limit: i64) -> Result<Vec<(String, String)>, StoreError> {
    sql("SELECT external_id, label FROM import_record WHERE import_id = $1 AND undone = 'kept' ORDER BY external_id LIMIT $2")
        .bind(id)
        .bind(limit)
        .all(on)
        .await
}

/// A record before an import: its values as its source last had them, where it was alive.
pub async fn states<'a>(
    on: impl Into<On<'_>>,
    connection_id: &str,
    stream: &str,
    keys: impl Iterator<Item = &'a str>,
) -> Result<HashMap<String, State>, StoreError> {
    let on = on.into();
    let text = format!(
        "SELECT s.external_id, s.record_id, s.content_hash, s.deleted_at, COALESCE(s.body, v.body) AS body
         FROM source_record s LEFT JOIN version v ON v.record_id = s.record_id AND v.valid_to IS NULL
         WHERE s.connection_id = $1 AND s.stream = $2 AND {}",
        on.dialect().in_list("s.external_id", "$3")
    );
    let rows: Vec<State> = sql(text).bind(connection_id).bind(stream).bind(json_list(keys)).all(on).await?;
    Ok(rows.into_iter().map(|row| (row.external_id.clone(), row)).collect())
}

/// See [`states`].
#[derive(Clone, Debug, FromRow)]
pub struct State {
    pub external_id: String,
    pub record_id: String,
    pub content_hash: Vec<u8>,
    pub deleted_at: Option<i64>,
    pub body: Option<String>,
}

/// A customer by which rows of a sheet may mean one that is here already.
#[derive(Clone, Debug, FromRow)]
pub struct Named {
    pub wanted: String,
    pub id: String,
    pub name: String,
    pub name_key: String,
    pub department: Option<String>,
}

/// Living customers by any system's code for them.
pub async fn by_code<'a>(
    on: impl Into<On<'_>>,
    codes: impl Iterator<Item = &'a str>,
) -> Result<Vec<Named>, StoreError> {
    let on = on.into();
    let list = on.dialect().in_list("k.code", "$1");
    let own = on.dialect().in_list("c.code", "$1");
    let text = format!(
        "SELECT k.code AS wanted, c.id, c.name, c.name_key, c.department FROM customer_code k
           JOIN customer c ON c.id = k.customer_id WHERE {list} AND c.merged_into IS NULL AND c.sample = $2
         UNION SELECT c.code, c.id, c.name, c.name_key, c.department FROM customer c
           WHERE {own} AND c.merged_into IS NULL AND c.sample = $2"
    );
    sql(text).bind(json_list(codes)).bind(false).all(on).await
}

/// Living customers by their id, or by their folded name.
pub async fn by<'a>(
    on: impl Into<On<'_>>,
    column: &'static str,
    values: impl Iterator<Item = &'a str>,
) -> Result<Vec<Named>, StoreError> {
    let on = on.into();
    let text = format!(
        "SELECT c.{column} AS wanted, c.id, c.name, c.name_key, c.department FROM customer c
         WHERE {} AND c.merged_into IS NULL AND c.sample = $2",
        on.dialect().in_list(&format!("c.{column}"), "$1")
    );
    sql(text).bind(json_list(values)).bind(false).all(on).await
}

/// Whether something else than sources knows a customer: documents, activities, typed values.
pub async fn is_used(tx: &mut Tx, customer_id: &str) -> Result<bool, StoreError> {
    let (used,): (bool,) =
        sql("SELECT CASE WHEN EXISTS (SELECT 1 FROM sales_order WHERE customer_id = $1 AND deleted_at IS NULL)
          OR EXISTS (SELECT 1 FROM invoice WHERE customer_id = $1 AND deleted_at IS NULL)
          OR EXISTS (SELECT 1 FROM payment WHERE customer_id = $1 AND deleted_at IS NULL)
          OR EXISTS (SELECT 1 FROM shipment WHERE customer_id = $1 AND deleted_at IS NULL)
          OR EXISTS (SELECT 1 FROM deal WHERE customer_id = $1 AND deleted_at IS NULL)
          OR EXISTS (SELECT 1 FROM quote WHERE customer_id = $1 AND deleted_at IS NULL)
          OR EXISTS (SELECT 1 FROM contract WHERE customer_id = $1 AND deleted_at IS NULL)
          OR EXISTS (SELECT 1 FROM inquiry WHERE customer_id = $1 AND deleted_at IS NULL)
          OR EXISTS (SELECT 1 FROM site WHERE customer_id = $1)
          OR EXISTS (SELECT 1 FROM contact WHERE customer_id = $1)
          OR EXISTS (SELECT 1 FROM activity WHERE customer_id = $1)
          OR EXISTS (SELECT 1 FROM customer_value WHERE customer_id = $1)
          OR EXISTS (SELECT 1 FROM customer WHERE merged_into = $1)
         THEN TRUE ELSE FALSE END")
        .bind(customer_id)
        .one(tx)
        .await?;
    Ok(used)
}
