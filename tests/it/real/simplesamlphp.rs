//! A real SAML provider: SimpleSAMLphp under PHP's own server. One process for all tests; each registers its hub
//! and its people.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock},
};

use serde_json::{Map, Value, json};

use super::{
    oidc_provider::PASSWORD,
    watchdog::{self, Watched},
};
use crate::issuer::keys;

const PAGES: &str = "/usr/share/simplesamlphp/www";

struct Server {
    base: String,
    folder: PathBuf,
    people: Mutex<Map<String, Value>>,
    _process: Watched,
}

impl Server {
    fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(|| {
            assert!(Path::new(PAGES).exists(), "SimpleSAMLphp is not installed: `./x test` installs it");
            let folder = tempfile::Builder::new().prefix("musubi-saml-").tempdir().unwrap().keep();
            for inside in ["services", "sessions", "temporary"] {
                std::fs::create_dir(folder.join(inside)).unwrap();
            }
            let key = &keys().main;
            std::fs::write(folder.join("provider.key"), key.private_pem()).unwrap();
            std::fs::write(folder.join("provider.crt"), key.certificate_pem()).unwrap();
            std::fs::write(folder.join("people.json"), "{}").unwrap();
            // On another address of loopback than the hub, because cookies belong to an address whatever the port.
            let (port, log) = (watchdog::free_port(), folder.join("php.log"));
            let base = format!("http://127.0.0.22:{port}");
            let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/saml/config");
            let command = [
                "env".to_owned(),
                format!("SIMPLESAMLPHP_CONFIG_DIR={}", config.display()),
                format!("MUSUBI_SAML_FOLDER={}", folder.display()),
                format!("MUSUBI_SAML_BASE={base}"),
                "PHP_CLI_SERVER_WORKERS=3".to_owned(),
                "php".to_owned(),
                "-d".to_owned(),
                "display_errors=0".to_owned(),
                "-S".to_owned(),
                format!("127.0.0.22:{port}"),
                "-t".to_owned(),
                PAGES.to_owned(),
            ];
            let command = command.into_iter().collect();
            let process =
                watchdog::start(watchdog::Plan { wrap: &[], signal: "TERM", folder: &folder, command, log: &log });
            let up = || std::net::TcpStream::connect(("127.0.0.22", port)).is_ok();
            watchdog::wait_until("SimpleSAMLphp", &log, up);
            Self { base, folder, people: Mutex::default(), _process: process }
        })
    }
}

/// The provider; whoever knows a name of its people signs in with [`PASSWORD`].
pub struct SimpleSaml {
    pub base: String,
    pub metadata: String,
}

impl SimpleSaml {
    pub fn shared() -> Self {
        let server = Server::shared();
        Self { base: server.base.clone(), metadata: format!("{}/saml2/idp/metadata.php", server.base) }
    }

    /// Makes a hub known by what its metadata says. `sealed`: answers are signed twice and encrypted.
    pub fn service(&self, metadata: &str, sealed: bool) {
        let between = |from: &str, to: &str| {
            let (_, rest) = metadata.split_once(from).unwrap_or_else(|| panic!("{from} in {metadata}"));
            rest.split_once(to).unwrap().0.to_owned()
        };
        let located = |service: &str| {
            between(&format!("<md:{service} "), "/>")
                .split("Location=\"")
                .nth(1)
                .map(|rest| rest.split('"').next().unwrap().to_owned())
        };
        let service = json!({
            "entity_id": between("entityID=\"", "\""), "acs": located("AssertionConsumerService"),
            "slo": located("SingleLogoutService"),
            "certificate": between("<ds:X509Certificate>", "<"), "sign_response": sealed, "encrypt": sealed,
        });
        let name = format!("{}.json", uuid::Uuid::now_v7());
        std::fs::write(Server::shared().folder.join("services").join(name), service.to_string()).unwrap();
    }

    /// Makes a person, or changes the groups of one. Tests share the people, so their logins differ.
    pub fn person(&self, login: &str, name: &str, groups: &[&str]) {
        let server = Server::shared();
        let mut people = server.people.lock().unwrap();
        let mail = format!("{login}@hinoki-seiki.example");
        people.insert(login.to_owned(), json!({"password": PASSWORD, "name": name, "mail": mail, "groups": groups}));
        // Put in its place at once: another request may be reading.
        let (new, place) = (server.folder.join("people.new"), server.folder.join("people.json"));
        std::fs::write(&new, Value::Object(people.clone()).to_string()).unwrap();
        std::fs::rename(new, place).unwrap();
    }
}
