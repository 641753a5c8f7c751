//! A real OpenID Provider: `oidc-provider`, which is certified. One process for all tests, and in it an
//! issuer of its own for each: its people, clients and keys are only that test's.

use std::{path::Path, sync::OnceLock};

use serde_json::{Value, json};

use super::watchdog::{self, Watched};

struct Server {
    control: String,
    _process: Watched,
}

impl Server {
    fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(|| {
            let root = Path::new(env!("CARGO_MANIFEST_DIR"));
            let installed = root.join("target/oidc");
            let there = installed.join("node_modules/oidc-provider").exists();
            assert!(there, "oidc-provider is not installed: `./x test` installs it");
            let folder = tempfile::Builder::new().prefix("musubi-oidc-").tempdir().unwrap().keep();
            let (port, log) = (watchdog::free_port(), folder.join("provider.log"));
            let program = root.join("tests/real/oidc/provider.mjs");
            let command = ["node".to_owned(), program.display().to_string(), installed.display().to_string()];
            let command = command.into_iter().chain([port.to_string()]).collect();
            let process =
                watchdog::start(watchdog::Plan { wrap: &[], signal: "TERM", folder: &folder, command, log: &log });
            let up = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
            watchdog::wait_until("the OpenID Provider", &log, up);
            Self { control: format!("http://127.0.0.1:{port}"), _process: process }
        })
    }
}

/// One issuer; whoever knows a name of its people signs in with [`PASSWORD`].
pub struct OidcProvider {
    pub issuer: String,
    /// Its orders go here.
    place: String,
    client: reqwest::Client,
}

pub const PASSWORD: &str = "kumo-to-tetsu-no-uta";

impl OidcProvider {
    pub async fn fresh() -> Self {
        let server = Server::shared();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut provider = Self { issuer: String::new(), place: server.control.clone(), client };
        let made = provider.order("/issuers", json!({})).await;
        made["issuer"].as_str().unwrap().clone_into(&mut provider.issuer);
        let number = provider.issuer.rsplit(':').next().unwrap();
        provider.place = format!("{}/issuers/{number}", server.control);
        provider
    }

    /// Makes a client that may send people back to `callback`; `more` is further client metadata.
    pub async fn client(&self, id: &str, secret: &str, callback: &str, more: Value) {
        let mut wish = json!({
            "client_id": id, "client_secret": secret, "redirect_uris": [callback],
            "response_types": ["code"], "grant_types": ["authorization_code"],
        });
        wish.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.order("/clients", wish).await;
    }

    /// Makes a person, or changes the groups of one.
    pub async fn person(&self, login: &str, name: &str, groups: &[&str]) {
        let mail = format!("{login}@hinoki-seiki.example");
        let claims = json!({
            "login": login, "password": PASSWORD, "sub": format!("sub-{login}"), "name": name, "email": mail,
            "email_verified": true, "groups": groups,
        });
        self.order("/people", claims).await;
    }

    /// Makes a person whose mail address nobody looked at.
    pub async fn stranger(&self, login: &str, mail: &str) {
        let claims = json!({
            "login": login, "password": PASSWORD, "sub": format!("sub-{login}"), "name": login, "email": mail,
            "email_verified": false, "groups": [],
        });
        self.order("/people", claims).await;
    }

    /// Signs with a new key from now on; the old one stays published, or not.
    pub async fn rotate(&self, keep: bool) {
        self.order("/keys", json!({ "keep": keep })).await;
    }

    async fn order(&self, what: &str, wish: Value) -> Value {
        let answer = self.client.post(format!("{}{what}", self.place)).json(&wish).send().await.unwrap();
        let status = answer.status();
        let said: Value = answer.json().await.unwrap();
        assert_eq!(status, 200, "{what} {wish}: {said}");
        said
    }
}
