//! The bulk source: complete, incremental, and of the right size.

use std::collections::BTreeSet;

use musubi_samples::{BulkOptions, BulkSource, sales_event};
use serde_json::Value;

use crate::{Outcome, client, get};

const KEY: (&str, &str) = ("x-api-key", "bulk");

async fn pull(client: &reqwest::Client, base: &str, since: &str) -> Result<Vec<Value>, Box<dyn std::error::Error>> {
    let mut out = Vec::new();
    for page in 1.. {
        let (_, body) = get(client, &format!("{base}/api/v1/orders?per_page=300&page={page}{since}"), KEY).await?;
        let items = body["items"].as_array().cloned().unwrap_or_default();
        let more = items.len() == 300;
        out.extend(items);
        if !more {
            break;
        }
    }
    Ok(out)
}

#[tokio::test]
async fn everything_once_then_only_what_was_touched() -> Outcome {
    let client = client();
    let options = BulkOptions { customers: 50, orders: 2_000, ..BulkOptions::default() };
    let source = BulkSource::start(options).await?;
    let all = pull(&client, &source.url(), "").await?;
    let keys: BTreeSet<Option<u64>> = all.iter().map(|o| o["id"].as_u64()).collect();
    assert_eq!((all.len(), keys.len()), (2_000, 2_000));
    let size: usize = all.iter().map(|o| o.to_string().len()).sum::<usize>() / all.len();
    assert!((450..=750).contains(&size), "{size} bytes an order");

    let last = all.last().and_then(|o| o["updated_at"].as_str()).unwrap_or_default();
    let since = format!("&updated_since={last}");
    assert_eq!(source.touch(1.0), 20);
    let changed = pull(&client, &source.url(), &since).await?;
    // `updated_since` is inclusive: the last one comes again unless it was touched itself.
    assert!((20..=21).contains(&changed.len()), "{}", changed.len());
    assert_eq!(pull(&client, &source.url(), "").await?.len(), 2_000);

    let (_, customers) = get(&client, &format!("{}/api/v1/customers?per_page=300", source.url()), KEY).await?;
    let known: BTreeSet<Option<u64>> =
        customers["items"].as_array().into_iter().flatten().map(|c| c["id"].as_u64()).collect();
    assert_eq!(known.len(), 50);
    assert!(all.iter().all(|o| known.contains(&o["customer_id"].as_u64())));

    let order = source.order(3).ok_or("no order")?;
    let (headers, body) = sales_event(&order, "hush");
    assert_eq!(headers.len(), 3);
    assert_eq!(serde_json::from_slice::<Value>(&body)?["data"], order);
    source.shutdown().await;
    Ok(())
}
