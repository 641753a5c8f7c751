//! Role by page by department by masked field: each answer by itself.

use musubi::{
    config::Config,
    identity::{By, Origin, Role},
    store::sql,
};
use serde_json::json;

use super::scene::{CREDIT, PERSONAL, Scene, TERMS};
use crate::{cli_ops::Shell, hub::TestHub, real::TestDatabase};

const OWN: &str = "営業1課";

/// The same refusal, whatever was asked for.
fn same(text: &str, ids: &[&str]) -> String {
    let mut text = text.to_owned();
    for id in ids {
        text = text.replace(id, "ID");
    }
    // Each answer has a number of its own, and nothing behind it.
    text.split("<code").next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_departments_customer_is_not_there() {
    for database in TestDatabase::both().await {
        let s = Scene::new(&database).await;
        let nobody = "cus_00000000000000000000000000";
        for role in [Role::Steward, Role::Employee, Role::Viewer] {
            let who = s.person(role, &[OWN]).await;
            for (name, page, event) in
                [("own", 200, "own_order"), ("private", 200, ""), ("free", 200, ""), ("other", 404, "other_order")]
            {
                let id = s.id(name);
                assert_eq!(who.get(&format!("/customers/{id}")).await.0, page, "{} {role:?} {name}", database.name);
                assert_eq!(who.get(&format!("/customers/{id}/stream")).await.0, page, "{role:?} {name}");
                if !event.is_empty() {
                    let event = format!("/customers/{id}/events/{}", s.id(event));
                    assert_eq!(who.get(&event).await.0, page, "{role:?} {event}");
                }
                let form = if role == Role::Viewer { 403 } else { page };
                assert_eq!(who.get(&format!("/customers/{id}/edit")).await.0, form, "{role:?} {name}");
                assert_eq!(who.get(&format!("/customers/{id}/activities/new")).await.0, form, "{role:?} {name}");
            }
            // Through an own customer nobody comes to the documents of another.
            let foreign = format!("/customers/{}/events/{}", s.id("own"), s.id("other_order"));
            assert_eq!(who.get(&foreign).await.0, 404, "{role:?}");
            for path in ["", "/edit", "/stream", "/activities/new"] {
                let (there, none) =
                    (format!("/customers/{}{path}", s.id("other")), format!("/customers/{nobody}{path}"));
                let ((status, one), (expected, other)) = (who.get(&there).await, who.get(&none).await);
                assert_eq!(status, expected, "{role:?} {path}");
                assert_eq!(same(&one, &[s.id("other")]), same(&other, &[nobody]), "{role:?} {path}");
            }
            nothing_is_written(&s, &who, role).await;
        }
        // Auditors see no customers, owners and administrators all of them.
        assert_eq!(s.person(Role::Auditor, &[OWN]).await.get(&format!("/customers/{}", s.id("own"))).await.0, 403);
        let admin = s.person(Role::Admin, &[]).await;
        assert_eq!(admin.get(&format!("/customers/{}", s.id("other"))).await.0, 200);
        s.t.stop().await;
    }
}

async fn nothing_is_written(s: &Scene, who: &super::scene::Person, role: Role) {
    let other = s.id("other");
    let refused = if role == Role::Viewer { 403 } else { 404 };
    let before = s.t.count("SELECT COUNT(*) FROM version").await;
    for (path, form) in [
        (format!("/customers/{other}/edit"), vec![("phone", "03-1111-1111"), ("seen.phone", "06-0000-0001")]),
        (format!("/customers/{other}/activities"), vec![("kind", "call"), ("subject", "x"), ("date", "2026-11-02")]),
        (format!("/customers/{other}/values/phone/release"), vec![]),
        (format!("/customers/{other}/conflicts/phone"), vec![("keep", "typed")]),
    ] {
        assert_eq!(who.post(&path, &form).await.0, refused, "{role:?} {path}");
    }
    assert_eq!(s.t.count("SELECT COUNT(*) FROM version").await, before, "{role:?}");
    if role == Role::Steward {
        for way in ["replay", "ignore", "restore"] {
            for name in ["other_failure", "unknown_failure"] {
                let path = format!("/failures/{}/{way}", s.id(name));
                assert_eq!(who.post(&path, &[("reason", "x")]).await.0, 404, "{path}");
            }
        }
        who.post("/failures/replay", &[("cause", "FMT_DATE")]).await;
        let tried =
            "SELECT CAST(COALESCE(SUM(attempts), 0) AS BIGINT) FROM failure WHERE external_id IN ('zf1', 'uf1')";
        assert_eq!(s.t.count(tried).await, 2, "only the own ones were tried again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_count_what_is_seen() {
    for database in TestDatabase::both().await {
        let s = Scene::new(&database).await;
        let who = s.person(Role::Steward, &[OWN]).await;
        let view = s.t.hub().identity.view_of(&who.id, Role::Steward).await.unwrap();
        assert_eq!(s.t.hub().directory.count(&view), 3, "{}", database.name);
        let failures = musubi::store::read_console::open_failures(&s.t.hub().db, &view).await.unwrap();
        assert_eq!(failures, 1, "{}", database.name);
        let (_, list) = who.get("/customers").await;
        assert!(list.contains("朝凪電装") && list.contains("個人 一郎") && list.contains("無所属商会"));
        assert!(!list.contains("営業二課") && !list.contains("別部署"), "{list}");
        // The menu, the tabs and the list say the same number.
        let numbers = |text: &str, of: &str| text.matches(of).count();
        assert!(numbers(&list, "<span class=\"n\">3</span>") >= 1, "{list}");
        let (_, all) = s.owner.get("/customers").await;
        assert!(numbers(&all, "<span class=\"n\">4</span>") >= 1, "{all}");
        let documents = |view: musubi::model::View| {
            let db = s.t.hub().db.clone();
            async move {
                let found = musubi::analytics::timeline::search_documents(&db, &view, "N-zo1", 5).await.unwrap();
                let own = musubi::analytics::timeline::search_documents(&db, &view, "N-ao1", 5).await.unwrap();
                (found.len(), own.len())
            }
        };
        assert_eq!(documents(view).await, (0, 1), "{}", database.name);
        assert_eq!(documents(musubi::model::View::everything()).await, (1, 1), "{}", database.name);
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn masked_fields_are_shown_to_those_who_may_see_them() {
    for database in TestDatabase::both().await {
        let s = Scene::new(&database).await;
        for (role, credit, terms, personal) in [
            (Role::Admin, true, true, true),
            (Role::Steward, true, false, false),
            (Role::Employee, true, true, true),
            (Role::Viewer, false, false, false),
        ] {
            let who = s.person(role, &[OWN]).await;
            let (_, own) = who.get(&format!("/customers/{}", s.id("own"))).await;
            let (_, private) = who.get(&format!("/customers/{}", s.id("private"))).await;
            let shows = |page: &str, words: &[&str]| words.iter().any(|word| page.contains(word));
            assert_eq!(shows(&own, &CREDIT), credit, "{} {role:?}: credit", database.name);
            assert_eq!(shows(&own, &TERMS), terms, "{} {role:?}: terms", database.name);
            assert_eq!(shows(&own, &PERSONAL), personal, "{} {role:?}: a contact", database.name);
            assert_eq!(shows(&private, &PERSONAL), personal, "{} {role:?}: a person", database.name);
            assert!(own.contains("053-000-0001"), "a company's number is not personal");
            let all = credit && terms && personal;
            assert_eq!(own.contains("権限により非表示"), !all, "{} {role:?}", database.name);
            for (words, found) in [("080-5555-0001", personal), ("kojin.example", personal), ("053-000-0001", true)] {
                let (_, list) = who.get(&format!("/customers?q={words}")).await;
                assert_eq!(list.contains("朝凪電装"), found, "{} {role:?} looks for {words}", database.name);
            }
        }
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_masked_is_neither_revealed_nor_overwritten() {
    for database in TestDatabase::both().await {
        let s = Scene::new(&database).await;
        let steward = s.person(Role::Steward, &[OWN]).await;
        let path = format!("/customers/{}/edit", s.id("own"));
        let (_, form) = steward.get(&path).await;
        assert!(form.contains("name=\"credit_limit\"") && !form.contains("payment_terms\""), "{form}");
        let stood = "SELECT payment_terms || closing_day FROM customer WHERE code = 'A-1'";
        let before = s.t.text(stood).await;
        let typed = [
            ("seen.payment_terms", ""),
            ("payment_terms", "即金"),
            ("closing_day", ""),
            ("seen.phone", "053-000-0001"),
            ("phone", "053-000-0002"),
        ];
        let (status, page) = steward.post(&path, &typed).await;
        assert_eq!(status, 303, "{page}");
        assert_eq!(s.t.text(stood).await, before, "{}", database.name);
        assert_eq!(s.t.text("SELECT phone FROM customer WHERE code = 'A-1'").await, "053-000-0002");
        for way in ["conflicts/payment_terms", "values/payment_terms/release"] {
            let path = format!("/customers/{}/{way}", s.id("own"));
            assert_eq!(steward.post(&path, &[("keep", "source")]).await.0, 404, "{way}");
        }
        assert_eq!(s.t.count("SELECT COUNT(*) FROM conflict").await, 1);
        // A form with a mistake does not show it either.
        let (status, again) = steward.post(&path, &[("mail", "no mail"), ("payment_terms", "")]).await;
        assert_eq!(status, 422);
        assert!(!TERMS.iter().any(|word| again.contains(word)), "{again}");
        // Nobody who is limited gives a customer away, or makes one that they would not see.
        let away = [("seen.department", "営業１課"), ("department", "営業二課")];
        assert_eq!(steward.post(&path, &away).await.0, 422);
        let new = |department: &'static str| [("name", "新しい商会"), ("department", department)];
        assert_eq!(steward.post("/customers/new", &new("営業二課")).await.0, 422);
        assert_eq!(steward.post("/customers/new", &new("営業 1課")).await.0, 303);
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_departments_holds_at_once_and_is_in_the_trail() {
    for database in TestDatabase::both().await {
        let s = Scene::new(&database).await;
        let who = s.person(Role::Employee, &[OWN]).await;
        let (own, other) = (format!("/customers/{}", s.id("own")), format!("/customers/{}", s.id("other")));
        let person = format!("/admin/users/{}", who.id);
        assert_eq!((who.get(&own).await.0, who.get(&other).await.0), (200, 404));
        let given = s.owner.post(&format!("{person}/departments"), &[("department", " 営業二課 ")]).await;
        assert_eq!(given.0, 303, "{}", given.1);
        assert_eq!((who.get(&own).await.0, who.get(&other).await.0), (200, 200), "{}", database.name);
        assert!(s.owner.get(&person).await.1.contains("営業二課"));
        s.owner.post(&format!("{person}/departments/remove"), &[("department", OWN)]).await;
        assert_eq!((who.get(&own).await.0, who.get(&other).await.0), (404, 200), "{}", database.name);
        // Nobody gives themselves a department, nor does a colleague.
        assert_eq!(who.post(&format!("{person}/departments"), &[("department", OWN)]).await.0, 403);
        for name in ["", "  ", &"長".repeat(101)] {
            assert_eq!(s.owner.post(&format!("{person}/departments"), &[("department", name)]).await.0, 422);
        }
        let acts = sql("SELECT detail FROM audit WHERE action = 'user.department' AND object_id = $1 ORDER BY id");
        let acts: Vec<(String,)> = acts.bind(&who.id).all(&s.t.hub().db).await.unwrap();
        let acts: Vec<serde_json::Value> = acts.iter().map(|(text,)| serde_json::from_str(text).unwrap()).collect();
        let said = |given, taken| json!({ "given": given, "taken": taken });
        let expected = [said(Some(OWN), None), said(Some("営業二課"), None), said(None, Some(OWN))];
        assert_eq!(acts, expected, "{}", database.name);
        // What the shell does is the same; whoever runs it has the machine.
        let folder = tempfile::tempdir().unwrap();
        let shell = Shell { folder: folder.path(), url: &database.url };
        let listed = tokio::task::block_in_place(|| {
            shell.json(&["user", "department", &who.id, "--add", "東京支店", "--remove", "営業二課"])
        });
        assert_eq!(listed, json!([{"name": "東京支店", "given_by": "person"}]));
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn by_default_nobody_is_limited_and_what_changes_is_in_the_trail() {
    for database in TestDatabase::both().await {
        let s = Scene::with(&database, |_| {}).await;
        let viewer = s.person(Role::Viewer, &[]).await;
        assert_eq!(viewer.get(&format!("/customers/{}", s.id("other"))).await.0, 200);
        let changed = "SELECT COUNT(*) FROM audit WHERE action = 'access.change'";
        assert_eq!(s.t.count(changed).await, 0);
        s.t.stop().await;
        let tight = |config: &mut Config| {
            super::scene::limited(config);
            config.access.unassigned = false;
        };
        for _ in 0..2 {
            let t = TestHub::start_with(&database, tight).await;
            assert_eq!(t.count(changed).await, 1, "{}: once", database.name);
            t.stop().await;
        }
    }
}

/// A customer without a department is for who sees everything, where the organisation says so.
#[tokio::test(flavor = "multi_thread")]
async fn customers_without_a_department_can_be_kept_back() {
    for database in TestDatabase::both().await {
        let tight = |config: &mut Config| {
            super::scene::limited(config);
            config.access.unassigned = false;
        };
        let s = Scene::with(&database, tight).await;
        let who = s.person(Role::Steward, &[OWN]).await;
        for (name, status) in [("own", 200), ("free", 404), ("other", 404)] {
            assert_eq!(who.get(&format!("/customers/{}", s.id(name))).await.0, status, "{} {name}", database.name);
        }
        assert!(!who.get("/customers").await.1.contains("無所属商会"));
        // Such a person has to say whose a new customer is.
        assert_eq!(who.post("/customers/new", &[("name", "新しい商会")]).await.0, 422);
        // What an older program wrote is nobody's until it is folded, which a start does.
        let mut tx = s.t.hub().db.begin().await.unwrap();
        sql("UPDATE customer SET department_key = NULL").execute(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(who.get(&format!("/customers/{}", s.id("own"))).await.0, 404);
        musubi::store::migrate::run(&s.t.hub().db).await.unwrap();
        assert_eq!(who.get(&format!("/customers/{}", s.id("own"))).await.0, 200, "{}", database.name);
        let by = By { actor: "cli", role: None };
        assert!(s.t.hub().identity.take_department(by, &who.id, OWN, &Origin::default()).await.unwrap());
        assert_eq!(s.t.hub().directory.count(&s.t.hub().identity.view_of(&who.id, Role::Steward).await.unwrap()), 0);
        s.t.stop().await;
    }
}
