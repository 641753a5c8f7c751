//! The real program as its own process, which a test may end in any way.

use std::{
    path::Path,
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use tokio::process::{Child, Command};

/// The key that every hub of the tests seals with.
pub const KEY: &str = "0707070707070707070707070707070707070707070707070707070707070707";

/// How to start `musubi serve`.
pub struct Plan<'a> {
    pub database: &'a str,
    pub port: u16,
    pub connectors: &'a Path,
    /// Its working folder; its log is written there.
    pub folder: &'a Path,
    pub variables: &'a [(&'a str, &'a str)],
    /// Put in front of the program.
    pub wrap: &'a [&'a str],
}

/// A running `musubi serve`; killed when dropped.
pub struct Process {
    child: Child,
    port: u16,
}

impl Process {
    pub fn start(plan: &Plan<'_>) -> Self {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(plan.folder.join("serve.log")).unwrap();
        let program = [env!("CARGO_BIN_EXE_musubi"), "serve"];
        let words: Vec<&str> = plan.wrap.iter().copied().chain(program).collect();
        let child = Command::new(words[0])
            .args(&words[1..])
            .current_dir(plan.folder)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("MUSUBI_SERVER__LISTEN", format!("127.0.0.1:{}", plan.port))
            .env("MUSUBI_DATABASE__URL", plan.database)
            .env("MUSUBI_SECRETS__KEY", KEY)
            .env("MUSUBI_CONNECTORS__DIR", plan.connectors)
            .env("MUSUBI_SYNC__POLL", "50ms")
            .env("MUSUBI_SYNC__LEASE", "2s")
            .env("MUSUBI_SYNC__BACKOFF_FIRST", "100ms")
            .env("MUSUBI_SYNC__BACKOFF_MAX", "1s")
            .env("MUSUBI_SYNC__CIRCUIT_PAUSE", "1s")
            .env("MUSUBI_LOG__FILTER", "info")
            .envs(plan.variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self { child, port: plan.port }
    }

    pub fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Waits until it takes connections.
    pub async fn ready(&mut self) {
        let start = Instant::now();
        while tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            assert!(start.elapsed() < Duration::from_secs(30), "the hub does not start");
            assert!(self.child.try_wait().unwrap().is_none(), "the hub ended at its start");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until it has ended by itself.
    pub async fn gone(&mut self) -> ExitStatus {
        tokio::time::timeout(Duration::from_secs(60), self.child.wait()).await.expect("it still runs").unwrap()
    }

    /// As a power cut would: `kill -9`.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Sends a signal such as `TERM`.
    pub async fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.pid().to_string()]).status().await.unwrap();
        assert!(sent.success());
    }
}
