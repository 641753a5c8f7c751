//! Carries one event to one receiver and says what came of it.

use std::time::{Duration, Instant};

use musubi_sdk::{
    declarative::retry_after,
    guard::{self, Reach},
    manifest::SignatureSpec,
    webhook,
};
use reqwest::{StatusCode, header::CONTENT_TYPE, redirect};
use secrecy::SecretString;
use url::Url;

use super::{super::engine::Engine, Letter};
use crate::store::receiver;

/// Bytes of an answer that are kept for people.
const KEPT: usize = 500;

/// Clients that speak to receivers. Cheap to clone.
#[derive(Clone)]
pub struct Couriers {
    public: reqwest::Client,
    private: reqwest::Client,
}

/// What came of one attempt.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    pub status: Option<u16>,
    /// `None`: it was taken. `HOOK_UNREACHABLE`, `HOOK_TIMEOUT`, `HOOK_REFUSED`, `HOOK_REDIRECTED`,
    /// `HOOK_BUSY`, `HOOK_BROKEN`, `HOOK_GONE`, `HOOK_FORBIDDEN`, `EVENT_GONE`.
    pub cause: Option<&'static str>,
    pub answer: Option<String>,
    pub retry_after: Option<Duration>,
    pub took_ms: i64,
}

impl Couriers {
    /// `proxies`: hosts through which this process was told to send.
    pub fn new(proxies: Vec<String>) -> reqwest::Result<Self> {
        let client = |reach| {
            reqwest::Client::builder()
                .user_agent(concat!("musubi/", env!("CARGO_PKG_VERSION")))
                // An event goes where a person said, and nowhere else.
                .redirect(redirect::Policy::none())
                .connect_timeout(Duration::from_secs(10))
                .pool_idle_timeout(Duration::from_secs(30))
                .dns_resolver(guard::resolver(reach, proxies.clone()))
                .build()
        };
        Ok(Self { public: client(Reach::Public)?, private: client(Reach::Private)? })
    }

    /// Sends an event, signed with each of the keys.
    pub async fn send(&self, to: &receiver::Row, keys: &[SecretString], letter: &Letter, engine: &Engine) -> Sent {
        let begun = Instant::now();
        let mut sent = match Url::parse(&to.url) {
            Ok(url) => self.carry(to, url, keys, letter, engine).await,
            Err(_) => Sent { cause: Some("HOOK_FORBIDDEN"), ..Sent::default() },
        };
        sent.took_ms = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        sent
    }

    async fn carry(
        &self,
        to: &receiver::Row,
        url: Url,
        keys: &[SecretString],
        letter: &Letter,
        engine: &Engine,
    ) -> Sent {
        let (client, reach) = if to.private { (&self.private, Reach::Private) } else { (&self.public, Reach::Public) };
        if guard::judge_url(&url, reach).is_err() {
            return Sent { cause: Some("HOOK_FORBIDDEN"), ..Sent::default() };
        }
        let mut request = client
            .post(url)
            .timeout(engine.webhooks.timeout.0)
            .header(CONTENT_TYPE, "application/json")
            .body(letter.body.clone());
        for (name, value) in headers(keys, letter, engine.clock.now().0) {
            request = request.header(name, value);
        }
        match request.send().await {
            Ok(answer) => read(answer).await,
            Err(error) => Sent { cause: Some(trouble(&error)), ..Sent::default() },
        }
    }
}

/// The headers of Standard Webhooks; during a rotation one signature for each secret.
fn headers(keys: &[SecretString], letter: &Letter, now: i64) -> Vec<(String, String)> {
    let spec = SignatureSpec::StandardWebhooks { secret: String::new(), tolerance: Duration::ZERO };
    let mut all: Vec<(String, String)> = Vec::new();
    for key in keys {
        let signed = webhook::sign(&spec, key, &letter.id, &letter.body, now);
        if all.is_empty() {
            all = signed;
            continue;
        }
        for ((_, value), (name, more)) in all.iter_mut().zip(signed) {
            if name == "webhook-signature" {
                *value = format!("{value} {more}");
            }
        }
    }
    all
}

async fn read(mut answer: reqwest::Response) -> Sent {
    let status = answer.status();
    let wait = retry_after(answer.headers());
    let mut body = Vec::new();
    let mut cut = None;
    while body.len() < KEPT {
        match answer.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            // The head came: what it says counts, unless it never ends.
            Err(error) => {
                cut = error.is_timeout().then_some("HOOK_TIMEOUT");
                break;
            }
        }
    }
    body.truncate(KEPT);
    let text = String::from_utf8_lossy(&body).replace('\0', " ");
    Sent {
        status: Some(status.as_u16()),
        cause: judged(status).or(cut),
        answer: Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        retry_after: wait,
        took_ms: 0,
    }
}

fn judged(status: StatusCode) -> Option<&'static str> {
    match status.as_u16() {
        200..=299 => None,
        410 => Some("HOOK_GONE"),
        429 | 503 => Some("HOOK_BUSY"),
        300..=399 => Some("HOOK_REDIRECTED"),
        500.. => Some("HOOK_BROKEN"),
        _ => Some("HOOK_REFUSED"),
    }
}

fn trouble(error: &reqwest::Error) -> &'static str {
    if guard::reason(error).is_some() {
        return "HOOK_FORBIDDEN";
    }
    if error.is_timeout() { "HOOK_TIMEOUT" } else { "HOOK_UNREACHABLE" }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use super::*;

    #[test]
    fn a_rotation_signs_with_both() {
        let letter = Letter { id: "evt_1".into(), body: b"{}".to_vec() };
        let keys = ["whsec_Zmlyc3Qtc2VjcmV0LW9mLXRoZS10ZXN0", "whsec_c2Vjb25kLXNlY3JldC1vZi10aGUtdGVzdA=="];
        let keys = keys.map(|key| SecretString::from(key.to_owned()));
        let both = headers(&keys, &letter, 1_790_000_000_000_000);
        let value = |all: &[(String, String)], name: &str| {
            all.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()).unwrap_or_default()
        };
        let [first, second] = keys
            .each_ref()
            .map(|key| value(&headers(std::slice::from_ref(key), &letter, 1_790_000_000_000_000), "webhook-signature"));
        assert_eq!(value(&both, "webhook-signature"), format!("{first} {second}"));
        assert_eq!(
            (value(&both, "webhook-id"), value(&both, "webhook-timestamp")),
            ("evt_1".into(), "1790000000".into())
        );
        assert_eq!(both.len(), 3);
    }

    #[test]
    fn answers_mean_what_the_specification_says() {
        for (status, cause) in [
            (200, None),
            (204, None),
            (302, Some("HOOK_REDIRECTED")),
            (400, Some("HOOK_REFUSED")),
            (410, Some("HOOK_GONE")),
            (429, Some("HOOK_BUSY")),
            (500, Some("HOOK_BROKEN")),
            (503, Some("HOOK_BUSY")),
        ] {
            assert_eq!(judged(StatusCode::from_u16(status).unwrap()), cause, "{status}");
        }
    }
}
