//! One runner for all tests of the samples.
#![expect(clippy::disallowed_methods, reason = "tests are clients of their own")]

mod bulk;
mod company;
mod fixtures;
mod systems;
mod webhooks;

use jiff::civil::date;
use musubi_samples::{Credentials, RunningSamples, SampleOptions, Samples};
use serde_json::Value;

pub type Outcome = Result<(), Box<dyn std::error::Error>>;

pub fn credentials() -> Credentials {
    Credentials {
        sales_api_key: "key".to_owned(),
        sales_webhook_secret: "hush".to_owned(),
        accounting_token: "token".to_owned(),
        accounting_webhook_secret: "whsec_aHVzaCBodXNo".to_owned(),
    }
}

pub fn small() -> SampleOptions {
    SampleOptions {
        customers: 24,
        months: 12,
        quota: 0,
        credentials: Some(credentials()),
        ..SampleOptions::new(date(2026, 11, 20))
    }
}

/// Installs TLS for reqwest, which every test needs and only the first one does.
pub fn client() -> reqwest::Client {
    rustls::crypto::ring::default_provider().install_default().ok();
    reqwest::Client::new()
}

pub async fn started(options: SampleOptions) -> std::io::Result<(RunningSamples, reqwest::Client)> {
    let client = client();
    Ok((Samples::start(options).await?, client))
}

pub async fn get(client: &reqwest::Client, url: &str, header: (&str, &str)) -> reqwest::Result<(u16, Value)> {
    let answer = client.get(url).header(header.0, header.1).send().await?;
    Ok((answer.status().as_u16(), answer.json().await?))
}
