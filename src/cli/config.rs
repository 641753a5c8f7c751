//! `musubi config check`: is the configuration right, and what is in effect?

use super::{CliResult, Context, Outcome};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Check the configuration and print what is in effect, without secrets
    Check,
    /// Print the built-in defaults with their comments, as a file to start from
    Defaults,
}

pub fn run(context: &Context, command: Command) -> CliResult {
    match command {
        Command::Check => {
            let shown = context.config.redacted();
            if context.output.is_json() {
                context.output.result(&shown, "");
            } else {
                context.output.text(&toml::to_string(&shown).map_err(anyhow::Error::from)?);
                context.output.note("\nThe configuration is valid.");
            }
        }
        Command::Defaults => context.output.text(crate::config::DEFAULTS),
    }
    Ok(Outcome::Done)
}
