//! Files that people bring: counted, applied, known again, taken back; on both databases.

use musubi::{
    exports::{self, Format},
    imports::{Match, Plan, Report, Undone, stage},
    model::view::EVERYTHING,
    store::{export, import},
};
use musubi_files::{Wishes, write::Charset};
use serde_json::json;

use crate::{
    hub::TestHub,
    real::TestDatabase as Database,
    sender::{SECRET, Sender, at},
};

/// As Japanese Excel saves it: CP932, a title above, half-width kana, a sum below.
const CUSTOMERS: &str = "得意先一覧,,,,\n,,,,\n得意先ＣＤ,得意先名,ﾌﾘｶﾞﾅ,ＴＥＬ,登録番号\n\
    00123,㈱髙﨑商店,ﾀｶｻｷｼｮｳﾃﾝ,03-0000-0001,\n00124,朝凪電装株式会社,ｱｻﾅｷﾞ,０３－００００－０００２,\n\
    00125,潮見工業,シオミ,,T1234567890123\n00123,二重,,,\n,番号なし,,,\n合計,5社,,,\n";
const ORDERS: &str = "受注番号,受注日,得意先コード,商品名,数量,単価,金額\n\
    A-1,令和8年4月1日,00123,部品,2,500,\"￥1,000-\"\nA-2,46113,00124,別,1,\"1,000\",\"▲1,000\"\n\
    A-1,R8.4.1,00123,部品2,1,300,(300)\nA-3,2026/13/1,00123,部品,1,300,300\nA-4,2026/4/3,999,部品,1,300,300\n";

fn cp932(text: &str) -> Vec<u8> {
    encoding_rs::SHIFT_JIS.encode(text).0.into_owned()
}

/// Brings a file and does its steps. Gives the import's id.
async fn bring(t: &TestHub, name: &str, bytes: &[u8], source: &str, change: impl FnOnce(&mut Plan)) -> String {
    let hub = t.hub();
    let brought = stage::Brought { name, bytes, source, noun: None, wishes: Wishes::default(), actor: "佐伯" };
    let limits = stage::limits(hub.config.files.max.0);
    let id = stage::stage(&hub.engine, &limits, brought).await.unwrap();
    let kept = import::get(&hub.db, &id).await.unwrap().unwrap();
    let mut plan: Plan = serde_json::from_str(&kept.plan).unwrap();
    change(&mut plan);
    stage::plan(&hub.engine, &kept, &plan, source).await.unwrap();
    settled(t, &id).await;
    id
}

async fn settled(t: &TestHub, id: &str) -> import::Import {
    t.hub().importer.knock.notify_one();
    t.until("SELECT COUNT(*) FROM import WHERE state IN ('checking', 'applying', 'undoing')", |n| n == 0).await;
    import::get(&t.hub().db, id).await.unwrap().unwrap()
}

async fn go(t: &TestHub, id: &str, from: &str, to: &str) -> import::Import {
    let mut tx = t.hub().db.begin().await.unwrap();
    assert!(import::go(&mut tx, id, &[from], to, t.hub().clock.now()).await.unwrap());
    tx.commit().await.unwrap();
    settled(t, id).await
}

async fn applied(t: &TestHub, id: &str) -> Report {
    let before = import::get(&t.hub().db, id).await.unwrap().unwrap();
    let promised: Report = serde_json::from_str(&before.report.unwrap()).unwrap();
    let after = go(t, id, "ready", "applying").await;
    assert_eq!(after.state, "applied", "{:?}", after.detail);
    let report: Report = serde_json::from_str(&after.result.unwrap()).unwrap();
    assert_eq!((&report.rows, &report.counts), (&promised.rows, &promised.counts), "what was promised");
    assert!(report.rows.balances(), "{:?}", report.rows);
    report
}

async fn undone(t: &TestHub, id: &str) -> Undone {
    let after = go(t, id, "applied", "undoing").await;
    assert_eq!(after.state, "undone", "{:?}", after.detail);
    serde_json::from_str(&after.undone.unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_messy_file_is_counted_applied_and_taken_back() {
    for database in Database::both().await {
        let t = TestHub::start(&database).await;
        let customers = bring(&t, "得意先.csv", &cp932(CUSTOMERS), "基幹", |_| {}).await;
        assert_eq!(t.count("SELECT COUNT(*) FROM customer").await, 0, "a check writes nothing");
        let report = applied(&t, &customers).await;
        let (rows, counts) = (&report.rows, &report.counts);
        assert_eq!((rows.rows, rows.taken, rows.rejected, rows.title, rows.blank, rows.total), (9, 2, 3, 1, 1, 1));
        assert_eq!((counts.new, counts.updated, counts.unchanged), (2, 0, 0));
        let mut causes: Vec<&str> = report.causes.iter().map(|(cause, _)| cause.as_str()).collect();
        causes.sort_unstable();
        assert_eq!(causes, ["DUP_ROW", "FMT_REGNO", "REQ_EMPTY"]);
        let row = "SELECT code || '/' || name || '/' || name_kana || '/' || phone FROM customer ORDER BY code";
        assert_eq!(t.text(row).await, "00123/㈱髙﨑商店/タカサキショウテン/03-0000-0001");

        let orders = bring(&t, "受注.csv", ORDERS.as_bytes(), "基幹", |_| {}).await;
        let report = applied(&t, &orders).await;
        assert_eq!((report.rows.rows, report.rows.taken, report.rows.rejected, report.counts.new), (6, 3, 2, 2));
        let sums = "SELECT CAST(COUNT(*) * 1000000 + SUM(total_minor) + 10000 AS BIGINT) FROM sales_order WHERE deleted_at IS NULL";
        assert_eq!(t.count(sums).await, 2_009_700, "1,000 - 300 and -1,000, by their lines");
        assert_eq!(t.text("SELECT order_date FROM sales_order WHERE number = 'A-2'").await, "2026-04-01");
        assert_eq!(t.count("SELECT COUNT(*) FROM failure WHERE state = 'open'").await, 3, "with a way out");

        // The same file once more is nothing new.
        let again = bring(&t, "得意先.csv", &cp932(CUSTOMERS), "基幹", |_| {}).await;
        let counts = applied(&t, &again).await.counts;
        assert_eq!((counts.new, counts.updated, counts.unchanged), (0, 0, 2));

        // Customers with orders stay; with the orders gone, they go.
        assert_eq!(undone(&t, &customers).await, Undone { removed: 0, restored: 0, kept: 2 });
        assert_eq!(undone(&t, &orders).await, Undone { removed: 2, restored: 0, kept: 0 });
        assert_eq!(t.count("SELECT COUNT(*) FROM sales_order WHERE deleted_at IS NULL").await, 0);
        assert_eq!(t.count("SELECT COUNT(*) FROM failure WHERE state = 'open' AND stream = 'orders'").await, 0);
        assert_eq!(t.count("SELECT COUNT(*) FROM version WHERE reason = 'deleted'").await, 2, "nothing is erased");
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_brings_back_what_stood_before_and_keeps_what_came_since() {
    for database in Database::both().await {
        let t = TestHub::start(&database).await;
        let file = |rows: &str| format!("得意先コード,得意先名,電話番号\n{rows}").into_bytes();
        let first = bring(&t, "a.csv", &file("1,朝凪電装,03-0000-0001\n2,潮見工業,03-0000-0002\n"), "表", |_| {}).await;
        applied(&t, &first).await;
        let rows = "1,朝凪電装,03-0000-0011\n2,潮見工業,03-0000-0012\n3,波止場商会,03-0000-0013\n";
        let second = bring(&t, "b.csv", &file(rows), "表", |_| {}).await;
        let counts = applied(&t, &second).await.counts;
        assert_eq!((counts.new, counts.updated), (1, 2));
        // A later file changes one of them again.
        let third = bring(&t, "c.csv", &file("2,潮見工業,03-0000-0022\n"), "表", |_| {}).await;
        applied(&t, &third).await;
        let versions = t.count("SELECT COUNT(*) FROM version").await;
        assert_eq!(undone(&t, &second).await, Undone { removed: 1, restored: 1, kept: 1 });
        assert_eq!(t.text("SELECT code || phone FROM customer WHERE code = '1'").await, "103-0000-0001");
        assert_eq!(t.text("SELECT code || phone FROM customer WHERE code = '2'").await, "203-0000-0022");
        assert_eq!(t.count("SELECT COUNT(*) FROM customer").await, 2);
        assert_eq!(t.count("SELECT COUNT(*) FROM version").await, versions + 2);
        let kept = import::kept(&t.hub().db, &second, 10).await.unwrap();
        assert_eq!(kept, [("2".to_owned(), "潮見工業".to_owned())]);
        // What was taken back can come again.
        let again = bring(&t, "b.csv", &file("3,波止場商会,03-0000-0013\n"), "表", |_| {}).await;
        assert_eq!(applied(&t, &again).await.counts.new, 1);
        assert_eq!(t.count("SELECT COUNT(*) FROM customer").await, 3);
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_mean_customers_of_other_systems_only_where_that_is_sure() {
    for database in Database::both().await {
        let t = TestHub::start(&database).await;
        let webhook = t.connect("webhook", json!({"webhook_secret": SECRET})).await;
        let s = Sender::generic(&t.url, &webhook);
        let told = json!({"type": "customer.changed", "data": {
            "id": "c", "code": "100", "name": "朝凪電装", "phone": "053-1", "updated_at": at(1)}});
        s.accepted("1", &told).await;
        t.inbox_empty().await;
        let file = "得意先コード,得意先名,締め日\n100,朝凪電装,20日\n".as_bytes().to_vec();
        let other = "得意先コード,得意先名,締め日\n100,ちがう会社,20日\n".as_bytes().to_vec();
        let same = bring(&t, "a.csv", &file, "表", |_| {}).await;
        assert_eq!(applied(&t, &same).await.counts.updated, 1);
        assert_eq!(t.count("SELECT COUNT(*) FROM customer").await, 1, "{}", database.name);
        let differs = bring(&t, "b.csv", &other, "別表", |_| {}).await;
        assert_eq!(applied(&t, &differs).await.counts.new, 1, "the same code alone is another system's");
        let chosen = bring(&t, "c.csv", &other.clone(), "三つ目", |plan| plan.matching = Match::Code).await;
        assert_eq!(applied(&t, &chosen).await.rows.rejected, 1, "two have the code by now");
        // The sheet's word goes, the system's stays.
        assert_eq!(undone(&t, &same).await, Undone { removed: 0, restored: 1, kept: 0 });
        let row = "SELECT COALESCE(closing_day, '-') || phone FROM customer WHERE name = '朝凪電装'";
        assert_eq!(t.text(row).await, "-053-1");
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_reads_back_as_it_was() {
    for database in Database::both().await {
        let t = TestHub::start(&database).await;
        let rows = "得意先コード,得意先名,電話番号,与信限度額\n00100,=朝凪😀,+81-3-0000-0001,\"1,000,000\"\n";
        let id = bring(&t, "a.csv", rows.as_bytes(), "表", |_| {}).await;
        applied(&t, &id).await;
        let db = &t.hub().db;
        let ids = export::customer_ids(db).await.unwrap();
        for (format, lost) in [(Format::Xlsx, 0), (Format::Csv(Charset::Utf8Bom), 0), (Format::Csv(Charset::Cp932), 1)]
        {
            let out = exports::customers(db, &EVERYTHING, &ids, format, "顧客", false).await.unwrap();
            assert_eq!((out.rows, out.lost), (1, lost), "{format:?}");
            let mut input = std::io::Cursor::new(out.bytes);
            let found = musubi_files::inspect(&mut input, &Wishes::default(), &stage::limits(1 << 20)).unwrap();
            let mut cells = Vec::new();
            let read = |entry| {
                if let musubi_files::Entry::Row(row) = entry {
                    cells = row.cells;
                }
                true
            };
            musubi_files::read(&mut input, &found.layout, &stage::limits(1 << 20), &mut { read }).unwrap();
            let name = if lost > 0 { "=朝凪〓" } else { "=朝凪😀" };
            assert_eq!((cells[0].as_str(), cells[1].as_str()), ("00100", name), "{format:?}");
            assert!(cells.contains(&"1000000".to_owned()) && cells.contains(&"+81-3-0000-0001".to_owned()));
            assert_eq!(cells.last(), ids.first());
        }
        let hidden = EVERYTHING.clone().hiding(&[musubi::model::view::Class::Credit]);
        let out = exports::customers(db, &hidden, &ids, Format::Csv(Charset::Utf8Bom), "顧客", false).await.unwrap();
        assert!(!String::from_utf8_lossy(&out.bytes).contains("1000000"), "what is hidden is not exported");
        t.stop().await;
    }
}
