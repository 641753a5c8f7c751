//! API tokens at the console, in a real browser, and used by a program.

use musubi::identity::Scope;

use crate::{
    console_desk::Desk,
    tokens::scene::{self, Program},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_person_makes_a_token_uses_it_and_revokes_it() {
    let desk = Desk::new().await;
    desk.open("/me?lang=ja").await;
    desk.b.wait_for_text("[data-region=tokens]", "API トークンはまだありません").await;
    desk.b.click("a[href='/me/tokens/new']").await;
    // Nothing chosen: the form says what is missing and keeps what was typed.
    desk.b.fill("#name", "夜間の売上集計").await;
    desk.b.click("form[action='/me/tokens/new'] .btn.pri").await;
    desk.b.wait_for_text("#scope-e", "1つ以上選んでください").await;
    desk.refused(422).await;
    assert_eq!(desk.value("document.querySelector('#name').value").await, "夜間の売上集計");
    desk.looks("token-refused").await;
    desk.b.click("input[name=scope][value='customers:read']").await;
    desk.b.click("form[action='/me/tokens/new'] .btn.pri").await;
    desk.b.wait_for_text("main", "いまだけ表示します").await;
    desk.looks("token-made").await;
    let secret = desk.b.text("main code[data-copy]").await;
    let program = Program::saying(&desk.t, &secret);
    let me = program.get("/api/v1/me", 200).await.body;
    assert_eq!((&me["kind"], &me["name"]), (&"person".into(), &"高梨 拓".into()));
    let days = "SELECT (expires_at - created_at) / 86400000000 FROM api_token";
    assert_eq!(desk.t.count(days).await, 90);

    desk.b.click("main .btn.pri").await;
    desk.b.wait_for_text("[data-region=tokens]", "夜間の売上集計").await;
    assert!(!desk.b.text("main").await.contains(&secret[4..40]), "shown once");
    desk.looks("me-tokens").await;
    desk.b.click("[data-region=tokens] details summary").await;
    desk.b.wait_for_text("[data-region=tokens] details", "元に戻せません").await;
    desk.b.click("[data-region=tokens] details button").await;
    desk.b.wait_for_text("main [role=status]", "失効させました").await;
    desk.b.wait_for_text("[data-region=tokens]", "失効").await;
    program.get("/api/v1/me", 401).await;

    // The trail has words for it, with the name of the token.
    desk.open("/admin/audit?kind=token").await;
    for said in ["API トークンの作成", "API トークンの失効", "夜間の売上集計"] {
        desk.b.wait_for_text("main table", said).await;
    }
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_adds_a_service_account_with_a_token_and_ends_it() {
    let desk = Desk::new().await;
    let colleague = desk.colleague("auditor").await;
    // Without scripts, by forms alone.
    desk.b.scripts(false).await;
    desk.open("/admin/users?lang=ja").await;
    desk.b.click("a[href='/admin/tokens']").await;
    desk.b.wait_for_text("main", "サービスアカウントはまだありません").await;
    desk.b.click("a[href='/admin/tokens/services/new']").await;
    assert!(!desk.b.exists("input[name=role][value=owner]").await);
    desk.b.fill("#name", "販売分析").await;
    desk.b.click("main form .btn.pri").await;
    desk.b.wait_for_text("main [role=status]", "サービスアカウントを追加しました").await;
    assert!(!desk.b.exists("input[name=role][value=owner]").await, "nor later");
    desk.b.click("[data-region=tokens] a.btn").await;
    assert!(!desk.b.exists("input[value='audit:read']").await, "a viewer's token");
    desk.b.fill("#name", "集計").await;
    desk.b.click("input[name=scope][value='customers:read']").await;
    desk.b.click("main form .btn.pri").await;
    desk.b.wait_for_text("main", "いまだけ表示します").await;
    let program = Program::saying(&desk.t, &desk.b.text("main code[data-copy]").await);
    assert_eq!(program.get("/api/v1/me", 200).await.body["name"], "販売分析");
    desk.b.click("main .btn.pri").await;
    desk.b.wait_for_text("[data-region=tokens]", "集計").await;

    // Whoever may only look sees it and has no forms.
    let all = format!("{}/admin/tokens", desk.t.address());
    colleague.goto(&all).await;
    colleague.wait_for_text("[data-region=tokens]", "販売分析").await;
    assert!(!colleague.exists("[data-region] form, a[href$='/services/new']").await);
    colleague.goto(&format!("{all}/services/new")).await;
    colleague.wait_for_text("main h1", "許可されていません").await;
    colleague.close().await;

    // A second token, which an administrator ends from the list.
    let service = desk.t.text("SELECT id FROM app_user WHERE kind = 'service'").await;
    let second = Program::new(&desk.t, &scene::token(&desk.t, &service, &[Scope::CustomersRead]).await);
    desk.open("/admin/tokens").await;
    desk.b.click("[data-region=tokens] tbody tr:first-child summary").await;
    desk.b.click("[data-region=tokens] tbody tr:first-child details button").await;
    desk.b.wait_for_text("main [role=status]", "失効させました").await;
    assert!(desk.b.url().await.contains("/admin/tokens"), "back where it was done");
    second.get("/api/v1/me", 401).await;
    program.get("/api/v1/me", 200).await;

    desk.b.scripts(true).await;
    desk.open("/admin/tokens/services/new").await;
    desk.looks("service-new").await;
    desk.open(&format!("/admin/users/{service}")).await;
    desk.looks("service").await;
    desk.open("/admin/tokens").await;
    desk.looks("tokens").await;
    desk.b.click("[data-region=services] a.nm").await;
    desk.b.click("aside details summary").await;
    desk.b.click("form[action$='/deactivate'] button").await;
    desk.b.wait_for_text("main", "トークンはすべて失効しました").await;
    program.get("/api/v1/me", 401).await;
    desk.close().await;
}
