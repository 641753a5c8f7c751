//! Who looks after a customer: the golden owner and department, kept with the days on which they changed.

use std::collections::HashMap;

use super::{edit::By, golden::Cause};
use crate::{
    matching::tenure::{self, Span, Wrong},
    model::{Date, Id, Timestamp, ids::Noun},
    store::{self, StoreError, Tx, customer, relation, relation::Row, setting, source_record},
};

/// Roles, each the name of the golden field that it follows.
pub const ROLES: [&str; 2] = ["owner", "department"];

/// Why no day was corrected.
#[derive(Debug, thiserror::Error)]
pub enum CorrectError {
    #[error("no such relation")]
    Unknown,
    #[error("{}", .0.code())]
    Wrong(Wrong),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Brings the relations of customers up to their new golden values.
pub(super) async fn follow<'c>(
    tx: &mut Tx,
    rows: &[customer::Row],
    stored: &HashMap<String, customer::Row>,
    now: Timestamp,
    cause_of: &impl Fn(&str) -> Cause<'c>,
) -> Result<(), StoreError> {
    let moved = |row: &&customer::Row| {
        let old = stored.get(&row.id);
        let of = |row: &customer::Row| (row.owner.clone(), row.department.clone());
        old.map_or((None, None), of) != of(row)
    };
    let moved: Vec<&customer::Row> = rows.iter().filter(moved).collect();
    if moved.is_empty() {
        return Ok(());
    }
    let today = Date(now.zoned(&setting::zone(&mut *tx).await?).date());
    let mut known = relation::of(&mut *tx, moved.iter().map(|row| row.id.as_str())).await?;
    let mut changed = Vec::new();
    for row in moved {
        let of = known.remove(&row.id).unwrap_or_default();
        let cause = cause_of(&row.id);
        // What a source says of a customer that is new to the hub began some time before; what a person types, now.
        let since = (cause.connection_id.is_none() || stored.contains_key(&row.id)).then_some(today);
        for (role, name) in ROLES.into_iter().zip([&row.owner, &row.department]) {
            let before: Vec<Row> = of.iter().filter(|one| one.role == role).cloned().collect();
            let after = tenure::follow(before.iter().map(span).collect(), name.as_deref(), today, since);
            let made = |place: i64, span: &Span| Row {
                id: Id::new(Noun::Relation).into_string(),
                customer_id: row.id.clone(),
                role: role.to_owned(),
                place,
                name: span.name.clone(),
                valid_from: None,
                valid_to: None,
                connection_id: cause.connection_id.map(str::to_owned),
                actor: cause.actor.map(str::to_owned),
                corrected_by: None,
                updated_at: now.0,
            };
            changed.extend(written(before, &after, made, now));
        }
    }
    relation::put(tx, &changed).await
}

/// The rows that differ from what stood there.
fn written(before: Vec<Row>, after: &[Span], made: impl Fn(i64, &Span) -> Row, now: Timestamp) -> Vec<Row> {
    let mut before = before.into_iter();
    let mut out = Vec::new();
    for (place, right) in (1..).zip(after) {
        let row = before.next();
        if row.as_ref().is_some_and(|row| span(row) == *right) {
            continue;
        }
        let row = row.unwrap_or_else(|| made(place, right));
        let (from, to) = (right.from.map(|day| day.to_string()), right.to.map(|day| day.to_string()));
        out.push(Row { valid_from: from, valid_to: to, updated_at: now.0, ..row });
    }
    out
}

fn span(row: &Row) -> Span {
    let day = |text: &Option<String>| text.as_deref().and_then(Date::parse);
    Span { name: row.name.clone(), from: day(&row.valid_from), to: day(&row.valid_to) }
}

/// A person corrects the days of one relation. A neighbour that touched it moves along.
pub async fn correct(
    tx: &mut Tx,
    (customer_id, id): (&str, &str),
    (from, to): (Option<Date>, Option<Date>),
    by: By<'_>,
) -> Result<(), CorrectError> {
    let seen = store::in_view(&mut *tx, by.view, customer_id).await?.ok_or(CorrectError::Unknown)?;
    source_record::lock_origin(tx, "", true).await?;
    let of = relation::of(&mut *tx, std::iter::once(seen.id())).await?.remove(seen.id()).unwrap_or_default();
    let role = of.iter().find(|row| row.id == id).map(|row| row.role.clone()).ok_or(CorrectError::Unknown)?;
    let before: Vec<Row> = of.into_iter().filter(|row| row.role == role).collect();
    let at = before.iter().position(|row| row.id == id).ok_or(CorrectError::Unknown)?;
    let spans: Vec<Span> = before.iter().map(span).collect();
    let today = Date(by.now.zoned(&setting::zone(&mut *tx).await?).date());
    let after = tenure::correct(&spans, at, from, to, today).map_err(CorrectError::Wrong)?;
    let rows: Vec<Row> = before
        .iter()
        .zip(&after)
        .filter(|(row, right)| span(row) != **right)
        .map(|(row, right)| Row {
            valid_from: right.from.map(|day| day.to_string()),
            valid_to: right.to.map(|day| day.to_string()),
            corrected_by: Some(by.actor.to_owned()),
            updated_at: by.now.0,
            ..row.clone()
        })
        .collect();
    relation::put(tx, &rows).await?;
    customer::touch(tx, std::iter::once(seen.id()), by.now).await?;
    Ok(())
}
