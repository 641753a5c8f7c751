//! `/connections/new/{connector}`: the form made from a manifest's settings.

use axum::{
    Router,
    extract::{Path, RawForm, State},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use musubi_sdk::manifest::Manifest;

use super::{
    ShellOf, connection,
    connection_form::{self, Posted},
    done,
    outcome::{Act, conclude},
};
use crate::{
    app::{Hub, SharedHub},
    connection::create::{self, CreateError, NewConnection},
    connection::schedule::Plan,
    http::{
        AppError,
        console::{
            Section, Shell,
            view::{Page, connection_new::ConnectionNewPage},
        },
    },
    identity::{Action, Origin, Principal},
};

pub fn routes() -> Router<SharedHub> {
    Router::new().route("/connections/new/{connector}", get(form).post(submit))
}

async fn form(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    Path(connector): Path<String>,
) -> Result<Html<String>, AppError> {
    let ShellOf { shell, .. } = frame.allow(Action::ManageConnections, Section::Connections)?;
    let manifest = hub.registry.catalogue().get(&connector).ok_or(AppError::NotFound)?;
    Ok(blank(manifest, &shell).render(&shell))
}

fn blank(manifest: &Manifest, shell: &Shell) -> ConnectionNewPage {
    let lang = shell.lang.code();
    ConnectionNewPage {
        connector: manifest.name.clone(),
        title: manifest.title.get(lang).to_owned(),
        kind: manifest.kind.as_str().to_owned(),
        description: manifest.summary.get(lang).to_owned(),
        form: connection_form::blank(manifest, shell),
        command: format!("musubi connection add {}", manifest.name),
    }
}

/// The form as it was sent, to be shown again.
struct Sent<'a> {
    hub: &'a Hub,
    shell: Shell,
    page: ConnectionNewPage,
    posted: Posted,
    place: String,
}

async fn submit(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(connector): Path<String>,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    let ShellOf { shell, me, .. } = frame.allow(Action::ManageConnections, Section::Connections)?;
    let manifest = hub.registry.catalogue().get(&connector).cloned().ok_or(AppError::NotFound)?;
    let mut posted = Posted::read(&manifest, &body);
    let place = format!("connection/new/{connector}/{}", me.user_id);
    posted.take_held(&hub.keys, &place)?;
    let mut sent = Sent { page: blank(&manifest, &shell), hub: &hub, shell, posted, place };
    let items = match create::try_settings(&hub.registry, &hub.keys, &connector, sent.posted.settings.clone()).await {
        Ok(items) => items,
        Err(error) => return sent.refused(error),
    };
    if sent.posted.action == "check" || !items.iter().all(|item| item.ok) {
        sent.page.form.checks = connection::checks(&sent.shell, items);
        return sent.again(StatusCode::OK);
    }
    let pulls = sent.page.form.pulls;
    let new = NewConnection {
        connector,
        name: sent.posted.name.clone(),
        settings: sent.posted.settings.clone(),
        plan: if pulls { sent.posted.plan().unwrap_or(Plan::Every(900)) } else { Plan::Manual },
        streams: Some(sent.posted.streams.clone()),
        sample: manifest.sample,
        start_now: pulls,
    };
    match created(&hub, new, &me, &origin).await {
        Ok(id) => {
            hub.engine.due_changed.notify_one();
            Ok(match pulls {
                true => done(&format!("/connections/{id}"), "connected", None),
                false => done(&format!("/connections/{id}?tab=webhook"), "receiving", None),
            })
        }
        Err(error) => sent.refused(error),
    }
}

/// Stores the connection and what the trail says of it, in one transaction.
async fn created(hub: &SharedHub, new: NewConnection, me: &Principal, origin: &Origin) -> Result<String, CreateError> {
    let draft = create::draft(&hub.registry, &hub.keys, &hub.clock, &hub.zone, new)?;
    let mut tx = hub.db.begin().await?;
    draft.store(&mut tx).await?;
    let act = Act::on(me, origin, "connection.create", "connection", draft.id());
    conclude(tx, act, hub.clock.now()).await?;
    hub.registry.reload(&hub.db, &hub.keys).await?;
    Ok(draft.id().to_owned())
}

impl Sent<'_> {
    /// The form again with what is wrong beside each field.
    fn refused(mut self, error: CreateError) -> Result<Response, AppError> {
        connection_form::explain(&mut self.page.form, &self.shell, error)?;
        self.again(StatusCode::UNPROCESSABLE_ENTITY)
    }

    fn again(mut self, status: StatusCode) -> Result<Response, AppError> {
        self.posted.show_again(&mut self.page.form, &self.hub.keys, &self.place)?;
        Ok((status, self.page.render(&self.shell)).into_response())
    }
}
