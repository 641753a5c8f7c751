//! Who did what: append only. Rows of changes and sign-ins commit with their act.
//!
//! Nothing here changes or removes an entry; `number` and `hash` are written once, by whoever seals.

use super::{Batch, FromRow, On, StoreError, Tx, Value, dialect::json_list, sql};
use crate::model::{Id, Timestamp, ids::Noun};

/// One entry as it is written.
#[derive(Debug)]
pub struct NewAudit<'a> {
    pub at: Timestamp,
    pub actor: &'a str,
    pub action: &'a str,
    pub object_kind: &'a str,
    pub object_id: &'a str,
    pub outcome: &'a str,
    pub ip: Option<&'a str>,
    pub request_id: Option<&'a str>,
    /// JSON without secrets and personal data.
    pub detail: &'a str,
}

/// One entry as it was written.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct AuditRow {
    pub id: String,
    pub at: i64,
    pub actor: String,
    pub action: String,
    pub object_kind: String,
    pub object_id: String,
    pub outcome: String,
    pub ip: Option<String>,
    pub request_id: Option<String>,
    pub detail: String,
    /// Place in the chain, from 1; `None`: not sealed yet.
    pub number: Option<i64>,
    /// Hex SHA-256 over the entry before and this one.
    pub hash: Option<String>,
}

const NAMES: [&str; 10] =
    ["id", "at", "actor", "action", "object_kind", "object_id", "outcome", "ip", "request_id", "detail"];
const COLUMNS: &str = "id, at, actor, action, object_kind, object_id, outcome, ip, request_id, detail, number, hash";

pub async fn insert(tx: &mut Tx, entry: &NewAudit<'_>) -> Result<(), StoreError> {
    insert_all(tx, std::slice::from_ref(entry)).await
}

pub async fn insert_all(tx: &mut Tx, entries: &[NewAudit<'_>]) -> Result<(), StoreError> {
    let mut batch = Batch::new("audit", &NAMES);
    for entry in entries {
        let NewAudit { at, actor, action, object_kind, object_id, outcome, ip, request_id, detail } = entry;
        let row: [Value; 10] = [
            Id::new(Noun::Audit).into(),
            (*at).into(),
            (*actor).into(),
            (*action).into(),
            (*object_kind).into(),
            (*object_id).into(),
            (*outcome).into(),
            (*ip).into(),
            (*request_id).into(),
            (*detail).into(),
        ];
        batch.push(row);
    }
    batch.insert(tx, "").await?;
    Ok(())
}

/// Which entries are wanted; what is left out does not narrow.
#[derive(Clone, Debug, Default)]
pub struct Filter<'a> {
    /// Any of these: user ids, `system`, `cli`.
    pub actors: Option<Vec<String>>,
    /// First word of the action: `session`.
    pub kind: Option<&'a str>,
    /// `ok` or `refused`.
    pub outcome: Option<&'a str>,
    /// An id: of an object, of a request, of who acted or of the entry itself.
    pub named: Option<&'a str>,
    pub from: Option<Timestamp>,
    /// Not included.
    pub until: Option<Timestamp>,
    /// Entries older than this one.
    pub before: Option<&'a str>,
}

/// Entries that a filter picks, newest first. Ids sort by time.
pub async fn list<'a>(on: impl Into<On<'a>>, filter: &Filter<'_>, limit: i64) -> Result<Vec<AuditRow>, StoreError> {
    let on = on.into();
    // '~' sorts after every digit and letter an id holds.
    let mut values: Vec<Value> = vec![filter.before.unwrap_or("~").into(), limit.into()];
    let mut text = format!("SELECT {COLUMNS} FROM audit WHERE id < $1");
    let mut also = |condition: &dyn Fn(&str) -> String, value: Value| {
        values.push(value);
        text.push_str(" AND ");
        text.push_str(&condition(&format!("${}", values.len())));
    };
    if let Some(actors) = &filter.actors {
        let dialect = on.dialect();
        also(&|at| dialect.in_list("actor", at), json_list(actors).into());
    }
    if let Some(kind) = filter.kind {
        also(&|at| format!("action LIKE {at}"), format!("{kind}.%").into());
    }
    if let Some(outcome) = filter.outcome {
        also(&|at| format!("outcome = {at}"), outcome.into());
    }
    if let Some(named) = filter.named {
        also(&|at| format!("(request_id = {at} OR object_id = {at} OR id = {at} OR actor = {at})"), named.into());
    }
    if let Some(from) = filter.from {
        also(&|at| format!("at >= {at}"), from.into());
    }
    if let Some(until) = filter.until {
        also(&|at| format!("at < {at}"), until.into());
    }
    text.push_str(" ORDER BY id DESC LIMIT $2");
    sql(text).bind_all(values).all(on).await
}

pub async fn get(on: impl Into<On<'_>>, id: &str) -> Result<Option<AuditRow>, StoreError> {
    sql(format!("SELECT {COLUMNS} FROM audit WHERE id = $1")).bind(id).optional(on).await
}

/// Whether an entry waits to be sealed.
pub async fn is_open(on: impl Into<On<'_>>) -> Result<bool, StoreError> {
    let one: Option<(String,)> = sql("SELECT id FROM audit WHERE number IS NULL LIMIT 1").optional(on).await?;
    Ok(one.is_some())
}

/// How many entries wait to be sealed.
pub async fn open_count(on: impl Into<On<'_>>) -> Result<i64, StoreError> {
    let (count,): (i64,) = sql("SELECT COUNT(*) FROM audit WHERE number IS NULL").one(on).await?;
    Ok(count)
}

/// Entries that wait to be sealed, oldest first.
pub async fn open(on: impl Into<On<'_>>, limit: i64) -> Result<Vec<AuditRow>, StoreError> {
    sql(format!("SELECT {COLUMNS} FROM audit WHERE number IS NULL ORDER BY id LIMIT $1")).bind(limit).all(on).await
}

/// Sealed entries behind a place in the chain, in its order.
pub async fn sealed(on: impl Into<On<'_>>, after: i64, limit: i64) -> Result<Vec<AuditRow>, StoreError> {
    sql(format!("SELECT {COLUMNS} FROM audit WHERE number > $1 ORDER BY number LIMIT $2"))
        .bind(after)
        .bind(limit)
        .all(on)
        .await
}

/// Gives entries their places: id, number, hash.
pub async fn seal(tx: &mut Tx, places: &[(&str, i64, String)]) -> Result<(), StoreError> {
    let rows: Vec<serde_json::Value> = places
        .iter()
        .map(|(id, number, hash)| serde_json::json!({"id": id, "number": number.to_string(), "hash": hash}))
        .collect();
    let given = tx.dialect().json_rows("$1", "given", &["id", "number", "hash"]);
    sql(format!(
        "UPDATE audit SET number = CAST(given.number AS BIGINT), hash = given.hash FROM {given}
         WHERE audit.id = given.id AND audit.number IS NULL"
    ))
    .bind(serde_json::Value::Array(rows).to_string())
    .execute(tx)
    .await?;
    Ok(())
}

/// How long the chain is.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Head {
    pub number: i64,
    pub hash: String,
    pub seal: Vec<u8>,
    pub at: i64,
}

const HEAD: &str = "SELECT number, hash, seal, at FROM audit_head WHERE name = 'head'";

pub async fn head(on: impl Into<On<'_>>) -> Result<Option<Head>, StoreError> {
    sql(HEAD).optional(on).await
}

/// The head, kept from every other node until the transaction ends; begun with `first` when there is none.
pub async fn lock_head(tx: &mut Tx, first: &Head) -> Result<Head, StoreError> {
    sql("INSERT INTO audit_head (name, number, hash, seal, at) VALUES ('head', $1, $2, $3, $4)
         ON CONFLICT (name) DO UPDATE SET name = excluded.name")
    .bind(first.number)
    .bind(&first.hash)
    .bind(first.seal.as_slice())
    .bind(first.at)
    .execute(tx)
    .await?;
    sql(HEAD).one(tx).await
}

pub async fn set_head(tx: &mut Tx, head: &Head) -> Result<(), StoreError> {
    let Head { number, hash, seal, at } = head;
    sql("UPDATE audit_head SET number = $1, hash = $2, seal = $3, at = $4 WHERE name = 'head'")
        .bind(*number)
        .bind(hash)
        .bind(seal.as_slice())
        .bind(*at)
        .execute(tx)
        .await?;
    Ok(())
}
