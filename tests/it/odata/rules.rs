//! The door and the manners: tokens, headers, methods, refusals.

use musubi::identity::{Role, Scope};
use reqwest::Method;
use secrecy::ExposeSecret;

use super::scene::{Tool, odd};
use crate::{
    hub::TestHub,
    real::TestDatabase,
    tokens::scene::{client, read, service, token},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_the_feed_by_either_scheme_and_only_with_its_scope() {
    let database = TestDatabase::sqlite().await;
    let t = TestHub::start(&database).await;
    let tool = Tool::of(&t, Role::Viewer).await;
    let url = tool.service.clone();
    for path in ["", "/", "/$metadata", "/Orders", "/Orders/$count", "/Nope"] {
        let answer = read(client().get(format!("{url}{path}"))).await;
        assert_eq!((answer.status, &answer.body["error"]["code"]), (401, &"TOKEN_REQUIRED".into()), "{path}");
        let offers: Vec<&str> =
            answer.headers.get_all("www-authenticate").iter().map(|v| v.to_str().unwrap()).collect();
        assert_eq!(offers, ["Bearer realm=\"musubi\"", "Basic realm=\"musubi\", charset=\"UTF-8\""]);
        assert_eq!(answer.header("odata-version"), "4.0");
        assert_eq!(answer.header("content-type"), "application/json");
    }
    let root = client().get(&url);
    assert_eq!(read(root.try_clone().unwrap().bearer_auth(tool.secret())).await.status, 200);
    assert_eq!(read(root.try_clone().unwrap().basic_auth("", Some(tool.secret()))).await.status, 200);
    for wrong in [
        root.try_clone().unwrap().basic_auth(tool.secret(), Some("")),
        root.try_clone().unwrap().basic_auth("x", Some("mus_nothing")),
        root.try_clone().unwrap().header("authorization", "Basic !!"),
        root.try_clone().unwrap().header("authorization", "Basic"),
    ] {
        assert_eq!(read(wrong).await.body["error"]["code"], "TOKEN_INVALID");
    }
    // On the API, a password is no token.
    let api = client().get(format!("{}/api/v1/me", t.url)).basic_auth("x", Some(tool.secret()));
    assert_eq!(read(api).await.body["code"], "TOKEN_REQUIRED");
    let other = token(&t, &service(&t, "別", Role::Viewer).await, &[Scope::CustomersRead]).await;
    let refused = read(root.try_clone().unwrap().bearer_auth(other.expose_secret())).await;
    assert_eq!((refused.status, &refused.body["error"]["code"]), (403, &"SCOPE_MISSING".into()));
    assert_eq!(refused.body["error"]["innererror"]["needs_scope"], "bi:read");
    let elsewhere = read(root.header("host", "elsewhere.example").bearer_auth(tool.secret())).await;
    assert_eq!(elsewhere.status, 421);
    t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_keeps_the_standards_manners() {
    let database = TestDatabase::sqlite().await;
    let t = odd(&database).await;
    let tool = Tool::of(&t, Role::Admin).await;
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let request = client().request(method, format!("{}/Orders", tool.service)).bearer_auth(tool.secret());
        let answer = read(request).await;
        assert_eq!((answer.status, answer.header("allow")), (405, "GET, HEAD"));
        assert_eq!(answer.body["error"]["code"], "METHOD_NOT_ALLOWED");
    }
    let head = client().head(format!("{}/Orders", tool.service)).bearer_auth(tool.secret()).send().await.unwrap();
    assert_eq!((head.status().as_u16(), &head.headers()["odata-version"]), (200, &"4.0".parse().unwrap()));
    for (name, value, status) in [
        ("odata-maxversion", "4.01", 200),
        ("odata-maxversion", "4.0", 200),
        ("odata-version", "4.0", 200),
        ("maxdataserviceversion", "3.0;NetFx", 200),
        ("odata-maxversion", "3.0", 400),
        ("odata-version", "2.0", 400),
        ("accept", "application/atom+xml", 406),
        ("accept", "application/atom+xml,application/json;odata.metadata=minimal;q=0.9", 200),
    ] {
        let answer = read(tool.request("/Orders?$top=1").header(name, value)).await;
        assert_eq!(answer.status, status, "{name}: {value}: {}", answer.body);
        assert_eq!(answer.header("odata-version"), "4.0");
    }
    let xml = tool.request("/$metadata").header("accept", "application/json").send().await.unwrap();
    assert_eq!(xml.headers()["content-type"], "application/xml");
    refusals(&tool).await;
    trail(&t, &tool).await;
    t.stop().await;
}

/// What is wrong is said with its code, its place and what to do.
async fn refusals(tool: &Tool) {
    for (path, status, code, target) in [
        ("/Nope", 404, "NOT_FOUND", None),
        ("/Orders('nope')", 404, "NOT_FOUND", None),
        ("/Orders?$filter=Total%20gt%20'x'", 400, "FILTER_TYPE", Some("$filter")),
        ("/Orders?$select=Nope", 400, "PROPERTY_UNKNOWN", Some("$select")),
        ("/Orders?token=mus_x", 400, "OPTION_UNKNOWN", None),
        ("/Orders?$apply=aggregate(Total)", 501, "NOT_SUPPORTED", None),
        ("/Orders?$skiptoken=x", 400, "SKIPTOKEN_INVALID", Some("$skiptoken")),
        ("/Orders?$format=atom", 406, "FORMAT_UNKNOWN", None),
        ("/Orders?$filter=not%20(not%20(Number%20eq%20'%00'))", 400, "EXPRESSION_INVALID", Some("$filter")),
    ] {
        let answer = tool.get(path, status).await;
        let error = &answer.body["error"];
        assert_eq!((error["code"].as_str(), error["target"].as_str()), (Some(code), target), "{path}");
        assert!(error["message"].as_str().unwrap().len() > 20, "{path}: {error}");
    }
    // Long chains are within what a database takes, and longer ones are refused before it.
    let chain = |n: usize| format!("/Orders/$count?$filter={}", vec!["Total%20eq%201"; n].join("%20or%20"));
    assert_eq!(tool.request(&chain(200)).send().await.unwrap().status(), 200);
    assert_eq!(tool.get(&chain(300), 400).await.body["error"]["code"], "EXPRESSION_LONG");
}

/// Each page of rows is in the trail, with the token; documents without rows are not.
async fn trail(t: &TestHub, tool: &Tool) {
    tool.get("/$metadata", 200).await;
    tool.get("/Customers?$top=1&$expand=Sites($top=1)", 200).await;
    t.until("SELECT COUNT(*) FROM audit WHERE action = 'feed.read' AND object_id IN ('Customers', 'Sites')", |n| {
        n == 2
    })
    .await;
    let others =
        "SELECT COUNT(*) FROM audit WHERE action = 'feed.read' AND object_id NOT IN ('Customers', 'Sites', 'Orders')";
    assert_eq!(t.count(others).await, 0);
    let named = "SELECT COUNT(*) FROM audit a JOIN api_token k ON a.detail = '{\"token\":\"' || k.id || '\"}'
                 WHERE a.action = 'feed.read' AND a.object_kind = 'feed' AND a.object_id = 'Customers'";
    assert_eq!(t.count(named).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_often_is_told_to_wait() {
    let database = TestDatabase::sqlite().await;
    let t = TestHub::start_with(&database, |config| config.tokens.per_minute = 3).await;
    let tool = Tool::of(&t, Role::Viewer).await;
    for _ in 0..3 {
        tool.get("/Orders?$top=1", 200).await;
    }
    let answer = tool.get("/Orders?$top=1", 429).await;
    assert_eq!(answer.body["error"]["code"], "TOO_MANY_REQUESTS");
    assert!(answer.header("retry-after").parse::<u64>().unwrap() > 0);
    t.stop().await;
}
