//! As much of Tryton as parties need: lists with domains, orders and ranges, and writing (`desk`).

mod desk;

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_URL_SAFE};
use bytes::Bytes;
use jiff::Timestamp;
use musubi_sdk::declarative::{Payload, Transport, WireAnswer, WireError, WireRequest};
use musubi_tryton::scalar;
use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::{Value, json};

use desk::Desk;
pub use desk::{PASSWORD, USER};

#[derive(Default)]
struct State {
    parties: Vec<Value>,
    addresses: Vec<Value>,
    /// Contact mechanisms.
    ways: Vec<Value>,
    clock: Timestamp,
    /// `METHOD path` of every request.
    asked: Vec<String>,
    /// Answers every list with this status and body instead.
    broken: Option<(u16, String)>,
    hidden: Vec<String>,
    desk: Desk,
}

/// A Tryton with a clock that stands still.
#[derive(Default)]
pub struct Fake(Mutex<State>);

pub fn time(text: &str) -> Timestamp {
    format!("2026-11-23T{text}Z").parse().unwrap_or_default()
}

fn dated(text: Option<&str>) -> Value {
    text.map_or(Value::Null, |text| scalar::datetime(time(text)))
}

impl Fake {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set_clock(&self, text: &str) {
        self.state().clock = time(text);
    }

    /// Adds a party, or replaces it.
    pub fn party(&self, id: i64, created: &str, written: Option<&str>) {
        let mut state = self.state();
        state.parties.retain(|party| party["id"] != id);
        state.parties.push(json!({
            "id": id, "name": format!("Party {id}"), "rec_name": format!("Party {id}"), "code": (1000 - id).to_string(),
            "active": 1, "create_date": dated(Some(created)), "write_date": dated(written),
        }));
    }

    pub fn delete_party(&self, id: i64) {
        self.state().parties.retain(|party| party["id"] != id);
    }

    pub fn deactivate_party(&self, id: i64) {
        for party in self.state().parties.iter_mut().filter(|party| party["id"] == id) {
            party["active"] = json!(0);
        }
    }

    /// Adds an address, or replaces it.
    pub fn address(&self, id: i64, party: i64, city: &str, created: &str, written: Option<&str>, active: bool) {
        let mut state = self.state();
        state.addresses.retain(|address| address["id"] != id);
        state.addresses.push(json!({
            "id": id, "party": party, "city": city, "active": i32::from(active),
            "create_date": dated(Some(created)), "write_date": dated(written),
        }));
    }

    /// Adds a way of contact, or replaces it.
    pub fn way(&self, id: i64, party: i64, kind: &str, value: &str) {
        let mut state = self.state();
        state.ways.retain(|way| way["id"] != id);
        state.ways.push(json!({ "id": id, "party": party, "type": kind, "value": value }));
    }

    /// Sets a field of a party, as this kind of database writes it.
    pub fn set(&self, id: i64, field: &str, value: &Value) {
        for party in self.state().parties.iter_mut().filter(|party| party["id"] == id) {
            party[field] = value.clone();
        }
    }

    pub fn breaks(&self, broken: Option<(u16, &str)>) {
        self.state().broken = broken.map(|(status, body)| (status, body.to_owned()));
    }

    /// Leaves a field out of every answer, as Tryton does where a right is missing.
    pub fn hides(&self, field: &str) {
        self.state().hidden.push(field.to_owned());
    }

    /// What was asked since the last call.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.state().asked)
    }
}

impl State {
    fn rows(&self, model: &str) -> Option<Vec<Value>> {
        match model {
            "party.party" => Some(self.parties.iter().map(|party| self.whole(party)).collect()),
            "party.address" => {
                let with_party = |address: &Value| {
                    let mut address = address.clone();
                    let party = self.parties.iter().find(|party| party["id"] == address["party"]);
                    address["party"] = party.cloned().unwrap_or_default();
                    address
                };
                Some(self.addresses.iter().map(with_party).collect())
            }
            "ir.model.field" => Some(model_fields()),
            _ => None,
        }
    }

    fn whole(&self, party: &Value) -> Value {
        let mut whole = party.clone();
        let mine = self.addresses.iter().filter(|address| address["party"] == party["id"]);
        whole["addresses"] = mine.cloned().collect();
        whole["contact_mechanisms"] = self.ways.iter().filter(|way| way["party"] == party["id"]).cloned().collect();
        for name in &self.hidden {
            whole.as_object_mut().and_then(|whole| whole.remove(name));
        }
        whole
    }

    fn list(
        &self,
        model: &str,
        query: &HashMap<String, String>,
        range: Option<u64>,
        shows_all: bool,
    ) -> Option<(Vec<Value>, usize)> {
        let domain = decoded(query.get("d")?)?;
        let order = decoded(query.get("o")?)?;
        let mut rows: Vec<Value> = self.rows(model)?.into_iter().filter(|row| fits(row, &domain)).collect();
        rows.retain(|row| shows_all || row["active"] != 0 && row["active"] != false);
        let names: Vec<&str> = order.as_array()?.iter().filter_map(|one| one[0].as_str()).collect();
        rows.sort_by_key(|row| names.iter().map(|name| Key::of(&row[*name])).collect::<Vec<_>>());
        let total = rows.len();
        rows.truncate(range.and_then(|end| usize::try_from(end).ok()).unwrap_or(usize::MAX));
        Some((rows, total))
    }
}

fn model_fields() -> Vec<Value> {
    let of = |model: &str, names: &[(&str, Option<&str>)]| -> Vec<Value> {
        let row = |(name, relation): &(&str, Option<&str>)| {
            let ttype = if *name == "active" { "boolean" } else { "char" };
            json!({"id": 1, "model": model, "name": name, "ttype": ttype, "relation": relation})
        };
        names.iter().map(row).collect()
    };
    let dates = [("write_date", None), ("create_date", None), ("active", None)];
    let party = [("name", None), ("rec_name", None), ("code", None), ("addresses", Some("party.address"))];
    let address = [("city", None), ("party", Some("party.party"))];
    [
        of("party.party", &[dates.as_slice(), &party].concat()),
        of("party.address", &[dates.as_slice(), &address].concat()),
    ]
    .concat()
}

fn body_of(payload: &Payload) -> Option<Value> {
    let (Payload::Json(body) | Payload::Put(body)) = payload else { return None };
    serde_json::from_slice(body).ok()
}

fn decoded(text: &str) -> Option<Value> {
    serde_json::from_slice(&BASE64_URL_SAFE.decode(text).ok()?).ok()
}

/// Values as a database compares them; nothing comes first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Null,
    Number(i64),
    Time(Timestamp),
    Text(String),
}

impl Key {
    fn of(value: &Value) -> Self {
        match scalar::decode(value.clone()).unwrap_or_default() {
            Value::Bool(flag) => Self::Number(flag.into()),
            Value::Number(number) => Self::Number(number.as_i64().unwrap_or_default()),
            Value::String(text) => text.parse().map_or_else(|_| Self::Text(text), Self::Time),
            _ => Self::Null,
        }
    }
}

fn fits(row: &Value, domain: &Value) -> bool {
    let Some(list) = domain.as_array() else { return false };
    match list.as_slice() {
        [Value::String(word), rest @ ..] if word == "OR" => rest.iter().any(|one| fits(row, one)),
        [Value::String(field), Value::String(operator), value] => {
            let (has, wanted) = (Key::of(&row[field.as_str()]), Key::of(value));
            let comparable = has != Key::Null && wanted != Key::Null;
            match operator.as_str() {
                "=" => has == wanted,
                "!=" => has != wanted,
                ">" => comparable && has > wanted,
                ">=" => comparable && has >= wanted,
                "in" => value.as_array().is_some_and(|list| list.iter().any(|one| Key::of(one) == has)),
                _ => false,
            }
        }
        all => all.iter().all(|one| fits(row, one)),
    }
}

#[async_trait]
impl Transport for Fake {
    async fn send(&self, request: WireRequest) -> Result<WireAnswer, WireError> {
        // As on a network, others may come in between.
        tokio::task::yield_now().await;
        let mut state = self.state();
        let path = request.url.path().to_owned();
        let context = request.headers.get("x-tryton-context").and_then(|value| value.to_str().ok()).and_then(decoded);
        let shows_all = context.is_some_and(|context| context["active_test"] == false);
        let body = body_of(&request.payload);
        let authorization = request.headers.get("authorization").and_then(|value| value.to_str().ok());
        if let (Some(asked), "/erp/ab%20c/rpc/") = (&body, path.as_str()) {
            let line = format!("RPC {}", asked["method"].as_str().unwrap_or_default());
            state.ambush(&line);
            state.asked.push(line);
            let (status, body) = state.call(authorization, asked);
            return Ok(WireAnswer { status, headers: HeaderMap::new(), body: Bytes::from(body) });
        }
        let method = match request.payload {
            Payload::None => "GET",
            Payload::Put(_) => "PUT",
            _ => "POST",
        };
        let line = format!("{method} {path}");
        state.ambush(&line);
        state.asked.push(line);
        let query: HashMap<String, String> = request.url.query_pairs().into_owned().collect();
        let range = request.headers.get("range").and_then(|value| value.to_str().ok());
        let end = range.and_then(|range| range.strip_prefix("records=0-")?.parse::<u64>().ok());
        let mut headers = HeaderMap::new();
        // `Tue, 23 Nov 2026` would be wrong: the day of the week is checked.
        let date = state.clock.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        headers.extend(HeaderValue::from_str(&date).ok().map(|date| (reqwest::header::DATE, date)));
        let known = authorization.is_some_and(|key| key == format!("Bearer {}", super::KEY));
        let model = path.strip_prefix("/erp/ab%20c/rest/model/").unwrap_or_default();
        let saves = match (method, model.strip_prefix("party.party/")) {
            ("PUT", Some(id)) => Some(id.parse().ok()),
            ("POST", None) if model == "party.party" => Some(None),
            _ => None,
        };
        let (status, body) = match (state.broken.clone(), saves) {
            _ if !known => (401, "<p>401</p>".to_owned()),
            (Some(broken), _) if model != "ir.model.field" => broken,
            (_, Some(id)) => state.save(id, &body.unwrap_or_default())?,
            _ => match (method, state.list(model, &query, end, shows_all)) {
                ("POST", _) if model.ends_with("/search_count") => match body {
                    Some(asked) => {
                        let rows = state.rows(model.trim_end_matches("/search_count")).unwrap_or_default();
                        (200, rows.iter().filter(|row| fits(row, &asked["domain"])).count().to_string())
                    }
                    None => (400, String::new()),
                },
                ("GET", Some((rows, total))) => {
                    if end.is_some() {
                        let span = format!("records 0-{}/{total}", rows.len());
                        headers.extend(HeaderValue::from_str(&span).ok().map(|v| (reqwest::header::CONTENT_RANGE, v)));
                    }
                    (200, Value::Array(rows).to_string())
                }
                _ => (500, "<p>500</p>".to_owned()),
            },
        };
        Ok(WireAnswer { status, headers, body: Bytes::from(body) })
    }
}
