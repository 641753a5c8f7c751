//! A real browser with a virtual authenticator of its own.

use musubi::store::sql;

use crate::{
    console_desk::{Desk, MAIL, until},
    hub::PASSPHRASE,
    real::Browser,
};

const FORM: &str = "form[data-passkey] button";

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_registers_one_signs_in_with_it_and_proves_with_it() {
    let desk = Desk::new().await;
    desk.b.authenticator().await;
    desk.open("/me/second-factor").await;
    desk.looks("passkey-none").await;
    desk.b.fill("#label", "会社のノートPC").await;
    desk.b.click(FORM).await;
    desk.b.wait_for_text("main", "予備コード").await;
    desk.until("document.querySelectorAll('.codes li').length === 10").await;
    desk.open("/me/second-factor").await;
    desk.b.wait_for_text("[data-region=passkeys]", "会社のノートPC").await;
    desk.looks("passkey-one").await;

    desk.b.execute("document.querySelector('form[action=\"/signout\"]').submit()", vec![]).await;
    desk.until("location.pathname === '/signin'").await;
    desk.open("/signin?lang=ja&next=%2Fcustomers").await;
    desk.b.fill("#mail", MAIL).await;
    desk.b.fill("#passphrase", PASSPHRASE).await;
    desk.b.click("main form button").await;
    desk.b.wait_for_text("main h1", "2段階の確認").await;
    desk.looks("passkey-signin").await;
    // The person closes the browser's dialog.
    desk.b
        .execute("navigator.credentials.get = () => Promise.reject(new DOMException('', 'NotAllowedError'))", vec![])
        .await;
    desk.b.click(FORM).await;
    desk.b.wait_for_text("[data-passkey-failed]", "パスキーを使えませんでした").await;
    desk.looks("passkey-signin-failed").await;
    desk.b.reload().await;
    desk.b.click(FORM).await;
    desk.until("document.querySelector('nav.side')").await;
    assert!(desk.b.url().await.ends_with("/customers"), "{}", desk.b.url().await);
    assert_eq!(desk.t.count("SELECT COUNT(*) FROM passkey WHERE used_at IS NOT NULL AND counter > 1").await, 1);

    let mut tx = desk.t.hub().db.begin().await.unwrap();
    sql("UPDATE session SET proved_at = 1").execute(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    desk.t.hub().identity.forget(&desk.t.text("SELECT id FROM app_user").await);
    desk.open("/me/tokens/new").await;
    desk.b.wait_for_text("main h1", "本人確認").await;
    desk.looks("passkey-prove").await;
    desk.b.click(FORM).await;
    desk.until("location.pathname === '/me/tokens/new'").await;
    assert_eq!(desk.t.count("SELECT COUNT(*) FROM audit WHERE action = 'session.prove' AND outcome = 'ok'").await, 1);

    without_scripts(&desk).await;
    desk.open("/me/second-factor").await;
    desk.b.click("[data-region=passkeys] li button").await;
    desk.b.wait_for_text("main [role=status]", "パスキーを外しました").await;
    assert_eq!(desk.t.count("SELECT COUNT(*) FROM passkey").await, 0);
    desk.close().await;
}

/// Codes and recovery codes do; the page says what a passkey needs.
async fn without_scripts(desk: &Desk) {
    let plain = Browser::open().await;
    plain.scripts(false).await;
    plain.goto(&format!("{}/signin?lang=ja", desk.t.address())).await;
    plain.fill("#mail", MAIL).await;
    plain.fill("#passphrase", PASSPHRASE).await;
    plain.click("main form button").await;
    until(&plain, "location.pathname === '/signin/code'").await;
    plain.wait_for_text("[data-passkey-needs]", "JavaScript").await;
    let shown = "document.querySelector('form[data-passkey]').checkVisibility()";
    assert_eq!(plain.execute(&format!("return {shown}"), vec![]).await, serde_json::Value::Bool(false));
    assert!(plain.exists("#code").await);
    plain.close().await;
}
