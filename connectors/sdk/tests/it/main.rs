//! The declarative engine against a real server on a port of its own.

mod faults;
mod paging;
mod source;

use std::{net::SocketAddr, sync::Arc};

use musubi_sdk::{
    Connector, Cursor, Manifest, Page, PageToken, PullRequest, SourceError,
    declarative::{HttpConnector, same_host_redirects},
};
use secrecy::SecretString;
use serde_json::json;

pub type TestResult = Result<(), Box<dyn std::error::Error>>;

pub const SECRET: &str = "k-very-secret";

/// A connector for one stream `things`, whose request and paging the test gives as YAML.
pub fn connector(address: SocketAddr, auth: &str, stream: &str) -> Result<HttpConnector, Box<dyn std::error::Error>> {
    let text = format!(
        r#"
musubi: 1
name: things
title: {{ ja: 物, en: Things }}
kind: generic
settings:
  type: object
  properties: {{ base_url: {{ type: string, format: uri }}, key: {{ type: string, secret: true }}, gone: {{ type: string }} }}
auth: {auth}
http: {{ base_url: "{{{{ base_url }}}}", timeout: 1s, max_body: 64KiB, headers: {{ X-Gone: "{{{{ gone }}}}" }} }}
check: {{ request: {{ path: /ping }}, version: version }}
streams:
  things:
    record: customer
    title: {{ ja: 物, en: Things }}
    key: id
    version: {{ from: at, as: instant }}
    fetch: {{ path: "/one/{{{{ key }}}}" }}
    mapping: {{ name: name }}
{stream}
"#
    );
    let manifest = Manifest::parse("connector.yaml", &text)
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    // A second installation in the same process is refused, and as good as the first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().redirect(same_host_redirects()).no_proxy().build()?;
    let settings = json!({"base_url": format!("http://{address}")}).as_object().cloned().unwrap_or_default();
    let secrets = [("key".to_owned(), SecretString::from(SECRET))];
    Ok(HttpConnector::new(Arc::new(manifest), settings, secrets, client)?)
}

pub async fn page(connector: &HttpConnector, size: Option<u32>) -> Result<Page, SourceError> {
    connector.pull(PullRequest { stream: "things", cursor: None, token: None, page_size: size }).await
}

/// A whole pull: the keys in order, and the last cursor handed out.
pub async fn pull(
    connector: &HttpConnector,
    cursor: Option<&Cursor>,
    size: Option<u32>,
) -> Result<(Vec<String>, Option<Cursor>), SourceError> {
    let mut token: Option<PageToken> = None;
    let mut keys = Vec::new();
    let mut last = None;
    for _ in 0..50 {
        let request = PullRequest { stream: "things", cursor, token: token.as_ref(), page_size: size };
        let page = connector.pull(request).await?;
        keys.extend(page.records.into_iter().map(|record| record.external_id));
        last = page.cursor.or(last);
        token = page.next;
        if token.is_none() {
            break;
        }
    }
    Ok((keys, last))
}
