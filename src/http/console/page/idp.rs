//! `/admin/idp`: the identity providers that people sign in with, and one of them.

use axum::{
    Router,
    extract::{Path, RawForm, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use secrecy::SecretString;
use serde_json::json;

use super::{
    ShellOf, audit, done, idp_domain,
    idp_form::{Posted, explain},
    outcome::{Act, audited},
};
use crate::{
    app::{Hub, SharedHub},
    http::{
        AppError,
        console::{
            Section,
            view::{
                Page,
                idp::{
                    CertificateRow, Facts, GlassRow, IdpPage, IdpRow, IdpsPage, MetadataReading, OtherKey, OwnKeys,
                    Wrong,
                },
            },
        },
    },
    identity::{
        Action, GlassError, Origin,
        federation::{
            Authentication, callback, manage, our_keys,
            preset::Preset,
            saml::{self, Step, acs, entity_id, manage::saml_settings, slo},
            setup::{self, SamlValues},
            signed_out,
        },
        glass::is_tested,
    },
    model::{Timestamp, View},
    store::{
        self, StoreError, Tx,
        idp::{self, Row},
        user,
    },
};

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/admin/idp", get(list))
        .route("/admin/idp/{id}", get(show))
        .route("/admin/idp/{id}/enable", post(enable))
        .route("/admin/idp/{id}/disable", post(disable))
        .route("/admin/idp/{id}/remove", post(remove))
        .route("/admin/idp/{id}/secret", post(change_secret))
        .route("/admin/idp/{id}/refresh", post(refresh))
        .route("/admin/idp/{id}/key", post(roll_key))
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

fn line(row: &Row, seen: &[(String, i64)]) -> IdpRow {
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

fn certificate(text: &str, leaves: Option<Timestamp>) -> CertificateRow {
    CertificateRow { fingerprint: saml::fingerprint(text), ends: saml::ends(text), leaves }
}

/// Our own keys of a SAML provider.
fn own_keys(row: &Row) -> Option<OwnKeys> {
    let known = saml_settings(row)?;
    let other = known.other.map(|other| OtherKey {
        certificate: certificate(&other.certificate, None),
        stage: other.stage,
        since: Timestamp(other.since),
    });
    Some(OwnKeys { signs: certificate(&known.certificate, None), other })
}

/// What is known of a provider; empty where nothing was entered.
pub fn facts(row: &Row) -> Facts {
    if let Some(known) = saml_settings(row) {
        let certificate = |text: &String| certificate(text, None);
        let leaving = known.leaving.iter().map(|one| self::certificate(&one.certificate, Some(Timestamp(one.until))));
        return Facts {
            issuer: known.entity_id,
            address: known.redirect.or(known.post).unwrap_or_default(),
            certificates: known.certificates.iter().map(certificate).chain(leaving).collect(),
            ..Facts::default()
        };
    }
    let Some(known) = setup::oidc_settings(row) else { return Facts::default() };
    Facts {
        issuer: known.issuer,
        client_id: known.client_id,
        algorithms: known.algorithms.join(", "),
        scopes: known.scopes.join(" "),
        ..Facts::default()
    }
}

/// What the provider has to be given: word of the catalogue, value.
pub fn given(hub: &Hub, row: &Row) -> Vec<(&'static str, String)> {
    let public = &hub.edge.public_url;
    match row.kind.as_str() {
        "saml" => vec![
            ("idp.give_metadata", entity_id(public, &row.id)),
            ("idp.give_entity", entity_id(public, &row.id)),
            ("idp.give_acs", acs(public, &row.id)),
            ("idp.give_slo", slo(public, &row.id)),
        ],
        _ => {
            let logout = public.join(&format!("auth/oidc/{}/backchannel-logout", row.id));
            let always = [
                ("idp.give_redirect", callback(public, &row.id)),
                ("idp.give_logout", logout.map(String::from).unwrap_or_default()),
                ("idp.give_signed_out", signed_out(public)),
            ];
            always.into_iter().chain(keys_url(hub, row).map(|url| ("idp.give_keys", url))).collect()
        }
    }
}

/// Where a provider reads our keys; `None`: it does not know us by one.
pub fn keys_url(hub: &Hub, row: &Row) -> Option<String> {
    let by_key = setup::oidc_settings(row).is_some_and(|known| known.authentication == Authentication::Key);
    by_key.then(|| our_keys(&hub.edge.public_url, &row.id))
}

pub async fn find(hub: &Hub, id: &str) -> Result<Row, AppError> {
    idp::get(&hub.db, &id.replace('\0', "")).await?.ok_or(AppError::NotFound)
}

async fn show(State(hub): State<SharedHub>, frame: ShellOf, Path(id): Path<String>) -> Result<Response, AppError> {
    let ShellOf { shell, me, .. } = frame.allow(Action::ManageSignIn, Section::SignIn)?;
    let row = find(&hub, &id).await?;
    if row.draft {
        let next = if !setup::is_filled(&row) {
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
    let (seen, refused, reading) = tokio::try_join!(
        idp::last_sign_ins(&hub.db),
        store::audit::list(&hub.db, &filter, 10),
        store::saml::reading(&hub.db, &row.id)
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
    frame.me.require(Action::ManageSignIn)?;
    let (row, now) = (find(&hub, &id).await?, hub.clock.now());
    frame.fresh(&hub, &format!("/admin/idp/{}", row.id))?;
    let mut tx = hub.db.begin().await?;
    if !idp::set_enabled(&mut tx, &row.id, true, now).await? {
        return Err(AppError::Conflict { code: "IDP_DRAFT", detail: "it is still being set up".to_owned() });
    }
    audited(&mut tx, Act::on(&frame.me, &origin, "idp.enable", "idp", &row.id), now).await?;
    tx.commit().await?;
    Ok(done(&format!("/admin/idp/{}", row.id), "idp_enabled", None))
}

async fn disable(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    frame.me.require(Action::ManageSignIn)?;
    let (row, now) = (find(&hub, &id).await?, hub.clock.now());
    frame.fresh(&hub, &format!("/admin/idp/{}", row.id))?;
    let mut tx = hub.db.begin().await?;
    let ended = match manage::switch_off(&mut tx, &row.id, &frame.me.user_id, now).await {
        Ok(ended) => ended,
        Err(error) => return kept(&hub, frame, tx, error).await,
    };
    let act = Act::on(&frame.me, &origin, "idp.disable", "idp", &row.id);
    audited(&mut tx, act.detail(json!({"ended": ended})), now).await?;
    tx.commit().await?;
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
    audited(&mut tx, act.detail(json!({"ended": ended})), now).await?;
    tx.commit().await?;
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

async fn change_secret(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    frame.me.require(Action::ManageSignIn)?;
    let row = find(&hub, &id).await?;
    frame.fresh(&hub, &format!("/admin/idp/{}", row.id))?;
    let secret = SecretString::from(Posted::read(&body).text("secret"));
    let filled = match hub.federation.change_secret(&row, &secret) {
        Ok(filled) => filled,
        Err(rejected) => return again(&hub, frame, &row, explain(rejected, "secret")?).await,
    };
    let (mut tx, now) = (hub.db.begin().await?, hub.clock.now());
    if !filled.store(&mut tx, &row.id, now).await? {
        return Err(changed());
    }
    audited(&mut tx, Act::on(&frame.me, &origin, "idp.secret", "idp", &row.id), now).await?;
    tx.commit().await?;
    Ok(done(&format!("/admin/idp/{}", row.id), "idp_secret", None))
}

/// Metadata from elsewhere, or again from where it came.
async fn refresh(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    frame.me.require(Action::ManageSignIn)?;
    let row = find(&hub, &id).await?;
    let known = saml_settings(&row).ok_or(AppError::NotFound)?;
    // Whoever holds a key of the metadata signs anybody in.
    frame.fresh(&hub, &format!("/admin/idp/{}", row.id))?;
    let before = known.metadata_url.clone().map(saml::manage::Source::Url);
    let source = Posted::read(&body).source().or(before);
    let values = SamlValues {
        source,
        subject_attribute: known.subject_attribute.clone(),
        unsolicited: known.unsolicited,
        response_signed: known.response_signed,
        private: known.private,
    };
    let filled = match hub.federation.fill_saml(&row, values, frame.me.role).await {
        Ok(filled) => filled,
        Err(rejected) => return again(&hub, frame, &row, explain(rejected, "metadata")?).await,
    };
    let (mut tx, now) = (hub.db.begin().await?, hub.clock.now());
    if !filled.store(&mut tx, &row.id, now).await? {
        return Err(changed());
    }
    let new = idp::get(&mut tx, &row.id).await?.as_ref().and_then(saml_settings).unwrap_or_default();
    let prints = |of: &saml::Settings, without: &saml::Settings| -> Vec<String> {
        let other = |text: &&String| !without.certificates.contains(text);
        of.certificates.iter().filter(other).map(|text| saml::fingerprint(text)).collect()
    };
    let (come, gone) = (prints(&new, &known), prints(&known, &new));
    let act = Act::on(&frame.me, &origin, "idp.refresh", "idp", &row.id);
    audited(&mut tx, act.detail(json!({"come": come, "gone": gone})), now).await?;
    tx.commit().await?;
    Ok(done(&format!("/admin/idp/{}", row.id), "idp_refreshed", i64::try_from(come.len()).ok()))
}

/// A step of the roll-over of our own key.
async fn roll_key(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    frame.me.require(Action::ManageSignIn)?;
    let row = find(&hub, &id).await?;
    frame.fresh(&hub, &format!("/admin/idp/{}", row.id))?;
    let step = Step::parse(&Posted::read(&body).text("step")).filter(|_| !row.draft).ok_or_else(changed)?;
    let rolled = match hub.federation.roll_key(&row, step).await {
        Ok(rolled) => rolled,
        Err(rejected) => return again(&hub, frame, &row, explain(rejected, "key")?).await,
    };
    let (mut tx, now) = (hub.db.begin().await?, hub.clock.now());
    let detail = json!({"step": step.as_str(), "certificate": saml::fingerprint(&rolled.certificate)});
    if !rolled.store(&mut tx, &row.id, now).await? {
        return Err(changed());
    }
    let act = Act::on(&frame.me, &origin, "idp.key", "idp", &row.id);
    audited(&mut tx, act.detail(detail), now).await?;
    tx.commit().await?;
    let word = match step {
        Step::Next => "idp_key_next",
        Step::Switch => "idp_key_switch",
        Step::Retire => "idp_key_retire",
    };
    Ok(done(&format!("/admin/idp/{}", row.id), word, None))
}

/// Somebody else changed the provider while the page was open.
pub fn changed() -> AppError {
    AppError::Conflict { code: "IDP_CHANGED", detail: "the settings changed meanwhile; look at them again".to_owned() }
}
