//! What employees and owners do at the console, in a real browser.

use musubi::store::sql;
use serde_json::json;

use crate::console_desk::{Desk, until};

const ASANAGI: &str = "株式会社朝凪電装";
const ROWS: &str = "document.querySelectorAll('[data-region=results] tbody tr').length";

#[tokio::test(flavor = "multi_thread")]
async fn a_day_with_the_sample_company() {
    let desk = Desk::with_samples().await;
    search_as_you_type(&desk).await;
    facets_by_checkbox(&desk).await;
    slash_goes_to_the_search(&desk).await;
    an_activity_is_recorded_once(&desk).await;
    a_value_is_corrected_and_released(&desk).await;
    the_history_narrows(&desk).await;
    language_and_theme_stay(&desk).await;
    english_is_complete(&desk).await;
    viewers_see_what_they_may(&desk).await;
    settings_and_the_end_of_the_samples(&desk).await;
    desk.close().await;
}

async fn search_as_you_type(desk: &Desk) {
    desk.open("/customers").await;
    desk.b.fill("[data-search]", "どこにもない会社").await;
    desk.b.wait_for_text("[data-region=results]", "条件に合う顧客はありません").await;
    for (typed, why) in [
        ("㈱朝凪", ""),
        ("朝凪", ""),
        ("ｱｻﾅｷﾞ", "カナが一致"),
        ("あさなぎ", "カナが一致"),
        ("053-000-0127", "電話番号が一致"),
        ("T5009901000127", "登録番号が一致"),
    ] {
        desk.b.fill("[data-search]", typed).await;
        desk.until(&format!("decodeURIComponent(location.search).includes('{typed}') && {ROWS} === 1")).await;
        let row = desk.b.text("[data-region=results] tbody").await;
        assert!(row.contains(ASANAGI), "{typed}: {row}");
        assert!(row.contains(why), "{typed}: {row}");
        let focused =
            desk.value("document.activeElement.matches('[data-search]') && document.activeElement.value").await;
        assert_eq!(focused, typed, "the field keeps focus and text");
    }
    assert_eq!(desk.value("document.querySelector('[data-announce]').textContent").await, "1社が見つかりました");
    desk.sound("search").await;
}

async fn facets_by_checkbox(desk: &Desk) {
    desk.open("/customers").await;
    let states = "[...document.querySelectorAll('[data-region=results] td.stt')]";
    let all = |word: &str| format!("{ROWS} > 0 && {states}.every(c => {word}.test(c.innerText))");
    desk.b.click("input[name=health][value=good]").await;
    desk.until(&format!("location.search.includes('health=good') && {}", all("/良好/"))).await;
    desk.b.click("input[name=health][value=watch]").await;
    desk.until(&format!("location.search.includes('health=watch') && {}", all("/良好|注意/"))).await;
    let either = desk.value(ROWS).await;
    desk.b.click("[name=health][value=good]").await;
    desk.until(&format!("!location.search.includes('health=good') && {}", all("/注意/"))).await;
    // The address says it all: the same page by a reload.
    desk.b.reload().await;
    desk.until(&all("/注意/")).await;
    assert_ne!(desk.value(ROWS).await, either);
    desk.b.click("[data-clear]").await;
    desk.until("location.search === ''").await;
}

async fn slash_goes_to_the_search(desk: &Desk) {
    desk.open("/customers").await;
    desk.press("/").await;
    assert_eq!(desk.value("document.activeElement.matches('[data-search]')").await, "true");
    desk.press("a/b").await;
    assert_eq!(desk.value("document.activeElement.value").await, "a/b", "a slash while typing is a slash");
    desk.open("/").await;
    desk.press("/").await;
    assert_eq!(desk.value("document.activeElement.closest('[data-global-search]') !== null").await, "true");
    desk.press("gc").await;
    assert_eq!(desk.value("location.pathname").await, "/", "letters in a field go nowhere");
    desk.open("/").await;
    desk.press("gc").await;
    desk.until("location.pathname === '/customers'").await;
}

async fn an_activity_is_recorded_once(desk: &Desk) {
    desk.open("/customers?q=C-00127").await;
    desk.b.click("[data-region=results] a.nm").await;
    desk.b.wait_for_text("h1", ASANAGI).await;
    let page = desk.value("location.pathname").await;
    desk.b.click("[data-dialog=activity-dialog]").await;
    desk.until("document.querySelector('dialog').open").await;
    desk.sound("activity dialog").await;
    desk.b.fill("dialog #act-subject", "来期の増産計画について").await;
    desk.b.fill("dialog #act-note", "2月から月産1.3倍").await;
    desk.b.click("dialog button[type=submit]").await;
    desk.b.wait_for_text("main [role=status]", "活動を記録しました").await;
    desk.until("document.querySelector('[data-event]').innerText.includes('来期の増産計画について')").await;
    desk.b.wait_for_text("[data-region=kpis]", "今日").await;

    // The same form twice, as after an impatient second click; then changed after going back.
    desk.open(&format!("{page}/activities/new")).await;
    desk.b.fill("#act-subject", "見積の確認").await;
    let send = "const done = arguments[arguments.length - 1], form = document.querySelector('main form');
        const send = () => fetch(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)) });
        send().then(one => send().then(two => done([one.ok, two.ok])));";
    let sent = desk.b.client().execute_async(send, vec![]).await.unwrap();
    assert_eq!(sent, json!([true, true]));
    assert_eq!(desk.t.count("SELECT COUNT(*) FROM activity").await, 2);
    assert_eq!(desk.t.count("SELECT COUNT(*) FROM activity WHERE subject = '見積の確認'").await, 1);
    desk.b.fill("#act-subject", "見積の再確認").await;
    desk.b.client().execute_async(send, vec![]).await.unwrap();
    assert_eq!(desk.t.count("SELECT COUNT(*) FROM activity").await, 3);

    desk.open(&format!("{page}/activities/new")).await;
    desk.b.execute("document.querySelector('main form').noValidate = true", vec![]).await;
    desk.b.click("main form button[type=submit]").await;
    desk.b.wait_for_text("#act-subject-error", "入力してください").await;
    desk.refused(422).await;
    desk.sound("activity form with an error").await;
}

async fn a_value_is_corrected_and_released(desk: &Desk) {
    desk.open("/customers?q=C-00127").await;
    desk.b.click("[data-region=results] a.nm").await;
    desk.b.wait_for_text("h1", ASANAGI).await;
    let page = desk.value("location.pathname").await;
    desk.b.click("a[href$='/edit']").await;
    desk.b.wait_for_text("h1", "顧客の編集").await;
    desk.looks("customer-edit").await;
    desk.b.fill("#f-corporate_number", "1234567890123").await;
    desk.b.fill("#f-phone", "053-000-9999").await;
    desk.b.click("input[name=hold][value=pin]").await;
    desk.b.click("main form button[type=submit]").await;
    desk.b.wait_for_text("main [role=alert]", "1か所の入力を直してください").await;
    desk.refused(422).await;
    assert_eq!(desk.value("document.querySelector('#f-phone').value").await, "053-000-9999", "nothing typed is lost");
    let seen = desk.value("document.querySelector('[name=\"seen.corporate_number\"]').value").await;
    desk.b.fill("#f-corporate_number", &seen).await;
    desk.b.click("main form button[type=submit]").await;
    desk.b.wait_for_text("main [role=status]", "保存しました").await;
    let value = "[...document.querySelectorAll('details.mv')].find(d => d.innerText.includes('053-000-9999'))";
    desk.until(&format!("{value}.querySelector('summary svg')")).await;
    desk.b.execute(&format!("{value}.open = true"), vec![]).await;
    desk.b.click("form[action$='/values/phone/release'] button").await;
    desk.b.wait_for_text("main [role=status]", "連携先の値に戻しました").await;
    desk.b.wait_for_text("[data-region=master]", "053-000-0127").await;
    desk.sound(&page).await;
}

async fn the_history_narrows(desk: &Desk) {
    desk.open("/customers?q=C-00127").await;
    desk.b.click("[data-region=results] a.nm").await;
    desk.b.click(".narrowing > summary").await;
    desk.looks("customer-period").await;
    desk.b.execute("document.querySelector('#h-from').value = '2026-01-01'", vec![]).await;
    desk.b.execute("document.querySelector('#h-to').value = '2026-03-31'", vec![]).await;
    desk.b.click(".narrowing form button").await;
    desk.b.wait_for_text(".narrowing > summary", "2026/01/01〜2026/03/31").await;
    let days = "[...document.querySelectorAll('.tl .day')].map(d => d.innerText)";
    desk.until(&format!("{days}.length > 0 && {days}.every(d => /^[123]月/.test(d))")).await;
    desk.b.click(".tl .chip[href*='t=billing']").await;
    desk.until(&format!("location.search.includes('from=2026-01-01') && {days}.every(d => /^[123]月/.test(d))")).await;
    desk.b.click(".tl .chips > a.sm").await;
    desk.until("location.search === ''").await;
}

async fn language_and_theme_stay(desk: &Desk) {
    desk.open("/customers").await;
    desk.b.click(".menu > summary").await;
    desk.b.click("button[name=theme][value=dark]").await;
    desk.until("document.documentElement.dataset.theme === 'dark' && location.pathname === '/customers'").await;
    desk.b.click(".lang button[value=en]").await;
    desk.until("document.documentElement.lang === 'en'").await;
    desk.open("/connections").await;
    desk.until("document.documentElement.lang === 'en' && document.documentElement.dataset.theme === 'dark'").await;
    // With the person, for the next browser.
    assert_eq!(desk.t.text("SELECT language || ' ' || theme FROM app_user").await, "en dark");
}

/// Japanese in the console's own words. Names of people, companies and connections are data.
const WORDS: &str = "[...document.querySelectorAll('.side a, .side .grp, .topbar input, .topbar kbd, h1, h2, h3, th, dt, label, legend, \
    .btn, .chip, .tabs a, .ph .sub, .kpi .k, .kpi .d, .bdg, .st, .hint, caption, option')]\
    .filter(e => !e.closest('.lang, .facets label, select[name=connection], .empty dl') && e.lang !== 'ja')\
    .flatMap(e => [e.innerText, e.placeholder, e.title, e.ariaLabel]).filter(t => t && /[ぁ-ヿ一-鿿]/.test(t)).join(' | ')";

async fn english_is_complete(desk: &Desk) {
    for path in
        ["/", "/customers", "/connections", "/failures", "/webhooks", "/settings", "/connections/new/rest", "/nowhere"]
    {
        desk.open(path).await;
        desk.until("document.documentElement.lang === 'en'").await;
        assert_eq!(desk.value(WORDS).await, "", "{path}");
    }
    desk.refused(404).await;
    desk.open("/connections").await;
    desk.b.click("td a.nm").await;
    desk.until("document.querySelector('.tabs')").await;
    // The heading is the name that somebody gave it.
    assert_eq!(desk.value(WORDS).await, desk.b.text("h1").await, "connection");
    desk.looks("connection-en").await;
    desk.b.click(".lang button[value=ja]").await;
    desk.until("document.documentElement.lang === 'ja'").await;
}

async fn viewers_see_what_they_may(desk: &Desk) {
    let b = desk.colleague("viewer").await;
    let menu = b.text("nav.side").await;
    for absent in ["連携先", "取込エラー", "Webhook", "設定"] {
        assert!(!menu.contains(absent), "{menu}");
    }
    let customer = desk.t.text("SELECT id FROM customer WHERE code = 'C-00127'").await;
    b.goto(&format!("{}/customers/{customer}", desk.t.address())).await;
    b.wait_for_text("h1", ASANAGI).await;
    assert!(!b.exists("[data-dialog]").await, "nothing to record for who may only look");
    for path in ["/connections", "/failures", "/webhooks", "/settings", "/connections/new/rest"] {
        b.goto(&format!("{}{path}", desk.t.address())).await;
        until(&b, "/許可されていません/.test(document.querySelector('h1').innerText)").await;
        assert_eq!(b.accessibility_problems().await, Vec::<String>::new(), "{path}");
    }
    b.wait_for_text("main", "役割が必要です").await;
    b.screenshot("forbidden-1280-light").await;
    b.close().await;
}

async fn settings_and_the_end_of_the_samples(desk: &Desk) {
    desk.open("/settings").await;
    desk.b.fill("#company", "ひのき精機ホールディングス").await;
    desk.b.click("form[action='/settings'] button").await;
    desk.b.wait_for_text(".side .foot", "ひのき精機ホールディングス").await;
    desk.b.wait_for_text("main [role=status]", "保存しました").await;
    desk.b.fill("#confirm", "はい").await;
    desk.b.click("form[action='/settings/sample/clear'] button").await;
    desk.b.wait_for_text("#confirm-e", "入力が違います").await;
    assert!(desk.t.count("SELECT COUNT(*) FROM customer").await > 200);
    desk.refused(422).await;
    desk.sound("settings with an error").await;
    desk.b.fill("#confirm", "sample").await;
    desk.b.click("form[action='/settings/sample/clear'] button").await;
    desk.b.wait_for_text("main [role=status]", "削除しました").await;
    for table in [
        "customer",
        "source_record",
        "site",
        "contact",
        "sales_order",
        "invoice",
        "payment",
        "activity",
        "connection",
        "run",
        "inbox",
        "failure",
    ] {
        let left = sql(format!("SELECT COUNT(*) FROM {table}")).one::<(i64,)>(&desk.t.hub().db).await.unwrap().0;
        assert_eq!(left, 0, "{table}");
    }
    desk.open("/customers").await;
    desk.b.wait_for_text("[data-region=results]", "顧客はまだありません").await;
    desk.looks("customers-none").await;
    desk.open("/").await;
    desk.looks("home-none").await;
    // And back again.
    desk.open("/settings").await;
    desk.b.click("form[action='/settings/sample/load'] button").await;
    desk.b.wait_for_text("h1", ASANAGI).await;
}
