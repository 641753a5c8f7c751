//! Changing a party as Tryton's own clients do: under a lock.
//!
//! Each record says when it was changed last (`_timestamp`). A change that carries these marks is refused
//! when the party, or an address or contact mechanism that is written with it, was changed since. So the
//! marks are read first, then the values, then it is written: nobody comes in between unseen.

use std::{collections::BTreeSet, sync::Arc};

use musubi_sdk::{SourceError, connector::PushError};
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use crate::{
    rest::Rest,
    rpc::{Rpc, Trouble, shape},
    shape::truthy,
};

type Object = Map<String, Value>;

const PARTY: &str = "party.party";
/// A party's lists that can be written, and the models in them.
const PARTS: [(&str, &str); 2] = [("addresses", "party.address"), ("contact_mechanisms", "party.contact_mechanism")];

/// One user of one database.
#[derive(Debug)]
pub(crate) struct Desk {
    rest: Arc<Rest>,
    rpc: Rpc,
}

/// When a party and its parts were changed last, by `model,id`.
#[derive(Debug, Default)]
pub(crate) struct Marks(Object);

impl Desk {
    pub(crate) fn new(rest: Arc<Rest>, user: String, password: SecretString) -> Self {
        Self { rpc: Rpc::new(rest.clone(), user, password), rest }
    }

    /// Logs in and asks for its rights.
    pub(crate) async fn try_out(&self) -> Result<(), SourceError> {
        self.rpc.renew().await?;
        let needed = [PARTY, "party.address", "party.contact_mechanism"]
            .into_iter()
            .flat_map(|model| [(model, "read"), (model, "write"), (model, "create")])
            // A new party is made over REST.
            .filter(|needed| *needed != (PARTY, "create"));
        self.missing(&needed.collect()).await.map_or_else(Err, |missing| missing.map_or(Ok(()), |m| Err(rights(&m))))
    }

    /// The marks of a party and its parts; `None`: this user sees no such party.
    pub(crate) async fn marks(&self, id: i64) -> Result<Option<Marks>, PushError> {
        let mut fields = vec!["_timestamp".to_owned()];
        fields.extend(PARTS.iter().map(|(list, _)| format!("{list}._timestamp")));
        let params = json!([[["id", "=", id]], 0, null, null, fields, self.rest.context()]);
        let found = match self.rpc.call("model.party.party.search_read", &params).await {
            Ok(found) => found,
            Err(trouble) => {
                let read = [PARTY, "party.address", "party.contact_mechanism"].map(|model| (model, "read"));
                return Err(self.told(trouble, &read.into()).await);
            }
        };
        let Value::Array(rows) = found else { return Err(shape("Tryton's answer for a party is no list").into()) };
        let Some(row) = rows.first() else { return Ok(None) };
        Marks::of(row).map(Some).ok_or_else(|| shape("Tryton's answer does not say when a party was changed").into())
    }

    /// Changes a party that is still as it was when its marks were read.
    pub(crate) async fn write(&self, id: i64, values: &Object, marks: &Marks) -> Result<(), PushError> {
        // A part that came since the marks were read.
        let Some(locks) = marks.on(id, values) else { return Err(PushError::Overtaken) };
        let mut context = self.rest.context().clone();
        context["_timestamp"] = locks.into();
        match self.rpc.call("model.party.party.write", &json!([[id], values, context])).await {
            Ok(_) => Ok(()),
            Err(trouble) => Err(self.told(trouble, &rights_for(values)).await),
        }
    }

    /// What a refusal means. Tryton says a missing right and a broken rule in the same way, so it is asked.
    async fn told(&self, trouble: Trouble, needed: &Needed) -> PushError {
        let detail = match trouble {
            Trouble::Source(error) => return error.into(),
            Trouble::Overtaken => return PushError::Overtaken,
            Trouble::Refused => match self.missing(needed).await {
                Ok(None) => "Tryton does not take this change of a party: its rules, or a right to these records",
                Ok(Some((model, "delete"))) => {
                    let detail =
                        format!("the user who writes may not delete {model}: give the right to one of their groups");
                    return PushError::Refused { code: "PUSH_REFUSED", detail };
                }
                Ok(Some(missing)) => return rights(&missing).into(),
                Err(error) => return error.into(),
            },
            Trouble::Asks => "Tryton would ask a person whether to make this change of a party: make it there",
            Trouble::TooLarge => "this change of a party is larger than Tryton takes (HTTP 413)",
        };
        PushError::Refused { code: "PUSH_REFUSED", detail: detail.to_owned() }
    }

    /// The first right that is not there, the right to delete last: it may be missing on purpose.
    async fn missing(&self, needed: &Needed) -> Result<Option<Right>, SourceError> {
        let models: BTreeSet<&str> = needed.iter().map(|(model, _)| *model).collect();
        let asked = self.rpc.call("model.ir.model.access.get_access", &json!([models, self.rest.context()])).await;
        let access = match asked {
            Ok(access) => access,
            Err(Trouble::Source(error)) => return Err(error),
            Err(_) => return Err(shape("Tryton does not say what this user may do")),
        };
        let mut missing: Vec<Right> =
            needed.iter().filter(|(model, right)| !truthy(&access[*model][*right])).copied().collect();
        missing.sort_by_key(|(_, right)| *right == "delete");
        Ok(missing.first().copied())
    }
}

/// A model and what is done with it: `read`, `write`, `create` or `delete`.
type Right = (&'static str, &'static str);
type Needed = BTreeSet<Right>;

fn rights((model, right): &Right) -> SourceError {
    let detail = format!("the user who writes may not {right} {model}: give the right to one of their groups");
    SourceError::Auth { code: "AUTH_WRITE", detail }
}

fn commands<'a>(values: &'a Object, list: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    values.get(list).and_then(Value::as_array).into_iter().flatten()
}

/// The rights that a change takes.
fn rights_for(values: &Object) -> Needed {
    let mut needed = Needed::from([(PARTY, "write")]);
    for (list, model) in PARTS {
        for command in commands(values, list) {
            let word = command[0].as_str().unwrap_or_default();
            needed.extend(["write", "create", "delete"].into_iter().find(|right| *right == word).map(|r| (model, r)));
        }
    }
    needed
}

impl Marks {
    fn of(row: &Value) -> Option<Self> {
        let mut marks = Object::new();
        let mut note = |model: &str, one: &Value| {
            let mark = one["_timestamp"].as_str()?;
            marks.insert(format!("{model},{}", one["id"].as_i64()?), mark.into());
            Some(())
        };
        note(PARTY, row)?;
        for (list, model) in PARTS {
            // A key with a point at its end holds the records that the one without it names.
            for one in row[format!("{list}.")].as_array()? {
                note(model, one)?;
            }
        }
        Some(Self(marks))
    }

    /// The marks of all that a change touches.
    fn on(&self, id: i64, values: &Object) -> Option<Object> {
        let mut names = vec![format!("{PARTY},{id}")];
        for (list, model) in PARTS {
            for command in commands(values, list).filter(|command| command[0] != "create") {
                names.extend(command[1].as_array()?.iter().map(|id| format!("{model},{id}")));
            }
        }
        names.into_iter().map(|name| Some((name.clone(), self.0.get(&name)?.clone()))).collect()
    }
}
