//! Acts on one person's account. A running hub heeds them within a second.

use std::io::BufRead;

use musubi_sdk::manifest::nearest;
use serde_json::json;

use super::identity;
use crate::{
    cli::{
        CliError, CliResult, Context, Outcome, cells,
        installation::{ACTOR, Installation, missing},
        output::Part,
    },
    identity::{
        By, DepartmentError, Factors, GlassError, MemberError, Origin, Role, mail_key, members::PassphraseError,
        password::MIN_CHARS, service_key,
    },
    store::{department, external_identity, idp, user},
};

/// Whoever runs the command has the machine.
pub const BY: By<'static> = By { actor: ACTOR, role: None };

impl From<MemberError> for CliError {
    fn from(error: MemberError) -> Self {
        match error {
            MemberError::Store(error) => error.into(),
            MemberError::Glass(error) => error.into(),
            other => Self::Usage(format!("{}: {other}", other.code())),
        }
    }
}

impl From<GlassError> for CliError {
    fn from(error: GlassError) -> Self {
        match error {
            GlassError::Store(error) => error.into(),
            other => Self::Usage(format!("{}: {other}", other.code())),
        }
    }
}

/// A person by mail address or id, a service account by name or id.
pub async fn find(here: &Installation, named: &str) -> Result<user::UserRow, CliError> {
    for key in [mail_key(named), service_key(named)] {
        if let Some(found) = user::by_mail_key(&here.db, &key).await? {
            return Ok(found);
        }
    }
    if let Some(found) = user::by_id(&here.db, named).await? {
        return Ok(found);
    }
    let all = user::list(&here.db).await?;
    Err(missing("person", named, nearest(named, all.iter().map(|u| u.mail.as_str())), "musubi user list"))
}

pub async fn show(context: &Context, named: &str) -> CliResult {
    let here = Installation::open(context).await?;
    let person = find(&here, named).await?;
    let bound = external_identity::of_users(&here.db, &[&person.id]).await?;
    let providers = idp::all(&here.db).await?;
    let name = |id: &String| providers.iter().find(|row| row.id == *id).map_or_else(|| id.clone(), |r| r.name.clone());
    let ways: Vec<String> = bound.iter().map(|(_, idp)| name(idp)).collect();
    let sessions = identity(context, &here)?.sessions_of(&person.id, "").await?;
    let open: Vec<_> = sessions
        .iter()
        .map(|s| {
            json!({
                "id": s.id, "created_at": s.created_at.rfc3339(), "seen_at": s.seen_at.rfc3339(), "ip": s.ip,
                "agent": s.agent, "provider": s.idp_id.as_ref().map(name),
            })
        })
        .collect();
    let departments: Vec<String> =
        department::of_user(&here.db, &person.id).await?.into_iter().map(|row| row.name).collect();
    let factors = identity(context, &here)?.factors(&person.id).await?;
    let keys: Vec<_> = factors
        .passkeys
        .iter()
        .map(|key| {
            json!({
                "id": key.id, "label": key.label, "created_at": key.created_at.rfc3339(),
                "used_at": key.used_at.map(|at| at.rfc3339()), "backed_up": key.backed_up,
            })
        })
        .collect();
    let document = json!({
        "id": person.id, "mail": person.mail, "name": person.name, "role": person.role,
        "second_factor": {"app": factors.has_app(), "passkeys": keys, "recovery_codes": factors.codes_left},
        "departments": departments, "local_password": person.password_hash.is_some(), "break_glass": person.glass,
        "break_glass_tested_at": cells::instant(person.glass_tested_at), "providers": ways, "sessions": open,
        "created_at": cells::instant(Some(person.created_at)), "disabled_at": cells::instant(person.disabled_at),
        "signed_in_at": cells::instant(person.signed_in_at),
    });
    let values = Part::values(vec![
        ("id", person.id.clone()),
        ("name", person.name.clone()),
        ("mail", person.mail.clone()),
        ("role", person.role.clone()),
        ("departments", departments.join(", ")),
        ("passphrase", cells::yes(person.password_hash.is_some())),
        ("second factor", second_factor(&factors)),
        (
            "break-glass",
            if person.glass {
                format!("yes, tested {}", cells::time(person.glass_tested_at, &here.zone))
            } else {
                "no".to_owned()
            },
        ),
        ("providers", ways.join(", ")),
        ("last sign-in", cells::time(person.signed_in_at, &here.zone)),
        ("disabled", cells::time(person.disabled_at, &here.zone)),
    ]);
    let rows = sessions
        .into_iter()
        .map(|s| {
            let seen = cells::time(Some(s.seen_at.0), &here.zone);
            let (ip, agent) = (s.ip.unwrap_or_default(), s.agent.unwrap_or_default());
            vec![s.id, seen, ip, agent.chars().take(60).collect()]
        })
        .collect();
    let devices = Part { title: "Signed-in devices", header: &["id", "last seen", "from", "says it is"], rows };
    context.output.parts(&document, &[values, devices]);
    Ok(Outcome::Done)
}

/// `app, passkey "Office laptop"; 9 recovery codes`
fn second_factor(factors: &Factors) -> String {
    if !factors.is_on() {
        return "no".to_owned();
    }
    let app = factors.has_app().then(|| "app".to_owned());
    let keys = factors.passkeys.iter().map(|key| format!("passkey {:?}", key.label));
    let all: Vec<String> = app.into_iter().chain(keys).collect();
    format!("{}; {} recovery codes", all.join(", "), factors.codes_left)
}

pub async fn role(context: &Context, named: &str, role: &str) -> CliResult {
    let here = Installation::open(context).await?;
    let person = find(&here, named).await?;
    let to = Role::parse(role).ok_or_else(|| CliError::Usage(format!("there is no role {role}")))?;
    identity(context, &here)?.set_role(BY, &person.id, to, &Origin::default()).await?;
    context.output.result(&json!({"id": person.id, "role": role}), &format!("{} is {role}.", person.name));
    if !external_identity::of_users(&here.db, &[&person.id]).await?.is_empty() && to != Role::Owner {
        context.output.note("Signs in by a provider: the next sign-in sets the role of the groups again.");
    }
    Ok(Outcome::Done)
}

pub async fn alerts(context: &Context, named: &str, choice: &str) -> CliResult {
    let here = Installation::open(context).await?;
    let person = find(&here, named).await?;
    if !["owner", "admin"].contains(&person.role.as_str()) {
        return Err(CliError::Usage(format!(
            "{} is {}: alerts go to owners and administrators",
            person.name, person.role
        )));
    }
    let wanted = choice == "on";
    identity(context, &here)?.choose_alerts(ACTOR, &person.id, wanted, &Origin::default()).await?;
    let sentence = if wanted { "gets alerts by mail" } else { "gets no alerts" };
    context.output.result(&json!({"id": person.id, "alerts": wanted}), &format!("{} {sentence}.", person.name));
    Ok(Outcome::Done)
}

impl From<DepartmentError> for CliError {
    fn from(error: DepartmentError) -> Self {
        match error {
            DepartmentError::Member(error) => error.into(),
            DepartmentError::Name => Self::Usage(format!("DEPARTMENT_NAME: {error}")),
        }
    }
}

pub async fn department(context: &Context, named: &str, add: &[String], remove: &[String]) -> CliResult {
    let here = Installation::open(context).await?;
    let person = find(&here, named).await?;
    let (identity, origin) = (identity(context, &here)?, Origin::default());
    for name in remove {
        if !identity.take_department(BY, &person.id, name, &origin).await? {
            let has = department::of_user(&here.db, &person.id).await?;
            let near = nearest(name, has.iter().map(|row| row.name.as_str()));
            return Err(missing("department", name, near, "musubi user department PERSON"));
        }
    }
    for name in add {
        identity.give_department(BY, &person.id, name, &origin).await?;
    }
    let rows = department::of_user(&here.db, &person.id).await?;
    let documents: Vec<_> = rows.iter().map(|row| json!({"name": row.name, "given_by": row.given_by})).collect();
    let cells: Vec<Vec<String>> = rows.iter().map(|row| vec![row.name.clone(), row.given_by.clone()]).collect();
    context.output.table(&documents, &["department", "given by"], &cells);
    let role = Role::parse(&person.role).unwrap_or(Role::Viewer);
    if !identity.access().limits(role) {
        context.output.note(&format!("The role {} sees every customer: access.limited does not list it.", person.role));
    }
    if rows.iter().any(|row| row.given_by == department::GROUPS) {
        context.output.note("What groups give is set again at the next sign-in.");
    }
    Ok(Outcome::Done)
}

pub async fn deactivate(context: &Context, named: &str) -> CliResult {
    let here = Installation::open(context).await?;
    let person = find(&here, named).await?;
    let ended = identity(context, &here)?.deactivate(BY, &person.id, &Origin::default()).await?;
    let sentence = format!("{} may sign in no more; {ended} devices signed out.", person.name);
    context.output.result(&json!({"id": person.id, "active": false, "ended": ended}), &sentence);
    Ok(Outcome::Done)
}

pub async fn reactivate(context: &Context, named: &str) -> CliResult {
    let here = Installation::open(context).await?;
    let person = find(&here, named).await?;
    identity(context, &here)?.reactivate(BY, &person.id, &Origin::default()).await?;
    context.output.result(&json!({"id": person.id, "active": true}), &format!("{} may sign in again.", person.name));
    Ok(Outcome::Done)
}

pub async fn sign_out(context: &Context, named: &str, session: Option<&str>) -> CliResult {
    let here = Installation::open(context).await?;
    let person = find(&here, named).await?;
    let (identity, origin) = (identity(context, &here)?, Origin::default());
    let ended = match session {
        None => identity.sign_out_everywhere(BY, &person.id, &origin).await?,
        Some(id) if identity.end_session_of(BY, &person.id, id, &origin).await? => 1,
        Some(id) => return Err(missing("session", id, None, "musubi user show")),
    };
    context.output.result(&json!({"id": person.id, "ended": ended}), &format!("{ended} devices signed out."));
    Ok(Outcome::Done)
}

pub async fn reset_factor(context: &Context, named: &str) -> CliResult {
    let here = Installation::open(context).await?;
    let person = find(&here, named).await?;
    let removed = identity(context, &here)?.reset_factor(BY, &person.id, &Origin::default()).await?;
    let sentence = if removed { "signs in by the passphrase alone from now on" } else { "has no second factor" };
    context.output.result(&json!({"id": person.id, "removed": removed}), &format!("{} {sentence}.", person.name));
    Ok(Outcome::Done)
}

/// Makes an owner's account a break-glass one, or an ordinary one again.
pub async fn break_glass(context: &Context, named: &str, off: bool) -> CliResult {
    let here = Installation::open(context).await?;
    let person = find(&here, named).await?;
    identity(context, &here)?.set_glass(BY, &person.id, !off, &Origin::default()).await?;
    let sentence = match off {
        true => "is an ordinary account",
        false => "is a break-glass account: sign in with it once at /signin/local, which is how it is tested",
    };
    context.output.result(&json!({"id": person.id, "break_glass": !off}), &format!("{} {sentence}.", person.name));
    Ok(Outcome::Done)
}

/// Another passphrase, from standard input.
pub async fn set_passphrase(context: &Context, named: &str) -> CliResult {
    let here = Installation::open(context).await?;
    let person = find(&here, named).await?;
    let line = std::io::stdin().lock().lines().next().transpose().map_err(anyhow::Error::from)?;
    let passphrase = line.unwrap_or_default().trim_end_matches('\r').into();
    let changed = identity(context, &here)?.set_passphrase(BY, (&person.id, ""), passphrase, &Origin::default()).await;
    let ended = match changed {
        Ok(ended) => ended,
        Err(PassphraseError::Member(error)) => return Err(error.into()),
        Err(PassphraseError::Store(error)) => return Err(error.into()),
        Err(PassphraseError::Weak(_)) => {
            let text = format!(
                "a passphrase has {MIN_CHARS} characters or more and is not easy to guess; it is the first line of standard input"
            );
            return Err(CliError::Usage(text));
        }
        Err(PassphraseError::Password(error)) => return Err(CliError::Other(error.into())),
    };
    let sentence = format!("{} has another passphrase; {ended} devices signed out.", person.name);
    context.output.result(&json!({"id": person.id, "ended": ended}), &sentence);
    Ok(Outcome::Done)
}
