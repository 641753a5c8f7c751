//! A provider in use is changed beside what holds: tried first, in force only after that, and nobody is shut out by it.

use super::admin::Admin;
use crate::{
    issuer::{CLIENT, Visitor},
    oidc_cases::{case::Way, scene::SESSION},
    real::TestDatabase as Database,
};

const PENDING: &str = "SELECT COUNT(*) FROM idp_change";

/// A provider that is on, and its page.
async fn live(a: &Admin, case: &str) -> (String, String) {
    let id = a.ready(case).await;
    a.tried(&id).await;
    a.done(&format!("/admin/idp/{id}/activate"), &[]).await;
    let page = format!("/admin/idp/{id}");
    (id, page)
}

/// Whether somebody new gets in.
async fn gets_in(a: &Admin, id: &str) -> bool {
    a.scene.sign_in(&Visitor::new(), id, Way::Straight).await.end.sets(SESSION).is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_secret_replaces_the_one_that_works_after_a_passed_test() {
    for database in Database::both().await {
        let a = Admin::new(&database).await;
        let (id, page) = live(&a, "secret").await;
        let (test, apply) = (format!("{page}/test"), format!("{page}/change/apply"));
        let to = a.done(&format!("{page}/secret"), &[("secret", "mistyped")]).await;
        assert_eq!(to, format!("{test}?done=idp_pending"), "{}", database.name);
        let shown = a.open(&page).await.body;
        assert!(shown.contains("変更の下書き") && !shown.contains("&lt;time"), "{shown}");
        assert!(gets_in(&a, &id).await, "{}: the old one is used", database.name);

        let untried = a.post(&apply, &[]).await;
        assert!(untried.status == 422 && untried.body.contains("テストがまだ成功していません"), "{}", untried.body);
        let failed = a.tried(&id).await.body;
        assert!(failed.contains("認可コードを受け付けない") && failed.contains(&format!("{page}/take")), "{failed}");
        assert_eq!(a.post(&apply, &[]).await.status, 422, "{}", database.name);
        assert!(gets_in(&a, &id).await, "{}: still", database.name);

        // At the provider the new one counts now, and the old one no more.
        a.scene.issuers.plays("secret", |p| p.secret = "rotatedSecretOfTheTests");
        a.done(&format!("{page}/secret"), &[("secret", "rotatedSecretOfTheTests")]).await;
        assert!(
            a.open(&test).await.body.contains("テストの後に設定が変わりました"),
            "the findings were of another one"
        );
        assert!(!gets_in(&a, &id).await, "{}: nobody signs in by what is only tried", database.name);
        assert!(a.tried(&id).await.body.contains("すべて確認できました"));
        a.done(&apply, &[]).await;
        assert!(gets_in(&a, &id).await, "{}", database.name);
        assert_eq!((a.scene.t.count(PENDING).await, a.post(&apply, &[]).await.status), (0, 409), "{}", database.name);
        assert_eq!(a.scene.t.count("SELECT COUNT(*) FROM idp_trial").await, 0);
        let said = a.scene.t.text("SELECT detail FROM audit WHERE action = 'idp.apply'").await;
        assert_eq!(said, r#"{"settings":["secret"]}"#, "{}", database.name);
        a.scene.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_tried_beside_those_that_hold() {
    for database in Database::both().await {
        let a = Admin::new(&database).await;
        let (id, page) = live(&a, "values").await;
        let (take, apply) = (format!("{page}/take"), format!("{page}/change/apply"));
        let site = a.scene.issuers.site("values");
        let issuer = site.issuer.clone();
        let known = [("issuer", issuer.as_str()), ("private", "true"), ("algorithms", "RS256")];
        let with = |client, age| [&known[..], &[("client_id", client), ("max_age", age)]].concat();
        let holds = a.scene.t.text("SELECT settings FROM idp").await;

        // What is wrong is said beside its field, and nothing is kept.
        assert_eq!(a.post(&take, &with(CLIENT, "soon")).await.status, 422);
        assert_eq!(a.scene.t.count(PENDING).await, 0);
        a.done(&take, &with(CLIENT, "3600")).await;
        assert_eq!(a.scene.t.text("SELECT settings FROM idp").await, holds, "{}", database.name);
        assert!(a.open(&take).await.body.contains("value=\"3600\""), "the form goes on with what was changed");

        // Meanwhile: a trial that was begun before the last change counts for nothing, and roles hold at once.
        let callback = a.callback(&id).await;
        assert!(callback.contains("code="));
        a.done(&take, &with(CLIENT, "7200")).await;
        assert_eq!(a.v.get(&callback).await.status, 303);
        assert!(
            a.open(&format!("{page}/test")).await.body.contains("テストの途中で設定が変わった"),
            "{}",
            database.name
        );
        let roles = [("groups_claim", "groups"), ("group", "staff"), ("role", "steward")];
        a.done(&format!("{page}/roles"), &roles).await;
        assert!(gets_in(&a, &id).await);
        assert_eq!(a.scene.t.text("SELECT role FROM app_user WHERE password_hash IS NULL").await, "steward");

        assert!(a.tried(&id).await.body.contains("すべて確認できました"), "{}", database.name);
        a.done(&apply, &[]).await;
        let after = a.scene.t.text("SELECT settings FROM idp").await;
        assert!(after.contains("\"max_age\":7200") && after.contains("steward"), "{}: {after}", database.name);
        assert!(gets_in(&a, &id).await);

        // Whose people are known by an issuer keeps it; and a draft of changes can be thrown away.
        let another = a.scene.issuers.site("elsewhere");
        let moved = [("issuer", another.issuer.as_str()), ("client_id", CLIENT), ("private", "true")];
        let bound = a.post(&take, &moved).await;
        assert!(
            bound.status == 422 && bound.body.contains("発行者は変更できません"),
            "{}: {}",
            bound.status,
            bound.body
        );
        a.done(&take, &with("another", "7200")).await;
        a.done(&format!("{page}/change/remove"), &[]).await;
        assert_eq!((a.scene.t.count(PENDING).await, a.scene.t.text("SELECT settings FROM idp").await), (0, after));
        let acts =
            "SELECT COUNT(DISTINCT action) FROM audit WHERE action IN ('idp.change', 'idp.apply', 'idp.discard')";
        assert_eq!(a.scene.t.count(acts).await, 3, "{}", database.name);
        a.scene.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_without_people_may_get_another_issuer_and_an_unchanged_form_changes_nothing() {
    let database = Database::sqlite().await;
    let a = Admin::new(&database).await;
    let (id, page) = live(&a, "first").await;
    let site = a.scene.issuers.site("first");
    let same = [("issuer", site.issuer.as_str()), ("client_id", CLIENT), ("private", "true"), ("algorithms", "RS256")];
    let scopes = a.open(&format!("{page}/take")).await.body;
    let scopes = scopes.split("name=\"scopes\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    a.done(&format!("{page}/take"), &[&same[..], &[("scopes", scopes)]].concat()).await;
    assert_eq!(a.scene.t.count(PENDING).await, 0);

    let second = a.scene.issuers.site("second");
    let moved =
        [("issuer", second.issuer.as_str()), ("client_id", CLIENT), ("secret", second.secret), ("private", "true")];
    a.done(&format!("{page}/take"), &moved).await;
    assert!(a.tried(&id).await.body.contains("sub-second"));
    // Somebody signs in by what still holds: from then on the issuer stays.
    assert!(gets_in(&a, &id).await);
    let bound = a.post(&format!("{page}/change/apply"), &[]).await;
    assert!(bound.status == 422 && bound.body.contains("発行者は変更できません"), "{}", bound.body);
    assert!(a.change("DELETE FROM external_identity").await);
    a.done(&format!("{page}/change/apply"), &[]).await;
    assert!(a.scene.t.text("SELECT settings FROM idp").await.contains(&second.issuer));
    let ran = a.scene.shell(&["audit", "list", "--kind", "idp"], "").await;
    assert!(ran.out.contains("idp.apply"), "{}", ran.out);
    a.scene.t.stop().await;
}
