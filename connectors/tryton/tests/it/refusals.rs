//! What a refusal becomes: a cause, a remedy, and never a word of the answer.

use std::sync::Arc;

use musubi_sdk::Connector;
use musubi_tryton::Tryton;
use secrecy::SecretString;
use serde_json::json;

use crate::{KEY, TestResult, connector, fake::Fake, manifest, pull};

pub fn small() -> Arc<Fake> {
    let fake = Arc::new(Fake::default());
    fake.set_clock("12:00:00");
    fake.party(1, "01:00:00", Some("02:00:00"));
    fake
}

#[tokio::test]
async fn after_an_outage_it_looks_again_what_there_is() -> TestResult {
    let fake = small();
    let connector = connector(&fake, 10)?;
    let looked = |fake: &Fake| fake.asked().iter().filter(|asked| asked.ends_with("ir.model.field")).count();
    pull(&connector, None).await?;
    assert_eq!(looked(&fake), 1);
    pull(&connector, None).await?;
    assert_eq!(looked(&fake), 0, "once is enough");
    fake.breaks(Some((500, "")));
    assert!(pull(&connector, None).await.is_err());
    fake.breaks(None);
    pull(&connector, None).await?;
    assert_eq!(looked(&fake), 1);
    Ok(())
}

#[tokio::test]
async fn a_missing_right_does_not_empty_records() -> TestResult {
    let fake = small();
    fake.hides("addresses");
    let error = pull(&connector(&fake, 10)?, None).await.err().map(|error| (error.code(), error.to_string()));
    let (code, text) = error.unwrap_or_default();
    assert_eq!(code, "AUTH_RIGHTS");
    assert!(text.contains("party.address"), "{text}");
    Ok(())
}

#[tokio::test]
async fn a_module_that_is_not_there_is_named() -> TestResult {
    let fake = small();
    let settings = json!({"base_url": "http://tryton.example/erp/", "database": "ab c"});
    let settings = settings.as_object().cloned().unwrap_or_default();
    let secrets = || [("key".to_owned(), SecretString::from(KEY))];
    let tryton = Tryton::new(manifest(&["customers", "orders"])?, settings.clone(), secrets(), fake.clone())?;
    let request = |stream| musubi_sdk::PullRequest { stream, cursor: None, token: None, page_size: None };
    let error = tryton.pull(request("orders")).await.err().map(|error| (error.code(), error.to_string()));
    let (code, text) = error.unwrap_or_default();
    assert_eq!(code, "SRC_MODEL_MISSING");
    assert!(text.contains("module sale"), "{text}");
    assert_eq!(tryton.pull(request("customers")).await?.records.len(), 1);
    let wrong = [("key".to_owned(), SecretString::from("another"))];
    let tryton = Tryton::new(manifest(&["customers"])?, settings, wrong, fake.clone())?;
    let items = tryton.check().await;
    let told: Vec<_> = items.iter().map(|item| (item.item.as_str(), item.ok, item.code.as_deref())).collect();
    assert_eq!(told, [("reach", true, None), ("auth", false, Some("AUTH_REFUSED"))]);
    Ok(())
}
