//! `/admin/idp/{id}/roles`: who gets which role and department. Of a provider in use it holds from the next sign-in on.

use axum::{
    Router,
    extract::{Path, RawForm, State},
    response::{Html, IntoResponse, Response},
    routing::get,
};

use super::{
    ShellOf,
    idp_form::{Posted, explain},
    idp_setup::{Here, unprocessable},
};
use crate::{
    app::{Hub, SharedHub},
    http::{
        AppError,
        console::view::{Page, idp::Wrong, idp_setup::RolesPage},
    },
    identity::{
        Origin, Role,
        federation::{aside::put_aside_roles, manage::Rejected, saml::manage::saml_settings, setup},
    },
};

/// Rows to type further groups into.
const BLANK: usize = 3;

pub fn routes() -> Router<SharedHub> {
    Router::new().route("/admin/idp/{id}/roles", get(roles).post(map))
}

/// What names a person there.
fn subject(here: &Here) -> String {
    match saml_settings(&here.row) {
        Some(known) => known.subject_attribute.unwrap_or_else(|| "NameID".to_owned()),
        None => "sub".to_owned(),
    }
}

async fn roles(State(hub): State<SharedHub>, frame: ShellOf, Path(id): Path<String>) -> Result<Html<String>, AppError> {
    let here = Here::at(&hub, frame, &id, "roles").await?;
    let setup::Mapping { groups: groups_claim, roles: mapped, mut departments, default_role } =
        setup::mapping(&here.live);
    let mut rows: Vec<(String, String, String)> = Vec::new();
    for (group, role) in mapped {
        let department = departments.remove(&group).unwrap_or_default();
        rows.push((group, role.as_str().to_owned(), department));
    }
    if here.frame.preset.has_groups() || !rows.is_empty() {
        rows.extend(vec![Default::default(); BLANK]);
    }
    let default_role = default_role.map(Role::as_str).unwrap_or_default().to_owned();
    let seen = seen(&hub, &here).await?;
    let (subject, frame) = (subject(&here), here.frame.clone());
    Ok(RolesPage { groups_claim, rows, default_role, seen, wrong: None, subject, frame }.render(&here.shell))
}

/// Groups of the reader's own last trial.
async fn seen(hub: &Hub, here: &Here) -> Result<Option<String>, AppError> {
    let finding = hub.federation.finding(&here.row).await?.filter(|finding| finding.user_id == here.me.user_id);
    let received = finding.map(|finding| finding.report.received).unwrap_or_default();
    let groups = received.into_iter().find(|known| known.usage == "groups").and_then(|known| known.value);
    Ok(groups.filter(|groups| !groups.is_empty()))
}

async fn map(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    let here = Here::at(&hub, frame, &id, "roles").await?;
    let (posted, subject) = (Posted::read(&body), subject(&here));
    let page = |wrong: Option<Wrong>, blank: usize, seen| {
        let mut rows = posted.rows();
        rows.extend(vec![Default::default(); blank]);
        let default_role = posted.text("default_role");
        let groups_claim = posted.text("groups_claim");
        RolesPage { groups_claim, rows, default_role, seen, wrong, subject, frame: here.frame.clone() }
    };
    let action = posted.text("action");
    if action == "more" {
        return Ok(page(None, 2 * BLANK, seen(&hub, &here).await?).render(&here.shell).into_response());
    }
    let aside = action == "later" && here.live.draft;
    let checked = match posted.mapping() {
        Ok(mapping) => {
            let checked = if aside { put_aside_roles(&here.live, mapping) } else { setup::map(&here.live, mapping) };
            checked.map_err(|rejected: Rejected| explain(rejected, "roles"))
        }
        Err(wrong) => Err(Ok(wrong)),
    };
    match checked {
        Ok(filled) => {
            here.store(&hub, &origin, filled).await?;
            Ok(here.on(&action, "test", "saved"))
        }
        Err(wrong) => {
            let wrong = Some(wrong?);
            Ok(unprocessable(&page(wrong, BLANK, seen(&hub, &here).await?), &here.shell))
        }
    }
}
