//! `musubi plan` and `musubi apply`: configuration as files.

use std::path::PathBuf;

use serde_json::json;

use super::{
    CliError, CliResult, Context, Outcome,
    installation::{ACTOR, Connected},
};
use crate::plan::{self, Here, Plan, PlanError};

#[derive(clap::Args)]
pub struct PlanArgs {
    /// Folder with connections/NAME.yaml
    folder: PathBuf,
    /// Write what is configured into the folder instead; files that are there are not overwritten
    #[arg(long)]
    export: bool,
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
    show(context, &plan);
    // As `diff` does: something is different.
    Ok(if plan.is_empty() { Outcome::Done } else { Outcome::Partly })
}

pub async fn apply(context: &Context, args: &ApplyArgs) -> CliResult {
    let base = Connected::open(context).await?;
    let plan = plan::plan(here(&base), &args.folder).await.map_err(refused)?;
    if !args.yes {
        show(context, &plan);
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

fn show(context: &Context, plan: &Plan) {
    let steps: Vec<_> = plan
        .steps
        .iter()
        .map(|step| json!({"name": step.name, "id": step.id, "file": step.file, "changes": step.changes}))
        .collect();
    let document = json!({
        "steps": steps, "same": plan.same, "unnamed": plan.unnamed,
        "unseen_secrets": plan.unseen.iter().map(|(name, secret)| json!({"name": name, "secret": secret}))
            .collect::<Vec<_>>(),
    });
    let mut lines: Vec<String> = plan
        .steps
        .iter()
        .map(|step| format!("{} {}: {}", if step.id.is_some() { "~" } else { "+" }, step.name, step.changes.join(", ")))
        .collect();
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
