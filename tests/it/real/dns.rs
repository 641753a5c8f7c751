//! A real name server (dnslib), one for each test that needs one.

use std::path::PathBuf;

use serde_json::Value;

use super::watchdog::{self, Watched};

/// See the module. Ends with its test.
pub struct Dns {
    /// As `signin.dns` has it.
    pub address: String,
    folder: PathBuf,
    _process: Watched,
}

impl Dns {
    pub fn start() -> Self {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = root.join("target/smtp/bin/python");
        assert!(python.exists(), "dnslib is not installed: `./x test` installs it");
        let folder = tempfile::Builder::new().prefix("musubi-dns-").tempdir().unwrap().keep();
        let (port, log) = (watchdog::free_port(), folder.join("server.log"));
        std::fs::write(folder.join("zone.json"), "{}").unwrap();
        let program = root.join("tests/real/dns/server.py");
        let command = [&python, &program, &folder].map(|path| path.display().to_string());
        let command = command.into_iter().chain([port.to_string()]).collect();
        let process =
            watchdog::start(watchdog::Plan { wrap: &[], signal: "TERM", folder: &folder, command, log: &log });
        watchdog::wait_until("the name server", &log, || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { address: format!("127.0.0.1:{port}"), folder, _process: process }
    }

    /// What it answers from now on: texts by domain.
    pub fn zone(&self, zone: &Value) {
        let fresh = self.folder.join("zone.new");
        std::fs::write(&fresh, zone.to_string()).unwrap();
        std::fs::rename(fresh, self.folder.join("zone.json")).unwrap();
    }
}
