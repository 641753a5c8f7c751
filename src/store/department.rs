//! Departments of people.

use super::{FromRow, On, StoreError, Tx, json_list, sql};
use crate::model::{Timestamp, view::department_key};

/// Given by somebody, by hand.
pub const PERSON: &str = "person";
/// Given by the groups of a provider, anew at each sign-in.
pub const GROUPS: &str = "groups";

/// One department of one person.
#[derive(Clone, Debug, FromRow, PartialEq, Eq)]
pub struct Row {
    pub name: String,
    /// [`PERSON`] or [`GROUPS`].
    pub given_by: String,
    pub given_at: i64,
}

/// The departments of a person, by name.
pub async fn of_user(on: impl Into<On<'_>>, user_id: &str) -> Result<Vec<Row>, StoreError> {
    sql("SELECT name, given_by, given_at FROM user_department WHERE user_id = $1 ORDER BY name, name_key")
        .bind(user_id)
        .all(on)
        .await
}

/// The departments that anybody has, as they are written: for choosing one.
pub async fn known(on: impl Into<On<'_>>) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> =
        sql("SELECT MIN(name) FROM user_department GROUP BY name_key ORDER BY 1").all(on).await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// Gives a department. `false`: the person has it already.
pub async fn give(tx: &mut Tx, user_id: &str, name: &str, by: &str, now: Timestamp) -> Result<bool, StoreError> {
    let rows = sql("INSERT INTO user_department (user_id, name_key, name, given_by, given_at)
                    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (user_id, name_key) DO NOTHING")
    .bind(user_id)
    .bind(department_key(name))
    .bind(name)
    .bind(by)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(rows == 1)
}

/// Takes a department away. `false`: the person does not have it.
pub async fn take(tx: &mut Tx, user_id: &str, name: &str) -> Result<bool, StoreError> {
    let rows = sql("DELETE FROM user_department WHERE user_id = $1 AND name_key = $2")
        .bind(user_id)
        .bind(department_key(name))
        .execute(tx)
        .await?;
    Ok(rows == 1)
}

/// Takes away what groups gave, but these. Returns what went.
pub async fn keep_of_groups(tx: &mut Tx, user_id: &str, names: &[String]) -> Result<Vec<String>, StoreError> {
    let kept = tx.dialect().in_list("name_key", "$3");
    let keys = names.iter().map(|name| department_key(name));
    let rows: Vec<(String,)> = sql(format!(
        "DELETE FROM user_department WHERE user_id = $1 AND given_by = $2 AND NOT ({kept}) RETURNING name"
    ))
    .bind(user_id)
    .bind(GROUPS)
    .bind(json_list(keys))
    .all(tx)
    .await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}
