//! `/connections/new/{connector}`: the form made from a manifest's settings.

use axum::{
    Router,
    extract::{Path, RawForm, State},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use musubi_sdk::manifest::Manifest;
use serde_json::{Map, Value};

use super::{ShellOf, connection, done};
use crate::{
    app::SharedHub,
    connection::create::{self, CreateError, NewConnection},
    connection::schedule::Plan,
    http::{
        AppError,
        console::{
            Section, Shell,
            view::{
                Page,
                connection::Check,
                connection_new::{ConnectionNewPage, SettingField},
            },
        },
    },
    identity::Action,
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
        name: manifest.title.get(lang).to_owned(),
        name_error: None,
        fields: manifest.setting_fields().iter().map(|f| field(f, lang)).collect(),
        streams: manifest.streams.keys().map(|name| (name.clone(), true)).collect(),
        pulls: connection::pulls(manifest),
        schedule: "15m".to_owned(),
        checks: Vec::new(),
        command: format!("musubi connection add {}", manifest.name),
    }
}

fn field(f: &musubi_sdk::settings::SettingField, lang: &str) -> SettingField {
    let words = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    let input = match (f.kind.as_str(), f.format.as_deref(), f.options.is_empty()) {
        (_, _, false) => "select",
        ("boolean", ..) => "boolean",
        ("integer" | "number", ..) => "number",
        (_, Some("uri"), _) => "url",
        _ => "text",
    };
    SettingField {
        name: f.name.clone(),
        title: f.title.get(lang).to_owned(),
        help: f.help.as_ref().map(|t| t.get(lang).to_owned()).unwrap_or_default(),
        required: f.required,
        secret: f.secret,
        input: input.to_owned(),
        options: f.options.iter().map(|v| (words(v), words(v))).collect(),
        value: f.default.as_ref().map(words).unwrap_or_default(),
        error: None,
    }
}

/// The posted form, as typed.
struct Posted {
    name: String,
    settings: Map<String, Value>,
    schedule: String,
    streams: Vec<String>,
    check_only: bool,
}

fn read(manifest: &Manifest, body: &[u8]) -> Posted {
    let mut posted = Posted {
        name: String::new(),
        settings: Map::new(),
        schedule: "15m".to_owned(),
        streams: Vec::new(),
        check_only: false,
    };
    for (key, value) in url::form_urlencoded::parse(body) {
        match key.as_ref() {
            "name" => posted.name = value.into_owned(),
            "schedule" => posted.schedule = value.into_owned(),
            "stream" => posted.streams.push(value.into_owned()),
            "action" => posted.check_only = value == "check",
            key => {
                let Some(name) = key.strip_prefix("settings.") else { continue };
                if !value.is_empty() {
                    let field = manifest.setting_fields().iter().find(|f| f.name == name);
                    posted.settings.insert(name.to_owned(), typed(field, &value));
                }
            }
        }
    }
    posted
}

/// A form sends text; the schema wants numbers and truths. What does not parse stays text and is
/// refused by the schema with the field's name. Spaces around pasted addresses and keys go; in other
/// texts, such as `Bearer `, they mean something.
fn typed(field: Option<&musubi_sdk::settings::SettingField>, text: &str) -> Value {
    let pasted = field.is_some_and(|f| f.secret || f.format.as_deref() == Some("uri"));
    match field.map(|f| f.kind.as_str()) {
        Some("boolean") => Value::Bool(text == "true"),
        Some("integer" | "number") => {
            serde_json::from_str::<serde_json::Number>(text.trim()).map_or_else(|_| Value::from(text), Value::Number)
        }
        _ if pasted => Value::from(text.trim()),
        _ => Value::from(text),
    }
}

fn plan(schedule: &str) -> Plan {
    match schedule {
        "5m" => Plan::Every(300),
        "60m" => Plan::Every(3600),
        "daily" => Plan::Daily("08:00".to_owned()),
        _ => Plan::Every(900),
    }
}

async fn submit(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    Path(connector): Path<String>,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    let ShellOf { shell, .. } = frame.allow(Action::ManageConnections, Section::Connections)?;
    let manifest = hub.registry.catalogue().get(&connector).cloned().ok_or(AppError::NotFound)?;
    let posted = read(&manifest, &body);
    let mut page = blank(&manifest, &shell);
    page.name.clone_from(&posted.name);
    page.schedule.clone_from(&posted.schedule);
    for field in page.fields.iter_mut().filter(|f| !f.secret) {
        let given = posted.settings.get(&field.name);
        field.value = given.map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).unwrap_or_default();
    }
    for (name, on) in &mut page.streams {
        *on = posted.streams.contains(name);
    }
    let tried = create::try_settings(&hub.registry, &hub.keys, &connector, posted.settings.clone()).await;
    let items = match tried {
        Ok(items) => items,
        Err(error) => return refused(page, &shell, error),
    };
    let all_good = items.iter().all(|item| item.ok);
    if posted.check_only || !all_good {
        page.checks = connection::checks(&shell, items);
        return Ok(page.render(&shell).into_response());
    }
    let new = NewConnection {
        connector,
        name: posted.name,
        settings: posted.settings,
        plan: if page.pulls { plan(&posted.schedule) } else { Plan::Manual },
        streams: Some(posted.streams),
        sample: manifest.sample,
        start_now: page.pulls,
    };
    match create::create(&hub.db, &hub.registry, &hub.keys, &hub.clock, &hub.zone, new).await {
        Ok(id) => {
            hub.engine.due_changed.notify_one();
            Ok(match page.pulls {
                true => done(&format!("/connections/{id}"), "connected", None),
                false => done(&format!("/connections/{id}?tab=webhook"), "receiving", None),
            })
        }
        Err(error) => refused(page, &shell, error),
    }
}

/// The form again with what is wrong beside each field.
fn refused(mut page: ConnectionNewPage, shell: &Shell, error: CreateError) -> Result<Response, AppError> {
    match error {
        CreateError::Settings(errors) => {
            for e in errors {
                if let Some(field) = page.fields.iter_mut().find(|f| f.name == e.field) {
                    field.error = Some(shell.form_error(e.code).to_owned());
                }
            }
        }
        CreateError::Name => page.name_error = Some(shell.form_error("CONNECTION_NAME_EMPTY").to_owned()),
        CreateError::NameTaken => page.name_error = Some(shell.form_error("CONNECTION_NAME_TAKEN").to_owned()),
        CreateError::Live(error) => {
            page.checks = vec![Check {
                name: "reach".to_owned(),
                ok: Some(false),
                detail: shell.form_error("SET_INVALID").to_owned(),
                technical: Some(error.to_string()),
            }];
        }
        CreateError::Store(error) => return Err(error.into()),
        other => return Err(AppError::internal(other)),
    }
    let mut response = page.render(shell).into_response();
    *response.status_mut() = axum::http::StatusCode::UNPROCESSABLE_ENTITY;
    Ok(response)
}
