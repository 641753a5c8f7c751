//! Keys of a SAML provider that is in use: its metadata read again, and the roll-over of our own.

use axum::{
    Router,
    extract::{Path, RawForm, State},
    response::Response,
    routing::post,
};
use serde_json::json;

use super::{
    ShellOf, done,
    idp::{again, changed, find, find_to_act},
    idp_form::{Posted, explain},
    outcome::{Act, conclude},
};
use crate::{
    app::SharedHub,
    http::AppError,
    identity::{
        Action, Origin,
        federation::{
            saml::{self, Step, manage::saml_settings},
            setup::SamlValues,
        },
    },
    store::idp,
};

pub fn routes() -> Router<SharedHub> {
    Router::new().route("/admin/idp/{id}/refresh", post(refresh)).route("/admin/idp/{id}/key", post(roll_key))
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
    conclude(tx, act.detail(json!({"come": come, "gone": gone})), now).await?;
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
    let row = find_to_act(&hub, &frame, &id).await?;
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
    conclude(tx, act.detail(detail), now).await?;
    let word = match step {
        Step::Next => "idp_key_next",
        Step::Switch => "idp_key_switch",
        Step::Retire => "idp_key_retire",
    };
    Ok(done(&format!("/admin/idp/{}", row.id), word, None))
}
