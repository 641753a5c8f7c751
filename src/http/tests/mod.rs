//! The surface as a browser, a script and an attacker meet it.

use std::time::Duration;

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    routing::{get, post},
};

use super::{
    cookie,
    edge::{Edge, Proxies},
    error::AppError,
    testing::{Answer, Failure, Site},
};
use crate::{
    app::SharedHub,
    identity::{
        Action, Principal,
        testing::{MAIL, PASSPHRASE},
    },
    store::sql,
};

mod signin;
mod surface;

type TestResult = Result<(), Failure>;

const HTML: &str = "accept: text/html,application/xhtml+xml";

fn rooms() -> Router<SharedHub> {
    Router::new()
        .route("/", get(|principal: Principal| async move { principal.name }))
        .route("/customers", get(|_: Principal| async {}).post(|_: Principal| async { "done" }))
        .route("/scim/x", get(|_: Principal| async { "[]" }))
        .route("/audit", get(|p: Principal| async move { p.require(Action::ViewAudit).map_err(AppError::from) }))
        .route("/hooks/x", post(|body: String| async { body }))
        .route("/maybe", get(|p: Option<Principal>| async move { if p.is_some() { "in" } else { "out" } }))
        .route("/panic", get(panics))
        .route("/slow", get(async || std::future::pending::<()>().await))
        .route("/broken", get(broken))
}

async fn panics() -> &'static str {
    panic!("a defect")
}

async fn broken(State(hub): State<SharedHub>) -> Result<(), AppError> {
    let _: Vec<(i64,)> = sql("SELECT secret_column FROM nowhere").all(&hub.db).await?;
    Ok(())
}

async fn site() -> Result<Site, Failure> {
    Site::new(rooms(), |_: &mut Edge| ()).await
}

fn encode(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// Opens a form page; its cookie line and its token.
async fn open_form(site: &Site, path: &str) -> Result<(String, String), Failure> {
    let page = site.ask(&format!("GET {path}\n{HTML}"), "").await?;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let (value, attributes) = page.cookie(cookie::FORM).ok_or("no form cookie")?;
    assert_eq!(attributes, "Path=/; Secure; HttpOnly; SameSite=Lax");
    assert!(page.body.contains(&value));
    Ok((format!("cookie: {}={value}", cookie::FORM), value))
}

async fn post_sign_in(site: &Site, cookie: &str, fields: &[(&str, &str)]) -> Result<Answer, Failure> {
    site.ask(&format!("POST /signin\n{HTML}\norigin: http://localhost:8080\n{cookie}"), &encode(fields)).await
}
