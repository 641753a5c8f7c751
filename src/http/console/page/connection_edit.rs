//! `/connections/{id}/settings/edit`: the same form for a connection that is there.

use axum::{
    Router,
    extract::{Path, RawForm, State},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use musubi_sdk::{connector::CheckItem, manifest::Manifest};
use serde_json::{Map, Value};

use super::{
    ShellOf, connection,
    connection_form::{self, Posted, words},
    done,
    outcome::{Act, conclude},
};
use crate::{
    app::{Hub, SharedHub},
    connection::{
        change::{self, Change, Draft},
        create::CreateError,
        schedule::Plan,
    },
    http::{
        AppError,
        console::{
            Section, Shell,
            view::{Page, connection_edit::ConnectionEditPage},
        },
    },
    identity::{Action, Origin, Principal},
    model::Timestamp,
    store::{self, connection::Row, connection_change},
};

pub fn routes() -> Router<SharedHub> {
    Router::new().route("/connections/{id}/settings/edit", get(form).post(submit))
}

async fn form(State(hub): State<SharedHub>, frame: ShellOf, Path(id): Path<String>) -> Result<Html<String>, AppError> {
    let ShellOf { shell, .. } = frame.allow(Action::ManageConnections, Section::Connections)?;
    let row = store::connection::get(&hub.db, &id).await?.ok_or(AppError::NotFound)?;
    let manifest = hub.registry.catalogue().get(&row.connector).ok_or(AppError::NotFound)?;
    Ok(stored(&hub, &shell, &row, manifest).await?.render(&shell))
}

/// The form as the connection is stored.
async fn stored(hub: &Hub, shell: &Shell, row: &Row, manifest: &Manifest) -> Result<ConnectionEditPage, AppError> {
    let mut form = connection_form::blank(manifest, shell);
    let values: Map<String, Value> = serde_json::from_str(&row.settings).unwrap_or_default();
    let secrets = change::secrets_set(&hub.keys, row);
    for field in &mut form.fields {
        field.set = field.secret && secrets.as_ref().is_some_and(|set| set.contains(&field.name));
        if let Some(value) = values.get(&field.name).filter(|_| !field.secret) {
            field.value = words(value);
        }
    }
    let streams = store::connection::streams(&hub.db, &row.id).await?;
    for (name, on) in &mut form.streams {
        *on = streams.iter().any(|stream| stream.name == *name && stream.enabled);
    }
    form.name.clone_from(&row.name);
    let plan = serde_json::from_str(&row.schedule).unwrap_or(Plan::Manual);
    form.schedule = connection_form::preset(&plan).map_or_else(
        || {
            form.schedules.insert(0, ("keep".to_owned(), connection::plan_text(shell, &row.schedule)));
            "keep".to_owned()
        },
        str::to_owned,
    );
    Ok(ConnectionEditPage {
        id: row.id.clone(),
        name: row.name.clone(),
        kind: row.kind.clone(),
        form,
        revision: row.updated_at,
        unreadable: secrets.is_none(),
        command: command(&row.id, manifest),
        overtaken: None,
    })
}

/// The command that types the first secret again.
fn command(id: &str, manifest: &Manifest) -> String {
    let secret = manifest.setting_fields().iter().find(|field| field.secret);
    secret.map_or_else(
        || format!("musubi connection set {id}"),
        |field| format!("musubi connection set {id} --secret {}", field.name),
    )
}

/// The form as it was sent.
struct Sent<'a> {
    hub: &'a Hub,
    me: &'a Principal,
    shell: Shell,
    page: ConnectionEditPage,
    posted: Posted,
}

async fn submit(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    let ShellOf { shell, me, .. } = frame.allow(Action::ManageConnections, Section::Connections)?;
    let row = store::connection::get(&hub.db, &id).await?.ok_or(AppError::NotFound)?;
    let manifest = hub.registry.catalogue().get(&row.connector).cloned().ok_or(AppError::NotFound)?;
    let page = stored(&hub, &shell, &row, &manifest).await?;
    let posted = Posted::read(&manifest, &body);
    let mut sent = Sent { hub: &hub, me: &me, shell, page, posted };
    sent.posted.take_held(&hub.keys, &sent.place(sent.posted.revision))?;
    let change = sent.change();
    // Trouble, or a wait for a retry, ends with the change: then the next run comes at once.
    let at_once = !row.paused && (row.failures > 0 || row.auth_failed_at.is_some());
    let draft = match change::draft(&hub.db, &hub.registry, &hub.keys, row, change, hub.clock.now()).await {
        Ok(draft) => draft,
        Err(error) => return sent.refused(error).await,
    };
    let items = if sent.posted.action == "force" { None } else { Some(draft.check().await) };
    if let Some(items) = &items
        && (sent.posted.action == "check" || !items.iter().all(|item| item.ok))
    {
        sent.page.form.checks = connection::checks(&sent.shell, items.clone());
        return sent.again(StatusCode::OK);
    }
    match store(&hub, &draft, items.as_deref(), Act::on(&me, &origin, "connection.change", "connection", &id)).await {
        Ok(()) => {
            let said = if at_once { "connection_changed_now" } else { "connection_changed" };
            Ok(done(&format!("/connections/{id}"), said, None))
        }
        Err(error) => sent.refused(error).await,
    }
}

async fn store(hub: &Hub, draft: &Draft, items: Option<&[CheckItem]>, act: Act<'_>) -> Result<(), CreateError> {
    let now = hub.clock.now();
    let mut tx = hub.db.begin().await?;
    draft.store(&mut tx, items, &hub.zone, now).await?;
    conclude(tx, act.detail(draft.detail(items.is_some())), now).await?;
    hub.registry.reload(&hub.db, &hub.keys).await?;
    hub.engine.due_changed.notify_one();
    Ok(())
}

impl Sent<'_> {
    /// Where typed secrets wait: of this person, for this state of this connection.
    fn place(&self, revision: i64) -> String {
        format!("connection/{}/{revision}/{}", self.page.id, self.me.user_id)
    }

    fn change(&self) -> Change {
        let posted = &self.posted;
        // A field that is emptied has no value any more; an empty secret stays, unless it is to go.
        let emptied = self.page.form.fields.iter().filter(|f| !f.secret && !posted.settings.contains_key(&f.name));
        Change {
            revision: posted.revision,
            name: Some(posted.name.clone()),
            settings: posted.settings.clone(),
            unset: emptied.map(|f| f.name.clone()).chain(posted.cleared.iter().cloned()).collect(),
            plan: posted.plan().filter(|_| self.page.form.pulls),
            streams: Some(posted.streams.clone()),
        }
    }

    /// The form again with what is wrong beside each field.
    async fn refused(mut self, error: CreateError) -> Result<Response, AppError> {
        if matches!(error, CreateError::Overtaken) {
            return self.overtaken().await;
        }
        connection_form::explain(&mut self.page.form, &self.shell, error)?;
        self.again(StatusCode::UNPROCESSABLE_ENTITY)
    }

    fn again(mut self, status: StatusCode) -> Result<Response, AppError> {
        let place = self.place(self.page.revision);
        self.posted.show_again(&mut self.page.form, &self.hub.keys, &place)?;
        Ok((status, self.page.render(&self.shell)).into_response())
    }

    /// Somebody else was faster: the form as it is stored now, and beside it what was typed.
    async fn overtaken(self) -> Result<Response, AppError> {
        let Self { hub, shell, page: ConnectionEditPage { id, .. }, posted, .. } = self;
        let row = store::connection::get(&hub.db, &id).await?.ok_or(AppError::NotFound)?;
        let manifest = hub.registry.catalogue().get(&row.connector).ok_or(AppError::NotFound)?;
        let mut page = stored(hub, &shell, &row, manifest).await?;
        let typed = |now: &str, typed: String| (now != typed).then(|| shell.f1("connection_edit.you_typed", typed));
        page.form.name_error = typed(&page.form.name, posted.name.clone());
        for field in page.form.fields.iter_mut().filter(|f| !f.secret) {
            let given = posted.settings.get(&field.name).map(words).unwrap_or_default();
            field.error = typed(&field.value, given);
        }
        let last = connection_change::last(&hub.db, &id).await?;
        page.overtaken = Some(last.and_then(|last| Some((last.who?, Timestamp(last.at)))));
        Ok((StatusCode::CONFLICT, page.render(&shell)).into_response())
    }
}
