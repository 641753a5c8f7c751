//! `/odata/v4`: the read feed for BI tools. `analytics::odata` knows the protocol's questions and answers; here are
//! its headers, its errors and who may ask. Scope `bi:read`, by `Bearer` or with the token as the password of
//! `Basic`.
//!
//! Every page of rows is in the audit trail with the token that read it.

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header, request::Parts},
    middleware::{from_fn_with_state, map_response},
    response::{IntoResponse, Response},
    routing::any,
};
use serde_json::json;

use super::{
    api::{Caller, guard_with_basic},
    error::{AppError, Problem},
    transport::Transport,
};
use crate::{
    analytics::odata::{self, Asked, OdataError, Refusal},
    app::{Hub, SharedHub},
    identity::Action,
};

/// Where no cookie counts.
pub const PREFIX: &str = "/odata/";
const SERVICE: &str = "/odata/v4";
const VERSION: HeaderName = HeaderName::from_static("odata-version");
const MOST_VERSION: HeaderName = HeaderName::from_static("odata-maxversion");
const PREFER: HeaderName = HeaderName::from_static("prefer");
const APPLIED: HeaderName = HeaderName::from_static("preference-applied");

pub fn routes(hub: &SharedHub) -> Router<SharedHub> {
    Router::new()
        .route(SERVICE, any(answer))
        .route("/odata/v4/", any(answer))
        .route("/odata/v4/{*path}", any(answer))
        .layer(from_fn_with_state(hub.clone(), guard_with_basic))
        .layer(map_response(versioned))
}

/// Every answer, also a refusal, says its version.
async fn versioned(mut response: Response) -> Response {
    response.headers_mut().insert(VERSION, HeaderValue::from_static("4.0"));
    response
}

async fn answer(State(hub): State<SharedHub>, caller: Caller, request: Request) -> Result<Response, AppError> {
    let (parts, _) = request.into_parts();
    if ![Method::GET, Method::HEAD].contains(&parts.method) {
        let mut response = AppError::MethodNotAllowed.into_response();
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return Ok(response);
    }
    caller.require(Action::ReadFeed)?;
    speaks(&parts.headers)?;
    let root = root(&parts, &hub);
    let asked = Asked {
        root: &root,
        path: parts.uri.path().strip_prefix(SERVICE).unwrap_or_default(),
        query: parts.uri.query().unwrap_or_default(),
        accept: parts.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()),
        page_size: wished(&parts.headers),
    };
    let found = odata::answer(&hub.db, &caller.me().view, asked).await?;
    found.sets.iter().for_each(|set| caller.read(&hub, set));
    let mut response = match found.body {
        None => axum::http::StatusCode::NO_CONTENT.into_response(),
        Some((media, body)) => ([(header::CONTENT_TYPE, media)], body).into_response(),
    };
    if let Some(size) = found.page_size {
        let applied = format!("odata.maxpagesize={size}");
        response.headers_mut().extend(HeaderValue::from_str(&applied).ok().map(|value| (APPLIED, value)));
    }
    Ok(response)
}

impl From<OdataError> for AppError {
    fn from(error: OdataError) -> Self {
        match error {
            OdataError::Refused(refusal) => Self::Feed(refusal),
            OdataError::Store(error) => error.into(),
        }
    }
}

/// A client that reads only what is older than 4.0 cannot read this. Headers of those older versions say nothing.
fn speaks(headers: &HeaderMap) -> Result<(), AppError> {
    for name in [VERSION, MOST_VERSION] {
        let Some(said) = headers.get(&name).and_then(|said| said.to_str().ok()) else { continue };
        let major = said.trim().split(['.', ';']).next().and_then(|major| major.parse::<u32>().ok());
        if major.is_none_or(|major| major < 4) {
            let message =
                "this feed speaks OData 4.0; choose OData V4 in your tool, or leave the header OData-MaxVersion out";
            return Err(AppError::Feed(Refusal::wrong("VERSION_UNKNOWN", message)));
        }
    }
    Ok(())
}

/// `odata.maxpagesize` of `Prefer`, which 4.01 calls `maxpagesize`.
fn wished(headers: &HeaderMap) -> Option<i64> {
    let lines = headers.get_all(PREFER).iter().filter_map(|line| line.to_str().ok());
    let wishes = lines.flat_map(|line| line.split([',', ';'])).filter_map(|wish| wish.trim().split_once('='));
    let sizes =
        wishes.filter(|(name, _)| ["odata.maxpagesize", "maxpagesize"].contains(&name.to_ascii_lowercase().as_str()));
    sizes.filter_map(|(_, size)| size.trim_matches('"').parse().ok()).find(|size| *size > 0)
}

/// Where the caller found us: its own address on this machine, else the public one.
fn root(parts: &Parts, hub: &Hub) -> String {
    let transport = Transport::of(parts, &hub.edge);
    let named = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    match named {
        Some(host) if transport.is_loopback() => {
            format!("{}://{host}{SERVICE}", if transport.https { "https" } else { "http" })
        }
        _ => format!("{}{SERVICE}", hub.edge.public_url.as_str().trim_end_matches('/')),
    }
}

/// A failure as OData writes it.
pub fn problem(problem: &Problem, request_id: &str) -> Response {
    let message = match problem.code {
        // The tools' own words for it: a name and a password.
        "TOKEN_REQUIRED" => {
            "send a token with the scope bi:read: as the password of Basic authentication with any user name, or as `Authorization: Bearer mus_…`"
        }
        _ => &problem.detail,
    };
    let mut error = json!({ "code": problem.code, "message": message });
    if let Some(target) = problem.target {
        error["target"] = target.into();
    }
    let mut more = json!({ "request_id": request_id });
    if let Some(scope) = problem.scope {
        more["needs_scope"] = scope.as_str().into();
    }
    if let Some(role) = problem.needs {
        more["needs_role"] = role.as_str().into();
    }
    error["innererror"] = more;
    ([(header::CONTENT_TYPE, "application/json")], json!({ "error": error }).to_string()).into_response()
}
