//! `musubi plan` and `musubi apply`: configuration as files.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::{
    CliError, CliResult, Context, Outcome,
    connection::mapping::told,
    installation::{self, ACTOR, Connected},
};
use crate::plan::{self, Effect, Here, Plan, PlanError};

#[derive(clap::Args)]
pub struct PlanArgs {
    /// Folder with connections/NAME.yaml
    folder: PathBuf,
    /// Write what is configured into the folder instead; files that are there are not overwritten
    #[arg(long)]
    export: bool,
    /// Ask no system: without it each changed mapping is tried with up to 100 records, and nothing of that is kept
    #[arg(long)]
    offline: bool,
}

#[derive(clap::Args)]
pub struct ApplyArgs {
    /// Folder with connections/NAME.yaml
    folder: PathBuf,
    /// Do it
    #[arg(long)]
    yes: bool,
}

pub async fn plan(context: &Context, args: &PlanArgs) -> CliResult {
    let base = Connected::open(context).await?;
    let here = here(&base);
    if args.export {
        let written = plan::export(here, &args.folder).await.map_err(refused)?;
        let paths: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
        context.output.result(&json!(paths), &paths.join("\n"));
        context.output.note("Secrets are not in them: each names the variable that applying reads it from.");
        return Ok(Outcome::Done);
    }
    let plan = plan::plan(here, &args.folder).await.map_err(refused)?;
    let effects = if args.offline || !plan.changes_mappings() { Vec::new() } else { tried(context, &plan).await? };
    show(context, &plan, &effects);
    // As `diff` does: something is different.
    Ok(if plan.is_empty() { Outcome::Done } else { Outcome::Partly })
}

pub async fn apply(context: &Context, args: &ApplyArgs) -> CliResult {
    let base = Connected::open(context).await?;
    let plan = plan::plan(here(&base), &args.folder).await.map_err(refused)?;
    if !args.yes {
        show(context, &plan, &[]);
        return Err(CliError::Usage("nothing was changed; add --yes to do it".into()));
    }
    let done = plan::apply(here(&base), plan, ACTOR, async |tx, made, detail| {
        let action = if made.created { "connection.create" } else { "connection.change" };
        base.record_detail(tx, action, ("connection", &made.id), detail).await
    })
    .await
    .map_err(refused)?;
    let lines: Vec<String> = done
        .iter()
        .map(|made| format!("{} {}: {}", if made.created { "+" } else { "~" }, made.name, made.changes.join(", ")))
        .collect();
    let text = if lines.is_empty() { "Everything is as the files say.".to_owned() } else { lines.join("\n") };
    context.output.result(&done, &text);
    if !done.is_empty() {
        context.output.note("A running hub uses it from now on.");
    }
    Ok(Outcome::Done)
}

fn here(base: &Connected) -> Here<'_> {
    Here { db: &base.db, registry: &base.registry, keys: &base.keys, clock: &base.clock, zone: &base.zone }
}

/// The record effect: the hub is put together for it as a sync needs it, and nothing of it runs.
async fn tried(context: &Context, plan: &Plan) -> Result<Vec<Effect>, CliError> {
    let hub = installation::assemble(context).await?;
    let effects = plan::effects(&hub.engine, plan, ACTOR).await;
    installation::end(&hub, false).await;
    Ok(effects)
}

fn show(context: &Context, plan: &Plan, effects: &[Effect]) {
    let record = |effect: &Effect| match &effect.seen {
        Ok(seen) => (effect.stream.clone(), told(seen).0),
        Err(code) => (effect.stream.clone(), json!({"unknown": code})),
    };
    let steps: Vec<_> = plan
        .steps
        .iter()
        .map(|step| {
            let records: Map<String, Value> =
                effects.iter().filter(|effect| effect.connection == step.name).map(record).collect();
            json!({"name": step.name, "id": step.id, "file": step.file, "changes": step.changes, "records": records})
        })
        .collect();
    let document = json!({
        "steps": steps, "same": plan.same, "unnamed": plan.unnamed,
        "unseen_secrets": plan.unseen.iter().map(|(name, secret)| json!({"name": name, "secret": secret}))
            .collect::<Vec<_>>(),
    });
    let mut lines: Vec<String> = Vec::new();
    for step in &plan.steps {
        let sign = if step.id.is_some() { "~" } else { "+" };
        lines.push(format!("{sign} {}: {}", step.name, step.changes.join(", ")));
        lines.extend(effects.iter().filter(|effect| effect.connection == step.name).map(|effect| match &effect.seen {
            Ok(seen) => format!("    {}: {}", effect.stream, told(seen).1),
            Err(code) => format!("    {}: what it does to records could not be tried ({code}).", effect.stream),
        }));
    }
    if lines.is_empty() {
        lines.push("Everything is as the files say.".to_owned());
    }
    context.output.result(&document, &lines.join("\n"));
    if !plan.unnamed.is_empty() {
        context.output.note(&format!("In no file, and left as they are: {}", plan.unnamed.join(", ")));
    }
    for (name, secret) in &plan.unseen {
        context.output.note(&format!("{name}: {secret} was not compared, its variable or file is not there; it stays"));
    }
}

fn refused(error: PlanError) -> CliError {
    match error {
        PlanError::Faults(faults) => {
            let told: Vec<String> = faults
                .into_iter()
                .map(|fault| match fault.place.as_str() {
                    "" => format!("{} {}: {}", fault.code, fault.file, fault.message),
                    place => format!("{} {} {place}: {}", fault.code, fault.file, fault.message),
                })
                .collect();
            CliError::Usage(told.join("\n       "))
        }
        PlanError::Folder { .. } | PlanError::Overtaken(_) => CliError::Usage(error.to_string()),
        other => CliError::Other(other.into()),
    }
}
