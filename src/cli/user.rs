//! `musubi user …`: people who may sign in, and service accounts for programs.

mod invite;
mod member;

pub(super) use member::{BY, find};

use std::io::BufRead;

use musubi_sdk::settings::FieldError;
use serde_json::{Value, json};

use super::{
    CliError, CliResult, Context, Outcome, cells,
    installation::{ACTOR, Installation},
};
use crate::{
    identity::{
        Access, Identity, Limits, Origin, Role,
        password::MIN_CHARS,
        people::{AddError, NewPerson},
    },
    mail::Post,
    secrets::Keys,
    store::user,
};

#[derive(clap::Subcommand)]
pub enum Command {
    /// List the people
    List,
    /// Add a person; the passphrase is one line of standard input
    Add {
        /// Mail address to sign in with
        mail: String,
        /// Name as others see it
        #[arg(long)]
        name: String,
        /// What the person may do
        #[arg(long, default_value = "employee", value_parser = ["admin", "steward", "employee", "viewer", "auditor"])]
        role: String,
    },
    /// Invite somebody by a link that works once; again: another link
    Invite {
        /// Mail address that the link is for
        mail: String,
        /// What the person may do
        #[arg(long, default_value = "employee", value_parser = ["admin", "steward", "employee", "viewer", "auditor"])]
        role: String,
        /// Of the mail and of the account
        #[arg(long, value_parser = ["ja", "en"])]
        language: Option<String>,
    },
    /// List open invitations
    Invitations,
    /// End an open invitation: its link lets nobody in any more
    Withdraw {
        /// Id or mail address of the invitation
        invitation: String,
    },
    /// Add a service account: it has a role and tokens, and nobody signs in as it
    AddService {
        /// Name as others see it
        name: String,
        /// What its tokens may do at most
        #[arg(long, default_value = "viewer", value_parser = ["admin", "steward", "employee", "viewer", "auditor"])]
        role: String,
    },
    /// Show one person and the devices that are signed in
    Show {
        /// Id or mail address
        person: String,
    },
    /// Give somebody another role
    Role {
        /// Id or mail address
        person: String,
        #[arg(value_parser = ["owner", "admin", "steward", "employee", "viewer", "auditor"])]
        role: String,
    },
    /// Show the departments of somebody, put them into some or take them out
    Department {
        /// Id or mail address
        person: String,
        /// A department to put them into, may be given several times
        #[arg(long, value_name = "DEPARTMENT")]
        add: Vec<String>,
        /// A department to take them out of, may be given several times
        #[arg(long, value_name = "DEPARTMENT")]
        remove: Vec<String>,
    },
    /// Let somebody sign in no more; their devices are signed out
    Deactivate {
        /// Id or mail address
        person: String,
    },
    /// Let somebody sign in again
    Reactivate {
        /// Id or mail address
        person: String,
    },
    /// Take somebody's second factor away, when phone and recovery codes are lost
    ResetFactor {
        /// Id or mail address
        person: String,
    },
    /// Give somebody another passphrase, one line of standard input; their devices are signed out
    SetPassphrase {
        /// Id or mail address
        person: String,
    },
    /// Let an owner's account get in by /signin/local while single sign-on is mandatory
    BreakGlass {
        /// Id or mail address
        person: String,
        /// An ordinary account again
        #[arg(long)]
        off: bool,
    },
    /// Whether an owner or administrator gets mails when something needs attention
    Alerts {
        /// Id or mail address
        person: String,
        #[arg(value_parser = ["on", "off"])]
        choice: String,
    },
    /// Sign out all devices of somebody, or one of them
    SignOut {
        /// Id or mail address
        person: String,
        /// Only this one, by its id as `musubi user show` has it
        #[arg(long)]
        session: Option<String>,
    },
}

pub async fn run(context: &Context, command: Command) -> CliResult {
    match command {
        Command::List => list(context).await,
        Command::Add { mail, name, role } => add(context, mail, name, &role).await,
        Command::Invite { mail, role, language } => invite::invite(context, mail, &role, language.as_deref()).await,
        Command::Invitations => invite::list(context).await,
        Command::Withdraw { invitation } => invite::withdraw(context, &invitation).await,
        Command::Alerts { person, choice } => member::alerts(context, &person, &choice).await,
        Command::AddService { name, role } => add_service(context, &name, &role).await,
        Command::Show { person } => member::show(context, &person).await,
        Command::Role { person, role } => member::role(context, &person, &role).await,
        Command::Department { person, add, remove } => member::department(context, &person, &add, &remove).await,
        Command::Deactivate { person } => member::deactivate(context, &person).await,
        Command::Reactivate { person } => member::reactivate(context, &person).await,
        Command::ResetFactor { person } => member::reset_factor(context, &person).await,
        Command::SetPassphrase { person } => member::set_passphrase(context, &person).await,
        Command::BreakGlass { person, off } => member::break_glass(context, &person, off).await,
        Command::SignOut { person, session } => member::sign_out(context, &person, session.as_deref()).await,
    }
}

async fn list(context: &Context) -> CliResult {
    let here = Installation::open(context).await?;
    let people = user::list(&here.db).await?;
    let documents: Vec<Value> = people
        .iter()
        .map(|u| {
            json!({
                "id": u.id, "kind": u.kind, "mail": u.mail, "name": u.name, "role": u.role, "local_password": u.password_hash.is_some(),
                "created_at": cells::instant(Some(u.created_at)), "disabled_at": cells::instant(u.disabled_at),
                "signed_in_at": cells::instant(u.signed_in_at),
            })
        })
        .collect();
    let rows: Vec<Vec<String>> = people
        .iter()
        .map(|u| {
            vec![
                u.name.clone(),
                u.mail.clone(),
                u.role.clone(),
                cells::time(Some(u.created_at), &here.zone),
                cells::time(u.signed_in_at, &here.zone),
                cells::time(u.disabled_at, &here.zone),
                u.id.clone(),
            ]
        })
        .collect();
    context.output.table(&documents, &["name", "mail", "role", "since", "last sign-in", "disabled", "id"], &rows);
    Ok(Outcome::Done)
}

pub(super) fn identity(context: &Context, here: &Installation) -> Result<Identity, CliError> {
    let config = &context.config;
    let access = Access::from(&config.access);
    let identity = Identity::new(here.db.clone(), here.clock.clone(), Limits::from(config), access);
    if !config.mail.is_on() {
        return Ok(identity);
    }
    let keys = Keys::load(&config.secrets, config.database.is_sqlite()).map_err(anyhow::Error::from)?;
    Ok(identity.posting(Post::new(&config.mail, keys.into(), &config.server.public_url)))
}

async fn add(context: &Context, mail: String, name: String, role: &str) -> CliResult {
    let here = Installation::open(context).await?;
    let line = std::io::stdin().lock().lines().next().transpose().map_err(anyhow::Error::from)?;
    let new = NewPerson {
        mail: mail.clone(),
        name,
        role: Role::parse(role).unwrap_or(Role::Viewer),
        passphrase: line.unwrap_or_default().trim_end_matches('\r').into(),
        language: context.config.organisation.language.code(),
    };
    let id = identity(context, &here)?.add_person(new, ACTOR, &Origin::default()).await.map_err(refused)?;
    context.output.result(&json!({"id": id, "mail": mail.trim(), "role": role}), id.as_str());
    Ok(Outcome::Done)
}

async fn add_service(context: &Context, name: &str, role: &str) -> CliResult {
    let here = Installation::open(context).await?;
    let to = Role::parse(role).unwrap_or(Role::Viewer);
    let id = identity(context, &here)?.add_service(BY, name, to, &Origin::default()).await.map_err(refused)?;
    context.output.result(&json!({"id": id, "name": name.trim(), "role": role}), id.as_str());
    Ok(Outcome::Done)
}

fn refused(error: AddError) -> CliError {
    match error {
        AddError::Fields(fields) => refused_fields(&fields),
        other => CliError::Other(other.into()),
    }
}

fn refused_fields(fields: &[crate::identity::FieldError]) -> CliError {
    let said = |code: &str| match code {
        "MAIL_TAKEN" => "belongs to somebody already".to_owned(),
        "MAIL_INVITED" => "was invited this moment; see `musubi user invitations`".to_owned(),
        "MAIL_INVALID" => "is no mail address".to_owned(),
        "NAME_EMPTY" => "is empty".to_owned(),
        "SERVICE_NAME_TAKEN" => "is the name of another service account".to_owned(),
        "PASSPHRASE_SHORT" => format!("needs {MIN_CHARS} characters; it is the first line of standard input"),
        "PASSPHRASE_COMMON" => "is easy to guess".to_owned(),
        _ => "is not allowed".to_owned(),
    };
    let field =
        |f: &crate::identity::FieldError| FieldError { field: f.field.to_owned(), code: f.code, message: said(f.code) };
    CliError::Fields(fields.iter().map(field).collect())
}
