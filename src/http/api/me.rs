//! `GET /api/v1/me`: whose token this is and what it may do now. Needs no scope.

use axum::{Json, Router, routing::get};
use serde::Serialize;

use super::Caller;
use crate::{app::SharedHub, identity::Scope};

pub fn routes() -> Router<SharedHub> {
    Router::new().route("/me", get(me))
}

#[derive(Serialize)]
struct Me {
    id: String,
    /// `person` or `service`.
    kind: &'static str,
    name: String,
    role: &'static str,
    token: Token,
    /// Scopes of the token that the role allows now.
    may: Vec<&'static str>,
}

#[derive(Serialize)]
struct Token {
    id: String,
    name: String,
    scopes: Vec<&'static str>,
    expires_at: String,
}

async fn me(caller: Caller) -> Json<Me> {
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
            expires_at: token.expires_at.rfc3339(),
        },
    })
}
