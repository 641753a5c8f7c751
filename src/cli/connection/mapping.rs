//! `musubi connection mapping`: how a system's records become the hub's; looked at, tried, published.

use std::{path::PathBuf, time::Duration};

use musubi_sdk::{
    manifest::{MappingSpec, parse_duration},
    mapping::{Mapping, MappingProblem},
    settings::FieldError,
};
use serde_json::{Value, json};

use crate::{
    cli::{
        CliError, CliResult, Context, Outcome, cells,
        installation::{self, ACTOR, Connected},
    },
    connection::{
        Live,
        mapping::{self, By, MappingError, OF_CONNECTOR},
    },
    model::Timestamp,
    plan::TRIED,
    store,
    sync::rehearse::{self, Rehearsal, RehearseError},
};

#[derive(clap::Args)]
pub struct Args {
    /// Id or name
    connection: String,
    /// Which data; without it all are listed
    stream: Option<String>,
    /// Print this version instead of the one that holds; 1 is the connector's own
    #[arg(long, requires = "stream", conflicts_with = "file")]
    version: Option<i64>,
    /// A mapping as JSON, as this command prints it: to be tried or published
    #[arg(long, requires = "stream")]
    file: Option<PathBuf>,
    /// With --file: try it with up to 100 records of the system and say what would happen; nothing is kept
    #[arg(long, requires = "file")]
    dry_run: bool,
    /// With --file: publish it
    #[arg(long, requires = "file", conflicts_with = "dry_run")]
    yes: bool,
    /// What was changed and why
    #[arg(long, requires = "yes")]
    comment: Option<String>,
    /// Also ask the system again for what changed in the past, `30d`, or for `all`
    #[arg(long, requires = "yes", value_name = "SPAN")]
    again: Option<String>,
}

pub async fn run(context: &Context, args: &Args) -> CliResult {
    let Some(stream) = &args.stream else { return list(context, args).await };
    match (&args.file, args.dry_run, args.yes) {
        (None, ..) => print(context, args, stream).await,
        (Some(file), true, _) => try_out(context, args, stream, read(file)?).await,
        (Some(file), _, true) => publish(context, args, stream, read(file)?).await,
        _ => Err(CliError::Usage("nothing was changed; add --yes to publish it, or --dry-run to try it".into())),
    }
}

async fn list(context: &Context, args: &Args) -> CliResult {
    let here = Connected::open(context).await?;
    let live = here.live(&args.connection).await?;
    let own = store::mapping::holding(&here.db, &live.row.id).await?;
    let drafts = store::mapping::drafts(&here.db, &live.row.id).await?;
    let (mut document, mut rows) = (Vec::new(), Vec::new());
    for (name, stream) in &live.manifest.streams {
        let own = own.iter().find(|own| own.stream == *name);
        let version = own.map_or(OF_CONNECTOR, |own| own.version);
        let published = own.map(|own| own.published_at);
        let drafted = drafts.iter().any(|draft| draft.stream == *name);
        document.push(json!({
            "stream": name, "record": stream.record.as_str(), "version": version, "own": own.is_some(),
            "published_at": cells::instant(published), "draft": drafted,
        }));
        let at = published.map(|at| Timestamp(at).rfc3339()).unwrap_or_default();
        let draft = if drafted { "yes" } else { "" };
        rows.push(vec![name.clone(), stream.record.as_str().into(), version.to_string(), at, draft.into()]);
    }
    context.output.table(&document, &["stream", "record", "version", "published", "draft"], &rows);
    Ok(Outcome::Done)
}

async fn print(context: &Context, args: &Args, stream: &str) -> CliResult {
    let here = Connected::open(context).await?;
    let live = known(&here, args, stream).await?;
    let spec = match args.version {
        None => mapping::standing(&here.db, &live, stream).await.map_err(refused)?.spec,
        Some(version) => {
            let connector = here.registry.catalogue().get(&live.row.connector);
            let connector = connector.ok_or_else(|| CliError::NotFound("the connector is not there".into()))?;
            mapping::version(&here.db, connector, &live.row.id, stream, version).await.map_err(refused)?
        }
    };
    let text = serde_json::to_string_pretty(&spec).map_err(anyhow::Error::from)?;
    context.output.result(&spec, &text);
    Ok(Outcome::Done)
}

async fn try_out(context: &Context, args: &Args, stream: &str, spec: MappingSpec) -> CliResult {
    let hub = installation::assemble(context).await?;
    let done = async {
        let row = store::connection::all(&hub.db).await?;
        let row = row.into_iter().find(|row| row.id == args.connection || row.name == args.connection);
        let live = row.and_then(|row| hub.registry.get(&row.id));
        let live =
            live.ok_or_else(|| CliError::NotFound(format!("there is no usable connection {}", args.connection)))?;
        let records = rehearse::take(&live, stream, TRIED)
            .await
            .map_err(|error| CliError::Other(anyhow::anyhow!("{} {error}", error.code())))?;
        rehearse::rehearse(&hub.engine, &live, stream, spec, records, ACTOR).await.map_err(|error| match error {
            RehearseError::Invalid(problems) => invalid(problems),
            RehearseError::UnknownStream => unknown(&live, stream),
            other => CliError::Other(other.into()),
        })
    }
    .await;
    installation::end(&hub, false).await;
    let seen = done?;
    let (document, sentence) = told(&seen);
    context.output.result(&document, &sentence);
    Ok(if seen.failed == 0 { Outcome::Done } else { Outcome::Partly })
}

/// What a trial saw, for programs and for people.
pub fn told(seen: &Rehearsal) -> (Value, String) {
    let document = json!({
        "read": seen.read, "new": seen.new, "updated": seen.updated, "unchanged": seen.unchanged,
        "waiting": seen.parked, "failed": seen.failed, "same_name": seen.alike,
        "failures": seen.rejected.iter().map(|r| json!({
            "record": r.external_id, "cause": r.cause, "field": r.field, "source_path": r.source_path,
        })).collect::<Vec<_>>(),
    });
    let sentence = format!(
        "Of {} records {} would be new, {} updated, {} unchanged, {} wait for their customer, {} fail; {} new \
         customers have the name of another.",
        seen.read, seen.new, seen.updated, seen.unchanged, seen.parked, seen.failed, seen.alike
    );
    (document, sentence)
}

async fn publish(context: &Context, args: &Args, stream: &str, spec: MappingSpec) -> CliResult {
    let here = Connected::open(context).await?;
    let live = known(&here, args, stream).await?;
    let now = here.now();
    let since = match args.again.as_deref() {
        None => None,
        Some("all") => Some(Timestamp(0)),
        Some(span) => Some(now.plus(-micros(span)?)),
    };
    let record = live.manifest.stream(stream).ok_or_else(|| unknown(&live, stream))?.record;
    Mapping::compile(record, &spec).map_err(invalid)?;
    let standing = mapping::standing(&here.db, &live, stream).await.map_err(refused)?;
    let mut tx = here.begin().await?;
    let before = store::mapping::draft(&mut tx, &live.row.id, stream).await?;
    if before.is_some() {
        return Err(CliError::Usage(format!(
            "somebody has a draft of {stream} in the console: publish or discard it there first"
        )));
    }
    let by = By { revision: 0, actor: ACTOR, now };
    let revision = mapping::take_up(&mut tx, &live, stream, (standing.version, &spec), by).await.map_err(refused)?;
    let by = By { revision, ..by };
    let version = mapping::publish(&mut tx, &live, stream, args.comment.as_deref(), by).await.map_err(refused)?;
    if let Some(since) = since {
        store::connection::ask_again(&mut tx, &live.row.id, stream, since).await?;
        store::connection::request(&mut tx, &live.row.id, ACTOR, now).await?;
    }
    let detail = json!({"stream": stream, "version": version, "reprocess": args.again});
    here.record_detail(&mut tx, "mapping.publish", ("connection", &live.row.id), detail).await?;
    tx.commit().await?;
    let document = json!({"id": live.row.id, "stream": stream, "version": version});
    context.output.result(&document, &format!("{stream} v{version}"));
    context.output.note("A running hub uses it from now on.");
    Ok(Outcome::Done)
}

async fn known(here: &Connected, args: &Args, stream: &str) -> Result<std::sync::Arc<Live>, CliError> {
    let live = here.live(&args.connection).await?;
    if live.manifest.stream(stream).is_none() {
        return Err(unknown(&live, stream));
    }
    Ok(live)
}

fn unknown(live: &Live, stream: &str) -> CliError {
    let known: Vec<&str> = live.manifest.streams.keys().map(String::as_str).collect();
    CliError::NotFound(format!("{} has no data named {stream}; it has {}", live.row.name, known.join(", ")))
}

fn read(file: &PathBuf) -> Result<MappingSpec, CliError> {
    let shown = file.display();
    let text = std::fs::read_to_string(file).map_err(|error| CliError::Usage(format!("{shown}: {error}")))?;
    serde_json::from_str(&text).map_err(|error| CliError::Usage(format!("{shown} is no mapping: {error}")))
}

fn micros(span: &str) -> Result<i64, CliError> {
    let parsed = parse_duration(span).filter(|span| *span > Duration::ZERO);
    let parsed = parsed.and_then(|span| i64::try_from(span.as_micros()).ok());
    parsed.ok_or_else(|| CliError::Usage(format!("--again {span}: write `all`, or a span such as 30d or 12h")))
}

fn invalid(problems: Vec<MappingProblem>) -> CliError {
    let one = |problem: MappingProblem| FieldError {
        field: match problem.missing {
            Some(missing) => format!("{}/{missing}", problem.pointer),
            None => problem.pointer,
        },
        code: problem.code,
        message: problem.message,
    };
    CliError::Fields(problems.into_iter().map(one).collect())
}

fn refused(error: MappingError) -> CliError {
    match error {
        MappingError::Invalid(problems) => invalid(problems),
        MappingError::UnknownStream | MappingError::UnknownVersion => CliError::NotFound(error.to_string()),
        MappingError::Overtaken => {
            CliError::Usage("somebody published another mapping meanwhile: look at it first".into())
        }
        other => CliError::Other(other.into()),
    }
}
