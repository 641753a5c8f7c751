//! Chunks straight into the master.

use musubi::{
    master::{self, Chunk, Incoming, Origin, Outcome, Rejected},
    model::{
        Timestamp,
        record::{Canonical, Kind},
    },
    store::{self, sql},
};
use serde_json::{Value, json};

use crate::real::TestDatabase as Database;

/// One connection that brings chunks.
pub struct World<'a> {
    pub db: &'a Database,
    pub origin: Origin,
    clock: i64,
}

impl<'a> World<'a> {
    pub async fn connect(db: &'a Database, id: &'static str, kind: &str, sample: bool) -> Self {
        let mut tx = db.db.begin().await.unwrap();
        let new = store::connection::New {
            id,
            connector: "webhook",
            name: id,
            kind,
            settings: "{}".into(),
            secrets: vec![],
            sample,
            schedule: "\"manual\"".into(),
            streams: vec![],
            due_at: None,
            now: Timestamp(1),
        };
        assert!(store::connection::insert(&mut tx, &new).await.unwrap());
        tx.commit().await.unwrap();
        let streams = [
            ("customers", Kind::Customer),
            ("sites", Kind::Site),
            ("orders", Kind::Order),
            ("products", Kind::Product),
            ("shipments", Kind::Shipment),
            ("invoices", Kind::Invoice),
            ("payments", Kind::Payment),
            ("deals", Kind::Deal),
            ("quotes", Kind::Quote),
            ("contracts", Kind::Contract),
            ("inquiries", Kind::Inquiry),
        ];
        let origin = Origin {
            connection_id: id.into(),
            kind: kind.into(),
            sample,
            links_to: None,
            streams: streams.map(|(name, kind)| (name.to_owned(), kind)).into(),
        };
        Self { db, origin, clock: 1_000_000_000 }
    }

    /// A connection with the customers `A` and `B`.
    pub async fn usual(db: &'a Database) -> Self {
        let mut world = Self::connect(db, "con_1", "generic", false).await;
        world.customers(&[customer("A", json!({})), customer("B", json!({}))]).await;
        world
    }

    pub async fn customers(&mut self, records: &[Incoming]) -> Outcome {
        self.chunk(Kind::Customer, "customers", records, &[]).await
    }

    pub async fn orders(&mut self, records: &[Incoming]) -> Outcome {
        self.chunk(Kind::Order, "orders", records, &[]).await
    }

    pub async fn chunk(&mut self, kind: Kind, stream: &str, records: &[Incoming], rejected: &[Rejected]) -> Outcome {
        self.clock += 1_000_000;
        let mut tx = self.db.db.begin().await.unwrap();
        let chunk = Chunk {
            origin: &self.origin,
            stream,
            kind,
            run_id: None,
            now: Timestamp(self.clock),
            currency: "JPY".parse().unwrap(),
            records,
            rejected,
        };
        let outcome = master::ingest::apply(&mut tx, &chunk).await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    /// The values of one text column.
    pub async fn texts(&self, statement: &'static str) -> Vec<Option<String>> {
        let rows: Vec<(Option<String>,)> = sql(statement).all(&self.db.db).await.unwrap();
        rows.into_iter().map(|(text,)| text).collect()
    }

    pub async fn text(&self, statement: &'static str) -> String {
        self.texts(statement).await.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

pub fn record(kind: Kind, id: &str, version: Option<i64>, body: &Value) -> Incoming {
    let text = body.to_string();
    let canonical = Canonical::read(kind, body.as_object().unwrap(), "JPY".parse().unwrap()).unwrap();
    Incoming {
        external_id: id.into(),
        version,
        record: Some(canonical),
        hash: Incoming::hash_of(&text),
        canonical: text.clone(),
        payload: text,
    }
}

pub fn customer(id: &str, mut more: Value) -> Incoming {
    if more.get("name").is_none() {
        more["name"] = format!("Customer {id}").into();
    }
    record(Kind::Customer, id, Some(1), &more)
}

pub fn order(id: &str, version: Option<i64>, customer: &str, subject: &str) -> Incoming {
    record(Kind::Order, id, version, &order_body(customer, subject))
}

pub fn order_body(customer: &str, subject: &str) -> Value {
    json!({"customer": customer, "number": "N1", "order_date": "2026-04-01", "subject": subject,
        "net": "100", "tax": "10", "total": "110"})
}

pub fn gone(id: &str, version: Option<i64>) -> Incoming {
    Incoming {
        external_id: id.into(),
        version,
        record: None,
        hash: vec![],
        canonical: String::new(),
        payload: String::new(),
    }
}

pub fn rejected(id: &str, version: Option<i64>) -> Rejected {
    Rejected {
        external_id: id.into(),
        version,
        cause: "X".into(),
        field: None,
        source_path: None,
        value: None,
        label: id.into(),
        payload: "{}".into(),
    }
}
