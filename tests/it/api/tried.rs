//! schemathesis tries every operation by its description: with what it allows, and with what it does not.

use std::{path::Path, process::Command};

use musubi::identity::Scope;
use secrecy::ExposeSecret;

use crate::{real::TestDatabase, scope::scene::Scene, tokens::scene::token};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_breaks_and_nothing_undocumented_is_answered() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = root.join("target/schemathesis/bin/schemathesis");
    assert!(program.exists(), "schemathesis is not installed: `./x test` installs it");
    let database = TestDatabase::sqlite().await;
    let scene = Scene::with(&database, |config| config.tokens.per_minute = 1_000_000).await;
    let secret = token(&scene.t, &scene.owner.id, &Scope::ALL).await;
    let folder = tempfile::tempdir().unwrap();
    let ran = tokio::task::block_in_place(|| {
        Command::new(&program)
            .current_dir(folder.path())
            .args(["--config-file", root.join("tests/real/schemathesis/schemathesis.toml").to_str().unwrap()])
            .args(["run", &format!("{}/api/v1/openapi.json", scene.t.url)])
            .args(["--url", &format!("{}/api/v1", scene.t.url)])
            .args(["-H", &format!("Authorization: Bearer {}", secret.expose_secret())])
            .args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing"])
            .args(["--max-examples", "10", "--max-time", "60", "--seed", "2026", "--continue-on-failure", "--no-color"])
            .env("NO_PROXY", "*")
            .output()
            .unwrap()
    });
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}\n{}", String::from_utf8_lossy(&ran.stderr));
    // It did call: every operation was in it.
    let wanted = super::operations().len();
    assert!(said.contains(&format!("{wanted} selected")) || said.contains(&format!("{wanted}/{wanted}")), "{said}");
    scene.t.stop().await;
}

/// What an answer must be. That a token is asked for is tested without schemathesis, for each operation.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,negative_data_rejection,unsupported_method,\
    allow_header_conformance,missing_required_header";
