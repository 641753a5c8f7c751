#![expect(clippy::unwrap_used, reason = "tests")]
use std::time::Duration;

use super::*;

fn with_file(text: &str) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.toml");
    std::fs::write(&path, text).unwrap();
    Config::load_from(Some(&path), &[])
}

fn with_variable(name: &str, value: &str) -> Result<Config, ConfigError> {
    Config::load_from(None, &[(name.to_owned(), value.to_owned())])
}

#[test]
fn the_commented_file_is_the_defaults_and_is_complete() {
    let config = Config::default();
    assert_eq!(config.server.public_url, "http://localhost:8080");
    assert_eq!(config.server.max_body.bytes(), 1 << 20);
    assert_eq!(config.session.idle.duration(), Duration::from_secs(8 * 3600));
    assert_eq!(config.organisation.zone.iana_name(), Some("Asia/Tokyo"));
    // What is printed reads back as the same configuration.
    let printed = toml::to_string(&config.redacted()).unwrap();
    assert_eq!(with_file(&printed).unwrap(), config);
}

#[test]
fn the_environment_wins_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.toml");
    std::fs::write(&path, "[server]\nlisten = \"127.0.0.1:9000\"\n[sync]\nworkers = 2\n").unwrap();
    let variables = [
        ("MUSUBI_SERVER__LISTEN", "0.0.0.0:9001"),
        ("MUSUBI_SERVER__TRUSTED_PROXIES", "10.0.0.1, 10.0.0.2"),
        ("MUSUBI_CONFIG", "not-read-because-a-file-was-named.toml"),
        ("MUSUBI_PORT_8080_TCP", "set by a container platform"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = Config::load_from(Some(&path), &variables).unwrap();
    assert_eq!(config.server.listen.to_string(), "0.0.0.0:9001");
    assert_eq!(config.server.trusted_proxies.len(), 2);
    assert_eq!(config.sync.workers, 2);
}

#[test]
fn unknown_keys_name_their_place_and_the_nearest_key() {
    let cases = [
        (with_file("[server]\nlissten = \"x\"\n"), "server.lissten; did you mean server.listen?"),
        (with_file("[sever]\nlisten = \"x\"\n"), "sever.listen; did you mean server.listen?"),
        (with_file("listen = \"127.0.0.1:1\"\n"), "listen; did you mean server.listen?"),
        (with_file("[log]\nzone = \"UTC\"\n"), "log.zone; did you mean organisation.zone?"),
        (
            with_variable("MUSUBI_SYNC__WORKER", "1"),
            "MUSUBI_SYNC__WORKER: there is no key sync.worker; did you mean sync.workers?",
        ),
        (with_variable("MUSUBI_DATABASE_URL", "x"), "did you mean MUSUBI_DATABASE__URL?"),
    ];
    for (result, expected) in cases {
        let text = result.unwrap_err().to_string();
        assert!(text.contains(expected), "{text}");
    }
    assert!(with_file("[server]\nlissten = \"x\"\n").unwrap_err().to_string().contains("hub.toml"));
}

#[test]
fn wrong_values_name_their_place_and_key() {
    let cases = [
        (with_file("[session]\nidle = \"soon\"\n"), "session.idle", "no duration"),
        (with_file("[server]\nmax_body = \"1MB\"\n"), "server.max_body", "no size"),
        (with_file("[organisation]\nzone = \"Asia/Edo\"\n"), "organisation.zone", "not valid"),
        (with_file("[organisation]\ncurrency = \"YEN!\"\n"), "organisation.currency", "not valid"),
        (with_file("[session]\nidle = \"8d\"\n"), "session.idle", "session.absolute"),
        (with_file("[database]\nurl = \"mysql://x\"\n"), "database.url", "sqlite:// or postgres://"),
        (with_file("[server]\npublic_url = \"https://hub.example/app\"\n"), "server.public_url", "without a path"),
        (with_file("[log]\nfilter = \"info\"\n[log]\n"), "line 3", "duplicate key"),
        (with_file("[access]\nlimited = [\"admin\"]\n"), "access.limited", "not \"admin\""),
        (with_variable("MUSUBI_ACCESS__PERSONAL", "employee, auditor"), "access.personal", "not \"auditor\""),
        (with_variable("MUSUBI_SYNC__WORKERS", "many"), "sync.workers", "whole number"),
        (with_variable("MUSUBI_SYNC__WORKERS", "0"), "sync.workers", "between 1"),
        (with_variable("MUSUBI_CONFIG", "/nonexistent/hub.toml"), "/nonexistent/hub.toml", "cannot be read"),
    ];
    for (result, place, reason) in cases {
        let text = result.unwrap_err().to_string();
        assert!(text.contains(place) && text.contains(reason), "{text}");
    }
}

#[test]
fn secrets_are_not_printed() {
    let variables =
        [("MUSUBI_SECRETS__KEY", "hunter2"), ("MUSUBI_DATABASE__URL", "postgres://hub:hunter2@db.example/hub")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = Config::load_from(None, &variables).unwrap();
    let printed = toml::to_string(&config.redacted()).unwrap();
    assert!(!printed.contains("hunter2"), "{printed}");
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn a_url_can_come_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("url");
    std::fs::write(&path, "postgres://hub:pw@db.example/hub\n").unwrap();
    let config = with_variable("MUSUBI_DATABASE__URL_FILE", path.to_str().unwrap()).unwrap();
    assert_eq!(config.database.url, "postgres://hub:pw@db.example/hub");
    assert!(with_variable("MUSUBI_DATABASE__URL_FILE", "/nonexistent").is_err());
}
