//! The golden record: fields of the administrator, changes by programs, why a value is here, what was, and rules.

use musubi::{
    identity::{Role, Scope},
    master::{
        custom_fields::{self, Draft},
        rules::{self, RulesError},
    },
    matching::survivorship::{Group, Rule, Rules, Then},
    model::{
        Timestamp,
        custom::{Choice, CustomKind},
        view::EVERYTHING,
    },
};
use serde_json::{Value, json};

use crate::{
    hub::TestHub,
    real::TestDatabase as Database,
    sender::{SECRET, Sender, at},
    tokens::scene::{Program, service, token},
};

mod pages;

const CUSTOMER: &str = "SELECT MIN(id) FROM customer";

/// A hub with a generic webhook, and a program that reads and writes customers.
struct Scene {
    t: TestHub,
    program: Program,
    sender: Sender,
}

impl Scene {
    async fn new(database: &Database) -> Self {
        let t = TestHub::start(database).await;
        let sender = source(&t).await;
        let owner = service(&t, "基幹連携", Role::Steward).await;
        let secret = token(&t, &owner, &[Scope::CustomersRead, Scope::CustomersWrite]).await;
        let program = Program::new(&t, &secret);
        Self { t, program, sender }
    }

    async fn say(&self, minute: u32, more: Value) {
        told(&self.t, &self.sender, minute, more).await;
    }

    async fn path(&self) -> String {
        format!("/api/v1/customers/{}", self.t.text(CUSTOMER).await)
    }
}

async fn source(t: &TestHub) -> Sender {
    let id = t.connect("webhook", json!({"webhook_secret": SECRET})).await;
    Sender::generic(&t.url, &id)
}

/// Customer `c` as its source has it at a minute.
async fn told(t: &TestHub, sender: &Sender, minute: u32, more: Value) {
    let mut data = json!({"id": "c", "name": "朝凪電装", "corporate_number": NUMBER, "updated_at": at(minute)});
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    sender.accepted(&format!("m{minute}"), &json!({"type": "customer.changed", "data": data})).await;
    t.inbox_empty().await;
}

/// Registry prefix 0099 with its check digit.
const NUMBER: &str = "5009901000127";

fn by(t: &TestHub) -> custom_fields::By<'static> {
    custom_fields::By { actor: "高梨", now: t.hub().clock.now() }
}

fn choice(key: &str, ja: &str) -> Choice {
    Choice { key: key.into(), ja: ja.into(), en: String::new(), retired: false }
}

async fn define(t: &TestHub, key: &str, kind: CustomKind, choices: Vec<Choice>) {
    let draft = Draft { label_ja: format!("項目 {key}"), choices, ..Draft::default() };
    let mut tx = t.hub().db.begin().await.unwrap();
    custom_fields::define(&mut tx, key, kind, draft, by(t)).await.unwrap();
    tx.commit().await.unwrap();
    computed(t).await;
}

/// Waits until golden values were made again.
async fn computed(t: &TestHub) {
    t.until("SELECT COUNT(*) FROM recompute WHERE state = 'running'", |n| n == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_value_of_a_custom_field_is_a_warning_and_never_a_failure() {
    for database in Database::both().await {
        let s = Scene::new(&database).await;
        define(&s.t, "grade", CustomKind::Choice, vec![choice("a", "Ａ級"), choice("b", "Ｂ級")]).await;
        define(&s.t, "since", CustomKind::Date, vec![]).await;
        define(&s.t, "budget", CustomKind::Money, vec![]).await;
        s.say(1, json!({"custom": {"grade": "A級", "since": "令和8年4月1日", "budget": "沢山", "region": "西"}})).await;
        assert_eq!(s.t.count("SELECT COUNT(*) FROM failure").await, 0, "{}", database.name);
        let path = s.path().await;
        let read = s.program.get(&path, 200).await.body;
        assert_eq!(read["custom"], json!({"grade": "a", "since": "2026-04-01", "budget": null}));
        let warned: Vec<[&Value; 3]> =
            read["warnings"].as_array().unwrap().iter().map(|w| [&w["field"], &w["value"], &w["code"]]).collect();
        let warned = json!(warned);
        let expected = json!([["custom.budget", "沢山", "FMT_NUMBER"], ["custom.region", "西", "FIELD_UNKNOWN"]]);
        assert_eq!(warned, expected);
        // Whoever defines the field later has what was said before.
        define(&s.t, "region", CustomKind::Text, vec![]).await;
        let read = s.program.get(&path, 200).await.body;
        assert_eq!((&read["custom"]["region"], read["warnings"].as_array().unwrap().len()), (&json!("西"), 1));
        // It is put right in the source, and a person's value stands above it.
        s.say(2, json!({"custom": {"grade": "b", "budget": "1,200"}})).await;
        let read = s.program.get(&path, 200).await.body;
        assert_eq!(read["custom"], json!({"grade": "b", "since": null, "budget": "1200", "region": null}));
        assert_eq!(read["warnings"], json!([]));
        retired(&s, &path).await;
        s.t.stop().await;
    }
}

/// Values of a field that is retired stay, and come back with it.
async fn retired(s: &Scene, path: &str) {
    for (retired, seq) in [(true, 1), (false, 2)] {
        let mut tx = s.t.hub().db.begin().await.unwrap();
        custom_fields::retire(&mut tx, "grade", seq, retired, by(&s.t)).await.unwrap();
        tx.commit().await.unwrap();
        computed(&s.t).await;
        let read = s.program.get(path, 200).await.body;
        assert_eq!(read["custom"].get("grade").is_some(), !retired);
        assert_eq!(s.t.count("SELECT COUNT(*) FROM customer WHERE custom LIKE '%\"grade\":\"b\"%'").await, 1);
        let listed = s.program.get("/api/v1/custom-fields", 200).await.body;
        let grade = listed["items"].as_array().unwrap().iter().find(|one| one["key"] == "grade").unwrap();
        assert_eq!((&grade["retired"], &grade["kind"]), (&json!(retired), &json!("choice")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_changes_a_customer_on_the_version_it_read() {
    for database in Database::both().await {
        let s = Scene::new(&database).await;
        define(&s.t, "vip", CustomKind::Flag, vec![]).await;
        s.say(1, json!({"phone": "053-1"})).await;
        let path = s.path().await;
        let read = s.program.get(&path, 200).await;
        let tag = read.header("etag").to_owned();
        assert_eq!(tag, format!("\"{}\"", read.body["version"]));
        let change = json!({"phone": "053-2", "mail": "info@asanagi.example", "custom": {"vip": true}});
        let patch = |headers: Vec<(&'static str, String)>, body: Value| {
            let (program, path) = (&s.program, path.clone());
            async move {
                let headers: Vec<(&'static str, &str)> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
                program.send("PATCH", &path, &headers, &body).await
            }
        };
        let missing = patch(vec![], change.clone()).await;
        assert_eq!((missing.status, &missing.body["code"]), (428, &json!("IF_MATCH_REQUIRED")), "{}", database.name);
        let wrong =
            patch(vec![("if-match", tag.clone())], json!({"mail": "?", "custom": {"vip": "so", "no": 1}})).await;
        assert_eq!((wrong.status, &wrong.body["code"]), (422, &json!("VALUES_INVALID")));
        let fields: Vec<&Value> = wrong.body["fields"].as_array().unwrap().iter().map(|f| &f["field"]).collect();
        assert_eq!(json!(fields), json!(["custom.no", "custom.vip", "mail"]));
        let done = patch(vec![("if-match", tag.clone())], change.clone()).await;
        assert_eq!((done.status, &done.body["phone"]), (200, &json!("053-2")), "{}", done.body);
        assert_eq!((&done.body["custom"]["vip"], &done.body["mail"]), (&json!(true), &json!("info@asanagi.example")));
        let stale = patch(vec![("if-match", tag)], json!({"phone": "053-3"})).await;
        assert_eq!((stale.status, &stale.body["code"]), (412, &json!("VERSION_STALE")));
        assert_eq!(s.program.get(&path, 200).await.body["phone"], "053-2");
        // The next one is made on the new version; null says that there is none.
        let next = patch(vec![("if-match", done.header("etag").to_owned())], json!({"phone": null})).await;
        assert_eq!((next.status, &next.body["phone"]), (200, &Value::Null));
        let trail = "SELECT COUNT(*) FROM audit WHERE action = 'customer.edit' AND detail LIKE '%\"token\":\"tok_%'";
        assert_eq!(s.t.count(trail).await, 2);
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_sent_twice_adds_one_customer() {
    for database in Database::both().await {
        let s = Scene::new(&database).await;
        let post = |key: &'static str, name: &'static str| {
            let program = &s.program;
            async move {
                program.send("POST", "/api/v1/customers", &[("idempotency-key", key)], &json!({"name": name})).await
            }
        };
        let first = post("k1", "灯台商会").await;
        assert_eq!((first.status, &first.body["version"]), (201, &json!(1)), "{}: {}", database.name, first.body);
        assert_eq!(first.header("etag"), "\"1\"");
        let place = first.header("location").to_owned();
        assert_eq!(s.program.get(&place, 200).await.body["name"], "灯台商会");
        let again = post("k1", "灯台商会").await;
        assert_eq!((again.status, again.header("location")), (201, place.as_str()));
        assert_eq!((again.header("idempotency-replayed"), &again.body), ("true", &first.body));
        let other = post("k1", "岬製作所").await;
        assert_eq!((other.status, &other.body["code"]), (409, &json!("IDEMPOTENCY_KEY_USED")));
        // A request that was refused has used up nothing.
        let refused = post("k2", "").await;
        assert_eq!((refused.status, &refused.body["fields"][0]), (422, &json!({"field": "name", "code": "REQ_EMPTY"})));
        assert_eq!(post("k2", "岬製作所").await.status, 201);
        assert_eq!(s.t.count("SELECT COUNT(*) FROM customer").await, 2);
        // At the same time: one of them adds, the other gets its answer.
        let (a, b) = tokio::join!(post("k3", "波止場運送"), post("k3", "波止場運送"));
        assert_eq!((a.status, b.status, a.header("location")), (201, 201, b.header("location")));
        assert_eq!(s.t.count("SELECT COUNT(*) FROM customer").await, 3);
        let reader = token(&s.t, &service(&s.t, "分析", Role::Steward).await, &[Scope::CustomersRead]).await;
        let reader = Program::new(&s.t, &reader);
        let denied = reader.send("POST", "/api/v1/customers", &[], &json!({"name": "x"})).await;
        assert_eq!((denied.status, &denied.body["code"]), (403, &json!("SCOPE_MISSING")));
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_tells_where_it_comes_from_and_what_was_before() {
    for database in Database::both().await {
        let s = Scene::new(&database).await;
        let other = source(&s.t).await;
        s.say(1, json!({"phone": "053-1"})).await;
        told(&s.t, &other, 2, json!({"phone": "053-2"})).await;
        assert_eq!(s.t.count("SELECT COUNT(*) FROM customer").await, 1, "{}", database.name);
        let path = s.path().await;
        let phone = s.program.get(&format!("{path}/provenance/phone"), 200).await.body;
        assert_eq!((&phone["value"], &phone["why"]), (&json!("053-2"), &json!("newest")), "{phone}");
        let offers: Vec<[&Value; 2]> =
            phone["offers"].as_array().unwrap().iter().map(|o| [&o["value"], &o["stands"]]).collect();
        assert_eq!(json!(offers), json!([["053-2", true], ["053-1", false]]));
        let history: Vec<&Value> = phone["history"].as_array().unwrap().iter().map(|h| &h["value"]).collect();
        assert_eq!(json!(history), json!(["053-2", "053-1"]));
        assert_eq!(s.program.get(&format!("{path}/sources"), 200).await.body["items"].as_array().unwrap().len(), 2);
        let all = s.program.get(&format!("{path}/provenance"), 200).await.body;
        let names: Vec<&Value> = all["items"].as_array().unwrap().iter().map(|i| &i["field"]).collect();
        assert_eq!(json!(names), json!(["name", "corporate_number", "phone"]));
        assert_eq!(s.program.get(&format!("{path}/provenance/colour"), 404).await.body["code"], "NOT_FOUND");
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_read_as_the_hub_knew_it_at_a_time() {
    for database in Database::both().await {
        let s = Scene::new(&database).await;
        define(&s.t, "grade", CustomKind::Text, vec![]).await;
        s.say(1, json!({"phone": "053-1", "custom": {"grade": "x"}})).await;
        let order = json!({"id": "o1", "customer": "c", "number": "SO-1", "order_date": "2026-01-05", "total": "1200",
            "updated_at": at(2), "lines": []});
        s.sender.accepted("o1", &json!({"type": "order.changed", "data": order})).await;
        s.t.inbox_empty().await;
        let then = s.t.count("SELECT MAX(valid_from) FROM version").await;
        s.say(3, json!({"phone": "053-9", "custom": {"grade": "y"}})).await;
        let late = json!({"id": "o2", "customer": "c", "number": "SO-0", "order_date": "2025-12-01", "total": "9",
            "updated_at": at(4), "lines": []});
        s.sender.accepted("o2", &json!({"type": "order.changed", "data": late})).await;
        s.t.inbox_empty().await;
        let path = s.path().await;
        let at = |micros: i64| format!("{path}?at={}", Timestamp(micros).rfc3339());
        let past = s.program.get(&at(then), 200).await.body;
        assert_eq!((&past["phone"], &past["custom"]), (&json!("053-1"), &json!({"grade": "x"})), "{}", database.name);
        // What arrived later is not there, though its date is older.
        let numbers: Vec<&Value> = past["documents"].as_array().unwrap().iter().map(|d| &d["number"]).collect();
        assert_eq!((json!(numbers), &past["counts"]["orders"]), (json!(["SO-1"]), &json!(1)));
        assert_eq!(
            (&past["documents"][0]["total"], &past["documents"][0]["date"]),
            (&json!(1200), &json!("2026-01-05"))
        );
        let now = s.program.get(&at(s.t.hub().clock.now().0), 200).await.body;
        assert_eq!((&now["phone"], &now["counts"]["orders"]), (&json!("053-9"), &json!(2)));
        assert_eq!(s.program.get(&format!("{path}?at=2001-01-01"), 404).await.body["code"], "NOT_FOUND");
        assert_eq!(s.program.get(&format!("{path}?at=gestern"), 422).await.body["code"], "AT_INVALID");
        assert_eq!(s.program.get(&format!("{path}?at=2999-01-01"), 422).await.body["code"], "AT_FUTURE");
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_tried_put_in_force_and_taken_back() {
    for database in Database::both().await {
        let s = Scene::new(&database).await;
        let other = source(&s.t).await;
        s.say(1, json!({"phone": "053-000-0001", "address": "浜松市中央区"})).await;
        told(&s.t, &other, 2, json!({"phone": "053-2", "address": "浜松市"})).await;
        let h = s.t.hub();
        let mut wanted = Rules::default();
        wanted.set(Group::Contact, Rule { order: vec![], then: Then::Longest });
        let preview = rules::preview(&h.db, &wanted, h.currency, &EVERYTHING).await.unwrap();
        assert_eq!((preview.looked_at, preview.customers), (1, 1), "{}", database.name);
        let example = &preview.examples[0];
        assert_eq!((example.before.as_deref(), example.after.as_deref()), (Some("053-2"), Some("053-000-0001")));
        let phone = "SELECT phone || ' ' || address FROM customer";
        assert_eq!(s.t.text(phone).await, "053-2 浜松市", "a preview changes nothing");
        let put = |seen: i64, rules: Rules| async move {
            let mut tx = h.db.begin().await.unwrap();
            let done = rules::put(&mut tx, seen, &rules, "高梨", h.clock.now()).await;
            tx.commit().await.unwrap();
            done
        };
        assert_eq!(put(0, wanted.clone()).await.unwrap(), [Group::Contact]);
        computed(&s.t).await;
        assert_eq!(s.t.text(phone).await, "053-000-0001 浜松市");
        let last = "SELECT actor || ' ' || reason FROM version WHERE valid_to IS NULL AND record_id LIKE 'cus%'";
        assert_eq!(s.t.text(last).await, "高梨 rules");
        assert_eq!(s.t.text("SELECT provenance FROM customer").await.matches("longest").count(), 1);
        // Who saw the rules of before does not overwrite these; the same rules again do nothing.
        assert!(matches!(put(0, Rules::default()).await, Err(RulesError::Overtaken)));
        assert_eq!(put(1, wanted).await.unwrap(), []);
        let mut tx = h.db.begin().await.unwrap();
        assert_eq!(rules::restore(&mut tx, 1, 0, "高梨", h.clock.now()).await.unwrap(), [Group::Contact]);
        tx.commit().await.unwrap();
        computed(&s.t).await;
        assert_eq!(s.t.text(phone).await, "053-2 浜松市");
        assert_eq!(rules::history(&h.db, 9).await.unwrap().len(), 2);
        s.t.stop().await;
    }
}

/// Every customer is computed once, however the work is cut by restarts; nothing is done that changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn making_again_goes_on_after_a_restart() {
    for database in Database::both().await {
        let t = TestHub::start(&database).await;
        let sender = source(&t).await;
        for n in 0..230 {
            let data =
                json!({"id": format!("c{n}"), "name": format!("見本{n}"), "updated_at": at(1), "custom": {"n": n}});
            sender.accepted(&format!("d{n}"), &json!({"type": "customer.changed", "data": data})).await;
        }
        t.inbox_empty().await;
        let mut tx = t.hub().db.begin().await.unwrap();
        let draft = Draft { label_ja: "番".into(), ..Draft::default() };
        custom_fields::define(&mut tx, "n", CustomKind::Number, draft, by(&t)).await.unwrap();
        tx.commit().await.unwrap();
        t.stop().await;
        let t = TestHub::start(&database).await;
        computed(&t).await;
        let job = "SELECT CAST(total AS TEXT) || ' ' || done || ' ' || changed FROM recompute";
        assert_eq!(t.text(job).await, "230 230 230", "{}", database.name);
        assert_eq!(t.count("SELECT COUNT(*) FROM customer WHERE custom LIKE '%\"n\":%'").await, 230);
        assert_eq!(t.count("SELECT COUNT(*) FROM version WHERE record_id LIKE 'cus%'").await, 460);
        t.stop().await;
    }
}
