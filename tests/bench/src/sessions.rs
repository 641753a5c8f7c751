//! What the hub needs while 100,000 people are signed in and everybody opens a page.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use musubi::{
    clock::Clock,
    model::{Id, Timestamp, ids::Noun},
    store::{session, user},
};
use sha2::{Digest as _, Sha256};

use crate::{hub, report::Report, target::Target};

const SESSIONS: usize = 100_000;
/// People each of whom has so many browsers.
const PEOPLE: usize = 20_000;

fn token(n: usize) -> String {
    format!("a-session-that-exists-only-in-the-bench-{n:06}")
}

pub async fn run(kind: &'static str, report: &mut Report) -> anyhow::Result<()> {
    let target = Target::new(kind).await?;
    for start in (0..PEOPLE).step_by(2_000) {
        people(&target, start..start + 2_000).await?;
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

async fn people(target: &Target, range: std::ops::Range<usize>) -> anyhow::Result<()> {
    let now = Clock::System.now();
    let mut tx = target.db.begin().await?;
    for n in range {
        let id = Id::new(Noun::User);
        let mail = format!("person-{n}@bench.example");
        let person = user::NewUser {
            id: &id,
            mail: &mail,
            mail_key: &mail,
            kind: user::PERSON,
            name: "社員",
            role: "employee",
            password_hash: None,
            language: "ja",
            theme: "system",
            now,
        };
        user::insert(&mut tx, &person).await?;
        for browser in 0..SESSIONS / PEOPLE {
            let row = session::NewSession {
                token_hash: &Sha256::digest(token(n * (SESSIONS / PEOPLE) + browser).as_bytes()),
                id: &Id::new(Noun::Session),
                user_id: id.as_str(),
                csrf: "bench",
                now,
                expires_at: now.plus(Timestamp::DAY),
                ip: None,
                agent: None,
                idp_id: None,
                subject: None,
                sid: None,
                proved_at: None,
                glass: false,
                name_id: None,
            };
            session::insert(&mut tx, &row).await?;
        }
    }
    Ok(tx.commit().await?)
}
