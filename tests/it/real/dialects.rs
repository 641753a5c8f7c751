//! More real SAML providers, which write their answers differently: `samlp` on Node and pysaml2. Each test that
//! wants one starts its own.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{
    oidc_provider::PASSWORD,
    watchdog::{self, Watched},
};
use crate::issuer::keys;

/// Apart from the hub, because cookies belong to an address whatever the port.
const HOST: &str = "127.0.0.23";

/// A provider with one person and one hub; who knows its person signs in with [`PASSWORD`].
pub struct Dialect {
    pub base: String,
    pub metadata: String,
    folder: PathBuf,
    _process: Watched,
}

impl Dialect {
    /// Signs the assertion; attributes are named by addresses.
    pub fn samlp() -> Self {
        let (program, installed) = (root().join("tests/real/samlp/provider.mjs"), root().join("target/samlp"));
        Self::start("samlp", "node_modules/samlp", &installed, |_| {
            vec!["node".to_owned(), program.display().to_string(), installed.display().to_string()]
        })
    }

    /// Signs response and assertion, with xmlsec1; attributes are named by OIDs. Takes only signed requests.
    pub fn pysaml2() -> Self {
        let (program, installed) = (root().join("tests/real/pysaml2/provider.py"), root().join("target/pysaml2"));
        Self::start("pysaml2", "requirements.txt", &installed, |installed| {
            vec![installed.join("bin/python").display().to_string(), program.display().to_string()]
        })
    }

    fn start(name: &str, there: &str, installed: &Path, command: impl Fn(&Path) -> Vec<String>) -> Self {
        assert!(installed.join(there).exists(), "{name} is not installed: `./x test` installs it");
        let folder = tempfile::Builder::new().prefix("musubi-saml-").tempdir().unwrap().keep();
        let key = &keys().main;
        std::fs::write(folder.join("provider.key"), key.private_pem()).unwrap();
        std::fs::write(folder.join("provider.crt"), key.certificate_pem()).unwrap();
        std::fs::write(folder.join("people.json"), "{}").unwrap();
        let (port, log) = (watchdog::free_port(), folder.join("provider.log"));
        let mut command = command(installed);
        command.extend([folder.display().to_string(), HOST.to_owned(), port.to_string()]);
        let process =
            watchdog::start(watchdog::Plan { wrap: &[], signal: "TERM", folder: &folder, command, log: &log });
        watchdog::wait_until(name, &log, || std::net::TcpStream::connect((HOST, port)).is_ok());
        let base = format!("http://{HOST}:{port}");
        Self { metadata: format!("{base}/metadata"), base, folder, _process: process }
    }

    /// Makes a hub known by its metadata and by where answers go.
    pub fn service(&self, metadata: &str, acs: &str) {
        std::fs::write(self.folder.join("service.xml"), metadata).unwrap();
        std::fs::write(self.folder.join("service.json"), json!({ "acs": acs }).to_string()).unwrap();
    }

    /// The person there is.
    pub fn person(&self, login: &str, name: &str, groups: &[&str]) {
        let mail = format!("{login}@hinoki-seiki.example");
        let people = json!({ login: {"password": PASSWORD, "name": name, "mail": mail, "groups": groups} });
        std::fs::write(self.folder.join("people.json"), people.to_string()).unwrap();
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
