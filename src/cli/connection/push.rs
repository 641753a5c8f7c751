//! `musubi connection push` and `deliveries`: what a system is told, and what became of it.

use serde_json::json;

use crate::{
    cli::{
        CliError, CliResult, Context, Outcome,
        installation::{Connected, Installation},
    },
    model::Timestamp,
    store::{connection, delivery},
    sync::outbox,
};

#[derive(clap::Args)]
pub struct PushArgs {
    /// Id or name
    connection: String,
    /// off: nothing; changes: corrections of customers it knows; all: new customers too
    #[arg(value_parser = [delivery::OFF, delivery::CHANGES, delivery::ALL])]
    mode: String,
}

#[derive(clap::Args)]
pub struct DeliveriesArgs {
    /// Id or name
    connection: String,
    /// Try the given-up ones, and those that wait, again now
    #[arg(long)]
    retry: bool,
}

const SHOWN: i64 = 200;

pub async fn push(context: &Context, args: &PushArgs) -> CliResult {
    let here = Connected::open(context).await?;
    let row = here.connection(&args.connection).await?;
    if !here.registry.get(&row.id).is_some_and(|live| outbox::can_push(&live)) {
        return Err(CliError::Usage(format!("{}: its connector {} only reads", row.name, row.connector)));
    }
    let mut tx = here.begin().await?;
    connection::set_push(&mut tx, &row.id, &args.mode, here.now()).await?;
    here.record(&mut tx, "connection.push", ("connection", &row.id)).await?;
    tx.commit().await?;
    context.output.result(&json!({"id": row.id, "push": args.mode}), &format!("{}: {}", row.name, args.mode));
    Ok(Outcome::Done)
}

pub async fn deliveries(context: &Context, args: &DeliveriesArgs) -> CliResult {
    let here = Installation::open(context).await?;
    let row = here.connection(&args.connection).await?;
    let open = delivery::open(&here.db, &row.id, SHOWN).await?;
    if args.retry {
        let records: Vec<&str> = open.iter().map(|d| d.record_id.as_str()).collect();
        let mut tx = here.begin().await?;
        let tried = delivery::retry(&mut tx, &row.id, &records, here.now()).await?;
        here.record(&mut tx, "connection.retry_deliveries", ("connection", &row.id)).await?;
        tx.commit().await?;
        context.output.result(&json!({"id": row.id, "tried_again": tried}), &format!("{tried} are tried again."));
        return Ok(Outcome::Done);
    }
    let document: Vec<_> = open
        .iter()
        .map(|d| {
            json!({"customer": d.record_id, "state": d.state, "attempts": d.attempts, "cause": d.cause,
                   "next_try": Timestamp(d.not_before).rfc3339()})
        })
        .collect();
    let lines: Vec<String> = open
        .iter()
        .map(|d| format!("{} {} {}", d.record_id, d.state, d.cause.as_deref().unwrap_or_default()))
        .collect();
    let text = if lines.is_empty() { "Everything is delivered.".to_owned() } else { lines.join("\n") };
    context.output.result(&json!(document), &text);
    Ok(Outcome::Done)
}
