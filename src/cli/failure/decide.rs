//! `musubi failure ignore` and `restore`: a person decides about one record.

use serde_json::json;

use super::find;
use crate::{
    cli::{CliError, CliResult, Context, Outcome, installation::Installation},
    store::failure,
};

pub async fn ignore(context: &Context, id: &str, reason: &str) -> CliResult {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > 500 {
        return Err(CliError::Usage("--reason is empty or longer than 500 characters".into()));
    }
    change(context, id, ("open", "ignored"), "failure.ignore", Some(reason)).await
}

pub async fn restore(context: &Context, id: &str) -> CliResult {
    change(context, id, ("ignored", "open"), "failure.restore", None).await
}

async fn change(
    context: &Context,
    id: &str,
    (from, to): (&str, &str),
    action: &'static str,
    note: Option<&str>,
) -> CliResult {
    let here = Installation::open(context).await?;
    let found = find(&here, id).await?;
    if found.state != from && !(from == "open" && found.state == "retrying") {
        return Err(CliError::Usage(format!("{id} is {}, not {from}; nothing was changed", found.state)));
    }
    let mut tx = here.begin().await?;
    if !failure::set_state(&mut tx, id, to, note, here.now()).await? {
        return Err(CliError::Usage(format!("{id} was resolved meanwhile; nothing was changed")));
    }
    here.record(&mut tx, action, ("failure", id)).await?;
    tx.commit().await?;
    context.output.result(&json!({"id": id, "state": to}), &format!("{id} is {to}."));
    Ok(Outcome::Done)
}
