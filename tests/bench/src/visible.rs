//! From a 202 to the order standing where the customer's page reads it, at 200 events a second.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use musubi::store::{json_list, sql};
use musubi_samples::{BulkOptions, BulkSource};
use tokio::sync::mpsc;

use crate::{
    hub,
    load::{Client, Deliveries, micros, percentile},
    report::Report,
    target::Target,
};

const RATE: u32 = 200;
const EVENTS: usize = 4_000;
const SENDERS: usize = 8;

pub async fn run(target: &Target, report: &mut Report) -> anyhow::Result<()> {
    let source = BulkSource::start(BulkOptions { orders: 500, ..BulkOptions::default() }).await?;
    let id = target.connect_bulk(&source.url(), true).await?;
    let hub = hub::start(target).await?;
    while target.count("SELECT COUNT(*) FROM sales_order").await? == 0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let deliveries = Deliveries::new(&source, format!("/hooks/{id}"))?;
    let (accepted, mut news) = mpsc::unbounded_channel();
    let begun = Instant::now();
    for n in 0..SENDERS {
        let (deliveries, accepted, port) = (deliveries.clone(), accepted.clone(), hub.port);
        tokio::spawn(async move {
            let mut client = Client::connect(port).await?;
            for k in 0..EVENTS / SENDERS {
                let due = begun + Duration::from_secs(1) / RATE * u32::try_from(k * SENDERS + n)?;
                tokio::time::sleep_until(due.into()).await;
                let (status, key) = client.deliver(&deliveries).await?;
                anyhow::ensure!(status == 202, "answered {status}");
                accepted.send((key.to_string(), Instant::now()))?;
            }
            anyhow::Ok(())
        });
    }
    drop(accepted);
    let mut latencies = wait(target, &id, &mut news).await?;
    hub.stop().await?;
    latencies.sort_unstable();
    let (p50, p99) = (percentile(&latencies, 0.5), percentile(&latencies, 0.99));
    let figure = format!("p50 {p50:.0} p99 {p99:.0} ms of {} at {RATE}/s, by reading the order", latencies.len());
    report.figure("202 to visible", target.kind, &figure, "", "p99 < 250 ms", Some(p99 < 250.0))?;
    report.rows(target, "202 to visible").await
}

/// Asks for what is accepted and not yet there, again and again.
async fn wait(
    target: &Target,
    connection: &str,
    news: &mut mpsc::UnboundedReceiver<(String, Instant)>,
) -> anyhow::Result<Vec<u32>> {
    let text = format!(
        "SELECT o.external_id FROM sales_order o JOIN source_record s ON s.record_id = o.id
         WHERE s.connection_id = $1 AND s.stream = 'orders' AND {}",
        target.db.dialect().in_list("s.external_id", "$2")
    );
    let mut waiting: HashMap<String, Instant> = HashMap::new();
    let mut latencies = Vec::with_capacity(EVENTS);
    let begun = Instant::now();
    while latencies.len() < EVENTS {
        anyhow::ensure!(begun.elapsed() < Duration::from_secs(120), "{} of {EVENTS} became visible", latencies.len());
        while let Ok((key, at)) = news.try_recv() {
            waiting.insert(key, at);
        }
        if !waiting.is_empty() {
            let rows: Vec<(String,)> =
                sql(text.clone()).bind(connection).bind(json_list(waiting.keys())).all(&target.db).await?;
            for (key,) in rows {
                if let Some(at) = waiting.remove(&key) {
                    latencies.push(micros(at.elapsed()));
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(latencies)
}
