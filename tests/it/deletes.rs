//! Deleted records of systems that do not tell: believed only with proof.

use std::time::Duration;

use axum::http::StatusCode;
use musubi::{connection::schedule::Plan, store::sweep};
use serde_json::{Value, json};

use crate::{
    cli_ops::Shell,
    console_desk::Desk,
    hooks::folder,
    hub::TestHub,
    real::TestDatabase as Database,
    sender::SECRET,
    source::{self, Instead, Source, order},
};

const LIVING: &str = "SELECT COUNT(*) FROM sales_order WHERE deleted_at IS NULL";
const HELD: &str = "SELECT COUNT(*) FROM sweep WHERE held_at IS NOT NULL AND allowed_at IS NULL";

struct Scene {
    t: TestHub,
    source: Source,
    id: String,
    _folder: tempfile::TempDir,
}

impl Scene {
    /// A source with a hundred orders, pulled once; every later run compares.
    async fn new(database: &Database) -> Self {
        let source = Source::start().await;
        source.fill(100, 1);
        let manifest =
            source::manifest("sorted: true", 40).replace("total: total\n", "total: total\n    sweep: true\n");
        let folder = folder(&[("t-source", manifest)]);
        let dir = folder.path().to_owned();
        let t = TestHub::start_with(database, |c| {
            c.connectors.dir = dir;
            c.sync.sweep.0 = Duration::ZERO;
        })
        .await;
        let settings = json!({"webhook_secret": SECRET, "base_url": source.url});
        let id = t.connect_with("t-source", settings, Plan::Manual).await;
        let scene = Self { t, source, id, _folder: folder };
        scene.run().await;
        assert_eq!(scene.t.count(LIVING).await, 100, "{}", database.name);
        scene
    }

    /// One more run; its cause, empty when all went well.
    async fn run(&self) -> String {
        let before = self.t.count("SELECT COUNT(*) FROM run").await;
        self.t.request(&self.id).await;
        self.t.until("SELECT COUNT(*) FROM run", |n| n > before).await;
        self.t.synced().await;
        self.t.text("SELECT cause FROM run ORDER BY number DESC LIMIT 1").await
    }

    /// Deletes orders at the source.
    fn without(&self, keys: std::ops::Range<usize>) {
        for n in keys {
            self.source.remove("orders", &format!("o{n:05}"));
        }
    }

    async fn living(&self) -> i64 {
        self.t.count(LIVING).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_list_and_the_record_deny_is_gone_and_may_come_back() {
    for database in Database::both().await {
        let s = Scene::new(&database).await;
        s.without(0..2);
        assert_eq!(s.run().await, "", "{}", database.name);
        assert_eq!(s.living().await, 98);
        assert_eq!(
            s.t.count("SELECT COUNT(*) FROM run_stream WHERE state <> 'succeeded'").await,
            0,
            "{}",
            database.name
        );
        assert_eq!(s.t.count("SELECT COUNT(*) FROM version WHERE reason = 'deleted'").await, 2);
        // The same record again, unchanged since: its change time alone would not bring it back.
        s.source.put("orders", order("o00000", 1, 100));
        s.run().await;
        assert_eq!(s.living().await, 99, "{}", database.name);
        assert_eq!(s.run().await, "");
        assert_eq!(s.living().await, 99);
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_cut_or_empty_or_lies_deletes_nothing() {
    for database in Database::both().await {
        let s = Scene::new(&database).await;
        // Lists are asked for without a time; pulls with one.
        let listing = |asked: &source::Asked| asked.stream == "orders" && asked.since.is_empty();
        s.source.script(move |a| listing(a).then(|| Instead::Status(StatusCode::OK, &[], EMPTY.to_owned())));
        assert_eq!(s.run().await, "DELETE_BRAKE", "{}", database.name);
        let page_two = move |a: &source::Asked| listing(a) && a.page == 2;
        s.source.script(move |a| page_two(a).then(|| Instead::Status(StatusCode::OK, &[], EMPTY.to_owned())));
        assert_eq!(s.run().await, "SWEEP_INCOMPLETE", "{}", database.name);
        s.source.script(move |a| page_two(a).then(|| Instead::Status(StatusCode::FORBIDDEN, &[], String::new())));
        assert_ne!(s.run().await, "");
        s.source.script(move |a| listing(a).then(|| Instead::Status(StatusCode::OK, &[], "<html>".to_owned())));
        assert_ne!(s.run().await, "");
        // Two are left out of a list that claims to be whole, and still exist.
        let ninety_eight = page(2..100);
        s.source.script(move |a| listing(a).then(|| Instead::Status(StatusCode::OK, &[], ninety_eight.clone())));
        assert_eq!(s.run().await, "SWEEP_CONTRADICTED", "{}", database.name);
        assert_eq!(s.living().await, 100, "{}", database.name);
        s.source.behave();
        assert_eq!(s.run().await, "");
        assert_eq!(s.t.count(HELD).await, 0, "the list is whole again: nothing is held any more");
        assert_eq!(s.living().await, 100);
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_at_once_wait_for_a_person() {
    for database in Database::both().await {
        let s = Scene::new(&database).await;
        s.without(0..10);
        assert_eq!(s.run().await, "DELETE_BRAKE", "{}", database.name);
        assert_eq!(s.run().await, "DELETE_BRAKE", "it stays on");
        let partial = "SELECT COUNT(*) FROM run_stream WHERE stream = 'orders' AND state = 'partial'";
        assert_eq!(s.t.count(partial).await, 2, "green means proven");
        let held = sweep::held(&s.t.hub().db, &s.id).await.unwrap();
        assert_eq!(held.iter().map(|h| (h.known, h.missing)).collect::<Vec<_>>(), [(100, 10)]);
        assert_eq!(s.living().await, 100);
        // What a person allowed are these ten. Ten more are another question.
        allow(&s).await;
        s.without(10..20);
        assert_eq!(s.run().await, "DELETE_BRAKE", "{}", database.name);
        assert_eq!(s.living().await, 100);
        // Once more, from the shell.
        let empty = tempfile::tempdir().unwrap();
        let shell = Shell { folder: empty.path(), url: &database.url };
        let shown = shell.json(&["connection", "deletes", &s.id]);
        assert_eq!((&shown[0]["missing"], &shown[0]["keys"][19]), (&json!(20), &json!("o00019")), "{shown}");
        shell.run(&["connection", "deletes", &s.id, "--allow", "orders"], 0);
        let again = shell.run(&["connection", "deletes", &s.id, "--allow", "orders"], 2);
        assert!(again.err.contains("no deletions of orders are held"), "{}", again.err);
        s.t.synced().await;
        s.t.until(LIVING, |n| n == 80).await;
        assert_eq!(s.t.count(HELD).await, 0);
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_brake_says_why_and_is_released_at_the_console() {
    let database = Database::sqlite().await;
    let Scene { t, source, id, _folder } = Scene::new(&database).await;
    for n in 0..10 {
        source.remove("orders", &format!("o{n:05}"));
    }
    t.request(&id).await;
    t.until(HELD, |n| n == 1).await;
    t.synced().await;
    assert_eq!(
        t.count("SELECT failures FROM connection").await,
        0,
        "a person has to decide: trying again helps nobody"
    );
    let desk = Desk::at(t, database).await;
    desk.open(&format!("/connections/{id}")).await;
    desk.b.wait_for_text("[data-region=attention]", "10件の削除を止めています").await;
    desk.b.wait_for_text("[data-region=attention]", "o00009").await;
    desk.looks("connection-held").await;
    desk.b.click("form[action$='/deletes/orders/allow'] button").await;
    desk.b.wait_for_text("main [role=status]", "削除を反映します").await;
    desk.t.until(LIVING, |n| n == 90).await;
    desk.close().await;
}

async fn allow(s: &Scene) {
    let mut tx = s.t.hub().db.begin().await.unwrap();
    assert!(sweep::allow(&mut tx, &s.id, "orders", "佐伯", s.t.hub().clock.now()).await.unwrap());
    tx.commit().await.unwrap();
}

const EMPTY: &str = r#"{"items": []}"#;

/// A whole list of orders in one page.
fn page(keys: std::ops::Range<usize>) -> String {
    let items: Vec<Value> = keys.map(|n| order(&format!("o{n:05}"), 1, 100)).collect();
    json!({"items": items, "total": items.len()}).to_string()
}
