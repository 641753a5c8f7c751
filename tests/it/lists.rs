//! Working with many customers: saved views, the same for many, one search over everything. On both databases.

use musubi::{
    identity::{Role, Scope},
    store::{bulk, sql},
};
use serde_json::json;

use crate::{
    real::TestDatabase,
    scope::scene::{OUTSIDE, Person, Scene},
    tokens::scene::{Program, token},
};

const OWN: &str = "営業1課";

/// Where a redirect or a link of a page leads.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    text.split(from).nth(1).and_then(|rest| rest.split(to).next()).unwrap_or_default()
}

/// The id of the newest view.
async fn newest(s: &Scene) -> String {
    s.t.text("SELECT MAX(id) FROM saved_view").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_is_kept_shared_and_shows_each_their_own() {
    for database in TestDatabase::both().await {
        let s = Scene::new(&database).await;
        let steward = s.person(Role::Steward, &[OWN]).await;
        let employee = s.person(Role::Employee, &[OWN]).await;
        let form = [("name", "全社の売上順"), ("query", "sort=name&cols=sales,owner"), ("shared", "1")];
        // Who may not share keeps nothing.
        assert_eq!(employee.follow("/customers/views", &form).await.0, 403, "{}", database.name);
        assert_eq!(s.t.count("SELECT COUNT(*) FROM saved_view").await, 0);
        assert_eq!(s.owner.follow("/customers/views", &form).await.0, 200);
        let id = newest(&s).await;
        // The owner sees everybody in it, the employee their own.
        let (_, all) = s.owner.visit(&format!("/customers?view={id}")).await;
        assert!(all.contains("別部署") && all.contains("全社の売上順"), "{all}");
        let (status, own) = employee.visit(&format!("/customers?view={id}")).await;
        assert_eq!(status, 200);
        assert!(own.contains("朝凪電装") && own.contains("全社の売上順"));
        assert!(OUTSIDE.iter().all(|word| !own.contains(word)), "{}: a shared view shows more", database.name);
        // The columns are the view's: no trend, no sources.
        assert!(!own.contains("推移</th>"), "{own}");
        // A name stands once for each person.
        let (status, again) = s.owner.follow("/customers/views", &form).await;
        assert_eq!((status, again.contains("同じ名前のビュー")), (422, true));
        // An employee changes no shared view; a steward does, and cannot take it from its owner.
        let change = [("name", "改名"), ("settings", "1")];
        employee.follow(&format!("/customers/views/{id}"), &change).await;
        assert_eq!(s.t.text("SELECT name FROM saved_view").await, "全社の売上順");
        assert_eq!(employee.follow(&format!("/customers/views/{id}/remove"), &[]).await.0, 403);
        assert_eq!(steward.follow(&format!("/customers/views/{id}"), &change).await.0, 200);
        assert_eq!(s.t.text("SELECT name FROM saved_view").await, "改名");
        let private = [("name", "改名"), ("shared", "0"), ("settings", "1")];
        steward.follow(&format!("/customers/views/{id}"), &private).await;
        assert_eq!(s.t.count("SELECT COUNT(*) FROM saved_view WHERE shared").await, 1);
        // Each change is in the trail.
        assert_eq!(s.t.count("SELECT COUNT(*) FROM audit WHERE object_kind = 'view'").await, 2 + 1);
        private_views_are_nobody_elses(&s, &employee, &steward).await;
        s.t.stop().await;
    }
}

async fn private_views_are_nobody_elses(s: &Scene, employee: &Person, steward: &Person) {
    let form = [("name", "わたしの要対応"), ("query", "health=act"), ("first", "1")];
    assert_eq!(employee.follow("/customers/views", &form).await.0, 200);
    let id = newest(s).await;
    for other in [steward, &s.owner] {
        assert_eq!(other.visit(&format!("/customers/views/{id}")).await.0, 404);
        assert_eq!(other.follow(&format!("/customers/views/{id}"), &[("name", "x")]).await.0, 404);
        assert_eq!(other.follow(&format!("/customers/views/{id}/remove"), &[]).await.0, 404);
        let (_, list) = other.visit(&format!("/customers?view={id}")).await;
        assert!(!list.contains("わたしの要対応"));
    }
    // It opens first, and all customers are one address away.
    let (_, first) = employee.visit("/customers").await;
    assert!(first.contains("わたしの要対応") && first.contains("name=\"view\" value=\"viw_"), "{first}");
    let (_, all) = employee.visit("/customers?view=all").await;
    assert!(all.contains("朝凪電装"));
    assert_eq!(employee.follow(&format!("/customers/views/{id}/remove"), &[]).await.0, 200);
    let (_, list) = employee.visit("/customers").await;
    assert!(list.contains("朝凪電装"), "a view that is gone opens nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_remembered_and_stand_in_the_address() {
    let s = Scene::new(&TestDatabase::sqlite().await).await;
    let who = s.person(Role::Employee, &[OWN]).await;
    let up = [("back", ""), ("col", "owner"), ("col", "sales"), ("up", "sales"), ("dense", "1")];
    let (_, page) = who.follow("/customers/columns", &up).await;
    let order = |word: &str| page.find(&format!("name=\"col\" value=\"{word}\" checked")).unwrap_or(usize::MAX);
    assert!(order("sales") < order("owner") && order("owner") < usize::MAX, "an arrow works without script");
    let keep = [("back", "q="), ("col", "department"), ("col", "sales"), ("dense", "1"), ("keep", "1")];
    let (_, list) = who.follow("/customers/columns", &keep).await;
    assert!(list.contains("担当部署</th>") && list.contains("cust dense"), "{list}");
    let (_, list) = who.visit("/customers").await;
    assert!(list.contains("担当部署</th>") && !list.contains("推移</th>"), "remembered");
    let (_, list) = who.visit("/customers?cols=kana&dense=0").await;
    assert!(list.contains("カナ</th>") && !list.contains("担当部署</th>") && !list.contains("cust dense"), "{list}");
    who.follow("/customers/columns", &[("back", ""), ("reset", "1")]).await;
    assert!(who.visit("/customers").await.1.contains("推移</th>"));
    s.t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn facets_count_and_those_without_a_value_can_be_asked_for() {
    let s = Scene::new(&TestDatabase::sqlite().await).await;
    let (_, all) = s.owner.visit("/customers").await;
    assert!(all.contains("name=\"department\" value=\"-\"") && all.contains("未割り当て"), "{all}");
    let (_, none) = s.owner.visit("/customers?department=-").await;
    assert!(none.contains("無所属商会") && !none.contains(">朝凪電装<"), "{none}");
    assert!(none.contains("担当部署:未割り当て"), "the chip says what narrows");
    s.t.stop().await;
}

/// A job is done when nobody works on it any more.
async fn settled(s: &Scene) {
    s.t.until("SELECT COUNT(*) FROM bulk WHERE state IN ('applying', 'undoing')", |n| n == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_are_changed_looked_at_first_and_taken_back() {
    for database in TestDatabase::both().await {
        let s = Scene::new(&database).await;
        let who = s.person(Role::Employee, &[OWN]).await;
        let (own, other) = (s.id("own").to_owned(), s.id("other").to_owned());
        let owner_of = "SELECT COALESCE(owner, '') FROM customer WHERE name LIKE '%朝凪電装%'";
        let before = s.t.text(owner_of).await;
        // Looking changes nothing, and whom one does not see is not there.
        let looked = format!("/customers/bulk?id={own}&id={other}&field=owner&value=%E5%B2%B8&look=1");
        let (status, page) = who.visit(&looked).await;
        assert_eq!(status, 200, "{page}");
        assert!(page.contains("1社が「岸」になります。") && page.contains("1社は見つからないか"), "{page}");
        assert!(OUTSIDE.iter().all(|word| !page.contains(word)), "{page}");
        assert_eq!(s.t.text(owner_of).await, before);
        // Doing it: each as a version of the person; the other department's customer is refused.
        let outside = s.t.text("SELECT COALESCE(owner, '') FROM customer WHERE name LIKE '%別部署%'").await;
        let form = [("id", own.as_str()), ("id", other.as_str()), ("field", "owner"), ("value", "岸"), ("count", "2")];
        let (status, page) = who.follow("/customers/bulk", &form).await;
        assert_eq!(status, 200, "{page}");
        settled(&s).await;
        assert_eq!(s.t.text(owner_of).await, "岸");
        assert_eq!(s.t.text("SELECT COALESCE(owner, '') FROM customer WHERE name LIKE '%別部署%'").await, outside);
        let id = s.t.text("SELECT id FROM bulk").await;
        let (_, page) = who.visit(&format!("/customers/bulk/{id}")).await;
        assert!(page.contains("1社を元に戻す"), "{page}");
        // It is its person's; another employee does not see it.
        let colleague = s.person(Role::Employee, &[OWN]).await;
        assert_eq!(colleague.visit(&format!("/customers/bulk/{id}")).await.0, 404);
        assert_eq!(colleague.follow(&format!("/customers/bulk/{id}/undo"), &[]).await.0, 404);
        // Back as a whole.
        assert_eq!(who.follow(&format!("/customers/bulk/{id}/undo"), &[]).await.0, 200);
        settled(&s).await;
        assert_eq!(s.t.text(owner_of).await, before, "{}", database.name);
        assert_eq!(s.t.text("SELECT state FROM bulk").await, "undone");
        assert_eq!(s.t.count("SELECT COUNT(*) FROM audit WHERE action IN ('bulk.apply', 'bulk.undo')").await, 2);
        what_changed_since_stays(&s, &who, &own).await;
        what_cannot_be_set_is_told(&s, &who, &own).await;
        s.t.stop().await;
    }
}

async fn what_changed_since_stays(s: &Scene, who: &Person, own: &str) {
    let form = [("id", own), ("field", "industry"), ("value", "造船"), ("count", "1")];
    who.follow("/customers/bulk", &form).await;
    settled(s).await;
    let id = s.t.text("SELECT MAX(id) FROM bulk").await;
    let typed = [("industry", "海運"), ("seen.industry", "造船")];
    assert_eq!(s.owner.follow(&format!("/customers/{own}/edit"), &typed).await.0, 200);
    who.follow(&format!("/customers/bulk/{id}/undo"), &[]).await;
    settled(s).await;
    assert_eq!(s.t.text("SELECT industry FROM customer WHERE name LIKE '%朝凪電装%'").await, "海運");
    let (_, page) = who.visit(&format!("/customers/bulk/{id}")).await;
    assert!(page.contains("1社は、その後に変わったためそのままです。"), "{page}");
}

async fn what_cannot_be_set_is_told(s: &Scene, who: &Person, own: &str) {
    let jobs = s.t.count("SELECT COUNT(*) FROM bulk").await;
    for (field, value, count, said) in [
        ("name", "x", "1", "この項目はまとめて変えられません"),
        ("department", "営業二課", "1", "あなたの部署を入力してください"),
        ("owner", "岸", "7", "条件に合う顧客の数が変わりました"),
        ("custom.nothing", "x", "1", "この項目はまとめて変えられません"),
    ] {
        let form = [("id", own), ("field", field), ("value", value), ("count", count)];
        let (status, page) = who.follow("/customers/bulk", &form).await;
        assert_eq!((status, page.contains(said)), (422, true), "{field}: {page}");
    }
    let viewer = s.person(Role::Viewer, &[OWN]).await;
    let form = [("id", own), ("field", "owner"), ("value", "x"), ("count", "1")];
    assert_eq!(viewer.follow("/customers/bulk", &form).await.0, 403);
    assert_eq!(s.t.count("SELECT COUNT(*) FROM bulk").await, jobs);
}

/// Customers that people typed, `n` of them, called 多数商店0 and on.
async fn crowd(s: &Scene, n: usize) {
    let mut tx = s.t.hub().db.begin().await.unwrap();
    for n in 0..n {
        let (id, name) = (format!("cus_{n:026}"), format!("多数商店{n}"));
        for statement in [
            "INSERT INTO customer (id, kind, name, name_key, currency, sample, provenance, seq, created_at, updated_at)
             VALUES ($1, 'corporation', $2, $2, 'JPY', FALSE, '{}', 1, 1, 1)",
            "INSERT INTO customer_value (customer_id, field, value, underway, pinned, actor, at)
             VALUES ($1, 'name', $2, '[]', FALSE, 'test', 1)",
        ] {
            sql(statement).bind(&id).bind(&name).execute(&mut tx).await.unwrap();
        }
    }
    tx.commit().await.unwrap();
    s.t.hub().directory.reload(&s.t.hub().db).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_are_done_in_pieces_go_on_and_stop_with_the_person() {
    for database in TestDatabase::both().await {
        let s = Scene::new(&database).await;
        crowd(&s, 230).await;
        let form = [("all", "1"), ("q", "多数商店"), ("field", "industry"), ("value", "小売"), ("count", "230")];
        assert_eq!(s.owner.follow("/customers/bulk", &form).await.0, 200);
        settled(&s).await;
        let filled = "SELECT COUNT(*) FROM customer WHERE industry = '小売' AND name LIKE '多数商店%'";
        assert_eq!(s.t.count(filled).await, 230, "{}", database.name);
        // A job that a process left in the middle: what it did is not done again.
        let ids: Vec<String> = (0..60).map(|n| format!("cus_{n:026}")).collect();
        let owner = s.owner.id.clone();
        begun(&s, "blk_left", &owner, &ids).await;
        settled(&s).await;
        let of =
            |state: &str| format!("SELECT COUNT(*) FROM bulk_item WHERE bulk_id = 'blk_left' AND state = '{state}'");
        assert_eq!(sql(of("changed")).one::<(i64,)>(&s.t.hub().db).await.unwrap().0, 59, "{}", database.name);
        assert_eq!(s.t.text("SELECT industry FROM customer WHERE id = 'cus_00000000000000000000000000'").await, "小売");
        // Whoever may no longer, does no more.
        let viewer = s.person(Role::Viewer, &[OWN]).await;
        begun(&s, "blk_viewer", &viewer.id, &ids).await;
        settled(&s).await;
        assert_eq!(s.t.text("SELECT state || cause FROM bulk WHERE id = 'blk_viewer'").await, "stoppedFORBIDDEN");
        s.t.stop().await;
    }
}

/// A job whose first customer is done, and which nobody works on.
async fn begun(s: &Scene, id: &str, actor_id: &str, ids: &[String]) {
    let db = &s.t.hub().db;
    let now = s.t.hub().clock.now();
    let new = bulk::New { id, actor_id, actor: "高梨 拓", field: "industry", value: "卸売", pinned: false, now };
    let mut tx = db.begin().await.unwrap();
    bulk::insert(&mut tx, &new, ids).await.unwrap();
    let mut first = bulk::items(&mut tx, id, "waiting", 1).await.unwrap().pop().unwrap();
    first.state = "same".to_owned();
    bulk::settle(&mut tx, id, &first).await.unwrap();
    tx.commit().await.unwrap();
    s.t.hub().bulk.notify_one();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_box_finds_every_noun_and_nothing_beyond_the_reader() {
    for database in TestDatabase::both().await {
        let s = Scene::new(&database).await;
        for (typed, shown) in [
            ("朝凪", "朝凪電装"),
            ("ﾍﾞﾂﾌﾞｼｮ", "別部署商事"),
            ("N-ao1", "N-ao1"),
            ("Ｎ－ａｏ１", "N-ao1"),
            ("INV-A", "INV-A1"),
            ("PAY-Z1", "PAY-Z1"),
            ("外岡", "外岡"),
            ("監査", "監査ログ"),
            ("audit", "監査ログ"),
            ("takanashi", "高梨 拓"),
        ] {
            let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("q", typed).finish();
            let (status, page) = s.owner.visit(&format!("/search?{query}")).await;
            let hits = between(&page, "data-region=\"hits\"", "data-announcement");
            assert_eq!((status, hits.contains(shown)), (200, true), "{} {typed}: {hits}", database.name);
        }
        let who = s.person(Role::Viewer, &[OWN]).await;
        for typed in OUTSIDE.into_iter().chain(["080-5555-0001", "監査", "takanashi"]) {
            let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("q", typed).finish();
            let (status, page) = who.visit(&format!("/search?{query}")).await;
            assert!(status == 200 && !page.contains("<ul class=\"hits\">"), "{} {typed}: {page}", database.name);
        }
        // What was looked at last stands there while nothing is typed.
        s.owner.visit(&format!("/customers/{}", s.id("own"))).await;
        s.t.until("SELECT COUNT(*) FROM audit WHERE action = 'customer.view'", |n| n > 0).await;
        assert!(s.owner.visit("/search").await.1.contains("朝凪電装"));
        assert!(s.owner.visit("/").await.1.contains("最近見た顧客"));
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_keep_views_as_their_owner_may() {
    for database in TestDatabase::both().await {
        let s = Scene::new(&database).await;
        let employee = s.person(Role::Employee, &[OWN]).await;
        let of =
            async |id: &str| Program::new(&s.t, &token(&s.t, id, &[Scope::CustomersRead, Scope::ViewsWrite]).await);
        let (boss, hand) = (of(&s.owner.id).await, of(&employee.id).await);
        let body = json!({"name": "大口", "query": "?sort=-overdue&page=3", "shared": true});
        assert_eq!(hand.send("POST", "/api/v1/views", &[], &body).await.status, 403);
        let key = [("Idempotency-Key", "k1")];
        let made = boss.send("POST", "/api/v1/views", &key, &body).await;
        assert_eq!((made.status, &made.body["query"]), (201, &json!("sort=-overdue")), "{}", made.body);
        assert_eq!(boss.send("POST", "/api/v1/views", &key, &body).await.body["id"], made.body["id"]);
        assert_eq!(boss.send("POST", "/api/v1/views", &[], &body).await.body["code"], "VIEW_NAME_TAKEN");
        let wrong = json!({"name": "x", "query": "colour=red"});
        assert_eq!(boss.send("POST", "/api/v1/views", &[], &wrong).await.body["code"], "VIEW_QUERY");
        let at = made.header("location").to_owned();
        assert_eq!(hand.get("/api/v1/views", 200).await.body["items"][0]["name"], "大口");
        assert_eq!(boss.send("PATCH", &at, &[], &json!({"name": "特大"})).await.status, 428);
        let first = [("If-Match", "\"1\"")];
        assert_eq!(boss.send("PATCH", &at, &first, &json!({"name": "特大"})).await.body["seq"], 2);
        assert_eq!(boss.send("PATCH", &at, &first, &json!({"name": "巨大"})).await.body["code"], "VERSION_STALE");
        assert_eq!(hand.send("DELETE", &at, &[], &json!(null)).await.status, 403);
        assert_eq!(boss.send("DELETE", &at, &[], &json!(null)).await.status, 204);
        boss.get(&at, 404).await;
        s.t.stop().await;
    }
}
