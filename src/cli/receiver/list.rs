//! `musubi receiver list`.

use serde_json::json;

use crate::{
    cli::{CliResult, Context, Outcome, cells, installation::Installation},
    model::Timestamp,
    store::{
        read_event::{self, Figures},
        receiver,
    },
};

pub async fn run(context: &Context) -> CliResult {
    let here = Installation::open(context).await?;
    let since = here.now().plus(-Timestamp::DAY);
    let figures = read_event::figures(&here.db, since).await?;
    let (mut rows, mut documents) = (Vec::new(), Vec::new());
    for row in receiver::all(&here.db).await? {
        let none = Figures::default();
        let f = figures.iter().find(|f| f.receiver_id == row.id).unwrap_or(&none);
        let (wants, retry) = (row.wishes(), row.retry_at);
        documents.push(json!({
            "id": row.id, "name": row.name, "url": row.url, "private": row.private, "events": wants,
            "in_order": row.in_order, "samples": row.samples, "state": row.state, "failures": row.failures,
            "failing_since": cells::instant(row.failing_since), "next_try_at": cells::instant(retry),
            "waiting": f.waiting, "delivered_24h": f.delivered, "dead": f.dead,
        }));
        rows.push(vec![
            row.name,
            row.state,
            row.url,
            wants.join(" "),
            cells::count(f.waiting),
            cells::count(f.delivered),
            cells::count(f.dead),
            cells::time(retry, &here.zone),
            row.id,
        ]);
    }
    let header = ["name", "state", "address", "events", "waiting", "sent in 24 h", "given up", "next try", "id"];
    context.output.table(&documents, &header, &rows);
    Ok(Outcome::Done)
}
