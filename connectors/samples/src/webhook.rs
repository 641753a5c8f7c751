//! Hooks of the sample systems: building, signing, and sending until somebody takes them.
//!
//! Invariants: one delivery keeps its id over all attempts and ids never repeat, also after a
//! restart; a system's deliveries go out one after the other, so a receiver sees a record's
//! changes in order. The queue is bounded: when it is full the newest event is dropped, and the
//! receiver finds the change with its next pull.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const QUEUE: usize = 1_000;
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Headers of a delivery.
pub type Headers = Vec<(&'static str, String)>;

fn hmac(secret: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    // HMAC takes a key of any length, so the error cannot happen.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return Vec::new() };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

/// A delivery id of this process: its start time and a counter.
fn next_id() -> String {
    static START: LazyLock<i64> = LazyLock::new(|| crate::clock::now().as_microsecond());
    static COUNT: AtomicU64 = AtomicU64::new(1);
    format!("dlv-{:x}-{}", *START, COUNT.fetch_add(1, Ordering::Relaxed))
}

/// How a system signs.
#[derive(Clone)]
pub(crate) enum Signer {
    Sales(String),
    Accounting(String),
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sales(_) => "Sales(..)",
            Self::Accounting(_) => "Accounting(..)",
        })
    }
}

impl Signer {
    fn headers(&self, id: &str, body: &[u8]) -> Headers {
        match self {
            Self::Sales(secret) => sales_headers(id, body, secret),
            Self::Accounting(secret) => standard_headers(id, crate::clock::now().as_second(), body, secret),
        }
    }
}

/// `X-Sales-Signature: sha256=…` over the body, and `X-Delivery-Id`.
#[must_use]
pub fn sales_headers(id: &str, body: &[u8], secret: &str) -> Headers {
    vec![
        ("content-type", "application/json".to_owned()),
        ("x-delivery-id", id.to_owned()),
        ("x-sales-signature", format!("sha256={}", hex::encode(hmac(secret.as_bytes(), &[body])))),
    ]
}

/// Standard Webhooks: signed is `id.timestamp.body`; the secret is `whsec_` and base64.
#[must_use]
pub fn standard_headers(id: &str, at: i64, body: &[u8], secret: &str) -> Headers {
    let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).unwrap_or_default();
    let at = at.to_string();
    let signature = hmac(&key, &[id.as_bytes(), b".", at.as_bytes(), b".", body]);
    vec![
        ("content-type", "application/json".to_owned()),
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", at),
        ("webhook-signature", format!("v1,{}", BASE64_STANDARD.encode(signature))),
    ]
}

fn sales_body(kind: &str, order: &Value) -> Bytes {
    Bytes::from(json!({ "type": kind, "sent_at": crate::clock::now(), "data": order }).to_string())
}

/// A signed `order.created` with its own delivery id, ready to POST.
#[must_use]
pub fn sales_event(order: &Value, secret: &str) -> (Headers, Bytes) {
    let body = sales_body("order.created", order);
    (sales_headers(&next_id(), &body, secret), body)
}

/// A signed thin event such as `invoice.created`, naming only the record's key.
#[must_use]
pub fn accounting_event(kind: &str, key: &str, secret: &str) -> (Headers, Bytes) {
    let body = accounting_body(kind, key);
    (standard_headers(&next_id(), crate::clock::now().as_second(), &body, secret), body)
}

fn accounting_body(kind: &str, key: &str) -> Bytes {
    Bytes::from(json!({ "type": kind, "timestamp": crate::clock::now(), "data": { "id": key } }).to_string())
}

/// What the receiver said to the first attempt; `None`: nobody there, or no hook registered.
pub type Answer = Option<u16>;

#[derive(Debug)]
struct Delivery {
    id: String,
    body: Bytes,
    answered: Option<oneshot::Sender<Answer>>,
}

/// Sends one system's events to its registered hook.
#[derive(Debug)]
pub(crate) struct WebhookSender {
    queue: mpsc::Sender<Delivery>,
    hook: Arc<RwLock<Option<String>>>,
}

impl WebhookSender {
    pub(crate) fn start(signer: Signer, stop: CancellationToken) -> std::io::Result<(Self, JoinHandle<()>)> {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(10))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(std::io::Error::other)?;
        let (queue, deliveries) = mpsc::channel(QUEUE);
        let hook = Arc::new(RwLock::new(None));
        let worker = Worker { client, signer, hook: Arc::clone(&hook) };
        let task = tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = worker.run(deliveries) => {}
            }
        });
        Ok((Self { queue, hook }, task))
    }

    pub(crate) fn set_hook(&self, url: String) {
        *self.hook.write().unwrap_or_else(PoisonError::into_inner) = Some(url);
    }

    pub(crate) fn sales(&self, kind: &str, order: &Value) -> oneshot::Receiver<Answer> {
        self.push(sales_body(kind, order))
    }

    pub(crate) fn accounting(&self, kind: &str, key: u64) -> oneshot::Receiver<Answer> {
        self.push(accounting_body(kind, &key.to_string()))
    }

    fn push(&self, body: Bytes) -> oneshot::Receiver<Answer> {
        let (answered, answer) = oneshot::channel();
        let delivery = Delivery { id: next_id(), body, answered: Some(answered) };
        if self.queue.try_send(delivery).is_err() {
            tracing::warn!("a sample system dropped an event: its queue is full");
        }
        answer
    }
}

struct Worker {
    client: reqwest::Client,
    signer: Signer,
    hook: Arc<RwLock<Option<String>>>,
}

impl Worker {
    async fn run(self, mut deliveries: mpsc::Receiver<Delivery>) {
        while let Some(delivery) = deliveries.recv().await {
            self.deliver(delivery).await;
        }
    }

    /// Tries until a 2xx, or until no hook is registered.
    async fn deliver(&self, mut delivery: Delivery) {
        let mut wait = FIRST_WAIT;
        loop {
            let hook = self.hook.read().unwrap_or_else(PoisonError::into_inner).clone();
            let status = match &hook {
                Some(url) => self.attempt(url, &delivery).await,
                None => None,
            };
            if let Some(answered) = delivery.answered.take() {
                // Nobody may be waiting any more.
                answered.send(status).ok();
            }
            if hook.is_none() || status.is_some_and(|s| (200..300).contains(&s)) {
                return;
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    async fn attempt(&self, url: &str, delivery: &Delivery) -> Answer {
        let mut request = self.client.post(url).body(delivery.body.clone());
        for (name, value) in self.signer.headers(&delivery.id, &delivery.body) {
            request = request.header(name, value);
        }
        match request.send().await {
            Ok(answer) => Some(answer.status().as_u16()),
            Err(_) => None,
        }
    }
}
