//! One dead system slows no other: twenty are told of changes, then twenty are pulled, first all of them
//! well, then with one that refuses connections and one that answers a byte a second.

use std::time::{Duration, Instant};

use musubi::{
    clock::Clock,
    connection::schedule::Plan,
    master::edit::{self, By, Edit, Values},
    model::{Currency, view::EVERYTHING},
    store::{connection, customer, delivery, sql},
};
use serde_json::json;

use crate::{erp::Erp, hub, load::median, report::Report, target::Target};

const SYSTEMS: usize = 20;
/// The last two fall sick.
const WELL: usize = SYSTEMS - 2;
const CUSTOMERS: usize = 150;
const ROUNDS: usize = 7;
/// How long a system takes for an answer when it is pulled: enough that `sync.workers` are all waiting.
const ANSWER: Duration = Duration::from_millis(300);
const PULLING: Duration = Duration::from_secs(10);

pub async fn run(kind: &'static str, report: &mut Report) -> anyhow::Result<()> {
    told(kind, report).await?;
    pulled(kind, report).await
}

/// Systems and the hub's connections to them.
pub struct Systems {
    pub target: Target,
    pub erps: Vec<Erp>,
}

impl Systems {
    pub async fn connect(kind: &'static str, answer: Duration, plan: Plan, push: &str) -> anyhow::Result<Self> {
        let target = Target::new(kind).await?;
        let mut erps = Vec::with_capacity(SYSTEMS);
        for n in 0..SYSTEMS {
            let erp = Erp::start(answer).await?;
            let settings = json!({ "base_url": erp.url(), "database": "erp", "key": "bench" });
            let id = target.connect("erp", &format!("ERP {n}"), settings, plan.clone(), false).await?;
            let mut tx = target.db.begin().await?;
            connection::set_push(&mut tx, &id, push, Clock::System.now()).await?;
            tx.commit().await?;
            erps.push(erp);
        }
        Ok(Self { target, erps })
    }

    fn well(&self) -> &[Erp] {
        &self.erps[..WELL]
    }

    async fn set_sick(&mut self, sick: bool) -> anyhow::Result<()> {
        if sick {
            self.erps[WELL].stop();
            self.erps[WELL + 1].trickle();
            return Ok(());
        }
        for erp in &mut self.erps[WELL..] {
            erp.recover().await?;
        }
        // As an administrator who knows that they are back.
        let mut tx = self.target.db.begin().await?;
        sql("UPDATE connection SET push_retry_at = NULL, push_failures = 0, retry_at = NULL, failures = 0")
            .execute(&mut tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Customers that the 18 were told of.
    fn writes(&self) -> u64 {
        self.well().iter().map(Erp::writes).sum()
    }

    pub fn all_writes(&self) -> u64 {
        self.erps.iter().map(Erp::writes).sum()
    }
}

/// Customers that begin in the hub: every system is to get each.
pub async fn begin(target: &Target, count: usize) -> anyhow::Result<Vec<String>> {
    let mut ids = Vec::with_capacity(count);
    for chunk in (0..count).collect::<Vec<_>>().chunks(100) {
        let mut tx = target.db.begin().await?;
        for n in chunk {
            let values = Values::from([
                ("name".to_owned(), format!("見本商会{n}")),
                ("phone".to_owned(), format!("03-0000-{n:04}")),
            ]);
            ids.push(edit::create(&mut tx, values, by()?).await?);
        }
        tx.commit().await?;
    }
    Ok(ids)
}

fn by() -> anyhow::Result<By<'static>> {
    let currency: Currency = "JPY".parse().map_err(|()| anyhow::anyhow!("no currency"))?;
    Ok(By { actor: "bench", now: Clock::System.now(), currency, view: &EVERYTHING })
}

/// A new telephone number for everybody.
async fn change(target: &Target, ids: &[String], round: usize) -> anyhow::Result<()> {
    let mut tx = target.db.begin().await?;
    for (n, id) in ids.iter().enumerate() {
        let mut found = customer::by_ids(&mut tx, std::iter::once(id.as_str())).await?;
        let Some(row) = found.remove(id) else { anyhow::bail!("{id} is gone") };
        let values = Values::from([("phone".to_owned(), format!("03-{round:04}-{n:04}"))]);
        edit::edit(
            &mut tx,
            Edit { customer_id: id, seen: edit::Seen::Values(edit::values_of(&row)), values, pinned: false },
            by()?,
        )
        .await?;
    }
    Ok(tx.commit().await?)
}

async fn told(kind: &'static str, report: &mut Report) -> anyhow::Result<()> {
    let mut systems = Systems::connect(kind, Duration::ZERO, Plan::Manual, delivery::ALL).await?;
    let ids = begin(&systems.target, CUSTOMERS).await?;
    deliver(&systems).await?;
    let (mut well, mut sick) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        for (is_sick, rates) in [(false, &mut well), (true, &mut sick)] {
            systems.set_sick(is_sick).await?;
            change(&systems.target, &ids, round * 2 + usize::from(is_sick)).await?;
            rates.push(deliver(&systems).await?);
        }
    }
    let all_told = systems.target.count("SELECT COUNT(*) FROM delivery WHERE state = 'delivered'").await?;
    anyhow::ensure!(all_told >= (WELL * CUSTOMERS) as i64, "only {all_told} deliveries are marked as done");
    compare("telling 18 systems, 2 more sick", kind, "deliveries/s", well, sick, report)
}

fn compare(
    what: &str,
    kind: &str,
    unit: &str,
    well: Vec<f64>,
    sick: Vec<f64>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let (from, to) = well.iter().fold((f64::MAX, 0.0_f64), |(from, to), rate| (from.min(*rate), to.max(*rate)));
    let (well, sick) = (median(well), median(sick));
    let loss = (1.0 - sick / well) * 100.0;
    let beside = format!("all 20 well: {well:.1} {unit} ({from:.1} to {to:.1})");
    report.figure(what, kind, &format!("{sick:.1} {unit}, {loss:+.1} % lost"), &beside, "< 5 %", Some(loss < 5.0))
}

/// Runs the hub until the 18 systems were told of every customer once more; how many a second.
async fn deliver(systems: &Systems) -> anyhow::Result<f64> {
    let (before, wanted) = (systems.writes(), (WELL * CUSTOMERS) as u64);
    let hub = hub::start(&systems.target).await?;
    let begun = Instant::now();
    while systems.writes() < before + wanted {
        anyhow::ensure!(begun.elapsed() < Duration::from_secs(300), "{} of {wanted}", systems.writes() - before);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let rate = wanted as f64 / begun.elapsed().as_secs_f64();
    // What is left is to be marked as done.
    while busy(systems).await? > 0 && begun.elapsed() < Duration::from_secs(300) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    hub.kill().await?;
    Ok(rate)
}

/// Deliveries to the 18 that are not done.
async fn busy(systems: &Systems) -> anyhow::Result<i64> {
    let open = "SELECT COUNT(*) FROM delivery d JOIN connection c ON c.id = d.connection_id
                WHERE d.state <> 'delivered' AND c.name NOT IN ('ERP 18', 'ERP 19')";
    systems.target.count(open).await
}

async fn pulled(kind: &'static str, report: &mut Report) -> anyhow::Result<()> {
    let mut systems = Systems::connect(kind, ANSWER, Plan::Every(1), delivery::OFF).await?;
    let (mut well, mut sick) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        for (is_sick, rates) in [(false, &mut well), (true, &mut sick)] {
            systems.set_sick(is_sick).await?;
            rates.push(pull(&systems).await?);
        }
    }
    compare("pulling 18 systems (0.3 s an answer), 2 more sick", kind, "pulls/s", well, sick, report)
}

/// Complete pulls of the 18 a second.
async fn pull(systems: &Systems) -> anyhow::Result<f64> {
    const ENDED: &str = "SELECT COUNT(*) FROM run r JOIN connection c ON c.id = r.connection_id
        WHERE r.state = 'succeeded' AND c.name NOT IN ('ERP 18', 'ERP 19')";
    let hub = hub::start(&systems.target).await?;
    // The first pull of each asks for more.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let (before, begun) = (systems.target.count(ENDED).await?, Instant::now());
    tokio::time::sleep(PULLING).await;
    let pulls = systems.target.count(ENDED).await? - before;
    let rate = pulls as f64 / begun.elapsed().as_secs_f64();
    hub.kill().await?;
    Ok(rate)
}
