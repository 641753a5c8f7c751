//! Webhooks at the door: who is let in, what is refused and how, and that 202 means stored.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use musubi::{clock::Clock, connection::change};
use musubi_sdk::manifest::{Encoding, SignatureSpec};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    hub::TestHub,
    real::TestDatabase as Database,
    sender::{self, SECRET, Sender, customer, order},
};

/// A manifest that receives customers and orders under a signature.
pub fn manifest(name: &str, signature: &str, rest: &str) -> String {
    let secret = if signature.contains("secret:") { "[webhook_secret]" } else { "[]" };
    format!(
        r#"
musubi: 1
name: {name}
title: {{ ja: 試験, en: Test }}
summary: {{ ja: 試験, en: Test }}
kind: generic
settings:
  type: object
  required: {secret}
  properties:
    webhook_secret: {{ type: string, secret: true, title: {{ ja: 鍵, en: Secret }} }}
    base_url: {{ type: string, title: {{ ja: 場所, en: Address }} }}
{rest}
webhook:
  signature: {signature}
  event: type
  events:
    customer.changed: {{ stream: customers, record: data }}
    order.changed: {{ stream: orders, record: data }}
    order.deleted: {{ stream: orders, key: data.id, deleted: true }}
  trust: body
"#
    )
}

pub const STREAMS: &str = r"
streams:
  customers:
    record: customer
    title: { ja: 得意先, en: Customers }
    key: id
    version: { from: updated_at, as: instant }
    mapping: { name: { from: name, required: true } }
  orders:
    record: order
    title: { ja: 受注, en: Orders }
    key: id
    version: { from: updated_at, as: instant }
    mapping: { customer: customer, number: number, order_date: order_date, total: total }
";

/// A folder of manifests for `connectors.dir`.
pub fn folder(manifests: &[(&str, String)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in manifests {
        std::fs::create_dir(folder.path().join(name)).unwrap();
        std::fs::write(folder.path().join(name).join("connector.yaml"), text).unwrap();
    }
    folder
}

async fn generic(t: &TestHub) -> Sender {
    let id = t.connect("webhook", json!({"webhook_secret": SECRET})).await;
    Sender::generic(&t.url, &id)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_scheme_lets_the_genuine_in_and_only_them() {
    let (header, secret) = ("X-Proof".to_owned(), "webhook_secret".to_owned());
    let hmac = SignatureSpec::HmacSha256 {
        header: header.clone(),
        prefix: "v0=".into(),
        encoding: Encoding::Base64,
        secret: secret.clone(),
    };
    let timed = SignatureSpec::Timestamped {
        header: header.clone(),
        timestamp_header: None,
        prefix: String::new(),
        encoding: Encoding::Hex,
        tolerance: Duration::from_secs(300),
        secret: secret.clone(),
    };
    let token = SignatureSpec::SharedToken { header, prefix: "Bearer ".into(), secret };
    let schemes = [
        (
            "t-hmac",
            "{ scheme: hmac_sha256, header: X-Proof, prefix: \"v0=\", encoding: base64, secret: webhook_secret }",
            hmac,
        ),
        ("t-timed", "{ scheme: timestamped, header: X-Proof, secret: webhook_secret }", timed),
        ("t-token", "{ scheme: shared_token, header: X-Proof, prefix: \"Bearer \", secret: webhook_secret }", token),
    ];
    let texts: Vec<_> = schemes.iter().map(|(name, text, _)| (*name, manifest(name, text, STREAMS))).collect();
    let dir = folder(&texts);
    for database in Database::both().await {
        let t = TestHub::start_with(&database, |c| c.connectors.dir = dir.path().into()).await;
        for (name, _, spec) in &schemes {
            let id = t.connect(name, json!({"webhook_secret": SECRET})).await;
            let genuine = Sender { spec: spec.clone(), id_header: None, ..Sender::generic(&t.url, &id) };
            genuine.accepted("1", &customer(name, 1)).await;
            // The same bytes again: one delivery, however often it is sent.
            let body = serde_json::to_vec(&customer(name, 1)).unwrap();
            let again = genuine.raw(&genuine.headers("1", &body, sender::now()), body.clone()).await.unwrap();
            assert_eq!(again.outcome(), (202, "duplicate"), "{name}");
            let forger = Sender { secret: "another-secret-than-ours".into(), ..genuine.clone() };
            let refused = forger.send("2", &customer("forged", 1)).await;
            assert_eq!((refused.status, refused.code()), (401, "HOOK_SIGNATURE_WRONG"), "{name}");
            let bare = genuine.raw(&[], body.clone()).await.unwrap();
            assert_eq!((bare.status, bare.code()), (401, "HOOK_SIGNATURE_MISSING"), "{name}");
            if name == &"t-timed" {
                let late = genuine.headers("1", &body, sender::now() - 301_000_000);
                let late = genuine.raw(&late, body.clone()).await.unwrap();
                assert_eq!((late.status, late.code()), (401, "HOOK_TOO_OLD"));
                let early = genuine.headers("1", &body, sender::now() + 310_000_000);
                let early = genuine.raw(&early, body).await.unwrap();
                assert_eq!((early.status, early.code()), (401, "HOOK_FROM_FUTURE"));
            }
        }
        t.inbox_empty().await;
        assert_eq!(t.count("SELECT COUNT(*) FROM customer").await, 3);
        assert_eq!(t.count("SELECT COUNT(*) FROM version").await, 3);
        assert_eq!(t.count("SELECT CAST(SUM(duplicates) AS BIGINT) FROM inbox").await, 3);
        t.until("SELECT CAST(COALESCE(SUM(times), 0) AS BIGINT) FROM hook_refusal", |n| n == 8).await;
        assert_eq!(t.count("SELECT COUNT(*) FROM hook_refusal WHERE cause = 'HOOK_TOO_OLD'").await, 1);
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_secret_is_accepted_until_its_end() {
    let signature = "{ scheme: standard_webhooks, secret: webhook_secret }";
    let dir = folder(&[("t-std", manifest("t-std", signature, STREAMS))]);
    for database in Database::both().await {
        let now = Arc::new(AtomicI64::new(sender::now()));
        let clock = Clock::Manual(now.clone());
        let t = TestHub::start_at(&database, clock.clone(), |c| c.connectors.dir = dir.path().into()).await;
        let (first, second) = ("whsec_Zmlyc3Qtc2VjcmV0LW9mLXRoZS10ZXN0", "whsec_c2Vjb25kLXNlY3JldC1vZi10aGUtdGVzdA==");
        let id = t.connect("t-std", json!({"webhook_secret": first})).await;
        let spec =
            SignatureSpec::StandardWebhooks { tolerance: Duration::from_secs(300), secret: "webhook_secret".into() };
        let old = Sender { spec, secret: first.into(), id_header: None, ..Sender::generic(&t.url, &id) };
        let new = Sender { secret: second.into(), ..old.clone() };
        let deliver = async |sender: &Sender, id: &str| {
            let body = serde_json::to_vec(&customer(id, 1)).unwrap();
            let headers = sender.headers(id, &body, now.load(Ordering::SeqCst));
            sender.raw(&headers, body).await.unwrap().status
        };
        assert_eq!((deliver(&old, "a").await, deliver(&new, "b").await), (202, 401));
        let h = t.hub();
        change::rotate_hook_secret(&h.db, &h.registry, &h.keys, &h.clock, &id, second).await.unwrap();
        assert_eq!((deliver(&old, "c").await, deliver(&new, "d").await), (202, 202));
        now.fetch_add(change::ROTATION - 1, Ordering::SeqCst);
        assert_eq!((deliver(&old, "e").await, deliver(&new, "f").await), (202, 202));
        now.fetch_add(1, Ordering::SeqCst);
        assert_eq!((deliver(&old, "g").await, deliver(&new, "h").await), (401, 202));
        t.inbox_empty().await;
        assert_eq!(t.count("SELECT COUNT(*) FROM customer").await, 6);
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_refused_and_says_why() {
    for database in Database::both().await {
        let t = TestHub::start(&database).await;
        let sender = generic(&t).await;
        let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000)).into_bytes();
        let bodies = [
            deep,
            b"{\"type\":\"order.changed\",\"data\":{\"id\":\"\xff\xfe\"}}".to_vec(),
            b"<html>not json</html>".to_vec(),
            b"{\"type\":\"order.changed\"".to_vec(),
            Vec::new(),
        ];
        for body in bodies {
            let headers = sender.headers("bad", &body, sender::now());
            let answer = sender.raw(&headers, body).await.unwrap();
            assert_eq!((answer.status, answer.code()), (400, "HOOK_NOT_JSON"));
        }
        let body = vec![b' '; 1024 * 1024 + 1];
        let headers = sender.headers("large", &body, sender::now());
        let answer = sender.raw(&headers, body).await.unwrap();
        assert_eq!((answer.status, answer.code()), (413, "BODY_TOO_LARGE"));
        let nobody = Sender { url: format!("{}/hooks/con_nobody", t.url), ..sender.clone() };
        let answer = nobody.send("1", &customer("c", 1)).await;
        assert_eq!((answer.status, answer.code()), (404, "HOOK_UNKNOWN"));
        assert_eq!(t.count("SELECT COUNT(*) FROM inbox").await, 0);
        let times = "SELECT CAST(COALESCE(SUM(times), 0) AS BIGINT) FROM hook_refusal WHERE cause = 'HOOK_NOT_JSON'";
        t.until(times, |n| n == 5).await;
        // The door still works.
        sender.accepted("ok", &customer("c", 1)).await;
        t.stop().await;
    }
}

/// Resident memory of this process, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Sends a body piece by piece until the hub has had enough; the answer's status line.
async fn stream_body(address: &str, path: &str, head: &str, pieces: usize, piece: &[u8], chunked: bool) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("POST {path} HTTP/1.1\r\nHost: hub.example\r\n{head}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let (mut read, mut write) = stream.split();
    let sending = async {
        for _ in 0..pieces {
            let frame = format!("{:x}\r\n", piece.len());
            if chunked && write.write_all(frame.as_bytes()).await.is_err() {
                return;
            }
            let end: &[u8] = if chunked { b"\r\n" } else { b"" };
            if write.write_all(piece).await.is_err() || write.write_all(end).await.is_err() {
                return;
            }
        }
    };
    let mut answer = Vec::new();
    let reading = async {
        let mut buffer = [0; 4096];
        while !answer.ends_with(b"}") {
            match read.read(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(n) => answer.extend_from_slice(&buffer[..n]),
            }
        }
    };
    tokio::select! { () = reading => {}, () = async { sending.await; std::future::pending().await } => {} }
    String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_megabytes_are_refused_without_being_kept() {
    for database in Database::both().await {
        let t = TestHub::start(&database).await;
        let sender = generic(&t).await;
        let (address, path) = sender.url.strip_prefix("http://").unwrap().split_at(t.url.len() - 7);
        let piece = vec![b'7'; 64 * 1024];
        let before = resident();
        for (head, chunked) in [("Content-Length: 104857600", false), ("Transfer-Encoding: chunked", true)] {
            let status = stream_body(address, path, head, 1600, &piece, chunked).await;
            assert_eq!(status, "HTTP/1.1 413 Payload Too Large", "{head}");
        }
        let grown = resident().saturating_sub(before);
        // The whole test binary runs in this process; a kept body alone would be 100 MB.
        assert!(grown < 60 * 1024, "{grown} KiB more");
        assert_eq!(t.count("SELECT COUNT(*) FROM inbox").await, 0);
        let times = "SELECT CAST(COALESCE(SUM(times), 0) AS BIGINT) FROM hook_refusal WHERE cause = 'BODY_TOO_LARGE'";
        t.until(times, |n| n == 2).await;
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_queue_senders_wait_and_lose_nothing() {
    for database in Database::both().await {
        let t = TestHub::start_with(&database, |c| (c.inbox.queue, c.inbox.batch) = (1, 1)).await;
        let sender = generic(&t).await;
        sender.accepted("c", &customer("c", 1)).await;
        let deliveries = (0..200).map(|n| {
            let sender = sender.clone();
            async move {
                let (id, body) = (format!("d{n}"), order(&format!("o{n}"), "c", 1, 100));
                let mut refused = 0;
                loop {
                    let answer = sender.send(&id, &body).await;
                    if answer.status == 202 {
                        assert_eq!(answer.outcome(), (202, "accepted"), "429 stored nothing");
                        return refused;
                    }
                    assert_eq!((answer.status, answer.code()), (429, "TOO_MANY_REQUESTS"));
                    assert_eq!(answer.retry_after.as_deref(), Some("1"));
                    refused += 1;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        });
        let refused: usize = futures::future::join_all(deliveries).await.into_iter().sum();
        assert!(refused > 0, "the queue was never full");
        t.inbox_empty().await;
        assert_eq!(t.count("SELECT COUNT(*) FROM sales_order").await, 200);
        assert_eq!(t.count("SELECT COUNT(*) FROM inbox").await, 201);
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_share_one_database_exactly_once() {
    let database = Database::postgres().await;
    let one = TestHub::start(&database).await;
    let two = TestHub::start(&database).await;
    let first = generic(&one).await;
    let id = first.url.rsplit_once('/').unwrap().1.to_owned();
    let second = Sender::generic(&two.url, &id);
    // A node learns of a connection that another made with its next look at the schedule.
    let start = std::time::Instant::now();
    while two.hub().registry.get(&id).is_none() {
        assert!(start.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let deliveries = (0..300).map(|n| {
        let (first, second) = (first.clone(), second.clone());
        async move {
            let (id, key) = (format!("d{n}"), format!("o{n}"));
            let body = match n % 10 {
                0 => customer(&format!("c{}", n / 10), 1),
                // Several events in one body beside single ones.
                1 => json!([order(&key, &format!("c{}", n / 10), 1, 100), order(&format!("{key}b"), "c0", 1, 100)]),
                _ => order(&key, &format!("c{}", n / 10), 1, 100),
            };
            let (a, b) = tokio::join!(first.send(&id, &body), second.send(&id, &body));
            let mut outcomes = [a.outcome(), b.outcome()];
            outcomes.sort_unstable();
            assert_eq!(outcomes, [(202, "accepted"), (202, "duplicate")]);
        }
    });
    futures::future::join_all(deliveries).await;
    one.inbox_empty().await;
    assert_eq!(one.count("SELECT COUNT(*) FROM parked").await, 0);
    assert_eq!(one.count("SELECT COUNT(*) FROM customer").await, 30);
    assert_eq!(one.count("SELECT COUNT(*) FROM sales_order").await, 300);
    assert_eq!(one.count("SELECT COUNT(DISTINCT external_id) FROM sales_order").await, 300);
    assert_eq!(one.count("SELECT COUNT(*) FROM version").await, 330);
    assert_eq!(one.count("SELECT COUNT(*) FROM failure").await, 0);
    one.stop().await;
    two.stop().await;
}
