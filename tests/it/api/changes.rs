//! The feed of changes: whoever follows it has every version once, whatever else goes on.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
};

use futures::future::{join, join_all};
use musubi::{
    identity::{Role, Scope},
    store::{
        backup::{backup, restore},
        version::{self, NewVersion},
    },
};
use serde_json::{Value, json};

use crate::{
    hub::TestHub,
    real::TestDatabase,
    scope::scene::{Scene, limited},
    tokens::scene::{Program, owner, token},
};

/// Reads on from a cursor until there is no more for now. Returns the new cursor.
async fn follow(
    program: &Program,
    filter: &str,
    limit: usize,
    cursor: Option<String>,
    read: &mut Vec<Value>,
) -> String {
    let mut cursor = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
    loop {
        let page = program.get(&format!("/api/v1/changes?limit={limit}{filter}{cursor}"), 200).await.body;
        read.extend(page["items"].as_array().unwrap().iter().cloned());
        let next = page["cursor"].as_str().unwrap().to_owned();
        if page["more"] == json!(false) {
            return next;
        }
        cursor = format!("&cursor={next}");
    }
}

fn key(change: &Value) -> (String, i64) {
    (change["record_id"].as_str().unwrap().to_owned(), change["seq"].as_i64().unwrap())
}

/// A person's name is not needed to write a lot.
async fn busy_writer(program: &Program, writer: usize) {
    for n in 0..6 {
        let body = json!({"name": format!("交差点商会{writer}-{n}")});
        let made = program.send("POST", "/api/v1/customers", &[], &body).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let address = format!("/api/v1/customers/{}", made.body["id"].as_str().unwrap());
        let tag = [("if-match", made.header("etag"))];
        let changed = program.send("PATCH", &address, &tag, &json!({"phone": "053-000-0128"})).await;
        assert_eq!(changed.status, 200, "{}", changed.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_while_many_write_has_every_version_once_and_in_order() {
    for database in TestDatabase::both().await {
        let t = TestHub::start_with(&database, |config| config.tokens.per_minute = 1_000_000).await;
        let secret = token(&t, &owner(&t).await, &Scope::ALL).await;
        let program = Program::new(&t, &secret);
        let written = AtomicBool::new(false);
        let write = async {
            join_all((0..8).map(|writer| busy_writer(&program, writer))).await;
            written.store(true, Ordering::SeqCst);
        };
        let read_along = async {
            let (mut read, mut cursor) = (Vec::new(), None);
            loop {
                let last = written.load(Ordering::SeqCst);
                cursor = Some(follow(&program, "", 7, cursor, &mut read).await);
                if last {
                    return (read, cursor);
                }
            }
        };
        let ((), (mut read, cursor)) = join(write, read_along).await;
        assert_eq!(read.len(), 8 * 6 * 2);
        let mut last: BTreeMap<String, i64> = BTreeMap::new();
        for change in &read {
            let (record, seq) = key(change);
            let before = last.insert(record, seq).unwrap_or(0);
            assert_eq!(seq, before + 1, "{change}");
            assert_eq!(change["kind"], if seq == 1 { "customer.created" } else { "customer.updated" });
        }
        // Nothing new, nothing twice.
        follow(&program, "", 7, cursor, &mut read).await;
        assert_eq!(read.len(), 8 * 6 * 2);
        t.stop().await;
    }
}

/// What began before and is committed after somebody has read comes behind it, not before it.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_transaction_is_not_read_over() {
    let database = TestDatabase::postgres().await;
    let t = TestHub::start(&database).await;
    let secret = token(&t, &owner(&t).await, &Scope::ALL).await;
    let program = Program::new(&t, &secret);
    let early = t.hub().clock.now();
    let version = |record_id: &'static str| NewVersion {
        record_id,
        seq: 1,
        customer_id: None,
        effective_at: None,
        connection_id: None,
        actor: None,
        run_id: None,
        reason: "created",
        body: "{}".to_owned(),
    };
    let mut slow = t.hub().db.begin().await.unwrap();
    version::append(&mut slow, early, std::iter::once(version("prd_slow"))).await.unwrap();
    let made = program.send("POST", "/api/v1/customers", &[], &json!({"name": "先着商会"})).await;
    assert_eq!(made.status, 201);
    let mut read = Vec::new();
    let cursor = follow(&program, "", 50, None, &mut read).await;
    assert_eq!(read.len(), 1);
    slow.commit().await.unwrap();
    follow(&program, "", 50, Some(cursor), &mut read).await;
    assert_eq!(read.last().map(key), Some(("prd_slow".to_owned(), 1)));
    assert_eq!(read.len(), 2);
    t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_sees_what_its_owner_sees_and_a_filter_leaves_what_was_asked_for() {
    for database in TestDatabase::both().await {
        let scene = Scene::with(&database, limited).await;
        let t = &scene.t;
        let whole = Program::new(t, &token(t, &scene.owner.id, &Scope::ALL).await);
        let mut all = Vec::new();
        follow(&whole, "", 3, None, &mut all).await;
        let versions = t.count("SELECT COUNT(*) FROM version").await;
        assert_eq!(i64::try_from(all.len()).unwrap(), versions);
        let of = |noun: &str| all.iter().filter(|one| one["kind"].as_str().unwrap().starts_with(noun)).count();
        for noun in ["customer", "order", "invoice", "payment", "activity"] {
            let mut some = Vec::new();
            follow(&whole, &format!("&noun={noun}"), 2, None, &mut some).await;
            assert!(!some.is_empty() && some.len() == of(&format!("{noun}.")), "{noun}: {}", some.len());
        }
        let own = scene.id("own");
        let mut some = Vec::new();
        follow(&whole, &format!("&customer={own}"), 2, None, &mut some).await;
        assert!(some.len() > 3 && some.iter().all(|one| one["customer_id"] == own));
        some.clear();
        follow(&whole, "&customer=cus_nobody", 2, None, &mut some).await;
        assert_eq!(some, Vec::<Value>::new());
        // One department: the other one's customer, order and activity are not there.
        let near = scene.person(Role::Employee, &["営業1課"]).await;
        let near = Program::new(t, &token(t, &near.id, &[Scope::CustomersRead]).await);
        let mut seen = Vec::new();
        follow(&near, "", 3, None, &mut seen).await;
        let other = json!(scene.id("other"));
        assert!(all.iter().filter(|one| one["customer_id"] == other).count() > 3);
        assert_eq!(seen.iter().filter(|one| one["customer_id"] == other).count(), 0);
        assert_eq!(seen.iter().filter(|one| one["customer_id"] == own).count(), {
            all.iter().filter(|one| one["customer_id"] == own).count()
        });
        for (query, code) in [("noun=cat", "PARAMETER_INVALID"), ("cursor=Y3VzXzE", "CURSOR_INVALID")] {
            assert_eq!(whole.get(&format!("/api/v1/changes?{query}"), 422).await.body["code"], code);
        }
        scene.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_backup_was_restored_a_follower_is_told_to_begin_again() {
    for database in TestDatabase::both().await {
        let t = TestHub::start(&database).await;
        let secret = token(&t, &owner(&t).await, &Scope::ALL).await;
        let program = Program::new(&t, &secret);
        program.send("POST", "/api/v1/customers", &[], &json!({"name": "元の商会"})).await;
        let cursor = follow(&program, "", 50, None, &mut Vec::new()).await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hub.backup");
        backup(&t.hub().db, &file).await.unwrap();
        t.stop().await;
        let other = TestDatabase::sqlite().await;
        restore(&file, &other.db).await.unwrap();
        let t = TestHub::start(&other).await;
        let program = Program::new(&t, &secret);
        let gone = program.get(&format!("/api/v1/changes?cursor={cursor}"), 410).await;
        assert_eq!(gone.body["code"], "CURSOR_GONE");
        let mut read = Vec::new();
        follow(&program, "", 50, None, &mut read).await;
        assert_eq!(read.len(), 1);
        t.stop().await;
    }
}
