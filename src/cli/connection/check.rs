//! `musubi connection check`: what a sync would do, tried without side effects.

use musubi_sdk::connector::CheckItem;

use crate::{
    cli::{CliResult, Context, Outcome, installation::Connected},
    connection,
};

pub async fn run(context: &Context, named: &str) -> CliResult {
    let here = Connected::open(context).await?;
    let live = here.live(named).await?;
    let items = connection::check::run(&here.db, &here.clock, &live).await?;
    Ok(report(context, &items))
}

/// Shows a check; exit code 1 when something is not right.
pub fn report(context: &Context, items: &[CheckItem]) -> Outcome {
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|item| {
            let state = if item.ok { "ok" } else { "FAILED" };
            vec![state.to_owned(), item.item.clone(), item.code.clone().unwrap_or_default(), item.detail.clone()]
        })
        .collect();
    context.output.table(&items, &["outcome", "question", "code", "detail"], &rows);
    if items.iter().all(|item| item.ok) { Outcome::Done } else { Outcome::Failed }
}
