//! `musubi demo`, as `./x demo` starts it.

use std::{path::Path, process::Stdio, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use crate::real::free_port;

/// The real ERP is connected and read, also when the demo's folder is named relative to where one stands, as
/// the default is.
#[tokio::test(flavor = "multi_thread")]
async fn a_real_erp_is_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let made = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let folder = made.path().strip_prefix(root).expect("the build's folder is elsewhere").join("demo");
    let mut child = Command::new(env!("CARGO_BIN_EXE_musubi"))
        .args(["demo", "--tryton", "--tryton-port", &free_port().to_string(), "--folder"])
        .arg(&folder)
        .current_dir(root)
        .env("MUSUBI_SERVER__LISTEN", format!("127.0.0.1:{}", free_port()))
        .env("MUSUBI_LOG__FORMAT", "json")
        .env("MUSUBI_LOG__FILTER", "info")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut greeting = String::new();
    // Its samples begin with the first run's page, so the first sync is Tryton's.
    let run = loop {
        let line = tokio::time::timeout(Duration::from_secs(60), told.next_line()).await.expect("the demo is silent");
        let line = line.unwrap().unwrap_or_else(|| panic!("the demo ended: {greeting}"));
        match serde_json::from_str::<Value>(&line) {
            Ok(event) if event["message"] == "run ended" => break event,
            _ => greeting.push_str(&line),
        }
    };
    assert_eq!(run["state"], "succeeded", "{run}");
    assert!(run["new"].as_u64() > Some(20), "{run}");
    assert!(greeting.contains("Tryton (見本)"), "{greeting}");
    let ended = Command::new("kill").args(["-TERM", &child.id().unwrap().to_string()]).status().await.unwrap();
    assert!(ended.success());
    assert!(child.wait().await.unwrap().success());
}
