//! `musubi connection add`: a new connection, checked before it is stored.
//!
//! Invariant: no secret is taken from the command line, where other users of the machine see it.

use std::{io::BufRead, path::PathBuf};

use musubi_sdk::{
    manifest::{Manifest, nearest},
    settings::{FieldError, SettingField},
};
use serde_json::{Map, Value, json};

use super::{check, show::hook_url};
use crate::{
    cli::{
        CliError, CliResult, Context, Outcome, cells, connector,
        installation::{Connected, missing},
    },
    config::Period,
    connection::create::{self, CreateError, NewConnection},
    connection::schedule::Plan,
};

#[derive(clap::Args)]
pub struct Args {
    /// Name of the connector, as `connector list` shows it
    connector: String,
    /// How people call this system
    #[arg(long)]
    name: String,
    /// A setting
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// A secret setting; its value is one line of standard input, in the order of these options
    #[arg(long, value_name = "KEY")]
    secret: Vec<String>,
    /// A secret setting that stands in a file
    #[arg(long, value_name = "KEY=FILE")]
    secret_file: Vec<String>,
    /// Take only this kind of record, as `connector show` lists them; may be given several times
    #[arg(long = "stream", value_name = "NAME")]
    streams: Vec<String>,
    #[command(flatten)]
    schedule: Schedule,
    /// Check the settings and stop; nothing is stored
    #[arg(long)]
    check_only: bool,
    /// Store it although the system cannot be reached yet
    #[arg(long, conflicts_with = "check_only")]
    unchecked: bool,
    /// Wait for the first planned time instead of pulling at once
    #[arg(long)]
    later: bool,
}

#[derive(clap::Args)]
#[group(multiple = false)]
struct Schedule {
    /// Pull again and again, for example every 15m
    #[arg(long, value_name = "TIME")]
    every: Option<Period>,
    /// Pull once a day at a time of the organisation's zone
    #[arg(long, value_name = "HH:MM")]
    daily: Option<String>,
    /// Pull by five cron fields
    #[arg(long, value_name = "EXPRESSION")]
    cron: Option<String>,
    /// Pull only when asked; webhooks arrive all the same
    #[arg(long)]
    manual: bool,
}

const USUAL: Period = Period(std::time::Duration::from_mins(15));

pub async fn run(context: &Context, args: Args) -> CliResult {
    let here = Connected::open(context).await?;
    let manifest = connector::find(here.registry.catalogue(), &args.connector)?;
    let plan = args.schedule.plan(&manifest);
    plan.validate().map_err(|e| CliError::Usage(e.to_string()))?;
    if let Some(unknown) = args.streams.iter().find(|name| manifest.stream(name).is_none()) {
        let near = nearest(unknown, manifest.streams.keys().map(String::as_str));
        let show = format!("musubi connector show {}", manifest.name);
        return Err(missing("stream", unknown, near, &show));
    }
    let settings = gather(&manifest, &args)?;
    if !args.unchecked {
        let items = create::try_settings(&here.registry, &here.keys, &manifest.name, settings.clone())
            .await
            .map_err(refused)?;
        if args.check_only || !items.iter().all(|item| item.ok) {
            let outcome = check::report(context, &items);
            if !args.check_only {
                context.output.note("Nothing was stored. --unchecked stores it all the same.");
            }
            return Ok(outcome);
        }
    }
    let new = NewConnection {
        connector: manifest.name.clone(),
        name: args.name.clone(),
        settings,
        plan: plan.clone(),
        streams: (!args.streams.is_empty()).then(|| args.streams.clone()),
        sample: false,
        start_now: !args.later && manifest.streams.values().any(musubi_sdk::StreamSpec::is_pulled),
    };
    let id =
        create::create(&here.db, &here.registry, &here.keys, &here.clock, &here.zone, new).await.map_err(refused)?;
    here.record_alone("connection.create", ("connection", &id)).await?;
    let hook = manifest.webhook.is_some().then(|| hook_url(context, &id));
    let document = json!({
        "id": id, "name": args.name.trim(), "connector": manifest.name, "schedule": cells::plan(&plan),
        "webhook_url": hook,
    });
    context.output.result(&document, &id);
    if let Some(hook) = hook {
        context.output.note(&format!("The system may send its webhooks to {hook}"));
    }
    Ok(Outcome::Done)
}

fn refused(error: CreateError) -> CliError {
    match error {
        CreateError::Settings(fields) => CliError::Fields(fields),
        CreateError::Name | CreateError::NameTaken | CreateError::Plan(_) => CliError::Usage(error.to_string()),
        other => CliError::Other(other.into()),
    }
}

impl Schedule {
    /// Without a choice: every 15 minutes, or by hand where nothing is pulled.
    fn plan(&self, manifest: &Manifest) -> Plan {
        let every = |period: Period| Plan::Every(period.0.as_secs());
        match self {
            Self { every: Some(period), .. } => every(*period),
            Self { daily: Some(at), .. } => Plan::Daily(at.clone()),
            Self { cron: Some(text), .. } => Plan::Cron(text.clone()),
            Self { manual: true, .. } => Plan::Manual,
            _ if manifest.streams.values().any(musubi_sdk::StreamSpec::is_pulled) => every(USUAL),
            _ => Plan::Manual,
        }
    }
}

/// Settings and secrets from where each may come.
fn gather(manifest: &Manifest, args: &Args) -> Result<Map<String, Value>, CliError> {
    let mut settings = Map::new();
    let mut wrong = Vec::new();
    for pair in &args.set {
        let (name, value) = split(pair, "--set", "KEY=VALUE")?;
        match field(manifest, name) {
            Some(field) if field.secret => wrong.push(FieldError {
                field: name.to_owned(),
                code: "SET_SECRET",
                message: format!(
                    "is a secret: use --secret {name} (standard input) or --secret-file {name}=FILE; arguments can be seen by others"
                ),
            }),
            found => drop(settings.insert(name.to_owned(), typed(found, value))),
        }
    }
    if !wrong.is_empty() {
        return Err(CliError::Fields(wrong));
    }
    let mut lines = std::io::stdin().lock().lines();
    for name in &args.secret {
        let line = lines.next().transpose().map_err(anyhow::Error::from)?;
        let line = line.ok_or_else(|| {
            CliError::Usage(format!("standard input ended before the value of --secret {name}: one line each"))
        })?;
        settings.insert(name.clone(), line.trim_end_matches('\r').into());
    }
    for pair in &args.secret_file {
        let (name, path) = split(pair, "--secret-file", "KEY=FILE")?;
        let path = PathBuf::from(path);
        let text = std::fs::read_to_string(&path).map_err(|e| CliError::Usage(format!("{}: {e}", path.display())))?;
        settings.insert(name.to_owned(), text.trim_end_matches(['\r', '\n']).into());
    }
    Ok(settings)
}

fn split<'a>(pair: &'a str, option: &str, form: &str) -> Result<(&'a str, &'a str), CliError> {
    pair.split_once('=').ok_or_else(|| CliError::Usage(format!("{option} {pair}: write {option} {form}")))
}

fn field<'m>(manifest: &'m Manifest, name: &str) -> Option<&'m SettingField> {
    manifest.setting_fields().iter().find(|field| field.name == name)
}

/// Arguments are text; numbers and switches become what their setting wants, where they can.
fn typed(field: Option<&SettingField>, text: &str) -> Value {
    let fits = field.is_some_and(|field| matches!(field.kind.as_str(), "integer" | "number" | "boolean"));
    let parsed = if fits { serde_json::from_str(text).ok() } else { None };
    parsed.unwrap_or_else(|| text.into())
}
