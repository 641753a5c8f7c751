//! `/admin/users/invite`: letting somebody in by a link, sending it again, ending it.

use axum::{
    Form, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::{ShellOf, done, users};
use crate::{
    app::{Hub, SharedHub},
    http::{
        AppError,
        console::{
            Section,
            view::{
                Page,
                user::{InvitationRow, InvitePage},
            },
        },
        preferences,
    },
    identity::{
        Action, By, Origin, Principal, Role, Settings,
        invitation::{InviteError, Invited, Wish},
        members::grantable,
    },
    model::Timestamp,
    store::{StoreError, invitation, mail, user},
};

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/admin/users/invite", get(form).post(invite))
        .route("/admin/users/invitations/{id}/again", post(again))
        .route("/admin/users/invitations/{id}/withdraw", post(withdraw))
}

/// Open invitations as the list of people shows them.
pub async fn rows(hub: &Hub) -> Result<Vec<InvitationRow>, StoreError> {
    let open = invitation::open(&hub.db).await?;
    if open.is_empty() {
        return Ok(Vec::new());
    }
    let by: Vec<&str> = open.iter().map(|row| row.invited_by.as_str()).collect();
    let (names, mails) = tokio::try_join!(user::names(&hub.db, &by), mail::of_invitations(&hub.db))?;
    let now = hub.clock.now();
    let row = |row: invitation::Row| InvitationRow {
        by: users::name_of(&names, &row.invited_by).unwrap_or_default(),
        role: Role::parse(&row.role).unwrap_or(Role::Viewer),
        until: Timestamp(row.expires_at),
        expired: row.expires_at <= now.0,
        sent: mails
            .iter()
            .find(|mail| mail.about.as_deref() == Some(&row.id))
            .map(|mail| (mail.state.clone(), mail.cause.clone())),
        id: row.id,
        mail: row.mail,
    };
    Ok(open.into_iter().map(row).collect())
}

fn blank(hub: &Hub, me: &Principal) -> InvitePage {
    let grantable = grantable(me).into_iter().filter(|role| *role != Role::Owner).collect();
    InvitePage { grantable, has_mail: hub.identity.has_mail(), role: Some(Role::Employee), ..InvitePage::default() }
}

async fn form(State(hub): State<SharedHub>, frame: ShellOf) -> Result<Html<String>, AppError> {
    let frame = frame.allow(Action::ManageUsers, Section::Users)?;
    let language = Settings::load(&hub.db).await?.language;
    Ok(InvitePage { language, ..blank(&hub, &frame.me) }.render(&frame.shell))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct InvitePost {
    mail: String,
    role: String,
    language: String,
}

async fn invite(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Form(post): Form<InvitePost>,
) -> Result<Response, AppError> {
    let frame = frame.allow(Action::ManageUsers, Section::Users)?;
    let role = Role::parse(&post.role).ok_or_else(|| AppError::invalid("ROLE_UNKNOWN", "there is no such role"))?;
    // Whoever lets an administrator in gives all rights away but the owners'.
    if role == Role::Admin {
        frame.fresh(&hub, "/admin/users/invite")?;
    }
    let language = preferences::language(&post.language).unwrap_or("ja");
    let wish = Wish { mail: post.mail.clone(), role, language };
    let made = hub.identity.invite(By::from(&frame.me), wish, hub.edge.public_url.as_str(), &origin).await;
    let page =
        InvitePage { mail: post.mail, role: Some(role), language: language.to_owned(), ..blank(&hub, &frame.me) };
    answer(frame, page, made)
}

/// Back to the list; without mail a page that shows the link, once.
fn answer(frame: ShellOf, page: InvitePage, made: Result<Invited, InviteError>) -> Result<Response, AppError> {
    match made {
        Ok(Invited { link: Some(link), mail, until, .. }) => {
            let link = Some((link.expose_secret().to_owned(), until));
            let page = InvitePage { link, mail, ..page };
            Ok(page.render(&frame.at(Section::Users)).into_response())
        }
        Ok(Invited { again, .. }) => Ok(done("/admin/users", if again { "invited_again" } else { "invited" }, None)),
        Err(InviteError::Fields(fields)) => {
            let errors = fields.iter().map(|f| (f.field.to_owned(), f.code.to_owned())).collect();
            let page = InvitePage { errors, ..page };
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page.render(&frame.at(Section::Users))).into_response())
        }
        Err(InviteError::Missing) => Err(AppError::NotFound),
        Err(InviteError::Denied(denied)) => Err(denied.into()),
        Err(InviteError::Store(error)) => Err(error.into()),
    }
}

async fn again(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let frame = frame.allow(Action::ManageUsers, Section::Users)?;
    let id = id.replace('\0', "");
    let of = invitation::open(&hub.db).await?.into_iter().find(|row| row.id == id).ok_or(AppError::NotFound)?;
    if Role::parse(&of.role) == Some(Role::Admin) {
        frame.fresh(&hub, "/admin/users")?;
    }
    let made = hub.identity.invite_again(By::from(&frame.me), &id, hub.edge.public_url.as_str(), &origin).await;
    let page = blank(&hub, &frame.me);
    answer(frame, page, made)
}

async fn withdraw(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    frame.me.require(Action::ManageUsers)?;
    match hub.identity.withdraw_invitation(By::from(&frame.me), &id.replace('\0', ""), &origin).await {
        Ok(_) => Ok(done("/admin/users", "invite_withdrawn", None)),
        Err(InviteError::Denied(denied)) => Err(denied.into()),
        Err(InviteError::Store(error)) => Err(error.into()),
        Err(InviteError::Missing | InviteError::Fields(_)) => Err(AppError::NotFound),
    }
}
