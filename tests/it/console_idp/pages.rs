//! The pages in a real browser: followed as an administrator would, seen in both widths.

use musubi::{clock::Clock, store::sql};

use crate::{
    console_desk::Desk,
    issuer::{CLIENT, Issuers, Visitor, keys},
    saml_cases::pen::metadata,
};

/// A page in both widths and both themes, and checked.
async fn looks(desk: &Desk, page: &str) {
    for (width, dark) in [(1280, false), (1280, true), (390, false), (390, true)] {
        desk.b.look(width, 900, dark).await;
        desk.b.screenshot(&format!("{page}-{width}-{}", if dark { "dark" } else { "light" })).await;
        let wide = desk.value("document.documentElement.scrollWidth - innerWidth").await;
        assert!(wide.parse::<f64>().unwrap() <= 0.0, "{page} is {wide} px wider than {width}");
        desk.sound(page).await;
    }
    desk.b.look(1280, 900, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_sets_a_provider_up_in_the_browser() {
    let desk = Desk::new().await;
    let issuers = Issuers::start(Clock::System).await;
    let site = issuers.site("browser");
    desk.open("/").await;
    desk.b.click("nav.side a[href='/admin/idp']").await;
    desk.b.wait_for_text("[data-region=rows]", "認証基盤はまだありません").await;
    looks(&desk, "idp-none").await;
    desk.b.click(".acts a[href='/admin/idp/new']").await;
    desk.until("document.querySelector('input[name=preset]')").await;
    looks(&desk, "idp-1-method").await;
    desk.b.click("input[value=keycloak]").await;
    desk.b.click("main form .btn.pri").await;
    desk.until("location.pathname.endsWith('/give')").await;
    desk.b.wait_for_text("main", "Valid redirect URIs").await;
    looks(&desk, "idp-2-give").await;
    the_values_are_read(&desk, &site.issuer, site.secret).await;
    the_roles_are_given(&desk).await;
    it_is_tried(&desk, &issuers).await;
    it_is_switched_on(&desk).await;
    the_page_afterwards(&desk, site.secret).await;
    desk.close().await;
}

async fn the_values_are_read(desk: &Desk, issuer: &str, secret: &str) {
    desk.b.click(".foot-acts .btn.pri").await;
    desk.until("location.pathname.endsWith('/take')").await;
    desk.b.fill("#issuer", &format!("{issuer}x")).await;
    desk.b.fill("#client_id", CLIENT).await;
    desk.b.fill("#secret", secret).await;
    desk.b.click(".foot-acts .btn.pri").await;
    desk.b.wait_for_text("#issuer-e", "接続しません").await;
    desk.refused(422).await;
    desk.until("document.activeElement.id === 'issuer'").await;
    looks(desk, "idp-3-take-wrong").await;
    // The box that allows it is named, and in sight.
    desk.b.wait_for_text("#issuer-e", "社内ネットワークの認証基盤").await;
    desk.b.click("input[name=private]").await;
    desk.b.fill("#issuer", issuer).await;
    // The secret was kept, so that nobody copies it again.
    desk.b.click(".foot-acts .btn[value=check]").await;
    desk.b.wait_for_text("aside", "RS256").await;
    looks(desk, "idp-3-take").await;
    desk.b.click(".foot-acts .btn.pri").await;
    desk.until("location.pathname.endsWith('/roles')").await;
}

async fn the_roles_are_given(desk: &Desk) {
    desk.b.click(".foot-acts .btn.pri").await;
    desk.b.wait_for_text("main", "だれもサインインできません").await;
    desk.refused(422).await;
    looks(desk, "idp-4-roles-wrong").await;
    desk.b.fill("tbody tr:first-child input[name=group]", "情シス").await;
    desk.b.click(".foot-acts .btn.pri").await;
    desk.until("location.pathname.endsWith('/test')").await;
    desk.b.wait_for_text("main", "まだテストしていません").await;
    looks(desk, "idp-5-test-none").await;
}

async fn it_is_tried(desk: &Desk, issuers: &Issuers) {
    assert!(desk.b.exists(".foot-acts button[disabled]").await);
    // There and back in the same tab.
    desk.b.click("main a.pri[href$='/test/start']").await;
    desk.b.wait_for_text("[data-region=checks]", "役割").await;
    desk.b.wait_for_text("main .note.bad", "役割に対応するグループに入っていない").await;
    looks(desk, "idp-5-test-failed").await;
    desk.b.click(".note.bad a[href$='/roles']").await;
    desk.b.wait_for_text("main .note.info", "staff").await;
    looks(desk, "idp-4-roles").await;
    desk.b.fill("tbody tr:nth-child(2) input[name=group]", "staff").await;
    desk.b.click(".foot-acts .btn.pri").await;
    desk.b.wait_for_text("main .note.warn", "テストの後に設定が変わりました").await;
    desk.b.click("main a.pri[href$='/test/start']").await;
    desk.b.wait_for_text("main .note.ok", "すべて確認できました").await;
    looks(desk, "idp-5-test").await;
    assert_eq!(issuers.wrong("browser"), Vec::<String>::new());
    assert_eq!(desk.t.count("SELECT COUNT(*) FROM app_user").await, 1);
    assert_eq!(desk.t.count("SELECT COUNT(*) FROM session WHERE idp_id IS NOT NULL").await, 0);
}

async fn it_is_switched_on(desk: &Desk) {
    desk.open("/admin/idp").await;
    desk.b.wait_for_text("[data-region=rows]", "下書き").await;
    desk.b.click("[data-region=rows] a.nm").await;
    desk.until("location.pathname.endsWith('/test')").await;
    desk.b.click(".foot-acts .btn.pri").await;
    desk.until("location.pathname.endsWith('/activate')").await;
    looks(desk, "idp-6-activate").await;
    desk.b.click("main form .btn.pri").await;
    desk.b.wait_for_text("main [role=status]", "有効にしました").await;
    desk.open("/admin/idp").await;
    desk.b.wait_for_text("[data-region=rows]", "有効").await;
    looks(desk, "idp-list").await;
}

async fn the_page_afterwards(desk: &Desk, secret: &str) {
    let id = desk.t.text("SELECT id FROM idp").await;
    // Somebody is refused: an answer that nobody asked for.
    Visitor::new().get(&format!("{}/auth/oidc/{id}/callback?code=x&state=y", desk.t.address())).await;
    desk.b.click("[data-region=rows] a.nm").await;
    desk.b.wait_for_text("[data-region=refusals]", "始めたブラウザーの印").await;
    looks(desk, "idp-page").await;
    desk.b.fill("#secret", "anotherSecretOfTheTests").await;
    desk.b.click("form[action$='/secret'] button").await;
    desk.b.wait_for_text("main [role=status]", "変更の下書きを保存しました").await;
    assert!(desk.b.exists("form[action$='/change/apply'] button[disabled]").await);
    looks(desk, "idp-change-untried").await;
    desk.b.click("main a.pri[href$='/test/start']").await;
    desk.b.wait_for_text("main .note.bad", "認可コードを受け付けない").await;
    looks(desk, "idp-change-failed").await;
    desk.b.click(".note.bad a[href$='/take']").await;
    desk.b.fill("#secret", secret).await;
    looks(desk, "idp-change-take").await;
    desk.b.click(".foot-acts .btn.pri").await;
    desk.until("location.pathname.endsWith('/test')").await;
    desk.b.click("main a.pri[href$='/test/start']").await;
    desk.b.wait_for_text("main .note.ok", "すべて確認できました").await;
    looks(desk, "idp-change-tested").await;
    desk.b.click("form[action$='/change/apply'] button").await;
    desk.b.wait_for_text("main [role=status]", "変更を有効にしました").await;
    desk.b.click("[data-region=refusals] .sub a").await;
    desk.b.wait_for_text("[data-region=rows]", "サインイン").await;
    // Without scripts: off, on and away by forms alone.
    desk.b.scripts(false).await;
    desk.open(&format!("/admin/idp/{id}")).await;
    desk.b.click("details:has(form[action$='/disable']) summary").await;
    desk.b.click("form[action$='/disable'] button").await;
    desk.b.wait_for_text("main [role=status]", "停止しました").await;
    desk.b.click("form[action$='/enable'] button").await;
    desk.b.wait_for_text("main [role=status]", "有効にしました").await;
    desk.b.click("details:has(form[action$='/remove']) summary").await;
    desk.b.click("form[action$='/remove'] button").await;
    desk.b.wait_for_text("main [role=status]", "削除しました").await;
    assert_eq!(desk.t.count("SELECT COUNT(*) FROM idp").await, 0);
    let acts = "SELECT COUNT(DISTINCT action) FROM audit WHERE action LIKE 'idp.%'";
    assert_eq!(desk.t.count(acts).await, 8, "create, change, try, enable, secret, apply, disable, remove");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saml_provider_is_set_up_from_a_file_in_the_browser() {
    let desk = Desk::new().await;
    desk.open("/admin/idp/new").await;
    desk.b.click("input[value=saml]").await;
    desk.b.click("main form .btn.pri").await;
    desk.until("location.pathname.endsWith('/give')").await;
    looks(&desk, "idp-saml-2-give").await;
    desk.b.click(".foot-acts .btn.pri").await;
    desk.until("document.querySelector('#metadata_url')").await;
    desk.b.click(".foot-acts .btn.pri").await;
    desk.b.wait_for_text("#metadata-e", "入力してください").await;
    desk.refused(422).await;
    let document = metadata("https://browser.id.example/saml", "https://browser.id.example/sso", &[&keys().main]);
    // A file goes into the field, where it can be read before it is sent.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("metadata.xml");
    std::fs::write(&file, &document).unwrap();
    desk.b.execute("document.querySelector('input[type=file]').classList.remove('vh')", vec![]).await;
    desk.b.fill("input[type=file]", &file.display().to_string()).await;
    desk.until("document.querySelector('#metadata').value.includes('EntityDescriptor')").await;
    desk.b.click(".foot-acts .btn[value=check]").await;
    desk.b.wait_for_text("aside", "SHA-256").await;
    looks(&desk, "idp-saml-3-take").await;
    desk.b.click(".foot-acts .btn.pri").await;
    desk.until("location.pathname.endsWith('/roles')").await;
    desk.b.fill("tbody tr:first-child input[name=group]", "営業").await;
    desk.b.click(".foot-acts .btn.pri").await;
    desk.until("location.pathname.endsWith('/test')").await;
    let id = desk.t.text("SELECT id FROM idp").await;
    desk.open(&format!("/admin/idp/{id}/take?lang=en")).await;
    desk.b.wait_for_text("main", "Values from the provider").await;
    looks(&desk, "idp-saml-3-take-en").await;
    let mut tx = desk.t.hub().db.begin().await.unwrap();
    sql("UPDATE idp SET draft = FALSE, enabled = TRUE").execute(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    desk.open(&format!("/admin/idp/{id}?lang=ja")).await;
    looks(&desk, "idp-saml-page").await;
    desk.b.execute("document.querySelector('#metadata').value = 'no XML'", vec![]).await;
    desk.b.click("form[action$='/refresh'] button").await;
    desk.b.wait_for_text("#metadata-e", "メタデータを読めません").await;
    desk.refused(422).await;
    desk.close().await;
}
