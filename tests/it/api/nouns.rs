//! Every noun as programs read it: whole for who sees everything, and not a word more for who does not.

use std::{collections::BTreeSet, process::Command};

use musubi::{
    config::Config,
    identity::{Role, Scope},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::operations;
use crate::{
    real::TestDatabase,
    scope::scene::{OUTSIDE, PERSONAL, Scene, TERMS, limited},
    tokens::scene::{Answer, Program, client, token},
};

/// A list to its end, in pages of this size.
pub async fn walk(program: &Program, path: &str, limit: usize) -> Vec<Value> {
    let mut items = Vec::new();
    let mut cursor = String::new();
    loop {
        let join = if path.contains('?') { '&' } else { '?' };
        let page = program.get(&format!("/api/v1{path}{join}limit={limit}{cursor}"), 200).await.body;
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

/// Tokens may call as often as these tests do.
fn busy(config: &mut Config) {
    config.tokens.per_minute = 1_000_000;
}

/// Addresses of lists, and of single records below them.
fn lists() -> Vec<(String, Option<String>)> {
    let all = operations();
    let plain = all.iter().filter(|(method, path, operation)| {
        method == "get"
            && path != "/custom-fields"
            && !path.contains('{')
            && operation["responses"]["200"].to_string().contains("Page_")
    });
    let single = |path: &str| {
        let below =
            |at: &&String| at.strip_prefix(path).is_some_and(|rest| rest.starts_with("/{") && rest.ends_with('}'));
        all.iter().filter(|(method, ..)| method == "get").map(|(_, at, _)| at).find(below).cloned()
    };
    plain.map(|(_, path, _)| (path.clone(), single(path))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_and_every_record_of_it_is_read_whole() {
    for database in TestDatabase::both().await {
        let scene = Scene::with(&database, busy).await;
        let t = &scene.t;
        let secret = token(t, &scene.owner.id, &Scope::ALL).await;
        let program = Program::new(t, &secret);
        let mut filled = BTreeSet::new();
        for (list, single) in lists() {
            // The trail grows by being read.
            let whole = if list == "/audit" { Vec::new() } else { walk(&program, &list, 200).await };
            if list != "/audit" {
                assert_eq!(walk(&program, &list, 1).await, whole, "{list}: page by page");
            }
            let page = program.get(&format!("/api/v1{list}?limit=5"), 200).await.body;
            let Some(first) = page["items"].as_array().unwrap().first() else { continue };
            filled.insert(list.clone());
            let Some(single) = single else { continue };
            let key = first["id"].as_str().or(first["name"].as_str()).unwrap();
            let address = format!("/api/v1{}/{key}", single.rsplit_once('/').unwrap().0);
            let one = program.get(&address, 200).await;
            for (name, value) in first.as_object().unwrap().iter().filter(|_| list != "/customers") {
                let same = one.body.get(name).is_none_or(|known| known == value);
                assert!(same, "{address} {name}: {} and in the list {value}", one.body[name]);
            }
            if list != "/customers" {
                tagged(&program, t, &address, &one).await;
            }
            program.get(&format!("{address}x"), 404).await;
        }
        for list in ["/customers", "/sites", "/contacts", "/orders", "/invoices", "/payments", "/activities", "/users"]
        {
            assert!(filled.contains(list), "{list} is empty: nothing was seen");
        }
        for list in [
            "/connections",
            "/connectors",
            "/runs",
            "/failures",
            "/webhook-events",
            "/audit",
            "/deals",
            "/quotes",
            "/relations",
        ] {
            assert!(filled.contains(list), "{list} is empty: nothing was seen");
        }
        narrowed(&scene, &program).await;
        details(&scene, &program).await;
        scene.t.stop().await;
    }
}

async fn tagged(program: &Program, t: &crate::hub::TestHub, address: &str, one: &Answer) {
    let tag = one.header("etag").to_owned();
    assert!(tag.starts_with('"'), "{address}: {tag}");
    let ask = |tag: &str| client().get(format!("{}{address}", t.url)).header("if-none-match", tag);
    let again = program.call(ask(&tag)).await;
    assert_eq!((again.status, &again.body), (304, &Value::Null), "{address}");
    assert_eq!(again.header("etag"), tag);
    assert_eq!(program.call(ask("\"other\"")).await.status, 200, "{address}");
}

/// What a filter leaves is what was asked for; what it does not know is refused.
async fn narrowed(scene: &Scene, program: &Program) {
    let own = scene.id("own");
    let numbers = async |query: &str| -> Vec<String> {
        let items = walk(program, &format!("/orders{query}"), 2).await;
        items.iter().map(|item| item["number"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(numbers(&format!("?customer={own}")).await, ["N-ao1", "N-af1"]);
    assert_eq!(numbers("?number=N-zo1").await, ["N-zo1"]);
    assert_eq!(numbers("?customer=cus_nobody").await, Vec::<String>::new());
    assert_eq!(numbers("?from=2026-11-02").await, Vec::<String>::new());
    assert_eq!(numbers("?from=2026-11-01&to=2026-11-01").await.len(), 4);
    assert_eq!(numbers("?updated_since=2999-01-01T00:00:00Z").await, Vec::<String>::new());
    assert_eq!(numbers("?updated_since=2020-01-01T09:00:00%2B09:00&status=open").await.len(), 4);
    let failed = walk(program, "/failures?cause=FMT_DATE&state=open", 2).await;
    assert_eq!(failed.len(), 3);
    assert_eq!(walk(program, "/failures?state=resolved", 2).await, Vec::<Value>::new());
    for (query, code) in [
        ("from=soon", "PARAMETER_INVALID"),
        ("updated_since=2026-11-01", "PARAMETER_INVALID"),
        ("deleted=perhaps", "PARAMETER_INVALID"),
        ("q=a", "PARAMETER_UNKNOWN"),
        ("cursor=Y3VzXzE", "CURSOR_INVALID"),
    ] {
        let answer = program.get(&format!("/api/v1/orders?{query}"), 422).await;
        assert_eq!(answer.body["code"], code, "{query}");
    }
}

/// A record with what belongs to it.
async fn details(scene: &Scene, program: &Program) {
    let at = |noun: &str, id: &str| format!("/api/v1/{noun}/{}", scene.id(id));
    let order = program.get(&at("orders", "own_order"), 200).await.body;
    assert_eq!(order["lines"][0]["description"], "見本品");
    assert_eq!((&order["bill_to"], &order["ship_to"]), (&json!(scene.id("other")), &json!("sit_other")));
    let invoice = program.get(&at("invoices", "own_invoice"), 200).await.body;
    assert_eq!(
        (&invoice["kind"], &invoice["total"], &invoice["due_date"]),
        (&json!("invoice"), &json!(1100), &json!("2026-11-04"))
    );
    let payment = program.get(&at("payments", "other_payment"), 200).await.body;
    assert_eq!(payment["allocations"][0]["document"], json!({"id": scene.id("own_invoice"), "number": "INV-A1"}));
    let failure = program.get(&at("failures", "own_failure"), 200).await.body;
    assert_eq!((&failure["payload"]["order_date"], &failure["value"]), (&json!("きのう"), &json!("きのう")));
    let wrong = format!("/api/v1/orders/{}", scene.id("own_invoice"));
    assert_eq!(program.get(&wrong, 404).await.body["code"], "NOT_FOUND", "an invoice is no order");
    assert_eq!(walk(program, "/users?kind=service", 5).await, Vec::<Value>::new());
}

/// A token sees what its owner sees: of other departments nothing, of hidden fields that they are hidden.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_a_department_sees_that_department() {
    for database in TestDatabase::both().await {
        let scene = Scene::with(&database, |config| {
            limited(config);
            busy(config);
        })
        .await;
        let t = &scene.t;
        let person = scene.person(Role::Steward, &["営業一課", "営業1課"]).await;
        let scopes = [Scope::CustomersRead, Scope::FailuresRead, Scope::FailuresWrite, Scope::ActivitiesWrite];
        let program = Program::new(t, &token(t, &person.id, &scopes).await);
        let (mut read, mut text) = (0, String::new());
        for (list, single) in lists() {
            let answer = program.ask(&format!("/api/v1{list}")).await;
            if answer.status == 403 {
                continue;
            }
            read += 1;
            text.push_str(&answer.body.to_string());
            for item in walk(&program, &list, 200).await {
                if let Some(single) = &single {
                    let at = format!("/api/v1{}/{}", single.rsplit_once('/').unwrap().0, item["id"].as_str().unwrap());
                    text.push_str(&program.get(&at, 200).await.body.to_string());
                }
            }
        }
        assert!(read >= 10, "{read}");
        assert!(text.contains("朝凪電装") && text.contains("N-ao1") && text.contains("{\"masked\":true}"));
        for hidden in OUTSIDE.iter().chain(&TERMS).chain(&PERSONAL) {
            assert!(!text.contains(hidden), "{}: {hidden}", database.name);
        }
        for (noun, id) in [("customers", "other"), ("orders", "other_order"), ("payments", "other_payment")] {
            program.get(&format!("/api/v1/{noun}/{}", scene.id(id)), 404).await;
        }
        for path in ["sites/sit_other".to_owned(), format!("failures/{}", scene.id("other_failure"))] {
            program.get(&format!("/api/v1/{path}"), 404).await;
        }
        let other = json!({"customer_id": scene.id("other"), "kind": "call", "subject": "見えない"});
        let post = |path: &str| client().post(format!("{}/api/v1{path}", t.url));
        let refused = program.call(post("/activities").json(&other)).await;
        assert_eq!((refused.status, &refused.body["fields"][0]["code"]), (422, &json!("CUSTOMER_UNKNOWN")));
        let replay = program.call(post(&format!("/failures/{}/replay", scene.id("other_failure")))).await;
        assert_eq!(replay.status, 404);
        scene.t.stop().await;
    }
}

/// The same call with the same key is done once, also when both come at the same time.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_comes_twice_is_done_once() {
    for database in TestDatabase::both().await {
        let scene = Scene::with(&database, busy).await;
        let t = &scene.t;
        let program = Program::new(t, &token(t, &scene.owner.id, &Scope::ALL).await);
        let body =
            json!({"customer_id": scene.id("own"), "kind": "call", "subject": "納期の相談", "date": "2026-11-20"});
        let post = |key: &str, body: &Value| {
            client().post(format!("{}/api/v1/activities", t.url)).header("idempotency-key", key).json(body)
        };
        let count = "SELECT COUNT(*) FROM activity WHERE subject = '納期の相談'";
        let both = futures::join!(program.call(post("one", &body)), program.call(post("one", &body)));
        assert_eq!((both.0.status, both.1.status), (201, 201), "{} {}", both.0.body, both.1.body);
        assert_eq!((&both.0.body, both.0.header("location")), (&both.1.body, both.1.header("location")));
        assert_eq!([&both.0, &both.1].iter().filter(|one| one.header("idempotency-replayed") == "true").count(), 1);
        assert_eq!(t.count(count).await, 1);
        let made = program.get(both.0.header("location"), 200).await.body;
        assert_eq!(made, both.0.body);
        assert_eq!((&made["actor"], &made["date"]), (&json!(scene.owner.id), &json!("2026-11-20")));
        let mut changed = body.clone();
        changed["kind"] = json!("visit");
        let reused = program.call(post("one", &changed)).await;
        assert_eq!((reused.status, &reused.body["code"]), (409, &json!("IDEMPOTENCY_KEY_USED")));
        // What failed leaves the key free.
        let mut wrong = body.clone();
        wrong["kind"] = json!("dance");
        assert_eq!(program.call(post("two", &wrong)).await.body["code"], "ACTIVITY_INVALID");
        assert_eq!(program.call(post("two", &body)).await.status, 201);
        assert_eq!(t.count(count).await, 2);
        for (key, body, code) in [
            ("three", json!({"customer_id": scene.id("own")}), "BODY_INVALID"),
            ("three", json!([]), "BODY_INVALID"),
            ("three", json!({"customer_id": "x", "kind": "call", "subject": "a", "more": 1}), "BODY_INVALID"),
            ("three", json!({"customer_id": "x\u{0}", "kind": "call", "subject": "a"}), "ACTIVITY_INVALID"),
            ("thr ee", body.clone(), "IDEMPOTENCY_KEY_INVALID"),
        ] {
            let answer = program.call(post(key, &body)).await;
            assert_eq!((answer.status, &answer.body["code"]), (422, &json!(code)), "{body}");
        }
        decided(&scene, &program).await;
        scene.t.stop().await;
    }
}

/// Ways out of a failure.
async fn decided(scene: &Scene, program: &Program) {
    let (t, id) = (&scene.t, scene.id("own_failure"));
    let post = |what: &str| client().post(format!("{}/api/v1/failures/{id}/{what}", t.url));
    let tried = program.call(post("replay?dry_run=true")).await.body;
    assert_eq!(tried, json!({"succeeded": 0, "failed": 1, "parked": 0, "dry_run": true}));
    assert_eq!(t.count("SELECT COUNT(*) FROM run WHERE trigger_kind = 'replay'").await, 0, "nothing was kept");
    let done = program.call(post("replay")).await.body;
    assert_eq!(done, json!({"succeeded": 0, "failed": 1, "parked": 0, "dry_run": false}));
    let empty = program.call(post("ignore").json(&json!({"reason": " "}))).await;
    assert_eq!((empty.status, &empty.body["code"]), (422, &json!("REASON_INVALID")));
    let ignored = program.call(post("ignore").json(&json!({"reason": "試験の伝票"}))).await.body;
    assert_eq!((&ignored["state"], &ignored["note"]), (&json!("ignored"), &json!("試験の伝票")));
    assert_eq!(program.call(post("restore")).await.body["state"], "open");
    let noted = "SELECT COUNT(*) FROM audit WHERE action IN ('failure.replay', 'failure.ignore', 'failure.restore')
                 AND detail LIKE '%\"token\"%'";
    assert_eq!(t.count(noted).await, 3);
}

/// The examples of the document and the page are calls that work.
#[tokio::test(flavor = "multi_thread")]
async fn every_example_runs() {
    let database = TestDatabase::sqlite().await;
    let scene = Scene::with(&database, busy).await;
    let t = &scene.t;
    let secret = token(t, &scene.owner.id, &Scope::ALL).await;
    let program = Program::new(t, &secret);
    let page = client().get(format!("{}/api/docs?lang=en", t.url)).send().await.unwrap().text().await.unwrap();
    for (method, path, operation) in operations() {
        let source = operation["x-codeSamples"][0]["source"].as_str().unwrap();
        let shown = source.replace('&', "&#38;").replace('"', "&#34;");
        assert!(page.contains(&shown), "{method} {path} is on the page as {shown}");
        let noun = operation["tags"][0].as_str().unwrap();
        let id = match noun {
            "activities" | "customers" => scene.id("own").to_owned(),
            "failures" => scene.id("own_failure").to_owned(),
            // What was typed here: what a source brought is not changed here.
            "contracts" | "inquiries" if path.contains('{') => {
                let all = program.get(&format!("/api/v1/{noun}"), 200).await.body["items"].clone();
                let typed = all.as_array().unwrap().iter().find(|one| one["connection_id"].is_null());
                typed.unwrap()["id"].as_str().unwrap().to_owned()
            }
            "contracts" | "inquiries" => scene.id("own").to_owned(),
            // Removed by its own example: each has one.
            "views" if path.contains('{') => {
                let new = json!({"name": format!("{method} のための"), "query": "sort=name"});
                let made = program.send("POST", "/api/v1/views", &[], &new).await;
                made.body["id"].as_str().unwrap_or_else(|| panic!("{}", made.body)).to_owned()
            }
            noun if path.contains('{') => {
                let first = &program.get(&format!("/api/v1/{noun}?limit=1"), 200).await.body["items"][0];
                first["id"].as_str().or(first["name"].as_str()).unwrap_or_default().to_owned()
            }
            _ => String::new(),
        };
        let id = if path == "/activities/{id}" {
            program.get("/api/v1/activities?limit=1", 200).await.body["items"][0]["id"].as_str().unwrap().to_owned()
        } else {
            id
        };
        if path.contains('{') && id.is_empty() {
            // Nothing of the kind in this company: the call is well formed and there is no such record.
            assert!(["products", "shipments"].contains(&noun), "{path}");
            continue;
        }
        let tagged = if noun == "views" { noun } else { "customers" };
        let etag = program.ask(&format!("/api/v1/{tagged}/{id}")).await.header("etag").to_owned();
        run(t, &secret, (&id, &etag), source);
    }
    scene.t.stop().await;
}

fn run(t: &crate::hub::TestHub, secret: &SecretString, (id, etag): (&str, &str), source: &str) {
    let command = source.replacen("curl ", "curl -sS --fail-with-body --noproxy '*' ", 1);
    let ran = tokio::task::block_in_place(|| {
        let mut shell = Command::new("sh");
        let shell = shell.args(["-c", &command]).env("TOKEN", secret.expose_secret());
        shell.env("HUB", &t.url).env("ID", id).env("ETAG", etag).output().unwrap()
    });
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{source}: {said} {}", String::from_utf8_lossy(&ran.stderr));
    if source.contains("-X DELETE") {
        assert_eq!(said, "", "{source}: what is removed is not told");
        return;
    }
    serde_json::from_str::<Value>(&said).unwrap_or_else(|error| panic!("{source}: {error}: {said}"));
}
