//! `musubi bi …`: logins of PostgreSQL by which BI tools read the views of the schema `bi`.

use std::path::PathBuf;

use rand::RngExt;
use serde_json::{Value, json};

use super::{CliError, CliResult, Context, Outcome, installation::Installation};
use crate::{
    config::Period,
    identity::token,
    store::bi::{self, BiError, Grant},
};

mod scram;

/// Fewest and most characters of a password.
const LENGTHS: std::ops::RangeInclusive<usize> = 16..=128;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Make a read-only login, or bring one to this version's views
    Grant {
        /// Its name: small letters, digits and _
        name: String,
        /// File with its password, in one line; `-` reads standard input. Without it one is made and printed once
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// Make a new password for a login that is there; else it keeps its own
        #[arg(long, conflicts_with = "password_file")]
        new_password: bool,
        /// Longest time of one statement
        #[arg(long, default_value = "60s")]
        timeout: Period,
    },
    /// Remove a login and end its sessions
    Revoke {
        /// As `musubi bi list` has it
        name: String,
    },
    /// List the logins of this hub
    List,
}

pub async fn run(context: &Context, command: Command) -> CliResult {
    match command {
        Command::Grant { name, password_file, new_password, timeout } => {
            grant(context, &name, (password_file, new_password), timeout).await
        }
        Command::Revoke { name } => revoke(context, &name).await,
        Command::List => list(context).await,
    }
}

async fn grant(
    context: &Context,
    name: &str,
    (file, new_password): (Option<PathBuf>, bool),
    timeout: Period,
) -> CliResult {
    let here = Installation::open(context).await?;
    let place = bi::place(&here.db).await.map_err(refused)?;
    let there = bi::exists(&here.db, &place, name).await.map_err(refused)?;
    let given = file.map(|file| read(&file)).transpose()?;
    let made = (given.is_none() && (new_password || !there)).then(token::fresh);
    let verifier =
        given.as_deref().or(made.as_deref()).map(|password| scram::verifier(password, &rand::rng().random()));
    let timeout_ms = i64::try_from(timeout.duration().as_millis()).unwrap_or(i64::MAX).min(i64::from(i32::MAX));
    let wanted = Grant { name, verifier: verifier.as_deref(), timeout_ms };
    let new = bi::grant(&here.db, wanted).await.map_err(refused)?;
    here.record_alone("bi.grant", ("login", name)).await?;
    let document = json!({
        "login": name, "new": new, "password": made, "database": place.database, "schema": place.schema,
        "timeout_ms": timeout_ms,
    });
    let sentence =
        made.clone().unwrap_or_else(|| format!("{name} reads the schema {}; its password stays.", place.schema));
    let sentence = if given.is_some() { format!("{name} reads the schema {}.", place.schema) } else { sentence };
    context.output.result(&document, &sentence);
    if made.is_some() {
        context.output.note(&format!(
            "The password of {name}, for the database {} and its schema {}. Keep it now: it is not shown again.",
            place.database, place.schema
        ));
    }
    Ok(Outcome::Done)
}

async fn revoke(context: &Context, name: &str) -> CliResult {
    let here = Installation::open(context).await?;
    bi::revoke(&here.db, name).await.map_err(refused)?;
    here.record_alone("bi.revoke", ("login", name)).await?;
    context
        .output
        .result(&json!({ "login": name, "revoked": true }), &format!("{name} is removed; its sessions ended."));
    Ok(Outcome::Done)
}

async fn list(context: &Context) -> CliResult {
    let here = Installation::open(context).await?;
    let logins = bi::logins(&here.db).await.map_err(refused)?;
    let documents: Vec<Value> = logins
        .iter()
        .map(|login| json!({ "login": login.name, "timeout_ms": login.timeout, "connected": login.connected }))
        .collect();
    let rows: Vec<Vec<String>> = logins
        .iter()
        .map(|login| {
            let timeout = login.timeout.as_deref().map(|ms| format!("{ms} ms")).unwrap_or_default();
            vec![login.name.clone(), timeout, login.connected.to_string()]
        })
        .collect();
    context.output.table(&documents, &["login", "longest statement", "connected"], &rows);
    Ok(Outcome::Done)
}

/// A password of a file's first line.
fn read(file: &std::path::Path) -> Result<String, CliError> {
    let cannot = |e: std::io::Error| CliError::Usage(format!("--password-file {}: {e}", file.display()));
    let text =
        if file.as_os_str() == "-" { std::io::read_to_string(std::io::stdin()) } else { std::fs::read_to_string(file) };
    let text = text.map_err(cannot)?;
    let password = text.lines().next().unwrap_or_default();
    let sound = password.bytes().all(|b| b.is_ascii_graphic());
    if sound && LENGTHS.contains(&password.len()) {
        Ok(password.to_owned())
    } else {
        let (fewest, most) = (LENGTHS.start(), LENGTHS.end());
        Err(CliError::Usage(format!(
            "--password-file: a password here has {fewest} to {most} letters, digits and signs of ASCII, without spaces"
        )))
    }
}

fn refused(error: BiError) -> CliError {
    match error {
        BiError::Store(error) => error.into(),
        BiError::Missing(_) => CliError::NotFound(error.to_string()),
        BiError::NotAllowed { .. } | BiError::Owns(_) => CliError::Other(error.into()),
        other => CliError::Usage(other.to_string()),
    }
}
