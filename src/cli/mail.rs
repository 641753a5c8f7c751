//! `musubi mail …`: the mails that the hub sends.

use serde_json::json;

use super::{CliError, CliResult, Context, Outcome, cells, installation::Installation};
use crate::{
    app::{MAIL_WRITER, client},
    identity::Settings,
    mail::{
        Carrier, Letter, What,
        carrier::{Came, is_address},
    },
    model::{Id, ids::Noun},
    store::mail,
};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Send a test mail now, and say what the server said
    Test {
        /// Where to
        address: String,
    },
    /// List the newest mails: waiting, sent, or given up and why
    List {
        #[arg(long, default_value_t = 50)]
        limit: u16,
    },
}

pub async fn run(context: &Context, command: Command) -> CliResult {
    match command {
        Command::Test { address } => test(context, &address).await,
        Command::List { limit } => list(context, limit).await,
    }
}

/// The way to the configured server.
pub fn carrier(context: &Context) -> Result<Carrier, CliError> {
    // TLS needs to know whose cryptography is used.
    client().map_err(anyhow::Error::from)?;
    let (mail, server) = (&context.config.mail, &context.config.server);
    Carrier::new(mail, &server.public_url).map_err(|error| CliError::Usage(super::chain(&error)))
}

async fn test(context: &Context, address: &str) -> CliResult {
    if !context.config.mail.is_on() {
        return Err(CliError::Usage("mail is not configured: set mail.host (docs/operate.md)".to_owned()));
    }
    if !is_address(address) {
        return Err(CliError::Usage(format!("{address} is no mail address")));
    }
    let here = Installation::open(context).await?;
    let settings = Settings::load(&here.db).await?;
    let letter = Letter { company: settings.company, zone: settings.zone, what: What::Test };
    let written = MAIL_WRITER(&letter, &settings.language, &context.config.server.public_url);
    let id = Id::new(Noun::Mail);
    match carrier(context)?.send(id.as_str(), address, &written).await {
        Came::Taken => {
            context.output.result(&json!({"id": id, "to": address}), &format!("the server took a mail to {address}"));
            Ok(Outcome::Done)
        }
        Came::Later(trouble) | Came::Never(trouble) | Came::Away(trouble) => {
            Err(CliError::Other(anyhow::anyhow!("the mail was not taken: {trouble}")))
        }
    }
}

async fn list(context: &Context, limit: u16) -> CliResult {
    let here = Installation::open(context).await?;
    let rows = mail::newest(&here.db, i64::from(limit)).await?;
    let documents: Vec<_> = rows
        .iter()
        .map(|row| {
            json!({
                "id": row.id, "kind": row.kind, "to": row.recipient, "about": row.about, "state": row.state,
                "attempts": row.attempts, "cause": row.cause, "answer": row.answer,
                "created_at": cells::instant(Some(row.created_at)), "updated_at": cells::instant(Some(row.updated_at)),
            })
        })
        .collect();
    let table: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            vec![
                row.state.clone(),
                row.kind.clone(),
                row.recipient.clone(),
                cells::time(Some(row.created_at), &here.zone),
                row.attempts.to_string(),
                row.cause.clone().unwrap_or_default(),
                row.answer.clone().unwrap_or_default(),
            ]
        })
        .collect();
    context.output.table(&documents, &["state", "kind", "to", "written", "tries", "cause", "answer"], &table);
    Ok(Outcome::Done)
}
