//! As much of Tryton's REST interface as customers need that are told and read back: a system that can be
//! well, gone, or answer a byte a second.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE};
use futures::StreamExt as _;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

#[derive(Clone, Default)]
struct Party {
    name: String,
    phone: String,
    hub_id: String,
}

#[derive(Default)]
struct Books {
    parties: Mutex<BTreeMap<i64, Party>>,
    /// Parties made and changed.
    writes: AtomicU64,
    trickles: AtomicBool,
    delay: Duration,
}

/// One system on its own port.
pub struct Erp {
    port: u16,
    books: Arc<Books>,
    server: JoinHandle<()>,
}

impl Erp {
    /// A system that takes this long for every answer.
    pub async fn start(delay: Duration) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let books = Arc::new(Books { delay, ..Books::default() });
        let server = serve(listener, books.clone());
        Ok(Self { port, books, server })
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Parties made and changed so far.
    pub fn writes(&self) -> u64 {
        self.books.writes.load(Ordering::Relaxed)
    }

    /// Nobody listens any more.
    pub fn stop(&self) {
        self.server.abort();
    }

    /// Answers a byte a second from now on.
    pub fn trickle(&self) {
        self.books.trickles.store(true, Ordering::Relaxed);
    }

    /// Well again, at the same address.
    pub async fn recover(&mut self) -> anyhow::Result<()> {
        self.books.trickles.store(false, Ordering::Relaxed);
        if self.server.is_finished() {
            self.server = serve(TcpListener::bind(("127.0.0.1", self.port)).await?, self.books.clone());
        }
        Ok(())
    }
}

fn serve(listener: TcpListener, books: Arc<Books>) -> JoinHandle<()> {
    let app = Router::new().fallback(answer).with_state(books);
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, app).await {
            eprintln!("a system of the bench ended: {error}");
        }
    })
}

async fn answer(
    State(books): State<Arc<Books>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, StatusCode> {
    tokio::time::sleep(books.delay).await;
    if books.trickles.load(Ordering::Relaxed) {
        return Ok(a_byte_a_second());
    }
    let told: Value = serde_json::from_slice(&body).unwrap_or_default();
    let path: Vec<&str> = uri.path().split('/').collect();
    let made = match (method, path.as_slice()) {
        (Method::GET, [.., "ir.model.field"]) => return Ok(list(model_fields(), &headers)),
        (Method::GET, [.., "party.party"]) => return Ok(list(books.found(uri.query().unwrap_or_default()), &headers)),
        (Method::POST, [.., "party.party"]) => books.make(&told),
        (Method::POST, [.., "search_count"]) => return Ok("0".into_response()),
        (Method::PUT, [.., "party.party", id]) => books.change(id, &told).ok_or(StatusCode::NOT_FOUND)?,
        _ => return Err(StatusCode::NOT_FOUND),
    };
    books.writes.fetch_add(1, Ordering::Relaxed);
    Ok(json!({ "id": made }).to_string().into_response())
}

fn a_byte_a_second() -> Response {
    let bytes = futures::stream::iter(0..600).then(|_| async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok::<_, std::convert::Infallible>(Bytes::from_static(b" "))
    });
    Body::from_stream(bytes).into_response()
}

fn list(rows: Vec<Value>, headers: &HeaderMap) -> Response {
    let range = format!("records 0-{}/{}", rows.len(), rows.len());
    let body = Value::Array(rows).to_string();
    if headers.contains_key(header::RANGE) {
        return ([(header::CONTENT_RANGE, range)], body).into_response();
    }
    body.into_response()
}

impl Books {
    fn parties(&self) -> std::sync::MutexGuard<'_, BTreeMap<i64, Party>> {
        self.parties.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Parties asked for by id or by the hub's id; who asks for what changed gets nothing.
    fn found(&self, query: &str) -> Vec<Value> {
        let domain = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "d");
        let domain = domain.and_then(|(_, text)| BASE64_URL_SAFE.decode(text.as_bytes()).ok());
        let domain: Value = domain.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let parties = self.parties();
        if let Some(id) = value_of(&domain, "id").and_then(Value::as_i64) {
            return parties.get(&id).map(|party| party.shown(id)).into_iter().collect();
        }
        let Some(code) = value_of(&domain, "identifiers.code").and_then(Value::as_str) else { return Vec::new() };
        parties.iter().filter(|(_, party)| party.hub_id == code).map(|(id, party)| party.shown(*id)).collect()
    }

    fn make(&self, told: &Value) -> i64 {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let party = Party {
            name: text(&told["name"]),
            phone: text(&told["contact_mechanisms"][0][1][0]["value"]),
            hub_id: text(&told["identifiers"][0][1][0]["code"]),
        };
        let mut parties = self.parties();
        let id = parties.len() as i64 + 1;
        parties.insert(id, party);
        id
    }

    fn change(&self, id: &str, told: &Value) -> Option<i64> {
        let id = id.parse().ok()?;
        let mut parties = self.parties();
        let party = parties.get_mut(&id)?;
        if let Some(name) = told["name"].as_str() {
            name.clone_into(&mut party.name);
        }
        if let Some(phone) = told["contact_mechanisms"][0][2]["value"].as_str() {
            phone.clone_into(&mut party.phone);
        }
        Some(id)
    }
}

impl Party {
    fn shown(&self, id: i64) -> Value {
        json!({
            "id": id, "rec_name": self.name, "name": self.name, "code": id.to_string(), "active": true,
            "write_date": null, "create_date": null, "addresses": [],
            "contact_mechanisms": [{"id": id, "type": "phone", "value": self.phone}],
            "identifiers": [{"type": null, "code_compact": self.hub_id}],
        })
    }
}

/// The value that a condition `[field, "=", value]` anywhere in a domain asks for.
fn value_of<'a>(domain: &'a Value, field: &str) -> Option<&'a Value> {
    match domain.as_array()?.as_slice() {
        [Value::String(name), Value::String(operator), value] if operator == "=" && name == field => Some(value),
        all => all.iter().find_map(|one| value_of(one, field)),
    }
}

fn model_fields() -> Vec<Value> {
    let field = |model: &str, name: &str, relation: Option<&str>| {
        let ttype = if name == "active" { "boolean" } else { "char" };
        json!({"id": 1, "model": model, "name": name, "ttype": ttype, "relation": relation})
    };
    let plain = ["rec_name", "name", "code", "active", "write_date", "create_date"];
    let ways = "party.contact_mechanism";
    plain
        .into_iter()
        .map(|name| field("party.party", name, None))
        .chain([field("party.party", "contact_mechanisms", Some(ways))])
        .chain(["type", "value"].map(|name| field(ways, name, None)))
        .collect()
}
