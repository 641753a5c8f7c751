//! `musubi user …`: people who may sign in.

use serde_json::{Value, json};

use super::{CliResult, Context, Outcome, cells, installation::Installation};
use crate::store::user;

#[derive(clap::Subcommand)]
pub enum Command {
    /// List the people
    List,
}

pub async fn run(context: &Context, command: Command) -> CliResult {
    match command {
        Command::List => list(context).await,
    }
}

async fn list(context: &Context) -> CliResult {
    let here = Installation::open(context).await?;
    let people = user::list(&here.db).await?;
    let documents: Vec<Value> = people
        .iter()
        .map(|u| {
            json!({
                "id": u.id, "mail": u.mail, "name": u.name, "role": u.role, "local_password": u.password_hash.is_some(),
                "created_at": cells::instant(Some(u.created_at)), "disabled_at": cells::instant(u.disabled_at),
            })
        })
        .collect();
    let rows: Vec<Vec<String>> = people
        .iter()
        .map(|u| {
            vec![
                u.name.clone(),
                u.mail.clone(),
                u.role.clone(),
                cells::time(Some(u.created_at), &here.zone),
                cells::time(u.disabled_at, &here.zone),
                u.id.clone(),
            ]
        })
        .collect();
    context.output.table(&documents, &["name", "mail", "role", "since", "disabled", "id"], &rows);
    Ok(Outcome::Done)
}
