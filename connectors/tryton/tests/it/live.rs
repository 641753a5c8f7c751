//! Against a real Tryton: `TRYTON_SETTINGS` names a JSON file with the connection's settings, then
//! `cargo test -p musubi-tryton -- --ignored`. It only reads.

use std::sync::Arc;

use musubi_sdk::{
    Connector, conformance,
    declarative::{HttpTransport, same_host_redirects},
    settings,
};
use musubi_tryton::Tryton;
use serde_json::{Map, Value};

use crate::{TestResult, manifest};

#[tokio::test]
#[ignore = "needs a Tryton, named by TRYTON_SETTINGS"]
async fn a_real_tryton_passes_the_list() -> TestResult {
    #[expect(clippy::disallowed_methods, reason = "only who starts this test knows where the server is")]
    let file = std::env::var("TRYTON_SETTINGS")?;
    let given: Map<String, Value> = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().redirect(same_host_redirects()).no_proxy().build()?;
    let manifest = manifest(&["customers", "sites", "products", "orders", "shipments", "invoices", "payments"])?;
    let split = settings::split(&manifest, given);
    let secrets: Vec<_> = split.secret.values().cloned().collect();
    let tryton = Tryton::new(manifest, split.plain, split.secret, Arc::new(HttpTransport::new(client)))?;
    let items = tryton.check().await;
    assert!(items.iter().all(|item| item.ok), "{items:#?}");
    let options = conformance::Options { secrets, ..conformance::Options::default() };
    let checks = conformance::run(&tryton, &options).await;
    let failed: Vec<_> = checks.iter().filter(|check| check.outcome == conformance::Outcome::Failed).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    Ok(())
}
