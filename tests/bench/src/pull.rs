//! A first load of 200,000 orders into history, beside a plain bulk load of the same rows and dlt;
//! then one in a hundred changed; then again with webhooks coming in.

use std::time::{Duration, Instant};

use musubi::store::{self, sql};
use musubi_samples::{BulkOptions, BulkSource};

use crate::{
    copy, dlt, hub,
    load::{Client, Deliveries, micros, percentile},
    process::Process,
    report::Report,
    target::Target,
};

const ORDERS: usize = 200_000;
const CUSTOMERS: usize = 2_000;
/// Webhooks a second during the pull.
const HOOKS: u32 = 200;

/// What a pull showed.
struct Pulled {
    orders_per_second: f64,
    /// MiB, every 100 ms.
    memory: Vec<f64>,
    cpu: Duration,
}

pub async fn run(kind: &'static str, report: &mut Report) -> anyhow::Result<()> {
    let options = BulkOptions { customers: CUSTOMERS, orders: ORDERS, ..BulkOptions::default() };
    let source = BulkSource::start(options).await?;
    let rows = copy::fetch(&source.url()).await?;
    let target = Target::new(kind).await?;
    target.connect_bulk(&source.url(), true).await?;
    let hub = hub::start(&target).await?;
    let first = watch(&target, &hub).await?;
    let ours = first.orders_per_second;
    let cpu = first.cpu.as_secs_f64() * 1e6 / ORDERS as f64;
    let figure = format!("{ours:.0} orders/s ({cpu:.0} µs of hub CPU each)");
    let plain = copy::measure(&target, &rows).await?;
    drop(rows);
    let beside = format!("plain bulk load {plain:.0}/s");
    let (goal, reached) = if kind == "postgres" { (">= 8000/s", Some(ours >= 8000.0)) } else { ("", None) };
    report.figure("pull of 200,000 orders", kind, &figure, &beside, goal, reached)?;
    if kind == "postgres"
        && let Some(flat) = dlt::measure(&target, &source.url()).await?
    {
        let ratio = format!("{:.2} times", ours / flat);
        report.figure("the pull against dlt", kind, &ratio, &format!("{flat:.0}/s"), "above", Some(ours > flat))?;
    }
    memory(report, kind, &first)?;
    again(&target, &source, report).await?;
    hub.stop().await?;
    report.rows(&target, "both pulls").await?;
    with_hooks(kind, &source, report).await?;
    source.shutdown().await;
    Ok(())
}

fn memory(report: &mut Report, kind: &str, pulled: &Pulled) -> anyhow::Result<()> {
    let most = pulled.memory.iter().copied().fold(0.0, f64::max);
    // Its slope over the second half: a leak shows there, warming up does not.
    let half = &pulled.memory[pulled.memory.len() / 2..];
    let quarter = (half.len() / 4).max(1);
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len().max(1) as f64;
    let growth = mean(&half[half.len() - quarter..]) - mean(&half[..quarter]);
    let figure = format!("at most {most:.0} MiB, {growth:+.1} MiB over the second half");
    report.figure("memory during the pull", kind, &figure, "", "flat, < 150 MB", Some(most < 143.0 && growth < 10.0))
}

/// Follows the stream of orders from its start to its end.
async fn watch(target: &Target, hub: &Process) -> anyhow::Result<Pulled> {
    const STATE: &str = "SELECT s.state, s.read_count FROM run_stream s JOIN run r ON r.id = s.run_id
        WHERE s.stream = 'orders' AND r.trigger_kind <> 'webhook'";
    let asked = Instant::now();
    let mut begun = None;
    let mut memory = Vec::new();
    loop {
        anyhow::ensure!(asked.elapsed() < Duration::from_secs(600), "the pull does not end");
        let row: Option<(String, i64)> = sql(STATE).optional(&target.db).await?;
        let (state, read) = row.unwrap_or_default();
        if state != "waiting" && !state.is_empty() && begun.is_none() {
            begun = Some((Instant::now(), hub.cpu()));
        }
        memory.push(hub.memory());
        if let Some((begun, cpu)) = begun
            && state != "running"
        {
            anyhow::ensure!(state == "succeeded" && read >= ORDERS as i64, "{state} after {read} orders");
            let orders_per_second = read as f64 / begun.elapsed().as_secs_f64();
            return Ok(Pulled { orders_per_second, memory, cpu: hub.cpu().saturating_sub(cpu) });
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// One order in a hundred changed: the whole run, by its own times.
async fn again(target: &Target, source: &BulkSource, report: &mut Report) -> anyhow::Result<()> {
    // The first load's figures are still being computed; that is not this run's.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let changed = source.touch(1.0);
    let ids: Vec<(String,)> = sql("SELECT id FROM connection").all(&target.db).await?;
    let mut tx = target.db.begin().await?;
    for (id,) in &ids {
        store::connection::request(&mut tx, id, "bench", musubi::clock::Clock::System.now()).await?;
    }
    tx.commit().await?;
    const RUNS: &str = "SELECT r.finished_at - r.started_at, s.updated_count, s.read_count, r.state,
        COALESCE(r.detail, '') FROM run r
        JOIN run_stream s ON s.run_id = r.id AND s.stream = 'orders' ORDER BY r.number DESC LIMIT 1";
    const FINISHED: &str = "SELECT COUNT(*) FROM run WHERE finished_at IS NOT NULL";
    let asked = Instant::now();
    while target.count(FINISHED).await? < 2 {
        anyhow::ensure!(asked.elapsed() < Duration::from_secs(120), "the second run does not end");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (micros, updated, read, state, cause): (i64, i64, i64, String, String) = sql(RUNS).one(&target.db).await?;
    let complete = updated == changed as i64;
    let odd = if complete { String::new() } else { format!(" (of {changed}; {read} read, run {state} {cause})") };
    let seconds = micros as f64 / 1e6;
    let figure = format!("{seconds:.2} s for {updated} changes{odd}");
    report.figure("second run, 1 % changed", target.kind, &figure, "", "< 1 s", Some(complete && seconds < 1.0))
}

/// The same load with webhooks coming in at a fixed rate.
async fn with_hooks(kind: &'static str, source: &BulkSource, report: &mut Report) -> anyhow::Result<()> {
    let target = Target::new(kind).await?;
    let id = target.connect_bulk(&source.url(), true).await?;
    let hub = hub::start(&target).await?;
    let deliveries = Deliveries::new(source, format!("/hooks/{id}"))?;
    let mut pulling = Box::pin(watch(&target, &hub));
    let mut sending = tokio::task::JoinSet::new();
    let mut clients: Vec<Client> = Vec::new();
    let (back, mut returned) = tokio::sync::mpsc::unbounded_channel();
    let mut tick = tokio::time::interval(Duration::from_secs(1) / HOOKS);
    let mut latencies = Vec::new();
    let mut refused = 0;
    let pulled = loop {
        tokio::select! {
            pulled = &mut pulling => break pulled?,
            Some(client) = returned.recv() => clients.push(client),
            Some(done) = sending.join_next() => match done?? {
                (202, took) => latencies.push(took),
                _ => refused += 1,
            },
            // By the clock, whatever the answers take: a slow hub does not slow the senders.
            due = tick.tick() => {
                let client = clients.pop();
                let (deliveries, port, back) = (deliveries.clone(), hub.port, back.clone());
                sending.spawn(async move {
                    let mut client = match client { Some(client) => client, None => Client::connect(port).await? };
                    let (status, _) = client.deliver(&deliveries).await?;
                    let took = micros(due.elapsed());
                    back.send(client).ok();
                    anyhow::Ok((status, took))
                });
            }
        }
    };
    drop(pulling);
    hub.stop().await?;
    latencies.sort_unstable();
    let (p50, p99) = (percentile(&latencies, 0.5), percentile(&latencies, 0.99));
    let figure = format!(
        "p50 {p50:.1} p99 {p99:.1} max {:.1} ms of {} at {HOOKS}/s, {refused} refused",
        percentile(&latencies, 1.0),
        latencies.len()
    );
    let beside = format!("pull at {:.0} orders/s meanwhile", pulled.orders_per_second);
    report.figure(
        "webhook during the pull",
        kind,
        &figure,
        &beside,
        "p99 < 100 ms",
        Some(p99 < 100.0 && refused == 0),
    )?;
    report.rows(&target, "pull with webhooks").await
}
