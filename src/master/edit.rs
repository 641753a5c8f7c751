//! Edits: values that people type into the hub, and customers that begin here.
//!
//! A typed value stands above what the sources say (see [`crate::matching::survivorship`]): pinned until
//! somebody releases it, else until the sources say something new. Nothing is overwritten by it: the
//! sources' own values stay where they were, and every change is a version with its actor.
//!
//! A typed value goes out to systems that are told of customers and comes back from them. When another was
//! typed meanwhile, that echo is no news: the older value is remembered as underway until it arrived.

mod many;

use std::collections::{BTreeMap, BTreeSet};

use musubi_sdk::mapping::identifier;

pub use many::{Was, assign, fitting, unassign};

use super::golden::{self, Basis, Cause};
use crate::{
    matching::custom::parse,
    model::{
        Currency, Date, Id, Money, Timestamp, View,
        custom::{self, Definitions},
        ids::Noun,
        record::{CUSTOMER_FIELDS, FieldError, LIFE_STAGES, PROSPECT},
    },
    store::{
        self, StoreError, Tx, conflict, custom_field, customer,
        customer_value::{self, Row as TypedRow},
        delivery, source_record,
    },
};

const LONGEST: usize = 500;
/// Values of a field that can be on their way at a time.
const MOST_UNDERWAY: usize = 20;

/// Field (one of [`CUSTOMER_FIELDS`], or `custom.KEY`) and what was typed into it; empty: there is none.
pub type Values = BTreeMap<String, String>;

/// Who edits, and when.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    /// As the history shows it.
    pub actor: &'a str,
    pub now: Timestamp,
    /// The organisation's currency.
    pub currency: Currency,
    /// What the editor sees. Nobody changes what they do not see.
    pub view: &'a View,
}

/// What a person wants of a customer.
#[derive(Clone, Debug)]
pub struct Edit<'a> {
    pub customer_id: &'a str,
    /// What the person saw before typing.
    pub seen: Seen,
    pub values: Values,
    /// The changed values win until they are released.
    pub pinned: bool,
}

/// What somebody knew of a customer before changing it.
#[derive(Clone, Debug)]
pub enum Seen {
    /// These values, as a form showed them. Whatever else moved meanwhile does not matter.
    Values(Values),
    /// The whole record as of this version.
    Version(i64),
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    #[error("{} values cannot be taken", .0.len())]
    Invalid(Vec<FieldError>),
    #[error("no such customer")]
    UnknownCustomer,
    #[error("the customer was merged into {0}")]
    Merged(String),
    #[error("{} of the values were changed meanwhile", .0.len())]
    Overtaken(Vec<String>),
    #[error("the customer is at version {0} by now")]
    Stale(i64),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Changes what differs from what the person saw; the rest of the form says nothing. Values that moved
/// meanwhile are not overwritten unseen. Returns the version that stands afterwards.
pub async fn edit(tx: &mut Tx, edit: Edit<'_>, by: By<'_>) -> Result<i64, EditError> {
    let old = open(tx, edit.customer_id, by).await?;
    let current = values_of(&old);
    let seen = match edit.seen {
        Seen::Values(seen) => seen,
        Seen::Version(version) if version == old.seq => current.clone(),
        Seen::Version(_) => return Err(EditError::Stale(old.seq)),
    };
    // A field of the administrator that has no value is empty, not unknown.
    let empty = |field: &str| custom::key_of(field).map(|_| "");
    let seen = |field: &str| seen.get(field).map(|v| v.trim()).or_else(|| empty(field));
    let definitions = custom_field::list(&mut *tx).await?;
    let typed = checked(within(edit.values, is_person(&old), by), &definitions, by.currency)?;
    let typed: Values = typed.into_iter().filter(|(field, value)| seen(field) != Some(value.as_str())).collect();
    let now = |field: &str| current.get(field).map(String::as_str).or_else(|| empty(field));
    let overtaken: Vec<String> = typed
        .iter()
        .filter(|(field, value)| now(field) != seen(field) && now(field) != Some(value.as_str()))
        .map(|(field, _)| field.clone())
        .collect();
    if !overtaken.is_empty() {
        return Err(EditError::Overtaken(overtaken));
    }
    if typed.is_empty() {
        return Ok(old.seq);
    }
    placed(&typed, typed.contains_key("department"), by)?;
    conflict::remove(tx, edit.customer_id, typed.keys()).await?;
    put(tx, edit.customer_id, typed, edit.pinned, by).await?;
    rewrite(tx, edit.customer_id, &basis(&old, by), by, "edited").await
}

/// Pins a value that stands, or another one that a source offers: it wins until it is released. `value`: what the
/// person saw and chose. Returns the version that stands afterwards.
pub async fn pin(tx: &mut Tx, customer_id: &str, field: &str, value: &str, by: By<'_>) -> Result<i64, EditError> {
    let old = open(tx, customer_id, by).await?;
    if by.view.hides_field(field, is_person(&old)) {
        return Err(EditError::UnknownCustomer);
    }
    let definitions = custom_field::list(&mut *tx).await?;
    let values = checked(Values::from([(field.to_owned(), value.to_owned())]), &definitions, by.currency)?;
    placed(&values, values.contains_key("department"), by)?;
    conflict::remove(tx, customer_id, [field]).await?;
    put(tx, customer_id, values, true, by).await?;
    rewrite(tx, customer_id, &basis(&old, by), by, "pinned").await
}

/// Lets the sources speak again for a field. Returns the version that stands afterwards.
pub async fn release(tx: &mut Tx, customer_id: &str, field: &str, by: By<'_>) -> Result<i64, EditError> {
    let old = open(tx, customer_id, by).await?;
    if by.view.hides_field(field, is_person(&old)) {
        return Err(EditError::UnknownCustomer);
    }
    let said = golden::sources_say(tx, customer_id, by.currency).await?;
    // A name that only people know cannot go.
    if field == "name" && !said.iter().any(|g| g.field == "name") {
        return Err(EditError::Invalid(vec![mistake("REQ_EMPTY", "name", "")]));
    }
    conflict::remove(tx, customer_id, [field]).await?;
    if customer_value::remove(tx, customer_id, &[field]).await? == 0 {
        return Ok(old.seq);
    }
    rewrite(tx, customer_id, &basis(&old, by), by, "released").await
}

/// Which side of a conflict a person keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// What was typed, pinned from now on.
    Typed,
    /// What the source says.
    Source,
}

/// A person decides a conflict. What the rules had decided stands where that is the same. Returns the version
/// that stands afterwards.
pub async fn settle(tx: &mut Tx, customer_id: &str, field: &str, keep: Keep, by: By<'_>) -> Result<i64, EditError> {
    let old = open(tx, customer_id, by).await?;
    if by.view.hides_field(field, is_person(&old)) {
        return Err(EditError::UnknownCustomer);
    }
    let found = conflict::of_field(tx, customer_id, field).await?;
    let Some(found) = found else { return Ok(old.seq) };
    match keep {
        Keep::Typed => {
            let values = Values::from([(field.to_owned(), found.typed.unwrap_or_default())]);
            put(tx, customer_id, values, true, by).await?;
            conflict::remove(tx, customer_id, [field]).await?;
            rewrite(tx, customer_id, &basis(&old, by), by, "edited").await
        }
        Keep::Source => release(tx, customer_id, field, by).await,
    }
}

/// A prospect becomes a customer by a person's word, which stands above what sources say. Returns the version that
/// stands afterwards; nothing happens to who is a customer already.
pub async fn convert(tx: &mut Tx, customer_id: &str, by: By<'_>) -> Result<i64, EditError> {
    let old = open(tx, customer_id, by).await?;
    if old.life_stage.as_deref() != Some(PROSPECT) {
        return Ok(old.seq);
    }
    let [_, customer] = LIFE_STAGES;
    conflict::remove(tx, customer_id, ["life_stage"]).await?;
    put(tx, customer_id, Values::from([("life_stage".to_owned(), customer.to_owned())]), true, by).await?;
    rewrite(tx, customer_id, &basis(&old, by), by, "converted").await
}

/// A customer that no source knows yet: a company, or where `kind` says `person`, one. Returns its id.
pub async fn create(tx: &mut Tx, mut values: Values, by: By<'_>) -> Result<String, EditError> {
    let person = match values.remove("kind").as_deref() {
        None | Some("" | "corporation") => false,
        Some("person") => true,
        Some(other) => return Err(EditError::Invalid(vec![mistake("FMT_VALUE", "kind", other)])),
    };
    let definitions = custom_field::list(&mut *tx).await?;
    let values = checked(within(values, person, by), &definitions, by.currency)?;
    let values: Values = values.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    placed(&values, true, by)?;
    if !values.contains_key("name") {
        return Err(EditError::Invalid(vec![mistake("REQ_EMPTY", "name", "")]));
    }
    source_record::lock_origin(tx, "", true).await?;
    let id = Id::new(Noun::Customer).into_string();
    put(tx, &id, values, false, by).await?;
    let basis = Basis { currency: by.currency, sample: false, person, now: by.now };
    rewrite(tx, &id, &basis, by, "created").await?;
    Ok(id)
}

fn is_person(row: &customer::Row) -> bool {
    row.kind == "person"
}

/// What of a form is the editor's to change: never a field that is hidden.
fn within(values: Values, person: bool, by: By<'_>) -> Values {
    values.into_iter().filter(|(field, _)| !by.view.hides_field(field, person)).collect()
}

/// Who is limited to departments gives customers to those alone: nobody loses sight of what they just saved.
fn placed(typed: &Values, asked: bool, by: By<'_>) -> Result<(), EditError> {
    let department = typed.get("department").map(String::as_str);
    if asked && !by.view.reaches(department) {
        let value = department.unwrap_or_default();
        return Err(EditError::Invalid(vec![mistake("DEPARTMENT_OUTSIDE", "department", value)]));
    }
    Ok(())
}

/// The customer, locked against everybody who writes customers. Whom the editor does not see is not there.
async fn open(tx: &mut Tx, id: &str, by: By<'_>) -> Result<customer::Row, EditError> {
    let seen = store::in_view(&mut *tx, by.view, id).await?.ok_or(EditError::UnknownCustomer)?;
    if seen.id() != id {
        return Err(EditError::Merged(seen.id().to_owned()));
    }
    source_record::lock_origin(tx, "", true).await?;
    let row = customer::by_ids(&mut *tx, std::iter::once(id)).await?.remove(id).ok_or(EditError::UnknownCustomer)?;
    match row.merged_into {
        Some(into) => Err(EditError::Merged(into)),
        None => Ok(row),
    }
}

async fn put(tx: &mut Tx, id: &str, values: Values, pinned: bool, by: By<'_>) -> Result<(), StoreError> {
    let said = golden::sources_say(tx, id, by.currency).await?;
    let before = customer_value::of(&mut *tx, std::iter::once(id)).await?.remove(id).unwrap_or_default();
    let mut rows = Vec::with_capacity(values.len());
    for (field, value) in values {
        let before = before.iter().find(|row| row.field == field);
        rows.push(TypedRow {
            customer_id: id.to_owned(),
            source_value: said.iter().find(|g| g.field == field).map(|g| g.value.clone()),
            field,
            value: Some(value).filter(|v| !v.is_empty()),
            underway: underway(tx, before).await?,
            pinned,
            actor: by.actor.to_owned(),
            at: by.now.0,
        });
    }
    customer_value::put(tx, &rows).await
}

/// What was typed before and may still come back from a system as if it were news, the oldest first.
async fn underway(tx: &mut Tx, before: Option<&TypedRow>) -> Result<String, StoreError> {
    let Some(before) = before else { return Ok("[]".to_owned()) };
    let mut typed = before.underway();
    if delivery::may_be_underway(tx, &before.customer_id, before.at).await? && !typed.contains(&before.value) {
        typed.push(before.value.clone());
    }
    let dropped = typed.len().saturating_sub(MOST_UNDERWAY);
    Ok(serde_json::json!(typed[dropped..]).to_string())
}

/// On what a customer that is there is made again.
fn basis(old: &customer::Row, by: By<'_>) -> Basis {
    Basis { currency: by.currency, sample: old.sample, person: is_person(old), now: by.now }
}

async fn rewrite(tx: &mut Tx, id: &str, basis: &Basis, by: By<'_>, reason: &'static str) -> Result<i64, EditError> {
    let cause =
        |_: &str| Cause { effective_at: None, connection_id: None, actor: Some(by.actor), run_id: None, reason };
    golden::rewrite(tx, basis, &BTreeSet::from([id]), cause).await?;
    let row = customer::by_ids(&mut *tx, std::iter::once(id)).await?.remove(id).ok_or(EditError::UnknownCustomer)?;
    Ok(row.seq)
}

/// Every field of a customer as a form shows it; empty where there is no value.
#[must_use]
pub fn values_of(row: &customer::Row) -> Values {
    let limit = row
        .credit_limit_minor
        .and_then(|minor| row.currency.parse().ok().map(|currency| Money { minor, currency }.to_major()));
    let value = |field: &str| match field {
        "name" => Some(row.name.clone()),
        "name_kana" => row.name_kana.clone(),
        "code" => row.code.clone(),
        "corporate_number" => row.corporate_number.clone(),
        "registration_number" => row.registration_number.clone(),
        "phone" => row.phone.clone(),
        "mail" => row.mail.clone(),
        "postal_code" => row.postal_code.clone(),
        "address" => row.address.clone(),
        "industry" => row.industry.clone(),
        "department" => row.department.clone(),
        "owner" => row.owner.clone(),
        "closing_day" => row.closing_day.clone(),
        "life_stage" => row.life_stage.clone(),
        "lead_source" => row.lead_source.clone(),
        "lead_date" => row.lead_date.clone(),
        "payment_terms" => row.payment_terms.clone(),
        "credit_limit" => limit.clone(),
        "price_class" => row.price_class.clone(),
        _ => None,
    };
    let own = CUSTOMER_FIELDS.into_iter().map(|field| (field.to_owned(), value(field).unwrap_or_default()));
    own.chain(row.custom().into_iter().map(|(key, value)| (format!("{}{key}", custom::PREFIX), value))).collect()
}

fn mistake(code: &'static str, field: &str, value: &str) -> FieldError {
    FieldError { code, field: field.to_owned(), value: value.to_owned() }
}

/// Values in the form in which they are kept, or everything that is wrong with them.
fn checked(values: Values, definitions: &Definitions, currency: Currency) -> Result<Values, EditError> {
    let (mut good, mut wrong) = (Values::new(), Vec::new());
    for (field, typed) in values {
        match form(&field, typed.trim(), definitions, currency) {
            Ok(value) => _ = good.insert(field, value),
            Err(code) => wrong.push(mistake(code, &field, typed.trim())),
        }
    }
    if wrong.is_empty() { Ok(good) } else { Err(EditError::Invalid(wrong)) }
}

fn form(field: &str, value: &str, definitions: &Definitions, currency: Currency) -> Result<String, &'static str> {
    if custom::key_of(field).is_some() {
        let definition = definitions.of_field(field).filter(|one| !one.retired).ok_or("FIELD_UNKNOWN")?;
        return Ok(parse(definition, value, currency)?.unwrap_or_default());
    }
    wrong_with(field, value).map_or_else(|| Ok(value.to_owned()), Err)
}

fn wrong_with(field: &str, value: &str) -> Option<&'static str> {
    if value.is_empty() {
        return (field == "name").then_some("REQ_EMPTY");
    }
    if value.chars().count() > LONGEST {
        return Some("TOO_LONG");
    }
    if value.chars().any(char::is_control) {
        return Some("FMT_TYPE");
    }
    match field {
        "corporate_number" => (!identifier::is_corporate_number(value)).then_some("FMT_CORPNO"),
        "registration_number" => (!identifier::is_registration_number(value)).then_some("FMT_REGNO"),
        "mail" => (!identifier::is_mail(value)).then_some("FMT_VALUE"),
        "life_stage" => (!LIFE_STAGES.contains(&value)).then_some("FMT_VALUE"),
        "lead_date" => Date::parse(value).is_none().then_some("FMT_DATE"),
        "credit_limit" => {
            let number = value.parse::<rust_decimal::Decimal>();
            (!number.is_ok_and(|n| !n.is_sign_negative())).then_some("FMT_NUMBER")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_checked_field_by_field() {
        let long = "あ".repeat(LONGEST + 1);
        for (field, value, wrong) in [
            ("name", " ", Some("REQ_EMPTY")),
            ("name", "朝凪電装", None),
            ("name", long.as_str(), Some("TOO_LONG")),
            ("phone", "", None),
            ("phone", "03-0000\u{0}", Some("FMT_TYPE")),
            ("address", "一行目\n二行目", Some("FMT_TYPE")),
            ("mail", "info@asanagi.example", None),
            ("mail", "info asanagi", Some("FMT_VALUE")),
            ("corporate_number", "1234567890123", Some("FMT_CORPNO")),
            ("registration_number", "1234567890123", Some("FMT_REGNO")),
            ("credit_limit", "1,000", Some("FMT_NUMBER")),
            ("credit_limit", "-1", Some("FMT_NUMBER")),
            ("credit_limit", "1000000", None),
            ("custom.grade", "a", Some("FIELD_UNKNOWN")),
        ] {
            let values = Values::from([(field.to_owned(), value.to_owned())]);
            let told = checked(values, &Definitions::default(), Currency::JPY);
            let code = match &told {
                Err(EditError::Invalid(wrong)) => wrong.first().map(|w| w.code),
                _ => None,
            };
            assert_eq!(code, wrong, "{field} {value}");
        }
    }
}
