//! `musubi connection list`.

use serde_json::json;

use super::state;
use crate::{
    cli::{CliResult, Context, Outcome, cells, installation::Installation},
    connection::Levels,
    model::Timestamp,
    store::{self, connection, read_operations},
};

pub async fn run(context: &Context) -> CliResult {
    let here = Installation::open(context).await?;
    let counts = read_operations::failure_counts(&here.db).await?;
    let levels = Levels::load(&here.db, &context.config.health, here.now()).await?;
    let complete = store::freshness::complete(&here.db).await?;
    let mut rows = Vec::new();
    let mut documents = Vec::new();
    for row in connection::all(&here.db).await? {
        let fresh = complete.iter().find(|(id, _)| *id == row.id).map(|(_, at)| *at);
        let level = levels.of(&row);
        let open = counts.iter().filter(|c| c.connection_id == row.id && c.state == "open").map(|c| c.n).sum::<i64>();
        let word = state::word(&row, fresh, here.now());
        let (plan, next) = (cells::plan(&state::plan(&row)), state::next(&row));
        documents.push(json!({
            "id": row.id, "name": row.name, "connector": row.connector, "kind": row.kind, "sample": row.sample,
            "state": word, "schedule": plan, "fresh_at": cells::instant(fresh), "next_at": cells::instant(next),
            "open_failures": open, "target_seconds": level.target.map(|target| target / Timestamp::SECOND),
            "met": level.rate.map(cells::percent), "budget_left": level.left,
        }));
        rows.push(vec![
            row.name,
            row.connector,
            word.to_owned(),
            plan,
            cells::time(fresh, &here.zone),
            cells::time(next, &here.zone),
            level.target.and(level.rate).map(cells::percent).unwrap_or_default(),
            level.target.map(|_| format!("{}%", level.left)).unwrap_or_default(),
            cells::count(open),
            row.id,
        ]);
    }
    let header = [
        "name",
        "connector",
        "state",
        "schedule",
        "complete as of",
        "next pull",
        "met",
        "budget left",
        "failures",
        "id",
    ];
    context.output.table(&documents, &header, &rows);
    Ok(Outcome::Done)
}
