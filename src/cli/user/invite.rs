//! Inviting people: a link for one address, by mail where there is mail.

use secrecy::ExposeSecret;
use serde_json::json;

use super::{BY, identity};
use crate::{
    cli::{
        CliError, CliResult, Context, Outcome, cells,
        installation::{Installation, missing},
    },
    identity::{
        Origin, Role,
        invitation::{InviteError, Wish},
    },
    store::{invitation, mail},
};

pub async fn invite(context: &Context, mail: String, role: &str, language: Option<&str>) -> CliResult {
    let here = Installation::open(context).await?;
    let language = match language {
        Some("en") => "en",
        Some(_) => "ja",
        None => context.config.organisation.language.code(),
    };
    let wish = Wish { mail: mail.clone(), role: Role::parse(role).unwrap_or(Role::Viewer), language };
    let identity = identity(context, &here)?;
    let invited = identity.invite(BY, wish, &context.config.server.public_url, &Origin::default()).await;
    let invited = invited.map_err(|error| refused(error, &mail))?;
    let until = cells::time(Some(invited.until.0), &here.zone);
    let link = invited.link.as_ref().map(ExposeSecret::expose_secret);
    let document = json!({
        "id": invited.id, "mail": invited.mail, "role": role, "again": invited.again, "link": link,
        "until": cells::instant(Some(invited.until.0)),
    });
    let said = match link {
        Some(link) => {
            format!("mail is not configured: give this link to {} yourself, until {until}\n{link}", invited.mail)
        }
        None => format!("a mail to {} is on its way; its link works until {until}", invited.mail),
    };
    context.output.result(&document, &said);
    Ok(Outcome::Done)
}

pub async fn list(context: &Context) -> CliResult {
    let here = Installation::open(context).await?;
    let rows = invitation::open(&here.db).await?;
    let mails = mail::of_invitations(&here.db).await?;
    let sent = |id: &str| mails.iter().find(|mail| mail.about.as_deref() == Some(id)).map(|mail| mail.state.clone());
    let documents: Vec<_> = rows
        .iter()
        .map(|row| {
            json!({
                "id": row.id, "mail": row.mail, "role": row.role, "by": row.invited_by, "sent": sent(&row.id),
                "until": cells::instant(Some(row.expires_at)), "expired": row.expires_at <= here.now().0,
            })
        })
        .collect();
    let table: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let until = cells::time(Some(row.expires_at), &here.zone);
            vec![row.mail.clone(), row.role.clone(), until, sent(&row.id).unwrap_or_default(), row.id.clone()]
        })
        .collect();
    context.output.table(&documents, &["mail", "role", "until", "sent", "id"], &table);
    Ok(Outcome::Done)
}

pub async fn withdraw(context: &Context, named: &str) -> CliResult {
    let here = Installation::open(context).await?;
    let ended = identity(context, &here)?.withdraw_invitation(BY, named, &Origin::default()).await;
    let row = ended.map_err(|error| refused(error, named))?;
    context.output.result(&json!({"id": row.id, "withdrawn": true}), &format!("{} is not invited any more", row.mail));
    Ok(Outcome::Done)
}

fn refused(error: InviteError, named: &str) -> CliError {
    match error {
        InviteError::Fields(fields) => super::refused_fields(&fields),
        InviteError::Missing => missing("open invitation", named, None, "musubi user invitations"),
        InviteError::Denied(denied) => CliError::Usage(denied.to_string()),
        InviteError::Store(error) => error.into(),
    }
}
