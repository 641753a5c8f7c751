//! The same at the console, in a real browser.

use serde_json::json;

use super::{NUMBER, computed, source, told};
use crate::console_desk::{Desk, until};

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_adds_a_field_and_people_use_it() {
    let desk = Desk::new().await;
    desk.open("/settings/fields?lang=ja").await;
    desk.b.wait_for_text("main", "追加の項目はまだありません").await;
    desk.b.click("main .acts .btn.pri").await;
    // A choice without choices: the form says so and keeps what was typed.
    desk.b.fill("#label_ja", "等級").await;
    desk.b.fill("#key", "grade").await;
    desk.b.click("input[name=kind][value=choice]").await;
    desk.b.click("main form .btn.pri").await;
    desk.b.wait_for_text("main", "使う選択肢を1つ以上").await;
    desk.refused(422).await;
    assert_eq!(desk.value("document.querySelector('#key').value").await, "grade");
    desk.b.fill("input[name='choice.0.key']", "a").await;
    desk.b.fill("input[name='choice.0.ja']", "重点").await;
    desk.b.fill("input[name='choice.1.key']", "b").await;
    desk.b.fill("input[name='choice.1.ja']", "一般").await;
    desk.b.click("main form .btn.pri").await;
    desk.b.wait_for_text("[data-region=fields]", "重点、一般").await;
    desk.looks("fields").await;
    desk.open("/settings/fields/grade").await;
    desk.looks("field").await;
    computed(&desk.t).await;

    let sender = source(&desk.t).await;
    told(&desk.t, &sender, 1, json!({"custom": {"grade": "特別", "rank": "1"}})).await;
    let id = desk.t.text(super::CUSTOMER).await;
    desk.open(&format!("/customers/{id}")).await;
    desk.b.wait_for_text("[data-region=master]", "2件を取り込めませんでした").await;
    desk.b.wait_for_text("[data-region=master]", "「特別」").await;
    desk.looks("customer-warnings").await;
    desk.open(&format!("/customers/{id}/edit")).await;
    desk.b.execute("document.querySelector('[name=\"custom.grade\"]').value = 'a'", vec![]).await;
    desk.b.click("main form .btn.pri").await;
    desk.b.wait_for_text("[data-region=master]", "重点").await;
    assert_eq!(desk.t.text("SELECT custom FROM customer").await, r#"{"grade":"a"}"#);
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_form_is_settled_side_by_side_and_nothing_typed_is_lost() {
    let desk = Desk::new().await;
    let sender = source(&desk.t).await;
    told(&desk.t, &sender, 1, json!({"phone": "053-1", "address": "浜松市"})).await;
    let id = desk.t.text(super::CUSTOMER).await;
    let edit = format!("/customers/{id}/edit?lang=ja");
    let colleague = desk.colleague("steward").await;
    // Both open the form; the colleague saves first.
    desk.open(&edit).await;
    desk.b.fill("#f-phone", "053-7").await;
    desk.b.fill("#f-address", "浜松市7番地").await;
    desk.b.fill("#f-mail", "keiri@asanagi.example").await;
    colleague.goto(&format!("{}{edit}", desk.t.address())).await;
    colleague.fill("#f-phone", "053-8").await;
    colleague.fill("#f-address", "浜松市8番地").await;
    colleague.click("main form .btn.pri").await;
    until(&colleague, "!location.pathname.endsWith('/edit')").await;
    colleague.close().await;
    desk.b.click("main form .btn.pri").await;
    desk.b.wait_for_text("main", "入力中に2か所の値が変わりました").await;
    desk.refused(409).await;
    for said in ["053-1", "053-8", "岸 由美さんが", "に変更しました", "浜松市8番地", "keiri@asanagi.example"]
    {
        desk.b.wait_for_text("main", said).await;
    }
    assert_eq!(desk.value("document.querySelector('#f-phone').value").await, "053-7");
    desk.looks("customer-stale").await;
    desk.b.click("input[name='pick.phone'][value=mine]").await;
    desk.b.click("input[name='pick.address'][value=theirs]").await;
    desk.b.click("main form .btn.pri").await;
    desk.b.wait_for_text("main [role=status]", "保存しました").await;
    let now = "SELECT phone || ' ' || address || ' ' || mail FROM customer";
    assert_eq!(desk.t.text(now).await, "053-7 浜松市8番地 keiri@asanagi.example");
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_is_explained_pinned_and_released_and_the_past_is_read_only() {
    let desk = Desk::new().await;
    // Without scripts, by forms alone.
    desk.b.scripts(false).await;
    let (first, second) = (source(&desk.t).await, source(&desk.t).await);
    told(&desk.t, &first, 1, json!({"phone": "053-1", "corporate_number": NUMBER})).await;
    let then = desk.t.count("SELECT MAX(valid_from) FROM version").await;
    told(&desk.t, &second, 2, json!({"phone": "053-2", "corporate_number": NUMBER})).await;
    let id = desk.t.text(super::CUSTOMER).await;
    desk.open(&format!("/customers/{id}/values/phone?lang=ja")).await;
    for said in ["電話の由来", "053-2", "053-1", "より古い値", "の値が新しいため使っています"] {
        desk.b.wait_for_text("main", said).await;
    }
    // Another source's value is pinned, and what it says later does not matter.
    desk.b.click("main table form button").await;
    desk.b.wait_for_text("main", "高梨 拓さんが固定した値です").await;
    assert_eq!(desk.t.text("SELECT phone FROM customer").await, "053-1");
    desk.b.click("form[action*='/release'] button").await;
    desk.b.wait_for_text("main", "の値が新しいため使っています").await;
    assert_eq!(desk.t.text("SELECT phone FROM customer").await, "053-2");

    let past = musubi::model::Timestamp(then).rfc3339();
    desk.open(&format!("/customers/{id}?at={past}")).await;
    desk.b.wait_for_text("main", "の時点の台帳です").await;
    desk.b.wait_for_text("main table", "053-1").await;
    assert_eq!(desk.b.count("main form[method=post]").await, 0, "nothing can be changed there");
    desk.b.scripts(true).await;
    desk.open(&format!("/customers/{id}?at={past}")).await;
    desk.looks("customer-past").await;
    desk.open(&format!("/customers/{id}/values/phone")).await;
    desk.looks("customer-value").await;
    desk.open(&format!("/customers/{id}?at=2001-01-01")).await;
    desk.b.wait_for_text("main", "まだ台帳にありません").await;
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_changed_after_a_look_at_what_they_do() {
    let desk = Desk::new().await;
    let (first, second) = (source(&desk.t).await, source(&desk.t).await);
    told(&desk.t, &first, 1, json!({"phone": "053-000-0001"})).await;
    told(&desk.t, &second, 2, json!({"phone": "053-2"})).await;
    desk.open("/settings/rules?lang=ja").await;
    desk.b.click("#g-contact summary").await;
    desk.b.execute("document.querySelector('#then-contact').value = 'longest'", vec![]).await;
    desk.b.click("main form .btn.pri").await;
    desk.b.wait_for_text("main", "1社の1個の値が変わります").await;
    desk.b.wait_for_text("main", "053-000-0001").await;
    desk.looks("rules-preview").await;
    assert_eq!(desk.t.text("SELECT phone FROM customer").await, "053-2");
    desk.b.click("main form .btn.pri").await;
    desk.b.wait_for_text("main [role=status]", "優先順位を変更しました").await;
    computed(&desk.t).await;
    assert_eq!(desk.t.text("SELECT phone FROM customer").await, "053-000-0001");
    desk.open("/settings/rules").await;
    desk.b.wait_for_text("[data-region=progress]", "計算が終わりました").await;
    desk.looks("rules").await;
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_customers_are_persons_nobody_is_asked_for_facts_of_companies() {
    let desk = Desk::new().await;
    desk.open("/settings?lang=ja").await;
    desk.b.click("input[name=audience][value=persons]").await;
    desk.b.click("form[action='/settings'] .btn.pri").await;
    desk.b.wait_for_text("main [role=status]", "保存しました").await;
    desk.open("/customers/new").await;
    desk.b.wait_for_text("main label[for='f-name']", "氏名").await;
    assert_eq!(desk.b.count("#f-corporate_number, #f-closing_day, #f-credit_limit").await, 0);
    desk.looks("customer-new-person").await;
    desk.b.fill("#f-name", "三枝 由紀").await;
    desk.b.fill("#f-phone", "090-0000-0001").await;
    desk.b.click("main form .btn.pri").await;
    desk.b.wait_for_text("h1", "三枝 由紀").await;
    assert_eq!(desk.t.text("SELECT kind FROM customer").await, "person");
    // Whoever has both is asked.
    desk.open("/settings").await;
    desk.b.click("input[name=audience][value=both]").await;
    desk.b.click("form[action='/settings'] .btn.pri").await;
    desk.b.wait_for_text("main [role=status]", "保存しました").await;
    desk.open("/customers/new").await;
    assert_eq!(desk.b.count("input[name=kind]").await, 2);
    assert_eq!(desk.b.count("#f-corporate_number").await, 1);
    desk.close().await;
}
