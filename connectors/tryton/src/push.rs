//! Writing customers: a party with its name, its main address, its telephone number and mail address.
//!
//! A party is read before it is changed, and left alone when it is not what the hub saw last. Where a user
//! and a password are given, [`crate::desk`] locks it from before that read on; else it is changed over
//! REST, which has no lock: a change in the instant between the two is overwritten.
//!
//! Tryton has no idempotency key. So a party that the hub creates carries the hub's id among its
//! identifiers from the first moment, by which it is found again when the answer to its creation was lost.

use musubi_sdk::{
    SourceError,
    connector::{PushError, PushRequest, Pushed},
};
use serde_json::{Map, Value, json};

use crate::{
    Tryton, cursor,
    domain::{all, is},
    rest::Question,
    shape,
};

/// What can be changed, by the hub's names.
pub(crate) const FIELDS: &[&str] = &["name", "phone", "mail", "postal_code", "address"];

const PARTY: &str = "party.party";
const READ: [&str; 16] = [
    "rec_name",
    "name",
    "code",
    "active",
    "addresses.id",
    "addresses.street",
    "addresses.city",
    "addresses.postal_code",
    "addresses.subdivision.name",
    "addresses.country.code",
    "addresses.invoice",
    "contact_mechanisms.id",
    "contact_mechanisms.type",
    "contact_mechanisms.value",
    "identifiers.type",
    "identifiers.code_compact",
];

type Object = Map<String, Value>;

impl Tryton {
    pub(crate) async fn bring(&self, request: PushRequest<'_>) -> Result<Pushed, PushError> {
        if request.stream != "customers" {
            let detail = format!("of {} nothing is written into Tryton", request.stream);
            return Err(PushError::Refused { code: "PUSH_UNSUPPORTED", detail });
        }
        match request.external_id {
            Some(key) => self.change(key, &request).await,
            None => self.create(&request).await,
        }
    }

    async fn change(&self, key: &str, request: &PushRequest<'_>) -> Result<Pushed, PushError> {
        let id = key.parse::<i64>().map_err(|_| PushError::Gone)?;
        // Before the values: what is changed after this is noticed when it is written.
        let marks = match &self.desk {
            Some(desk) => Some((desk, desk.marks(id).await?)),
            None => None,
        };
        let found = self.parties(vec![is("id", "=", id)]).await?;
        let Some(party) = found.into_iter().next() else { return Err(PushError::Gone) };
        let mut changes = self.changes(&party, request)?;
        // Tryton refuses whatever comes with a new name for a party that is switched off.
        let is_closed = party.get("active").is_some_and(|active| !shape::truthy(active));
        let keeps_name = is_closed && changes.shift_remove("name").is_some();
        if !changes.is_empty() {
            let told = compose(&party, &changes);
            match marks {
                None => drop(self.rest.write(PARTY, Some(id), &told).await?),
                Some((desk, Some(marks))) => desk.write(id, &told, &marks).await?,
                Some((_, None)) => {
                    let detail = "the user who writes does not see this party, which the key shows".to_owned();
                    return Err(PushError::Refused { code: "PUSH_REFUSED", detail });
                }
            }
        }
        if keeps_name {
            let detail = "Tryton changes no name of a party that is switched off".to_owned();
            return Err(PushError::Refused { code: "PUSH_CLOSED", detail });
        }
        Ok(Pushed { external_id: key.to_owned() })
    }

    /// What is not as wanted, unless somebody was here since the hub read it.
    fn changes(&self, party: &Object, request: &PushRequest<'_>) -> Result<Object, PushError> {
        let stands = self.as_the_hub_sees(party);
        let mut changes = Object::new();
        for (field, wanted) in request.values {
            let now = stands.get(field).unwrap_or(&Value::Null);
            if now == wanted {
                continue;
            }
            if request.seen.get(field).is_some_and(|seen| seen != now) {
                return Err(PushError::Overtaken);
            }
            changes.insert(field.clone(), wanted.clone());
        }
        Ok(changes)
    }

    async fn create(&self, request: &PushRequest<'_>) -> Result<Pushed, PushError> {
        if let Some(known) = self.created_before(request.hub_id).await? {
            return Ok(known);
        }
        let mut party = compose(&Object::new(), request.values);
        party.insert("identifiers".into(), json!([["create", [{ "type": null, "code": request.hub_id }]]]));
        match self.rest.write(PARTY, None, &party).await {
            Ok(made) => match made["id"].as_i64() {
                Some(id) => Ok(Pushed { external_id: id.to_string() }),
                None => self.found_again(request.hub_id).await,
            },
            // It may have arrived. If it did, it is found by the hub's id; if not, nothing was made.
            Err(PushError::Source(error @ (SourceError::Transient { .. } | SourceError::Malformed { .. }))) => {
                match self.created_before(request.hub_id).await {
                    Ok(Some(known)) => Ok(known),
                    _ => Err(error.into()),
                }
            }
            Err(other) => Err(other),
        }
    }

    async fn found_again(&self, hub_id: &str) -> Result<Pushed, PushError> {
        let detail = "Tryton's answer to a new party names none, and none is found".to_owned();
        self.created_before(hub_id).await?.ok_or(PushError::Ambiguous { detail })
    }

    async fn created_before(&self, hub_id: &str) -> Result<Option<Pushed>, SourceError> {
        let found = self.parties(vec![is("identifiers.code", "=", hub_id)]).await?;
        let id = found.iter().filter_map(|party| party.get("id")?.as_i64()).min();
        Ok(id.map(|id| Pushed { external_id: id.to_string() }))
    }

    /// Parties that match, switched off or not.
    async fn parties(&self, conditions: Vec<Value>) -> Result<Vec<Object>, SourceError> {
        let question = Question {
            model: PARTY,
            fields: READ.map(str::to_owned).to_vec(),
            domain: all(conditions),
            order: cursor::order(),
            size: None,
        };
        let listing = self.rest.list(&question, false).await?;
        Ok(listing
            .rows
            .into_iter()
            .filter_map(|row| if let Value::Object(row) = row { Some(row) } else { None })
            .collect())
    }

    /// A party's values as its mapping gives them to the hub.
    fn as_the_hub_sees(&self, party: &Object) -> Object {
        let mut body = party.clone();
        shape::party(&mut body);
        let mapping = self.manifest.mapping("customers");
        mapping.and_then(|mapping| mapping.apply(&Value::Object(body)).ok()).unwrap_or_default()
    }
}

/// What Tryton is told to change of a party.
fn compose(party: &Object, changes: &Object) -> Object {
    let mut told = Object::new();
    if let Some(name) = changes.get("name") {
        told.insert("name".into(), name.clone());
    }
    let ways: Vec<Value> = [("phone", &["phone", "mobile"][..]), ("mail", &["email"][..])]
        .into_iter()
        .filter_map(|(field, kinds)| way_of_contact(party, kinds, changes.get(field)?))
        .collect();
    if !ways.is_empty() {
        told.insert("contact_mechanisms".into(), ways.into());
    }
    if changes.contains_key("address") || changes.contains_key("postal_code") {
        told.insert("addresses".into(), json!([address(party, changes)]));
    }
    told
}

/// The first of a kind is the one that the hub reads.
fn way_of_contact(party: &Object, kinds: &[&str], wanted: &Value) -> Option<Value> {
    let all = party.get("contact_mechanisms").and_then(Value::as_array);
    let of = |kind: &&str| all?.iter().find(|way| way["type"] == **kind);
    match (kinds.iter().find_map(of).map(|way| way["id"].clone()), wanted.is_null()) {
        (Some(id), true) => Some(json!(["delete", [id]])),
        (Some(id), false) => Some(json!(["write", [id], { "value": wanted }])),
        (None, true) => None,
        (None, false) => Some(json!(["create", [{ "type": kinds[0], "value": wanted }]])),
    }
}

/// The hub knows an address as one line. What Tryton keeps apart stays apart as long as the line begins
/// with it, else the line is the street.
fn address(party: &Object, changes: &Object) -> Value {
    let all = party.get("addresses").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let main = all.iter().find(|one| shape::truthy(&one["invoice"])).or(all.first());
    let mut told = Object::new();
    if let Some(code) = changes.get("postal_code") {
        told.insert("postal_code".into(), code.clone());
    }
    if let Some(line) = changes.get("address") {
        let line = line.as_str().unwrap_or_default();
        let part = |name: &Value| name.as_str().unwrap_or_default().trim().to_owned();
        let before = main.map(|one| part(&one["subdivision"]["name"]) + &part(&one["city"])).unwrap_or_default();
        match line.strip_prefix(before.as_str()) {
            Some(street) => {
                told.insert("street".into(), street.trim().into());
            }
            None => {
                told.insert("street".into(), line.into());
                told.insert("city".into(), Value::Null);
                told.insert("subdivision".into(), Value::Null);
            }
        }
    }
    match main {
        Some(one) => json!(["write", [one["id"]], told]),
        None => {
            told.insert("invoice".into(), true.into());
            json!(["create", [told]])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Object {
        if let Value::Object(map) = value { map } else { Object::new() }
    }

    #[test]
    fn changes_name_what_is_there_and_make_what_is_not() {
        let party = object(json!({
            "contact_mechanisms": [{"id": 3, "type": "mobile", "value": "090-1"}, {"id": 4, "type": "email", "value": "a@x.example"}],
            "addresses": [{"id": 7, "invoice": 0}, {"id": 8, "invoice": 1, "city": "浜松市", "subdivision": {"name": "静岡県"}}],
        }));
        let table = [
            (json!({"name": "灯台商会"}), json!({"name": "灯台商会"})),
            (json!({"phone": "03-1"}), json!({"contact_mechanisms": [["write", [3], {"value": "03-1"}]]})),
            (json!({"mail": null}), json!({"contact_mechanisms": [["delete", [4]]]})),
            (
                json!({"address": "静岡県浜松市 みなみ台2", "postal_code": "430-0001"}),
                json!({"addresses": [["write", [8], {"postal_code": "430-0001", "street": "みなみ台2"}]]}),
            ),
            (
                json!({"address": "東京都港区1"}),
                json!({"addresses": [["write", [8], {"street": "東京都港区1", "city": null, "subdivision": null}]]}),
            ),
        ];
        for (changes, told) in table {
            assert_eq!(Value::Object(compose(&party, &object(changes.clone()))), told, "{changes}");
        }
        let fresh =
            compose(&Object::new(), &object(json!({"name": "新", "phone": "03-1", "mail": null, "address": "港区1"})));
        let told = json!({
            "name": "新", "contact_mechanisms": [["create", [{"type": "phone", "value": "03-1"}]]],
            "addresses": [["create", [{"street": "港区1", "invoice": true}]]],
        });
        assert_eq!(Value::Object(fresh), told);
    }
}
