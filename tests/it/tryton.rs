//! A real ERP on the other side: Tryton in and out.

mod goods;
mod lock;
mod traps;

use std::{
    os::unix::process::ExitStatusExt,
    time::{Duration, Instant},
};

use musubi::{
    config::Config,
    connection::schedule::Plan,
    master::edit::{self, By, Edit, Values},
    model::view::EVERYTHING,
    store::{self, customer, delivery},
    sync::failpoint,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    cli_ops::Shell,
    console_desk::Desk,
    hub::TestHub,
    process::{self, Process},
    real::{TestDatabase as Database, Tryton, free_port},
};

/// A hub with a Tryton connected and pulled once.
struct Scene {
    t: TestHub,
    tryton: Tryton,
    id: String,
}

impl Scene {
    async fn new(database: &Database, push: &str) -> Self {
        Self::with(database, push, |_| {}).await
    }

    async fn with(database: &Database, push: &str, change: impl FnOnce(&mut Config)) -> Self {
        let tryton = Tryton::fresh().await;
        let settings = json!({"base_url": tryton.url, "database": tryton.database, "key": tryton.key});
        Self::of(tryton, settings, database, push, change).await
    }

    async fn of(
        tryton: Tryton,
        settings: Value,
        database: &Database,
        push: &str,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let t = TestHub::start_with(database, change).await;
        let id = t.connect_with("tryton", settings, Plan::Every(3_600)).await;
        t.synced().await;
        assert_eq!(t.text("SELECT state || COALESCE(cause, '') FROM run").await, "succeeded", "{}", database.name);
        let scene = Self { t, tryton, id };
        scene.push(push).await;
        scene
    }

    async fn push(&self, push: &str) {
        let h = self.t.hub();
        let mut tx = h.db.begin().await.unwrap();
        assert!(store::connection::set_push(&mut tx, &self.id, push, h.clock.now()).await.unwrap());
        tx.commit().await.unwrap();
        h.registry.reload(&h.db, &h.keys).await.unwrap();
    }

    async fn pull(&self) {
        self.t.request(&self.id).await;
        self.t.synced().await;
    }

    /// Waits until nothing is to be told any more.
    async fn told(&self) {
        self.t
            .until("SELECT COUNT(*) FROM delivery WHERE state <> 'delivered' OR leased_by IS NOT NULL", |n| n == 0)
            .await;
    }

    async fn attempts(&self) -> i64 {
        self.t.count("SELECT COUNT(*) FROM attempt").await
    }

    /// A customer of the hub by the party's id.
    async fn customer(&self, party: i64) -> customer::Row {
        let (key, mut tx) = (party.to_string(), self.t.hub().db.begin().await.unwrap());
        let only = std::iter::once(key.as_str());
        let mut known = store::source_record::known(&mut tx, &self.id, "customers", only).await.unwrap();
        let id = known.remove(&key).unwrap().record_id;
        customer::by_ids(&mut tx, std::iter::once(id.as_str())).await.unwrap().remove(&id).unwrap()
    }

    fn by(&self) -> By<'static> {
        By { actor: "佐伯", now: self.t.hub().clock.now(), currency: self.t.hub().engine.currency, view: &EVERYTHING }
    }

    async fn type_in(&self, row: &customer::Row, values: &[(&'static str, &str)]) {
        let values: Values = values.iter().map(|(field, value)| ((*field).to_owned(), (*value).to_owned())).collect();
        let edit = Edit { customer_id: &row.id, seen: edit::Seen::Values(edit::values_of(row)), values, pinned: false };
        let mut tx = self.t.hub().db.begin().await.unwrap();
        edit::edit(&mut tx, edit, self.by()).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn party_as_hub(&self, id: i64, fields: &str) -> Value {
        let (status, there) =
            self.tryton.as_hub(Method::GET, &format!("party.party/{id}?{fields}"), &Value::Null).await;
        assert_eq!(status, 200, "{there}");
        there
    }

    async fn party(&self, id: i64, fields: &[&str]) -> Value {
        self.tryton.read("party.party", id, fields).await
    }
}

/// A party with a telephone number, a mail address and an address, as the hub reads it.
async fn a_party(s: &Scene) -> i64 {
    let made = s.tryton.create(
        "party.party",
        json!({
            "name": "灯台商会", "addresses": [["create", [{"street": "港1-2", "city": "下田市", "invoice": true}]]],
            "contact_mechanisms": [["create", [{"type": "phone", "value": "0558-00-0001"}]]],
        }),
    );
    let id = made.await;
    s.pull().await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_edited_here_is_corrected_there_and_does_not_echo() {
    for database in Database::both().await {
        let s = Scene::new(&database, delivery::CHANGES).await;
        let party = a_party(&s).await;
        s.told().await;
        assert_eq!(s.attempts().await, 0, "{}: what came from there is not sent back", database.name);
        let empty = tempfile::tempdir().unwrap();
        let shell = Shell { folder: empty.path(), url: &database.url };
        assert_eq!(shell.json(&["connection", "deliveries", &s.id]), json!([]));
        shell.run(&["connection", "push", &s.id, "changes"], 0);
        let row = s.customer(party).await;
        s.type_in(
            &row,
            &[("name", "灯台商会ホールディングス"), ("phone", "0558-00-0002"), ("mail", "info@todai.example")],
        )
        .await;
        s.told().await;
        let path = format!("party.party/{party}?f=name&f=contact_mechanisms.type&f=contact_mechanisms.value");
        let (_, there) = s.tryton.as_hub(Method::GET, &path, &Value::Null).await;
        assert_eq!(there["name"], "灯台商会ホールディングス", "{}", database.name);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let ways = there["contact_mechanisms"].as_array().unwrap().iter();
        let mut ways: Vec<(String, String)> = ways.map(|way| (text(&way["type"]), text(&way["value"]))).collect();
        ways.sort();
        let expected = [("email", "info@todai.example"), ("phone", "0558-00-0002")];
        assert_eq!(ways, expected.map(|(kind, value)| (kind.to_owned(), value.to_owned())), "{}", database.name);
        assert_eq!(s.attempts().await, 1);
        // The change comes back with the next pull and is no news to anybody.
        let before = s.customer(party).await.seq;
        s.pull().await;
        s.told().await;
        assert_eq!((s.attempts().await, s.customer(party).await.seq), (1, before), "{}", database.name);
        assert_eq!(s.t.count("SELECT COUNT(*) FROM customer_value").await, 0, "the source says the same by now");
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_party_that_the_hub_made_is_known_when_a_pull_sees_it_first() {
    for database in Database::both().await {
        let s = Scene::new(&database, delivery::OFF).await;
        let mut tx = s.t.hub().db.begin().await.unwrap();
        let id =
            edit::create(&mut tx, Values::from([("name".to_owned(), "岬製作所".to_owned())]), s.by()).await.unwrap();
        tx.commit().await.unwrap();
        // As after a push whose answer was lost; and the party was copied there.
        let ours = json!([["create", [{"type": null, "code": id}]]]);
        let party = s.tryton.create("party.party", json!({"name": "岬製作所", "identifiers": ours})).await;
        let copied = s.tryton.create("party.party", json!({"name": "岬製作所 写し", "identifiers": ours})).await;
        s.pull().await;
        assert_eq!(s.customer(party).await.id, id, "{}", database.name);
        assert_ne!(s.customer(copied).await.id, id, "{}: a copy is another customer", database.name);
        assert_eq!(s.t.count("SELECT COUNT(*) FROM customer WHERE name LIKE '岬製作所%'").await, 2);
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_change_the_same_party_lose_nothing_unseen() {
    for database in Database::both().await {
        let s = Scene::new(&database, delivery::CHANGES).await;
        let party = a_party(&s).await;
        let row = s.customer(party).await;
        // Somebody changes the name there; the hub does not know yet and changes name and mail here.
        s.tryton.call("model.party.party.write", json!([[party], {"name": "灯台商会(新)"}])).await;
        s.type_in(&row, &[("name", "灯台商会(旧)"), ("mail", "info@todai.example")]).await;
        s.told().await;
        assert_eq!(s.t.count("SELECT COUNT(*) FROM attempt WHERE outcome = 'overtaken'").await, 1, "{}", database.name);
        // Their newer word on the name stands on both sides, our mail address too.
        assert_eq!(s.party(party, &["name"]).await["name"], "灯台商会(新)", "{}", database.name);
        let here = s.customer(party).await;
        assert_eq!((here.name.as_str(), here.mail.as_deref()), ("灯台商会(新)", Some("info@todai.example")));
        let (status, there) = s
            .tryton
            .as_hub(Method::GET, &format!("party.party/{party}?f=contact_mechanisms.value"), &Value::Null)
            .await;
        assert!(status == 200 && there.to_string().contains("info@todai.example"), "{there}");
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pinned_value_is_brought_back_when_somebody_changes_it_there() {
    for database in Database::both().await {
        let s = Scene::new(&database, delivery::CHANGES).await;
        let party = a_party(&s).await;
        let row = s.customer(party).await;
        let values = Values::from([("name".to_owned(), "灯台商会本店".to_owned())]);
        let edit = Edit { customer_id: &row.id, seen: edit::Seen::Values(edit::values_of(&row)), values, pinned: true };
        let mut tx = s.t.hub().db.begin().await.unwrap();
        edit::edit(&mut tx, edit, s.by()).await.unwrap();
        tx.commit().await.unwrap();
        s.told().await;
        s.tryton.edit("party.party", party, json!({"name": "灯台商会支店"})).await;
        s.pull().await;
        s.told().await;
        assert_eq!(s.party(party, &["name"]).await["name"], "灯台商会本店", "{}", database.name);
        assert_eq!(s.customer(party).await.name, "灯台商会本店");
        assert_eq!(s.attempts().await, 2);
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_party_keeps_its_name_and_takes_the_rest() {
    for database in Database::both().await {
        let s = Scene::new(&database, delivery::CHANGES).await;
        let party = a_party(&s).await;
        s.tryton.edit("party.party", party, json!({"active": false})).await;
        s.pull().await;
        let row = s.customer(party).await;
        s.type_in(&row, &[("name", "灯台商会(休)"), ("phone", "0558-00-0002")]).await;
        s.t.until("SELECT COUNT(*) FROM delivery WHERE state = 'dead' AND cause = 'PUSH_CLOSED'", |n| n == 1).await;
        let ways = || s.party_as_hub(party, "f=name&f=contact_mechanisms.value");
        let there = ways().await;
        assert_eq!(
            (&there["name"], &there["contact_mechanisms"][0]["value"]),
            (&json!("灯台商会"), &json!("0558-00-0002"))
        );
        s.tryton.edit("party.party", party, json!({"active": true})).await;
        let (mut tx, now) = (s.t.hub().db.begin().await.unwrap(), s.t.hub().clock.now());
        assert_eq!(delivery::retry(&mut tx, &s.id, &[row.id.as_str()], now).await.unwrap(), 1);
        tx.commit().await.unwrap();
        s.told().await;
        assert_eq!(ways().await["name"], "灯台商会(休)", "{}", database.name);
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_switches_writing_on_and_sends_again_what_stopped() {
    let database = Database::sqlite().await;
    let s = Scene::new(&database, delivery::OFF).await;
    let party = a_party(&s).await;
    let Scene { t, tryton, id } = s;
    let desk = Desk::at(t, database).await;
    desk.open(&format!("/connections/{id}?tab=push")).await;
    desk.b.click("input[name=push][value=changes]").await;
    desk.b.click("form[action$='/push'] button").await;
    desk.b.wait_for_text("main [role=status]", "保存しました").await;
    let Desk { t, b, database } = desk;
    let s = Scene { t, tryton, id };
    // A party that went there while nobody looked: its delivery stops and says so.
    let row = s.customer(party).await;
    s.tryton.delete("party.party", party).await;
    s.type_in(&row, &[("phone", "0558-00-0009")]).await;
    s.t.until("SELECT COUNT(*) FROM delivery WHERE state = 'dead' AND cause = 'PUSH_GONE'", |n| n == 1).await;
    let Scene { t, id, .. } = s;
    let desk = Desk { t, b, database };
    desk.open(&format!("/connections/{id}?tab=push")).await;
    desk.b.wait_for_text("[data-region=deliveries]", "灯台商会").await;
    desk.b.wait_for_text("[data-region=deliveries]", "連携先に見つからない").await;
    desk.looks("connection-push").await;
    desk.b.click("form[action$='/push/retry'] button").await;
    desk.b.wait_for_text("main [role=status]", "もう一度送ります").await;
    desk.t.until("SELECT COUNT(*) FROM attempt WHERE outcome = 'failed'", |n| n == 2).await;
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_becomes_history_with_its_invoice() {
    for database in Database::both().await {
        let s = Scene::new(&database, delivery::OFF).await;
        let sale = s.tryton.find("sale.sale", json!([["state", "=", "quotation"]])).await[0];
        s.pull().await;
        let (orders, invoices) =
            ("SELECT COUNT(*) FROM sales_order WHERE deleted_at IS NULL", "SELECT COUNT(*) FROM invoice");
        let before = (s.t.count(orders).await, s.t.count(invoices).await);
        s.tryton.press("sale.sale", sale, "confirm").await;
        let sold = s.tryton.read("sale.sale", sale, &["invoices", "number", "party"]).await;
        let invoice = sold["invoices"][0].as_i64().unwrap();
        s.tryton.press("account.invoice", invoice, "post").await;
        s.pull().await;
        assert_eq!(
            (s.t.count(orders).await, s.t.count(invoices).await),
            (before.0 + 1, before.1 + 1),
            "{}",
            database.name
        );
        let billed = s.tryton.read("account.invoice", invoice, &["number"]).await;
        let mut tx = s.t.hub().db.begin().await.unwrap();
        let row: (String, String, i64, i64, i64) = store::sql(
            "SELECT o.customer_id, i.customer_id, o.total_minor, i.total_minor, i.tax_minor FROM sales_order o, invoice i
             WHERE o.number = $1 AND i.number = $2")
            .bind(sold["number"].as_str().unwrap()).bind(billed["number"].as_str().unwrap()).one(&mut tx).await.unwrap();
        tx.rollback().await.unwrap();
        let customer = s.customer(sold["party"].as_i64().unwrap()).await;
        assert_eq!(row, (customer.id.clone(), customer.id.clone(), 162_800, 162_800, 14_800), "{}", database.name);
        s.t.stop().await;
    }
}

/// The hub as a process of its own that may be ended, on the database of a scene that is over.
async fn serve(database: &Database, folder: &std::path::Path, variables: &[(&str, &str)]) -> Process {
    let mut process = Process::start(&process::Plan {
        database: &database.url,
        port: free_port(),
        connectors: &folder.join("none"),
        folder,
        variables,
        wrap: &[],
    });
    if variables.is_empty() {
        process.ready().await;
    }
    process
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_at_every_point_of_a_push_it_is_done_once() {
    for database in Database::both().await {
        let s = Scene::new(&database, delivery::ALL).await;
        let party = a_party(&s).await;
        s.told().await;
        let edited = s.customer(party).await;
        let Scene { t, tryton, .. } = s;
        let (clock, currency) = (t.hub().clock.clone(), t.hub().engine.currency);
        t.stop().await;
        let folder = tempfile::tempdir().unwrap();
        for (n, point) in failpoint::PUSH_POINTS.into_iter().enumerate() {
            let (name, phone) = (format!("岬製作所{n}"), format!("0558-00-100{n}"));
            let by = By { actor: "佐伯", now: clock.now(), currency, view: &EVERYTHING };
            let mut tx = database.db.begin().await.unwrap();
            edit::create(&mut tx, Values::from([("name".to_owned(), name.clone())]), by).await.unwrap();
            let row = customer::by_ids(&mut tx, std::iter::once(edited.id.as_str())).await.unwrap().remove(&edited.id);
            let row = row.unwrap();
            let values = Values::from([("phone".to_owned(), phone.clone())]);
            let typed =
                Edit { customer_id: &row.id, seen: edit::Seen::Values(edit::values_of(&row)), values, pinned: false };
            edit::edit(&mut tx, typed, by).await.unwrap();
            tx.commit().await.unwrap();

            let armed = serve(&database, folder.path(), &[("MUSUBI_FAILPOINT", point)]).await.gone().await;
            assert_eq!(armed.signal(), Some(6), "{} {point}: {armed}", database.name);
            let process = serve(&database, folder.path(), &[]).await;
            let open = "SELECT COUNT(*) FROM delivery WHERE state <> 'delivered' OR leased_by IS NOT NULL";
            until(&database, open, |n| n == 0).await;
            process.kill().await;

            let made = tryton.find("party.party", json!([["name", "=", name]])).await;
            assert_eq!(made.len(), 1, "{} {point}: one party for one customer", database.name);
            let path = format!("party.party/{party}?f=contact_mechanisms.value");
            let (_, there) = tryton.as_hub(Method::GET, &path, &Value::Null).await;
            let ways = there["contact_mechanisms"].as_array().unwrap();
            assert_eq!(
                ways.iter().map(|way| &way["value"]).collect::<Vec<_>>(),
                [&json!(phone)],
                "{} {point}",
                database.name
            );
        }
        let linked = "SELECT COUNT(DISTINCT record_id) FROM source_record WHERE stream = 'customers' AND record_id IN
                        (SELECT id FROM customer WHERE name LIKE '岬製作所%')";
        assert_eq!(store::sql(linked).one::<(i64,)>(&database.db).await.unwrap().0, 4, "{}", database.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_while_an_older_value_is_underway_stands() {
    for database in Database::both().await {
        let s = Scene::new(&database, delivery::CHANGES).await;
        let party = a_party(&s).await;
        s.told().await;
        let edited = s.customer(party).await.id;
        let Scene { t, tryton, .. } = s;
        let by = By { actor: "佐伯", now: t.hub().clock.now(), currency: t.hub().engine.currency, view: &EVERYTHING };
        t.stop().await;
        let folder = tempfile::tempdir().unwrap();
        // The last one types back what stood there before the older value.
        for (n, point) in failpoint::PUSH_POINTS.into_iter().enumerate() {
            let before = type_phone(&database, &edited, &format!("0558-00-200{n}"), by).await;
            serve(&database, folder.path(), &[("MUSUBI_FAILPOINT", point)]).await.gone().await;
            let phone = if n % 2 == 0 { format!("0558-00-300{n}") } else { before };
            type_phone(&database, &edited, &phone, by).await;
            let process = serve(&database, folder.path(), &[]).await;
            let open = "SELECT COUNT(*) FROM delivery WHERE state <> 'delivered' OR leased_by IS NOT NULL";
            until(&database, open, |n| n == 0).await;
            let mut tx = database.db.begin().await.unwrap();
            let id = store::sql("SELECT id FROM connection").one::<(String,)>(&mut tx).await.unwrap().0;
            store::connection::request(&mut tx, &id, "test", by.now).await.unwrap();
            tx.commit().await.unwrap();
            until(&database, "SELECT COUNT(*) FROM connection WHERE requested_by IS NOT NULL", |n| n == 0).await;
            until(&database, open, |n| n == 0).await;
            process.kill().await;
            let path = format!("party.party/{party}?f=contact_mechanisms.value");
            let (_, there) = tryton.as_hub(Method::GET, &path, &Value::Null).await;
            assert_eq!(there["contact_mechanisms"][0]["value"], phone, "{} {point}", database.name);
            let here = "SELECT phone FROM customer WHERE id = $1";
            let here: (String,) = store::sql(here).bind(edited.as_str()).one(&database.db).await.unwrap();
            assert_eq!(here.0, phone, "{} {point}", database.name);
        }
    }
}

/// Types a telephone number; returns the one that stood there.
async fn type_phone(database: &Database, customer: &str, phone: &str, by: By<'static>) -> String {
    let by = By { now: musubi::clock::Clock::System.now(), ..by };
    let mut tx = database.db.begin().await.unwrap();
    let row = customer::by_ids(&mut tx, std::iter::once(customer)).await.unwrap().remove(customer).unwrap();
    let values = Values::from([("phone".to_owned(), phone.to_owned())]);
    let typed = Edit { customer_id: customer, seen: edit::Seen::Values(edit::values_of(&row)), values, pinned: false };
    edit::edit(&mut tx, typed, by).await.unwrap();
    tx.commit().await.unwrap();
    row.phone.unwrap_or_default()
}

async fn until(database: &Database, statement: &'static str, wanted: impl Fn(i64) -> bool) {
    let start = Instant::now();
    loop {
        let n = store::sql(statement).one::<(i64,)>(&database.db).await.unwrap().0;
        if wanted(n) {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{statement} stays at {n}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
