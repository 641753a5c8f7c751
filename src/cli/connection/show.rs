//! `musubi connection show`: settings without secrets, schedule, streams, last runs.

use serde_json::{Map, Value, json};

use super::state;
use crate::{
    cli::{
        CliResult, Context, Outcome, cells,
        installation::{Connected, catalogue},
        output::Part,
        run::line,
    },
    store::{
        connection::{self, Row, Stream},
        operations,
    },
};

const RUNS: i64 = 5;

pub async fn run(context: &Context, named: &str) -> CliResult {
    let here = Connected::open(context).await?;
    let row = here.connection(named).await?;
    let streams = connection::streams(&here.db, &row.id).await?;
    let fresh = streams.iter().filter(|s| s.enabled).filter_map(|s| s.last_ok_at).min();
    let runs = operations::runs(&here.db, Some(&row.id), None, None, RUNS).await?;
    let settings: Map<String, Value> = serde_json::from_str(&row.settings).unwrap_or_default();
    let manifest = catalogue(context)?.get(&row.connector).cloned();
    let secrets: Vec<&str> =
        manifest.iter().flat_map(|m| m.setting_fields()).filter(|f| f.secret).map(|f| f.name.as_str()).collect();
    let receives = manifest.as_ref().is_some_and(|m| m.webhook.is_some());
    let hook = receives.then(|| hook_url(context, &row.id));
    let document = json!({
        "id": row.id, "name": row.name, "connector": row.connector, "kind": row.kind, "sample": row.sample,
        "state": state::word(&row, fresh, here.now()), "paused": row.paused, "schedule": cells::plan(&state::plan(&row)),
        "next_at": cells::instant(state::next(&row)), "settings": settings, "secret_settings": secrets,
        "webhook_url": hook, "old_webhook_secret_until": cells::instant(row.hook_rotated_until),
        "failures_in_a_row": row.failures, "refused_at": cells::instant(row.auth_failed_at),
        "checked_at": cells::instant(row.checked_at), "created_at": cells::instant(Some(row.created_at)),
        "streams": streams.iter().map(stream).collect::<Vec<_>>(),
        "runs": runs.iter().map(line::document).collect::<Vec<_>>(),
    });
    let shown: Vec<(String, String)> = settings.iter().map(|(k, v)| (k.clone(), plain(v))).collect();
    let shown = shown.into_iter().chain(secrets.iter().map(|name| ((*name).to_owned(), "(secret)".to_owned())));
    let parts = [
        Part::values(about(&row, fresh, &here, hook)),
        Part { title: "Settings", header: &[], rows: shown.map(|(k, v)| vec![k, v]).collect() },
        Part {
            title: "Streams",
            header: &["stream", "enabled", "complete as of", "cursor of"],
            rows: streams.iter().map(|s| stream_row(s, &here)).collect(),
        },
        Part {
            title: "Last runs",
            header: &line::HEADER,
            rows: runs.iter().map(|run| line::cells(run, &here.zone)).collect(),
        },
    ];
    context.output.parts(&document, &parts);
    Ok(Outcome::Done)
}

/// Where the system sends its deliveries.
pub fn hook_url(context: &Context, id: &str) -> String {
    format!("{}/hooks/{id}", context.config.server.public_url.trim_end_matches('/'))
}

fn about(row: &Row, fresh: Option<i64>, here: &Connected, hook: Option<String>) -> Vec<(&'static str, String)> {
    vec![
        ("id", row.id.clone()),
        ("name", row.name.clone()),
        ("connector", row.connector.clone()),
        ("state", state::word(row, fresh, here.now()).to_owned()),
        ("schedule", cells::plan(&state::plan(row))),
        ("next pull", cells::time(state::next(row), &here.zone)),
        ("webhook", hook.unwrap_or_default()),
        ("old webhook secret valid until", cells::time(row.hook_rotated_until, &here.zone)),
        ("failed runs in a row", cells::count(row.failures)),
        ("credentials refused at", cells::time(row.auth_failed_at, &here.zone)),
        ("checked at", cells::time(row.checked_at, &here.zone)),
    ]
}

fn stream(s: &Stream) -> Value {
    json!({
        "name": s.name, "enabled": s.enabled, "fresh_at": cells::instant(s.last_ok_at),
        "cursor_at": cells::instant(s.cursor_at),
    })
}

fn stream_row(s: &Stream, here: &Connected) -> Vec<String> {
    vec![
        s.name.clone(),
        cells::yes(s.enabled),
        cells::time(s.last_ok_at, &here.zone),
        cells::time(s.cursor_at, &here.zone),
    ]
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
