//! The other end of a webhook: signs deliveries as a genuine system does.

use musubi_sdk::{
    manifest::{Encoding, SignatureSpec},
    webhook,
};
use secrecy::SecretString;
use serde_json::{Value, json};

pub const SECRET: &str = "a-secret-of-the-test";

/// One system that sends to one connection.
#[derive(Clone)]
pub struct Sender {
    pub client: reqwest::Client,
    pub url: String,
    pub spec: SignatureSpec,
    pub secret: SecretString,
    /// Header that carries the delivery id, where the scheme has none of its own.
    pub id_header: Option<&'static str>,
}

/// What the hub answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub retry_after: Option<String>,
    pub body: Value,
}

impl Answer {
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    pub fn outcome(&self) -> (u16, &str) {
        (self.status, self.body["status"].as_str().unwrap_or_else(|| self.code()))
    }
}

impl Sender {
    /// Speaks to the generic `webhook` connector.
    pub fn generic(hub: &str, connection: &str) -> Self {
        Self {
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            url: format!("{hub}/hooks/{connection}"),
            spec: SignatureSpec::HmacSha256 {
                header: "X-Musubi-Signature".into(),
                prefix: "sha256=".into(),
                encoding: Encoding::Hex,
                secret: "webhook_secret".into(),
            },
            secret: SECRET.into(),
            id_header: Some("X-Musubi-Delivery"),
        }
    }

    /// The headers of a genuine delivery at a time.
    pub fn headers(&self, id: &str, body: &[u8], at_micros: i64) -> Vec<(String, String)> {
        let mut headers = webhook::sign(&self.spec, &self.secret, id, body, at_micros);
        headers.extend(self.id_header.map(|name| (name.to_owned(), id.to_owned())));
        headers
    }

    pub async fn send(&self, id: &str, body: &Value) -> Answer {
        let body = serde_json::to_vec(body).unwrap();
        let headers = self.headers(id, &body, now());
        self.raw(&headers, body).await.unwrap()
    }

    /// Sends and insists on 202.
    pub async fn accepted(&self, id: &str, body: &Value) {
        let answer = self.send(id, body).await;
        assert_eq!(answer.outcome(), (202, "accepted"), "{body}");
    }

    pub async fn raw(&self, headers: &[(String, String)], body: Vec<u8>) -> reqwest::Result<Answer> {
        let mut request = self.client.post(&self.url).body(body);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let retry_after = answer.headers().get("retry-after").and_then(|v| v.to_str().ok()).map(str::to_owned);
        let body = serde_json::from_slice(&answer.bytes().await?).unwrap_or(Value::Null);
        Ok(Answer { status, retry_after, body })
    }
}

pub fn now() -> i64 {
    musubi::clock::Clock::System.now().0
}

/// `minute` of an invented day, as sources write instants.
pub fn at(minute: u32) -> String {
    format!("2026-11-01T{:02}:{:02}:00Z", minute / 60, minute % 60)
}

pub fn customer(id: &str, minute: u32) -> Value {
    json!({"type": "customer.changed", "data": {"id": id, "updated_at": at(minute), "name": format!("見本商事{id}")}})
}

/// An order of one line; `total` tells its states apart.
pub fn order(id: &str, customer: &str, minute: u32, total: i64) -> Value {
    json!({"type": "order.changed", "data": {
        "id": id, "updated_at": at(minute), "customer": customer, "number": format!("N-{id}"),
        "order_date": "2026-11-01", "total": total,
        "lines": [{"description": "見本品", "quantity": 1, "amount": total}],
    }})
}
