//! Deleted records: believed only with proof.
//!
//! Many systems do not say what was deleted. For streams that declare it, the source's whole list of
//! keys is compared with what is known here, now and then, at the end of a pull. A record counts as
//! gone only when
//!
//! 1. the list came to its end without trouble and is as long as the source says it is,
//! 2. the record is not in it, and was not seen since the list was begun,
//! 3. the source, asked for this very record, says that it does not have it,
//! 4. not too many are gone at once. Above the brake a person decides first.
//!
//! A record that stands in the list again after it was believed gone is taken back.

use std::collections::HashSet;

use musubi_sdk::connector::{Record, SourceError};

use crate::{
    model::{Timestamp, record::Kind},
    store::{connection, source_record, sweep},
};

use super::{
    committer::Work,
    fetch,
    pages::Pages,
    pull::{Pull, Stop, Trouble},
};

/// Records asked for singly in one run; the rest comes with the next run.
const ASKED: usize = 200;

/// What the whole list says.
struct Compared {
    known: usize,
    /// Living here, not in the list.
    missing: Vec<String>,
    /// Believed gone, and in the list.
    back: Vec<String>,
}

/// Compares a stream with its source when that is due.
pub(super) async fn stream(pull: &mut Pull<'_>, stream: &connection::Stream, kind: Kind) -> Result<(), Stop> {
    let (engine, live, name) = (pull.engine, pull.live.clone(), stream.name.as_str());
    let began = engine.clock.now();
    let last = sweep::get(&engine.db, &live.row.id, name).await?;
    if !live.connector.lists_all(name) {
        return Ok(());
    }
    let place = (live.row.id.as_str(), name);
    let Some(last) = last else {
        // The first pull has just brought everything: nothing can be missing yet.
        return settle(pull, place, 0, 0).await;
    };
    if !is_due(&last, began, engine.settings.sweep.micros()) {
        return Ok(());
    }
    let compared = compare(pull, name, began).await?;
    take_back(pull, name, kind, &compared.back).await?;
    if too_many(compared.missing.len(), compared.known, engine.settings.sweep_brake) && !allowed(&last, &compared) {
        let mut tx = engine.db.begin().await?;
        sweep::hold(&mut tx, place, compared.known, compared.missing.iter(), engine.clock.now()).await?;
        tx.commit().await?;
        let detail = format!("{name}: {} of {} records are gone from the list", compared.missing.len(), compared.known);
        return Err(trouble("DELETE_BRAKE", detail));
    }
    let whole = compared.missing.len() <= ASKED && compared.back.len() <= ASKED;
    bury(pull, name, kind, &compared.missing).await?;
    if whole { settle(pull, place, compared.known, compared.missing.len()).await } else { Ok(()) }
}

/// Nothing is left to compare or to decide.
async fn settle(pull: &Pull<'_>, place: (&str, &str), known: usize, missing: usize) -> Result<(), Stop> {
    let mut tx = pull.engine.db.begin().await?;
    sweep::done(&mut tx, place, known, missing, pull.engine.clock.now()).await?;
    tx.commit().await?;
    Ok(())
}

fn is_due(last: &sweep::Row, now: Timestamp, every: i64) -> bool {
    // While deletions are held the source may be put right, and nobody wants to wait a day to see it.
    let every = if last.held_at.is_some() { every.min(Timestamp::HOUR) } else { every };
    last.allowed_at.is_some() || now.since(Timestamp(last.swept_at)) >= every
}

/// A handful is everyday business, however few records there are.
fn too_many(missing: usize, known: usize, percent: u32) -> bool {
    missing > 3 && missing * 100 > known * percent as usize
}

/// Whether a person has let exactly these go.
fn allowed(last: &sweep::Row, compared: &Compared) -> bool {
    let held = last.held();
    last.allowed_at.is_some() && compared.missing.iter().all(|key| held.contains(key))
}

async fn compare(pull: &mut Pull<'_>, name: &str, began: Timestamp) -> Result<Compared, Stop> {
    let mut pages = Pages::of_all_keys(pull.engine, pull.live.clone(), name, &pull.cancel);
    let (mut listed, mut total) = (HashSet::new(), None);
    while let Some(page) = pages.next(pull).await? {
        total = total.or(page.total);
        listed.extend(page.records.into_iter().filter(|r| !r.deleted).map(|r| r.external_id));
    }
    if total.is_some_and(|total| (listed.len() as u64) < total) {
        let detail = format!("{name}: {} of {} keys came", listed.len(), total.unwrap_or_default());
        return Err(trouble("SWEEP_INCOMPLETE", detail));
    }
    let keys = source_record::keys(&pull.engine.db, &pull.live.row.id, name, began).await?;
    let mut compared = Compared { known: 0, missing: Vec::new(), back: Vec::new() };
    for (key, deleted) in keys {
        match (deleted, listed.contains(&key)) {
            (true, true) => compared.back.push(key),
            (true, false) => {}
            (false, here) => {
                compared.known += 1;
                if !here {
                    compared.missing.push(key);
                }
            }
        }
    }
    Ok(compared)
}

/// Asks for each missing record and ends those that the source does not have.
async fn bury(pull: &mut Pull<'_>, name: &str, kind: Kind, missing: &[String]) -> Result<(), Stop> {
    let mut gone = Vec::new();
    for key in missing.iter().take(ASKED) {
        match ask(pull, name, key).await? {
            None => gone.push(key.clone()),
            // A list that leaves out what exists proves nothing about the others.
            Some(_) => {
                let detail = format!("{name}: records that exist are not in the list, so nothing was deleted");
                return Err(trouble("SWEEP_CONTRADICTED", detail));
            }
        }
    }
    let records = gone.into_iter().map(|external_id| Record {
        external_id,
        version: None,
        body: serde_json::Value::Null,
        deleted: true,
    });
    commit(pull, name, kind, records.collect(), false).await
}

/// Records that were believed gone and are in the list again.
async fn take_back(pull: &mut Pull<'_>, name: &str, kind: Kind, back: &[String]) -> Result<(), Stop> {
    let mut records = Vec::new();
    for key in back.iter().take(ASKED) {
        records.extend(ask(pull, name, key).await?.filter(|r| !r.deleted));
    }
    commit(pull, name, kind, records, true).await
}

async fn ask(pull: &mut Pull<'_>, name: &str, key: &str) -> Result<Option<Record>, Stop> {
    let live = pull.live.clone();
    let Some(answer) = pull.place.wait(fetch::one(&live, name, key, &pull.cancel)).await else {
        return Err(Stop::Cancelled);
    };
    pull.requests += 1;
    answer.map_err(|error: SourceError| Stop::Trouble(Trouble::from_source(&error)))
}

async fn commit(pull: &mut Pull<'_>, name: &str, kind: Kind, records: Vec<Record>, back: bool) -> Result<(), Stop> {
    if records.is_empty() {
        return Ok(());
    }
    let of = Work::of(&pull.live, name, kind, &pull.run_id, pull.engine.currency);
    let mut work = Work { stream_state: "running", back, ..of };
    work.hold(&pull.engine.db, records.iter().map(|record| record.external_id.as_str())).await?;
    records.into_iter().for_each(|record| work.add(record));
    let outcome = pull.commit(work).await?;
    pull.total.add(outcome);
    Ok(())
}

fn trouble(code: &str, detail: String) -> Stop {
    Stop::Trouble(Trouble { whole_connection: false, ..Trouble::of(code, detail) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_brake_leaves_everyday_business_alone() {
        for (missing, known, expected) in [
            (0, 0, false),
            (3, 3, false),
            (4, 20, true),
            (4, 200, false),
            (5, 200, true),
            (20, 1_000, false),
            (21, 1_000, true),
        ] {
            assert_eq!(too_many(missing, known, 2), expected, "{missing} of {known}");
        }
    }
}
