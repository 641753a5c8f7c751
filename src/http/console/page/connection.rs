//! `/connections/{id}`: one connection with its streams, runs, settings and what needs a person.

use axum::{
    extract::{Path, Query, State},
    response::Html,
};
use musubi_sdk::{
    connector::CheckItem,
    manifest::{Manifest, StreamSpec},
};
use serde::Deserialize;

use super::{ShellOf, connection_attention, connection_form::words, connection_push, run, states};
use crate::{
    app::{Hub, SharedHub},
    connection::{Levels, Live, change, schedule::Plan},
    http::{
        AppError,
        console::{
            Section, Shell,
            view::{
                Page,
                connection::{Attention, Bucket, Check, ConnectionPage, HookInfo, RunRow, SettingRow, StreamRow, Tab},
                status::{State as ViewState, Status},
                sync_health::LevelShown,
            },
        },
    },
    identity::Action,
    model::{Timestamp, View},
    store::{self, StoreError, connection::Row, operations::ConnectionFigures},
};

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ShowQuery {
    tab: String,
    before: Option<i64>,
}

pub async fn show(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    Path(id): Path<String>,
    Query(query): Query<ShowQuery>,
) -> Result<Html<String>, AppError> {
    let ShellOf { mut shell, me, .. } = frame.allow(Action::ManageConnections, Section::Connections)?;
    let row = store::connection::get(&hub.db, &id).await?.ok_or(AppError::NotFound)?;
    let page = page(&hub, (&shell, &me.view), row, Tab::parse(&query.tab), query.before).await?;
    if page.running.is_some() {
        shell.refresh = Some(3);
    }
    Ok(page.render(&shell))
}

/// Runs on one page of the list.
const RUNS: i64 = 25;

async fn page(
    hub: &Hub,
    (shell, view): (&Shell, &View),
    row: Row,
    tab: Tab,
    before: Option<i64>,
) -> Result<ConnectionPage, AppError> {
    let now = hub.clock.now();
    let figures = store::operations::figures(&hub.db, Some(&row.id)).await?.into_iter().next();
    let live = hub.registry.get(&row.id);
    let shown = if tab == Tab::Runs { RUNS } else { 5 };
    let runs = store::operations::runs(&hub.db, Some(&row.id), None, before, shown).await?;
    let more = (tab == Tab::Runs && runs.len() as i64 == RUNS)
        .then(|| runs.last().map(|r| format!("/connections/{}?tab=runs&before={}", row.id, r.number)))
        .flatten();
    let causes = store::operations::causes(&hub.db, view, "open", Some(&row.id), "").await?;
    Ok(ConnectionPage {
        facts: facts(shell, &row, live.as_deref()),
        state: states::of_connection(&row, figures.as_ref(), now),
        paused: row.paused,
        sample: row.sample,
        pulls: live.as_deref().is_none_or(|l| pulls(&l.manifest)),
        tab,
        runs_total: store::operations::count_runs(&hub.db, &row.id).await?,
        open_failures: figures.as_ref().map_or(0, |f| f.open_failures),
        running: run::progress(hub, &row.id).await?,
        streams: streams(hub, shell, &row, live.as_deref()).await?,
        buckets: buckets(hub, &row.id, now).await?,
        runs: runs.into_iter().map(run_row).collect(),
        runs_more: more,
        attention: to_decide(hub, shell, &row)
            .await?
            .into_iter()
            .chain(attention(shell, &row, figures.as_ref(), &causes))
            .chain(connection_attention::ahead(hub, shell, &row, live.as_deref()).await?)
            .collect(),
        level: LevelShown(Levels::load(&hub.db, &hub.config.health, now).await?.of(&row)),
        settings: settings(hub, shell, &row),
        next_at: row.due_at.filter(|_| !row.paused).map(Timestamp),
        hook: hook(hub, &row, live.as_deref(), now).await?,
        push: connection_push::info(hub, view, &row, live.as_deref()).await?,
        checks: checks(
            shell,
            row.check_report.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default(),
        ),
        checked_at: row.checked_at.map(Timestamp),
        causes,
        command: match live.as_deref().is_none_or(|l| pulls(&l.manifest)) {
            true => format!("musubi connection sync {}", row.id),
            false => format!("musubi connection check {}", row.id),
        },
        id: row.id,
        name: row.name,
        kind: row.kind,
    })
}

fn run_row(r: store::operations::RunSummary) -> RunRow {
    RunRow {
        state: states::of_counts(&r.state, r.failed_count).into(),
        took: r.finished_at.map(|end| (end - r.started_at).max(0)),
        started_at: Timestamp(r.started_at),
        id: r.id,
        number: r.number,
        trigger: r.trigger_kind,
        actor: r.actor,
        cause: r.cause,
        new: r.new_count,
        updated: r.updated_count,
        failed: r.failed_count,
    }
}

/// Whether a connector has anything to fetch; others only receive.
pub fn pulls(manifest: &Manifest) -> bool {
    manifest.streams.values().any(StreamSpec::is_pulled)
}

/// Connector, direction and plan, as they stand under the name.
pub fn facts(shell: &Shell, row: &Row, live: Option<&Live>) -> Vec<String> {
    let mut facts = Vec::new();
    if let Some(live) = live {
        facts.push(live.manifest.title.get(shell.lang.code()).to_owned());
    }
    if live.is_none_or(|l| pulls(&l.manifest)) {
        let told = row.push != store::delivery::OFF;
        facts.push(shell.t(if told { "connection.both_ways" } else { "connection.read_only" }).to_owned());
        facts.push(plan_text(shell, &row.schedule));
    } else {
        facts.push(shell.t("connection.receives_only").to_owned());
    }
    if live.is_some_and(|l| l.hook.is_some()) {
        facts.push("Webhook".to_owned());
    }
    facts
}

pub fn plan_text(shell: &Shell, schedule: &str) -> String {
    match serde_json::from_str(schedule).unwrap_or(Plan::Manual) {
        Plan::Every(seconds) if seconds % 60 == 0 => shell.n("schedule.every_minutes", seconds / 60),
        Plan::Every(seconds) => shell.n("schedule.every_seconds", seconds),
        Plan::Daily(at) => shell.f1("schedule.daily_at", at),
        Plan::Cron(text) => format!("cron {text}"),
        Plan::Manual => shell.t("schedule.manual").to_owned(),
    }
}

async fn streams(hub: &Hub, shell: &Shell, row: &Row, live: Option<&Live>) -> Result<Vec<StreamRow>, StoreError> {
    let midnight = shell.today().to_zoned(shell.zone.clone()).map_or(0, |z| z.timestamp().as_microsecond());
    let figures = store::operations::stream_figures(&hub.db, &row.id, Timestamp(midnight)).await?;
    let stored = store::connection::streams(&hub.db, &row.id).await?;
    let last = match &row.last_run_id {
        Some(id) => store::run::streams(&hub.db, id).await?,
        None => Vec::new(),
    };
    let order: Vec<String> = live.map(|l| l.manifest.streams.keys().cloned().collect()).unwrap_or_default();
    let mut rows: Vec<StreamRow> = stored
        .into_iter()
        .map(|s| {
            let f = figures.iter().find(|f| f.stream == s.name);
            let open = f.map_or(0, |f| f.open_failures);
            let run = last.iter().find(|r| r.stream == s.name).map(|r| states::of_run(&r.state));
            let state = match (s.enabled, run, s.last_ok_at) {
                (false, ..) => Status::Excluded,
                (_, Some(Status::Running), _) => Status::Running,
                (_, Some(Status::Failed), _) => Status::Failed,
                _ if open > 0 => Status::Partial,
                (_, _, None) => Status::NotRun,
                _ => Status::Healthy,
            };
            StreamRow {
                state: ViewState::from(state),
                total: s.enabled.then(|| f.map_or(0, |f| f.total)),
                changed_today: s.enabled.then(|| f.map_or(0, |f| f.changed_today)),
                open_failures: open,
                latest_at: f.and_then(|f| f.latest_version).filter(|v| *v > 1_000_000_000_000).map(Timestamp),
                cursor: s.cursor.as_deref().map(run::readable_cursor),
                name: s.name,
            }
        })
        .collect();
    rows.sort_by_key(|r| order.iter().position(|name| *name == r.name).unwrap_or(usize::MAX));
    Ok(rows)
}

const HALF_HOUR: i64 = 30 * Timestamp::MINUTE;

async fn buckets(hub: &Hub, id: &str, now: Timestamp) -> Result<Vec<Bucket>, StoreError> {
    let end = now.0 - now.0.rem_euclid(HALF_HOUR) + HALF_HOUR;
    let start = end - 48 * HALF_HOUR;
    let runs = store::operations::activity(&hub.db, id, Timestamp(start)).await?;
    if runs.is_empty() {
        return Ok(Vec::new());
    }
    Ok((0..48)
        .map(|i| {
            let (from, to) = (start + i * HALF_HOUR, start + (i + 1) * HALF_HOUR);
            let inside = runs.iter().filter(|(at, ..)| (from..to).contains(at));
            let (records, worst) = inside.fold((0, 0), |(n, w), (_, records, worst)| (n + records, w.max(*worst)));
            let class = ["bar", "warn", "bad"][usize::try_from(worst).unwrap_or(0).min(2)];
            Bucket { from: Timestamp(from), records, class }
        })
        .collect())
}

/// Records shown of those that are held.
const SHOWN: usize = 10;

/// What only a person can decide: deletions that the brake stopped, changes that could not be told.
async fn to_decide(hub: &Hub, shell: &Shell, row: &Row) -> Result<Vec<Attention>, StoreError> {
    let held = store::sweep::held(&hub.db, &row.id).await?;
    let one = |h: store::sweep::Row| {
        let mut keys: Vec<String> = h.held().into_iter().collect();
        keys.sort();
        let more = if keys.len() > SHOWN { shell.t("connection.held_more") } else { "" };
        keys.truncate(SHOWN);
        let text = format!("{} {}{more}", shell.cause("DELETE_BRAKE", "why"), keys.join(", "));
        let stream = shell.word("stream", &h.stream);
        Attention {
            tone: "warn",
            title: shell.f2("connection.held", stream, shell.n("unit.items", h.missing)),
            text,
            link: None,
            button: Some((
                format!("/connections/{}/deletes/{}/allow", row.id, h.stream),
                shell.f1("connection.allow_deletes", shell.n("unit.items", h.missing)),
            )),
        }
    };
    Ok(held.into_iter().map(one).chain(stopped(hub, shell, row).await?).collect())
}

/// Changes that the system was not told and will not be told by itself.
async fn stopped(hub: &Hub, shell: &Shell, row: &Row) -> Result<Option<Attention>, StoreError> {
    let counts = store::delivery::counts(&hub.db, &row.id).await?;
    let dead = counts.into_iter().find(|(state, _)| state == "dead").map_or(0, |(_, n)| n);
    Ok((dead > 0).then(|| Attention {
        tone: "bad",
        title: shell.f1("push.attention", shell.n("unit.items", dead)),
        text: shell.t("push.attention_text").to_owned(),
        link: Some((format!("/connections/{}?tab=push", row.id), shell.t("connection.see_cause").to_owned())),
        button: None,
    }))
}

fn attention(
    shell: &Shell,
    row: &Row,
    figures: Option<&ConnectionFigures>,
    causes: &[(String, i64)],
) -> Vec<Attention> {
    let mut out = Vec::new();
    if row.auth_failed_at.is_some() {
        out.push(Attention {
            tone: "bad",
            title: shell.cause("AUTH_REFUSED", "title").to_owned(),
            text: shell.cause("AUTH_REFUSED", "todo").to_owned(),
            link: Some((
                format!("/connections/{}/settings/edit", row.id),
                shell.t("connection_edit.change").to_owned(),
            )),
            button: None,
        });
    } else if row.failures > 0
        && let Some(code) = figures.and_then(|f| f.last_cause.as_deref())
    {
        out.push(Attention {
            tone: "bad",
            title: shell.cause(code, "title").to_owned(),
            text: shell.cause(code, "why").to_owned(),
            link: None,
            button: None,
        });
    }
    for (code, count) in causes.iter().take(3) {
        out.push(Attention {
            tone: "bad",
            title: format!("{} {}", shell.cause(code, "title"), shell.n("unit.items", *count)),
            text: shell.cause(code, "why").to_owned(),
            link: Some((format!("/failures?connection={}", row.id), shell.t("connection.see_cause").to_owned())),
            button: None,
        });
    }
    if let Some(parked) = figures.map(|f| f.parked).filter(|n| *n > 0) {
        out.push(Attention {
            tone: "warn",
            title: format!("{} {}", shell.cause("REF_CUSTOMER_WAITING", "title"), shell.n("unit.items", parked)),
            text: shell.cause("REF_CUSTOMER_WAITING", "why").to_owned(),
            link: None,
            button: None,
        });
    }
    out
}

fn settings(hub: &Hub, shell: &Shell, row: &Row) -> Vec<SettingRow> {
    let Some(manifest) = hub.registry.catalogue().get(&row.connector) else { return Vec::new() };
    let values: serde_json::Value = serde_json::from_str(&row.settings).unwrap_or_default();
    let secrets = change::secrets_set(&hub.keys, row).unwrap_or_default();
    manifest
        .setting_fields()
        .iter()
        .map(|field| SettingRow {
            title: field.title.get(shell.lang.code()).to_owned(),
            value: values.get(&field.name).map(words).unwrap_or_default(),
            secret_set: field.secret.then(|| secrets.contains(&field.name)),
        })
        .collect()
}

async fn hook(hub: &Hub, row: &Row, live: Option<&Live>, now: Timestamp) -> Result<Option<HookInfo>, StoreError> {
    let Some(spec) = live.and_then(|l| l.hook.clone()) else { return Ok(None) };
    let (received, refused, last) =
        store::operations::hook_figures(&hub.db, &row.id, now.plus(-Timestamp::DAY)).await?;
    let url = hub.edge.public_url.join(&format!("hooks/{}", row.id)).map(String::from).unwrap_or_default();
    Ok(Some(HookInfo {
        signature: spec.signature.word().to_owned(),
        last_at: last.map(Timestamp),
        received_24h: received,
        refused_24h: refused,
        command: format!("musubi connection show {}", row.id),
        url,
    }))
}

/// A stored or fresh report in the order in which it was made, items named in the reader's words.
pub fn checks(shell: &Shell, items: Vec<CheckItem>) -> Vec<Check> {
    let name = |item: &str| match item.split_once(':') {
        Some(("rights", stream)) => format!("{} {}", shell.t("check.scopes"), shell.word("stream", stream)),
        Some((_, stream)) => format!("{} {}", shell.t("check.counts"), shell.word("stream", stream)),
        None if item == "rights" => "scopes".to_owned(),
        None => item.to_owned(),
    };
    let seen = |item: CheckItem| match (item.code, item.item.split_once(':')) {
        (Some(code), _) => {
            let detail = format!("{} {}", shell.cause(&code, "why"), shell.cause(&code, "todo"));
            (detail, Some(item.detail).filter(|text| !text.is_empty()))
        }
        (None, Some(_)) => (item.detail.parse::<i64>().map_or(item.detail, |n| shell.n("unit.items", n)), None),
        (None, None) if item.item == "version" => (item.detail, None),
        (None, None) if matches!(item.item.as_str(), "write" | "lock" | "company" | "clock") => {
            (shell.t("check.fine").to_owned(), Some(item.detail))
        }
        (None, None) => (shell.t("check.fine").to_owned(), None),
    };
    let check = |item: CheckItem| {
        let (name, ok) = (name(&item.item), Some(item.ok));
        let (detail, technical) = seen(item);
        Check { name, ok, detail, technical }
    };
    items.into_iter().map(check).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_told_in_the_readers_words() {
        let item = |item: &str, code: Option<&str>, detail: &str| CheckItem {
            item: item.to_owned(),
            ok: code.is_none(),
            code: code.map(str::to_owned),
            detail: detail.to_owned(),
        };
        let told = checks(
            &super::super::outside::shell("en", "system", ""),
            vec![
                item("reach", None, "it answers"),
                item("rights:orders", Some("AUTH_RIGHTS"), "sale.sale"),
                item("write", None, "the key only reads"),
                item("version", None, "8.2"),
                item("count:orders", None, "1200"),
            ],
        );
        let told: Vec<_> =
            told.iter().map(|c| (c.name.as_str(), c.ok, c.detail.as_str(), c.technical.as_deref())).collect();
        let why =
            "The source's user may not read this data. Give that user the right to read it, or switch the stream off.";
        let expected = [
            ("reach", Some(true), "No problem found", None),
            ("Permissions Orders", Some(false), why, Some("sale.sale")),
            ("write", Some(true), "No problem found", Some("the key only reads")),
            ("version", Some(true), "8.2", None),
            ("Counts Orders", Some(true), "1,200 items", None),
        ];
        assert_eq!(told, expected);
    }
}
