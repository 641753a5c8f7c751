//! Handlers of the console: extract, one or two service calls, fill the view, render.
//!
//! [`Frame`] is the extractor every page takes: it proves who is calling and carries the shell.
//! Forms answer with a redirect to the page that shows what they did (`?done=` names the notice).

pub mod connection_new;
pub mod connections;
pub mod failures;
pub mod hooks;
pub mod live;
pub mod run;
pub mod setup;
pub mod states;

use axum::{
    Router,
    extract::{FromRequestParts, Path},
    http::{HeaderValue, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};

use super::{Lang, Me, Notice, Section, Shell, assets};
use crate::{
    app::SharedHub,
    http::{AppError, Preferences},
    identity::{Principal, Settings, access::Action},
    store,
};

/// Pages that exist, merged into the hub's router.
pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/static/{hash}/{*name}", get(asset))
        .merge(setup::routes())
        .merge(connections::routes())
        .merge(connection_new::routes())
        .merge(run::routes())
        .merge(failures::routes())
        .merge(hooks::routes())
        .merge(live::routes())
}

async fn asset(Path((_hash, name)): Path<(String, String)>) -> Result<Response, AppError> {
    let asset = assets::get(&name).ok_or(AppError::NotFound)?;
    let mut response = asset.body.into_owned().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    // The address changes with the content.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    Ok(response)
}

/// The signed-in caller with everything a page needs around its content.
pub struct Frame {
    pub principal: Principal,
    pub shell: Shell,
}

impl Frame {
    /// Refuses callers whose role may not do this, and sets the menu entry.
    pub fn allow(mut self, action: Action, section: Section) -> Result<Self, AppError> {
        self.principal.require(action)?;
        self.shell.section = section;
        Ok(self)
    }
}

impl FromRequestParts<SharedHub> for Frame {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, hub: &SharedHub) -> Result<Self, AppError> {
        let principal = Principal::from_request_parts(parts, hub).await?;
        let preferences = Preferences::from_request_parts(parts, hub).await.unwrap_or_else(|never| match never {});
        let settings = Settings::load(&hub.db).await?;
        let (open_failures, connections) = store::operations::menu(&hub.db).await?;
        let lang = Lang::parse(preferences.language);
        let path = parts.uri.path_and_query().map_or("/", |p| p.as_str()).to_owned();
        let shell = Shell {
            lang,
            theme: preferences.theme.to_owned(),
            company: settings.company,
            zone: hub.zone.clone(),
            now: hub.clock.now(),
            me: Some(Me {
                name: principal.name.clone(),
                mail: principal.mail.clone(),
                role: principal.role,
                csrf: principal.csrf.clone(),
            }),
            section: Section::None,
            notice: notice(lang, parts.uri.query().unwrap_or_default()),
            path,
            shortcuts: crate::http::cookie::get(&parts.headers, "musubi-shortcuts") != Some("off"),
            customers: i64::try_from(hub.directory.len()).ok(),
            connections: Some(connections),
            open_failures,
            refresh: None,
        };
        Ok(Self { principal, shell })
    }
}

/// What a form just did, from `?done=<word>&n=<number>`: only words of the catalogue are shown.
fn notice(lang: Lang, query: &str) -> Option<Notice> {
    let get = |name: &str| url::form_urlencoded::parse(query.as_bytes()).find(|(k, _)| k == name).map(|(_, v)| v);
    let word = get("done")?;
    let key = format!("notice.{word}");
    let number = get("n").and_then(|n| n.parse::<i64>().ok());
    let text = match number {
        Some(n) if lang.find(&key).is_some() => lang.count(&key, n, &[]),
        _ => lang.find(&key)?.to_owned(),
    };
    Some(Notice { tone: if word.ends_with("_failed") { "warn" } else { "ok" }, text })
}

/// Back to a page of this site, with what was done.
pub fn done(to: &str, word: &str, number: Option<i64>) -> Response {
    let to = crate::http::session::safe_next(to).unwrap_or("/");
    let (path, query) = to.split_once('?').unwrap_or((to, ""));
    let mut kept = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if name != "done" && name != "n" {
            kept.append_pair(&name, &value);
        }
    }
    kept.append_pair("done", word);
    if let Some(number) = number {
        kept.append_pair("n", &number.to_string());
    }
    Redirect::to(&format!("{path}?{}", kept.finish())).into_response()
}
