//! `musubi serve`: the hub itself, until it is told to stop.

use super::{CliError, CliResult, Context, Outcome};
use crate::{
    app::{Parts, Running, SharedHub},
    telemetry::Metrics,
};

#[derive(clap::Args)]
pub struct Args {}

pub async fn run(context: Context, _args: Args) -> CliResult {
    let running = start(&context).await?;
    if let Some(url) = first_run_url(&running.hub).await? {
        context.output.note(&format!("First run: open {url} and become the owner of this installation."));
    }
    until_told(running).await
}

/// Starts the hub of a configuration.
pub async fn start(context: &Context) -> Result<Running, CliError> {
    let metrics = Metrics::install().map_err(anyhow::Error::from)?;
    let parts = Parts::from_config(context.config.clone(), Some(metrics)).await.map_err(anyhow::Error::from)?;
    Ok(Running::start(parts).await.map_err(anyhow::Error::from)?)
}

/// The address that leads through first run, with its one-time code; `None`: there is an owner.
pub async fn first_run_url(hub: &SharedHub) -> Result<Option<String>, CliError> {
    let code = hub.identity.open_setup().await.map_err(anyhow::Error::from)?;
    Ok(code.map(|code| {
        let mut url = hub.edge.public_url.clone();
        url.set_path("/setup");
        url.set_query(Some(&format!("code={code}")));
        url.to_string()
    }))
}

/// Serves until SIGTERM or Ctrl-C, then stops in order.
pub async fn until_told(running: Running) -> CliResult {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .map_err(anyhow::Error::from)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    tracing::info!("musubi.stopping");
    running.stop().await.map_err(anyhow::Error::from)?;
    Ok(Outcome::Done)
}
