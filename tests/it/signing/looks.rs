//! The pages in a real browser: both widths, light and dark, and what they say to assistive technology.

use musubi::store::sql;

use super::person::PASSPHRASE;
use crate::{
    console_desk::{Desk, MAIL, until},
    console_factor::{set_up, the_codes},
    real::Browser,
};

async fn change(desk: &Desk, statements: &[&'static str]) {
    let mut tx = desk.t.hub().db.begin().await.unwrap();
    for statement in statements {
        sql(*statement).execute(&mut tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    desk.t.hub().identity.forget(&desk.t.text("SELECT id FROM app_user WHERE role = 'owner'").await);
}

/// A page without a shell, in both widths.
async fn looks(desk: &Desk, b: &Browser, path: &str, name: &str) {
    b.goto(&format!("{}{path}", desk.t.address())).await;
    for (width, dark) in [(1280, false), (390, true)] {
        b.look(width, 900, dark).await;
        b.screenshot(&format!("{name}-{width}")).await;
        assert_eq!(b.accessibility_problems().await, Vec::<String>::new(), "{name}");
        assert_eq!(b.console_problems().await, Vec::<String>::new(), "{name}");
    }
    b.look(1280, 900, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_makes_single_sign_on_mandatory_and_comes_in_when_no_provider_works() {
    let desk = Desk::new().await;
    let app = set_up(&desk).await;
    let codes = the_codes(&desk, &app).await;
    // A provider by which somebody signed in.
    change(
        &desk,
        &[
            "INSERT INTO idp (id, name, kind, settings, enabled, draft, created_at, updated_at)
             VALUES ('idp_a', '社員アカウント', 'oidc', '{}', TRUE, FALSE, 1, 1)",
            "INSERT INTO app_user (id, mail, mail_key, name, role, language, theme, created_at)
             VALUES ('usr_b', 'aoi@hinoki-seiki.example', 'aoi@hinoki-seiki.example', '青井 みどり', 'employee', 'ja',
                     'system', 9223372036854775807)",
            "INSERT INTO external_identity (issuer, subject, idp_id, user_id, created_at, seen_at)
             VALUES ('https://id.example', 'a', 'idp_a', 'usr_b', 2, 2)",
        ],
    )
    .await;
    desk.open("/admin/users").await;
    desk.b.click("a[href^='/admin/users/usr_']:not([href$='usr_b'])").await;
    desk.b.wait_for_text("main", "緊急用アカウント").await;
    desk.b.click("form[action$='/break-glass'] button").await;
    desk.b.wait_for_text("main [role=status]", "緊急用にしました").await;
    desk.looks("user-break-glass").await;

    let other = Browser::open().await;
    other.look(1280, 900, false).await;
    looks(&desk, &other, "/signin/local?lang=ja", "break-glass").await;
    other.fill("#mail", MAIL).await;
    other.fill("#passphrase", PASSPHRASE).await;
    other.click("main form button").await;
    until(&other, "document.querySelector('#code')").await;
    other.fill("#code", &codes[0]).await;
    other.click("main form button").await;
    until(&other, "document.querySelector('nav.side')").await;
    assert!(other.text("main").await.contains("緊急用サインイン"));
    looks(&desk, &other, "/customers", "break-glass-bar").await;
    other.execute("document.querySelector(\"form[action='/signout'] button\").click()", vec![]).await;
    until(&other, "location.pathname === '/signin'").await;

    desk.open("/admin/idp").await;
    desk.b.wait_for_text("main", "緊急用サインインがありました").await;
    desk.looks("mandatory-ready").await;
    desk.b.click("form[action$='/seen'] button").await;
    desk.b.wait_for_text("main [role=status]", "確認済み").await;
    desk.b.click("form[action='/admin/sso/require'] button").await;
    desk.b.wait_for_text("main [role=status]", "必須にしました").await;
    desk.looks("mandatory-on").await;
    looks(&desk, &other, "/signin?lang=ja", "signin-mandatory").await;
    assert!(!other.exists("#passphrase").await);
    other.close().await;

    // A while later.
    change(&desk, &["UPDATE session SET proved_at = 1"]).await;
    desk.open("/admin/idp").await;
    desk.b.click("main details summary").await;
    desk.b.click("form[action='/admin/sso/release'] button").await;
    desk.b.wait_for_text("main h1", "本人確認").await;
    desk.looks("prove").await;
    desk.b.fill("#passphrase", PASSPHRASE).await;
    desk.b.fill("#code", &codes[1]).await;
    desk.b.click("main form .btn.pri").await;
    desk.b.wait_for_text("main [role=status]", "本人確認ができました").await;
    desk.b.click("main details summary").await;
    desk.b.click("form[action='/admin/sso/release'] button").await;
    desk.b.wait_for_text("main [role=status]", "必須を解除しました").await;
    desk.open("/me").await;
    desk.looks("ways-to-sign-in").await;
    desk.close().await;
}
