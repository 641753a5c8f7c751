//! A password that changed, at the console in a real browser: from "sign in again" to healthy; two
//! administrators at once; the same without scripts.

use musubi::connection::schedule::Plan;
use serde_json::{Value, json};

use crate::{
    console_desk::{self, Desk},
    real::TestDatabase as Database,
    reconnect::{HOOK, KEY, SECOND, Scene},
};

const NEW: &str = "new-password-0099";

#[tokio::test(flavor = "multi_thread")]
async fn from_a_refused_password_to_a_healthy_connection() {
    for database in Database::both().await {
        let s = Scene::start(&database, Plan::Every(7200)).await;
        s.t.synced().await;
        s.source.wants([("x-key", NEW), ("x-second", SECOND)]);
        assert_eq!(s.pull().await, "AUTH_REFUSED");
        let Scene { t, source, connection, connectors } = s;
        let desk = Desk::at(t, database).await;
        wrong_then_right(&desk, &connection).await;
        desk.t.until("SELECT COUNT(*) FROM run WHERE state = 'succeeded'", |n| n == 2).await;
        desk.open(&format!("/connections/{connection}")).await;
        desk.b.wait_for_text("[data-region=head]", "正常").await;
        assert!(!desk.b.exists(".acts a[href$='/settings/edit']").await);
        let Desk { t, b, database } = desk;
        let s = Scene { t, source, connection, connectors };
        assert_eq!(s.secret("second").as_deref(), Some(SECOND), "what was not typed stays");
        s.trail_is_clean().await;
        let detail = "SELECT detail FROM audit WHERE action = 'connection.change'";
        let told: Value = serde_json::from_str(&s.t.text(detail).await).unwrap();
        assert_eq!(told, json!({"changed": ["settings.key"], "checked": true}));
        let desk = Desk { t: s.t, b, database };
        two_at_once(&desk, &s.connection).await;
        without_scripts(&desk, &s.connection).await;
        desk.close().await;
    }
}

/// No secret came back to the page.
async fn keeps_secrets(desk: &Desk) {
    let page = desk.value("document.documentElement.outerHTML").await;
    for secret in [KEY, SECOND, HOOK, NEW, "spare-0099", "wrong-password-0099"] {
        assert!(!page.contains(secret), "{secret}");
    }
    let filled = "[...document.querySelectorAll('input[type=password]')].filter(i => i.value).length";
    assert_eq!(desk.value(filled).await, "0");
}

async fn wrong_then_right(desk: &Desk, connection: &str) {
    desk.open(&format!("/connections/{connection}")).await;
    desk.b.wait_for_text("[data-region=head]", "要再認証").await;
    desk.looks("connection-refused").await;
    desk.b.click(".acts a.btn.pri").await;
    desk.b.wait_for_text("main", "設定済み・空欄なら変えません").await;
    assert_eq!(desk.value("document.querySelector('#schedule option:checked').textContent").await, "120分ごと");
    keeps_secrets(desk).await;
    desk.looks("connection-edit").await;

    let revision = desk.t.count("SELECT updated_at FROM connection").await;
    desk.b.fill("[name='settings.base_url']", "nowhere").await;
    desk.b.execute("document.querySelector('main form.cols').noValidate = true", vec![]).await;
    desk.b.click("main button[value=save]").await;
    desk.b.wait_for_text("#e-base_url", "http://").await;
    desk.refused(422).await;
    desk.open(&format!("/connections/{connection}/settings/edit")).await;

    desk.b.fill("[name='settings.key']", "wrong-password-0099").await;
    desk.b.click("main button[value=save]").await;
    desk.b.wait_for_text("main [role=alert]", "まだ保存していません").await;
    desk.b.wait_for_text("aside", "接続先が認証情報を受け付けません").await;
    desk.b.wait_for_text("#h-key", "入力済み").await;
    keeps_secrets(desk).await;
    desk.looks("connection-edit-failed").await;
    assert_eq!(desk.t.count("SELECT updated_at FROM connection").await, revision, "nothing is stored");

    desk.b.fill("[name='settings.key']", NEW).await;
    desk.b.click("main button[value=check]").await;
    desk.b.wait_for_text("main [role=status]", "問題はありません").await;
    assert!(!desk.b.exists("main button[value=force]").await);
    keeps_secrets(desk).await;
    desk.looks("connection-edit-checked").await;
    assert_eq!(desk.t.count("SELECT updated_at FROM connection").await, revision, "checked only");
    // What was typed before the check is what is stored.
    desk.b.click("main button[value=save]").await;
    desk.b.wait_for_text("main [role=status]", "すぐに同期します").await;
}

async fn two_at_once(desk: &Desk, connection: &str) {
    let edit = format!("/connections/{connection}/settings/edit");
    desk.open(&edit).await;
    let other = desk.colleague("admin").await;
    other.goto(&format!("{}{edit}", desk.t.address())).await;
    other.fill("[name='settings.realm']", "west").await;
    other.fill("#name", "受注システム").await;
    other.click("main button[value=save]").await;
    console_desk::until(&other, "document.querySelector('main [role=status]')").await;
    other.close().await;

    desk.b.fill("[name='settings.realm']", "north").await;
    desk.b.fill("[name='settings.key']", "wrong-password-0099").await;
    desk.b.click("main button[value=save]").await;
    desk.b.wait_for_text("main [role=alert]", "岸 由美さんが先に変更しました").await;
    desk.refused(409).await;
    desk.b.wait_for_text("#e-realm", "north").await;
    assert_eq!(desk.value("document.getElementById('f-realm').value").await, "west", "as it is stored");
    assert_eq!(desk.value("document.getElementById('name').value").await, "受注システム");
    keeps_secrets(desk).await;
    desk.looks("connection-edit-overtaken").await;
    let west = "SELECT COUNT(*) FROM connection WHERE settings LIKE '%west%' AND name = '受注システム'";
    assert_eq!(desk.t.count(west).await, 1);
    // Having seen it, one decides.
    desk.b.fill("[name='settings.realm']", "north").await;
    desk.b.click("main button[value=save]").await;
    desk.b.wait_for_text("main [role=status]", "次の同期から使います").await;
    assert_eq!(desk.t.count("SELECT COUNT(*) FROM connection WHERE settings LIKE '%north%'").await, 1);
}

async fn without_scripts(desk: &Desk, connection: &str) {
    desk.open(&format!("/connections/{connection}?tab=settings")).await;
    desk.looks("connection-settings").await;
    desk.b.scripts(false).await;
    desk.b.reload().await;
    desk.b.click("main section a[href$='/settings/edit']").await;
    desk.b.fill("[name='settings.base_url']", "http://127.0.0.1:9").await;
    desk.b.click("input[name=clear][value=spare]").await;
    desk.b.click("main button[value=save]").await;
    desk.b.wait_for_text("main [role=alert]", "まだ保存していません").await;
    assert!(desk.b.exists("input[name=clear][value=spare][checked]").await, "what was chosen stays chosen");
    desk.b.click("main button[value=force]").await;
    desk.b.wait_for_text("main [role=status]", "設定を保存しました").await;
    let forced = "SELECT COUNT(*) FROM connection WHERE settings LIKE '%127.0.0.1:9%' AND checked_at IS NULL";
    assert_eq!(desk.t.count(forced).await, 1);
    let hub = desk.t.hub();
    let live = hub.registry.get(connection).unwrap();
    assert_eq!(live.secret(&hub.keys, "spare"), None, "cleared");
    assert_eq!(live.secret(&hub.keys, "key").as_deref(), Some(NEW), "kept");
    desk.b.scripts(true).await;
}
