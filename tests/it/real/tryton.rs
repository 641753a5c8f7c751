//! A private Tryton, an ERP with sales and accounting: one server a test run, and for every test a
//! database of its own with the books of a sample company (見本, `tests/real/tryton`).
//!
//! Tests work in it as its people do, through the session protocol of Tryton's own clients. The hub
//! under test has REST and the key of a user with few rights.

use std::{
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::Method;
use serde_json::{Value, json};

use super::watchdog::{self, Watched};

/// Tests that can have a database. Tryton remembers for minutes which databases its folder has, so
/// all are there before it starts: 5 MB each, removed at the end of the run.
const DATABASES: usize = 48;

/// The company whose prices and terms are meant, as everybody's client says with each call.
const COMPANY: i64 = 1;

struct Server {
    url: String,
    /// What the seeding wrote down: administrator, password, the hub's user, its key and password.
    about: Value,
    next: AtomicUsize,
    _process: Watched,
}

impl Server {
    fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    fn start() -> Self {
        let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tryton");
        let about = std::fs::read(home.join("seed/hub.json")).expect("Tryton is not installed: `./x test` installs it");
        let folder = tempfile::Builder::new().prefix("musubi-tryton-").tempdir().unwrap().keep();
        for number in 0..DATABASES {
            let copy = folder.join(format!("{}.sqlite", name(number)));
            std::fs::copy(home.join("seed/hub.sqlite"), copy).unwrap();
        }
        let port = watchdog::free_port();
        let (python, configuration) = (home.join("bin/python"), configuration(&folder, port));
        let command = [python.as_path(), "-m".as_ref(), "trytond.cli".as_ref(), "-c".as_ref(), &configuration];
        let command = command.map(|word| word.display().to_string()).to_vec();
        let log = folder.join("trytond.log");
        let process =
            watchdog::start(watchdog::Plan { wrap: &[], signal: "TERM", folder: &folder, command, log: &log });
        watchdog::wait_until("Tryton", &log, || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self {
            url: format!("http://127.0.0.1:{port}"),
            about: serde_json::from_slice(&about).unwrap(),
            next: AtomicUsize::new(0),
            _process: process,
        }
    }
}

/// Writes Tryton's configuration and returns where it is.
fn configuration(folder: &Path, port: u16) -> PathBuf {
    let file = folder.join("trytond.conf");
    let text = format!("[database]\nuri = sqlite://\npath = {}\n[web]\nlisten = 127.0.0.1:{port}\n", folder.display());
    std::fs::write(&file, text).unwrap();
    file
}

fn name(number: usize) -> String {
    format!("hub_{number}")
}

/// A Tryton database that only one test sees.
#[derive(Clone)]
pub struct Tryton {
    /// Where the server is, without a slash at the end: `http://127.0.0.1:8000`.
    pub url: String,
    pub database: String,
    /// With this the hub's own user calls REST.
    pub key: String,
    /// The hub's own user, and the password with which it may open a session.
    pub user: String,
    pub password: String,
    client: reqwest::Client,
    /// The administrator's session, as its header says it.
    session: String,
}

impl Tryton {
    pub async fn fresh() -> Self {
        // Tests without a hub have no other that chooses the cryptography, which the client wants to know.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let server = Server::shared();
        let number = server.next.fetch_add(1, Ordering::Relaxed);
        assert!(number < DATABASES, "more tests want a Tryton database than there are: raise DATABASES");
        let mut tryton = Self {
            url: server.url.clone(),
            database: name(number),
            key: text(&server.about["key"]),
            user: text(&server.about["user"]),
            password: text(&server.about["user_password"]),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            session: String::new(),
        };
        // REST goes first: it makes Tryton load the database. A login that comes first (8.2) leaves
        // the database half loaded for good.
        let (status, answer) = tryton.as_hub(Method::GET, "party.party?s=1", &Value::Null).await;
        assert_eq!(status, 200, "{answer}");
        let (user, password) = (text(&server.about["admin"]), &server.about["password"]);
        let login = tryton.rpc("common.db.login", json!([user, {"password": password}, "en"])).await.unwrap();
        tryton.session = BASE64_STANDARD.encode(format!("{user}:{}:{}", login[0], text(&login[1])));
        tryton
    }

    /// Calls REST with the hub's key: `path` begins with the model, a body of null is none. Answers
    /// that are not JSON (Tryton has HTML for some errors) come as text.
    pub async fn as_hub(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}/{}/rest/model/{path}", self.url, self.database);
        let mut request = self.client.request(method, url).bearer_auth(&self.key);
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let body = answer.text().await.unwrap();
        (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
    }

    /// The ids that a domain finds, lowest first. Closed records are found when it names `active`.
    pub async fn find(&self, model: &str, domain: Value) -> Vec<i64> {
        let found = self.call(&format!("model.{model}.search"), json!([domain, 0, null, [["id", "ASC"]]])).await;
        serde_json::from_value(found).unwrap()
    }

    pub async fn read(&self, model: &str, id: i64, fields: &[&str]) -> Value {
        self.call(&format!("model.{model}.read"), json!([[id], fields])).await[0].take()
    }

    pub async fn create(&self, model: &str, values: Value) -> i64 {
        self.call(&format!("model.{model}.create"), json!([[values]])).await[0].as_i64().unwrap()
    }

    pub async fn edit(&self, model: &str, id: i64, values: Value) {
        self.call(&format!("model.{model}.write"), json!([[id], values])).await;
    }

    /// Presses a button of a record: `confirm`, `process`, `post`, `cancel`…
    pub async fn press(&self, model: &str, id: i64, button: &str) {
        self.call(&format!("model.{model}.{button}"), json!([[id]])).await;
    }

    pub async fn delete(&self, model: &str, id: i64) {
        self.call(&format!("model.{model}.delete"), json!([[id]])).await;
    }

    /// Goes through a wizard on one record: each step fills in the form that is shown, over what it
    /// proposes, and presses a button of it.
    pub async fn wizard(&self, name: &str, (model, id): (&str, i64), steps: &[(&str, Value)]) {
        let context = json!({"company": COMPANY, "active_model": model, "active_id": id, "active_ids": [id]});
        let made = self.call_within(&format!("wizard.{name}.create"), json!([]), &context).await;
        let execute = format!("wizard.{name}.execute");
        let mut forms = json!({});
        let mut shown = self.call_within(&execute, json!([made[0], forms, made[1]]), &context).await;
        for (button, filled) in steps {
            let view = &shown["view"];
            let mut form = json!({});
            for values in [&view["defaults"], &view["values"], filled] {
                // A key with a point at its end only describes the value beside it.
                let told = values.as_object().into_iter().flatten().filter(|(field, _)| !field.ends_with('.'));
                told.for_each(|(field, value)| form[field] = value.clone());
            }
            forms[view["state"].as_str().unwrap_or_else(|| panic!("{name}: no form for {button}: {shown}"))] = form;
            shown = self.call_within(&execute, json!([made[0], forms, button]), &context).await;
        }
        self.call_within(&format!("wizard.{name}.delete"), json!([made[0]]), &context).await;
    }

    /// Calls a method as the administrator; the context goes with it.
    pub async fn call(&self, method: &str, params: Value) -> Value {
        self.call_within(method, params, &json!({"company": COMPANY})).await
    }

    async fn call_within(&self, method: &str, mut params: Value, context: &Value) -> Value {
        params.as_array_mut().unwrap().push(context.clone());
        self.rpc(method, params).await.unwrap_or_else(|said| panic!("{method}: {said}"))
    }

    /// The result, or what Tryton says against it; both come with status 200.
    async fn rpc(&self, method: &str, params: Value) -> Result<Value, Value> {
        let url = format!("{}/{}/rpc/", self.url, self.database);
        let body = json!({"id": 1, "method": method, "params": params});
        let mut request = self.client.post(url).json(&body);
        if !self.session.is_empty() {
            request = request.header("Authorization", format!("Session {}", self.session));
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{method}");
        let mut answer: Value = answer.json().await.unwrap();
        answer.get("error").cloned().map_or_else(|| Ok(answer["result"].take()), Err)
    }
}

/// How Tryton writes an amount.
pub fn decimal(amount: &str) -> Value {
    json!({"__class__": "Decimal", "decimal": amount})
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn people_work_in_tryton_and_the_hubs_key_reads_it() {
    let tryton = Tryton::fresh().await;
    let party = tryton.create("party.party", json!({"name": "株式会社あかり堂"})).await;
    tryton.edit("party.party", party, json!({"name": "あかり堂株式会社"})).await;
    let (_, seen) = tryton.as_hub(Method::GET, &format!("party.party/{party}?f=name"), &Value::Null).await;
    assert_eq!(seen["name"], "あかり堂株式会社");
    let refused = tryton.as_hub(Method::DELETE, &format!("party.party/{party}"), &Value::Null).await;
    assert_eq!(refused.0, 400, "the hub's user must not delete: {}", refused.1);
    tryton.delete("party.party", party).await;
    let gone = tryton.as_hub(Method::GET, &format!("party.party/{party}"), &Value::Null).await;
    assert_eq!(gone.0, 404);
}

#[tokio::test]
async fn a_sale_becomes_an_invoice_that_is_paid_in_part() {
    let (tryton, other) = (Tryton::fresh().await, Tryton::fresh().await);
    let quotation = json!([["state", "=", "quotation"]]);
    let sale = tryton.find("sale.sale", quotation.clone()).await[0];
    tryton.press("sale.sale", sale, "confirm").await;
    let invoice = tryton.read("sale.sale", sale, &["invoices"]).await["invoices"][0].as_i64().unwrap();
    tryton.press("account.invoice", invoice, "post").await;
    let method = tryton.find("account.invoice.payment.method", json!([])).await[0];
    let half = json!({"payment_method": method, "amount": decimal("1000")});
    let steps = [("choice", half), ("pay", json!({"type": "partial"}))];
    tryton.wizard("account.invoice.pay", ("account.invoice", invoice), &steps).await;
    let path = format!("account.invoice/{invoice}?f=state&f=total_amount&f=amount_to_pay&f=taxes.amount");
    let (_, seen) = tryton.as_hub(Method::GET, &path, &Value::Null).await;
    assert_eq!(seen["state"], "posted");
    assert_eq!((&seen["total_amount"], &seen["amount_to_pay"]), (&decimal("162800"), &decimal("161800")));
    assert_eq!(seen["taxes"][0]["amount"], decimal("14800"));
    assert_eq!(other.find("sale.sale", quotation).await, [sale], "the other test's Tryton is another one");
}
