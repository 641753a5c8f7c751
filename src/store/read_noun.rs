//! Sites, contacts, products, activities, failures and people as lists, by id. What belongs to customers is read
//! with the reader's [`View`]; values are not masked yet.

use super::{Db, FromRow, StoreError, Tx, picked::Picked};
use crate::model::View;

/// Which rows; what is left out does not narrow.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// One record.
    pub id: Option<&'a str>,
    pub customer: Option<&'a str>,
    pub connection: Option<&'a str>,
    /// Changed at or after this instant.
    pub updated_since: Option<i64>,
    /// The last id of the page before.
    pub after: Option<&'a str>,
    pub limit: i64,
}

#[derive(Clone, Debug, FromRow)]
pub struct SiteRow {
    pub id: String,
    pub customer_id: String,
    pub connection_id: String,
    pub external_id: String,
    pub code: Option<String>,
    pub role: String,
    pub name: String,
    pub postal_code: Option<String>,
    pub address: Option<String>,
    pub phone: Option<String>,
    pub closing_day: Option<String>,
    pub owner: Option<String>,
    pub seq: i64,
    pub updated_at: i64,
    /// The customer's: of a person, addresses and numbers are personal.
    pub customer_kind: String,
}

pub async fn sites(db: &Db, view: &View, wanted: &Wanted<'_>) -> Result<Vec<SiteRow>, StoreError> {
    let text = "SELECT s.id, s.customer_id, s.connection_id, s.external_id, s.code, s.role, s.name, s.postal_code,
            s.address, s.phone, s.closing_day, s.owner, s.seq, s.updated_at, c.kind AS customer_kind
         FROM site s JOIN customer c ON c.id = s.customer_id";
    of_customers(db, view, wanted, text, "s", "s.updated_at").await
}

#[derive(Clone, Debug, FromRow)]
pub struct ContactRow {
    pub id: String,
    pub customer_id: String,
    pub connection_id: String,
    pub external_id: String,
    pub name: String,
    pub name_kana: Option<String>,
    pub department: Option<String>,
    pub title: Option<String>,
    pub mail: Option<String>,
    pub phone: Option<String>,
    pub seq: i64,
    pub updated_at: i64,
}

pub async fn contacts(db: &Db, view: &View, wanted: &Wanted<'_>) -> Result<Vec<ContactRow>, StoreError> {
    let text = "SELECT t.id, t.customer_id, t.connection_id, t.external_id, t.name, t.name_kana, t.department, t.title,
            t.mail, t.phone, t.seq, t.updated_at
         FROM contact t JOIN customer c ON c.id = t.customer_id";
    of_customers(db, view, wanted, text, "t", "t.updated_at").await
}

#[derive(Clone, Debug, FromRow)]
pub struct ActivityRow {
    pub id: String,
    pub customer_id: String,
    pub kind: String,
    pub subject: String,
    pub note: Option<String>,
    pub activity_date: String,
    pub actor: String,
    pub actor_name: Option<String>,
    pub seq: i64,
    pub created_at: i64,
}

pub async fn activities(db: &Db, view: &View, wanted: &Wanted<'_>) -> Result<Vec<ActivityRow>, StoreError> {
    // Typed into the hub: of no connection.
    let wanted = Wanted { connection: None, ..*wanted };
    of_customers(db, view, &wanted, ACTIVITY, "a", "a.created_at").await
}

/// The activity that this transaction recorded.
pub async fn activity(tx: &mut Tx, id: &str) -> Result<Option<ActivityRow>, StoreError> {
    Picked::new(ACTIVITY).also("a.id =", Some(id)).row(tx).await
}

const ACTIVITY: &str = "SELECT a.id, a.customer_id, a.kind, a.subject, a.note, a.activity_date, a.actor,
        u.name AS actor_name, a.seq, a.created_at
     FROM activity a JOIN customer c ON c.id = a.customer_id LEFT JOIN app_user u ON u.id = a.actor";

#[derive(Clone, Debug, FromRow)]
pub struct RelationRow {
    pub id: String,
    pub customer_id: String,
    pub role: String,
    pub name: String,
    pub valid_from: Option<String>,
    pub valid_to: Option<String>,
    pub connection_id: Option<String>,
    pub actor: Option<String>,
    pub corrected_by: Option<String>,
    pub updated_at: i64,
}

/// Who looks, or looked, after customers; `current`: only those who do.
pub async fn relations(
    db: &Db,
    view: &View,
    wanted: &Wanted<'_>,
    [role, name]: [Option<&str>; 2],
    current: bool,
) -> Result<Vec<RelationRow>, StoreError> {
    let text = "SELECT r.id, r.customer_id, r.role, r.name, r.valid_from, r.valid_to, r.connection_id, r.actor,
            r.corrected_by, r.updated_at
         FROM customer_relation r JOIN customer c ON c.id = r.customer_id";
    Picked::new(text)
        .within(view, db.dialect(), "c")
        .also("r.id =", wanted.id)
        .also("r.customer_id =", wanted.customer)
        .also("r.role =", role)
        .also("r.name =", name)
        .only(current, "r.valid_to IS NULL")
        .also("r.updated_at >=", wanted.updated_since)
        .also("r.id >", wanted.after)
        .rows(db, "r.id", wanted.limit)
        .await
}

async fn of_customers<T: super::Record>(
    db: &Db,
    view: &View,
    wanted: &Wanted<'_>,
    text: &str,
    alias: &str,
    changed: &str,
) -> Result<Vec<T>, StoreError> {
    Picked::new(text)
        .within(view, db.dialect(), "c")
        .also(&format!("{alias}.id ="), wanted.id)
        .also(&format!("{alias}.customer_id ="), wanted.customer)
        .also(&format!("{alias}.connection_id ="), wanted.connection)
        .also(&format!("{changed} >="), wanted.updated_since)
        .also(&format!("{alias}.id >"), wanted.after)
        .rows(db, &format!("{alias}.id"), wanted.limit)
        .await
}

#[derive(Clone, Debug, FromRow)]
pub struct ProductRow {
    pub id: String,
    pub connection_id: String,
    pub external_id: String,
    pub code: String,
    pub name: String,
    pub unit: Option<String>,
    pub price: Option<String>,
    pub currency: String,
    pub active: bool,
    pub seq: i64,
    pub received_at: i64,
    pub deleted_at: Option<i64>,
}

/// Products are of no customer: everybody who sees customers sees them. `deleted`: with those that their source
/// took away.
pub async fn products(
    db: &Db,
    wanted: &Wanted<'_>,
    code: Option<&str>,
    deleted: bool,
) -> Result<Vec<ProductRow>, StoreError> {
    let text = "SELECT id, connection_id, external_id, code, name, unit, price, currency, active, seq, received_at,
            deleted_at FROM product";
    Picked::new(text)
        .also("id =", wanted.id)
        .also("connection_id =", wanted.connection)
        .also("code =", code)
        .also("COALESCE(deleted_at, received_at) >=", wanted.updated_since)
        .only(!deleted, "deleted_at IS NULL")
        .also("id >", wanted.after)
        .rows(db, "id", wanted.limit)
        .await
}

/// A failure without its payload.
#[derive(Clone, Debug, FromRow)]
pub struct FailureRow {
    pub id: String,
    pub connection_id: String,
    pub stream: String,
    pub external_id: String,
    pub cause: String,
    pub field: Option<String>,
    pub label: String,
    pub value: Option<String>,
    pub state: String,
    pub attempts: i64,
    pub first_at: i64,
    pub last_at: i64,
    pub resolved_at: Option<i64>,
    pub run_id: Option<String>,
    pub note: Option<String>,
}

/// The newest failures first.
pub async fn failures(
    db: &Db,
    view: &View,
    wanted: &Wanted<'_>,
    [state, cause, stream]: [Option<&str>; 3],
) -> Result<Vec<FailureRow>, StoreError> {
    let text = "SELECT f.id, f.connection_id, f.stream, f.external_id, f.cause, f.field, f.label, f.value, f.state,
            f.attempts, f.first_at, f.last_at, f.resolved_at, f.run_id, f.note FROM failure f";
    Picked::new(text)
        .within_failures(view, db.dialect())
        .also("f.connection_id =", wanted.connection)
        .also("f.state =", state)
        .also("f.cause =", cause)
        .also("f.stream =", stream)
        .also("f.last_at >=", wanted.updated_since)
        .also("f.id <", wanted.after)
        .rows(db, "f.id DESC", wanted.limit)
        .await
}

/// People and services without anything that lets them in.
#[derive(Clone, Debug, FromRow)]
pub struct PersonRow {
    pub id: String,
    pub kind: String,
    pub name: String,
    pub mail: String,
    pub role: String,
    pub created_at: i64,
    pub disabled_at: Option<i64>,
    pub signed_in_at: Option<i64>,
}

pub async fn people(
    db: &Db,
    wanted: &Wanted<'_>,
    [role, kind]: [Option<&str>; 2],
    active: Option<bool>,
) -> Result<Vec<PersonRow>, StoreError> {
    Picked::new("SELECT id, kind, name, mail, role, created_at, disabled_at, signed_in_at FROM app_user")
        .also("id =", wanted.id)
        .also("role =", role)
        .also("kind =", kind)
        .only(active == Some(true), "disabled_at IS NULL")
        .only(active == Some(false), "disabled_at IS NOT NULL")
        .also("id >", wanted.after)
        .rows(db, "id", wanted.limit)
        .await
}
