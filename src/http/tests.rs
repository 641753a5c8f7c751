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
    edge::Edge,
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

type TestResult = Result<(), Failure>;

const HTML: &str = "accept: text/html,application/xhtml+xml";

fn rooms() -> Router<SharedHub> {
    Router::new()
        .route("/", get(|principal: Principal| async move { principal.name }))
        .route("/customers", get(|_: Principal| async {}).post(|_: Principal| async { "done" }))
        .route("/api/v1/customers", get(|_: Principal| async { "[]" }).post(|_: Principal, _: String| async {}))
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

#[tokio::test]
async fn first_run_makes_the_owner_and_leads_on() -> TestResult {
    let site = site().await?;
    let start = site.ask(&format!("GET /\n{HTML}"), "").await?;
    assert_eq!((start.status, start.header("location")), (StatusCode::SEE_OTHER, "/setup"));
    let (cookie_line, csrf) = open_form(&site, "/setup").await?;
    let filled = |code: &str, passphrase: &str| {
        encode(&[
            ("code", code),
            ("mail", MAIL),
            ("passphrase", passphrase),
            ("name", "高梨 美奈"),
            ("company", "ひのき精機株式会社"),
            ("language", "ja"),
            ("zone", "Asia/Tokyo"),
            ("fiscal_year_start", "4"),
            ("csrf", &csrf),
        ])
    };
    let head = format!("POST /setup\n{HTML}\n{cookie_line}");
    let wrong = site.ask(&head, &filled("WRONG234", PASSPHRASE)).await?;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.body.contains("SETUP_CODE_WRONG") && wrong.body.contains("ひのき精機株式会社"));
    let short = site.ask(&head, &filled(&site.code, "short")).await?;
    assert!(short.body.contains("PASSPHRASE_SHORT") && !short.body.contains("\"short\""), "{}", short.body);
    let made = site.ask(&head, &filled(&site.code, PASSPHRASE)).await?;
    assert_eq!((made.status, made.header("location")), (StatusCode::SEE_OTHER, "/setup/data"));
    let (session, attributes) = made.cookie(cookie::SESSION).ok_or("no session")?;
    assert_eq!(attributes, "Path=/; Secure; HttpOnly; SameSite=Lax");
    let home = site.ask(&format!("GET /\ncookie: {}={session}", cookie::SESSION), "").await?;
    assert_eq!(home.body, "高梨 美奈");
    let again = site.ask(&head, &filled(&site.code, PASSPHRASE)).await?;
    assert_eq!(again.header("location"), "/signin?why=setup_done");
    assert_eq!(site.ask("GET /setup", "").await?.header("location"), "/");
    Ok(())
}

#[tokio::test]
async fn signing_in_returns_to_the_page_and_out_ends_it() -> TestResult {
    let site = site().await?;
    site.signed_in().await?;
    let sent = site.ask(&format!("GET /customers?q=a%20b\n{HTML}"), "").await?;
    let signin = sent.header("location").to_owned();
    assert_eq!(signin, "/signin?next=%2Fcustomers%3Fq%3Da%2520b");
    let (cookie_line, csrf) = open_form(&site, &signin).await?;
    let fields = [("mail", MAIL), ("passphrase", PASSPHRASE), ("next", "/customers?q=a%20b"), ("csrf", &csrf)];
    let done = post_sign_in(&site, &cookie_line, &fields).await?;
    assert_eq!((done.status, done.header("location")), (StatusCode::SEE_OTHER, "/customers?q=a%20b"));
    assert_eq!(done.header("cache-control"), "no-store");
    let (session, _) = done.cookie(cookie::SESSION).ok_or("no session")?;
    assert_eq!(done.cookie(cookie::FORM).map(|(value, _)| value), Some(String::new()));
    let line = format!("cookie: {}={session}", cookie::SESSION);

    // The form sent a second time, after its cookie is gone: no error page.
    let twice = post_sign_in(&site, &line, &fields).await?;
    assert_eq!(twice.header("location"), "/customers?q=a%20b");
    assert_eq!(site.ask(&format!("GET /signin\n{line}"), "").await?.header("location"), "/");

    let refused = site.ask(&format!("POST /signout\n{line}"), "").await?;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "signing somebody out needs the token, too");
    let found = site.hub.identity.session(&session).await?;
    let crate::identity::Found::Active(active) = found else { return Err("ended".into()) };
    let out = site.ask(&format!("POST /signout\n{line}"), &encode(&[("csrf", &active.principal.csrf)])).await?;
    assert_eq!(out.header("location"), "/signin?why=signed_out");
    assert!(
        out.cookie(cookie::SESSION)
            .is_some_and(|(value, attributes)| value.is_empty() && attributes.contains("Max-Age=0"))
    );
    let after = site.ask(&format!("GET /\n{HTML}\n{line}"), "").await?;
    assert_eq!(after.header("location"), "/signin?why=ended");
    Ok(())
}

#[tokio::test]
async fn wrong_tries_are_neutral_and_wait() -> TestResult {
    let site = site().await?;
    site.signed_in().await?;
    let (cookie_line, csrf) = open_form(&site, "/signin").await?;
    let mut bodies = Vec::new();
    for mail in [MAIL, "nobody@hinoki.example"] {
        let fields =
            [("mail", mail), ("passphrase", "not the passphrase"), ("next", "//attacker.example"), ("csrf", &csrf)];
        let wrong = post_sign_in(&site, &cookie_line, &fields).await?;
        assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
        assert!(wrong.cookie(cookie::SESSION).is_none() && !wrong.body.contains("attacker"));
        bodies.push(wrong.body.replace(mail, ""));
        let early = post_sign_in(&site, &cookie_line, &fields).await?;
        assert_eq!((early.status, early.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "1"));
    }
    assert_eq!(bodies[0], bodies[1]);
    Ok(())
}

#[tokio::test]
async fn forms_before_a_session_need_their_own_cookie() -> TestResult {
    let site = site().await?;
    site.signed_in().await?;
    let (cookie_line, csrf) = open_form(&site, "/signin").await?;
    let right = [("mail", MAIL), ("passphrase", PASSPHRASE), ("csrf", csrf.as_str())];
    let other = format!("cookie: {}={}", cookie::FORM, "A".repeat(43));
    for cookie_line in ["", other.as_str()] {
        let answer = post_sign_in(&site, cookie_line, &right).await?;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.body.contains("FORM_EXPIRED") && answer.cookie(cookie::SESSION).is_none());
    }
    let foreign =
        site.ask(&format!("POST /signin\norigin: https://attacker.example\n{cookie_line}"), &encode(&right)).await?;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    assert!(foreign.body.contains("CROSS_SITE"));
    Ok(())
}

#[tokio::test]
async fn csrf_matrix() -> TestResult {
    let site = site().await?;
    let (session, csrf) = site.signed_in().await?;
    let cookie_line = format!("cookie: {}={session}", cookie::SESSION);
    let field = encode(&[("a", "1"), ("csrf", &csrf)]);
    let header_line = format!("x-csrf-token: {csrf}");
    let json = "content-type: application/json";
    let big = format!("a={}&{field}", "x".repeat(300_000));
    for (headers, body, status) in [
        ("origin: http://localhost:8080\nsec-fetch-site: same-origin", field.as_str(), 200),
        ("", field.as_str(), 200),
        ("origin: null\nsec-fetch-site: same-origin", &field, 200),
        (&format!("{json}\n{header_line}"), "{}", 200),
        (&header_line, "", 200),
        ("", "a=1", 403),
        ("", "csrf=", 403),
        ("", "csrf=AAAA", 403),
        (json, &format!("{{\"csrf\":\"{csrf}\"}}"), 403),
        ("origin: https://attacker.example", &field, 403),
        ("origin: http://localhost:9999", &field, 403),
        ("origin: null", &field, 403),
        ("sec-fetch-site: cross-site", &field, 403),
        ("sec-fetch-site: same-site", &field, 403),
        ("origin: http://localhost:8080\nsec-fetch-site: cross-site", &field, 403),
        (&format!("origin: https://attacker.example\n{header_line}"), "", 403),
        ("", &big, 413),
    ] {
        let answer = site.ask(&format!("POST /customers\n{cookie_line}\n{headers}"), body).await?;
        assert_eq!(answer.status.as_u16(), status, "{headers} | {}", body.chars().take(80).collect::<String>());
    }
    let nobody = site.ask("POST /customers", &field).await?;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED, "without a cookie there is nothing to forge");
    let hook = site.ask(&format!("POST /hooks/x\norigin: https://sender.example\n{cookie_line}"), "raw=1").await?;
    assert_eq!((hook.status, hook.body.as_str()), (StatusCode::OK, "raw=1"));
    let twice = site.ask(&format!("GET /maybe\n{cookie_line}; {}=other", cookie::SESSION), "").await?;
    assert_eq!(twice.body, "out", "an ambiguous cookie is no cookie");
    Ok(())
}

#[tokio::test]
async fn callers_without_a_session_are_told_in_their_own_way() -> TestResult {
    let site = site().await?;
    let (session, _) = site.signed_in().await?;
    let api = site.ask("GET /api/v1/customers\naccept: text/html", "").await?;
    assert_eq!((api.status, api.header("content-type")), (StatusCode::UNAUTHORIZED, "application/problem+json"));
    let problem: serde_json::Value = serde_json::from_str(&api.body)?;
    assert_eq!(problem["code"], "SIGNIN_REQUIRED");
    assert_eq!(problem["status"], 401);
    assert_eq!(problem["request_id"], api.header("x-request-id"));
    let part = site
        .ask(&format!("GET /customers\n{HTML}\nhx-request: true\nhx-current-url: http://localhost:8080/runs?p=2"), "")
        .await?;
    assert_eq!((part.status, part.header("hx-redirect")), (StatusCode::UNAUTHORIZED, "/signin?next=%2Fruns%3Fp%3D2"));
    site.bench.advance(9 * crate::model::Timestamp::HOUR);
    let late = site.ask(&format!("GET /customers\n{HTML}\ncookie: {}={session}", cookie::SESSION), "").await?;
    assert_eq!(late.header("location"), "/signin?next=%2Fcustomers&why=expired");
    Ok(())
}

#[tokio::test]
async fn plain_http_elsewhere_refuses_sign_in_and_says_why() -> TestResult {
    let site = Site::new(rooms(), |edge| {
        if let Ok(url) = "https://hub.example".parse() {
            edge.public_url = url;
        }
    })
    .await?;
    let (session, _) = site.signed_in().await?;
    let page = site.ask(&format!("GET /signin\n{HTML}\nhost: hub.example\nx-forwarded-proto: https"), "").await?;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.body.contains("INSECURE_TRANSPORT") && page.cookie(cookie::FORM).is_none());
    let post = site
        .ask(
            &format!("POST /signin\n{HTML}\nhost: hub.example"),
            &encode(&[("mail", MAIL), ("passphrase", PASSPHRASE)]),
        )
        .await?;
    assert!(post.body.contains("INSECURE_TRANSPORT") && post.cookie(cookie::SESSION).is_none());
    let line = format!("cookie: {}={session}", cookie::SESSION);
    assert_eq!(site.ask(&format!("GET /maybe\nhost: hub.example\n{line}"), "").await?.body, "out");
    assert_eq!(site.ask(&format!("GET /maybe\n{line}"), "").await?.body, "in");
    Ok(())
}

#[tokio::test]
async fn only_our_hosts_are_answered() -> TestResult {
    let site = site().await?;
    for (host, status) in [("localhost", 200), ("127.0.0.1:8080", 200), ("[::1]", 200), ("rebound.example", 421)] {
        let answer = site.ask(&format!("GET /maybe\nhost: {host}"), "").await?;
        assert_eq!(answer.status.as_u16(), status, "{host}");
    }
    assert_eq!(site.ask("GET /health/live\nhost: 10.1.2.3", "").await?.status, StatusCode::OK);
    Ok(())
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() -> TestResult {
    let site = site().await?;
    for path in ["/maybe", "/nowhere", "/panic", "/setup"] {
        let answer = site.ask(&format!("GET {path}\n{HTML}"), "").await?;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name), value, "{path} {name}");
        }
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'; script-src 'self'"));
        assert_eq!(answer.header("strict-transport-security"), "", "http");
        assert_eq!(answer.header("x-request-id").len(), 36);
    }
    Ok(())
}

#[tokio::test]
async fn failures_keep_their_causes_to_the_log() -> TestResult {
    let site = Site::new(rooms(), |edge| edge.timeout = Duration::from_millis(50)).await?;
    for (path, status, code) in [
        ("/panic", 500, "INTERNAL"),
        ("/broken", 500, "INTERNAL"),
        ("/slow", 503, "TIMEOUT"),
        ("/nowhere", 404, "NOT_FOUND"),
    ] {
        let json = site.ask(&format!("GET {path}"), "").await?;
        assert_eq!(json.status.as_u16(), status, "{path}");
        let problem: serde_json::Value = serde_json::from_str(&json.body)?;
        assert_eq!(problem["code"], code, "{path}");
        let page = site.ask(&format!("GET {path}\n{HTML}"), "").await?;
        assert!(page.body.starts_with("<!doctype html>") && page.body.contains(code), "{path}");
        assert!(page.body.contains(page.header("x-request-id")));
        for text in [&json.body, &page.body] {
            assert!(!text.contains("secret_column") && !text.contains("a defect"), "{path}");
        }
    }
    let method = site.ask("DELETE /maybe", "").await?;
    assert_eq!(method.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(method.body.contains("METHOD_NOT_ALLOWED") && method.headers.contains_key(header::ALLOW));
    Ok(())
}

#[tokio::test]
async fn forbidden_names_the_role() -> TestResult {
    let site = site().await?;
    let (session, _) = site.signed_in().await?;
    let line = format!("cookie: {}={session}", cookie::SESSION);
    assert_eq!(site.ask(&format!("GET /audit\n{line}"), "").await?.status, StatusCode::OK);
    let mut tx = site.bench.db.begin().await?;
    sql("UPDATE app_user SET role = $1").bind("viewer").execute(&mut tx).await?;
    tx.commit().await?;
    site.bench.advance(crate::model::Timestamp::SECOND);
    let json = site.ask(&format!("GET /audit\n{line}"), "").await?;
    let problem: serde_json::Value = serde_json::from_str(&json.body)?;
    assert_eq!((&problem["code"], &problem["needs_role"]), (&"FORBIDDEN".into(), &"auditor".into()));
    let page = site.ask(&format!("GET /audit\n{HTML}\n{line}"), "").await?;
    assert!(page.status == StatusCode::FORBIDDEN && page.body.contains("auditor"));
    Ok(())
}

#[tokio::test]
async fn health_follows_the_database_and_the_shutdown() -> TestResult {
    let site = Site::new(rooms(), |edge| edge.metrics = Some(std::sync::Arc::new(|| "up 1\n".to_owned()))).await?;
    assert_eq!(site.ask("GET /health/ready", "").await?.status, StatusCode::OK);
    assert_eq!(site.ask("GET /metrics", "").await?.body, "up 1\n");
    site.hub.edge.shutdown.cancel();
    let stopping = site.ask("GET /health/ready", "").await?;
    assert_eq!(stopping.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(stopping.body.contains("\"stopping\":true"));
    assert_eq!(site.ask("GET /health/live", "").await?.status, StatusCode::OK);
    Ok(())
}

#[tokio::test]
async fn language_can_be_switched_before_sign_in() -> TestResult {
    let site = site().await?;
    let page = site.ask(&format!("GET /setup?lang=en\n{HTML}"), "").await?;
    assert!(page.body.contains("<html lang=\"en\">"));
    let (value, attributes) = page.cookie(cookie::LANGUAGE).ok_or("no cookie")?;
    assert_eq!((value.as_str(), attributes.as_str()), ("en", "Path=/; Max-Age=31536000; SameSite=Lax"));
    let next = site.ask(&format!("GET /setup\n{HTML}\ncookie: {}=en", cookie::LANGUAGE), "").await?;
    assert!(next.body.contains("<html lang=\"en\">"));
    Ok(())
}

#[tokio::test]
async fn the_server_stops_when_told() -> TestResult {
    let site = site().await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let hub = site.hub.clone();
    let router = super::server::router(&hub, rooms());
    let serving = tokio::spawn(async move { super::server::serve(listener, router, &hub).await });
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    tokio::io::AsyncWriteExt::write_all(
        &mut stream,
        b"GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await?;
    let mut answer = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut answer).await?;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    site.hub.edge.shutdown.cancel();
    serving.await??;
    Ok(())
}
