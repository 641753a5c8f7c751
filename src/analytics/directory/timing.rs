//! How long a question takes with 100,000 customers. Run by hand:
//! `cargo test --release --lib directory::timing -- --ignored --nocapture`.
#![expect(clippy::print_stdout, reason = "a measurement that a person reads")]

use std::time::Instant;

use jiff::civil::date;

use super::{
    Query,
    core::{Core, prepare},
};
use crate::{
    analytics::customer::Health,
    model::{Class, View},
    store::read_directory::{AliasRow, DirectoryRow},
};

const CUSTOMERS: usize = 100_000;

fn pick<'a>(list: &[&'a str], at: usize) -> &'a str {
    list[at % list.len()]
}

pub(super) fn row(n: usize) -> DirectoryRow {
    let front =
        ["朝凪", "東雲", "丸穂", "北ノ森", "ミナトノ", "翡翠", "オリオン", "たちあおい", "春日", "山吹", "青葉"];
    let back =
        ["電装", "プラント", "ラバー工業", "フーズ", "物流機器", "精密", "函装", "製作所", "商事", "建材", "印刷"];
    let kana = [
        "アサナギ",
        "シノノメ",
        "マルホ",
        "キタノモリ",
        "ミナトノ",
        "ヒスイ",
        "オリオン",
        "タチアオイ",
        "カスガ",
        "ヤマブキ",
        "アオバ",
    ];
    let mixed = n.wrapping_mul(2_654_435_761) % 1_000_003;
    DirectoryRow {
        id: format!("cus_{n:026}"),
        kind: "corporation".into(),
        code: Some(format!("C-{n:05}")),
        name: format!("株式会社{}{}{}", pick(&front, mixed), pick(&back, mixed / 11), n % 997),
        name_kana: Some(format!("カブシキガイシャ{}{}", pick(&kana, mixed), n % 997)),
        corporate_number: Some(format!("{:013}", 9_009_900_000_000 + n)),
        registration_number: Some(format!("T{:013}", 9_009_900_000_000 + n)),
        phone: Some(format!("03-000{}-{:04}", n % 10, n % 10_000)),
        mail: Some(format!("info@c{n}.example")),
        address: Some(format!("静岡県浜松市中央区{}", n % 100)),
        industry: Some(format!("業種{}", mixed % 20)),
        department: Some(format!("営業{}部", mixed % 6)),
        owner: Some(format!("担当{}", mixed % 40)),
        life_stage: None,
        lead_source: None,
        lead_date: None,
        currency: "JPY".into(),
        sample: true,
        sales_12m_minor: Some(mixed as i64 * 100),
        orders_24m: Some((mixed % 40) as i64),
        sales_24m_minor: Some(mixed as i64 * 180),
        overdue_minor: Some(if mixed.is_multiple_of(30) { 1000 } else { 0 }),
        last_order: Some(format!("2026-{:02}-{:02}", 1 + mixed % 11, 1 + mixed % 28)),
        last_contact: Some(format!("2026-{:02}-{:02}", 1 + mixed % 11, 1 + mixed % 28)),
        events: Some(10),
        monthly: Some("[1,2,3,4,5,6,7,8,9,10,11,12]".into()),
        health: Some(pick(&["good", "watch", "act", "new", "dormant"], mixed).into()),
        refreshed_at: Some(1),
    }
}

pub(super) fn aliases(n: usize) -> Vec<AliasRow> {
    let alias = |part: &str, value: String| AliasRow { part: part.into(), customer_id: format!("cus_{n:026}"), value };
    vec![
        alias("source", "sales".into()),
        alias("source", pick(&["accounting", "deals", "sheet"], n).into()),
        alias("phone", format!("06-000{}-{:04}", n % 10, n % 9_999)),
        alias("mail", format!("a@mail{}.example", n % 5000)),
        alias("code", format!("K{n:06}")),
    ]
}

fn measure(what: &str, mut work: impl FnMut()) {
    let mut times: Vec<u128> = (0..100)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_micros()
        })
        .collect();
    times.sort_unstable();
    println!("{what:<28} p50 {:>6} us   p99 {:>6} us", times[50], times[98]);
}

#[test]
#[ignore = "a measurement, run by hand with --release"]
fn a_hundred_thousand_customers() {
    let start = Instant::now();
    let mut core = Core::default();
    for chunk in 0..CUSTOMERS / 1000 {
        let range = chunk * 1000..(chunk + 1) * 1000;
        let rows = range.clone().map(row).collect();
        prepare(rows, range.flat_map(aliases).collect()).into_iter().for_each(|p| {
            core.put(p);
        });
    }
    core.settle();
    println!("loaded in {} ms, text {} bytes", start.elapsed().as_millis(), core.text.size());
    let today = date(2026, 11, 23);
    let everything = View::everything();
    let own = View::of_departments(vec!["営業3部".into()], true).hiding(&Class::ALL);
    let query = |text: &str| Query { text: text.into(), limit: 50, ..Query::default() };
    for text in [
        "",
        "朝凪",
        "㈱朝凪",
        "電装",
        "アサ",
        "C-04217",
        "03-0001-2345",
        "T9009900012345",
        "c77.example",
        "a",
        "無い名前",
        "朝凪 電装",
    ] {
        measure(&format!("search 「{text}」"), || {
            std::hint::black_box(core.answer(&everything, &query(text), today));
        });
    }
    let faceted = Query {
        health: vec![Health::Good, Health::Act],
        industry: vec!["業種3".into(), "業種4".into()],
        source: vec!["sales".into()],
        sort: "name".into(),
        offset: 2000,
        limit: 50,
        ..Query::default()
    };
    measure("facets, sorted by name", || {
        std::hint::black_box(core.answer(&everything, &faceted, today));
    });
    measure("tabs", || {
        std::hint::black_box(core.tabs(&everything, &[], today));
    });
    for text in ["", "朝凪", "03-0001-2345"] {
        measure(&format!("own department 「{text}」"), || {
            std::hint::black_box(core.answer(&own, &query(text), today));
        });
    }
    measure("own department, tabs", || {
        std::hint::black_box(core.tabs(&own, &[], today));
    });
    let mut at = 0;
    measure("replace 10 (write lock)", || {
        at = (at + 10) % 90_000;
        let ids: Vec<String> = (at..at + 10).map(|n| format!("cus_{n:026}")).collect();
        let prepared = prepare((at..at + 10).map(row).collect(), Vec::new());
        core.replace(&ids, prepared);
    });
}
