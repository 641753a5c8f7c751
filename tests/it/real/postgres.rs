//! A private PostgreSQL: own data folder, own port, fsync on, never as root.

use std::{
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use musubi::store;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::sync::OnceCell;

use super::watchdog::{self, Watched};

pub struct Postgres {
    port: u16,
    template: OnceCell<()>,
    next: AtomicU32,
    _server: Watched,
}

impl Postgres {
    /// The server of this test run, started by whoever asks first.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    fn start() -> Self {
        let bin = programs();
        let user = ServerUser::choose();
        let folder = tempfile::Builder::new().prefix("musubi-pg-").tempdir_in("/tmp").unwrap().keep();
        user.own(&folder);
        let data = folder.join("data").display().to_string();
        let made = user
            .command(&bin.join("initdb").display().to_string())
            .args(["-D", &data, "-U", "musubi", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"])
            .current_dir("/")
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let port = watchdog::free_port();
        let sockets = folder.display();
        let mut command = vec![bin.join("postgres").display().to_string(), "-D".into(), data];
        for setting in [
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={port}"),
            format!("unix_socket_directories={sockets}"),
            "fsync=on".into(),
            "max_connections=300".into(),
            "shared_buffers=64MB".into(),
        ] {
            command.extend(["-c".into(), setting]);
        }
        let log = std::env::temp_dir().join(format!("musubi-pg-{port}.log"));
        // QUIT is the immediate shutdown: nothing is worth a last checkpoint, the data is removed.
        let plan = watchdog::Plan { wrap: &user.wrap, signal: "QUIT", folder: &folder, command, log: &log };
        let server = watchdog::start(plan);
        // It listens before it is ready, so the port alone says nothing.
        let address = ["-q", "-h", "127.0.0.1", "-p", &port.to_string()];
        watchdog::wait_until("PostgreSQL", &log, || {
            Command::new(bin.join("pg_isready")).args(address).status().is_ok_and(|status| status.success())
        });
        drop(std::fs::remove_file(&log));
        Self { port, template: OnceCell::new(), next: AtomicU32::new(0), _server: server }
    }

    pub fn url(&self, database: &str) -> String {
        format!("postgres://musubi@127.0.0.1:{}/{database}", self.port)
    }

    /// A new, empty database with the current schema, copied from a template made once.
    pub async fn fresh_database(&self) -> String {
        self.template
            .get_or_init(|| async {
                self.admin("CREATE DATABASE hub_template").await;
                let db = store::open(&self.url("hub_template"), 1).await.unwrap();
                store::migrate::run(&db).await.unwrap();
                // A template may have no connections.
                db.close().await;
            })
            .await;
        let name = self.numbered();
        self.admin(&format!("CREATE DATABASE {name} TEMPLATE hub_template")).await;
        self.url(&name)
    }

    /// A new database without any table.
    pub async fn bare_database(&self) -> String {
        let name = self.numbered();
        self.admin(&format!("CREATE DATABASE {name}")).await;
        self.url(&name)
    }

    fn numbered(&self) -> String {
        format!("hub_{}", self.next.fetch_add(1, Ordering::Relaxed))
    }

    async fn admin(&self, statement: &str) {
        let mut connection = PgConnection::connect(&self.url("postgres")).await.unwrap();
        connection.execute(AssertSqlSafe(statement.to_owned())).await.unwrap();
        connection.close().await.unwrap();
    }
}

/// Where the server's programs are: Debian keeps them out of the path, one folder a version.
fn programs() -> PathBuf {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| (entry.file_name().to_string_lossy().parse().unwrap_or(0), entry.path().join("bin")))
        .filter(|(_, bin)| bin.join("postgres").exists() && bin.join("initdb").exists())
        .collect();
    versions.sort();
    let in_path = std::env::var_os("PATH")
        .and_then(|path| std::env::split_paths(&path).find(|folder| folder.join("initdb").exists()));
    versions.pop().map(|(_, bin)| bin).or(in_path).expect("PostgreSQL is not installed: `./x test` installs it")
}

/// PostgreSQL refuses to run as root; then another user runs it.
struct ServerUser {
    wrap: Vec<String>,
    ids: Option<(u32, u32)>,
}

impl ServerUser {
    fn choose() -> Self {
        let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        if !is_root {
            return Self { wrap: Vec::new(), ids: None };
        }
        let ids = |name| Some((id(name, "-u")?, id(name, "-g")?));
        let (user, group) = ids("postgres").or_else(|| ids("nobody")).expect("neither postgres nor nobody exists");
        let wrap = vec![
            "setpriv".into(),
            format!("--reuid={user}"),
            format!("--regid={group}"),
            "--clear-groups".into(),
            "--".into(),
        ];
        Self { wrap, ids: Some((user, group)) }
    }

    fn own(&self, folder: &Path) {
        if let Some((user, group)) = self.ids {
            std::os::unix::fs::chown(folder, Some(user), Some(group)).unwrap();
        }
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).unwrap();
    }

    fn command(&self, program: &str) -> Command {
        let words: Vec<&str> = self.wrap.iter().map(String::as_str).chain([program]).collect();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        command
    }
}

fn id(name: &str, which: &str) -> Option<u32> {
    let output = Command::new("id").args([which, name]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

#[tokio::test]
async fn a_private_postgres_answers_and_syncs() {
    let url = Postgres::shared().bare_database().await;
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let (one, fsync): (i32, String) =
        sqlx::query_as("SELECT 1, current_setting('fsync')").fetch_one(&mut connection).await.unwrap();
    assert_eq!((one, fsync.as_str()), (1, "on"));
    let owner = std::fs::metadata(format!("/proc/{}", Postgres::shared()._server.pid)).unwrap().uid();
    assert_ne!(owner, 0, "PostgreSQL must not run as root");
}
