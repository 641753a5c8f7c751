//! The customer page by HTTP beside the same questions asked of the database without HTTP.

use std::time::{Duration, Instant};

use musubi::{
    analytics::{customer::overview, directory::Directory, timeline},
    clock::Clock,
    model::view::EVERYTHING,
    store::{self, InView, read_customer, read_timeline},
};

use crate::{
    employee::Employee,
    load::{micros, percentile},
    report::Report,
    seed::{CUSTOMERS, customer_id},
    target::Target,
};

const TIMES: usize = 2_000;

pub async fn run(target: &Target, employee: &Employee, report: &mut Report) -> anyhow::Result<()> {
    let zone = jiff::tz::TimeZone::get("Asia/Tokyo")?;
    let today = Clock::System.now().zoned(&zone).date();
    let directory = Directory::load(&target.db).await?;
    let (mut pages, mut service, mut statements) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..TIMES + 100 {
        let id = customer_id((n * 7_919) % CUSTOMERS);
        let begun = Instant::now();
        let seen = store::in_view(&target.db, &EVERYTHING, &id).await?;
        let seen = seen.ok_or_else(|| anyhow::anyhow!("{id} is missing"))?;
        let overview = overview(&target.db, &directory, &seen, today).await?;
        let filter = timeline::Filter { limit: 50, ..Default::default() };
        let timeline = timeline::load(&target.db, &seen, &filter, &zone).await?;
        let took = begun.elapsed();
        anyhow::ensure!(overview.is_some() && timeline.events.len() >= 10, "the page of {id} is empty");
        let sql = bare(target, &seen, today).await?;
        let (page, text) = employee.open(&format!("/customers/{id}")).await?;
        anyhow::ensure!(
            text.contains(&format!("SO-{:08}", (n * 7_919) % CUSTOMERS * 10)),
            "an order of {id} is missing"
        );
        // The first ones fill caches.
        if n >= 100 {
            pages.push(micros(page));
            service.push(micros(took));
            statements.push(micros(sql));
        }
    }
    for times in [&mut pages, &mut service, &mut statements] {
        times.sort_unstable();
    }
    let shown = |sorted: &[u32]| format!("p50 {:.2} p99 {:.2} ms", percentile(sorted, 0.5), percentile(sorted, 0.99));
    let (p50, p99) = (percentile(&pages, 0.5), percentile(&pages, 0.99));
    let reached = p50 <= percentile(&service, 0.5) + 1.0 && p99 <= 3.0 * percentile(&service, 0.99);
    report.figure(
        "customer page by HTTP",
        target.kind,
        &shown(&pages),
        &format!(
            "the same questions without HTTP {}; single-row statements alone {}",
            shown(&service),
            shown(&statements)
        ),
        "p50 <= theirs + 1 ms, p99 <= 3 times theirs",
        Some(reached),
    )
}

/// The statements that need nothing computed before them.
async fn bare(target: &Target, seen: &InView, today: jiff::civil::Date) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    read_customer::customer(&target.db, seen).await?;
    musubi::analytics::stat::measure(&target.db, &[seen.id().to_owned()], today, 24).await?;
    read_customer::partners(&target.db, seen).await?;
    read_customer::sources(&target.db, seen, 0).await?;
    read_timeline::counts(&target.db, seen).await?;
    Ok(begun.elapsed())
}
