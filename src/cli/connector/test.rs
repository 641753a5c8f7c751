//! `musubi connector test NAME`: the conformance list, against recorded fixtures or a live system.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use musubi_sdk::{
    conformance::{self, Check, Fixtures, Options, Outcome as CheckOutcome},
    declarative::HttpTransport,
    manifest::Manifest,
    settings::{self, SettingField},
};
use serde_json::{Map, Value, json};

use super::{patient::Patient, show};
use crate::{
    app::client,
    cli::{CliError, CliResult, Context, Outcome, installation},
    connection::{Catalogue, connect},
};

#[derive(clap::Args)]
pub struct Args {
    /// Name of the connector, and of its folder
    name: String,
    /// Folder that holds NAME/connector.yaml; without it connectors.dir
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// Settings with secrets as one JSON object; without it fixtures/settings.json
    #[arg(long, value_name = "FILE.json")]
    settings: Option<PathBuf>,
    /// Ask the real system that the settings name, instead of the recorded fixtures
    #[arg(long)]
    live: bool,
}

pub async fn run(context: &Context, args: Args) -> CliResult {
    let folder = args.dir.as_deref().unwrap_or(&context.config.connectors.dir).join(&args.name);
    let manifest = match manifest(context, &args, &folder)? {
        Ok(manifest) => manifest,
        Err(problems) => return Ok(report(context, &problems)),
    };
    let recorded = folder.join("fixtures");
    let mut fixtures = if recorded.is_dir() {
        Fixtures::load(&recorded).map_err(|e| CliError::Other(anyhow::Error::from(e).context(EXCHANGE)))?
    } else {
        Fixtures::default()
    };
    if let Some(file) = &args.settings {
        fixtures.settings = read_settings(file)?;
    }
    let checks = if args.live {
        live(&manifest, &fixtures).await?
    } else if recorded.is_dir() {
        fill_in(&manifest, &mut fixtures.settings);
        let split = settings::split(&manifest, fixtures.settings.clone());
        let connector = connect(manifest.clone(), split.plain, split.secret, fixtures.transport());
        conformance::run(&*connector.map_err(anyhow::Error::from)?, &fixtures.options(&manifest)).await
    } else {
        let folder = recorded.display();
        return Err(CliError::Usage(format!(
            "there are no recorded answers in {folder}: record some (docs/connectors.md), or test the real system with --live --settings FILE.json"
        )));
    };
    Ok(report(context, &checks))
}

const EXCHANGE: &str = "a fixture is neither an exchange, a delivery nor settings (docs/connectors.md)";

/// The manifest in the folder, else the built-in one. Problems of a manifest are the first checks.
fn manifest(context: &Context, args: &Args, folder: &Path) -> Result<Result<Arc<Manifest>, Vec<Check>>, CliError> {
    let file = folder.join("connector.yaml");
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            if args.dir.is_some() {
                let text = format!("there is no {}; --dir names the folder that holds {}/", file.display(), args.name);
                return Err(CliError::NotFound(text));
            }
            // Another connector's mistake must not hide this one.
            let built_in = Catalogue::load(Path::new("")).map_err(anyhow::Error::from)?;
            return match built_in.get(&args.name) {
                Some(manifest) => Ok(Ok(manifest.clone())),
                None => show::find(&installation::catalogue(context)?, &args.name).map(Ok),
            };
        }
        Err(e) => {
            return Err(CliError::Other(anyhow::Error::from(e).context(format!("cannot read {}", file.display()))));
        }
    };
    let parsed = Manifest::parse(&file.display().to_string(), &text);
    Ok(parsed.map(Arc::new).map_err(|errors| {
        let failed = |e: &musubi_sdk::ManifestError| Check {
            name: "manifest".to_owned(),
            outcome: CheckOutcome::Failed,
            detail: e.to_string(),
        };
        errors.iter().map(failed).collect()
    }))
}

fn read_settings(file: &Path) -> Result<Map<String, Value>, CliError> {
    let text = std::fs::read_to_string(file).map_err(|e| CliError::Usage(format!("{}: {e}", file.display())))?;
    serde_json::from_str(&text).map_err(|e| CliError::Usage(format!("{} is no JSON object: {e}", file.display())))
}

async fn live(manifest: &Arc<Manifest>, fixtures: &Fixtures) -> Result<Vec<Check>, CliError> {
    let mut given = fixtures.settings.clone();
    settings::apply_defaults(manifest, &mut given);
    settings::validate_settings(manifest, &given).map_err(CliError::Fields)?;
    let client = client().map_err(anyhow::Error::from)?;
    let split = settings::split(manifest, given);
    let secrets = split.secret.values().cloned().collect();
    let transport = Arc::new(HttpTransport::new(client));
    let connector =
        connect(manifest.clone(), split.plain, split.secret, transport).map_err(|e| CliError::Usage(e.to_string()))?;
    let options = Options { secrets, deliveries: fixtures.deliveries.clone(), ..Options::default() };
    Ok(conformance::run(&Patient::new(connector), &options).await)
}

/// Recorded answers do not care what the settings are, so those that are missing are invented.
fn fill_in(manifest: &Manifest, given: &mut Map<String, Value>) {
    let needed = |field: &&SettingField| (field.required || field.secret) && field.default.is_none();
    for field in manifest.setting_fields().iter().filter(needed) {
        given.entry(field.name.clone()).or_insert_with(|| match (field.kind.as_str(), field.format.as_deref()) {
            _ if !field.options.is_empty() => field.options[0].clone(),
            ("integer" | "number", _) => json!(1),
            ("boolean", _) => json!(true),
            (_, Some("uri")) => json!("https://source.example"),
            (_, Some("email")) => json!("invented@source.example"),
            (_, Some("hostname")) => json!("source.example"),
            (_, Some("date")) => json!("2026-04-01"),
            _ => json!(format!("invented-{}-0099", field.name)),
        });
    }
}

fn report(context: &Context, checks: &[Check]) -> Outcome {
    let rows: Vec<Vec<String>> = checks
        .iter()
        .map(|check| {
            let outcome = match check.outcome {
                CheckOutcome::Passed => "ok",
                CheckOutcome::Failed => "FAILED",
                CheckOutcome::Skipped => "skipped",
            };
            vec![outcome.to_owned(), check.name.clone(), check.detail.clone()]
        })
        .collect();
    context.output.table(&checks, &["outcome", "check", "detail"], &rows);
    let failed = checks.iter().any(|check| check.outcome == CheckOutcome::Failed);
    if failed { Outcome::Failed } else { Outcome::Done }
}
