//! What holds for every address: guards, errors, headers, health.

use super::*;

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
    for (path, code) in [("/scim/x", "SIGNIN_REQUIRED"), ("/api/v1/customers", "TOKEN_REQUIRED")] {
        let machine = site.ask(&format!("GET {path}\naccept: text/html"), "").await?;
        let kind = machine.header("content-type");
        assert_eq!((machine.status, kind), (StatusCode::UNAUTHORIZED, "application/problem+json"), "{path}");
        let problem: serde_json::Value = serde_json::from_str(&machine.body)?;
        assert_eq!((&problem["code"], &problem["status"]), (&code.into(), &401.into()));
        assert_eq!(problem["request_id"], machine.header("x-request-id"));
    }
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
    let router = crate::http::server::router(&hub, rooms());
    let serving = tokio::spawn(async move { crate::http::server::serve(listener, router, &hub).await });
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

#[test]
fn the_configuration_becomes_edge_and_limits() -> TestResult {
    let variables = [
        ("MUSUBI_SERVER__PUBLIC_URL".to_owned(), "https://hub.example/".to_owned()),
        ("MUSUBI_SESSION__IDLE".to_owned(), "30m".to_owned()),
    ];
    let config = crate::config::Config::load_from(None, &variables)?;
    let edge = Edge::try_from(&config.server)?;
    assert_eq!((edge.public_url.as_str(), edge.timeout), ("https://hub.example/", config.server.request_timeout.0));
    let limits = crate::identity::Limits::from(&config);
    assert_eq!(limits.session_idle, Duration::from_mins(30));
    Ok(())
}
