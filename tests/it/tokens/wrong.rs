//! What lets nobody in, and what it is told.

use std::collections::BTreeSet;

use musubi::identity::{Found, Origin, Role, Scope};
use reqwest::header;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::scene::{MAIL, PASSPHRASE, Program, client, made, owner, read, service, token};
use crate::{hub::TestHub, real::TestDatabase};

const READ: [Scope; 1] = [Scope::CustomersRead];

fn neutral(mut body: Value) -> String {
    body["request_id"] = json!("");
    body.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_token_gets_one_answer_and_guessing_has_to_wait() {
    let elsewhere = TestDatabase::sqlite().await;
    let foreign = TestHub::start(&elsewhere).await;
    let unknown = token(&foreign, &service(&foreign, "よそ", Role::Viewer).await, &READ).await;
    foreign.stop().await;
    for database in TestDatabase::both().await {
        let t = TestHub::start(&database).await;
        let service = service(&t, "販売連携", Role::Viewer).await;
        let (id, revoked) = made(&t, &service, &READ).await;
        t.hub().identity.revoke_token(super::scene::SHELL, &id, &Origin::default()).await.unwrap();
        let good = token(&t, &service, &READ).await;
        let typo = good.expose_secret().replace("mus_", "mus-");
        let mut answers = BTreeSet::new();
        for wrong in ["mus_", typo.as_str(), unknown.expose_secret(), revoked.expose_secret(), "結"] {
            let answer = Program::saying(&t, wrong).get("/api/v1/nowhere", 401).await;
            assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"musubi\", error=\"invalid_token\"");
            assert_eq!(answer.header("content-type"), "application/problem+json");
            answers.insert(neutral(answer.body));
        }
        assert_eq!(answers.len(), 1, "{answers:?}");
        assert!(answers.first().unwrap().contains("TOKEN_INVALID"));
        // The sixth is the last that is free.
        Program::saying(&t, "guess").get("/api/v1/me", 401).await;
        let wait = Program::saying(&t, "guess").get("/api/v1/me", 429).await;
        assert_eq!(wait.header("retry-after"), "1");
        Program::new(&t, &good).get("/api/v1/me", 200).await;

        // The trail says which check failed, and nothing of what was sent.
        let refused = "SELECT COUNT(*) FROM audit WHERE action = 'token.use' AND outcome = 'refused'
                       AND actor = 'system'";
        t.until(refused, |n| n == 6).await;
        for (code, times) in [("API_TOKEN_FORM", 4), ("API_TOKEN_UNKNOWN", 1), ("API_TOKEN_REVOKED", 1)] {
            let entries = musubi::store::sql("SELECT COUNT(*) FROM audit WHERE detail LIKE $1")
                .bind(format!("%{code}%"))
                .one::<(i64,)>(&t.hub().db)
                .await
                .unwrap();
            assert_eq!(entries.0, times, "{code}");
        }
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_there_is_nothing_to_see() {
    let database = TestDatabase::sqlite().await;
    let t = TestHub::start(&database).await;
    let secret = token(&t, &service(&t, "販売連携", Role::Viewer).await, &READ).await;
    let bare = |path: &str| client().get(format!("{}{path}", t.url));
    let say = |value: String| bare("/api/v1/me").header(header::AUTHORIZATION, value);
    let (secret, url) = (secret.expose_secret(), &t.url);
    for (request, status, code) in [
        (bare("/api/v1/me"), 401, "TOKEN_REQUIRED"),
        (bare("/api/v1/nowhere"), 401, "TOKEN_REQUIRED"),
        (bare(&format!("/api/v1/me?access_token={secret}")), 401, "TOKEN_REQUIRED"),
        (client().post(format!("{url}/api/v1/customers")), 401, "TOKEN_REQUIRED"),
        (say(format!("Basic {secret}")), 401, "TOKEN_REQUIRED"),
        (say("Bearer".into()), 401, "TOKEN_INVALID"),
        (say(format!("Bearer {secret}")).header(header::AUTHORIZATION, "Bearer x"), 400, "TOKEN_AMBIGUOUS"),
        (say(format!("bearer  {secret}")), 200, ""),
        (bare("/api/v1/nowhere").bearer_auth(secret), 404, "NOT_FOUND"),
        (bare("/api/v2/me").bearer_auth(secret), 404, "NOT_FOUND"),
        (client().post(format!("{url}/api/v1/me")).bearer_auth(secret), 405, "METHOD_NOT_ALLOWED"),
    ] {
        let answer = read(request).await;
        assert_eq!((answer.status, answer.body["code"].as_str().unwrap_or("")), (status, code));
        let challenged = answer.header("www-authenticate").starts_with("Bearer realm=\"musubi\"");
        assert_eq!(challenged, [400, 401].contains(&status), "{code}");
        if status != 200 {
            assert_eq!(answer.header("content-type"), "application/problem+json", "{code}");
            assert_eq!(answer.body["status"], status);
            assert_eq!(answer.body["request_id"], answer.header("x-request-id"));
        }
    }
    t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cookies_count_for_nothing_here_and_tokens_for_nothing_on_pages() {
    let database = TestDatabase::sqlite().await;
    let t = TestHub::start(&database).await;
    let owner = owner(&t).await;
    let origin = Origin::default();
    let signed_in = t.hub().identity.sign_in(MAIL, PASSPHRASE.to_owned().into(), None, &origin).await.unwrap();
    let cookie = format!("__Host-musubi={}", signed_in.token.expose_secret());
    let Found::Active(session) = t.hub().identity.session(signed_in.token.expose_secret()).await.unwrap() else {
        panic!("not signed in")
    };
    let secret = token(&t, &owner, &[Scope::AuditRead]).await;
    let secret = secret.expose_secret();
    let get = |path: &str| client().get(format!("{}{path}", t.url));
    let page = get("/customers").header(header::COOKIE, &cookie).send().await.unwrap();
    assert_eq!(page.status(), 200, "the cookie is good");
    assert_eq!(read(get("/api/v1/me").header(header::COOKIE, &cookie)).await.status, 401);
    let posted = client().post(format!("{}/api/v1/customers", t.url)).header(header::COOKIE, &cookie);
    assert_eq!(read(posted.header("x-csrf-token", &session.principal.csrf)).await.status, 401);

    // With both, the token alone decides, and the trail names it.
    let both = read(get("/api/v1/customers").header(header::COOKIE, &cookie).bearer_auth(secret)).await;
    assert_eq!((both.status, &both.body["needs_scope"]), (403, &json!("customers:read")));
    let noted = "SELECT COUNT(*) FROM audit WHERE action = 'access.refuse'";
    t.until(noted, |n| n == 1).await;
    assert!(t.text("SELECT detail FROM audit WHERE action = 'access.refuse'").await.contains("tok_"));
    assert_eq!(read(get("/api/v1/me?lang=en").bearer_auth(secret)).await.header("set-cookie"), "");

    for path in ["/customers", "/me", "/admin/users"] {
        let answer = get(path).header(header::ACCEPT, "text/html").bearer_auth(secret).send().await.unwrap();
        assert_eq!(answer.status(), 303, "{path}");
        assert!(answer.headers()[header::LOCATION].to_str().unwrap().starts_with("/signin"), "{path}");
    }
    let saved = client().post(format!("{}/settings", t.url)).bearer_auth(secret).send().await.unwrap();
    assert_eq!(saved.status(), 401);
    t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_over_an_open_wire_is_not_looked_at() {
    let database = TestDatabase::sqlite().await;
    let open = |config: &mut musubi::config::Config| config.server.public_url = "http://hub.example".to_owned();
    let t = TestHub::start_with(&database, open).await;
    let secret = token(&t, &service(&t, "販売連携", Role::Viewer).await, &READ).await;
    let request = client().get(format!("{}/api/v1/me", t.url)).header(header::HOST, "hub.example");
    let answer = read(request.bearer_auth(secret.expose_secret())).await;
    assert_eq!((answer.status, &answer.body["code"]), (403, &json!("INSECURE_TRANSPORT")));
    t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_token_calls_so_often_a_minute() {
    let database = TestDatabase::sqlite().await;
    let t = TestHub::start_with(&database, |config| config.tokens.per_minute = 5).await;
    let service = service(&t, "販売連携", Role::Viewer).await;
    let (busy, calm) = (token(&t, &service, &READ).await, token(&t, &service, &READ).await);
    let busy = Program::new(&t, &busy);
    for _ in 0..5 {
        busy.get("/api/v1/me", 200).await;
    }
    let answer = busy.get("/api/v1/me", 429).await;
    assert_eq!(answer.body["code"], "TOO_MANY_REQUESTS");
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=12).contains(&wait), "{wait}");
    Program::new(&t, &calm).get("/api/v1/me", 200).await;
    t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_signs_in_as_a_service() {
    let database = TestDatabase::sqlite().await;
    let t = TestHub::start(&database).await;
    owner(&t).await;
    let service = service(&t, "販売連携", Role::Admin).await;
    // Even where somebody put a passphrase there by hand.
    let mut tx = t.hub().db.begin().await.unwrap();
    let copied = "UPDATE app_user SET mail = 'svc@hinoki-seiki.example', mail_key = 'svc@hinoki-seiki.example',
                    password_hash = (SELECT password_hash FROM app_user WHERE role = 'owner') WHERE id = $1";
    assert_eq!(musubi::store::sql(copied).bind(&service).execute(&mut tx).await.unwrap(), 1);
    tx.commit().await.unwrap();
    let sign_in =
        async |mail: &str| t.hub().identity.sign_in(mail, PASSPHRASE.to_owned().into(), None, &Origin::default()).await;
    assert_eq!(sign_in("svc@hinoki-seiki.example").await.unwrap_err().code(), "SIGNIN_WRONG");
    assert!(sign_in(MAIL).await.is_ok());
    t.stop().await;
}
