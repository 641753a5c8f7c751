//! Lists in a real browser: views, columns, many at once, the search over everything, keys, help, the start page.

use crate::console_desk::Desk;

#[tokio::test(flavor = "multi_thread")]
async fn lists_by_hand() {
    let desk = Desk::with_samples().await;
    a_view_is_kept_and_opened(&desk).await;
    columns_change_places(&desk).await;
    many_are_picked_changed_and_taken_back(&desk).await;
    the_box_answers_while_one_types(&desk).await;
    keys_lead_and_are_told(&desk).await;
    help_and_home(&desk).await;
    everything_looks_right(&desk).await;
    desk.close().await;
}

async fn a_view_is_kept_and_opened(desk: &Desk) {
    desk.open("/customers").await;
    desk.b.click("input[name=health][value=watch]").await;
    desk.until("location.search.includes('health=watch')").await;
    desk.until("document.querySelector('.tabs .add').href.includes('health=watch')").await;
    desk.b.click(".tabs .add").await;
    desk.b.fill("#view-name", "注意の顧客").await;
    desk.b.click("input[name=shared][value='1']").await;
    desk.b.click("main form .btn.pri").await;
    desk.b.wait_for_text(".tabs a[aria-current]", "注意の顧客").await;
    desk.until("location.search.includes('health=watch') && location.search.includes('view=viw_')").await;
    // Changed, it says so, and can be kept.
    desk.b.click("a.sort[href*='last_order']").await;
    desk.b.wait_for_text(".view-bar", "保存した内容から変わっています").await;
    desk.b.click(".view-bar form button").await;
    desk.b.wait_for_text("main [role=status]", "ビューを保存しました").await;
    desk.until("!document.querySelector('.view-bar form')").await;
    desk.looks("customers-view").await;
}

async fn columns_change_places(desk: &Desk) {
    desk.open("/customers/columns").await;
    desk.b.click("input[value=overdue]").await;
    desk.b.click("button[data-up][value=sales]").await;
    desk.until("document.querySelector('[data-order] li input').value === 'sales'").await;
    assert_eq!(desk.value("location.pathname").await, "/customers/columns", "no reload");
    desk.looks("columns").await;
    desk.b.click("button[name=keep]").await;
    desk.until("location.pathname === '/customers'").await;
    let heads = desk.value("[...document.querySelectorAll('thead th')].map(h => h.innerText.trim()).join()").await;
    assert!(heads.contains("期日超過") && heads.find("売上") < heads.find("担当"), "{heads}");
}

async fn many_are_picked_changed_and_taken_back(desk: &Desk) {
    desk.open("/customers?sort=name").await;
    assert_eq!(desk.value("document.querySelector('[data-needs-pick]').disabled").await, "true");
    desk.b.click("tbody tr:nth-child(1) td.pick input").await;
    desk.b.click("tbody tr:nth-child(2) td.pick input").await;
    desk.b.wait_for_text("[data-picked]", "2社を選択").await;
    desk.sound("picked").await;
    desk.b.click("[data-needs-pick]").await;
    desk.b.wait_for_text("h1", "まとめて操作").await;
    desk.b.click("main form .btn.pri").await;
    desk.b.fill("#f-owner", "新任").await;
    desk.b.click("main form .btn.pri").await;
    desk.b.wait_for_text("main", "2社が「新任」になります。").await;
    desk.looks("bulk-preview").await;
    desk.b.click("form[method=post] .btn.pri").await;
    desk.b.wait_for_text("[data-region=head]", "変更済み").await;
    desk.looks("bulk-done").await;
    assert_eq!(desk.t.count("SELECT COUNT(*) FROM customer WHERE owner = '新任'").await, 2);
    desk.b.click("[data-region=head] form button").await;
    desk.b.wait_for_text("[data-region=head]", "元に戻しました").await;
    assert_eq!(desk.t.count("SELECT COUNT(*) FROM customer WHERE owner = '新任'").await, 0);
}

async fn the_box_answers_while_one_types(desk: &Desk) {
    desk.open("/").await;
    desk.b.fill("[data-global-search] input", "ｱｻﾅｷﾞ").await;
    desk.until("document.querySelector('[data-hits] a')?.innerText.includes('朝凪電装')").await;
    desk.sound("search below the box").await;
    desk.b.screenshot("search-box-1280-light").await;
    desk.press("\u{e015}").await;
    assert_eq!(desk.value("document.activeElement.closest('[data-hits]') !== null").await, "true");
    desk.press("\u{e00c}").await;
    desk.until("document.querySelector('[data-hits]').hidden").await;
    desk.b.fill("[data-global-search] input", "朝凪").await;
    desk.press("\u{e007}").await;
    desk.until("location.pathname === '/search'").await;
    desk.b.wait_for_text("main", "朝凪電装").await;
    desk.looks("search").await;
    desk.open("/search?q=%E3%81%A9%E3%81%93%E3%81%AB%E3%82%82").await;
    desk.b.wait_for_text("main", "合うものはありません").await;
    desk.looks("search-none").await;
}

async fn keys_lead_and_are_told(desk: &Desk) {
    desk.open("/customers").await;
    desk.press("?").await;
    desk.until("document.getElementById('keys-dialog').open").await;
    desk.sound("keys").await;
    desk.b.screenshot("keys-1280-light").await;
    desk.press("\u{e00c}").await;
    desk.until("!document.getElementById('keys-dialog').open").await;
    desk.press("j").await;
    desk.press("x").await;
    desk.b.wait_for_text("[data-picked]", "1社を選択").await;
    desk.press("gs").await;
    desk.until("location.pathname === '/sync'").await;
    desk.press("gh").await;
    desk.until("location.pathname === '/'").await;
    desk.b
        .execute(
            "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'k', ctrlKey: true, bubbles: true}))",
            vec![],
        )
        .await;
    desk.until("document.activeElement.matches('[data-global-search] input')").await;
}

async fn help_and_home(desk: &Desk) {
    desk.open("/help").await;
    desk.b.click("#views summary").await;
    desk.b.wait_for_text("#views", "名前を付けます").await;
    desk.looks("help").await;
    desk.open("/").await;
    desk.looks("home").await;
}

/// Every page of this room in both languages, both widths and both schemes.
async fn everything_looks_right(desk: &Desk) {
    for language in ["ja", "en"] {
        desk.open("/me").await;
        desk.b.execute(&format!("document.querySelector('[name=language][value={language}]').click()"), vec![]).await;
        desk.until(&format!("document.documentElement.lang === '{language}'")).await;
        for (path, page) in [
            ("/", "home"),
            ("/customers", "customers"),
            ("/customers?department=-", "customers-narrow"),
            ("/customers/columns", "columns"),
            ("/customers/views", "views"),
            ("/customers/views/new?health=act", "view-new"),
            ("/customers/bulk?all=1&field=owner&value=x&look=1", "bulk"),
            ("/search?q=SO", "search"),
            ("/help", "help"),
        ] {
            desk.open(path).await;
            for (width, dark) in [(1280, false), (1280, true), (390, false), (390, true)] {
                desk.b.look(width, 900, dark).await;
                let scheme = if dark { "dark" } else { "light" };
                desk.b.screenshot(&format!("lists-{page}-{language}-{width}-{scheme}")).await;
                desk.sound(&format!("{page} {language} {width} {scheme}")).await;
                let wide = desk.value("document.documentElement.scrollWidth > innerWidth").await;
                assert_eq!(wide, "false", "{page} {language} {width} scrolls sideways");
            }
            desk.b.look(1280, 900, false).await;
        }
    }
}
