//! `./x bench [NAME…]`: the hub beside its yard-sticks, in one run, on both databases.
//!
//! The hub is the release binary as a process of its own; so is the yard-stick. The load generator and
//! the sources share the machine with them, so figures are ratios of what ran side by side, and the
//! load average is printed. To add a measurement: a file with a `run`, a line in `ALL`.

mod assertions;
mod copy;
mod dlt;
mod employee;
mod erp;
mod feed;
mod hub;
mod idle;
mod ingest;
mod load;
mod office;
mod outbox;
mod page;
mod peer;
mod people;
mod process;
mod pull;
mod report;
mod search;
mod seed;
mod sessions;
mod signin;
mod target;
mod targets;
mod visible;

#[path = "../../it/issuer/mod.rs"]
#[expect(clippy::unwrap_used, dead_code, unused_imports, reason = "shared with the tests, which need more of it")]
mod issuer;
#[path = "../../it/saml_cases/pen.rs"]
#[expect(clippy::unwrap_used, clippy::panic, dead_code, reason = "shared with the tests, which need more of it")]
mod pen;
#[path = "../../it/real/postgres.rs"]
#[expect(
    clippy::unwrap_used,
    clippy::expect_used,
    dead_code,
    reason = "shared with the tests: a server that cannot start ends the run"
)]
mod postgres;
#[path = "../../it/real/watchdog.rs"]
#[expect(clippy::unwrap_used, reason = "shared with the tests: a server that cannot start ends the run")]
#[cfg_attr(not(test), expect(dead_code, reason = "only the tests ask for the id of the server"))]
mod watchdog;

use employee::Employee;
use report::Report;
use target::Target;

/// Names that can be asked for, in the order of the report.
const ALL: [&str; 12] = [
    "assertions",
    "ingest",
    "pull",
    "visible",
    "targets",
    "outbox",
    "signin",
    "sessions",
    "page",
    "search",
    "feed",
    "idle",
];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // The hub takes ring as well; the error says that somebody was first.
    drop(rustls::crypto::ring::default_provider().install_default());
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|w| w == "peer") {
        return peer::serve(&words[1..]).await;
    }
    let kinds: Vec<&str> = ["sqlite", "postgres"].into_iter().filter(|kind| take(&mut words, kind)).collect();
    let kinds = if kinds.is_empty() { vec!["sqlite", "postgres"] } else { kinds };
    if let Some(unknown) = words.iter().find(|w| !ALL.contains(&w.as_str())) {
        anyhow::bail!("unknown: {unknown}. Known: sqlite postgres {}", ALL.join(" "));
    }
    let wanted = |name: &str| words.is_empty() || words.iter().any(|w| w == name);
    let mut report = Report::start()?;
    if wanted("assertions") {
        assertions::run(&mut report).await?;
    }
    for kind in kinds {
        if wanted("idle") {
            idle::run(&Target::new(kind).await?, &mut report).await?;
        }
        if wanted("ingest") {
            ingest::run(kind, &mut report).await?;
        }
        if wanted("pull") {
            pull::run(kind, &mut report).await?;
        }
        if wanted("visible") {
            visible::run(&Target::new(kind).await?, &mut report).await?;
        }
        if wanted("targets") {
            targets::run(kind, &mut report).await?;
        }
        if wanted("outbox") {
            outbox::run(kind, &mut report).await?;
        }
        if wanted("signin") {
            signin::run(kind, &mut report).await?;
        }
        if wanted("sessions") {
            sessions::run(kind, &mut report).await?;
        }
        if wanted("page") || wanted("search") || wanted("feed") {
            let target = Target::new(kind).await?;
            seed::run(&target, &mut report).await?;
            let employee = Employee::sign_in(&target).await?;
            if wanted("page") {
                page::run(&target, &employee, &mut report).await?;
            }
            if wanted("search") {
                search::run(&target, &employee, &mut report).await?;
            }
            if wanted("feed") {
                feed::run(&target, &mut report).await?;
            }
            employee.sign_out().await?;
            report.rows(&target, "page and search").await?;
        }
    }
    report.finish()
}

fn take(words: &mut Vec<String>, word: &str) -> bool {
    let before = words.len();
    words.retain(|w| w != word);
    words.len() < before
}
