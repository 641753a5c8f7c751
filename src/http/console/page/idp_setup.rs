//! `/admin/idp/new` and the first steps of `/admin/idp/{id}/…`, and what all steps know: a draft is tried before
//! anybody signs in by it, and so is what is changed of a provider in use.

use std::convert::Infallible;

use axum::{
    Router,
    extract::{FromRequestParts, Path, RawForm, State},
    http::{StatusCode, request::Parts},
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use serde_json::json;

use super::{
    ShellOf, done,
    idp::{changed, find},
    idp_facts::{given, own_certificate},
    idp_form::{Posted, explain},
    outcome::{Act, conclude},
};
use crate::{
    app::{Hub, SharedHub},
    http::{
        AppError,
        console::{
            Section, Shell,
            view::{
                Page,
                idp::{Pending, Wrong},
                idp_setup::{Frame, GivePage, MethodPage, STEPS},
            },
        },
        transport::Transport,
    },
    identity::{
        Action, Origin, Principal,
        federation::{
            force,
            preset::Preset,
            setup::{self, Filled},
            trial,
        },
    },
    model::Timestamp,
    store::{
        StoreError,
        idp::{self, Row},
        idp_change, user,
    },
};

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/admin/idp/new", get(begin).post(create))
        .route("/admin/idp/{id}/method", get(method).post(rename))
        .route("/admin/idp/{id}/give", get(give))
}

/// A provider, and the step that a page shows of it.
pub struct Here {
    /// As people sign in by it.
    pub live: Row,
    /// As it is tried: with what was changed.
    pub row: Row,
    pub frame: Frame,
    pub shell: Shell,
    pub me: Principal,
}

impl Here {
    pub async fn at(hub: &Hub, frame: ShellOf, id: &str, step: &str) -> Result<Self, AppError> {
        let asked = frame.allow(Action::ManageSignIn, Section::SignIn)?;
        let live = find(hub, id).await?;
        if !live.draft && step == "activate" {
            return Err(AppError::Elsewhere(format!("/admin/idp/{}", live.id)));
        }
        // From here on groups decide who is administrator.
        if step == "activate" || (step == "roles" && !live.draft) {
            let (here, back) = (format!("/admin/idp/{}/{step}", live.id), format!("/admin/idp/{}", live.id));
            asked.fresh_for(hub, &here, &back)?;
        }
        let ShellOf { shell, me, .. } = asked;
        let change = idp_change::get(&hub.db, &live.id).await?;
        let row = force::changed(&live, change.as_ref());
        let finding = idp::trial(&hub.db, &row.id).await?;
        let done = match () {
            () if !setup::is_filled(&row) => 2,
            () if !setup::is_mapped(&row) => 3,
            () if !finding.is_some_and(|f| f.passed && f.settings_hash == trial::fingerprint(&row)) => 4,
            () => 5,
        };
        let frame = Frame {
            id: row.id.clone(),
            name: row.name.clone(),
            kind: row.kind.clone(),
            preset: Preset::of(&row.kind, row.preset.as_deref()),
            at: STEPS.iter().position(|known| *known == step).unwrap_or_default(),
            done,
            draft: row.draft,
            pending: pending(hub, change).await?,
        };
        Ok(Self { live, row, frame, shell, me })
    }

    /// To the list, where something was put aside; to a step; or back to the provider where it is in use.
    pub fn on(&self, action: &str, step: &str, word: &str) -> Response {
        let id = &self.row.id;
        match (action, self.row.draft) {
            ("later", _) => done("/admin/idp", "idp_aside", None),
            (_, true) => done(&format!("/admin/idp/{id}/{step}"), word, None),
            (_, false) => done(&format!("/admin/idp/{id}"), word, None),
        }
    }

    /// Stores settings that hold at once.
    pub async fn store(&self, hub: &Hub, origin: &Origin, filled: Filled) -> Result<(), AppError> {
        let (mut tx, now) = (hub.db.begin().await?, hub.clock.now());
        if !filled.store(&mut tx, &self.row.id, now).await? {
            return Err(changed());
        }
        Ok(conclude(tx, Act::on(&self.me, origin, "idp.change", "idp", &self.row.id), now).await?)
    }
}

/// Who changed a provider that is in use, as pages name them.
pub async fn pending(hub: &Hub, change: Option<idp_change::Row>) -> Result<Option<Pending>, StoreError> {
    let Some(change) = change else { return Ok(None) };
    let who = user::name(&hub.db, &change.user_id).await?;
    Ok(Some(Pending { who, at: Timestamp(change.updated_at) }))
}

/// Where a page is to be opened instead, when it was opened under another host than that of `public_url`: providers
/// send browsers back there, where the cookie that binds them is not known. `None`: all is well.
pub struct Astray(pub Option<String>);

impl FromRequestParts<SharedHub> for Astray {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, hub: &SharedHub) -> Result<Self, Infallible> {
        let (transport, ours) = (Transport::of(parts, &hub.edge), &hub.edge.public_url);
        // What a proxy of ours names need not be what the browser named.
        if transport.proxied || transport.host == ours.host().map(|host| host.to_owned()) {
            return Ok(Self(None));
        }
        Ok(Self(ours.join(parts.uri.path()).ok().map(String::from)))
    }
}

pub fn unprocessable(page: &impl Page, shell: &Shell) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, page.render(shell)).into_response()
}

async fn begin(State(hub): State<SharedHub>, frame: ShellOf) -> Result<Html<String>, AppError> {
    let ShellOf { shell, .. } = frame.allow(Action::ManageSignIn, Section::SignIn)?;
    let taken = idp::all(&hub.db).await?;
    let usual = shell.t("idp.name_default");
    let names = std::iter::once(usual.to_owned()).chain((2..).map(|number| format!("{usual} {number}")));
    // There are fewer providers than numbers.
    let name = names.take(taken.len() + 1).find(|name| taken.iter().all(|row| row.name != *name)).unwrap_or_default();
    Ok(MethodPage { frame: None, preset: Preset::Entra, name, wrong: None }.render(&shell))
}

fn preset(posted: &Posted) -> Result<Preset, AppError> {
    Preset::parse(&posted.text("preset")).ok_or_else(|| AppError::invalid("IDP_PRESET", "there is no such method"))
}

async fn create(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    let ShellOf { shell, me, .. } = frame.allow(Action::ManageSignIn, Section::SignIn)?;
    let posted = Posted::read(&body);
    let (preset, name, now) = (preset(&posted)?, posted.text("name"), hub.clock.now());
    let refused = |wrong: Wrong| {
        unprocessable(&MethodPage { frame: None, preset, name: name.clone(), wrong: Some(wrong) }, &shell)
    };
    let row = match hub.federation.draft(preset, &name, now).await {
        Ok(row) => row,
        Err(rejected) => return Ok(refused(explain(rejected, "name")?)),
    };
    let mut tx = hub.db.begin().await?;
    if !idp::insert(&mut tx, &row).await? {
        return Ok(refused(Wrong::plain("name", "IDP_NAME_TAKEN")));
    }
    let act = Act::on(&me, &origin, "idp.create", "idp", &row.id);
    conclude(tx, act.detail(json!({"draft": true})), now).await?;
    Ok(Redirect::to(&format!("/admin/idp/{}/give", row.id)).into_response())
}

async fn method(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    Path(id): Path<String>,
) -> Result<Html<String>, AppError> {
    let here = Here::at(&hub, frame, &id, "method").await?;
    let (preset, name) = (here.frame.preset, here.row.name.clone());
    Ok(MethodPage { frame: Some(here.frame), preset, name, wrong: None }.render(&here.shell))
}

async fn rename(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    let here = Here::at(&hub, frame, &id, "method").await?;
    let posted = Posted::read(&body);
    let (preset, typed, action) = (preset(&posted)?, posted.text("name"), posted.text("action"));
    // Put aside without a name, it keeps the one that it has.
    let name = if action == "later" && typed.is_empty() { here.row.name.clone() } else { typed };
    let mut tx = hub.db.begin().await?;
    if let Err(rejected) = hub.federation.rename(&mut tx, &here.row, &name, preset).await {
        let wrong = Some(explain(rejected, "name")?);
        return Ok(unprocessable(&MethodPage { frame: Some(here.frame), preset, name, wrong }, &here.shell));
    }
    conclude(tx, Act::on(&here.me, &origin, "idp.change", "idp", &here.row.id), hub.clock.now()).await?;
    if here.row.draft && action != "later" {
        return Ok(Redirect::to(&format!("/admin/idp/{}/give", here.row.id)).into_response());
    }
    Ok(here.on(&action, "give", "saved"))
}

async fn give(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    Path(id): Path<String>,
    Astray(astray): Astray,
) -> Result<Html<String>, AppError> {
    let here = Here::at(&hub, frame, &id, "give").await?;
    let certificate = own_certificate(&here.row);
    Ok(GivePage { values: given(&hub, &here.row), frame: here.frame, certificate, astray }.render(&here.shell))
}
