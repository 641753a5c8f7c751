//! `musubi failure list`.

use std::collections::HashMap;

use musubi_sdk::manifest::nearest;
use serde_json::{Value, json};

use crate::{
    cli::{CliResult, Context, Outcome, cells, installation::Installation},
    store::{connection, failure::Failure, read_operations},
};

#[derive(clap::Args)]
pub struct Args {
    /// Only with this cause, for example FMT_DATE
    #[arg(long, value_name = "CODE")]
    cause: Option<String>,
    /// Only in this state
    #[arg(long, default_value = "open", value_parser = ["open", "retrying", "ignored", "resolved", "all"])]
    state: String,
    /// Only of this connection: id or name
    #[arg(long)]
    connection: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=100_000))]
    limit: i64,
}

pub async fn run(context: &Context, args: Args) -> CliResult {
    let here = Installation::open(context).await?;
    let connection = match &args.connection {
        Some(named) => Some(here.connection(named).await?.id),
        None => None,
    };
    let state = Some(args.state.as_str()).filter(|state| *state != "all");
    let found =
        read_operations::failures(&here.db, args.cause.as_deref(), connection.as_deref(), state, args.limit).await?;
    let names: HashMap<String, String> =
        connection::all(&here.db).await?.into_iter().map(|row| (row.id, row.name)).collect();
    let name = |f: &Failure| names.get(&f.connection_id).cloned().unwrap_or_default();
    let documents: Vec<Value> = found.iter().map(|f| document(f, &name(f))).collect();
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|f| {
            vec![
                f.cause.clone(),
                name(f),
                f.stream.clone(),
                f.label.clone(),
                f.field.clone().unwrap_or_default(),
                f.value.clone().unwrap_or_default(),
                f.state.clone(),
                f.attempts.to_string(),
                cells::time(Some(f.last_at), &here.zone),
                f.id.clone(),
            ]
        })
        .collect();
    let header = ["cause", "connection", "stream", "record", "field", "value", "state", "tries", "last", "id"];
    context.output.table(&documents, &header, &rows);
    if let (true, Some(cause)) = (found.is_empty(), &args.cause) {
        let counts = read_operations::failure_counts(&here.db).await?;
        if let Some(near) = nearest(cause, counts.iter().map(|c| c.cause.as_str())).filter(|near| near != cause) {
            context.output.note(&format!("No failure has the cause {cause}; did you mean {near}?"));
        }
    }
    Ok(Outcome::Done)
}

/// Without the payload, which may be long.
pub fn document(f: &Failure, connection: &str) -> Value {
    json!({
        "id": f.id, "cause": f.cause, "state": f.state, "connection_id": f.connection_id,
        "connection_name": connection, "stream": f.stream, "external_id": f.external_id, "label": f.label,
        "field": f.field, "source_path": f.source_path, "value": f.value, "attempts": f.attempts,
        "run_id": f.run_id, "first_at": cells::instant(Some(f.first_at)), "last_at": cells::instant(Some(f.last_at)),
        "resolved_at": cells::instant(f.resolved_at), "note": f.note,
    })
}
