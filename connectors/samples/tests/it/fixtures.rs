//! The connectors' fixtures are what the systems answer, as exchanges that `musubi connector test` replays:
//! the first two records, a total that agrees with them, and nothing after them. `UPDATE_FIXTURES=1` writes
//! them again.

use std::path::Path;

use serde_json::{Value, json};

use crate::{Outcome, get, small, started};

#[tokio::test]
async fn fixtures_are_what_the_systems_answer() -> Outcome {
    let (samples, client) = started(small()).await?;
    let (sales, books) = (samples.sales_url(), samples.accounting_url());
    let (key, token) = (("x-api-key", "key"), ("authorization", "Bearer token"));
    let mut asked = vec![("sample-sales", "ping", format!("{sales}/api/v1/ping"), key)];
    for list in ["customers", "sites", "contacts", "orders", "shipments", "deals", "quotes", "contracts", "inquiries"] {
        asked.push(("sample-sales", list, format!("{sales}/api/v1/{list}?per_page=2"), key));
    }
    asked.push(("sample-accounting", "status", format!("{books}/v2/status"), token));
    for list in ["partners", "invoices", "payments"] {
        asked.push(("sample-accounting", list, format!("{books}/v2/{list}?limit=2"), token));
    }
    for (connector, name, url, header) in asked {
        let (status, body) = get(&client, &url, header).await?;
        assert_eq!(status, 200, "{url}");
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../{connector}/fixtures/{name}.json"));
        let path = url.split('?').next().and_then(|u| u.splitn(4, '/').nth(3)).unwrap_or_default();
        let now = format!("{}\n", serde_json::to_string_pretty(&exchanges(&format!("/{path}"), body))?);
        if std::env::var_os("UPDATE_FIXTURES").is_some() {
            std::fs::write(&file, &now)?;
        }
        assert_eq!(std::fs::read_to_string(&file)?, now, "{}", file.display());
    }
    Ok(())
}

fn exchanges(path: &str, mut body: Value) -> Value {
    let list = if body["items"].is_array() { "items" } else { "data" };
    let Some(records) = body[list].as_array().cloned() else {
        return json!({"request": {"path": path}, "response": {"body": body}});
    };
    let total = if list == "items" { "/meta/total" } else { "/count" };
    if let Some(total) = body.pointer_mut(total) {
        *total = records.len().into();
    }
    let first = json!({"request": {"path": path}, "response": {"body": body}});
    body[list] = json!([]);
    // Sales is asked on by place (time, key), accounting by offset.
    let query = match records.last() {
        Some(last) if list == "items" => json!({"after_id": last["id"].to_string().trim_matches('"')}),
        _ => json!({"offset": records.len().to_string()}),
    };
    json!([first, {"request": {"path": path, "query": query}, "response": {"body": body}}])
}
