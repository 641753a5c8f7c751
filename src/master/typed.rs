//! Contracts and inquiries that people type: of no source, changed only here.

use serde_json::{Map, Value, json};

use super::announce::{self, Fact};
use crate::{
    model::{
        Currency, Id, Timestamp,
        ids::Noun,
        record::{Canonical, FieldError, Kind},
    },
    store::{
        self, InView, StoreError, Tx,
        contract::{self, Head},
        customer, document,
        version::{self, NewVersion},
    },
};

/// What can be typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed {
    Contract,
    Inquiry,
}

impl Typed {
    fn noun(self) -> Noun {
        match self {
            Self::Contract => Noun::Contract,
            Self::Inquiry => Noun::Inquiry,
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::Contract => Kind::Contract,
            Self::Inquiry => Kind::Inquiry,
        }
    }

    fn table(self) -> &'static str {
        match self {
            Self::Contract => "contract",
            Self::Inquiry => "inquiry",
        }
    }
}

/// Who types, and when.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    /// As the history shows it.
    pub actor: &'a str,
    pub now: Timestamp,
    /// The organisation's currency.
    pub currency: Currency,
}

/// Fields of the record under the hub's own names; a value that is null or empty is none.
pub type Fields = Map<String, Value>;

#[derive(Debug, thiserror::Error)]
pub enum TypedError {
    #[error("{} fields cannot be taken", .0.len())]
    Invalid(Vec<FieldError>),
    /// There is none of this customer, or it is its source's.
    #[error("no such record")]
    Unknown,
    #[error("the record is at version {0} by now")]
    Stale(i64),
    #[error(transparent)]
    Store(#[from] StoreError),
}

const LONGEST: usize = 500;
const LONGEST_NOTE: usize = 10_000;

/// Adds a record and returns its id. `key` was made with the form: sent twice it is one record.
pub async fn add(
    tx: &mut Tx,
    what: Typed,
    customer: &InView,
    fields: Fields,
    key: Option<uuid::Uuid>,
    by: By<'_>,
) -> Result<String, TypedError> {
    let body = body(fields, customer.id());
    let record = checked(what, &body, by.currency)?;
    let id = key.map_or_else(|| Id::new(what.noun()), |key| Id::from_uuid(what.noun(), key)).into_string();
    if version::body_of(&mut *tx, &id).await?.is_some() {
        return Ok(id);
    }
    write(tx, &record, (&id, 1, customer), &body, by).await?;
    Ok(id)
}

/// Changes fields of a record; what is missing stays. Returns the version that stands afterwards. `seen`: the version
/// that the change was made on.
pub async fn change(
    tx: &mut Tx,
    what: Typed,
    (customer, id): (&InView, &str),
    seen: Option<i64>,
    fields: Fields,
    by: By<'_>,
) -> Result<i64, TypedError> {
    let seq = contract::typed_version(tx, what.table(), id, customer.id()).await?.ok_or(TypedError::Unknown)?;
    if seen.is_some_and(|seen| seen != seq) {
        return Err(TypedError::Stale(seq));
    }
    let stands = version::body_of(&mut *tx, id).await?.ok_or(TypedError::Unknown)?;
    let mut all: Fields = serde_json::from_str(&stands).unwrap_or_default();
    all.extend(fields);
    let body = body(all, customer.id());
    let record = checked(what, &body, by.currency)?;
    let written = Value::Object(body.clone()).to_string();
    if written == stands {
        return Ok(seq);
    }
    write(tx, &record, (id, seq + 1, customer), &body, by).await?;
    Ok(seq + 1)
}

/// Takes a record away. It leaves the page; its versions stay.
pub async fn remove(tx: &mut Tx, what: Typed, (customer, id): (&InView, &str), by: By<'_>) -> Result<(), TypedError> {
    let seq = contract::typed_version(tx, what.table(), id, customer.id()).await?.ok_or(TypedError::Unknown)?;
    document::mark_deleted(tx, what.table(), &[id], by.now).await?;
    tell(tx, (id, seq + 1, customer), "deleted", "{}".to_owned(), by).await
}

/// Without what is empty, in the order of names: equal records are equal texts.
fn body(fields: Fields, customer: &str) -> Fields {
    let trimmed = |value: Value| match value {
        Value::String(text) => Value::String(text.trim().to_owned()),
        other => other,
    };
    let given = fields.into_iter().map(|(name, value)| (name, trimmed(value)));
    let mut body: Fields = given.filter(|(_, value)| !value.is_null() && value != "").collect();
    body.insert("customer".to_owned(), json!(customer));
    let mut names: Vec<(String, Value)> = body.into_iter().collect();
    names.sort_by(|a, b| a.0.cmp(&b.0));
    names.into_iter().collect()
}

fn checked(what: Typed, body: &Fields, currency: Currency) -> Result<Canonical, TypedError> {
    let too_long = |(name, value): (&String, &Value)| {
        let longest = if name == "note" { LONGEST_NOTE } else { LONGEST };
        let text = value.as_str().filter(|text| text.chars().count() > longest)?;
        Some(FieldError { code: "TOO_LONG", field: name.clone(), value: text.chars().take(20).collect() })
    };
    let long: Vec<FieldError> = body.iter().filter_map(too_long).collect();
    if !long.is_empty() {
        return Err(TypedError::Invalid(long));
    }
    Canonical::read(what.kind(), body, currency).map_err(TypedError::Invalid)
}

async fn write(
    tx: &mut Tx,
    record: &Canonical,
    (id, seq, customer): (&str, i64, &InView),
    body: &Fields,
    by: By<'_>,
) -> Result<(), TypedError> {
    let head = Head {
        id,
        customer_id: customer.id(),
        connection_id: None,
        external_id: None,
        actor: Some(by.actor),
        seq,
        now: by.now,
    };
    match record {
        Canonical::Contract(one) => contract::put(tx, &[(head, one)]).await?,
        Canonical::Inquiry(one) => contract::put_inquiries(tx, &[(head, one)]).await?,
        _ => return Err(TypedError::Unknown),
    }
    let reason = if seq == 1 { "created" } else { "edited" };
    tell(tx, (id, seq, customer), reason, Value::Object(body.clone()).to_string(), by).await
}

async fn tell(
    tx: &mut Tx,
    (id, seq, of): (&str, i64, &InView),
    reason: &'static str,
    body: String,
    by: By<'_>,
) -> Result<(), TypedError> {
    let customers = store::customer::by_ids(&mut *tx, std::iter::once(of.id())).await?;
    let version = NewVersion {
        record_id: id,
        seq,
        customer_id: None,
        effective_at: None,
        connection_id: None,
        actor: Some(by.actor),
        run_id: None,
        reason,
        body,
    };
    let sample = customers.values().all(|customer| customer.sample);
    announce::versions(tx, by.now, vec![Fact { version, customer_id: Some(of.id()), sample }]).await?;
    customer::touch(tx, std::iter::once(of.id()), by.now).await?;
    Ok(())
}
