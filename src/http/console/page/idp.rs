//! `/admin/idp/{id}`: an identity provider that people sign in with.

use axum::{
    Router,
    extract::{Path, RawForm, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use secrecy::SecretString;
use serde_json::json;

use super::{
    ShellOf, audit, done, idp_change, idp_domain,
    idp_facts::{facts, given, own_keys},
    idp_form::{Posted, explain},
    idp_setup::pending,
    idps::{line, refused},
    outcome::{Act, conclude},
};
use crate::{
    app::{Hub, SharedHub},
    http::{
        AppError,
        console::{
            Section,
            view::{
                Page,
                idp::{IdpPage, MetadataReading, Wrong},
            },
        },
    },
    identity::{
        Action, GlassError, Origin,
        federation::{force, manage, saml::manage::saml_settings, setup},
    },
    model::{Timestamp, View},
    store::{
        self, StoreError, Tx,
        idp::{self, Row},
    },
};

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/admin/idp/{id}", get(show))
        .route("/admin/idp/{id}/enable", post(enable))
        .route("/admin/idp/{id}/disable", post(disable))
        .route("/admin/idp/{id}/remove", post(remove))
        .route("/admin/idp/{id}/secret", post(change_secret))
}

pub async fn find(hub: &Hub, id: &str) -> Result<Row, AppError> {
    idp::get(&hub.db, &id.replace('\0', "")).await?.ok_or(AppError::NotFound)
}

/// The provider of an act that asks again who somebody is.
pub async fn find_to_act(hub: &Hub, frame: &ShellOf, id: &str) -> Result<Row, AppError> {
    frame.me.require(Action::ManageSignIn)?;
    let row = find(hub, id).await?;
    frame.fresh(hub, &format!("/admin/idp/{}", row.id))?;
    Ok(row)
}

async fn show(State(hub): State<SharedHub>, frame: ShellOf, Path(id): Path<String>) -> Result<Response, AppError> {
    let ShellOf { shell, me, .. } = frame.allow(Action::ManageSignIn, Section::SignIn)?;
    let row = find(&hub, &id).await?;
    if row.draft {
        let next = if setup::is_put_aside(&row) {
            "take"
        } else if !setup::is_filled(&row) {
            "give"
        } else if !setup::is_mapped(&row) {
            "roles"
        } else {
            "test"
        };
        return Ok(Redirect::to(&format!("/admin/idp/{}/{next}", row.id)).into_response());
    }
    Ok(page(&hub, &me.view, &row, None).await?.render(&shell).into_response())
}

async fn page(hub: &Hub, view: &View, row: &Row, wrong: Option<Wrong>) -> Result<IdpPage, StoreError> {
    let filter = store::audit::Filter {
        named: Some(&row.id),
        kind: Some("session"),
        outcome: Some("refused"),
        ..Default::default()
    };
    let (seen, refused, reading, change) = tokio::try_join!(
        idp::last_sign_ins(&hub.db),
        store::audit::list(&hub.db, &filter, 10),
        store::saml::reading(&hub.db, &row.id),
        store::idp_change::get(&hub.db, &row.id)
    )?;
    let setup::Mapping { groups: groups_claim, roles, departments, default_role } = setup::mapping(row);
    Ok(IdpPage {
        row: line(row, &seen),
        facts: facts(row),
        given: given(hub, row),
        groups_claim,
        roles: roles.into_iter().collect(),
        departments: departments.into_iter().collect(),
        default_role,
        has_secret: setup::oidc_settings(row).is_some_and(|known| known.authentication.takes_secret()),
        metadata_url: saml_settings(row).and_then(|known| known.metadata_url).unwrap_or_default(),
        valid_until: saml_settings(row).and_then(|known| known.valid_until).map(Timestamp),
        reading: reading.map(|reading| MetadataReading {
            due_at: Timestamp(reading.due_at),
            read_at: reading.read_at.map(Timestamp),
            failed_at: reading.failed_at.map(Timestamp),
            code: reading.code,
            detail: reading.detail,
        }),
        own_keys: own_keys(row),
        wrong,
        pending: pending(hub, change).await?,
        refusals: audit::lines(hub, view, refused).await?,
        domains: idp_domain::rows(hub, &row.id).await?,
    })
}

/// The provider's page again, with what is wrong.
pub async fn again(hub: &Hub, frame: ShellOf, row: &Row, wrong: Wrong) -> Result<Response, AppError> {
    let view = page(hub, &frame.me.view, row, Some(wrong)).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, view.render(&frame.at(Section::SignIn))).into_response())
}

async fn enable(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let (row, now) = (find_to_act(&hub, &frame, &id).await?, hub.clock.now());
    let mut tx = hub.db.begin().await?;
    if !idp::set_enabled(&mut tx, &row.id, true, now).await? {
        return Err(AppError::Conflict { code: "IDP_DRAFT", detail: "it is still being set up".to_owned() });
    }
    conclude(tx, Act::on(&frame.me, &origin, "idp.enable", "idp", &row.id), now).await?;
    Ok(done(&format!("/admin/idp/{}", row.id), "idp_enabled", None))
}

async fn disable(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let (row, now) = (find_to_act(&hub, &frame, &id).await?, hub.clock.now());
    let mut tx = hub.db.begin().await?;
    let ended = match manage::switch_off(&mut tx, &row.id, &frame.me.user_id, now).await {
        Ok(ended) => ended,
        Err(error) => return kept(&hub, frame, tx, error).await,
    };
    let act = Act::on(&frame.me, &origin, "idp.disable", "idp", &row.id);
    conclude(tx, act.detail(json!({"ended": ended})), now).await?;
    Ok(done(&format!("/admin/idp/{}", row.id), "idp_disabled", i64::try_from(ended).ok()))
}

async fn remove(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    frame.me.require(Action::ManageSignIn)?;
    let (row, now) = (find(&hub, &id).await?, hub.clock.now());
    // A draft signs nobody in.
    if !row.draft {
        frame.fresh(&hub, &format!("/admin/idp/{}", row.id))?;
    }
    let mut tx = hub.db.begin().await?;
    let ended = match manage::forget(&mut tx, &row.id, &frame.me.user_id, now).await {
        Ok(ended) => ended,
        Err(error) => return kept(&hub, frame, tx, error).await,
    };
    let act = Act::on(&frame.me, &origin, "idp.remove", "idp", &row.id);
    conclude(tx, act.detail(json!({"ended": ended})), now).await?;
    Ok(done("/admin/idp", "idp_removed", i64::try_from(ended).ok()))
}

/// A provider that has to stay.
async fn kept(hub: &Hub, frame: ShellOf, tx: Tx, error: GlassError) -> Result<Response, AppError> {
    tx.rollback().await?;
    match error {
        GlassError::Store(error) => Err(error.into()),
        error => refused(hub, frame, error.code()).await,
    }
}

/// A new secret is tried beside the one that works.
async fn change_secret(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    frame.me.require(Action::ManageSignIn)?;
    let row = find(&hub, &id).await?;
    let tried = force::as_tried(&hub.db, row.clone()).await?;
    let secret = SecretString::from(Posted::read(&body).text("secret"));
    let filled = match hub.federation.change_secret(&tried, &secret) {
        Ok(filled) => filled,
        Err(rejected) => return again(&hub, frame, &row, explain(rejected, "secret")?).await,
    };
    match idp_change::keep(&hub, (&frame.me, &origin), &row.id, filled, "idp.secret").await? {
        Ok(()) => Ok(done(&format!("/admin/idp/{}/test", row.id), "idp_pending", None)),
        Err(rejected) => again(&hub, frame, &row, explain(rejected, "secret")?).await,
    }
}

/// Somebody else changed the provider while the page was open.
pub fn changed() -> AppError {
    AppError::Conflict { code: "IDP_CHANGED", detail: "the settings changed meanwhile; look at them again".to_owned() }
}
