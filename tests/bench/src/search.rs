//! Search while typing, by HTTP, over 100,000 customers: prefix, exact, and a substring of two letters.

use std::time::Instant;

use musubi::{
    analytics::directory::{Directory, Query},
    clock::Clock,
    model::view::EVERYTHING,
};

use crate::{
    employee::Employee,
    load::{micros, percentile},
    report::Report,
    target::Target,
};

const TEXTS: [(&str, &[&str]); 3] = [
    ("prefix", &["C00", "C0012", "ひの", "ヤマ", "株式会社", "c00999"]),
    ("exact", &["C0000042", "C0099999", "C0050000"]),
    ("two letters", &["精機", "工業", "支社", "製作", "電気", "商事"]),
];

pub async fn run(target: &Target, employee: &Employee, report: &mut Report) -> anyhow::Result<()> {
    let begun = Instant::now();
    let directory = Directory::load(&target.db).await?;
    let loaded = begun.elapsed().as_secs_f64();
    let today = Clock::System.now().zoned(&jiff::tz::TimeZone::UTC).date();
    for (name, texts) in TEXTS {
        let (mut pages, mut alone, mut found) = (Vec::new(), Vec::new(), 0);
        for round in 0..100 {
            for text in texts {
                let query = Query { text: (*text).to_owned(), limit: 50, ..Query::default() };
                let begun = Instant::now();
                let answer = directory.query(&EVERYTHING, &query, today);
                let took = begun.elapsed();
                let typed: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
                let (page, _) = employee.open(&format!("/customers?q={typed}")).await?;
                if round >= 5 {
                    alone.push(micros(took));
                    pages.push(micros(page));
                }
                found = found.max(answer.total);
            }
        }
        alone.sort_unstable();
        pages.sort_unstable();
        let shown =
            |sorted: &[u32]| format!("p50 {:.2} p99 {:.2} ms", percentile(sorted, 0.5), percentile(sorted, 0.99));
        let figure = format!("{} (up to {found} found)", shown(&pages));
        let beside = format!("the directory without HTTP {}", shown(&alone));
        let reached = percentile(&pages, 0.99) <= 30.0;
        report.figure(&format!("search, {name}"), target.kind, &figure, &beside, "p99 <= 30 ms", Some(reached))?;
    }
    report.figure("directory of 100,000 loaded", target.kind, &format!("{loaded:.1} s"), "", "", None)
}
