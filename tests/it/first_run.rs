//! A person's first minutes, in a real browser: from the one-time code to an order that arrives on an
//! open customer page.

use musubi::samples;

use crate::{
    hub::TestHub,
    real::{Browser, TestDatabase},
};

/// Nothing may be wrong on a page: axe, console, CSP.
async fn sound(browser: &Browser, page: &str) {
    assert_eq!(browser.accessibility_problems().await, Vec::<String>::new(), "{page}: accessibility");
    assert_eq!(browser.console_problems().await, Vec::<String>::new(), "{page}: console");
}

/// A picture in every look, and the page checked in each.
async fn every_look(browser: &Browser, page: &str) {
    for (width, dark) in [(1280, false), (390, false), (1280, true), (390, true)] {
        browser.look(width, 900, dark).await;
        let look = if dark { "dark" } else { "light" };
        browser.screenshot(&format!("{page}-{width}-{look}")).await;
        sound(browser, &format!("{page} {width} {look}")).await;
    }
    browser.look(1280, 900, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_first_start_to_an_order_on_an_open_page() {
    let database = TestDatabase::sqlite().await;
    let t = TestHub::start(&database).await;
    let code = t.hub().identity.open_setup().await.unwrap().unwrap();
    let b = Browser::open().await;
    b.look(1280, 900, false).await;

    b.goto(&format!("{}/setup?code={code}&lang=ja", t.address())).await;
    every_look(&b, "setup").await;
    b.fill("#name", "高梨 拓").await;
    b.fill("#mail", "takanashi@hinoki-seiki.example").await;
    b.fill("#passphrase", "hinoki-no-kaori-2026").await;
    b.fill("#company", "ひのき精機株式会社").await;
    b.click("form[action='/setup'] button.pri").await;
    b.wait_for_text("h1", "データ").await;
    every_look(&b, "setup-data").await;
    b.click("form[action='/setup/data'] button.pri").await;

    // The progress page leads on by itself once the samples are in.
    b.wait_for_text("h1", "株式会社朝凪電装").await;
    t.synced().await;
    b.goto(&b.url().await.replace("?guide=1", "")).await;
    every_look(&b, "customer").await;

    let customer = b.url().await;
    let order = t.hub().samples.new_order_for("C-00127").await.unwrap();
    b.wait_for_text("[data-region=history]", &order.number).await;
    assert_eq!(b.url().await, customer, "the page was not left");
    sound(&b, "live customer page").await;

    // Without scripts a reload shows the same.
    b.scripts(false).await;
    b.goto(&customer).await;
    assert!(b.text("[data-region=history]").await.contains(&order.number));
    b.scripts(true).await;

    for (path, name) in [
        ("/", "home"),
        ("/customers", "customers"),
        ("/customers?q=朝凪", "customers-search"),
        ("/connections", "connections"),
        ("/failures", "failures"),
        ("/webhooks", "webhooks"),
        ("/settings", "settings"),
    ] {
        b.goto(&format!("{}{path}", t.address())).await;
        every_look(&b, name).await;
    }
    b.goto(&format!("{}/connections", t.address())).await;
    b.click("td a, th a").await;
    every_look(&b, "connection").await;
    samples::clear(t.hub()).await.unwrap();
    b.close().await;
    t.stop().await;
}
