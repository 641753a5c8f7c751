//! The API as a whole: the document is what the routes are, and what they answer is what it says.

mod changes;
mod nouns;
mod tried;

use std::collections::BTreeSet;

use musubi::app::api_description;
use serde_json::Value;

use crate::{
    hub::TestHub,
    real::TestDatabase,
    tokens::scene::{Program, client, owner, read, token},
};

/// Every operation: method, path, what the document says.
fn operations() -> Vec<(String, String, &'static Value)> {
    let paths = api_description()["paths"].as_object().unwrap();
    let each = |(path, item): (&String, &'static Value)| {
        let methods = item.as_object().unwrap().iter();
        methods.map(|(method, operation)| (method.clone(), path.clone(), operation)).collect::<Vec<_>>()
    };
    paths.iter().flat_map(each).collect()
}

#[test]
fn every_operation_is_described_whole() {
    let document = api_description();
    assert_eq!(document["openapi"], "3.1.0");
    let tags: BTreeSet<&str> =
        document["tags"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect();
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations() {
        let at = format!("{method} {path}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{at}: operationId twice");
        assert!(!operation["summary"].as_str().unwrap_or_default().is_empty(), "{at}: no summary");
        assert!(operation["security"][0]["token"].is_array(), "{at}: which scope?");
        let tag = operation["tags"][0].as_str().unwrap();
        assert!(tags.contains(tag), "{at}: {tag} is no noun of the document");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let said = parameter["description"].as_str().unwrap_or_default();
            assert!(!said.is_empty(), "{at}: {} says nothing", parameter["name"]);
        }
    }
    let mut wanted = Vec::new();
    references(document, &mut wanted);
    for reference in wanted {
        let found = document.pointer(reference.trim_start_matches('#'));
        assert!(found.is_some(), "{reference} leads nowhere");
    }
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

/// Each operation is there and asks for the scope that the document names; any other method of a documented
/// address, and any other address, is refused.
#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_what_the_routes_are() {
    let database = TestDatabase::sqlite().await;
    let t = TestHub::start_with(&database, |config| config.tokens.per_minute = 100_000).await;
    let me = owner(&t).await;
    let public = read(client().get(format!("{}/api/v1/openapi.json", t.url))).await;
    assert_eq!((public.status, &public.body), (200, api_description()));
    let (mut named, mut without) = (BTreeSet::new(), std::collections::BTreeMap::new());
    for (method, path, operation) in operations() {
        named.insert(path.clone());
        let scopes: Vec<&str> =
            operation["security"][0]["token"].as_array().unwrap().iter().map(|s| s.as_str().unwrap()).collect();
        let address = format!("{}/api/v1{}", t.url, path.replace("{", "").replace("}", ""));
        let call = || {
            let method: reqwest::Method = method.to_uppercase().parse().unwrap();
            let call = client().request(method, &address);
            if operation.get("requestBody").is_some() { call.json(&serde_json::json!({})) } else { call }
        };
        let nobody = read(call()).await;
        assert_eq!((nobody.status, &nobody.body["code"]), (401, &"TOKEN_REQUIRED".into()), "{method} {path}");
        // A token for everything but this.
        let other: Vec<_> =
            musubi::identity::Scope::ALL.into_iter().filter(|scope| !scopes.contains(&scope.as_str())).collect();
        // One for each scope: an owner has only so many.
        let without = match without.get(&scopes) {
            Some(known) => known,
            None => {
                let made = token(&t, &me, &other).await;
                without.entry(scopes.clone()).or_insert(made)
            }
        };
        let answer = read(call().bearer_auth(secrecy::ExposeSecret::expose_secret(without))).await;
        match scopes.first() {
            Some(scope) => {
                assert_eq!(answer.body["code"], "SCOPE_MISSING", "{method} {path}: {}", answer.body);
                assert_eq!(answer.body["needs_scope"], *scope, "{method} {path}");
            }
            None => assert_eq!(answer.status, 200, "{method} {path}"),
        }
    }
    // What the source routes is what is documented: every path of `#[utoipa::path]`, and no `.route(` beside it.
    let written = written_paths();
    assert_eq!(named, written, "documented and written");
    let program = Program::new(&t, &token(&t, &me, &musubi::identity::Scope::ALL).await);
    for path in &named {
        let address = format!("{}/api/v1{}", t.url, path.replace(['{', '}'], ""));
        let answer = program.call(client().delete(&address)).await;
        let allowed = operations().iter().any(|(method, at, _)| method == "delete" && at == path);
        assert!(allowed || answer.status == 405, "{path}: DELETE {}", answer.status);
    }
    assert_eq!(program.get("/api/v1/unheard-of", 404).await.body["code"], "NOT_FOUND");
    t.stop().await;
}

fn written_paths() -> BTreeSet<String> {
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/api")];
    let mut found = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let outside = path.ends_with("api/mod.rs");
            assert!(outside || !text.contains(".route("), "{}: a route that is not described", path.display());
            let paths = text.split("#[utoipa::path(").skip(1).filter_map(|rest| rest.split("path = \"").nth(1));
            found.extend(paths.filter_map(|rest| rest.split('"').next()).map(str::to_owned));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_reads_well_in_both_languages_in_light_and_dark() {
    let desk = crate::console_desk::Desk::new().await;
    for language in ["ja", "en"] {
        desk.open(&format!("/api/docs?lang={language}")).await;
        desk.looks(&format!("api-docs-{language}")).await;
    }
    desk.close().await;
}
