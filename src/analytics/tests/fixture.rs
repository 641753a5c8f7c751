//! A small company with every kind of document, small enough to add up by hand.

use jiff::civil::{Date, date};

use crate::store::{self, Batch, Db, Tx, Value, sql};

/// 2026-11-23 09:00 in Tokyo.
pub(super) const NOW: i64 = 1_795_392_000_000_000;

pub(super) fn today() -> Date {
    date(2026, 11, 23)
}

pub(super) struct Fixture {
    pub db: Db,
    _folder: tempfile::TempDir,
}

fn t(text: &str) -> Value {
    text.into()
}

fn none() -> Value {
    Value::Text(None)
}

impl Fixture {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = match std::env::var("TEST_DATABASE_URL") {
            Ok(base) => {
                let schema = format!("t{}", uuid::Uuid::now_v7().simple());
                let admin = store::open(&base, 1).await.unwrap();
                let mut tx = admin.begin().await.unwrap();
                sql(format!("CREATE SCHEMA {schema}")).execute(&mut tx).await.unwrap();
                tx.commit().await.unwrap();
                format!("{base}{}options=-csearch_path%3D{schema}", if base.contains('?') { '&' } else { '?' })
            }
            Err(_) => format!("sqlite://{}", folder.path().join("test.db").display()),
        };
        let db = store::open(&url, 4).await.unwrap();
        store::migrate::run(&db).await.unwrap();
        Self { db, _folder: folder }
    }

    pub async fn write(&self, statement: &'static str) {
        let mut tx = self.db.begin().await.unwrap();
        sql(statement).execute(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub async fn seed(&self) {
        let mut tx = self.db.begin().await.unwrap();
        connections(&mut tx).await;
        customers(&mut tx).await;
        master(&mut tx).await;
        orders(&mut tx).await;
        invoices(&mut tx).await;
        payments(&mut tx).await;
        tx.commit().await.unwrap();
    }
}

async fn connections(tx: &mut Tx) {
    let mut connections = Batch::new(
        "connection",
        &[
            "id",
            "connector",
            "name",
            "kind",
            "settings",
            "paused",
            "sample",
            "schedule",
            "mapping_version",
            "failures",
            "created_at",
            "updated_at",
        ],
    );
    for (id, name, kind, failures) in [("con_s", "販売管理", "sales", 0), ("con_a", "会計", "accounting", 3)] {
        connections.push([
            t(id),
            t(kind),
            t(name),
            t(kind),
            t("{}"),
            false.into(),
            false.into(),
            t("{}"),
            1.into_value(),
            failures.into_value(),
            NOW.into(),
            NOW.into(),
        ]);
    }
    connections.insert(tx, "").await.unwrap();
    let mut streams = Batch::new("stream", &["connection_id", "name", "enabled", "last_ok_at"]);
    streams.push([t("con_s"), t("orders"), true.into(), NOW.into()]);
    streams.push([t("con_a"), t("invoices"), true.into(), NOW.into()]);
    streams.insert(tx, "").await.unwrap();
    let mut runs = Batch::new(
        "run",
        &[
            "id",
            "number",
            "connection_id",
            "trigger_kind",
            "state",
            "mapping_version",
            "started_at",
            "requests",
            "throttled",
        ],
    );
    runs.push([
        t("run_1"),
        1042.into_value(),
        t("con_s"),
        t("manual"),
        t("succeeded"),
        1.into_value(),
        NOW.into(),
        1.into_value(),
        0.into_value(),
    ]);
    runs.insert(tx, "").await.unwrap();
}

async fn customers(tx: &mut Tx) {
    let mut batch = Batch::new(
        "customer",
        &[
            "id",
            "kind",
            "code",
            "name",
            "name_kana",
            "name_key",
            "registration_number",
            "phone",
            "mail",
            "address",
            "industry",
            "currency",
            "provenance",
            "seq",
            "sample",
            "created_at",
            "updated_at",
            "merged_into",
        ],
    );
    let mut add = |id: &str, code: Value, name: &str, kana: Value, rest: [Value; 5], provenance: &str, into: Value| {
        let [registration, phone, mail, address, industry] = rest;
        batch.push([
            t(id),
            t("corporation"),
            code,
            t(name),
            kana,
            t(name),
            registration,
            phone,
            mail,
            address,
            industry,
            t("JPY"),
            t(provenance),
            1.into_value(),
            false.into(),
            NOW.into(),
            NOW.into(),
            into,
        ]);
    };
    add(
        "cus_a",
        t("C-00127"),
        "株式会社朝凪電装",
        t("アサナギデンソウ"),
        [t("T5009901000127"), t("053-000-0127"), t("info@asanagi.example"), t("静岡県浜松市浜名区"), t("製造")],
        r#"{"registration_number":{"c":"con_a","at":5,"why":"authority"},"address":{"c":"con_a","at":5,"why":"authority"},"phone":{"c":null,"at":6,"why":"pinned"}}"#,
        none(),
    );
    add("cus_b", none(), "高崎商店", none(), [none(), none(), none(), none(), t("食品")], "{}", none());
    add("cus_old", none(), "朝凪電装", none(), [none(), none(), none(), none(), none()], "{}", t("cus_a"));
    batch.insert(tx, "").await.unwrap();
}

async fn master(tx: &mut Tx) {
    let mut sources = Batch::new(
        "source_record",
        &["connection_id", "stream", "external_id", "record_id", "content_hash", "seq", "body", "seen_at"],
    );
    for (connection, external, body) in [
        ("con_s", "127", r#"{"address":"静岡県浜松市中央区","registration_number":"T5009901000127"}"#),
        ("con_a", "9", r#"{"address":"静岡県浜松市浜名区"}"#),
    ] {
        sources.push([
            t(connection),
            t("customers"),
            t(external),
            t("cus_a"),
            vec![0_u8; 16].into(),
            1.into_value(),
            t(body),
            NOW.into(),
        ]);
    }
    sources.insert(tx, "").await.unwrap();
    let mut codes = Batch::new("customer_code", &["connection_id", "code", "customer_id"]);
    codes.push([t("con_a"), t("K77"), t("cus_a")]);
    codes.insert(tx, "").await.unwrap();
    let mut contacts = Batch::new(
        "contact",
        &["id", "customer_id", "connection_id", "external_id", "name", "mail", "seq", "updated_at"],
    );
    contacts.push([
        t("cnt_1"),
        t("cus_a"),
        t("con_s"),
        t("1"),
        t("佐伯"),
        t("saeki@kobai.example"),
        1.into_value(),
        NOW.into(),
    ]);
    contacts.insert(tx, "").await.unwrap();
    let mut sites =
        Batch::new("site", &["id", "customer_id", "connection_id", "external_id", "role", "name", "seq", "updated_at"]);
    sites.push([t("sit_1"), t("cus_a"), t("con_s"), t("1"), t("ship_to"), t("本社工場"), 1.into_value(), NOW.into()]);
    sites.insert(tx, "").await.unwrap();
    let mut versions =
        Batch::new("version", &["record_id", "seq", "valid_from", "connection_id", "run_id", "reason", "body"]);
    // 2026-11-16 23:30 UTC is already the 17th in Tokyo.
    let changed = NOW - 7 * 86_400_000_000 + 84_600_000_000;
    let old = r#"{"address":"静岡県浜松市中央区"}"#;
    let new = r#"{"address":"静岡県浜松市浜名区"}"#;
    versions.push([
        t("cus_a"),
        1.into_value(),
        (changed - 86_400_000_000).into(),
        t("con_s"),
        none(),
        t("created"),
        t(old),
    ]);
    versions.push([t("cus_a"), 2.into_value(), changed.into(), t("con_a"), none(), t("source"), t(new)]);
    versions.push([t("ord_1"), 1.into_value(), NOW.into(), t("con_s"), t("run_1"), t("created"), t("{}")]);
    versions.insert(tx, "").await.unwrap();
    let mut activities = Batch::new(
        "activity",
        &["id", "customer_id", "kind", "subject", "note", "activity_date", "occurred_at", "actor", "seq", "created_at"],
    );
    activities.push([
        t("act_1"),
        t("cus_a"),
        t("visit"),
        t("来期の増産計画"),
        t("月産1.3倍"),
        t("2026-11-21"),
        NOW.into(),
        t("usr_1"),
        1.into_value(),
        NOW.into(),
    ]);
    activities.insert(tx, "").await.unwrap();
}

async fn orders(tx: &mut Tx) {
    let mut batch = Batch::new(
        "sales_order",
        &[
            "id",
            "customer_id",
            "connection_id",
            "external_id",
            "number",
            "order_date",
            "status",
            "currency",
            "net_minor",
            "tax_minor",
            "total_minor",
            "line_count",
            "occurred_at",
            "seq",
            "received_at",
            "deleted_at",
        ],
    );
    for (id, customer, day, status, currency, net, occurred, deleted) in [
        ("ord_1", "cus_a", "2026-11-20", "open", "JPY", 50_000, Some(NOW), None),
        ("ord_2", "cus_a", "2026-11-20", "open", "JPY", 40_000, None, None),
        // One day outside the 12 months.
        ("ord_3", "cus_a", "2025-11-23", "closed", "JPY", 10_000, None, None),
        ("ord_4", "cus_a", "2026-11-21", "cancelled", "JPY", 1, None, None),
        ("ord_5", "cus_a", "2026-05-01", "open", "USD", 2, None, None),
        ("ord_6", "cus_a", "2026-11-22", "open", "JPY", 3, None, Some(NOW)),
        ("ord_7", "cus_b", "2026-11-01", "open", "JPY", 12_345, None, None),
    ] {
        batch.push([
            t(id),
            t(customer),
            t("con_s"),
            t(id),
            t(&id.replace("ord_", "SO-")),
            t(day),
            t(status),
            t(currency),
            net.into_value(),
            (net / 10).into_value(),
            (net + net / 10).into_value(),
            2.into_value(),
            Value::Int(occurred),
            1.into_value(),
            NOW.into(),
            Value::Int(deleted),
        ]);
    }
    batch.insert(tx, "").await.unwrap();
    let mut lines =
        Batch::new("sales_order_line", &["order_id", "line_no", "description", "quantity", "unit", "amount_minor"]);
    lines.push([t("ord_1"), 1.into_value(), t("制御盤カバー"), t("120"), t("個"), 30_000.into_value()]);
    lines.push([t("ord_1"), 2.into_value(), t("ブラケット"), t("5"), none(), 20_000.into_value()]);
    lines.insert(tx, "").await.unwrap();
}

async fn invoices(tx: &mut Tx) {
    let mut batch = Batch::new(
        "invoice",
        &[
            "id",
            "customer_id",
            "connection_id",
            "external_id",
            "number",
            "kind",
            "corrects",
            "issue_date",
            "due_date",
            "status",
            "currency",
            "net_minor",
            "tax_minor",
            "total_minor",
            "line_count",
            "seq",
            "received_at",
            "deleted_at",
        ],
    );
    for (id, kind, corrects, day, due, status, currency, net, deleted) in [
        ("inv_1", "invoice", None, "2026-11-10", "2026-12-31", "open", "JPY", 100_000, None),
        ("inv_2", "invoice", None, "2026-10-31", "2026-11-22", "open", "JPY", 50_000, None),
        ("inv_cn", "credit_note", Some("INV-2"), "2026-11-12", "2026-11-30", "open", "JPY", 5_000, None),
        ("inv_4", "invoice", None, "2025-06-30", "2025-07-31", "paid", "JPY", 30_000, None),
        ("inv_5", "invoice", None, "2023-01-15", "2023-02-28", "paid", "JPY", 7_000, None),
        ("inv_6", "invoice", None, "2026-11-01", "2026-11-02", "cancelled", "JPY", 1, None),
        ("inv_7", "invoice", None, "2026-11-01", "2026-11-02", "open", "JPY", 2, Some(NOW)),
        ("inv_9", "invoice", None, "2027-01-31", "2027-02-28", "paid", "JPY", 9_000, None),
    ] {
        batch.push([
            t(id),
            t("cus_a"),
            t("con_a"),
            t(id),
            t(&id.replace("inv_", "INV-").replace("cn", "C3")),
            t(kind),
            corrects.map(str::to_owned).into(),
            t(day),
            t(due),
            t(status),
            t(currency),
            net.into_value(),
            (net / 10).into_value(),
            (net + net / 10).into_value(),
            1.into_value(),
            1.into_value(),
            NOW.into(),
            Value::Int(deleted),
        ]);
    }
    batch.insert(tx, "").await.unwrap();
    let mut taxes = Batch::new("invoice_tax", &["invoice_id", "rate", "taxable_minor", "tax_minor"]);
    taxes.push([t("inv_1"), t("10"), 100_000.into_value(), 10_000.into_value()]);
    taxes.insert(tx, "").await.unwrap();
    let mut orders = Batch::new("invoice_order", &["invoice_id", "order_number"]);
    orders.push([t("inv_1"), t("SO-1")]);
    orders.insert(tx, "").await.unwrap();
}

async fn payments(tx: &mut Tx) {
    let mut batch = Batch::new(
        "payment",
        &[
            "id",
            "customer_id",
            "connection_id",
            "external_id",
            "number",
            "paid_date",
            "currency",
            "amount_minor",
            "seq",
            "received_at",
        ],
    );
    batch.push([
        t("pay_1"),
        t("cus_a"),
        t("con_a"),
        t("1"),
        t("P-1"),
        t("2026-11-19"),
        t("JPY"),
        60_000.into_value(),
        1.into_value(),
        NOW.into(),
    ]);
    batch.insert(tx, "").await.unwrap();
    let mut allocations = Batch::new("payment_allocation", &["payment_id", "invoice_number", "amount_minor"]);
    allocations.push([t("pay_1"), t("INV-1"), 60_000.into_value()]);
    allocations.insert(tx, "").await.unwrap();
}

trait IntoValue {
    fn into_value(self) -> Value;
}

impl IntoValue for i64 {
    fn into_value(self) -> Value {
        Value::Int(Some(self))
    }
}
