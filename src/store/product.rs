//! Products: owned by their source and of no customer. Lines of documents name them by their code.

use super::{Batch, StoreError, Tx, document::replace, json_list, sql};
use crate::model::{Timestamp, record::Product};

const PRODUCT: [&str; 13] = [
    "id",
    "connection_id",
    "external_id",
    "code",
    "name",
    "unit",
    "price",
    "currency",
    "active",
    "seq",
    "received_at",
    "deleted_at",
    "find",
];

/// A product as it is stored.
pub struct ProductRow<'a> {
    pub id: &'a str,
    pub connection_id: &'a str,
    pub external_id: &'a str,
    pub seq: i64,
    pub now: Timestamp,
    pub product: &'a Product,
    /// Code and name as the search compares them.
    pub find: String,
}

/// Writes many in one statement.
pub async fn put(tx: &mut Tx, rows: &[ProductRow<'_>]) -> Result<(), StoreError> {
    let mut batch = Batch::new("product", &PRODUCT);
    for ProductRow { id, connection_id, external_id, seq, now, product, find } in rows {
        let Product { code, name, unit, price, currency, active } = product;
        batch.push([
            (*id).into(),
            (*connection_id).into(),
            (*external_id).into(),
            code.as_str().into(),
            name.as_str().into(),
            unit.as_ref().into(),
            price.as_ref().into(),
            (*currency).into(),
            (*active).into(),
            (*seq).into(),
            (*now).into(),
            None::<i64>.into(),
            find.as_str().into(),
        ]);
    }
    batch.insert(tx, &replace(&PRODUCT)).await?;
    Ok(())
}

/// A source said that these products are gone: they stay, marked.
pub async fn mark_deleted(tx: &mut Tx, ids: &[&str], now: Timestamp) -> Result<(), StoreError> {
    let text = format!("UPDATE product SET deleted_at = $1, seq = seq + 1 WHERE {}", tx.dialect().in_list("id", "$2"));
    sql(text).bind(now).bind(json_list(ids)).execute(tx).await?;
    Ok(())
}

/// What a line is called, as SQL: its own description, else the name of the product that it names in
/// the same connection, else the code. `line` and `document` are names of tables in the statement.
#[must_use]
pub(super) fn called(line: &str, document: &str) -> String {
    // Only a line without words of its own looks for its product.
    format!(
        "CASE WHEN {line}.description <> '' THEN {line}.description ELSE COALESCE(
            (SELECT p.name FROM product p WHERE p.connection_id = {document}.connection_id
                AND p.code = {line}.product_code AND p.deleted_at IS NULL ORDER BY p.active DESC, p.id DESC LIMIT 1),
            {line}.product_code, '') END"
    )
}
