//! `musubi connector …`: what a person who writes a connector sees.

use std::path::Path;

use musubi_samples::{SampleOptions, Samples};
use serde_json::{Value, json};

use crate::cli::musubi;

fn outcomes(report: &Value) -> Vec<(String, String)> {
    let text = |check: &Value, name: &str| check[name].as_str().unwrap().to_owned();
    report.as_array().unwrap().iter().map(|check| (text(check, "name"), text(check, "outcome"))).collect()
}

#[test]
fn a_new_connector_passes_and_a_broken_one_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| musubi(folder.path(), &[], arguments);
    let made = run(&["connector", "new", "acme-orders", "--json"]);
    assert_eq!(made.code, 0, "{}", made.err);
    assert_eq!(made.json()["files"].as_array().unwrap().len(), 4);
    let tested = run(&["connector", "test", "acme-orders", "--json"]);
    assert_eq!(tested.code, 0, "{}{}", tested.out, tested.err);
    let tested = outcomes(&tested.json());
    for check in ["manifest", "check", "records:customers", "mapping:orders", "again:orders", "secrets"] {
        assert!(tested.contains(&(check.to_owned(), "passed".to_owned())), "{check}: {tested:?}");
    }
    assert_eq!(run(&["connector", "new", "acme-orders"]).code, 2, "never overwritten");
    assert_eq!(run(&["connector", "new", "rest"]).code, 2, "a built-in name");
    for bad in ["Acme", "-a", "a--b", "1a", "a/b", ".."] {
        assert_eq!(run(&["connector", "new", "--", bad]).code, 2, "{bad}");
    }

    let file = folder.path().join("connectors/acme-orders/connector.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(
        &file,
        text.replace("record: order ", "recrod: order ").replace("    record: order\n", "    recrod: order\n"),
    )
    .unwrap();
    let broken = run(&["connector", "test", "acme-orders"]);
    assert_eq!(broken.code, 1);
    assert!(broken.out.contains("connector.yaml:") && broken.out.contains("record"), "{}", broken.out);
    let listed = run(&["connector", "list"]);
    assert_eq!(listed.code, 2);
    assert!(listed.err.contains("acme-orders/connector.yaml:"), "{}", listed.err);
}

#[test]
fn every_shipped_connector_passes() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for manifest in std::fs::read_dir(here.join("connectors")).unwrap() {
        let folder = manifest.unwrap().path();
        let Ok(manifest) = std::fs::read_to_string(folder.join("connector.yaml")) else { continue };
        // Files have nobody to ask and so no recorded answers: `connectors/files` has tests of its own.
        if !manifest.contains("driver: sheet") {
            let name = folder.file_name().unwrap().to_str().unwrap();
            let ran = musubi(here, &[], &["connector", "test", name]);
            assert_eq!(ran.code, 0, "{name}: {}{}", ran.out, ran.err);
        }
    }
}

#[test]
fn connectors_are_listed_with_what_they_can_do() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| musubi(folder.path(), &[], arguments);
    let listed = run(&["connector", "list", "--json"]).json();
    let sales = listed.as_array().unwrap().iter().find(|c| c["name"] == "sample-sales").unwrap();
    assert_eq!(sales["capabilities"]["changes"], "cursor");
    assert_eq!(sales["capabilities"]["webhook"], "hmac_sha256");
    assert_eq!(sales["streams"][0]["record"], "customer");
    let table = run(&["connector", "list"]).out;
    assert!(table.contains("販売管理(見本)"), "{table}");
    let shown = run(&["connector", "show", "sample-sales", "--json"]).json();
    let key = shown["settings"].as_array().unwrap().iter().find(|field| field["name"] == "api_key").unwrap();
    assert_eq!((&key["secret"], &key["required"]), (&json!(true), &json!(true)));
    let none = run(&["connector", "show", "sample-sale"]);
    assert_eq!(none.code, 3);
    assert!(none.err.contains("did you mean \"sample-sales\"?"), "{}", none.err);
    assert_eq!(run(&["connector", "test", "rest"]).code, 2, "nothing recorded here");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_is_tested_against_its_live_system() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let today = jiff::civil::date(2026, 11, 20);
    let samples = Samples::start(SampleOptions { customers: 6, months: 2, ..SampleOptions::new(today) }).await.unwrap();
    let file = folder.path().join("live.json");
    let key = samples.credentials().sales_api_key.clone();
    std::fs::write(&file, json!({"base_url": samples.sales_url(), "api_key": key}).to_string()).unwrap();
    let ran = musubi(
        folder.path(),
        &[],
        &["connector", "test", "sample-sales", "--live", "--settings", "live.json", "--json"],
    );
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let checks = outcomes(&ran.json());
    assert!(checks.contains(&("resume:orders".to_owned(), "passed".to_owned())), "{checks:?}");
    assert!(!ran.out.contains(&key) && !ran.err.contains(&key));
    std::fs::write(&file, json!({"base_url": "ftp://x"}).to_string()).unwrap();
    let ran = musubi(folder.path(), &[], &["connector", "test", "sample-sales", "--live", "--settings", "live.json"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("SET_REQUIRED api_key") && ran.err.contains("SET_FORMAT base_url"), "{}", ran.err);
    samples.shutdown().await;
}
