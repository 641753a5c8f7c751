//! `musubi token …`: tokens by which programs call the API.

use std::time::Duration;

use musubi_sdk::settings::FieldError;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{
    CliError, CliResult, Context, Outcome, cells,
    installation::{Installation, missing},
    user::{self, BY},
};
use crate::{
    config::Period,
    identity::{NewToken, Origin, Scope, TokenError, TokenView, api_token::State},
};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Make a token; it is printed once
    Create {
        /// Whose rights it has: id or mail address of a person, id or name of a service account
        #[arg(long = "for", value_name = "OWNER")]
        owner: String,
        /// What it is for
        #[arg(long)]
        name: String,
        /// What it may do, as often as needed: customers:read …
        #[arg(long = "scope", required = true, value_parser = scope)]
        scopes: Vec<Scope>,
        /// How long it lives: "90d"; tokens.expiry unless said
        #[arg(long)]
        expires: Option<String>,
    },
    /// List tokens, newest first
    List {
        /// Only those of this person or service account
        #[arg(long = "for", value_name = "OWNER")]
        owner: Option<String>,
    },
    /// End a token
    Revoke {
        /// Id, as `musubi token list` has it
        token: String,
    },
}

pub async fn run(context: &Context, command: Command) -> CliResult {
    match command {
        Command::Create { owner, name, scopes, expires } => create(context, &owner, name, scopes, expires).await,
        Command::List { owner } => list(context, owner.as_deref()).await,
        Command::Revoke { token } => revoke(context, &token).await,
    }
}

fn scope(text: &str) -> Result<Scope, String> {
    let known: Vec<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
    Scope::parse(text).ok_or_else(|| format!("there is no scope {text}; there are {}", known.join(", ")))
}

async fn create(
    context: &Context,
    owner: &str,
    name: String,
    scopes: Vec<Scope>,
    expires: Option<String>,
) -> CliResult {
    let here = Installation::open(context).await?;
    let life: Option<Duration> = expires
        .map(|text| text.parse().map(Period::duration))
        .transpose()
        .map_err(|problem| CliError::Usage(format!("--expires: {problem}")))?;
    let owner = user::find(&here, owner).await?;
    let new = NewToken { name, scopes, life };
    let made = user::identity(context, &here)?.create_token(BY, &owner.id, new, &Origin::default()).await;
    let made = made.map_err(|error| refused(error, context))?;
    let secret = made.secret.expose_secret();
    let document = json!({ "id": made.id, "token": secret, "expires_at": made.expires_at.rfc3339() });
    context.output.result(&document, secret);
    context.output.note("Keep it now: it is not shown again.");
    Ok(Outcome::Done)
}

async fn list(context: &Context, owner: Option<&str>) -> CliResult {
    let here = Installation::open(context).await?;
    let identity = user::identity(context, &here)?;
    let tokens = match owner {
        Some(owner) => identity.tokens_of(&user::find(&here, owner).await?.id).await?,
        None => identity.tokens(i64::MAX, 0).await?,
    };
    let documents: Vec<Value> = tokens.iter().map(document).collect();
    let rows: Vec<Vec<String>> = tokens
        .iter()
        .map(|t| {
            vec![
                t.name.clone(),
                t.owner.clone(),
                t.scopes.to_string(),
                cells::time(Some(t.expires_at.0), &here.zone),
                cells::time(t.used_at.map(|at| at.0), &here.zone),
                state(t).to_owned(),
                t.id.clone(),
            ]
        })
        .collect();
    context.output.table(&documents, &["name", "owner", "scopes", "expires", "last used", "state", "id"], &rows);
    Ok(Outcome::Done)
}

fn document(t: &TokenView) -> Value {
    let revoked = if let State::Revoked(at) = t.state { Some(at.rfc3339()) } else { None };
    json!({
        "id": t.id, "name": t.name, "owner": t.user_id, "owner_name": t.owner, "service": t.service,
        "scopes": t.scopes.iter().map(Scope::as_str).collect::<Vec<_>>(), "state": state(t),
        "created_at": t.created_at.rfc3339(), "expires_at": t.expires_at.rfc3339(),
        "used_at": t.used_at.map(|at| at.rfc3339()), "revoked_at": revoked,
    })
}

fn state(token: &TokenView) -> &'static str {
    match token.state {
        State::Good => "good",
        State::Expired(_) => "expired",
        State::Revoked(_) => "revoked",
    }
}

async fn revoke(context: &Context, token: &str) -> CliResult {
    let here = Installation::open(context).await?;
    let ended = match user::identity(context, &here)?.revoke_token(BY, token, &Origin::default()).await {
        Err(TokenError::Missing) => return Err(missing("token", token, None, "musubi token list")),
        other => other.map_err(|error| refused(error, context))?,
    };
    let sentence = if ended { "The token ended; running hubs refuse it within a second." } else { "It had ended." };
    context.output.result(&json!({ "id": token, "ended": ended }), sentence);
    Ok(Outcome::Done)
}

fn refused(error: TokenError, context: &Context) -> CliError {
    let said = |code: &str| match code {
        "TOKEN_NAME" => "has 1 to 100 characters".to_owned(),
        "TOKEN_NAME_TAKEN" => "is the name of another good token of this owner".to_owned(),
        "TOKEN_MANY" => "is one more than an owner may have; revoke some".to_owned(),
        "TOKEN_SCOPE" => "is more than the owner's role allows".to_owned(),
        "TOKEN_EXPIRY" => format!("must be above 0 and at most {} (tokens.longest)", context.config.tokens.longest),
        _ => "is not allowed".to_owned(),
    };
    match error {
        TokenError::Store(error) => error.into(),
        TokenError::Fields(fields) => CliError::Fields(
            fields
                .iter()
                .map(|f| FieldError { field: f.field.to_owned(), code: f.code, message: said(f.code) })
                .collect(),
        ),
        other => CliError::Usage(format!("{}: {other}", other.code())),
    }
}
