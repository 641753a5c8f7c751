//! Both systems over HTTP: paging, credentials, quota, wanted trouble.

use std::collections::BTreeSet;

use musubi_samples::{SampleOptions, Trouble};
use serde_json::Value;

use crate::{Outcome, get, small, started};

const KEY: (&str, &str) = ("x-api-key", "key");
const TOKEN: (&str, &str) = ("authorization", "Bearer token");

#[tokio::test]
async fn sales_pages_bring_each_record_once_in_order() -> Outcome {
    let (samples, client) = started(small()).await?;
    let mut seen = BTreeSet::new();
    let mut last = (String::new(), 0);
    for page in 1.. {
        let url = format!("{}/api/v1/orders?per_page=7&page={page}", samples.sales_url());
        let (_, body) = get(&client, &url, KEY).await?;
        let items = body["items"].as_array().cloned().unwrap_or_default();
        assert_eq!(body["meta"]["total"], samples.counts().orders);
        for item in &items {
            let place = (item["updated_at"].as_str().unwrap_or_default().to_owned(), item["id"].as_i64().unwrap_or(0));
            assert!(place > last, "{place:?} after {last:?}");
            last = place;
            assert!(seen.insert(item["id"].as_u64()));
        }
        if items.len() < 7 {
            break;
        }
    }
    assert_eq!(seen.len(), samples.counts().orders);
    samples.shutdown().await;
    Ok(())
}

#[tokio::test]
async fn accounting_offsets_bring_each_record_once() -> Outcome {
    let (samples, client) = started(small()).await?;
    for (list, key, count) in [
        ("partners", "partner_id", samples.counts().partners),
        ("invoices", "invoice_id", samples.counts().invoices),
        ("payments", "payment_id", samples.counts().payments),
    ] {
        let mut seen = BTreeSet::new();
        let mut offset = Some(0);
        while let Some(from) = offset {
            let url = format!("{}/v2/{list}?limit=9&offset={from}", samples.accounting_url());
            let (_, body) = get(&client, &url, TOKEN).await?;
            for item in body["data"].as_array().into_iter().flatten() {
                assert!(seen.insert(item[key].as_str().map(str::to_owned)));
            }
            assert_eq!(body["count"], count);
            offset = body["paging"]["next_offset"].as_u64();
        }
        assert_eq!(seen.len(), count, "{list}");
    }
    Ok(())
}

#[tokio::test]
async fn changes_since_a_place() -> Outcome {
    let (samples, client) = started(small()).await?;
    let base = format!("{}/api/v1/orders", samples.sales_url());
    let (_, all) = get(&client, &format!("{base}?per_page=500"), KEY).await?;
    let items = all["items"].as_array().cloned().unwrap_or_default();
    let middle = &items[items.len() / 2];
    let since = middle["updated_at"].as_str().unwrap_or_default();
    let (_, inclusive) = get(&client, &format!("{base}?per_page=500&updated_since={since}"), KEY).await?;
    assert_eq!(inclusive["items"][0]["updated_at"], since);
    let after = format!("{base}?per_page=500&updated_since={since}&after_id={}", middle["id"]);
    let (_, after) = get(&client, &after, KEY).await?;
    assert_eq!(after["items"][0]["id"], items[items.len() / 2 + 1]["id"]);

    let at = samples.new_order_now().await.map(|o| o.number);
    let last = items.last().and_then(|i| i["updated_at"].as_str()).unwrap_or_default();
    let (_, new) = get(&client, &format!("{base}?updated_since={last}"), KEY).await?;
    let newest = new["items"].as_array().and_then(|i| i.last()).map(|i| i["order_no"].clone());
    assert_eq!(newest, at.map(Value::from));
    Ok(())
}

fn keys(body: &Value, list: &str, key: &str) -> Vec<Value> {
    body[list].as_array().into_iter().flatten().map(|item| item[key].clone()).collect()
}

#[tokio::test]
async fn a_changed_record_moves_to_the_end() -> Outcome {
    let (samples, client) = started(small()).await?;
    let url = format!("{}/api/v1/orders?per_page=500", samples.sales_url());
    let before = keys(&get(&client, &url, KEY).await?.1, "items", "id");
    samples.ship_one_now();
    let after = keys(&get(&client, &url, KEY).await?.1, "items", "id");
    let moved = after.last().cloned().ok_or("no orders")?;
    let stayed: Vec<Value> = before.into_iter().filter(|id| *id != moved).collect();
    assert_eq!(stayed, after[..after.len() - 1]);
    Ok(())
}

#[tokio::test]
async fn offsets_do_not_slide_when_a_record_changes() -> Outcome {
    let (samples, client) = started(small()).await?;
    let url = format!("{}/v2/invoices?limit=300", samples.accounting_url());
    let before = keys(&get(&client, &url, TOKEN).await?.1, "data", "invoice_id");
    samples.pay_one_now();
    let after = keys(&get(&client, &url, TOKEN).await?.1, "data", "invoice_id");
    assert!(after.len() > before.len());
    assert_eq!(after[..before.len()], before);
    Ok(())
}

#[tokio::test]
async fn wrong_credentials_and_unknown_records() -> Outcome {
    let (samples, client) = started(small()).await?;
    let (sales, accounting) = (samples.sales_url(), samples.accounting_url());
    assert_eq!(get(&client, &format!("{sales}/api/v1/ping"), ("x-api-key", "wrong")).await?.0, 401);
    assert_eq!(get(&client, &format!("{accounting}/v2/status"), ("x-api-key", "key")).await?.0, 401);
    assert_eq!(get(&client, &format!("{sales}/api/v1/ping"), KEY).await?.0, 200);
    assert_eq!(get(&client, &format!("{accounting}/v2/status"), TOKEN).await?.1["product"]["release"], "2026.10");
    assert_eq!(get(&client, &format!("{sales}/api/v1/orders/1"), KEY).await?.0, 404);
    assert_eq!(get(&client, &format!("{sales}/api/v1/orders?per_page=1001"), KEY).await?.0, 413);
    let (_, cut) = get(&client, &format!("{sales}/api/v1/orders?per_page=900"), KEY).await?;
    assert_eq!(cut["meta"]["per_page"], 500);
    let (_, one) = get(&client, &format!("{sales}/api/v1/customers/1001"), KEY).await?;
    assert_eq!(one["id"], 1001);
    Ok(())
}

#[tokio::test]
async fn above_the_quota_it_says_when_to_come_back() -> Outcome {
    let (samples, client) = started(SampleOptions { quota: 3, ..small() }).await?;
    let url = format!("{}/api/v1/ping", samples.sales_url());
    let mut refused = None;
    for _ in 0..20 {
        let answer = client.get(&url).header(KEY.0, KEY.1).send().await?;
        if answer.status() == 429 {
            refused = answer.headers().get("retry-after").cloned();
            break;
        }
    }
    assert_eq!(refused.as_ref().map(|v| v.as_bytes()), Some(&b"1"[..]));
    Ok(())
}

#[tokio::test]
async fn wanted_trouble_comes_when_it_is_due() -> Outcome {
    let trouble = Trouble { every_n_429: 3, every_n_500: 5 };
    let (samples, client) = started(SampleOptions { trouble, ..small() }).await?;
    let mut seen = Vec::new();
    for _ in 0..6 {
        seen.push(get(&client, &format!("{}/api/v1/ping", samples.sales_url()), KEY).await?.0);
    }
    assert_eq!(seen, [200, 200, 429, 200, 500, 429]);
    Ok(())
}
