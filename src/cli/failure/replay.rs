//! `musubi failure replay`: preview with `--dry-run`, then for real with `--yes`.

use serde_json::json;

use super::find;
use crate::{
    cli::{
        CliError, CliResult, Context, Outcome,
        installation::{self, ACTOR, Installation},
    },
    model::View,
    store::failure::{self, Failure},
    sync::replay::{self, Replayed},
};

#[derive(clap::Args)]
pub struct Args {
    /// Ids, as `failure list` shows them
    #[arg(required_unless_present = "cause", conflicts_with = "cause")]
    failures: Vec<String>,
    /// All unresolved failures with this cause
    #[arg(long, value_name = "CODE")]
    cause: Option<String>,
    /// With --cause: only of this connection, id or name
    #[arg(long, requires = "cause")]
    connection: Option<String>,
    /// Say what would happen; nothing is kept
    #[arg(long)]
    dry_run: bool,
    /// Do it
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
}

/// Replayed at once; one transaction for each kind of record.
const MOST: i64 = 5000;

pub async fn run(context: &Context, args: Args) -> CliResult {
    let here = Installation::open(context).await?;
    let chosen = choose(&here, &args).await?;
    here.db.close().await;
    let (count, full) = (chosen.len(), chosen.len() as i64 == MOST);
    let preview = !args.yes;
    let hub = installation::assemble(context).await?;
    let done = replay::replay(&hub.engine, chosen, ACTOR, preview).await;
    installation::end(&hub, !preview && done.is_ok()).await;
    let done = done?;
    let document = json!({
        "dry_run": preview, "failures": count, "succeeded": done.succeeded, "failed": done.failed,
        "waiting": done.parked,
    });
    context.output.result(&document, &sentence(&done, count, preview));
    if full {
        context.output.note(&format!("These were the oldest {MOST}; the rest waits for the next replay."));
    }
    if preview && !args.dry_run {
        return Err(CliError::Usage("nothing was changed; add --yes to do it, or --dry-run to only look".into()));
    }
    Ok(match done {
        _ if preview => Outcome::Done,
        Replayed { failed: 0, .. } => Outcome::Done,
        Replayed { succeeded: 0, parked: 0, .. } => Outcome::Failed,
        _ => Outcome::Partly,
    })
}

fn sentence(done: &Replayed, count: usize, preview: bool) -> String {
    let (verb, again) = if preview { ("would be", "would fail again") } else { ("were", "failed again") };
    let waiting = match (done.parked, preview) {
        (0, _) => String::new(),
        (n, true) => format!(", {n} would wait for their customer"),
        (n, false) => format!(", {n} wait for their customer"),
    };
    format!("Of {count} failures {} {verb} applied, {} {again}{waiting}.", done.succeeded, done.failed)
}

async fn choose(here: &Installation, args: &Args) -> Result<Vec<Failure>, CliError> {
    if let Some(cause) = &args.cause {
        let connection = match &args.connection {
            Some(named) => Some(here.connection(named).await?.id),
            None => None,
        };
        let found = failure::of_cause(&here.db, &View::everything(), cause, connection.as_deref(), MOST).await?;
        if found.is_empty() {
            return Err(installation::missing("open failure with the cause", cause, None, "musubi failure list"));
        }
        return Ok(found);
    }
    let mut chosen: Vec<Failure> = Vec::new();
    for id in &args.failures {
        let found = find(here, id).await?;
        if found.state == "resolved" {
            return Err(CliError::Usage(format!("{id} is resolved already; nothing was replayed")));
        }
        if !chosen.iter().any(|other| other.id == found.id) {
            chosen.push(found);
        }
    }
    Ok(chosen)
}
