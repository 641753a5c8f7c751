//! A hundred thousand customers' changes wait for twenty systems: how fast they go out, and what looking
//! for them costs.

use std::time::{Duration, Instant};

use musubi::{
    clock::Clock,
    connection::schedule::Plan,
    store::{FromRow, delivery, sql},
};

use crate::{
    hub,
    load::median,
    report::Report,
    target::Target,
    targets::{self, Systems},
};

const CUSTOMERS: usize = 5_000;
/// How long deliveries are counted.
const TIME: Duration = Duration::from_secs(60);

pub async fn run(kind: &'static str, report: &mut Report) -> anyhow::Result<()> {
    let systems = Systems::connect(kind, Duration::ZERO, Plan::Manual, delivery::ALL).await?;
    targets::begin(&systems.target, CUSTOMERS).await?;
    let due = systems.target.count("SELECT COUNT(*) FROM delivery WHERE state = 'pending'").await?;
    looking(&systems.target, due, report).await?;
    let hub = hub::start(&systems.target).await?;
    let (begun, before, mut memory) = (Instant::now(), systems.all_writes(), Vec::new());
    while begun.elapsed() < TIME && systems.all_writes() - before < due as u64 {
        memory.push(hub.memory());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let rate = (systems.all_writes() - before) as f64 / begun.elapsed().as_secs_f64();
    let cpu = hub.cpu().as_secs_f64() / begun.elapsed().as_secs_f64();
    hub.kill().await?;
    let most = memory.iter().copied().fold(0.0, f64::max);
    let figure = format!("{rate:.0} new customers/s to 20 systems, {cpu:.2} cores of the hub");
    report.figure(&format!("outbox with {due} due"), kind, &figure, "", "", None)?;
    report.figure("memory of that", kind, &format!("at most {most:.0} MiB"), "", "< 150 MB", Some(most < 143.0))?;
    report.rows(&systems.target, "the outbox").await
}

/// The two questions of the outbox: how long they take, and whether an index answers them.
async fn looking(target: &Target, due: i64, report: &mut Report) -> anyhow::Result<()> {
    let mut took = Vec::new();
    for _ in 0..20 {
        let begun = Instant::now();
        let found = delivery::due_targets(&target.db, "bench", Clock::System.now()).await?;
        anyhow::ensure!(found.len() == 20, "{} targets are due", found.len());
        took.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    let plan = plan_of(target, &delivery::due_targets_question()).await?;
    let figure = format!("{:.2} ms with {due} due, {}", median(took), index(&plan));
    report.figure("which systems are due", target.kind, &figure, "", "an index", Some(uses_index(&plan)))?;
    let plan = plan_of(target, &delivery::lease_question(target.db.dialect())).await?;
    report.figure("lease of 50 deliveries", target.kind, &index(&plan), "", "an index", Some(uses_index(&plan)))
}

fn uses_index(plan: &str) -> bool {
    plan.contains("delivery_due")
}

fn index(plan: &str) -> String {
    if uses_index(plan) { "index delivery_due".to_owned() } else { format!("plan: {plan}") }
}

#[derive(FromRow)]
struct Step {
    detail: String,
}

/// How the database answers a question, in its own words.
async fn plan_of(target: &Target, question: &str) -> anyhow::Result<String> {
    let word = if target.kind == "sqlite" { "EXPLAIN QUERY PLAN" } else { "EXPLAIN" };
    let now = Clock::System.now();
    let mut explain = sql(format!("{word} {question}")).bind(now).bind("bench");
    // As each of the questions binds them.
    explain = if question.contains("$5") {
        explain.bind(now).bind("con_").bind(50_i64)
    } else {
        explain.bind(false).bind(delivery::OFF)
    };
    let lines: Vec<String> = if target.kind == "sqlite" {
        explain.all::<Step>(&target.db).await?.into_iter().map(|step| step.detail).collect()
    } else {
        explain.all::<(String,)>(&target.db).await?.into_iter().map(|(line,)| line).collect()
    };
    Ok(lines.join("; "))
}
