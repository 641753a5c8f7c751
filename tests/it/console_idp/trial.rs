//! A trial: what it shows when all is well, and which check it names when something is not.

use super::admin::{Admin, Traces};
use crate::{
    issuer::{CLIENT, Play, Visitor, bent},
    oidc_cases::{case::Way, proof::BY_KEY, scene::SESSION},
    real::TestDatabase as Database,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_is_set_up_tried_and_switched_on() {
    for database in Database::both().await {
        let a = Admin::new(&database).await;
        let id = a.ready("ok").await;
        assert!(!a.open("/signin").await.body.contains(&id), "{}: not offered", database.name);
        let untried = a.post(&format!("/admin/idp/{id}/activate"), &[]).await;
        assert!(untried.status == 422 && untried.body.contains("テスト"), "{}", untried.status);

        let page = a.tried(&id).await;
        for said in ["sub-ok", "ok@staff.example", "架空 花子", "staff", "すべて確認できました", "RS256"]
        {
            assert!(page.body.contains(said), "{}: {said} in {}", database.name, page.body);
        }
        a.nobody_came().await;
        let tries = "SELECT COUNT(*) FROM audit WHERE action = 'idp.try' AND outcome = 'ok' AND request_id IS NOT NULL";
        assert_eq!(a.scene.t.count(tries).await, 1);

        a.done(&format!("/admin/idp/{id}/activate"), &[]).await;
        assert_eq!(a.scene.t.count("SELECT COUNT(*) FROM idp_trial").await, 0, "what it said of a person is gone");
        let trip = a.scene.sign_in(&Visitor::new(), &id, Way::Straight).await;
        assert!(trip.end.sets(SESSION).is_some(), "{}: {}", database.name, trip.end.body);
        assert_eq!(a.traces().await, Traces { sessions: 2, people: 2, identities: 1 });
        let list = a.open("/admin/idp").await.body;
        assert!(list.contains("有効") && list.contains("OpenID Connect"), "{list}");
        assert_eq!(a.scene.issuers.wrong("ok"), Vec::<String>::new());
        a.scene.t.stop().await;
    }
}

/// What a case does, the words of the checks that the page has to show as failed, and what it says to do.
type Case = (&'static str, fn(&mut Play), &'static str, &'static str);

const FINDINGS: [Case; 6] = [
    ("wrong-aud", |p| p.token = |t| t.claim("aud", "another"), "このアプリ宛てのトークンではない", "クライアント ID"),
    ("bent", |p| p.token = |t| t.finish = bent, "署名が合わない", "署名の設定"),
    ("expired", |p| p.token = |t| t.claim("exp", t.now - 3600), "トークンの期限切れ", "時計"),
    ("secret", |p| p.secret = "another secret of the tests", "認可コードを受け付けない", "シークレット"),
    (
        "denied",
        |p| {
            p.back = |b, _| {
                b.retain(|(name, _)| name != "code");
                b.push(("error".into(), "access_denied".into()));
            }
        },
        "認証基盤がサインインを断った",
        "割り当てて",
    ),
    (
        "no-groups",
        |p| {
            p.token = |t| t.without(&["groups"]);
            p.userinfo = |claims| drop(claims.as_object_mut().unwrap().shift_remove("groups"));
        },
        "グループが届いていません",
        "「グループ」の属性",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_trial_says_which_check_and_what_to_do() {
    let database = Database::sqlite().await;
    let a = Admin::new(&database).await;
    for (case, play, failed, todo) in FINDINGS {
        let id = a.ready(case).await;
        a.scene.issuers.plays(case, play);
        let page = a.tried(&id).await;
        assert!(page.body.contains(failed), "{case}: {failed} in {}", page.body);
        assert!(page.body.contains(todo), "{case}: {todo}");
        assert!(!page.body.contains(&format!("href=\"/admin/idp/{id}/activate\"")), "{case}: no way on");
        assert_eq!(a.post(&format!("/admin/idp/{id}/activate"), &[]).await.status, 422, "{case}");
    }
    a.nobody_came().await;
    let refused = "SELECT COUNT(*) FROM audit WHERE action = 'idp.try' AND outcome = 'refused'";
    assert_eq!(a.scene.t.count(refused).await, i64::try_from(FINDINGS.len()).unwrap());
    a.scene.t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_counts_for_the_settings_that_it_saw() {
    let database = Database::sqlite().await;
    let a = Admin::new(&database).await;
    let id = a.ready("changed").await;
    a.tried(&id).await;
    let roles = [("groups_claim", "groups"), ("group", "staff"), ("role", "admin")];
    a.done(&format!("/admin/idp/{id}/roles"), &roles).await;
    let page = a.open(&format!("/admin/idp/{id}/test")).await;
    assert!(page.body.contains("テストの後に設定が変わりました"), "{}", page.body);
    assert_eq!(a.post(&format!("/admin/idp/{id}/activate"), &[]).await.status, 422);
    a.tried(&id).await;
    // Should the provider fail, somebody has to get in to mend it.
    assert!(a.change("UPDATE app_user SET password_hash = NULL").await);
    let page = a.post(&format!("/admin/idp/{id}/activate"), &[]).await;
    assert!(page.status == 422 && page.body.contains("パスフレーズでサインインできるオーナーがいません"));
    assert!(a.change("UPDATE app_user SET password_hash = 'x'").await);
    a.done(&format!("/admin/idp/{id}/activate"), &[]).await;
    a.scene.t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_knows_us_by_a_key_needs_no_secret_and_the_key_stays() {
    let database = Database::sqlite().await;
    let a = Admin::new(&database).await;
    a.scene.issuers.plays("keyed", BY_KEY);
    let id = a.ready("keyed").await;
    let take = format!("/admin/idp/{id}/take");
    let site = a.scene.issuers.site("keyed");
    let by = |authentication| {
        let known = [("issuer", site.issuer.as_str()), ("client_id", CLIENT), ("private", "true")];
        [&known[..], &[("authentication", authentication)]].concat()
    };
    a.done(&take, &by("key")).await;
    let jwks = format!("/auth/oidc/{id}/jwks.json");
    for page in [take.clone(), format!("/admin/idp/{id}/give")] {
        assert!(a.open(&page).await.body.contains(&jwks), "{page} names the keys' address");
    }
    let published = a.v.get(&a.at(&jwks)).await.body;
    assert!(a.tried(&id).await.body.contains("すべて確認できました"), "{published}");
    a.done(&take, &by("key")).await;
    assert_eq!(a.v.get(&a.at(&jwks)).await.body, published, "saving again makes no other key");

    let page = a.post(&take, &by("basic")).await;
    assert!(page.status == 422 && page.body.contains("シークレット"), "our key is no secret of theirs: {}", page.body);
    a.done(&format!("/admin/idp/{id}/activate"), &[]).await;
    let trip = a.scene.sign_in(&Visitor::new(), &id, Way::Straight).await;
    assert!(trip.end.sets(SESSION).is_some(), "{}", trip.end.body);
    a.scene.t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_tried_reads_what_was_received() {
    let database = Database::sqlite().await;
    let a = Admin::new(&database).await;
    let id = a.ready("private").await;
    a.tried(&id).await;
    assert!(a.change("UPDATE idp_trial SET user_id = 'usr_other'").await);
    let page = a.open(&format!("/admin/idp/{id}/test")).await.body;
    assert!(page.contains("すべて確認できました") && !page.contains("private@staff.example"), "{page}");
    a.scene.t.stop().await;
}
