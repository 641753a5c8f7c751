//! The customer table and the codes other systems know customers by.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Batch, FromRow, On, StoreError, Tx, json_list, sql};
use crate::model::{Timestamp, view::department_key};

/// A golden record as stored. `None` columns hold no value.
#[derive(Clone, Debug, FromRow, PartialEq)]
pub struct Row {
    pub id: String,
    pub kind: String,
    pub code: Option<String>,
    pub name: String,
    pub name_kana: Option<String>,
    pub name_key: String,
    pub corporate_number: Option<String>,
    pub registration_number: Option<String>,
    pub phone: Option<String>,
    pub mail: Option<String>,
    pub postal_code: Option<String>,
    pub address: Option<String>,
    pub industry: Option<String>,
    pub department: Option<String>,
    pub owner: Option<String>,
    pub closing_day: Option<String>,
    pub payment_terms: Option<String>,
    pub credit_limit_minor: Option<i64>,
    pub currency: String,
    pub price_class: Option<String>,
    /// `prospect` or `customer`; `None`: nobody says, so it is a customer.
    pub life_stage: Option<String>,
    pub lead_source: Option<String>,
    pub lead_date: Option<String>,
    /// When the prospect became a customer.
    pub converted_at: Option<i64>,
    /// Values of fields that the administrator added, JSON: key -> text in the form of its kind.
    pub custom: String,
    /// What sources said for those and could not be taken, JSON: list of [`crate::model::custom::Warning`].
    pub warnings: String,
    pub provenance: String,
    pub seq: i64,
    pub sample: bool,
    pub created_at: i64,
    pub updated_at: i64,
    pub merged_into: Option<String>,
}

impl Row {
    /// Values of the fields that the administrator added: key -> text in the form of its kind.
    #[must_use]
    pub fn custom(&self) -> BTreeMap<String, String> {
        serde_json::from_str(&self.custom).unwrap_or_default()
    }
}

/// Columns of a [`Row`], and the department as it is compared, which follows from it.
const COLUMNS: [&str; 33] = [
    "id",
    "kind",
    "code",
    "name",
    "name_kana",
    "name_key",
    "corporate_number",
    "registration_number",
    "phone",
    "mail",
    "postal_code",
    "address",
    "industry",
    "department",
    "owner",
    "closing_day",
    "payment_terms",
    "credit_limit_minor",
    "currency",
    "price_class",
    "life_stage",
    "lead_source",
    "lead_date",
    "converted_at",
    "custom",
    "warnings",
    "provenance",
    "seq",
    "sample",
    "created_at",
    "updated_at",
    "merged_into",
    "department_key",
];

/// Golden records by id.
pub async fn by_ids<'a>(
    on: impl Into<On<'_>>,
    ids: impl Iterator<Item = &'a str>,
) -> Result<HashMap<String, Row>, StoreError> {
    let on = on.into();
    let text = format!("SELECT {} FROM customer WHERE {}", COLUMNS.join(", "), on.dialect().in_list("id", "$1"));
    let rows: Vec<Row> = sql(text).bind(json_list(ids)).all(on).await?;
    Ok(rows.into_iter().map(|row| (row.id.clone(), row)).collect())
}

/// How many of these customers were made at this moment and have the name of another.
pub async fn alike<'a>(tx: &mut Tx, ids: impl Iterator<Item = &'a str>, made: Timestamp) -> Result<i64, StoreError> {
    let text = format!(
        "SELECT COUNT(DISTINCT c.id) FROM customer c
           JOIN customer o ON o.name_key = c.name_key AND o.id <> c.id AND o.merged_into IS NULL
         WHERE c.created_at = $1 AND c.merged_into IS NULL AND {}",
        tx.dialect().in_list("c.id", "$2")
    );
    let (count,): (i64,) = sql(text).bind(made).bind(json_list(ids)).one(tx).await?;
    Ok(count)
}

/// A customer that carries one of the asked numbers.
#[derive(Clone, Debug, FromRow)]
pub struct ByNumber {
    pub id: String,
    pub name_key: String,
    pub corporate_number: Option<String>,
    pub registration_number: Option<String>,
}

/// Living customers, samples or real ones, with one of the given corporate numbers (13 digits) or
/// registration numbers.
pub async fn by_numbers(
    tx: &mut Tx,
    corporate: &[&str],
    registration: &[&str],
    sample: bool,
) -> Result<Vec<ByNumber>, StoreError> {
    let dialect = tx.dialect();
    let text = format!(
        "SELECT id, name_key, corporate_number, registration_number FROM customer
         WHERE merged_into IS NULL AND sample = $3 AND {}
         UNION
         SELECT id, name_key, corporate_number, registration_number FROM customer
         WHERE merged_into IS NULL AND sample = $3 AND {}",
        dialect.in_list("corporate_number", "$1"),
        dialect.in_list("registration_number", "$2")
    );
    sql(text).bind(json_list(corporate)).bind(json_list(registration)).bind(sample).all(tx).await
}

/// Customers by the codes of the given systems: `(system, code) -> customer`.
pub async fn by_codes<'a>(
    tx: &mut Tx,
    systems: &[String],
    codes: impl Iterator<Item = &'a str>,
) -> Result<HashMap<(String, String), String>, StoreError> {
    let dialect = tx.dialect();
    let text = format!(
        "SELECT connection_id, code, customer_id FROM customer_code WHERE {} AND {}",
        dialect.in_list("connection_id", "$1"),
        dialect.in_list("code", "$2")
    );
    let rows: Vec<(String, String, String)> = sql(text).bind(json_list(systems)).bind(json_list(codes)).all(tx).await?;
    Ok(rows.into_iter().map(|(system, code, id)| ((system, code), id)).collect())
}

/// Remembers codes that a system gives its own customers. A code that it gives to another customer
/// moves there.
pub async fn move_codes<'a>(
    tx: &mut Tx,
    codes: impl Iterator<Item = (&'a str, &'a str, &'a str)>,
) -> Result<(), StoreError> {
    let moves = "ON CONFLICT (connection_id, code) DO UPDATE SET customer_id = excluded.customer_id";
    put_codes(tx, codes, moves).await
}

/// Remembers codes by which others call customers. The first customer to be called so keeps it.
pub async fn announce_codes<'a>(
    tx: &mut Tx,
    codes: impl Iterator<Item = (&'a str, &'a str, &'a str)>,
) -> Result<(), StoreError> {
    put_codes(tx, codes, "ON CONFLICT (connection_id, code) DO NOTHING").await
}

async fn put_codes<'a>(
    tx: &mut Tx,
    codes: impl Iterator<Item = (&'a str, &'a str, &'a str)>,
    otherwise: &str,
) -> Result<(), StoreError> {
    let mut batch = Batch::new("customer_code", &["connection_id", "code", "customer_id"]);
    for (system, code, customer) in codes {
        batch.push([system.into(), code.into(), customer.into()]);
    }
    batch.insert(tx, otherwise).await?;
    Ok(())
}

/// Ids of the connections of a tile kind, samples or real ones.
pub async fn connections_of_kind(tx: &mut Tx, kind: &str, sample: bool) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> = sql("SELECT id FROM connection WHERE kind = $1 AND sample = $2 ORDER BY id")
        .bind(kind)
        .bind(sample)
        .all(tx)
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Writes golden records, new and changed.
pub async fn put(tx: &mut Tx, rows: Vec<Row>) -> Result<(), StoreError> {
    let mut batch = Batch::new("customer", &COLUMNS);
    for row in rows {
        let Row {
            id,
            kind,
            code,
            name,
            name_kana,
            name_key,
            corporate_number,
            registration_number,
            phone,
            mail,
            postal_code,
            address,
            industry,
            department,
            owner,
            closing_day,
            payment_terms,
            credit_limit_minor,
            currency,
            price_class,
            life_stage,
            lead_source,
            lead_date,
            converted_at,
            custom,
            warnings,
            provenance,
            seq,
            sample,
            created_at,
            updated_at,
            merged_into,
        } = row;
        let department_key = department.as_deref().map(department_key);
        batch.push([
            id.into(),
            kind.into(),
            code.into(),
            name.into(),
            name_kana.into(),
            name_key.into(),
            corporate_number.into(),
            registration_number.into(),
            phone.into(),
            mail.into(),
            postal_code.into(),
            address.into(),
            industry.into(),
            department.into(),
            owner.into(),
            closing_day.into(),
            payment_terms.into(),
            credit_limit_minor.into(),
            currency.into(),
            price_class.into(),
            life_stage.into(),
            lead_source.into(),
            lead_date.into(),
            converted_at.into(),
            custom.into(),
            warnings.into(),
            provenance.into(),
            seq.into(),
            sample.into(),
            created_at.into(),
            updated_at.into(),
            merged_into.into(),
            department_key.into(),
        ]);
    }
    let set: Vec<String> =
        COLUMNS[1..].iter().filter(|c| **c != "created_at").map(|c| format!("{c} = excluded.{c}")).collect();
    batch.insert(tx, &format!("ON CONFLICT (id) DO UPDATE SET {}", set.join(", "))).await?;
    Ok(())
}

/// Those of these customers that are prospects.
pub async fn prospects<'a>(tx: &mut Tx, ids: impl Iterator<Item = &'a str>) -> Result<Vec<String>, StoreError> {
    let text = format!(
        "SELECT id FROM customer WHERE life_stage = 'prospect' AND merged_into IS NULL AND {}",
        tx.dialect().in_list("id", "$1")
    );
    let rows: Vec<(String,)> = sql(text).bind(json_list(ids)).all(tx).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Those of these customers that ordered something.
pub async fn ordered<'a>(tx: &mut Tx, ids: impl Iterator<Item = &'a str>) -> Result<HashSet<String>, StoreError> {
    let text = format!(
        "SELECT DISTINCT customer_id FROM sales_order WHERE deleted_at IS NULL AND status <> 'cancelled' AND {}",
        tx.dialect().in_list("customer_id", "$1")
    );
    let rows: Vec<(String,)> = sql(text).bind(json_list(ids)).all(tx).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Marks customers as touched, so that read models on every node notice.
pub async fn touch<'a>(tx: &mut Tx, ids: impl Iterator<Item = &'a str>, now: Timestamp) -> Result<(), StoreError> {
    let text = format!("UPDATE customer SET updated_at = $1 WHERE {}", tx.dialect().in_list("id", "$2"));
    sql(text).bind(now).bind(json_list(ids)).execute(tx).await?;
    Ok(())
}

/// A system calls this customer by no code any more.
pub async fn forget_codes(tx: &mut Tx, system: &str, customer_id: &str) -> Result<(), StoreError> {
    sql("DELETE FROM customer_code WHERE connection_id = $1 AND customer_id = $2")
        .bind(system)
        .bind(customer_id)
        .execute(tx)
        .await?;
    Ok(())
}

/// A customer of whom nobody knows anything any more leaves; its versions stay.
pub async fn remove(tx: &mut Tx, id: &str) -> Result<(), StoreError> {
    let hanging = [
        ("customer_code", "customer_id"),
        ("customer_stat", "customer_id"),
        ("conflict", "customer_id"),
        ("customer_relation", "customer_id"),
        ("delivery", "record_id"),
    ];
    for (table, key) in hanging {
        sql(format!("DELETE FROM {table} WHERE {key} = $1")).bind(id).execute(&mut *tx).await?;
    }
    sql("DELETE FROM customer WHERE id = $1").bind(id).execute(tx).await?;
    Ok(())
}
