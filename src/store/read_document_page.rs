//! Documents of all customers that the reader sees, by id.

use std::collections::HashSet;

use super::{
    Db, StoreError, json_list,
    picked::Picked,
    read_document::{self, HeadRow, heads},
    read_noun::Wanted,
    sql,
};
use crate::model::View;

/// Which documents, beside [`Wanted`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Narrow<'a> {
    pub number: Option<&'a str>,
    pub status: Option<&'a str>,
    /// Of invoices: `invoice` or `credit_note`.
    pub kind: Option<&'a str>,
    /// Both included.
    pub from: Option<&'a str>,
    pub to: Option<&'a str>,
    /// With those that their source took away.
    pub deleted: bool,
}

/// Documents of the kind whose ids begin with `prefix`. What stands on them of customers whom the reader does not
/// see is left out.
pub async fn page(
    db: &Db,
    view: &View,
    prefix: &str,
    wanted: &Wanted<'_>,
    narrow: &Narrow<'_>,
) -> Result<Vec<HeadRow>, StoreError> {
    let (Some(heads), Some((_, date))) = (heads(prefix), read_document::table(prefix)) else { return Ok(Vec::new()) };
    let rows = Picked::new(format!("{heads} JOIN customer c ON c.id = d.customer_id"))
        .within(view, db.dialect(), "c")
        .also("d.id =", wanted.id)
        .also("d.customer_id =", wanted.customer)
        .also("d.connection_id =", wanted.connection)
        .also("d.number =", narrow.number)
        .also("d.status =", narrow.status)
        .also("d.kind =", narrow.kind)
        .also(&format!("{date} >="), narrow.from)
        .also(&format!("{date} <="), narrow.to)
        .also("COALESCE(d.deleted_at, d.received_at) >=", wanted.updated_since)
        .only(!narrow.deleted, "d.deleted_at IS NULL")
        .also("d.id >", wanted.after)
        .rows(db, "d.id", wanted.limit)
        .await?;
    without_strangers(db, view, rows).await
}

/// Leaves out payers and sites of customers whom the reader does not see.
async fn without_strangers(db: &Db, view: &View, mut rows: Vec<HeadRow>) -> Result<Vec<HeadRow>, StoreError> {
    if view.departments().is_none() {
        return Ok(rows);
    }
    let others = |row: &HeadRow| {
        let own = row.customer_id.clone();
        let named = [row.bill_to.clone(), row.ship_to_customer.clone()];
        named.into_iter().flatten().filter(move |id| *id != own)
    };
    let named: Vec<String> = rows.iter().flat_map(others).collect();
    let seen = among(db, view, &named).await?;
    let strange = |id: &Option<String>, own: &str| id.as_deref().is_some_and(|id| id != own && !seen.contains(id));
    for row in &mut rows {
        if strange(&row.bill_to, &row.customer_id) {
            (row.bill_to, row.bill_to_name) = (None, None);
        }
        if strange(&row.ship_to_customer, &row.customer_id) {
            (row.ship_to, row.ship_to_name) = (None, None);
        }
    }
    Ok(rows)
}

/// Those of the customers that the reader sees.
async fn among(db: &Db, view: &View, ids: &[String]) -> Result<HashSet<String>, StoreError> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let within = super::scope::condition(view, db.dialect(), "c", 2);
    let text = format!("SELECT c.id FROM customer c WHERE {} AND {}", db.dialect().in_list("c.id", "$1"), within.text);
    let rows: Vec<(String,)> = sql(text).bind(json_list(ids)).bind_all(within.values).all(db).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Whose document this is; `None`: there is no such document.
pub async fn customer_of(db: &Db, id: &str) -> Result<Option<String>, StoreError> {
    let prefix = id.split_once('_').map_or("", |(prefix, _)| prefix);
    let Some((table, _)) = read_document::table(prefix) else { return Ok(None) };
    let row: Option<(String,)> =
        sql(format!("SELECT customer_id FROM {table} WHERE id = $1")).bind(id).optional(db).await?;
    Ok(row.map(|(id,)| id))
}
