//! The load generator: raw keep-alive HTTP/1.1 over many connections, signed deliveries of 1 KiB.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use musubi_samples::BulkSource;
use sha2::Sha256;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::target::HOOK_SECRET;

const SIZE: usize = 1024;

/// Makes deliveries: each a new order with its own key and delivery id, of one customer after the
/// other.
#[derive(Clone)]
pub struct Deliveries {
    path: String,
    tails: Arc<Vec<String>>,
    next: Arc<AtomicU64>,
}

const HEAD: &str = r#"{"type":"order.created","data":{"id":"#;

impl Deliveries {
    /// Orders as the source serves them; `path` of the hook.
    pub fn new(source: &BulkSource, path: String) -> anyhow::Result<Self> {
        let tails = (0..500).map_while(|n| source.order(n)).map(tail).collect::<anyhow::Result<Vec<_>>>()?;
        anyhow::ensure!(!tails.is_empty(), "the source has no orders");
        Ok(Self { path, tails: Arc::new(tails), next: Arc::new(AtomicU64::new(10_000_000)) })
    }

    /// The next request, and the key of its order.
    fn write(&self, out: &mut Vec<u8>) -> u64 {
        use std::io::Write as _;
        let key = self.next.fetch_add(1, Ordering::Relaxed);
        let tail = &self.tails[(key % self.tails.len() as u64) as usize];
        let body = format!("{HEAD}{key}{tail}");
        let mut signature = [0; 64];
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(HOOK_SECRET.as_bytes()) {
            mac.update(body.as_bytes());
            // The buffer has the right size.
            hex::encode_to_slice(mac.finalize().into_bytes(), &mut signature).ok();
        }
        out.clear();
        // Writing into memory cannot fail.
        write!(
            out,
            "POST {} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nX-Delivery-Id: dlv-{key}\r\n\
             X-Sales-Signature: sha256={}\r\nContent-Length: {}\r\n\r\n{body}",
            self.path,
            std::str::from_utf8(&signature).unwrap_or_default(),
            body.len(),
        )
        .ok();
        key
    }
}

/// What follows the key: closed, and padded to the size with room for a key of 8 digits.
fn tail(mut order: serde_json::Value) -> anyhow::Result<String> {
    order.as_object_mut().context("no order")?.shift_remove("id");
    let mut tail = format!(",{}", &order.to_string()[1..]);
    let padding = SIZE.saturating_sub(HEAD.len() + tail.len() + 8 + r#","memo":""}"#.len());
    tail.push_str(&format!(r#","memo":"{}"}}"#, "m".repeat(padding)));
    Ok(tail)
}

/// One keep-alive connection.
pub struct Client {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Client {
    pub async fn connect(port: u16) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, request: Vec::with_capacity(2048), answer: Vec::with_capacity(1024) })
    }

    /// Sends one delivery and waits for its answer: status and key of the order.
    pub async fn deliver(&mut self, deliveries: &Deliveries) -> anyhow::Result<(u16, u64)> {
        let key = deliveries.write(&mut self.request);
        self.stream.write_all(&self.request).await?;
        Ok((self.read_answer().await?, key))
    }

    async fn read_answer(&mut self) -> anyhow::Result<u16> {
        self.answer.clear();
        loop {
            let n = self.stream.read_buf(&mut self.answer).await?;
            anyhow::ensure!(n > 0, "the connection was closed");
            let Some(end) = self.answer.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
            let head = std::str::from_utf8(&self.answer[..end])?;
            let length: usize = head
                .lines()
                .find_map(|l| l.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length")))
                .map_or(Ok(0), |(_, n)| n.trim().parse())?;
            let status = head.get(9..12).context("no status")?.parse()?;
            while self.answer.len() < end + 4 + length {
                anyhow::ensure!(self.stream.read_buf(&mut self.answer).await? > 0, "the answer was cut");
            }
            return Ok(status);
        }
    }
}

/// What a round showed.
#[derive(Clone, Default)]
pub struct Round {
    pub accepted: u64,
    pub refused: u64,
    pub seconds: f64,
    /// Microseconds, sorted.
    pub latencies: Vec<u32>,
}

impl Round {
    pub fn rate(&self) -> f64 {
        self.accepted as f64 / self.seconds
    }

    /// Milliseconds.
    pub fn percentile(&self, part: f64) -> f64 {
        percentile(&self.latencies, part)
    }
}

/// Milliseconds out of sorted microseconds.
pub fn percentile(sorted: &[u32], part: f64) -> f64 {
    let at = ((sorted.len() as f64 * part) as usize).min(sorted.len().saturating_sub(1));
    f64::from(sorted.get(at).copied().unwrap_or_default()) / 1000.0
}

/// As fast as the answers come, over so many connections.
pub async fn flood(port: u16, deliveries: &Deliveries, connections: usize, time: Duration) -> anyhow::Result<Round> {
    let begun = Instant::now();
    let tasks: Vec<_> = (0..connections)
        .map(|_| {
            let deliveries = deliveries.clone();
            tokio::spawn(async move {
                let mut client = Client::connect(port).await?;
                let mut round = Round::default();
                while begun.elapsed() < time {
                    let sent = Instant::now();
                    let (status, _) = client.deliver(&deliveries).await?;
                    if status == 202 {
                        round.accepted += 1
                    } else {
                        round.refused += 1
                    }
                    round.latencies.push(micros(sent.elapsed()));
                }
                anyhow::Ok(round)
            })
        })
        .collect();
    let mut all = Round::default();
    for task in tasks {
        let round = task.await??;
        all.accepted += round.accepted;
        all.refused += round.refused;
        all.latencies.extend(round.latencies);
    }
    all.seconds = begun.elapsed().as_secs_f64();
    all.latencies.sort_unstable();
    Ok(all)
}

pub fn micros(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
