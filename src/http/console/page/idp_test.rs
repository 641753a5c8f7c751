//! `/admin/idp/{id}/test` and `…/activate`: a real sign-in that finds out what works, and switching a draft on.

use axum::{
    Router,
    extract::{Path, Query, State},
    http::HeaderMap,
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use serde::Deserialize;

use super::{
    ShellOf, done,
    idp_setup::{Astray, Here, unprocessable},
    outcome::{Act, conclude},
};
use crate::{
    app::{Hub, SharedHub},
    http::{
        AppError, Preferences,
        console::view::{
            Page,
            idp_setup::{ActivatePage, TestPage},
        },
        cookie, saml as saml_page,
        session::own_click,
    },
    identity::{
        Origin,
        federation::{force::Blocked, saml::Begun, trial::Departure},
    },
    store::user,
};

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/admin/idp/{id}/test", get(test))
        .route("/admin/idp/{id}/test/start", get(start))
        .route("/admin/idp/{id}/activate", get(confirm).post(activate))
}

async fn page(hub: &Hub, here: &Here, astray: Option<String>) -> Result<TestPage, AppError> {
    let finding = hub.federation.finding(&here.row).await?;
    let local_owner = user::has_local_owner(&hub.db).await?;
    let mine = finding.as_ref().is_some_and(|finding| finding.user_id == here.me.user_id);
    let who = match &finding {
        Some(finding) => user::name(&hub.db, &finding.user_id).await?,
        None => String::new(),
    };
    Ok(TestPage { frame: here.frame.clone(), finding, who, mine, local_owner, astray, error: None })
}

async fn test(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    Path(id): Path<String>,
    Astray(astray): Astray,
) -> Result<Response, AppError> {
    let here = Here::at(&hub, frame, &id, "test").await?;
    if here.frame.done < 4 {
        return Ok(Redirect::to(&format!("/admin/idp/{}", here.row.id)).into_response());
    }
    Ok(page(&hub, &here, astray).await?.render(&here.shell).into_response())
}

/// The page again, with why what was changed is not put in force.
pub async fn tested(hub: &Hub, frame: ShellOf, id: &str, code: &'static str) -> Result<Response, AppError> {
    let here = Here::at(hub, frame, id, "test").await?;
    let page = page(hub, &here, None).await?;
    Ok(unprocessable(&TestPage { error: Some(code), ..page }, &here.shell))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Wish {
    /// `another`: the provider asks who that is, even if it knows.
    person: String,
}

/// A link, not a form: the policy of our pages lets no form lead to another site.
async fn start(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    preferences: Preferences,
    origin: Origin,
    Path(id): Path<String>,
    Query(wish): Query<Wish>,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    let here = Here::at(&hub, frame, &id, "test").await?;
    own_click(&headers)?;
    let bound = cookie::get(&headers, cookie::LOGIN);
    let (public, tried) = (&hub.edge.public_url, (&here.row, wish.person == "another"));
    let (way, bound) = match hub.federation.try_out(&here.me, tried, bound, public, &origin).await? {
        Departure::Away { way, cookie } => (way, cookie),
        Departure::Found => return Ok(Redirect::to(&format!("/admin/idp/{}/test", here.row.id)).into_response()),
    };
    Ok(saml_page::set_out(&hub, Begun { way, cookie: bound }, preferences))
}

async fn confirmation(hub: &Hub, here: &Here, error: Option<&'static str>) -> Result<ActivatePage, AppError> {
    let local_owner = user::has_local_owner(&hub.db).await?;
    Ok(ActivatePage { frame: here.frame.clone(), passed: here.frame.done == 5, local_owner, error })
}

async fn confirm(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    Path(id): Path<String>,
) -> Result<Html<String>, AppError> {
    let here = Here::at(&hub, frame, &id, "activate").await?;
    Ok(confirmation(&hub, &here, None).await?.render(&here.shell))
}

async fn activate(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let here = Here::at(&hub, frame, &id, "activate").await?;
    let (mut tx, now) = (hub.db.begin().await?, hub.clock.now());
    match hub.federation.activate(&mut tx, &here.row.id, now).await {
        Ok(()) => {}
        Err(Blocked::Store(error)) => return Err(error.into()),
        Err(blocked) => {
            tx.rollback().await?;
            return Ok(unprocessable(&confirmation(&hub, &here, Some(blocked.code())).await?, &here.shell));
        }
    }
    conclude(tx, Act::on(&here.me, &origin, "idp.enable", "idp", &here.row.id), now).await?;
    Ok(done(&format!("/admin/idp/{}", here.row.id), "idp_activated", None))
}
