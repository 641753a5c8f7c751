//! Every change comes, once it is known and at least once: ties, late commits, parts, restarts.

use std::sync::Arc;

use musubi_sdk::{Connector, PullRequest, conformance};
use serde_json::json;

use crate::{TestResult, connector, fake::Fake, fake::time, keys, pull};

/// Six parties: never written, written at one instant, written apart.
fn company() -> Arc<Fake> {
    let fake = Arc::new(Fake::default());
    fake.set_clock("12:00:00");
    fake.party(1, "01:00:00.000001", None);
    fake.party(2, "01:00:00.000001", None);
    fake.party(3, "01:00:00", Some("02:00:00.5"));
    fake.party(5, "01:00:00", Some("02:00:00.5"));
    fake.party(4, "01:00:00", Some("02:00:00.5"));
    fake.party(6, "01:00:00", Some("03:00:00"));
    fake.deactivate_party(3);
    fake.address(11, 1, "静岡市", "01:00:00", None, true);
    fake
}

#[tokio::test]
async fn every_record_comes_once_whatever_the_page() -> TestResult {
    for size in 1..8 {
        let fake = company();
        let (records, cursor, total) = pull(&connector(&fake, size)?, None).await?;
        assert_eq!(keys(&records), ["1", "2", "3", "4", "5", "6"], "pages of {size}");
        assert_eq!(total, Some(6));
        assert!(cursor.is_some());
        let inactive = records.iter().find(|record| record.external_id == "3");
        let inactive = inactive.map(|record| (record.deleted, record.body["active"].clone()));
        assert_eq!(inactive, Some((false, json!(false))), "switched off is not gone, and a flag is a flag");
    }
    Ok(())
}

#[tokio::test]
async fn nothing_new_costs_one_request_a_model_and_brings_nothing() -> TestResult {
    let fake = company();
    let connector = connector(&fake, 100)?;
    let (_, cursor, _) = pull(&connector, None).await?;
    fake.asked();
    // The first look back still covers the beginning of the first pull.
    let (records, cursor, _) = pull(&connector, cursor.as_ref()).await?;
    assert_eq!(keys(&records), [""; 0]);
    let expected = ["GET /erp/ab%20c/rest/model/party.party", "GET /erp/ab%20c/rest/model/party.address"];
    assert_eq!(fake.asked(), expected);
    fake.set_clock("13:00:00");
    assert_eq!(keys(&pull(&connector, cursor.as_ref()).await?.0), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_transaction_that_commits_late_is_seen() -> TestResult {
    let fake = company();
    let connector = connector(&fake, 2)?;
    fake.party(7, "01:00:00", Some("11:58:00"));
    fake.party(8, "11:58:00", None);
    let (_, cursor, _) = pull(&connector, None).await?;
    // Both began before what was read, and committed after it.
    fake.set_clock("12:05:00");
    fake.party(9, "01:00:00", Some("11:50:00"));
    fake.party(10, "11:50:00", None);
    let (records, cursor, _) = pull(&connector, cursor.as_ref()).await?;
    let mut seen = keys(&records);
    seen.sort_unstable();
    assert_eq!(seen, ["10", "7", "8", "9"]);
    // An hour later the past is settled: nothing of it is read again.
    fake.set_clock("13:00:00");
    let (_, cursor, _) = pull(&connector, cursor.as_ref()).await?;
    fake.party(12, "13:00:01", None);
    fake.party(6, "01:00:00", Some("13:00:02"));
    fake.set_clock("13:10:00");
    assert_eq!(keys(&pull(&connector, cursor.as_ref()).await?.0), ["12", "6"]);
    Ok(())
}

#[tokio::test]
async fn a_changed_address_brings_its_party() -> TestResult {
    let fake = company();
    let connector = connector(&fake, 2)?;
    let (first, cursor, _) = pull(&connector, None).await?;
    fake.set_clock("12:30:00");
    fake.address(11, 1, "浜松市", "01:00:00", Some("12:29:00"), true);
    fake.address(12, 2, "燕市", "12:28:00", None, true);
    let (records, cursor, _) = pull(&connector, cursor.as_ref()).await?;
    assert_eq!(keys(&records), ["1", "2"]);
    let version = |text: &str| Some(time(text).as_microsecond());
    let places: Vec<_> = records.iter().map(|r| (r.body["addresses"][0]["city"].clone(), r.version)).collect();
    assert_eq!(places, [(json!("浜松市"), version("12:29:00")), (json!("燕市"), version("12:28:00"))]);
    assert!(first[0].version < records[0].version, "or the hub would take it for an old state");
    // Switched off, it shows nowhere, but its party changed with it.
    fake.set_clock("13:30:00");
    fake.address(11, 1, "浜松市", "01:00:00", Some("13:20:00"), false);
    let (records, _, _) = pull(&connector, cursor.as_ref()).await?;
    let one = records.iter().find(|record| record.external_id == "1");
    let one = one.map(|record| (record.body["addresses"].clone(), record.version));
    assert_eq!(one, Some((json!([]), version("13:20:00"))));
    Ok(())
}

#[tokio::test]
async fn a_party_and_its_address_changed_together_come_once() -> TestResult {
    let fake = company();
    let connector = connector(&fake, 100)?;
    let (_, cursor, _) = pull(&connector, None).await?;
    fake.set_clock("12:30:00");
    fake.party(1, "01:00:00", Some("12:20:00"));
    fake.address(11, 1, "浜松市", "01:00:00", Some("12:20:00"), true);
    fake.party(4, "01:00:00", Some("12:21:00"));
    assert_eq!(keys(&pull(&connector, cursor.as_ref()).await?.0), ["1", "4"]);
    Ok(())
}

#[tokio::test]
async fn all_keys_are_told_and_a_deleted_one_is_not_among_them() -> TestResult {
    let fake = company();
    let connector = connector(&fake, 100)?;
    assert!(connector.lists_all("customers"));
    fake.delete_party(4);
    let (mut token, mut listed, mut total) = (None, Vec::new(), None);
    loop {
        let request = PullRequest { stream: "customers", cursor: None, token: token.as_ref(), page_size: Some(2) };
        let page = connector.list(request).await?;
        listed.extend(page.records.into_iter().map(|record| record.external_id));
        total = total.or(page.total);
        token = page.next;
        if token.is_none() {
            break;
        }
    }
    assert_eq!((listed.as_slice(), total), (["1", "2", "3", "5", "6"].map(str::to_owned).as_slice(), Some(5)));
    assert!(connector.fetch("customers", "4").await?.is_none());
    Ok(())
}

#[tokio::test]
async fn one_record_is_fetched_by_its_id() -> TestResult {
    let fake = company();
    let connector = connector(&fake, 100)?;
    let found = connector.fetch("customers", "3").await?;
    assert_eq!(found.map(|record| record.external_id), Some("3".to_owned()));
    for unknown in ["99", "0", "-3", "3 ", "x", "../3"] {
        assert!(connector.fetch("customers", unknown).await?.is_none(), "{unknown}");
    }
    Ok(())
}

#[tokio::test]
async fn the_list_that_every_connector_must_pass() -> TestResult {
    let fake = company();
    for id in 20..40 {
        fake.party(id, "01:00:00", Some(if id < 30 { "11:55:00" } else { "11:56:00" }));
    }
    let connector = connector(&fake, 5)?;
    let checks = conformance::run(&connector, &conformance::Options::default()).await;
    let failed = |check: &&conformance::Check| check.outcome == conformance::Outcome::Failed && check.name != "check";
    let failed: Vec<String> = checks.iter().filter(failed).map(ToString::to_string).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(checks.iter().any(|check| check.name == "resume:customers"), "{checks:#?}");
    Ok(())
}
