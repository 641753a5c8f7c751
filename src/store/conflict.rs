//! Typed values and sources that say different things, until a person has looked.

use super::{Batch, FromRow, InView, On, Sql, StoreError, Tx, json_list, sql};

/// The typed value stands: it is pinned.
pub const TYPED: &str = "typed";
/// The source's newer value stands.
pub const SOURCE: &str = "source";

/// One field of a customer.
#[derive(Clone, Debug, FromRow, PartialEq, Eq)]
pub struct Row {
    pub customer_id: String,
    pub field: String,
    /// `None`: the person said that there is none.
    pub typed: Option<String>,
    pub actor: String,
    pub typed_at: i64,
    /// `None`: the sources have none any more.
    pub said: Option<String>,
    pub connection_id: Option<String>,
    pub at: i64,
    /// [`TYPED`] or [`SOURCE`]: what the rules decided.
    pub won: String,
}

const COLUMNS: [&str; 9] = ["customer_id", "field", "typed", "actor", "typed_at", "said", "connection_id", "at", "won"];

/// Conflicts of a customer as its reader sees them, by field. Values are not masked yet.
pub async fn of(on: impl Into<On<'_>>, seen: &InView) -> Result<Vec<Row>, StoreError> {
    find(seen.id()).all(on).await
}

/// One conflict, for deciding it.
pub async fn of_field(tx: &mut Tx, customer_id: &str, field: &str) -> Result<Option<Row>, StoreError> {
    Ok(find(customer_id).all::<Row>(tx).await?.into_iter().find(|row| row.field == field))
}

fn find(customer_id: &str) -> Sql {
    sql(format!("SELECT {} FROM conflict WHERE customer_id = $1 ORDER BY field", COLUMNS.join(", "))).bind(customer_id)
}

/// Notes conflicts; of one field the latest stands.
pub async fn put(tx: &mut Tx, rows: &[Row]) -> Result<(), StoreError> {
    let mut batch = Batch::new("conflict", &COLUMNS);
    for r in rows {
        batch.push([
            r.customer_id.as_str().into(),
            r.field.as_str().into(),
            r.typed.as_ref().into(),
            r.actor.as_str().into(),
            r.typed_at.into(),
            r.said.as_ref().into(),
            r.connection_id.as_ref().into(),
            r.at.into(),
            r.won.as_str().into(),
        ]);
    }
    let otherwise = "ON CONFLICT (customer_id, field) DO UPDATE SET typed = excluded.typed, actor = excluded.actor,
        typed_at = excluded.typed_at, said = excluded.said, connection_id = excluded.connection_id, at = excluded.at,
        won = excluded.won";
    batch.insert(tx, otherwise).await?;
    Ok(())
}

/// Both sides agree again, or a person has decided.
pub async fn remove<S: AsRef<str>>(
    tx: &mut Tx,
    customer_id: &str,
    fields: impl IntoIterator<Item = S>,
) -> Result<u64, StoreError> {
    let text = format!("DELETE FROM conflict WHERE customer_id = $1 AND {}", tx.dialect().in_list("field", "$2"));
    sql(text).bind(customer_id).bind(json_list(fields)).execute(tx).await
}

/// How many customers have one.
pub async fn customers(on: impl Into<On<'_>>) -> Result<i64, StoreError> {
    Ok(sql("SELECT COUNT(DISTINCT customer_id) FROM conflict").one::<(i64,)>(on).await?.0)
}
