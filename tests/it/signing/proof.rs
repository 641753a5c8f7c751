//! What is dangerous asks again who somebody is.

use musubi::store::sql;

use super::person::{MAIL, PASSPHRASE, Person};
use crate::{
    issuer::{Page, Visitor},
    oidc_cases::{
        people::owner,
        scene::{SESSION, Scene},
    },
    real::TestDatabase as Database,
};

/// What asks for it, with a page to come back to.
async fn dangerous(scene: &Scene) -> Vec<(String, Vec<(&'static str, &'static str)>)> {
    let idp = scene.t.text("SELECT id FROM idp").await;
    let other = scene.t.text("SELECT id FROM app_user WHERE password_hash IS NULL").await;
    let user = |act: &str| format!("/admin/users/{other}/{act}");
    vec![
        (user("role"), vec![("role", "owner")]),
        (user("deactivate"), vec![]),
        (user("sign-out"), vec![]),
        (user("reset-factor"), vec![]),
        (user("break-glass"), vec![("on", "true")]),
        (format!("/admin/idp/{idp}/disable"), vec![]),
        (format!("/admin/idp/{idp}/enable"), vec![]),
        (format!("/admin/idp/{idp}/remove"), vec![]),
        (format!("/admin/idp/{idp}/change/apply"), vec![]),
        (format!("/admin/idp/{idp}/roles"), vec![("group", "staff"), ("role", "admin"), ("department", "x")]),
        (format!("/admin/idp/{idp}/key"), vec![("step", "next")]),
        ("/admin/sso/require".to_owned(), vec![]),
        ("/admin/sso/release".to_owned(), vec![]),
        ("/me/passphrase".to_owned(), vec![("passphrase", "sugi-no-namiki-wo-aruku")]),
        ("/me/second-factor/begin".to_owned(), vec![("passphrase", PASSPHRASE)]),
        ("/me/second-factor/remove".to_owned(), vec![("code", "x")]),
        ("/me/second-factor/passkeys/ask".to_owned(), vec![]),
        ("/me/second-factor/passkeys".to_owned(), vec![("label", "x"), ("passkey", "{}")]),
        ("/me/second-factor/passkeys/psk_x/remove".to_owned(), vec![]),
        ("/me/alerts".to_owned(), vec![("alerts", "off")]),
        ("/admin/tokens/services/new".to_owned(), vec![("name", "x"), ("role", "viewer")]),
        ("/me/tokens/new".to_owned(), vec![("name", "x"), ("scope", "customers:read"), ("expires", "7")]),
        ("/admin/users/invite".to_owned(), vec![("mail", "mori@hinoki-seiki.example"), ("role", "admin")]),
        (format!("/me/identities/{}/remove", "0".repeat(64)), vec![]),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_person_proves_it_and_gets_another_cookie_and_token() {
    for database in Database::both().await {
        let scene = Scene::new(&database).await;
        owner(&scene, MAIL).await;
        let idp = scene.added("sso").await;
        Person::of_provider(&scene, &idp).await;
        let boss = Person::local(&scene, "/signin").await;
        let codes = boss.second_factor().await;
        boss.grows_old().await;
        for (path, pairs) in dangerous(&scene).await {
            let page = boss.post(&path, &pairs).await;
            assert!(page.status == 303 && page.location().starts_with("/me/prove?next="), "{path}: {}", page.status);
        }
        let pages = [format!("/me/identities/add/{idp}"), format!("/admin/idp/{idp}/roles")];
        let pages = pages.iter().map(String::as_str);
        for path in pages.chain(["/admin/audit/export/csv", "/me/tokens/new", "/admin/tokens/services/new"]) {
            let page = boss.open(path).await;
            assert!(page.location().starts_with("/me/prove?next="), "{path}: {}", page.status);
        }
        let acts = "SELECT COUNT(*) FROM audit WHERE action IN
            ('user.role', 'audit.export', 'idp.disable', 'idp.apply', 'user.passphrase', 'idp.change', 'idp.key', 'user.alerts')";
        assert_eq!(scene.t.count(acts).await, 0, "nothing was done");
        assert_eq!(
            scene.t.count("SELECT (SELECT COUNT(*) FROM api_token) + (SELECT COUNT(*) FROM invitation)").await,
            0
        );
        let viewer = [("mail", "mori@hinoki-seiki.example"), ("role", "viewer")];
        assert_eq!(boss.post("/admin/users/invite", &viewer).await.status, 200, "little is given away by it");

        let old = (boss.v.cookie(&boss.at("/"), SESSION).unwrap(), boss.token("/me").await);
        let prove = async |passphrase: &str, code: &str| -> Page {
            boss.post("/me/prove", &[("passphrase", passphrase), ("code", code), ("next", "/admin/idp")]).await
        };
        assert_eq!(prove("not the passphrase", &codes[0]).await.status, 422);
        let right = loop {
            // The next try is taken after a second.
            let page = prove(PASSPHRASE, &codes[0]).await;
            if page.status != 429 {
                break page;
            }
        };
        assert_eq!((right.status, right.location()), (303, "/admin/idp?done=proved"), "{}", right.body);
        let new = (boss.v.cookie(&boss.at("/"), SESSION).unwrap(), boss.token("/me").await);
        assert!(new.0 != old.0 && new.1 != old.1, "another cookie, another token");
        let thief = Visitor::new();
        thief.put(&boss.at("/"), SESSION, &old.0);
        assert_eq!(thief.click(&boss.at("/me")).await.status, 303, "the old cookie is nobody's");
        let stale = boss.v.press(&boss.at("/admin/sso/release"), &[("csrf", &old.1)]).await;
        assert_eq!(stale.status, 403, "nor is the old token");
        boss.done(&format!("/admin/idp/{idp}/disable"), &[]).await;
        let proofs = "SELECT COUNT(*) FROM audit WHERE action = 'session.prove'";
        assert_eq!(scene.t.count(proofs).await, 2, "one wrong, one right: {}", database.name);
        scene.t.stop().await;
    }
}

/// Goes to the provider that vouched for the session, and comes back.
async fn prove_there(person: &Person<'_>) -> Page {
    let start = person.open("/me/prove/start?next=%2Fadmin%2Fidp").await;
    assert_eq!(start.status, 303, "{}", start.body);
    assert!(
        start.location().contains("prompt=login") && start.location().contains("max_age=0"),
        "{}",
        start.location()
    );
    let callback = person.v.get(start.location()).await.location().to_owned();
    person.v.get(&callback).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_has_to_have_asked_again() {
    for database in Database::both().await {
        let scene = Scene::new(&database).await;
        owner(&scene, MAIL).await;
        let idp = scene.add("asks", &["--role", "staff=admin"]).await.unwrap_or_else(|ran| panic!("{}", ran.err));
        let admin = Person::of_provider(&scene, &idp).await;
        admin.grows_old().await;
        let disable = format!("/admin/idp/{idp}/disable");
        assert!(admin.done(&disable, &[]).await.starts_with("/me/prove"));
        let page = admin.open("/me/prove?next=%2Fadmin%2Fidp").await.body;
        assert!(page.contains("/me/prove/start?next=") && !page.contains("type=\"password\""), "{page}");
        assert_eq!(admin.post("/me/prove", &[("passphrase", PASSPHRASE)]).await.status, 422, "there is none");
        assert_eq!(admin.v.get(&admin.at("/me/prove/start")).await.status, 403, "a link of another site");

        let before = admin.v.cookie(&admin.at("/"), SESSION).unwrap();
        scene.issuers.plays("asks", |p| p.token = |t| t.claim("auth_time", t.now - 3_600));
        assert_eq!(prove_there(&admin).await.status, 403, "it did not ask");
        scene.issuers.plays("asks", |p| p.token = |t| t.without(&["auth_time"]));
        assert_eq!(prove_there(&admin).await.status, 403, "it does not say");
        scene.issuers.plays("asks", |p| {
            p.token = |t| t.claim("sub", "sub-of-somebody-else");
            p.userinfo = |u| u["sub"] = "sub-of-somebody-else".into();
        });
        assert_eq!(prove_there(&admin).await.status, 403, "somebody else proved it");
        assert_eq!(admin.v.cookie(&admin.at("/"), SESSION).unwrap(), before, "and nobody else was signed in");
        assert!(admin.done(&disable, &[]).await.starts_with("/me/prove"), "not fresh yet");

        scene.issuers.plays("asks", |p| {
            p.token = |_| {};
            p.userinfo = |_| {};
        });
        // In another browser, and a second time.
        let start = admin.open("/me/prove/start?next=%2Fadmin%2Fidp").await;
        let callback = admin.v.get(start.location()).await.location().to_owned();
        let other = Visitor::new();
        let end = other.get(&callback).await;
        assert!(end.status == 403 && end.sets(SESSION).is_none());
        assert_eq!(admin.v.get(&callback).await.status, 303);
        assert_eq!(admin.v.get(&callback).await.status, 403);
        assert_ne!(admin.v.cookie(&admin.at("/"), SESSION).unwrap(), before, "another cookie");
        assert_eq!(scene.t.count("SELECT COUNT(*) FROM session WHERE idp_id IS NOT NULL").await, 1);
        admin.done(&disable, &[]).await;
        let codes = "SELECT COUNT(DISTINCT detail) FROM audit WHERE outcome = 'refused' AND action = 'session.start'";
        assert!(scene.t.count(codes).await >= 3, "each under its own code");
        scene.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_role_is_that_of_an_invitation_proves_it_without_groups() {
    for database in Database::both().await {
        let scene = Scene::new(&database).await;
        owner(&scene, MAIL).await;
        let idp = scene.added("alone").await;
        let person = Person::of_provider(&scene, &idp).await;
        scene.issuers.plays("alone", |p| {
            p.token = |t| t.without(&["groups"]);
            p.userinfo = |u| u["groups"] = Vec::<String>::new().into();
        });
        let mut tx = scene.t.hub().db.begin().await.unwrap();
        let invited = "UPDATE app_user SET invited_role = role WHERE password_hash IS NULL";
        sql(invited).execute(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        let end = prove_there(&person).await;
        assert_eq!((end.status, end.location()), (303, "/admin/idp?done=proved"), "{}", end.body);
        assert!(person.is_in().await, "{}", database.name);
        scene.t.stop().await;
    }
}
