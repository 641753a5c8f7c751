//! The command as people and scripts run it: output, exit codes, nothing secret on the way.

use std::{
    io::Write,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

use musubi::store;
use serde_json::Value;

use crate::real::TestDatabase;

pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// What `--json` printed.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {} {}", self.out, self.err))
    }
}

/// Runs the real program in a folder, with only these variables.
pub fn musubi(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
    musubi_fed(folder, variables, arguments, "")
}

/// The same with something on its standard input.
pub fn musubi_fed(folder: &Path, variables: &[(&str, &str)], arguments: &[&str], input: &str) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_musubi"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that ends without reading closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let ran = child.wait_with_output().unwrap();
    Ran {
        code: ran.status.code().unwrap(),
        out: String::from_utf8(ran.stdout).unwrap(),
        err: String::from_utf8(ran.stderr).unwrap(),
    }
}

#[test]
fn configuration_is_checked_and_printed_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let url = ("MUSUBI_DATABASE__URL", "postgres://hub:hunter2@127.0.0.1:1/hub");
    let ran = musubi(folder.path(), &[url], &["config", "check"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("[server]") && !ran.out.contains("hunter2"), "{}", ran.out);
    let ran = musubi(folder.path(), &[url], &["config", "check", "--json"]);
    let document: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(document["database"]["url"], "postgres://hub:***@127.0.0.1:1/hub");
    let ran = musubi(folder.path(), &[("MUSUBI_SERVER__LISTN", "x")], &["config", "check"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("MUSUBI_SERVER__LISTN") && ran.err.contains("server.listen?"), "{}", ran.err);
    let ran = musubi(folder.path(), &[url], &["doctor"]);
    assert_eq!(ran.code, 1, "{}", ran.out);
    assert!(!ran.out.contains("hunter2") && !ran.err.contains("hunter2"));
}

#[test]
fn the_defaults_are_a_valid_file_to_start_from() {
    let folder = tempfile::tempdir().unwrap();
    let defaults = musubi(folder.path(), &[], &["config", "defaults"]);
    std::fs::write(folder.path().join("hub.toml"), defaults.out).unwrap();
    let ran = musubi(folder.path(), &[], &["config", "check", "--config", "hub.toml"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
}

#[test]
fn a_dry_run_plans_and_a_run_applies() {
    let folder = tempfile::tempdir().unwrap();
    let states = |arguments: &[&str]| {
        let ran = musubi(folder.path(), &[], arguments);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let steps: Vec<Value> = serde_json::from_str(&ran.out).unwrap();
        steps.iter().map(|step| step["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(states(&["migrate", "--dry-run", "--json"]).iter().all(|state| state == "would be applied"));
    assert!(states(&["migrate", "--json"]).iter().all(|state| state == "applied"));
    assert!(states(&["migrate", "--json"]).iter().all(|state| state == "in place"));
    let file = std::fs::metadata(folder.path().join("var/musubi.db")).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o600, "others cannot read the database");
    let ran = musubi(folder.path(), &[], &["doctor"]);
    assert!(ran.out.contains("is this program's"), "{}", ran.out);
}

#[tokio::test]
async fn backup_restore_and_copy_work_from_the_shell() {
    let folder = tempfile::tempdir().unwrap();
    for test in TestDatabase::both().await {
        let file = format!("{}.backup", test.name);
        let from = [("MUSUBI_DATABASE__URL", test.url.as_str())];
        let ran = musubi(folder.path(), &from, &["backup", &file]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(ran.err.contains("var/musubi.key is NOT in this backup"), "{}", ran.err);
        assert_eq!(musubi(folder.path(), &from, &["backup", &file]).code, 1, "never overwritten");
        let target = format!("sqlite://{}.restored.db", test.name);
        let ran = musubi(folder.path(), &[("MUSUBI_DATABASE__URL", &target)], &["restore", &file, "--json"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let document: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(document["tables"]["customer"], 0);
        let copied = format!("sqlite://{}.copied.db", test.name);
        let ran = musubi(folder.path(), &[], &["copy", "--from", &test.url, "--to", &copied]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let db =
            store::open(&format!("sqlite://{}/{}.copied.db", folder.path().display(), test.name), 1).await.unwrap();
        assert_eq!(store::copy::count_all(&db).await.unwrap().rows(), 0);
    }
    let ran = musubi(folder.path(), &[], &["copy", "--from", "sqlite://none.db", "--to", "sqlite://new.db"]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(!folder.path().join("none.db").exists());
    assert_eq!(musubi(folder.path(), &[], &["no-such-command"]).code, 2);
}
