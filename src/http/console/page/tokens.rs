//! Tokens of the API: one's own under `/me`, those of service accounts and everybody's under `/admin`.

use axum::{
    Form, Router,
    extract::{Path, Query, RawForm, State},
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
                token::{ServicePage, TokenPage, TokenRow, TokensPage},
            },
        },
    },
    identity::{
        Action, By, NewToken, Origin, Principal, Role, Scope, TokenError, TokenView,
        api_token::State as Stands,
        members::{grantable, may_change},
        people::AddError,
    },
    store::{api_token, user},
};

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/me/tokens/new", get(own).post(create_own))
        .route("/me/tokens/{id}/revoke", post(revoke))
        .route("/admin/tokens", get(list))
        .route("/admin/tokens/{id}/revoke", post(revoke))
        .route(NEW_SERVICE, get(blank_service).post(add_service))
        .route("/admin/users/{id}/tokens/new", get(of_service).post(create_of_service))
}

const ROWS: i64 = 50;
/// Days that a form offers, as far as `tokens.longest` allows.
const LIVES: [i64; 5] = [7, 30, 90, 180, 365];
const DAY: u64 = 24 * 60 * 60;

/// Tokens as pages show them to this reader.
pub fn rows(tokens: Vec<TokenView>, me: &Principal, back: &str) -> Vec<TokenRow> {
    let row = |token: TokenView| {
        let mine = token.user_id == me.user_id;
        let may_end = mine || may_change(me, &token.user_id, token.role);
        let at = if mine { "/me/tokens" } else { "/admin/tokens" };
        let revoke_at = (may_end && token.state == Stands::Good).then(|| format!("{at}/{}/revoke", token.id));
        TokenRow { token, revoke_at, back: back.to_owned() }
    };
    tokens.into_iter().map(row).collect()
}

/// Whose token a form makes.
struct Owner {
    id: String,
    role: Role,
    /// The name of a service account; `None`: the reader's own.
    service: Option<String>,
}

impl Owner {
    fn me(me: &Principal) -> Self {
        Self { id: me.user_id.clone(), role: me.role, service: None }
    }

    /// Only service accounts have tokens that others make.
    async fn service(hub: &Hub, me: &Principal, id: &str) -> Result<Self, AppError> {
        me.require(Action::ManageUsers)?;
        let row = user::by_id(&hub.db, &id.replace('\0', "")).await?;
        let row = row.filter(|row| row.kind == user::SERVICE).ok_or(AppError::NotFound)?;
        let role = Role::parse(&row.role).unwrap_or(Role::Viewer);
        Ok(Self { id: row.id, role, service: Some(row.name) })
    }

    fn page(&self, hub: &Hub) -> TokenPage {
        let limits = hub.identity.limits();
        let days = |life: std::time::Duration| i64::try_from(life.as_secs() / DAY).unwrap_or(i64::MAX);
        let (usual, longest) = (days(limits.token_life), days(limits.token_longest));
        let mut lives: Vec<i64> = LIVES.into_iter().filter(|life| *life <= longest).chain([usual]).collect();
        lives.sort_unstable();
        lives.dedup();
        let at = match &self.service {
            Some(_) => format!("/admin/users/{}", self.id),
            None => "/me".to_owned(),
        };
        TokenPage {
            service: self.service.clone(),
            action: format!("{at}/tokens/new"),
            back: at,
            offered: Scope::within(self.role),
            days: usual,
            lives,
            try_at: hub.edge.public_url.join("api/v1/me").map(String::from).unwrap_or_default(),
            ..TokenPage::default()
        }
    }

    fn section(&self) -> Section {
        if self.service.is_some() { Section::Users } else { Section::None }
    }
}

async fn own(State(hub): State<SharedHub>, frame: ShellOf) -> Result<Html<String>, AppError> {
    let owner = Owner::me(&frame.me);
    blank(&hub, frame, &owner)
}

async fn of_service(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    Path(id): Path<String>,
) -> Result<Html<String>, AppError> {
    let owner = Owner::service(&hub, &frame.me, &id).await?;
    blank(&hub, frame, &owner)
}

/// A token outlives the session that makes it. It is asked before anything is typed, so that nothing is lost.
fn blank(hub: &Hub, frame: ShellOf, owner: &Owner) -> Result<Html<String>, AppError> {
    let page = owner.page(hub);
    frame.fresh_for(hub, &page.action, &page.back)?;
    Ok(page.render(&frame.at(owner.section())))
}

async fn create_own(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    let owner = Owner::me(&frame.me);
    create(&hub, frame, &origin, owner, &body).await
}

async fn create_of_service(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    let owner = Owner::service(&hub, &frame.me, &id).await?;
    create(&hub, frame, &origin, owner, &body).await
}

async fn create(hub: &Hub, frame: ShellOf, origin: &Origin, owner: Owner, body: &[u8]) -> Result<Response, AppError> {
    let mut page = owner.page(hub);
    frame.fresh_for(hub, &page.action, &page.back)?;
    let mut life = None;
    for (key, value) in url::form_urlencoded::parse(body) {
        match key.as_ref() {
            "name" => page.name = value.replace('\0', ""),
            "scope" => page.chosen.extend(Scope::parse(&value)),
            "expires" => life = value.parse::<i64>().ok(),
            _ => {}
        }
    }
    // A number that no form offers is refused as too long, not read as something else.
    let days = life.and_then(|days| u64::try_from(days).ok()).unwrap_or_default();
    page.days = life.unwrap_or(page.days);
    let life = Some(std::time::Duration::from_secs(days.saturating_mul(DAY)));
    let new = NewToken { name: page.name.clone(), scopes: page.chosen.clone(), life };
    let status = match hub.identity.create_token(By::from(&frame.me), &owner.id, new, origin).await {
        Ok(made) => {
            page.made = Some((made.secret.expose_secret().to_owned(), made.expires_at));
            StatusCode::OK
        }
        Err(TokenError::Fields(errors)) => {
            page.errors = errors;
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Err(error) => return Err(refused(error)),
    };
    Ok((status, page.render(&frame.at(owner.section()))).into_response())
}

fn refused(error: TokenError) -> AppError {
    match error {
        TokenError::Missing => AppError::NotFound,
        TokenError::Denied(denied) => denied.into(),
        TokenError::Store(error) => error.into(),
        error @ (TokenError::Fields(_) | TokenError::Others | TokenError::Off) => {
            AppError::Conflict { code: error.code(), detail: error.to_string() }
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Back {
    back: String,
}

/// One's own token, or somebody's by those who may change that person.
async fn revoke(
    State(hub): State<SharedHub>,
    me: Principal,
    origin: Origin,
    Path(id): Path<String>,
    Form(form): Form<Back>,
) -> Result<Response, AppError> {
    hub.identity.revoke_token(By::from(&me), &id.replace('\0', ""), &origin).await.map_err(refused)?;
    Ok(done(&form.back, "token_revoked", None))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ListQuery {
    page: i64,
}

async fn list(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    Query(query): Query<ListQuery>,
) -> Result<Html<String>, AppError> {
    let ShellOf { shell, me, .. } = frame.allow(Action::ViewUsers, Section::Users)?;
    let page = query.page.clamp(1, 100_000);
    let offset = (page - 1) * ROWS;
    let (services, tokens, total) =
        tokio::try_join!(user::services(&hub.db), hub.identity.tokens(ROWS, offset), api_token::count(&hub.db))?;
    let to = |page| format!("/admin/tokens?page={page}");
    let more = offset + (tokens.len() as i64) < total;
    let view = TokensPage {
        first: if tokens.is_empty() { 0 } else { offset + 1 },
        services: users::rows(&hub, services, &me).await?,
        tokens: rows(tokens, &me, &to(page)),
        total,
        previous: (page > 1).then(|| to(page - 1)),
        next: more.then(|| to(page + 1)),
        may_change: me.can(Action::ManageUsers),
    };
    Ok(view.render(&shell))
}

/// What a service account may be: never owner.
fn offered(me: &Principal) -> Vec<Role> {
    grantable(me).into_iter().filter(|role| *role != Role::Owner).collect()
}

const NEW_SERVICE: &str = "/admin/tokens/services/new";

async fn blank_service(State(hub): State<SharedHub>, frame: ShellOf) -> Result<Html<String>, AppError> {
    let frame = frame.allow(Action::ManageUsers, Section::Users)?;
    frame.fresh(&hub, NEW_SERVICE)?;
    let ShellOf { shell, me, .. } = frame;
    let view = ServicePage { role: Some(Role::Viewer), offered: offered(&me), ..ServicePage::default() };
    Ok(view.render(&shell))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ServicePost {
    name: String,
    role: String,
}

async fn add_service(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Form(post): Form<ServicePost>,
) -> Result<Response, AppError> {
    let frame = frame.allow(Action::ManageUsers, Section::Users)?;
    frame.fresh(&hub, NEW_SERVICE)?;
    let ShellOf { shell, me, .. } = frame;
    let role = Role::parse(&post.role).ok_or_else(|| AppError::invalid("ROLE_UNKNOWN", "there is no such role"))?;
    let name = post.name.replace('\0', "");
    match hub.identity.add_service(By::from(&me), &name, role, &origin).await {
        Ok(id) => Ok(done(&format!("/admin/users/{id}"), "service_added", None)),
        Err(AddError::Fields(errors)) => {
            let view = ServicePage { name, role: Some(role), offered: offered(&me), errors };
            Ok((StatusCode::UNPROCESSABLE_ENTITY, view.render(&shell)).into_response())
        }
        Err(AddError::Denied(denied)) => Err(denied.into()),
        Err(AddError::Store(error)) => Err(error.into()),
        Err(AddError::Password(error)) => Err(AppError::internal(error)),
    }
}
