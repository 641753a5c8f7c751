//! `GET /api/v1/me`: whose token this is and what it may do now. Needs no scope.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Caller, kind::Instant, paging::Asked};
use crate::{app::SharedHub, identity::Scope};

pub fn routes() -> OpenApiRouter<SharedHub> {
    OpenApiRouter::default().routes(routes!(me))
}

/// Whose token this is.
#[derive(Serialize, ToSchema)]
struct Me {
    #[schema(examples("usr_06a8q2m4e8r4s7v1x3z5b7d9f1"))]
    id: String,
    /// `person` or `service`.
    kind: &'static str,
    #[schema(examples("Sales report"))]
    name: String,
    /// `owner`, `admin`, `steward`, `employee`, `viewer` or `auditor`.
    role: &'static str,
    token: Token,
    /// Scopes of the token that the role allows now.
    #[schema(examples(json!(["customers:read"])))]
    may: Vec<&'static str>,
}

/// The token that was sent.
#[derive(Serialize, ToSchema)]
struct Token {
    #[schema(examples("tok_06a8q2m4e8r4s7v1x3z5b7d9f1"))]
    id: String,
    #[schema(examples("every night"))]
    name: String,
    /// What it was made for.
    #[schema(examples(json!(["customers:read"])))]
    scopes: Vec<&'static str>,
    expires_at: Instant,
}

/// Whose token this is, and what it may do now
///
/// Needs no scope: for trying a token out.
#[utoipa::path(get, path = "/me", operation_id = "getMe", tag = "me", security(("token" = [])),
    responses((status = 200, description = "The owner of the token", body = Me)))]
async fn me(caller: Caller, _: Asked) -> Json<Me> {
    let (me, token) = (caller.me(), &caller.token);
    let words = |scopes: Vec<Scope>| scopes.into_iter().map(Scope::as_str).collect();
    let scopes = me.scopes.as_deref();
    Json(Me {
        id: me.user_id.clone(),
        kind: if token.service { "service" } else { "person" },
        name: me.name.clone(),
        role: me.role.as_str(),
        may: words(scopes.map(|scopes| scopes.within(me.role)).unwrap_or_default()),
        token: Token {
            id: token.id.clone(),
            name: token.name.clone(),
            scopes: words(scopes.map(|scopes| scopes.iter().collect()).unwrap_or_default()),
            expires_at: token.expires_at.into(),
        },
    })
}
