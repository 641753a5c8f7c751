//! A small company with every kind of document, small enough to add up by hand.

use jiff::civil::{Date, date};

use super::{documents, shipments};
use crate::{
    model::View,
    store::{self, Batch, Db, InView, Tx, Value, sql},
};

/// 2026-11-23 09:00 in Tokyo.
pub(super) const NOW: i64 = 1_795_392_000_000_000;

pub(super) fn today() -> Date {
    date(2026, 11, 23)
}

pub(super) fn tokyo() -> jiff::tz::TimeZone {
    jiff::tz::TimeZone::get("Asia/Tokyo").unwrap()
}

pub(super) struct Fixture {
    pub db: Db,
    _folder: tempfile::TempDir,
}

pub(super) fn t(text: &str) -> Value {
    text.into()
}

pub(super) fn none() -> Value {
    Value::Text(None)
}

impl Fixture {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        #[expect(clippy::disallowed_methods, reason = "names the database these tests run on, for a run by hand")]
        let chosen = std::env::var("TEST_DATABASE_URL");
        let url = match chosen {
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

    /// A customer for a reader who sees everything.
    pub async fn seen(&self, id: &str) -> InView {
        store::in_view(&self.db, &View::everything(), id).await.unwrap().unwrap()
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
        documents::orders(&mut tx).await;
        documents::invoices(&mut tx).await;
        documents::payments(&mut tx).await;
        shipments::shipments(&mut tx).await;
        shipments::products(&mut tx).await;
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

pub(super) trait IntoValue {
    fn into_value(self) -> Value;
}

impl IntoValue for i64 {
    fn into_value(self) -> Value {
        Value::Int(Some(self))
    }
}
