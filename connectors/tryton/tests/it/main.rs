//! The connector against a Tryton in this process that keeps two models, and, where one is named,
//! against a real one.

mod changes;
mod fake;
mod live;
mod push;
mod refusals;
mod traps;

use std::sync::Arc;

use musubi_sdk::{Connector, Cursor, Manifest, PageToken, PullRequest, Record, SourceError};
use musubi_tryton::Tryton;
use secrecy::SecretString;
use serde_json::{Value, json};

use fake::{Fake, USER};

pub type TestResult = Result<(), Box<dyn std::error::Error>>;

pub const KEY: &str = "invented-application-key";

/// The shipped manifest, with these streams only.
pub fn manifest(streams: &[&str]) -> Result<Arc<Manifest>, Box<dyn std::error::Error>> {
    let text = include_str!("../../connector.yaml");
    let (head, rest) = text.split_once("\nstreams:\n").ok_or("streams")?;
    let (body, tail) = rest.split_once("\ncapabilities:").ok_or("capabilities")?;
    let kept: String = format!("\n{body}")
        .split("\n\n")
        .filter(|part| streams.iter().any(|name| part.trim_start().starts_with(&format!("{name}:"))))
        .map(|part| format!("  {}\n\n", part.trim_start()))
        .collect();
    let text = format!("{head}\nstreams:\n{kept}capabilities:{tail}");
    let parsed = Manifest::parse("connector.yaml", &text);
    let lines = |errors: Vec<musubi_sdk::ManifestError>| errors.iter().map(ToString::to_string).collect::<String>();
    Ok(Arc::new(parsed.map_err(lines)?))
}

/// A connection to the fake that reads parties.
pub fn connector(fake: &Arc<Fake>, page_size: u32) -> Result<Tryton, Box<dyn std::error::Error>> {
    connected(fake, &json!({ "page_size": page_size }), &[("key", KEY)])
}

/// One that changes parties under a lock, with this password.
pub fn locking(fake: &Arc<Fake>, password: &str) -> Result<Tryton, Box<dyn std::error::Error>> {
    connected(fake, &json!({ "user": USER }), &[("key", KEY), ("password", password)])
}

fn connected(fake: &Arc<Fake>, more: &Value, secrets: &[(&str, &str)]) -> Result<Tryton, Box<dyn std::error::Error>> {
    let mut settings = json!({"base_url": "http://tryton.example/erp", "database": "ab c"});
    settings.as_object_mut().into_iter().for_each(|s| s.extend(more.as_object().cloned().unwrap_or_default()));
    let settings = settings.as_object().cloned().unwrap_or_default();
    let secrets = secrets.iter().map(|(name, text)| ((*name).to_owned(), SecretString::from(*text)));
    Ok(Tryton::new(manifest(&["customers"])?, settings, secrets, fake.clone())?)
}

/// A whole pull: its records in order, the cursor at its end, what the source counted.
pub async fn pull(
    connector: &Tryton,
    cursor: Option<&Cursor>,
) -> Result<(Vec<Record>, Option<Cursor>, Option<u64>), SourceError> {
    let mut token: Option<PageToken> = None;
    let (mut records, mut last, mut total) = (Vec::new(), None, None);
    for _ in 0..100 {
        let request = PullRequest { stream: "customers", cursor, token: token.as_ref(), page_size: None };
        let page = connector.pull(request).await?;
        records.extend(page.records);
        last = page.cursor.or(last);
        total = total.or(page.total);
        token = page.next;
        if token.is_none() {
            return Ok((records, last, total));
        }
    }
    Err(SourceError::Malformed { code: "SRC_ENDLESS", detail: "a hundred pages".to_owned() })
}

pub fn keys(records: &[Record]) -> Vec<&str> {
    records.iter().map(|record| record.external_id.as_str()).collect()
}
