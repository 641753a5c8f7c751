//! What an administrator does at the console, in a real browser: connecting a system, following its
//! runs, clearing failures, reading the webhook log.

use musubi::store::sql;
use serde_json::Value;

use crate::{
    console_desk::Desk,
    sender::{self, SECRET, Sender},
};

#[tokio::test(flavor = "multi_thread")]
async fn from_a_wrong_form_to_an_empty_inbox() {
    let desk = Desk::new().await;
    the_add_form_says_what_is_wrong(&desk).await;
    let sender = a_webhook_connection(&desk).await;
    deliveries(&desk, &sender).await;
    the_webhook_log(&desk).await;
    failures_are_replayed_and_ignored(&desk, &sender).await;
    the_connection_and_its_runs(&desk).await;
    desk.close().await;
}

async fn submit(desk: &Desk, action: &str) {
    // As from a browser that checks nothing itself.
    desk.b.execute("document.querySelector('main form').noValidate = true", vec![]).await;
    desk.b.click(&format!("main form button[value={action}]")).await;
}

async fn the_add_form_says_what_is_wrong(desk: &Desk) {
    desk.open("/connections").await;
    desk.b.click("a[href='/connections/new/rest']").await;
    desk.b.fill("[name='settings.base_url']", "mailto:someone@hinoki-seiki.example").await;
    submit(desk, "create").await;
    desk.b.wait_for_text("#e-base_url", "https://").await;
    desk.b.wait_for_text("#e-token", "入力してください").await;
    let described = desk.value("document.getElementById('f-base_url').getAttribute('aria-describedby')").await;
    assert!(described.contains("e-base_url"), "{described}");
    assert_eq!(desk.value("document.activeElement.matches('[data-focus]')").await, "true");
    let kept = desk.value("document.getElementById('f-base_url').value").await;
    assert_eq!(kept, "mailto:someone@hinoki-seiki.example", "what was typed stays");
    desk.refused(422).await;
    desk.looks("connection-new-wrong").await;

    // A right form to nobody: the checks say which step failed, nothing is kept.
    desk.b.fill("[name='settings.base_url']", "http://127.0.0.1:9/v1").await;
    desk.b.fill("[name='settings.token']", "a-token-of-the-test").await;
    desk.b.click("main form button[value=check]").await;
    desk.until("document.querySelector('aside .st.bad')").await;
    desk.looks("connection-new-checked").await;
    assert_eq!(desk.t.count("SELECT COUNT(*) FROM connection").await, 0);
}

async fn a_webhook_connection(desk: &Desk) -> Sender {
    desk.open("/connections/new/webhook").await;
    desk.b.fill("#name", "基幹システム").await;
    desk.b.fill("[name='settings.webhook_secret']", "short").await;
    submit(desk, "create").await;
    desk.until("document.querySelector('#e-webhook_secret')").await;
    desk.refused(422).await;
    desk.b.fill("[name='settings.webhook_secret']", SECRET).await;
    submit(desk, "create").await;
    desk.b.wait_for_text("h1", "基幹システム").await;
    desk.b.wait_for_text("main [role=status]", "受信 URL").await;
    assert!(!desk.b.exists("form[action$='/sync']").await, "there is nothing to fetch");
    let id = desk.t.text("SELECT id FROM connection").await;
    let trail = "SELECT COUNT(*) FROM audit a JOIN app_user u ON u.id = a.actor
        JOIN connection c ON c.id = a.object_id WHERE a.action = 'connection.create' AND a.outcome = 'ok'";
    assert_eq!(desk.t.count(trail).await, 1, "who connected it");
    Sender::generic(&desk.t.url, &id)
}

/// An order without the date that it needs.
fn dateless(id: &str) -> Value {
    let mut order = sender::order(id, "c1", 10, 12_000);
    order["data"]["order_date"] = Value::Null;
    order
}

async fn deliveries(desk: &Desk, sender: &Sender) {
    sender.accepted("d-1", &sender::customer("c1", 1)).await;
    let again = sender.send("d-1", &sender::customer("c1", 1)).await;
    assert_eq!(again.outcome(), (202, "duplicate"));
    sender.accepted("d-2", &sender::order("o1", "c1", 2, 34_000)).await;
    for n in 3..=6 {
        sender.accepted(&format!("d-{n}"), &dateless(&format!("o{n}"))).await;
    }
    let forged = Sender { secret: "another-secret-of-16".into(), ..sender.clone() };
    assert_eq!(forged.send("d-9", &sender::customer("c9", 1)).await.status, 401);
    desk.t.inbox_empty().await;
    assert_eq!(desk.t.count("SELECT COUNT(*) FROM failure WHERE state = 'open'").await, 4);
    desk.t.until("SELECT COUNT(*) FROM hook_refusal", |n| n == 1).await;
}

async fn the_webhook_log(desk: &Desk) {
    desk.open("/webhooks").await;
    desk.b.wait_for_text("[data-region=rows]", "重複・無視 1回").await;
    desk.b.wait_for_text("[data-region=refusals]", "署名").await;
    desk.looks("webhooks-busy").await;
    desk.b.execute("document.querySelector('select[name=state]').value = 'failed'", vec![]).await;
    desk.b.click("form.fbar button").await;
    desk.until("location.search.includes('state=failed') && document.querySelectorAll('tbody tr').length === 4").await;
    desk.b.click("tbody a[data-row]").await;
    desk.b.wait_for_text("main", "order_date").await;
    desk.looks("webhook").await;
}

async fn failures_are_replayed_and_ignored(desk: &Desk, sender: &Sender) {
    desk.open("/failures").await;
    desk.b.wait_for_text(".inbox .r", "成功 0・失敗 1").await;
    desk.looks("failures-busy").await;
    desk.b.look(390, 900, false).await;
    assert_eq!(desk.value("document.querySelector('.inbox .l').offsetParent !== null").await, "true", "the list first");
    desk.b.look(1280, 900, false).await;
    let row = "document.querySelectorAll('.inbox a[data-row]')";
    desk.press("j").await;
    assert_eq!(desk.value(&format!("document.activeElement === {row}[0]")).await, "true");

    // One is left out for good, with a reason, and comes back.
    desk.b.fill("#reason", "試験の注文").await;
    desk.b.click("form[action$='/ignore'] button").await;
    desk.b.wait_for_text("main [role=status]", "取り込まないデータに移しました").await;
    assert_eq!(desk.t.count("SELECT COUNT(*) FROM failure WHERE state = 'ignored'").await, 1);
    desk.open("/failures?state=ignored").await;
    desk.b.wait_for_text(".inbox .r", "試験の注文").await;
    desk.b.click("form[action$='/restore'] button").await;
    desk.b.wait_for_text("main [role=status]", "未対応に戻しました").await;
    assert_eq!(desk.t.count("SELECT COUNT(*) FROM failure WHERE state = 'open'").await, 4);

    // Nothing was repaired yet: the replay fails and says so, the data stays.
    desk.open("/failures").await;
    desk.b.click("form[action='/failures/replay'] button").await;
    desk.b.wait_for_text("main [role=status]", "4件は再処理しても取り込めませんでした").await;
    assert_eq!(desk.t.count("SELECT COUNT(*) FROM failure WHERE state = 'open'").await, 4);

    a_repaired_one_goes_in(desk).await;

    // The sender repairs them; what is then taken in closes the failures.
    for n in 3..=6 {
        sender.accepted(&format!("r-{n}"), &sender::order(&format!("o{n}"), "c1", 20, 12_000)).await;
    }
    desk.t.inbox_empty().await;
    desk.t.until("SELECT COUNT(*) FROM failure WHERE state = 'open'", |n| n == 0).await;
    desk.open("/failures").await;
    desk.b.wait_for_text("main", "取り込めなかったデータはありません").await;
}

/// What a replay would do stands on the page before anybody presses the button.
async fn a_repaired_one_goes_in(desk: &Desk) {
    let mut tx = desk.t.hub().db.begin().await.unwrap();
    sql("UPDATE failure SET payload = REPLACE(payload, '\"order_date\":null', '\"order_date\":\"2026-11-01\"')
         WHERE label = 'N-o3'")
    .execute(&mut tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let id = desk.t.text("SELECT id FROM failure WHERE label = 'N-o3'").await;
    desk.open(&format!("/failures/{id}")).await;
    desk.b.wait_for_text(".inbox .r", "成功 1・失敗 0").await;
    assert_eq!(desk.t.count("SELECT COUNT(*) FROM sales_order").await, 1, "a preview keeps nothing");
    desk.b.click(&format!("form[action='/failures/{id}/replay'] button")).await;
    desk.b.wait_for_text("main [role=status]", "1件を再処理しました").await;
    assert_eq!(desk.t.count("SELECT COUNT(*) FROM sales_order").await, 2);
    desk.open("/failures?state=resolved").await;
    desk.b.wait_for_text(".inbox .l", "N-o3").await;
}

async fn the_connection_and_its_runs(desk: &Desk) {
    let id = desk.t.text("SELECT id FROM connection").await;
    let here = format!("/connections/{id}");
    desk.open(&format!("{here}?tab=settings")).await;
    desk.b.click("form[action$='/check'] button").await;
    desk.b.wait_for_text("main [role=status]", "接続を確認しました").await;
    desk.looks("connection-settings").await;
    assert!(!desk.value("document.documentElement.outerHTML").await.contains(SECRET));
    desk.b.click("form[action$='/pause'] button").await;
    desk.b.wait_for_text("[data-region=head]", "一時停止").await;
    desk.until(
        "document.querySelector(\"form[action$='/resume']\") && !document.querySelector(\"form[action$='/sync']\")",
    )
    .await;
    desk.b.click("form[action$='/resume'] button").await;
    desk.b.wait_for_text("main [role=status]", "再開しました").await;

    for tab in ["", "runs", "failures", "webhook"] {
        desk.open(&format!("{here}?tab={tab}")).await;
        desk.looks(&format!("connection-{tab}")).await;
    }
    desk.open(&format!("{here}?tab=runs")).await;
    let replay =
        "[...document.querySelectorAll('[data-region=runs] tr')].find(r => /再処理[^]*一部失敗/.test(r.innerText))";
    desk.b.execute(&format!("{replay}.querySelector('a').click()"), vec![]).await;
    desk.until("location.pathname.startsWith('/runs/')").await;
    desk.looks("run").await;
    let sums = desk.value("document.querySelector('.kpis').innerText.replace(/\\s+/g, ' ')").await;
    assert_eq!(sums, "取得 4 新規 0 更新 0 変更なし 0 得意先待ち 0 エラー 4", "the replay of what was not repaired");
    let state = desk.b.text("main h1 + .bdg").await;
    assert!(state.contains("一部失敗"), "{state}");
    assert!(!desk.b.text("[data-region=body] tbody").await.contains("正常"), "nothing is green that lost a record");
    assert_eq!(desk.t.count("SELECT COUNT(*) FROM sales_order").await, 5);
}
