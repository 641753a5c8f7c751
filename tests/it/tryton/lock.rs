//! Two who write the same party at the same time, with the lock that Tryton's own clients use.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{Method, header},
    response::Response,
};
use musubi::store::delivery;
use serde_json::{Value, json};

use super::{Scene, a_party};
use crate::real::{TestDatabase as Database, Tryton};

/// Model, id and values.
type Deed = (&'static str, i64, Value);

/// A line to Tryton on which somebody else can go first.
#[derive(Clone)]
struct Line {
    tryton: Tryton,
    url: String,
    client: reqwest::Client,
    /// Done just before the next change of a party arrives.
    first: Arc<Mutex<Option<Deed>>>,
    /// Changes over REST, which nothing locks.
    unlocked: Arc<AtomicUsize>,
}

impl Line {
    async fn to(tryton: &Tryton) -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let line = Self {
            tryton: tryton.clone(),
            url: format!("http://{}", listener.local_addr().unwrap()),
            // Bytes go through as they come.
            client: reqwest::Client::builder().no_proxy().no_gzip().build().unwrap(),
            first: Arc::default(),
            unlocked: Arc::default(),
        };
        let app = Router::new().fallback(pass).with_state(line.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        line
    }

    fn settings(&self) -> Value {
        let Tryton { database, key, user, password, .. } = &self.tryton;
        json!({"base_url": self.url, "database": database, "key": key, "user": user, "password": password})
    }

    fn goes_first(&self, deed: Deed) {
        *self.first.lock().unwrap() = Some(deed);
    }
}

async fn pass(State(line): State<Line>, request: Request) -> Response {
    let (mut head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    if head.method == Method::PUT {
        line.unlocked.fetch_add(1, Ordering::Relaxed);
    }
    if String::from_utf8_lossy(&body).contains("model.party.party.write") {
        let deed = line.first.lock().unwrap().take();
        if let Some((model, id, values)) = deed {
            line.tryton.edit(model, id, values).await;
        }
    }
    head.headers.remove(header::HOST);
    let url = format!("{}{}", line.tryton.url, head.uri);
    let answer = line.client.request(head.method, url).headers(head.headers).body(body).send().await.unwrap();
    let mut back = Response::builder().status(answer.status());
    let is_ours = |name: &header::HeaderName| *name == header::CONNECTION || *name == header::TRANSFER_ENCODING;
    for (name, value) in answer.headers().iter().filter(|(name, _)| !is_ours(name)) {
        back = back.header(name, value);
    }
    back.body(Body::from(answer.bytes().await.unwrap())).unwrap()
}

/// A hub that locks, its line to Tryton, and a party there.
async fn locked(database: &Database) -> (Scene, Line, i64) {
    let tryton = Tryton::fresh().await;
    let line = Line::to(&tryton).await;
    let s = Scene::of(tryton, line.settings(), database, delivery::CHANGES, |_| {}).await;
    let party = a_party(&s).await;
    s.told().await;
    (s, line, party)
}

/// The party's name and its ways of contact, as they stand there.
async fn there(s: &Scene, party: i64) -> (String, Vec<(i64, String)>) {
    let name = s.party(party, &["name"]).await["name"].as_str().unwrap().to_owned();
    let domain = json!([["party", "=", party], ["type", "in", ["phone", "email"]]]);
    let mut ways = Vec::new();
    for id in s.tryton.find("party.contact_mechanism", domain).await {
        let way = s.tryton.read("party.contact_mechanism", id, &["value"]).await;
        ways.push((id, way["value"].as_str().unwrap().to_owned()));
    }
    (name, ways)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_write_one_party_the_second_is_overtaken_and_nothing_is_lost() {
    for database in Database::both().await {
        let (s, line, party) = locked(&database).await;
        // So much hangs on it that Tryton packs its answer.
        let more: Vec<Value> = (0..40).map(|n| json!({"type": "other", "value": format!("内線{n}")})).collect();
        s.tryton.edit("party.party", party, json!({"contact_mechanisms": [["create", more]]})).await;
        let phone = there(&s, party).await.1[0].0;

        // They change the number itself, by which the party's own date stays: only the number's lock sees it.
        line.goes_first(("party.contact_mechanism", phone, json!({"value": "0558-00-0009"})));
        s.type_in(&s.customer(party).await, &[("phone", "0558-00-0002"), ("mail", "info@todai.example")]).await;
        s.told().await;
        let overtaken = "SELECT COUNT(*) FROM attempt WHERE outcome = 'overtaken'";
        assert_eq!(s.t.count(overtaken).await, 1, "{}", database.name);
        let texts = |(name, ways): (String, Vec<(i64, String)>)| {
            (name, ways.into_iter().map(|(_, value)| value).collect::<Vec<_>>())
        };
        let ours = ["0558-00-0009".to_owned(), "info@todai.example".to_owned()];
        assert_eq!(texts(there(&s, party).await), ("灯台商会".to_owned(), ours.to_vec()), "{}", database.name);
        let here = s.customer(party).await;
        assert_eq!((here.phone.as_deref(), here.mail.as_deref()), (Some("0558-00-0009"), Some("info@todai.example")));

        // They change another field: both changes stand in the end, on both sides.
        line.goes_first(("party.party", party, json!({"name": "灯台商会(新)"})));
        s.type_in(&here, &[("phone", "0558-00-0003")]).await;
        s.told().await;
        assert_eq!(s.t.count(overtaken).await, 2, "{}", database.name);
        let ours = ["0558-00-0003".to_owned(), "info@todai.example".to_owned()];
        assert_eq!(texts(there(&s, party).await), ("灯台商会(新)".to_owned(), ours.to_vec()), "{}", database.name);
        let here = s.customer(party).await;
        assert_eq!((here.name.as_str(), here.phone.as_deref()), ("灯台商会(新)", Some("0558-00-0003")));
        assert!(line.first.lock().unwrap().is_none() && line.unlocked.load(Ordering::Relaxed) == 0);
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ended_begins_anew_and_a_password_that_changed_is_told() {
    let database = Database::sqlite().await;
    let (s, line, party) = locked(&database).await;
    let user = s.tryton.find("res.user", json!([["login", "=", line.tryton.user]])).await[0];
    let sessions = async || s.tryton.read("res.user", user, &["sessions"]).await["sessions"].clone();
    s.type_in(&s.customer(party).await, &[("phone", "0558-00-0002")]).await;
    s.told().await;
    assert_eq!(sessions().await, 1);
    // Given a password, even the same one, Tryton ends the user's sessions.
    s.tryton.edit("res.user", user, json!({"password": line.tryton.password})).await;
    assert_eq!(sessions().await, 0);
    s.type_in(&s.customer(party).await, &[("phone", "0558-00-0003")]).await;
    s.told().await;
    assert_eq!(there(&s, party).await.1[0].1, "0558-00-0003");
    assert_eq!((sessions().await, line.unlocked.load(Ordering::Relaxed)), (json!(1), 0));

    let check = async || {
        let live = s.t.hub().registry.get(&s.id).unwrap();
        let lock = live.connector.check().await.into_iter().find(|item| item.item == "lock").unwrap();
        (lock.ok, lock.code, lock.detail)
    };
    let (ok, _, detail) = check().await;
    assert!(ok && detail.contains("locked"), "{detail}");
    s.tryton.edit("res.user", user, json!({"password": "another-Invented-77"})).await;
    s.type_in(&s.customer(party).await, &[("phone", "0558-00-0004")]).await;
    s.t.until("SELECT COUNT(*) FROM delivery WHERE state = 'retrying' AND cause = 'AUTH_REFUSED'", |n| n == 1).await;
    assert_eq!(there(&s, party).await.1[0].1, "0558-00-0003");
    let (ok, code, _) = check().await;
    assert_eq!((ok, code.as_deref()), (false, Some("AUTH_REFUSED")));
    s.t.stop().await;
}
