//! Making, changing and ending receivers.

use serde_json::json;

use super::find;
use crate::{
    cli::{CliError, CliResult, Context, Outcome, installation::Installation},
    config,
    model::Timestamp,
    secrets::Keys,
    store::receiver::{self, Row},
    sync::webhooks::manage::{self, Draft, Refused},
};

#[derive(clap::Args)]
pub struct AddArgs {
    /// Name, unique
    name: String,
    /// Address that events are posted to
    url: String,
    /// Kinds of events, for example order.created,customer.* ; * is every kind
    #[arg(long, value_delimiter = ',', default_value = "*")]
    events: Vec<String>,
    /// The address is in a private network, and that is meant (http is allowed there)
    #[arg(long)]
    private: bool,
    /// The events of one customer strictly one after the other
    #[arg(long)]
    in_order: bool,
    /// Changes of sample data too
    #[arg(long)]
    samples: bool,
}

#[derive(clap::Args)]
pub struct SetArgs {
    /// Id or name
    receiver: String,
    #[arg(long)]
    name: Option<String>,
    #[arg(long)]
    url: Option<String>,
    /// Kinds of events, for example order.created,customer.*
    #[arg(long, value_delimiter = ',')]
    events: Option<Vec<String>>,
    #[arg(long)]
    private: Option<bool>,
    #[arg(long)]
    in_order: Option<bool>,
    #[arg(long)]
    samples: Option<bool>,
}

fn proxied() -> bool {
    !config::proxy_hosts().is_empty()
}

impl From<Refused> for CliError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Field { code, message, .. } => Self::Usage(format!("{code}: {message}")),
            Refused::Secret(error) => Self::Other(error.into()),
            Refused::Store(error) => error.into(),
        }
    }
}

fn keys(context: &Context) -> Result<Keys, CliError> {
    let config = &context.config;
    Ok(Keys::load(&config.secrets, config.database.is_sqlite()).map_err(anyhow::Error::from)?)
}

const ONCE: &str = "Shown this once. The receiver checks signatures with it, as Standard Webhooks say.";

pub async fn add(context: &Context, args: AddArgs) -> CliResult {
    let here = Installation::open(context).await?;
    let AddArgs { name, url, events, private, in_order, samples } = args;
    let draft = Draft { name, url, private, wants: events, in_order, samples };
    let wanted = manage::check(draft, proxied()).await?;
    let mut tx = here.begin().await?;
    let (id, secret) = manage::create(&mut tx, &keys(context)?, &wanted, here.now()).await?;
    here.record(&mut tx, "receiver.create", ("receiver", &id)).await?;
    tx.commit().await?;
    context.output.result(&json!({"id": id, "secret": secret}), &secret);
    context.output.note(ONCE);
    Ok(Outcome::Done)
}

pub async fn set(context: &Context, args: SetArgs) -> CliResult {
    let here = Installation::open(context).await?;
    let row = find(&here, &args.receiver).await?;
    let wants = args.events.unwrap_or_else(|| row.wishes());
    let draft = Draft {
        name: args.name.unwrap_or(row.name),
        url: args.url.unwrap_or(row.url),
        private: args.private.unwrap_or(row.private),
        wants,
        in_order: args.in_order.unwrap_or(row.in_order),
        samples: args.samples.unwrap_or(row.samples),
    };
    let wanted = manage::check(draft, proxied()).await?;
    let mut tx = here.begin().await?;
    manage::update(&mut tx, &row.id, &wanted, here.now()).await?;
    here.record(&mut tx, "receiver.change", ("receiver", &row.id)).await?;
    tx.commit().await?;
    context.output.result(&json!({"id": row.id, "changed": true}), "Changed.");
    Ok(Outcome::Done)
}

pub async fn pause(context: &Context, named: &str, paused: bool) -> CliResult {
    let here = Installation::open(context).await?;
    let row = find(&here, named).await?;
    let mut tx = here.begin().await?;
    manage::set_paused(&mut tx, &row, paused, here.now()).await?;
    let action = if paused { "receiver.pause" } else { "receiver.resume" };
    here.record(&mut tx, action, ("receiver", &row.id)).await?;
    tx.commit().await?;
    let done = if paused { "is told nothing for now" } else { "is told what happens" };
    context.output.result(&json!({"id": row.id, "paused": paused}), &format!("{} {done}.", row.name));
    Ok(Outcome::Done)
}

pub async fn rotate_secret(context: &Context, named: &str) -> CliResult {
    let here = Installation::open(context).await?;
    let row: Row = find(&here, named).await?;
    let overlap = context.config.webhooks.overlap.micros();
    let mut tx = here.begin().await?;
    let secret = manage::rotate(&mut tx, &keys(context)?, &row, overlap, here.now()).await?;
    here.record(&mut tx, "receiver.rotate_secret", ("receiver", &row.id)).await?;
    tx.commit().await?;
    let until = here.now().plus(overlap);
    let document = json!({"id": row.id, "secret": secret, "old_secret_until": until.rfc3339()});
    context.output.result(&document, &secret);
    let hours = overlap / Timestamp::HOUR;
    context.output.note(&format!("{ONCE} The old secret signs as well for {hours} hours more."));
    Ok(Outcome::Done)
}

pub async fn remove(context: &Context, named: &str) -> CliResult {
    let here = Installation::open(context).await?;
    let row = find(&here, named).await?;
    let mut tx = here.begin().await?;
    receiver::remove(&mut tx, &row.id).await?;
    here.record(&mut tx, "receiver.remove", ("receiver", &row.id)).await?;
    tx.commit().await?;
    context.output.result(&json!({"id": row.id, "removed": true}), &format!("{} is forgotten.", row.name));
    Ok(Outcome::Done)
}
