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
    // What a call needs from the one before stands in the line above it.
    let lines: Vec<&str> = page.lines().collect();
    let before = |at: usize| at.checked_sub(1).and_then(|at| lines.get(at)).filter(|line| line.starts_with("ETAG="));
    let calls: Vec<String> = (0..lines.len())
        .filter(|at| lines[*at].starts_with("curl "))
        .map(|at| before(at).map_or_else(|| lines[at].to_owned(), |first| format!("{first}; {}", lines[at])))
        .collect();
    assert!(calls.len() >= 4, "{calls:?}");
    for scope in Scope::ALL {
        assert!(page.contains(&format!("`{}`", scope.as_str())), "{} is explained", scope.as_str());
    }
    let database = TestDatabase::sqlite().await;
    let t = TestHub::start(&database).await;
    let sender = Sender::generic(&t.url, &t.connect("webhook", json!({"webhook_secret": SECRET})).await);
    sender.accepted("1", &customer("c", 1)).await;
    t.inbox_empty().await;
    let secret = token(
        &t,
        &service(&t, "販売連携", Role::Steward).await,
        &[Scope::CustomersRead, Scope::CustomersWrite, Scope::ActivitiesWrite],
    )
    .await;
    let id = t.text("SELECT MIN(id) FROM customer").await;
    for call in calls {
        let command = call.replace("curl -", "curl -sS --fail --noproxy '*' -");
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
