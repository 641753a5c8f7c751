//! What would happen: the same reading, gathering and mapping as applying, with nothing written but the report.

use std::collections::HashMap;

use musubi_files::{Entry, Limits};
use musubi_sdk::connector::Record;
use serde_json::{Map, Value};

use super::{
    Counts, ImportError, Job, Report, Shown, apply,
    feed::{self, Feed},
    gather::{self, Draft, Gather, Gathered, Keys},
    report::Change,
    resolve,
};
use crate::{
    master::{Incoming, Rejected, edit},
    store::{
        customer,
        import::{self, Named, Reject, State},
    },
    sync::{intake, shape::Held},
};

/// Records looked up and applied together.
const CHUNK: usize = 200;
/// Records shown with what changes in them.
const FIRST: usize = 12;

/// A record that can be applied.
pub(super) struct Ready {
    pub draft: Draft,
    pub incoming: Incoming,
    /// What this source had before.
    pub before: Option<State>,
    pub customer: Option<Named>,
}

impl Ready {
    pub fn what(&self) -> &'static str {
        match &self.before {
            Some(state) if state.deleted_at.is_none() => {
                if state.content_hash == self.incoming.hash {
                    "unchanged"
                } else {
                    "updated"
                }
            }
            _ if self.is_linked() => "updated",
            _ => "new",
        }
    }

    /// A customer sheet's row that means a customer of the hub.
    fn is_linked(&self) -> bool {
        self.draft.body.contains_key("hub_id")
    }

    pub fn label(&self) -> String {
        let record = self.incoming.record.as_ref();
        record.and_then(|r| r.label()).unwrap_or(&self.draft.key).to_owned()
    }
}

/// A chunk, sorted out.
#[derive(Default)]
pub(super) struct Chunk {
    pub ready: Vec<Ready>,
    pub rejects: Vec<Reject>,
    /// Of those, what can become a failure with a way out: it has a key.
    pub failures: Vec<Rejected>,
}

/// What is done with each chunk.
#[derive(Clone, Copy)]
pub(super) enum Step<'r> {
    Check,
    /// In this run.
    Apply(&'r str),
}

/// Goes through a file, chunk by chunk.
pub(super) async fn walk(
    job: &Job<'_>,
    limits: &Limits,
    report: &mut Report,
    step: Step<'_>,
) -> Result<(), ImportError> {
    let file = feed::file(job.engine, job.import).await?;
    let (plan, all) = (job.plan.clone(), *limits);
    let counted = tokio::task::spawn_blocking(move || Keys::count(&file, &plan, &all).map(|keys| (keys, file)));
    let (keys, file) = counted.await.map_err(|_| ImportError::Interrupted)??;
    let mut gather = Gather::new(&job.plan, keys);
    let mut feed = Feed::start(file, job.plan.layout.clone(), *limits);
    let (mut drafts, mut rejects) = (Vec::new(), Vec::new());
    let (mut rows, mut told) = (0u64, std::time::Instant::now());
    while let Some(entries) = feed.next().await {
        for entry in entries {
            match entry {
                Entry::Skipped(skipped) => rows += skipped.rows,
                Entry::Rejected(r) => {
                    rows += 1;
                    rejects.push(gather::flawed(&job.plan.layout, r.row, &r.flaw));
                }
                Entry::Row(row) => {
                    rows += 1;
                    match gather.row(row)? {
                        Gathered::Waits => {}
                        Gathered::Record(draft) => drafts.push(*draft),
                        Gathered::Reject(reject) => rejects.push(reject),
                    }
                }
            }
            if drafts.len() + rejects.len() >= CHUNK {
                let chunk = prepare(job, std::mem::take(&mut drafts), std::mem::take(&mut rejects)).await?;
                pass(job, report, chunk, step).await?;
            }
        }
        if told.elapsed() > std::time::Duration::from_millis(500) {
            told = std::time::Instant::now();
            job.progress(rows).await?;
        }
    }
    let chunk = prepare(job, drafts, rejects).await?;
    pass(job, report, chunk, step).await?;
    report.rows = feed.account().await?;
    // Rows that the mapping refused count as rejected, not as taken.
    let refused = report.counts.rejected.saturating_sub(report.rows.rejected);
    report.rows.taken -= refused.min(report.rows.taken);
    report.rows.rejected = report.counts.rejected;
    report.causes.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
    Ok(())
}

async fn pass(job: &Job<'_>, report: &mut Report, chunk: Chunk, step: Step<'_>) -> Result<(), ImportError> {
    count(&mut report.counts, &chunk);
    for reject in &chunk.rejects {
        report.cause(&reject.cause, 1);
    }
    keep(job, &chunk.rejects).await?;
    match step {
        Step::Check if report.first.len() < FIRST => show(job, report, &chunk).await,
        Step::Check => Ok(()),
        Step::Apply(run_id) => apply::one(job, run_id, chunk).await,
    }
}

fn count(counts: &mut Counts, chunk: &Chunk) {
    counts.rejected += chunk.rejects.len() as u64;
    counts.records += chunk.ready.len() as u64;
    for ready in &chunk.ready {
        match ready.what() {
            "new" => counts.new += 1,
            "updated" => counts.updated += 1,
            _ => counts.unchanged += 1,
        }
    }
}

async fn prepare(job: &Job<'_>, mut drafts: Vec<Draft>, rejects: Vec<Reject>) -> Result<Chunk, ImportError> {
    let mut chunk = Chunk { rejects, ..Chunk::default() };
    let resolved = resolve::resolve(job, &mut drafts).await?;
    let keys = drafts.iter().map(|draft| draft.key.as_str());
    let mut states = import::states(&job.engine.db, &job.import.connection_id, job.plan.stream(), keys).await?;
    for (draft, customer) in drafts.into_iter().zip(resolved) {
        let record = Record {
            external_id: draft.key.clone(),
            version: None,
            body: Value::Object(draft.body.clone()),
            deleted: false,
        };
        let mapped = intake::map(&job.live, job.plan.stream(), record, &Held::new(), job.engine.currency);
        match (mapped, customer) {
            (Ok(incoming), Ok(customer)) => {
                let before = states.remove(&draft.key);
                chunk.ready.push(Ready { draft, incoming, before, customer });
            }
            (Err(bad), _) => refuse(job, &mut chunk, draft, *bad),
            (Ok(incoming), Err(cause)) => {
                let field = if cause == "REF_HUB_ID" { "hub_id" } else { "customer" };
                let value = draft.body.get(field).and_then(Value::as_str).map(str::to_owned);
                let bad = Rejected {
                    external_id: draft.key.clone(),
                    version: None,
                    cause: cause.to_owned(),
                    field: Some(field.to_owned()),
                    source_path: Some(field.to_owned()),
                    value,
                    label: incoming.record.as_ref().and_then(|r| r.label()).unwrap_or(&draft.key).to_owned(),
                    payload: incoming.payload,
                };
                refuse(job, &mut chunk, draft, bad);
            }
        }
    }
    Ok(chunk)
}

/// Every row of the record is rejected: the one with the value by its cause, the others with it.
fn refuse(job: &Job<'_>, chunk: &mut Chunk, draft: Draft, bad: Rejected) {
    let field = bad.field.as_deref().unwrap_or_default();
    // `lines[2].quantity` stands in the third row of the record.
    let (role, at) = match field.split_once('[').and_then(|(list, rest)| Some((list, rest.split_once(']')?))) {
        Some((list, (index, inner))) => (format!("{list}{inner}"), index.parse().unwrap_or(0)),
        None => (field.to_owned(), 0usize),
    };
    let column = job.plan.column(&role);
    for (index, row) in draft.rows.into_iter().enumerate() {
        let reject = if index == at {
            gather::reject(&job.plan.layout, row, &bad.cause, column, bad.value.as_deref().unwrap_or_default())
        } else {
            gather::reject(&job.plan.layout, row, "IMPORT_WITH", None, &draft.key)
        };
        chunk.rejects.push(reject);
    }
    chunk.failures.push(bad);
}

/// Checks an import: its report and its rejected rows are stored.
pub(super) async fn check(job: &Job<'_>, limits: &Limits) -> Result<Report, ImportError> {
    let db = &job.engine.db;
    let mut tx = db.begin().await?;
    import::clear_rejects(&mut tx, &job.import.id).await?;
    tx.commit().await?;
    let mut report = Report::default();
    walk(job, limits, &mut report, Step::Check).await?;
    Ok(report)
}

async fn keep(job: &Job<'_>, rejects: &[Reject]) -> Result<(), ImportError> {
    if rejects.is_empty() {
        return Ok(());
    }
    let mut tx = job.engine.db.begin().await?;
    import::put_rejects(&mut tx, &job.import.id, rejects).await?;
    tx.commit().await?;
    Ok(())
}

/// The first records, with what changes; those that change nothing come last and seldom.
async fn show(job: &Job<'_>, report: &mut Report, chunk: &Chunk) -> Result<(), ImportError> {
    let room = FIRST - report.first.len();
    let changing = chunk.ready.iter().filter(|r| r.what() != "unchanged");
    let same = chunk.ready.iter().filter(|r| r.what() == "unchanged");
    let picked: Vec<&Ready> = changing.chain(same).take(room).collect();
    let linked: Vec<&str> =
        picked.iter().filter(|r| r.is_linked()).filter_map(|r| r.customer.as_ref().map(|c| c.id.as_str())).collect();
    let mut tx = job.engine.db.begin().await?;
    let masters = customer::by_ids(&mut tx, linked.into_iter()).await?;
    tx.rollback().await?;
    for ready in picked {
        let master = ready.customer.as_ref().filter(|_| ready.is_linked()).and_then(|c| masters.get(&c.id));
        let alive = ready.before.as_ref().filter(|state| state.deleted_at.is_none());
        let before: Map<String, Value> = match (alive, master) {
            (Some(state), _) => state.body.as_deref().and_then(|b| serde_json::from_str(b).ok()).unwrap_or_default(),
            (None, Some(row)) => {
                let filled = edit::values_of(row).into_iter().filter(|(_, v)| !v.is_empty());
                filled.map(|(field, value)| (field.to_owned(), value.into())).collect()
            }
            _ => Map::new(),
        };
        let after: Map<String, Value> = serde_json::from_str(&ready.incoming.canonical).unwrap_or_default();
        report.first.push(Shown {
            line: ready.draft.rows.first().map_or(0, |row| row.line),
            label: ready.label(),
            what: ready.what().to_owned(),
            customer: ready.customer.as_ref().map(|c| (c.id.clone(), c.name.clone())),
            changes: changes(&before, &after),
        });
    }
    Ok(())
}

fn changes(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<Change> {
    let text = |value: Option<&Value>| match value? {
        Value::String(text) => Some(text.clone()),
        Value::Array(list) if list.iter().all(Value::is_string) => {
            Some(list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "))
        }
        Value::Array(list) => Some(format!("×{}", list.len())),
        Value::Null => None,
        other => Some(other.to_string()),
    };
    let skipped = ["hub_id", "customer"];
    let fields =
        after.iter().filter(|(field, value)| !skipped.contains(&field.as_str()) && before.get(*field) != Some(value));
    let changed = fields.map(|(field, value)| Change {
        field: field.clone(),
        before: text(before.get(field)),
        after: text(Some(value)),
    });
    changed.collect()
}

/// Hashes of what stood before, by key: for what an import notes before it touches.
pub(super) fn before_of(ready: &[Ready]) -> HashMap<&str, Option<&str>> {
    let alive = |ready: &Ready| ready.before.as_ref().is_some_and(|s| s.deleted_at.is_none());
    ready
        .iter()
        .map(|r| (r.draft.key.as_str(), r.before.as_ref().filter(|_| alive(r)).and_then(|s| s.body.as_deref())))
        .collect()
}
