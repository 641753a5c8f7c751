//! `musubi connection add`: a new connection, checked before it is stored.

use serde_json::json;

use super::{
    check,
    given::{Given, refused},
    show::hook_url,
};
use crate::{
    cli::{CliResult, Context, Outcome, cells, connector, installation::Connected},
    connection::{
        create::{self, NewConnection},
        schedule::Plan,
    },
};

#[derive(clap::Args)]
pub struct Args {
    /// Name of the connector, as `connector list` shows it
    connector: String,
    /// How people call this system
    #[arg(long)]
    name: String,
    #[command(flatten)]
    given: Given,
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

/// Without a choice: every 15 minutes, or by hand where nothing is pulled.
const USUAL: Plan = Plan::Every(15 * 60);

pub async fn run(context: &Context, args: Args) -> CliResult {
    let here = Connected::open(context).await?;
    let manifest = connector::find(here.registry.catalogue(), &args.connector)?;
    let pulls = manifest.streams.values().any(musubi_sdk::StreamSpec::is_pulled);
    let plan = args.given.plan()?.unwrap_or(if pulls { USUAL } else { Plan::Manual });
    let streams = args.given.streams(&manifest)?;
    let settings = args.given.settings(&manifest)?;
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
        streams,
        sample: false,
        start_now: !args.later && pulls,
    };
    let draft = create::draft(&here.registry, &here.keys, &here.clock, &here.zone, new).map_err(refused)?;
    let id = draft.id().to_owned();
    let mut tx = here.db.begin().await?;
    draft.store(&mut tx).await.map_err(refused)?;
    here.record(&mut tx, "connection.create", ("connection", &id)).await?;
    tx.commit().await?;
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
