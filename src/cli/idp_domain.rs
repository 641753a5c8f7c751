//! `musubi idp domain …`: whose people are led to which provider.

use serde_json::json;

use super::{
    CliError, CliResult, Context, Outcome, cells, idp,
    installation::{Installation, missing},
};
use crate::{
    identity::federation::domain::{self, DomainError},
    store::idp_domain::{self, Row},
};

#[derive(clap::Subcommand)]
pub enum Command {
    /// List mail domains and where they lead
    List,
    /// Note a mail domain with a provider; until it is checked it counts for invitations only
    Add {
        /// Id or name of the provider
        provider: String,
        /// Such as example.co.jp
        domain: String,
    },
    /// Look whether the domain's TXT record says what it should
    Check { domain: String },
    /// Forget a mail domain
    Remove { domain: String },
}

pub async fn run(context: &Context, command: Command) -> CliResult {
    let here = Installation::open(context).await?;
    match command {
        Command::List => list(context, &here).await,
        Command::Add { provider, domain } => add(context, &here, &provider, &domain).await,
        Command::Check { domain } => check(context, &here, &domain).await,
        Command::Remove { domain } => remove(context, &here, &domain).await,
    }
}

impl From<DomainError> for CliError {
    fn from(error: DomainError) -> Self {
        match error {
            DomainError::Store(error) => error.into(),
            DomainError::Dns(_) => Self::Other(anyhow::anyhow!("{}: {error}", error.code())),
            other => Self::Usage(format!("{}: {other}", other.code())),
        }
    }
}

async fn find(here: &Installation, typed: &str) -> Result<Row, CliError> {
    let found = idp_domain::get(&here.db, &domain::plain(typed).unwrap_or_default()).await?;
    found.ok_or_else(|| missing("mail domain", typed, None, "musubi idp domain list"))
}

async fn list(context: &Context, here: &Installation) -> CliResult {
    let rows = idp_domain::all(&here.db).await?;
    let documents: Vec<_> = rows
        .iter()
        .map(|row| {
            json!({
                "domain": row.domain, "idp": row.idp_id, "record": domain::record(row),
                "verified_at": cells::instant(row.verified_at), "checked_at": cells::instant(row.checked_at),
            })
        })
        .collect();
    let table: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let state = if row.verified_at.is_some() { "verified" } else { "invitations only" };
            vec![row.domain.clone(), state.to_owned(), row.idp_id.clone(), domain::record(row)]
        })
        .collect();
    context.output.table(&documents, &["domain", "state", "provider", "TXT record"], &table);
    Ok(Outcome::Done)
}

async fn add(context: &Context, here: &Installation, provider: &str, typed: &str) -> CliResult {
    let row = idp::find(here, provider).await?;
    let mut tx = here.begin().await?;
    let made = domain::add(&mut tx, &row.id, typed, here.now()).await?;
    here.record_detail(&mut tx, "idp.domain_add", ("idp", &row.id), json!({"domain": made.domain})).await?;
    tx.commit().await?;
    let record = domain::record(&made);
    let said = format!(
        "{} counts for invitations. To lead everybody of it to {}, add this TXT record to the domain, then run\n  musubi idp domain check {}\n{record}",
        made.domain, row.name, made.domain
    );
    context.output.result(&json!({"domain": made.domain, "idp": row.id, "record": record}), &said);
    Ok(Outcome::Done)
}

async fn check(context: &Context, here: &Installation, typed: &str) -> CliResult {
    let row = find(here, typed).await?;
    let found = idp::federation(here, &context.config)?.look_up(&row).await?;
    let mut tx = here.begin().await?;
    idp_domain::checked(&mut tx, &row.domain, found, here.now()).await?;
    let detail = json!({"domain": row.domain, "found": found});
    here.record_detail(&mut tx, "idp.domain_check", ("idp", &row.idp_id), detail).await?;
    tx.commit().await?;
    let said = if found {
        format!("{} is verified: its people are led to their provider.", row.domain)
    } else {
        format!("{} has no TXT record {} (a new one may take a while to be seen)", row.domain, domain::record(&row))
    };
    context.output.result(&json!({"domain": row.domain, "verified": found}), &said);
    Ok(if found { Outcome::Done } else { Outcome::Failed })
}

async fn remove(context: &Context, here: &Installation, typed: &str) -> CliResult {
    let row = find(here, typed).await?;
    let mut tx = here.begin().await?;
    idp_domain::remove(&mut tx, &row.domain).await?;
    here.record_detail(&mut tx, "idp.domain_remove", ("idp", &row.idp_id), json!({"domain": row.domain})).await?;
    tx.commit().await?;
    context.output.result(&json!({"domain": row.domain, "removed": true}), &format!("{} is forgotten.", row.domain));
    Ok(Outcome::Done)
}
