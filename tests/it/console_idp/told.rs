//! What the steps tell somebody who sets a provider up: what came, what is missing, what stands in the way.

use serde_json::json;

use super::admin::Admin;
use crate::{
    issuer::{CLIENT, Play, Visitor},
    oidc_cases::scene::SESSION,
    real::TestDatabase as Database,
};

/// What a provider sends of groups, and what a trial says to it.
type Case = (&'static str, fn(&mut Play), &'static [&'static str]);

const GROUPS: [Case; 3] = [
    (
        "empty",
        |p| {
            p.token = |t| t.claim("groups", json!([]));
            p.userinfo = |claims| claims["groups"] = json!([]);
        },
        &["グループの一覧は届きましたが、空です", "(空)", "入っていない人の役割を決めて"],
    ),
    (
        "renamed",
        |p| {
            p.token = |t| {
                t.without(&["groups"]);
                t.claim("company_teams", json!(["staff"]));
            };
            p.userinfo = |claims| drop(claims.as_object_mut().unwrap().shift_remove("groups"));
        },
        &["グループが届いていません", "company_teams", "グループのクレーム(SAML ではグループの属性)をその名前に変えて"],
    ),
    ("others", |p| p.token = |t| t.claim("groups", json!(["others"])), &["役割に対応するグループに入っていない"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn no_group_an_empty_list_and_another_name_are_three_things() {
    let database = Database::sqlite().await;
    let a = Admin::new(&database).await;
    let mut ids = Vec::new();
    for (case, play, said) in GROUPS {
        let id = a.ready(case).await;
        ids.push(id.clone());
        a.scene.issuers.plays(case, play);
        let page = a.tried(&id).await.body;
        for said in said {
            assert!(page.contains(said), "{case}: {said} in {page}");
        }
    }
    // Where others have a role, an empty list is no failure.
    let id = &ids[0];
    let roles = [("groups_claim", "groups"), ("group", "staff"), ("role", "employee"), ("default_role", "viewer")];
    a.done(&format!("/admin/idp/{id}/roles"), &roles).await;
    let page = a.tried(id).await.body;
    assert!(page.contains("すべて確認できました") && page.contains("閲覧のみ"), "{page}");
    a.scene.t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_who_tests_with_the_address_that_is_here_reads_what_is_true() {
    let database = Database::sqlite().await;
    let a = Admin::new(&database).await;
    assert!(a.change("UPDATE app_user SET mail = 'mine@staff.example', mail_key = 'mine@staff.example'").await);
    let id = a.ready("mine").await;
    let page = a.tried(&id).await.body;
    assert!(page.contains("[サインイン方法]でこのアカウントを追加すると"), "{page}");
    assert!(page.contains("この人はオーナーのままです") && !page.contains("サインインできません"), "{page}");
    a.scene.t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_leads_back_and_may_be_somebody_elses() {
    let database = Database::sqlite().await;
    let a = Admin::new(&database).await;
    let id = a.ready("another").await;
    let test = format!("/admin/idp/{id}/test");
    let page = a.open(&test).await.body;
    assert!(page.contains("別の人でテスト") && !page.contains("/test/start\" target"), "{page}");
    assert!(!a.open(&format!("{test}/start")).await.location().contains("prompt="));
    let start = a.open(&format!("{test}/start?person=another")).await;
    assert!(start.location().contains("prompt=login") && !start.location().contains("max_age"), "{}", start.location());
    assert!(a.change("UPDATE idp SET preset = 'google'").await);
    assert!(a.open(&format!("{test}/start?person=another")).await.location().contains("prompt=select_account"));
    a.scene.t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_under_another_host_says_where_to_open_it() {
    let database = Database::sqlite().await;
    let a = Admin::new(&database).await;
    let id = a.ready("host").await;
    let here = a.scene.t.address();
    let there = here.replace("localhost", "127.0.0.1");
    assert_ne!(here, there);
    a.v.put(&there, SESSION, &a.v.cookie(&here, SESSION).unwrap());
    for step in ["give", "test"] {
        let path = format!("/admin/idp/{id}/{step}");
        assert!(!a.open(&path).await.body.contains("公開 URL"), "{step}");
        let page = a.v.click(&format!("{there}{path}")).await.body;
        assert!(page.contains("公開 URL とは別のアドレス"), "{step}: {page}");
        assert!(page.contains(&format!("href=\"{here}{path}\"")), "{step}: {page}");
    }
    a.scene.t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_between_here_and_the_provider_is_named() {
    let database = Database::sqlite().await;
    let a = Admin::new(&database).await;
    let id = a.draft("way", "oidc").await;
    let site = a.scene.issuers.site("way").issuer;
    let tls = site.replacen("http://", "https://", 1);
    for (issuer, private, said) in [
        (site.as_str(), false, "[社内ネットワークの認証基盤]を選びます"),
        ("https://127.0.0.1:9", false, "[社内ネットワークの認証基盤]を選びます"),
        ("http://127.0.0.1:9", true, "接続を拒否されました"),
        ("http://no-such-host.invalid", true, "ホスト名が見つかりません"),
        (tls.as_str(), true, "暗号化の接続(TLS)ができません"),
    ] {
        let mut pairs = vec![("issuer", issuer), ("client_id", CLIENT), ("secret", "s")];
        pairs.extend(private.then_some(("private", "true")));
        let page = a.post(&format!("/admin/idp/{id}/take"), &pairs).await;
        assert!(page.status == 422 && page.body.contains(said), "{issuer}: {said} in {}", page.body);
        assert!(page.body.contains("<details open>"), "{issuer}: the box is in sight");
    }
    a.scene.t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preset_asks_for_what_the_provider_has() {
    let database = Database::sqlite().await;
    let a = Admin::new(&database).await;
    for (preset, out, logout, groups) in
        [("google", false, false, false), ("entra", true, false, true), ("keycloak", true, true, true)]
    {
        let id = a.draft(preset, preset).await;
        let give = a.open(&format!("/admin/idp/{id}/give")).await.body;
        assert!(give.contains("/callback"));
        assert_eq!(give.contains("/backchannel-logout"), logout, "{preset}: {give}");
        assert_eq!(give.contains("サインアウト後の戻り先 URI(任意)"), out, "{preset}: {give}");
        let roles = a.open(&format!("/admin/idp/{id}/roles")).await.body;
        assert_eq!(roles.contains("グループのクレーム"), groups, "{preset}: {roles}");
        assert_eq!(roles.contains("サインインした人すべてがこの役割"), !groups, "{preset}: {roles}");
    }
    a.scene.t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_no_language_reads_that_of_the_organisation_and_a_refusals_code_is_in_the_list() {
    let database = Database::sqlite().await;
    let a = Admin::new(&database).await;
    let id = a.ready("words").await;
    let plain = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let read = async |path: &str, accepts: Option<&str>| {
        let request = plain.get(a.at(path)).header("accept", "text/html");
        let request = accepts.into_iter().fold(request, |request, said| request.header("accept-language", said));
        request.send().await.unwrap().text().await.unwrap()
    };
    let callback = format!("/auth/oidc/{id}/callback?code=x&state=y");
    for (language, word) in [("ja", "lang=\"ja\""), ("en", "lang=\"en\"")] {
        let settings = musubi::identity::Settings { language: language.into(), ..Default::default() };
        let mut tx = a.scene.t.hub().db.begin().await.unwrap();
        settings.save(&mut tx, a.scene.t.hub().clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        for path in ["/signin", "/invitation", &callback] {
            assert!(read(path, None).await.contains(word), "{language} {path}");
            assert!(read(path, Some("fr")).await.contains(word), "{language} {path}");
            assert!(read(path, Some("ja")).await.contains("lang=\"ja\""), "{language} {path}");
            assert!(read(path, Some("en-GB")).await.contains("lang=\"en\""), "{language} {path}");
        }
    }
    Visitor::new().get(&a.at(&callback)).await;
    let ran = a.scene.shell(&["audit", "list", "--outcome", "refused"], "").await;
    assert!(ran.out.to_uppercase().contains("CODE") && ran.out.contains("BROWSER_UNKNOWN"), "{}", ran.out);
    a.scene.t.stop().await;
}
