//! `/admin/idp/{id}/take`: what the provider gave. Of a draft it is stored; of a provider in use it is kept beside what
//! holds, until it was tried.

use axum::{
    Router,
    extract::{Path, RawForm, State},
    response::{Html, Response},
    routing::get,
};
use secrecy::SecretString;

use super::{
    ShellOf, done,
    idp::find,
    idp_change,
    idp_facts::{facts, keys_url},
    idp_form::{Posted, explain},
    idp_setup::{Here, unprocessable},
};
use crate::{
    app::{Hub, SharedHub},
    http::{
        AppError,
        console::view::{Page, idp::Wrong, idp_setup::TakePage},
    },
    identity::{
        Origin,
        federation::{
            manage::Rejected,
            saml::manage::saml_settings,
            setup::{self, Filled, SamlValues},
            trial::fingerprint,
        },
    },
};

pub fn routes() -> Router<SharedHub> {
    Router::new().route("/admin/idp/{id}/take", get(take).post(fill))
}

/// What is stored, as the form shows it.
fn taken(hub: &Hub, here: &Here) -> TakePage {
    let (row, filled) = (&here.row, setup::is_filled(&here.row));
    let mut page = TakePage {
        frame: here.frame.clone(),
        seen: fingerprint(row),
        issuer: String::new(),
        client_id: String::new(),
        has_secret: row.secret.is_some(),
        authentication: "basic".to_owned(),
        scopes: String::new(),
        algorithms: String::new(),
        max_age: String::new(),
        tenants: String::new(),
        private: false,
        metadata_url: String::new(),
        metadata: String::new(),
        subject_attribute: String::new(),
        unsolicited: false,
        response_signed: false,
        facts: filled.then(|| facts(row)),
        keys_url: filled.then(|| keys_url(hub, row)).flatten(),
        wrong: None,
    };
    if let Some(known) = saml_settings(row) {
        page.metadata_url = known.metadata_url.unwrap_or_default();
        page.subject_attribute = known.subject_attribute.unwrap_or_default();
        (page.unsolicited, page.response_signed, page.private) =
            (known.unsolicited, known.response_signed, known.private);
    } else if let Some(known) = setup::oidc_settings(row) {
        (page.issuer, page.client_id, page.private) = (known.issuer, known.client_id, known.private);
        page.authentication = known.authentication.as_str().to_owned();
        page.has_secret &= known.authentication.takes_secret();
        page.scopes = known.scopes.join(" ");
        page.algorithms = known.algorithms.join(" ");
        page.max_age = known.max_age.map(|seconds| seconds.to_string()).unwrap_or_default();
        page.tenants = known.tenants.join(" ");
    }
    page
}

async fn take(State(hub): State<SharedHub>, frame: ShellOf, Path(id): Path<String>) -> Result<Html<String>, AppError> {
    let here = Here::at(&hub, frame, &id, "take").await?;
    Ok(taken(&hub, &here).render(&here.shell))
}

async fn fill(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    let here = Here::at(&hub, frame, &id, "take").await?;
    let posted = Posted::read(&body);
    let action = posted.text("action");
    let seen = posted.text("seen");
    let (field, filled) = if !seen.is_empty() && seen != fingerprint(&here.row) {
        ("form", Err(Ok(Wrong::plain("form", "IDP_CHANGED"))))
    } else if here.row.kind == "saml" {
        ("metadata", filled_saml(&hub, &here, &posted).await.map_err(|e| explain(e, "metadata")))
    } else {
        ("issuer", filled_oidc(&hub, &here, &posted).await)
    };
    let kept = match filled {
        Ok(filled) if here.row.draft => {
            here.store(&hub, &origin, filled).await?;
            return Ok(here.on(&action, if action == "check" { "take" } else { "roles" }, "idp_read"));
        }
        Ok(filled) => {
            let kept = idp_change::keep(&hub, (&here.me, &origin), &here.row.id, filled, "idp.change").await?;
            kept.map_err(|rejected| explain(rejected, field))
        }
        Err(wrong) => Err(wrong),
    };
    match kept {
        Ok(()) => Ok(done(&format!("/admin/idp/{}/test", here.row.id), "idp_pending", None)),
        Err(wrong) => {
            let page = typed(&hub, &here, &posted, wrong?);
            // Whoever was overtaken overwrites nothing yet.
            let keeps = here.row.draft && field != "form";
            let kept = keeps && keep_secret(&hub, &here, &origin, &posted).await?;
            // With the secret that was kept, these are the settings that the form goes on from.
            let seen = if kept { fingerprint(&find(&hub, &here.row.id).await?) } else { page.seen.clone() };
            Ok(unprocessable(&TakePage { has_secret: page.has_secret || kept, seen, ..page }, &here.shell))
        }
    }
}

/// What a form says that is put aside is not asked of the provider.
async fn filled_saml(hub: &Hub, here: &Here, posted: &Posted) -> Result<Filled, Rejected> {
    let (row, by) = (&here.row, here.me.role);
    let values = posted.saml();
    if posted.text("action") == "later" && row.draft {
        return hub.federation.put_aside_saml(row, values, by).await;
    }
    // Of a provider in use it is read by itself, and by a button of its own.
    let known = saml_settings(row).and_then(|known| known.metadata_url);
    let same =
        !row.draft && posted.text("metadata").is_empty() && known.is_some_and(|url| url == posted.text("metadata_url"));
    let source = if same { None } else { values.source };
    hub.federation.fill_saml(row, SamlValues { source, ..values }, by).await
}

async fn filled_oidc(hub: &Hub, here: &Here, posted: &Posted) -> Result<Filled, Result<Wrong, AppError>> {
    let values = posted.oidc().map_err(Ok)?;
    let filled = if posted.text("action") == "later" && here.row.draft {
        hub.federation.put_aside_oidc(&here.row, values)
    } else {
        hub.federation.fill_oidc(&here.row, values).await
    };
    filled.map_err(|rejected| explain(rejected, "issuer"))
}

/// A secret that was typed beside something wrong: nobody has to copy it again.
async fn keep_secret(hub: &Hub, here: &Here, origin: &Origin, posted: &Posted) -> Result<bool, AppError> {
    let secret = SecretString::from(posted.text("secret"));
    let Ok(filled) = hub.federation.change_secret(&here.row, &secret) else { return Ok(false) };
    here.store(hub, origin, filled).await?;
    Ok(true)
}

/// The form as it was sent; a secret does not go back.
fn typed(hub: &Hub, here: &Here, posted: &Posted, wrong: Wrong) -> TakePage {
    TakePage {
        issuer: posted.text("issuer"),
        client_id: posted.text("client_id"),
        authentication: posted.text("authentication"),
        scopes: posted.text("scopes"),
        algorithms: posted.text("algorithms"),
        max_age: posted.text("max_age"),
        tenants: posted.text("tenants"),
        private: posted.ticked("private"),
        metadata_url: posted.text("metadata_url"),
        metadata: posted.text("metadata"),
        subject_attribute: posted.text("subject_attribute"),
        unsolicited: posted.ticked("unsolicited"),
        response_signed: posted.ticked("response_signed"),
        wrong: Some(wrong),
        ..taken(hub, here)
    }
}
