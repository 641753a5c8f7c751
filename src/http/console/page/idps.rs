//! `/admin/idp`: the identity providers that people sign in with, and whether they have to.

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{Html, IntoResponse, Response},
    routing::get,
};

use super::{ShellOf, idp_facts::facts};
use crate::{
    app::{Hub, SharedHub},
    http::{
        AppError,
        console::{
            Section,
            view::{
                Page,
                idp::{GlassRow, IdpRow, IdpsPage},
            },
        },
    },
    identity::{Action, federation::preset::Preset, glass::is_tested},
    model::Timestamp,
    store::{
        self, StoreError,
        idp::{self, Row},
        user,
    },
};

pub fn routes() -> Router<SharedHub> {
    Router::new().route("/admin/idp", get(list))
}

async fn list(State(hub): State<SharedHub>, frame: ShellOf) -> Result<Html<String>, AppError> {
    let ShellOf { shell, .. } = frame.allow(Action::ManageSignIn, Section::SignIn)?;
    Ok(overview(&hub, None).await?.render(&shell))
}

async fn overview(hub: &Hub, error: Option<&'static str>) -> Result<IdpsPage, StoreError> {
    let (rows, seen, local_owner, unread, sso) = tokio::try_join!(
        idp::all(&hub.db),
        idp::last_sign_ins(&hub.db),
        user::has_local_owner(&hub.db),
        store::saml::unread(&hub.db),
        hub.identity.sso_standing()
    )?;
    let now = hub.clock.now();
    let accounts = sso.accounts.iter().map(|account| GlassRow {
        id: account.id.clone(),
        name: account.name.clone(),
        tested_at: account.tested_at.map(Timestamp),
        tested: is_tested(account, now),
    });
    let rows = rows.iter().map(|row| IdpRow { unread: unread.contains(&row.id), ..line(row, &seen) });
    Ok(IdpsPage {
        rows: rows.collect(),
        local_owner,
        required: sso.required,
        accounts: accounts.collect(),
        providers: sso.providers,
        stranded: sso.stranded,
        missing: sso.missing,
        error,
    })
}

/// The list again, with why something about all of sign-in was not done.
pub async fn refused(hub: &Hub, frame: ShellOf, code: &'static str) -> Result<Response, AppError> {
    let view = overview(hub, Some(code)).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, view.render(&frame.at(Section::SignIn))).into_response())
}

/// A provider in one line.
pub fn line(row: &Row, seen: &[(String, i64)]) -> IdpRow {
    IdpRow {
        id: row.id.clone(),
        name: row.name.clone(),
        kind: row.kind.clone(),
        state: match (row.draft, row.enabled) {
            (true, _) => "draft",
            (_, true) => "on",
            (_, false) => "off",
        },
        preset: Preset::of(&row.kind, row.preset.as_deref()).as_str(),
        last: seen.iter().find(|(id, _)| *id == row.id).map(|(_, at)| Timestamp(*at)),
        ends: facts(row).certificates.iter().filter(|one| one.leaves.is_none()).filter_map(|one| one.ends).min(),
        unread: false,
    }
}
