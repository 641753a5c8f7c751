//! What was sent, and sending it again.

use serde_json::json;

use super::find;
use crate::{
    cli::{CliError, CliResult, Context, Outcome, cells, installation::Installation},
    model::Timestamp,
    store::{
        event::{self, Again},
        read_event::{self, Filter},
    },
};

#[derive(clap::Args)]
pub struct DeliveriesArgs {
    /// Id or name; without it, of all receivers
    receiver: Option<String>,
    /// pending, delivered or dead
    #[arg(long, default_value = "", value_parser = ["", "pending", "delivered", "dead"])]
    state: String,
    /// Id of a customer
    #[arg(long, default_value = "")]
    customer: String,
    /// How many, the newest first
    #[arg(long, default_value_t = 50)]
    limit: i64,
}

#[derive(clap::Args)]
#[group(required = true, multiple = true)]
pub struct ReplayChoice {
    /// Ids of events
    #[arg(long, value_delimiter = ',', conflicts_with_all = ["since", "until", "customer", "dead"])]
    events: Vec<String>,
    /// From this time on, for example 2026-11-20T09:00:00+09:00
    #[arg(long, conflicts_with_all = ["customer", "dead"])]
    since: Option<jiff::Timestamp>,
    /// Up to this time; now, if it is not given
    #[arg(long, requires = "since")]
    until: Option<jiff::Timestamp>,
    /// Everything of a customer, by id
    #[arg(long, conflicts_with = "dead")]
    customer: Option<String>,
    /// What was given up
    #[arg(long)]
    dead: bool,
}

#[derive(clap::Args)]
pub struct ReplayArgs {
    /// Id or name
    receiver: String,
    #[command(flatten)]
    choice: ReplayChoice,
}

pub async fn deliveries(context: &Context, args: &DeliveriesArgs) -> CliResult {
    let here = Installation::open(context).await?;
    let receiver = match &args.receiver {
        Some(named) => find(&here, named).await?.id,
        None => String::new(),
    };
    let filter = Filter { receiver: &receiver, state: &args.state, customer: &args.customer, before: None };
    let told = read_event::told(&here.db, &filter, args.limit.clamp(1, 10_000)).await?;
    let document: Vec<_> = told
        .iter()
        .map(|t| {
            json!({"event": t.event_id, "at": Timestamp(t.at).rfc3339(), "type": t.kind, "record": t.record_id,
                "version": t.seq, "customer": t.customer_id, "receiver": t.receiver_id, "state": t.state,
                "attempts": t.attempts, "status": t.status, "cause": t.cause,
                "next_try_at": (t.state == "retrying").then(|| Timestamp(t.not_before).rfc3339())})
        })
        .collect();
    let rows: Vec<Vec<String>> = told
        .into_iter()
        .map(|t| {
            let status = t.status.map(|s| s.to_string()).unwrap_or_default();
            vec![
                cells::time(Some(t.at), &here.zone),
                t.kind,
                t.record_id,
                t.receiver_name,
                t.state,
                status,
                t.cause.unwrap_or_default(),
                t.attempts.to_string(),
                t.event_id,
            ]
        })
        .collect();
    let header = ["time", "event", "record", "receiver", "state", "http", "cause", "attempts", "id"];
    context.output.table(&document, &header, &rows);
    Ok(Outcome::Done)
}

pub async fn test(context: &Context, named: &str) -> CliResult {
    let here = Installation::open(context).await?;
    let row = find(&here, named).await?;
    let mut tx = here.begin().await?;
    let id = event::test(&mut tx, &row.id, here.now()).await?;
    here.record(&mut tx, "receiver.test", ("receiver", &row.id)).await?;
    tx.commit().await?;
    let sentence = format!("{id} is on its way; `musubi receiver deliveries \"{}\"` shows what came of it.", row.name);
    context.output.result(&json!({"id": row.id, "event": id}), &sentence);
    Ok(Outcome::Done)
}

pub async fn replay(context: &Context, args: &ReplayArgs) -> CliResult {
    let here = Installation::open(context).await?;
    let row = find(&here, &args.receiver).await?;
    let micros = |time: &jiff::Timestamp| Timestamp(time.as_microsecond());
    let c = &args.choice;
    let events: Vec<&str> = c.events.iter().map(String::as_str).collect();
    let which = match (&c.since, &c.customer, c.dead) {
        (Some(since), ..) => {
            Again::Between(micros(since), c.until.as_ref().map_or_else(|| here.now().plus(Timestamp::SECOND), micros))
        }
        (None, Some(customer), _) => Again::Customer(customer),
        (None, None, true) => Again::Dead,
        _ => Again::These(&events),
    };
    let mut tx = here.begin().await?;
    let n = event::again(&mut tx, &row, &which, here.now()).await?;
    here.record(&mut tx, "receiver.replay", ("receiver", &row.id)).await?;
    tx.commit().await?;
    if n == 0 {
        return Err(CliError::NotFound("no such events in the log".to_owned()));
    }
    context.output.result(&json!({"id": row.id, "sent_again": n}), &format!("{n} are sent again."));
    Ok(Outcome::Done)
}
