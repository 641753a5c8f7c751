//! One run in a list, for people and as JSON.

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::{cli::cells, store::operations::RunSummary};

pub const HEADER: [&str; 13] = [
    "run",
    "connection",
    "trigger",
    "state",
    "started",
    "took",
    "read",
    "new",
    "updated",
    "waiting",
    "failed",
    "cause",
    "id",
];

pub fn cells(run: &RunSummary, zone: &TimeZone) -> Vec<String> {
    vec![
        format!("#{}", run.number),
        run.connection_name.clone(),
        run.trigger_kind.clone(),
        run.state.clone(),
        cells::time(Some(run.started_at), zone),
        took(run.started_at, run.finished_at),
        run.read_count.to_string(),
        cells::count(run.new_count),
        cells::count(run.updated_count),
        cells::count(run.parked_count),
        cells::count(run.failed_count),
        run.cause.clone().unwrap_or_default(),
        run.id.clone(),
    ]
}

/// `12.3 s`.
pub fn took(started: i64, finished: Option<i64>) -> String {
    finished
        .map(|at| at.saturating_sub(started) / 100_000)
        .map(|t| format!("{}.{} s", t / 10, t % 10))
        .unwrap_or_default()
}

pub fn document(run: &RunSummary) -> Value {
    json!({
        "id": run.id, "number": run.number, "connection_id": run.connection_id,
        "connection_name": run.connection_name, "trigger": run.trigger_kind, "actor": run.actor, "state": run.state,
        "started_at": cells::instant(Some(run.started_at)), "finished_at": cells::instant(run.finished_at),
        "cause": run.cause,
        "counts": {
            "read": run.read_count, "new": run.new_count, "updated": run.updated_count, "waiting": run.parked_count,
            "failed": run.failed_count,
        },
    })
}
