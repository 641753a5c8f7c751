//! From the cookie to the caller: the extractors handlers use.
//!
//! `Principal` refuses who is not signed in, `Option<Principal>` does not mind, `Origin` is for
//! the audit trail.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::{HeaderMap, Method, header, request::Parts},
};
use url::Url;

use super::{cookie, error::AppError, layers::RequestId, present, transport::Transport};
use crate::{
    app::SharedHub,
    identity::{Found, Origin, Principal, Session},
};

/// Whose request this is, looked up once.
#[derive(Clone, Debug)]
pub enum Current {
    /// No cookie.
    Nobody,
    /// A cookie whose session ran out (`true`) or was ended.
    Over(bool),
    Active(Arc<Session>),
}

impl Current {
    #[must_use]
    pub fn into_active(self) -> Option<Arc<Session>> {
        match self {
            Self::Active(session) => Some(session),
            Self::Nobody | Self::Over(_) => None,
        }
    }
}

pub async fn current(parts: &mut Parts, hub: &SharedHub) -> Result<Current, AppError> {
    if let Some(known) = parts.extensions.get::<Current>() {
        return Ok(known.clone());
    }
    let found = match cookie::get(&parts.headers, cookie::SESSION) {
        None => Current::Nobody,
        // A cookie that came over an open wire is burnt; it proves nothing there.
        Some(_) if !Transport::of(parts, &hub.edge).is_safe() => Current::Nobody,
        Some(value) => match found(parts, hub, value).await? {
            Found::Active(session) => Current::Active(session),
            Found::Expired => Current::Over(true),
            Found::Unknown => Current::Over(false),
        },
    };
    parts.extensions.insert(found.clone());
    Ok(found)
}

/// Set by the console's script on what a page fetches because something changed, not somebody acted.
const BY_ITSELF: &str = "x-musubi-refresh";

/// An open page that listens and refreshes itself is not a person at work: its requests are checked
/// like any other but do not keep the session alive. Who claims so falsely only shortens it.
pub fn is_by_itself(parts: &Parts) -> bool {
    parts.uri.path().ends_with("/stream") || parts.headers.contains_key(BY_ITSELF)
}

async fn found(parts: &Parts, hub: &SharedHub, cookie: &str) -> Result<Found, AppError> {
    Ok(if is_by_itself(parts) {
        hub.identity.session_unused(cookie).await?
    } else {
        hub.identity.session(cookie).await?
    })
}

impl FromRequestParts<SharedHub> for Principal {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, hub: &SharedHub) -> Result<Self, AppError> {
        match current(parts, hub).await? {
            Current::Active(session) => Ok(session.principal.clone()),
            Current::Nobody => Err(elsewhere(parts, hub, None).await?),
            Current::Over(true) => Err(elsewhere(parts, hub, Some("expired")).await?),
            Current::Over(false) => Err(elsewhere(parts, hub, Some("ended")).await?),
        }
    }
}

impl OptionalFromRequestParts<SharedHub> for Principal {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, hub: &SharedHub) -> Result<Option<Self>, AppError> {
        Ok(current(parts, hub).await?.into_active().map(|session| session.principal.clone()))
    }
}

impl FromRequestParts<SharedHub> for Origin {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, hub: &SharedHub) -> Result<Self, Self::Rejection> {
        Ok(Self {
            ip: Transport::of(parts, &hub.edge).client,
            agent: parts.headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok()).map(str::to_owned),
            request_id: parts.extensions.get::<RequestId>().map(|id| id.0.clone()),
        })
    }
}

/// Pages go to sign-in (or first run) and come back; everything else is told to sign in.
async fn elsewhere(parts: &Parts, hub: &SharedHub, why: Option<&str>) -> Result<AppError, AppError> {
    let htmx = parts.headers.contains_key("hx-request");
    let page = present::wants_page(parts.uri.path(), &parts.headers) && parts.method == Method::GET;
    if !htmx && !page {
        return Ok(AppError::SignInRequired);
    }
    let to = if hub.identity.has_owner().await? {
        let here = parts.uri.path_and_query().map(|path| path.as_str().to_owned());
        let next = if htmx { shown_page(parts) } else { here };
        sign_in_url(next.as_deref(), why)
    } else {
        "/setup".to_owned()
    };
    Ok(if htmx { AppError::PageElsewhere(to) } else { AppError::Elsewhere(to) })
}

/// The page around the part that htmx asked for.
fn shown_page(parts: &Parts) -> Option<String> {
    let url = Url::parse(parts.headers.get("hx-current-url")?.to_str().ok()?).ok()?;
    Some(url[url::Position::BeforePath..url::Position::AfterQuery].to_owned())
}

#[must_use]
pub fn sign_in_url(next: Option<&str>, why: Option<&str>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if let Some(next) = next.and_then(safe_next).filter(|next| *next != "/") {
        query.append_pair("next", next);
    }
    if let Some(why) = why {
        query.append_pair("why", why);
    }
    let query = query.finish();
    if query.is_empty() { "/signin".to_owned() } else { format!("/signin?{query}") }
}

/// Refuses a GET that begins something, when another site sent the browser.
pub fn own_click(headers: &HeaderMap) -> Result<(), AppError> {
    let site = headers.get("sec-fetch-site");
    if site.is_some_and(|site| site != "same-origin" && site != "none") { Err(AppError::CrossSite) } else { Ok(()) }
}

/// A path of this site to go on to; `None` for anything a browser could read as another site.
#[must_use]
pub fn safe_next(next: &str) -> Option<&str> {
    let plain = next.len() <= 2000 && next.bytes().all(|b| (0x21..0x7f).contains(&b) && b != b'\\');
    let path = next.split(['?', '#']).next().unwrap_or_default();
    if !plain
        || !next.starts_with('/')
        || next.starts_with("//")
        || ["/signin", "/signin/local", "/signin/code", "/signin/where", "/signout", "/setup", "/invitation"]
            .contains(&path)
    {
        return None;
    }
    let base = Url::parse("http://here.invalid/").ok()?;
    let joined = base.join(next).ok()?;
    (joined.origin() == base.origin() && !joined.path().starts_with("//")).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_stays_on_this_site() {
        for good in ["/", "/customers?sort=-sales&q=%E3%81%82", "/runs/run_1#log"] {
            assert_eq!(safe_next(good), Some(good));
        }
        for bad in [
            "",
            "customers",
            "//attacker.example",
            "/\\attacker.example",
            "/\t/attacker.example",
            "https://attacker.example/",
            "javascript:alert(1)",
            "/..//attacker.example",
            "/%0d%0aSet-Cookie:x\r\n",
            "/signin?next=/",
            "/signout",
        ] {
            assert_eq!(safe_next(bad), None, "{bad:?}");
        }
        assert_eq!(
            sign_in_url(Some("/customers?q=1"), Some("expired")),
            "/signin?next=%2Fcustomers%3Fq%3D1&why=expired"
        );
        assert_eq!(sign_in_url(Some("//x"), None), "/signin");
    }
}
