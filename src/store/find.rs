//! What the search over every noun asks the database. Customers and their contacts' names are found in memory (the
//! directory); here is the rest, each by an index or in a table that is small.
//!
//! * Documents by number: the index on the number is walked from the typed text on. A number is found from its
//!   beginning; a part from its middle would need every row.
//! * Products by code and name: `product.find` holds both folded. It is scanned: catalogues of companies are some
//!   ten thousand rows, and a scan of them is shorter than what an index of parts would cost each write.

use super::{
    Db, FromRow, On, StoreError, Tx, json_list,
    scope::{self, Condition},
    sql,
};
use crate::model::View;

/// A kind of document that has a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// As the document calls itself, or the column that says it.
    pub kind: Kind,
    pub table: &'static str,
    pub date: &'static str,
    /// Column of its amount in minor units beside `currency`.
    pub amount: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Fixed(&'static str),
    Column(&'static str),
}

pub const ORDERS: Numbered =
    Numbered { kind: Kind::Fixed("order"), table: "sales_order", date: "order_date", amount: Some("total_minor") };
pub const INVOICES: Numbered =
    Numbered { kind: Kind::Column("kind"), table: "invoice", date: "issue_date", amount: Some("total_minor") };
pub const SHIPMENTS: Numbered =
    Numbered { kind: Kind::Fixed("shipment"), table: "shipment", date: "ship_date", amount: None };
pub const PAYMENTS: Numbered =
    Numbered { kind: Kind::Fixed("payment"), table: "payment", date: "paid_date", amount: Some("amount_minor") };

pub const DEALS: Numbered =
    Numbered { kind: Kind::Fixed("deal"), table: "deal", date: "opened_date", amount: Some("amount_minor") };
pub const QUOTES: Numbered =
    Numbered { kind: Kind::Fixed("quote"), table: "quote", date: "issue_date", amount: Some("total_minor") };
pub const CONTRACTS: Numbered =
    Numbered { kind: Kind::Fixed("contract"), table: "contract", date: "start_date", amount: Some("amount_minor") };
pub const INQUIRIES: Numbered =
    Numbered { kind: Kind::Fixed("inquiry"), table: "inquiry", date: "received_date", amount: None };

/// A document that was found by its number.
#[derive(Clone, Debug, FromRow, serde::Serialize)]
pub struct Found {
    /// `order`, `shipment`, `invoice`, `credit_note`, `payment` …
    pub kind: String,
    pub id: String,
    pub number: String,
    pub date: String,
    pub customer_id: String,
    pub customer_name: String,
    pub total_minor: Option<i64>,
    pub currency: Option<String>,
}

/// Documents that the reader sees from this number on, in the order of the index. The caller keeps those that start
/// with the text: a prefix condition would not use the index on every database.
pub async fn from_number(
    db: &Db,
    view: &View,
    of: &Numbered,
    number: &str,
    limit: i64,
) -> Result<Vec<Found>, StoreError> {
    let Condition { text: within, values } = scope::condition(view, db.dialect(), "c", 3);
    // Inside the limit: who sees little would else see nothing behind many numbers of others.
    let own = if view.departments().is_some() {
        format!("AND EXISTS (SELECT 1 FROM customer c WHERE c.id = t.customer_id AND {within})")
    } else {
        String::new()
    };
    let Numbered { kind, table, date, amount } = *of;
    let kind = match kind {
        Kind::Fixed(word) => format!("'{word}'"),
        Kind::Column(column) => format!("d.{column}"),
    };
    let amount = amount.map_or("CAST(NULL AS BIGINT) AS total_minor, CAST(NULL AS TEXT) AS currency".to_owned(), |a| {
        format!("d.{a} AS total_minor, d.currency AS currency")
    });
    sql(format!(
        "SELECT {kind} AS kind, d.id AS id, d.number AS number, d.{date} AS date, d.customer_id AS customer_id,
            c.name AS customer_name, {amount}
         FROM (SELECT * FROM {table} t WHERE t.number >= $1 {own} ORDER BY t.number LIMIT $2) d
         JOIN customer c ON c.id = d.customer_id WHERE d.deleted_at IS NULL"
    ))
    .bind(number)
    .bind(limit)
    .bind_all(values)
    .all(db)
    .await
}

/// A contact of a customer that was found.
#[derive(Clone, Debug, FromRow)]
pub struct ContactRow {
    pub id: String,
    pub customer_id: String,
    pub name: String,
    pub name_kana: Option<String>,
    pub department: Option<String>,
    pub title: Option<String>,
}

/// Contacts of these customers. The caller has asked whether the reader sees those.
pub async fn contacts(db: &Db, customers: &[String]) -> Result<Vec<ContactRow>, StoreError> {
    let listed = db.dialect().in_list("customer_id", "$1");
    sql(format!(
        "SELECT id, customer_id, name, name_kana, department, title FROM contact WHERE {listed} ORDER BY id LIMIT 500"
    ))
    .bind(json_list(customers))
    .all(db)
    .await
}

#[derive(Clone, Debug, FromRow)]
pub struct ProductRow {
    pub id: String,
    pub connection_id: String,
    pub code: String,
    pub name: String,
    pub source: Option<String>,
}

/// Products in whose code or name each of the folded words stands; those that begin with the first one come first.
pub async fn products(db: &Db, words: &[String], limit: i64) -> Result<Vec<ProductRow>, StoreError> {
    let Some(first) = words.first() else { return Ok(Vec::new()) };
    let holds: Vec<String> = (0..words.len()).map(|n| format!("p.find LIKE ${} ESCAPE '!'", n + 3)).collect();
    let mut asked = sql(format!(
        "SELECT p.id, p.connection_id, p.code, p.name, k.name AS source
         FROM product p LEFT JOIN connection k ON k.id = p.connection_id
         WHERE p.deleted_at IS NULL AND {}
         ORDER BY CASE WHEN p.find LIKE $1 ESCAPE '!' THEN 0 ELSE 1 END, p.code, p.id LIMIT $2",
        holds.join(" AND ")
    ))
    .bind(format!("{}%", escaped(first)))
    .bind(limit);
    for word in words {
        asked = asked.bind(format!("%{}%", escaped(word)));
    }
    asked.all(db).await
}

fn escaped(word: &str) -> String {
    word.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}

/// Id, code and name of products whose `find` was not written yet, at most so many.
pub async fn unfolded(on: impl Into<On<'_>>, limit: i64) -> Result<Vec<(String, String, String)>, StoreError> {
    sql("SELECT id, code, name FROM product WHERE find IS NULL ORDER BY id LIMIT $1").bind(limit).all(on).await
}

/// Writes what a product is found by.
pub async fn set_product(tx: &mut Tx, id: &str, find: &str) -> Result<(), StoreError> {
    sql("UPDATE product SET find = $1 WHERE id = $2").bind(find).bind(id).execute(tx).await?;
    Ok(())
}

/// Customers that this person looked at, the latest first, each once.
pub async fn seen_by(db: &Db, user_id: &str, limit: usize) -> Result<Vec<String>, StoreError> {
    /// Of the trail: who looks at one customer over and over still has others.
    const BACK: i64 = 400;
    let rows: Vec<(String,)> = sql("SELECT object_id FROM (SELECT id, action, object_id FROM audit
            WHERE actor = $1 ORDER BY id DESC LIMIT $2) a WHERE a.action = 'customer.view' ORDER BY a.id DESC")
    .bind(user_id)
    .bind(BACK)
    .all(db)
    .await?;
    let mut ids: Vec<String> = Vec::new();
    for (id,) in rows {
        if ids.len() < limit && !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}
