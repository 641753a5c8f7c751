//! Adding and changing customers. Scope `customers:write`.
//!
//! The body is a part of the record as it is read: a member that is missing stays, `null` says that there is no
//! value. A change says by `If-Match` which version it was made on; an addition may carry an `Idempotency-Key`, and
//! then the same request again gets the answer of the first for a day.

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, PartialSchema, ToSchema, openapi};

use super::{Caller, found, shape};
use crate::{
    app::{Change, Hub, SharedHub},
    http::{
        api::{
            idempotency::{KEPT, Key, KeyHeader, used},
            paging::Asked,
        },
        error::{AppError, Wrong},
    },
    identity::{Action, Audience, AuditEntry, Outcome, Settings, audit},
    master::edit::{self, By, Edit, EditError, Seen, Values},
    model::{Timestamp, custom, record::CUSTOMER_FIELDS},
    store::{Tx, idempotency},
};

/// The tag of a version of the record.
pub fn etag(seq: i64) -> String {
    format!("\"{seq}\"")
}

/// Fields of a customer: what is missing stays, null says that there is no value. `custom` holds the fields that the
/// administrator added, by key.
pub struct CustomerChange;

/// A [`CustomerChange`] of nothing, and `kind`, which is said once.
pub struct NewCustomer;

/// An object of `fields` and of `custom`, and of nothing else.
fn body_of<'a>(fields: impl IntoIterator<Item = &'a str>) -> openapi::RefOr<openapi::Schema> {
    use openapi::{Object, Type, schema::SchemaType};
    // As people and programs write them: a number or a flag is taken as its text.
    let kinds = [Type::String, Type::Number, Type::Boolean, Type::Null];
    let value = || Object::builder().schema_type(SchemaType::from_iter(kinds.clone()));
    let own = fields.into_iter().fold(Object::builder(), |all, field| all.property(field, value()));
    let added = Object::builder().additional_properties(Some(value()));
    own.property("custom", added)
        .additional_properties(Some(openapi::schema::AdditionalProperties::<openapi::Schema>::FreeForm(false)))
        .into()
}

impl PartialSchema for CustomerChange {
    fn schema() -> openapi::RefOr<openapi::Schema> {
        body_of(CUSTOMER_FIELDS)
    }
}

impl ToSchema for CustomerChange {
    fn name() -> std::borrow::Cow<'static, str> {
        "CustomerChange".into()
    }
}

impl PartialSchema for NewCustomer {
    fn schema() -> openapi::RefOr<openapi::Schema> {
        body_of(CUSTOMER_FIELDS.into_iter().chain(["kind"]))
    }
}

impl ToSchema for NewCustomer {
    fn name() -> std::borrow::Cow<'static, str> {
        "NewCustomer".into()
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct How {
    /// `true`: it stands whatever the sources say later, until it is released.
    pin: Option<bool>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "named for the document; the value is read from the request by hand")]
struct VersionHeader {
    /// The `ETag` that the change was made on.
    #[param(rename = "If-Match", required = true, example = "$ETAG")]
    version: String,
}

/// Adds a customer
#[utoipa::path(post, path = "/customers", operation_id = "createCustomer", tag = "customers",
    security(("token" = ["customers:write"])), params(KeyHeader),
    request_body(content = NewCustomer, example = json!({"name": "灯台商会", "phone": "053-000-0128"})),
    responses((status = 201, description = "Added", body = shape::Customer,
            headers(("Location" = String, description = "Its address"), ("ETag" = String, description = "Its version"))),
        (status = 409, description = "IDEMPOTENCY_KEY_USED: the Idempotency-Key came with another call before"),
        (status = 422, description = "IDEMPOTENCY_KEY_INVALID, VALUES_INVALID: `fields` says which")))]
pub async fn create(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    Key(key): Key,
    body: Bytes,
) -> Result<Response, AppError> {
    caller.require(Action::EditCustomers)?;
    let mut values = values(&body, &["kind"])?;
    if !values.contains_key("kind") && Settings::load(&hub.db).await?.audience == Audience::Persons {
        values.insert("kind".to_owned(), "person".to_owned());
    }
    let (owner, now) = (caller.me().user_id.clone(), hub.clock.now());
    let mut tx = hub.db.begin().await?;
    if let Some(key) = &key {
        let hash = Sha256::digest(&body);
        if let Some(answer) = idempotency::claim(&mut tx, &owner, key, &hash, now, now.plus(-KEPT)).await? {
            tx.rollback().await?;
            return again(&hub, &caller, answer, hash.as_slice()).await;
        }
    }
    let id = match edit::create(&mut tx, values, by(&hub, &caller)).await {
        Ok(id) => id,
        Err(error) => {
            tx.rollback().await?;
            return Err(refused(error));
        }
    };
    audited(&mut tx, &caller, "customer.create", &id, json!({}), now).await?;
    let location = format!("/api/v1/customers/{id}");
    if let Some(key) = &key {
        idempotency::note(&mut tx, (&owner, key), 201, &location, Some(&etag(1)), "").await?;
    }
    tx.commit().await?;
    tell(&hub, &id);
    let body = read(&hub, &caller, &id).await?.1;
    if let Some(key) = &key {
        idempotency::keep_body(&hub.db, &owner, key, &body).await?;
    }
    Ok(answer(StatusCode::CREATED, &etag(1), Some(&location), body))
}

/// The answer to the first request under the same key.
async fn again(hub: &Hub, caller: &Caller, first: idempotency::Answer, hash: &[u8]) -> Result<Response, AppError> {
    if first.request_hash != hash {
        return Err(used());
    }
    let location = first.location.unwrap_or_default();
    let body = if first.body.is_empty() {
        let id = location.rsplit('/').next().unwrap_or_default();
        read(hub, caller, id).await?.1
    } else {
        first.body
    };
    let mut response = answer(StatusCode::CREATED, &first.etag.unwrap_or_default(), Some(&location), body);
    response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
    Ok(response)
}

/// Changes a customer
///
/// What a program changes lies above what the sources say until they say something new; with `pin` it stands until it is
/// released. Where somebody was faster nothing is changed: read again, and decide again.
#[utoipa::path(patch, path = "/customers/{id}", operation_id = "changeCustomer", tag = "customers",
    security(("token" = ["customers:write"])),
    params(("id" = String, Path, description = "Of the customer", example = "cus_06a8q2m4e8r4s7v1x3z5b7d9f1"), How,
        VersionHeader),
    request_body(content = CustomerChange, example = json!({"phone": "053-000-0128"})),
    responses((status = 200, description = "The customer as it is now", body = shape::Customer,
            headers(("ETag" = String, description = "Its version"))),
        (status = 409, description = "CUSTOMER_MERGED: the customer was merged into another one"),
        (status = 412, description = "VERSION_STALE: the record changed since the version that `If-Match` names"),
        (status = 428, description = "IF_MATCH_REQUIRED: a change names the version that it was made on"),
        (status = 422, description = "VALUES_INVALID: `fields` says which")))]
pub async fn change(
    State(hub): State<SharedHub>,
    caller: Caller,
    Path(id): Path<String>,
    Asked(how): Asked<How>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, AppError> {
    caller.require(Action::EditCustomers)?;
    let pinned = how.pin == Some(true);
    let values = values(&body, &[])?;
    let version = version_of(&headers)?;
    let id = id.replace('\0', "");
    let names: Vec<String> = values.keys().cloned().collect();
    let mut tx = hub.db.begin().await?;
    let wanted = Edit { customer_id: &id, seen: Seen::Version(version), values, pinned };
    if let Err(error) = edit::edit(&mut tx, wanted, by(&hub, &caller)).await {
        tx.rollback().await?;
        return Err(refused(error));
    }
    let detail = json!({ "pinned": pinned, "fields": names });
    audited(&mut tx, &caller, "customer.edit", &id, detail, hub.clock.now()).await?;
    tx.commit().await?;
    tell(&hub, &id);
    let (seq, body) = read(&hub, &caller, &id).await?;
    Ok(answer(StatusCode::OK, &etag(seq), None, body))
}

/// Makes a prospect a customer
///
/// Its id, history and links stay; whatever a source calls it later, it is a customer until somebody releases the field.
/// For who is a customer already nothing happens.
#[utoipa::path(post, path = "/customers/{id}/convert", operation_id = "convertCustomer", tag = "customers",
    security(("token" = ["customers:write"])),
    params(("id" = String, Path, description = "Of the customer", example = "cus_06a8q2m4e8r4s7v1x3z5b7d9f1")),
    responses((status = 200, description = "The customer as it is now", body = shape::Customer,
            headers(("ETag" = String, description = "Its version"))),
        (status = 409, description = "CUSTOMER_MERGED: the customer was merged into another one")))]
pub async fn convert(
    State(hub): State<SharedHub>,
    caller: Caller,
    _: Asked,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    caller.require(Action::EditCustomers)?;
    let id = id.replace('\0', "");
    let mut tx = hub.db.begin().await?;
    if let Err(error) = edit::convert(&mut tx, &id, by(&hub, &caller)).await {
        tx.rollback().await?;
        return Err(refused(error));
    }
    audited(&mut tx, &caller, "customer.convert", &id, json!({}), hub.clock.now()).await?;
    tx.commit().await?;
    tell(&hub, &id);
    let (seq, body) = read(&hub, &caller, &id).await?;
    Ok(answer(StatusCode::OK, &etag(seq), None, body))
}

/// The record as it stands, with its version.
async fn read(hub: &Hub, caller: &Caller, id: &str) -> Result<(i64, String), AppError> {
    let overview = found(hub, caller, id).await?.overview;
    let seq = overview.seq;
    let fields = crate::store::custom_field::list(&hub.db).await?;
    let body = serde_json::to_string(&shape::customer(overview, &fields)).map_err(AppError::internal)?;
    Ok((seq, body))
}

fn answer(status: StatusCode, etag: &str, location: Option<&str>, body: String) -> Response {
    let mut response = (status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
    let etag = HeaderValue::from_str(etag).ok();
    let location = location.and_then(|at| HeaderValue::from_str(at).ok());
    for (name, value) in [(header::ETAG, etag), (header::LOCATION, location)] {
        if let Some(value) = value {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn by<'a>(hub: &Hub, caller: &'a Caller) -> By<'a> {
    By { actor: &caller.me().name, now: hub.clock.now(), currency: hub.currency, view: &caller.me().view }
}

async fn audited(
    tx: &mut Tx,
    caller: &Caller,
    action: &'static str,
    id: &str,
    mut detail: Value,
    now: Timestamp,
) -> Result<(), AppError> {
    detail["token"] = Value::String(caller.token.id.clone());
    let entry = AuditEntry {
        actor: &caller.me().user_id,
        action,
        object_kind: "customer",
        object_id: id,
        outcome: Outcome::Ok,
        origin: &caller.origin,
        detail,
    };
    Ok(audit::record(tx, entry, now).await?)
}

fn tell(hub: &Hub, id: &str) {
    hub.refresher.touch(vec![id.to_owned()]);
    // Nobody listening is no error.
    let _ = hub.changes.send(Change::Customer(id.to_owned()));
}

/// The version that `If-Match` names. A weak tag matches nothing (RFC 9110 section 13.1.1).
pub(crate) fn version_of(headers: &HeaderMap) -> Result<i64, AppError> {
    let mut values = headers.get_all(header::IF_MATCH).iter();
    let value = values.next().ok_or(AppError::IfMatchRequired)?;
    let tag = value.to_str().ok().filter(|_| values.next().is_none()).map(str::trim);
    let seq = tag.and_then(|tag| tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok());
    seq.ok_or_else(|| AppError::Stale {
        detail: "If-Match names no version; send the ETag that GET of the same address gave, like \"7\"".to_owned(),
    })
}

/// What the body says, field by field, of which `besides` the record's own are known; everything that cannot be taken is
/// told at once.
fn values(body: &[u8], besides: &[&str]) -> Result<Values, AppError> {
    let read: Result<Map<String, Value>, _> = serde_json::from_slice(body);
    let map =
        read.map_err(|error| AppError::invalid("BODY_INVALID", format!("the body is no JSON object: {error}")))?;
    let (mut values, mut wrong) = (Values::new(), Vec::new());
    let mut take = |field: String, known: bool, value: &Value| match text(value) {
        _ if !known => wrong.push(Wrong { field, code: "FIELD_UNKNOWN" }),
        Some(text) => _ = values.insert(field, text),
        None => wrong.push(Wrong { field, code: "FMT_TYPE" }),
    };
    for (field, value) in &map {
        match (field.as_str(), value) {
            ("custom", Value::Object(added)) => {
                for (key, value) in added {
                    take(format!("{}{key}", custom::PREFIX), custom::is_key(key), value);
                }
            }
            ("custom", _) => take(field.clone(), true, &Value::Array(Vec::new())),
            (name, _) => take(field.clone(), CUSTOMER_FIELDS.contains(&name) || besides.contains(&name), value),
        }
    }
    if wrong.is_empty() { Ok(values) } else { Err(invalid(wrong)) }
}

/// A value as forms have it; `None`: a list or an object.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

fn invalid(wrong: Vec<Wrong>) -> AppError {
    let list: Vec<String> = wrong.iter().map(|one| format!("{} ({})", one.field, one.code)).collect();
    AppError::Values {
        detail: format!("nothing was changed; these values cannot be taken: {}", list.join(", ")),
        wrong,
    }
}

fn refused(error: EditError) -> AppError {
    match error {
        EditError::Invalid(mistakes) => {
            invalid(mistakes.into_iter().map(|one| Wrong { field: one.field, code: one.code }).collect())
        }
        EditError::UnknownCustomer => AppError::NotFound,
        EditError::Merged(into) => AppError::Conflict {
            code: "CUSTOMER_MERGED",
            detail: format!("this customer was merged into {into}; change that one"),
        },
        EditError::Stale(seq) => AppError::Stale {
            detail: format!(
                "the customer is at version {seq} by now; read it again, then send your change with its ETag"
            ),
        },
        EditError::Overtaken(fields) => AppError::Stale {
            detail: format!("somebody changed {} meanwhile; read the customer again", fields.join(", ")),
        },
        EditError::Store(error) => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_read_field_by_field() {
        let good = values(br#"{"phone": "053-1", "credit_limit": 1000, "mail": null, "custom": {"vip": true}}"#, &[]);
        let good = good.unwrap_or_default();
        let seen: Vec<(&str, &str)> = good.iter().map(|(field, value)| (field.as_str(), value.as_str())).collect();
        assert_eq!(seen, [("credit_limit", "1000"), ("custom.vip", "true"), ("mail", ""), ("phone", "053-1")]);
        for (body, expected) in [
            (r#"{"id": "cus_1", "phone": ["1"]}"#, vec![("id", "FIELD_UNKNOWN"), ("phone", "FMT_TYPE")]),
            (r#"{"custom": {"A b": 1}}"#, vec![("custom.A b", "FIELD_UNKNOWN")]),
            (r#"{"custom": "x"}"#, vec![("custom", "FMT_TYPE")]),
        ] {
            let Err(AppError::Values { wrong, .. }) = values(body.as_bytes(), &[]) else { panic!("{body}") };
            let wrong: Vec<_> = wrong.iter().map(|one| (one.field.as_str(), one.code)).collect();
            assert_eq!(wrong, expected, "{body}");
        }
        assert!(matches!(values(b"[]", &[]), Err(AppError::Invalid { code: "BODY_INVALID", .. })));
    }

    #[test]
    fn only_a_strong_tag_names_a_version() {
        for (tag, version) in
            [("\"7\"", Some(7)), (" \"12\" ", Some(12)), ("W/\"7\"", None), ("7", None), ("*", None), ("\"x\"", None)]
        {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_MATCH, HeaderValue::from_static(tag));
            assert_eq!(version_of(&headers).ok(), version, "{tag}");
        }
        assert!(matches!(version_of(&HeaderMap::new()), Err(AppError::IfMatchRequired)));
    }
}
