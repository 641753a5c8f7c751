//! `musubi connection deletes`: deletions that wait for a person.

use serde_json::json;

use crate::{
    cli::{
        CliError, CliResult, Context, Outcome,
        installation::{ACTOR, Installation},
    },
    model::Timestamp,
    store::{connection, sweep},
};

#[derive(clap::Args)]
pub struct Args {
    /// Id or name
    connection: String,
    /// Let the held deletions of this stream go: each record is asked for once more before it ends
    #[arg(long, value_name = "STREAM")]
    allow: Option<String>,
}

pub async fn run(context: &Context, args: &Args) -> CliResult {
    let here = Installation::open(context).await?;
    let row = here.connection(&args.connection).await?;
    if let Some(stream) = &args.allow {
        let mut tx = here.begin().await?;
        if !sweep::allow(&mut tx, &row.id, stream, ACTOR, here.now()).await? {
            return Err(CliError::Usage(format!("{}: no deletions of {stream} are held", row.name)));
        }
        connection::request(&mut tx, &row.id, ACTOR, here.now()).await?;
        here.record(&mut tx, "connection.allow_deletes", ("connection", &row.id)).await?;
        tx.commit().await?;
        context.output.result(&json!({"id": row.id, "stream": stream, "allowed": true}), "Allowed; a pull begins.");
        return Ok(Outcome::Done);
    }
    let held = sweep::held(&here.db, &row.id).await?;
    let document: Vec<_> = held
        .iter()
        .map(|h| {
            let since = Timestamp(h.held_at.unwrap_or_default()).rfc3339();
            let mut keys: Vec<String> = h.held().into_iter().collect();
            keys.sort();
            json!({"stream": h.stream, "missing": h.missing, "known": h.known, "held_since": since, "keys": keys})
        })
        .collect();
    let lines: Vec<String> = held
        .iter()
        .map(|h| format!("{}: {} of {} records are gone at the source", h.stream, h.missing, h.known))
        .collect();
    let text = if lines.is_empty() { "Nothing is held.".to_owned() } else { lines.join("\n") };
    context.output.result(&json!(document), &text);
    Ok(Outcome::Done)
}
