//! A real mail server (aiosmtpd), one for each test that needs one.

use std::{path::PathBuf, time::Duration, time::Instant};

use musubi::config::{Config, MailTls};
use serde_json::Value;

use super::watchdog::{self, Watched};

/// See the module. Ends with its test.
pub struct Smtp {
    pub port: u16,
    tls: MailTls,
    account: Option<(String, String)>,
    folder: PathBuf,
    _process: Watched,
}

/// A mail that the server took.
pub struct Mail {
    pub raw: Vec<u8>,
    /// Envelope, way, and what another program reads in it.
    pub about: Value,
}

impl Mail {
    pub fn header(&self, name: &str) -> &str {
        let all = self.about["headers"].as_array().unwrap();
        let found: Vec<&str> =
            all.iter().filter(|pair| pair[0] == name).map(|pair| pair[1].as_str().unwrap()).collect();
        assert_eq!(found.len(), 1, "{name} in {all:?}");
        found[0]
    }

    pub fn text(&self) -> &str {
        self.about["text"].as_str().unwrap()
    }

    /// The line that is a link of an invitation.
    pub fn link(&self) -> String {
        let mut links = self.text().lines().filter(|line| line.contains("/invitation?token="));
        links.next().unwrap_or_else(|| panic!("no link in {}", self.text())).to_owned()
    }
}

impl Smtp {
    pub fn plain() -> Self {
        Self::start(MailTls::None, None, watchdog::free_port())
    }

    pub fn start(tls: MailTls, account: Option<(&str, &str)>, port: u16) -> Self {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = root.join("target/smtp/bin/python");
        assert!(python.exists(), "aiosmtpd is not installed: `./x test` installs it");
        let folder = tempfile::Builder::new().prefix("musubi-smtp-").tempdir().unwrap().keep();
        let log = folder.join("server.log");
        let way = match tls {
            MailTls::None => "none",
            MailTls::Starttls => "starttls",
            MailTls::Implicit => "implicit",
        };
        let program = root.join("tests/real/smtp/server.py").display().to_string();
        let mut command =
            vec![python.display().to_string(), program, folder.display().to_string(), port.to_string(), way.to_owned()];
        command.extend(account.iter().flat_map(|(user, password)| [(*user).to_owned(), (*password).to_owned()]));
        let process =
            watchdog::start(watchdog::Plan { wrap: &[], signal: "TERM", folder: &folder, command, log: &log });
        watchdog::wait_until("the mail server", &log, || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        let account = account.map(|(user, password)| (user.to_owned(), password.to_owned()));
        Self { port, tls, account, folder, _process: process }
    }

    /// Sends mails of a hub here.
    pub fn configure(&self, config: &mut Config) {
        let mail = &mut config.mail;
        mail.host = "localhost".into();
        mail.port = self.port;
        mail.tls = self.tls;
        mail.ca_file = if self.tls == MailTls::None { String::new() } else { self.authority() };
        if let Some((user, password)) = &self.account {
            (mail.user, mail.password) = (user.clone(), password.clone());
        }
        mail.from = "結び連携 <hub@hinoki-seiki.example>".into();
        mail.retry_first.0 = Duration::from_millis(100);
        mail.retry_max.0 = Duration::from_millis(200);
        mail.gather.0 = Duration::from_millis(300);
    }

    /// The same for a command.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let mut config = Config::default();
        self.configure(&mut config);
        let mail = config.mail;
        let tls = match mail.tls {
            MailTls::None => "none",
            MailTls::Starttls => "starttls",
            MailTls::Implicit => "implicit",
        };
        vec![
            ("MUSUBI_MAIL__HOST", mail.host),
            ("MUSUBI_MAIL__PORT", mail.port.to_string()),
            ("MUSUBI_MAIL__TLS", tls.to_owned()),
            ("MUSUBI_MAIL__CA_FILE", mail.ca_file),
            ("MUSUBI_MAIL__USER", mail.user),
            ("MUSUBI_MAIL__PASSWORD", mail.password),
            ("MUSUBI_MAIL__FROM", mail.from),
        ]
    }

    /// The file with the authority of its certificate.
    pub fn authority(&self) -> String {
        self.folder.join("ca.pem").display().to_string()
    }

    /// What it answers from now on; an empty object takes everything.
    pub fn refuse(&self, what: &Value) {
        let file = self.folder.join("refuse.json");
        let fresh = self.folder.join("refuse.new");
        std::fs::write(&fresh, what.to_string()).unwrap();
        std::fs::rename(fresh, file).unwrap();
    }

    pub fn count(&self) -> usize {
        let files = std::fs::read_dir(&self.folder).unwrap();
        files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|kind| kind == "eml")).count()
    }

    /// The mail that came as so manyth, from 1.
    pub async fn mail(&self, number: usize) -> Mail {
        let (file, start) = (self.folder.join(format!("{number}.eml")), Instant::now());
        while !file.exists() {
            assert!(start.elapsed() < Duration::from_secs(60), "mail {number} never comes");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let about = std::fs::read(self.folder.join(format!("{number}.json"))).unwrap();
        Mail { raw: std::fs::read(file).unwrap(), about: serde_json::from_slice(&about).unwrap() }
    }
}
