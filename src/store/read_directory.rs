//! What the in-memory directory holds of each customer.

use super::{Db, FromRow, StoreError, json_list, sql};

/// A customer with its stored figures.
#[derive(Debug, FromRow)]
pub struct DirectoryRow {
    pub id: String,
    /// `corporation` or `person`.
    pub kind: String,
    pub code: Option<String>,
    pub name: String,
    pub name_kana: Option<String>,
    pub corporate_number: Option<String>,
    pub registration_number: Option<String>,
    pub phone: Option<String>,
    pub mail: Option<String>,
    pub address: Option<String>,
    pub industry: Option<String>,
    pub department: Option<String>,
    pub owner: Option<String>,
    pub life_stage: Option<String>,
    pub lead_source: Option<String>,
    pub lead_date: Option<String>,
    pub currency: String,
    pub sample: bool,
    pub sales_12m_minor: Option<i64>,
    pub orders_24m: Option<i64>,
    pub sales_24m_minor: Option<i64>,
    pub overdue_minor: Option<i64>,
    pub last_order: Option<String>,
    pub last_contact: Option<String>,
    pub events: Option<i64>,
    pub monthly: Option<String>,
    pub health: Option<String>,
    pub refreshed_at: Option<i64>,
}

/// Something else by which the customer is found.
#[derive(Debug, FromRow)]
pub struct AliasRow {
    /// `mail` and `phone` of a contact, `contact` for its name and kana, `site_phone`, `code` or `source`.
    pub part: String,
    pub customer_id: String,
    pub value: String,
}

/// The rows of these customers; merged ones are left out.
pub async fn customers(db: &Db, ids: &[String]) -> Result<Vec<DirectoryRow>, StoreError> {
    sql(format!(
        "SELECT c.id, c.kind, c.code, c.name, c.name_kana, c.corporate_number, c.registration_number, c.phone, c.mail,
            c.address, c.industry, c.department, c.owner, c.life_stage, c.lead_source, c.lead_date, c.currency, c.sample, s.sales_12m_minor, s.orders_24m,
            s.sales_24m_minor, s.overdue_minor, s.last_order, s.last_contact, s.events, s.monthly, s.health,
            s.refreshed_at
         FROM customer c LEFT JOIN customer_stat s ON s.customer_id = c.id
         WHERE {} AND c.merged_into IS NULL",
        db.dialect().in_list("c.id", "$1")
    ))
    .bind(json_list(ids))
    .all(db)
    .await
}

/// Contacts' mail, telephone numbers, other systems' codes and the tiles of the sources.
pub async fn aliases(db: &Db, ids: &[String]) -> Result<Vec<AliasRow>, StoreError> {
    let listed = db.dialect().in_list("d.customer_id", "$1");
    sql(format!(
        "SELECT 'mail' AS part, d.customer_id AS customer_id, d.mail AS value FROM contact d
            WHERE {listed} AND d.mail IS NOT NULL
         UNION SELECT 'phone', d.customer_id, d.phone FROM contact d WHERE {listed} AND d.phone IS NOT NULL
         UNION SELECT 'contact', d.customer_id, d.name FROM contact d WHERE {listed}
         UNION SELECT 'contact', d.customer_id, d.name_kana FROM contact d
            WHERE {listed} AND d.name_kana IS NOT NULL
         UNION SELECT 'site_phone', d.customer_id, d.phone FROM site d WHERE {listed} AND d.phone IS NOT NULL
         UNION SELECT 'code', d.customer_id, d.code FROM customer_code d WHERE {listed}
         UNION SELECT 'source', d.record_id, k.kind FROM source_record d JOIN connection k ON k.id = d.connection_id
            WHERE {} AND d.deleted_at IS NULL",
        db.dialect().in_list("d.record_id", "$1")
    ))
    .bind(json_list(ids))
    .all(db)
    .await
}
