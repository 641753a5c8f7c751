//! No other site may act with somebody's cookie.
//!
//! Every unsafe request that carries a cookie of ours must come from our own pages by
//! `Sec-Fetch-Site` and `Origin`, and with a session it must carry the session's token: form field
//! `csrf` or header `X-CSRF-Token`. The forms before a session (sign-in, first run) compare their
//! field with a cookie instead, in their own handlers. Multipart forms send the header.

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, header, request::Parts},
    middleware::Next,
    response::Response,
};
use url::Url;

use super::{api, cookie, edge::Edge, error::AppError, odata, saml, session, transport::Transport};
use crate::{app::SharedHub, identity::token};

pub const HEADER: &str = "x-csrf-token";
pub const FIELD: &str = "csrf";

/// Forms that exist before a session does.
const BEFORE_SESSION: [&str; 6] =
    ["/signin", "/signin/local", "/signin/code", "/signin/passkey", "/signin/passkey/ask", "/setup"];

pub async fn guard(State(hub): State<SharedHub>, request: Request, next: Next) -> Result<Response, AppError> {
    // Webhook senders and identity providers authenticate by signature, programs by token; no cookie counts there.
    let path = request.uri().path();
    let programs = ["/hooks/", api::PREFIX, odata::PREFIX].iter().any(|prefix| path.starts_with(prefix));
    let cookieless = programs || saml::is_foreign_post(path);
    if is_safe(request.method()) || cookieless {
        return Ok(next.run(request).await);
    }
    let (mut parts, body) = request.into_parts();
    let ours = [cookie::SESSION, cookie::FORM].iter().any(|name| carries(&parts.headers, name));
    if ours {
        same_site(&parts, &hub.edge)?;
    }
    if BEFORE_SESSION.contains(&parts.uri.path()) {
        return Ok(next.run(Request::from_parts(parts, body)).await);
    }
    let body = match session::current(&mut parts, &hub).await?.into_active() {
        None => body,
        Some(session) => {
            let (sent, body) = sent_token(&parts, body, hub.edge.body_limit).await?;
            if !token::equal(&sent.unwrap_or_default(), &session.principal.csrf) {
                return Err(AppError::FormExpired);
            }
            body
        }
    };
    Ok(next.run(Request::from_parts(parts, body)).await)
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE)
}

/// Also true for the ambiguous cookie that `cookie::get` refuses to read.
fn carries(headers: &HeaderMap, name: &str) -> bool {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .any(|pair| pair.trim().split('=').next() == Some(name))
}

/// What browsers say about where a request comes from. Clients that say nothing still need the token.
fn same_site(parts: &Parts, edge: &Edge) -> Result<(), AppError> {
    let text = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    let site = text("sec-fetch-site");
    if site.is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return Err(AppError::CrossSite);
    }
    match text("origin") {
        None => Ok(()),
        // Strict referrer settings blank the origin; then the browser's own verdict decides.
        Some("null") if site == Some("same-origin") => Ok(()),
        Some(origin) if is_ours(origin, parts, edge) => Ok(()),
        Some(_) => Err(AppError::CrossSite),
    }
}

/// The origin is our public address, or the very host and port this request went to.
fn is_ours(origin: &str, parts: &Parts, edge: &Edge) -> bool {
    let Ok(origin) = Url::parse(origin) else { return false };
    if origin.origin() == edge.public_url.origin() {
        return true;
    }
    let scheme = if Transport::of(parts, edge).https { "https" } else { "http" };
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| parts.uri.authority().map(axum::http::uri::Authority::as_str));
    host.and_then(|host| Url::parse(&format!("{scheme}://{host}/")).ok())
        .is_some_and(|here| here.origin() == origin.origin())
}

/// The token of the header, or of a form; a form's body is read for it and handed on.
async fn sent_token(parts: &Parts, body: Body, limit: usize) -> Result<(Option<String>, Body), AppError> {
    if let Some(value) = parts.headers.get(HEADER) {
        return Ok((value.to_str().ok().map(str::to_owned), body));
    }
    let form = parts
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded"));
    if !form {
        return Ok((None, body));
    }
    let bytes = to_bytes(body, limit).await.map_err(|_| AppError::TooLarge)?;
    let field =
        url::form_urlencoded::parse(&bytes).find(|(name, _)| name == FIELD).map(|(_, value)| value.into_owned());
    Ok((field, Body::from(bytes)))
}
