//! `musubi audit …`: the audit trail, and the proof that nobody changed it.

use jiff::{civil, tz::TimeZone};
use serde_json::json;

use super::{
    CliError, CliResult, Context, Outcome, cells,
    installation::{ACTOR, Installation},
};
use crate::{
    identity::{
        AuditEntry, Origin,
        audit::{
            self, chain,
            file::{self, Format},
        },
    },
    model::Timestamp,
    secrets::Keys,
    store::{
        audit::{self as rows, Filter},
        user,
    },
};

#[derive(clap::Subcommand)]
pub enum Command {
    /// The newest entries
    List {
        #[command(flatten)]
        which: Which,
        /// At most so many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=10_000))]
        limit: i64,
    },
    /// Everything that the filter picks, newest first, on standard output
    Export {
        #[command(flatten)]
        which: Which,
        #[arg(long, default_value = "csv", value_parser = ["csv", "json"])]
        format: String,
    },
    /// Read the whole chain and name the first entry that was changed or taken away
    Verify {
        /// End of the chain as it was noted earlier; it has to be in the chain
        #[arg(long, value_name = "NUMBER:HASH")]
        head: Option<String>,
    },
    /// Seal the chain with today's key, after the old key was lost; what was before is trusted as it stands
    Reseal {
        /// Yes, the old key is lost
        #[arg(long)]
        yes: bool,
    },
}

/// Which entries; what is left out does not narrow.
#[derive(clap::Args)]
pub struct Which {
    /// Who: a mail address, a user id, `system` or `cli`
    #[arg(long)]
    who: Option<String>,
    /// What: the first word of the action, as in `session`
    #[arg(long)]
    kind: Option<String>,
    /// `ok` or `refused`
    #[arg(long, value_parser = ["ok", "refused"])]
    outcome: Option<String>,
    /// The id of an object or an entry, or the reference that a refused person was shown
    #[arg(long, value_name = "ID")]
    named: Option<String>,
    /// First day
    #[arg(long, value_name = "YYYY-MM-DD")]
    from: Option<civil::Date>,
    /// Last day
    #[arg(long, value_name = "YYYY-MM-DD")]
    until: Option<civil::Date>,
}

impl Which {
    async fn filter(&self, here: &Installation) -> Result<Filter<'_>, CliError> {
        let actors = match self.who.as_deref() {
            None => None,
            Some(who) => {
                let found = user::by_mail_key(&here.db, &crate::identity::mail_key(who)).await?;
                Some(vec![found.map_or_else(|| who.to_owned(), |person| person.id)])
            }
        };
        let next = |day: civil::Date| day.tomorrow().ok();
        Ok(Filter {
            actors,
            kind: self.kind.as_deref(),
            outcome: self.outcome.as_deref(),
            named: self.named.as_deref(),
            from: self.from.and_then(|day| midnight(day, &here.zone)),
            until: self.until.and_then(next).and_then(|day| midnight(day, &here.zone)),
            before: None,
        })
    }
}

fn midnight(day: civil::Date, zone: &TimeZone) -> Option<Timestamp> {
    Some(Timestamp(day.to_zoned(zone.clone()).ok()?.timestamp().as_microsecond()))
}

pub async fn run(context: &Context, command: Command) -> CliResult {
    match command {
        Command::List { which, limit } => list(context, &which, limit).await,
        Command::Export { which, format } => export(context, &which, &format).await,
        Command::Verify { head } => verify(context, head.as_deref()).await,
        Command::Reseal { yes } => reseal(context, yes).await,
    }
}

async fn list(context: &Context, which: &Which, limit: i64) -> CliResult {
    let here = Installation::open(context).await?;
    let found = rows::list(&here.db, &which.filter(&here).await?, limit).await?;
    let documents: Vec<_> = found.iter().map(file::document).collect();
    let table: Vec<Vec<String>> = found
        .iter()
        .map(|row| {
            vec![
                cells::time(Some(row.at), &here.zone),
                row.actor.clone(),
                row.action.clone(),
                row.object_id.clone(),
                row.outcome.clone(),
                code(&row.detail),
                row.ip.clone().unwrap_or_default(),
                row.id.clone(),
            ]
        })
        .collect();
    context.output.table(&documents, &["at", "actor", "action", "object", "outcome", "code", "ip", "id"], &table);
    Ok(Outcome::Done)
}

/// The check that a refusal failed.
fn code(detail: &str) -> String {
    let detail: serde_json::Value = serde_json::from_str(detail).unwrap_or_default();
    detail["code"].as_str().unwrap_or_default().to_owned()
}

async fn export(context: &Context, which: &Which, format: &str) -> CliResult {
    let here = Installation::open(context).await?;
    let kind = Format::parse(format).ok_or_else(|| CliError::Usage(format!("there is no format {format}")))?;
    let filter = which.filter(&here).await?;
    here.record_alone("audit.export", ("audit", "")).await?;
    context.output.text(&kind.head());
    let mut last: Option<String> = None;
    let mut first = true;
    loop {
        let rest = Filter { before: last.as_deref(), ..filter.clone() };
        let page = rows::list(&here.db, &rest, 1_000).await?;
        for row in &page {
            context.output.text(&kind.line(row, first));
            first = false;
        }
        match page.last() {
            Some(end) => last = Some(end.id.clone()),
            None => break,
        }
    }
    context.output.text(kind.tail());
    Ok(Outcome::Done)
}

fn keys(context: &Context) -> Result<Keys, CliError> {
    let config = &context.config;
    Ok(Keys::load(&config.secrets, config.database.is_sqlite()).map_err(anyhow::Error::from)?)
}

/// `12:ab34…`
fn noted(text: &str) -> Result<(i64, &str), CliError> {
    let read = text.split_once(':').and_then(|(number, hash)| Some((number.parse().ok()?, hash)));
    read.filter(|(_, hash)| hash.len() == 64)
        .ok_or_else(|| CliError::Usage("--head is NUMBER:HASH, as `musubi audit verify` prints it".to_owned()))
}

async fn verify(context: &Context, head: Option<&str>) -> CliResult {
    let here = Installation::open(context).await?;
    let noted = head.map(noted).transpose()?;
    let verdict = chain::verify(&here.db, &keys(context)?, noted, here.now()).await?;
    let waiting = rows::open_count(&here.db).await?;
    let document = json!({
        "entries": verdict.entries, "head": format!("{}:{}", verdict.entries, verdict.head), "waiting": waiting,
        "broken": verdict.broken,
    });
    let Some(broken) = &verdict.broken else {
        let sentence =
            format!("{} entries, none changed or missing.\nhead {}:{}", verdict.entries, verdict.entries, verdict.head);
        context.output.result(&document, &sentence);
        return Ok(Outcome::Done);
    };
    let said = match broken.code.as_str() {
        "CHAIN_CHANGED" => "was changed",
        "CHAIN_MISSING" => "was taken away",
        "CHAIN_END" => "and all after it were taken away",
        "CHAIN_OTHER" => "is not the one that was noted",
        _ => "ends a chain that was not sealed with this installation's key",
    };
    let entry = broken.entry.as_deref().map(|id| format!(" ({id})")).unwrap_or_default();
    context.output.result(&document, &format!("Entry {}{entry} {said}: {}", broken.number, broken.code));
    Ok(Outcome::Failed)
}

async fn reseal(context: &Context, yes: bool) -> CliResult {
    if !yes {
        return Err(CliError::Usage("this trusts the trail as it stands; say --yes when the old key is lost".into()));
    }
    let here = Installation::open(context).await?;
    let mut tx = here.begin().await?;
    let number = chain::reseal(&mut tx, &keys(context)?, here.now()).await.map_err(anyhow::Error::from)?;
    let origin = Origin::default();
    let entry = AuditEntry {
        actor: ACTOR,
        action: "audit.reseal",
        object_kind: "audit",
        object_id: "",
        outcome: crate::identity::Outcome::Ok,
        origin: &origin,
        detail: json!({ "entries": number }),
    };
    audit::record(&mut tx, entry, here.now()).await?;
    tx.commit().await?;
    context.output.result(&json!({ "entries": number }), &format!("{number} entries are sealed with today's key."));
    Ok(Outcome::Done)
}
