//! Single sign-on becomes mandatory only where somebody can still get in, and stays so.

use musubi::{
    identity::{By, Role},
    store::sql,
};
use secrecy::ExposeSecret;

use super::person::{MAIL, PASSPHRASE, Person};
use crate::{
    oidc_cases::{
        people::owner,
        scene::{SESSION, Scene},
    },
    real::TestDatabase as Database,
};

const CLI: By<'static> = By { actor: "cli", role: None };

async fn me(scene: &Scene) -> String {
    scene.t.text("SELECT id FROM app_user WHERE role = 'owner' AND password_hash IS NOT NULL").await
}

/// An installation where it can become mandatory: the owner's browser and recovery codes.
async fn prepared(scene: &Scene) -> (Person<'_>, Vec<String>) {
    owner(scene, MAIL).await;
    let idp = scene.added("sso").await;
    Person::of_provider(scene, &idp).await;
    let boss = Person::local(scene, "/signin").await;
    let codes = boss.second_factor().await;
    boss.done(&format!("/admin/users/{}/break-glass", me(scene).await), &[("on", "true")]).await;
    (boss, codes)
}

/// Comes in by the break-glass page.
async fn by_glass<'a>(scene: &'a Scene, code: &str) -> Person<'a> {
    let person = Person::new(scene);
    let asked = person.knock("/signin/local", MAIL, PASSPHRASE).await;
    assert!(asked.status == 303 && asked.location().starts_with("/signin/code"), "{}", asked.body);
    // After a wrong one the next is taken a second later.
    let end = loop {
        let end = person.code(code).await;
        if end.status != 429 {
            break end;
        }
    };
    assert!(end.status == 303 && end.sets(SESSION).is_some(), "{}", end.body);
    person
}

#[tokio::test(flavor = "multi_thread")]
async fn it_becomes_mandatory_only_with_a_provider_that_works_and_a_tested_account() {
    for database in Database::both().await {
        let scene = Scene::new(&database).await;
        owner(&scene, MAIL).await;
        let boss = Person::local(&scene, "/signin").await;
        let mark = format!("/admin/users/{}/break-glass", me(&scene).await);
        let refused = async |path: &str, pairs: &[(&str, &str)], says: &str| {
            let page = boss.post(path, pairs).await;
            assert!(page.status == 422 && page.body.contains(says), "{}: {path} {says}: {}", database.name, page.body);
        };
        refused("/admin/sso/require", &[], "まだだれもサインインしていません").await;
        let idp = scene.added("sso").await;
        refused("/admin/sso/require", &[], "まだだれもサインインしていません").await;
        Person::of_provider(&scene, &idp).await;
        refused("/admin/sso/require", &[], "緊急用のアカウントがありません").await;
        refused(&mark, &[("on", "true")], "2段階の確認を設定する必要があります").await;
        let codes = boss.second_factor().await;
        boss.done(&mark, &[("on", "true")]).await;
        refused("/admin/sso/require", &[], "90日以内に確かめていません").await;
        let ran = scene.shell(&["idp", "require"], "").await;
        assert!(ran.code != 0 && ran.err.contains("SSO_GLASS_UNTESTED"), "{}", ran.err);
        by_glass(&scene, &codes[0]).await;
        // Changed since: what was tested is no more.
        let other = "another passphrase of the owner";
        let ran = scene.shell(&["user", "set-passphrase", MAIL], &format!("{other}\n")).await;
        assert_eq!(ran.code, 0, "{}", ran.err);
        let ran = scene.shell(&["idp", "require"], "").await;
        assert!(ran.code != 0 && ran.err.contains("SSO_GLASS_UNTESTED"), "{}", ran.err);
        // The command is another process: this one remembers a session for up to a second.
        scene.t.hub().identity.forget(&me(&scene).await);
        assert!(!boss.is_in().await, "another passphrase ends what the old one opened");
        let again = Person::new(&scene);
        assert_eq!(again.knock("/signin/local", MAIL, other).await.status, 303);
        assert_eq!(again.code(&codes[1]).await.status, 303);
        assert!(again.done("/admin/sso/require", &[]).await.contains("sso_required"));
        let acts = "SELECT COUNT(*) FROM audit WHERE action IN
            ('user.glass_on', 'user.passphrase', 'sso.require', 'session.break_glass') AND outcome = 'ok'";
        assert_eq!(scene.t.count(acts).await, 5, "{}", database.name);
        scene.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn once_mandatory_a_passphrase_gets_in_on_the_break_glass_page_only() {
    for database in Database::both().await {
        let scene = Scene::new(&database).await;
        let (boss, codes) = prepared(&scene).await;
        by_glass(&scene, &codes[0]).await;
        // On the way when it becomes mandatory.
        let late = Person::new(&scene);
        assert_eq!(late.knock("/signin", MAIL, PASSPHRASE).await.status, 303);
        colleague(&scene).await;
        let local = Person::new(&scene);
        assert_eq!(local.knock("/signin", "kishi@hinoki-seiki.example", PASSPHRASE).await.status, 303);
        assert!(local.is_in().await);
        assert!(
            boss.done("/admin/sso/require", &[]).await.ends_with("n=2"),
            "the first run's device and the colleague's"
        );
        assert!(boss.is_in().await, "who decided it goes on");
        assert!(!local.is_in().await);
        assert_eq!(late.code(&codes[1]).await.sets(SESSION), None, "begun before, finished after");

        let page = late.open("/signin").await.body;
        assert!(!page.contains("passphrase") && page.contains("/signin/local?next="), "{page}");
        let token = super::person::field(&late.open("/signin/local").await.body, "csrf");
        let mut answers = Vec::new();
        for mail in [MAIL, "kishi@hinoki-seiki.example", "nobody@hinoki-seiki.example"] {
            let pairs = [("mail", mail), ("passphrase", PASSPHRASE), ("csrf", token.as_str())];
            let answer = late.v.press(&late.at("/signin"), &pairs).await;
            assert!(answer.status == 403 && answer.sets(SESSION).is_none(), "{mail}: {}", answer.status);
            answers.push(answer.body);
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "nobody learns who is here");
        let statement = "SELECT COUNT(*) FROM audit WHERE outcome = 'refused' AND detail LIKE '%SIGNIN_SSO%'";
        assert_eq!(scene.t.count(statement).await, 3);

        let other = Person::new(&scene);
        let wrong = other.knock("/signin/local", "kishi@hinoki-seiki.example", PASSPHRASE).await;
        assert_eq!(wrong.status, 401, "a passphrase that is right, of somebody who is no break-glass account");
        let in_need = by_glass(&scene, &codes[2]).await;
        assert!(in_need.open("/me").await.body.contains("操作はすべて記録されています"));

        // The shell lets everybody in again.
        assert_eq!(scene.shell(&["idp", "release"], "").await.code, 0);
        let back = Person::new(&scene);
        // After the wrong one the next is taken a second later.
        while back.knock("/signin", "kishi@hinoki-seiki.example", PASSPHRASE).await.status == 429 {}
        assert!(back.is_in().await, "{}", database.name);
        scene.t.stop().await;
    }
}

/// Somebody who signs in by the owner's passphrase.
async fn colleague(scene: &Scene) {
    let mut tx = scene.t.hub().db.begin().await.unwrap();
    sql("INSERT INTO app_user (id, mail, mail_key, name, role, password_hash, language, theme, created_at)
         SELECT 'usr_colleague', 'kishi@hinoki-seiki.example', 'kishi@hinoki-seiki.example', '岸 由美', 'employee',
                password_hash, 'ja', theme, created_at FROM app_user WHERE role = 'owner'")
    .execute(&mut tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_way_in_stays_while_it_is_mandatory() {
    for database in Database::both().await {
        let scene = Scene::new(&database).await;
        let (boss, codes) = prepared(&scene).await;
        by_glass(&scene, &codes[0]).await;
        boss.done("/admin/sso/require", &[]).await;
        let idp = scene.t.text("SELECT id FROM idp").await;
        let me = me(&scene).await;
        for (path, pairs, says) in [
            (format!("/admin/users/{me}/break-glass"), vec![("on", "false")], "最後の緊急用アカウント"),
            ("/me/second-factor/remove".to_owned(), vec![("code", codes[1].as_str())], "最後の緊急用アカウント"),
            (format!("/admin/idp/{idp}/disable"), vec![], "最後の認証基盤"),
            (format!("/admin/idp/{idp}/remove"), vec![], "最後の認証基盤"),
        ] {
            let page = boss.post(&path, &pairs).await;
            assert!(page.status == 422 && page.body.contains(says), "{}: {path}: {}", database.name, page.body);
        }
        for words in [&["user", "reset-factor", MAIL][..], &["user", "break-glass", MAIL, "--off"]] {
            let ran = scene.shell(words, "").await;
            assert!(ran.code != 0 && ran.err.contains("GLASS_LAST"), "{words:?}: {}", ran.err);
        }
        for words in [["idp", "disable", "sso"], ["idp", "remove", "sso"]] {
            let ran = scene.shell(&words, "").await;
            assert!(ran.code != 0 && ran.err.contains("SSO_LAST_PROVIDER"), "{words:?}: {}", ran.err);
        }
        // A second owner does not help: only a second break-glass account does.
        colleague(&scene).await;
        let by_cli = |words: &'static [&'static str]| scene.shell(words, "");
        assert_eq!(by_cli(&["user", "role", "usr_colleague", "owner"]).await.code, 0);
        for words in [&["user", "role", MAIL, "employee"][..], &["user", "deactivate", MAIL]] {
            let ran = scene.shell(words, "").await;
            assert!(ran.code != 0 && ran.err.contains("GLASS_LAST"), "{words:?}: {}", ran.err);
        }
        assert_eq!(scene.t.count("SELECT COUNT(*) FROM second_factor").await, 1);
        boss.done("/admin/sso/release", &[]).await;
        assert_eq!(by_cli(&["user", "break-glass", MAIL, "--off"]).await.code, 0);
        scene.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_use_of_the_page_stands_before_administrators_until_one_has_seen_it() {
    let database = Database::sqlite().await;
    let scene = Scene::new(&database).await;
    let (boss, codes) = prepared(&scene).await;
    assert!(!boss.open("/").await.body.contains("緊急用サインインがありました"));
    let used = by_glass(&scene, &codes[0]).await;
    let session = scene.t.text("SELECT session_id FROM glass_use").await;
    let seen = format!("/admin/break-glass/{session}/seen");
    assert!(boss.open("/").await.body.contains("緊急用サインインがありました"));
    used.done(&seen, &[("back", "/customers")]).await;
    assert!(boss.open("/").await.body.contains(&session), "not by whoever used it");
    assert_eq!(boss.done(&seen, &[("back", "//elsewhere.example")]).await, "/?done=glass_seen");
    assert!(!boss.open("/").await.body.contains(&session));
    assert_eq!(scene.t.count("SELECT COUNT(*) FROM audit WHERE action = 'session.break_glass_seen'").await, 1);
    let alerts = "SELECT times FROM alert WHERE kind = 'break_glass' AND about = (SELECT user_id FROM glass_use)";
    assert_eq!(scene.t.count(alerts).await, 1);
    // A wrong code is a refused break-glass sign-in, and the next one waits.
    let thief = Person::new(&scene);
    assert_eq!(thief.knock("/signin/local", MAIL, PASSPHRASE).await.status, 303);
    assert_eq!(thief.code("000000").await.status, 401);
    assert_eq!(thief.code("000001").await.status, 429);
    let refused = "SELECT COUNT(*) FROM audit WHERE action = 'session.break_glass' AND outcome = 'refused'";
    assert_eq!(scene.t.count(refused).await, 1);
    scene.t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_leads_to_a_provider_or_to_the_buttons_and_never_to_a_passphrase() {
    for database in Database::both().await {
        let scene = Scene::new(&database).await;
        let (boss, codes) = prepared(&scene).await;
        by_glass(&scene, &codes[0]).await;
        boss.done("/admin/sso/require", &[]).await;
        let mut tx = scene.t.hub().db.begin().await.unwrap();
        sql("INSERT INTO idp_domain (domain, idp_id, token, verified_at, created_at)
             SELECT 'kakou.example', id, 'x', 1, 1 FROM idp")
        .execute(&mut tx)
        .await
        .unwrap();
        tx.commit().await.unwrap();
        let person = Person::new(&scene);
        let first = person.open("/signin").await.body;
        assert!(first.contains("action=\"/signin/where\"") && first.contains("/signin/local?next="), "{first}");
        assert!(first.contains("/start?next=") && !first.contains("passphrase"), "{first}");
        let token = super::person::field(&first, "csrf");
        let mut answers = Vec::new();
        for mail in [MAIL, "nobody@hinoki-seiki.example", "aoi@kakou.example"] {
            let page = person.v.press(&person.at("/signin/where"), &[("mail", mail), ("csrf", token.as_str())]).await;
            assert!(page.status == 200 && !page.body.contains("passphrase"), "{mail}: {}", page.body);
            assert!(page.body.contains("/start?next=") && page.body.contains("/signin/local?next="), "{}", page.body);
            assert_eq!(page.header("refresh").contains("/start?"), mail.ends_with("kakou.example"), "{mail}");
            answers.push(page.body);
        }
        assert_eq!(answers[0], answers[1], "{}: nobody learns who is here", database.name);
        assert!(!person.open("/signin?local=1").await.body.contains("passphrase"));
        scene.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_lets_nobody_in_by_a_passphrase() {
    for database in Database::both().await {
        let scene = Scene::new(&database).await;
        let (boss, codes) = prepared(&scene).await;
        by_glass(&scene, &codes[0]).await;
        let made = crate::mail::invite(&scene.t, CLI, "mori@hinoki-seiki.example", Role::Viewer).await;
        let link = made.link.unwrap().expose_secret().to_owned();
        let mori = Person::new(&scene);
        mori.v.get(&link).await;
        let token = super::person::field(&mori.open("/invitation").await.body, "csrf");
        boss.done("/admin/sso/require", &[]).await;
        let page = mori.open("/invitation").await.body;
        assert!(page.contains("/start") && !page.contains("id=\"passphrase\""), "{page}");
        // From a page that was open before.
        let pairs = [("name", "森"), ("passphrase", PASSPHRASE), ("csrf", token.as_str())];
        let end = mori.v.press(&mori.at("/invitation"), &pairs).await;
        assert!(end.status == 403 && end.sets(SESSION).is_none(), "{}: {}", database.name, end.body);
        assert!(end.body.contains("Passphrases are not taken here"), "{}", end.body);
        assert_eq!(scene.t.count("SELECT COUNT(*) FROM app_user WHERE mail LIKE 'mori%'").await, 0);
        boss.done("/admin/sso/release", &[]).await;
        assert_eq!(mori.v.press(&mori.at("/invitation"), &pairs).await.status, 303, "the link was not used up");
        scene.t.stop().await;
    }
}
