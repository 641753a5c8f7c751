//! The history of one customer, one index range for each kind of event.

use super::{Db, FromRow, InView, StoreError, json_list, product::called, sql};

/// One event; what `a` to `e` and `n` hold depends on the kind (see the statement).
#[derive(Debug, FromRow)]
pub struct EventRow {
    /// `order`, `shipment`, `invoice`, `credit_note`, `payment`, `deal`, `quote`, `contract`, `inquiry`, `activity` or
    /// `version`.
    pub kind: String,
    pub id: String,
    /// Empty for versions: their day depends on the zone.
    pub date: String,
    pub at: Option<i64>,
    pub connection_id: Option<String>,
    pub title: String,
    pub amount: Option<i64>,
    pub currency: Option<String>,
    pub a: Option<String>,
    pub b: Option<String>,
    pub c: Option<String>,
    pub d: Option<String>,
    pub e: Option<String>,
    pub n: i64,
}

/// Where to read. A limit of 0 leaves a kind out, so the statement text never changes.
#[derive(Clone, Debug)]
pub struct Range<'a> {
    pub customer: &'a InView,
    pub from: String,
    pub to: String,
    /// The last event that was listed: day, instant (0: none), id.
    pub day: String,
    pub at: i64,
    pub id: String,
    /// `from` and the end of `to` as instants, then start and end of `day`.
    pub instants: [i64; 4],
    pub connection_id: Option<&'a str>,
    pub actor: Option<&'a str>,
    /// Orders, invoices and credit notes, payments, activities, versions, shipments, steps of deals, quotes, contracts,
    /// inquiries.
    pub limits: [i64; 10],
    pub invoice_kinds: [&'a str; 2],
}

fn documents(table: &str, date: &str, filter: &str, limit: u8) -> String {
    format!(
        "(SELECT d.* FROM {table} d WHERE d.customer_id = $1 AND d.deleted_at IS NULL
            AND d.{date} >= $2 AND d.{date} <= $3
            AND (d.{date} < $4 OR (d.{date} = $4 AND (COALESCE(d.occurred_at, 0) < $5
                OR (COALESCE(d.occurred_at, 0) = $5 AND d.id < $6))))
            AND ($11 IS NULL OR d.connection_id = $11) AND $12 IS NULL {filter}
          ORDER BY d.{date} DESC, COALESCE(d.occurred_at, 0) DESC, d.id DESC LIMIT ${limit})"
    )
}

/// At most `limits` newest events of each kind, in no order between kinds.
pub async fn events(db: &Db, range: &Range<'_>) -> Result<Vec<EventRow>, StoreError> {
    let text = format!(
        "SELECT 'order' AS kind, o.id AS id, o.order_date AS date, o.occurred_at AS at, o.connection_id AS connection_id,
            o.number AS title, o.total_minor AS amount, o.currency AS currency, o.status AS a, o.delivery_date AS b,
            (SELECT {order_line} FROM sales_order_line l WHERE l.order_id = o.id ORDER BY l.line_no LIMIT 1) AS c,
            (SELECT l.quantity || COALESCE(l.unit, '') FROM sales_order_line l WHERE l.order_id = o.id
                ORDER BY l.line_no LIMIT 1) AS d,
            o.subject AS e, o.line_count AS n
         FROM {orders} o
         UNION ALL SELECT i.kind, i.id, i.issue_date, i.occurred_at, i.connection_id, i.number, i.total_minor, i.currency,
            i.status, i.closing_date, i.due_date, i.corrects, i.registration_number, i.line_count
         FROM {invoices} i
         UNION ALL SELECT 'payment', p.id, p.paid_date, p.occurred_at, p.connection_id, COALESCE(p.number, ''),
            p.amount_minor, p.currency, p.method, NULL, NULL, NULL, NULL, 0
         FROM {payments} p
         UNION ALL SELECT 'shipment', s.id, s.ship_date, s.occurred_at, s.connection_id, s.number, NULL, NULL,
            s.status, COALESCE(s.carrier || ' ', '') || COALESCE(s.tracking, ''),
            (SELECT {shipment_line} FROM shipment_line l WHERE l.shipment_id = s.id ORDER BY l.line_no LIMIT 1),
            (SELECT l.quantity || COALESCE(l.unit, '') FROM shipment_line l WHERE l.shipment_id = s.id
                ORDER BY l.line_no LIMIT 1),
            s.subject, s.line_count
         FROM {shipments} s
         UNION ALL SELECT 'deal', m.id, m.move_date, m.occurred_at, m.connection_id, m.name, m.amount_minor, m.currency,
            m.status, m.stage, CAST(m.probability AS TEXT), m.expected_date, NULL, CASE WHEN m.first THEN 0 ELSE 1 END
         FROM {deals} m
         UNION ALL SELECT 'quote', q.id, q.issue_date, q.occurred_at, q.connection_id, q.number, q.total_minor,
            q.currency, q.status, q.valid_until,
            (SELECT {quote_line} FROM quote_line l WHERE l.quote_id = q.id ORDER BY l.line_no LIMIT 1),
            (SELECT l.quantity || COALESCE(l.unit, '') FROM quote_line l WHERE l.quote_id = q.id
                ORDER BY l.line_no LIMIT 1),
            q.subject, q.line_count
         FROM {quotes} q
         UNION ALL SELECT 'contract', t.id, t.start_date, t.occurred_at, t.connection_id, t.name, t.amount_minor,
            t.currency, t.status, t.end_date, t.number, NULL, NULL, 0
         FROM {contracts} t
         UNION ALL SELECT 'inquiry', y.id, y.received_date, y.occurred_at, y.connection_id, y.subject, NULL, NULL,
            y.status, y.channel, y.note, y.owner, NULL, 0
         FROM {inquiries} y
         UNION ALL SELECT 'activity', a.id, a.activity_date, a.occurred_at, NULL, a.subject, NULL, NULL, a.kind, a.note,
            COALESCE((SELECT u.name FROM app_user u WHERE u.id = a.actor), a.actor), NULL, NULL, 0
         FROM (SELECT d.* FROM activity d WHERE d.customer_id = $1 AND d.activity_date >= $2 AND d.activity_date <= $3
                AND (d.activity_date < $4 OR (d.activity_date = $4 AND (d.occurred_at < $5
                    OR (d.occurred_at = $5 AND d.id < $6))))
                AND $11 IS NULL AND ($12 IS NULL OR d.actor = $12)
              ORDER BY d.activity_date DESC, d.occurred_at DESC, d.id DESC LIMIT $16) a
         UNION ALL SELECT 'version', v.record_id || '.' || CAST(v.seq AS TEXT), '', v.valid_from, v.connection_id, '',
            NULL, NULL, v.reason, v.body,
            (SELECT b.body FROM version b WHERE b.record_id = v.record_id AND b.seq < v.seq ORDER BY b.seq DESC LIMIT 1),
            COALESCE((SELECT u.name FROM app_user u WHERE u.id = v.actor), v.actor), NULL, v.seq
         FROM (SELECT d.* FROM version d WHERE d.record_id = $1 AND d.valid_from >= $7 AND d.valid_from < $8
                AND (d.valid_from < $9 OR (d.valid_from < $10 AND (d.valid_from < $5
                    OR (d.valid_from = $5 AND d.record_id || '.' || CAST(d.seq AS TEXT) < $6))))
                AND ($11 IS NULL OR d.connection_id = $11) AND ($12 IS NULL OR d.actor = $12)
              ORDER BY d.valid_from DESC, d.seq DESC LIMIT $17) v",
        orders = documents("sales_order", "order_date", "", 13),
        invoices = documents("invoice", "issue_date", "AND (d.kind = $23 OR d.kind = $24)", 14),
        payments = documents("payment", "paid_date", "", 15),
        shipments = documents("shipment", "ship_date", "", 18),
        deals = documents("deal_move", "move_date", "", 19),
        quotes = documents("quote", "issue_date", "", 20),
        contracts = documents("contract", "start_date", "", 21),
        inquiries = documents("inquiry", "received_date", "", 22),
        quote_line = called("l", "q"),
        order_line = called("l", "o"),
        shipment_line = called("l", "s"),
    );
    sql(text)
        .bind(range.customer.id())
        .bind(&range.from)
        .bind(&range.to)
        .bind(&range.day)
        .bind(range.at)
        .bind(&range.id)
        .bind_all(range.instants.map(Into::into))
        .bind(range.connection_id)
        .bind(range.actor)
        .bind_all(range.limits.map(Into::into))
        .bind(range.invoice_kinds[0])
        .bind(range.invoice_kinds[1])
        .all(db)
        .await
}

/// Number and first day of one kind.
#[derive(Debug, FromRow)]
pub struct CountRow {
    pub kind: String,
    pub n: i64,
    pub first_date: Option<String>,
    pub first_at: Option<i64>,
}

/// How many events of each kind there are.
pub async fn counts(db: &Db, seen: &InView) -> Result<Vec<CountRow>, StoreError> {
    let part = |kind: &str, table: &str, date: &str, alive: &str| {
        format!(
            "SELECT '{kind}' AS kind, COUNT(*) AS n, MIN({date}) AS first_date, CAST(NULL AS BIGINT) AS first_at
             FROM {table} WHERE customer_id = $1 {alive}"
        )
    };
    let alive = "AND deleted_at IS NULL";
    let text = [
        part("order", "sales_order", "order_date", alive),
        part("shipment", "shipment", "ship_date", alive),
        part("invoice", "invoice", "issue_date", alive),
        part("payment", "payment", "paid_date", alive),
        part("deal", "deal_move", "move_date", alive),
        part("quote", "quote", "issue_date", alive),
        part("contract", "contract", "start_date", alive),
        part("inquiry", "inquiry", "received_date", alive),
        part("activity", "activity", "activity_date", ""),
        "SELECT 'version', COUNT(*), CAST(NULL AS TEXT), MIN(valid_from) FROM version WHERE record_id = $1".to_owned(),
    ]
    .join(" UNION ALL ");
    sql(text).bind(seen.id()).all(db).await
}

/// Something that belongs to an event: `number` (of an invoice or order) or `line` (what it is called).
#[derive(Debug, FromRow)]
pub struct PartRow {
    pub part: String,
    pub id: String,
    pub value: String,
}

/// Numbers of the invoices that payments cover, and of the orders that shipments fulfil.
pub async fn numbers(db: &Db, documents: &[String]) -> Result<Vec<PartRow>, StoreError> {
    let dialect = db.dialect();
    sql(format!(
        "SELECT 'number' AS part, payment_id AS id, invoice_number AS value FROM payment_allocation WHERE {}
         UNION ALL SELECT 'number', shipment_id, order_number FROM shipment_order WHERE {}
         ORDER BY id, value",
        dialect.in_list("payment_id", "$1"),
        dialect.in_list("shipment_id", "$1")
    ))
    .bind(json_list(documents))
    .all(db)
    .await
}

/// What stands in the lines of these orders, quotes, shipments and invoices, for searching.
pub async fn line_texts(db: &Db, documents: &[String]) -> Result<Vec<PartRow>, StoreError> {
    let dialect = db.dialect();
    let part = |table: &str, lines: &str, key: &str| {
        format!(
            "SELECT 'line' AS part, d.id AS id, COALESCE(l.product_code, '') || ' ' || {} AS value
             FROM {lines} l JOIN {table} d ON d.id = l.{key} WHERE {}",
            called("l", "d"),
            dialect.in_list(&format!("l.{key}"), "$1")
        )
    };
    let parts = [
        part("sales_order", "sales_order_line", "order_id"),
        part("shipment", "shipment_line", "shipment_id"),
        part("invoice", "invoice_line", "invoice_id"),
        part("quote", "quote_line", "quote_id"),
    ];
    sql(parts.join(" UNION ALL ")).bind(json_list(documents)).all(db).await
}

/// Name and tile of each connection.
pub async fn connections(db: &Db) -> Result<Vec<(String, String, String)>, StoreError> {
    sql("SELECT id, name, kind FROM connection").all(db).await
}
