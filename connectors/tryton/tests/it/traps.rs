//! The eleven things that catch a hub out in Tryton, each with the test that it does not catch this one.
//!
//! Where a trap can only be seen in a real Tryton as well, its other half is in the hub's own tests.

use musubi_sdk::{Connector, PullRequest, SourceError, connector::PushError};
use serde_json::json;

use crate::{
    TestResult,
    changes::company,
    connector,
    fake::{PASSWORD, time},
    keys, locking, manifest, pull,
    push::{one, push},
    refusals::small,
};

/// Its log does not say which record went; all keys compared do.
#[tokio::test]
async fn trap_01_a_deleted_party_is_found() -> TestResult {
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

/// Nor is one that is switched off left out of a list, where it would look deleted.
#[tokio::test]
async fn trap_02_a_deactivated_party_is_not_deleted() -> TestResult {
    let fake = company();
    let connector = connector(&fake, 100)?;
    let (records, ..) = pull(&connector, None).await?;
    let one = records.iter().find(|record| record.external_id == "3");
    assert_eq!(one.map(|record| (record.deleted, &record.body["active"])), Some((false, &json!(false))));
    let all = PullRequest { stream: "customers", cursor: None, token: None, page_size: None };
    assert!(keys(&connector.list(all).await?.records).contains(&"3"));
    assert!(connector.fetch("customers", "3").await?.is_some());
    Ok(())
}

/// Its own order is by name, or newest first: pages of it would overlap and leave gaps.
#[tokio::test]
async fn trap_03_every_record_comes_once_whatever_the_page() -> TestResult {
    for size in 1..8 {
        let fake = company();
        let (records, cursor, total) = pull(&connector(&fake, size)?, None).await?;
        assert_eq!(keys(&records), ["1", "2", "3", "4", "5", "6"], "pages of {size}");
        assert_eq!(total, Some(6));
        assert!(cursor.is_some());
    }
    // An order that was not kept is noticed, not followed.
    let fake = company();
    fake.breaks(Some((200, "[{\"id\": 2}, {\"id\": 1}]")));
    let error = pull(&connector(&fake, 10)?, None).await.err();
    assert_eq!(error.as_ref().map(SourceError::code), Some("SRC_NO_PROGRESS"));
    Ok(())
}

/// An address is a record of its own, with a date of its own.
#[tokio::test]
async fn trap_04_address_edit_moves_only_its_own_date() -> TestResult {
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

/// `write_date` is set on creation by some series, by others with the first change only.
#[tokio::test]
async fn trap_05_a_record_that_was_never_changed_is_new_all_the_same() -> TestResult {
    let fake = company();
    let connector = connector(&fake, 2)?;
    let (records, cursor, _) = pull(&connector, None).await?;
    let version = |id: &str| records.iter().find(|r| r.external_id == id).and_then(|r| r.version);
    assert_eq!(version("1"), Some(time("01:00:00.000001").as_microsecond()));
    assert_eq!(version("6"), Some(time("03:00:00").as_microsecond()));
    fake.set_clock("13:00:00");
    fake.party(7, "12:30:00", None);
    fake.party(8, "12:31:00", Some("12:31:00"));
    let (records, cursor, _) = pull(&connector, cursor.as_ref()).await?;
    assert_eq!(keys(&records), ["7", "8"]);
    // Its first change brings it again.
    fake.set_clock("14:00:00");
    fake.party(7, "12:30:00", Some("13:30:00"));
    let (records, ..) = pull(&connector, cursor.as_ref()).await?;
    assert_eq!(
        records.iter().map(|r| (r.external_id.as_str(), r.version)).collect::<Vec<_>>(),
        [("7", Some(time("13:30:00").as_microsecond()))]
    );
    Ok(())
}

/// SQLite keeps them as 1 and 0, PostgreSQL as true and false.
#[tokio::test]
async fn trap_06_booleans_as_one_and_zero() -> TestResult {
    let mut seen = Vec::new();
    for (on, off) in [(json!(1), json!(0)), (json!(true), json!(false))] {
        let fake = company();
        fake.address(12, 1, "燕市", "01:00:00", None, false);
        for id in 1..7 {
            fake.set(id, "active", if id == 3 { &off } else { &on });
        }
        let (records, ..) = pull(&connector(&fake, 100)?, None).await?;
        let flags: Vec<_> = records.iter().map(|r| (r.external_id.clone(), r.body["active"].clone())).collect();
        assert!(flags.contains(&("3".to_owned(), json!(false))) && flags.contains(&("1".to_owned(), json!(true))));
        let first = records.iter().find(|record| record.external_id == "1").map(|record| &record.body["addresses"]);
        let cities = first.and_then(|list| list.as_array()).map(|list| list.iter().map(|a| &a["city"]).collect());
        assert_eq!(cities, Some(vec![&json!("静岡市")]), "one that is switched off has left its party");
        seen.push(flags);
    }
    assert_eq!(seen[0], seen[1]);
    Ok(())
}

/// Errors of JSON-RPC with the status of success, and what others its answers may have.
const SAID: &[(u16, &str, &str)] = &[
    (200, r#"{"id":1,"error":["UserError",["secret-text","",null]]}"#, "PUSH_REFUSED"),
    (200, r#"{"id":1,"error":["UserWarning",["secret-text","secret-text",""]]}"#, "PUSH_REFUSED"),
    (200, r#"{"id":1,"error":["ConcurrencyException","secret-text"]}"#, "PUSH_OVERTAKEN"),
    (200, r#"{"id":1,"error":["LoginException",["secret-text","secret-text","char"]]}"#, "AUTH_REFUSED"),
    (200, r#"{"id":1,"error":["secret-text",""]}"#, "SRC_UNAVAILABLE"),
    (200, r#"{"id":1,"error":[]}"#, "SRC_UNAVAILABLE"),
    (200, r#"{"id":1,"error":null}"#, "SRC_UNAVAILABLE"),
    (200, r#"{"id":1,"error":["UserError",["secret-text"]],"result":null}"#, "PUSH_REFUSED"),
    (200, r#"{"id":1}"#, "SRC_SHAPE"),
    (200, "[]", "SRC_SHAPE"),
    (200, "<p>secret-text</p>", "SRC_NOT_JSON"),
    (200, r#"{"id":1,"resu"#, "SRC_TRUNCATED"),
    (401, "", "AUTH_REFUSED"),
    (403, "<p>secret-text</p>", "AUTH_REFUSED"),
    (404, "<p>secret-text</p>", "SRC_NOT_FOUND"),
    (413, "<p>secret-text</p>", "PUSH_REFUSED"),
    (422, "<p>secret-text</p>", "SRC_STATUS"),
    (429, "<p>secret-text</p>", "RATE_LIMIT"),
    (500, "<p>secret-text</p>", "SRC_UNAVAILABLE"),
    (504, "<p>secret-text</p>", "SRC_UNAVAILABLE"),
];

/// Its sentences are translated and name people: only the kind of a refusal counts.
#[tokio::test]
async fn trap_07_errors_are_html_or_json_or_inside_http_200() -> TestResult {
    let fake = small();
    let connector = connector(&fake, 10)?;
    let html = "<!doctype html><title>secret-text</title>";
    let table = [
        ((401, html), "AUTH_REFUSED"),
        ((403, html), "AUTH_REFUSED"),
        ((400, r#"{"status": 400, "message": "secret-text"}"#), "AUTH_RIGHTS"),
        ((404, html), "SRC_NOT_FOUND"),
        ((405, html), "SRC_STATUS"),
        ((413, html), "SRC_PAGE_TOO_LARGE"),
        ((429, html), "RATE_LIMIT"),
        ((500, html), "SRC_UNAVAILABLE"),
        ((503, html), "SRC_UNAVAILABLE"),
        ((200, html), "SRC_NOT_JSON"),
        ((200, "[{\"id\": 1"), "SRC_TRUNCATED"),
        ((200, "{\"id\": 1}"), "SRC_SHAPE"),
        ((200, "[{\"name\": \"secret-text\"}]"), "SRC_NO_KEY"),
        ((200, "[{\"id\": 1, \"write_date\": {\"__class__\": \"secret-text\"}}]"), "SRC_SHAPE"),
        ((200, "[{\"id\": 2}, {\"id\": 1}]"), "SRC_NO_PROGRESS"),
    ];
    for (answer, code) in table {
        fake.breaks(Some(answer));
        let error = pull(&connector, None).await.err();
        assert_eq!(error.as_ref().map(SourceError::code), Some(code), "{answer:?}");
        assert!(!format!("{error:?}").contains("secret-text"), "{error:?}");
    }
    // Past the end of a list there is nothing, which is no error.
    fake.breaks(Some((416, html)));
    assert!(pull(&connector, None).await?.0.is_empty());
    fake.breaks(None);
    for (status, body, code) in SAID {
        let fake = one();
        let tryton = locking(&fake, PASSWORD)?;
        fake.refuses_writes(*status, body);
        let answer = push(&tryton, Some("1"), json!({"name": "灯台商会"}), json!({"name": "Party 1"})).await;
        assert_eq!(answer.as_ref().err().map(PushError::code), Some(*code), "{status} {body}");
        assert!(!format!("{answer:?}").contains("secret-text"), "{answer:?}");
    }
    Ok(())
}

/// There is no idempotency key: the hub's own id among the identifiers is one.
#[tokio::test]
async fn trap_08_a_retried_create_does_not_double() -> TestResult {
    for desk in [None, Some(PASSWORD)] {
        let fake = small();
        let tryton = match desk {
            None => connector(&fake, 10)?,
            Some(password) => locking(&fake, password)?,
        };
        let new = || push(&tryton, None, json!({"name": "岬製作所", "phone": "03-0000-0003"}), json!({}));
        // It is made, and the answer is lost on its way.
        fake.loses_the_next_answer();
        let made = new().await?;
        assert_eq!(fake.party_now(2)["name"], "岬製作所");
        assert_eq!((made.external_id.as_str(), fake.parties_now()), ("2", 2));
        // And again, as after a crash before the answer was kept.
        assert_eq!((new().await?, fake.parties_now()), (made, 2));
    }
    Ok(())
}

/// Tryton refuses to change posted documents; the hub does not even try to change a document.
#[tokio::test]
async fn trap_09_a_posted_invoice_is_never_written() -> TestResult {
    let fake = small();
    for tryton in [connector(&fake, 10)?, locking(&fake, PASSWORD)?] {
        for stream in ["sites", "orders", "invoices", "payments", "shipments", "products"] {
            assert!(tryton.pushes(stream).is_empty(), "{stream}");
            let (values, seen) = (json!({"number": "1"}), json!({}));
            let request = musubi_sdk::connector::PushRequest {
                stream,
                external_id: Some("1"),
                hub_id: "inv_0001",
                values: values.as_object().ok_or("values")?,
                seen: seen.as_object().ok_or("seen")?,
                idempotency_key: "inv_0001-1",
            };
            let code = tryton.push(request).await.err().map(|error| error.code());
            assert_eq!(code, Some("PUSH_UNSUPPORTED"), "{stream}");
        }
    }
    assert!(fake.asked().is_empty(), "nor is it asked");
    Ok(())
}

/// Tryton's core sends no webhook.
#[tokio::test]
async fn trap_10_nothing_calls_us_so_asking_is_cheap() -> TestResult {
    assert!(manifest(&["customers"])?.webhook.is_none());
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

/// Its CSV export does not take the key; nothing of it is needed.
#[tokio::test]
async fn trap_11_only_rest_and_json_rpc_are_used() -> TestResult {
    let fake = one();
    let tryton = locking(&fake, PASSWORD)?;
    tryton.check().await;
    pull(&tryton, None).await?;
    let all = PullRequest { stream: "customers", cursor: None, token: None, page_size: None };
    tryton.list(all).await?;
    tryton.fetch("customers", "1").await?;
    push(&tryton, Some("1"), json!({"name": "灯台商会"}), json!({"name": "Party 1"})).await?;
    push(&tryton, None, json!({"name": "岬製作所"}), json!({})).await?;
    let asked = fake.asked();
    let usual = |line: &String| {
        let path = line.split_once(' ').map(|(_, path)| path).unwrap_or_default();
        line.starts_with("RPC ") || path.starts_with("/erp/ab%20c/rest/model/") || path == "/erp/rpc/"
    };
    assert!(asked.iter().all(usual), "{asked:#?}");
    assert!(asked.len() > 10, "{asked:#?}");
    Ok(())
}
