//! `/failures`: the inbox of records that could not be taken, and their ways out.

use axum::{
    Form, Router,
    extract::{Path, Query, State},
    response::{Html, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    ShellOf, done,
    mapping_view::address_of,
    outcome::{Act, audited_alone},
};
use crate::{
    app::{Hub, SharedHub},
    http::{
        AppError,
        console::{
            Section,
            view::{
                Page,
                failure::{Attempt, CauseGroup, FailureDetail, FailureRow, FailuresPage, PayloadLine, Tab},
            },
        },
    },
    identity::{Action, Origin},
    model::{Timestamp, View},
    store::{self, failure::Failure, operations::FailureSummary},
    sync::replay,
};

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/failures", get(list))
        .route("/failures/replay", post(replay_cause))
        .route("/failures/{id}", get(show))
        .route("/failures/{id}/replay", post(replay_one))
        .route("/failures/{id}/value", post(mend))
        .route("/failures/{id}/ignore", post(ignore))
        .route("/failures/{id}/restore", post(restore))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ListQuery {
    state: String,
    q: String,
    connection: String,
    cause: String,
}

/// Failures listed of each cause; all of it when one cause is asked for.
const FEW: i64 = 3;
const MANY: i64 = 200;
/// Most failures that one click replays.
const REPLAY_AT_ONCE: i64 = 1_000;

async fn list(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    Query(query): Query<ListQuery>,
) -> Result<Html<String>, AppError> {
    let ShellOf { shell, me, .. } = frame.allow(Action::ViewFailures, Section::Failures)?;
    Ok(page(&hub, &me.view, &query, None).await?.render(&shell))
}

async fn show(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    Path(id): Path<String>,
    Query(mut query): Query<ListQuery>,
) -> Result<Html<String>, AppError> {
    let ShellOf { shell, me, .. } = frame.allow(Action::ViewFailures, Section::Failures)?;
    let failure = store::failure::get(&hub.db, &me.view, &id).await?.ok_or(AppError::NotFound)?;
    query.state.clone_from(&failure.state);
    Ok(page(&hub, &me.view, &query, Some(failure)).await?.render(&shell))
}

async fn page(hub: &Hub, view: &View, query: &ListQuery, chosen: Option<Failure>) -> Result<FailuresPage, AppError> {
    let tab = Tab::parse(&query.state);
    let connection = Some(query.connection.as_str()).filter(|c| !c.is_empty());
    let by_state = store::operations::failure_counts(&hub.db, view, connection).await?;
    let counts = Tab::EVERY.map(|t| by_state.iter().find(|(s, _)| s == t.value()).map_or(0, |(_, n)| *n));
    let q = query.q.trim();
    let mut groups = Vec::new();
    for (cause, count) in store::operations::causes(&hub.db, view, tab.value(), connection, q).await? {
        if !query.cause.is_empty() && query.cause != cause {
            continue;
        }
        let limit = if query.cause.is_empty() { FEW } else { MANY };
        let rows = store::operations::failures_of(&hub.db, view, tab.value(), &cause, connection, q, limit).await?;
        groups.push(CauseGroup { cause, count, rows: rows.into_iter().map(row).collect() });
    }
    let asked = chosen.is_some();
    let first = groups.first().and_then(|g| g.rows.first()).map(|r| r.id.clone());
    let chosen = match (chosen, first) {
        (Some(failure), _) => Some(failure),
        (None, Some(id)) => store::failure::get(&hub.db, view, &id).await?,
        (None, None) => None,
    };
    let detail = match chosen {
        Some(failure) => Some(detail(hub, view, failure).await?),
        None => None,
    };
    let figures = store::operations::figures(&hub.db, connection).await?;
    Ok(FailuresPage {
        tab,
        counts,
        q: q.to_owned(),
        connection: query.connection.clone(),
        connections: hub.registry.all().iter().map(|l| (l.row.id.clone(), l.row.name.clone())).collect(),
        groups,
        opened: asked,
        detail,
        last_check: figures.iter().filter_map(|f| f.last_ok_at).max().map(Timestamp),
    })
}

fn row(f: FailureSummary) -> FailureRow {
    FailureRow {
        id: f.id,
        kind: f.kind,
        connection_name: f.connection_name,
        stream: f.stream,
        label: f.label,
        line: f.value.filter(|v| !v.is_empty()).map(|v| format!("「{v}」")).unwrap_or_default(),
        at: Timestamp(f.last_at),
    }
}

async fn detail(hub: &Hub, view: &View, f: Failure) -> Result<FailureDetail, AppError> {
    let connection = store::connection::get(&hub.db, &f.connection_id).await?;
    let (name, kind) = connection.map_or_else(Default::default, |c| (c.name, c.kind));
    let origin = match &f.run_id {
        Some(id) => store::run::get(&hub.db, id).await?,
        None => None,
    };
    let run = origin.as_ref().map(|run| (run.id.clone(), run.number));
    let causes = store::operations::causes(&hub.db, view, "open", Some(&f.connection_id), "").await?;
    let same_cause = causes.iter().find(|(c, _)| *c == f.cause).map_or(0, |(_, n)| *n);
    // As a source sent it, it may hold any field, under any name: who may not see all of them sees none of it.
    let veiled = view.hides_any();
    let (pretty, value) = if veiled { (String::new(), None) } else { (pretty(&f.payload), f.value.clone()) };
    let replayable = matches!(f.state.as_str(), "open" | "retrying");
    // Trying without keeping anything is cheap for one record and tells what the button would do.
    let preview = if replayable {
        let tried = replay::replay(&hub.engine, vec![f.clone()], "preview", true).await?;
        Some((tried.succeeded + tried.parked, tried.failed))
    } else {
        None
    };
    let tries = vec![Attempt {
        at: Timestamp(f.last_at),
        trigger: origin.map_or_else(|| "schedule".to_owned(), |run| run.trigger_kind),
        actor: None,
        run: run.clone(),
        cause: f.cause.clone(),
    }];
    Ok(FailureDetail {
        payload: excerpt(&pretty, f.source_path.as_deref(), value.as_deref()),
        payload_fields: pretty.lines().filter(|l| l.contains("\":")).count(),
        payload_all: pretty,
        row: FailureRow {
            id: f.id.clone(),
            kind,
            connection_name: name,
            stream: f.stream.clone(),
            label: f.label.clone(),
            line: String::new(),
            at: Timestamp(f.last_at),
        },
        cause: f.cause.clone(),
        connection_id: f.connection_id.clone(),
        run,
        attempts: f.attempts,
        field: f.field.clone(),
        value: value.filter(|v| !v.is_empty()),
        veiled,
        tries,
        state: Tab::parse(&f.state),
        next_try: None,
        note: f.note.clone(),
        same_cause,
        preview,
        mendable: !veiled && f.source_path.as_deref().is_some_and(|path| !path.is_empty()),
        mapping: mapping(&f),
        command: format!("musubi failure replay {} --dry-run", f.id),
    })
}

/// Where a value that does not fit is taken differently.
fn mapping(f: &Failure) -> Option<String> {
    let field = f.field.as_deref().filter(|_| f.cause.starts_with("FMT_") || f.cause.starts_with("REQ_"))?;
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("f", &address_of(field));
    Some(format!("/connections/{}/mapping/{}?{}#panel", f.connection_id, f.stream, query.finish()))
}

fn pretty(payload: &str) -> String {
    serde_json::from_str::<serde_json::Value>(payload)
        .ok()
        .and_then(|v| serde_json::to_string_pretty(&v).ok())
        .unwrap_or_else(|| payload.to_owned())
}

/// The offending line with two lines on either side; the beginning when no line is to blame.
fn excerpt(pretty: &str, source_path: Option<&str>, value: Option<&str>) -> Vec<PayloadLine> {
    let lines: Vec<&str> = pretty.lines().collect();
    let key = source_path.and_then(|p| p.rsplit('.').find(|step| step.parse::<usize>().is_err()));
    let blamed = key.and_then(|key| {
        let quoted = format!("\"{key}\":");
        let mut having = lines.iter().enumerate().filter(|(_, l)| l.trim_start().starts_with(&quoted)).map(|(i, _)| i);
        let first = having.clone().next();
        value.filter(|v| !v.is_empty()).and_then(|v| having.find(|i| lines[*i].contains(v))).or(first)
    });
    let (from, to) = match blamed {
        Some(at) => (at.saturating_sub(2), (at + 3).min(lines.len())),
        None => (0, lines.len().min(6)),
    };
    (from..to).map(|i| payload_line(i, lines[i], blamed == Some(i), value)).collect()
}

fn payload_line(index: usize, line: &str, blamed: bool, value: Option<&str>) -> PayloadLine {
    let hit = value.filter(|v| blamed && !v.is_empty()).and_then(|v| line.rfind(v).map(|at| (at, v.len())));
    let (before, marked, after) = match hit {
        Some((at, len)) => (&line[..at], &line[at..at + len], &line[at + len..]),
        None => (line, "", ""),
    };
    PayloadLine {
        number: Some(index + 1),
        class: if blamed { "del" } else { "" },
        before: before.to_owned(),
        marked: marked.to_owned(),
        after: after.to_owned(),
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Posted {
    back: String,
    cause: String,
    connection: String,
    reason: String,
    value: String,
}

async fn replay_one(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
    Form(form): Form<Posted>,
) -> Result<Response, AppError> {
    frame.me.require(Action::ReplayFailures)?;
    let failure = store::failure::get(&hub.db, &frame.me.view, &id).await?.ok_or(AppError::NotFound)?;
    replayed(&hub, &frame, &origin, vec![failure], &form.back).await
}

async fn mend(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
    Form(form): Form<Posted>,
) -> Result<Response, AppError> {
    frame.me.require(Action::ReplayFailures)?;
    if frame.me.view.hides_any() {
        return Err(AppError::NotFound);
    }
    let failure = store::failure::get(&hub.db, &frame.me.view, &id).await?.ok_or(AppError::NotFound)?;
    let field = failure.field.clone();
    let act = Act::on(&frame.me, &origin, "failure.mend", "failure", &id);
    audited_alone(&hub, act.detail(json!({ "field": field }))).await?;
    Ok(match replay::mend(&hub.engine, failure, &form.value, &frame.me.user_id).await? {
        Some(done_with) if done_with.failed == 0 => done("/failures", "mended", None),
        _ => done(&format!("/failures/{id}"), "mend_failed", None),
    })
}

async fn replay_cause(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Form(form): Form<Posted>,
) -> Result<Response, AppError> {
    frame.me.require(Action::ReplayFailures)?;
    let connection = Some(form.connection.as_str()).filter(|c| !c.is_empty());
    let failures = store::failure::of_cause(&hub.db, &frame.me.view, &form.cause, connection, REPLAY_AT_ONCE).await?;
    replayed(&hub, &frame, &origin, failures, "/failures").await
}

async fn replayed(
    hub: &Hub,
    frame: &ShellOf,
    origin: &Origin,
    failures: Vec<Failure>,
    back: &str,
) -> Result<Response, AppError> {
    let first = failures.first().map(|failure| failure.id.clone()).unwrap_or_default();
    let act = Act::on(&frame.me, origin, "failure.replay", "failure", &first);
    audited_alone(hub, act.detail(json!({ "count": failures.len() }))).await?;
    let result = replay::replay(&hub.engine, failures, &frame.me.user_id, false).await?;
    let good = result.succeeded + result.parked;
    Ok(if result.failed == 0 {
        done("/failures", "replayed", Some(good))
    } else {
        done(back, "replay_failed", Some(result.failed))
    })
}

async fn ignore(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
    Form(form): Form<Posted>,
) -> Result<Response, AppError> {
    frame.me.require(Action::ReplayFailures)?;
    if form.reason.trim().is_empty() {
        return Err(AppError::invalid("REQ_EMPTY", "a reason is needed"));
    }
    store::failure::get(&hub.db, &frame.me.view, &id).await?.ok_or(AppError::NotFound)?;
    if !replay::set_ignored(&hub.engine, &id, true, &form.reason).await? {
        return Err(AppError::NotFound);
    }
    audited_alone(&hub, Act::on(&frame.me, &origin, "failure.ignore", "failure", &id)).await?;
    Ok(done("/failures", "ignored", None))
}

async fn restore(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    frame.me.require(Action::ReplayFailures)?;
    store::failure::get(&hub.db, &frame.me.view, &id).await?.ok_or(AppError::NotFound)?;
    if !replay::set_ignored(&hub.engine, &id, false, "").await? {
        return Err(AppError::NotFound);
    }
    audited_alone(&hub, Act::on(&frame.me, &origin, "failure.restore", "failure", &id)).await?;
    Ok(done(&format!("/failures/{id}"), "restored", None))
}
