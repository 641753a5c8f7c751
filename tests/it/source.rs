//! A source on a real port whose every answer a test can bend.
//!
//! It lists customers and orders by (change time, id) with a cursor, pages and a total, and gives
//! single records. A script, asked before each page, may answer something else.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};

/// What the script is asked about.
#[derive(Clone, Debug)]
pub struct Asked {
    pub stream: String,
    pub since: String,
    pub page: usize,
    pub size: usize,
}

/// What to answer instead of the page.
pub enum Instead {
    Status(StatusCode, &'static [(&'static str, &'static str)], String),
    /// The page, cut in half below a `Content-Length` of the whole.
    HalfAPage,
    /// The page with another total.
    Total(usize),
    /// Nothing until the test is over.
    Silence,
}

type Script = Box<dyn FnMut(&Asked) -> Option<Instead> + Send>;

#[derive(Default)]
struct Inside {
    records: BTreeMap<&'static str, BTreeMap<String, Value>>,
    script: Option<Script>,
    asked: Vec<Asked>,
    fetched: Vec<String>,
    fetch_status: Option<StatusCode>,
    /// What every request must carry; empty: anybody may read.
    wanted: Vec<(&'static str, String)>,
}

impl Inside {
    fn lets_in(&self, headers: &HeaderMap) -> bool {
        self.wanted.iter().all(|(name, value)| headers.get(*name).is_some_and(|given| given == value.as_str()))
    }
}

/// See the module. Cheap to clone; ends with the runtime of its test.
#[derive(Clone)]
pub struct Source {
    pub url: String,
    inside: Arc<Mutex<Inside>>,
}

impl Source {
    pub async fn start() -> Self {
        let inside: Arc<Mutex<Inside>> = Arc::default();
        let router =
            Router::new().route("/{stream}", get(list)).route("/{stream}/{key}", get(one)).with_state(inside.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, inside }
    }

    pub fn put(&self, stream: &'static str, record: Value) {
        let key = record["id"].as_str().unwrap().to_owned();
        self.inside.lock().unwrap().records.entry(stream).or_default().insert(key, record);
    }

    pub fn remove(&self, stream: &str, key: &str) {
        if let Some(records) = self.inside.lock().unwrap().records.get_mut(stream) {
            records.remove(key);
        }
    }

    /// `count` customers or orders that changed at `minute`, all at the same instant.
    pub fn fill(&self, count: usize, minute: u32) {
        self.put("customers", json!({"id": "c1", "name": "見本商事", "updated_at": crate::sender::at(0)}));
        for n in 0..count {
            self.put("orders", order(&format!("o{n:05}"), minute, 100));
        }
    }

    pub fn script(&self, script: impl FnMut(&Asked) -> Option<Instead> + Send + 'static) {
        self.inside.lock().unwrap().script = Some(Box::new(script));
    }

    pub fn behave(&self) {
        self.inside.lock().unwrap().script = None;
    }

    /// What single fetches answer; `None`: the record.
    pub fn fetches(&self, status: Option<StatusCode>) {
        self.inside.lock().unwrap().fetch_status = status;
    }

    /// Answers 401 to every request without these headers from now on.
    pub fn wants<const N: usize>(&self, headers: [(&'static str, &str); N]) {
        self.inside.lock().unwrap().wanted = headers.map(|(name, value)| (name, value.to_owned())).to_vec();
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.inside.lock().unwrap().asked.clone()
    }

    /// Keys of what stands at or before a place in the order of (change time, key).
    pub fn up_to(&self, stream: &str, time: &str, key: &str) -> Vec<String> {
        let limit = (instant(time), key.to_owned());
        let inside = self.inside.lock().unwrap();
        let records = inside.records.get(stream).into_iter().flatten();
        let before = records.filter(|(id, r)| (instant(r["updated_at"].as_str().unwrap()), (*id).clone()) <= limit);
        before.map(|(id, _)| id.clone()).collect()
    }

    pub fn fetched(&self) -> Vec<String> {
        self.inside.lock().unwrap().fetched.clone()
    }
}

pub fn order(id: &str, minute: u32, total: i64) -> Value {
    json!({"id": id, "updated_at": crate::sender::at(minute), "customer": "c1", "number": format!("N-{id}"),
           "order_date": "2026-11-01", "total": total})
}

/// The streams of this source for a manifest; `cursor` and `size` as the manifest writes them.
pub fn streams(cursor: &str, size: usize) -> String {
    let one = |name: &str, record: &str, mapping: &str| {
        format!(
            r#"
  {name}:
    record: {record}
    title: {{ ja: 試験, en: Test }}
    request: {{ path: /{name} }}
    records: items
    key: id
    version: {{ from: updated_at, as: instant }}
    deleted: {{ from: deleted, equals: true }}
    cursor: {{ param: since, {cursor} }}
    paginator: {{ type: page, param: page, size_param: size, size: {size}, first: 1 }}
    total: total
    fetch: {{ path: "/{name}/{{{{ key }}}}", record: "" }}
    mapping: {mapping}"#
        )
    };
    format!(
        "http: {{ base_url: \"{{{{ base_url }}}}\", timeout: 5s }}\nstreams:{}{}\n",
        one("customers", "customer", "{ name: { from: name, required: true } }"),
        one("orders", "order", "{ customer: customer, number: number, order_date: order_date, total: total }"),
    )
}

/// A manifest that pulls from this source.
pub fn manifest(cursor: &str, size: usize) -> String {
    let hook = "{ scheme: shared_token, header: X-Token, secret: webhook_secret }";
    crate::hooks::manifest("t-source", hook, &streams(cursor, size))
}

fn instant(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}

async fn list(
    State(inside): State<Arc<Mutex<Inside>>>,
    Path(stream): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let number = |name: &str| query.get(name).and_then(|n| n.parse().ok());
    let (instead, mut all, asked) = {
        let mut inside = inside.lock().unwrap();
        let asked = Asked {
            stream: stream.clone(),
            since: query.get("since").cloned().unwrap_or_default(),
            page: number("page").unwrap_or(1),
            size: number("size").unwrap_or(100),
        };
        inside.asked.push(asked.clone());
        if !inside.lets_in(&headers) {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        let instead = inside.script.as_mut().and_then(|script| script(&asked));
        let all: Vec<Value> =
            inside.records.get(stream.as_str()).into_iter().flat_map(|r| r.values().cloned()).collect();
        (instead, all, asked)
    };
    let time = |r: &Value| instant(r["updated_at"].as_str().unwrap());
    if let Ok(since) = asked.since.parse::<jiff::Timestamp>() {
        all.retain(|r| time(r) >= since);
    }
    all.sort_by_key(|r| (time(r), r["id"].as_str().unwrap_or_default().to_owned()));
    let total = match instead {
        Some(Instead::Total(n)) => n,
        _ => all.len(),
    };
    let items: Vec<Value> = all.into_iter().skip((asked.page - 1) * asked.size).take(asked.size).collect();
    let body = json!({"items": items, "total": total}).to_string();
    let json = [(header::CONTENT_TYPE, "application/json")];
    match instead {
        None | Some(Instead::Total(_)) => (json, body).into_response(),
        Some(Instead::Silence) => std::future::pending().await,
        Some(Instead::Status(status, headers, text)) => {
            let mut response = (status, text).into_response();
            for (name, value) in headers {
                response.headers_mut().insert(*name, value.parse().unwrap());
            }
            response
        }
        Some(Instead::HalfAPage) => {
            let half = body.as_bytes()[..body.len() / 2].to_vec();
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_LENGTH, body.len().into());
            // The rest never comes: the connection breaks off.
            let pieces = [Ok(half), Err(std::io::Error::other("broken off"))];
            (headers, Body::from_stream(futures::stream::iter(pieces))).into_response()
        }
    }
}

async fn one(
    State(inside): State<Arc<Mutex<Inside>>>,
    Path((stream, key)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let mut inside = inside.lock().unwrap();
    inside.fetched.push(key.clone());
    if !inside.lets_in(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if let Some(status) = inside.fetch_status {
        return status.into_response();
    }
    match inside.records.get(stream.as_str()).and_then(|r| r.get(&key)) {
        Some(record) => axum::Json(record.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
