//! Changing parties: with a lock where user and password are given, and what every refusal becomes.

use std::{sync::Arc, time::Duration};

use musubi_sdk::{
    Connector, SourceError,
    connector::{PushError, PushRequest, Pushed},
};
use musubi_tryton::Tryton;
use serde_json::{Map, Value, json};

use crate::{
    TestResult, connected, connector,
    fake::{Fake, PASSWORD, USER},
    locking,
};

/// A party with a telephone number and an address.
pub fn one() -> Arc<Fake> {
    let fake = Arc::new(Fake::default());
    fake.set_clock("12:00:00");
    fake.party(1, "01:00:00", None);
    fake.way(21, 1, "phone", "03-0000-0001");
    fake.address(11, 1, "静岡市", "01:00:00", None, true);
    fake
}

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(map) = value { map } else { Map::new() }
}

/// Tells party 1 (or a new one) these values; `seen` is what the hub read last.
pub async fn push(tryton: &Tryton, id: Option<&str>, values: Value, seen: Value) -> Result<Pushed, PushError> {
    let (values, seen) = (object(values), object(seen));
    let request = PushRequest {
        stream: "customers",
        external_id: id,
        hub_id: "cus_0001",
        values: &values,
        seen: &seen,
        idempotency_key: "cus_0001-1",
    };
    tryton.push(request).await
}

/// What a change of the name becomes.
async fn renamed(tryton: &Tryton) -> Result<Pushed, PushError> {
    push(tryton, Some("1"), json!({"name": "灯台商会"}), json!({"name": "Party 1"})).await
}

fn code<T>(answer: &Result<T, PushError>) -> Option<&'static str> {
    answer.as_ref().err().map(PushError::code)
}

fn values(party: &Value) -> [&Value; 3] {
    [&party["name"], &party["contact_mechanisms"][0]["value"], &party["addresses"][0]["street"]]
}

#[tokio::test]
async fn a_change_is_written_under_a_lock_on_all_that_it_touches() -> TestResult {
    let fake = one();
    let tryton = locking(&fake, PASSWORD)?;
    let (wanted, seen) = (
        json!({"name": "灯台商会", "phone": "03-0000-0002", "address": "静岡市港1"}),
        json!({"name": "Party 1", "phone": "03-0000-0001", "address": "静岡市"}),
    );
    assert_eq!(push(&tryton, Some("1"), wanted.clone(), seen.clone()).await?.external_id, "1");
    assert_eq!(values(&fake.party_now(1)), [&json!("灯台商会"), &json!("03-0000-0002"), &json!("港1")]);
    let asked = fake.asked();
    assert!(!asked.iter().any(|line| line.starts_with("PUT")), "{asked:#?}");
    // Told again, as after an answer that was lost, there is nothing to do.
    push(&tryton, Some("1"), wanted, seen).await?;
    assert!(!fake.asked().iter().any(|line| line.ends_with(".write")));
    Ok(())
}

#[tokio::test]
async fn who_comes_in_between_is_not_overwritten() -> TestResult {
    // At every point after the hub began: before the values are read, and before they are written.
    for before in ["GET /erp/ab%20c/rest/model/party.party", "RPC model.party.party.write"] {
        let fake = one();
        let tryton = locking(&fake, PASSWORD)?;
        push(&tryton, Some("1"), json!({"phone": "03-0000-0003"}), json!({"phone": "03-0000-0001"})).await?;
        fake.rename_before(before, 1, "灯台商会(新)");
        assert_eq!(code(&renamed(&tryton).await), Some("PUSH_OVERTAKEN"), "{before}");
        assert_eq!(fake.party_now(1)["name"], "灯台商会(新)", "{before}");
        // Another value: theirs was not seen either, so the whole is read again first.
        fake.rename_before("RPC model.party.party.write", 1, "灯台商会(三)");
        let answer = push(&tryton, Some("1"), json!({"phone": null}), json!({"phone": "03-0000-0003"})).await;
        assert_eq!(code(&answer), Some("PUSH_OVERTAKEN"));
        assert_eq!(values(&fake.party_now(1))[..2], [&json!("灯台商会(三)"), &json!("03-0000-0003")]);
    }
    Ok(())
}

#[tokio::test]
async fn a_part_that_came_after_the_marks_is_not_written_without_one() -> TestResult {
    let fake = one();
    let tryton = locking(&fake, PASSWORD)?;
    renamed(&tryton).await?;
    // Between marks and values the number went, and another with the same digits came.
    fake.swap_way_before("GET", 21, 22);
    let answer = push(&tryton, Some("1"), json!({"phone": "03-0000-0009"}), json!({"phone": "03-0000-0001"})).await;
    assert_eq!(code(&answer), Some("PUSH_OVERTAKEN"));
    assert_eq!(fake.party_now(1)["contact_mechanisms"][0]["value"], "03-0000-0001");
    Ok(())
}

#[tokio::test]
async fn without_user_and_password_it_is_compared_and_written_over_rest() -> TestResult {
    let fake = one();
    let tryton = connector(&fake, 100)?;
    renamed(&tryton).await?;
    let asked = fake.asked();
    assert_eq!(asked, ["GET /erp/ab%20c/rest/model/party.party", "PUT /erp/ab%20c/rest/model/party.party/1"]);
    // What the hub did not see is seen when it is read, and left alone.
    fake.rename(1, "灯台商会(新)");
    assert_eq!(code(&renamed_from(&tryton, "Party 1").await), Some("PUSH_OVERTAKEN"));
    assert_eq!(fake.party_now(1)["name"], "灯台商会(新)");
    // The window that only the lock closes.
    fake.rename_before("PUT", 1, "灯台商会(三)");
    renamed_from(&tryton, "灯台商会(新)").await?;
    assert_eq!(fake.party_now(1)["name"], "灯台商会");
    Ok(())
}

async fn renamed_from(tryton: &Tryton, seen: &str) -> Result<Pushed, PushError> {
    push(tryton, Some("1"), json!({"name": "灯台商会"}), json!({ "name": seen })).await
}

#[tokio::test]
async fn rest_comes_before_every_login_and_one_login_serves_all() -> TestResult {
    let fake = one();
    for id in 2..8 {
        fake.party(id, "01:00:00", None);
    }
    let tryton = locking(&fake, PASSWORD)?;
    let tell = |tryton| async move {
        let names = (1..8).map(|id: i32| (id.to_string(), json!({ "name": format!("商会{id}") })));
        let mut all = Vec::new();
        for (id, name) in names {
            all.push(async move { push(tryton, Some(&id), name, json!({})).await });
        }
        futures::future::join_all(all).await
    };
    assert!(tell(&tryton).await.iter().all(Result::is_ok));
    assert_eq!(fake.logins(), 1);
    let asked = fake.asked();
    let login = asked.iter().position(|line| line == "RPC common.db.login");
    let before = login.and_then(|at| asked.get(at.checked_sub(1)?)).map(String::as_str);
    assert_eq!(before, Some("GET /erp/ab%20c/rest/model/party.party"), "{asked:#?}");
    // The sessions end, as when Tryton starts anew: one new login for all that are refused.
    fake.ends_sessions();
    (1..8).for_each(|id| fake.rename(id, "旧"));
    assert!(tell(&tryton).await.iter().all(Result::is_ok));
    assert_eq!(fake.logins(), 2);
    assert_eq!(fake.party_now(7)["name"], "商会7");
    Ok(())
}

#[tokio::test]
async fn a_refused_login_is_a_matter_for_a_person() -> TestResult {
    let fake = one();
    let tryton = locking(&fake, "wrong-secret-text")?;
    for _ in 0..6 {
        let answer = renamed(&tryton).await;
        assert_eq!(code(&answer), Some("AUTH_REFUSED"));
        let told = format!("{answer:?} {tryton:?}");
        assert!(!told.contains("secret-text") && !told.contains(PASSWORD), "{told}");
    }
    // Shut out, it waits for as long as Tryton counts: each login before would begin that anew.
    let answer = renamed(&tryton).await;
    let waits = |after: &Duration| after.as_secs() == 300;
    let is_wait = matches!(&answer, Err(PushError::Source(SourceError::RateLimited { retry_after: Some(after) })) if waits(after));
    assert!(is_wait, "{answer:?}");
    assert_eq!(fake.party_now(1)["name"], "Party 1");
    Ok(())
}

#[tokio::test]
async fn a_missing_right_is_named() -> TestResult {
    let said = r#"{"id":1,"error":["UserError",["secret-text","",null]]}"#;
    let wish = json!({"phone": null, "mail": "info@todai.example"});
    let seen = json!({"phone": "03-0000-0001", "mail": null});
    let table = [
        (None, "PUSH_REFUSED", "its rules"),
        (Some(("party.party", "write")), "AUTH_WRITE", "may not write party.party"),
        (Some(("party.contact_mechanism", "create")), "AUTH_WRITE", "may not create party.contact_mechanism"),
        // May be missing on purpose: a matter of this record alone.
        (Some(("party.contact_mechanism", "delete")), "PUSH_REFUSED", "may not delete party.contact_mechanism"),
        (Some(("party.address", "write")), "PUSH_REFUSED", "its rules"),
    ];
    for (denied, code_of, text) in table {
        let fake = one();
        let tryton = locking(&fake, PASSWORD)?;
        denied.into_iter().for_each(|(model, right)| fake.denies(model, right));
        fake.refuses_writes(200, said);
        let answer = push(&tryton, Some("1"), wish.clone(), seen.clone()).await;
        assert_eq!(code(&answer), Some(code_of), "{denied:?}");
        let told = format!("{answer:?}");
        assert!(told.contains(text) && !told.contains("secret-text"), "{told}");
    }
    Ok(())
}

#[tokio::test]
async fn the_check_says_which_way_is_in_force() -> TestResult {
    let lock = |fake: &Arc<Fake>, tryton: Tryton| {
        let fake = fake.clone();
        async move {
            let items = tryton.check().await;
            let lock = items.into_iter().find(|item| item.item == "lock");
            lock.map(|lock| (lock.ok, lock.code, lock.detail, fake.logins()))
        }
    };
    let fake = one();
    let (ok, code, detail, logins) = lock(&fake, connector(&fake, 10)?).await.ok_or("no line")?;
    assert!(ok && code.is_none() && logins == 0 && detail.contains("without a lock"), "{detail}");
    let (ok, code, detail, logins) = lock(&fake, locking(&fake, PASSWORD)?).await.ok_or("no line")?;
    assert!(ok && code.is_none() && logins == 1 && detail.contains("locked"), "{detail}");
    let (ok, code, ..) = lock(&fake, locking(&fake, "wrong")?).await.ok_or("no line")?;
    assert_eq!((ok, code.as_deref()), (false, Some("AUTH_REFUSED")));
    fake.denies("party.address", "create");
    let (ok, code, detail, _) = lock(&fake, locking(&fake, PASSWORD)?).await.ok_or("no line")?;
    assert_eq!((ok, code.as_deref()), (false, Some("AUTH_WRITE")));
    assert!(detail.contains("may not create party.address"), "{detail}");
    // Half a login is no login.
    let half = connected(&fake, &json!({ "user": USER }), &[("key", crate::KEY), ("password", "")]);
    assert!(half.err().is_some_and(|error| error.to_string().contains("\"password\"")));
    Ok(())
}
