//! `/admin/idp/new` and the steps of `/admin/idp/{id}/…`: a draft that is tried before anybody signs in by it.

use axum::{
    Router,
    extract::{Path, RawForm, State},
    http::{HeaderMap, StatusCode},
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};

use secrecy::SecretString;

use super::{
    ShellOf, done,
    idp::{changed, facts, find, given, keys_url},
    idp_form::{Posted, explain},
    outcome::{Act, audited},
};
use crate::{
    app::{Hub, SharedHub},
    http::{
        AppError, Preferences,
        console::{
            Section, Shell,
            view::{
                Page,
                idp::Wrong,
                idp_setup::{ActivatePage, Frame, GivePage, MethodPage, RolesPage, STEPS, TakePage, TestPage},
            },
        },
        cookie, saml as saml_page,
        session::own_click,
    },
    identity::{
        Action, Origin, Principal, Role,
        federation::{
            manage::Rejected,
            preset::Preset,
            saml::{Begun, manage::saml_settings},
            setup::{self, Blocked, Filled},
            trial::{self, Departure},
        },
    },
    store::{
        idp::{self, Row},
        user,
    },
};

/// Rows to type further groups into.
const BLANK: usize = 3;

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/admin/idp/new", get(begin).post(create))
        .route("/admin/idp/{id}/method", get(method).post(rename))
        .route("/admin/idp/{id}/give", get(give))
        .route("/admin/idp/{id}/take", get(take).post(fill))
        .route("/admin/idp/{id}/roles", get(roles).post(map))
        .route("/admin/idp/{id}/test", get(test))
        .route("/admin/idp/{id}/test/start", get(start))
        .route("/admin/idp/{id}/activate", get(confirm).post(activate))
}

/// A provider, and the step that a page shows of it.
struct Here {
    row: Row,
    frame: Frame,
    shell: Shell,
    me: Principal,
}

impl Here {
    async fn at(hub: &Hub, frame: ShellOf, id: &str, step: &str) -> Result<Self, AppError> {
        let asked = frame.allow(Action::ManageSignIn, Section::SignIn)?;
        let row = find(hub, id).await?;
        // What is in use keeps who its people are: only roles change, and it may be tried again.
        if !row.draft && !["roles", "test"].contains(&step) {
            return Err(AppError::Elsewhere(format!("/admin/idp/{}", row.id)));
        }
        // From here on groups decide who is administrator.
        if step == "activate" || (step == "roles" && !row.draft) {
            asked.fresh(hub, &format!("/admin/idp/{}/{step}", row.id))?;
        }
        let ShellOf { shell, me, .. } = asked;
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
        };
        Ok(Self { row, frame, shell, me })
    }

    /// To a step, or back to the provider where it is in use.
    fn on(&self, step: &str, word: &str) -> Response {
        let id = &self.row.id;
        let to = if self.row.draft { format!("/admin/idp/{id}/{step}") } else { format!("/admin/idp/{id}") };
        done(&to, word, None)
    }

    async fn store(&self, hub: &Hub, origin: &Origin, filled: Filled) -> Result<(), AppError> {
        let (mut tx, now) = (hub.db.begin().await?, hub.clock.now());
        if !filled.store(&mut tx, &self.row.id, now).await? {
            return Err(changed());
        }
        audited(&mut tx, Act::on(&self.me, origin, "idp.change", "idp", &self.row.id), now).await?;
        Ok(tx.commit().await?)
    }
}

fn unprocessable(page: &impl Page, shell: &Shell) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, page.render(shell)).into_response()
}

async fn begin(frame: ShellOf) -> Result<Html<String>, AppError> {
    let ShellOf { shell, .. } = frame.allow(Action::ManageSignIn, Section::SignIn)?;
    let name = shell.t("idp.name_default").to_owned();
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
        let wrong = Wrong { field: "name".into(), code: "IDP_NAME_TAKEN".into(), detail: String::new() };
        return Ok(refused(wrong));
    }
    let act = Act::on(&me, &origin, "idp.create", "idp", &row.id);
    audited(&mut tx, act.detail(serde_json::json!({"draft": true})), now).await?;
    tx.commit().await?;
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
    let (preset, name) = (preset(&posted)?, posted.text("name"));
    let mut tx = hub.db.begin().await?;
    if let Err(rejected) = hub.federation.rename(&mut tx, &here.row, &name, preset).await {
        let wrong = Some(explain(rejected, "name")?);
        return Ok(unprocessable(&MethodPage { frame: Some(here.frame), preset, name, wrong }, &here.shell));
    }
    audited(&mut tx, Act::on(&here.me, &origin, "idp.change", "idp", &here.row.id), hub.clock.now()).await?;
    tx.commit().await?;
    Ok(Redirect::to(&format!("/admin/idp/{}/give", here.row.id)).into_response())
}

async fn give(State(hub): State<SharedHub>, frame: ShellOf, Path(id): Path<String>) -> Result<Html<String>, AppError> {
    let here = Here::at(&hub, frame, &id, "give").await?;
    Ok(GivePage { values: given(&hub, &here.row), frame: here.frame }.render(&here.shell))
}

/// What is stored, as the form shows it.
fn taken(hub: &Hub, here: &Here) -> TakePage {
    let (row, filled) = (&here.row, setup::is_filled(&here.row));
    let mut page = TakePage {
        frame: here.frame.clone(),
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
    let filled = if here.row.kind == "saml" {
        hub.federation.fill_saml(&here.row, posted.saml(), here.me.role).await.map_err(|e| explain(e, "metadata"))
    } else {
        match posted.oidc() {
            Ok(values) => hub.federation.fill_oidc(&here.row, values).await.map_err(|e| explain(e, "issuer")),
            Err(wrong) => Err(Ok(wrong)),
        }
    };
    match filled {
        Ok(filled) => {
            here.store(&hub, &origin, filled).await?;
            Ok(here.on(if posted.text("action") == "check" { "take" } else { "roles" }, "idp_read"))
        }
        Err(wrong) => {
            let page = typed(&hub, &here, &posted, wrong?);
            let kept = keep_secret(&hub, &here, &origin, &posted).await?;
            Ok(unprocessable(&TakePage { has_secret: page.has_secret || kept, ..page }, &here.shell))
        }
    }
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

async fn roles(State(hub): State<SharedHub>, frame: ShellOf, Path(id): Path<String>) -> Result<Html<String>, AppError> {
    let here = Here::at(&hub, frame, &id, "roles").await?;
    let setup::Mapping { groups: groups_claim, roles: mapped, mut departments, default_role } =
        setup::mapping(&here.row);
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
    let page = RolesPage { groups_claim, rows, default_role, seen, wrong: None, frame: here.frame.clone() };
    Ok(page.render(&here.shell))
}

/// Groups of the reader's own last trial.
async fn seen(hub: &Hub, here: &Here) -> Result<Option<String>, AppError> {
    let finding = hub.federation.finding(&here.row).await?.filter(|finding| finding.user_id == here.me.user_id);
    let received = finding.map(|finding| finding.report.received).unwrap_or_default();
    Ok(received.into_iter().find(|known| known.usage == "groups").and_then(|known| known.value))
}

async fn map(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    let here = Here::at(&hub, frame, &id, "roles").await?;
    let posted = Posted::read(&body);
    let page = |wrong: Option<Wrong>, blank: usize, seen| {
        let mut rows = posted.rows();
        rows.extend(vec![Default::default(); blank]);
        let default_role = posted.text("default_role");
        let groups_claim = posted.text("groups_claim");
        RolesPage { groups_claim, rows, default_role, seen, wrong, frame: here.frame.clone() }
    };
    if posted.text("action") == "more" {
        return Ok(page(None, 2 * BLANK, seen(&hub, &here).await?).render(&here.shell).into_response());
    }
    let checked = match posted.mapping() {
        Ok(mapping) => setup::map(&here.row, mapping).map_err(|rejected: Rejected| explain(rejected, "roles")),
        Err(wrong) => Err(Ok(wrong)),
    };
    match checked {
        Ok(filled) => {
            here.store(&hub, &origin, filled).await?;
            Ok(here.on("test", "saved"))
        }
        Err(wrong) => {
            let wrong = Some(wrong?);
            Ok(unprocessable(&page(wrong, BLANK, seen(&hub, &here).await?), &here.shell))
        }
    }
}

async fn test(State(hub): State<SharedHub>, frame: ShellOf, Path(id): Path<String>) -> Result<Response, AppError> {
    let here = Here::at(&hub, frame, &id, "test").await?;
    if here.frame.done < 4 {
        return Ok(Redirect::to(&format!("/admin/idp/{}", here.row.id)).into_response());
    }
    let finding = hub.federation.finding(&here.row).await?;
    let local_owner = user::has_local_owner(&hub.db).await?;
    let mine = finding.as_ref().is_some_and(|finding| finding.user_id == here.me.user_id);
    let names = match &finding {
        Some(finding) => user::names(&hub.db, &[finding.user_id.as_str()]).await?,
        None => Vec::new(),
    };
    let who = names.into_iter().next().map(|(_, name)| name).unwrap_or_default();
    Ok(TestPage { frame: here.frame, finding, who, mine, local_owner }.render(&here.shell).into_response())
}

/// A link in a tab of its own, not a form: the policy of our pages lets no form lead to another site.
async fn start(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    preferences: Preferences,
    origin: Origin,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    let here = Here::at(&hub, frame, &id, "test").await?;
    own_click(&headers)?;
    let bound = cookie::get(&headers, cookie::LOGIN);
    let public = &hub.edge.public_url;
    let (way, bound) = match hub.federation.try_out(&here.me, &here.row, bound, public, &origin).await? {
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
    audited(&mut tx, Act::on(&here.me, &origin, "idp.enable", "idp", &here.row.id), now).await?;
    tx.commit().await?;
    Ok(done(&format!("/admin/idp/{}", here.row.id), "idp_activated", None))
}
