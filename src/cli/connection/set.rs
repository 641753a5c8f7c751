//! `musubi connection set`: changes a connection, checked before it is stored.

use musubi_sdk::{connector::CheckItem, settings::FieldError};
use serde_json::json;

use super::{
    check,
    given::{Given, field, refused},
};
use crate::{
    cli::{CliError, CliResult, Context, Outcome, connector, installation::Connected},
    connection::change::{self, Change, Draft},
};

#[derive(clap::Args)]
pub struct Args {
    /// Id or name
    connection: String,
    /// A new name
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    given: Given,
    /// Take away the value of a setting or a secret; one with a default goes back to it
    #[arg(long, value_name = "KEY")]
    unset: Vec<String>,
    /// Check the settings and stop; nothing is stored
    #[arg(long)]
    check_only: bool,
    /// Store it although the system cannot be reached with it
    #[arg(long, conflicts_with = "check_only")]
    unchecked: bool,
}

pub async fn run(context: &Context, args: Args) -> CliResult {
    let here = Connected::open(context).await?;
    let row = here.connection(&args.connection).await?;
    let manifest = connector::find(here.registry.catalogue(), &row.connector)?;
    if let Some(unknown) = args.unset.iter().find(|name| field(&manifest, name).is_none()) {
        let message = "is no setting of this connector".to_owned();
        return Err(CliError::Fields(vec![FieldError { field: unknown.clone(), code: "SET_UNKNOWN", message }]));
    }
    let change = Change {
        revision: row.updated_at,
        name: args.name.clone(),
        plan: args.given.plan()?,
        streams: args.given.streams(&manifest)?,
        settings: args.given.settings(&manifest)?,
        unset: args.unset.clone(),
    };
    let id = row.id.clone();
    let draft = change::draft(&here.db, &here.registry, &here.keys, row, change, here.now()).await.map_err(refused)?;
    let items = if args.unchecked { None } else { Some(draft.check().await) };
    if let Some(items) = &items
        && (args.check_only || !items.iter().all(|item| item.ok))
    {
        let outcome = check::report(context, items);
        if !args.check_only {
            context.output.note("Nothing was stored. --unchecked stores it all the same.");
        }
        return Ok(outcome);
    }
    store(&here, &draft, items.as_deref(), &id).await?;
    let detail = draft.detail(items.is_some());
    context.output.result(&json!({"id": id, "changed": detail["changed"], "checked": detail["checked"]}), &id);
    context.output.note("A running hub uses it from now on.");
    Ok(Outcome::Done)
}

async fn store(here: &Connected, draft: &Draft, items: Option<&[CheckItem]>, id: &str) -> Result<(), CliError> {
    let mut tx = here.begin().await?;
    draft.store(&mut tx, items, &here.zone, here.now()).await.map_err(refused)?;
    here.record_detail(&mut tx, "connection.change", ("connection", id), draft.detail(items.is_some())).await?;
    Ok(tx.commit().await?)
}
