//! `/sync`: whether everything arrives, worst first.

use std::collections::HashMap;

use axum::{
    Router,
    extract::{Query, State},
    response::Html,
    routing::get,
};
use serde::Deserialize;

use super::{ShellOf, connection, states};
use crate::{
    app::{Hub, SharedHub},
    connection::{
        Levels,
        condition::{self, Need},
        freshness::{self as level, Minutes},
    },
    http::{
        AppError,
        console::{
            Section, Shell,
            view::{
                Page,
                status::{State as ViewState, Status},
                sync_health::{HOURS, Happened, HealthRow, LevelShown, SyncHealthPage},
            },
        },
    },
    identity::Action,
    model::{Timestamp, lag::Lags},
    store::{self, StoreError, connection::Row, freshness, operations::ConnectionFigures, problem},
};

/// Problems that are listed.
const HAPPENED: i64 = 8;

/// Seconds after which the page asks for itself again.
const AGAIN: u32 = 30;

pub fn routes() -> Router<SharedHub> {
    Router::new().route("/sync", get(page))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Asked {
    /// `off`: the page stands still.
    auto: String,
}

async fn page(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, AppError> {
    let ShellOf { mut shell, .. } = frame.allow(Action::ViewOperations, Section::Sync)?;
    let auto = asked.auto != "off";
    shell.refresh = auto.then_some(AGAIN);
    Ok(fill(&hub, &shell, auto).await?.render(&shell))
}

async fn fill(hub: &Hub, shell: &Shell, auto: bool) -> Result<SyncHealthPage, StoreError> {
    let now = hub.clock.now();
    let first = now.0 / Timestamp::HOUR - HOURS as i64 + 1;
    let connections = store::connection::all(&hub.db).await?;
    let figures = store::operations::figures(&hub.db, None).await?;
    let figures: HashMap<&str, &ConnectionFigures> = figures.iter().map(|f| (f.connection_id.as_str(), f)).collect();
    let levels = Levels::load(&hub.db, &hub.config.health, now).await?;
    let hours = Hours::load(hub, first).await?;
    let lags = freshness::lags(&hub.db, first).await?;
    let waiting: HashMap<String, i64> = freshness::waiting(&hub.db).await?.into_iter().collect();
    let mut rows = Vec::new();
    let mut needs = Vec::new();
    for row in &connections {
        let Some(figures) = figures.get(row.id.as_str()) else { continue };
        let mine = lags.iter().filter(|(id, ..)| *id == row.id);
        if let Some(need) = condition::needs(row, figures, now).first() {
            needs.push((*need, sentence(shell, row, figures, *need), way_out(row, *need)));
        }
        rows.push(HealthRow {
            facts: connection::facts(shell, row, hub.registry.get(&row.id).as_deref())
                .split_off(1)
                .join(shell.t("sep")),
            state: states::of_connection(row, Some(figures), now),
            ok_at: figures.last_ok_at.map(Timestamp),
            level: LevelShown(levels.of(row)),
            lag: sum(mine.map(|(_, _, bucket, n)| (*bucket, *n))).percentile(95),
            hours: std::array::from_fn(|n| hours.of(&row.id, first + n as i64)),
            waiting: waiting.get(&row.id).copied().unwrap_or(0),
            id: row.id.clone(),
            name: row.name.clone(),
            kind: row.kind.clone(),
        });
    }
    rows.sort_by_key(|row| (effective(&row.state), row.level.left, row.name.clone()));
    needs.sort_by_key(|(need, ..)| *need);
    let by_hour = |hour: i64| sum(lags.iter().filter(|(_, at, ..)| *at == hour).map(|(.., bucket, n)| (*bucket, *n)));
    let (taken, failed) = freshness::taken(&hub.db, now.plus(-Timestamp::DAY), now).await?;
    let (before, _) = freshness::taken(&hub.db, now.plus(-2 * Timestamp::DAY), now.plus(-Timestamp::DAY)).await?;
    Ok(SyncHealthPage {
        rows,
        start: needs.first().map(|(.., href)| href.clone()),
        needs: needs.into_iter().map(|(_, sentence, _)| sentence).collect(),
        taken: (taken, before),
        failed,
        open_failures: figures.values().map(|f| f.open_failures).sum(),
        lag: sum(lags.iter().map(|(.., bucket, n)| (*bucket, *n))).percentile(95),
        lags: (first..first + HOURS as i64)
            .map(|hour| (Timestamp(hour * Timestamp::HOUR), by_hour(hour).percentile(95)))
            .collect(),
        happened: happened(
            shell,
            &connections,
            problem::recent(&hub.db, now.plus(-7 * Timestamp::DAY), HAPPENED).await?,
        ),
        auto,
    })
}

fn sum(counts: impl Iterator<Item = (i64, i64)>) -> Lags {
    let mut lags = Lags::default();
    counts.for_each(|(bucket, n)| lags.add(usize::try_from(bucket).unwrap_or(usize::MAX), n));
    lags
}

/// What the order goes by: a run in progress says nothing of how it was before.
fn effective(state: &ViewState) -> Status {
    match state.now {
        Status::Running => state.before.unwrap_or(Status::Running),
        now => state.before.map_or(now, |before| before.min(now)),
    }
}

fn sentence(shell: &Shell, row: &Row, figures: &ConnectionFigures, need: Need) -> String {
    match need {
        Need::Reconnect => shell.f1("health.need_reconnect", &row.name),
        Need::Failed => shell.f1("health.need_failed", &row.name),
        Need::Late => {
            let age = figures.last_ok_at.map_or(0, |at| shell.now.0 - at);
            shell.f2("health.need_late", &row.name, shell.length(age))
        }
        Need::Fields => shell.f1("health.need_fields", &row.name),
        Need::Records => shell.n1("health.need_records", figures.open_failures, &row.name),
    }
}

fn way_out(row: &Row, need: Need) -> String {
    match need {
        Need::Records => format!("/failures?connection={}", row.id),
        Need::Reconnect => format!("/connections/{}/settings/edit", row.id),
        Need::Failed | Need::Late | Need::Fields => format!("/connections/{}", row.id),
    }
}

/// Problems that were told, the latest first.
fn happened(shell: &Shell, connections: &[Row], problems: Vec<problem::Row>) -> Vec<Happened> {
    let of = |p: problem::Row| {
        let row = connections.iter().find(|row| row.id == p.connection_id)?;
        let began = shell.f1("health.began", shell.when_text(Timestamp(p.begun_at)));
        let facts: serde_json::Value = serde_json::from_str(&p.detail).unwrap_or_default();
        let cause = facts["cause"].as_str().map(|code| shell.cause(code, "title"));
        let sub = [p.ended_at.map(|_| shell.t("health.over")), cause].into_iter().flatten().map(str::to_owned);
        Some(Happened {
            at: Timestamp(p.ended_at.unwrap_or(p.begun_at)),
            tone: match (p.ended_at, p.kind.as_str()) {
                (Some(_), _) => "ok",
                (None, "budget" | "schema") => "warn",
                _ => "bad",
            },
            connection_id: row.id.clone(),
            name: row.name.clone(),
            text: shell.word("problem_short", &p.kind).to_owned(),
            sub: sub.chain([began]).collect::<Vec<_>>().join(shell.t("sep")),
        })
    };
    problems.into_iter().filter_map(of).collect()
}

/// What each hour of each connection was like.
struct Hours {
    minutes: HashMap<(String, i64), Minutes>,
    runs: HashMap<(String, i64), i64>,
}

impl Hours {
    async fn load(hub: &Hub, first: i64) -> Result<Self, StoreError> {
        let minutes = freshness::hours(&hub.db, first).await?;
        let runs = freshness::worst_runs(&hub.db, first).await?;
        Ok(Self {
            minutes: minutes
                .into_iter()
                .map(|row| ((row.connection_id, row.hour), Minutes { total: row.total, good: row.good }))
                .collect(),
            runs: runs.into_iter().map(|(id, hour, worst)| ((id, hour), worst)).collect(),
        })
    }

    fn of(&self, id: &str, hour: i64) -> level::Hour {
        let key = (id.to_owned(), hour);
        level::of_hour(self.minutes.get(&key).copied(), self.runs.get(&key).copied())
    }
}
