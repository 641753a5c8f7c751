//! A connection's own mapping: drafted, tried, published, and what it does to records old and new.

use musubi::{
    connection::{
        Live,
        mapping::{self, By, Edit, MappingError},
    },
    model::{Timestamp, view::EVERYTHING},
    store,
    sync::{
        rehearse::{self, RehearseError},
        replay,
    },
};
use musubi_sdk::manifest::Transform;
use serde_json::json;
use std::sync::Arc;

use crate::{
    hooks::folder,
    hub::TestHub,
    real::TestDatabase as Database,
    sender::SECRET,
    source::{self, Source},
};

const ORDERS: &str = "orders";

/// A hub that pulls three orders from a source when it is asked to.
struct Scene {
    t: TestHub,
    source: Source,
    connection: String,
    _connectors: tempfile::TempDir,
}

fn filled(field: &str, path: &str) -> Edit {
    Edit::Source { field: field.to_owned(), paths: vec![path.to_owned()], join: None }
}

impl Scene {
    async fn start(database: &Database) -> Self {
        let connectors = folder(&[("t-source", source::manifest("overlap: 2m, sorted: true", 10))]);
        let source = Source::start().await;
        source.fill(3, 10);
        let t = TestHub::start_with(database, |c| c.connectors.dir = connectors.path().into()).await;
        let settings = json!({"base_url": source.url, "webhook_secret": SECRET});
        let connection = t.connect("t-source", settings).await;
        let s = Self { t, source, connection, _connectors: connectors };
        s.pull().await;
        s
    }

    fn live(&self) -> Arc<Live> {
        self.t.hub().registry.get(&self.connection).unwrap()
    }

    async fn pull(&self) {
        self.t.request(&self.connection).await;
        self.idle().await;
    }

    async fn idle(&self) {
        let busy = "SELECT COUNT(*) FROM connection WHERE leased_by IS NOT NULL OR requested_by IS NOT NULL";
        self.t.until(busy, |n| n == 0).await;
    }

    fn by(&self, revision: i64) -> By<'static> {
        By { revision, actor: "usr_test", now: self.t.hub().clock.now() }
    }

    async fn revision(&self) -> i64 {
        let draft = mapping::drafted(&self.t.hub().db, &self.connection, ORDERS).await.unwrap();
        draft.map_or(0, |draft| draft.row.revision)
    }

    async fn change(&self, edits: Vec<Edit>, by: By<'_>) -> Result<i64, MappingError> {
        let h = self.t.hub();
        let live = self.live();
        let standing = mapping::standing(&h.db, &live, ORDERS).await?;
        let mut tx = h.db.begin().await?;
        let revision = mapping::change(&mut tx, &live, ORDERS, &standing, edits, by).await?;
        tx.commit().await?;
        Ok(revision)
    }

    /// Publishes; with `again` the source is asked again for what changed since.
    async fn publish(&self, by: By<'_>, again: Option<Timestamp>) -> Result<i64, MappingError> {
        let h = self.t.hub();
        let mut tx = h.db.begin().await?;
        let version = mapping::publish(&mut tx, &self.live(), ORDERS, Some("試験"), by).await?;
        if let Some(since) = again {
            store::connection::ask_again(&mut tx, &self.connection, ORDERS, since).await?;
            store::connection::request(&mut tx, &self.connection, "test", h.clock.now()).await?;
        }
        tx.commit().await?;
        h.registry.reload(&h.db, &h.keys).await?;
        h.engine.due_changed.notify_one();
        if again.is_some() {
            self.idle().await;
        }
        Ok(version)
    }

    async fn numbers(&self) -> String {
        self.t.text("SELECT MIN(number) || ' ' || MAX(number) FROM sales_order").await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_holds_and_old_records_follow_when_they_are_asked_for_again() {
    for database in Database::both().await {
        let s = Scene::start(&database).await;
        assert_eq!(s.numbers().await, "N-o00000 N-o00002", "{}", database.name);
        s.change(vec![filled("number", "id")], s.by(0)).await.unwrap();
        s.source.put(ORDERS, source::order("o00003", 15, 100));
        s.pull().await;
        assert_eq!(s.numbers().await, "N-o00000 N-o00003", "a draft touches nothing");

        let version = s.publish(s.by(1), None).await.unwrap();
        assert_eq!(version, 2);
        s.source.put(ORDERS, source::order("o00004", 20, 100));
        s.pull().await;
        // What comes is mapped by it: the new record, and the one that the overlap reads again.
        assert_eq!(s.t.text("SELECT number FROM sales_order WHERE external_id = 'o00000'").await, "N-o00000");
        assert_eq!(s.t.text("SELECT number FROM sales_order WHERE external_id = 'o00004'").await, "o00004");
        let runs = "SELECT CAST(mapping_version AS TEXT) FROM run ORDER BY number DESC LIMIT 1";
        assert_eq!(s.t.text(runs).await, "2", "a run says what it was mapped by");

        // Everything again, by another version: old records follow, each once.
        s.change(vec![Edit::AddStep { field: "number".into(), step: Transform::Upper }], s.by(0)).await.unwrap();
        s.publish(s.by(1), Some(Timestamp(0))).await.unwrap();
        assert_eq!(s.numbers().await, "O00000 O00004");
        assert_eq!(s.t.count("SELECT COUNT(*) FROM sales_order").await, 5);
        assert_eq!(s.t.count("SELECT COUNT(*) FROM stream WHERE reread IS NOT NULL").await, 0, "it was done");
        s.pull().await;
        let orders = |asked: &&source::Asked| asked.stream == ORDERS;
        assert!(s.source.asked().iter().rfind(orders).is_some_and(|a| !a.since.is_empty()), "incremental again");

        // Only what changed since a moment; the overlap goes before it.
        s.change(vec![Edit::RemoveStep { field: "number".into(), index: 0 }], s.by(0)).await.unwrap();
        let since: jiff::Timestamp = crate::sender::at(15).parse().unwrap();
        s.publish(s.by(1), Some(Timestamp(since.as_microsecond()))).await.unwrap();
        assert_eq!(s.numbers().await, "O00000 o00004");
        let asked = s.source.asked();
        let since = asked.iter().rfind(orders).map(|a| a.since.clone()).unwrap();
        assert_eq!(since.parse::<jiff::Timestamp>().unwrap(), crate::sender::at(13).parse().unwrap());
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mapping_that_breaks_records_is_mended_and_they_are_taken() {
    for database in Database::both().await {
        let s = Scene::start(&database).await;
        let h = s.t.hub();
        // A look beforehand says so, and keeps nothing.
        s.change(vec![filled("total", "number")], s.by(0)).await.unwrap();
        let records = rehearse::take(&s.live(), ORDERS, 100).await.unwrap();
        assert_eq!(records.len(), 3, "{}", database.name);
        let spec = mapping::drafted(&h.db, &s.connection, ORDERS).await.unwrap().unwrap().spec;
        let runs = s.t.count("SELECT COUNT(*) FROM run").await;
        let seen = rehearse::rehearse(&h.engine, &s.live(), ORDERS, spec, records.clone(), "test").await.unwrap();
        assert_eq!((seen.read, seen.failed, seen.updated, seen.rejected.len()), (3, 3, 0, 3));
        assert_eq!(seen.rejected[0].cause, "FMT_NUMBER");
        assert_eq!(s.t.count("SELECT COUNT(*) FROM failure").await, 0);
        assert_eq!(s.t.count("SELECT COUNT(*) FROM run").await, runs);

        s.publish(s.by(1), Some(Timestamp(0))).await.unwrap();
        assert_eq!(s.t.count("SELECT COUNT(*) FROM failure WHERE cause = 'FMT_NUMBER' AND state = 'open'").await, 3);
        assert_eq!(s.t.count("SELECT COUNT(*) FROM sales_order").await, 3, "what was there stays");

        let standing = mapping::standing(&h.db, &s.live(), ORDERS).await.unwrap();
        let live = s.live();
        let connector = h.registry.catalogue().get(&live.row.connector).unwrap();
        let first = mapping::version(&h.db, connector, &s.connection, ORDERS, mapping::OF_CONNECTOR).await.unwrap();
        let mut tx = h.db.begin().await.unwrap();
        mapping::take_up(&mut tx, &live, ORDERS, (standing.version, &first), s.by(0)).await.unwrap();
        tx.commit().await.unwrap();
        let again = rehearse::rehearse(&h.engine, &s.live(), ORDERS, first, records, "test").await.unwrap();
        assert_eq!((again.read, again.failed, again.unchanged), (3, 0, 3));
        s.publish(s.by(1), None).await.unwrap();
        let failures = store::failure::of_stream(&h.db, &EVERYTHING, &s.connection, ORDERS, 10).await.unwrap();
        let replayed = replay::replay(&h.engine, failures, "test", false).await.unwrap();
        assert_eq!((replayed.succeeded, replayed.failed), (3, 0));
        assert_eq!(store::failure::open_of_stream(&h.db, &s.connection, ORDERS).await.unwrap(), 0);
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_overwrites_what_somebody_else_drafted_or_published() {
    for database in Database::both().await {
        let s = Scene::start(&database).await;
        s.change(vec![filled("number", "id")], s.by(0)).await.unwrap();
        let late = s.change(vec![filled("subject", "id")], s.by(0)).await;
        assert!(matches!(late, Err(MappingError::Overtaken)), "{}: {late:?}", database.name);
        assert_eq!(s.change(vec![filled("subject", "id")], s.by(1)).await.unwrap(), 2);
        assert!(matches!(s.publish(s.by(1), None).await, Err(MappingError::Overtaken)));
        assert_eq!(s.publish(s.by(2), None).await.unwrap(), 2);
        assert!(matches!(s.publish(s.by(2), None).await, Err(MappingError::NoDraft)));

        // What is not finished is kept, and not published.
        let gone = Edit::Source { field: "number".into(), paths: vec![], join: None };
        s.change(vec![gone], s.by(0)).await.unwrap();
        assert!(matches!(s.publish(s.by(1), None).await, Err(MappingError::Invalid(p)) if p[0].code == "MAP_REQUIRED"));
        let h = s.t.hub();
        let spec = mapping::drafted(&h.db, &s.connection, ORDERS).await.unwrap().unwrap().spec;
        let tried = rehearse::rehearse(&h.engine, &s.live(), ORDERS, spec, Vec::new(), "test").await;
        assert!(matches!(tried, Err(RehearseError::Invalid(_))));
        let unfit = s.change(vec![filled("nmae", "id")], s.by(1)).await;
        assert!(matches!(unfit, Err(MappingError::Unfit(_))));
        assert_eq!(s.revision().await, 1, "and changed nothing");

        // A draft made from a version that does not hold any more is not put in its place.
        let mut tx = h.db.begin().await.unwrap();
        let spec = r#"{"customer":"customer","number":"id","order_date":"order_date","total":"total"}"#;
        let new = store::mapping::New {
            connection_id: &s.connection,
            stream: ORDERS,
            seen: 2,
            spec,
            comment: None,
            actor: "cli",
            now: h.clock.now(),
        };
        assert_eq!(store::mapping::publish(&mut tx, &new).await.unwrap(), Some(3));
        tx.commit().await.unwrap();
        h.registry.reload(&h.db, &h.keys).await.unwrap();
        s.change(vec![filled("number", "id")], s.by(1)).await.unwrap();
        assert!(matches!(s.publish(s.by(2), None).await, Err(MappingError::Overtaken)));
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_value_is_corrected_and_only_a_fitting_one_is_taken() {
    for database in Database::both().await {
        let s = Scene::start(&database).await;
        let h = s.t.hub();
        let mut broken = source::order("o00009", 30, 100);
        broken["order_date"] = json!("来月末");
        s.source.put(ORDERS, broken);
        s.pull().await;
        let failure = async || {
            let all = store::failure::of_stream(&h.db, &EVERYTHING, &s.connection, ORDERS, 10).await.unwrap();
            all.into_iter().next().unwrap()
        };
        let still = replay::mend(&h.engine, failure().await, "再来月", "test").await.unwrap().unwrap();
        assert_eq!((still.succeeded, still.failed), (0, 1), "{}", database.name);
        assert!(failure().await.payload.contains("来月末"), "what was sent stays");
        let done = replay::mend(&h.engine, failure().await, " 令和8年11月30日 ", "test").await.unwrap().unwrap();
        assert_eq!((done.succeeded, done.failed), (1, 0));
        assert_eq!(s.t.text("SELECT order_date FROM sales_order WHERE external_id = 'o00009'").await, "2026-11-30");
        assert_eq!(store::failure::open_of_stream(&h.db, &s.connection, ORDERS).await.unwrap(), 0);
        s.t.stop().await;
    }
}
