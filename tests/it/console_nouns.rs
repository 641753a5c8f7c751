//! A prospect with an open deal, its people, a contract and an inquiry, as employees see and type them.

use musubi::model::record::Kind;
use serde_json::json;

use crate::{
    console_desk::Desk,
    review::world::{World, record},
};

async fn a_prospect(desk: &Desk) -> String {
    let mut w = World::connect(&desk.database, "con_deals", "deals", false).await;
    let customer = |version, owner: &str| {
        let body = json!({"name": "株式会社朝凪電装", "code": "C-00127", "life_stage": "prospect", "lead_source": "展示会",
            "lead_date": "2026-04-02", "owner": owner, "department": "営業一課"});
        [record(Kind::Customer, "A", Some(version), &body)]
    };
    w.customers(&customer(1, "大久保")).await;
    w.customers(&customer(2, "佐伯")).await;
    let deal = |version, stage: &str, percent: &str| {
        let body = json!({"customer": "A", "name": "ブラケット増産", "stage": stage, "amount": "8400000",
            "probability": percent, "opened_date": "2026-10-01", "expected_date": "2999-12-20", "owner": "佐伯"});
        [record(Kind::Deal, "1", Some(version), &body)]
    };
    w.chunk(Kind::Deal, "deals", &deal(1, "提案", "50"), &[]).await;
    w.chunk(Kind::Deal, "deals", &deal(2, "見積提出", "70"), &[]).await;
    let quote = json!({"customer": "A", "number": "QT-26-0311", "issue_date": "2026-10-10", "valid_until": "2026-12-31",
        "deal": "1", "net": "7636364", "tax": "763636", "total": "8400000",
        "lines": [{"description": "取付ブラケット", "quantity": "12000", "amount": "7636364"}]});
    w.chunk(Kind::Quote, "quotes", &[record(Kind::Quote, "1", Some(1), &quote)], &[]).await;
    desk.t.hub().directory.reload(&desk.t.hub().db).await.unwrap();
    desk.t.text("SELECT id FROM customer").await
}

/// A picture in both widths and both schemes, each of them checked.
async fn seen(desk: &Desk, page: &str) {
    for (width, dark) in [(1280, false), (1280, true), (390, false), (390, true)] {
        desk.b.look(width, 900, dark).await;
        desk.b.screenshot(&format!("{page}-{width}-{}", if dark { "dark" } else { "light" })).await;
        desk.sound(page).await;
    }
    desk.b.look(1280, 900, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prospect_is_worked_on_and_becomes_a_customer() {
    let desk = Desk::new().await;
    let id = a_prospect(&desk).await;
    desk.open("/customers?stage=prospect").await;
    desk.b.wait_for_text("[data-region=results]", "見込み客").await;
    desk.open("/customers?stage=customer").await;
    desk.b.wait_for_text("[data-region=results]", "条件").await;

    desk.open(&format!("/customers/{id}")).await;
    let page = desk.b.text("main").await;
    for words in [
        "見込み客",
        "展示会",
        "進行中の商談",
        "70%",
        "担当の履歴",
        "大久保",
        "商談「ブラケット増産」が見積提出になりました",
        "見積 QT-26-0311",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    a_contract_and_an_inquiry(&desk, &id).await;
    seen(&desk, "customer-prospect").await;
    a_day_is_corrected(&desk, &id).await;

    // The deal leads to its quote and back.
    desk.b.click("[data-region=deals] a").await;
    desk.b.wait_for_text("h1", "商談「ブラケット増産」").await;
    seen(&desk, "event-deal").await;
    desk.b.click("aside a[href*='/events/quo_']").await;
    desk.b.wait_for_text("h1", "見積 QT-26-0311").await;
    desk.b.wait_for_text("aside", "商談「ブラケット増産」").await;

    // By hand, and then nothing more to convert.
    desk.open(&format!("/customers/{id}")).await;
    desk.b.click("form[action$='/convert'] button").await;
    desk.b.wait_for_text("#history", "見込み客から顧客になりました").await;
    assert_eq!(desk.value("document.querySelectorAll(\"form[action$='/convert']\").length").await, "0");
    assert_eq!(desk.t.text("SELECT id FROM customer WHERE life_stage = 'customer'").await, id);
    let trail =
        "SELECT COUNT(*) FROM audit WHERE action IN ('customer.convert', 'customer.contract', 'customer.inquiry',
        'customer.relation')";
    assert_eq!(desk.t.count(trail).await, 5);
    desk.close().await;
}

async fn a_contract_and_an_inquiry(desk: &Desk, id: &str) {
    desk.open(&format!("/customers/{id}/contracts/new")).await;
    desk.b.fill("#f-number", "K-26-0041").await;
    desk.b.fill("#f-name", "年間保守契約").await;
    desk.b.fill("#f-amount", "1,200,000").await;
    seen(desk, "contract-form").await;
    // Ends before it begins.
    desk.b.execute("document.getElementById('f-end_date').value = '2020-01-01'", vec![]).await;
    desk.b.click("main form button[type=submit]").await;
    desk.b.wait_for_text("#f-end_date-error", "始まりの日より前").await;
    desk.refused(422).await;
    let end = desk.t.hub().clock.now().plus(20 * musubi::model::Timestamp::DAY);
    let end = end.zoned(&jiff::tz::TimeZone::UTC).date();
    desk.b.execute(&format!("document.getElementById('f-end_date').value = '{end}'"), vec![]).await;
    desk.b.click("main form button[type=submit]").await;
    desk.b.wait_for_text("[data-region=contracts]", "年間保守契約").await;
    desk.b.wait_for_text("[data-region=contracts]", "日で終了").await;

    desk.open(&format!("/customers/{id}/inquiries/new")).await;
    desk.b.fill("#f-subject", "納期を早められるか").await;
    desk.b.click("main form button[type=submit]").await;
    desk.b.wait_for_text("[data-region=inquiries]", "納期を早められるか").await;
    desk.b.wait_for_text("#history", "問い合わせ:納期を早められるか").await;
    // Answered: it leaves the card and stays in the history.
    desk.b.click("[data-region=inquiries] a").await;
    desk.b.wait_for_text("h1", "問い合わせ").await;
    desk.b.click(".ph a.btn").await;
    desk.b.wait_for_text("h1", "問い合わせの編集").await;
    desk.b.execute("document.getElementById('f-status').value = 'answered'", vec![]).await;
    desk.b.click("main form button[type=submit]").await;
    desk.b.wait_for_text("#history", "回答済み").await;
    let cards = "document.querySelectorAll('[data-region=inquiries]').length";
    assert_eq!(desk.value(cards).await, "0");
}

async fn a_day_is_corrected(desk: &Desk, id: &str) {
    desk.b.click("[data-region=relations] a").await;
    desk.b.wait_for_text("h1", "担当期間の訂正").await;
    desk.b.execute("document.getElementById('from').value = '2999-01-01'", vec![]).await;
    desk.b.click("main form button[type=submit]").await;
    desk.b.wait_for_text("[role=alert]", "今日より後").await;
    desk.refused(422).await;
    seen(desk, "relation-form").await;
    desk.b.execute("document.getElementById('from').value = '1969-04-01'", vec![]).await;
    desk.b.click("main form button[type=submit]").await;
    desk.b.wait_for_text("[data-region=relations]", "1969/04/01").await;
    let spans = "SELECT valid_to FROM customer_relation WHERE name = '大久保'";
    assert_eq!(desk.t.text(spans).await, "1969-04-01", "who came before ended when the next began: {id}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_reads_and_types_what_stands_around_orders() {
    use musubi::identity::Scope;

    use crate::{
        real::TestDatabase,
        scope::scene::Scene,
        tokens::scene::{Program, client, token},
    };
    for database in TestDatabase::both().await {
        let scene = Scene::with(&database, |config| config.tokens.per_minute = 100_000).await;
        let t = &scene.t;
        let program = Program::new(t, &token(t, &scene.owner.id, &Scope::ALL).await);
        let own = scene.id("own").to_owned();
        let deal = program.get(&format!("/api/v1/deals?customer={own}"), 200).await.body["items"][0].clone();
        let whole = program.get(&format!("/api/v1/deals/{}", deal["id"].as_str().unwrap()), 200).await.body;
        assert_eq!((&whole["name"], &whole["amount"]), (&json!("増産の商談"), &json!(300_000)), "{}", database.name);
        assert_eq!(whole["quotes"][0]["number"], "QT-A1", "{whole}");
        // Prospects: added, listed, converted; the same record afterwards.
        let post = |path: &str| client().post(format!("{}/api/v1{path}", t.url));
        let patch = |path: &str| client().patch(format!("{}/api/v1{path}", t.url));
        let new = json!({"name": "灯台商会", "life_stage": "prospect", "lead_source": "紹介", "lead_date": "2026-10-01",
            "owner": "高梨"});
        let made = program.call(post("/customers").json(&new)).await;
        assert_eq!((made.status, &made.body["life_stage"]), (201, &json!("prospect")), "{}", made.body);
        let id = made.body["id"].as_str().unwrap().to_owned();
        let wrong = program.call(post("/customers").json(&json!({"name": "x", "life_stage": "lead"}))).await;
        assert_eq!((wrong.status, &wrong.body["fields"][0]["code"]), (422, &json!("FMT_VALUE")));
        t.hub().refresher.settle().await;
        let listed = program.get("/api/v1/prospects", 200).await.body;
        assert_eq!((&listed["items"][0]["id"], &listed["items"][0]["lead_source"]), (&json!(id), &json!("紹介")));
        let rest = program.get("/api/v1/customers?life_stage=customer&limit=200", 200).await.body.to_string();
        assert!(!rest.contains(&id) && rest.contains(&own), "{rest}");
        let done = program.call(post(&format!("/customers/{id}/convert"))).await.body;
        assert_eq!(
            (&done["id"], &done["life_stage"], &done["lead_source"]),
            (&json!(id), &json!("customer"), &json!("紹介"))
        );
        assert!(done["converted_at"].is_string(), "{done}");
        // Who looks after it: followed, and corrected.
        let etag = program.ask(&format!("/api/v1/customers/{id}")).await.header("etag").to_owned();
        let change = patch(&format!("/customers/{id}")).header("if-match", etag).json(&json!({"owner": "佐伯"}));
        assert_eq!(program.call(change).await.status, 200);
        let who = program.get(&format!("/api/v1/relations?customer={id}"), 200).await.body["items"].clone();
        assert_eq!((&who[0]["name"], &who[1]["name"], &who[1]["to"]), (&json!("高梨"), &json!("佐伯"), &json!(null)));
        assert_eq!(who[0]["to"], who[1]["from"], "{who}");
        let second = format!("/relations/{}", who[1]["id"].as_str().unwrap());
        let corrected = program.call(patch(&second).json(&json!({"from": "2999-01-01"}))).await;
        assert_eq!((corrected.status, &corrected.body["fields"][0]["code"]), (422, &json!("DATE_FUTURE")));
        let first = format!("/relations/{}", who[0]["id"].as_str().unwrap());
        let corrected = program.call(patch(&first).json(&json!({"from": "2024-04-01", "to": "2025-04-01"}))).await;
        assert_eq!((corrected.status, &corrected.body["to"]), (200, &json!("2025-04-01")), "{}", corrected.body);
        assert_eq!(program.get(&format!("/api/v1{second}"), 200).await.body["from"], "2025-04-01");
        typed(&program, t, &id).await;
        scene.t.stop().await;
    }
}

async fn typed(program: &crate::tokens::scene::Program, t: &crate::hub::TestHub, id: &str) {
    use crate::tokens::scene::client;
    let post = |path: &str| client().post(format!("{}/api/v1{path}", t.url));
    let patch = |path: &str| client().patch(format!("{}/api/v1{path}", t.url));
    let contract =
        json!({"customer_id": id, "number": "K-1", "name": "保守", "start_date": "2026-04-01", "amount": 1_200_000});
    let call = || post("/contracts").header("idempotency-key", "k1").json(&contract);
    let (made, again) = (program.call(call()).await, program.call(call()).await);
    assert_eq!((made.status, again.status, &made.body), (201, 201, &again.body));
    assert_eq!((&made.body["amount"], &made.body["connection_id"]), (&json!(1_200_000), &json!(null)));
    let at = format!("/contracts/{}", made.body["id"].as_str().unwrap());
    let ended = program.call(patch(&at).json(&json!({"status": "ended", "end_date": "2026-09-30"}))).await.body;
    let seen = (&ended["status"], &ended["end_date"], &ended["amount"], &ended["seq"]);
    assert_eq!(seen, (&json!("ended"), &json!("2026-09-30"), &json!(1_200_000), &json!(2)), "{ended}");
    let bad = program.call(patch(&at).json(&json!({"end_date": "2020-01-01"}))).await;
    assert_eq!((bad.status, &bad.body["fields"][0]["field"]), (422, &json!("end_date")), "{}", bad.body);
    let inquiry = json!({"customer_id": id, "received_date": "2026-11-20", "channel": "phone", "subject": "納期"});
    let made = program.call(post("/inquiries").json(&inquiry)).await;
    assert_eq!((made.status, &made.body["status"]), (201, &json!("open")), "{}", made.body);
    let at = format!("/inquiries/{}", made.body["id"].as_str().unwrap());
    let answer = json!({"status": "answered", "answered_at": "2026-11-21T01:00:00Z"});
    let answered = program.call(patch(&at).json(&answer)).await.body;
    assert_eq!((&answered["status"], &answered["answered_at"]), (&json!("answered"), &json!("2026-11-21T01:00:00Z")));
    // A source's own is changed there.
    let theirs =
        program.get("/api/v1/inquiries?limit=1", 200).await.body["items"][0]["id"].as_str().unwrap().to_owned();
    let refused = program.call(patch(&format!("/inquiries/{theirs}")).json(&json!({"status": "closed"}))).await;
    assert_eq!((refused.status, &refused.body["code"]), (409, &json!("NOT_TYPED_HERE")));
}
