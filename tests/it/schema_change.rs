//! A source renames a field: the field alone stands still, everything else goes on, and it ends by itself.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use musubi::{clock::Clock, config::Config, connection::schedule::Plan, model::Timestamp, store};
use serde_json::{Value, json};

use crate::{
    hub::TestHub,
    real::TestDatabase,
    sender,
    source::{self, Source},
};

const OPEN: &str = "SELECT COUNT(*) FROM shape_change WHERE ended_at IS NULL AND change <> 'new'";

/// A customer with a phone under this name in the source.
fn customer(n: usize, minute: u32, name: &str, phone_as: &str) -> Value {
    let mut body = json!({"id": format!("c{n:03}"), "updated_at": sender::at(minute), "name": format!("{name}{n}")});
    body[phone_as] = json!(format!("03-0000-{n:04}"));
    body
}

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let own = dir.path().join("t-source");
    std::fs::create_dir(&own).unwrap();
    let manifest = source::manifest("overlap: 0s, sorted: true", 50)
        .replace("name: { from: name, required: true } }", "name: { from: name, required: true }, phone: tel_no }");
    assert!(manifest.contains("tel_no"));
    std::fs::write(own.join("connector.yaml"), manifest).unwrap();
    dir
}

struct Scene {
    t: TestHub,
    source: Source,
    id: String,
    now: Arc<AtomicI64>,
    _folder: tempfile::TempDir,
}

impl Scene {
    async fn new(database: &TestDatabase, records: usize) -> Self {
        let (dir, source) = (folder(), Source::start().await);
        for n in 0..records {
            source.put("customers", customer(n, 1, "朝凪電装", "tel_no"));
        }
        let now = Arc::new(AtomicI64::new(sender::now()));
        let change = |config: &mut Config| config.connectors.dir = dir.path().into();
        let t = TestHub::start_at(database, Clock::Manual(now.clone()), change).await;
        let settings = json!({"base_url": source.url, "webhook_secret": sender::SECRET});
        let id = t.connect_with("t-source", settings, Plan::Every(3_600)).await;
        t.synced().await;
        Self { t, source, id, now, _folder: dir }
    }

    async fn read(&self) {
        self.now.fetch_add(Timestamp::SECOND, Ordering::SeqCst);
        self.t.request(&self.id).await;
        self.t
            .until("SELECT COUNT(*) FROM connection WHERE requested_by IS NOT NULL OR leased_by IS NOT NULL", |n| {
                n == 0
            })
            .await;
    }

    async fn phones(&self) -> i64 {
        self.t.count("SELECT COUNT(*) FROM customer WHERE phone LIKE '03-0000-%' OR phone LIKE '030000%'").await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_field_stands_still_and_the_others_go_on() {
    for database in TestDatabase::both().await {
        let s = Scene::new(&database, 40).await;
        assert_eq!(s.phones().await, 40);
        assert_eq!(s.t.count("SELECT COUNT(*) FROM shape_change").await, 0, "the first time nothing is new");

        // The source calls it by another name from now on, and all names change as well.
        for n in 0..40 {
            s.source.put("customers", customer(n, 5, "灯台商会", "phone_number"));
        }
        s.read().await;
        assert_eq!(s.phones().await, 40, "what was known stays");
        assert_eq!(
            s.t.count("SELECT COUNT(*) FROM customer WHERE name LIKE '灯台商会%'").await,
            40,
            "the rest is taken"
        );
        assert_eq!(s.t.count("SELECT COUNT(*) FROM failure").await, 0);
        let open = store::shape::open(&s.t.hub().db, Some(&s.id)).await.unwrap();
        let open: Vec<_> = open.iter().map(|c| (c.path.as_str(), c.change.as_str(), c.filled())).collect();
        assert!(open.contains(&("tel_no", "gone", vec!["phone".to_owned()])), "{open:?}");
        assert!(open.contains(&("phone_number", "new", vec![])), "{open:?}");
        assert_eq!(open.len(), 2);

        // A webhook brings the record without the field as well.
        let hook = json!({"type": "customer.changed",
            "data": {"id": "c005", "updated_at": sender::at(7), "name": "波止場運輸", "phone_number": "03-0000-0005"}});
        let sent = s.t.post_hook(&s.id, &[("x-token", sender::SECRET.to_owned())], hook.to_string().into_bytes()).await;
        assert_eq!(sent.0, 202, "{}", sent.1);
        s.t.inbox_empty().await;
        assert_eq!(s.t.count("SELECT COUNT(*) FROM customer WHERE name = '波止場運輸' AND phone IS NOT NULL").await, 1);

        // More pages: nothing is wiped, nothing told twice.
        for n in 0..30 {
            s.source.put("customers", customer(n, 9, "港北精機", "phone_number"));
        }
        s.read().await;
        assert_eq!((s.phones().await, s.t.count(OPEN).await), (40, 1));
        assert_eq!(s.t.count("SELECT COUNT(*) FROM customer WHERE name LIKE '港北精機%'").await, 30);
        // A customer that is new has no value to keep, and is taken all the same.
        s.source.put("customers", customer(77, 12, "新規商店", "phone_number"));
        s.read().await;
        assert_eq!(s.t.count("SELECT COUNT(*) FROM customer WHERE name = '新規商店77' AND phone IS NULL").await, 1);

        // It is back: the newest value is taken, and the trouble is over.
        let mut back = customer(3, 20, "港北精機", "tel_no");
        back["tel_no"] = json!("03-0000-9999");
        s.source.put("customers", back);
        s.read().await;
        assert_eq!(s.t.count(OPEN).await, 0);
        s.source.put("customers", {
            let mut again = customer(3, 21, "港北精機", "tel_no");
            again["tel_no"] = json!("03-0000-9999");
            again
        });
        s.read().await;
        assert_eq!(s.t.count("SELECT COUNT(*) FROM customer WHERE phone LIKE '%9999'").await, 1);
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_missing_from_some_records_is_their_own_affair() {
    for database in TestDatabase::both().await {
        let s = Scene::new(&database, 40).await;
        for n in 0..19 {
            s.source.put("customers", customer(n, 5, "灯台商会", "phone_number"));
        }
        s.read().await;
        assert_eq!((s.phones().await, s.t.count(OPEN).await), (21, 0), "19 have no phone any more");
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mapping_without_the_field_ends_it_and_the_page_names_both() {
    let database = TestDatabase::sqlite().await;
    let s = Scene::new(&database, 40).await;
    for n in 0..40 {
        s.source.put("customers", customer(n, 5, "灯台商会", "phone_number"));
    }
    s.read().await;
    let Scene { t, source: _source, id, now, _folder } = s;
    let desk = crate::console_desk::Desk::at(t, database).await;
    desk.open(&format!("/connections/{id}")).await;
    desk.b.wait_for_text("[data-region=attention]", "項目 tel_no が消えました").await;
    desk.b.wait_for_text("[data-region=attention]", "新しい項目: phone_number").await;
    let text = desk.value("document.querySelector('[data-region=attention]').innerText").await;
    assert!(text.contains("電話番号 ← tel_no") || text.contains("電話 ← tel_no"), "{text}");
    desk.looks("connection-schema").await;
    desk.b.click("[data-region=attention] a[href$='/mapping/customers']").await;
    desk.until("location.pathname.endsWith('/mapping/customers')").await;

    // A mapping that reads the new name is published: the next reading finds nothing missing.
    let hub = desk.t.hub();
    let live = hub.registry.get(&id).unwrap();
    let mut spec = live.manifest.stream("customers").unwrap().mapping.clone();
    spec.0.get_mut("phone").unwrap().from = Some("phone_number".to_owned());
    let mut tx = hub.db.begin().await.unwrap();
    let text = serde_json::to_string(&spec).unwrap();
    let new = store::mapping::New {
        connection_id: &id,
        stream: "customers",
        seen: 1,
        spec: &text,
        comment: None,
        actor: "usr_test",
        now: hub.clock.now(),
    };
    assert!(store::mapping::publish(&mut tx, &new).await.unwrap().is_some());
    tx.commit().await.unwrap();
    hub.registry.reload(&hub.db, &hub.keys).await.unwrap();
    now.fetch_add(Timestamp::SECOND, Ordering::SeqCst);
    desk.t.request(&id).await;
    desk.t.until(OPEN, |n| n == 0).await;
    desk.close().await;
}
