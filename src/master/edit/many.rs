//! One value for many customers, one customer at a time, and what stood before brought back.

use serde::{Deserialize, Serialize};

use super::{By, EditError, TypedRow, Values, basis, form, is_person, open, placed, put, rewrite, underway, values_of};
use crate::{
    model::{Currency, custom::Definitions},
    store::{StoreError, Tx, conflict, customer_value},
};

/// What stood in a field before a change for many.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Was {
    /// The golden value; empty: there was none.
    pub value: String,
    /// What people had typed there.
    pub typed: Option<Typed>,
}

/// A typed value as it stood.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Typed {
    value: Option<String>,
    source_value: Option<String>,
    pinned: bool,
    actor: String,
    at: i64,
}

/// A value in the form in which it is kept, or the code of what is wrong with it.
pub fn fitting(
    field: &str,
    value: &str,
    definitions: &Definitions,
    currency: Currency,
) -> Result<String, &'static str> {
    form(field, value.trim(), definitions, currency)
}

/// Puts one value into one field, whatever stands there. `value`: as [`fitting`] gave it. `None`: it stands there
/// already, and nothing was written.
pub async fn assign(
    tx: &mut Tx,
    customer_id: &str,
    (field, value): (&str, &str),
    pinned: bool,
    by: By<'_>,
) -> Result<Option<Was>, EditError> {
    let old = open(tx, customer_id, by).await?;
    if by.view.hides_field(field, is_person(&old)) {
        return Err(EditError::UnknownCustomer);
    }
    let before = typed_in(tx, customer_id, field).await?;
    let stands = values_of(&old).remove(field).unwrap_or_default();
    if stands == value && (!pinned || before.as_ref().is_some_and(|row| row.pinned)) {
        return Ok(None);
    }
    let values = Values::from([(field.to_owned(), value.to_owned())]);
    placed(&values, field == "department", by)?;
    conflict::remove(tx, customer_id, [field]).await?;
    put(tx, customer_id, values, pinned, by).await?;
    rewrite(tx, customer_id, &basis(&old, by), by, "bulk").await?;
    let typed = before.map(|row| {
        let TypedRow { value, source_value, pinned, actor, at, .. } = row;
        Typed { value, source_value, pinned, actor, at }
    });
    Ok(Some(Was { value: stands, typed }))
}

/// Brings back what stood before [`assign`]. `at`: when it was done. `false`: somebody typed something else since,
/// or the sources spoke; that stays.
pub async fn unassign(
    tx: &mut Tx,
    customer_id: &str,
    (field, value): (&str, &str),
    was: Was,
    at: i64,
    by: By<'_>,
) -> Result<bool, EditError> {
    let old = open(tx, customer_id, by).await?;
    if by.view.hides_field(field, is_person(&old)) {
        return Err(EditError::UnknownCustomer);
    }
    let Some(now) = typed_in(tx, customer_id, field).await? else { return Ok(false) };
    if now.at != at || now.value.as_deref().unwrap_or_default() != value {
        return Ok(false);
    }
    conflict::remove(tx, customer_id, [field]).await?;
    match was.typed {
        None => _ = customer_value::remove(tx, customer_id, &[field]).await?,
        Some(Typed { value, source_value, pinned, actor, at }) => {
            let underway = underway(tx, Some(&now)).await?;
            let (customer_id, field) = (customer_id.to_owned(), field.to_owned());
            let row = TypedRow { customer_id, field, value, source_value, underway, pinned, actor, at };
            customer_value::put(tx, &[row]).await?;
        }
    }
    rewrite(tx, customer_id, &basis(&old, by), by, "bulk_undone").await?;
    Ok(true)
}

async fn typed_in(tx: &mut Tx, customer_id: &str, field: &str) -> Result<Option<TypedRow>, StoreError> {
    let rows = customer_value::of(&mut *tx, std::iter::once(customer_id)).await?.remove(customer_id);
    Ok(rows.unwrap_or_default().into_iter().find(|row| row.field == field))
}
