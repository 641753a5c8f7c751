//! `musubi run show`: one run and its counts for each kind of record.

use serde_json::{Value, json};

use super::{find, line::took};
use crate::{
    cli::{CliResult, Context, Outcome, cells, installation::Installation, output::Part},
    store::{
        connection,
        run::{self, Run, RunStream},
    },
};

pub async fn run(context: &Context, named: &str) -> CliResult {
    let here = Installation::open(context).await?;
    let run = find(&here, named).await?;
    describe(context, &here, &run).await?;
    Ok(Outcome::Done)
}

/// A run that was waited for: its end is the exit code.
pub async fn one(context: &Context, here: &Installation, id: &str) -> CliResult {
    let run = find(here, id).await?;
    describe(context, here, &run).await?;
    Ok(match run.state.as_str() {
        "succeeded" => Outcome::Done,
        "partial" => Outcome::Partly,
        _ => Outcome::Failed,
    })
}

async fn describe(context: &Context, here: &Installation, run: &Run) -> CliResult {
    let streams = run::streams(&here.db, &run.id).await?;
    let name = connection::get(&here.db, &run.connection_id).await?.map(|row| row.name).unwrap_or_default();
    let document = json!({
        "id": run.id, "number": run.number, "connection_id": run.connection_id, "connection_name": name,
        "trigger": run.trigger_kind, "actor": run.actor, "state": run.state,
        "mapping_version": run.mapping_version, "started_at": cells::instant(Some(run.started_at)),
        "finished_at": cells::instant(run.finished_at), "requests": run.requests, "throttled": run.throttled,
        "cause": run.cause, "detail": run.detail, "streams": streams.iter().map(stream).collect::<Vec<_>>(),
    });
    let about = Part::values(vec![
        ("run", format!("#{} ({})", run.number, run.id)),
        ("connection", name),
        ("trigger", run.trigger_kind.clone()),
        ("asked by", run.actor.clone().unwrap_or_default()),
        ("state", run.state.clone()),
        ("started", cells::time(Some(run.started_at), &here.zone)),
        ("ended", cells::time(run.finished_at, &here.zone)),
        ("took", took(run.started_at, run.finished_at)),
        ("requests", run.requests.to_string()),
        ("told to wait", cells::count(run.throttled)),
        ("cause", run.cause.clone().unwrap_or_default()),
        ("detail", run.detail.clone().unwrap_or_default()),
    ]);
    let rows = streams.iter().map(row).collect();
    let header = &["stream", "state", "read", "new", "updated", "unchanged", "waiting", "failed", "source says"];
    context.output.parts(&document, &[about, Part { title: "Streams", header, rows }]);
    Ok(Outcome::Done)
}

fn stream(s: &RunStream) -> Value {
    json!({
        "name": s.stream, "state": s.state, "source_count": s.source_count,
        "counts": {
            "read": s.read_count, "new": s.new_count, "updated": s.updated_count, "unchanged": s.unchanged_count,
            "waiting": s.parked_count, "failed": s.failed_count,
        },
    })
}

fn row(s: &RunStream) -> Vec<String> {
    vec![
        s.stream.clone(),
        s.state.clone(),
        s.read_count.to_string(),
        cells::count(s.new_count),
        cells::count(s.updated_count),
        cells::count(s.unchanged_count),
        cells::count(s.parked_count),
        cells::count(s.failed_count),
        s.source_count.map(|n| n.to_string()).unwrap_or_default(),
    ]
}
