//! Checks over what a stream brings.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::Check;
use crate::connector::{Connector, Cursor, PageToken, PullRequest, Record, SourceError};

/// How many early pages the resume check stops after.
const STOPS: usize = 3;

struct Run {
    records: Vec<Record>,
    /// The last cursor handed out, and how many records were read when each was.
    cursors: Vec<(usize, Cursor)>,
    total: Option<u64>,
}

async fn all(
    connector: &dyn Connector,
    stream: &str,
    from: Option<&Cursor>,
    page_size: Option<u32>,
    max_pages: usize,
) -> Result<Run, SourceError> {
    let mut run = Run { records: Vec::new(), cursors: Vec::new(), total: None };
    let mut token: Option<PageToken> = None;
    for _ in 0..max_pages {
        let page = connector.pull(PullRequest { stream, cursor: from, token: token.as_ref(), page_size }).await?;
        run.records.extend(page.records);
        run.total = run.total.or(page.total);
        if let Some(cursor) = page.cursor {
            run.cursors.push((run.records.len(), cursor));
        }
        token = page.next;
        if token.is_none() {
            return Ok(run);
        }
    }
    let detail = format!("the stream did not end within {max_pages} pages");
    Err(SourceError::Malformed { code: "SRC_ENDLESS", detail })
}

pub(super) async fn stream(
    connector: &dyn Connector,
    name: &str,
    max_pages: usize,
    said: &mut Vec<String>,
) -> Vec<Check> {
    let run = match all(connector, name, None, None, max_pages).await {
        Ok(run) => run,
        Err(error) => {
            said.push(format!("{error:?}"));
            return vec![Check::failed(format!("records:{name}"), format!("{}: {error}", error.code()))];
        }
    };
    let mut checks = vec![records(name, &run), keys(name, &run), mapping(connector, name, &run)];
    let incremental = connector.manifest().stream(name).is_some_and(crate::manifest::StreamSpec::is_incremental);
    if !incremental {
        checks.push(Check::skipped(format!("again:{name}"), "the stream has no cursor"));
        return checks;
    }
    let outcomes = [
        ("again", again(connector, name, &run, max_pages).await),
        ("resume", resume(connector, name, &run, max_pages).await),
    ];
    for (kind, outcome) in outcomes {
        checks.push(outcome.unwrap_or_else(|error| {
            said.push(format!("{error:?}"));
            Check::failed(format!("{kind}:{name}"), format!("{}: {error}", error.code()))
        }));
    }
    checks
}

fn records(name: &str, run: &Run) -> Check {
    let name = format!("records:{name}");
    let count = run.records.len() as u64;
    match run.total {
        _ if count == 0 => Check::failed(name, "no record arrived"),
        Some(total) if total != count => Check::failed(name, format!("{count} arrived, the source says {total}")),
        Some(_) => Check::passed(name, format!("{count} records, as the source says")),
        None => Check::passed(name, format!("{count} records; the source gives no count")),
    }
}

fn keys(name: &str, run: &Run) -> Check {
    let name = format!("keys:{name}");
    let mut seen = HashSet::new();
    if run.records.iter().any(|record| record.external_id.trim().is_empty()) {
        return Check::failed(name, "a record has an empty key");
    }
    match run.records.iter().find(|record| !seen.insert(record.external_id.as_str())) {
        Some(twice) => Check::failed(name, format!("the key {} came twice in one run", twice.external_id)),
        None => Check::passed(name, format!("{} keys, all different", seen.len())),
    }
}

fn mapping(connector: &dyn Connector, name: &str, run: &Run) -> Check {
    let title = format!("mapping:{name}");
    let Some(mapping) = connector.manifest().mapping(name) else {
        return Check::failed(title, "the stream has no mapping");
    };
    let mut applied = 0_usize;
    for record in run.records.iter().filter(|record| !record.deleted) {
        match mapping.apply(&record.body) {
            Ok(_) => applied += 1,
            Err(errors) => {
                let list: Vec<String> = errors.iter().map(ToString::to_string).collect();
                return Check::failed(title, format!("record {}: {}", record.external_id, list.join("; ")));
            }
        }
    }
    Check::passed(title, format!("{applied} records mapped"))
}

/// The same records may come again (overlap); other bodies or other keys may not.
async fn again(connector: &dyn Connector, name: &str, run: &Run, max_pages: usize) -> Result<Check, SourceError> {
    let title = format!("again:{name}");
    let Some((_, cursor)) = run.cursors.last() else {
        return Ok(Check::failed(title, "the run ended without a cursor"));
    };
    let known: HashMap<&str, &Value> = run.records.iter().map(|r| (r.external_id.as_str(), &r.body)).collect();
    let second = all(connector, name, Some(cursor), None, max_pages).await?;
    let fresh = second.records.iter().find(|r| known.get(r.external_id.as_str()) != Some(&&r.body));
    Ok(match fresh {
        Some(record) => Check::failed(title, format!("{} is new in the second run", record.external_id)),
        None => Check::passed(title, format!("{} read again, none of them new", second.records.len())),
    })
}

/// Stops after an early page, goes on from its cursor: nothing may be missing, ties included.
async fn resume(connector: &dyn Connector, name: &str, run: &Run, max_pages: usize) -> Result<Check, SourceError> {
    let title = format!("resume:{name}");
    let wanted: HashSet<&str> = run.records.iter().map(|record| record.external_id.as_str()).collect();
    let mut stops = 0;
    for size in [1, 2, 3] {
        let small = all(connector, name, None, Some(size), max_pages).await?;
        for (read, cursor) in small.cursors.iter().take(STOPS) {
            let rest = all(connector, name, Some(cursor), Some(size), max_pages).await?;
            let got: HashSet<&str> =
                small.records[..*read].iter().chain(&rest.records).map(|record| record.external_id.as_str()).collect();
            if let Some(lost) = wanted.iter().find(|key| !got.contains(*key)) {
                return Ok(Check::failed(title, format!("after {read} records and a restart, {lost} never came")));
            }
            stops += 1;
        }
    }
    Ok(Check::passed(title, format!("{stops} stops, nothing lost")))
}
