//! The calls of `docs/api.md`, run as they stand there.

use std::process::Command;

use musubi::identity::{Role, Scope};
use secrecy::ExposeSecret;
use serde_json::json;

use super::scene::{service, token};
use crate::{
    hub::TestHub,
    real::TestDatabase,
    sender::{SECRET, Sender, customer},
};

#[tokio::test(flavor = "multi_thread")]
async fn every_call_of_the_page_is_answered() {
    let page = include_str!("../../../docs/api.md");
    let calls: Vec<&str> = page.lines().filter(|line| line.starts_with("curl ")).collect();
    assert!(calls.len() >= 4, "{calls:?}");
    for scope in Scope::ALL {
        assert!(page.contains(&format!("`{}`", scope.as_str())), "{} is explained", scope.as_str());
    }
    let database = TestDatabase::sqlite().await;
    let t = TestHub::start(&database).await;
    let sender = Sender::generic(&t.url, &t.connect("webhook", json!({"webhook_secret": SECRET})).await);
    sender.accepted("1", &customer("c", 1)).await;
    t.inbox_empty().await;
    let scopes = [Scope::CustomersRead, Scope::ActivitiesWrite];
    let secret = token(&t, &service(&t, "販売連携", Role::Employee).await, &scopes).await;
    let id = t.text("SELECT MIN(id) FROM customer").await;
    for call in calls {
        let command = call.replacen("curl ", "curl -sS --fail --noproxy '*' ", 1);
        let ran = tokio::task::block_in_place(|| {
            Command::new("sh")
                .args(["-c", &command])
                .env("TOKEN", secret.expose_secret())
                .env("HUB", &t.url)
                .env("ID", &id)
                .output()
                .unwrap()
        });
        assert!(ran.status.success(), "{call}: {}", String::from_utf8_lossy(&ran.stderr));
        let body: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
        assert!(body["items"].is_array() || body["may"].is_array() || body["id"].is_string(), "{call}: {body}");
    }
    t.stop().await;
}
