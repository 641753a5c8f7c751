//! The connectors' fixtures are what the systems answer. `UPDATE_FIXTURES=1` writes them again.

use std::path::Path;

use crate::{Outcome, get, small, started};

#[tokio::test]
async fn fixtures_are_what_the_systems_answer() -> Outcome {
    let (samples, client) = started(small()).await?;
    let (sales, books) = (samples.sales_url(), samples.accounting_url());
    let (key, token) = (("x-api-key", "key"), ("authorization", "Bearer token"));
    let mut asked = vec![("sample-sales", "ping", format!("{sales}/api/v1/ping"), key)];
    for list in ["customers", "sites", "contacts", "orders"] {
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
        let now = format!("{}\n", serde_json::to_string_pretty(&body)?);
        if std::env::var_os("UPDATE_FIXTURES").is_some() {
            std::fs::write(&file, &now)?;
        }
        assert_eq!(std::fs::read_to_string(&file)?, now, "{}", file.display());
    }
    Ok(())
}
