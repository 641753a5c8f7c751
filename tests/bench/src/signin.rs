//! Signing in: what a refusal costs, how many people a second get in, and how long each waits for the hub.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    issuer::Visitor,
    load::{micros, percentile},
    office::{Office, Way},
    pen::Draft,
    report::Report,
    target::Target,
};

/// How often each refusal is asked for: processor time is counted in hundredths of a second.
const TIMES: u32 = 200;
/// Wrong passphrases that an address may try one after the other.
const GUESSES: u32 = 5;
/// Sign-ins a second that arrive whatever the hub does.
const RATE: u32 = 100;
const SECONDS: u32 = 15;

pub async fn run(kind: &'static str, report: &mut Report) -> anyhow::Result<()> {
    let target = Target::new(kind).await?;
    let office = Arc::new(Office::open(&target).await?);
    refusals(&office, kind, report).await?;
    guesses(&office, kind, report).await?;
    for way in [Way::Oidc, Way::Saml] {
        arrivals(&office, way, kind, report).await?;
        flood(&office, way, kind, report).await?;
    }
    anyhow::ensure!(office.wrong().is_empty(), "{:?}", office.wrong());
    let (people, sessions) =
        (target.count("SELECT COUNT(*) FROM app_user").await?, target.count("SELECT COUNT(*) FROM session").await?);
    anyhow::ensure!(people == sessions + 1, "{people} people with the owner, {sessions} sessions");
    report.rows(&target, "sign-ins").await?;
    let office = Arc::into_inner(office).ok_or_else(|| anyhow::anyhow!("somebody is still signing in"))?;
    office.hub.stop().await
}

/// What an attacker brings.
enum Hostile {
    /// To the SAML provider and back, with these bytes.
    Answer(fn(&Office, &crate::pen::Site) -> Vec<u8>),
    /// Back from the OpenID provider, with this behind the address.
    Callback(String),
    /// The passphrase's form.
    Form(Vec<(String, String)>),
}

const BOMB: &str = "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:Transform>";

fn hostile() -> Vec<(&'static str, Hostile)> {
    let form = |mail: &str, passphrase: String| {
        let csrf = ("csrf".to_owned(), "of-another-page".to_owned());
        Hostile::Form(vec![csrf, ("mail".to_owned(), mail.to_owned()), ("passphrase".to_owned(), passphrase)])
    };
    vec![
        (
            "transforms of 20 KB",
            Hostile::Answer(|_, site| {
                let info = |_: &crate::pen::Site, text: String| {
                    text.replacen("</ds:Transforms>", &format!("{}</ds:Transforms>", BOMB.repeat(240)), 1)
                };
                Draft { info, ..Draft::default() }.write(site).into_bytes()
            }),
        ),
        ("200,000 elements in one another", Hostile::Answer(|_, _| b"<a>".repeat(200_000))),
        ("as deep as fits", Hostile::Answer(|_, _| b"<a>".repeat(256 * 1024 / 3 - 1))),
        (
            "a deflate bomb",
            Hostile::Answer(|_, _| {
                use std::io::Write as _;
                let mut bomb = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
                // Writing into memory cannot fail.
                (0..100).for_each(|_| drop(bomb.write_all(&[b' '; 1 << 20])));
                bomb.finish().unwrap_or_default()
            }),
        ),
        (
            "a signature of another key",
            Hostile::Answer(|_, site| {
                let sign = || crate::issuer::Sign::Rs256(&crate::issuer::keys().forger);
                Draft { sign, ..Draft::default() }.write(site).into_bytes()
            }),
        ),
        ("a code that nobody gave", Hostile::Callback("&code=nobody".to_owned())),
        ("a code of 30 KB", Hostile::Callback(format!("&code={}", "x".repeat(30_000)))),
        ("a form of another page", form("nobody@staff.example", "nobody knows this one".to_owned())),
        ("a form of 30 KB", form("nobody@staff.example", "x".repeat(30_000))),
    ]
}

async fn refusals(office: &Office, kind: &str, report: &mut Report) -> anyhow::Result<()> {
    for (what, hostile) in hostile() {
        let mut ready: Vec<(Visitor, Vec<u8>, String)> = Vec::new();
        for _ in 0..TIMES {
            let browser = office.stranger();
            ready.push(match &hostile {
                Hostile::Answer(write) => {
                    let (site, _) = office.asked(&browser).await?;
                    (browser, write(office, &site), String::new())
                }
                Hostile::Callback(more) => {
                    let back = office.callback(&browser).await;
                    (browser, Vec::new(), format!("{back}{more}"))
                }
                Hostile::Form(_) => (browser, Vec::new(), format!("{}/signin", office.base)),
            });
        }
        office.hub.forget_peak()?;
        let (cpu, memory) = (office.hub.cpu(), office.hub.memory());
        for (browser, bytes, url) in ready {
            let end = match &hostile {
                Hostile::Answer(_) => office.brought(&browser, bytes, Duration::ZERO).await?.0,
                Hostile::Callback(_) => browser.get(&url).await,
                Hostile::Form(pairs) => browser.press(&url, pairs).await,
            };
            anyhow::ensure!((400..500).contains(&end.status), "{what}: {} {}", end.status, end.body);
            anyhow::ensure!(end.sets("__Host-musubi").is_none(), "{what}: somebody is in");
        }
        let cpu = (office.hub.cpu() - cpu).as_secs_f64() * 1000.0 / f64::from(TIMES);
        let memory = (office.hub.peak_memory() - memory).max(0.0);
        let figure = format!("{cpu:.2} ms processor, {memory:.1} MiB");
        let reached = cpu <= 50.0 && memory <= 8.0;
        report.figure(&format!("refused: {what}"), kind, &figure, "", "<= 50 ms and <= 8 MB", Some(reached))?;
    }
    Ok(())
}

/// A wrong passphrase costs what its hash costs, by design; an address has a few such tries before it waits.
async fn guesses(office: &Office, kind: &str, report: &mut Report) -> anyhow::Result<()> {
    let url = format!("{}/signin", office.base);
    let mut ready = Vec::new();
    for n in 0..GUESSES {
        let browser = office.stranger();
        let page = browser.get(&format!("{url}?local=1")).await.body;
        let csrf = page.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        let csrf = csrf.ok_or_else(|| anyhow::anyhow!("a form without a token"))?.to_owned();
        let mail = format!("nobody-{n}@staff.example");
        ready.push((browser, [("csrf", csrf), ("mail", mail), ("passphrase", "nobody knows this one".to_owned())]));
    }
    office.hub.forget_peak()?;
    let (cpu, memory) = (office.hub.cpu(), office.hub.memory());
    for (browser, form) in ready {
        let end = browser.press(&url, &form).await;
        anyhow::ensure!(end.status == 401, "a guess: {} {}", end.status, end.body);
    }
    let cpu = (office.hub.cpu() - cpu).as_secs_f64() * 1000.0 / f64::from(GUESSES);
    let memory = (office.hub.peak_memory() - memory).max(0.0);
    let figure = format!("{cpu:.0} ms processor, {memory:.1} MiB");
    let beside = "Argon2id with 19 MiB, two passes";
    report.figure("refused: a wrong passphrase", kind, &figure, beside, "<= 50 ms", Some(cpu <= 50.0))
}

/// So many a second, whether the hub is ready for them or not.
async fn arrivals(office: &Arc<Office>, way: Way, kind: &str, report: &mut Report) -> anyhow::Result<()> {
    let begun = tokio::time::Instant::now() + Duration::from_millis(50);
    let people: Vec<_> = (0..RATE * SECONDS)
        .map(|n| {
            let office = office.clone();
            tokio::spawn(async move {
                tokio::time::sleep_until(begun + Duration::from_secs(1) * n / RATE).await;
                office.sign_in(way).await
            })
        })
        .collect();
    let mut waits = Vec::new();
    for person in people {
        waits.push(micros(person.await??));
    }
    waits.sort_unstable();
    let (p50, p99) = (percentile(&waits, 0.5), percentile(&waits, 0.99));
    let what = format!("{way:?} sign-ins at {RATE}/s, the hub's part");
    report.figure(&what, kind, &format!("p50 {p50:.1} p99 {p99:.1} ms"), "", "p99 < 25 ms", Some(p99 < 25.0))
}

/// As many as get in.
async fn flood(office: &Arc<Office>, way: Way, kind: &str, report: &mut Report) -> anyhow::Result<()> {
    let begun = Instant::now();
    let people: Vec<_> = (0..16)
        .map(|_| {
            let office = office.clone();
            tokio::spawn(async move {
                let mut done = 0_u32;
                while begun.elapsed() < Duration::from_secs(10) {
                    office.sign_in(way).await?;
                    done += 1;
                }
                anyhow::Ok(done)
            })
        })
        .collect();
    let cpu = office.hub.cpu();
    let mut done = 0;
    for person in people {
        done += person.await??;
    }
    let rate = f64::from(done) / begun.elapsed().as_secs_f64();
    let each = (office.hub.cpu() - cpu).as_secs_f64() * 1000.0 / f64::from(done.max(1));
    let figure = format!("{rate:.0}/s, {each:.1} ms of the hub's processor each");
    report.figure(&format!("{way:?} sign-ins, 16 at a time"), kind, &figure, "", "", None)
}
