//! The mapping editor in a real browser: a mapping is broken, its failures are seen grouped, it is mended
//! and they are taken; versions, what cannot be, two people at once, and all of it without scripts.

use crate::console_desk::Desk;

const OPEN: &str = "SELECT COUNT(*) FROM failure WHERE state = 'open'";

async fn choose(desk: &Desk, field: &str, path: &str) {
    let set = format!("document.querySelector(\"select[name='from:{field}']\").value = '{path}'");
    desk.b.execute(&set, vec![]).await;
    desk.b.click("#map .ft button").await;
    desk.b.wait_for_text("main [role=status], .flash", "下書きを保存しました").await;
}

async fn idle(desk: &Desk) {
    let busy = "SELECT COUNT(*) FROM connection WHERE leased_by IS NOT NULL OR requested_by IS NOT NULL";
    desk.t.until(busy, |n| n == 0).await;
}

/// Publishes what is drafted; `again`: `` or `all`.
async fn publish(desk: &Desk, page: &str, again: &str) {
    desk.open(&format!("{page}?view=publish")).await;
    desk.b.fill("#comment", "試験の変更").await;
    desk.b.click(&format!("input[name=again][value='{again}']")).await;
    desk.b.click("form[action$='/publish'] button").await;
    desk.until("location.search.includes('done=')").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mapping_is_broken_seen_mended_and_its_records_are_taken() {
    let desk = Desk::with_samples().await;
    let accounting = desk.t.text("SELECT id FROM connection WHERE connector = 'sample-accounting'").await;
    let page = format!("/connections/{accounting}/mapping/invoices");
    desk.open(&format!("/connections/{accounting}")).await;
    desk.b.click("nav.tabs a[href$='/mapping']").await;
    desk.b.click(&format!(".chips a[href='{page}']")).await;
    desk.b.wait_for_text("h1", "項目の対応付け").await;
    desk.looks("mapping-connector").await;

    looked_at_with_real_records(&desk).await;
    broken(&desk, &page).await;
    mended(&desk).await;
    versions(&desk, &page).await;
    what_cannot_be(&desk, &page).await;
    without_scripts(&desk, &page).await;
    desk.close().await;
}

async fn looked_at_with_real_records(desk: &Desk) {
    desk.b.click("#preview form[action$='/sample'] button").await;
    desk.until("document.querySelectorAll('.pv').length > 5").await;
    desk.b.wait_for_text(".chips", "検証 20件中 20件 取込可").await;
    choose(desk, "total", "invoice_number").await;
    desk.b.wait_for_text(".chips", "検証 20件中 0件 取込可").await;
    desk.b.wait_for_text("#preview", "v1 では取込可").await;
    assert!(desk.b.exists(".pv.err").await);
    desk.looks("mapping-broken").await;
    desk.b.click(".acts form[action$='/rehearse'] button").await;
    desk.b.wait_for_text(".reh", "100件を検証しました").await;
    let failed = desk.value("[...document.querySelectorAll('.reh dd')][3].textContent").await;
    assert_eq!(failed, "100");
    desk.looks("mapping-rehearsed").await;
    assert_eq!(desk.t.count(OPEN).await, 0, "nothing was kept");
    choose(desk, "total", "total_amount").await;
    desk.b.wait_for_text(".chips", "検証 20件中 20件 取込可").await;
}

/// Only credit notes name an invoice that they correct: a date it is not.
async fn broken(desk: &Desk, page: &str) {
    desk.b.click("button[name=open][value=corrects]").await;
    desk.b.wait_for_text("#panel", "訂正する請求番号").await;
    desk.b.click("#panel button[name=add][value=date]").await;
    desk.b.wait_for_text("#panel .stp", "日付").await;
    publish(desk, page, "all").await;
    desk.b.wait_for_text("main", "公開中は v2").await;
    idle(desk).await;
    let open = desk.t.count(OPEN).await;
    assert!(open > 0, "credit notes fail");
    desk.open("/failures").await;
    assert_eq!(desk.value("document.querySelectorAll('.inbox .gh').length").await, "1", "one cause, one group");
    desk.b.wait_for_text(".inbox .gh", &format!("{open}件")).await;
    desk.looks("failures-of-a-mapping").await;
    desk.b.click(".fix a[href*='/mapping/']").await;
    desk.until("location.pathname.endsWith('/mapping/invoices')").await;
    desk.b.wait_for_text("#panel", "訂正する請求番号").await;
}

async fn mended(desk: &Desk) {
    // The records that failed come first among those that are looked at.
    desk.b.click("#preview form[action$='/sample'] button").await;
    desk.until("document.querySelector('.evs.v2 li')").await;
    desk.b.click("#panel button[name=remove]").await;
    desk.b.wait_for_text("#preview", "v2 ではエラー").await;
    desk.b.wait_for_text(".chips", "検証 20件中 20件 取込可").await;
    desk.looks("mapping-mended").await;
    desk.b.click(".acts a.btn.pri").await;
    desk.b.wait_for_text("form[action$='/publish']", "新しい対応付けで再処理する").await;
    desk.looks("mapping-publish").await;
    desk.b.click("form[action$='/publish'] button").await;
    desk.b.wait_for_text("main [role=status], .flash", "再処理しました").await;
    assert_eq!(desk.t.count(OPEN).await, 0);
    let trail = "SELECT COUNT(*) FROM audit WHERE action = 'mapping.publish' AND outcome = 'ok'";
    assert_eq!(desk.t.count(trail).await, 2);
}

async fn versions(desk: &Desk, page: &str) {
    desk.open(&format!("{page}?view=versions")).await;
    let all = desk.value("[...document.querySelectorAll('table .nm')].map(e => e.textContent).join(' ')").await;
    assert_eq!(all, "v3 v2 v1");
    desk.looks("mapping-versions").await;
    desk.b.click("form[action$='/restore'] input[value='2'] ~ button").await;
    desk.b.wait_for_text("main", "訂正する請求番号").await;
    assert_eq!(desk.value("document.querySelector('tbody').querySelectorAll('tr').length").await, "1", "the one step");
    desk.looks("mapping-differences").await;
    desk.b.click("form[action$='/discard'] button").await;
    desk.b.wait_for_text("main [role=status], .flash", "下書きを捨てました").await;
}

async fn what_cannot_be(desk: &Desk, page: &str) {
    desk.open(&format!("{page}?f=corrects&add=extract")).await;
    desk.b.fill("#pattern", "締(").await;
    desk.b.click("#add button").await;
    desk.b.wait_for_text("[data-focus]", "正規表現を読めません").await;
    assert_eq!(desk.value("document.getElementById('pattern').value").await, "締(", "what was typed stays");
    desk.refused(422).await;
    desk.looks("mapping-refused").await;
    assert_eq!(desk.t.count("SELECT COUNT(*) FROM mapping_draft").await, 0);

    // Somebody else was faster.
    desk.open(&format!("{page}?f=corrects")).await;
    let live = desk.t.hub().registry.all();
    let live = live.iter().find(|live| live.row.connector == "sample-accounting").unwrap();
    let draft = musubi::store::mapping::Draft {
        connection_id: live.row.id.clone(),
        stream: "invoices".into(),
        base: 3,
        spec: serde_json::to_string(&live.manifest.stream("invoices").unwrap().mapping).unwrap(),
        revision: 1,
        actor: "usr_other".into(),
        updated_at: desk.t.hub().clock.now().0,
    };
    let mut tx = desk.t.hub().db.begin().await.unwrap();
    assert!(musubi::store::mapping::keep_draft(&mut tx, &draft).await.unwrap());
    tx.commit().await.unwrap();
    desk.b.click("#panel button[name=add][value=trim]").await;
    desk.b.wait_for_text("[data-focus]", "保存していません").await;
    desk.refused(409).await;
    desk.looks("mapping-overtaken").await;
}

async fn without_scripts(desk: &Desk, page: &str) {
    desk.b.scripts(false).await;
    desk.open(&format!("{page}?f=lines/unit")).await;
    desk.b.click("#panel button[name=add][value=width]").await;
    desk.b.wait_for_text("#panel .stp", "全角→半角").await;
    desk.b.click("button[name=go]").await;
    desk.b.wait_for_text("#preview", "2 / 20").await;
    desk.b.scripts(true).await;
}
