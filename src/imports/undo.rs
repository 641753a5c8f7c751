//! Brings back what stood before an import.
//!
//! What it created goes, what it changed has its values of before again, and what somebody else changed or used
//! since stays and is listed. Everything is a new version; nothing is erased.

use std::collections::HashSet;

use super::{
    ImportError, Job, Undone,
    apply::{close, commit, run_of},
};
use crate::{
    master::{Incoming, Outcome, withdraw},
    model::record::{Canonical, Kind},
    store::{
        failure,
        import::{self, State, Touched},
    },
    sync::committer::Work,
};

/// Records taken back in one commit.
const CHUNK: i64 = 200;

/// Takes back the whole import.
pub(super) async fn undo(job: &Job<'_>) -> Result<Undone, ImportError> {
    let run_id = run_of(job, "undo").await?;
    let done = all(job, &run_id).await;
    let told = done.as_ref().map(|_| ()).map_err(|_| ImportError::Interrupted);
    match &done {
        Ok(undone) => close(job, &run_id, &told, undone.kept > 0).await?,
        Err(_) => close(job, &run_id, &told, false).await?,
    }
    done
}

async fn all(job: &Job<'_>, run_id: &str) -> Result<Undone, ImportError> {
    let (engine, id) = (job.engine, job.import.id.as_str());
    let mut undone: Undone =
        job.import.undone.as_deref().and_then(|u| serde_json::from_str(u).ok()).unwrap_or_default();
    let mut rows = 0;
    loop {
        let touched = import::touched(&engine.db, id, CHUNK).await?;
        let Some(first) = touched.first() else { break };
        let stream = first.stream.clone();
        let here: Vec<Touched> = touched.into_iter().filter(|t| t.stream == stream).collect();
        rows += here.len() as u64;
        chunk(job, run_id, &stream, &here, &mut undone).await?;
        job.progress(rows).await?;
    }
    if let Some(run) = &job.import.run_id {
        let mut tx = engine.db.begin().await?;
        failure::resolve_run(&mut tx, run, engine.clock.now()).await?;
        tx.commit().await?;
    }
    Ok(undone)
}

/// What is to become of one record.
enum Way {
    Nothing,
    Keep,
    Remove,
    Restore(Box<Incoming>),
}

fn way(job: &Job<'_>, kind: Kind, touched: &Touched, state: Option<&State>) -> Way {
    let Some(state) = state else { return Way::Nothing };
    if state.deleted_at.is_some() {
        // It is gone already: by an undo that was cut off, or by somebody else.
        return if touched.before_body.is_none() { Way::Nothing } else { Way::Keep };
    }
    let Some(before) = &touched.before_body else {
        return if state.content_hash == touched.after_hash { Way::Remove } else { Way::Keep };
    };
    let hash = Incoming::hash_of(before);
    if state.content_hash == hash {
        return Way::Nothing;
    }
    if state.content_hash != touched.after_hash {
        return Way::Keep;
    }
    let record =
        serde_json::from_str(before).ok().and_then(|map| Canonical::read(kind, &map, job.engine.currency).ok());
    match record {
        Some(record) => Way::Restore(Box::new(Incoming {
            external_id: touched.external_id.clone(),
            version: None,
            record: Some(record),
            canonical: before.clone(),
            hash,
            payload: before.clone(),
        })),
        None => Way::Keep,
    }
}

async fn chunk(
    job: &Job<'_>,
    run_id: &str,
    stream: &str,
    touched: &[Touched],
    undone: &mut Undone,
) -> Result<(), ImportError> {
    let kind = job.live.kind_of(stream).ok_or(ImportError::Connection)?;
    let keys = touched.iter().map(|t| t.external_id.as_str());
    let states = import::states(&job.engine.db, &job.import.connection_id, stream, keys).await?;
    let mut work = Work::of(&job.live, stream, kind, run_id, job.engine.currency);
    let (mut removed, mut kept): (Vec<&str>, HashSet<&str>) = (Vec::new(), HashSet::new());
    for t in touched {
        match way(job, kind, t, states.get(&t.external_id)) {
            Way::Nothing => {}
            Way::Keep => drop(kept.insert(&t.external_id)),
            Way::Remove => removed.push(&t.external_id),
            Way::Restore(incoming) => work.records.push(*incoming),
        }
    }
    undone.restored += work.records.len() as u64;
    undone.removed += removed.len() as u64;
    if kind == Kind::Customer {
        let stay = customers(job, run_id, stream, &removed).await?;
        undone.removed -= stay.kept.len() as u64 + stay.restored;
        undone.restored += stay.restored;
        kept.extend(removed.iter().copied().filter(|key| stay.kept.contains(*key)));
    } else {
        work.records.extend(removed.iter().map(|key| gone(key)));
    }
    if !work.is_empty() {
        commit(job, work, run_id).await?;
    }
    undone.kept += kept.len() as u64;
    let mut tx = job.engine.db.begin().await?;
    let id = &job.import.id;
    let back = touched.iter().map(|t| t.external_id.as_str()).filter(|key| !kept.contains(key));
    import::settle(&mut tx, id, stream, back, "taken_back").await?;
    import::settle(&mut tx, id, stream, kept.iter().copied(), "kept").await?;
    tx.commit().await?;
    Ok(())
}

fn gone(key: &str) -> Incoming {
    Incoming {
        external_id: key.to_owned(),
        version: None,
        record: None,
        canonical: String::new(),
        hash: Vec::new(),
        payload: String::new(),
    }
}

#[derive(Default)]
struct Stay {
    kept: HashSet<String>,
    /// Known to others too: only what this import said of them is gone.
    restored: u64,
}

/// Customers that the import brought.
async fn customers(job: &Job<'_>, run_id: &str, stream: &str, keys: &[&str]) -> Result<Stay, ImportError> {
    let mut stay = Stay::default();
    if keys.is_empty() {
        return Ok(stay);
    }
    let engine = job.engine;
    let by = withdraw::By {
        origin: &job.live.origin,
        stream,
        run_id,
        actor: &job.import.actor,
        now: engine.clock.now(),
        currency: engine.currency,
    };
    let mut tx = engine.db.begin().await?;
    let mut outcome = Outcome::default();
    for (key, done) in withdraw::customers(&mut tx, &by, keys, &mut outcome).await? {
        match done {
            withdraw::Done::Removed => {}
            withdraw::Done::Restored => stay.restored += 1,
            withdraw::Done::Kept => drop(stay.kept.insert(key)),
        }
    }
    tx.commit().await?;
    engine.announce(&outcome, run_id);
    Ok(stay)
}
