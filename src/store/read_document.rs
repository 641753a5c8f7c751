//! One document with everything that belongs to it.

use super::{Db, FromRow, InView, On, StoreError, product::called, scope, sql};

/// The head of a document; columns that a kind does not have are NULL.
#[derive(Debug, FromRow)]
pub struct HeadRow {
    /// `order`, `shipment`, `invoice`, `credit_note`, `payment`, `deal`, `quote`, `contract` or `inquiry`.
    pub kind: String,
    pub id: String,
    pub customer_id: String,
    /// `None`: typed into the hub.
    pub connection_id: Option<String>,
    pub source_name: Option<String>,
    pub source_kind: Option<String>,
    pub external_id: Option<String>,
    pub number: Option<String>,
    pub date: String,
    pub delivery_date: Option<String>,
    pub closing_date: Option<String>,
    pub due_date: Option<String>,
    pub valid_until: Option<String>,
    pub expected_date: Option<String>,
    pub closed_date: Option<String>,
    pub end_date: Option<String>,
    pub status: Option<String>,
    pub stage: Option<String>,
    /// Percent.
    pub probability: Option<i64>,
    pub reason: Option<String>,
    pub owner: Option<String>,
    pub renewal: Option<String>,
    pub channel: Option<String>,
    pub answered_at: Option<i64>,
    pub note: Option<String>,
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
    /// `tax`, `order`, `shipment`, `invoice`, `deal`, `quote`, `covers` (a payment's invoice) or `covered` (an invoice's payment).
    pub part: String,
    pub id: Option<String>,
    pub text: String,
    pub date: Option<String>,
    pub first: i64,
    pub second: i64,
}

/// Columns of a head that not every kind has, with their types.
const OWN: [(&str, &str); 33] = [
    ("kind", "TEXT"),
    ("number", "TEXT"),
    ("date", "TEXT"),
    ("delivery_date", "TEXT"),
    ("closing_date", "TEXT"),
    ("due_date", "TEXT"),
    ("valid_until", "TEXT"),
    ("expected_date", "TEXT"),
    ("closed_date", "TEXT"),
    ("end_date", "TEXT"),
    ("status", "TEXT"),
    ("stage", "TEXT"),
    ("probability", "BIGINT"),
    ("reason", "TEXT"),
    ("owner", "TEXT"),
    ("renewal", "TEXT"),
    ("channel", "TEXT"),
    ("answered_at", "BIGINT"),
    ("note", "TEXT"),
    ("subject", "TEXT"),
    ("bill_to", "TEXT"),
    ("bill_to_name", "TEXT"),
    ("ship_to", "TEXT"),
    ("ship_to_name", "TEXT"),
    ("ship_to_customer", "TEXT"),
    ("corrects", "TEXT"),
    ("registration_number", "TEXT"),
    ("method", "TEXT"),
    ("carrier", "TEXT"),
    ("tracking", "TEXT"),
    ("net_minor", "BIGINT"),
    ("tax_minor", "BIGINT"),
    ("total_minor", "BIGINT"),
];

const SITE: [(&str, &str); 3] = [
    ("ship_to", "d.ship_to"),
    ("ship_to_name", "(SELECT s.name FROM site s WHERE s.id = d.ship_to)"),
    ("ship_to_customer", "(SELECT s.customer_id FROM site s WHERE s.id = d.ship_to)"),
];

/// A kind of document: its table, its word, its currency, the columns that it has under their own names, and those
/// that are called otherwise.
struct Shape {
    table: &'static str,
    kind: &'static str,
    currency: &'static str,
    same: &'static [&'static str],
    other: &'static [(&'static str, &'static str)],
    /// Goes to a site.
    sited: bool,
}

const TOTALS: [&str; 3] = ["net_minor", "tax_minor", "total_minor"];

/// The kind of document whose ids begin so.
fn shape(prefix: &str) -> Option<Shape> {
    let whole = |table, kind, same, other| Shape { table, kind, currency: "d.currency", same, other, sited: false };
    Some(match prefix {
        "ord" => Shape {
            sited: true,
            ..whole(
                "sales_order",
                "'order'",
                &["number", "delivery_date", "status", "subject", "bill_to"],
                &[("date", "d.order_date"), ("bill_to_name", "(SELECT b.name FROM customer b WHERE b.id = d.bill_to)")],
            )
        },
        "shp" => Shape {
            currency: "CAST(NULL AS TEXT)",
            sited: true,
            ..whole(
                "shipment",
                "'shipment'",
                &["number", "status", "subject", "carrier", "tracking"],
                &[("date", "d.ship_date")],
            )
        },
        "inv" => whole(
            "invoice",
            "d.kind",
            &["number", "closing_date", "due_date", "status", "corrects", "registration_number"],
            &[("date", "d.issue_date")],
        ),
        "pay" => whole(
            "payment",
            "'payment'",
            &["number", "method"],
            &[("date", "d.paid_date"), ("total_minor", "d.amount_minor")],
        ),
        "dea" => whole(
            "deal",
            "'deal'",
            &["number", "expected_date", "closed_date", "status", "stage", "probability", "reason", "owner"],
            &[("date", "d.opened_date"), ("subject", "d.name"), ("total_minor", "d.amount_minor")],
        ),
        "quo" => {
            whole("quote", "'quote'", &["number", "valid_until", "status", "subject"], &[("date", "d.issue_date")])
        }
        "ctr" => whole(
            "contract",
            "'contract'",
            &["number", "end_date", "status", "renewal", "note"],
            &[("date", "d.start_date"), ("subject", "d.name"), ("total_minor", "d.amount_minor")],
        ),
        "inq" => Shape {
            currency: "CAST(NULL AS TEXT)",
            ..whole(
                "inquiry",
                "'inquiry'",
                &["number", "status", "subject", "channel", "answered_at", "note", "owner"],
                &[("date", "d.received_date")],
            )
        },
        _ => return None,
    })
}

impl Shape {
    fn column(&self, name: &str, kind: &str) -> String {
        let sited = SITE.iter().filter(|_| self.sited);
        let said = self.other.iter().chain(sited).find(|(own, _)| *own == name).map(|(_, text)| (*text).to_owned());
        let totals = matches!(self.table, "sales_order" | "invoice" | "quote") && TOTALS.contains(&name);
        let text = match said {
            Some(text) => text,
            None if name == "kind" => self.kind.to_owned(),
            None if totals || self.same.contains(&name) => format!("d.{name}"),
            None => format!("CAST(NULL AS {kind})"),
        };
        format!("{text} AS {name}")
    }
}

/// The head of any document `d` whose id has this prefix, as a statement that a condition can follow; `None`: there
/// are no documents of that prefix.
pub(super) fn heads(prefix: &str) -> Option<String> {
    let shape = shape(prefix)?;
    let own: Vec<String> = OWN.iter().map(|(name, kind)| shape.column(name, kind)).collect();
    Some(format!(
        "SELECT d.id AS id, d.customer_id AS customer_id, d.connection_id AS connection_id, k.name AS source_name,
            k.kind AS source_kind, d.external_id AS external_id,
            d.occurred_at AS occurred_at, d.received_at AS received_at, d.seq AS seq, d.deleted_at AS deleted_at,
            v.run_id AS run_id, (SELECT r.number FROM run r WHERE r.id = v.run_id) AS run_number,
            {currency} AS currency, {own}
         FROM {table} d
         LEFT JOIN connection k ON k.id = d.connection_id
         LEFT JOIN version v ON v.record_id = d.id AND v.seq =
            (SELECT MAX(w.seq) FROM version w WHERE w.record_id = d.id)",
        currency = shape.currency,
        own = own.join(", "),
        table = shape.table,
    ))
}

/// The table of a kind of document, and its business date; `None`: there are no documents of that prefix.
pub(super) fn table(prefix: &str) -> Option<(&'static str, &'static str)> {
    let shape = shape(prefix)?;
    Some((shape.table, shape.other.iter().find(|(name, _)| *name == "date").map_or("", |(_, text)| text)))
}

/// The head of a record that was typed into the hub, in the transaction that typed it.
pub async fn typed(on: impl Into<On<'_>>, seen: &InView, id: &str) -> Result<Option<HeadRow>, StoreError> {
    let Some(heads) = heads(id.split_once('_').map_or("", |(prefix, _)| prefix)) else { return Ok(None) };
    sql(format!("{heads} WHERE d.id = $1 AND d.customer_id = $2 AND d.connection_id IS NULL"))
        .bind(id)
        .bind(seen.id())
        .optional(on)
        .await
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

/// The lines of an order, a quote, a shipment or an invoice, each under its own words or its product's name.
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
        part("quote", "quote_line", "quote_id", priced),
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
         UNION ALL SELECT 'quote', q.id, q.number, q.issue_date, q.total_minor, 0
            FROM quote q WHERE q.deal_id = $1 AND q.customer_id = $2 AND q.deleted_at IS NULL
         UNION ALL SELECT 'order', (SELECT MIN(o.id) FROM sales_order o WHERE o.number = x.order_number
                AND o.customer_id = $2 AND o.deleted_at IS NULL), x.order_number, NULL, 0, 0
            FROM deal x WHERE x.id = $1 AND x.order_number IS NOT NULL
         UNION ALL SELECT 'deal', x.id, x.name, x.opened_date, 0, 0
            FROM quote q JOIN deal x ON x.id = q.deal_id
            WHERE q.id = $1 AND x.customer_id = $2 AND x.deleted_at IS NULL
         UNION ALL SELECT 'deal', x.id, x.name, x.opened_date, 0, 0
            FROM deal x
            WHERE $5 = 'order' AND x.customer_id = $2 AND x.order_number = $3 AND x.deleted_at IS NULL
         ORDER BY part, date, text")
    .bind(&head.id)
    .bind(&head.customer_id)
    .bind(head.number.clone())
    .bind(head.connection_id.clone())
    .bind(&head.kind)
    .bind(seen.view().departments().is_none())
    .all(db)
    .await
}
