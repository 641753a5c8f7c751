//! One order, shipment, invoice or payment with everything that belongs to it.

use super::{
    Db, FromRow, InView, StoreError,
    product::called,
    scope, sql,
};

/// The head of a document; columns that a kind does not have are NULL.
#[derive(Debug, FromRow)]
pub struct HeadRow {
    /// `order`, `shipment`, `invoice`, `credit_note` or `payment`.
    pub kind: String,
    pub id: String,
    pub customer_id: String,
    pub connection_id: String,
    pub source_name: Option<String>,
    pub source_kind: Option<String>,
    pub external_id: String,
    pub number: Option<String>,
    pub date: String,
    pub delivery_date: Option<String>,
    pub closing_date: Option<String>,
    pub due_date: Option<String>,
    pub status: Option<String>,
    pub subject: Option<String>,
    pub bill_to: Option<String>,
    pub bill_to_name: Option<String>,
    /// Site id.
    pub ship_to: Option<String>,
    pub ship_to_name: Option<String>,
    /// Whose site that is.
    pub ship_to_customer: Option<String>,
    pub corrects: Option<String>,
    pub registration_number: Option<String>,
    pub method: Option<String>,
    pub carrier: Option<String>,
    pub tracking: Option<String>,
    pub currency: Option<String>,
    pub net_minor: Option<i64>,
    pub tax_minor: Option<i64>,
    pub total_minor: Option<i64>,
    pub occurred_at: Option<i64>,
    pub received_at: i64,
    pub seq: i64,
    pub deleted_at: Option<i64>,
    pub run_id: Option<String>,
    pub run_number: Option<i64>,
}

#[derive(Debug, FromRow)]
pub struct LineRow {
    pub line_no: i64,
    pub product_code: Option<String>,
    pub description: String,
    pub quantity: Option<String>,
    pub unit: Option<String>,
    pub unit_price: Option<String>,
    pub amount_minor: Option<i64>,
    pub tax_rate: Option<String>,
}

/// A tax rate, a related document or an allocation.
#[derive(Debug, FromRow)]
pub struct PieceRow {
    /// `tax`, `order`, `shipment`, `invoice`, `covers` (a payment's invoice) or `covered` (an invoice's payment).
    pub part: String,
    pub id: Option<String>,
    pub text: String,
    pub date: Option<String>,
    pub first: i64,
    pub second: i64,
}

/// The head of any document `d` whose id has this prefix, as a statement that a condition can follow; `None`: there
/// are no documents of that prefix.
pub(super) fn heads(prefix: &str) -> Option<String> {
    let columns = match prefix {
        "ord" => {
            "'order' AS kind, d.number AS number, d.order_date AS date, d.delivery_date AS delivery_date,
             CAST(NULL AS TEXT) AS closing_date, CAST(NULL AS TEXT) AS due_date, d.status AS status,
             d.subject AS subject,
             d.bill_to AS bill_to, (SELECT b.name FROM customer b WHERE b.id = d.bill_to) AS bill_to_name,
             d.ship_to AS ship_to, (SELECT s.name FROM site s WHERE s.id = d.ship_to) AS ship_to_name,
             (SELECT s.customer_id FROM site s WHERE s.id = d.ship_to) AS ship_to_customer, CAST(NULL AS TEXT) AS corrects,
             CAST(NULL AS TEXT) AS registration_number, CAST(NULL AS TEXT) AS method,
             CAST(NULL AS TEXT) AS carrier, CAST(NULL AS TEXT) AS tracking, d.currency AS currency,
             d.net_minor AS net_minor, d.tax_minor AS tax_minor, d.total_minor AS total_minor FROM sales_order d"
        }
        "shp" => {
            "'shipment' AS kind, d.number AS number, d.ship_date AS date, CAST(NULL AS TEXT) AS delivery_date,
             CAST(NULL AS TEXT) AS closing_date, CAST(NULL AS TEXT) AS due_date, d.status AS status,
             d.subject AS subject, CAST(NULL AS TEXT) AS bill_to, CAST(NULL AS TEXT) AS bill_to_name,
             d.ship_to AS ship_to, (SELECT s.name FROM site s WHERE s.id = d.ship_to) AS ship_to_name,
             (SELECT s.customer_id FROM site s WHERE s.id = d.ship_to) AS ship_to_customer, CAST(NULL AS TEXT) AS corrects,
             CAST(NULL AS TEXT) AS registration_number, CAST(NULL AS TEXT) AS method, d.carrier AS carrier,
             d.tracking AS tracking, CAST(NULL AS TEXT) AS currency, CAST(NULL AS BIGINT) AS net_minor,
             CAST(NULL AS BIGINT) AS tax_minor, CAST(NULL AS BIGINT) AS total_minor FROM shipment d"
        }
        "inv" => {
            "d.kind AS kind, d.number AS number, d.issue_date AS date, CAST(NULL AS TEXT) AS delivery_date,
             d.closing_date AS closing_date, d.due_date AS due_date, d.status AS status,
             CAST(NULL AS TEXT) AS subject, CAST(NULL AS TEXT) AS bill_to, CAST(NULL AS TEXT) AS bill_to_name,
             CAST(NULL AS TEXT) AS ship_to, CAST(NULL AS TEXT) AS ship_to_name, CAST(NULL AS TEXT) AS ship_to_customer, d.corrects AS corrects,
             d.registration_number AS registration_number, CAST(NULL AS TEXT) AS method,
             CAST(NULL AS TEXT) AS carrier, CAST(NULL AS TEXT) AS tracking, d.currency AS currency,
             d.net_minor AS net_minor, d.tax_minor AS tax_minor, d.total_minor AS total_minor FROM invoice d"
        }
        "pay" => {
            "'payment' AS kind, d.number AS number, d.paid_date AS date, CAST(NULL AS TEXT) AS delivery_date,
             CAST(NULL AS TEXT) AS closing_date, CAST(NULL AS TEXT) AS due_date, CAST(NULL AS TEXT) AS status,
             CAST(NULL AS TEXT) AS subject, CAST(NULL AS TEXT) AS bill_to, CAST(NULL AS TEXT) AS bill_to_name,
             CAST(NULL AS TEXT) AS ship_to, CAST(NULL AS TEXT) AS ship_to_name, CAST(NULL AS TEXT) AS ship_to_customer, CAST(NULL AS TEXT) AS corrects,
             CAST(NULL AS TEXT) AS registration_number, d.method AS method,
             CAST(NULL AS TEXT) AS carrier, CAST(NULL AS TEXT) AS tracking, d.currency AS currency,
             CAST(NULL AS BIGINT) AS net_minor, CAST(NULL AS BIGINT) AS tax_minor, d.amount_minor AS total_minor FROM payment d"
        }
        _ => return None,
    };
    Some(format!(
        "SELECT d.id AS id, d.customer_id AS customer_id, d.connection_id AS connection_id, k.name AS source_name,
            k.kind AS source_kind, d.external_id AS external_id,
            d.occurred_at AS occurred_at, d.received_at AS received_at, d.seq AS seq, d.deleted_at AS deleted_at,
            v.run_id AS run_id, (SELECT r.number FROM run r WHERE r.id = v.run_id) AS run_number, {columns}
         LEFT JOIN connection k ON k.id = d.connection_id
         LEFT JOIN version v ON v.record_id = d.id AND v.seq =
            (SELECT MAX(w.seq) FROM version w WHERE w.record_id = d.id)"
    ))
}

/// The head of a document of this customer, by the prefix of its id; `None` for unknown ids, other nouns and
/// other customers' documents. What stands on it of customers whom the reader does not see is left out.
pub async fn head(db: &Db, seen: &InView, id: &str) -> Result<Option<HeadRow>, StoreError> {
    let Some(heads) = heads(id.split_once('_').map_or("", |(prefix, _)| prefix)) else { return Ok(None) };
    let found: Option<HeadRow> =
        sql(format!("{heads} WHERE d.id = $1 AND d.customer_id = $2")).bind(id).bind(seen.id()).optional(db).await?;
    match found {
        Some(head) => without_strangers(db, seen, head).await.map(Some),
        None => Ok(None),
    }
}

/// Leaves out payer and site where they are of a customer whom the reader does not see.
async fn without_strangers(db: &Db, seen: &InView, mut head: HeadRow) -> Result<HeadRow, StoreError> {
    let own = |id: &str| id == seen.id();
    if let Some(payer) = head.bill_to.clone().filter(|id| !own(id))
        && scope::in_view(db, seen.view(), &payer).await?.is_none()
    {
        (head.bill_to, head.bill_to_name) = (None, None);
    }
    if let Some(host) = head.ship_to_customer.clone().filter(|id| !own(id))
        && scope::in_view(db, seen.view(), &host).await?.is_none()
    {
        (head.ship_to, head.ship_to_name) = (None, None);
    }
    Ok(head)
}

/// The lines of an order, a shipment or an invoice, each under its own words or its product's name.
pub async fn lines(db: &Db, head: &HeadRow) -> Result<Vec<LineRow>, StoreError> {
    let part = |table: &str, lines: &str, key: &str, amounts: &str| {
        format!(
            "SELECT l.line_no AS line_no, l.product_code AS product_code, {} AS description, l.quantity AS quantity,
                l.unit AS unit, {amounts}
             FROM {lines} l JOIN {table} d ON d.id = l.{key} WHERE l.{key} = $1",
            called("l", "d")
        )
    };
    let priced = "l.unit_price AS unit_price, l.amount_minor AS amount_minor, l.tax_rate AS tax_rate";
    let parts = [
        part("sales_order", "sales_order_line", "order_id", priced),
        part("invoice", "invoice_line", "invoice_id", priced),
        part("shipment", "shipment_line", "shipment_id", "NULL, NULL, NULL"),
    ];
    sql(format!("{} ORDER BY line_no", parts.join(" UNION ALL "))).bind(&head.id).all(db).await
}

/// Taxes, related orders, shipments and invoices, allocations. A reader who is limited to departments sees
/// those of the same customer.
pub async fn pieces(db: &Db, seen: &InView, head: &HeadRow) -> Result<Vec<PieceRow>, StoreError> {
    sql("SELECT 'tax' AS part, CAST(NULL AS TEXT) AS id, rate AS text, CAST(NULL AS TEXT) AS date,
            taxable_minor AS first, tax_minor AS second FROM invoice_tax WHERE invoice_id = $1
         UNION ALL SELECT 'order', (SELECT MIN(o.id) FROM sales_order o WHERE o.number = x.order_number
                AND o.customer_id = $2 AND o.deleted_at IS NULL), x.order_number, NULL, 0, 0
            FROM invoice_order x WHERE x.invoice_id = $1
         UNION ALL SELECT 'order', (SELECT MIN(o.id) FROM sales_order o WHERE o.number = x.order_number
                AND o.customer_id = $2 AND o.deleted_at IS NULL), x.order_number, NULL, 0, 0
            FROM shipment_order x WHERE x.shipment_id = $1
         UNION ALL SELECT 'shipment', s.id, s.number, s.ship_date, 0, 0
            FROM shipment s JOIN shipment_order x ON x.shipment_id = s.id
            WHERE $5 = 'order' AND s.customer_id = $2 AND x.order_number = $3 AND s.deleted_at IS NULL
         UNION ALL SELECT 'invoice', i.id, i.number, i.issue_date, i.total_minor, 0
            FROM invoice i JOIN invoice_order x ON x.invoice_id = i.id
            WHERE $5 = 'order' AND i.customer_id = $2 AND x.order_number = $3 AND i.deleted_at IS NULL
         UNION ALL SELECT 'covers', (SELECT MIN(i.id) FROM invoice i WHERE i.number = a.invoice_number
                AND i.connection_id = $4 AND i.deleted_at IS NULL AND ($6 OR i.customer_id = $2)), a.invoice_number, NULL, a.amount_minor, 0
            FROM payment_allocation a WHERE a.payment_id = $1
         UNION ALL SELECT 'covered', p.id, COALESCE(p.number, ''), p.paid_date, a.amount_minor, 0
            FROM payment_allocation a JOIN payment p ON p.id = a.payment_id
            WHERE ($5 = 'invoice' OR $5 = 'credit_note') AND a.invoice_number = $3 AND p.connection_id = $4
                AND p.deleted_at IS NULL AND ($6 OR p.customer_id = $2)
         ORDER BY part, date, text")
    .bind(&head.id)
    .bind(&head.customer_id)
    .bind(head.number.clone())
    .bind(&head.connection_id)
    .bind(&head.kind)
    .bind(seen.view().departments().is_none())
    .all(db)
    .await
}
