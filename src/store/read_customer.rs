//! What the customer page reads beside the figures.

use super::{Db, FromRow, InView, StoreError, sql};

/// The master record.
#[derive(Clone, Debug, FromRow)]
pub struct CustomerRow {
    pub id: String,
    pub kind: String,
    pub code: Option<String>,
    pub name: String,
    pub name_kana: Option<String>,
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
    pub life_stage: Option<String>,
    pub lead_source: Option<String>,
    pub lead_date: Option<String>,
    pub converted_at: Option<i64>,
    pub custom: String,
    pub warnings: String,
    pub provenance: String,
    pub seq: i64,
    pub sample: bool,
    pub updated_at: i64,
    /// Kind of the latest activity.
    pub activity_kind: Option<String>,
}

/// A contact or a site; `part` says which.
#[derive(Debug, FromRow)]
pub struct PartnerRow {
    pub part: String,
    pub id: String,
    pub name: String,
    /// Contact: title. Site: role.
    pub role: Option<String>,
    /// Contact: department. Site: code.
    pub place: Option<String>,
    /// Contact: mail. Site: address.
    pub reach: Option<String>,
    pub phone: Option<String>,
}

/// One source of a customer.
#[derive(Debug, FromRow)]
pub struct SourceRow {
    pub connection_id: String,
    pub name: String,
    pub kind: String,
    pub stream: String,
    pub external_id: String,
    pub source_version: Option<i64>,
    pub seen_at: i64,
    pub body: Option<String>,
    /// The oldest "last complete" of the enabled streams.
    pub last_ok_at: Option<i64>,
    /// The last pull failed, one is long due, or a stream was never complete.
    pub late: bool,
}

/// The customer that the reader sees. Values are not masked yet.
pub async fn customer(db: &Db, seen: &InView) -> Result<Option<CustomerRow>, StoreError> {
    sql("SELECT c.id, c.kind, c.code, c.name, c.name_kana, c.corporate_number, c.registration_number, c.phone,
            c.mail, c.postal_code, c.address, c.industry, c.department, c.owner, c.closing_day, c.payment_terms,
            c.credit_limit_minor, c.currency, c.price_class, c.life_stage, c.lead_source, c.lead_date, c.converted_at, c.custom, c.warnings, c.provenance, c.seq, c.sample, c.updated_at,
            (SELECT a.kind FROM activity a WHERE a.customer_id = c.id
                ORDER BY a.activity_date DESC, a.occurred_at DESC LIMIT 1) AS activity_kind
         FROM customer c WHERE c.id = $1 AND c.merged_into IS NULL")
    .bind(seen.id())
    .optional(db)
    .await
}

/// Contacts, then sites, by name.
pub async fn partners(db: &Db, seen: &InView) -> Result<Vec<PartnerRow>, StoreError> {
    sql("SELECT 'contact' AS part, id, name, title AS role, department AS place, mail AS reach, phone
            FROM contact WHERE customer_id = $1
         UNION ALL SELECT 'site', id, name, role, code, address, phone FROM site WHERE customer_id = $1
         ORDER BY part, name, id")
    .bind(seen.id())
    .all(db)
    .await
}

/// Every source that knows the customer. A pull that was due before `long_ago` makes it late. A connection of which only documents came has no body.
pub async fn sources(db: &Db, seen: &InView, long_ago: i64) -> Result<Vec<SourceRow>, StoreError> {
    sql("SELECT s.connection_id, k.name, k.kind, s.stream, s.external_id, s.source_version, s.seen_at, s.body,
            (SELECT MIN(COALESCE(t.last_ok_at, 0)) FROM stream t
                WHERE t.connection_id = s.connection_id AND t.enabled) AS last_ok_at,
            CASE WHEN k.failures > 0 OR k.auth_failed_at IS NOT NULL OR k.due_at < $2 OR EXISTS
                (SELECT 1 FROM stream t WHERE t.connection_id = s.connection_id AND t.enabled AND t.last_ok_at IS NULL)
                THEN TRUE ELSE FALSE END AS late
         FROM source_record s JOIN connection k ON k.id = s.connection_id
         WHERE s.record_id = $1 AND s.deleted_at IS NULL
         ORDER BY k.name, s.connection_id, s.external_id")
    .bind(seen.id())
    .bind(long_ago)
    .all(db)
    .await
}
