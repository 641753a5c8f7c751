//! Figures, overview, timeline and refresher against a real database: SQLite in a temporary file,
//! or a fresh PostgreSQL schema when `TEST_DATABASE_URL` is set.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod documents;
mod fixture;
mod shipments;

use std::sync::{Arc, atomic::AtomicI64};

use jiff::civil::date;

use self::fixture::{Fixture, NOW, today, tokyo};
use super::{
    customer::{Basis, Health, overview},
    directory::{Directory, MatchedOn, Query},
    refresher::Refresher,
    stat,
    timeline::{self, Counts, Detail, Filter, Kind},
};
use crate::{
    clock::Clock,
    model::{Timestamp, View},
    store::{self, sql},
};

#[tokio::test]
async fn figures_by_hand() {
    let f = Fixture::new().await;
    f.seed().await;
    let measured =
        stat::measure(&f.db, &["cus_a".into(), "cus_b".into(), "cus_old".into()], today(), 24).await.unwrap();
    assert_eq!(measured.len(), 2, "a merged customer has no figures");
    let of = |id: &str| measured.iter().find(|m| m.id == id).unwrap();
    let a = of("cus_a");
    assert_eq!(a.basis, Basis::Invoiced);
    // 2026-11-10 100,000 and 2026-10-31 50,000 minus the credit note of 5,000; not the cancelled,
    // the deleted, the foreign and the future ones.
    assert_eq!(a.sales_12m, 145_000);
    assert_eq!(a.sales_prev_12m, 30_000);
    assert_eq!(a.sales_24m, 175_000);
    assert_eq!(a.ltv, 175_000 + 7_000);
    assert_eq!((a.orders_12m, a.orders_24m, a.ordered_12m), (2, 3, 90_000));
    // Open: 110,000 - 60,000 paid + 55,000 - 5,500 credit; the older one is overdue.
    assert_eq!(a.receivable, 110_000 - 60_000 + 55_000 - 5_500);
    assert_eq!(a.overdue, 55_000 - 5_500);
    assert_eq!(a.first_order.as_deref(), Some("2025-11-23"));
    assert_eq!(a.last_order.as_deref(), Some("2026-11-20"));
    assert_eq!(a.last_contact.as_deref(), Some("2026-11-21"));
    assert_eq!(a.health, Health::Act);
    assert_eq!(a.health_reasons, [("overdue".to_owned(), 49_500)]);
    assert_eq!(a.months.len(), 24);
    let month = |name: &str| a.months.iter().find(|m| m.month == name).map(|m| (m.sales, m.orders));
    assert_eq!(month("2026-11"), Some((95_000, 2)));
    assert_eq!(month("2026-10"), Some((50_000, 0)));
    assert_eq!(month("2025-06"), Some((30_000, 0)));
    let b = of("cus_b");
    assert_eq!((b.basis, b.sales_12m, b.receivable), (Basis::Ordered, 12_345, 0));
    assert_eq!((b.health, b.events), (Health::New, 1));
}

#[tokio::test]
async fn rows_follow_the_documents() {
    let f = Fixture::new().await;
    f.seed().await;
    assert_eq!(stat::refresh_all(&f.db, today(), Timestamp(NOW)).await.unwrap(), 2);
    let read = || async {
        let rows: Vec<(String, i64, String, i64)> =
            sql("SELECT customer_id, sales_12m_minor, health, refreshed_at FROM customer_stat ORDER BY customer_id")
                .all(&f.db)
                .await
                .unwrap();
        rows
    };
    assert_eq!(
        read().await,
        [("cus_a".into(), 145_000, "act".into(), NOW), ("cus_b".into(), 12_345, "new".into(), NOW)]
    );
    // An older read must not replace a newer one.
    stat::refresh(&f.db, &["cus_b".into()], date(2030, 1, 1), Timestamp(NOW - 1)).await.unwrap();
    assert_eq!(read().await[1].1, 12_345);
    f.write("UPDATE customer SET merged_into = 'cus_a' WHERE id = 'cus_b'").await;
    stat::refresh(&f.db, &["cus_b".into()], today(), Timestamp(NOW + 1)).await.unwrap();
    assert_eq!(read().await.len(), 1);
}

#[tokio::test]
async fn directory_finds_and_counts() {
    let f = Fixture::new().await;
    f.seed().await;
    stat::refresh_all(&f.db, today(), Timestamp(NOW)).await.unwrap();
    let directory = Directory::load(&f.db).await.unwrap();
    assert_eq!(directory.count(&View::everything()), 2);
    let found = |text: &str| {
        let answer =
            directory.query(&View::everything(), &Query { text: text.into(), limit: 10, ..Query::default() }, today());
        answer.rows.into_iter().map(|(e, on)| (e.id, on.unwrap())).collect::<Vec<_>>()
    };
    for (text, id, on) in [
        ("㈱朝凪", "cus_a", MatchedOn::Name),
        ("(株)朝凪", "cus_a", MatchedOn::Name),
        ("あさなぎ", "cus_a", MatchedOn::Kana),
        ("ｱｻﾅｷﾞ", "cus_a", MatchedOn::Kana),
        ("C-00127", "cus_a", MatchedOn::Code),
        ("K77", "cus_a", MatchedOn::Code),
        ("053-000-0127", "cus_a", MatchedOn::Phone),
        ("T5009901000127", "cus_a", MatchedOn::RegistrationNumber),
        ("5009901000127", "cus_a", MatchedOn::RegistrationNumber),
        ("asanagi.example", "cus_a", MatchedOn::MailDomain),
        ("kobai.example", "cus_a", MatchedOn::MailDomain),
        ("髙﨑", "cus_b", MatchedOn::Name),
        ("商店", "cus_b", MatchedOn::Name),
    ] {
        assert_eq!(found(text), [(id.to_owned(), on)], "{text}");
    }
    assert!(found("無い").is_empty());
    let answer = directory.query(&View::everything(), &Query { limit: 10, ..Query::default() }, today());
    assert_eq!((answer.total, answer.of), (2, 2));
    assert_eq!(answer.rows[0].0.id, "cus_a", "sales from the highest");
    assert_eq!(answer.rows[0].0.city.as_deref(), Some("静岡県浜松市"));
    assert_eq!(answer.rows[0].0.sources, ["accounting", "sales"]);
    assert_eq!(answer.rows[0].0.monthly[11], 95_000);
    assert_eq!(answer.industry, [("製造".to_owned(), 1), ("食品".to_owned(), 1)]);
    let industry = Query { industry: vec!["製造".into()], limit: 10, ..Query::default() };
    let answer = directory.query(&View::everything(), &industry, today());
    assert_eq!(answer.total, 1);
    assert_eq!(answer.industry.len(), 2, "a facet does not count itself away");
    assert_eq!(answer.health.iter().map(|(_, n)| n).sum::<usize>(), 1, "but the others do");
    let tabs = directory.tabs(&View::everything(), &[], today());
    assert_eq!((tabs.all, tabs.quiet, tabs.overdue), (2, 0, 1));
    assert_eq!(directory.tabs(&View::everything(), &[], date(2027, 3, 1)).quiet, 2);
    assert_eq!(directory.rfm("cus_a"), Some((3, 3, 3)));
    assert_eq!(directory.rfm("cus_x"), None);

    f.write("UPDATE customer SET name = '青葉印刷', name_kana = NULL WHERE id = 'cus_a'").await;
    f.write("UPDATE customer SET merged_into = 'cus_a' WHERE id = 'cus_b'").await;
    directory.refresh(&["cus_a".into(), "cus_b".into()], &f.db).await.unwrap();
    assert_eq!(directory.count(&View::everything()), 1);
    assert_eq!(directory.get(&View::everything(), "cus_a").unwrap().name, "青葉印刷");
    assert!(directory.suggest(&View::everything(), "朝凪", 5).is_empty());
    assert_eq!(directory.suggest(&View::everything(), "印刷", 5).len(), 1);
    for sort in ["sales", "last_order", "last_contact", "name", "code"] {
        let query = Query { sort: sort.into(), limit: 10, ..Query::default() };
        assert_eq!(directory.query(&View::everything(), &query, today()).rows.len(), 1, "{sort}");
    }
}

#[tokio::test]
async fn overview_shows_the_survivor() {
    let f = Fixture::new().await;
    f.seed().await;
    let directory = Directory::load(&f.db).await.unwrap();
    let page = overview(&f.db, &directory, &f.seen("cus_old").await, today()).await.unwrap().unwrap();
    assert_eq!(page.id, "cus_a");
    assert_eq!(page.figures.order_average, Some(45_000));
    assert_eq!(page.figures.last_contact_kind.as_deref(), Some("visit"));
    assert_eq!(page.figures.months.len(), 12);
    assert_eq!(page.figures.months[11].month, "2026-11");
    let june = page.figures.months.iter().find(|m| m.month == "2026-06").unwrap();
    assert_eq!((june.sales, june.sales_last_year), (0, 30_000));
    assert_eq!(page.master[0].field, "registration_number");
    assert_eq!((page.master[0].source.kind.as_str(), page.master[0].why.as_str()), ("accounting", "authority"));
    let address = page.master.iter().find(|m| m.field == "address").unwrap();
    assert_eq!(address.losing.len(), 1);
    assert_eq!((address.losing[0].0.kind.as_str(), address.losing[0].1.as_str()), ("sales", "静岡県浜松市中央区"));
    let phone = page.master.iter().find(|m| m.field == "phone").unwrap();
    assert_eq!((phone.source.kind.as_str(), phone.losing.len()), ("hub", 0));
    assert_eq!((page.contacts.len(), page.sites.len(), page.freshness.len()), (1, 1, 2));
    assert!(page.freshness.iter().any(|s| s.stale) && page.freshness.iter().any(|s| !s.stale));
    assert!(store::in_view(&f.db, &View::everything(), "cus_none").await.unwrap().is_none());
}

#[tokio::test]
async fn timeline_pages_do_not_repeat_or_lose() {
    let f = Fixture::new().await;
    f.seed().await;
    let zone = tokyo();
    let all = timeline::load(&f.db, &f.seen("cus_a").await, &Filter { limit: 200, ..Filter::default() }, &zone)
        .await
        .unwrap();
    assert_eq!(
        all.counts,
        Counts { orders: 5, shipments: 2, billing: 8, activities: 1, changes: 2, ..Counts::default() }
    );
    assert_eq!(all.events.len() as i64, all.counts.all());
    assert_eq!(all.since.as_deref(), Some("2023-01-15"));
    assert!(all.events.is_sorted_by(|a, b| a.date >= b.date));
    let ids: Vec<String> = all.events.iter().map(|e| e.id.clone()).collect();
    for limit in [1, 2, 3, 7] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let filter = Filter { limit, after, ..Filter::default() };
            let page = timeline::load(&f.db, &f.seen("cus_a").await, &filter, &zone).await.unwrap();
            assert!(page.events.len() <= limit);
            seen.extend(page.events.into_iter().map(|e| e.id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, ids, "pages of {limit}");
    }
}

#[tokio::test]
async fn timeline_details_and_filters() {
    let f = Fixture::new().await;
    f.seed().await;
    let load = |filter: Filter| {
        let f = &f;
        async move {
            timeline::load(&f.db, &f.seen("cus_a").await, &Filter { limit: 50, ..filter }, &tokyo())
                .await
                .unwrap()
                .events
        }
    };
    let orders = load(Filter { kinds: vec![Kind::Order], ..Filter::default() }).await;
    assert_eq!(orders.len(), 5);
    let Some(order) = orders.iter().find(|e| e.id == "ord_1") else { panic!("no order") };
    assert_eq!((order.source.kind.as_str(), order.amount), ("sales", Some(55_000)));
    let Detail::Order { first_line, quantity, more_lines, .. } = &order.detail else { panic!("not an order") };
    assert_eq!((first_line.as_deref(), quantity.as_deref(), *more_lines), (Some("制御盤カバー"), Some("120個"), 1));
    let payments = load(Filter { kinds: vec![Kind::Payment], ..Filter::default() }).await;
    let Detail::Payment { invoices, .. } = &payments[0].detail else { panic!("not a payment") };
    assert_eq!(invoices, &["INV-1"]);
    let changes = load(Filter { kinds: vec![Kind::MasterChange], ..Filter::default() }).await;
    let Detail::MasterChange { created, changes: fields, .. } = &changes[0].detail else { panic!("not a change") };
    assert_eq!((*created, fields.len(), fields[0].0.as_str()), (false, 1, "address"));
    assert_eq!(changes[0].date, "2026-11-17", "23:30 UTC is the next day in Tokyo");
    assert!(matches!(changes[1].detail, Detail::MasterChange { created: true, .. }));
    let credit = load(Filter { kinds: vec![Kind::CreditNote], ..Filter::default() }).await;
    assert_eq!(credit.iter().map(|e| e.id.as_str()).collect::<Vec<_>>(), ["inv_cn"]);
    let november = Filter { from: Some("2026-11-01".into()), to: Some("2026-11-30".into()), ..Filter::default() };
    assert!(load(november).await.iter().all(|e| e.date.starts_with("2026-11")));
    let sales = load(Filter { connection_id: Some("con_s".into()), ..Filter::default() }).await;
    assert!(!sales.is_empty() && sales.iter().all(|e| e.source.connection_id.as_deref() == Some("con_s")));
    for (text, ids) in
        [("ブラケット", &["ord_1"][..]), ("ｶﾊﾞｰ", &["ord_1"]), ("so-1", &["shp_1", "ord_1"]), ("来期", &["act_1"])]
    {
        let found = load(Filter { text: Some(text.into()), ..Filter::default() }).await;
        assert_eq!(found.iter().map(|e| e.id.as_str()).collect::<Vec<_>>(), ids, "{text}");
    }
}

#[tokio::test]
async fn documents_by_id_and_number() {
    let f = Fixture::new().await;
    f.seed().await;
    let order = timeline::event(&f.db, &f.seen("cus_a").await, "ord_1").await.unwrap().unwrap();
    assert_eq!((order.kind, order.lines.len(), order.run_number), (Kind::Order, 2, Some(1042)));
    assert_eq!(order.invoices.iter().map(|r| r.number.as_str()).collect::<Vec<_>>(), ["INV-1"]);
    let invoice = timeline::event(&f.db, &f.seen("cus_a").await, "inv_1").await.unwrap().unwrap();
    assert_eq!((invoice.kind, invoice.taxes.len(), invoice.taxes[0].tax), (Kind::Invoice, 1, 10_000));
    assert_eq!(invoice.orders[0].id.as_deref(), Some("ord_1"));
    assert_eq!((invoice.allocations.len(), invoice.allocations[0].amount), (1, 60_000));
    let payment = timeline::event(&f.db, &f.seen("cus_a").await, "pay_1").await.unwrap().unwrap();
    assert_eq!((payment.kind, payment.allocations[0].document.id.as_deref()), (Kind::Payment, Some("inv_1")));
    assert!(timeline::event(&f.db, &f.seen("cus_a").await, "ord_none").await.unwrap().is_none());
    assert!(timeline::event(&f.db, &f.seen("cus_a").await, "cus_a").await.unwrap().is_none());
    let found = |text: &'static str| {
        let db = &f.db;
        async move {
            let found = timeline::search_documents(db, &View::everything(), text, 5).await.unwrap();
            found.into_iter().map(|d| d.id).collect::<Vec<_>>()
        }
    };
    assert_eq!(found("SO-1").await, ["ord_1"]);
    assert_eq!(found("so-1").await, ["ord_1"]);
    assert_eq!(found("ＩＮＶ－１").await[0], "inv_1", "the exact number first");
    assert_eq!(found("INV").await.len(), 5);
    assert!(found("XX-1").await.is_empty());
    assert!(found("%").await.is_empty());
}

#[tokio::test]
async fn refresher_catches_up_follows_and_turns_the_day() {
    let f = Fixture::new().await;
    f.seed().await;
    let directory = Arc::new(Directory::load(&f.db).await.unwrap());
    let at = Arc::new(AtomicI64::new(NOW));
    let cancel = tokio_util::sync::CancellationToken::new();
    let zone = tokyo();
    let handle = Refresher::spawn(f.db.clone(), directory.clone(), Clock::Manual(at.clone()), zone, cancel.clone());
    let mut heard = handle.subscribe();
    handle.settle().await;
    assert_eq!(directory.get(&View::everything(), "cus_a").unwrap().sales_12m, 145_000, "caught up at start");

    f.write("UPDATE invoice SET net_minor = 200000 WHERE id = 'inv_1'").await;
    handle.touch(vec!["cus_a".into()]);
    handle.settle().await;
    assert_eq!(directory.get(&View::everything(), "cus_a").unwrap().sales_12m, 245_000);
    let mut ids = Vec::new();
    while let Ok(more) = heard.try_recv() {
        ids.extend(more.iter().cloned());
    }
    assert!(ids.iter().filter(|id| *id == "cus_a").count() >= 2);

    // A year later nothing of it is in the last 12 months any more.
    at.store(NOW + 400 * Timestamp::DAY, std::sync::atomic::Ordering::SeqCst);
    handle.touch(vec!["cus_b".into()]);
    handle.settle().await;
    assert_eq!(
        directory.get(&View::everything(), "cus_a").unwrap().sales_12m,
        9_000,
        "only the one that was in the future"
    );
    assert_eq!(directory.get(&View::everything(), "cus_b").unwrap().health, Health::Dormant);
    cancel.cancel();
}
