//! A hub with the sample company's books and rows that are out of the ordinary, and a tool that reads them.

use std::collections::BTreeMap;

use musubi::{
    identity::{Role, Scope},
    samples,
    store::sql,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::{
    hub::TestHub,
    real::TestDatabase,
    tokens::scene::{Answer, client, read, service, token},
};

pub const SERVICE: &str = "/odata/v4";

/// A tool with a token.
pub struct Tool {
    client: reqwest::Client,
    pub service: String,
    secret: String,
}

impl Tool {
    pub fn new(t: &TestHub, secret: &SecretString) -> Self {
        Self { client: client(), service: format!("{}{SERVICE}", t.url), secret: secret.expose_secret().to_owned() }
    }

    /// With a service account of its own.
    pub async fn of(t: &TestHub, role: Role) -> Self {
        let name = format!("分析 {}", t.count("SELECT COUNT(*) FROM app_user").await);
        Self::new(t, &token(t, &service(t, &name, role).await, &[Scope::BiRead]).await)
    }

    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// A request by HTTP Basic, as spreadsheets make it. `path` is below the service, or an address.
    pub fn request(&self, path: &str) -> reqwest::RequestBuilder {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.service) };
        self.client.get(url).basic_auth("excel", Some(&self.secret))
    }

    #[track_caller]
    pub fn get<'a>(&'a self, path: &'a str, status: u16) -> impl Future<Output = Answer> + 'a {
        let from = std::panic::Location::caller();
        async move {
            let answer = read(self.request(path)).await;
            assert_eq!(answer.status, status, "{from}: {path}: {}", answer.body);
            answer
        }
    }

    /// Every row of an address, page by page, with numbers as text.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let exact = "application/json;IEEE754Compatible=true";
        let (mut rows, mut next) = (Vec::new(), path.to_owned());
        loop {
            let answer = read(self.request(&next).header("accept", exact)).await;
            assert_eq!(answer.status, 200, "{next}: {}", answer.body);
            let found = answer.body["value"].as_array().unwrap();
            rows.extend(found.iter().cloned());
            match answer.body["@odata.nextLink"].as_str() {
                Some(link) => next = link.to_owned(),
                None => return rows,
            }
            assert!(!found.is_empty(), "an empty page with a next one");
        }
    }
}

/// Filters of a client, encoded.
pub fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The sample company's books and the odd rows.
pub async fn filled(database: &TestDatabase) -> TestHub {
    let t = TestHub::start(database).await;
    samples::load(t.hub()).await.unwrap();
    t.synced().await;
    put_odd(&t).await;
    t.hub().refresher.settle().await;
    t
}

/// The odd rows alone.
pub async fn odd(database: &TestDatabase) -> TestHub {
    let t = TestHub::start(database).await;
    put_odd(&t).await;
    t
}

async fn put_odd(t: &TestHub) {
    let mut tx = t.hub().db.begin().await.unwrap();
    for statement in ODD {
        sql(statement).execute(&mut tx).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// Rows that nobody plans for: other currencies, amounts that no float holds, quotes, wide letters, nothing at all,
/// deleted and merged ones.
const ODD: [&str; 15] = [
    "INSERT INTO customer (id, kind, code, name, name_kana, name_key, phone, mail, address, department, department_key,
        credit_limit_minor, currency, provenance, seq, sample, created_at, updated_at, merged_into, payment_terms)
     VALUES ('cus_odd1', 'corporation', 'O''1', 'O''Brien & Söhne ＡＢＣ株式会社 100%_\\', NULL, 'obrien', '03-0000-0001', NULL,
        '東京都', '営業一課', '営業一課', 9007199254740993, 'USD', '{}', 1, FALSE, 1700000000123456, 1700000000000001, NULL, '月末'),
        ('cus_odd2', 'person', NULL, '  個人 一郎　', 'コジン', 'kojin', '090-7777-0001', 'jibun@jitaku.example', 'ひみつ町',
        NULL, NULL, NULL, 'BHD', '{}', 1, FALSE, 1, 0, NULL, NULL),
        ('cus_odd3', 'corporation', 'M', '合併された会社', NULL, 'm', NULL, NULL, NULL, NULL, NULL, 1, 'JPY', '{}', 1, FALSE, 1, 1,
        'cus_odd1', NULL)",
    "INSERT INTO sales_order (id, customer_id, connection_id, external_id, number, order_date, status, currency, net_minor,
        tax_minor, total_minor, line_count, occurred_at, seq, received_at, deleted_at, subject, bill_to)
     VALUES ('ord_odd1', 'cus_odd1', 'con_odd', 'x1', 'a''b', '2024-02-29', 'open', 'USD', 9007199254740993, -1,
        9007199254740992, 2, 1700000000000001, 1, 1700000000999999, NULL, NULL, 'cus_odd2'),
        ('ord_odd2', 'cus_odd1', 'con_odd', 'x2', 'A%B', '1999-12-31', 'closed', 'BHD', 1, 0, 1, 0, NULL, 1, 1, NULL, '', NULL),
        ('ord_odd3', 'cus_odd2', 'con_odd', 'x3', 'ａｂ', '2026-01-01', 'open', 'CLF', -12345, 5, -12340, 0, NULL, 1, 2, NULL,
        'émile', NULL),
        ('ord_odd4', 'cus_odd2', 'con_odd', 'x4', 'gone', '2026-01-01', 'open', 'JPY', 1, 0, 1, 0, NULL, 2, 2, 3, NULL, NULL)",
    "INSERT INTO sales_order_line (order_id, line_no, product_code, description, quantity, unit, unit_price, amount_minor, tax_rate)
     VALUES ('ord_odd1', 1, 'P''1', '', '0.333', '個', '-12345678901234567890.1234567', 1, '8'),
        ('ord_odd1', 2, NULL, '改行\nと\"引用\"', '-7', NULL, NULL, -100, NULL), ('ord_odd4', 1, NULL, 'gone', '1', NULL, NULL, 1, NULL)",
    "INSERT INTO product (id, connection_id, external_id, code, name, price, currency, active, seq, received_at)
     VALUES ('prd_odd1', 'con_odd', 'p1', 'P''1', '部品 \"一\"', '0.5', 'USD', FALSE, 1, 5)",
    "INSERT INTO invoice (id, customer_id, connection_id, external_id, number, kind, corrects, issue_date, due_date, status,
        currency, net_minor, tax_minor, total_minor, line_count, seq, received_at)
     VALUES ('inv_odd1', 'cus_odd1', 'con_odd', 'i1', 'I/1', 'invoice', NULL, '2026-10-01', '2026-10-31', 'open', 'USD', 12345, 0,
        12345, 1, 1, 7), ('inv_odd2', 'cus_odd1', 'con_odd', 'i2', 'C/1', 'credit_note', 'I/1', '2026-10-02', NULL, 'open', 'USD',
        345, 0, 345, 1, 1, 8)",
    "INSERT INTO invoice_line (invoice_id, line_no, description, amount_minor) VALUES ('inv_odd1', 1, 'a', 12345), ('inv_odd2', 1, 'b', 345)",
    "INSERT INTO invoice_tax (invoice_id, rate, taxable_minor, tax_minor) VALUES ('inv_odd1', '10', 12345, 0), ('inv_odd2', '0', 345, 0)",
    "INSERT INTO payment (id, customer_id, connection_id, external_id, number, paid_date, currency, amount_minor, seq, received_at)
     VALUES ('pay_odd1', 'cus_odd2', 'con_odd', 'y1', NULL, '2026-11-01', 'USD', 12000, 1, 9)",
    "INSERT INTO payment_allocation (payment_id, invoice_number, amount_minor) VALUES ('pay_odd1', 'I/1', 11999), ('pay_odd1', 'なし', 1)",
    "INSERT INTO site (id, customer_id, connection_id, external_id, code, role, name, address, phone, closing_day, seq, updated_at)
     VALUES ('sit_odd1', 'cus_odd2', 'con_odd', 's1', NULL, 'ship_to', '自宅', 'ひみつ町', '090-7777-0009', '20', 1, 4),
        ('sit_odd2', 'cus_odd1', 'con_odd', 's2', '02', 'both', '倉庫', '横浜市', NULL, NULL, 1, 4)",
    "INSERT INTO contact (id, customer_id, connection_id, external_id, name, mail, phone, seq, updated_at)
     VALUES ('cnt_odd1', 'cus_odd1', 'con_odd', 'k1', '担当 花', 'tanto@kojin.example', '080-5555-0001', 1, 4)",
    "INSERT INTO shipment (id, customer_id, connection_id, external_id, number, ship_date, status, ship_to, line_count, seq, received_at)
     VALUES ('shp_odd1', 'cus_odd1', 'con_odd', 'h1', 'S-1', '2026-10-03', 'shipped', 'sit_odd1', 1, 1, 6)",
    "INSERT INTO shipment_line (shipment_id, line_no, product_code, description, quantity) VALUES ('shp_odd1', 1, 'nope', '', '2.50')",
    "INSERT INTO activity (id, customer_id, kind, subject, note, activity_date, occurred_at, actor, seq, created_at)
     VALUES ('act_odd1', 'cus_odd1', 'visit', '訪問', '内緒', '2026-10-05', 1759622400000000, 'usr_x', 1, 1759622400000000)",
    "UPDATE sales_order SET ship_to = 'sit_odd1' WHERE id = 'ord_odd1'",
];

/// Rows by set, as the feed gives them to who sees everything: every value as text.
pub async fn everything(tool: &Tool) -> BTreeMap<String, Vec<Value>> {
    let sets = tool.get("", 200).await.body;
    let mut found = BTreeMap::new();
    for set in sets["value"].as_array().unwrap() {
        let name = set["name"].as_str().unwrap();
        found.insert(name.to_owned(), tool.all(&format!("/{name}")).await);
    }
    found
}

/// A value as text; none for null.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
