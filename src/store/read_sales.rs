//! What stands open at one customer: deals, contracts, inquiries.

use super::{Db, FromRow, InView, StoreError, sql};

#[derive(Debug, FromRow)]
pub struct DealRow {
    pub id: String,
    pub name: String,
    pub stage: Option<String>,
    pub currency: String,
    pub amount_minor: Option<i64>,
    pub probability: Option<i64>,
    pub expected_date: Option<String>,
    pub owner: Option<String>,
}

/// Open deals, the next expected first.
pub async fn deals(db: &Db, seen: &InView) -> Result<Vec<DealRow>, StoreError> {
    sql("SELECT id, name, stage, currency, amount_minor, probability, expected_date, owner FROM deal
         WHERE customer_id = $1 AND status = 'open' AND deleted_at IS NULL
         ORDER BY COALESCE(expected_date, '9999'), id")
    .bind(seen.id())
    .all(db)
    .await
}

#[derive(Debug, FromRow)]
pub struct ContractRow {
    pub id: String,
    pub connection_id: Option<String>,
    pub number: String,
    pub name: String,
    pub start_date: String,
    pub end_date: Option<String>,
    pub renewal: String,
    pub status: String,
    pub currency: String,
    pub amount_minor: Option<i64>,
}

/// Contracts that run or shall run, the next to end first.
pub async fn contracts(db: &Db, seen: &InView, today: &str) -> Result<Vec<ContractRow>, StoreError> {
    sql("SELECT id, connection_id, number, name, start_date, end_date, renewal, status, currency, amount_minor
         FROM contract
         WHERE customer_id = $1 AND deleted_at IS NULL AND status IN ('active', 'draft')
            AND (end_date IS NULL OR end_date >= $2 OR renewal = 'automatic')
         ORDER BY COALESCE(end_date, '9999'), number, id")
    .bind(seen.id())
    .bind(today)
    .all(db)
    .await
}

#[derive(Debug, FromRow)]
pub struct InquiryRow {
    pub id: String,
    pub connection_id: Option<String>,
    pub number: Option<String>,
    pub received_date: String,
    pub channel: String,
    pub subject: String,
    pub status: String,
    pub owner: Option<String>,
}

/// Inquiries without an answer, the oldest first.
pub async fn inquiries(db: &Db, seen: &InView) -> Result<Vec<InquiryRow>, StoreError> {
    sql("SELECT id, connection_id, number, received_date, channel, subject, status, owner FROM inquiry
         WHERE customer_id = $1 AND deleted_at IS NULL AND status = 'open'
         ORDER BY received_date, id")
    .bind(seen.id())
    .all(db)
    .await
}
