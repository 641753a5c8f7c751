//! `musubi failure show`: what was wrong, where, and the payload as it came.

use serde_json::Value;

use super::{find, list::document};
use crate::{
    cli::{CliResult, Context, Outcome, cells, installation::Installation, output::Part},
    store::connection,
};

pub async fn run(context: &Context, id: &str) -> CliResult {
    let here = Installation::open(context).await?;
    let f = find(&here, id).await?;
    let name = connection::get(&here.db, &f.connection_id).await?.map(|row| row.name).unwrap_or_default();
    let payload: Value = serde_json::from_str(&f.payload).unwrap_or_else(|_| f.payload.clone().into());
    let about = Part::values(vec![
        ("id", f.id.clone()),
        ("cause", f.cause.clone()),
        ("state", f.state.clone()),
        ("connection", name.clone()),
        ("record", format!("{} {} ({})", f.stream, f.label, f.external_id)),
        ("field", f.field.clone().unwrap_or_default()),
        ("place in the payload", f.source_path.clone().unwrap_or_default()),
        ("value", f.value.clone().unwrap_or_default()),
        ("tries", f.attempts.to_string()),
        ("first", cells::time(Some(f.first_at), &here.zone)),
        ("last", cells::time(Some(f.last_at), &here.zone)),
        ("run", f.run_id.clone().unwrap_or_default()),
        ("note", f.note.clone().unwrap_or_default()),
    ]);
    let pretty = serde_json::to_string_pretty(&payload).unwrap_or_default();
    let lines = pretty.lines().map(|line| vec![line.to_owned()]).collect();
    let mut whole = document(&f, &name);
    whole["payload"] = payload;
    context.output.parts(&whole, &[about, Part { title: "Payload", header: &[], rows: lines }]);
    Ok(Outcome::Done)
}
