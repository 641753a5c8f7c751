//! What `connection add` and `connection set` both take: settings, secrets, streams, a schedule.
//!
//! Invariant: no secret is taken from the command line, where other users of the machine see it.

use std::{io::BufRead, path::PathBuf};

use musubi_sdk::{
    manifest::{Manifest, nearest},
    settings::{FieldError, SettingField},
};
use serde_json::{Map, Value};

use crate::{
    cli::{CliError, installation::missing},
    config::Period,
    connection::{create::CreateError, schedule::Plan},
};

#[derive(clap::Args)]
pub struct Given {
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

impl Given {
    /// The schedule that was chosen, if any.
    pub fn plan(&self) -> Result<Option<Plan>, CliError> {
        let plan = match &self.schedule {
            Schedule { every: Some(period), .. } => Plan::Every(period.0.as_secs()),
            Schedule { daily: Some(at), .. } => Plan::Daily(at.clone()),
            Schedule { cron: Some(text), .. } => Plan::Cron(text.clone()),
            Schedule { manual: true, .. } => Plan::Manual,
            _ => return Ok(None),
        };
        plan.validate().map_err(|e| CliError::Usage(e.to_string()))?;
        Ok(Some(plan))
    }

    /// The streams that were chosen, if any.
    pub fn streams(&self, manifest: &Manifest) -> Result<Option<Vec<String>>, CliError> {
        if let Some(unknown) = self.streams.iter().find(|name| manifest.stream(name).is_none()) {
            let near = nearest(unknown, manifest.streams.keys().map(String::as_str));
            let show = format!("musubi connector show {}", manifest.name);
            return Err(missing("stream", unknown, near, &show));
        }
        Ok((!self.streams.is_empty()).then(|| self.streams.clone()))
    }

    /// Settings and secrets from where each may come. Reads standard input.
    pub fn settings(&self, manifest: &Manifest) -> Result<Map<String, Value>, CliError> {
        let mut settings = Map::new();
        let mut wrong = Vec::new();
        for pair in &self.set {
            let (name, value) = split(pair, "--set", "KEY=VALUE")?;
            match field(manifest, name) {
                Some(field) if field.secret => wrong.push(FieldError {
                    field: name.to_owned(),
                    code: "SET_SECRET",
                    message: format!(
                        "is a secret: use --secret {name} (standard input) or --secret-file {name}=FILE; arguments can be seen by others"
                    ),
                }),
                found => {
                    let value = found.map_or_else(|| value.into(), |field| field.value_of(value));
                    settings.insert(name.to_owned(), value);
                }
            }
        }
        if !wrong.is_empty() {
            return Err(CliError::Fields(wrong));
        }
        let mut lines = std::io::stdin().lock().lines();
        for name in &self.secret {
            let line = lines.next().transpose().map_err(anyhow::Error::from)?;
            let line = line.ok_or_else(|| {
                CliError::Usage(format!("standard input ended before the value of --secret {name}: one line each"))
            })?;
            settings.insert(name.clone(), line.trim_end_matches('\r').into());
        }
        for pair in &self.secret_file {
            let (name, path) = split(pair, "--secret-file", "KEY=FILE")?;
            let path = PathBuf::from(path);
            let text =
                std::fs::read_to_string(&path).map_err(|e| CliError::Usage(format!("{}: {e}", path.display())))?;
            settings.insert(name.to_owned(), text.trim_end_matches(['\r', '\n']).into());
        }
        Ok(settings)
    }
}

/// A refusal with the exit code it means.
pub fn refused(error: CreateError) -> CliError {
    match error {
        CreateError::Settings(fields) => CliError::Fields(fields),
        CreateError::Name | CreateError::NameTaken | CreateError::Plan(_) => CliError::Usage(error.to_string()),
        other => CliError::Other(other.into()),
    }
}

fn split<'a>(pair: &'a str, option: &str, form: &str) -> Result<(&'a str, &'a str), CliError> {
    pair.split_once('=').ok_or_else(|| CliError::Usage(format!("{option} {pair}: write {option} {form}")))
}

/// The setting of this name.
pub fn field<'m>(manifest: &'m Manifest, name: &str) -> Option<&'m SettingField> {
    manifest.setting_fields().iter().find(|field| field.name == name)
}
