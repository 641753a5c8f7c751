//! What the hub needs while 100,000 people are signed in and everybody opens a page.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::{hub, people, report::Report, target::Target};

const SESSIONS: usize = 100_000;
/// People each of whom has so many browsers.
const PEOPLE: usize = 20_000;

fn token(n: usize) -> String {
    format!("a-session-that-exists-only-in-the-bench-{n:06}")
}

pub async fn run(kind: &'static str, report: &mut Report) -> anyhow::Result<()> {
    let target = Target::new(kind).await?;
    for start in (0..PEOPLE).step_by(2_000) {
        signed_in(&target, start..start + 2_000).await?;
    }
    let hub = hub::start(&target).await?;
    let idle = hub.memory();
    let (next, port) = (Arc::new(AtomicUsize::new(0)), hub.port);
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?;
    let browsers: Vec<_> = (0..8)
        .map(|_| {
            let (next, client) = (next.clone(), client.clone());
            tokio::spawn(async move {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= SESSIONS {
                        return anyhow::Ok(());
                    }
                    let asked = client.get(format!("http://localhost:{port}/me")).header("accept", "text/html");
                    let answer = asked.header("cookie", format!("__Host-musubi={}", token(n))).send().await?;
                    anyhow::ensure!(answer.status() == 200, "session {n}: {}", answer.status());
                    answer.bytes().await?;
                }
            })
        })
        .collect();
    for browser in browsers {
        browser.await??;
    }
    let memory = hub.memory();
    let figure = format!("{memory:.0} MiB");
    let reached = Some(memory < 150.0);
    report.figure("100,000 live sessions", kind, &figure, &format!("idle {idle:.0} MiB"), "< 150 MB", reached)?;
    hub.stop().await
}

async fn signed_in(target: &Target, range: std::ops::Range<usize>) -> anyhow::Result<()> {
    let mut tx = target.db.begin().await?;
    for n in range {
        let person = people::person(&mut tx, &format!("person-{n}@bench.example"), "employee").await?;
        for browser in 0..SESSIONS / PEOPLE {
            people::browser(&mut tx, &person, &token(n * (SESSIONS / PEOPLE) + browser)).await?;
        }
    }
    Ok(tx.commit().await?)
}
