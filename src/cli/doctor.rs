//! `musubi doctor`: everything the hub needs, looked at from where it will run.
//!
//! Changes nothing. Each check says what it found and, when it is not right, what to do.

use std::{
    net::TcpListener,
    time::{Duration, SystemTime},
};

use serde::Serialize;

use super::{CliResult, Context, Outcome};
use crate::{
    secrets::{Keys, SecretError},
    store::{self, migrate},
};

#[derive(clap::Args)]
pub struct Args {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    /// Works, but look at it.
    Note,
    Wrong,
}

#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    state: State,
    finding: String,
}

impl Check {
    fn new(name: &'static str, state: State, finding: impl Into<String>) -> Self {
        Self { name, state, finding: finding.into() }
    }
}

pub async fn run(context: &Context, _args: Args) -> CliResult {
    let mut checks = vec![Check::new("configuration", State::Ok, "every key is known and valid")];
    checks.push(key(context));
    checks.extend(database(context).await);
    checks.push(port(context));
    checks.push(address(context));
    checks.push(mail(context).await);
    checks.push(clock());
    let rows: Vec<Vec<String>> = checks
        .iter()
        .map(|check| {
            let state = match check.state {
                State::Ok => "ok",
                State::Note => "note",
                State::Wrong => "WRONG",
            };
            vec![state.to_owned(), check.name.to_owned(), check.finding.clone()]
        })
        .collect();
    context.output.table(&checks, &["state", "check", "finding"], &rows);
    let wrong = checks.iter().any(|check| check.state == State::Wrong);
    Ok(if wrong { Outcome::Failed } else { Outcome::Done })
}

fn key(context: &Context) -> Check {
    let name = "key";
    match Keys::load(&context.config.secrets, false) {
        Ok(keys) => Check::new(name, State::Ok, format!("can be read (id {})", keys.current_id())),
        Err(SecretError::Read { path, source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            let path = path.display();
            if context.config.database.is_sqlite() {
                Check::new(name, State::Note, format!("{path} does not exist yet; the first start makes it"))
            } else {
                let how = "make one: (umask 077; head -c 32 /dev/urandom | base64 > FILE), the same on every node";
                Check::new(name, State::Wrong, format!("{path} does not exist; {how}"))
            }
        }
        Err(e) => Check::new(name, State::Wrong, super::chain(&e)),
    }
}

async fn database(context: &Context) -> Vec<Check> {
    let shown = context.config.database.shown();
    // Looking must not make the file.
    if let Some(path) = context.config.database.url.strip_prefix("sqlite://")
        && !std::path::Path::new(path).exists()
    {
        return vec![Check::new(
            "database",
            State::Note,
            format!("{path} does not exist yet; the first start makes it"),
        )];
    }
    let db = match store::open(&context.config.database.url, 2).await {
        Ok(db) => db,
        Err(e) => return vec![Check::new("database", State::Wrong, format!("{shown}: {}", super::chain(&e)))],
    };
    let mut checks = vec![Check::new("database", State::Ok, format!("{shown} answers"))];
    checks.push(match migrate::plan(&db).await {
        Err(e) => Check::new("schema", State::Wrong, super::chain(&e)),
        Ok(steps) => match steps.iter().filter(|step| !step.applied).count() {
            0 => Check::new("schema", State::Ok, "is this program's"),
            n => Check::new("schema", State::Note, format!("{n} migrations wait; the next start applies them")),
        },
    });
    db.close().await;
    checks
}

fn port(context: &Context) -> Check {
    let listen = context.config.server.listen;
    match TcpListener::bind(listen) {
        Ok(_) => Check::new("port", State::Ok, format!("{listen} is free")),
        Err(e) if e.kind() == std::io::ErrorKind::AddrInUse => {
            Check::new("port", State::Note, format!("{listen} is in use: by a running hub, or by another program"))
        }
        Err(e) => Check::new("port", State::Wrong, format!("{listen}: {e}")),
    }
}

/// Greets the server and signs in to it; sends nothing.
async fn mail(context: &Context) -> Check {
    let settings = &context.config.mail;
    if !settings.is_on() {
        let finding = "is not configured: links of invitations are shown once instead, and nobody gets alerts";
        return Check::new("mail", State::Note, finding);
    }
    let carrier = match super::mail::carrier(context) {
        Ok(carrier) => carrier,
        Err(error) => return Check::new("mail", State::Wrong, error.to_string()),
    };
    let server = format!("{}:{}", settings.host, settings.port);
    match carrier.greet().await {
        Ok(()) => Check::new("mail", State::Ok, format!("{server} answers; `musubi mail test ADDRESS` sends one")),
        Err(trouble) => Check::new("mail", State::Wrong, format!("{server}: {trouble}")),
    }
}

/// Sign-in needs https, or a browser on this machine.
fn address(context: &Context) -> Check {
    let server = &context.config.server;
    let host = url::Url::parse(&server.public_url).ok().and_then(|url| url.host_str().map(str::to_owned));
    let local = matches!(host.as_deref(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if server.is_https() || local {
        Check::new("address", State::Ok, format!("people open {}", server.public_url))
    } else {
        let finding = format!(
            "{} is plain http on the network: sign-in is refused; put a TLS proxy in front (docs/operate.md)",
            server.public_url
        );
        Check::new("address", State::Wrong, finding)
    }
}

/// Signatures with time stamps, sessions and schedules all trust the clock.
fn clock() -> Check {
    #[expect(clippy::disallowed_methods, reason = "the system clock itself is what is checked")]
    let now = SystemTime::now();
    // The program cannot be older than its own file.
    let built = std::env::current_exe().and_then(std::fs::metadata).and_then(|file| file.modified());
    match built {
        Ok(built) if now + Duration::from_secs(86_400) < built => {
            Check::new("clock", State::Wrong, "is before the day this program was built; set the time (timedatectl)")
        }
        _ => Check::new("clock", State::Ok, "is plausible"),
    }
}
