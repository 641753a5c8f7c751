//! `musubi idp …`: identity providers that people sign in with.

use std::{collections::BTreeMap, io::BufRead, path::PathBuf};

use musubi_sdk::manifest::nearest;
use secrecy::SecretString;
use serde_json::json;

use super::{
    CliError, CliResult, Context, Outcome, cells,
    installation::{ACTOR, Installation, missing},
    user::identity,
};
use crate::{
    config::Config,
    identity::{
        Federation, Origin, Role,
        federation::{
            Authentication, Settings, callback,
            manage::{self, Draft, Rejected},
            our_keys, saml, signed_out,
        },
    },
    secrets::Keys,
    store::{
        idp::{self, Row},
        idp_change,
    },
};

#[derive(clap::Subcommand)]
pub enum Command {
    /// List the providers
    List,
    /// Show one provider, with the address that it sends people back to
    Show {
        /// Id or name
        provider: String,
    },
    /// Mail domains, whose people are led to a provider
    #[command(subcommand)]
    Domain(super::idp_domain::Command),
    /// Add a provider, by OpenID Connect or by SAML; what it says of itself is read first
    Add(Box<AddArgs>),
    /// Print our SAML metadata, for the provider
    Metadata {
        /// Id or name
        provider: String,
    },
    /// Read a SAML provider's metadata again: its keys and addresses
    Refresh {
        /// Id or name
        provider: String,
        /// From somewhere else than last time
        #[arg(long, value_name = "URL|FILE|-")]
        saml_metadata: Option<String>,
    },
    /// Replace the hub's own key of a SAML provider, step by step: next, switch, retire
    Key {
        /// next: make a key and announce it; switch: sign with it; retire: take the other one away
        #[arg(value_parser = ["show", "next", "switch", "retire"])]
        step: String,
        /// Id or name
        provider: String,
    },
    /// Let people sign in by it again
    Enable {
        /// Id or name
        provider: String,
    },
    /// Let nobody sign in by it, and end the sessions of those who did
    Disable {
        /// Id or name
        provider: String,
    },
    /// Make single sign-on mandatory: passphrases get in on the break-glass page only
    Require,
    /// Let passphrases in again; the way out when no provider works
    Release,
    /// Forget a provider and end its sessions; the people stay
    Remove {
        /// Id or name
        provider: String,
    },
}

#[derive(clap::Args)]
pub struct AddArgs {
    /// As people read it on the sign-in page
    pub(super) name: String,
    /// OpenID: issuer, exactly as the provider writes it
    #[arg(long, requires = "client_id", required_unless_present = "saml_metadata", conflicts_with = "saml_metadata")]
    issuer: Option<String>,
    #[arg(long)]
    client_id: Option<String>,
    /// SAML: the provider's metadata, as an address, a file, or - for standard input
    #[arg(long, value_name = "URL|FILE|-")]
    pub(super) saml_metadata: Option<String>,
    /// SAML: attribute that names a person for good; else the NameID
    #[arg(long, value_name = "NAME", requires = "saml_metadata")]
    pub(super) subject_attribute: Option<String>,
    /// SAML: people may come from the provider without having asked here; nothing then proves that they meant to
    #[arg(long, requires = "saml_metadata")]
    pub(super) idp_initiated: bool,
    /// SAML: a signature over the response is enough, the assertion needs none of its own
    #[arg(long, requires = "saml_metadata")]
    pub(super) response_signature: bool,
    /// The client secret is one line of standard input
    #[arg(long, conflicts_with = "secret_file")]
    secret: bool,
    /// The client secret stands in a file
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// How the hub proves itself to the provider; key: by one that is made now (private_key_jwt)
    #[arg(long, default_value = "basic", value_parser = ["basic", "post", "key", "none"])]
    auth: String,
    /// Accepted signature algorithm, may be given several times; RS256 where the provider has it
    #[arg(long = "algorithm")]
    algorithms: Vec<String>,
    /// Scope to ask for, may be given several times; openid, and profile, email and groups where they are offered
    #[arg(long = "scope")]
    scopes: Vec<String>,
    /// Claim, by SAML the attribute, that holds the groups
    #[arg(long, default_value = "groups")]
    pub(super) groups_claim: String,
    /// Role of a group, may be given several times
    #[arg(long = "role", value_name = "GROUP=ROLE")]
    pub(super) roles: Vec<String>,
    /// Role of people in none of these groups; none: they do not get in
    #[arg(long, default_value = "none")]
    default_role: String,
    /// Department of a group, may be given several times
    #[arg(long = "department", value_name = "GROUP=DEPARTMENT")]
    pub(super) departments: Vec<String>,
    /// Longest ago that people typed their password at the provider; longer ago, they do it again
    #[arg(long, value_name = "SECONDS")]
    max_age: Option<u32>,
    /// Tenant whose people get in, of a provider with many (Entra ID), may be given several times
    #[arg(long = "tenant", value_name = "TENANT-ID")]
    tenants: Vec<String>,
    /// The provider stands in a private network, and that is meant (http is allowed there)
    #[arg(long)]
    pub(super) private: bool,
}

impl AddArgs {
    pub(super) fn default_role(&self) -> Result<Option<Role>, CliError> {
        if self.default_role == "none" { Ok(None) } else { role(&self.default_role).map(Some) }
    }
}

pub async fn run(context: &Context, command: Command) -> CliResult {
    match command {
        Command::List => list(context).await,
        Command::Show { provider } => show(context, &provider).await,
        Command::Add(args) if args.saml_metadata.is_some() => super::idp_saml::add(context, *args).await,
        Command::Add(args) => add(context, *args).await,
        Command::Metadata { provider } => super::idp_saml::metadata(context, &provider).await,
        Command::Refresh { provider, saml_metadata } => {
            super::idp_saml::refresh(context, &provider, saml_metadata.as_deref()).await
        }
        Command::Key { step, provider } => super::idp_saml::key(context, &step, &provider).await,
        Command::Enable { provider } => set_enabled(context, &provider, true).await,
        Command::Domain(command) => super::idp_domain::run(context, command).await,
        Command::Disable { provider } => set_enabled(context, &provider, false).await,
        Command::Require => require(context).await,
        Command::Release => release(context).await,
        Command::Remove { provider } => remove(context, &provider).await,
    }
}

pub(super) async fn find(here: &Installation, named: &str) -> Result<Row, CliError> {
    let all = idp::all(&here.db).await?;
    if let Some(row) = all.iter().find(|row| row.id == named || row.name == named) {
        return Ok(row.clone());
    }
    let near = nearest(named, all.iter().map(|row| row.name.as_str()));
    Err(missing("provider", named, near, "musubi idp list"))
}

pub(super) fn federation(here: &Installation, config: &Config) -> Result<Federation, CliError> {
    let keys = Keys::load(&config.secrets, config.database.is_sqlite()).map_err(anyhow::Error::from)?;
    let made = Federation::new(here.db.clone(), here.clock.clone(), keys.into(), &config.signin);
    Ok(made.map_err(anyhow::Error::from)?)
}

impl From<Rejected> for CliError {
    fn from(rejected: Rejected) -> Self {
        match rejected {
            Rejected::Field { code, message, .. } => Self::Usage(format!("{code}: {message}")),
            Rejected::Provider(error) => Self::Usage(error.to_string()),
            Rejected::Secret(error) => Self::Other(error.into()),
            Rejected::Store(error) => error.into(),
        }
    }
}

fn role(text: &str) -> Result<Role, CliError> {
    let known = || Role::ALL.map(Role::as_str).join(", ");
    Role::parse(text).ok_or_else(|| CliError::Usage(format!("there is no role {text}; there are {}", known())))
}

pub(super) fn roles(pairs: &[String]) -> Result<BTreeMap<String, Role>, CliError> {
    pairs
        .iter()
        .map(|pair| {
            let (group, named) =
                pair.rsplit_once('=').ok_or_else(|| CliError::Usage(format!("--role {pair}: write GROUP=ROLE")))?;
            Ok((group.to_owned(), role(named)?))
        })
        .collect()
}

pub(super) fn departments(pairs: &[String]) -> Result<BTreeMap<String, String>, CliError> {
    let wrong = |pair: &str| CliError::Usage(format!("--department {pair}: write GROUP=DEPARTMENT"));
    pairs
        .iter()
        .map(|pair| {
            let (group, department) = pair.rsplit_once('=').ok_or_else(|| wrong(pair))?;
            let department = department.trim();
            if department.is_empty() {
                return Err(wrong(pair));
            }
            Ok((group.to_owned(), department.to_owned()))
        })
        .collect()
}

fn secret(args: &AddArgs) -> Result<Option<SecretString>, CliError> {
    if let Some(path) = &args.secret_file {
        let text = std::fs::read_to_string(path).map_err(|e| CliError::Usage(format!("{}: {e}", path.display())))?;
        return Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned().into()));
    }
    if !args.secret {
        return Ok(None);
    }
    let line = std::io::stdin().lock().lines().next().transpose().map_err(anyhow::Error::from)?;
    let line = line.ok_or_else(|| CliError::Usage("standard input ended before the secret".to_owned()))?;
    Ok(Some(line.trim_end_matches('\r').to_owned().into()))
}

async fn add(context: &Context, args: AddArgs) -> CliResult {
    let here = Installation::open(context).await?;
    let secret = secret(&args)?;
    let authentication = Authentication::parse(&args.auth).unwrap_or_default();
    let default_role = args.default_role()?;
    let settings = Settings {
        issuer: args.issuer.unwrap_or_default(),
        client_id: args.client_id.unwrap_or_default(),
        authentication,
        algorithms: args.algorithms,
        scopes: args.scopes,
        groups_claim: args.groups_claim,
        roles: roles(&args.roles)?,
        default_role,
        departments: departments(&args.departments)?,
        private: args.private,
        max_age: args.max_age,
        tenants: args.tenants,
        unchecked: false,
    };
    let federation = federation(&here, &context.config)?;
    let draft = federation.check(Draft { name: args.name, settings, secret }).await?;
    let mut tx = here.begin().await?;
    let id = federation.create(&mut tx, &draft, here.now()).await?;
    here.record(&mut tx, "idp.create", ("idp", &id)).await?;
    tx.commit().await?;
    let back = address(context, &id);
    let jwks = jwks(context, &id, &draft.settings);
    context.output.result(&json!({"id": id, "name": draft.name, "callback": back, "jwks": jwks}), &id);
    context.output.note(&format!("Register this redirect address at the provider: {back}"));
    if let Some(jwks) = jwks {
        context.output.note(&format!("and this address of the hub's public keys: {jwks}"));
    }
    Ok(Outcome::Done)
}

fn address(context: &Context, id: &str) -> String {
    context.config.server.public_url.parse().map(|url| callback(&url, id)).unwrap_or_default()
}

/// Where a provider sends people back to.
fn callback_of(context: &Context, row: &Row) -> String {
    match row.kind.as_str() {
        "saml" => context.config.server.public_url.parse().map(|url| saml::acs(&url, &row.id)).unwrap_or_default(),
        _ => address(context, &row.id),
    }
}

/// Where a provider reads the hub's public keys, if the hub proves itself by one.
fn jwks(context: &Context, id: &str, settings: &Settings) -> Option<String> {
    let url = context.config.server.public_url.parse().ok()?;
    (settings.authentication == Authentication::Key).then(|| our_keys(&url, id))
}

/// Where a provider sends people who signed out there.
fn after(context: &Context) -> String {
    context.config.server.public_url.parse().map(|url| signed_out(&url)).unwrap_or_default()
}

async fn list(context: &Context) -> CliResult {
    let here = Installation::open(context).await?;
    let rows = idp::all(&here.db).await?;
    let issuer = |row: &Row| {
        let settings: serde_json::Value = serde_json::from_str(&row.settings).unwrap_or_default();
        let named = ["issuer", "entity_id"].iter().find_map(|name| settings.get(name)?.as_str());
        named.unwrap_or_default().to_owned()
    };
    let documents: Vec<_> = rows
        .iter()
        .map(|row| {
            json!({
                "id": row.id, "name": row.name, "kind": row.kind, "issuer": issuer(row), "enabled": row.enabled,
                "draft": row.draft,
            })
        })
        .collect();
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let state = match (row.draft, row.enabled) {
                (true, _) => "draft",
                (_, true) => "on",
                (_, false) => "off",
            };
            vec![row.name.clone(), row.kind.clone(), state.to_owned(), issuer(row), row.id.clone()]
        })
        .collect();
    context.output.table(&documents, &["name", "kind", "state", "issuer", "id"], &cells);
    Ok(Outcome::Done)
}

async fn show(context: &Context, named: &str) -> CliResult {
    let here = Installation::open(context).await?;
    let row = find(&here, named).await?;
    let settings: serde_json::Value = serde_json::from_str(&row.settings).unwrap_or_default();
    let read: Option<Settings> = serde_json::from_str(&row.settings).ok();
    let waiting = idp_change::get(&here.db, &row.id).await?.is_some();
    let jwks = read.and_then(|settings| jwks(context, &row.id, &settings));
    let document = json!({
        "id": row.id, "name": row.name, "kind": row.kind, "enabled": row.enabled, "secret": row.secret.is_some(),
        "callback": callback_of(context, &row), "signed_out": after(context), "jwks": jwks, "settings": settings,
        "changed_at": cells::instant(Some(row.updated_at)), "changes_waiting": waiting,
    });
    let text = serde_json::to_string_pretty(&document).unwrap_or_default();
    context.output.result(&document, &text);
    Ok(Outcome::Done)
}

async fn set_enabled(context: &Context, named: &str, enabled: bool) -> CliResult {
    let here = Installation::open(context).await?;
    let row = find(&here, named).await?;
    let mut tx = here.begin().await?;
    let ended = if enabled {
        if !idp::set_enabled(&mut tx, &row.id, true, here.now()).await? {
            let text = format!("{} is still being set up: go on in the console, where it is tried first", row.name);
            return Err(CliError::Usage(text));
        }
        0
    } else {
        manage::switch_off(&mut tx, &row.id, ACTOR, here.now()).await?
    };
    here.record(&mut tx, if enabled { "idp.enable" } else { "idp.disable" }, ("idp", &row.id)).await?;
    tx.commit().await?;
    let done = if enabled { "is on.".to_owned() } else { format!("is off; sessions ended: {ended}.") };
    let document = json!({"id": row.id, "enabled": enabled, "sessions_ended": ended});
    context.output.result(&document, &format!("{} {done}", row.name));
    Ok(Outcome::Done)
}

async fn remove(context: &Context, named: &str) -> CliResult {
    let here = Installation::open(context).await?;
    let row = find(&here, named).await?;
    let mut tx = here.begin().await?;
    let ended = manage::forget(&mut tx, &row.id, ACTOR, here.now()).await?;
    here.record(&mut tx, "idp.remove", ("idp", &row.id)).await?;
    tx.commit().await?;
    let said = format!("{} is forgotten; sessions ended: {ended}.", row.name);
    context.output.result(&json!({"id": row.id, "removed": true, "sessions_ended": ended}), &said);
    Ok(Outcome::Done)
}

async fn require(context: &Context) -> CliResult {
    let here = Installation::open(context).await?;
    let ended = identity(context, &here)?.require_sso(ACTOR, "", &Origin::default()).await?;
    let sentence = format!("Single sign-on is mandatory; sessions ended: {ended}. Break-glass page: /signin/local");
    context.output.result(&json!({"required": true, "sessions_ended": ended}), &sentence);
    Ok(Outcome::Done)
}

async fn release(context: &Context) -> CliResult {
    let here = Installation::open(context).await?;
    identity(context, &here)?.release_sso(ACTOR, &Origin::default()).await?;
    context.output.result(&json!({"required": false}), "Single sign-on is not mandatory: passphrases get in again.");
    Ok(Outcome::Done)
}
