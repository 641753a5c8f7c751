//! Survivorship rules as people set them: what is in force, what a change would do, and doing it.
//!
//! A change is shown before it is put in force ([`preview`]). Then golden values are made again for every
//! customer in the background, chunk by chunk ([`go_on`]): each chunk is one transaction with the place where it
//! ended, so that a crash loses and doubles nothing. Former sets stay and can be put in force again.

use std::collections::{BTreeMap, BTreeSet};

use super::golden::{self, Basis, Cause};
use crate::{
    matching::survivorship::{Group, Rules},
    model::{Currency, Timestamp, View},
    store::{Db, On, StoreError, Tx, customer, source_record, survivorship as rows},
};

/// Customers of one chunk.
const CHUNK: i64 = 100;
/// Customers that a preview looks at, at most.
const LOOKED_AT: usize = 20_000;
/// Changes that a preview shows of each group.
const EXAMPLES: usize = 5;

/// What is in force.
pub async fn current(on: impl Into<On<'_>>) -> Result<Rules, StoreError> {
    Ok(in_force(on).await?.1)
}

/// The number of the set in force, 0 where nobody changed anything yet, and the set.
pub async fn in_force(on: impl Into<On<'_>>) -> Result<(i64, Rules), StoreError> {
    match rows::newest(on, 1).await?.into_iter().next() {
        None => Ok((0, Rules::default())),
        Some(row) => Ok((row.seq, read(&row)?)),
    }
}

fn read(row: &rows::RulesRow) -> Result<Rules, StoreError> {
    serde_json::from_str(&row.body).map_err(|e| StoreError::Corrupt(format!("rules {} cannot be read: {e}", row.seq)))
}

/// A set that was in force, or is.
#[derive(Clone, Debug)]
pub struct Former {
    pub seq: i64,
    pub rules: Rules,
    pub actor: String,
    pub at: Timestamp,
    pub restores: Option<i64>,
}

/// The last sets, the one in force first.
pub async fn history(on: impl Into<On<'_>>, limit: i64) -> Result<Vec<Former>, StoreError> {
    let read = |row: rows::RulesRow| {
        let rules = read(&row)?;
        let rows::RulesRow { seq, actor, at, restores, .. } = row;
        Ok(Former { seq, rules, actor, at: Timestamp(at), restores })
    };
    rows::newest(on, limit).await?.into_iter().map(read).collect()
}

/// Why nothing was put in force.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    #[error("somebody put other rules in force meanwhile")]
    Overtaken,
    #[error("there is no such set of rules")]
    Unknown,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Puts rules in force and begins to make golden values again. `seen`: the number of the set that the person saw.
/// Returns the groups that are different now; none: nothing was to do.
pub async fn put(tx: &mut Tx, seen: i64, rules: &Rules, actor: &str, now: Timestamp) -> Result<Vec<Group>, RulesError> {
    enforce(tx, seen, rules, None, actor, now).await
}

/// Puts a former set in force again; 0 is what held before anybody changed anything.
pub async fn restore(
    tx: &mut Tx,
    seen: i64,
    former: i64,
    actor: &str,
    now: Timestamp,
) -> Result<Vec<Group>, RulesError> {
    let rules = self::former(&mut *tx, former).await?;
    enforce(tx, seen, &rules, Some(former), actor, now).await
}

/// A former set by its number; 0 is what held before anybody changed anything.
pub async fn former(on: impl Into<On<'_>>, seq: i64) -> Result<Rules, RulesError> {
    match seq {
        0 => Ok(Rules::default()),
        _ => Ok(read(&rows::by_seq(on, seq).await?.ok_or(RulesError::Unknown)?)?),
    }
}

async fn enforce(
    tx: &mut Tx,
    seen: i64,
    rules: &Rules,
    restores: Option<i64>,
    actor: &str,
    now: Timestamp,
) -> Result<Vec<Group>, RulesError> {
    let (seq, held) = in_force(&mut *tx).await?;
    if seq != seen {
        return Err(RulesError::Overtaken);
    }
    let differing = held.differing(rules);
    if differing.is_empty() {
        return Ok(differing);
    }
    let body = serde_json::to_string(rules).map_err(|e| StoreError::Encode(Box::new(e)))?;
    let row = rows::RulesRow { seq: seq + 1, body, actor: actor.to_owned(), restores, at: now.0 };
    if !rows::put(tx, &row).await? {
        return Err(RulesError::Overtaken);
    }
    rows::start_job(tx, "rules", actor, now).await?;
    Ok(differing)
}

/// A value that would change.
#[derive(Clone, Debug)]
pub struct Example {
    pub customer_id: String,
    pub name: String,
    pub field: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// What other rules would do.
#[derive(Clone, Debug, Default)]
pub struct Preview {
    /// Customers that more than one source knows, and that were looked at.
    pub looked_at: usize,
    /// There are more.
    pub cut: bool,
    /// Customers with at least one value that changes.
    pub customers: usize,
    /// Values that change, by field.
    pub fields: BTreeMap<String, usize>,
    /// Some of them, for who may see them.
    pub examples: Vec<Example>,
}

/// What rules would change, on the real records; nothing is written. Examples are of what the reader sees.
pub async fn preview(db: &Db, rules: &Rules, currency: Currency, view: &View) -> Result<Preview, StoreError> {
    let held = golden::Means::load(db).await?;
    let proposed = golden::Means { definitions: held.definitions.clone(), rules: rules.clone() };
    let mut preview = Preview::default();
    let mut after = String::new();
    loop {
        let ids = rows::shared_after(db, &after, 5 * CHUNK).await?;
        let Some(last) = ids.last() else { return Ok(preview) };
        if preview.looked_at >= LOOKED_AT {
            preview.cut = true;
            return Ok(preview);
        }
        preview.looked_at += ids.len();
        after.clone_from(last);
        let stored = customer::by_ids(db, ids.iter().map(String::as_str)).await?;
        let bodies = source_record::bodies(db, ids.iter().map(String::as_str)).await?;
        let typed = crate::store::customer_value::of(db, ids.iter().map(String::as_str)).await?;
        for id in &ids {
            let Some(row) = stored.get(id) else { continue };
            let typed = typed.get(id).cloned().unwrap_or_default();
            let of = |means| golden::values(&bodies, id, &typed, means, currency);
            note(&mut preview, row, &of(&held), &of(&proposed), view);
        }
    }
}

type Values = BTreeMap<String, String>;

fn note(preview: &mut Preview, row: &customer::Row, before: &Values, after: &Values, view: &View) {
    let fields: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut changed = false;
    for field in fields {
        let (before, after) = (before.get(field), after.get(field));
        if before == after {
            continue;
        }
        changed = true;
        *preview.fields.entry(field.clone()).or_default() += 1;
        let of_field = preview.examples.iter().filter(|example| example.field == *field).count();
        let seen = view.reaches(row.department.as_deref()) && !view.hides_field(field, row.kind == "person");
        if seen && of_field < EXAMPLES {
            preview.examples.push(Example {
                customer_id: row.id.clone(),
                name: row.name.clone(),
                field: field.clone(),
                before: before.cloned(),
                after: after.cloned(),
            });
        }
    }
    preview.customers += usize::from(changed);
}

/// How far the making again is.
pub use rows::Recompute as Progress;

pub async fn progress(on: impl Into<On<'_>>) -> Result<Option<Progress>, StoreError> {
    rows::last_job(on).await
}

/// Makes the golden values of the next customers again. Returns those that changed; `None`: there is nothing to
/// do.
pub async fn go_on(tx: &mut Tx, currency: Currency, now: Timestamp) -> Result<Option<Vec<String>>, StoreError> {
    if rows::running_job(&mut *tx).await?.is_none() {
        return Ok(None);
    }
    source_record::lock_origin(tx, "", true).await?;
    // Another node may have gone on, until it gave the lock.
    let Some(job) = rows::running_job(&mut *tx).await? else { return Ok(None) };
    let ids = rows::customers_after(&mut *tx, &job.after_id, CHUNK).await?;
    let reason = if job.cause == "fields" { "fields" } else { "rules" };
    let cause =
        |_: &str| Cause { effective_at: None, connection_id: None, actor: Some(&job.actor), run_id: None, reason };
    // A customer that is there stays a sample, or none.
    let basis = Basis { currency, sample: true, person: false, now };
    let set: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
    let changed = golden::rewrite(tx, &basis, &set, cause).await?;
    let counts = [ids.len(), changed.len()].map(|n| i64::try_from(n).unwrap_or(i64::MAX));
    let full = i64::try_from(ids.len()).is_ok_and(|n| n == CHUNK);
    rows::advance_job(tx, job.seq, ids.last().map(String::as_str).filter(|_| full), counts, now).await?;
    Ok(Some(changed))
}
