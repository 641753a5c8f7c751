//! Who works in the hub's console and in Tryton while the hub is killed again and again.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use musubi::store::{Db, sql};
use reqwest::{Client, Method, StatusCode, header};
use serde_json::{Value, json};

use super::ledger::{Customer, FIELDS, Ledger, Values};
use crate::real::Tryton;

/// Columns of [`Customer`].
pub const CUSTOMERS: &str = "SELECT id, name, phone, mail, postal_code, address FROM customer ORDER BY id";

/// How long a person thinks, in milliseconds, at most.
const PAUSE: u64 = 900;

/// What all of them share.
pub struct Office {
    pub db: Db,
    pub tryton: Tryton,
    /// The console, with the session's cookie.
    pub client: Client,
    pub console: String,
    pub csrf: &'static str,
    pub ledger: Mutex<Ledger>,
    pub enough: AtomicBool,
    pub next: AtomicUsize,
}

/// How the hub answered a form.
enum Answer {
    /// With the page that is shown next.
    Saved(String),
    /// Somebody else changed it meanwhile.
    Refused,
    /// The hub died; whether it was saved nobody knows.
    CutOff,
}

impl Office {
    fn note<T>(&self, how: impl FnOnce(&mut Ledger) -> T) -> T {
        how(&mut self.ledger.lock().unwrap())
    }

    /// Everybody ends what they have in hand.
    pub fn stop(&self) {
        self.enough.store(true, Ordering::SeqCst);
    }

    fn goes_on(&self) -> bool {
        !self.enough.load(Ordering::SeqCst)
    }

    /// A value that nobody ever wrote before.
    fn value(&self, field: usize, who: &str) -> String {
        let n = self.next.fetch_add(1, Ordering::SeqCst);
        match FIELDS[field] {
            "name" => format!("{who}商会{n}"),
            "phone" => format!("0558-{:02}-{:04}", n / 10_000, n % 10_000),
            "mail" => format!("n{n}@todai.example"),
            "postal_code" => format!("{:03}-{:04}", n / 10_000, n % 10_000),
            _ => format!("{who}台{n}番地"),
        }
    }

    async fn post(&self, path: &str, form: &[(String, String)]) -> Answer {
        let url = format!("{}{path}", self.console);
        let Ok(answer) = self.client.post(url).form(form).send().await else { return Answer::CutOff };
        match answer.status() {
            StatusCode::SEE_OTHER => Answer::Saved(answer.headers()[header::LOCATION].to_str().unwrap().to_owned()),
            StatusCode::UNPROCESSABLE_ENTITY => Answer::Refused,
            // While it starts or stops: a person sends the form again.
            StatusCode::SERVICE_UNAVAILABLE => Answer::CutOff,
            other => panic!("{path} answered {other}"),
        }
    }
}

async fn think() {
    tokio::time::sleep(Duration::from_millis(rand::random_range(0..PAUSE))).await;
}

/// Some fields, at least one.
fn some_fields() -> Vec<usize> {
    let chosen: Vec<usize> = (0..FIELDS.len()).filter(|_| rand::random_bool(0.3)).collect();
    if chosen.is_empty() { vec![rand::random_range(0..FIELDS.len())] } else { chosen }
}

/// Corrects customers in the console, each customer at one desk only, and now and then begins one.
pub async fn edit_here(office: Arc<Office>, desk: usize, desks: usize) {
    while office.goes_on() {
        think().await;
        if rand::random_bool(0.05) {
            begin(&office).await;
            continue;
        }
        let all: Vec<Customer> = sql(CUSTOMERS).all(&office.db).await.unwrap();
        let mine: Vec<&Customer> = all.iter().filter(|c| of_desk(&c.id, desks) == desk).collect();
        if mine.is_empty() {
            continue;
        }
        let id = mine[rand::random_range(0..mine.len())].id.clone();
        correct(&office, &id, &some_fields(), rand::random_bool(0.1)).await;
    }
}

fn of_desk(id: &str, desks: usize) -> usize {
    id.bytes().map(usize::from).sum::<usize>() % desks
}

/// Types new values until the hub says they are saved; each time what stands then is looked at anew,
/// and other values are typed, so that it is known which of them were the last.
async fn correct(office: &Office, id: &str, fields: &[usize], pinned: bool) {
    loop {
        let all: Vec<Customer> = sql(CUSTOMERS).all(&office.db).await.unwrap();
        let seen = all.iter().find(|c| c.id == id).unwrap().values();
        let mut typed = seen.clone();
        for field in fields {
            typed[*field] = office.value(*field, "岬");
        }
        match office.post(&format!("/customers/{id}/edit"), &form(office, &seen, &typed, pinned)).await {
            Answer::Saved(_) => {
                return office.note(|ledger| {
                    for field in fields {
                        ledger.typed(id, *field, &typed[*field], &seen[*field], pinned);
                    }
                });
            }
            Answer::Refused => office.note(|ledger| ledger.refused += 1),
            Answer::CutOff => {
                office.note(|ledger| ledger.cut_off += 1);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

fn form(office: &Office, seen: &Values, typed: &Values, pinned: bool) -> Vec<(String, String)> {
    let mut form = vec![("csrf".to_owned(), office.csrf.to_owned())];
    for (field, name) in FIELDS.iter().enumerate() {
        form.push((format!("seen.{name}"), seen[field].clone()));
        form.push(((*name).to_owned(), typed[field].clone()));
    }
    form.push(("hold".to_owned(), if pinned { "pin" } else { "until" }.to_owned()));
    form
}

/// A new customer. Whether one whose request was cut off exists, the end of the run shows.
async fn begin(office: &Office) {
    let typed: Values = std::array::from_fn(|field| office.value(field, "灯台"));
    let nothing: Values = Default::default();
    match office.post("/customers/new", &form(office, &nothing, &typed, false)).await {
        Answer::Saved(to) => {
            let id = to.strip_prefix("/customers/").and_then(|rest| rest.split('?').next()).unwrap().to_owned();
            office.note(|ledger| {
                for (field, value) in typed.iter().enumerate() {
                    ledger.typed(&id, field, value, "", false);
                }
                ledger.created.push(id);
            });
        }
        Answer::Refused => panic!("a new customer with sound values is refused"),
        Answer::CutOff => office.note(|ledger| ledger.cut_off += 1),
    }
}

/// Where a party's values are in Tryton.
pub struct Party {
    pub id: i64,
    pub values: Values,
    pub active: bool,
    /// Ids of the identifiers' codes that the hub gave.
    pub hub_ids: Vec<String>,
    phone: Option<i64>,
    mail: Option<i64>,
    address: Option<i64>,
}

const SHOWN: &str = "f=rec_name&f=active&f=identifiers.code&f=contact_mechanisms.type&f=contact_mechanisms.value\
    &f=addresses.street&f=addresses.city&f=addresses.postal_code&f=addresses.subdivision.name&f=addresses.invoice";

impl Party {
    pub async fn read(tryton: &Tryton, id: i64) -> Self {
        let (status, there) = tryton.as_hub(Method::GET, &format!("party.party/{id}?{SHOWN}"), &Value::Null).await;
        assert_eq!(status, 200, "{there}");
        let list = |name: &str| there[name].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let way = |kind: &str| list("contact_mechanisms").into_iter().find(|way| way["type"] == kind);
        let addresses = list("addresses");
        let main = addresses.iter().find(|one| truthy(&one["invoice"])).or(addresses.first()).cloned();
        let part = |name: &str| main.as_ref().map(|one| text(&one[name])).unwrap_or_default();
        let line = main.as_ref().map(|one| text(&one["subdivision"]["name"])).unwrap_or_default();
        let (phone, mail) = (way("phone"), way("email"));
        let said = |way: &Option<Value>| way.as_ref().map(|way| text(&way["value"])).unwrap_or_default();
        let id_of = |one: &Option<Value>| one.as_ref().and_then(|one| one["id"].as_i64());
        let codes = list("identifiers").into_iter().map(|one| text(&one["code"]));
        Self {
            id,
            values: [
                text(&there["rec_name"]),
                said(&phone),
                said(&mail),
                part("postal_code"),
                line + &part("city") + &part("street"),
            ],
            active: truthy(&there["active"]),
            hub_ids: codes.filter(|code| code.starts_with("cus_")).collect(),
            phone: id_of(&phone),
            mail: id_of(&mail),
            address: id_of(&main),
        }
    }

    /// Model, record and values that make this field this value; `None`: there is nothing to change.
    fn change(&self, field: usize, value: &str) -> Option<(String, Value)> {
        let at = |model: &str, id: Option<i64>| Some(format!("{model}/{}", id?));
        Some(match FIELDS[field] {
            "name" => (at("party.party", Some(self.id))?, json!({"name": value})),
            "phone" => (at("party.contact_mechanism", self.phone)?, json!({"value": value})),
            "mail" => (at("party.contact_mechanism", self.mail)?, json!({"value": value})),
            "postal_code" => (at("party.address", self.address)?, json!({"postal_code": value})),
            _ => (at("party.address", self.address)?, json!({"street": value, "city": null, "subdivision": null})),
        })
    }
}

fn truthy(value: &Value) -> bool {
    value.as_bool().unwrap_or(value.as_i64() == Some(1))
}

/// Every party, closed ones as well.
pub async fn parties(tryton: &Tryton) -> Vec<i64> {
    tryton.find("party.party", json!([["active", "in", [true, false]]])).await
}

/// Works in Tryton by REST: the same parties that the hub's people correct, new ones, and at times
/// one is closed. Each party has one writer only.
pub async fn write_there(office: Arc<Office>, desk: usize, desks: usize) {
    while office.goes_on() {
        think().await;
        let all = parties(&office.tryton).await;
        let mine: Vec<i64> = all.into_iter().filter(|id| *id as usize % desks == desk).collect();
        let party = mine[rand::random_range(0..mine.len())];
        match rand::random_range(0..100) {
            0..3 => open(&office).await,
            3..6 => close(&office, party).await,
            _ => {
                for field in some_fields() {
                    write(&office, party, field).await;
                }
            }
        }
    }
}

async fn write(office: &Office, party: i64, field: usize) {
    let seen = Party::read(&office.tryton, party).await;
    if !seen.active {
        // Its people leave it alone; the hub's may not know.
        return;
    }
    let value = office.value(field, "港");
    let Some((path, change)) = seen.change(field, &value) else { return };
    told(office, Method::PUT, &path, &change).await;
    office.note(|ledger| ledger.written(party, field, &value, &seen.values[field]));
}

async fn close(office: &Office, party: i64) {
    if Party::read(&office.tryton, party).await.active {
        told(office, Method::PUT, &format!("party.party/{party}"), &json!({"active": false})).await;
        office.note(|ledger| ledger.closed.push(party));
    }
}

async fn open(office: &Office) {
    let value = |field| office.value(field, "浦");
    let ways = [("phone", value(1)), ("email", value(2))].map(|(kind, value)| json!({"type": kind, "value": value}));
    let party = json!({
        "name": value(0), "contact_mechanisms": [["create", ways]],
        "addresses": [["create", [{"street": value(4), "postal_code": value(3), "invoice": true}]]],
    });
    told(office, Method::POST, "party.party", &party).await;
}

/// Until it is done: on SQLite Tryton's writers stand in each other's way.
async fn told(office: &Office, method: Method, path: &str, body: &Value) {
    for _ in 0..50 {
        let (status, answer) = office.tryton.as_hub(method.clone(), path, body).await;
        if (200..300).contains(&status) {
            return;
        }
        let is_busy = status >= 500 || answer.to_string().contains("unique");
        assert!(is_busy, "{path} {body}: {status} {answer}");
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    panic!("Tryton never takes {path} {body}");
}
