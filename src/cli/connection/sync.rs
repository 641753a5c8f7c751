//! `musubi connection sync`: asks the running hub to pull now.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::{
    cli::{
        CliError, CliResult, Context, Outcome,
        installation::{ACTOR, Installation},
        run::show,
    },
    config::Period,
    store::connection::{self, Row},
};

#[derive(clap::Args)]
pub struct Args {
    /// Id or name
    connection: String,
    #[command(flatten)]
    pub wait: Wait,
}

#[derive(clap::Args)]
pub struct Wait {
    /// Wait until the run has ended and show it
    #[arg(long)]
    wait: bool,
    /// With --wait: give up after this long; the run goes on
    #[arg(long, value_name = "TIME", default_value = "10m")]
    timeout: Period,
}

const LOOK: Duration = Duration::from_millis(200);

pub async fn run(context: &Context, args: &Args) -> CliResult {
    let here = Installation::open(context).await?;
    let row = here.connection(&args.connection).await?;
    request(context, &here, &row, &args.wait).await
}

/// Asks for a pull and, if wanted, follows it.
pub async fn request(context: &Context, here: &Installation, row: &Row, wait: &Wait) -> CliResult {
    let mut tx = here.begin().await?;
    if !connection::request(&mut tx, &row.id, ACTOR, here.now()).await? {
        return Err(CliError::Usage(format!("{} is paused: `musubi connection resume {}` first", row.name, row.id)));
    }
    here.record(&mut tx, "connection.sync", ("connection", &row.id)).await?;
    tx.commit().await?;
    if !wait.wait {
        let document = json!({"connection_id": row.id, "requested": true});
        context.output.result(&document, &format!("Asked. A running hub begins within {}.", context.config.sync.poll));
        return Ok(Outcome::Done);
    }
    let start = Instant::now();
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(now) = connection::get(&here.db, &row.id).await? else {
            return Err(CliError::NotFound(format!("{} was removed meanwhile", row.name)));
        };
        let ended = now.requested_by.is_none() && now.leased_by.is_none() && now.last_run_id != row.last_run_id;
        if let (true, Some(run)) = (ended, &now.last_run_id) {
            return show::one(context, here, run).await;
        }
        if start.elapsed() > wait.timeout.0 {
            let why = if now.leased_by.is_some() { "the run goes on" } else { "is a hub running?" };
            return Err(CliError::Other(anyhow::anyhow!("nothing ended within {}: {why}", wait.timeout)));
        }
    }
}
