//! Search while typing over 100,000 customers: prefix, exact, and a substring of two letters.

use std::time::Instant;

use musubi::{
    analytics::directory::{Directory, Query},
    clock::Clock,
};

use crate::{
    load::{micros, percentile},
    report::Report,
    target::Target,
};

const TEXTS: [(&str, &[&str]); 3] = [
    ("prefix", &["C00", "C0012", "ひの", "ヤマ", "株式会社", "c00999"]),
    ("exact", &["C0000042", "C0099999", "C0050000"]),
    ("two letters", &["精機", "工業", "支社", "製作", "電気", "商事"]),
];

pub async fn run(target: &Target, report: &mut Report) -> anyhow::Result<()> {
    let begun = Instant::now();
    let directory = Directory::load(&target.db).await?;
    let loaded = begun.elapsed().as_secs_f64();
    let today = Clock::System.now().zoned(&jiff::tz::TimeZone::UTC).date();
    for (name, texts) in TEXTS {
        let mut all = Vec::new();
        let mut found = 0;
        for round in 0..100 {
            for text in texts {
                let query = Query { text: (*text).to_owned(), limit: 50, ..Query::default() };
                let begun = Instant::now();
                let answer = directory.query(&query, today);
                if round >= 5 {
                    all.push(micros(begun.elapsed()));
                }
                found = found.max(answer.total);
            }
        }
        all.sort_unstable();
        let p99 = percentile(&all, 0.99);
        let figure = format!("p50 {:.2} p99 {p99:.2} ms (up to {found} found)", percentile(&all, 0.5));
        let what = format!("search, {name}");
        report.figure(&what, target.kind, &figure, "", "p99 <= 30 ms", Some(p99 <= 30.0))?;
    }
    report.figure("directory of 100,000 loaded", target.kind, &format!("{loaded:.1} s"), "", "", None)
}
