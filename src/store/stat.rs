//! Figures of customers: aggregates read from the documents, `customer_stat` written back.
//!
//! Each read is one statement for any number of customers; the list travels as one JSON value.
//! Sums and counted orders are in the customer's own currency only. Cancelled and deleted documents
//! count nowhere; credit notes count negative.

use super::{Batch, Db, FromRow, StoreError, Tx, json_list, sql};
use crate::model::Timestamp;

/// Bounds of the periods, as `YYYY-MM-DD`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Periods {
    pub today: String,
    /// First day of the 12 months that end today.
    pub year: String,
    /// First day of the 12 months before.
    pub prev: String,
    /// First day of the first calendar month wanted.
    pub months: String,
}

/// One kind of record of one customer, added up.
#[derive(Debug, FromRow)]
pub struct Total {
    /// `customer`, `order`, `shipment`, `invoice`, `payment`, `deal`, `quote`, `contract`, `inquiry`, `activity` or
    /// `version`.
    pub part: String,
    pub customer_id: String,
    /// Events on the timeline, also in other currencies.
    pub events: i64,
    /// Documents that count for the figures.
    pub counted: i64,
    pub n12: i64,
    pub n24: i64,
    pub s12: i64,
    pub prev: i64,
    pub s24: i64,
    pub total: i64,
    /// For `customer`: the currency.
    pub first_date: Option<String>,
    pub last_date: Option<String>,
}

/// What one calendar month brought.
#[derive(Debug, FromRow)]
pub struct MonthRow {
    pub part: String,
    pub customer_id: String,
    pub month: String,
    pub n: i64,
    pub net: i64,
}

/// An open invoice or credit note.
#[derive(Debug, FromRow)]
pub struct OpenRow {
    pub customer_id: String,
    pub connection_id: String,
    pub kind: String,
    pub number: String,
    pub corrects: Option<String>,
    pub due_date: Option<String>,
    pub total_minor: i64,
    pub allocated: i64,
}

/// One row of `customer_stat`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatRow {
    pub customer_id: String,
    pub basis: String,
    pub sales_12m: i64,
    pub sales_prev: i64,
    pub ltv: i64,
    pub orders_12m: i64,
    pub orders_24m: i64,
    pub sales_24m: i64,
    pub receivable: i64,
    pub overdue: i64,
    pub first_order: Option<String>,
    pub last_order: Option<String>,
    pub last_contact: Option<String>,
    pub events: i64,
    pub monthly: String,
    pub health: String,
}

/// The sums of one document table; `$2` today, `$3` year, `$4` previous year.
fn document_total(part: &str, table: &str, date: &str, net: &str, ids: &str) -> String {
    format!(
        "SELECT '{part}' AS part, d.customer_id AS customer_id, COUNT(*) AS events,
            CAST(SUM(CASE WHEN {counts} THEN 1 ELSE 0 END) AS BIGINT) AS counted,
            CAST(SUM(CASE WHEN {counts} AND d.{date} >= $3 THEN 1 ELSE 0 END) AS BIGINT) AS n12,
            CAST(SUM(CASE WHEN {counts} AND d.{date} >= $4 THEN 1 ELSE 0 END) AS BIGINT) AS n24,
            CAST(SUM(CASE WHEN {counts} AND d.{date} >= $3 THEN {net} ELSE 0 END) AS BIGINT) AS s12,
            CAST(SUM(CASE WHEN {counts} AND d.{date} >= $4 AND d.{date} < $3 THEN {net} ELSE 0 END) AS BIGINT) AS prev,
            CAST(SUM(CASE WHEN {counts} AND d.{date} >= $4 THEN {net} ELSE 0 END) AS BIGINT) AS s24,
            CAST(SUM(CASE WHEN {counts} THEN {net} ELSE 0 END) AS BIGINT) AS total,
            MIN(CASE WHEN {stands} THEN d.{date} END) AS first_date,
            MAX(CASE WHEN {stands} THEN d.{date} END) AS last_date
         FROM {table} d JOIN customer c ON c.id = d.customer_id
         WHERE {ids} AND d.deleted_at IS NULL GROUP BY d.customer_id",
        stands = format_args!("d.status <> 'cancelled' AND d.{date} <= $2"),
        counts = format_args!("d.status <> 'cancelled' AND d.{date} <= $2 AND d.currency = c.currency"),
    )
}

/// The number and the span of records that carry no sales.
fn plain_total(part: &str, table: &str, first: &str, last: &str, filter: &str) -> String {
    format!(
        "SELECT '{part}', d.customer_id, COUNT(*), 0, 0, 0, 0, 0, 0, 0, {first}, {last}
         FROM {table} d WHERE {filter} GROUP BY d.customer_id"
    )
}

const INVOICE_NET: &str = "(CASE WHEN d.kind = 'credit_note' THEN -d.net_minor ELSE d.net_minor END)";

/// The sums of every part for these customers. Customers that are merged away or unknown have no
/// `customer` part.
pub async fn totals(db: &Db, ids: &[String], periods: &Periods) -> Result<Vec<Total>, StoreError> {
    let dialect = db.dialect();
    let listed = dialect.in_list("d.customer_id", "$1");
    let dated = |part: &str, table: &str, date: &str| {
        let (first, last) = (format!("MIN(d.{date})"), format!("MAX(d.{date})"));
        plain_total(part, table, &first, &last, &format!("{listed} AND d.deleted_at IS NULL"))
    };
    let text = [
        format!(
            "SELECT 'customer' AS part, c.id AS customer_id, CAST(0 AS BIGINT) AS events, CAST(0 AS BIGINT) AS counted,
                CAST(0 AS BIGINT) AS n12, CAST(0 AS BIGINT) AS n24, CAST(0 AS BIGINT) AS s12, CAST(0 AS BIGINT) AS prev,
                CAST(0 AS BIGINT) AS s24, CAST(0 AS BIGINT) AS total, c.currency AS first_date, CAST(NULL AS TEXT) AS last_date
             FROM customer c WHERE {} AND c.merged_into IS NULL",
            dialect.in_list("c.id", "$1")
        ),
        document_total("order", "sales_order", "order_date", "d.net_minor", &listed),
        document_total("invoice", "invoice", "issue_date", INVOICE_NET, &listed),
        dated("shipment", "shipment", "ship_date"),
        dated("payment", "payment", "paid_date"),
        dated("deal", "deal_move", "move_date"),
        dated("quote", "quote", "issue_date"),
        dated("contract", "contract", "start_date"),
        dated("inquiry", "inquiry", "received_date"),
        plain_total(
            "activity",
            "activity",
            "MIN(d.activity_date)",
            "MAX(CASE WHEN d.activity_date <= $2 THEN d.activity_date END)",
            &listed,
        ),
        format!(
            "SELECT 'version', d.record_id, COUNT(*), 0, 0, 0, 0, 0, 0, 0, CAST(NULL AS TEXT), CAST(NULL AS TEXT)
             FROM version d WHERE {} GROUP BY d.record_id",
            dialect.in_list("d.record_id", "$1")
        ),
    ]
    .join(" UNION ALL ");
    sql(text).bind(json_list(ids)).bind(&periods.today).bind(&periods.year).bind(&periods.prev).all(db).await
}

/// Orders and invoices by calendar month.
pub async fn months(db: &Db, ids: &[String], periods: &Periods) -> Result<Vec<MonthRow>, StoreError> {
    let listed = db.dialect().in_list("d.customer_id", "$1");
    let part = |part: &str, table: &str, date: &str, net: &str| {
        format!(
            "SELECT '{part}' AS part, d.customer_id AS customer_id, SUBSTR(d.{date}, 1, 7) AS month,
                COUNT(*) AS n, CAST(SUM({net}) AS BIGINT) AS net
             FROM {table} d JOIN customer c ON c.id = d.customer_id
             WHERE {listed} AND d.deleted_at IS NULL AND d.status <> 'cancelled' AND d.currency = c.currency
                AND d.{date} >= $2 AND d.{date} <= $3
             GROUP BY d.customer_id, SUBSTR(d.{date}, 1, 7)"
        )
    };
    let text = format!(
        "{} UNION ALL {}",
        part("order", "sales_order", "order_date", "d.net_minor"),
        part("invoice", "invoice", "issue_date", INVOICE_NET)
    );
    sql(text).bind(json_list(ids)).bind(&periods.months).bind(&periods.today).all(db).await
}

/// Open invoices and credit notes with what payments already cover. An allocation names an invoice
/// by its number, which is unique only within one connection.
pub async fn open_documents(db: &Db, ids: &[String]) -> Result<Vec<OpenRow>, StoreError> {
    let text = format!(
        "SELECT d.customer_id, d.connection_id, d.kind, d.number, d.corrects, d.due_date, d.total_minor,
            CAST(COALESCE((SELECT SUM(a.amount_minor) FROM payment_allocation a JOIN payment p ON p.id = a.payment_id
                WHERE a.invoice_number = d.number AND p.connection_id = d.connection_id
                    AND p.currency = d.currency AND p.deleted_at IS NULL), 0) AS BIGINT) AS allocated
         FROM invoice d JOIN customer c ON c.id = d.customer_id
         WHERE {} AND d.deleted_at IS NULL AND d.status = 'open' AND d.currency = c.currency",
        db.dialect().in_list("d.customer_id", "$1")
    );
    sql(text).bind(json_list(ids)).all(db).await
}

/// Writes the rows and removes those of `ids` that are no customers any more. A row that a later
/// read already replaced is left alone.
pub async fn write(tx: &mut Tx, ids: &[String], rows: Vec<StatRow>, at: Timestamp) -> Result<(), StoreError> {
    let mut batch = Batch::new(
        "customer_stat",
        &[
            "customer_id",
            "basis",
            "sales_12m_minor",
            "sales_prev_minor",
            "ltv_minor",
            "orders_12m",
            "orders_24m",
            "sales_24m_minor",
            "receivable_minor",
            "overdue_minor",
            "first_order",
            "last_order",
            "last_contact",
            "events",
            "monthly",
            "health",
            "refreshed_at",
        ],
    );
    for row in rows {
        let StatRow {
            customer_id,
            basis,
            sales_12m,
            sales_prev,
            ltv,
            orders_12m,
            orders_24m,
            sales_24m,
            receivable,
            overdue,
            first_order,
            last_order,
            last_contact,
            events,
            monthly,
            health,
        } = row;
        batch.push([
            customer_id.into(),
            basis.into(),
            sales_12m.into(),
            sales_prev.into(),
            ltv.into(),
            orders_12m.into(),
            orders_24m.into(),
            sales_24m.into(),
            receivable.into(),
            overdue.into(),
            first_order.into(),
            last_order.into(),
            last_contact.into(),
            events.into(),
            monthly.into(),
            health.into(),
            at.into(),
        ]);
    }
    batch
        .insert(
            tx,
            "ON CONFLICT (customer_id) DO UPDATE SET basis = excluded.basis,
                sales_12m_minor = excluded.sales_12m_minor, sales_prev_minor = excluded.sales_prev_minor,
                ltv_minor = excluded.ltv_minor, orders_12m = excluded.orders_12m, orders_24m = excluded.orders_24m,
                sales_24m_minor = excluded.sales_24m_minor, receivable_minor = excluded.receivable_minor,
                overdue_minor = excluded.overdue_minor, first_order = excluded.first_order,
                last_order = excluded.last_order, last_contact = excluded.last_contact, events = excluded.events,
                monthly = excluded.monthly, health = excluded.health, refreshed_at = excluded.refreshed_at
             WHERE customer_stat.refreshed_at <= excluded.refreshed_at",
        )
        .await?;
    let text = format!(
        "DELETE FROM customer_stat WHERE {} AND NOT EXISTS
            (SELECT 1 FROM customer c WHERE c.id = customer_stat.customer_id AND c.merged_into IS NULL)",
        tx.dialect().in_list("customer_id", "$1")
    );
    sql(text).bind(json_list(ids)).execute(tx).await?;
    Ok(())
}

/// Customers after `after` by id, for loops over everyone that can stop and go on.
pub async fn ids_after(db: &Db, after: &str, limit: i64) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> =
        sql("SELECT id FROM customer WHERE merged_into IS NULL AND id > $1 ORDER BY id LIMIT $2")
            .bind(after)
            .bind(limit)
            .all(db)
            .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Customers whose figures are older than their documents, older than `since` (the start of the
/// organisation's day), or missing.
pub async fn stale(db: &Db, since: Timestamp) -> Result<Vec<String>, StoreError> {
    // Received times are taken before the commit that stores them.
    let slack = 60 * Timestamp::SECOND;
    let document = |table: &str, column: &str| {
        format!(
            "SELECT d.customer_id FROM {table} d JOIN customer_stat s ON s.customer_id = d.customer_id
             WHERE d.{column} > s.refreshed_at - $2"
        )
    };
    let text = format!(
        "SELECT c.id FROM customer c LEFT JOIN customer_stat s ON s.customer_id = c.id
         WHERE c.merged_into IS NULL
            AND (s.customer_id IS NULL OR s.refreshed_at < $1 OR c.updated_at > s.refreshed_at - $2)
         UNION {} UNION {} UNION {} UNION {} UNION {} UNION {} UNION {} UNION {} UNION {}
         UNION SELECT s.customer_id FROM customer_stat s JOIN customer c ON c.id = s.customer_id
            WHERE c.merged_into IS NOT NULL
         ORDER BY 1",
        document("sales_order", "received_at"),
        document("shipment", "received_at"),
        document("invoice", "received_at"),
        document("payment", "received_at"),
        document("deal", "received_at"),
        document("quote", "received_at"),
        document("contract", "received_at"),
        document("inquiry", "received_at"),
        document("activity", "created_at"),
    );
    let rows: Vec<(String,)> = sql(text).bind(since).bind(slack).all(db).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Customers whose figures some node wrote after `since`, with the time of that.
pub async fn refreshed_after(db: &Db, since: Timestamp) -> Result<Vec<(String, i64)>, StoreError> {
    sql("SELECT customer_id, refreshed_at FROM customer_stat WHERE refreshed_at > $1 ORDER BY refreshed_at")
        .bind(since)
        .all(db)
        .await
}
