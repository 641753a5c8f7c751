//! Turns failures into what the caller can read: a page for browsers, problem+json for the rest.

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{
    api, cookie,
    error::{Problem, Wrong},
    layers::RequestId,
    odata,
    pages::ErrorPage,
    preferences::{self, Preferences, Wanted},
    session,
    transport::Transport,
};
use crate::{
    app::SharedHub,
    identity::{Found, Origin, Outcome, Seen},
};

/// Paths that machines call: their errors are never pages.
const MACHINES: [&str; 6] = ["/api/", "/hooks/", "/health/", "/metrics", "/scim/", "/odata/"];

#[derive(Serialize)]
struct ProblemJson<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    code: &'a str,
    detail: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    fields: &'a [Wrong],
    #[serde(skip_serializing_if = "Option::is_none")]
    needs_role: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    needs_scope: Option<&'a str>,
}

/// What has to be known of the request after it is gone.
struct Asked {
    page: bool,
    feed: bool,
    request_id: String,
    wanted: Wanted,
    language: Option<&'static str>,
    session: Option<String>,
    by_itself: bool,
    client: Option<IpAddr>,
}

pub async fn present(State(hub): State<SharedHub>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let transport = Transport::of(&parts, &hub.edge);
    let feed = parts.uri.path().starts_with(odata::PREFIX);
    let api = feed || parts.uri.path().starts_with(api::PREFIX);
    let asked = Asked {
        feed,
        page: wants_page(parts.uri.path(), &parts.headers),
        request_id: parts.extensions.get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default(),
        wanted: Wanted::of(parts.uri.query(), &parts.headers),
        language: (parts.method == Method::GET && !api)
            .then(|| preferences::asked_language(parts.uri.query()))
            .flatten(),
        // A cookie that came over an open wire proves nothing, and none counts for the API.
        session: cookie::get(&parts.headers, cookie::SESSION)
            .filter(|_| transport.is_safe() && !api)
            .map(str::to_owned),
        by_itself: session::is_by_itself(&parts),
        client: transport.client,
    };
    let request = Request::from_parts(parts, body);
    let mut response = next.run(request).await;
    if let Some(problem) = problem_of(&mut response) {
        log(&problem, response.status());
        note(&hub, &asked, &problem).await;
        let preferences = if asked.page { Some(asked.wanted.settle(&hub).await) } else { None };
        response = render(&hub, &asked, (&problem, preferences), response);
    }
    if let Some(language) = asked.language {
        cookie::set(response.headers_mut(), cookie::preference(cookie::LANGUAGE, language));
    }
    response
}

/// Whether an error should be a page: a browser asks for one.
pub fn wants_page(path: &str, headers: &HeaderMap) -> bool {
    let html = headers.get_all(header::ACCEPT).iter().any(|v| v.to_str().is_ok_and(|v| v.contains("text/html")));
    html && !MACHINES.iter().any(|prefix| path.starts_with(prefix))
}

/// Our own problem, or one made from a bare status that the framework answered with.
fn problem_of(response: &mut Response) -> Option<Problem> {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        return Some(problem);
    }
    let status = response.status();
    let bare = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_none_or(|kind| kind.to_str().is_ok_and(|kind| kind.starts_with("text/plain")));
    (bare && (status.is_client_error() || status.is_server_error())).then(|| Problem::from_status(status))
}

/// What a role does not allow is in the audit trail, with who tried. The API notes it by itself.
async fn note(hub: &SharedHub, asked: &Asked, problem: &Problem) {
    let (Some(action), Some(cookie), false) = (problem.refused, &asked.session, asked.by_itself) else { return };
    if let Ok(Found::Active(session)) = hub.identity.session_unused(cookie).await {
        let origin = Origin { ip: asked.client, agent: None, request_id: Some(asked.request_id.clone()) };
        let object = ("action", action.as_str());
        let actor = &session.principal.user_id;
        hub.identity
            .note(Seen { actor, action: "access.refuse", object, outcome: Outcome::Refused, detail: None }, &origin);
    }
}

/// Once, here, with the request id of the surrounding span.
fn log(problem: &Problem, status: StatusCode) {
    match &problem.cause {
        Some(cause) => tracing::error!(code = problem.code, status = status.as_u16(), %cause, "http.failed"),
        None => tracing::debug!(code = problem.code, status = status.as_u16(), "http.refused"),
    }
}

fn render(
    hub: &SharedHub,
    asked: &Asked,
    (problem, preferences): (&Problem, Option<Preferences>),
    bare: Response,
) -> Response {
    let status = bare.status();
    let title = status.canonical_reason().unwrap_or("Error");
    let mut response = if let Some(Preferences { language, theme }) = preferences {
        (hub.edge.pages.error)(ErrorPage {
            status: status.as_u16(),
            code: problem.code,
            detail: problem.detail.clone(),
            request_id: asked.request_id.clone(),
            needs: problem.needs,
            retry_after: problem.retry_after,
            language,
            theme,
        })
    } else if asked.feed {
        odata::problem(problem, &asked.request_id)
    } else {
        let body = ProblemJson {
            r#type: "about:blank",
            title,
            status: status.as_u16(),
            code: problem.code,
            detail: &problem.detail,
            request_id: &asked.request_id,
            fields: &problem.fields,
            needs_role: problem.needs.map(crate::identity::Role::as_str),
            needs_scope: problem.scope.map(crate::identity::Scope::as_str),
        };
        let text = serde_json::to_string(&body).unwrap_or_default();
        ([(header::CONTENT_TYPE, "application/problem+json")], text).into_response()
    };
    *response.status_mut() = status;
    for (name, value) in bare.headers() {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            response.headers_mut().append(name, value.clone());
        }
    }
    response
}
