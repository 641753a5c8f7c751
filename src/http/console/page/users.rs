//! `/admin/users`: who is here, with which rights, signed in from where.

use std::collections::BTreeMap;

use axum::{
    Form, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;

use super::{ShellOf, audit, done, invite, sessions, tokens};
use crate::{
    app::{Hub, SharedHub},
    http::{
        AppError,
        console::{
            Section,
            view::{
                Page,
                user::{DepartmentRow, Mapping, PermissionsPage, Sees, UserPage, UserRow, UsersPage},
            },
        },
    },
    identity::{
        Action, By, DepartmentError, GlassError, MemberError, Origin, Principal, Role, can,
        members::{grantable, may_change},
    },
    model::{Class, Timestamp, view::department_key},
    store::{self, StoreError, department, external_identity, idp, user},
};

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/admin/users", get(list))
        .route("/admin/users/permissions", get(permissions))
        .route("/admin/users/{id}", get(show))
        .route("/admin/users/{id}/role", post(set_role))
        .route("/admin/users/{id}/departments", post(give_department))
        .route("/admin/users/{id}/departments/remove", post(take_department))
        .route("/admin/users/{id}/deactivate", post(deactivate))
        .route("/admin/users/{id}/reactivate", post(reactivate))
        .route("/admin/users/{id}/sign-out", post(sign_out))
        .route("/admin/users/{id}/reset-factor", post(reset_factor))
        .route("/admin/users/{id}/sessions/{session}/end", post(end_session))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ListQuery {
    q: String,
    role: String,
    state: String,
    page: i64,
}

const ROWS: i64 = 50;

async fn list(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    Query(query): Query<ListQuery>,
) -> Result<Html<String>, AppError> {
    let ShellOf { shell, me, .. } = frame.allow(Action::ViewUsers, Section::Users)?;
    let text = query.q.trim().replace('\0', "");
    let role = Role::parse(&query.role).map_or("", Role::as_str);
    let active = match query.state.as_str() {
        "active" => Some(true),
        "inactive" => Some(false),
        _ => None,
    };
    let wanted = user::Wanted { text: &text, role, active };
    let page = query.page.clamp(1, 100_000);
    let offset = (page - 1) * ROWS;
    let (found, total) = tokio::try_join!(user::find(&hub.db, wanted, ROWS, offset), user::count(&hub.db, wanted))?;
    let more = offset + (found.len() as i64) < total;
    let state = if active.is_some() { query.state.clone() } else { String::new() };
    let to = |page| list_url(&text, role, &state, page);
    let may_invite = me.can(Action::ManageUsers);
    let view = UsersPage {
        may_invite,
        invitations: invite::rows(&hub).await?,
        first: if found.is_empty() { 0 } else { offset + 1 },
        rows: rows(&hub, found, &me).await?,
        total,
        previous: (page > 1).then(|| to(page - 1)),
        next: more.then(|| to(page + 1)),
        role: role.to_owned(),
        q: text.clone(),
        state: state.clone(),
    };
    Ok(view.render(&shell))
}

fn list_url(q: &str, role: &str, state: &str, page: i64) -> String {
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in [("q", q), ("role", role), ("state", state)] {
        if !value.is_empty() {
            out.append_pair(name, value);
        }
    }
    out.append_pair("page", &page.to_string());
    format!("/admin/users?{}", out.finish())
}

/// People as pages show them, with the names of their providers.
pub async fn rows(hub: &Hub, found: Vec<user::UserRow>, me: &Principal) -> Result<Vec<UserRow>, StoreError> {
    let ids: Vec<&str> = found.iter().map(|u| u.id.as_str()).collect();
    let (bound, names) = tokio::try_join!(external_identity::of_users(&hub.db, &ids), providers(hub))?;
    let ways = |id: &str| {
        let of = bound.iter().filter(|(user, _)| user == id);
        let mut ways: Vec<String> = of.filter_map(|(_, idp)| name_of(&names, idp)).collect();
        ways.dedup();
        ways
    };
    let row = |u: user::UserRow| UserRow {
        providers: ways(&u.id),
        me: u.id == me.user_id,
        service: u.kind == user::SERVICE,
        role: Role::parse(&u.role).unwrap_or(Role::Viewer),
        local: u.password_hash.is_some(),
        signed_in_at: u.signed_in_at.map(Timestamp),
        disabled_at: u.disabled_at.map(Timestamp),
        glass: u.glass,
        glass_tested_at: u.glass_tested_at.map(Timestamp),
        id: u.id,
        name: u.name,
        mail: u.mail,
    };
    Ok(found.into_iter().map(row).collect())
}

/// Providers by id, with their names.
pub async fn providers(hub: &Hub) -> Result<Vec<(String, String)>, StoreError> {
    Ok(idp::all(&hub.db).await?.into_iter().map(|row| (row.id, row.name)).collect())
}

pub fn name_of(providers: &[(String, String)], id: &str) -> Option<String> {
    providers.iter().find(|(known, _)| known == id).map(|(_, name)| name.clone())
}

async fn show(State(hub): State<SharedHub>, frame: ShellOf, Path(id): Path<String>) -> Result<Html<String>, AppError> {
    let frame = frame.allow(Action::ViewUsers, Section::Users)?;
    let view = person(&hub, &frame.me, &id).await?;
    Ok(view.render(&frame.shell))
}

async fn person(hub: &Hub, me: &Principal, id: &str) -> Result<UserPage, AppError> {
    let found = user::by_id(&hub.db, &id.replace('\0', "")).await?.ok_or(AppError::NotFound)?;
    let created_at = Timestamp(found.created_at);
    let row = rows(hub, vec![found], me).await?.pop().ok_or(AppError::NotFound)?;
    let may_change = may_change(me, id, row.role);
    let departments = department::of_user(&hub.db, &row.id).await?;
    let may_see_trail = me.can(Action::ViewAudit);
    let trail = if may_see_trail {
        let filter = store::audit::Filter { named: Some(id), ..Default::default() };
        let entries = store::audit::list(&hub.db, &filter, 5).await?;
        audit::lines(hub, &me.view, entries).await?
    } else {
        Vec::new()
    };
    Ok(UserPage {
        created_at,
        sessions: sessions::rows(hub, id, &me.session_id).await?,
        sessions_at: format!("/admin/users/{id}/sessions"),
        grantable: grantable(me)
            .into_iter()
            .filter(|role| may_change && !(row.service && *role == Role::Owner))
            .collect(),
        may_change,
        // First run's owner stays owner, whatever a provider says.
        role_by: row.providers.first().filter(|_| row.role != Role::Owner).cloned(),
        departments: departments.into_iter().map(department).collect(),
        known_departments: if may_change { known_departments(hub).await? } else { Vec::new() },
        limited: hub.identity.access().limits(row.role),
        second_factor: hub.identity.has_factor(id).await?,
        may_glass: me.can(Action::ManageOwners) && row.role == Role::Owner && row.local && row.disabled_at.is_none(),
        tokens: tokens::rows(hub.identity.tokens_of(id).await?, me, &format!("/admin/users/{id}")),
        error: None,
        trail,
        may_see_trail,
        row,
    })
}

/// The person's page again, with what was refused.
pub async fn refused(hub: &Hub, me: &Principal, id: &str, code: &'static str) -> Result<UserPage, AppError> {
    Ok(UserPage { error: Some(code), ..person(hub, me, id).await? })
}

fn department(row: department::Row) -> DepartmentRow {
    DepartmentRow { by_groups: row.given_by == department::GROUPS, name: row.name }
}

/// Departments that customers and people have.
async fn known_departments(hub: &Hub) -> Result<Vec<String>, StoreError> {
    let (of_customers, of_people) = tokio::try_join!(store::scope::departments(&hub.db), department::known(&hub.db))?;
    let mut names = of_customers;
    for name in of_people {
        if !names.iter().any(|known| department_key(known) == department_key(&name)) {
            names.push(name);
        }
    }
    Ok(names)
}

/// Back to the person's page: with a notice, or with what was refused.
async fn answer<T>(
    hub: &Hub,
    frame: ShellOf,
    id: &str,
    acted: Result<T, MemberError>,
    said: impl FnOnce(T) -> (&'static str, Option<i64>),
) -> Result<Response, AppError> {
    match acted {
        Ok(value) => {
            let (word, number) = said(value);
            Ok(done(&format!("/admin/users/{id}"), word, number))
        }
        Err(MemberError::Missing) => Err(AppError::NotFound),
        Err(MemberError::Denied(denied)) => Err(denied.into()),
        Err(MemberError::Store(error)) => Err(error.into()),
        Err(MemberError::Glass(GlassError::Store(error))) => Err(error.into()),
        Err(error @ (MemberError::Own | MemberError::LastOwner | MemberError::Service | MemberError::Glass(_))) => {
            let view = refused(hub, &frame.me, id, error.code()).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, view.render(&frame.at(Section::Users))).into_response())
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RolePost {
    role: String,
}

async fn set_role(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
    Form(post): Form<RolePost>,
) -> Result<Response, AppError> {
    frame.me.require(Action::ManageUsers)?;
    frame.fresh(&hub, &format!("/admin/users/{id}"))?;
    let role = Role::parse(&post.role).ok_or_else(|| AppError::invalid("ROLE_UNKNOWN", "there is no such role"))?;
    let acted = hub.identity.set_role(By::from(&frame.me), &id, role, &origin).await;
    answer(&hub, frame, &id, acted, |()| ("role_changed", None)).await
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct DepartmentPost {
    department: String,
}

async fn give_department(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
    Form(post): Form<DepartmentPost>,
) -> Result<Response, AppError> {
    frame.me.require(Action::ManageUsers)?;
    match hub.identity.give_department(By::from(&frame.me), &id, &post.department, &origin).await {
        Ok(_) => answer(&hub, frame, &id, Ok(()), |()| ("department_given", None)).await,
        Err(DepartmentError::Member(error)) => answer(&hub, frame, &id, Err::<(), _>(error), |()| ("", None)).await,
        Err(DepartmentError::Name) => {
            let view = UserPage { error: Some("DEPARTMENT_NAME"), ..person(&hub, &frame.me, &id).await? };
            Ok((StatusCode::UNPROCESSABLE_ENTITY, view.render(&frame.at(Section::Users))).into_response())
        }
    }
}

async fn take_department(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
    Form(post): Form<DepartmentPost>,
) -> Result<Response, AppError> {
    frame.me.require(Action::ManageUsers)?;
    let acted = hub.identity.take_department(By::from(&frame.me), &id, &post.department, &origin).await;
    answer(&hub, frame, &id, acted, |_| ("department_taken", None)).await
}

async fn deactivate(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    frame.me.require(Action::ManageUsers)?;
    frame.fresh(&hub, &format!("/admin/users/{id}"))?;
    let acted = hub.identity.deactivate(By::from(&frame.me), &id, &origin).await;
    answer(&hub, frame, &id, acted, |ended| ("user_deactivated", i64::try_from(ended).ok())).await
}

async fn reactivate(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    frame.me.require(Action::ManageUsers)?;
    let acted = hub.identity.reactivate(By::from(&frame.me), &id, &origin).await;
    answer(&hub, frame, &id, acted, |()| ("user_reactivated", None)).await
}

async fn sign_out(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    frame.me.require(Action::ManageUsers)?;
    frame.fresh(&hub, &format!("/admin/users/{id}"))?;
    let acted = hub.identity.sign_out_everywhere(By::from(&frame.me), &id, &origin).await;
    answer(&hub, frame, &id, acted, |ended| ("sessions_ended", i64::try_from(ended).ok())).await
}

async fn end_session(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path((id, session)): Path<(String, String)>,
) -> Result<Response, AppError> {
    frame.me.require(Action::ManageUsers)?;
    let acted = hub.identity.end_session_of(By::from(&frame.me), &id, &session, &origin).await;
    answer(&hub, frame, &id, acted, |ended| ("sessions_ended", Some(i64::from(ended)))).await
}

async fn reset_factor(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    frame.me.require(Action::ManageUsers)?;
    frame.fresh(&hub, &format!("/admin/users/{id}"))?;
    let acted = hub.identity.reset_factor(By::from(&frame.me), &id, &origin).await;
    answer(&hub, frame, &id, acted, |_| ("factor_reset", None)).await
}

async fn permissions(State(hub): State<SharedHub>, frame: ShellOf) -> Result<Html<String>, AppError> {
    let ShellOf { shell, .. } = frame.allow(Action::ViewUsers, Section::Users)?;
    let rows = Action::ALL.map(|action| (action.as_str(), Role::ALL.map(|role| can(role, action))));
    let access = hub.identity.access();
    let sees = Role::ALL.map(|role| match () {
        () if !can(role, Action::ViewCustomers) => Sees::None,
        () if access.limits(role) => Sees::OwnDepartments,
        () => Sees::All,
    });
    let clear = |class| Role::ALL.map(|role| can(role, Action::ViewCustomers).then(|| access.clears(role, class)));
    let mappings = idp::all(&hub.db).await?.into_iter().filter(|row| !row.draft).filter_map(mapping).collect();
    let view = PermissionsPage {
        sees,
        classes: Class::ALL.into_iter().map(|class| (class.as_str(), clear(class))).collect(),
        unassigned: access.unassigned,
        rows: rows.to_vec(),
        mappings,
    };
    Ok(view.render(&shell))
}

/// What the settings of providers of either kind say of groups.
#[derive(Deserialize)]
struct Groups {
    roles: BTreeMap<String, Role>,
    default_role: Option<Role>,
    #[serde(default)]
    departments: BTreeMap<String, String>,
}

fn mapping(row: idp::Row) -> Option<Mapping> {
    let Groups { roles, default_role, departments } = serde_json::from_str(&row.settings).ok()?;
    Some(Mapping {
        provider: row.name,
        groups: roles.into_iter().collect(),
        departments: departments.into_iter().collect(),
        otherwise: default_role,
    })
}
