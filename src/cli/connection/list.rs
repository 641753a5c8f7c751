//! `musubi connection list`.

use serde_json::json;

use super::state;
use crate::{
    cli::{CliResult, Context, Outcome, cells, installation::Installation},
    store::{connection, read_operations},
};

pub async fn run(context: &Context) -> CliResult {
    let here = Installation::open(context).await?;
    let counts = read_operations::failure_counts(&here.db).await?;
    let mut rows = Vec::new();
    let mut documents = Vec::new();
    for row in connection::all(&here.db).await? {
        let streams = connection::streams(&here.db, &row.id).await?;
        let fresh = streams.iter().filter(|s| s.enabled).map(|s| s.last_ok_at).min().flatten();
        let open = counts.iter().filter(|c| c.connection_id == row.id && c.state == "open").map(|c| c.n).sum::<i64>();
        let (word, plan, next) = (state::word(&row, here.now()), cells::plan(&state::plan(&row)), state::next(&row));
        documents.push(json!({
            "id": row.id, "name": row.name, "connector": row.connector, "kind": row.kind, "sample": row.sample,
            "state": word, "schedule": plan, "fresh_at": cells::instant(fresh), "next_at": cells::instant(next),
            "open_failures": open,
        }));
        rows.push(vec![
            row.name,
            row.connector,
            word.to_owned(),
            plan,
            cells::time(fresh, &here.zone),
            cells::time(next, &here.zone),
            cells::count(open),
            row.id,
        ]);
    }
    let header = ["name", "connector", "state", "schedule", "complete as of", "next pull", "failures", "id"];
    context.output.table(&documents, &header, &rows);
    Ok(Outcome::Done)
}
