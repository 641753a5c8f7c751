//! The writing half of the fake: parties over REST, and JSON-RPC with sessions and locks.

use base64::{Engine, prelude::BASE64_STANDARD};
use musubi_sdk::declarative::WireError;
use serde_json::{Map, Value, json};

use super::{Fake, State};

pub const USER: &str = "musubi";
pub const PASSWORD: &str = "invented-password";

type Deed = Box<dyn FnOnce(&mut State) + Send>;

#[derive(Default)]
pub struct Desk {
    /// `_timestamp`s by `model,id`; a record that is not here was never changed.
    marks: Map<String, Value>,
    changes: i64,
    /// Valid sessions, as their header says them.
    sessions: Vec<String>,
    logins: usize,
    /// After five, Tryton takes no more for a while, and does not say for how long.
    refused_logins: usize,
    /// Answers every change of a party over JSON-RPC with this instead.
    says: Option<(u16, String)>,
    /// Rights that are missing: model and right.
    denied: Vec<(String, String)>,
    /// What somebody does just before a request with this in its line.
    ambush: Option<(&'static str, Deed)>,
    /// The next new party is made, and nobody hears of it.
    loses: bool,
}

impl Fake {
    /// Somebody changes a party's name.
    pub fn rename(&self, id: i64, name: &str) {
        self.state().write(id, &json!({ "name": name }));
    }

    /// Somebody changes it just before the next request whose line has this in it.
    pub fn rename_before(&self, line: &'static str, id: i64, name: &'static str) {
        self.before(line, move |state| state.write(id, &json!({ "name": name })));
    }

    /// Somebody puts another record with the same content in the place of a way of contact.
    pub fn swap_way_before(&self, line: &'static str, old: i64, new: i64) {
        self.before(line, move |state| {
            state.ways.iter_mut().filter(|way| way["id"] == old).for_each(|way| way["id"] = new.into());
        });
    }

    fn before(&self, line: &'static str, deed: impl FnOnce(&mut State) + Send + 'static) {
        self.state().desk.ambush = Some((line, Box::new(deed)));
    }

    pub fn party_now(&self, id: i64) -> Value {
        let state = self.state();
        state.parties.iter().find(|party| party["id"] == id).map(|party| state.whole(party)).unwrap_or_default()
    }

    pub fn parties_now(&self) -> usize {
        self.state().parties.len()
    }

    /// Every session ends, as on a server that was started anew.
    pub fn ends_sessions(&self) {
        self.state().desk.sessions.clear();
    }

    pub fn logins(&self) -> usize {
        self.state().desk.logins
    }

    /// Answers every change over JSON-RPC like this.
    pub fn refuses_writes(&self, status: u16, body: &str) {
        self.state().desk.says = Some((status, body.to_owned()));
    }

    pub fn denies(&self, model: &str, right: &str) {
        self.state().desk.denied.push((model.to_owned(), right.to_owned()));
    }

    pub fn loses_the_next_answer(&self) {
        self.state().desk.loses = true;
    }
}

impl State {
    /// Lets somebody else go first where a test wants it.
    pub(super) fn ambush(&mut self, line: &str) {
        if let Some((_, deed)) = self.desk.ambush.take_if(|(before, _)| line.contains(*before)) {
            deed(self);
        }
    }

    /// A new party, or another content of one.
    pub(super) fn save(&mut self, id: Option<i64>, values: &Value) -> Result<(u16, String), WireError> {
        let is_known = |id: i64| self.parties.iter().any(|party| party["id"] == id);
        let id = match id {
            Some(id) if !is_known(id) => return Ok((404, "<p>404</p>".to_owned())),
            Some(id) => id,
            None => {
                let id = self.next_id();
                let code = &values["identifiers"][0][1][0]["code"];
                self.parties.push(json!({ "id": id, "active": 1, "identifiers.code": code }));
                id
            }
        };
        self.write(id, values);
        if std::mem::take(&mut self.desk.loses) {
            return Err(WireError::Truncated);
        }
        Ok((200, json!({ "id": id }).to_string()))
    }

    fn next_id(&self) -> i64 {
        let all = self.parties.iter().chain(&self.addresses).chain(&self.ways);
        all.filter_map(|row| row["id"].as_i64()).max().unwrap_or_default() + 1
    }

    fn touch(&mut self, model: &str, id: &Value) {
        self.desk.changes += 1;
        self.desk.marks.insert(format!("{model},{id}"), self.desk.changes.to_string().into());
    }

    fn mark(&self, model: &str, id: &Value) -> Value {
        self.desk.marks.get(&format!("{model},{id}")).cloned().unwrap_or_else(|| "0".into())
    }

    fn write(&mut self, id: i64, values: &Value) {
        self.touch("party.party", &id.into());
        for party in self.parties.iter_mut().filter(|party| party["id"] == id) {
            if let Some(name) = values.get("name") {
                party["name"] = name.clone();
                party["rec_name"] = name.clone();
            }
        }
        for (list, model) in [("addresses", "party.address"), ("contact_mechanisms", "party.contact_mechanism")] {
            for command in values[list].as_array().into_iter().flatten() {
                self.command(model, id, command);
            }
        }
    }

    fn command(&mut self, model: &str, party: i64, command: &Value) {
        let next = self.next_id();
        let rows = if model == "party.address" { &mut self.addresses } else { &mut self.ways };
        let mut touched = command[1].as_array().cloned().unwrap_or_default();
        match command[0].as_str() {
            Some("write") => rows
                .iter_mut()
                .filter(|row| touched.contains(&row["id"]))
                .filter_map(Value::as_object_mut)
                .for_each(|row| row.extend(command[2].as_object().cloned().unwrap_or_default())),
            Some("delete") => rows.retain(|row| !touched.contains(&row["id"])),
            _ => {
                let mut made = command[1][0].clone();
                made["id"] = next.into();
                made["party"] = party.into();
                rows.push(made);
                touched = vec![next.into()];
            }
        }
        touched.iter().for_each(|id| self.touch(model, id));
    }

    /// A call over JSON-RPC: status and body.
    pub(super) fn call(&mut self, session: Option<&str>, asked: &Value) -> (u16, String) {
        let (method, params) = (asked["method"].as_str().unwrap_or_default(), &asked["params"]);
        if method == "common.db.login" {
            return self.log_in(params);
        }
        if !session.is_some_and(|session| self.desk.sessions.iter().any(|known| known == session)) {
            return (401, String::new());
        }
        if let Some((status, body)) = self.desk.says.clone().filter(|_| method == "model.party.party.write") {
            return (status, body);
        }
        let said = match method {
            "model.party.party.search_read" => json!({ "id": 1, "result": self.marks(&params[0][0][2]) }),
            "model.party.party.write" => match self.locked_write(params) {
                true => json!({ "id": 1, "result": null }),
                false => {
                    json!({ "id": 1, "error": ["ConcurrencyException", "Records were modified in the meanwhile"] })
                }
            },
            "model.ir.model.access.get_access" => json!({ "id": 1, "result": self.access(&params[0]) }),
            _ => return (403, "<p>403</p>".to_owned()),
        };
        (200, said.to_string())
    }

    fn log_in(&mut self, params: &Value) -> (u16, String) {
        self.desk.logins += 1;
        if self.desk.refused_logins > 5 {
            return (429, "<p>429</p>".to_owned());
        }
        if params[0] != USER || params[1]["password"] != PASSWORD {
            self.desk.refused_logins += 1;
            return (401, "<p>401</p>".to_owned());
        }
        let token = format!("token-{}", self.desk.logins);
        let text = BASE64_STANDARD.encode(format!("{USER}:7:{token}"));
        self.desk.sessions.push(format!("Session {text}"));
        (200, json!({ "id": 1, "result": [7, token, null] }).to_string())
    }

    fn marks(&self, id: &Value) -> Value {
        let of = |model: &'static str, rows: &[Value]| -> Value {
            let mine = rows.iter().filter(|row| row["party"] == *id);
            mine.map(|row| json!({ "id": row["id"], "_timestamp": self.mark(model, &row["id"]) })).collect()
        };
        let row = |_: &Value| {
            json!({
                "id": id, "_timestamp": self.mark("party.party", id), "addresses.": of("party.address", &self.addresses),
                "contact_mechanisms.": of("party.contact_mechanism", &self.ways),
            })
        };
        self.parties.iter().filter(|party| party["id"] == *id).map(row).collect()
    }

    /// `false`: a record that it touches was changed since its mark.
    fn locked_write(&mut self, params: &Value) -> bool {
        let (id, values, locks) = (&params[0][0], &params[1], &params[2]["_timestamp"]);
        let mut touched = vec![("party.party", id.clone())];
        for (list, model) in [("addresses", "party.address"), ("contact_mechanisms", "party.contact_mechanism")] {
            let commands = values[list].as_array().into_iter().flatten().filter(|command| command[0] != "create");
            touched.extend(commands.flat_map(|c| c[1].as_array().cloned().unwrap_or_default()).map(|id| (model, id)));
        }
        // As Tryton: a record without a mark is written all the same.
        let is_stale = |(model, id): &(&str, Value)| {
            locks.get(format!("{model},{id}")).is_some_and(|lock| *lock != self.mark(model, id))
        };
        let stale = touched.iter().any(is_stale);
        if !stale {
            self.write(id.as_i64().unwrap_or_default(), values);
        }
        !stale
    }

    fn access(&self, models: &Value) -> Value {
        let of = |model: &str| {
            let has = |right: &str| i32::from(!self.desk.denied.iter().any(|(m, r)| m == model && r == right));
            json!({ "read": has("read"), "write": has("write"), "create": has("create"), "delete": has("delete") })
        };
        let names = models.as_array().into_iter().flatten().filter_map(Value::as_str);
        Value::Object(names.map(|model| (model.to_owned(), of(model))).collect())
    }
}
