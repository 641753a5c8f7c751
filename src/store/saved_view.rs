//! Views of lists that people saved, and how each wants a list to look.

use super::{FromRow, On, StoreError, Tx, sql};
use crate::model::Timestamp;

#[derive(Clone, Debug, FromRow, PartialEq, Eq)]
pub struct Row {
    pub id: String,
    pub list: String,
    pub owner_id: String,
    /// Empty where the person is gone.
    pub owner_name: String,
    pub name: String,
    pub shared: bool,
    /// What stands behind `?` of the list's address.
    pub query: String,
    /// Counts changes, from 1.
    pub seq: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

const SELECT: &str =
    "SELECT v.id, v.list, v.owner_id, COALESCE(u.name, '') AS owner_name, v.name, v.shared, v.query, v.seq,
    v.created_at, v.updated_at FROM saved_view v LEFT JOIN app_user u ON u.id = v.owner_id";

/// A person's own views of a list, and those that others share: the own first, each by name.
pub async fn of(on: impl Into<On<'_>>, user_id: &str, list: &str) -> Result<Vec<Row>, StoreError> {
    sql(format!(
        "{SELECT} WHERE v.list = $1 AND (v.owner_id = $2 OR v.shared = $3)
         ORDER BY CASE WHEN v.owner_id = $2 THEN 0 ELSE 1 END, v.name_key, v.id"
    ))
    .bind(list)
    .bind(user_id)
    .bind(true)
    .all(on)
    .await
}

/// The same page by page, by id. `limit`: at most so many after `after`.
pub async fn page(on: impl Into<On<'_>>, user_id: &str, after: &str, limit: i64) -> Result<Vec<Row>, StoreError> {
    sql(format!("{SELECT} WHERE v.id > $1 AND (v.owner_id = $2 OR v.shared = $3) ORDER BY v.id LIMIT $4"))
        .bind(after)
        .bind(user_id)
        .bind(true)
        .bind(limit)
        .all(on)
        .await
}

/// One that the person may open.
pub async fn one(on: impl Into<On<'_>>, user_id: &str, id: &str) -> Result<Option<Row>, StoreError> {
    sql(format!("{SELECT} WHERE v.id = $1 AND (v.owner_id = $2 OR v.shared = $3)"))
        .bind(id)
        .bind(user_id)
        .bind(true)
        .optional(on)
        .await
}

/// How many views of a list a person has.
pub async fn count(on: impl Into<On<'_>>, user_id: &str, list: &str) -> Result<i64, StoreError> {
    let (count,) = sql("SELECT COUNT(*) FROM saved_view WHERE owner_id = $1 AND list = $2")
        .bind(user_id)
        .bind(list)
        .one::<(i64,)>(on)
        .await?;
    Ok(count)
}

/// What of a view can change.
pub struct Put<'a> {
    pub name: &'a str,
    pub name_key: &'a str,
    pub shared: bool,
    pub query: &'a str,
}

/// `false`: the person has a view of that name.
pub async fn insert(
    tx: &mut Tx,
    (id, list, owner_id): (&str, &str, &str),
    put: &Put<'_>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let Put { name, name_key, shared, query } = put;
    let rows =
        sql("INSERT INTO saved_view (id, list, owner_id, name, name_key, shared, query, seq, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $8) ON CONFLICT (owner_id, list, name_key) DO NOTHING")
        .bind(id)
        .bind(list)
        .bind(owner_id)
        .bind(*name)
        .bind(*name_key)
        .bind(*shared)
        .bind(*query)
        .bind(now)
        .execute(tx)
        .await?;
    Ok(rows == 1)
}

/// What came of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    Done,
    /// Its owner has another view of that name.
    NameTaken,
    /// It is not at that version any more.
    Moved,
}

/// Changes a view that stands at the version `seq`.
pub async fn update(tx: &mut Tx, row: &Row, put: &Put<'_>, seq: i64, now: Timestamp) -> Result<Written, StoreError> {
    let Put { name, name_key, shared, query } = put;
    let taken = sql("SELECT COUNT(*) FROM saved_view WHERE owner_id = $1 AND list = $2 AND name_key = $3 AND id <> $4")
        .bind(&row.owner_id)
        .bind(&row.list)
        .bind(*name_key)
        .bind(&row.id)
        .one::<(i64,)>(&mut *tx)
        .await?;
    if taken.0 > 0 {
        return Ok(Written::NameTaken);
    }
    let rows = sql("UPDATE saved_view SET name = $1, name_key = $2, shared = $3, query = $4, seq = seq + 1,
            updated_at = $5 WHERE id = $6 AND seq = $7")
    .bind(*name)
    .bind(*name_key)
    .bind(*shared)
    .bind(*query)
    .bind(now)
    .bind(&row.id)
    .bind(seq)
    .execute(tx)
    .await?;
    Ok(if rows == 1 { Written::Done } else { Written::Moved })
}

pub async fn remove(tx: &mut Tx, id: &str) -> Result<(), StoreError> {
    sql("DELETE FROM saved_view WHERE id = $1").bind(id).execute(tx).await?;
    Ok(())
}

/// How a person wants a list to look.
#[derive(Clone, Debug, Default, FromRow, PartialEq, Eq)]
pub struct Choice {
    /// As addresses have them; `None`: the usual ones.
    pub columns: Option<String>,
    pub dense: bool,
    /// The view that opens first.
    pub view_id: Option<String>,
}

pub async fn choice(on: impl Into<On<'_>>, user_id: &str, list: &str) -> Result<Choice, StoreError> {
    let row = sql("SELECT columns, dense, view_id FROM list_choice WHERE user_id = $1 AND list = $2")
        .bind(user_id)
        .bind(list)
        .optional(on)
        .await?;
    Ok(row.unwrap_or_default())
}

pub async fn choose(tx: &mut Tx, user_id: &str, list: &str, choice: &Choice) -> Result<(), StoreError> {
    let Choice { columns, dense, view_id } = choice;
    sql("INSERT INTO list_choice (user_id, list, columns, dense, view_id) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (user_id, list) DO UPDATE SET columns = excluded.columns, dense = excluded.dense,
            view_id = excluded.view_id")
    .bind(user_id)
    .bind(list)
    .bind(columns.as_ref())
    .bind(*dense)
    .bind(view_id.as_ref())
    .execute(tx)
    .await?;
    Ok(())
}

/// Values of added fields of some customers, JSON by id.
pub async fn custom(on: impl Into<On<'_>>, customers: &[String]) -> Result<Vec<(String, String)>, StoreError> {
    let on = on.into();
    let listed = on.dialect().in_list("id", "$1");
    sql(format!("SELECT id, custom FROM customer WHERE {listed}")).bind(super::json_list(customers)).all(on).await
}
