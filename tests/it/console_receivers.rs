//! Outgoing webhooks at the console, in a real browser: adding a receiver, seeing what was sent, sending
//! it again.

use serde_json::json;

use crate::{
    console_desk::Desk,
    ear::{Ear, Say},
    sender::{SECRET, Sender, customer, order},
};

#[tokio::test(flavor = "multi_thread")]
async fn from_a_new_receiver_to_an_event_sent_again() {
    let desk = Desk::new().await;
    let ear = Ear::new().await;
    let secret = a_receiver(&desk, &ear).await;
    let source = Sender::generic(&desk.t.url, &desk.t.connect("webhook", json!({"webhook_secret": SECRET})).await);
    source.accepted("1", &customer("c", 1)).await;
    desk.t.until("SELECT COUNT(*) FROM event_delivery WHERE state = 'delivered'", |n| n == 2).await;
    ear.now_says(|_| Say::Status(400));
    source.accepted("2", &order("o", "c", 1, 100)).await;
    desk.t.until("SELECT COUNT(*) FROM event_attempt", |n| n == 3).await;

    desk.open("/webhooks/sent").await;
    desk.b.wait_for_text("[data-region=rows]", "受注を追加").await;
    desk.b.wait_for_text("[data-region=rows]", "送信先が断った").await;
    desk.b.wait_for_text("[data-region=rows]", "見本商事c").await;
    desk.looks("webhooks-sent").await;
    desk.b.execute("document.querySelector('select[name=state]').value = 'delivered'", vec![]).await;
    desk.b.click("form.fbar button").await;
    desk.until("location.search.includes('state=delivered') && document.querySelectorAll('[data-region=rows] tbody tr').length === 2").await;

    desk.open("/webhooks/sent?state=pending").await;
    ear.now_says(|_| Say::Status(200));
    desk.b.click("[data-region=rows] input[name=which]").await;
    desk.b.click("[data-region=rows] .ft button").await;
    desk.b.wait_for_text("main [role=status]", "1件をもう一度送ります").await;
    desk.t.until("SELECT COUNT(*) FROM event_delivery WHERE state = 'delivered'", |n| n == 3).await;
    assert!(ear.heard().iter().all(|heard| heard.is_signed_with(&secret)));

    desk.open("/webhooks/sent").await;
    desk.b.click("[data-region=rows] a[data-row]").await;
    desk.b.wait_for_text("main", "order_date").await;
    desk.b.wait_for_text("[data-region=attempts]", "送信先が断った").await;
    desk.looks("webhook-sent-one").await;
    the_receiver_itself(&desk, &ear).await;
    desk.close().await;
}

/// Adds a receiver and answers its secret.
async fn a_receiver(desk: &Desk, ear: &Ear) -> String {
    desk.open("/webhooks").await;
    desk.b.click("nav.tabs a[href='/webhooks/sent']").await;
    desk.b.wait_for_text("[data-region=receivers]", "送信先はまだありません").await;
    desk.b.click("a[href='/webhooks/receivers/new']").await;
    desk.b.fill("#name", "倉庫管理").await;
    desk.b.fill("#url", &ear.url).await;
    desk.b.click("main form .btn.pri").await;
    desk.b.wait_for_text("#url-e", "https").await;
    desk.refused(422).await;
    desk.looks("receiver-new").await;
    desk.b.click("input[name=private]").await;
    desk.b.click("main form .btn.pri").await;
    desk.b.wait_for_text("h1", "倉庫管理").await;
    let secret = desk.value("document.querySelector('.note code').textContent").await;
    assert!(secret.starts_with("whsec_"));
    desk.looks("receiver-made").await;
    desk.b.click("form[action$='/test'] button").await;
    desk.until("location.pathname.startsWith('/webhooks/sent/')").await;
    desk.b.wait_for_text("[data-region=attempts]", "204").await;
    assert_eq!(ear.heard()[0].kind(), "webhook.test");
    assert!(ear.heard()[0].is_signed_with(&secret));
    secret
}

async fn the_receiver_itself(desk: &Desk, ear: &Ear) {
    let id = desk.t.text("SELECT id FROM receiver").await;
    desk.open(&format!("/webhooks/receivers/{id}")).await;
    assert!(!desk.b.exists(".note code").await, "the secret is shown once");
    desk.b.click("form[action$='/pause'] button").await;
    desk.b.wait_for_text("main [role=status]", "送信を止めました").await;
    desk.b.click("form[action$='/resume'] button").await;
    desk.b.wait_for_text("main [role=status]", "送信を再開しました").await;
    // Everything of one customer again.
    let customer = desk.t.text("SELECT id FROM customer").await;
    let before = ear.heard().len();
    desk.b.fill("#customer", &customer).await;
    desk.b.click("form:has(#customer) button").await;
    desk.b.wait_for_text("main [role=status]", "2件をもう一度送ります").await;
    desk.t.until("SELECT COUNT(*) FROM event_delivery WHERE state <> 'delivered'", |n| n == 0).await;
    assert_eq!(ear.heard().len(), before + 2);
    desk.b.click("form[action$='/rotate'] button").await;
    desk.b.wait_for_text(".note code", "whsec_").await;
    let acts = "SELECT COUNT(DISTINCT action) FROM audit WHERE object_kind = 'receiver'";
    assert_eq!(desk.t.count(acts).await, 6);
    desk.b.click("aside details summary").await;
    desk.b.click("form[action$='/remove'] button").await;
    desk.b.wait_for_text("main [role=status]", "送信先を削除しました").await;
    assert_eq!(desk.t.count("SELECT COUNT(*) FROM receiver").await, 0);
}
