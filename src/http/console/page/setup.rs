//! Second and third step of first run: choose data, watch it arrive, see a customer.

use axum::{
    Form,
    extract::State,
    response::{Html, IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::ShellOf;
use crate::{
    app::{Change, Hub, SharedHub},
    http::{
        AppError,
        console::{
            Shell,
            view::{
                Page,
                setup::{EnvCheck, Loading, SampleSize, SetupDataPage, SetupProgressPage},
            },
        },
    },
    identity::{Action, SampleState},
    samples,
    store::read_console,
};

/// What the sample company holds, about.
const SAMPLE: SampleSize = SampleSize { customers: 240, orders: 1830, invoices: 1424, activities: 0 };

fn checks(hub: &Hub, shell: &Shell) -> Vec<EnvCheck> {
    let ok = |name| EnvCheck { name, tone: "ok", detail: shell.t("env.ok").to_owned() };
    let url = &hub.edge.public_url;
    let https = EnvCheck { detail: url.host_str().unwrap_or_default().to_owned(), ..ok("url") };
    let tone = if url.scheme() == "https" { "ok" } else { "warn" };
    let mail = match &hub.mail {
        Some(_) => EnvCheck { detail: hub.config.mail.host.clone(), ..ok("mail") },
        None => EnvCheck { tone: "warn", detail: shell.t("env.later").to_owned(), ..ok("mail") },
    };
    vec![ok("database"), ok("key"), EnvCheck { tone, ..https }, mail]
}

pub async fn data(State(hub): State<SharedHub>, of: ShellOf) -> Result<Html<String>, AppError> {
    of.me.require(Action::ManageSamples)?;
    let view = SetupDataPage {
        owner_mail: of.me.mail.clone(),
        sample: SAMPLE,
        checks: checks(&hub, &of.shell),
        failed: false,
    };
    Ok(view.render(&of.shell))
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub struct DataPost {
    data: String,
}

pub async fn choose(
    State(hub): State<SharedHub>,
    of: ShellOf,
    Form(post): Form<DataPost>,
) -> Result<Response, AppError> {
    of.me.require(Action::ManageSamples)?;
    if post.data == "sample" {
        start_loading(&hub).await?;
        return Ok(Redirect::to("/setup/progress").into_response());
    }
    keep(&hub, SampleState::Without).await?;
    Ok(Redirect::to("/").into_response())
}

async fn keep(hub: &Hub, state: SampleState) -> Result<(), AppError> {
    let mut tx = hub.db.begin().await?;
    state.save(&mut tx, hub.clock.now()).await?;
    tx.commit().await?;
    Ok(())
}

/// The load goes on when the page is closed.
pub async fn start_loading(hub: &SharedHub) -> Result<(), AppError> {
    keep(hub, SampleState::Loading).await?;
    let hub = hub.clone();
    tokio::spawn(async move {
        if let Err(error) = samples::load(&hub).await {
            tracing::error!(%error, "sample.load");
            if let Err(error) = keep(&hub, SampleState::Undecided).await {
                tracing::error!(%error, "sample.load");
            }
        }
        // Nobody listening is no error.
        let _ = hub.changes.send(Change::Operations);
    });
    Ok(())
}

pub async fn progress(State(hub): State<SharedHub>, of: ShellOf) -> Result<Html<String>, AppError> {
    of.me.require(Action::ManageSamples)?;
    let state = SampleState::load(&hub.db).await?;
    let rows = read_console::sample_load(&hub.db).await?;
    let complete = !rows.is_empty() && rows.iter().all(|row| row.open == 0);
    let mut view = SetupProgressPage {
        owner_mail: of.me.mail.clone(),
        kinds: kinds(&rows),
        done: None,
        failed: (state == SampleState::Undecided).then(String::new),
        checks: checks(&hub, &of.shell),
    };
    if complete {
        hub.refresher.settle().await;
        let to = read_console::busiest(&hub.db).await?;
        view.done = Some(to.map_or_else(|| "/customers".to_owned(), |id| format!("/customers/{id}?guide=1")));
        if state == SampleState::Loading {
            keep(&hub, SampleState::Loaded).await?;
        }
    }
    let running = view.done.is_none() && view.failed.is_none();
    let shell = Shell { refresh: running.then_some(2), ..of.shell };
    Ok(view.render(&shell))
}

fn expected(stream: &str) -> i64 {
    match stream {
        "customers" | "partners" => SAMPLE.customers,
        "orders" => SAMPLE.orders,
        "invoices" => SAMPLE.invoices,
        _ => 0,
    }
}

/// One bar per kind of record: two systems may both bring customers.
fn kinds(rows: &[read_console::LoadRow]) -> Vec<Loading> {
    let mut kinds: Vec<Loading> = Vec::new();
    for row in rows {
        // While a source has not told its count the sample's own size stands in for it. A complete
        // stream stands at its end, whatever overlap was read twice.
        let of = match row.source_count {
            _ if row.open == 0 => row.read_count,
            Some(count) => count.max(row.read_count),
            None => expected(&row.name).max(row.read_count),
        };
        let done = row.read_count;
        match kinds.iter_mut().find(|kind| kind.name == row.name) {
            Some(kind) => {
                kind.done += done;
                kind.of += of;
            }
            None => kinds.push(Loading { name: row.name.clone(), done, of }),
        }
    }
    kinds
}

pub async fn stream(State(hub): State<SharedHub>, of: ShellOf) -> Result<impl IntoResponse, AppError> {
    of.me.require(Action::ManageSamples)?;
    Ok(super::changes(&hub, |change| matches!(change, Change::Run(_) | Change::Operations)))
}
