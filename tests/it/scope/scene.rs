//! A company with two departments, and people who see some of it.

use std::collections::BTreeMap;

use musubi::{
    config::Config,
    identity::{By, Found, Origin, Role, SignedIn, people::NewPerson},
    store::sql,
};
use reqwest::header;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::{
    hub::{OWNER, PASSPHRASE, TestHub},
    real::TestDatabase,
    sender::{SECRET, Sender, at},
};

/// What stands on customers of another department and nowhere else.
pub const OUTSIDE: [&str; 17] = [
    "別部署商事",
    "ベツブショ",
    "ZX-9001",
    "営業二課",
    "外洋漁業",
    "外岡",
    "N-zo1",
    "N-zf1",
    "N-uf1",
    "INV-Z1",
    "PAY-Z1",
    "別件の訪問",
    "別倉庫",
    "別件の商談",
    "QT-Z1",
    "別件の契約",
    "別件の問い合わせ",
];
/// Values by class, as they were sent, typed and shown.
pub const CREDIT: [&str; 3] = ["7654321", "6543210", "6,543,210"];
pub const TERMS: [&str; 5] = ["翌々月八日払い", "翌々月九日払い", "翌々月七日払い", "特選単価", "27日締め"];
pub const PERSONAL: [&str; 7] = [
    "080-5555-0001",
    "tanto@kojin.example",
    "090-7777-0001",
    "jibun@jitaku.example",
    "ひみつ町",
    "431-9999",
    "090-7777-0009",
];

/// One person with a signed-in client.
pub struct Person {
    client: reqwest::Client,
    hub: String,
    cookie: String,
    csrf: String,
    pub id: String,
}

impl Person {
    /// Status, address at the end, and the text of a page. A stream has no text: it does not end.
    pub async fn get(&self, path: &str) -> (u16, String) {
        let answer = self.asked(path).await;
        let status = answer.status().as_u16();
        let stream = answer.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
        (status, if stream { String::new() } else { answer.text().await.unwrap() })
    }

    async fn asked(&self, path: &str) -> reqwest::Response {
        let request = self.client.get(format!("{}{path}", self.hub));
        request.header(header::COOKIE, &self.cookie).header(header::ACCEPT, "text/html").send().await.unwrap()
    }

    /// Posts a form and goes where the answer leads: status and text of the page that a browser would show.
    pub async fn follow(&self, path: &str, form: &[(&str, &str)]) -> (u16, String) {
        let answer = self.posted(path, form).await;
        self.led(answer).await
    }

    /// As [`Self::get`], going where the answer leads.
    pub async fn visit(&self, path: &str) -> (u16, String) {
        let answer = self.asked(path).await;
        self.led(answer).await
    }

    async fn led(&self, mut answer: reqwest::Response) -> (u16, String) {
        while let Some(to) = answer.headers().get(header::LOCATION).filter(|_| answer.status().is_redirection()) {
            answer = self.asked(to.to_str().unwrap()).await;
        }
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Posts a form and gives status and text back.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> (u16, String) {
        let answer = self.posted(path, form).await;
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn posted(&self, path: &str, form: &[(&str, &str)]) -> reqwest::Response {
        let mut form = form.to_vec();
        form.push(("csrf", &self.csrf));
        let request = self.client.post(format!("{}{path}", self.hub)).form(&form);
        request.header(header::COOKIE, &self.cookie).header(header::ACCEPT, "text/html").send().await.unwrap()
    }
}

pub struct Scene {
    pub t: TestHub,
    pub owner: Person,
    /// `own`, `private`, `free`, `other` and what belongs to them, by name.
    pub ids: BTreeMap<&'static str, String>,
}

/// Stewards see credit limits, employees everything, viewers nothing of what can be hidden; all of them are
/// limited to their departments.
pub fn limited(config: &mut Config) {
    let roles = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    config.access.limited = roles(&["steward", "employee", "viewer"]);
    config.access.credit = roles(&["steward", "employee"]);
    config.access.terms = roles(&["employee"]);
    config.access.personal = roles(&["employee"]);
}

impl Scene {
    pub async fn new(database: &TestDatabase) -> Self {
        Self::with(database, limited).await
    }

    pub async fn with(database: &TestDatabase, change: impl FnOnce(&mut Config)) -> Self {
        let t = TestHub::start_with(database, change).await;
        let owner = signed_in(&t, t.owner(OWNER).await).await;
        let mut scene = Self { t, owner, ids: BTreeMap::new() };
        scene.fill().await;
        scene
    }

    /// Somebody of a role and departments.
    pub async fn person(&self, role: Role, departments: &[&str]) -> Person {
        let identity = &self.t.hub().identity;
        let mail =
            format!("{}{}@hinoki-seiki.example", role.as_str(), self.t.count("SELECT COUNT(*) FROM app_user").await);
        let new = NewPerson {
            mail: mail.clone(),
            name: "岸 由美".into(),
            role,
            passphrase: PASSPHRASE.to_owned().into(),
            language: "ja",
        };
        let id = identity.add_person(new, "cli", &Origin::default()).await.unwrap();
        let by = By { actor: "cli", role: None };
        for name in departments {
            assert!(identity.give_department(by, id.as_str(), name, &Origin::default()).await.unwrap());
        }
        let session = identity.sign_in(&mail, PASSPHRASE.to_owned().into(), None, &Origin::default()).await.unwrap();
        signed_in(&self.t, session).await
    }

    pub fn id(&self, name: &str) -> &str {
        &self.ids[name]
    }

    async fn fill(&mut self) {
        let connection = self.t.connect("webhook", json!({"webhook_secret": SECRET})).await;
        let sender = Sender::generic(&self.t.url, &connection);
        for (n, body) in deliveries().iter().enumerate() {
            sender.accepted(&n.to_string(), body).await;
            self.t.inbox_empty().await;
        }
        for (name, statement) in NAMED {
            let id = self.t.text(statement).await;
            assert!(!id.is_empty(), "{statement}");
            self.ids.insert(name, id);
        }
        self.ids.insert("connection", connection);
        self.beside().await;
        // What people typed, and what a source then said otherwise.
        let own = self.id("own").to_owned();
        let typed = [("seen.payment_terms", "翌々月九日払い"), ("payment_terms", "翌々月七日払い"), ("hold", "pin")];
        assert_eq!(self.owner.post(&format!("/customers/{own}/edit"), &typed).await.0, 303);
        let visit = [("kind", "visit"), ("subject", "別件の訪問"), ("date", "2026-11-02")];
        let other = format!("/customers/{}/activities", self.id("other"));
        assert_eq!(self.owner.post(&other, &visit).await.0, 303);
        sender.accepted("last", &own_customer(9, "翌々月八日払い", "6543210")).await;
        self.t.inbox_empty().await;
        self.t.hub().refresher.settle().await;
        assert_eq!(self.t.count("SELECT COUNT(*) FROM conflict").await, 1);
        assert_eq!(self.t.count("SELECT COUNT(*) FROM failure WHERE state = 'open'").await, 3);
    }

    /// What no webhook of this connector brings: contacts, sites, and an order that another customer pays.
    async fn beside(&self) {
        let mut tx = self.t.hub().db.begin().await.unwrap();
        sql("INSERT INTO contact (id, customer_id, connection_id, external_id, name, mail, phone, seq, updated_at)
             VALUES ('cnt_own', $1, $2, 'k1', '担当 花', 'tanto@kojin.example', '080-5555-0001', 1, 0)")
        .bind(self.id("own"))
        .bind(self.id("connection"))
        .execute(&mut tx)
        .await
        .unwrap();
        for (id, of, name, phone) in
            [("sit_home", "private", "自宅", "090-7777-0009"), ("sit_other", "other", "別倉庫", "06-0000-0009")]
        {
            sql("INSERT INTO site (id, customer_id, connection_id, external_id, role, name, address, phone, seq, updated_at)
                 VALUES ($1, $2, $3, $1, 'ship_to', $4, '静岡県ひみつ町二番地', $5, 1, 0)")
            .bind(id)
            .bind(self.id(of))
            .bind(self.id("connection"))
            .bind(name)
            .bind(phone)
            .execute(&mut tx)
            .await
            .unwrap();
        }
        sql("UPDATE sales_order SET bill_to = $1, ship_to = 'sit_other' WHERE id = $2")
            .bind(self.id("other"))
            .bind(self.id("own_order"))
            .execute(&mut tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
}

async fn signed_in(t: &TestHub, session: SignedIn) -> Person {
    let token = session.token.expose_secret();
    let csrf = match t.hub().identity.session(token).await.unwrap() {
        Found::Active(active) => active.principal.csrf.clone(),
        other => panic!("{other:?}"),
    };
    let quiet = reqwest::redirect::Policy::none();
    Person {
        client: reqwest::Client::builder().no_proxy().redirect(quiet).build().unwrap(),
        hub: t.url.clone(),
        cookie: format!("__Host-musubi={token}"),
        csrf,
        id: session.user_id,
    }
}

const NAMED: [(&str, &str); 11] = [
    ("own", "SELECT id FROM customer WHERE code = 'A-1'"),
    ("private", "SELECT id FROM customer WHERE code = 'A-2'"),
    ("free", "SELECT id FROM customer WHERE code = 'A-3'"),
    ("other", "SELECT id FROM customer WHERE code = 'ZX-9001'"),
    ("own_order", "SELECT id FROM sales_order WHERE number = 'N-ao1'"),
    ("own_invoice", "SELECT id FROM invoice WHERE number = 'INV-A1'"),
    ("other_order", "SELECT id FROM sales_order WHERE number = 'N-zo1'"),
    ("other_payment", "SELECT id FROM payment WHERE number = 'PAY-Z1'"),
    ("own_failure", "SELECT id FROM failure WHERE external_id = 'af1'"),
    ("other_failure", "SELECT id FROM failure WHERE external_id = 'zf1'"),
    ("unknown_failure", "SELECT id FROM failure WHERE external_id = 'uf1'"),
];

fn own_customer(minute: u32, terms: &str, limit: &str) -> Value {
    json!({"type": "customer.changed", "data": {
        "id": "a", "updated_at": at(minute), "name": "朝凪電装", "code": "A-1", "department": "営業１課",
        "phone": "053-000-0001", "credit_limit": limit, "closing_day": "27", "payment_terms": terms,
        "price_class": "特選単価", "industry": "電装",
    }})
}

fn order(id: &str, customer: &str, minute: u32, date: &str) -> Value {
    json!({"type": "order.changed", "data": {
        "id": id, "updated_at": at(minute), "customer": customer, "number": format!("N-{id}"), "order_date": date,
        "total": 1000, "subject": "翌々月八日払い", "note": "080-5555-0001",
        "lines": [{"description": "見本品", "quantity": 1, "amount": 1000}],
    }})
}

fn deliveries() -> Vec<Value> {
    vec![
        own_customer(1, "翌々月八日払い", "7654321"),
        own_customer(2, "翌々月九日払い", "6543210"),
        json!({"type": "customer.changed", "data": {
            "id": "p", "updated_at": at(1), "name": "個人 一郎", "code": "A-2", "kind": "person", "department": "営業1課",
            "phone": "090-7777-0001", "mail": "jibun@jitaku.example", "postal_code": "431-9999",
            "address": "静岡県浜松市ひみつ町一番地",
        }}),
        json!({"type": "customer.changed", "data": {"id": "f", "updated_at": at(1), "name": "無所属商会", "code": "A-3"}}),
        json!({"type": "customer.changed", "data": {
            "id": "z", "updated_at": at(1), "name": "別部署商事", "name_kana": "ベツブショ", "code": "ZX-9001",
            "department": "営業二課", "industry": "外洋漁業", "owner": "外岡", "phone": "06-0000-0001",
        }}),
        plain_order("ao1", "a"),
        plain_order("af1", "a"),
        plain_order("zo1", "z"),
        plain_order("zf1", "z"),
        json!({"type": "invoice.changed", "data": {
            "id": "ai1", "updated_at": at(1), "customer": "a", "number": "INV-A1", "issue_date": "2026-11-03",
            "due_date": "2026-11-04", "total": 1100, "taxes": [],
            "lines": [{"description": "見本品", "quantity": 1, "amount": 1000}],
        }}),
        json!({"type": "invoice.changed", "data": {
            "id": "zi1", "updated_at": at(1), "customer": "z", "number": "INV-Z1", "issue_date": "2026-11-03",
            "due_date": "2026-11-04", "total": 2200, "taxes": [],
            "lines": [{"description": "見本品", "quantity": 1, "amount": 2000}],
        }}),
        // Somebody else pays the invoice.
        json!({"type": "payment.changed", "data": {
            "id": "zp1", "updated_at": at(1), "customer": "z", "number": "PAY-Z1", "paid_date": "2026-11-05",
            "amount": 500, "allocations": [{"invoice": "INV-A1", "amount": 500}],
        }}),
        deal("ad1", "a", "増産の商談"),
        deal("zd1", "z", "別件の商談"),
        quote("aq1", "a", "QT-A1", "ad1"),
        quote("zq1", "z", "QT-Z1", "zd1"),
        contract("ac1", "a", "保守の契約"),
        contract("zc1", "z", "別件の契約"),
        inquiry("ai1", "a", "納期の問い合わせ"),
        inquiry("zi1", "z", "別件の問い合わせ"),
        order("af1", "a", 3, "きのう"),
        order("zf1", "z", 3, "きのう"),
        order("uf1", "z", 3, "きのう"),
    ]
}

fn deal(id: &str, customer: &str, name: &str) -> Value {
    json!({"type": "deal.changed", "data": {
        "id": id, "updated_at": at(1), "customer": customer, "name": name, "stage": "提案", "amount": 300_000,
        "probability": 50, "opened_date": "2026-10-01", "expected_date": "2026-12-20",
    }})
}

fn quote(id: &str, customer: &str, number: &str, deal: &str) -> Value {
    json!({"type": "quote.changed", "data": {
        "id": id, "updated_at": at(1), "customer": customer, "number": number, "issue_date": "2026-10-10",
        "deal": deal, "total": 1100, "lines": [{"description": "見本品", "quantity": 1, "amount": 1000}],
    }})
}

fn contract(id: &str, customer: &str, name: &str) -> Value {
    json!({"type": "contract.changed", "data": {
        "id": id, "updated_at": at(1), "customer": customer, "number": format!("K-{id}"), "name": name,
        "start_date": "2026-04-01", "renewal": "automatic",
    }})
}

fn inquiry(id: &str, customer: &str, subject: &str) -> Value {
    json!({"type": "inquiry.changed", "data": {
        "id": id, "updated_at": at(1), "customer": customer, "received_date": "2026-11-02", "subject": subject,
        "channel": "phone",
    }})
}

fn plain_order(id: &str, customer: &str) -> Value {
    json!({"type": "order.changed", "data": {
        "id": id, "updated_at": at(1), "customer": customer, "number": format!("N-{id}"), "order_date": "2026-11-01",
        "total": 1000, "lines": [{"description": "見本品", "quantity": 1, "amount": 1000}],
    }})
}
