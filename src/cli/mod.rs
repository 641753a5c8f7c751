//! The command `musubi`: one file a command.
//!
//! Output is a table for people and, with `--json`, one stable JSON document. Messages and logs go
//! to standard error, so that output can be piped.
//!
//! | exit code | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | failed; the message says why |
//! | 2 | wrong usage or configuration; nothing was done |
//! | 3 | what was named does not exist |
//! | 4 | partly failed: some of the work was done, the rest is named |
//!
//! To add a command: a file with a clap `Args` struct and `async fn run`, one line in [`Command`]
//! and one in [`Command::run`].

mod audit;
mod backup;
mod bi;
mod cells;
mod config;
mod connection;
mod connector;
mod copy;
mod customer;
mod demo;
mod doctor;
mod failure;
mod idp;
mod idp_domain;
mod idp_saml;
mod installation;
mod mail;
mod migrate;
pub mod output;
mod plan;
mod receiver;
mod restore;
mod run;
mod sample;
mod serve;
mod token;
mod user;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use musubi_sdk::settings::FieldError;

pub use self::output::Output;
use crate::{
    config::{Config, ConfigError},
    store::{self, Db, StoreError},
    telemetry,
};

/// How a command ended when it was not an error; see the table above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    Failed,
    NotFound,
    Partly,
}

/// An error with the exit code it means.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// Exit code 2.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Exit code 2.
    #[error("{0}")]
    Usage(String),
    /// Exit code 2: each field with its code and what is wrong.
    #[error("{}", .0.iter().map(|e| format!("{} {}: {}", e.code, e.field, e.message)).collect::<Vec<_>>().join("\n       "))]
    Fields(Vec<FieldError>),
    /// Exit code 3.
    #[error("{0}")]
    NotFound(String),
    /// Exit code 1.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        Self::Other(error.into())
    }
}

pub type CliResult = Result<Outcome, CliError>;

#[derive(Parser)]
#[command(
    name = "musubi",
    version,
    about = "Integration hub that owns the customer master record",
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 not found, 4 partly failed."
)]
struct Arguments {
    /// Configuration file; without it MUSUBI_CONFIG, else the built-in defaults
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON instead of tables
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the hub
    Serve(serve::Args),
    /// Run the hub with a sample company and two sample systems
    Demo(demo::Args),
    /// Bring the database to this program's schema
    Migrate(migrate::Args),
    /// Write everything into one file, while the hub works
    Backup(backup::Args),
    /// Say what a folder of configuration would change; exit code 4 where it is something
    Plan(plan::PlanArgs),
    /// Make the configuration as a folder says
    Apply(plan::ApplyArgs),
    /// Fill an empty database from a backup
    Restore(restore::Args),
    /// Logins of PostgreSQL for BI tools
    #[command(subcommand)]
    Bi(bi::Command),
    /// Copy everything from one database into another, empty one
    Copy(copy::Args),
    /// Look at the configuration
    #[command(subcommand)]
    Config(config::Command),
    /// Check whether everything the hub needs is there
    Doctor(doctor::Args),
    /// Kinds of systems that can be connected
    #[command(subcommand)]
    Connector(connector::Command),
    /// Connected systems
    #[command(subcommand)]
    Connection(connection::Command),
    /// Who is told what happens, by webhooks
    #[command(subcommand)]
    Receiver(receiver::Command),
    /// What syncs did
    #[command(subcommand)]
    Run(run::Command),
    /// Records that could not be applied
    #[command(subcommand)]
    Failure(failure::Command),
    /// Customers and their history
    #[command(subcommand)]
    Customer(customer::Command),
    /// The sample company
    #[command(subcommand)]
    Sample(sample::Command),
    /// Identity providers that people sign in with
    #[command(subcommand)]
    Idp(idp::Command),
    /// Look after the tokens by which programs call the API
    #[command(subcommand)]
    Token(token::Command),
    /// People who may sign in
    #[command(subcommand)]
    User(user::Command),
    /// The mails that the hub sends
    #[command(subcommand)]
    Mail(mail::Command),
    /// Who did what, and the proof that nobody changed it
    #[command(subcommand)]
    Audit(audit::Command),
}

/// What every command gets.
pub struct Context {
    pub config: Config,
    pub output: Output,
}

impl Context {
    /// The configured database, without touching its schema.
    pub async fn database(&self) -> Result<Db, CliError> {
        open(&self.config.database.url, self.config.database.connections).await
    }
}

impl Command {
    async fn run(self, context: Context) -> CliResult {
        match self {
            Self::Serve(args) => serve::run(context, args).await,
            Self::Demo(args) => demo::run(context, args).await,
            Self::Migrate(args) => migrate::run(&context, args).await,
            Self::Plan(args) => plan::plan(&context, &args).await,
            Self::Apply(args) => plan::apply(&context, &args).await,
            Self::Backup(args) => backup::run(&context, args).await,
            Self::Restore(args) => restore::run(&context, args).await,
            Self::Bi(command) => bi::run(&context, command).await,
            Self::Copy(args) => copy::run(&context, args).await,
            Self::Config(command) => config::run(&context, command),
            Self::Doctor(args) => doctor::run(&context, args).await,
            Self::Connector(command) => connector::run(&context, command).await,
            Self::Connection(command) => connection::run(&context, command).await,
            Self::Receiver(command) => receiver::run(&context, command).await,
            Self::Run(command) => run::run(&context, command).await,
            Self::Failure(command) => failure::run(&context, command).await,
            Self::Customer(command) => customer::run(&context, command).await,
            Self::Sample(command) => sample::run(&context, command).await,
            Self::Idp(command) => idp::run(&context, command).await,
            Self::Token(command) => token::run(&context, command).await,
            Self::User(command) => user::run(&context, command).await,
            Self::Mail(command) => mail::run(&context, command).await,
            Self::Audit(command) => audit::run(&context, command).await,
        }
    }
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let Arguments { config, json, command } = Arguments::parse();
    let output = Output::new(json);
    let result = Config::load(config.as_deref()).map_err(CliError::from).and_then(|config| {
        if let Some(point) = crate::config::failpoint() {
            crate::sync::failpoint::arm(&point);
        }
        telemetry::start_log(&config.log).map_err(anyhow::Error::from)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(anyhow::Error::from)?;
        runtime.block_on(command.run(Context { config, output }))
    });
    match result {
        Ok(outcome) => ExitCode::from(match outcome {
            Outcome::Done => 0,
            Outcome::Failed => 1,
            Outcome::NotFound => 3,
            Outcome::Partly => 4,
        }),
        Err(error) => {
            let (code, text) = match &error {
                CliError::Config(e) => (2, chain(e)),
                CliError::Usage(text) => (2, text.clone()),
                CliError::Fields(fields) => {
                    output.refused(&error.to_string(), fields);
                    return ExitCode::from(2);
                }
                CliError::NotFound(text) => (3, text.clone()),
                CliError::Other(e) => (1, chain(e.as_ref())),
            };
            output.error(&text);
            ExitCode::from(code)
        }
    }
}

async fn open(url: &str, connections: u32) -> Result<Db, CliError> {
    store::open(url, connections).await.map_err(|error| match error {
        store::StoreError::Url(_) => CliError::Usage(error.to_string()),
        other => CliError::Other(
            anyhow::Error::from(other).context(format!("cannot open {}", crate::config::database::shown(url))),
        ),
    })
}

/// An error with its causes, each once: some repeat the text of what they wrap.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}
