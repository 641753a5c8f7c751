//! `musubi sample …`: the sample company (見本).

use serde_json::json;

use super::{CliError, CliResult, Context, Outcome, installation};
use crate::samples;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Says where the samples are loaded: their systems run inside the hub
    Load,
    /// Remove the samples and everything that came from them, and nothing else
    Clear {
        /// Do it
        #[arg(long)]
        yes: bool,
    },
}

pub async fn run(context: &Context, command: Command) -> CliResult {
    match command {
        Command::Load => Err(CliError::Usage(
            "the sample systems run inside the hub: choose them in the console (first run, or 設定), or try `musubi demo`"
                .into(),
        )),
        Command::Clear { yes: false } => Err(CliError::Usage(
            "this removes the sample connections and all that came from them; add --yes to do it".into(),
        )),
        Command::Clear { yes: true } => clear(context).await,
    }
}

async fn clear(context: &Context) -> CliResult {
    let hub = installation::assemble(context).await?;
    let removed = samples::clear(&hub).await;
    installation::end(&hub, false).await;
    let removed = removed.map_err(anyhow::Error::from)?;
    let here = installation::Installation::open(context).await?;
    here.record_alone("sample.clear", ("sample", "")).await?;
    context.output.result(&json!({"removed_customers": removed}), &format!("{removed} sample customers were removed."));
    context.output.note("A hub that runs on this database must be restarted: it still runs the sample systems.");
    Ok(Outcome::Done)
}
