//! Who looked after customers, from when to when.

use std::collections::HashMap;

use super::{Batch, FromRow, On, StoreError, Tx, json_list, sql};
use crate::model::Timestamp;

/// One holder of a role.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Row {
    pub id: String,
    pub customer_id: String,
    /// `owner` or `department`.
    pub role: String,
    /// 1, 2, … of this customer and role.
    pub place: i64,
    pub name: String,
    pub valid_from: Option<String>,
    /// The day the next took over.
    pub valid_to: Option<String>,
    pub connection_id: Option<String>,
    pub actor: Option<String>,
    pub corrected_by: Option<String>,
    pub updated_at: i64,
}

const COLUMNS: [&str; 11] = [
    "id",
    "customer_id",
    "role",
    "place",
    "name",
    "valid_from",
    "valid_to",
    "connection_id",
    "actor",
    "corrected_by",
    "updated_at",
];

/// Everybody who looked after these customers, by role, in the order of time.
pub async fn of<'a>(
    on: impl Into<On<'_>>,
    customers: impl Iterator<Item = &'a str>,
) -> Result<HashMap<String, Vec<Row>>, StoreError> {
    let on = on.into();
    let text = format!(
        "SELECT {} FROM customer_relation WHERE {} ORDER BY customer_id, role DESC, place",
        COLUMNS.join(", "),
        on.dialect().in_list("customer_id", "$1")
    );
    let rows: Vec<Row> = sql(text).bind(json_list(customers)).all(on).await?;
    let mut out: HashMap<String, Vec<Row>> = HashMap::new();
    for row in rows {
        out.entry(row.customer_id.clone()).or_default().push(row);
    }
    Ok(out)
}

/// Writes rows, new and changed.
pub async fn put(tx: &mut Tx, rows: &[Row]) -> Result<(), StoreError> {
    let mut batch = Batch::new("customer_relation", &COLUMNS);
    for row in rows {
        let Row {
            id,
            customer_id,
            role,
            place,
            name,
            valid_from,
            valid_to,
            connection_id,
            actor,
            corrected_by,
            updated_at,
        } = row;
        batch.push([
            id.as_str().into(),
            customer_id.as_str().into(),
            role.as_str().into(),
            (*place).into(),
            name.as_str().into(),
            valid_from.as_deref().into(),
            valid_to.as_deref().into(),
            connection_id.as_deref().into(),
            actor.as_deref().into(),
            corrected_by.as_deref().into(),
            Timestamp(*updated_at).into(),
        ]);
    }
    let set: Vec<String> = COLUMNS[1..].iter().map(|c| format!("{c} = excluded.{c}")).collect();
    batch.insert(tx, &format!("ON CONFLICT (id) DO UPDATE SET {}", set.join(", "))).await?;
    Ok(())
}
