//! `musubi import FILE`, `musubi import list`, `musubi import undo`: tables in files.

use std::path::PathBuf;

use musubi_files::{Encoding, Wishes, roles};
use serde_json::{Value, json};

use super::{
    CliError, CliResult, Context, Outcome, cells,
    installation::{self, ACTOR, Installation, missing},
};
use crate::{
    app::SharedHub,
    identity::{
        Origin,
        audit::{self, AuditEntry},
    },
    imports::{self, ImportError, Match, Plan, Report, Undone, plan, stage},
    store::import::{self, Import},
};

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// CSV, TSV, XLSX or vCard
    #[arg(required = true)]
    file: Option<PathBuf>,
    /// What the rows are: customers, sites, contacts, products, deals, quotes, orders, shipments, invoices, payments, contracts or
    /// inquiries
    #[arg(long = "as", value_name = "RECORDS")]
    noun: Option<String>,
    /// What a column is, for example --map 得意先CD=code; --map COLUMN= takes it not
    #[arg(long, value_name = "COLUMN=FIELD")]
    map: Vec<String>,
    /// Fields that together name a record
    #[arg(long, value_delimiter = ',', value_name = "FIELDS")]
    key: Vec<String>,
    /// Where the file comes from: rows keep their keys within it
    #[arg(long, default_value = "Excel・CSV", value_name = "NAME")]
    source: String,
    /// Which customer a row means that this source has not brought before
    #[arg(long = "match", value_parser = ["code_and_name", "code", "numbers"], default_value = "code_and_name")]
    matching: String,
    /// Sheet of a workbook
    #[arg(long)]
    sheet: Option<String>,
    /// Line of the headings; 0: there are none
    #[arg(long, value_name = "LINE")]
    heading: Option<u64>,
    /// utf-8, cp932, utf-16le or utf-16be, where it is guessed wrongly
    #[arg(long)]
    encoding: Option<String>,
    /// Only say what would happen
    #[arg(long)]
    preview: bool,
    /// Do it
    #[arg(long, conflicts_with = "preview")]
    yes: bool,
    /// Write the rows that are not taken into this CSV file
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List imports, the latest first
    List {
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=10_000))]
        limit: i64,
    },
    /// Take a whole import back; what others changed since stays and is listed
    Undo {
        /// Id, as `import list` shows it
        import: String,
        /// Do it
        #[arg(long)]
        yes: bool,
    },
}

pub async fn run(context: &Context, args: Args) -> CliResult {
    match args.command {
        Some(Command::List { limit }) => list(context, limit).await,
        Some(Command::Undo { import, yes }) => undo(context, &import, yes).await,
        None => bring(context, args).await,
    }
}

fn told(error: ImportError) -> CliError {
    match &error {
        ImportError::File(_) | ImportError::Role(_) | ImportError::Scattered | ImportError::Connection => {
            CliError::Usage(format!("{}: {error}", error.code()))
        }
        _ => CliError::Other(error.into()),
    }
}

async fn bring(context: &Context, args: Args) -> CliResult {
    let Some(path) = &args.file else { return Err(CliError::Usage("name a file".into())) };
    let noun = match args.noun.as_deref() {
        Some(word) => {
            Some(plan::noun(word).ok_or_else(|| CliError::Usage(format!("there are no records \"{word}\"")))?)
        }
        None => None,
    };
    let encoding = match args.encoding.as_deref() {
        Some(word) => Some(Encoding::parse(word).ok_or_else(|| CliError::Usage(format!("no encoding \"{word}\"")))?),
        None => None,
    };
    let wishes = Wishes { encoding, delimiter: None, sheet: args.sheet.clone(), heading: args.heading };
    let max = context.config.files.max.0;
    let size = std::fs::metadata(path).map_err(|e| CliError::Usage(format!("{}: {e}", path.display())))?.len();
    if size > max {
        return Err(CliError::Usage(format!("FILE_TOO_LARGE: {} has more than {max} bytes", path.display())));
    }
    let bytes = std::fs::read(path).map_err(|e| CliError::Usage(format!("{}: {e}", path.display())))?;
    let hub = installation::assemble(context).await?;
    let done = steps(&hub, &args, &bytes, noun, wishes).await;
    installation::end(&hub, args.yes && done.is_ok()).await;
    let (kept, plan, report) = done?;
    if let Some(file) = &args.rejects {
        std::fs::write(file, &kept.1).map_err(|e| CliError::Usage(format!("{}: {e}", file.display())))?;
    }
    print(context, &kept.0, &plan, &report, !args.yes);
    if !args.yes && !args.preview {
        return Err(CliError::Usage("nothing was taken; add --yes to do it, or --preview to only look".into()));
    }
    Ok(match (report.counts.rejected, report.counts.records) {
        (0, _) => Outcome::Done,
        (_, 0) => Outcome::Failed,
        _ => Outcome::Partly,
    })
}

type Stepped = ((Import, Vec<u8>), Plan, Report);

async fn steps(
    hub: &SharedHub,
    args: &Args,
    bytes: &[u8],
    noun: Option<musubi_sdk::noun::Noun>,
    wishes: Wishes,
) -> Result<Stepped, CliError> {
    let name = args.file.as_deref().and_then(|p| p.file_name()).map(|n| n.to_string_lossy().into_owned());
    let name = name.unwrap_or_default();
    let brought = stage::Brought { name: &name, bytes, source: &args.source, noun, wishes, actor: ACTOR };
    let limits = stage::limits(hub.config.files.max.0);
    let id = stage::stage(&hub.engine, &limits, brought).await.map_err(told)?;
    let kept = get(hub, &id).await?;
    let mut plan: Plan = serde_json::from_str(&kept.plan).map_err(anyhow::Error::from)?;
    overrule(&mut plan, args)?;
    let begun = stage::plan(&hub.engine, &kept, &plan, &kept.connection_id).await;
    if let Err(error) = begun {
        forget(hub, &id).await?;
        return Err(told(error));
    }
    hub.importer.one(Some(&id)).await?;
    let mut kept = get(hub, &id).await?;
    if kept.state == "ready" && args.yes {
        let mut tx = hub.db.begin().await?;
        import::go(&mut tx, &id, &["ready"], "applying", hub.clock.now()).await?;
        record(&mut tx, hub, "import.apply", &id).await?;
        tx.commit().await?;
        hub.importer.one(Some(&id)).await?;
        kept = get(hub, &id).await?;
    }
    let report = kept.result.as_deref().or(kept.report.as_deref());
    let report: Option<Report> = report.and_then(|text| serde_json::from_str(text).ok());
    let rejects = imports::rejects_csv(&hub.db, &kept, &plan).await.map_err(told)?;
    let failed = (kept.state == "failed")
        .then(|| format!("{}: {}", kept.cause.clone().unwrap_or_default(), kept.detail.clone().unwrap_or_default()));
    if !args.yes {
        forget(hub, &id).await?;
    }
    match (failed, report) {
        (None, Some(report)) => Ok(((kept, rejects), plan, report)),
        (Some(why), _) => Err(CliError::Other(anyhow::anyhow!(why))),
        (None, None) => Err(CliError::Other(anyhow::anyhow!("another process works on the import {id}"))),
    }
}

async fn get(hub: &SharedHub, id: &str) -> Result<Import, CliError> {
    import::get(&hub.db, id).await?.ok_or_else(|| missing("import", id, None, "musubi import list"))
}

/// A look leaves nothing behind.
async fn forget(hub: &SharedHub, id: &str) -> Result<(), CliError> {
    let mut tx = hub.db.begin().await?;
    import::remove(&mut tx, id).await?;
    Ok(tx.commit().await?)
}

async fn record(tx: &mut crate::store::Tx, hub: &SharedHub, action: &'static str, id: &str) -> Result<(), CliError> {
    let origin = Origin::default();
    let entry = AuditEntry {
        actor: ACTOR,
        action,
        object_kind: "import",
        object_id: id,
        outcome: crate::identity::Outcome::Ok,
        origin: &origin,
        detail: Value::Null,
    };
    Ok(audit::record(tx, entry, hub.clock.now()).await?)
}

fn overrule(plan: &mut Plan, args: &Args) -> Result<(), CliError> {
    let known = roles::of(plan.noun);
    for given in &args.map {
        let (column, role) =
            given.split_once('=').ok_or_else(|| CliError::Usage(format!("--map {given}: write COLUMN=FIELD")))?;
        let at = plan.layout.columns.iter().position(|name| name == column).ok_or_else(|| {
            CliError::Usage(format!("there is no column \"{column}\"; there are {}", plan.layout.columns.join(", ")))
        })?;
        let role = (!role.is_empty()).then(|| role.to_owned());
        if let Some(role) = role.as_ref().filter(|role| !known.contains(role)) {
            return Err(CliError::Usage(format!("there is no field \"{role}\"; there are {}", known.join(", "))));
        }
        plan.columns.iter_mut().filter(|g| role.is_some() && g.role == role).for_each(|g| g.role = None);
        plan.columns[at] = roles::Guess { role, confidence: 100 };
    }
    plan.key = if args.key.is_empty() { plan.usual_key() } else { args.key.clone() };
    if let Some(role) = plan.key.iter().find(|role| !plan.has(role)) {
        return Err(CliError::Usage(format!("no column is \"{role}\", so it cannot be the key")));
    }
    plan.matching = Match::parse(&args.matching).unwrap_or_default();
    Ok(())
}

fn print(context: &Context, kept: &Import, plan: &Plan, report: &Report, preview: bool) {
    let counts = &report.counts;
    let columns: Vec<Value> = plan
        .layout
        .columns
        .iter()
        .zip(&plan.columns)
        .map(|(name, guess)| json!({"column": name, "field": guess.role, "confidence": guess.confidence}))
        .collect();
    let document = json!({
        "id": (!preview).then_some(&kept.id), "preview": preview, "records": plan.stream(), "layout": plan.layout,
        "columns": columns, "key": plan.key, "rows": report.rows, "counts": counts, "causes": report.causes,
        "first": report.first, "conflicts": report.conflicts, "run_id": kept.run_id,
    });
    if !context.output.is_json() {
        let rows: Vec<Vec<String>> = plan
            .layout
            .columns
            .iter()
            .zip(&plan.columns)
            .map(|(name, guess)| {
                vec![
                    name.clone(),
                    guess.role.clone().unwrap_or_default(),
                    if guess.role.is_some() { format!("{} %", guess.confidence) } else { String::new() },
                ]
            })
            .collect();
        context.output.table(&Value::Null, &["column", "field", "sure"], &rows);
        let causes: Vec<Vec<String>> =
            report.causes.iter().map(|(cause, rows)| vec![cause.clone(), rows.to_string()]).collect();
        if !causes.is_empty() {
            context.output.table(&Value::Null, &["rejected for", "rows"], &causes);
        }
    }
    let would = if preview { "would be" } else { "were" };
    let sentence = format!(
        "Of {} rows {} {would} taken, {} rejected, {} hold no record. Of {} {}, {} {would} new, {} changed, {} unchanged.{}",
        report.rows.rows,
        report.rows.taken,
        report.rows.rejected,
        report.rows.skipped(),
        counts.records,
        plan.stream(),
        counts.new,
        counts.updated,
        counts.unchanged,
        if preview { String::new() } else { format!(" Import {}.", kept.id) },
    );
    context.output.result(&document, &sentence);
}

async fn list(context: &Context, limit: i64) -> CliResult {
    let here = Installation::open(context).await?;
    let found = import::list(&here.db, limit).await?;
    let documents: Vec<Value> = found
        .iter()
        .map(|i| {
            let json = |text: &Option<String>| text.as_deref().and_then(|t| serde_json::from_str::<Value>(t).ok());
            json!({
                "id": i.id, "name": i.name, "size": i.size, "state": i.state, "connection_id": i.connection_id,
                "actor": i.actor, "run_id": i.run_id, "cause": i.cause, "created_at": cells::instant(Some(i.created_at)),
                "result": json(&i.result), "undone": json(&i.undone),
            })
        })
        .collect();
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|i| vec![i.name.clone(), i.state.clone(), cells::time(Some(i.created_at), &here.zone), i.id.clone()])
        .collect();
    context.output.table(&documents, &["file", "state", "brought", "id"], &rows);
    Ok(Outcome::Done)
}

async fn undo(context: &Context, id: &str, yes: bool) -> CliResult {
    let hub = installation::assemble(context).await?;
    let done = take_back(&hub, id, yes).await;
    installation::end(&hub, yes && done.is_ok()).await;
    let (undone, kept) = done?;
    let document = json!({"id": id, "undone": undone, "kept": kept.iter().map(|(key, label)| json!({"key": key, "label": label})).collect::<Vec<_>>()});
    let sentence = format!(
        "{} records are gone, {} stand as before, {} stay because they were changed or used since.",
        undone.removed, undone.restored, undone.kept
    );
    context.output.result(&document, &sentence);
    for (key, label) in kept.iter().filter(|_| !context.output.is_json()) {
        context.output.note(&format!("stays: {label} ({key})"));
    }
    Ok(if undone.kept > 0 { Outcome::Partly } else { Outcome::Done })
}

async fn take_back(hub: &SharedHub, id: &str, yes: bool) -> Result<(Undone, Vec<(String, String)>), CliError> {
    let kept = get(hub, id).await?;
    if kept.state != "applied" {
        return Err(CliError::Usage(format!("{id} is {}; only an applied import can be taken back", kept.state)));
    }
    if !yes {
        return Err(CliError::Usage(format!("nothing was changed; add --yes to take {} back", kept.name)));
    }
    let mut tx = hub.db.begin().await?;
    if !import::go(&mut tx, id, &["applied"], "undoing", hub.clock.now()).await? {
        return Err(told(ImportError::Overtaken));
    }
    record(&mut tx, hub, "import.undo", id).await?;
    tx.commit().await?;
    hub.importer.one(Some(id)).await?;
    let kept = get(hub, id).await?;
    let undone = kept.undone.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let undone = undone.ok_or_else(|| CliError::Other(anyhow::anyhow!("{}", kept.detail.unwrap_or_default())))?;
    Ok((undone, import::kept(&hub.db, id, 1000).await?))
}
