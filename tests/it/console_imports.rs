//! A file brought at the page, in a real browser: read, counted, taken, taken back; and the list as a file.

use musubi_files::write::{Column, Kind, Workbook};

use crate::console_desk::Desk;

/// As Japanese Excel saves it.
fn messy(folder: &std::path::Path) -> std::path::PathBuf {
    let text = "得意先一覧,,,\n得意先ＣＤ,得意先名,ﾌﾘｶﾞﾅ,ＴＥＬ\n00123,㈱髙﨑商店,ﾀｶｻｷｼｮｳﾃﾝ,03-0000-0001\n\
        00124,朝凪電装株式会社,ｱｻﾅｷﾞ,０３－００００－０００２\n00123,二重,,\n合計,2社,,\n";
    let path = folder.join("得意先.csv");
    std::fs::write(&path, encoding_rs::SHIFT_JIS.encode(text).0).unwrap();
    path
}

fn workbook(folder: &std::path::Path) -> std::path::PathBuf {
    let columns = ["受注番号", "受注日", "得意先コード", "商品名", "金額"];
    let kinds = [Kind::Text, Kind::Date, Kind::Text, Kind::Text, Kind::Amount];
    let columns = columns.iter().zip(kinds).map(|(title, kind)| Column::new(*title, kind, 12));
    let mut book = Workbook::new("受注", columns.collect()).unwrap();
    for row in [["A-1", "2026-04-01", "00123", "部品", "1000"], ["A-2", "2026-04-02", "00124", "部品", "2000"]] {
        book.row(&row.map(str::to_owned)).unwrap();
    }
    let path = folder.join("受注.xlsx");
    std::fs::write(&path, book.finish().unwrap()).unwrap();
    path
}

async fn choose(desk: &Desk, path: &std::path::Path) {
    desk.open("/imports").await;
    let file = desk.b.client().find(fantoccini::Locator::Css("#file")).await.unwrap();
    file.send_keys(&path.display().to_string()).await.unwrap();
    desk.b.click("form[action='/imports'] button.pri").await;
    desk.until("document.querySelector('button[value=check]')").await;
}

async fn taken(desk: &Desk) {
    desk.b.click("button[value=check]").await;
    desk.until("document.querySelector(\"form[action$='/apply']\")").await;
}

async fn applied(desk: &Desk) {
    desk.b.click("form[action$='/apply'] button").await;
    desk.until("document.querySelector(\"form[action$='/undo']\")").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_messy_file_and_a_workbook_are_taken_and_taken_back() {
    let desk = Desk::new().await;
    let folder = tempfile::tempdir().unwrap();
    desk.open("/imports").await;
    desk.looks("imports").await;
    choose(&desk, &messy(folder.path())).await;
    desk.looks("import-draft").await;
    assert_eq!(desk.value("document.querySelector('select[name=c0]').value").await, "code");
    taken(&desk).await;
    desk.looks("import-ready").await;
    let said = desk.b.text("main").await;
    for words in ["㈱髙﨑商店", "タカサキショウテン", "同じキーの行が2つある", "合計行"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(desk.t.count("SELECT COUNT(*) FROM customer").await, 0, "counting writes nothing");
    applied(&desk).await;
    desk.looks("import-applied").await;
    assert_eq!(desk.t.count("SELECT COUNT(*) FROM customer").await, 2);
    let customers = desk.b.url().await;

    // Without scripts the same pages work.
    desk.b.scripts(false).await;
    choose(&desk, &workbook(folder.path())).await;
    taken(&desk).await;
    applied(&desk).await;
    desk.b.scripts(true).await;
    assert_eq!(desk.t.count("SELECT COUNT(*) FROM sales_order WHERE total_minor IN (1000, 2000)").await, 2);

    desk.t.hub().refresher.settle().await;
    desk.open("/customers/export?q=%E6%9C%9D%E5%87%AA").await;
    desk.looks("customers-export").await;
    assert!(desk.b.text("main").await.contains("1社"), "what the list shows");

    let orders = desk.t.text("SELECT id FROM import ORDER BY created_at DESC").await;
    for path in [format!("{}/imports/{orders}", desk.t.address()), customers] {
        desk.b.goto(&path).await;
        desk.b.click("main details summary").await;
        desk.b.click("form[action$='/undo'] button").await;
        desk.until("document.querySelector('main .note.ok')").await;
    }
    desk.looks("import-undone").await;
    assert_eq!(desk.t.count("SELECT COUNT(*) FROM customer").await, 0);
    let acts = "SELECT COUNT(*) FROM audit WHERE action IN ('import.upload', 'import.apply', 'import.undo')";
    assert_eq!(desk.t.count(acts).await, 6);
    desk.close().await;
}
