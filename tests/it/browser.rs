//! The browser harness itself: what page tests rely on.

use base64::Engine;
use fantoccini::Locator;
use serde_json::json;

use crate::real::Browser;

const PAGE: &str = r#"<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">
<title>t</title><main><h1>結び</h1><label>Name <input id="n"></label>
<button onclick="document.querySelector('h1').innerText = n.value">Go</button><noscript><p>plain</p></noscript></main>"#;

fn address() -> String {
    let page = base64::engine::general_purpose::STANDARD.encode(PAGE);
    format!("data:text/html;charset=utf-8;base64,{page}")
}

#[tokio::test]
async fn the_browser_renders_clicks_and_reports() {
    let browser = Browser::open().await;
    browser.look(390, 800, true).await;
    browser.goto(&address()).await;
    assert_eq!(browser.text("h1").await, "結び");
    browser.fill("#n", "受注").await;
    browser.click("button").await;
    browser.wait_for_text("h1", "受注").await;
    let seen = browser.execute("return [innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]", vec![]).await;
    assert_eq!(seen, json!([390, true]));
    assert!(browser.screenshot("harness").await.exists());
    assert_eq!(browser.accessibility_problems().await, Vec::<String>::new());
    assert_eq!(browser.console_problems().await, Vec::<String>::new());
    browser.execute("console.error('seen')", vec![]).await;
    assert_eq!(browser.console_problems().await.len(), 1);
    browser.close().await;
}

#[tokio::test]
async fn pages_can_be_seen_without_scripts() {
    let browser = Browser::open().await;
    browser.look(1280, 800, false).await;
    browser.goto(&address()).await;
    assert_eq!(browser.count("p").await, 0);
    browser.scripts(false).await;
    browser.reload().await;
    assert!(browser.exists("p").await);
    assert!(browser.client().find(Locator::Css("p")).await.is_ok());
    assert!(browser.url().await.starts_with("data:"));
    browser.close().await;
}
