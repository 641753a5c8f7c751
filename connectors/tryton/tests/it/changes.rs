//! Every change comes, once it is known and at least once: ties, late commits, parts, restarts.

use std::sync::Arc;

use musubi_sdk::{Connector, conformance};

use crate::{TestResult, connector, fake::Fake, keys, pull};

/// Six parties: never written, written at one instant, written apart.
pub fn company() -> Arc<Fake> {
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
