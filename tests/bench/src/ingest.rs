//! Webhook ingest: 1 KiB, signed, durable before its 202, beside the yard-stick of `peer.rs`.
//!
//! The hub also applies what it stored, in the background; the yard-stick does nothing more. What
//! still waits after a round is worked off before the next one and shown as its own figure.

use std::time::{Duration, Instant};

use musubi_samples::{BulkOptions, BulkSource};
use tokio::process::Command;

use crate::{
    hub,
    load::{self, Deliveries, Round, median},
    process::Process,
    report::Report,
    target::Target,
    watchdog::free_port,
};

const ROUNDS: usize = 3;
const TIME: Duration = Duration::from_secs(4);

struct Pair {
    target: Target,
    hub: Process,
    peer: Process,
    deliveries: Deliveries,
    applied: Vec<f64>,
}

pub async fn run(kind: &'static str, report: &mut Report) -> anyhow::Result<()> {
    let mut pair = Pair::start(kind).await?;
    // Warm both up: pools, statements, branch predictors.
    load::flood(pair.peer.port, &pair.deliveries, 32, Duration::from_millis(500)).await?;
    load::flood(pair.hub.port, &pair.deliveries, 32, Duration::from_millis(500)).await?;
    pair.drain().await?;
    for connections in [32, 64, 256] {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            theirs.push(load::flood(pair.peer.port, &pair.deliveries, connections, TIME).await?);
            ours.push(load::flood(pair.hub.port, &pair.deliveries, connections, TIME).await?);
            pair.drain().await?;
        }
        let ratio = rate(&ours) / rate(&theirs);
        report.figure(
            &format!("webhook ingest, {connections} connections"),
            kind,
            &format!("{ratio:.2} of it: {}", shown(&ours)),
            &shown(&theirs),
            ">= 0.7",
            Some(ratio >= 0.7),
        )?;
    }
    let applied = median(pair.applied.clone());
    report.figure("stored webhooks applied to history", kind, &format!("{applied:.0}/s"), "", "", None)?;
    pair.finish(report).await
}

fn rate(rounds: &[Round]) -> f64 {
    median(rounds.iter().map(Round::rate).collect())
}

fn shown(rounds: &[Round]) -> String {
    let percentile = |part| median(rounds.iter().map(|r| r.percentile(part)).collect());
    let refused: u64 = rounds.iter().map(|r| r.refused).sum();
    let refused = if refused > 0 { format!(", {refused} refused") } else { String::new() };
    format!("{:.0}/s, p50 {:.1} p99 {:.1} ms{refused}", rate(rounds), percentile(0.5), percentile(0.99))
}

impl Pair {
    async fn start(kind: &'static str) -> anyhow::Result<Self> {
        let target = Target::new(kind).await?;
        let source = BulkSource::start(BulkOptions { orders: 500, ..BulkOptions::default() }).await?;
        let id = target.connect_bulk(&source.url(), true).await?;
        let hub = hub::start(&target).await?;
        // Customers first: deliveries name them.
        while target.count("SELECT COUNT(*) FROM sales_order").await? == 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let port = free_port();
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["peer", &target.beside().await, &port.to_string()]);
        let peer = Process::start(command, port, "/health/ready").await?;
        let deliveries = Deliveries::new(&source, format!("/hooks/{id}"))?;
        source.shutdown().await;
        Ok(Self { target, hub, peer, deliveries, applied: Vec::new() })
    }

    /// Waits until everything stored is applied; notes how fast that went.
    async fn drain(&mut self) -> anyhow::Result<()> {
        const WAITING: &str = "SELECT COUNT(*) FROM inbox WHERE state = 'pending'";
        let begun = Instant::now();
        let first = self.target.count(WAITING).await?;
        let mut left = first;
        while left > 0 {
            anyhow::ensure!(begun.elapsed() < Duration::from_secs(180), "{left} of {first} webhooks still wait");
            tokio::time::sleep(Duration::from_millis(200)).await;
            left = self.target.count(WAITING).await?;
        }
        if first > 2_000 {
            self.applied.push(first as f64 / begun.elapsed().as_secs_f64());
        }
        Ok(())
    }

    async fn finish(self, report: &mut Report) -> anyhow::Result<()> {
        self.hub.stop().await?;
        self.peer.stop().await?;
        report.rows(&self.target, "webhook ingest").await
    }
}
