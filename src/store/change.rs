//! Versions as a feed: numbered one after the other, and read from a number on.
//!
//! A version is written with the time at which its transaction began, so neither time nor id says in which order
//! versions became visible. Numbers are therefore given afterwards, to what is committed, by one transaction at a
//! time: whoever has read up to a number has missed nothing before it. They are given when somebody asks, so that a
//! hub whose changes nobody reads pays for an index entry only.

use super::{Db, FromRow, StoreError, Tx, picked::Picked, scope, sql};
use crate::model::{Id, View, ids::Noun};

/// Versions that get their numbers in one transaction.
const TOGETHER: i64 = 2_000;

/// How far numbers were given.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Head {
    /// Numbers of another epoch mean nothing here.
    pub epoch: String,
    pub number: i64,
}

/// A version in its place.
#[derive(Clone, Debug, FromRow)]
pub struct Change {
    pub number: i64,
    pub record_id: String,
    pub seq: i64,
    /// Whose it is now; `None`: a product's, or nobody's any more.
    pub customer_id: Option<String>,
    /// Microseconds since 1970.
    pub valid_from: i64,
    pub reason: String,
    pub connection_id: Option<String>,
}

/// Gives numbers until `wanted` is reached or nothing is open. Returns the head, and whether something is open still.
pub async fn place(db: &Db, wanted: i64) -> Result<(Head, bool), StoreError> {
    loop {
        let head = sql(HEAD).optional::<Head>(db).await?;
        let open = is_open(db).await?;
        match head {
            Some(head) if !open || head.number >= wanted => return Ok((head, open)),
            _ => {}
        }
        let mut tx = db.begin().await?;
        let head = lock(&mut tx).await?;
        let placed = number(&mut tx, head.number).await?;
        sql("UPDATE change_head SET number = number + $1 WHERE name = 'head'").bind(placed).execute(&mut tx).await?;
        tx.commit().await?;
    }
}

const HEAD: &str = "SELECT epoch, number FROM change_head WHERE name = 'head'";

async fn is_open(db: &Db) -> Result<bool, StoreError> {
    let row: Option<(i64,)> =
        sql("SELECT CAST(1 AS BIGINT) FROM version WHERE number IS NULL LIMIT 1").optional(db).await?;
    Ok(row.is_some())
}

/// The head, which nobody else moves until the end of the transaction.
async fn lock(tx: &mut Tx) -> Result<Head, StoreError> {
    sql("INSERT INTO change_head (name, epoch, number) VALUES ('head', $1, 0)
         ON CONFLICT (name) DO UPDATE SET name = excluded.name")
    .bind(Id::new(Noun::Event).into_string())
    .execute(&mut *tx)
    .await?;
    sql(HEAD).one(tx).await
}

async fn number(tx: &mut Tx, after: i64) -> Result<i64, StoreError> {
    let placed = sql("UPDATE version SET number = $1 + placed.place
         FROM (SELECT record_id, seq, ROW_NUMBER() OVER (ORDER BY valid_from, record_id, seq) AS place
               FROM (SELECT record_id, seq, valid_from FROM version WHERE number IS NULL
                     ORDER BY valid_from, record_id, seq LIMIT $2) AS open) AS placed
         WHERE version.record_id = placed.record_id AND version.seq = placed.seq")
    .bind(after)
    .bind(TOGETHER)
    .execute(tx)
    .await?;
    Ok(i64::try_from(placed).unwrap_or(i64::MAX))
}

/// Which changes; what is left out does not narrow.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// Behind this number.
    pub after: i64,
    /// Up to this number, included.
    pub until: i64,
    /// Prefix of the ids: `ord`.
    pub noun: Option<&'a str>,
    pub customer: Option<&'a str>,
    pub limit: i64,
}

/// Changes of records that the reader sees, in their order.
pub async fn read(db: &Db, view: &View, wanted: &Wanted<'_>) -> Result<Vec<Change>, StoreError> {
    let owner =
        format!("CASE WHEN {PRODUCT} THEN NULL ELSE COALESCE(v.customer_id, {}) END", scope::owner("v.record_id"));
    let text = format!(
        "SELECT v.number, v.record_id, v.seq, {owner} AS customer_id, v.valid_from, v.reason, v.connection_id
         FROM version v LEFT JOIN customer c ON c.id = {owner}"
    );
    Picked::new(text)
        .also("v.number >", Some(wanted.after))
        .also("v.number <=", Some(wanted.until))
        .also("SUBSTR(v.record_id, 1, 3) =", wanted.noun)
        .also(&format!("{owner} ="), wanted.customer)
        .within_or(view, db.dialect(), "c", PRODUCT)
        .rows(db, "v.number", wanted.limit)
        .await
}

/// Products are of no customer, and for everybody who sees customers.
const PRODUCT: &str = "SUBSTR(v.record_id, 1, 4) = 'prd_'";

/// After a backup was restored: what was read before it is not what stands here now, so whoever follows reads again
/// from the beginning.
pub async fn begin_epoch(db: &Db) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    sql("UPDATE change_head SET epoch = $1").bind(Id::new(Noun::Event).into_string()).execute(&mut tx).await?;
    tx.commit().await
}
